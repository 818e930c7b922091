/*
 * Lists, not of what is dangerous but of what is used; tests/flow/calls-after-start.txt names what
 * a trace may show. A call that is not listed fails with EPERM: a libc that tries something new
 * falls back, and a recording is never lost to a missing line here. What would make code or
 * processes out of data (exec, fork, executable memory, sockets, ptrace) is in no list.
 */
#include "record/harden/calls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/sanitized.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0 /* no filter: other ABIs of one kernel share no numbers */
#endif

/* The low half of an argument lies first on both machines. */
enum {
	FILTER_MAX = 256,
	ARG0 = offsetof(struct seccomp_data, args),
	ARG2 = offsetof(struct seccomp_data, args) + 2 * 8,
};

static const uint16_t both[] = {
	SYS_read,	   SYS_readv,	     SYS_pread64,
	SYS_write,	   SYS_writev,	     SYS_close,
	SYS_fstat,	   SYS_lseek,	     SYS_sendto,
	SYS_recvfrom,	   SYS_ppoll,	     SYS_openat,
	SYS_newfstatat,	   SYS_statx,	     SYS_faccessat,
	SYS_getdents64,	   SYS_fcntl,	     SYS_ioctl,
	SYS_munmap,	   SYS_mremap,	     SYS_madvise,
	SYS_brk,	   SYS_futex,	     SYS_rt_sigprocmask,
	SYS_rt_sigaction,  SYS_rt_sigreturn, SYS_sigaltstack,
	SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep,
	SYS_nanosleep,	   SYS_gettimeofday, SYS_getpid,
	SYS_gettid,	   SYS_getppid,	     SYS_getuid,
	SYS_geteuid,	   SYS_getgid,	     SYS_getegid,
	SYS_getrandom,	   SYS_sched_yield,  SYS_restart_syscall,
	SYS_exit,	   SYS_exit_group,
#ifdef SYS_poll
	SYS_poll,	   SYS_open,	     SYS_stat,
	SYS_lstat,	   SYS_access,	     SYS_time,
#endif
	SYS_sysinfo, /* qsort() of glibc asks how much memory there is */
#ifdef SYS_membarrier
	SYS_membarrier,
#endif
#ifdef SYS_rseq
	SYS_rseq, /* a thread of ours may just be starting */
#endif
};

static const uint16_t recorder[] = {
	SYS_pwrite64,
	SYS_pwritev,
	SYS_pwritev2,
	SYS_fsync,
	SYS_fdatasync,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_renameat,
	SYS_renameat2,
	SYS_unlinkat,
	SYS_linkat,
	SYS_mkdirat,
	SYS_fchmod,
	SYS_fstatfs,
	SYS_kill,
	SYS_tgkill,
	SYS_wait4,
	SYS_waitid,
	SYS_getrusage,
	SYS_socketpair,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_pidfd_send_signal,
	SYS_set_robust_list,
	SYS_sched_getaffinity,
#ifdef SYS_rename
	SYS_rename,
	SYS_unlink,
	SYS_link,
#endif
};

/* Read, and limits of its own. */
static const uint16_t inspector[] = {
	SYS_openat2,  SYS_readlinkat, SYS_statfs, SYS_fstatfs, SYS_prlimit64, SYS_close_range,
#ifdef SYS_readlink
	SYS_readlink,
#endif
};

struct filter {
	struct sock_filter at[FILTER_MAX];
	unsigned short n;
};

static void put(struct filter *f, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	if (f->n < FILTER_MAX)
		f->at[f->n++] = (struct sock_filter){ code, yes, no, k };
}

static void put_list(struct filter *f, const uint16_t *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, calls[i]);
		put(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	}
}

/* Allowed unless the third argument (of both calls: prot) has PROT_EXEC. */
static void put_no_exec(struct filter *f, uint32_t call)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, call);
	put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, ARG2);
	put(f, BPF_JMP | BPF_JSET | BPF_K, 1, 0, PROT_EXEC);
	put(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	put(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
}

/* Allowed for this thread itself: the first argument is 0. */
static void put_own(struct filter *f, uint32_t call)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, call);
	put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, ARG0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
	put(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	put(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
}

static void fill(struct filter *f, enum calls_of of)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCH);
	put(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
	put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	put_list(f, both, N_ELEMENTS(both));
	if (of == CALLS_RECORDER)
		put_list(f, recorder, N_ELEMENTS(recorder));
	else
		put_list(f, inspector, N_ELEMENTS(inspector));
	if (of == CALLS_RECORDER)
		put_own(f, SYS_sched_setattr); /* turn.c */
	put_no_exec(f, SYS_mmap);
	put_no_exec(f, SYS_mprotect);
	put(f, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
}

bool calls_limit(enum calls_of of)
{
	struct filter filter = { .n = 0 };
	struct sock_fprog program;

	if (!ARCH || SANITIZED)
		return false;
	fill(&filter, of);
	program = (struct sock_fprog){ filter.n, filter.at };
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) ==
	       0;
}
