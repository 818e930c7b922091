/*
 * Adding is one hash probe a frame at most: consecutive stacks of a thread share most of their
 * callers, so each thread's last path is kept, compared from the root (two arrays side by side, no
 * pointer is followed), and only frames below the first difference are looked up.
 */
#include "report/profile/profile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "report/profile/slots.h"

enum {
	PATH_SLOTS = 64, /* threads whose last path is remembered; others start at the root */
	PATH_FRAMES = UNWIND_DEPTH_MAX + KCHAIN_MAX + 1,
};

/*
 * A thread's last stack: node[0] is the root, place[i] and node[i + 1] are the i-th frame from the
 * root.
 */
struct path {
	uint32_t tid, n;
	bool used;
	uint32_t place[PATH_FRAMES];
	uint32_t node[PATH_FRAMES + 1];
};

struct profile_builder {
	struct slots nodes, entries, threads;
	struct path path[PATH_SLOTS];
};

static uint64_t hash_pair(uint32_t a, uint32_t b)
{
	return hash_u64((uint64_t)a << 32 | b);
}

static uint64_t hash_thread(const struct profile_thread *t)
{
	return hash_u64(((uint64_t)t->pid << 32 | t->tid) ^ hash_pair(t->comm.n, t->process.n));
}

struct profile *profile_new(void)
{
	struct profile *p = mem_zalloc(sizeof(*p));

	intern_init(&p->names);
	map_init(&p->functions);
	p->builder = mem_zalloc(sizeof(*p->builder));
	slots_init(&p->builder->nodes);
	slots_init(&p->builder->entries);
	slots_init(&p->builder->threads);
	mem_grow(&p->node, &p->node_cap, 1, sizeof(*p->node));
	p->node[0] = (struct profile_node){ .parent = 0, .place = PROFILE_NONE };
	p->n_nodes = 1;
	return p;
}

static void free_builder(struct profile *p)
{
	if (!p->builder)
		return;
	slots_done(&p->builder->nodes);
	slots_done(&p->builder->entries);
	slots_done(&p->builder->threads);
	free(p->builder);
	p->builder = NULL;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	free_builder(p);
	intern_done(&p->names);
	map_done(&p->functions);
	free(p->node);
	free(p->entry);
	free(p->thread);
	free(p->place);
	free(p->module);
	free(p->function);
	free(p);
}

uint32_t profile_thread(struct profile *p, uint32_t pid, uint32_t tid, const char *comm,
			const char *process)
{
	struct slots *s = &p->builder->threads;
	struct profile_thread want = {
		.pid = pid,
		.tid = tid,
		.comm = intern_put(&p->names, comm),
		.process = intern_put(&p->names, process),
	};
	uint64_t hash = hash_thread(&want);
	uint32_t i, at;

	for (i = slots_first(s, hash); (at = slots_at(s, i, hash)) != SLOT_FREE;
	     i = slots_next(s, i)) {
		const struct profile_thread *t = &p->thread[at];

		if (at != SLOT_OTHER && t->pid == pid && t->tid == tid &&
		    t->comm.n == want.comm.n && t->process.n == want.process.n)
			return at;
	}
	mem_grow(&p->thread, &p->thread_cap, p->n_threads + 1, sizeof(*p->thread));
	at = (uint32_t)p->n_threads++;
	p->thread[at] = want;
	slots_put(s, i, hash, at);
	return at;
}

static uint32_t new_node(struct profile *p, uint32_t parent, uint32_t place)
{
	if (p->n_nodes == p->node_cap)
		mem_grow(&p->node, &p->node_cap, p->n_nodes + 1, sizeof(*p->node));
	p->node[p->n_nodes] = (struct profile_node){ .parent = parent, .place = place };
	return (uint32_t)p->n_nodes++;
}

static uint32_t further_child(struct profile *p, uint32_t parent, uint32_t place)
{
	struct slots *s = &p->builder->nodes;
	uint64_t hash = hash_pair(parent, place);
	uint32_t i, at;

	for (i = slots_first(s, hash); (at = slots_at(s, i, hash)) != SLOT_FREE;
	     i = slots_next(s, i))
		if (at != SLOT_OTHER && p->node[at].parent == parent && p->node[at].place == place)
			return at;
	at = new_node(p, parent, place);
	slots_put(s, i, hash, at);
	return at;
}

/*
 * Most nodes have one child: the first one is known by its parent alone and never enters the hash
 * table, so a stack that branches off costs one entry there, not one for each frame.
 */
static uint32_t child(struct profile *p, uint32_t parent, uint32_t place)
{
	uint32_t first = p->node[parent].first, recent = p->node[parent].recent, at;

	if (!first) {
		at = new_node(p, parent, place);
		p->node[parent].first = at;
		return at;
	}
	if (p->node[first].place == place)
		return first;
	if (recent && p->node[recent].place == place)
		return recent;
	at = further_child(p, parent, place);
	p->node[parent].recent = at;
	return at;
}

static uint32_t leaf_of(struct profile *p, uint32_t tid, const struct frames *frames)
{
	struct path *path = &p->builder->path[tid % PATH_SLOTS];
	uint32_t n = MIN(frames->n, PATH_FRAMES), depth = MIN(frames->n_shared, n);
	uint32_t root = frames->n - 1; /* index of the outermost frame */

	/* Another thread's path, or one shorter than promised: from the root. */
	if (!path->used || path->tid != tid)
		path->n = 0;
	if (path->n < depth)
		depth = 0;
	while (depth < MIN(n, path->n) && path->place[depth] == frames->frame[root - depth].loc)
		depth++;
	path->used = true;
	path->tid = tid;
	path->n = n;
	for (; depth < n; depth++) {
		path->place[depth] = frames->frame[root - depth].loc;
		path->node[depth + 1] = child(p, path->node[depth], path->place[depth]);
	}
	return path->node[n];
}

/*
 * In runs: most frames of a stack were found the same way, and a counter in memory costs more than
 * the frame.
 */
static void count_methods(struct profile_coverage *c, const struct frames *frames)
{
	for (uint32_t f = 0, first; f < frames->n;) {
		enum unwind_method method = frames->frame[f].method;

		for (first = f; f < frames->n && frames->frame[f].method == method;)
			f++;
		c->methods[method] += f - first;
	}
}

static uint32_t new_entry(struct profile *p, uint32_t node, uint32_t thread, uint8_t source)
{
	mem_grow(&p->entry, &p->entry_cap, p->n_entries + 1, sizeof(*p->entry));
	p->entry[p->n_entries] =
		(struct profile_entry){ .node = node, .thread = thread, .source = source };
	return (uint32_t)p->n_entries++;
}

static bool is_entry_of(const struct profile_entry *e, uint32_t node, uint32_t thread,
			uint8_t source)
{
	return e->node == node && e->thread == thread && e->source == source;
}

static uint32_t further_entry(struct profile *p, uint32_t node, uint32_t thread, uint8_t source)
{
	struct slots *s = &p->builder->entries;
	uint64_t hash = hash_pair(node, thread) ^ source;
	uint32_t i, at;

	for (i = slots_first(s, hash); (at = slots_at(s, i, hash)) != SLOT_FREE;
	     i = slots_next(s, i))
		if (at != SLOT_OTHER && is_entry_of(&p->entry[at], node, thread, source))
			return at;
	at = new_entry(p, node, thread, source);
	slots_put(s, i, hash, at);
	return at;
}

/* As with children: a leaf's first entry is known by the leaf, only others enter the hash table. */
static uint32_t entry_of(struct profile *p, uint32_t node, uint32_t thread, uint8_t source)
{
	uint32_t first = p->node[node].entry;

	if (!first) {
		first = new_entry(p, node, thread, source) + 1;
		p->node[node].entry = first;
	}
	if (is_entry_of(&p->entry[first - 1], node, thread, source))
		return first - 1;
	return further_entry(p, node, thread, source);
}

uint32_t profile_leaf(struct profile *p, uint32_t thread, const struct frames *frames)
{
	assert(thread < p->n_threads);
	p->n_samples++;
	p->coverage.stops[frames->stop]++;
	count_methods(&p->coverage, frames);
	return leaf_of(p, p->thread[thread].tid, frames);
}

uint32_t profile_child(struct profile *p, uint32_t node, uint32_t place)
{
	return child(p, node, place);
}

const char *profile_label_text(enum profile_label label)
{
	static const char *const text[LABELS] = {
		[LABEL_NO_RIGHTS] = "[no stack: kernel side not allowed]",
		[LABEL_NO_SAMPLE] = "[no stack: sample lost or not taken]",
		[LABEL_FROM_START] = "[off CPU since before the start]",
		[LABEL_NEW] = "[new, has not run yet]",
		[LABEL_TO_END] = "[still off CPU at the end]",
		[LABEL_ASLEEP] = "[asleep]",
		[LABEL_WAITING] = "[waiting for a CPU]",
	};

	return label < LABELS ? text[label] : "[unknown]";
}

void profile_add(struct profile *p, uint32_t thread, uint8_t source, uint64_t weight,
		 const struct frames *frames)
{
	profile_add_time(p, profile_leaf(p, thread, frames), thread, source, weight);
}

static void add_saturated(uint64_t *to, uint64_t more)
{
	if (__builtin_add_overflow(*to, more, to))
		*to = UINT64_MAX;
}

void profile_add_entry(struct profile *p, uint32_t node, uint32_t thread, uint8_t source,
		       uint64_t count, uint64_t weight)
{
	struct profile_entry *e;
	uint32_t at;

	assert(thread < p->n_threads && source < SOURCE_MAX);
	at = entry_of(p, node, thread, source);
	e = &p->entry[at];
	e->count += count;
	add_saturated(&e->weight, weight);
	p->source[source].count += count;
	add_saturated(&p->source[source].weight, weight);
}

void profile_add_time(struct profile *p, uint32_t node, uint32_t thread, uint8_t source,
		      uint64_t weight)
{
	profile_add_entry(p, node, thread, source, 1, weight);
}

static int compare_entries(const void *a, const void *b)
{
	const struct profile_entry *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return (x->source > y->source) - (x->source < y->source);
}

/* From here on `first` and `recent` make the lists of children, in the order they came. */
void profile_link(struct profile *p)
{
	for (size_t n = 0; n < p->n_nodes; n++)
		p->node[n].first = p->node[n].recent = 0;
	for (size_t n = p->n_nodes - 1; n; n--) {
		struct profile_node *parent = &p->node[p->node[n].parent];

		p->node[n].recent = parent->first;
		parent->first = (uint32_t)n;
	}
}

void profile_seal(struct profile *p)
{
	uint32_t n_sources = 0;

	free_builder(p);
	profile_link(p);
	for (uint32_t s = 0; s < SOURCE_MAX; s++)
		n_sources += p->source[s].count != 0;
	/* One source has one entry for each leaf and thread: nothing to bring together. */
	if (n_sources > 1)
		qsort(p->entry, p->n_entries, sizeof(*p->entry), compare_entries);
}

uint32_t profile_add_module(struct profile *p, const struct profile_module *module)
{
	mem_grow(&p->module, &p->module_cap, p->n_modules + 1, sizeof(*p->module));
	p->module[p->n_modules] = *module;
	return (uint32_t)p->n_modules++;
}

/* Two symbols of one module with one display name (a constructor's C1 and C2) are one function. */
uint32_t profile_function(struct profile *p, uint32_t module, str_id name, str_id system_name,
			  bool named)
{
	bool is_new;
	uint64_t *at = map_put(&p->functions, ((uint64_t)module << 32 | name.n) + 1, &is_new);

	if (is_new) {
		mem_grow(&p->function, &p->function_cap, p->n_functions + 1, sizeof(*p->function));
		p->function[p->n_functions] = (struct profile_function){
			.name = name,
			.system_name = system_name,
			.module = module,
			.named = named,
		};
		*at = p->n_functions++;
	}
	return (uint32_t)*at;
}

struct profile_losses profile_losses(const struct profile *p)
{
	const uint64_t *n = p->origin.counters.n;
	struct profile_losses l = {
		.ring_full = n[COUNTER_SAMPLES_LOST_KERNEL],
		.undecodable = n[COUNTER_SAMPLES_DROPPED_DECODE],
		.unwritten = n[COUNTER_SAMPLES_DROPPED_WRITE],
		.unreadable = p->origin.n_unreadable,
	};

	/* What the recorder left out on purpose (COUNTER_SAMPLES_DROPPED_FILTER) is no loss. */
	l.lost = l.ring_full + l.undecodable + l.unwritten + l.unreadable;
	l.produced = l.lost + p->n_samples + p->coverage.n_filtered;
	return l;
}
