/*
 * FDEs are compiled in address order, so rows come out sorted. Equal neighbours are folded; code
 * without CFI gets a row of TABLE_NONE unless it is padding (or a handful of instructions between two FDEs, as
 * around the system call in glibc's clone, which keep the row before them).
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
	BUCKET_BITS = 8,
	SPAN_MAX = 1 << 30,   /* code addresses of one object; beyond it every row is exact */
	ROWS_MAX = 24 << 20,
	RULES_MAX = UINT16_MAX,
	PADDING_MAX = 15,
	RULE_SLOTS = 1 << 12, /* rule -> id; a rule that is missed after RULE_PROBES is stored again */
	RULE_PROBES = 8,
	STATE_BITS = 11,      /* states seen lately -> rule id, without compiling them again */
	RULE_ID_NONE = 0,
	RULE_ID_EXACT = 1,
};

struct table {
	struct index index;
	uint64_t lo, hi;
	uint32_t *bucket; /* NULL: sparse, the index answers */
	uint32_t n_buckets;
	uint8_t *off;
	uint16_t *id;
	struct table_rule *rule;
	struct table_counts counts;
};

struct build {
	struct table *t;
	size_t rows_cap, rules_cap;
	uint16_t last_id;
	uint32_t next_bucket; /* first bucket whose first row is not known yet */
	uint64_t at;	      /* rows are known up to here */
	struct cfi_slots slots;
	uint16_t slot_of[RULE_SLOTS];
	struct {
		uint64_t key;
		uint16_t id;
	} state[1 << STATE_BITS];
	struct cfi_cie cie;   /* of run */
	uint32_t cie_section;
	bool have_cie, cie_ok;
	struct cfi_run run;
};

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

static uint16_t add_rule(struct build *b, const struct table_rule *r)
{
	struct table *t = b->t;

	if (t->counts.n_rules == RULES_MAX)
		return RULE_ID_EXACT;
	mem_grow(&t->rule, &b->rules_cap, t->counts.n_rules + 1, sizeof(*r));
	t->rule[t->counts.n_rules] = *r;
	return (uint16_t)t->counts.n_rules++;
}

static uint16_t rule_id(struct build *b, const struct table_rule *r)
{
	uint32_t at = (uint32_t)(rule_hash(r) % RULE_SLOTS);

	if (rule_equal(&b->t->rule[b->last_id], r))
		return b->last_id;
	for (int i = 0; i < RULE_PROBES; i++, at = (at + 1) % RULE_SLOTS) {
		if (b->slot_of[at] == RULE_ID_NONE)
			break;
		if (rule_equal(&b->t->rule[b->slot_of[at]], r))
			return b->slot_of[at];
	}
	return b->slot_of[at] = add_rule(b, r);
}

/*
 * The state of nearly every row in 62 bits: CFA = register + offset, plain saves. 0: it does not fit.
 * Equal keys of one machine mean equal rules.
 */
static uint64_t state_key(const struct build *b, const struct cfi_state *s)
{
	const struct cfi_rule *ra = &s->rule[TABLE_SLOT_RA], *fp = &s->rule[TABLE_SLOT_FP];

	if (s->cfa != CFI_CFA_OFFSET || ra->how != CFI_OFFSET || fp->how > CFI_OFFSET ||
	    s->rule[TABLE_SLOT_SP].how != CFI_UNSPECIFIED || s->cfa_reg >> 6 ||
	    (uint64_t)s->cfa_off >> 24 || (uint64_t)(fp->off + (1 << 15)) >> 16 ||
	    (uint64_t)(ra->off + (1 << 10)) >> 11)
		return 0;
	return (uint64_t)1 << 63 | (uint64_t)b->cie.signal << 62 | (uint64_t)s->cfa_reg << 56 |
	       (uint64_t)fp->how << 54 | (uint64_t)(uint16_t)fp->off << 38 |
	       (uint64_t)((uint32_t)ra->off & 0x7ff) << 24 | (uint64_t)s->cfa_off;
}

static uint16_t state_id(struct build *b)
{
	const struct cfi_state *s = &b->run.state;
	uint64_t key = state_key(b, s);
	uint32_t at = (uint32_t)(key * 0x9e3779b97f4a7c15u >> (64 - STATE_BITS));
	struct table_rule r;

	if (key && b->state[at].key == key)
		return b->state[at].id;
	r = table_compile(b->run.section, &b->cie, s);
	b->state[at].key = key;
	return b->state[at].id = rule_id(b, &r);
}

/* Rows come by rising address; a row holds until the next one. */
static bool add_row(struct build *b, uint64_t begin, uint16_t id)
{
	struct table *t = b->t;
	uint64_t rel = begin - t->lo;

	if (id == b->last_id && t->counts.n_rows)
		return true;
	if (t->counts.n_rows == b->rows_cap)
		return false;
	while (b->next_bucket <= rel >> BUCKET_BITS)
		t->bucket[b->next_bucket++] = t->counts.n_rows;
	t->off[t->counts.n_rows] = (uint8_t)rel;
	t->id[t->counts.n_rows] = id;
	t->counts.n_exact += t->rule[id].kind == TABLE_EXACT;
	t->counts.n_rows++;
	b->last_id = id;
	return true;
}

/* The run keeps the initial state of the last CIE: most FDEs share one. */
static bool use_cie(struct build *b, uint32_t i)
{
	const struct index_fde *f = &b->t->index.fde[i];
	const struct cfi_section *s = &b->t->index.section[f->section];
	uint64_t next, cie_off;

	if (cfi_entry_at(s, f->off, &next, &cie_off) != CFI_ENTRY_FDE)
		return false;
	if (b->have_cie && b->cie.off == cie_off && b->cie_section == f->section)
		return b->cie_ok;
	b->have_cie = true;
	b->cie_section = f->section;
	b->cie_ok = cfi_cie_at(s, cie_off, &b->cie);
	b->cie.off = cie_off;
	if (!b->cie_ok)
		return false;
	memset(b->slots.slot, UINT8_MAX, sizeof(b->slots.slot));
	b->slots.n = TABLE_SLOTS;
	b->slots.slot[machine_fp(s->machine)] = TABLE_SLOT_FP;
	b->slots.slot[machine_sp(s->machine)] = TABLE_SLOT_SP;
	if (b->cie.ra >= REGS_MAX)
		return b->cie_ok = false;
	b->slots.slot[b->cie.ra] = TABLE_SLOT_RA;
	return b->cie_ok = cfi_run_cie(&b->run, s, &b->cie, &b->slots);
}

static bool compile_rows(struct build *b, const struct cfi_fde *fde, uint64_t from, uint64_t to)
{
	uint64_t begin, end;
	enum cfi_next next;

	cfi_run_fde(&b->run, fde);
	while ((next = cfi_run_next(&b->run, &begin, &end)) != CFI_NEXT_END) {
		uint16_t id = RULE_ID_EXACT;

		if (end <= from)
			continue;
		if (begin >= to)
			break;
		if (next == CFI_NEXT_ROW)
			id = state_id(b);
		if (!add_row(b, MAX(begin, from), id))
			return false;
	}
	return true;
}

/* An FDE ends where a later one begins. */
static uint64_t fde_end(const struct index *x, uint32_t i)
{
	uint64_t end = x->fde[i].begin + x->fde[i].size;

	for (uint32_t k = i + 1; k < x->n && x->fde[k].begin < end; k++)
		if (x->fde[k].begin > x->fde[i].begin)
			return x->fde[k].begin;
	return end;
}

static bool compile_fde(struct build *b, uint32_t i)
{
	const struct index_fde *f = &b->t->index.fde[i];
	struct cfi_fde fde;

	if (i > 0 && f->begin == f[-1].begin)
		return true;
	if (f->begin > b->at + PADDING_MAX && !add_row(b, b->at, RULE_ID_NONE))
		return false;
	b->at = fde_end(&b->t->index, i);
	if (!use_cie(b, i) || !cfi_fde_at(b->run.section, f->off, &b->cie, &fde))
		return add_row(b, f->begin, RULE_ID_EXACT);
	return compile_rows(b, &fde, f->begin, b->at);
}

static uint64_t index_end(const struct index *x)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < x->n; i++)
		end = MAX(end, x->fde[i].begin + x->fde[i].size);
	return end;
}

static bool build_rows(struct build *b)
{
	struct table *t = b->t;

	t->n_buckets = (uint32_t)((t->hi - t->lo) >> BUCKET_BITS) + 2;
	t->bucket = mem_alloc(t->n_buckets * sizeof(t->bucket[0]));
	/* A row takes at least a byte of program, the rows between FDEs one each: memory that is not used is not touched. */
	b->rows_cap = 2;
	for (uint32_t i = 0; i < t->index.n_sections; i++)
		b->rows_cap += t->index.section[i].n;
	b->rows_cap = MIN(b->rows_cap, (size_t)ROWS_MAX);
	t->off = mem_alloc(b->rows_cap * sizeof(t->off[0]));
	t->id = mem_alloc(b->rows_cap * sizeof(t->id[0]));
	for (uint32_t i = 0; i < t->index.n; i++)
		if (!compile_fde(b, i))
			return false;
	if (!add_row(b, b->at, RULE_ID_NONE))
		return false;
	while (b->next_bucket < t->n_buckets)
		t->bucket[b->next_bucket++] = t->counts.n_rows;
	t->off = mem_realloc(t->off, t->counts.n_rows * sizeof(t->off[0]));
	t->id = mem_realloc(t->id, t->counts.n_rows * sizeof(t->id[0]));
	return true;
}

struct table *table_new(const struct elf_image *image, struct err *err)
{
	static const struct table_rule none = { .kind = TABLE_NONE }, exact = { .kind = TABLE_EXACT };
	struct table *t = mem_zalloc(sizeof(*t));
	struct build *b;

	if (index_init(&t->index, image, err) < 0) {
		free(t);
		return NULL;
	}
	t->counts.n_fdes = t->index.n;
	t->counts.n_fdes_bad = t->index.n_bad;
	t->lo = t->index.fde[0].begin;
	t->hi = index_end(&t->index);
	b = mem_zalloc(sizeof(*b));
	b->t = t;
	b->at = t->lo;
	add_rule(b, &none);
	add_rule(b, &exact);
	if (t->hi < t->lo || t->hi - t->lo > SPAN_MAX || !build_rows(b)) {
		free(t->bucket);
		t->bucket = NULL;
	}
	free(b);
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	index_done(&t->index);
	free(t->bucket);
	free(t->off);
	free(t->id);
	free(t->rule);
	free(t);
}

const struct table_rule *table_find(const struct table *t, uint64_t addr)
{
	uint64_t rel = addr - t->lo;
	uint32_t row, end;

	if (rel >= t->hi - t->lo)
		return &t->rule[RULE_ID_NONE];
	if (!t->bucket)
		return &t->rule[index_find(&t->index, addr, 0) < 0 ? RULE_ID_NONE : RULE_ID_EXACT];
	row = t->bucket[rel >> BUCKET_BITS];
	end = t->bucket[(rel >> BUCKET_BITS) + 1];
	while (row < end && t->off[row] <= (uint8_t)rel)
		row++;
	return row ? &t->rule[t->id[row - 1]] : &t->rule[RULE_ID_NONE];
}

bool table_row(const struct table *t, uint64_t addr, struct table_row *ret)
{
	int64_t i = index_find(&t->index, addr, PADDING_MAX);
	uint64_t in;
	struct cfi_run run;

	if (i < 0 || !index_fde(&t->index, (uint32_t)i, &ret->cie, &ret->fde))
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

void table_each_fde(const struct table *t, void (*f)(void *ctx, uint64_t begin, uint64_t end), void *ctx)
{
	for (uint32_t i = 0; i < t->index.n; i++)
		f(ctx, t->index.fde[i].begin, t->index.fde[i].begin + t->index.fde[i].size);
}
