#include "report/runtimes.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/bits.h"
#include "common/space/space.h"
#include "report/jit/jit.h"
#include "report/profile/profile.h"

enum { WORTH_PERCENT = 1 };

void runtimes_init(struct runtimes *r)
{
	*r = (struct runtimes){ .n = 0 };
	map_init(&r->by_space);
}

void runtimes_done(struct runtimes *r)
{
	map_done(&r->by_space);
}

static const struct jit_hint *find_hint(const struct spaces *spaces, const struct space *space)
{
	for (uint32_t i = 0; i < space->n; i++) {
		const struct space_object *o = spaces_object(spaces, space->map[i].object);
		const struct jit_hint *hint = o && !o->anonymous ? jit_hint_find(o->path) : NULL;

		if (hint)
			return hint;
	}
	return NULL;
}

/* Index + 1; 0: no room, or not known. */
static uint32_t index_of(struct runtimes *r, const struct jit_hint *hint)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->at[i].hint == hint)
			return i + 1;
	if (!hint || r->n == RUNTIMES_MAX)
		return 0;
	r->at[r->n].hint = hint;
	return ++r->n;
}

void runtimes_note(struct runtimes *r, struct spaces *spaces, uint32_t pid)
{
	const struct space *space = spaces_find(spaces, pid);
	uint64_t *at;
	bool is_new;

	if (!space)
		return;
	at = map_put(&r->by_space, space->generation + 1, &is_new);
	if (is_new)
		*at = index_of(r, find_hint(spaces, space));
	if (*at)
		r->at[*at - 1].n++;
}

void runtimes_tell(const struct runtimes *r, struct profile *p)
{
	for (uint32_t i = 0; i < r->n && p->n_advice < PROFILE_ADVICE_MAX; i++) {
		double percent =
			p->n_samples ? 100.0 * (double)r->at[i].n / (double)p->n_samples : 0;
		char text[512];

		if (percent < WORTH_PERCENT)
			continue;
		snprintf(text, sizeof(text),
			 "%.1f %% of the samples ran code made by %s that was not described: %s",
			 percent, r->at[i].hint->runtime, r->at[i].hint->advice);
		p->advice[p->n_advice++] = intern_put(&p->names, text);
	}
}
