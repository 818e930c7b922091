/*
 * One question: addresses -> lists of them by unit -> unit after unit, lines first, then functions,
 * then inlined bodies of the functions that hold addresses. The first unit that knows a function
 * answers; where none does, a line alone is better than nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "report/dwarf/engine.h"
#include "report/dwarf/functions.h"
#include "report/dwarf/lines.h"
#include "report/dwarf/lines_aside.h"
#include "report/dwarf/split.h"
#include "report/dwarf/symtab.h"
#include "report/symbol/answer.h"

enum { LIST_END = UINT32_MAX };

struct link {
	uint32_t query, next;
};

/* What is known of an address that no unit gave a function for. */
struct partial {
	uint32_t file, line, column;
	bool is_done; /* it was answered */
};

struct batch {
	struct dwarf *d;
	struct answers_builder *out;
	const uint64_t *addr;
	uint32_t n;
	struct partial *partial;
	uint32_t *head; /* of units: first link */
	struct link *link;
	size_t n_links, links_cap;
	uint32_t query; /* at hand, for link_put */
	/* of the unit at hand: its addresses, and what was found about each */
	struct unit *unit;
	uint64_t *unit_addr;
	uint32_t *unit_query;
	uint32_t *function;
	uint32_t *inlined;
	struct line_row *row;
	uint32_t n_unit;
	struct lines *lines;
	struct lines_aside aside; /* fills `row` until it is awaited */
	struct buf path;
};

static uint32_t name_put(struct batch *b, struct name *name)
{
	if (!name->text)
		return 0;
	if (name->mark_owner != b->d->round) {
		name->mark = answers_text_put(b->out, name->text, name->n);
		name->mark_owner = b->d->round;
	}
	return name->mark;
}

static void marks_renew(struct batch *b, struct lines *l)
{
	if (l->mark_owner == b->d->round)
		return;
	free(l->file_mark);
	l->file_mark = mem_zalloc((l->n_files + 1) * sizeof(*l->file_mark));
	l->mark_owner = b->d->round;
}

/* Text of a file of the unit's line table; 0: not known. */
static uint32_t file_put(struct batch *b, uint64_t file)
{
	struct lines *l = b->lines;

	if (!l || file >= l->n_files)
		return 0;
	marks_renew(b, l);
	if (!l->file_mark[file] && lines_path(l, file, &b->path))
		l->file_mark[file] = answers_text_put(b->out, b->path.data, b->path.n);
	return l->file_mark[file];
}

/* Name of an inlined body: asked for once, however many addresses lie in it. */
static uint32_t inlined_name(struct batch *b, struct inlined *in)
{
	if (in->name == INLINED_NONE)
		in->name =
			name_put(b, names_get_origin(&b->d->names, b->unit, &in->origin, in->off));
	return in->name;
}

/* Frame of the body (or function) into which `node` was inlined, at the call. */
static uint32_t call_put(struct batch *b, uint32_t node, uint32_t function_name, uint64_t start)
{
	struct inlined *in = &b->d->inlines.item[node];
	struct answer_frame frame = { .caller = ANSWER_NONE, .start = start };

	if (in->frame != INLINED_NONE)
		return in->frame;
	frame.name = function_name;
	frame.flags = ANSWER_DWARF;
	if (in->parent != INLINED_NONE) {
		struct inlined *parent = &b->d->inlines.item[in->parent];

		frame.caller = call_put(b, in->parent, function_name, start);
		frame.name = inlined_name(b, parent);
		frame.flags |= ANSWER_INLINED;
	}
	frame.file = file_put(b, in->call_file);
	frame.line = in->call_line > UINT32_MAX ? 0 : (uint32_t)in->call_line;
	frame.column = in->call_column > UINT32_MAX ? 0 : (uint32_t)in->call_column;
	in->frame = answers_frame_put(b->out, &frame);
	return in->frame;
}

static void address_put(struct batch *b, uint32_t i, uint32_t function_name, uint64_t start)
{
	const struct line_row *row = &b->row[i];
	uint32_t node = b->inlined[i];
	struct answer_frame frame = {
		.name = function_name, .caller = ANSWER_NONE, .flags = ANSWER_DWARF, .start = start
	};

	if (node != INLINED_NONE) {
		struct inlined *in = &b->d->inlines.item[node];

		frame.caller = call_put(b, node, function_name, start);
		frame.name = inlined_name(b, in);
		frame.flags |= ANSWER_INLINED;
		b->d->stats.n_inlined++;
	}
	if (row->known) {
		frame.file = file_put(b, row->file);
		frame.line = row->line;
		frame.column = row->column;
		if (b->d->in.discriminators)
			frame.flags |= row->discriminator << ANSWER_DISCRIMINATOR_SHIFT;
		b->d->stats.n_lines++;
	}
	b->d->stats.n_functions++;
	answers_put(b->out, b->unit_addr[i], answers_frame_put(b->out, &frame));
	b->partial[b->unit_query[i]].is_done = true;
}

static bool symbol_get(struct dwarf *d, uint64_t addr, struct symtab_name *ret)
{
	if (d->in.no_symtab)
		return false;
	if (!d->symtab)
		d->symtab = symtab_new(&d->main);
	return symtab_find(d->symtab, addr, &d->budget, ret);
}

/* Length of a clone's suffix (".part", ".constprop") that `text` begins with; 0: none. */
static size_t suffix_length(const char *text, size_t n)
{
	static const char *const suffix[] = {
		".isra", ".part", ".constprop", ".cold", ".lto_priv", ".llvm",
	};

	for (size_t i = 0; i < N_ELEMENTS(suffix); i++) {
		size_t length = strlen(suffix[i]);

		if (n >= length && memcmp(text, suffix[i], length) == 0 &&
		    (n == length || text[length] == '.'))
			return length;
	}
	return 0;
}

/* Length of ".0" at the beginning of `text`; 0: none. */
static size_t number_length(const char *text, size_t n)
{
	size_t i = 1;

	if (!n || text[0] != '.')
		return 0;
	while (i < n && text[i] >= '0' && text[i] <= '9')
		i++;
	return i > 1 && (i == n || text[i] == '.') ? i : 0;
}

/*
 * "f.part.0.cold" of "f": the symbol says no more than the name. Other words behind a dot do: Go's
 * "main.run.func1" is a function in "main.run".
 */
static bool is_clone(const struct name *name, const struct symtab_name *symbol)
{
	size_t at = name->n, length;

	if (!name->text || symbol->n <= at || memcmp(symbol->text, name->text, at) != 0)
		return false;
	do {
		length = suffix_length(symbol->text + at, symbol->n - at);
		if (!length)
			return false;
		at += length;
		at += number_length(symbol->text + at, symbol->n - at);
	} while (at < symbol->n);
	return true;
}

/*
 * Name of a function. Clones (".constprop.0") and Fortran's main program have no linkage name in
 * the debug information; the symbol that starts where they do has it.
 */
static uint32_t function_name(struct batch *b, const struct function *f, uint64_t addr)
{
	struct name *name = names_get(&b->d->names, b->unit, f->off);
	struct symtab_name symbol;

	if ((!name->text || !name->is_linkage) && symbol_get(b->d, addr, &symbol) &&
	    symbol.start == f->start && !is_clone(name, &symbol))
		return answers_text_put(b->out, symbol.text, symbol.n);
	return name_put(b, name);
}

/* Addresses i to end of the unit, all in one function. */
static void function_answer(struct batch *b, const struct function *f, uint32_t i, uint32_t end)
{
	struct dwarf *d = b->d;
	uint32_t name = function_name(b, f, b->unit_addr[i]);

	if (d->in.no_inlines)
		for (uint32_t j = i; j < end; j++)
			b->inlined[j] = INLINED_NONE;
	else
		inlines_read(&d->inlines, b->unit, f->off, b->unit_addr + i, end - i,
			     b->inlined + i);
	for (; i < end; i++)
		address_put(b, i, name, f->start);
}

static void line_keep(struct batch *b, uint32_t i)
{
	struct partial *p = &b->partial[b->unit_query[i]];
	const struct line_row *row = &b->row[i];

	if (!row->known || p->file || p->line)
		return;
	p->file = file_put(b, row->file);
	p->line = row->line;
	p->column = row->column;
}

static void unit_answer(struct batch *b)
{
	const struct functions *f = functions_get(b->unit, false);
	uint32_t i = 0;

	if (!functions_match(f, b->unit_addr, b->n_unit, &b->d->budget, b->function) &&
	    f->has_skipped) {
		f = functions_get(b->unit, true);
		functions_match(f, b->unit_addr, b->n_unit, &b->d->budget, b->function);
	}
	lines_aside_await(&b->aside);
	while (i < b->n_unit) {
		uint32_t end = i + 1;

		while (end < b->n_unit && b->function[end] == b->function[i])
			end++;
		if (b->function[i] != FUNCTION_NONE)
			function_answer(b, &f->item[b->function[i]], i, end);
		else
			for (uint32_t j = i; j < end; j++)
				line_keep(b, j);
		i = end;
	}
}

static void unit_run(struct batch *b, struct unit *u, uint32_t head)
{
	b->n_unit = 0;
	for (uint32_t i = head; i != LIST_END; i = b->link[i].next) {
		uint32_t q = b->link[i].query;

		if (b->partial[q].is_done || (b->n_unit && b->unit_query[b->n_unit - 1] == q))
			continue;
		b->unit_addr[b->n_unit] = b->addr[q];
		b->unit_query[b->n_unit++] = q;
	}
	if (!b->n_unit)
		return;
	b->d->stats.n_units_read++;
	b->lines = lines_get(u);
	if (b->lines)
		lines_aside_start(&b->aside, b->lines, b->unit_addr, b->n_unit, &b->d->budget,
				  b->row);
	else
		memset(b->row, 0, b->n_unit * sizeof(*b->row));
	b->unit = split_get(b->d, u);
	if (!b->unit)
		b->unit = u;
	unit_answer(b);
	b->d->stats.n_units_bad += !u->is_counted_bad && (u->is_bad || b->unit->is_bad);
	u->is_counted_bad |= u->is_bad || b->unit->is_bad;
}

static void link_put(void *ctx, uint32_t unit)
{
	struct batch *b = ctx;

	mem_grow(&b->link, &b->links_cap, b->n_links + 1, sizeof(*b->link));
	b->link[b->n_links] = (struct link){ .query = b->query, .next = b->head[unit] };
	b->head[unit] = (uint32_t)b->n_links++;
}

/* Lists grow at their heads: from the last address to the first, so that each is rising. */
static void lists_make(struct batch *b)
{
	struct dwarf *d = b->d;

	b->head = mem_alloc((d->main.n_units + 1) * sizeof(*b->head));
	for (uint32_t i = 0; i < d->main.n_units; i++)
		b->head[i] = LIST_END;
	for (uint32_t i = b->n; i-- > 0;) {
		b->query = i;
		unit_index_each(&d->index, b->addr[i], &d->budget, link_put, b);
	}
}

/* What a symbol table knows of an address without a function. */
static void symbol_put(struct batch *b, uint64_t addr, struct answer_frame *frame)
{
	struct symtab_name name;
	struct dwarf *d = b->d;

	if (!symbol_get(d, addr, &name))
		return;
	frame->name = answers_text_put(b->out, name.text, name.n);
	frame->start = name.start;
	frame->flags &= ~(uint32_t)ANSWER_DWARF;
	d->stats.n_functions++;
}

static void partials_put(struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct partial *p = &b->partial[i];
		struct answer_frame frame = { .file = p->file,
					      .line = p->line,
					      .column = p->column,
					      .caller = ANSWER_NONE,
					      .flags = ANSWER_DWARF,
					      .start = UINT64_MAX };

		if (p->is_done)
			continue;
		b->d->stats.n_lines += p->line != 0;
		symbol_put(b, b->addr[i], &frame);
		answers_put(b->out, b->addr[i],
			    p->file || p->line || frame.name ? answers_frame_put(b->out, &frame) :
							       ANSWER_NONE);
	}
}

static void batch_init(struct batch *b)
{
	b->partial = mem_zalloc((b->n + 1) * sizeof(*b->partial));
	b->unit_addr = mem_alloc((b->n + 1) * sizeof(*b->unit_addr));
	b->unit_query = mem_alloc((b->n + 1) * sizeof(*b->unit_query));
	b->function = mem_alloc((b->n + 1) * sizeof(*b->function));
	b->inlined = mem_alloc((b->n + 1) * sizeof(*b->inlined));
	b->row = mem_alloc((b->n + 1) * sizeof(*b->row));
	buf_init(&b->path);
}

static void batch_done(struct batch *b)
{
	free(b->partial);
	free(b->head);
	free(b->link);
	free(b->unit_addr);
	free(b->unit_query);
	free(b->function);
	free(b->inlined);
	free(b->row);
	buf_done(&b->path);
}

void batch_run(struct dwarf *d, const uint64_t *addr, uint32_t n, struct answers_builder *out)
{
	struct batch b = { .d = d, .out = out, .addr = addr, .n = n };

	batch_init(&b);
	answers_reserve(out, n);
	lists_make(&b);
	for (uint32_t i = 0; i < d->main.n_units; i++)
		if (b.head[i] != LIST_END)
			unit_run(&b, &d->main.unit[i], b.head[i]);
	partials_put(&b);
	batch_done(&b);
}
