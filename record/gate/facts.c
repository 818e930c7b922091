/*
 * Any file may be missing: containers hide them, a chroot has no /proc. Then the fact is unknown,
 * and what was tried in the child still tells what matters.
 */
#include "record/gate/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/io.h"

enum { FILE_BYTES_MAX = 65536, KLOG_READ_ALL = 3 };

/* ret_unread (if any): it may be there, and could not be read. */
static int read_number(const char *path, bool *ret_unread)
{
	AUTO_FREE char *text = NULL;
	char *end;
	size_t n;

	int r = io_read_file(path, 64, &text, &n, NULL);
	if (ret_unread)
		*ret_unread = r < 0 && r != -ENOENT;
	if (r < 0)
		return FACT_UNKNOWN;
	long value = strtol(text, &end, 10);
	return end == text || value < -99 || value > 1 << 30 ? FACT_UNKNOWN : (int)value;
}

/* Behind "Name:" at the start of a line; NULL: there is none. */
static const char *find_line(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = text; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, name, n) && at[n] == ':')
			return at + n + 1;
	}
	return NULL;
}

void facts_parse_status(const char *text, struct gate_facts *ret)
{
	const char *at = find_line(text, "CapEff");

	if (at) {
		ret->caps_known = true;
		ret->caps = strtoull(at, NULL, 16);
	}
	at = find_line(text, "Seccomp");
	if (at)
		ret->seccomp = (int)strtol(at, NULL, 10);
	at = find_line(text, "NoNewPrivs");
	ret->no_new_privs = at && strtol(at, NULL, 10) == 1;
	at = find_line(text, "TracerPid");
	ret->traced = at && strtol(at, NULL, 10) > 0;
}

bool facts_is_nested(const char *link)
{
	unsigned long inode; /* include/linux/proc_ns.h, PROC_USER_INIT_INO */

	return sscanf(link, "user:[%lu]", &inode) == 1 && inode != 0xeffffffdul;
}

static bool read_nested(bool *ret_unread)
{
	char link[64];
	ssize_t n = readlink("/proc/self/ns/user", link, sizeof(link) - 1);

	*ret_unread = n < 0;
	if (n < 0)
		return false;
	link[n] = 0;
	return facts_is_nested(link);
}

/* gVisor's kernel log is made for everyone; Linux's is asked only where perf is refused. */
static bool read_gvisor(const struct gate_attempts *tried)
{
	static const char version[] = "#1 SMP Sun Jan 10 15:06:54 PST 2016";
	char log[4096] = "";
	struct utsname uts;

	if (uname(&uts) == 0 && !strcmp(uts.version, version))
		return true;
	if (!tried->own_user)
		return false;
	int n = klogctl(KLOG_READ_ALL, log, (int)sizeof(log) - 1);
	return n > 0 && strstr(log, "gVisor");
}

static int try_tracefs(void)
{
	static const char *const path[] = { "/sys/kernel/tracing/events",
					    "/sys/kernel/debug/tracing/events" };
	int code = ENOENT;

	for (int i = 0; i < 2; i++) {
		if (access(path[i], R_OK | X_OK) == 0)
			return 0;
		if (errno != ENOENT && errno != ENOTDIR)
			code = errno;
	}
	return code;
}

/* "lockdown,capability,yama,apparmor" -> the one that knows rules for single programs */
static void read_lsm(struct gate_facts *ret)
{
	static const char *const known[] = { "selinux", "apparmor", "smack", "tomoyo" };
	AUTO_FREE char *text = NULL;
	size_t n;

	if (io_read_file("/sys/kernel/security/lsm", FILE_BYTES_MAX, &text, &n, NULL) == 0) {
		for (size_t i = 0; i < 4 && !ret->lsm[0]; i++)
			if (strstr(text, known[i]))
				snprintf(ret->lsm, sizeof(ret->lsm), "%s", known[i]);
	} else if (access("/sys/fs/selinux", F_OK) == 0) {
		snprintf(ret->lsm, sizeof(ret->lsm), "selinux");
	}
}

static void read_self(struct gate_facts *ret)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	ret->uid = geteuid();
	if (io_read_file("/proc/self/status", FILE_BYTES_MAX, &text, &n, NULL) == 0)
		facts_parse_status(text, ret);
	ssize_t bytes = readlink("/proc/self/exe", ret->program, sizeof(ret->program) - 1);
	ret->program[bytes > 0 && bytes < (ssize_t)sizeof(ret->program) - 1 ? bytes : 0] = 0;
	ret->nested_user_ns = read_nested(&ret->user_ns_unread);
	ret->limits_unread = getrlimit(RLIMIT_MEMLOCK, &ret->memlock) < 0 ||
			     getrlimit(RLIMIT_NOFILE, &ret->files) < 0;
}

void facts_read(struct gate_facts *ret)
{
	struct utsname uts;

	memset(ret, 0, sizeof(*ret));
	ret->seccomp = FACT_UNKNOWN;
	strcpy(ret->release, "release unknown");
	if (uname(&uts) == 0)
		snprintf(ret->release, sizeof(ret->release), "%.79s", uts.release);
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	ret->n_cpus = n_cpus > 0 ? (unsigned int)n_cpus : 1;
	ret->paranoid = read_number("/proc/sys/kernel/perf_event_paranoid", NULL);
	ret->mlock_kb = read_number("/proc/sys/kernel/perf_event_mlock_kb", NULL);
	ret->kptr_restrict = read_number("/proc/sys/kernel/kptr_restrict", NULL);
	ret->ptrace_scope = read_number("/proc/sys/kernel/yama/ptrace_scope", &ret->yama_unread);
	read_self(ret);
	read_lsm(ret);
	ret->tracefs = try_tracefs();
	ret->place = place_look(&ret->place_unread);
	attempts_make(&ret->tried);
	ret->gvisor = read_gvisor(&ret->tried);
}
