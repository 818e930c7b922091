#include "record/govern.h"

#include "common/base/bits.h"

static const uint64_t second_ns = 1000000000;
static const uint64_t sample_cost_first_ns = 10000, sample_cost_max_ns = 30000; /* 3 to 20 us */
enum {
	SAVED_SECONDS = 3,  /* of the limit */
	CALM_SECONDS = 4,   /* before the rate rises */
	KEPT_MIN = 50,	    /* samples a second: fewer would spare nothing */
	KEPT_TO_LEARN = 100 /* samples of a second that tell what one costs */
};

static uint64_t limit_ns(const struct govern *g, uint64_t ns)
{
	return ns / 10000 * g->limit_permyriad;
}

/* Of four fifths of the limit: what other work leaves, but an eighth at least. */
static unsigned int level_for(const struct govern *g, uint64_t busy_ns, uint64_t n, uint64_t kept,
			      uint64_t took_ns)
{
	uint64_t target = limit_ns(g, took_ns) * 4 / 5, samples = kept * g->sample_cost_ns;
	uint64_t other = busy_ns > samples ? busy_ns - samples : 0;
	uint64_t room = target > other ? MAX(target - other, target / 8) : target / 8;
	unsigned int level = 0;

	while (level < GOVERN_LEVEL_MAX && n >> level > 2 * KEPT_MIN &&
	       (n >> level) * g->sample_cost_ns > room)
		level++;
	return level;
}

static bool may_change(const struct govern *g, uint64_t now_ns, unsigned int keep_free)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < GOVERN_CHANGES_A_MINUTE; i++)
		n += g->changed_ns[i] && now_ns - g->changed_ns[i] < 60 * second_ns;
	return n + keep_free < GOVERN_CHANGES_A_MINUTE;
}

static bool change(struct govern *g, uint64_t now_ns, unsigned int level)
{
	g->changed_ns[g->n_changes++ % GOVERN_CHANGES_A_MINUTE] = now_ns;
	g->level = level;
	g->n_calm = 0;
	return true;
}

static void learn(struct govern *g, uint64_t busy_ns, uint64_t kept)
{
	if (kept < KEPT_TO_LEARN)
		return;
	uint64_t cost = MIN(busy_ns / kept, sample_cost_max_ns);
	/* Other work only makes it dearer: what is cheap is believed at once. */
	g->sample_cost_ns = cost < g->sample_cost_ns ? cost : (3 * g->sample_cost_ns + cost) / 4;
}

/* Up in one step, with a reserve when changes are nearly used up. */
static bool lower_rate(struct govern *g, uint64_t now_ns, unsigned int level)
{
	bool scarce = !may_change(g, now_ns, 2);

	if (level <= g->level || !may_change(g, now_ns, 0))
		return false;
	return change(g, now_ns, MIN(level + (scarce ? 2u : 0u), (unsigned int)GOVERN_LEVEL_MAX));
}

/* After some seconds of calm; two changes are kept for storms to come. */
static bool raise_rate(struct govern *g, uint64_t now_ns, unsigned int level)
{
	if (level >= g->level) {
		g->n_calm = 0;
		return false;
	}
	g->calm_level = g->n_calm ? MAX(g->calm_level, level) : level;
	g->n_calm++;
	return g->n_calm >= CALM_SECONDS && may_change(g, now_ns, 2) &&
	       change(g, now_ns, g->calm_level);
}

bool govern_look(struct govern *g, uint64_t now_ns, const struct govern_use *use,
		 struct govern_use *last)
{
	if (!g->limit_permyriad)
		return false;
	if (!g->begun) {
		g->begun = true;
		g->sample_cost_ns = sample_cost_first_ns;
		g->saved_ns = limit_ns(g, SAVED_SECONDS * second_ns);
		g->from_ns = now_ns;
		*last = *use;
		return false;
	}
	uint64_t took_ns = now_ns - g->from_ns;
	if (took_ns < second_ns)
		return false;
	uint64_t busy_ns = use->busy_ns - last->busy_ns, n = use->n_samples - last->n_samples;
	uint64_t kept = use->n_kept - last->n_kept, limit = limit_ns(g, took_ns);
	g->from_ns = now_ns;
	*last = *use;
	g->used_permyriad = busy_ns * 10000 / took_ns;
	learn(g, busy_ns, kept);
	g->saved_ns = MIN(g->saved_ns + limit, limit_ns(g, SAVED_SECONDS * second_ns) + busy_ns);
	g->over = busy_ns > g->saved_ns;
	g->saved_ns -= MIN(g->saved_ns, busy_ns);
	unsigned int level = level_for(g, busy_ns, n, kept, took_ns);
	if (g->over || (g->level && busy_ns > limit)) {
		g->n_calm = 0;
		return lower_rate(g, now_ns, level);
	}
	return raise_rate(g, now_ns, level);
}
