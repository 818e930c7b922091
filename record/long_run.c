/*
 * Times and sizes share an option (--rotate, --last): the unit tells them apart, so there it may
 * not be left out. "5m" are minutes, "5M" are MiB, as in perf.
 */
#include "record/long_run.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"

static const uint64_t second_ns = 1000000000;
static const double time_max_s = 1e9;
static const uint64_t size_max = UINT64_C(1) << 50;
static const uint64_t segment_bytes_min = 64 << 10;
static const uint64_t last_bytes_min = 1 << 20, last_bytes_max = UINT64_C(4) << 30;
enum { KEEP_MAX = 99999, TRIGGER_PERCENT_MAX = 1000000 };

static bool is_size_unit(char c)
{
	return c && strchr("KkMGgB", c);
}

static bool is_time_unit(char c)
{
	return c && strchr("smhd", c);
}

static bool unit_of_time(const char *end, double *ret_seconds)
{
	static const struct {
		char unit;
		double seconds;
	} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };

	for (size_t i = 0; i < N_ELEMENTS(units); i++)
		if (*end == units[i].unit && (!*end || !end[1])) {
			*ret_seconds = units[i].seconds;
			return true;
		}
	return false;
}

int long_run_parse_time(const char *text, uint64_t *ret_ns, struct err *err)
{
	char *end;
	double unit, seconds = strtod(text, &end);

	/* strtod takes "0x1p3", "inf" and blanks too: those are no times. */
	if (!isdigit((unsigned char)text[0]) ||
	    strspn(text, "0123456789.") != (size_t)(end - text) || !unit_of_time(end, &unit))
		return err_set(err, -EINVAL, "'%s': expected a time, like 30, 0.5, 30s, 5m or 1h",
			       text);
	seconds *= unit;
	if (!(seconds > 0 && seconds < time_max_s))
		return err_set(err, -EINVAL,
			       "'%s': expected more than 0 and less than %.0f seconds", text,
			       time_max_s);
	*ret_ns = (uint64_t)(seconds * 1e9);
	return 0;
}

int long_run_parse_size(const char *text, uint64_t *ret_bytes, struct err *err)
{
	char *end;
	uint64_t bytes;
	unsigned int shift = 0;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G' || *end == 'g')
		shift = 30;
	if (!isdigit((unsigned char)text[0]) || errno || (*end && (!is_size_unit(*end) || end[1])))
		return err_set(err, -EINVAL, "'%s': expected a size, like 65536, 64K, 64M or 1G",
			       text);
	if (__builtin_mul_overflow(value, UINT64_C(1) << shift, &bytes) || bytes > size_max ||
	    !bytes)
		return err_set(err, -EINVAL, "'%s': expected a size from 1 to 1048576G", text);
	*ret_bytes = bytes;
	return 0;
}

int long_run_set_sync(struct long_run_options *o, const char *value, struct err *err)
{
	uint64_t ns;

	if (!strcmp(value, "off") || !strcmp(value, "0")) {
		o->sink.sync_ns = 0;
		return 0;
	}
	if (long_run_parse_time(value, &ns, err) < 0)
		return -EINVAL;
	if (ns < second_ns)
		return err_set(err, -EINVAL, "'%s': expected 1s or more, or off", value);
	o->sink.sync_ns = ns;
	return 0;
}

/* A time or a size, by its unit; the other one becomes 0. */
static int parse_either(const char *text, uint64_t *ret_bytes, uint64_t *ret_ns, struct err *err)
{
	char unit = *text ? text[strlen(text) - 1] : '\0';

	*ret_bytes = *ret_ns = 0;
	if (is_size_unit(unit))
		return long_run_parse_size(text, ret_bytes, err);
	if (is_time_unit(unit))
		return long_run_parse_time(text, ret_ns, err);
	return err_set(err, -EINVAL, "'%s': expected a size like 64M or a time like 60s, with unit",
		       text);
}

static int parse_count(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || !n || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* Before ':' and behind it (NULL: there is none). */
static int split(const char *value, char head[32], const char **ret_tail, struct err *err)
{
	size_t n = strcspn(value, ":");

	if (n >= 32)
		return err_set(err, -EINVAL, "'%.40s': longer than any size or time", value);
	memcpy(head, value, n);
	head[n] = '\0';
	*ret_tail = value[n] ? value + n + 1 : NULL;
	return 0;
}

int long_run_set_rotate(struct long_run_options *o, const char *value, struct err *err)
{
	char head[32];
	const char *tail;
	uint64_t bytes, ns;
	unsigned long keep = 0;

	if (split(value, head, &tail, err) < 0 || parse_either(head, &bytes, &ns, err) < 0)
		return -EINVAL;
	if (tail && parse_count(tail, KEEP_MAX, &keep) < 0)
		return err_set(err, -EINVAL, "'%s': expected 1 to %d files to keep after ':'",
			       value, KEEP_MAX);
	if (bytes && bytes < segment_bytes_min)
		return err_set(err, -EINVAL, "'%s': expected files of 64K or more", value);
	if (ns && ns < second_ns)
		return err_set(err, -EINVAL, "'%s': expected files of 1s or more", value);
	o->sink.rotate_bytes = bytes;
	o->sink.rotate_ns = ns;
	o->sink.rotate_keep = (uint32_t)keep;
	return 0;
}

int long_run_set_last(struct long_run_options *o, const char *value, struct err *err)
{
	uint64_t bytes, ns;

	if (parse_either(value, &bytes, &ns, err) < 0)
		return -EINVAL;
	if (ns && ns < second_ns)
		return err_set(err, -EINVAL, "'%s': expected 1s or more", value);
	if (bytes && (bytes < last_bytes_min || bytes > last_bytes_max))
		return err_set(err, -EINVAL, "'%s': expected 1M to 4G", value);
	o->sink.last_bytes = bytes;
	o->sink.last_ns = ns;
	return 0;
}

int long_run_set_trigger(struct long_run_options *o, const char *value, struct err *err)
{
	char head[32];
	const char *tail;
	unsigned long percent;
	uint64_t ns = 5 * second_ns;

	if (split(value, head, &tail, err) < 0)
		return -EINVAL;
	size_t n = strlen(head);
	if (n && head[n - 1] == '%')
		head[n - 1] = '\0';
	if (parse_count(head, TRIGGER_PERCENT_MAX, &percent) < 0)
		return err_set(err, -EINVAL,
			       "'%s': expected percent of one CPU, like 150 or 150:5s", value);
	if (tail && long_run_parse_time(tail, &ns, err) < 0)
		return -EINVAL;
	o->trigger_percent = (uint32_t)percent;
	o->trigger_ns = ns;
	return 0;
}

/* perf's: milliseconds, -1 waits for a command; a time with its unit is clearer. */
int long_run_set_delay(struct long_run_options *o, const char *value, struct err *err)
{
	size_t n = strlen(value);
	bool has_unit = n && is_time_unit(value[n - 1]);
	uint64_t ns;

	o->start_paused = true;
	o->delay_ns = 0;
	if (!strcmp(value, "-1"))
		return 0;
	if (!strcmp(value, "0")) {
		o->start_paused = false;
		return 0;
	}
	if (long_run_parse_time(value, &ns, NULL) < 0)
		return err_set(err, -EINVAL,
			       "'%s': expected milliseconds, a time like 30s, or -1 (until "
			       "--control says enable)",
			       value);
	o->delay_ns = has_unit ? ns : ns / 1000;
	return 0;
}

int long_run_check(const struct long_run_options *o, const char *output, struct err *err)
{
	bool rotate = o->sink.rotate_bytes || o->sink.rotate_ns;
	bool last = o->sink.last_bytes || o->sink.last_ns;

	if (o->start_paused && !o->control && !o->delay_ns)
		return err_set(err, -EINVAL,
			       "--start-paused: nothing would ever take samples: add "
			       "--control=fifo:CTL, whose command 'enable' does, or use "
			       "--delay=10s instead");
	if (rotate && last)
		return err_set(err, -EINVAL, "--rotate and --last exclude each other; see --help");
	if ((rotate || last) && !strcmp(output, "-"))
		return err_set(err, -EINVAL,
			       "%s writes several files: name them with -o FILE, not '-'",
			       rotate ? "--rotate" : "--last");
	if (o->trigger_percent && !last)
		return err_set(err, -EINVAL, "--trigger-cpu needs --last; see --help");
	if (o->max_bytes && last)
		return err_set(err, -EINVAL,
			       "--max-size and --last exclude each other; see --help");
	return 0;
}
