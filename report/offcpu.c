/*
 * A thread's state changes with what is told of it; what the state was until then is what the time
 * is counted for. Where a word was lost the time is not counted, as nobody knows what it was.
 */
#include "report/offcpu.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/map.h"
#include "report/profile/profile.h"
#include "report/read/read.h"
#include "report/unwind/unwind.h"

enum state {
	STATE_UNKNOWN, /* nothing was told since it is known */
	STATE_RUNS,
	STATE_ASLEEP,
	STATE_WAITS, /* for a CPU */
	STATE_GONE,
};

struct off_thread {
	uint32_t pid, tid;
	enum state state;
	enum profile_label label; /* why there is no stack */
	uint64_t since_ns;
	uint32_t node; /* with which it left, or is about to; PROFILE_NONE: not told */
};

struct offcpu {
	struct offcpu_options o;
	struct off_thread *thread;
	size_t n_threads, cap;
	struct map tids;    /* tid + 1 -> index in thread */
	uint64_t origin_ns; /* of the recording */
	uint64_t begin_ns;  /* since when switches are told */
	uint64_t now_ns;    /* of the latest event */
	bool any;	    /* events */
	bool switches;	    /* were told */
	bool begun;	    /* threads that appear from now on are seen to begin */
	bool ended;
	bool attached; /* to processes: those that never ran count as well */
	bool has_stacks, has_wakeups;
	bool perfdata;
	bool has_clock;		  /* who runs has samples */
	uint64_t n_silent;	  /* threads of which nothing was told, and no clock sampled */
	uint64_t lost;		  /* samples and switches: nobody knows of which */
	uint64_t period;	  /* every so many switches have a stack */
	uint32_t source, waiting; /* PROFILE_NONE: not known yet */
};

static bool manifest_has(const struct recording *r, const char *key, const char *word)
{
	const char *value = recording_manifest(r, key);

	return value && strstr(value, word);
}

struct offcpu *offcpu_new(const struct offcpu_options *options)
{
	struct offcpu *o = mem_zalloc(sizeof(*o));

	o->o = *options;
	map_init(&o->tids);
	o->source = o->waiting = PROFILE_NONE;
	o->has_stacks = manifest_has(options->recording, "off_cpu", "stacks");
	o->perfdata = manifest_has(options->recording, "off_cpu", "perf");
	o->has_wakeups = manifest_has(options->recording, "off_cpu", "wakeups");
	o->attached = !manifest_has(options->recording, "target", "system");
	return o;
}

void offcpu_free(struct offcpu *o)
{
	if (!o)
		return;
	map_done(&o->tids);
	free(o->thread);
	free(o);
}

/* ---- the two sources ---- */

static void set_source(struct offcpu *o, uint32_t at, const char *name, const char *suffix,
		       enum profile_time time)
{
	struct profile_source *s = &o->o.profile->source[at];

	s->used = true;
	s->time = time;
	s->about = (struct record_source){ .unit = "nanoseconds", .period = 1 };
	snprintf(s->about.name, sizeof(s->about.name), "%.*s%s",
		 (int)(sizeof(s->about.name) - strlen(suffix) - 1), name, suffix);
}

static void find_sources(struct offcpu *o)
{
	const struct record_source *s = NULL;

	if (o->source != PROFILE_NONE)
		return;
	for (uint32_t i = 0; i < SOURCE_MAX && o->source == PROFILE_NONE; i++) {
		s = recording_source(o->o.recording, (uint8_t)i);
		if (s && !strcmp(s->unit, "switches"))
			o->source = i;
	}
	if (o->source == PROFILE_NONE)
		return;
	for (uint32_t i = 0; i < SOURCE_MAX; i++) {
		const struct record_source *other = recording_source(o->o.recording, (uint8_t)i);

		o->has_clock |= i != o->source && other && other->frequency_hz;
	}
	for (o->waiting = SOURCE_MAX - 1;
	     o->waiting && recording_source(o->o.recording, (uint8_t)o->waiting);)
		o->waiting--;
	o->period = s->period;
	set_source(o, o->source, s->name, "", TIME_ASLEEP);
	set_source(o, o->waiting, s->name, "-wait", TIME_WAITING);
}

bool offcpu_is_source(struct offcpu *o, uint8_t source)
{
	find_sources(o);
	return source == o->source;
}

/* ---- time ---- */

static uint32_t label_node(struct offcpu *o, uint32_t parent, enum profile_label label)
{
	return profile_child(o->o.profile, parent, unwinder_label(o->o.unwinder, label));
}

static uint32_t stack_of(struct offcpu *o, const struct off_thread *t)
{
	if (t->node != PROFILE_NONE)
		return t->node;
	if (t->label == LABEL_NO_SAMPLE && !o->has_stacks && !o->perfdata)
		return label_node(o, 0, LABEL_NO_RIGHTS);
	return label_node(o, 0, t->label);
}

static bool is_taken(struct offcpu *o, const struct off_thread *t, uint32_t source,
		     const char *comm, uint64_t time_ns)
{
	struct filter_sample about = {
		.pid = t->pid,
		.tid = t->tid,
		.time_ns = time_ns,
		.comm = comm,
		.event = o->o.profile->source[source].about.name,
	};

	return filter_takes(o->o.filter, &about);
}

/* Counts what lies in the filter's time. */
static void count(struct offcpu *o, const struct off_thread *t, uint64_t to_ns, bool to_end)
{
	uint32_t source = t->state == STATE_WAITS ? o->waiting : o->source, thread, node;
	uint64_t from = MAX(t->since_ns, o->origin_ns) - o->origin_ns;
	uint64_t to = MAX(to_ns, o->origin_ns) - o->origin_ns;
	const char *comm;

	if (source == PROFILE_NONE || t->state == STATE_RUNS || t->state == STATE_GONE)
		return;
	from = MAX(from, o->o.filter->from_ns);
	to = MIN(to, o->o.filter->to_ns);
	if (from >= to)
		return;
	thread = o->o.thread(o->o.ctx, t->pid, t->tid, &comm);
	if (!is_taken(o, t, source, comm, from))
		return;
	node = stack_of(o, t);
	if (to_end)
		node = label_node(o, node, LABEL_TO_END);
	profile_add_time(o->o.profile, node, thread, (uint8_t)source, to - from);
}

static void enter(struct off_thread *t, enum state state, uint64_t time_ns)
{
	t->state = state;
	t->since_ns = time_ns;
}

/* ---- threads ---- */

static struct off_thread *find(struct offcpu *o, uint32_t tid)
{
	const uint64_t *at = map_find(&o->tids, (uint64_t)tid + 1);

	return at ? &o->thread[*at] : NULL;
}

static struct off_thread *put(struct offcpu *o, uint32_t pid, uint32_t tid)
{
	struct off_thread *t;
	bool is_new;
	uint64_t *at = map_put(&o->tids, (uint64_t)tid + 1, &is_new);

	if (is_new) {
		mem_grow(&o->thread, &o->cap, o->n_threads + 1, sizeof(*o->thread));
		*at = o->n_threads++;
		t = &o->thread[*at];
		*t = (struct off_thread){ .tid = tid, .state = STATE_GONE };
	}
	t = &o->thread[*at];
	if (t->state == STATE_GONE) /* a new one, also of an old number */
		*t = (struct off_thread){ .pid = pid,
					  .tid = tid,
					  .state = STATE_UNKNOWN,
					  .label = LABEL_FROM_START,
					  .since_ns = o->begin_ns,
					  .node = PROFILE_NONE };
	if (pid)
		t->pid = pid;
	return t;
}

static void forget_all(struct offcpu *o, uint64_t time_ns)
{
	for (size_t i = 0; i < o->n_threads; i++) {
		struct off_thread *t = &o->thread[i];

		if (t->state == STATE_GONE)
			continue;
		enter(t, STATE_UNKNOWN, time_ns);
		t->label = LABEL_FROM_START;
		t->node = PROFILE_NONE;
	}
	o->begin_ns = time_ns;
}

/* Nothing was told of it: it slept all the time, or it ran all the time and had samples then. */
static void end_silent(struct offcpu *o, const struct off_thread *t, uint64_t time_ns)
{
	if (!o->attached || !o->begun)
		return;
	if (o->has_clock)
		count(o, t, time_ns, false);
	else
		o->n_silent += time_ns > t->since_ns;
}

static void end_all(struct offcpu *o, uint64_t time_ns)
{
	for (size_t i = 0; i < o->n_threads; i++) {
		struct off_thread *t = &o->thread[i];

		if (t->state != STATE_UNKNOWN)
			count(o, t, time_ns, true);
		else
			end_silent(o, t, time_ns);
	}
}

/* ---- what happens ---- */

static void switched(struct offcpu *o, const struct event *event)
{
	struct off_thread *t;

	if (event->switched.kind == SWITCH_WOKEN) {
		t = find(o, event->tid); /* of others nothing is known, nor asked */
		if (!t || !(t->state == STATE_ASLEEP || (t->state == STATE_UNKNOWN && o->attached)))
			return;
		count(o, t, event->time_ns, false);
		enter(t, STATE_WAITS, event->time_ns);
		return;
	}
	t = put(o, event->pid, event->tid);
	if (event->switched.kind == SWITCH_IN) {
		count(o, t, event->time_ns, false);
		enter(t, STATE_RUNS, event->time_ns);
		t->node = PROFILE_NONE;
		return;
	}
	/* If it was off already, when it came back was lost: what it did since is not counted. */
	enter(t, event->switched.kind == SWITCH_OUT_ASLEEP ? STATE_ASLEEP : STATE_WAITS,
	      event->time_ns);
	t->label = LABEL_NO_SAMPLE;
}

static void mark(struct offcpu *o, const struct event *event)
{
	if (event->switched.kind == SWITCH_BEGIN) {
		forget_all(o, event->time_ns);
		o->begun = true;
		o->ended = false;
		return;
	}
	end_all(o, event->time_ns);
	forget_all(o, event->time_ns);
	o->ended = true;
}

/*
 * A new task runs for the first time when it is given a CPU. What began before is told by the state
 * that a file begins with: that it does exist, not what it does.
 */
static void forked(struct offcpu *o, const struct event *event)
{
	struct off_thread *t = put(o, event->pid, event->tid);

	if (event->time_ns <= o->origin_ns || event->time_ns < o->now_ns)
		return;
	enter(t, STATE_WAITS, event->time_ns);
	t->label = LABEL_NEW;
	t->node = PROFILE_NONE;
}

static void named(struct offcpu *o, const struct event *event)
{
	struct off_thread *t = put(o, event->pid, event->tid);

	if (event->comm.exec && t->state == STATE_UNKNOWN)
		enter(t, STATE_RUNS, event->time_ns);
}

static void exited(struct offcpu *o, uint32_t tid)
{
	struct off_thread *t = find(o, tid);

	if (t)
		t->state = STATE_GONE;
}

static void ran(struct offcpu *o, const struct event *event)
{
	struct off_thread *t = find(o, event->tid);

	if (t && t->state == STATE_UNKNOWN && event->sample.source != o->source)
		enter(t, STATE_RUNS, event->time_ns);
}

static void handle(struct offcpu *o, const struct event *event)
{
	switch (event->type) {
	case EVENT_SWITCH:
		if (!o->switches)
			find_sources(o);
		o->switches = true;
		if (event->switched.kind >= SWITCH_BEGIN)
			mark(o, event);
		else
			switched(o, event);
		break;
	case EVENT_SAMPLE:
		ran(o, event);
		break;
	case EVENT_FORK:
		forked(o, event);
		break;
	case EVENT_COMM:
		named(o, event);
		break;
	case EVENT_EXIT:
		exited(o, event->tid);
		break;
	case EVENT_LOST:
		if (event->lost.source < SOURCE_MAX && offcpu_is_source(o, event->lost.source))
			o->lost += event->lost.n;
		break;
	case EVENT_GAP:
		forget_all(o, event->time_ns);
		break;
	default:
		break;
	}
}

void offcpu_event(struct offcpu *o, const struct event *event)
{
	if (!o->any) {
		o->any = true;
		o->origin_ns = o->begin_ns = event->time_ns;
	}
	handle(o, event);
	o->now_ns = MAX(o->now_ns, event->time_ns);
}

void offcpu_stack(struct offcpu *o, const struct event *event, uint32_t node)
{
	struct off_thread *t = put(o, event->pid, event->tid);

	if (t->state == STATE_UNKNOWN)
		enter(t, STATE_RUNS, event->time_ns);
	t->node = node;
	o->period = MAX(o->period, event->sample.period); /* the recorder had to leave some out */
}

/* ---- the end ---- */

/* Weights of one thread and source: with the stacks of their samples, and without. */
struct share {
	uint64_t known, unknown, spread;
	struct profile_entry *last;
};

static struct share *share_of(const struct offcpu *o, struct share *share,
			      const struct profile_entry *e)
{
	return &share[2 * e->thread + (e->source == o->waiting)];
}

static bool is_off(const struct offcpu *o, const struct profile_entry *e)
{
	return e->source == o->source || e->source == o->waiting;
}

/* On a label alone: nobody's stack. */
static bool is_labelled(const struct offcpu *o, const struct profile_entry *e)
{
	const struct profile_node *node = &o->o.profile->node[e->node];

	return !node->parent && unwinder_loc(o->o.unwinder, node->place).object == LOC_LABEL;
}

static void sum_shares(const struct offcpu *o, struct share *share, uint32_t unknown)
{
	struct profile *p = o->o.profile;

	for (size_t i = 0; i < p->n_entries; i++) {
		struct profile_entry *e = &p->entry[i];
		struct share *s;

		if (!is_off(o, e) || (e->node != unknown && is_labelled(o, e)))
			continue;
		s = share_of(o, share, e);
		*(e->node == unknown ? &s->unknown : &s->known) += e->weight;
		if (e->node != unknown)
			s->last = e;
	}
}

static void give_share(struct share *s, struct profile_entry *e)
{
	uint64_t more = (uint64_t)((unsigned __int128)s->unknown * e->weight / s->known);

	if (e == s->last)
		more = s->unknown - s->spread;
	s->spread += more;
	e->weight += more;
}

/*
 * Where every Nth switch has a stack only, the others of the thread were like those that have one:
 * what a thread waited is known, and shared out. A thread without any sample keeps its label.
 */
static void share_out(struct offcpu *o)
{
	struct profile *p = o->o.profile;
	struct share *share = mem_zalloc((2 * p->n_threads + 1) * sizeof(*share));
	uint32_t unknown = label_node(o, 0, LABEL_NO_SAMPLE);
	size_t kept = 0;

	sum_shares(o, share, unknown);
	for (size_t i = 0; i < p->n_entries; i++) {
		struct profile_entry *e = &p->entry[i];
		struct share *s = is_off(o, e) ? share_of(o, share, e) : NULL;

		if (s && s->known && e->node == unknown) {
			p->source[e->source].count -= e->count;
			continue;
		}
		if (s && s->known && !is_labelled(o, e))
			give_share(s, e);
		p->entry[kept++] = *e;
	}
	p->n_entries = kept;
	free(share);
}

static void advise(struct offcpu *o, const char *text)
{
	struct profile *p = o->o.profile;
	char line[256];

	if (p->n_advice == PROFILE_ADVICE_MAX)
		return;
	snprintf(line, sizeof(line), "%s: %s", p->source[o->source].about.name, text);
	p->advice[p->n_advice++] = intern_put(&p->names, line);
}

void offcpu_finish(struct offcpu *o, uint64_t last_ns)
{
	char text[192];

	if (!o->switches || o->source == PROFILE_NONE)
		return;
	if (!o->ended)
		end_all(o, last_ns);
	if (o->period > 1)
		share_out(o);
	if (o->lost) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " switches or their stacks were lost: times are not exact",
			 o->lost);
		advise(o, text);
	}
	if (o->n_silent) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " threads never left or entered a CPU: whether they ran or "
			 "slept needs a clock, -e 'sCPU;offcpu'",
			 o->n_silent);
		advise(o, text);
	}
	if (!o->has_stacks && o->perfdata)
		advise(o, "where threads slept is not known: perf record -g -e sched:sched_switch "
			  "as well");
	else if (!o->has_stacks)
		advise(o, "where threads slept is not known, for lack of rights to look at the "
			  "kernel");
	if (!o->has_wakeups)
		advise(o, o->perfdata ? "when threads were woken is not looked at in a perf.data: "
					"waiting for a CPU after that counts as sleep" :
					"when threads were woken is not known (tracepoint "
					"sched:sched_wakeup): waiting for a CPU after that counts "
					"as sleep");
}
