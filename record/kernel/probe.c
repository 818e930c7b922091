/* Files that are not there leave PROBE_UNKNOWN: containers hide any of them. */
#include "record/kernel/probe.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/io.h"

static int read_number(const char *path)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	if (io_read_file(path, 64, &text, &n, NULL) < 0 || !n)
		return PROBE_UNKNOWN;
	return (int)strtol(text, NULL, 10);
}

/* A number at *at, which moves behind it. -1: there is none. */
static long take_number(const char **at)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return -1;
	long value = strtol(*at, &end, 10);
	*at = end;
	return value < CPUS_MAX * 16 ? value : -1;
}

uint32_t probe_parse_cpus(const char *text, uint16_t *cpus, uint32_t cap)
{
	uint32_t n = 0;

	for (const char *at = text; *at && *at != '\n';) {
		long first = take_number(&at), last = first;

		if (*at == '-') {
			at++;
			last = take_number(&at);
		}
		if (first < 0 || last < first)
			return 0;
		for (long i = first; i <= last && n < cap; i++)
			cpus[n++] = (uint16_t)i;
		if (*at == ',')
			at++;
		else if (*at && *at != '\n')
			return 0;
	}
	return n;
}

static void read_cpus(struct probe *p)
{
	AUTO_FREE char *text = NULL;
	size_t n;

	if (io_read_file("/sys/devices/system/cpu/online", 65536, &text, &n, NULL) == 0)
		p->n_cpus = probe_parse_cpus(text, p->cpu, CPUS_MAX);
	if (p->n_cpus)
		return;
	long n_online = sysconf(_SC_NPROCESSORS_ONLN);
	for (long i = 0; i < n_online && i < CPUS_MAX; i++)
		p->cpu[p->n_cpus++] = (uint16_t)i;
}

/* include/linux/proc_ns.h, PROC_PID_INIT_INO: the first pid namespace. */
static bool read_nested_pids(void)
{
	char link[64];
	unsigned long inode;
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

	link[n > 0 ? n : 0] = 0;
	return sscanf(link, "pid:[%lu]", &inode) == 1 && inode != 0xeffffffcul;
}

void probe_read(struct probe *ret)
{
	struct utsname uts;

	memset(ret, 0, sizeof(*ret));
	if (uname(&uts) == 0) {
		snprintf(ret->release, sizeof(ret->release), "%.79s", uts.release);
		snprintf(ret->machine, sizeof(ret->machine), "%.15s", uts.machine);
	}
	ret->nested_pids = read_nested_pids();
	ret->paranoid = read_number("/proc/sys/kernel/perf_event_paranoid");
	ret->kptr_restrict = read_number("/proc/sys/kernel/kptr_restrict");
	ret->mlock_kb = read_number("/proc/sys/kernel/perf_event_mlock_kb");
	ret->max_rate_hz = read_number("/proc/sys/kernel/perf_event_max_sample_rate");
	read_cpus(ret);
}
