/* The wall clock view: made of the samples of a clock and of off-CPU time. */
#include <errno.h>
#include <string.h>

#include "common/base/err.h"
#include "report/offcpu.h"
#include "report/profile/profile.h"
#include "report/unwind/unwind.h"

static uint32_t find_asleep(const struct profile *p)
{
	for (uint32_t s = 0; s < SOURCE_MAX; s++)
		if (p->source[s].time == TIME_ASLEEP)
			return s;
	return PROFILE_NONE;
}

static bool is_time(const struct profile_source *s)
{
	return s->time != TIME_SAMPLED || !strcmp(s->about.unit, "nanoseconds");
}

/* What was asleep or waiting ends in a frame that says so; what ran stays as it is. */
static uint32_t wall_node(struct profile *p, struct unwinder *u, const struct profile_entry *e)
{
	switch (p->source[e->source].time) {
	case TIME_ASLEEP:
		return profile_child(p, e->node, unwinder_label(u, LABEL_ASLEEP));
	case TIME_WAITING:
		return profile_child(p, e->node, unwinder_label(u, LABEL_WAITING));
	default:
		return e->node;
	}
}

int offcpu_wall(struct profile *p, struct unwinder *u, struct err *err)
{
	uint32_t wall = find_asleep(p);
	uint64_t count = 0, weight = 0;
	size_t kept = 0;

	if (wall == PROFILE_NONE)
		return err_set(err, -ENODATA,
			       "no off-CPU time is in the recording: record with -e 'sCPU;offcpu'");
	for (size_t i = 0; i < p->n_entries; i++) {
		struct profile_entry e = p->entry[i];

		if (!is_time(&p->source[e.source]))
			continue;
		e.node = wall_node(p, u, &e);
		e.source = wall;
		count += e.count;
		if (__builtin_add_overflow(weight, e.weight, &weight))
			weight = UINT64_MAX;
		p->entry[kept++] = e;
	}
	p->n_entries = kept;
	for (uint32_t s = 0; s < SOURCE_MAX; s++)
		p->source[s].count = p->source[s].weight = 0;
	p->source[wall].time = TIME_WALL;
	p->source[wall].count = count;
	p->source[wall].weight = weight;
	strcpy(p->source[wall].about.name, "wall");
	return 0;
}
