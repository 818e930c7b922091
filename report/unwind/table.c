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
	size_t rows_cap, off_cap, rules_cap;
	uint16_t last_id;
	uint32_t next_bucket; /* first bucket whose first row is not known yet */
	uint64_t at;	      /* rows are known up to here */
	struct cfi_slots slots;
	uint16_t slot_of[RULE_SLOTS];
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

/* Rows come by rising address; a row holds until the next one. */
static bool add_row(struct build *b, uint64_t begin, uint16_t id)
{
	struct table *t = b->t;
	uint64_t rel = begin - t->lo;

	if (id == b->last_id && t->counts.n_rows)
		return true;
	if (t->counts.n_rows == ROWS_MAX)
		return false;
	while (b->next_bucket <= rel >> BUCKET_BITS)
		t->bucket[b->next_bucket++] = t->counts.n_rows;
	mem_grow(&t->off, &b->off_cap, t->counts.n_rows + 1, sizeof(t->off[0]));
	mem_grow(&t->id, &b->rows_cap, t->counts.n_rows + 1, sizeof(t->id[0]));
	t->off[t->counts.n_rows] = (uint8_t)rel;
	t->id[t->counts.n_rows] = id;
	t->counts.n_exact += t->rule[id].kind == TABLE_EXACT;
	t->counts.n_rows++;
	b->last_id = id;
	return true;
}

/* The run keeps the CIE's initial state, which most FDEs share. */
static bool use_cie(struct build *b, uint32_t section, const struct cfi_cie *cie)
{
	const struct cfi_section *s = &b->t->index.section[section];

	if (b->have_cie && b->cie.off == cie->off && b->cie_section == section)
		return b->cie_ok;
	b->have_cie = true;
	b->cie = *cie;
	b->cie_section = section;
	memset(b->slots.slot, UINT8_MAX, sizeof(b->slots.slot));
	b->slots.n = TABLE_SLOTS;
	b->slots.slot[machine_fp(s->machine)] = TABLE_SLOT_FP;
	b->slots.slot[machine_sp(s->machine)] = TABLE_SLOT_SP;
	if (cie->ra >= REGS_MAX)
		return b->cie_ok = false;
	b->slots.slot[cie->ra] = TABLE_SLOT_RA;
	return b->cie_ok = cfi_run_cie(&b->run, s, &b->cie, &b->slots);
}

static bool compile_rows(struct build *b, const struct cfi_fde *fde, uint64_t from, uint64_t to)
{
	const struct cfi_section *s = b->run.section;
	uint64_t begin, end;
	enum cfi_next next;

	cfi_run_fde(&b->run, fde);
	while ((next = cfi_run_next(&b->run, &begin, &end)) != CFI_NEXT_END) {
		uint16_t id = RULE_ID_EXACT;

		if (end <= from)
			continue;
		if (begin >= to)
			break;
		if (next == CFI_NEXT_ROW) {
			struct table_rule r = table_compile(s, &b->cie, &b->run.state);

			id = rule_id(b, &r);
		}
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
	struct cfi_cie cie;
	struct cfi_fde fde;

	if (i > 0 && f->begin == f[-1].begin)
		return true;
	if (f->begin > b->at + PADDING_MAX && !add_row(b, b->at, RULE_ID_NONE))
		return false;
	b->at = fde_end(&b->t->index, i);
	if (!index_fde(&b->t->index, i, &cie, &fde) || !use_cie(b, f->section, &cie))
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
	for (uint32_t i = 0; i < t->index.n; i++)
		if (!compile_fde(b, i))
			return false;
	if (!add_row(b, b->at, RULE_ID_NONE))
		return false;
	while (b->next_bucket < t->n_buckets)
		t->bucket[b->next_bucket++] = t->counts.n_rows;
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
	struct cfi_run run;

	if (i < 0 || !index_fde(&t->index, (uint32_t)i, &ret->cie, &ret->fde))
		return false;
	ret->section = t->index.section[t->index.fde[i].section];
	if (!cfi_run_cie(&run, &ret->section, &ret->cie, &cfi_all_slots))
		return false;
	cfi_run_fde(&run, &ret->fde);
	addr = MIN(addr, ret->fde.end - 1); /* padding has the last row */
	while (cfi_run_next(&run, &ret->begin, &ret->end) == CFI_NEXT_ROW)
		if (addr < ret->end) {
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
