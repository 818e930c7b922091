#include "record/self.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/err.h"
#include "common/base/log.h"

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | ' ') - 'a' + 10;
}

/* From the last digit on, four CPUs each. */
int self_parse_cpus(const char *text, cpu_set_t *ret, struct err *err)
{
	const char *first = text + (strncmp(text, "0x", 2) ? 0 : 2);
	size_t cpu = 0;

	CPU_ZERO(ret);
	for (const char *at = text + strlen(text); at > first;) {
		if (*--at == ',')
			continue;
		if (!isxdigit((unsigned char)*at))
			return err_set(err, -EINVAL, "'%s' is no mask of CPUs in hexadecimal",
				       text);
		for (int bit = 0; bit < 4; bit++, cpu++) {
			if (!(digit(*at) >> bit & 1))
				continue;
			if (cpu >= CPU_SETSIZE)
				return err_set(err, -EINVAL, "'%s' names CPU %zu, limit is %d",
					       text, cpu, CPU_SETSIZE - 1);
			CPU_SET(cpu, ret);
		}
	}
	if (!CPU_COUNT(ret))
		return err_set(err, -EINVAL, "'%s' names no CPU", text);
	return 0;
}

void self_place(const struct self_options *o, pid_t pid)
{
	if (o->has_nice && setpriority(PRIO_PROCESS, (id_t)pid, o->nice) < 0)
		log_warning("cannot set the recorder's nice value to %d: %s", o->nice,
			    strerror(errno));
	if (o->has_cpus && sched_setaffinity(pid, sizeof(o->cpus), &o->cpus) < 0)
		log_warning("cannot set the recorder's CPUs: %s", strerror(errno));
}
