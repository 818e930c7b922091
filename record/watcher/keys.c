/*
 * A table of keys, one function for each. Where the model reads a word in a way that its own
 * documentation contradicts (group and event swapped, 0x without hexadecimal digits), the
 * documentation is followed.
 */
#include "record/watcher/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/format/perfregs.h"

enum { RAW_OFFSET_MAX = 4096 };

static int parse_integer(const char *key, const char *text, int64_t min, int64_t max, int64_t *ret,
			 struct err *err)
{
	const char *digits = text + (*text == '-');
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, digits[0] == '0' && digits[1] == 'x' ? 16 : 10);
	if (!isdigit((unsigned char)*digits) || *end || errno || value < min || value > max)
		return err_set(err, -EINVAL, "'%s=%s': expected %" PRId64 " to %" PRId64, key, text,
			       min, max);
	*ret = value;
	return 0;
}

static int copy_word(char *to, const char *key, const char *text, struct err *err)
{
	if (!*text || strlen(text) >= WATCHER_NAME_BYTES)
		return err_set(err, -EINVAL, "'%s=%s': expected 1 to %d characters", key, text,
			       WATCHER_NAME_BYTES - 1);
	strcpy(to, text);
	return 0;
}

/* ---- one function for each key ---- */

/* perf's letters behind an event that has a name: "cycles:u", "cycles:ppp" */
static bool are_modifiers(const char *text)
{
	return *text && !text[strspn(text, "ukhGHpPSDeIW")];
}

static int set_modified(struct parse *p, const char *key, const char *name, const char *modifiers,
			struct err *err)
{
	if (modifiers[strspn(modifiers, "uk")])
		return err_set(
			err, -EINVAL,
			"'%s:%s': of perf's modifiers only u (user code alone) and k with it "
			"(both, as without) are taken",
			name, modifiers);
	p->user_only = !strchr(modifiers, 'k');
	if (!strchr(modifiers, 'u'))
		return err_set(
			err, -EINVAL,
			"'%s:%s': the kernel alone cannot be asked for; record both, and look "
			"at the kernel in the report",
			name, modifiers);
	return copy_word(p->name, key, name, err);
}

/* "group:name" names both. */
static int set_name(struct parse *p, const char *key, const char *text, struct err *err)
{
	const char *colon = strchr(text, ':');
	char group[WORD_BYTES];

	if (!colon)
		return copy_word(p->name, key, text, err);
	snprintf(group, sizeof(group), "%.*s", (int)(colon - text), text);
	if (watcher_kind_find(group) && are_modifiers(colon + 1))
		return set_modified(p, key, group, colon + 1, err);
	if (strpbrk(colon + 1, ":/") || strchr(group, '/'))
		return err_set(err, -EINVAL, "Invalid event/tracepoint (%s): expected GROUP:NAME",
			       text);
	return copy_word(p->group, key, group, err) < 0 ? err->code :
							  copy_word(p->name, key, colon + 1, err);
}

static int set_group(struct parse *p, const char *key, const char *text, struct err *err)
{
	if (strchr(text, ':'))
		return set_name(p, key, text, err);
	if (strchr(text, '/'))
		return err_set(err, -EINVAL, "Invalid event/tracepoint (%s): a group has no '/'",
			       text);
	return copy_word(p->group, key, text, err);
}

static int set_id(struct parse *p, const char *key, const char *text, struct err *err)
{
	int64_t id;

	if (parse_integer(key, text, 1, INT_MAX, &id, err) < 0)
		return -EINVAL;
	p->id = (uint64_t)id;
	p->has_id = true;
	return 0;
}

static int set_label(struct parse *p, const char *key, const char *text, struct err *err)
{
	if (isdigit((unsigned char)*text))
		return err_set(err, -EINVAL, "'%s=%s': a label does not start with a digit", key,
			       text);
	return copy_word(p->label, key, text, err);
}

static int set_mode(struct parse *p, const char *key, const char *text, struct err *err)
{
	p->mode = 0;
	if (isdigit((unsigned char)*text)) {
		int64_t bits;
		if (parse_integer(key, text, 0, 3, &bits, err) < 0)
			return -EINVAL;
		p->mode = (unsigned int)bits;
		return 0;
	}
	for (const char *at = text; *at; at++) {
		char c = (char)tolower((unsigned char)*at);
		if (!strchr("sla*", c))
			return err_set(err, -EINVAL,
				       "'%s=%s': expected s (sum), l (live), or a (all)", key,
				       text);
		p->mode |= c == 's' ? WATCHER_MODE_SUM :
			   c == 'l' ? WATCHER_MODE_LIVE :
				      WATCHER_MODE_SUM | WATCHER_MODE_LIVE;
	}
	return *text ? 0 : err_set(err, -EINVAL, "'%s=': expected s, l or a", key);
}

static int set_period(struct parse *p, const char *key, const char *text, struct err *err)
{
	if (parse_integer(key, text, -INT64_C(0xffffffffffff), INT64_C(0xffffffffffff), &p->period,
			  err) < 0)
		return -EINVAL;
	if (!p->period)
		return err_set(err, -EINVAL, "'%s=%s': a period is at least 1", key, text);
	p->has_period = true;
	return 0;
}

static int set_frequency(struct parse *p, const char *key, const char *text, struct err *err)
{
	int64_t hz;

	if (parse_integer(key, text, 1, WATCHER_FREQUENCY_MAX_HZ, &hz, err) < 0)
		return -EINVAL;
	p->frequency_hz = (uint64_t)hz;
	p->has_frequency = true;
	return 0;
}

static int set_scale(struct parse *p, const char *key, const char *text, struct err *err)
{
	char *end;

	p->scale = strtod(text, &end);
	if (end == text || *end || !isfinite(p->scale) || p->scale == 0)
		return err_set(err, -EINVAL, "'%s=%s': expected a number that is not 0", key, text);
	return 0;
}

static int claim_value(struct parse *p, const char *key, const char *text, enum watcher_value value,
		       struct err *err)
{
	if (p->has_value && p->value != WATCHER_VALUE_PERIOD)
		return err_set(err, -EINVAL,
			       "'%s=%s': arg_num, register and raw_offset exclude each other", key,
			       text);
	p->has_value = true;
	p->value = value;
	return 0;
}

static int set_argument(struct parse *p, const char *key, const char *text, struct err *err)
{
	/* rdi rsi rdx rcx r8 r9 of the System V psABI; x0 to x6 of AAPCS64 */
	static const uint8_t x86_64[] = { 5, 4, 1, 2, 8, 9 };
	bool is_x86 = perf_regs_native()->machine == MACHINE_X86_64;
	int64_t n;

	if (parse_integer(key, text, 1, is_x86 ? 6 : 7, &n, err) < 0)
		return -EINVAL;
	p->value_at = is_x86 ? x86_64[n - 1] : (uint32_t)n - 1;
	return claim_value(p, key, text, WATCHER_VALUE_REGISTER, err);
}

/* The model numbers x86 registers ax bx cx dx si di bp sp ip flags cs ss r8 to r15. */
static int set_register(struct parse *p, const char *key, const char *text, struct err *err)
{
	const struct perf_regs *regs = perf_regs_native();
	bool is_x86 = regs->machine == MACHINE_X86_64;
	int64_t n;

	if (parse_integer(key, text, 0, is_x86 ? 19 : 32, &n, err) < 0)
		return -EINVAL;
	if (is_x86 && n >= 9 && n <= 11)
		return err_set(err, -EINVAL, "'%s=%s': flags and segments are not recorded", key,
			       text);
	p->value_at = regs->dwarf[is_x86 && n > 11 ? n - 3 : n];
	return claim_value(p, key, text, WATCHER_VALUE_REGISTER, err);
}

static int set_raw_offset(struct parse *p, const char *key, const char *text, struct err *err)
{
	int64_t at;

	if (parse_integer(key, text, 0, RAW_OFFSET_MAX, &at, err) < 0)
		return -EINVAL;
	p->value_at = (uint32_t)at;
	return claim_value(p, key, text, WATCHER_VALUE_RAW, err);
}

static int set_raw_size(struct parse *p, const char *key, const char *text, struct err *err)
{
	int64_t n;

	if (parse_integer(key, text, 1, 8, &n, err) < 0)
		return -EINVAL;
	if (n & (n - 1))
		return err_set(err, -EINVAL, "'%s=%s': expected 1, 2, 4 or 8", key, text);
	p->value_bytes = (uint32_t)n;
	return 0;
}

static int set_stack_size(struct parse *p, const char *key, const char *text, struct err *err)
{
	int64_t n;

	if (parse_integer(key, text, 8, WATCHER_STACK_BYTES_MAX, &n, err) < 0)
		return -EINVAL;
	if (n % 8)
		return err_set(err, -EINVAL, "'%s=%s': expected a multiple of 8", key, text);
	p->stack_bytes = (uint32_t)n;
	return 0;
}

static const struct key {
	const char *names; /* blanks between */
	int (*set)(struct parse *p, const char *key, const char *text, struct err *err);
} keys[] = {
	{ "e event eventname ev", set_name },
	{ "g group groupname gr", set_group },
	{ "i id", set_id },
	{ "l label", set_label },
	{ "m mode", set_mode },
	{ "p period per", set_period },
	{ "f frequency freq", set_frequency },
	{ "s value_scale scale", set_scale },
	{ "n arg_num argno", set_argument },
	{ "r register regno", set_register },
	{ "o raw_offset rawoff", set_raw_offset },
	{ "z raw_size rawsz", set_raw_size },
	{ "st stack_sample_size stcksz", set_stack_size },
};

static bool names_hold(const char *names, const char *key, size_t n)
{
	for (; *names; names += strcspn(names, " "), names += strspn(names, " "))
		if (strcspn(names, " ") == n && !strncmp(names, key, n))
			return true;
	return false;
}

int parse_word(struct parse *p, char *word, struct err *err)
{
	char *equals = strchr(word, '=');

	if (!equals) {
		if (p->name[0])
			return err_set(err, -EINVAL,
				       "Invalid event/tracepoint (%s): the event is '%s' already; "
				       "';' stands between events",
				       word, p->name);
		return set_name(p, "event", word, err);
	}
	*equals = 0;
	for (size_t i = 0; i < N_ELEMENTS(keys); i++)
		if (names_hold(keys[i].names, word, strlen(word)))
			return keys[i].set(p, word, equals + 1, err);
	return err_set(err, -EINVAL, "'%s' is no key of an event; see -e help", word);
}
