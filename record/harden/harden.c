/*
 * Capabilities by the bare system calls. A root without them is still the owner of root's files:
 * that is what Landlock and the filter are for.
 */
#include "record/harden/harden.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/log.h"
#include "record/harden/calls.h"
#include "record/harden/files.h"

enum { CAPABILITY_CHECKPOINT_RESTORE = 40 }; /* Linux 5.9; map_files without CAP_SYS_ADMIN */

struct capabilities {
	uint64_t effective, permitted;
};

static uint64_t bit(unsigned int capability)
{
	return UINT64_C(1) << capability;
}

static struct capabilities capabilities_get(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return (struct capabilities){ 0, 0 };
	return (struct capabilities){
		.effective = data[0].effective | (uint64_t)data[1].effective << 32,
		.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
	};
}

static void capabilities_set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)effective, .permitted = (uint32_t)permitted },
		{ .effective = (uint32_t)(effective >> 32),
		  .permitted = (uint32_t)(permitted >> 32) },
	};

	syscall(SYS_capset, &head, data);
}

/* Those that are there and wanted stay; inheritable ones go too. */
static void capabilities_keep(uint64_t wanted)
{
	struct capabilities now = capabilities_get();

	capabilities_set(now.effective & wanted, now.permitted & wanted);
}

/* O_PATH; -1: standard output, or no such directory. */
static int open_directory(const char *output)
{
	const char *slash = strrchr(output, '/');
	char path[PATH_MAX] = ".";

	if (!strcmp(output, "-"))
		return -1;
	if (slash == output)
		snprintf(path, sizeof(path), "/");
	else if (slash)
		snprintf(path, sizeof(path), "%.*s", (int)(slash - output), output);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Whether files can be made there with these capabilities alone. */
static bool can_write(int dir_fd, uint64_t wanted)
{
	struct capabilities now = capabilities_get();

	capabilities_set(now.effective & wanted, now.permitted);
	/* musl's faccessat() forks to answer this */
	bool can = syscall(SYS_faccessat2, dir_fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
	capabilities_set(now.effective, now.permitted);
	return can;
}

static bool forbid_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

void harden_writes(const char *output, bool has_command, bool needs_nice)
{
	AUTO_CLOSE int dir_fd = open_directory(output);
	uint64_t wanted = (has_command ? bit(CAP_KILL) : 0) | (needs_nice ? bit(CAP_SYS_NICE) : 0);
	bool privileges = forbid_new_privileges();

	if (dir_fd >= 0 && !can_write(dir_fd, wanted))
		wanted |= bit(CAP_DAC_OVERRIDE);
	capabilities_keep(wanted);
	int landlock = files_limit(FILES_WRITES, dir_fd);
	log_debug("harden", "recorder: no_new_privs=%d capabilities=%#llx landlock=%d", privileges,
		  (unsigned long long)capabilities_get().effective, landlock);
}

void harden_recorder(const char *output)
{
	AUTO_CLOSE int dir_fd = open_directory(output);
	int landlock = files_limit(FILES_ALL, dir_fd);
	bool calls = calls_limit(CALLS_RECORDER);

	log_debug("harden", "recorder: reads_landlock=%d seccomp=%d", landlock, calls);
}

void harden_inspector(void)
{
	forbid_new_privileges();
	capabilities_keep(bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_SYSLOG) |
			  bit(CAPABILITY_CHECKPOINT_RESTORE));
	calls_limit(CALLS_INSPECTOR);
}
