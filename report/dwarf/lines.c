/*
 * The machine runs with one of two sinks: addresses to match, or runs to list. The match needs one
 * comparison for a row: the next address wanted.
 * Of rows with equal addresses the last one holds. A run whose address is no code (what linkers
 * dropped) is run through without matching. Of runs that overlap, the first one holds.
 */
#include "report/dwarf/lines.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "report/dwarf/line_header.h"

struct machine_state {
	struct lines *lines;
	struct line_row row;  /* registers */
	struct line_row last; /* row before; .known: there is one in this run */
	bool dead;	      /* this run is of dropped code */
	/* sink: addresses to match */
	const uint64_t *addr;
	uint32_t n, at;
	uint64_t next; /* addr[at], or none */
	struct line_row *ret;
	bool keep; /* sink: rows to keep */
	struct budget *budget;
	/* sink: runs */
	uint64_t begin;
	lines_got *got;
	void *ctx;
};

/* Registers when a run begins, and what stands for the row before the first one. */
static const struct line_row row_start = { .file = 1, .line = 1 };
static const struct line_row row_none = { .addr = UINT64_MAX };

static void run_reset(struct machine_state *m)
{
	m->row = row_start;
	m->last = row_none;
	m->dead = false;
	m->next = m->keep ? 0 : UINT64_MAX;
}

static void match_from(struct machine_state *m, uint64_t addr)
{
	uint32_t low = 0, high = m->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (m->addr[mid] < addr)
			low = mid + 1;
		else
			high = mid;
	}
	m->at = low;
	m->next = low < m->n ? m->addr[low] : UINT64_MAX;
}

static void match_until(struct machine_state *m, uint64_t end)
{
	for (; m->at < m->n && m->addr[m->at] < end; m->at++) {
		struct line_row *ret = &m->ret[m->at];

		if (!ret->known)
			*ret = m->last;
	}
	m->next = m->at < m->n ? m->addr[m->at] : UINT64_MAX;
}

static void run_begin(struct machine_state *m)
{
	m->dead = !file_is_code(m->lines->unit->file, m->row.addr);
	m->begin = m->row.addr;
}

/* The last row reaches until `end`. */
static void span_keep(struct machine_state *m, uint64_t end)
{
	struct lines *l = m->lines;

	if (m->dead || end <= m->last.addr)
		return;
	mem_grow(&l->span, &l->spans_cap, l->n_spans + 1, sizeof(*l->span));
	l->span[l->n_spans++] = (struct line_span){ .row = m->last, .end = end };
}

/* A row that begins a run, passes an address that is wanted, or is to be kept. */
static void row_look(struct machine_state *m)
{
	if (!m->last.known || m->row.addr < m->last.addr) {
		run_begin(m);
		if (m->n && !m->dead)
			match_from(m, m->row.addr);
	} else if (m->n && m->row.addr > m->next) {
		match_until(m, m->row.addr);
	}
	if (m->keep && m->last.known)
		span_keep(m, m->row.addr);
}

/*
 * The two rows at hand are locals of program_run, which most rows never leave: they are looked at
 * by two comparisons. They come here one by one, and not inlined, because gcc otherwise packs them
 * into vectors for the sake of these stores, and unpacks them for each opcode.
 */
static __attribute__((noinline)) void rows_store(struct machine_state *m, uint64_t addr,
						 uint64_t last_addr, uint32_t last_file,
						 uint32_t last_line, uint32_t last_column,
						 uint32_t last_discriminator)
{
	m->row.addr = addr;
	m->last.addr = last_addr;
	m->last.file = last_file;
	m->last.line = last_line;
	m->last.column = last_column;
	m->last.discriminator = last_discriminator;
}

static inline void row_put(struct machine_state *m, struct line_row *row, struct line_row *last)
{
	if (row->addr < last->addr || row->addr > m->next) {
		rows_store(m, row->addr, last->addr, last->file, last->line, last->column,
			   last->discriminator);
		row_look(m);
		m->last.known = true;
	}
	*last = *row;
	row->discriminator = 0;
}

static void run_end(struct machine_state *m)
{
	if (m->last.known && !m->dead && m->row.addr >= m->last.addr) {
		if (m->n && m->row.addr > m->next)
			match_until(m, m->row.addr);
		if (m->keep)
			span_keep(m, m->row.addr);
		if (m->got && m->row.addr > m->begin)
			m->got(m->ctx, m->begin, m->row.addr);
	}
	run_reset(m);
}

/* True: the run ended. Of the registers it takes and changes m->row's address, discriminator. */
static bool extended(struct machine_state *m, struct cursor *c)
{
	uint64_t n = cursor_uleb(c);
	const uint8_t *bytes;
	struct cursor op;

	if (!n || !cursor_take(c, n, &bytes))
		return false;
	op = cursor_of(bytes, n);
	switch (cursor_u8(&op)) {
	case DW_LNE_end_sequence:
		run_end(m);
		return true;
	case DW_LNE_set_address:
		if (n == 9)
			m->row.addr = cursor_u64(&op);
		else if (n == 5)
			m->row.addr = cursor_u32(&op);
		break;
	case DW_LNE_define_file: {
		const uint8_t *end = memchr(op.at, 0, cursor_left(&op));
		struct line_text file;

		if (!end || m->lines->n_matches)
			break;
		file = (struct line_text){ .text = (const char *)op.at,
					   .n = (size_t)(end - op.at) };
		op.at = end + 1;
		file.dir = cursor_uleb(&op);
		line_header_file(m->lines, &file);
		break;
	}
	case DW_LNE_set_discriminator: {
		uint64_t discriminator = cursor_uleb(&op);

		m->row.discriminator = (uint32_t)MIN(discriminator, UINT32_MAX);
		break;
	}
	default: /* what vendors add */
		break;
	}
	return false;
}

struct special {
	uint32_t addr;
	int32_t line;
};

static void specials_make(const struct lines *l, struct special *ret)
{
	for (unsigned int op = l->opcode_base; op < 256; op++) {
		unsigned int n = op - l->opcode_base;

		ret[op].addr = n / l->line_range * l->min_inst;
		ret[op].line = l->line_base + (int)(n % l->line_range);
	}
}

static uint32_t number_32(struct cursor *c, uint32_t too_large)
{
	uint64_t n = cursor_uleb(c);

	return n > UINT32_MAX ? too_large : (uint32_t)n;
}

/* One of the opcodes that are neither special nor extended, nor a row. */
static inline void standard(const struct lines *l, struct cursor *c, uint8_t op,
			    struct line_row *row)
{
	switch (op) {
	case DW_LNS_advance_pc:
		row->addr += cursor_uleb(c) * l->min_inst;
		break;
	case DW_LNS_advance_line:
		row->line += (uint32_t)cursor_sleb(c);
		break;
	case DW_LNS_set_file:
		row->file = number_32(c, UINT32_MAX);
		break;
	case DW_LNS_set_column:
		row->column = number_32(c, 0);
		break;
	case DW_LNS_const_add_pc:
		row->addr += (uint64_t)((255 - l->opcode_base) / l->line_range) * l->min_inst;
		break;
	case DW_LNS_fixed_advance_pc:
		row->addr += cursor_u16(c);
		break;
	case DW_LNS_set_isa:
		cursor_uleb(c);
		break;
	default: /* is_stmt, basic block, prologue and epilogue marks */
		break;
	}
}

static void program_run(struct machine_state *m)
{
	const struct lines *l = m->lines;
	struct special special[256];
	struct cursor c = l->program;
	struct line_row row, last;

	specials_make(l, special);
	run_reset(m);
	if (!budget_take(m->budget, cursor_left(&c)))
		return;
	row = row_start;
	last = row_none;
	while (cursor_left(&c)) {
		uint8_t op = *c.at++;

		if (op >= l->opcode_base) {
			row.addr += special[op].addr;
			row.line += (uint32_t)special[op].line;
			row_put(m, &row, &last);
		} else if (op == DW_LNS_copy) {
			row_put(m, &row, &last);
		} else if (!op) {
			rows_store(m, row.addr, last.addr, last.file, last.line, last.column,
				   last.discriminator);
			m->row.discriminator = row.discriminator;
			if (extended(m, &c)) {
				row = row_start;
				last = row_none;
			} else {
				row.addr = m->row.addr;
				row.discriminator = m->row.discriminator;
			}
		} else if (op <= DW_LNS_set_isa) {
			standard(l, &c, op, &row);
		} else {
			for (unsigned int i = 0; i < l->opcode_lengths[op - 1]; i++)
				cursor_uleb(&c);
		}
	}
}

struct lines *lines_get(struct unit *u)
{
	struct unit *at = u->skeleton;

	if (!at->lines && at->has_lines) {
		at->lines = mem_zalloc(sizeof(*at->lines));
		at->lines->unit = at;
		if (!line_header_read(at->lines)) {
			lines_free(at->lines);
			at->lines = NULL;
			at->has_lines = false;
		}
	}
	return at->lines;
}

void lines_free(struct lines *l)
{
	if (!l)
		return;
	free(l->dir);
	free(l->file);
	free(l->span);
	free(l->file_mark);
	free(l);
}

void lines_each_run(struct lines *l, lines_got *got, void *ctx)
{
	struct machine_state m = {
		.lines = l, .got = got, .ctx = ctx, .budget = l->unit->file->budget
	};

	program_run(&m);
	l->n_matches++;
}

static int by_addr(const void *a, const void *b)
{
	const struct line_span *x = a, *y = b;

	return x->row.addr < y->row.addr ? -1 : x->row.addr > y->row.addr;
}

static void spans_make(struct lines *l, struct budget *budget)
{
	struct machine_state m = { .lines = l, .keep = true, .budget = budget };

	program_run(&m);
	if (l->n_spans)
		qsort(l->span, l->n_spans, sizeof(*l->span), by_addr);
	for (size_t i = 1; i < l->n_spans; i++)
		l->is_overlapping |= l->span[i - 1].end > l->span[i].row.addr;
}

static struct line_row spans_find(const struct lines *l, uint64_t addr)
{
	size_t low = 0, high = l->n_spans;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->span[mid].row.addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low && addr < l->span[low - 1].end ? l->span[low - 1].row : (struct line_row){ 0 };
}

void lines_match(struct lines *l, const uint64_t *addr, uint32_t n, struct budget *budget,
		 struct line_row *ret)
{
	struct machine_state m = { .lines = l, .addr = addr, .n = n, .ret = ret, .budget = budget };

	if (l->n_matches == 1)
		spans_make(l, budget);
	if (l->n_matches && !l->is_overlapping) {
		for (uint32_t i = 0; i < n; i++)
			ret[i] = spans_find(l, addr[i]);
	} else {
		memset(ret, 0, n * sizeof(*ret));
		program_run(&m);
	}
	l->n_matches += l->n_matches < 2;
}

static bool put_path(struct buf *ret, const char *text, size_t n)
{
	if (ret->n && ret->data[ret->n - 1] != '/')
		buf_putc(ret, '/');
	buf_put(ret, text, n);
	return true;
}

bool lines_path(const struct lines *l, uint64_t file, struct buf *ret)
{
	const struct line_text *f, *dir;
	const char *comp_dir;
	size_t n;

	buf_reset(ret);
	if (file >= l->n_files || !l->file[file].text)
		return false;
	f = &l->file[file];
	dir = f->dir < l->n_dirs ? &l->dir[f->dir] : NULL;
	if (!(f->n && f->text[0] == '/')) {
		bool has_comp_dir = value_text(l->unit, &l->unit->comp_dir, &comp_dir, &n);

		if (has_comp_dir && !(dir && dir->n && dir->text[0] == '/'))
			buf_put(ret, comp_dir, n);
		/* directory 0 of version 5 is the compiler's own: comp_dir again */
		if (dir && dir->n && (f->dir || !has_comp_dir || dir->text[0] == '/'))
			put_path(ret, dir->text, dir->n);
	}
	return put_path(ret, f->text, f->n);
}
