/*
 * Rows of a function are compiled together and kept side by side; equal neighbours are folded.
 * Rules are few (libc has 23 000 rows and 300 rules): a row holds the number of its rule.
 */
#include "report/unwind/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/elf/image.h"
#include "report/unwind/index.h"

enum {
	ROWS_MAX = 16 << 20,
	RULES_MAX = UINT16_MAX,
	PADDING_MAX = 15,
	RULE_SLOTS =
		1 << 11, /* rule -> id; a rule that is missed after RULE_PROBES is stored again */
	RULE_PROBES = 8,
	STATE_BITS = 9, /* states seen lately -> rule id, without compiling them again */
	RULE_ID_NONE = 0,
	RULE_ID_EXACT = 1,
};

/*
 * A row holds from begin (less the function's) up to the next row, the last one up to the next
 * function.
 */
struct row {
	uint32_t begin;
	uint16_t id;
};

/* n 0: not compiled yet. */
struct function {
	uint32_t first, n;
};

struct table {
	struct index index;
	struct function *function; /* by FDE */
	struct row *row;
	size_t rows_cap, rules_cap;
	struct table_rule *rule;
	struct table_counts counts;
	bool header_checked;
	uint16_t slot_of[RULE_SLOTS];
	struct {
		uint64_t key;
		uint16_t id;
	} state[1 << STATE_BITS];
};

/* ---- rules ---- */

static uint64_t rule_hash(const struct table_rule *r)
{
	return hash_u64((uint64_t)(uint32_t)r->cfa_off << 32 ^ (uint64_t)(uint16_t)r->fp_off << 16 ^
			(uint16_t)r->ra_off ^ (uint64_t)r->kind << 56 ^ (uint64_t)r->flags << 48 ^
			(uint64_t)r->plt_at << 60);
}

static bool rule_equal(const struct table_rule *a, const struct table_rule *b)
{
	return a->cfa_off == b->cfa_off && a->fp_off == b->fp_off && a->ra_off == b->ra_off &&
	       a->kind == b->kind && a->flags == b->flags && a->plt_at == b->plt_at;
}

static uint16_t add_rule(struct table *t, const struct table_rule *r)
{
	if (t->counts.n_rules == RULES_MAX)
		return RULE_ID_EXACT;
	mem_grow(&t->rule, &t->rules_cap, t->counts.n_rules + 1, sizeof(*r));
	t->rule[t->counts.n_rules] = *r;
	return (uint16_t)t->counts.n_rules++;
}

static uint16_t rule_id(struct table *t, const struct table_rule *r)
{
	uint32_t at = (uint32_t)(rule_hash(r) % RULE_SLOTS);

	for (int i = 0; i < RULE_PROBES; i++, at = (at + 1) % RULE_SLOTS) {
		if (t->slot_of[at] == RULE_ID_NONE)
			break;
		if (rule_equal(&t->rule[t->slot_of[at]], r))
			return t->slot_of[at];
	}
	return t->slot_of[at] = add_rule(t, r);
}

/*
 * The state of nearly every row in 62 bits: CFA = register + offset, plain saves. 0: it does
 * not fit. Equal keys of one machine mean equal rules.
 */
static uint64_t state_key(const struct cfi_state *s, bool signal)
{
	const struct cfi_rule *ra = &s->rule[TABLE_SLOT_RA], *fp = &s->rule[TABLE_SLOT_FP];

	if (s->cfa != CFI_CFA_OFFSET || ra->how != CFI_OFFSET || fp->how > CFI_OFFSET ||
	    s->rule[TABLE_SLOT_SP].how != CFI_UNSPECIFIED || s->cfa_reg >> 6 ||
	    (uint64_t)s->cfa_off >> 24 || (uint64_t)(fp->off + (1 << 15)) >> 16 ||
	    (uint64_t)(ra->off + (1 << 10)) >> 11)
		return 0;
	return (uint64_t)1 << 63 | (uint64_t)signal << 62 | (uint64_t)s->cfa_reg << 56 |
	       (uint64_t)fp->how << 54 | (uint64_t)(uint16_t)fp->off << 38 |
	       (uint64_t)((uint32_t)ra->off & 0x7ff) << 24 | (uint64_t)s->cfa_off;
}

static uint16_t state_id(struct table *t, const struct cfi_run *run)
{
	uint64_t key = state_key(&run->state, run->cie->signal);
	uint32_t at = (uint32_t)(key * 0x9e3779b97f4a7c15u >> (64 - STATE_BITS));
	struct table_rule r;

	if (key && t->state[at].key == key)
		return t->state[at].id;
	r = table_compile(run->section, run->cie, &run->state);
	t->state[at].key = key;
	return t->state[at].id = rule_id(t, &r);
}

/* ---- rows ---- */

static void add_row(struct table *t, struct function *f, uint64_t begin, uint16_t id)
{
	if (f->n && t->row[f->first + f->n - 1].id == id)
		return;
	mem_grow(&t->row, &t->rows_cap, (size_t)t->counts.n_rows + 1, sizeof(t->row[0]));
	t->row[t->counts.n_rows++] = (struct row){ .begin = (uint32_t)begin, .id = id };
	t->counts.n_exact += t->rule[id].kind == TABLE_EXACT;
	f->n++;
}

/* Three registers decide: return address, frame pointer, stack pointer. */
static bool run_of(struct cfi_run *run, const struct cfi_section *s, const struct cfi_cie *cie,
		   struct cfi_slots *slots)
{
	if (cie->ra >= REGS_MAX || cie->ra == machine_fp(s->machine) ||
	    cie->ra == machine_sp(s->machine))
		return false;
	memset(slots->slot, UINT8_MAX, sizeof(slots->slot));
	slots->n = TABLE_SLOTS;
	slots->slot[machine_fp(s->machine)] = TABLE_SLOT_FP;
	slots->slot[machine_sp(s->machine)] = TABLE_SLOT_SP;
	slots->slot[cie->ra] = TABLE_SLOT_RA;
	return cfi_run_cie(run, s, cie, slots);
}

static void compile_rows(struct table *t, struct function *f, struct cfi_run *run,
			 const struct cfi_fde *fde)
{
	uint64_t begin, end;
	enum cfi_next next;

	cfi_run_fde(run, fde);
	while ((next = cfi_run_next(run, &begin, &end)) != CFI_NEXT_END) {
		if (t->counts.n_rows == ROWS_MAX) {
			add_row(t, f, begin - fde->begin, RULE_ID_EXACT);
			return;
		}
		add_row(t, f, begin - fde->begin,
			next == CFI_NEXT_ROW ? state_id(t, run) : RULE_ID_EXACT);
	}
}

/*
 * False: the index is wrong about it. Code behind the function has no rule, unless it is
 * padding (or a handful of instructions between two functions, as around the system call in
 * glibc's clone, which keep the row before them).
 */
static bool compile_function(struct table *t, uint32_t i)
{
	struct function *f = &t->function[i];
	struct cfi_slots slots;
	struct cfi_cie cie;
	struct cfi_fde fde;
	struct cfi_run run;

	f->first = t->counts.n_rows;
	if (!index_fde(&t->index, i, &cie, &fde)) {
		add_row(t, f, 0, RULE_ID_EXACT);
		return false;
	}
	if (run_of(&run, &t->index.section[t->index.fde[i].section], &cie, &slots))
		compile_rows(t, f, &run, &fde);
	else
		add_row(t, f, 0, RULE_ID_EXACT);
	if (index_next(&t->index, i) - fde.end > PADDING_MAX)
		add_row(t, f, fde.end - fde.begin, RULE_ID_NONE);
	return true;
}

/* ---- the table ---- */

static void add_constant_rules(struct table *t)
{
	static const struct table_rule none = { .kind = TABLE_NONE },
				       exact = { .kind = TABLE_EXACT };

	add_rule(t, &none);
	add_rule(t, &exact);
}

static int open_index(struct table *t, const struct elf_image *image, bool use_header,
		      struct err *err)
{
	int r = index_init(&t->index, image, use_header, err);

	if (r < 0)
		return r;
	t->counts.n_fdes = t->index.n;
	t->counts.n_fdes_bad = t->index.n_bad;
	t->function = mem_zalloc(t->index.n * sizeof(t->function[0]));
	return 0;
}

struct table *table_new(const struct elf_image *image, struct err *err)
{
	struct table *t = mem_zalloc(sizeof(*t));

	if (open_index(t, image, true, err) < 0) {
		free(t);
		return NULL;
	}
	add_constant_rules(t);
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	index_done(&t->index);
	free(t->function);
	free(t->row);
	free(t->rule);
	free(t);
}

/*
 * The linker's header was wrong: an entry that is no such FDE, or FDEs that it lacks, noticed
 * where it has none for an address. The index is made again from the sections; at most once.
 */
static bool open_again(struct table *t)
{
	struct index wrong = t->index;
	struct err err;

	if (!wrong.from_header)
		return false;
	free(t->function);
	if (open_index(t, wrong.section[0].image, false, &err) < 0) {
		t->index = (struct index){ 0 };
		t->function = NULL;
	}
	index_done(&wrong);
	return true;
}

static bool header_lacks(struct table *t)
{
	if (t->header_checked || !t->index.from_header)
		return false;
	t->header_checked = true;
	return index_count(&t->index.section[0]) > t->index.n_all;
}

/* The last row that begins at or before `in`; the first begins at 0. */
static const struct row *find_row(const struct table *t, const struct function *f, uint64_t in)
{
	const struct row *row = &t->row[f->first];
	uint32_t n = f->n;

	while (n > 1) {
		uint32_t half = n / 2;

		if (row[half].begin <= in) {
			row += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return row;
}

const struct table_rule *table_find(struct table *t, uint64_t addr)
{
	int64_t i = index_find(&t->index, addr);
	uint16_t id = RULE_ID_NONE;

	if (i >= 0) {
		if (t->function[i].n == 0 && !compile_function(t, (uint32_t)i) && open_again(t))
			return table_find(t, addr);
		id = find_row(t, &t->function[i], addr - t->index.fde[i].begin)->id;
	}
	if (id == RULE_ID_NONE && header_lacks(t) && open_again(t))
		return table_find(t, addr);
	return &t->rule[id];
}

bool table_row(const struct table *t, uint64_t addr, struct table_row *ret)
{
	int64_t i = index_find(&t->index, addr);
	struct cfi_run run;
	uint64_t in;

	if (i < 0 || !index_fde(&t->index, (uint32_t)i, &ret->cie, &ret->fde) ||
	    addr - ret->fde.begin >= ret->fde.end - ret->fde.begin + PADDING_MAX)
		return false;
	ret->section = t->index.section[t->index.fde[i].section];
	if (!cfi_run_cie(&run, &ret->section, &ret->cie, &cfi_all_slots))
		return false;
	cfi_run_fde(&run, &ret->fde);
	in = MIN(addr, ret->fde.end - 1); /* padding has the last row */
	while (cfi_run_next(&run, &ret->begin, &ret->end) == CFI_NEXT_ROW)
		if (in < ret->end) {
			ret->end = MAX(ret->end, addr + 1);
			ret->state = run.state;
			return true;
		}
	return false;
}

struct table_counts table_counts(const struct table *t)
{
	return t->counts;
}

void table_each_fde(const struct table *t, void (*f)(void *ctx, uint64_t begin, uint64_t end),
		    void *ctx)
{
	struct cfi_cie cie;
	struct cfi_fde fde;

	for (uint32_t i = 0; i < t->index.n; i++)
		if (index_fde(&t->index, i, &cie, &fde))
			f(ctx, fde.begin, fde.end);
}
