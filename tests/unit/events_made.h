/*
 * Event streams out of a number: every kind of event, threads that come and go, stacks that
 * change at their inner end as real ones do. The same seed gives the same stream.
 */
#ifndef TESTS_UNIT_EVENTS_MADE_H
#define TESTS_UNIT_EVENTS_MADE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/format/event.h"

enum { MADE_THREADS = 12, MADE_OBJECTS = 20 };

struct made_thread {
	uint32_t pid, tid;
	uint64_t top; /* upper end of its stack */
	uint32_t n;
	struct stack_word words[STACK_WORDS_MAX];
	uint32_t n_kchain;
	uint64_t kchain[KCHAIN_MAX];
};

struct made {
	uint64_t random, time_ns;
	enum machine machine;
	uint32_t n_words; /* kept words of a usual stack */
	struct made_thread thread[MADE_THREADS];
	uint64_t kchain[KCHAIN_MAX]; /* as the event wants it: innermost first */
	uint64_t uchain[UCHAIN_MAX];
	uint32_t n_uchain;
	char path[64];
};

static inline uint64_t made_random(struct made *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random;
}

static inline uint64_t made_below(struct made *m, uint64_t n)
{
	return made_random(m) % n;
}

static inline uint64_t made_code(struct made *m)
{
	return UINT64_C(0x7f0000000000) + made_below(m, 3000) * 7 + (made_below(m, 4) << 32);
}

static inline struct made *made_new(uint64_t seed, enum machine machine, uint32_t n_words)
{
	struct made *m = calloc(1, sizeof(*m));

	m->random = seed * 2 + 1;
	m->machine = machine;
	m->n_words = n_words;
	m->time_ns = 1000000000;
	for (uint32_t i = 0; i < MADE_THREADS; i++) {
		m->thread[i].pid = 100 + i / 3;
		m->thread[i].tid = 100 + i / 3 + i % 3;
		m->thread[i].top = UINT64_C(0x7ffd00000000) + i * 0x1000000;
	}
	return m;
}

/* Drops some of the innermost words and pushes others. */
static inline void made_change_stack(struct made *m, struct made_thread *t)
{
	uint32_t want = (uint32_t)made_below(m, m->n_words * 2 + 1);

	t->n -= (uint32_t)made_below(m, t->n + 1) / (1 + (uint32_t)made_below(m, 4));
	if (t->n > 8 && made_below(m, 3) == 0)
		t->words[made_below(m, t->n)].value = made_code(m);
	while (t->n < want && t->n < STACK_WORDS_MAX / 4) {
		uint64_t above = t->n ? t->words[t->n - 1].addr : t->top;
		struct stack_word *w = &t->words[t->n];

		w->addr = above - 8 * (1 + made_below(m, made_below(m, 20) ? 4 : 100));
		if (w->addr < t->top - 60000)
			break;
		switch (made_below(m, 5)) {
		case 0:
			w->value = w->addr + made_below(m, 4000);
			break;
		case 1:
			w->value = w->addr + 8 * made_below(m, 100);
			break;
		case 2:
			w->value = made_below(m, 4) ? made_random(m) : made_below(m, 3);
			break;
		default:
			w->value = made_code(m);
		}
		t->n++;
	}
}

/* Mostly none; else the last one's outer frames and some new inner ones. */
static inline void made_uchain(struct made *m, struct event_sample *s)
{
	uint32_t n_new = (uint32_t)made_below(m, made_below(m, 50) ? 8 : UCHAIN_MAX + 1),
		 n_old = (uint32_t)made_below(m, m->n_uchain + 1);

	if (made_below(m, 4))
		return;
	n_old = n_old + n_new > UCHAIN_MAX ? UCHAIN_MAX - n_new : n_old;
	memmove(m->uchain + n_new, m->uchain + m->n_uchain - n_old, n_old * sizeof(*m->uchain));
	for (uint32_t i = 0; i < n_new; i++)
		m->uchain[i] = made_below(m, 20) ? made_code(m) : made_random(m);
	s->n_uchain = (uint16_t)(m->n_uchain = n_old + n_new);
	s->uchain = s->n_uchain ? m->uchain : NULL;
}

static inline void made_kchain(struct made *m, struct made_thread *t, struct event_sample *s)
{
	t->n_kchain -= (uint32_t)made_below(m, t->n_kchain + 1);
	while (made_below(m, 6) && t->n_kchain < KCHAIN_MAX)
		t->kchain[t->n_kchain++] = UINT64_C(0xffffffff81000000) + made_below(m, 500) * 16;
	for (uint32_t i = 0; i < t->n_kchain; i++)
		m->kchain[i] = t->kchain[t->n_kchain - 1 - i];
	s->kchain = t->n_kchain ? m->kchain : NULL;
	s->n_kchain = (uint16_t)t->n_kchain;
}

static inline void made_regs(struct made *m, uint64_t sp, struct regs *regs)
{
	unsigned int n = machine_pc(m->machine) + 1;

	for (unsigned int i = 0; i < n; i++) {
		if (made_below(m, 3) == 0)
			continue;
		regs->mask |= UINT64_C(1) << i;
		regs->value[i] = made_below(m, 2) ? made_code(m) : sp + made_below(m, 5000);
	}
	regs->mask |= UINT64_C(1) << machine_sp(m->machine) | UINT64_C(1) << machine_pc(m->machine);
	regs->value[machine_sp(m->machine)] = sp;
	regs->value[machine_pc(m->machine)] = made_code(m);
}

static inline void made_sample(struct made *m, struct event *e)
{
	struct made_thread *t = &m->thread[made_below(m, MADE_THREADS)];
	struct event_sample *s = &e->sample;
	uint64_t sp;

	e->type = EVENT_SAMPLE;
	e->pid = t->pid;
	e->tid = t->tid;
	s->source = (uint8_t)made_below(m, 2);
	s->period = made_below(m, 20) ? 1001001 : made_random(m);
	s->user = made_below(m, 10) != 0;
	s->in_kernel = made_below(m, 4) == 0;
	if (s->in_kernel)
		made_kchain(m, t, s);
	s->ip = s->n_kchain && made_below(m, 8) ? s->kchain[0] : made_code(m);
	made_uchain(m, s);
	if (!s->user)
		return;
	made_change_stack(m, t);
	sp = (t->n ? t->words[t->n - 1].addr : t->top - 64) - 8 * made_below(m, 3) -
	     (made_below(m, 9) ? 0 : 3);
	made_regs(m, sp, &s->regs);
	if (!s->in_kernel && made_below(m, 8))
		s->ip = s->regs.value[machine_pc(m->machine)];
	if (made_below(m, 15) == 0)
		return; /* no stack */
	s->stack_bytes =
		t->top - sp + made_below(m, 12) / 9 * 5; /* the copy may end within a word */
	s->stack_cut = made_below(m, 9) == 0;
	s->compat = made_below(m, 50) == 0;
	s->stack_dropped = made_below(m, 50) == 0;
	s->words = t->words;
	s->n_words = t->n;
}

static inline void made_mmap(struct made *m, struct event *e)
{
	uint64_t object = made_below(m, MADE_OBJECTS);

	e->type = EVENT_MMAP;
	e->mmap.start =
		UINT64_C(0x7f0000000000) + (made_below(m, 4) << 32) + made_below(m, 64) * 4096;
	e->mmap.size = (1 + object) * 4096 + (made_below(m, 30) ? 0 : 7);
	e->mmap.pgoff = object % 3 * 4096;
	if (object % 2) {
		e->mmap.build_id.n = object == 5 ? 8 : 20;
		memset(e->mmap.build_id.bytes, (int)object + 1, e->mmap.build_id.n);
	} else {
		e->mmap.maj = 8;
		e->mmap.min = (uint32_t)object;
		e->mmap.ino = 1000 + object;
	}
	snprintf(m->path, sizeof(m->path), object == 4 ? "//anon" : "/usr/lib/object-%u.so",
		 (unsigned int)object);
	e->mmap.path = m->path;
}

/* The next event; lent until the one after. */
static inline void made_next(struct made *m, struct event *e)
{
	struct made_thread *t = &m->thread[made_below(m, MADE_THREADS)];

	memset(e, 0, sizeof(*e));
	m->time_ns += made_below(m, 3) ? made_below(m, 1100000) : 0;
	e->time_ns = m->time_ns;
	e->cpu = (uint32_t)made_below(m, made_below(m, 40) ? 4 : 1000);
	e->pid = t->pid;
	e->tid = t->tid;
	switch (made_below(m, 24)) {
	case 0:
		e->type = EVENT_COMM;
		e->comm.exec = made_below(m, 2);
		snprintf(e->comm.comm, sizeof(e->comm.comm), "comm-%u",
			 (unsigned int)made_below(m, 99));
		break;
	case 1:
		e->type = EVENT_FORK;
		e->fork.ppid = m->thread[0].pid;
		e->fork.ptid = m->thread[made_below(m, 3)].tid;
		break;
	case 2:
		e->type = EVENT_EXIT;
		break;
	case 3:
		e->type = EVENT_SPACE;
		break;
	case 4:
		e->type = EVENT_LOST;
		e->lost.source = made_below(m, 2) ? 1 : SOURCE_MAX;
		e->lost.n = made_below(m, 100000);
		break;
	case 5:
		e->type = EVENT_THROTTLE;
		e->throttle.on = made_below(m, 2);
		e->throttle.source = 1;
		break;
	case 6:
		e->type = EVENT_SWITCH;
		e->switched.kind = made_below(m, SWITCH_KINDS);
		if (e->switched.kind == SWITCH_WOKEN)
			e->pid = 0;
		break;
	case 7:
		made_mmap(m, e);
		break;
	default:
		made_sample(m, e);
	}
}

/* Equal in everything that the file keeps. On a difference *ret_what names the field. */
static inline bool made_equal(const struct event *a, const struct event *b, const char **ret_what)
{
#define MADE_SAME(field)                    \
	do {                                \
		if (a->field != b->field) { \
			*ret_what = #field; \
			return false;       \
		}                           \
	} while (0)
	MADE_SAME(type);
	MADE_SAME(time_ns);
	MADE_SAME(pid);
	MADE_SAME(tid);
	MADE_SAME(cpu);
	switch (a->type) {
	case EVENT_SAMPLE:
		MADE_SAME(sample.source);
		MADE_SAME(sample.user);
		MADE_SAME(sample.in_kernel);
		MADE_SAME(sample.stack_cut);
		MADE_SAME(sample.stack_dropped);
		MADE_SAME(sample.compat);
		MADE_SAME(sample.period);
		MADE_SAME(sample.ip);
		MADE_SAME(sample.n_kchain);
		MADE_SAME(sample.n_uchain);
		for (unsigned int i = 0; i < a->sample.n_uchain; i++)
			MADE_SAME(sample.uchain[i]);
		MADE_SAME(sample.regs.mask);
		MADE_SAME(sample.stack_bytes);
		MADE_SAME(sample.n_words);
		for (unsigned int i = 0; i < a->sample.n_kchain; i++)
			MADE_SAME(sample.kchain[i]);
		for (unsigned int i = 0; i < REGS_MAX; i++)
			MADE_SAME(sample.regs.value[i]);
		for (uint32_t i = 0; i < a->sample.n_words; i++) {
			MADE_SAME(sample.words[i].addr);
			MADE_SAME(sample.words[i].value);
		}
		return true;
	case EVENT_MMAP:
		MADE_SAME(mmap.start);
		MADE_SAME(mmap.size);
		MADE_SAME(mmap.pgoff);
		MADE_SAME(mmap.maj);
		MADE_SAME(mmap.min);
		MADE_SAME(mmap.ino);
		*ret_what = "mmap.build_id or path";
		return !memcmp(&a->mmap.build_id, &b->mmap.build_id, sizeof(a->mmap.build_id)) &&
		       !strcmp(a->mmap.path, b->mmap.path);
	case EVENT_COMM:
		MADE_SAME(comm.exec);
		*ret_what = "comm.comm";
		return !strcmp(a->comm.comm, b->comm.comm);
	case EVENT_FORK:
		MADE_SAME(fork.ppid);
		MADE_SAME(fork.ptid);
		return true;
	case EVENT_LOST:
		MADE_SAME(lost.source);
		MADE_SAME(lost.n);
		return true;
	case EVENT_THROTTLE:
		MADE_SAME(throttle.on);
		MADE_SAME(throttle.source);
		return true;
	case EVENT_SWITCH:
		MADE_SAME(switched.kind);
		return true;
	default:
		return true;
	}
#undef MADE_SAME
}

#endif
