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
#include "record/turn.h"

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
		if (parse_number(one, 1, INT32_MAX, "", &pid, NULL) < 0)
			return err_set(err, -EINVAL,
				       "'%s': expected process numbers with ',' between, 1 to %d: "
				       "\"$(pgrep -d, NAME)\"",
				       one, INT32_MAX);
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
	return opt_parse_switch(value, &((struct options *)ctx)->session.whole_system, err);
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

	if (!strcmp(value, "max")) /* perf's; the kernel's limit is looked at when it opens */
		hz = WATCHER_FREQUENCY_MAX_HZ;
	else if (parse_number(value, 1, WATCHER_FREQUENCY_MAX_HZ, "samples a second, or max", &hz,
			      err) < 0)
		return -EINVAL;
	((struct options *)ctx)->frequency_hz = (uint32_t)hz;
	return 0;
}

int set_count(void *ctx, const char *value, struct err *err)
{
	return parse_number(value, 1, UINT64_C(0xffffffffffff), "events",
			    &((struct options *)ctx)->count, err);
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

int set_inherit(void *ctx, const char *value, struct err *err)
{
	return opt_parse_switch(value, &((struct options *)ctx)->session.inherit, err);
}

int set_enable(void *ctx, const char *value, struct err *err)
{
	return opt_parse_switch(value, &((struct options *)ctx)->enable, err);
}

/* ---- what perf's users type ---- */

int set_no_inherit(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct options *)ctx)->session.inherit = false;
	return 0;
}

int set_quiet(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct options *)ctx)->log_level = LOG_WARNING;
	return 0;
}

int set_call_graph(void *ctx, const char *value, struct err *err)
{
	if (!strncmp(value, "dwarf,", 6))
		return set_stack_size(ctx, value + 6, err);
	if (!strcmp(value, "dwarf"))
		return 0;
	return err_set(err, -EINVAL,
		       "'%s': stacks are copied, and unwound by the report, with frame pointers or "
		       "without: leave it out, or dwarf,BYTES",
		       value);
}

/* ---- COMMAND and the recorder as processes ---- */

int set_user(void *ctx, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL, "expected a user's name, or UID:GID");
	((struct options *)ctx)->user_name = value;
	return 0;
}

int set_max_overhead(void *ctx, const char *value, struct err *err)
{
	struct options *o = ctx;
	char *end;

	if (!strcmp(value, "off")) {
		o->session.max_overhead_permyriad = 0;
		return 0;
	}
	double percent = strtod(value, &end);
	if (!isdigit((unsigned char)value[0]) || *end || !(percent >= 0.1 && percent <= 100))
		return err_set(err, -EINVAL, "'%s': expected 0.1 to 100 percent of one CPU, or off",
			       value);
	o->session.max_overhead_permyriad = (uint32_t)(percent * 100 + 0.5);
	return 0;
}

int set_nice(void *ctx, const char *value, struct err *err)
{
	struct options *o = ctx;
	bool negative = value[0] == '-';
	uint64_t n;

	if (parse_number(value + negative, 0, negative ? 20 : 19, "", &n, NULL) < 0)
		return err_set(err, -EINVAL, "'%s': expected -20 to 19", value);
	o->self.nice = negative ? -(int)n : (int)n;
	o->self.has_nice = o->self.nice != -1;
	return 0;
}

int set_realtime(void *ctx, const char *value, struct err *err)
{
	struct options *o = ctx;
	uint64_t priority = 0;

	o->self.realtime = REALTIME_AUTO;
	if (!strcmp(value, "auto"))
		return 0;
	if (!strcmp(value, "no"))
		o->self.realtime = REALTIME_NO;
	else if (parse_number(value, 1, REALTIME_PRIORITY_MAX, "", &priority, NULL) == 0)
		o->self.realtime = (int)priority;
	else
		return err_set(err, -EINVAL, "'%s': expected 1 to %d, auto or no", value,
			       REALTIME_PRIORITY_MAX);
	return 0;
}

/* A wrong mask costs the recording nothing: warned about, not refused. */
int set_cpus(void *ctx, const char *value, struct err *err)
{
	struct options *o = ctx;

	o->self.has_cpus = self_parse_cpus(value, &o->self.cpus, err) == 0;
	if (!o->self.has_cpus)
		log_warning("option --cpu-affinity: %s; left out", err->text);
	return 0;
}

/* ---- messages ---- */

int set_verbose(void *ctx, const char *value, struct err *err)
{
	bool on;

	if (opt_parse_switch(value, &on, err) < 0)
		return err->code;
	if (on)
		((struct options *)ctx)->log_level = LOG_INFO;
	return 0;
}

int set_log_level(void *ctx, const char *value, struct err *err)
{
	return log_parse_level(value, &((struct options *)ctx)->log_level, err);
}

int set_log_output(void *ctx, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL,
			       "expected stdout, stderr, syslog, disabled or a file name");
	((struct options *)ctx)->log_output = value;
	return 0;
}

int set_show_config(void *ctx, const char *value, struct err *err)
{
	return opt_parse_switch(value, &((struct options *)ctx)->show_config, err);
}

int set_capture(void *ctx, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL, "expected a file name");
	((struct options *)ctx)->capture = value;
	return 0;
}

int set_help(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct options *)ctx)->help = true;
	return 0;
}

int set_help_extended(void *ctx, const char *value, struct err *err)
{
	((struct options *)ctx)->help_extended = true;
	return set_help(ctx, value, err);
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

/* ---- options of other programs ---- */

int accept_text(void *ctx, const char *value, struct err *err)
{
	(void)ctx;
	return check_label(value, TAGS_BYTES_MAX, err);
}

int accept_secret(void *ctx, const char *value, struct err *err)
{
	(void)ctx, (void)value, (void)err;
	return 0;
}

int accept_number(void *ctx, const char *value, struct err *err)
{
	uint64_t n;

	(void)ctx;
	return parse_number(value + (value[0] == '-'), 0, INT32_MAX, "as a number", &n, err);
}

/* perf's -u is a user. */
int accept_seconds(void *ctx, const char *value, struct err *err)
{
	if (accept_number(ctx, value, NULL) == 0)
		return 0;
	return err_set(err, -EINVAL,
		       "'%s': expected seconds between uploads; a user's processes are recorded "
		       "by -p \"$(pgrep -d, -u USER)\"",
		       value);
}

int accept_port(void *ctx, const char *value, struct err *err)
{
	uint64_t n;

	(void)ctx;
	return parse_number(value, 1, UINT16_MAX, "as a port", &n, err);
}

int accept_switch(void *ctx, const char *value, struct err *err)
{
	bool on;

	(void)ctx;
	return opt_parse_switch(value, &on, err);
}

int accept_config(void *ctx, const char *value, struct err *err)
{
	(void)ctx, (void)value, (void)err;
	return 0;
}

int set_completion(void *ctx, const char *value, struct err *err)
{
	static const char *const names[] = { "bash", "zsh", "fish" };
	unsigned int choice;

	if (parse_choice(value, names, N_ELEMENTS(names), &choice, err) < 0)
		return err->code;
	((struct options *)ctx)->completion = value;
	return 0;
}
