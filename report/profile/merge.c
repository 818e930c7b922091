/*
 * Everything of `from` is looked up in `to` by what it says and gets a number there; tables of
 * numbers go from bottom to top: texts, modules, functions, places, threads, nodes, entries.
 */
#include "report/profile/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/profile/profile.h"
#include "report/profile/slots.h"

struct merge {
	struct profile *to;
	struct map modules; /* what it is, as text: id + 1 -> index */
	struct slots places;
	size_t place_cap;
	bool any;

	/* of the profile that is added: its numbers -> those of `to` */
	const struct profile *from;
	uint32_t *text, *module, *function, *place, *thread, *node;
	uint8_t source[SOURCE_MAX];
};

struct merge *merge_new(void)
{
	struct merge *m = mem_zalloc(sizeof(*m));

	m->to = profile_new();
	map_init(&m->modules);
	slots_init(&m->places);
	return m;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	profile_free(m->to);
	map_done(&m->modules);
	slots_done(&m->places);
	free(m);
}

struct profile *merge_finish(struct merge *m)
{
	struct profile *p = m->to;

	profile_seal(p);
	m->to = NULL;
	return p;
}

/* ---- texts, modules, functions ---- */

static uint32_t *new_numbers(size_t n)
{
	uint32_t *numbers = mem_alloc((n + 1) * sizeof(*numbers));

	memset(numbers, 0xff, (n + 1) * sizeof(*numbers));
	return numbers;
}

static str_id text_of(struct merge *m, str_id text)
{
	uint32_t *known = &m->text[text.n];

	if (*known == PROFILE_NONE)
		*known = intern_put(&m->to->names, profile_text(m->from, text)).n;
	return (str_id){ *known };
}

/* A file is its build-id under a name, wherever it lay; without one its path has to do. */
static uint64_t *known_module(struct merge *m, const struct profile_module *module, bool *ret_new)
{
	struct buf text;
	str_id id;

	buf_init(&text);
	buf_printf(&text, "module %d ", module->kind);
	for (unsigned int i = 0; i < module->build_id.n; i++)
		buf_printf(&text, "%02x", module->build_id.bytes[i]);
	buf_printf(&text, " %s",
		   profile_text(m->from, module->build_id.n ? module->name : module->path));
	id = intern_putn(&m->to->names, text.data, text.n);
	buf_done(&text);
	return map_put(&m->modules, (uint64_t)id.n + 1, ret_new);
}

static void join_modules(struct profile_module *to, const struct profile_module *from)
{
	to->has_names |= from->has_names;
	to->tables = MAX(to->tables, from->tables);
	to->full_debug |= from->full_debug;
	to->from_cache |= from->from_cache;
	to->n_gaps = MAX(to->n_gaps, from->n_gaps);
	to->local_names |= from->local_names;
	to->has_lines |= from->has_lines;
	if (!to->debug_file.n)
		to->debug_file = from->debug_file;
	if (!from->symbols_reason.n)
		to->symbols_reason = from->symbols_reason;
	if (to->unwind_state == UNWIND_OBJECT_UNUSED) {
		to->unwind_state = from->unwind_state;
		to->unwind_reason = from->unwind_reason;
	}
}

static void put_module(struct merge *m, uint32_t at)
{
	struct profile_module module = m->from->module[at];
	bool is_new;
	uint64_t *known = known_module(m, &module, &is_new);

	module.name = text_of(m, module.name);
	module.path = text_of(m, module.path);
	module.debug_file = text_of(m, module.debug_file);
	module.symbols_reason = text_of(m, module.symbols_reason);
	module.unwind_reason = text_of(m, module.unwind_reason);
	if (is_new)
		*known = profile_add_module(m->to, &module);
	else
		join_modules(&m->to->module[*known], &module);
	m->module[at] = (uint32_t)*known;
}

static uint32_t module_of(const struct merge *m, uint32_t module)
{
	return module < m->from->n_modules ? m->module[module] : PROFILE_NONE;
}

static uint32_t function_of(const struct merge *m, uint32_t function)
{
	return function < m->from->n_functions ? m->function[function] : PROFILE_NONE;
}

static void put_function(struct merge *m, uint32_t at)
{
	const struct profile_function *f = &m->from->function[at];

	m->function[at] = profile_function(m->to, module_of(m, f->module), text_of(m, f->name),
					   text_of(m, f->system_name), f->named);
}

/* ---- places ---- */

static struct profile_place translate(struct merge *m, uint32_t at)
{
	struct profile_place p = m->from->place[at];

	p.module = module_of(m, p.module);
	p.function = function_of(m, p.function);
	p.file = text_of(m, p.file);
	return p;
}

static uint64_t hash_place(const struct profile_place *p)
{
	uint64_t hash = hash_u64(p->addr) ^ ((uint64_t)p->module << 32 | p->function);

	hash = hash_u64(hash) ^ ((uint64_t)p->line << 32 | p->column);
	return hash_u64(hash) ^ ((uint64_t)p->file.n << 32 | p->n_inner);
}

static bool same_code(const struct profile_place *a, const struct profile_place *b)
{
	return a->addr == b->addr && a->module == b->module && a->function == b->function &&
	       a->line == b->line && a->column == b->column && a->file.n == b->file.n;
}

/* Place `at` of `from`, translated to *p, and place `known` of `to`, with all inlined in them. */
static bool same_place(struct merge *m, uint32_t at, const struct profile_place *p, uint32_t known)
{
	const struct profile_place *q = &m->to->place[known];

	if (!same_code(p, q) || p->n_inner != q->n_inner)
		return false;
	for (uint32_t i = 0; i < p->n_inner; i++) {
		struct profile_place inner = translate(m, m->from->place[at].inner + i);

		if (!same_code(&inner, &m->to->place[q->inner + i]))
			return false;
	}
	return true;
}

static uint32_t new_place(struct merge *m, uint32_t at, struct profile_place *p)
{
	struct profile *to = m->to;
	uint32_t number = (uint32_t)to->n_places;

	mem_grow(&to->place, &m->place_cap, to->n_places + 1 + p->n_inner, sizeof(*to->place));
	p->inner = p->n_inner ? number + 1 : 0;
	to->place[to->n_places++] = *p;
	for (uint32_t i = 0; i < p->n_inner; i++) {
		struct profile_place inner = translate(m, m->from->place[at].inner + i);

		inner.inner = number;
		to->place[to->n_places++] = inner;
	}
	return number;
}

static uint32_t put_place(struct merge *m, uint32_t at)
{
	struct profile_place p = translate(m, at);
	uint64_t hash = hash_place(&p);
	uint32_t i, known;

	for (i = slots_first(&m->places, hash);
	     (known = slots_at(&m->places, i, hash)) != SLOT_FREE; i = slots_next(&m->places, i))
		if (known != SLOT_OTHER && same_place(m, at, &p, known))
			return known;
	known = new_place(m, at, &p);
	slots_put(&m->places, i, hash, known);
	return known;
}

/* What is inlined somewhere goes with the place of the code. */
static uint32_t place_of(struct merge *m, uint32_t at)
{
	const struct profile_place *p = &m->from->place[at];
	uint32_t code = p->inlined ? p->inner : at;
	const struct profile_place *to;

	if (m->place[code] == PROFILE_NONE)
		m->place[code] = put_place(m, code);
	if (!p->inlined)
		return m->place[code];
	to = &m->to->place[m->place[code]];
	at -= m->from->place[code].inner;
	return at < to->n_inner ? to->inner + at : m->place[code];
}

/* ---- threads, sources, stacks ---- */

static bool same_source(const struct profile_source *a, const struct profile_source *b)
{
	return a->time == b->time && !strcmp(a->about.name, b->about.name) &&
	       !strcmp(a->about.unit, b->about.unit);
}

static int put_source(struct merge *m, uint32_t at, struct err *err)
{
	const struct profile_source *s = &m->from->source[at];
	uint32_t i = 0;

	if (!s->used && !s->count)
		return 0;
	while (i < SOURCE_MAX && m->to->source[i].used && !same_source(&m->to->source[i], s))
		i++;
	if (i == SOURCE_MAX)
		return err_set(err, -EFBIG, "recordings have more than %d events together",
			       SOURCE_MAX);
	if (!m->to->source[i].used)
		m->to->source[i] =
			(struct profile_source){ .used = true, .time = s->time, .about = s->about };
	m->source[at] = (uint8_t)i;
	return 0;
}

static void put_threads(struct merge *m)
{
	for (uint32_t i = 0; i < m->from->n_threads; i++) {
		const struct profile_thread *t = &m->from->thread[i];

		m->thread[i] = profile_thread(m->to, t->pid, t->tid, profile_text(m->from, t->comm),
					      profile_text(m->from, t->process));
	}
}

/* Parents come before their children. */
static void put_stacks(struct merge *m)
{
	m->node[0] = 0;
	for (uint32_t i = 1; i < m->from->n_nodes; i++) {
		const struct profile_node *n = &m->from->node[i];

		m->node[i] = profile_child(m->to, m->node[n->parent], place_of(m, n->place));
	}
	for (size_t i = 0; i < m->from->n_entries; i++) {
		const struct profile_entry *e = &m->from->entry[i];

		profile_add_entry(m->to, m->node[e->node], m->thread[e->thread],
				  m->source[e->source], e->count, e->weight);
	}
}

/* ---- what the recordings say of themselves ---- */

/* Lasted as long as all together, from when the first of them began. */
static void add_origin(struct merge *m)
{
	const struct profile_origin *from = &m->from->origin;
	struct profile_origin *to = &m->to->origin;

	if (!m->any) {
		*to = *from;
		return;
	}
	for (int i = 0; i < COUNTERS; i++)
		to->counters.n[i] += from->counters.n[i];
	to->n_unreadable += from->n_unreadable;
	unsampled_add_all(&to->unsampled, &from->unsampled);
	to->ended &= from->ended;
	to->n_damaged += from->n_damaged;
	to->last_ns += from->last_ns - from->first_ns;
	if (from->realtime_ns && (!to->realtime_ns || from->realtime_ns < to->realtime_ns))
		to->realtime_ns = from->realtime_ns;
}

static void add_coverage(struct profile_coverage *to, const struct profile_coverage *from)
{
	for (int i = 0; i < UNWIND_STOPS; i++)
		to->stops[i] += from->stops[i];
	for (int i = 0; i < UNWIND_METHODS; i++)
		to->methods[i] += from->methods[i];
	to->n_filtered += from->n_filtered;
}

static void add_advice(struct merge *m)
{
	struct profile *to = m->to;

	for (uint32_t i = 0; i < m->from->n_advice; i++) {
		str_id text = text_of(m, m->from->advice[i]);
		uint32_t known = 0;

		while (known < to->n_advice && to->advice[known].n != text.n)
			known++;
		if (known == to->n_advice && known < PROFILE_ADVICE_MAX)
			to->advice[to->n_advice++] = text;
	}
}

static int put_sources(struct merge *m, struct err *err)
{
	int code = 0;

	for (uint32_t i = 0; i < SOURCE_MAX && code == 0; i++)
		code = put_source(m, i, err);
	return code;
}

int merge_add(struct merge *m, const struct profile *from, struct err *err)
{
	int code;

	m->from = from;
	code = put_sources(m, err);
	if (code < 0)
		return code;
	m->text = new_numbers(from->names.n);
	m->module = new_numbers(from->n_modules);
	m->function = new_numbers(from->n_functions);
	m->place = new_numbers(from->n_places);
	m->thread = new_numbers(from->n_threads);
	m->node = new_numbers(from->n_nodes);
	for (uint32_t i = 0; i < from->n_modules; i++)
		put_module(m, i);
	for (uint32_t i = 0; i < from->n_functions; i++)
		put_function(m, i);
	put_threads(m);
	put_stacks(m);
	add_origin(m);
	add_coverage(&m->to->coverage, &from->coverage);
	add_advice(m);
	m->to->n_samples += from->n_samples;
	m->any = true;
	free(m->text);
	free(m->module);
	free(m->function);
	free(m->place);
	free(m->thread);
	free(m->node);
	return 0;
}
