/*
 * A large library has 10^5 symbols, a profile touches 10^3 of its addresses. So symbols are not
 * sorted; the addresses are (they come sorted), and each symbol finds the first address at or above
 * its start through a bucket index in constant time. Most symbols find that no address is theirs
 * and are done.
 *
 *	[value, value + size)  ->  bucket  ->  first addr >= value  ->  each addr below the end
 *
 * Symbols of size 0 (assembly) reach to the next symbol's start: for this the highest symbol start
 * in each gap between two addresses is kept as well ("below"), and carried upwards at the end.
 */
#include "report/symbol/table.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/elf/image.h"
#include "report/symbol/symbol.h"

enum {
	FUEL_BASE = 16 << 20,
	FUEL_PER_ADDRESS = 256,
	SIZELESS_REACH_MAX = 64 << 10, /* bytes a symbol without size may reach at most */
};

static void build_buckets(struct table_pass *t)
{
	uint64_t base = t->addr[0], range = t->addr[t->n - 1] - base;
	uint32_t i = 0;

	t->shift = 0;
	while ((range >> t->shift) >= 4 * (uint64_t)t->n)
		t->shift++;
	t->n_buckets = (uint32_t)(range >> t->shift) + 1;
	t->bucket = mem_alloc(((size_t)t->n_buckets + 1) * sizeof(*t->bucket));
	for (uint32_t b = 0; b <= t->n_buckets; b++) {
		while (i < t->n && (t->addr[i] - base) >> t->shift < b)
			i++;
		t->bucket[b] = i;
	}
}

void table_pass_init(struct table_pass *t, const uint64_t *addr, uint32_t n)
{
	memset(t, 0, sizeof(*t));
	t->addr = addr;
	t->n = n;
	t->covers = mem_zalloc((n + 1) * sizeof(*t->covers));
	t->below = mem_zalloc((n + 1) * sizeof(*t->below));
	t->fuel = FUEL_BASE + (uint64_t)n * FUEL_PER_ADDRESS;
	if (n)
		build_buckets(t);
}

void table_pass_done(struct table_pass *t)
{
	free(t->covers);
	free(t->below);
	free(t->bucket);
	memset(t, 0, sizeof(*t));
}

/* Index of the first address >= value; n when there is none. */
static uint32_t lower_bound(const struct table_pass *t, uint64_t value)
{
	uint64_t base = t->addr[0], b;
	uint32_t lo, hi;

	if (value <= base)
		return 0;
	b = (value - base) >> t->shift;
	if (b >= t->n_buckets)
		return t->n;
	lo = t->bucket[b];
	hi = t->bucket[b + 1];
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->addr[mid] < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t leading_underscores(const struct table_name *name)
{
	uint32_t n = 0;

	while (n < name->n && name->text[n] == '_')
		n++;
	return n;
}

/*
 * The order of the header, and at its end the text itself, so that the table's order does not
 * matter.
 */
static bool is_better(const struct table_name *a, const struct table_name *b)
{
	uint32_t ua, ub;
	int order;

	if (!b->text || a->start != b->start)
		return !b->text || a->start > b->start;
	if (a->score != b->score)
		return a->score > b->score;
	ua = leading_underscores(a);
	ub = leading_underscores(b);
	if (ua != ub)
		return ua < ub;
	order = memcmp(a->text, b->text, MIN(a->n, b->n));
	return order ? order < 0 : a->n < b->n;
}

/* Whether offer() could do anything with this symbol: asked before its name is read. */
static bool is_wanted(const struct table_pass *t, const struct table_name *name, uint32_t first)
{
	return first < t->n && (t->addr[first] - name->start < name->size ||
				!t->below[first].text || name->start >= t->below[first].start);
}

static void offer(struct table_pass *t, const struct table_name *name, uint32_t first)
{
	if (is_better(name, &t->below[first]))
		t->below[first] = *name;
	for (uint32_t i = first; i < t->n && t->addr[i] - name->start < name->size && t->fuel;
	     i++, t->fuel--)
		if (is_better(name, &t->covers[i]))
			t->covers[i] = *name;
}

bool table_string(const uint8_t *strings, uint64_t size, uint32_t off, const char **ret,
		  uint32_t *ret_n)
{
	uint64_t limit;

	if (off >= size)
		return false;
	limit = MIN(size - off, SYMBOL_NAME_MAX);
	*ret = (const char *)strings + off;
	*ret_n = (uint32_t)strnlen(*ret, limit);
	return true;
}

static bool is_code(const struct elf_image *image, uint64_t addr)
{
	for (uint32_t i = 0; i < image->n_loads; i++)
		if ((image->load[i].flags & PF_X) &&
		    addr - image->load[i].addr < image->load[i].mem_size)
			return true;
	return false;
}

/* True when the symbol may name code; *ret_score as in struct table_name. */
static bool judge(const struct elf_image *image, const Elf64_Sym *sym, uint8_t *ret_score)
{
	unsigned int type = ELF64_ST_TYPE(sym->st_info), bind = ELF64_ST_BIND(sym->st_info);
	uint16_t section = le16toh(sym->st_shndx);
	bool function = type == STT_FUNC || type == STT_GNU_IFUNC;

	if (section == SHN_UNDEF || (!function && type != STT_NOTYPE))
		return false;
	if (!function && (section == SHN_ABS || !is_code(image, le64toh(sym->st_value))))
		return false;
	*ret_score = (uint8_t)(function * 4 + (bind == STB_LOCAL ? 0 : bind == STB_WEAK ? 1 : 2));
	return true;
}

/* "memcpy@@GLIBC_2.14" is memcpy; "$x" and ".L5" are the assembler's marks, not names. */
static bool trim(struct table_name *name)
{
	const char *at = name->n > 1 ? memchr(name->text + 1, '@', name->n - 1) : NULL;

	if (at)
		name->n = (uint32_t)(at - name->text);
	return name->n && name->text[0] != '$' && !(name->n > 1 && !memcmp(name->text, ".L", 2));
}

static void feed_table(struct table_pass *t, const struct elf_image *image,
		       const struct elf_part *symbols, const struct elf_part *strings)
{
	if (!symbols || !symbols->data || !strings || !strings->data)
		return;
	for (uint64_t off = 0; symbols->size - off >= sizeof(Elf64_Sym) && t->fuel;
	     off += sizeof(Elf64_Sym)) {
		struct table_name name;
		Elf64_Sym sym;
		uint32_t first;

		memcpy(&sym, symbols->data + off, sizeof(sym));
		name.start = le64toh(sym.st_value);
		name.size = le64toh(sym.st_size);
		first = lower_bound(t, name.start);
		if (!is_wanted(t, &name, first) || !judge(image, &sym, &name.score) ||
		    !table_string(strings->data, strings->size, le32toh(sym.st_name), &name.text,
				  &name.n) ||
		    !trim(&name))
			continue;
		offer(t, &name, first);
	}
}

void table_pass_feed(struct table_pass *t, const struct elf_image *image)
{
	if (!t->n)
		return;
	feed_table(t, image, elf_image_part(image, ELF_PART_SYMTAB),
		   elf_image_part(image, ELF_PART_STRTAB));
	feed_table(t, image, elf_image_part(image, ELF_PART_DYNSYM),
		   elf_image_part(image, ELF_PART_DYNSTR));
}

bool table_pass_covers_all(const struct table_pass *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!t->covers[i].text)
			return false;
	return true;
}

void table_pass_finish(struct table_pass *t, const struct elf_image *image,
		       void (*got)(void *ctx, uint32_t i, const struct table_name *name), void *ctx)
{
	static const struct table_name none;
	struct table_name below = none;

	for (uint32_t i = 0; i < t->n; i++) {
		const struct table_name *name = &t->covers[i];
		uint64_t start;

		if (t->below[i].text)
			below = t->below[i];
		if (!name->text && below.text && !below.size &&
		    t->addr[i] - below.start < SIZELESS_REACH_MAX) {
			start = symbol_function_start(image, t->addr[i]);
			if (start == UINT64_MAX || start <= below.start)
				name = &below;
		}
		got(ctx, i, name->text ? name : &none);
	}
}
