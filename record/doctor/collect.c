/*
 * Nothing is copied whole that might say who or where: of status the lines that are listed here,
 * of the environment names, of uname no node name.
 */
#include "config.h"

#include "record/doctor/collect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <zstd.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/io.h"
#include "common/base/os.h"
#include "record/doctor/checks.h"
#include "record/doctor/mask.h"

enum { FILE_BYTES_MAX = 64 << 10, COMMAND_BYTES_MAX = 1 << 20 };

static void put_libc(struct buf *out)
{
#ifdef __GLIBC__
	buf_printf(out, "libc: glibc %s\n", gnu_get_libc_version());
#else
	buf_puts(out, "libc: not glibc\n");
#endif
}

void collect_build(struct buf *out)
{
	buf_printf(out, "compiler: %s\n", __VERSION__);
	put_libc(out);
	buf_printf(out, "zstd: %s\n", ZSTD_versionString());
}

/* A line for a file of one line; a block for others. */
static void put_file(struct buf *out, const char *path)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	int r = io_read_file(path, FILE_BYTES_MAX, &text, &n, NULL);
	buf_printf(out, "%s: ", path);
	if (r < 0) {
		buf_printf(out, "(%s)\n", strerror(-r));
		return;
	}
	char *end = strchr(text, '\n');
	bool one = !end || !end[1];
	if (!one)
		buf_putc(out, '\n');
	buf_puts(out, text);
	if (n && text[n - 1] != '\n')
		buf_putc(out, '\n');
}

void collect_system(struct buf *out)
{
	static const char *const files[] = {
		"/proc/sys/kernel/perf_event_paranoid",
		"/proc/sys/kernel/perf_event_mlock_kb",
		"/proc/sys/kernel/perf_event_max_sample_rate",
		"/proc/sys/kernel/perf_cpu_time_max_percent",
		"/proc/sys/kernel/perf_event_max_stack",
		"/proc/sys/kernel/kptr_restrict",
		"/proc/sys/kernel/yama/ptrace_scope",
		"/proc/sys/kernel/unprivileged_userns_clone",
		"/sys/devices/system/cpu/online",
		"/sys/devices/system/clocksource/clocksource0/current_clocksource",
	};
	struct os_release os;
	struct utsname uts;

	if (uname(&uts) == 0)
		buf_printf(out, "kernel: %s %s %s %s\n", uts.sysname, uts.release, uts.version,
			   uts.machine);
	put_libc(out);
	os_release_read(&os);
	buf_printf(out, "os: %s (%s %s)\n", os.name, os.id, os.version);
	for (size_t i = 0; i < N_ELEMENTS(files); i++)
		put_file(out, files[i]);
}

/* Lines of status that say what a process may. */
static void put_status(struct buf *out, pid_t pid)
{
	static const char *const keys[] = { "State",   "Uid",	     "Gid",	"NSpid",
					    "Threads", "VmRSS",	     "VmLck",	"VmPin",
					    "CapInh",  "CapPrm",     "CapEff",	"CapBnd",
					    "CapAmb",  "NoNewPrivs", "Seccomp", "Seccomp_filters" };
	AUTO_FREE char *text = NULL;
	char path[48], *save;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	int r = io_read_file(path, FILE_BYTES_MAX, &text, &n, NULL);
	buf_printf(out, "%s:%s%s\n", path, r < 0 ? " " : "", r < 0 ? strerror(-r) : "");
	for (char *line = r < 0 ? NULL : strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
			size_t length = strlen(keys[i]);

			if (!strncmp(line, keys[i], length) && line[length] == ':')
				buf_printf(out, "%s\n", line);
		}
}

static void put_links(struct buf *out, pid_t pid)
{
	static const char *const names[] = { "cgroup", "ipc",  "mnt",  "net",
					     "pid",    "time", "user", "uts" };

	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		char path[64], to[64] = "";

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, names[i]);
		ssize_t n = readlink(path, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = 0;
		buf_printf(out, "%s: %s\n", path, n < 0 ? strerror(errno) : to);
	}
}

void collect_process(pid_t pid, struct buf *out)
{
	static const char *const files[] = { "limits", "cgroup", "uid_map", "gid_map" };

	put_status(out, pid);
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		char path[48];

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
		put_file(out, path);
	}
	put_links(out, pid);
}

void collect_command(pid_t pid, struct buf *out)
{
	AUTO_FREE char *text = NULL;
	char path[48];
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	int r = io_read_file(path, COMMAND_BYTES_MAX, &text, &n, NULL);
	if (r < 0)
		buf_printf(out, "%s: %s\n", path, strerror(-r));
	else
		mask_arguments(text, n, out);
}

void collect_environment(char **environment, struct buf *out)
{
	for (char **at = environment; *at; at++) {
		size_t n = strcspn(*at, "=");
		char name[128];

		if (strncmp(*at, "DD_", 3) != 0 && strncmp(*at, "DDPROF_", 7) != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)MIN(n, sizeof(name) - 1), *at);
		text_clean(name);
		buf_printf(out, "%s=***\n", name);
	}
}
