/*
 * Lives of processes and threads. Slots of fixed tables hold them; a process owns the list of its
 * threads (so that exec and exit can end them) and one array of mappings out of the pool:
 *
 *	process slot: struct space | first task --> task --> task --> 0
 *	              map ---------------> [start end pgoff object] sorted, in the pool
 *
 * A fork copies its parent's array at once. Sharing it until someone writes was tried on paper
 * and left out: nearly every fork is followed by exec or a mapping, and 60 mappings copy in 50 ns.
 */
#include "common/space/space.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/pages.h"
#include "common/space/map.h"
#include "common/space/object.h"
#include "common/space/table.h"

enum { N_MAPPINGS = 1 << 20, N_OBJECTS = 1 << 16, N_PROCESSES = 1 << 18, N_THREADS = 1 << 18 };

/* Indexes are slot numbers from 1; 0 ends a list. */
struct process {
	struct space space;
	uint32_t first_task, n_tasks;
	uint32_t next_free;
	uint32_t doubts; /* of the spaces that it has heeded */
	bool live;
	uint8_t unknown_sweeps; /* for so many nothing was known of it */
	/* threads were seen that found no slot: only the main thread's exit tells */
	bool tasks_refused;
};

struct task {
	struct thread thread;
	uint32_t process; /* 0: free */
	uint32_t prev, next;
};

struct spaces {
	struct spaces_limits limits;
	struct objects objects;
	struct map_pool pool;
	struct id_table by_pid, by_tid;
	struct process *processes; /* [1..n_processes] */
	struct task *tasks;
	uint32_t n_processes, n_tasks; /* slots ever used */
	uint32_t free_process, free_task;
	/*
	 * How often records of mappings and tasks were missing, nobody knows whose: no mapping
	 * from before is believed. A process heeds it when it is next looked at: there may be
	 * many, and many losses.
	 */
	uint32_t doubts;
	uint64_t generation, refused;
};

struct spaces *spaces_new(const struct spaces_limits *limits)
{
	struct spaces *s = calloc(1, sizeof(*s));
	struct spaces_limits l = limits ? *limits : (struct spaces_limits){ 0 };

	if (!s)
		return NULL;
	l.n_mappings = l.n_mappings ? l.n_mappings : N_MAPPINGS;
	l.n_objects = l.n_objects ? l.n_objects : N_OBJECTS;
	l.n_processes = l.n_processes ? l.n_processes : N_PROCESSES;
	l.n_threads = l.n_threads ? l.n_threads : N_THREADS;
	s->limits = l;
	s->processes = pages_reserve(((size_t)l.n_processes + 1) * sizeof(*s->processes));
	s->tasks = pages_reserve(((size_t)l.n_threads + 1) * sizeof(*s->tasks));
	if (!s->processes || !s->tasks || !objects_init(&s->objects, l.n_objects) ||
	    !map_pool_init(&s->pool, l.n_mappings) || !id_table_init(&s->by_pid, l.n_processes) ||
	    !id_table_init(&s->by_tid, l.n_threads)) {
		spaces_free(s);
		return NULL;
	}
	return s;
}

void spaces_free(struct spaces *s)
{
	if (!s)
		return;
	pages_free(s->processes, ((size_t)s->limits.n_processes + 1) * sizeof(*s->processes));
	pages_free(s->tasks, ((size_t)s->limits.n_threads + 1) * sizeof(*s->tasks));
	objects_done(&s->objects);
	map_pool_done(&s->pool);
	id_table_done(&s->by_pid);
	id_table_done(&s->by_tid);
	free(s);
}

/* ---- slots ---- */

static void space_touch(struct spaces *s, struct space *sp)
{
	sp->generation = ++s->generation;
}

static void space_clear(struct spaces *s, struct space *sp)
{
	map_pool_put(&s->pool, sp->map, sp->cap);
	sp->map = NULL;
	sp->n = sp->cap = 0;
	sp->n_hulls = 0;
	space_touch(s, sp);
}

static void process_heed_doubts(struct spaces *s, struct process *p)
{
	if (p->doubts == s->doubts)
		return;
	p->doubts = s->doubts;
	p->space.known = false;
	space_clear(s, &p->space);
}

static struct process *process_find(struct spaces *s, uint32_t pid)
{
	uint32_t i = id_table_find(&s->by_pid, pid);

	if (i == UINT32_MAX)
		return NULL;
	process_heed_doubts(s, &s->processes[i]);
	return &s->processes[i];
}

/* Its process, or a new one of which nothing is known. NULL: no slot left. */
static struct process *process_get(struct spaces *s, uint32_t pid)
{
	struct process *p = process_find(s, pid);
	uint32_t slot;

	if (p)
		return p;
	if (s->free_process) {
		slot = s->free_process;
		s->free_process = s->processes[slot].next_free;
	} else if (s->n_processes < s->limits.n_processes) {
		slot = ++s->n_processes;
	} else {
		s->refused++;
		return NULL;
	}
	p = &s->processes[slot];
	*p = (struct process){ .live = true, .doubts = s->doubts, .space = { .pid = pid } };
	space_touch(s, &p->space);
	id_table_put(&s->by_pid, pid, slot);
	return p;
}

static void task_end(struct spaces *s, uint32_t slot)
{
	struct task *t = &s->tasks[slot];
	struct process *p = &s->processes[t->process];

	if (t->prev)
		s->tasks[t->prev].next = t->next;
	else
		p->first_task = t->next;
	if (t->next)
		s->tasks[t->next].prev = t->prev;
	p->n_tasks--;
	id_table_remove(&s->by_tid, t->thread.tid);
	*t = (struct task){ .next = s->free_task };
	s->free_task = slot;
}

static void process_end(struct spaces *s, struct process *p)
{
	while (p->first_task)
		task_end(s, p->first_task);
	space_clear(s, &p->space);
	id_table_remove(&s->by_pid, p->space.pid);
	*p = (struct process){ .next_free = s->free_process };
	s->free_process = (uint32_t)(p - s->processes);
}

/*
 * The thread of `p`, new when it is not known; a tid that another process had before has moved
 * on.
 */
static struct thread *task_get(struct spaces *s, struct process *p, uint32_t tid)
{
	uint32_t process = (uint32_t)(p - s->processes), slot = id_table_find(&s->by_tid, tid);
	struct task *t;

	if (slot != UINT32_MAX) {
		if (s->tasks[slot].process == process)
			return &s->tasks[slot].thread;
		task_end(s, slot);
	}
	if (s->free_task) {
		slot = s->free_task;
		s->free_task = s->tasks[slot].next;
	} else if (s->n_tasks < s->limits.n_threads) {
		slot = ++s->n_tasks;
	} else {
		s->refused++;
		p->tasks_refused = true;
		return NULL;
	}
	t = &s->tasks[slot];
	*t = (struct task){ .process = process, .next = p->first_task };
	t->thread.pid = p->space.pid;
	t->thread.tid = tid;
	if (t->next)
		s->tasks[t->next].prev = slot;
	p->first_task = slot;
	p->n_tasks++;
	id_table_put(&s->by_tid, tid, slot);
	return &t->thread;
}

/* ---- mappings ---- */

static void apply_mmap(struct spaces *s, const struct event *e)
{
	struct process *p = process_get(s, e->pid);
	struct mapping m = { .start = e->mmap.start, .pgoff = e->mmap.pgoff };

	if (!p)
		return;
	if (!e->mmap.size || __builtin_add_overflow(m.start, e->mmap.size, &m.end)) {
		s->refused++;
		return;
	}
	m.object = objects_put(&s->objects, &e->mmap);
	if (m.object && space_insert(&s->pool, &p->space, &m))
		space_touch(s, &p->space);
	else
		s->refused++;
}

/* ---- tasks ---- */

static void fork_process(struct spaces *s, const struct event *e)
{
	struct process *child = process_find(s, e->pid), *parent;
	struct space *from, *to;

	if (child)
		process_end(s, child); /* its exit was lost: a new life inherits nothing */
	child = process_get(s, e->pid);
	parent = process_find(s, e->fork.ppid);
	if (!child || !parent)
		return;
	from = &parent->space;
	to = &child->space;
	if (!space_reserve(&s->pool, to, from->n)) {
		s->refused++;
		return;
	}
	if (from->n)
		memcpy(to->map, from->map, from->n * sizeof(*to->map));
	to->n = from->n;
	to->known = from->known;
	to->n_hulls = from->n_hulls;
	memcpy(to->hull, from->hull, sizeof(to->hull));
}

static void apply_fork(struct spaces *s, const struct event *e)
{
	const struct thread *caller;
	struct process *p;
	struct thread *t;
	char comm[COMM_MAX] = "";

	caller = spaces_thread(s, e->fork.ptid);
	if (caller && caller->pid == e->fork.ppid)
		memcpy(comm, caller->comm, sizeof(comm));
	if (e->pid != e->fork.ppid)
		fork_process(s, e);
	p = process_get(s, e->pid);
	t = p ? task_get(s, p, e->tid) : NULL;
	if (!t)
		return;
	memcpy(t->comm, comm, sizeof(comm));
	t->start_ns = e->time_ns;
}

static void apply_comm(struct spaces *s, const struct event *e)
{
	struct process *p = process_get(s, e->pid);
	struct thread *t = p ? task_get(s, p, e->tid) : NULL;

	if (t) {
		memcpy(t->comm, e->comm.comm, sizeof(t->comm));
		t->comm[COMM_MAX - 1] = 0;
	}
	if (!p || !e->comm.exec)
		return;
	/* exec ended the other threads and took the mappings away */
	for (uint32_t slot = p->first_task, next; slot; slot = next) {
		next = s->tasks[slot].next;
		if (s->tasks[slot].thread.tid != e->tid)
			task_end(s, slot);
	}
	p->tasks_refused = false;
	space_clear(s, &p->space);
	p->space.known = true;
}

/*
 * The main thread may end before the others: the process lives until its last thread is gone.
 * Threads that were never seen (attached without their comm) cannot be waited for.
 */
static void apply_exit(struct spaces *s, const struct event *e)
{
	uint32_t slot = id_table_find(&s->by_tid, e->tid);
	struct process *p = process_find(s, e->pid);
	bool seen = p && slot != UINT32_MAX && &s->processes[s->tasks[slot].process] == p;

	if (seen)
		task_end(s, slot);
	if (!p || p->n_tasks)
		return;
	if (e->tid == e->pid || (seen && !p->tasks_refused))
		process_end(s, p);
}

static void apply_snapshot(struct spaces *s, const struct event *e)
{
	struct process *p = process_get(s, e->pid);

	if (!p)
		return;
	space_clear(s, &p->space);
	p->space.known = true;
}

static void forget_all(struct spaces *s)
{
	for (uint32_t i = 1; i <= s->n_processes; i++)
		if (s->processes[i].live)
			process_end(s, &s->processes[i]);
}

void spaces_apply(struct spaces *s, const struct event *e)
{
	switch (e->type) {
	case EVENT_MMAP:
		apply_mmap(s, e);
		break;
	case EVENT_COMM:
		apply_comm(s, e);
		break;
	case EVENT_FORK:
		apply_fork(s, e);
		break;
	case EVENT_EXIT:
		apply_exit(s, e);
		break;
	case EVENT_SPACE:
		apply_snapshot(s, e);
		break;
	case EVENT_GAP:
		forget_all(s);
		break;
	case EVENT_LOST:
		if (e->lost.source == SOURCE_MAX)
			s->doubts++;
		break;
	default:
		break;
	}
}

/* ---- what is dead ---- */

static bool is_unknown(const struct process *p)
{
	return !p->space.known && !p->space.n;
}

uint32_t spaces_sweep(struct spaces *s, void (*gone)(void *ctx, uint32_t object), void *ctx)
{
	objects_begin_sweep(&s->objects);
	for (uint32_t i = 1; i <= s->n_processes; i++) {
		struct process *p = &s->processes[i];

		if (!p->live)
			continue;
		process_heed_doubts(s, p);
		p->unknown_sweeps = is_unknown(p) ? p->unknown_sweeps + 1 : 0;
		if (p->unknown_sweeps > SPACES_SWEEPS_UNKNOWN) {
			process_end(s, p);
			continue;
		}
		for (uint32_t m = 0; m < p->space.n; m++)
			objects_use(&s->objects, p->space.map[m].object);
	}
	return objects_forget(&s->objects, gone, ctx);
}

/* ---- questions ---- */

struct space *spaces_find(struct spaces *s, uint32_t pid)
{
	struct process *p = process_find(s, pid);

	return p ? &p->space : NULL;
}

const struct thread *spaces_thread(struct spaces *s, uint32_t tid)
{
	uint32_t slot = id_table_find(&s->by_tid, tid);

	return slot == UINT32_MAX ? NULL : &s->tasks[slot].thread;
}

const struct space_object *spaces_object(const struct spaces *s, uint32_t object)
{
	return objects_has(&s->objects, object) ? &s->objects.object[object] : NULL;
}

bool spaces_object_is_mapped(const struct spaces *s, uint32_t object)
{
	return objects_has(&s->objects, object) && objects_in_use(&s->objects, object);
}

uint32_t spaces_n_objects(const struct spaces *s)
{
	return s->objects.n;
}

uint64_t spaces_refused(const struct spaces *s)
{
	return s->refused;
}

void spaces_each_space(struct spaces *s, void (*f)(void *ctx, const struct space *sp), void *ctx)
{
	for (uint32_t i = 1; i <= s->n_processes; i++) {
		if (!s->processes[i].live)
			continue;
		process_heed_doubts(s, &s->processes[i]);
		f(ctx, &s->processes[i].space);
	}
}

void spaces_each_thread(struct spaces *s, void (*f)(void *ctx, const struct thread *t), void *ctx)
{
	for (uint32_t i = 1; i <= s->n_tasks; i++)
		if (s->tasks[i].process)
			f(ctx, &s->tasks[i].thread);
}
