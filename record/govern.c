#include "record/govern.h"

#include <string.h>

#include "common/base/bits.h"
#include "common/format/event.h"

static const uint64_t second_ns = 1000000000;
static const uint64_t look_least_ns = 200000000;
static const uint64_t sample_cost_first_ns = 10000, sample_cost_max_ns = 30000; /* 3 to 20 us */
static const uint64_t calm_wanted_ns = 4 * UINT64_C(1000000000);
static const uint64_t pause_first_ns = 10 * UINT64_C(1000000000);
static const uint64_t pause_max_ns = 320 * UINT64_C(1000000000);
static const uint64_t helpless_ns = 5 * UINT64_C(1000000000); /* before it is said */
enum {
	KEPT_MIN = 50,	     /* samples a second of a source: fewer would spare nothing */
	KEPT_TO_LEARN = 100, /* samples a second that tell what one costs */
};

/* What happened since the last look, for one second of it. */
struct span {
	uint64_t own_ns, room_ns; /* used; and what samples may use of the budget */
	uint64_t n[WATCHERS_MAX], kept[WATCHERS_MAX], cost_ns[WATCHERS_MAX];
	uint64_t all_kept;
	bool spares_stack; /* less of each would be a good part less */
};

static uint64_t a_second(uint64_t n, uint64_t took_ns)
{
	return took_ns ? (uint64_t)((double)n * 1e9 / (double)took_ns + 0.5) : n;
}

static uint64_t limit_ns(const struct govern *g)
{
	return budget_income_ns(&g->budget, second_ns);
}

/* Measured is the drain alone: compression and the rest are as much again, or twice. */
static double scale_of(uint64_t own_ns, double measured_ns)
{
	double scale = measured_ns > 0 ? (double)own_ns / measured_ns : 1;

	return MAX(MIN(scale, 3.0), 1.0);
}

static void learn(struct govern *g, const struct span *span, double kept_cost_ns)
{
	if (span->all_kept < KEPT_TO_LEARN)
		return;
	uint64_t cost = MIN((uint64_t)(kept_cost_ns / (double)span->all_kept), sample_cost_max_ns);
	/* Other work only makes it dearer: what is cheap is believed at once. */
	g->sample_cost_ns = cost < g->sample_cost_ns ? cost : (3 * g->sample_cost_ns + cost) / 4;
}

static void share_out(struct govern *g, const struct govern_use *use, uint64_t took_ns,
		      struct span *span)
{
	uint64_t all = a_second(use->other_cost_ns - g->last.other_cost_ns, took_ns), all_kept = 0;

	for (uint8_t i = 0; i < g->n_sources; i++) {
		const struct govern_source_use *now = &use->source[i], *old = &g->last.source[i];
		uint64_t kept = a_second(now->kept_cost_ns - old->kept_cost_ns, took_ns);
		uint64_t rest = a_second(now->rest_cost_ns - old->rest_cost_ns, took_ns);

		span->cost_ns[i] = kept + rest;
		all_kept += kept;
		all += kept + rest;
	}
	double scale = scale_of(span->own_ns, (double)all);
	for (uint8_t i = 0; i < g->n_sources; i++)
		span->cost_ns[i] = (uint64_t)((double)span->cost_ns[i] * scale);
	learn(g, span, (double)all_kept * scale);
}

static void measure(struct govern *g, const struct govern_use *use, uint64_t took_ns,
		    struct span *ret)
{
	const struct govern_use *last = &g->last;

	*ret = (struct span){ .own_ns = a_second(use->own_ns - last->own_ns, took_ns) };
	for (uint8_t i = 0; i < g->n_sources; i++) {
		const struct govern_source_use *now = &use->source[i], *old = &last->source[i];

		ret->n[i] = a_second(now->n_samples - old->n_samples, took_ns);
		ret->kept[i] = a_second(now->n_kept - old->n_kept, took_ns);
		ret->all_kept += ret->kept[i];
	}
	uint64_t bytes = use->stack_bytes - last->stack_bytes;
	ret->spares_stack = (use->spare_bytes - last->spare_bytes) * 4 > bytes;
	share_out(g, use, took_ns, ret);
	/* Of four fifths of the limit: what other work leaves, but an eighth at least. */
	uint64_t target = limit_ns(g) * 4 / 5, samples = ret->all_kept * g->sample_cost_ns;
	uint64_t other = ret->own_ns > samples ? ret->own_ns - samples : 0;
	ret->room_ns = target > other ? MAX(target - other, target / 8) : target / 8;
}

/* Of a source with n samples a second. */
static uint8_t level_of(uint64_t n, unsigned int level)
{
	while (level && n >> level < KEPT_MIN)
		level--;
	return (uint8_t)level;
}

/* The highest rates that fit. A source without samples keeps what it has. */
static void levels_for(const struct govern *g, const struct span *span, uint8_t *ret)
{
	for (unsigned int level = 0; level <= GOVERN_LEVEL_MAX; level++) {
		uint64_t kept = 0;

		for (uint8_t i = 0; i < g->n_sources; i++) {
			ret[i] = g->off >> i & 1 ? g->level[i] : level_of(span->n[i], level);
			kept += span->n[i] >> ret[i];
		}
		if (kept * g->sample_cost_ns <= span->room_ns)
			return;
	}
}

static bool may_change(const struct govern *g, uint64_t now_ns, unsigned int keep_free)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < GOVERN_CHANGES_A_MINUTE; i++)
		n += g->changed_ns[i] && now_ns - g->changed_ns[i] < 60 * second_ns;
	return n + keep_free < GOVERN_CHANGES_A_MINUTE;
}

static enum govern_change change(struct govern *g, uint64_t now_ns, enum govern_change what)
{
	g->changed_ns[g->n_changes++ % GOVERN_CHANGES_A_MINUTE] = now_ns;
	g->calm_ns = 0;
	return what;
}

/* ---- less ---- */

/* Up in one step, with a reserve when changes are nearly used up. */
static bool lower_rates(struct govern *g, uint64_t now_ns, const struct span *span)
{
	unsigned int reserve = may_change(g, now_ns, 2) ? 0 : 2;
	uint8_t level[WATCHERS_MAX] = { 0 };
	bool any = false;

	levels_for(g, span, level);
	for (uint8_t i = 0; i < g->n_sources; i++) {
		if (level[i] <= g->level[i])
			continue;
		g->level[i] = level_of(span->n[i],
				       MIN(level[i] + reserve, (unsigned int)GOVERN_LEVEL_MAX));
		any = true;
	}
	return any;
}

static bool lower_stack(struct govern *g, const struct span *span)
{
	if (g->stack == GOVERN_STACK_MAX || !span->spares_stack ||
	    span->all_kept * g->sample_cost_ns < limit_ns(g) / 4)
		return false;
	g->stack++;
	return true;
}

static uint8_t most_important(const struct govern *g)
{
	uint8_t most = 0;

	for (uint8_t i = 1; i < g->n_sources; i++)
		if (g->importance[i] > g->importance[most])
			most = i;
	return most;
}

static bool lower_sources(struct govern *g, uint64_t now_ns, const struct span *span)
{
	int least = -1;

	for (int i = 0; i < g->n_sources; i++) {
		if (g->off >> i & 1 || i == most_important(g) ||
		    span->cost_ns[i] < limit_ns(g) / 10)
			continue;
		if (least < 0 || g->importance[i] <= g->importance[least])
			least = i;
	}
	if (least < 0)
		return false;
	bool again = g->on_ns && now_ns - g->on_ns < 2 * pause_first_ns;
	g->pause_ns = again ? MIN(g->pause_ns * 2, pause_max_ns) : pause_first_ns;
	g->again_ns = now_ns + g->pause_ns;
	g->off |= UINT32_C(1) << least;
	return true;
}

static enum govern_change reduce(struct govern *g, uint64_t now_ns, const struct span *span)
{
	g->calm_ns = 0;
	if (!may_change(g, now_ns, 0))
		return GOVERN_NOTHING;
	if (lower_rates(g, now_ns, span))
		return change(g, now_ns, GOVERN_LESS_SAMPLES);
	if (lower_stack(g, span))
		return change(g, now_ns, GOVERN_LESS_STACK);
	if (lower_sources(g, now_ns, span))
		return change(g, now_ns, GOVERN_LESS_SOURCES);
	g->stuck_ns = g->stuck_ns ? g->stuck_ns : now_ns;
	g->helpless = now_ns - g->stuck_ns >= helpless_ns;
	return GOVERN_NOTHING;
}

/* ---- more ---- */

static bool raise_sources(struct govern *g, uint64_t now_ns)
{
	int most = -1;

	if (!g->off || now_ns < g->again_ns || !budget_is_full(&g->budget) ||
	    !may_change(g, now_ns, 3))
		return false;
	for (int i = 0; i < g->n_sources; i++)
		if (g->off >> i & 1 && (most < 0 || g->importance[i] > g->importance[most]))
			most = i;
	g->off &= ~(UINT32_C(1) << most);
	g->on_ns = now_ns;
	return true;
}

/* What four times as much of the stacks will cost is at most four times what samples cost now. */
static bool raise_stack(struct govern *g, const struct span *span)
{
	if (!g->stack || span->all_kept * g->sample_cost_ns * 4 > span->room_ns)
		return false;
	g->stack--;
	return true;
}

/* To what all the time of calm could have borne. */
static bool raise_rates(struct govern *g)
{
	bool any = false;

	for (uint8_t i = 0; i < g->n_sources; i++) {
		any |= g->calm_level[i] < g->level[i];
		g->level[i] = MIN(g->level[i], g->calm_level[i]);
	}
	return any;
}

static bool is_reduced(const struct govern *g)
{
	bool any = g->stack || g->off;

	for (uint8_t i = 0; i < g->n_sources; i++)
		any |= g->level[i] != 0;
	return any;
}

static enum govern_change relax(struct govern *g, uint64_t now_ns, const struct span *span)
{
	uint8_t level[WATCHERS_MAX] = { 0 };
	bool more = g->stack || (g->off && now_ns >= g->again_ns);

	g->stuck_ns = 0;
	g->helpless = false;
	if (!is_reduced(g))
		return GOVERN_NOTHING;
	levels_for(g, span, level);
	for (uint8_t i = 0; i < g->n_sources; i++) {
		more |= level[i] < g->level[i];
		g->calm_level[i] = g->calm_ns ? MAX(g->calm_level[i], level[i]) : level[i];
	}
	if (!more) {
		g->calm_ns = 0;
		return GOVERN_NOTHING;
	}
	g->calm_ns = g->calm_ns ? g->calm_ns : now_ns;
	/* Two changes are kept for storms to come. */
	if (now_ns - g->calm_ns < calm_wanted_ns || !may_change(g, now_ns, 2))
		return GOVERN_NOTHING;
	if (raise_sources(g, now_ns) || raise_stack(g, span) || raise_rates(g))
		return change(g, now_ns, GOVERN_MORE);
	return GOVERN_NOTHING;
}

/* ---- */

static uint64_t spent_ns(const struct govern_use *use)
{
	return use->own_ns + use->inspector_ns;
}

static void begin(struct govern *g, uint64_t now_ns, const struct govern_use *use)
{
	g->begun = true;
	g->sample_cost_ns = sample_cost_first_ns;
	g->from_ns = now_ns;
	g->last = *use;
	budget_begin(&g->budget, now_ns, spent_ns(use));
}

bool govern_may_spend(const struct govern *g, uint64_t now_ns, const struct govern_use *use)
{
	return !g->budget.permyriad || !g->begun ||
	       budget_left_ns(&g->budget, now_ns, spent_ns(use)) > 0;
}

uint32_t govern_stack_bytes(unsigned int step)
{
	return step ? (STACK_BYTES_MAX + 8) >> 2 * step : 0;
}

enum govern_change govern_look(struct govern *g, uint64_t now_ns, const struct govern_use *use)
{
	struct span span;

	if (!g->budget.permyriad)
		return GOVERN_NOTHING;
	if (!g->begun) {
		begin(g, now_ns, use);
		return GOVERN_NOTHING;
	}
	uint64_t took_ns = now_ns - g->from_ns;
	if (took_ns < second_ns && (took_ns < look_least_ns || govern_may_spend(g, now_ns, use)))
		return GOVERN_NOTHING;
	measure(g, use, took_ns, &span);
	g->used_permyriad = a_second(spent_ns(use) - spent_ns(&g->last), took_ns) / 100000;
	g->from_ns = now_ns;
	g->last = *use;
	budget_settle(&g->budget, now_ns, spent_ns(use));
	if (span.own_ns <= limit_ns(g))
		return relax(g, now_ns, &span);
	/* Without debt there is time, unless what is reduced clearly was reduced too little. */
	if (g->budget.saved_ns < 0 || (is_reduced(g) && span.own_ns > limit_ns(g) * 5 / 4))
		return reduce(g, now_ns, &span);
	return GOVERN_NOTHING;
}
