/* One pass over the text, one word at a time; keys.c knows what the words mean. */
#include "record/watcher/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"

static const struct watcher_kind tracepoint_kind = {
	.name = "tracepoint",
	.what = "a tracepoint of the kernel",
	.unit = "events",
	.class = WATCHER_TRACEPOINT,
	.type = PERF_TYPE_TRACEPOINT,
	.rate = 1,
	.kernel = WATCHER_KERNEL_NEED,
};

/* "r1a8", "cpu/cycles/", "{cycles" */
static bool is_of_a_pmu(const char *name)
{
	return strpbrk(name, "/{}") || (*name == 'r' && isxdigit((unsigned char)name[1]) &&
					!name[1 + strspn(name + 1, "0123456789abcdefABCDEF")]);
}

static int fill_known(const struct parse *p, struct watcher *w, struct err *err)
{
	w->kind = watcher_kind_find(p->name);
	if (!w->kind && is_of_a_pmu(p->name))
		return err_set(err, -EINVAL,
			       "Invalid event/tracepoint (%s): perf's raw codes, groups and events "
			       "of a PMU are not taken; see -e help",
			       p->name);
	if (!w->kind)
		return err_set(err, -EINVAL,
			       "Invalid event/tracepoint (%s): no event has this name; "
			       "see -e help",
			       p->name);
	if (p->user_only && w->kind->kernel == WATCHER_KERNEL_NEED)
		return err_set(err, -EINVAL,
			       "event '%s' happens in the kernel: with ':u' there are none",
			       w->kind->name);
	strcpy(w->name, w->kind->name);
	return 0;
}

static int fill_name(const struct parse *p, struct watcher *w, struct err *err)
{
	int n;

	if (!p->group[0] && !p->has_id)
		return fill_known(p, w, err);
	if (!p->group[0] && watcher_kind_find(p->name))
		return err_set(err, -EINVAL,
			       "event '%s' has no id: that is the number of a tracepoint", p->name);
	w->kind = &tracepoint_kind;
	if (p->group[0] && !p->name[0])
		return err_set(err, -EINVAL,
			       "Invalid event/tracepoint (%s:): the group has no event", p->group);
	if (p->group[0])
		n = snprintf(w->name, sizeof(w->name), "%s:%s", p->group, p->name);
	else
		n = snprintf(w->name, sizeof(w->name), "id:%" PRIu64, p->id);
	return n < (int)sizeof(w->name) ? 0 :
					  err_set(err, -EINVAL,
						  "Invalid event/tracepoint (%s:%s): at most %d "
						  "characters",
						  p->group, p->name, WATCHER_NAME_BYTES - 1);
}

/* A period of an event that samples by frequency is one: "sCPU p=50" is in the model's help. */
static int fill_rate(const struct parse *p, struct watcher *w, struct err *err)
{
	bool is_frequency = w->kind->is_frequency ? true : p->has_frequency;
	uint64_t rate = p->has_frequency ? p->frequency_hz :
			p->has_period	 ? (uint64_t)(p->period < 0 ? -p->period : p->period) :
					   w->kind->rate;

	if (p->has_frequency && p->has_period)
		return err_set(err, -EINVAL, "event '%s': period and frequency exclude each other",
			       w->name);
	if (p->period < 0 && w->kind->class != WATCHER_LIBRARY)
		return err_set(err, -EINVAL,
			       "event '%s': 'period=%" PRId64 "': only sALLOC takes a negative one",
			       w->name, p->period);
	if (is_frequency && rate > WATCHER_FREQUENCY_MAX_HZ)
		return err_set(err, -EINVAL,
			       "event '%s': 'period=%" PRIu64
			       "' is a frequency here: expected 1 to %d",
			       w->name, rate, WATCHER_FREQUENCY_MAX_HZ);
	if (p->has_frequency &&
	    (w->kind->class == WATCHER_LIBRARY || w->kind->class == WATCHER_OFF_CPU))
		return err_set(err, -EINVAL, "event '%s' has no frequency, only a period", w->name);
	w->deterministic = p->period < 0;
	w->rate_given = p->has_frequency || p->has_period;
	*(is_frequency ? &w->frequency_hz : &w->period) = rate;
	return 0;
}

static int fill(const struct parse *p, struct watcher *w, struct err *err)
{
	*w = (struct watcher){
		.mode = p->mode ? p->mode : WATCHER_MODE_SUM,
		.value = p->value,
		.value_at = p->value_at,
		.value_bytes = p->value_bytes ? p->value_bytes : 8,
		.scale = p->scale != 0 ? p->scale : 1,
		.stack_bytes = p->stack_bytes,
		.user_only = p->user_only,
	};
	if (fill_name(p, w, err) < 0 || fill_rate(p, w, err) < 0)
		return err->code;
	w->config = p->has_id ? p->id : w->kind->config;
	strcpy(w->label, p->label[0] ? p->label : w->name);
	if (p->value_bytes && p->value != WATCHER_VALUE_RAW)
		return err_set(err, -EINVAL, "event '%s': raw_size needs raw_offset", w->name);
	if (p->value == WATCHER_VALUE_RAW && w->kind->class != WATCHER_TRACEPOINT)
		return err_set(err, -EINVAL, "event '%s': only tracepoints have raw values",
			       w->name);
	if ((w->mode & WATCHER_MODE_LIVE) && w->kind->class != WATCHER_LIBRARY)
		return err_set(err, -EINVAL, "event '%s': only sALLOC has a live mode", w->name);
	return 0;
}

/* Two are the same event when nobody could tell their samples apart. */
static int add(struct watchers *ws, const struct watcher *w, const char *text, struct err *err)
{
	for (size_t i = 0; i < ws->n; i++)
		if (!strcmp(ws->watcher[i].name, w->name) &&
		    !strcmp(ws->watcher[i].label, w->label))
			return err_set(err, -EINVAL,
				       "Duplicate event found in input: %s: '%s' is there already; "
				       "'label=' tells two of a kind apart",
				       text, w->name);
	if (ws->n == WATCHERS_MAX)
		return err_set(err, -E2BIG, "'%s': at most %d events", text, WATCHERS_MAX);
	ws->watcher[ws->n++] = *w;
	return 0;
}

static bool is_blank(char c)
{
	return c == ',' || isspace((unsigned char)c);
}

/* One event: up to ';' or the end. *at is moved behind it. *ret_empty: there was no word. */
static int parse_event(const char **at, struct watcher *ret, bool *ret_empty, struct err *err)
{
	struct parse p = { 0 };
	const char *s = *at;
	int r = 0;

	*ret_empty = true;
	for (;;) {
		char word[WORD_BYTES];
		size_t n = 0;

		while (is_blank(*s))
			s++;
		if (!*s || *s == ';')
			break;
		while (s[n] && s[n] != ';' && !is_blank(s[n]))
			n++;
		if (n >= sizeof(word))
			return err_set(err, -EINVAL, "'%.32s...': a word of %zu characters", s, n);
		snprintf(word, sizeof(word), "%.*s", (int)n, s);
		r = parse_word(&p, word, err);
		if (r < 0)
			return r;
		*ret_empty = false;
		s += n;
	}
	*at = s + (*s == ';');
	if (*ret_empty)
		return 0;
	if (!p.name[0] && !p.group[0] && !p.has_id)
		return err_set(err, -EINVAL, "an event without name; see -e help");
	return fill(&p, ret, err);
}

int watchers_add(struct watchers *ws, const char *text, struct err *err)
{
	const char *at = text;
	bool any = false;

	while (*at) {
		struct watcher w;
		bool empty;
		int r = parse_event(&at, &w, &empty, err);

		if (r == 0 && !empty)
			r = add(ws, &w, text, err);
		if (r < 0)
			return r;
		any |= !empty;
	}
	return any ? 0 : err_set(err, -EINVAL, "'%s' names no event; see -e help", text);
}
