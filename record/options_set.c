/*
 * Every text is checked here, before COMMAND is started: what is wrong with it says what was
 * expected.
 */
#include "record/options_set.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "record/options.h"

static int parse_number(const char *text, uint64_t min, uint64_t max, const char *unit,
			uint64_t *ret, struct err *err)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || value < min || value > max)
		return err_set(err, -EINVAL, "'%s': expected %llu to %llu %s", text,
			       (unsigned long long)min, (unsigned long long)max, unit);
	*ret = value;
	return 0;
}

static int parse_choice(const char *text, const char *const *names, size_t n, unsigned int *ret,
			struct err *err)
{
	char list[128] = "";

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(text, names[i])) {
			*ret = (unsigned int)i;
			return 0;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "",
			 names[i]);
	}
	return err_set(err, -EINVAL, "'%s': expected one of %s", text, list);
}

int set_pids(void *ctx, const char *value, struct err *err)
{
	struct options *o = ctx;
	uint64_t pid;

	for (const char *at = value;; at++) {
		char one[24];
		size_t n = strcspn(at, ",");

		snprintf(one, sizeof(one), "%.*s", (int)MIN(n, sizeof(one) - 1), at);
		if (parse_number(one, 1, INT32_MAX, "as process number", &pid, err) < 0)
			return -EINVAL;
		if (o->session.n_pids == TARGET_PIDS_MAX)
			return err_set(err, -E2BIG, "at most %d processes", TARGET_PIDS_MAX);
		o->pids[o->session.n_pids++] = (pid_t)pid;
		at += n;
		if (!*at)
			return 0;
	}
}

int set_all(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct options *)ctx)->session.whole_system = true;
	return 0;
}

int set_output(void *ctx, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL, "expected a file name, or '-'");
	((struct options *)ctx)->session.output = value;
	return 0;
}

int set_frequency(void *ctx, const char *value, struct err *err)
{
	uint64_t hz;

	if (parse_number(value, 1, 100000, "samples a second", &hz, err) < 0)
		return -EINVAL;
	((struct options *)ctx)->frequency_hz = (uint32_t)hz;
	return 0;
}

int set_event(void *ctx, const char *value, struct err *err)
{
	struct options *o = ctx;

	if (!strcmp(value, "help"))
		return o->event_help = true, 0;
	return watchers_add(&o->watchers, value, err);
}

int set_preset(void *ctx, const char *value, struct err *err)
{
	struct watchers any = { .n = 0 };

	((struct options *)ctx)->preset = value;
	return watchers_add_preset(&any, value, false, err);
}

int set_stacks(void *ctx, const char *value, struct err *err)
{
	static const char *const names[] = { "scrubbed", "raw", "none" };
	unsigned int choice;

	if (parse_choice(value, names, N_ELEMENTS(names), &choice, err) < 0)
		return -EINVAL;
	((struct options *)ctx)->session.stacks = choice;
	return 0;
}

int set_stack_size(void *ctx, const char *value, struct err *err)
{
	uint64_t bytes;

	if (parse_number(value, 8, STACK_BYTES_MAX, "bytes", &bytes, err) < 0)
		return -EINVAL;
	if (bytes % 8)
		return err_set(err, -EINVAL, "'%s': expected a multiple of 8", value);
	((struct options *)ctx)->session.stack_bytes = (uint32_t)bytes;
	return 0;
}

int set_embed(void *ctx, const char *value, struct err *err)
{
	static const char *const names[] = { "none", "unwind", "symbols", "full" };
	unsigned int choice;

	if (parse_choice(value, names, N_ELEMENTS(names), &choice, err) < 0)
		return -EINVAL;
	((struct options *)ctx)->session.embed = choice;
	return 0;
}

int set_verbose(void *ctx, const char *value, struct err *err)
{
	(void)ctx, (void)value, (void)err;
	log_set_level(LOG_INFO);
	return 0;
}

int set_log_level(void *ctx, const char *value, struct err *err)
{
	enum log_level level;

	(void)ctx;
	if (log_parse_level(value, &level, err) < 0)
		return err->code;
	log_set_level(level);
	return 0;
}

int set_help(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct options *)ctx)->help = true;
	return 0;
}

int set_version(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct options *)ctx)->version = true;
	return 0;
}

/* ---- what the recording is about ---- */

/* One line of UTF-8-ish text that a report can show: no control bytes, bounded. */
static int check_label(const char *value, size_t limit, struct err *err)
{
	size_t n = strlen(value);

	if (n > limit)
		return err_set(err, -EFBIG, "%zu bytes, limit is %zu", n, limit);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			return err_set(err, -EINVAL, "control byte 0x%02x at %zu",
				       (unsigned int)value[i], i);
	return 0;
}

int set_service(void *ctx, const char *value, struct err *err)
{
	((struct options *)ctx)->session.service = value;
	return check_label(value, TAG_BYTES_MAX, err);
}

int set_environment(void *ctx, const char *value, struct err *err)
{
	((struct options *)ctx)->session.environment = value;
	return check_label(value, TAG_BYTES_MAX, err);
}

int set_service_version(void *ctx, const char *value, struct err *err)
{
	((struct options *)ctx)->session.service_version = value;
	return check_label(value, TAG_BYTES_MAX, err);
}

int set_tags(void *ctx, const char *value, struct err *err)
{
	((struct options *)ctx)->session.tags = value;
	return check_label(value, TAGS_BYTES_MAX, err);
}
