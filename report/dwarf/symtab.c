/*
 * Sorted by start, each entry with the farthest end up to it: looking back ends where nothing
 * earlier reaches the address. Ties: global > weak > local, fewer leading '_', then text.
 */
#include "report/dwarf/symtab.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"

struct symbol_at {
	uint64_t start, end, reach; /* start == end: size 0 */
	const char *text;
	uint32_t n;
	uint32_t score; /* higher wins */
};

struct symtab {
	struct symbol_at *item;
	size_t n, cap;
};

enum { SCORE_BINDING = 256, UNDERSCORES_MAX = 255 };

static uint32_t score_of(const Elf64_Sym *s, const char *text, size_t n)
{
	unsigned int binding = ELF64_ST_BIND(s->st_info);
	uint32_t score = binding == STB_GLOBAL || binding == STB_GNU_UNIQUE ? 3 :
			 binding == STB_WEAK				    ? 2 :
									      1;
	uint32_t underscores = 0;

	while (underscores < n && underscores < UNDERSCORES_MAX && text[underscores] == '_')
		underscores++;
	return score * SCORE_BINDING + UNDERSCORES_MAX - underscores;
}

static void symbol_put(struct symtab *t, const struct dwarf_file *f, const Elf64_Sym *s,
		       const char *text, size_t n)
{
	unsigned int type = ELF64_ST_TYPE(s->st_info);
	const char *version = memchr(text, '@', n);
	struct symbol_at *to;
	uint64_t end;

	if (version)
		n = (size_t)(version - text);
	/* '$' starts aarch64's marks of code and data */
	if (!n || text[0] == '$' || s->st_shndx == SHN_UNDEF || s->st_shndx == SHN_ABS ||
	    (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) ||
	    !file_is_code(f, s->st_value) || __builtin_add_overflow(s->st_value, s->st_size, &end))
		return;
	mem_grow(&t->item, &t->cap, t->n + 1, sizeof(*t->item));
	to = &t->item[t->n++];
	*to = (struct symbol_at){ .start = s->st_value,
				  .end = end,
				  .text = text,
				  .n = (uint32_t)n,
				  .score = score_of(s, text, n) };
}

static void table_read(struct symtab *t, struct dwarf_file *f, enum section_kind symbols,
		       enum section_kind strings)
{
	const struct section *s = file_section(f, symbols);

	for (uint64_t off = 0; off + sizeof(Elf64_Sym) <= s->n; off += sizeof(Elf64_Sym)) {
		const char *text;
		Elf64_Sym symbol;
		size_t n;

		memcpy(&symbol, s->data + off, sizeof(symbol));
		if (symbol.st_name && file_text(f, strings, symbol.st_name, &text, &n))
			symbol_put(t, f, &symbol, text, n);
	}
}

static int by_start(const void *a, const void *b)
{
	const struct symbol_at *x = a, *y = b;
	int rc;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	rc = memcmp(y->text, x->text, x->n < y->n ? x->n : y->n);
	return rc ? rc : (x->n < y->n) - (x->n > y->n);
}

struct symtab *symtab_new(struct dwarf_file *f)
{
	struct symtab *t = mem_zalloc(sizeof(*t));
	uint64_t reach = 0;

	table_read(t, f, SECTION_SYMTAB, SECTION_STRTAB);
	table_read(t, f, SECTION_DYNSYM, SECTION_DYNSTR);
	if (t->n)
		qsort(t->item, t->n, sizeof(*t->item), by_start);
	for (size_t i = 0; i < t->n; i++) {
		if (t->item[i].end > reach)
			reach = t->item[i].end;
		t->item[i].reach = reach;
	}
	return t;
}

void symtab_free(struct symtab *t)
{
	if (!t)
		return;
	free(t->item);
	free(t);
}

static void take(const struct symbol_at *s, struct symtab_name *ret)
{
	*ret = (struct symtab_name){ .text = s->text, .n = s->n, .start = s->start };
}

bool symtab_find(const struct symtab *t, uint64_t addr, struct budget *budget,
		 struct symtab_name *ret)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->item[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low; i-- > 0 && t->item[i].reach > addr && budget_take(budget, 1);) {
		if (t->item[i].end > addr) {
			take(&t->item[i], ret);
			return true;
		}
	}
	if (!low || t->item[low - 1].end != t->item[low - 1].start)
		return false;
	take(&t->item[low - 1], ret);
	return true;
}
