/* Lists of events that have a name of their own. */
#include "record/watcher/watcher.h"

#include <errno.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"

static const struct preset {
	const char *name, *events, *attached;
} presets[] = {
	{ "default", "sCPU;sALLOC", "sCPU" },
	{ "cpu_only", "sCPU", "sCPU" },
	{ "alloc_only", "sALLOC", "sALLOC" },
	{ "alloc_live_heap", "sALLOC mode=sl", "sALLOC mode=sl" },
	{ "cpu_live_heap", "sCPU;sALLOC mode=sl", "sCPU;sALLOC mode=sl" },
};

static bool is_named(const struct watchers *w, const struct watcher *of)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->watcher[i].name, of->name))
			return true;
	return false;
}

int watchers_add_preset(struct watchers *w, const char *name, bool attached, struct err *err)
{
	for (size_t i = 0; i < N_ELEMENTS(presets); i++) {
		struct watchers more = { .n = 0 };
		int r;

		if (strcmp(presets[i].name, name))
			continue;
		r = watchers_add(&more, attached ? presets[i].attached : presets[i].events, err);
		for (size_t at = 0; r == 0 && at < more.n; at++) {
			if (is_named(w, &more.watcher[at]))
				continue;
			if (w->n == WATCHERS_MAX)
				return err_set(err, -E2BIG, "at most %d events", WATCHERS_MAX);
			w->watcher[w->n++] = more.watcher[at];
		}
		return r;
	}
	return err_set(err, -EINVAL,
		       "Unknown preset (%s): expected default, cpu_only, alloc_only, "
		       "cpu_live_heap or alloc_live_heap",
		       name);
}

void watchers_set_frequency(struct watchers *w, uint32_t hz)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->watcher[i].frequency_hz && !w->watcher[i].rate_given)
			w->watcher[i].frequency_hz = hz;
}

/* The kernel's clock does not tick more often: perf_swevent_hrtimer. */
static const uint64_t clock_period_min_ns = 10000;

void watchers_set_period(struct watchers *w, uint64_t period)
{
	for (size_t i = 0; i < w->n; i++) {
		struct watcher *one = &w->watcher[i];
		bool is_time = one->kind == watcher_kind_find("sCPU");

		if (one->rate_given || one->kind->class == WATCHER_LIBRARY)
			continue;
		one->frequency_hz = 0;
		one->period = is_time ? MAX(period, clock_period_min_ns) : period;
	}
}
