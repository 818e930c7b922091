/*
 * Landlock and seccomp through raw system calls: the wrappers of libc are newer than the kernels.
 *
 * The filter is a list of comparisons with the call's number; the kernel caches the answers for
 * calls whose arguments do not matter. EPERM is the default, so that a libc that tries something
 * new falls back; clone3 fails with ENOSYS, since its flags lie in memory where a filter cannot
 * look, and libc then uses clone, whose flags can be judged: threads yes, processes no.
 */
#include "report/jail/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/sanitized.h"

/* ---- files ---- */

/* As of ABI 6; older kernels are given less of it, by size and by bits. */
struct ruleset {
	uint64_t fs, net, scoped;
};
enum {
	FS_BITS_1 = 13,	     /* ABI 1: execute .. make_sym */
	NET_BITS_4 = 2,	     /* ABI 4: bind and connect TCP */
	SCOPED_BITS_6 = 2,   /* ABI 6: abstract sockets and signals stay within */
	RULESET_BYTES_1 = 8, /* of struct ruleset that the kernel knows */
	RULESET_BYTES_4 = 16,
	RULESET_BYTES_6 = 24,
};

static uint64_t low_bits(unsigned int n)
{
	return (UINT64_C(1) << n) - 1;
}

static size_t ruleset_of(long abi, struct ruleset *ret)
{
	unsigned int fs = FS_BITS_1;

	fs += abi >= 2; /* refer */
	fs += abi >= 3; /* truncate */
	fs += abi >= 5; /* ioctl of devices */
	*ret = (struct ruleset){ .fs = low_bits(fs) };
	if (abi >= 4)
		ret->net = low_bits(NET_BITS_4);
	if (abi >= 6)
		ret->scoped = low_bits(SCOPED_BITS_6);
	return abi >= 6 ? RULESET_BYTES_6 : abi >= 4 ? RULESET_BYTES_4 : RULESET_BYTES_1;
}

static void allow_beneath(int rules, const char *dir)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = open(dir, O_PATH | O_CLOEXEC),
	};

	if (rule.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

bool confine_files(const char *const *beneath, unsigned int n)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset attr;
	int rules;
	bool done;

	if (abi <= 0)
		return false;
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, ruleset_of(abi, &attr), 0);
	if (rules < 0)
		return false;
	for (unsigned int i = 0; i < n; i++)
		allow_beneath(rules, beneath[i]);
	done = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return done;
}

/* ---- system calls ---- */

#if defined(__x86_64__) || defined(__aarch64__)

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

enum {
	X32_BIT = 0x40000000, /* x86: the same numbers, other calls */
	FILTER_MAX = 256,
};

/* Reading what is open, memory, threads, talking to the parent, ending. */
static const int allowed[] = {
	SYS_read,
	SYS_pread64,
	SYS_readv,
	SYS_write,
	SYS_pwrite64,
	SYS_writev,
	SYS_lseek,
	SYS_close,
	SYS_fstat,
	SYS_ftruncate,
	SYS_fadvise64,
	SYS_readahead,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_brk,
	SYS_futex,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_ppoll,
	SYS_exit,
	SYS_exit_group,
	SYS_rt_sigreturn,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_gettid,
	SYS_getpid,
	SYS_getrandom,
	SYS_clock_gettime,
	SYS_gettimeofday,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	/* glibc's qsort merges when it knows the memory there is; else quadratic at worst */
	SYS_sysinfo,
#if defined(__x86_64__)
	SYS_time,
	SYS_poll,
#endif
};

/* With directories to read; Landlock says which. */
static const int allowed_files[] = {
	SYS_openat, SYS_getdents64, SYS_statx, SYS_newfstatat, SYS_readlinkat, SYS_openat2,
#if defined(__x86_64__)
	SYS_open,   SYS_stat,	    SYS_lstat,
#endif
};

/* No parser makes these. */
static const int deadly[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_socket,
	SYS_connect,
	SYS_bind,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kill,
	SYS_tkill,
	SYS_tgkill,
	SYS_init_module,
	SYS_bpf,
	SYS_mount,
	SYS_setns,
	SYS_unshare,
#if defined(__x86_64__)
	SYS_fork,
	SYS_vfork,
#endif
};

static const int harmless_fcntl[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL };

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned int n;
};

static void put(struct filter *f, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	f->code[f->n++] = (struct sock_filter){ .code = code, .jt = yes, .jf = no, .k = k };
}

static void load(struct filter *f, size_t offset)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* Low half of an argument: what is judged here is an int to the kernel too. */
static void load_argument(struct filter *f, unsigned int i)
{
	load(f, offsetof(struct seccomp_data, args) + i * sizeof(uint64_t));
}

static void end_if_equal(struct filter *f, uint32_t value, uint32_t end)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
	put(f, BPF_RET | BPF_K, 0, 0, end);
}

static void end(struct filter *f, uint32_t end)
{
	put(f, BPF_RET | BPF_K, 0, 0, end);
}

/* How a call ends by bits of one argument: one of them set, or all clear. */
static void judge_bits(struct filter *f, int call, unsigned int argument, uint32_t bits,
		       uint32_t set, uint32_t clear)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (uint32_t)call);
	load_argument(f, argument);
	put(f, BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
	end(f, set);
	end(f, clear);
}

static void judge_values(struct filter *f, int call, unsigned int argument, const int *value,
			 unsigned int n, uint32_t otherwise)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(2 * n + 2), (uint32_t)call);
	load_argument(f, argument);
	for (unsigned int i = 0; i < n; i++)
		end_if_equal(f, (uint32_t)value[i], SECCOMP_RET_ALLOW);
	end(f, otherwise);
}

static void list(struct filter *f, const int *call, unsigned int n, uint32_t end)
{
	for (unsigned int i = 0; i < n; i++)
		end_if_equal(f, (uint32_t)call[i], end);
}

static void filter_make(struct filter *f, bool files)
{
	const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM, kill = SECCOMP_RET_KILL_PROCESS;
	const int own_pid = getpid();

	load(f, offsetof(struct seccomp_data, arch));
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCH);
	end(f, kill);
	load(f, offsetof(struct seccomp_data, nr));
	put(f, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
	end(f, kill);
	list(f, allowed, N_ELEMENTS(allowed), SECCOMP_RET_ALLOW);
	judge_bits(f, SYS_mmap, 2, PROT_EXEC, refuse, SECCOMP_RET_ALLOW);
	judge_bits(f, SYS_mprotect, 2, PROT_EXEC, refuse, SECCOMP_RET_ALLOW);
	if (files)
		list(f, allowed_files, N_ELEMENTS(allowed_files), SECCOMP_RET_ALLOW);
	else /* libc's fstat */
		judge_bits(f, SYS_newfstatat, 3, AT_EMPTY_PATH, SECCOMP_RET_ALLOW, refuse);
	judge_values(f, SYS_fcntl, 1, harmless_fcntl, N_ELEMENTS(harmless_fcntl), refuse);
	judge_values(f, SYS_tgkill, 0, &own_pid, 1, kill); /* abort() */
	judge_bits(f, SYS_clone, 0, CLONE_THREAD, SECCOMP_RET_ALLOW, kill);
	end_if_equal(f, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	list(f, deadly, N_ELEMENTS(deadly), kill);
	end(f, refuse);
}

bool confine_calls(bool files)
{
	struct filter f = { .n = 0 };
	struct sock_fprog program = { .filter = f.code };

	if (SANITIZED)
		return false;
	filter_make(&f, files);
	program.len = (unsigned short)f.n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#else

bool confine_calls(bool files)
{
	(void)files;
	return false;
}

#endif

void confine_describe(long *ret_landlock, bool *ret_seccomp)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	*ret_landlock = abi > 0 ? abi : 0;
	*ret_seccomp = !SANITIZED && prctl(PR_GET_SECCOMP) >= 0;
}
