/*
 * The file has some 100 000 lines "ffffffff81000000 T name\t[module]\n", nearly sorted. Of its text
 * the names of code stay, moved together; an index of (address, name) is sorted once.
 */
#include "record/inspect/kallsyms.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/object.h"

enum { KALLSYMS_BYTES_MAX = 256 << 20, SYMBOLS_MAX = 4 << 20 };

struct symbol {
	uint64_t addr;
	uint32_t name;	   /* where in the text */
	bool module, sent; /* module: its name follows the symbol's */
};

struct kallsyms {
	char *text;
	struct symbol *symbol;
	size_t n, cap;
};

static uint64_t take_hex(const char **at)
{
	uint64_t value = 0;

	for (;; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return value;
	}
}

static bool is_code(char type)
{
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

/* Takes "name" or "name\t[module]"; *end is behind what stays of the text so far. */
static bool push(struct kallsyms *k, uint64_t addr, const char *line, char **end)
{
	char *name = *end;
	size_t n = strlen(line) + 1;

	if (k->n == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 1 << 16;
		struct symbol *grown = realloc(k->symbol, cap * sizeof(*grown));

		if (!grown)
			return false;
		k->symbol = grown;
		k->cap = cap;
	}
	memmove(name, line, n);
	*end += n;
	char *tab = strchr(name, '\t');
	if (tab) { /* "name\t[module]" -> "name" "module" behind it */
		n = strlen(tab + 1);
		*tab = '\0';
		if (n && tab[n] == ']')
			tab[n] = '\0';
		memmove(tab + 1, tab + 1 + (tab[1] == '['), strlen(tab + 1) + (tab[1] != '['));
	}
	k->symbol[k->n++] = (struct symbol){
		.addr = addr,
		.name = (uint32_t)(name - k->text),
		.module = tab != NULL,
	};
	return true;
}

/* What was read ahead and not needed: several MiB, for as long as the recording lasts. */
static void give_back(struct kallsyms *k, const char *end)
{
	char *text = realloc(k->text, MAX((size_t)(end - k->text), 1));
	struct symbol *symbol = realloc(k->symbol, MAX(k->n, 1) * sizeof(*symbol));

	k->text = text ? text : k->text;
	k->symbol = symbol ? symbol : k->symbol;
	k->cap = k->n;
}

/* Cuts lines into zero-terminated names; the module's, if any, follows its name. */
static void read_lines(struct kallsyms *k)
{
	char *end = k->text;

	for (char *line = k->text, *next; *line && k->n < SYMBOLS_MAX; line = next) {
		const char *at = line;
		uint64_t addr = take_hex(&at);

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		else
			next = line + strlen(line);
		if (*at == ' ' && at[1] && at[2] == ' ' && at[3] && is_code(at[1]) && addr &&
		    !push(k, addr, at + 3, &end))
			break;
	}
	give_back(k, end);
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name; /* as in the file */
}

/* Most of the file is sorted already, which qsort does not notice. */
static void sort(struct kallsyms *k)
{
	for (size_t i = 1; i < k->n; i++)
		if (compare(&k->symbol[i - 1], &k->symbol[i]) > 0) {
			qsort(k->symbol, k->n, sizeof(*k->symbol), compare);
			return;
		}
}

int kallsyms_read(const char *path, struct kallsyms **ret, struct err *err)
{
	struct kallsyms *k = calloc(1, sizeof(*k));
	size_t n;

	if (!k)
		return err_set(err, -ENOMEM, "no memory for kernel symbols");
	int r = io_read_file(path, KALLSYMS_BYTES_MAX, &k->text, &n, err);
	if (r == 0) {
		read_lines(k);
		sort(k);
		if (!k->n)
			r = err_set(err, -EACCES,
				    "%s hides addresses (kernel.kptr_restrict, CAP_SYSLOG)", path);
	}
	if (r < 0) {
		kallsyms_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

void kallsyms_free(struct kallsyms *k)
{
	if (!k)
		return;
	free(k->text);
	free(k->symbol);
	free(k);
}

long kallsyms_find(const struct kallsyms *k, uint64_t pc)
{
	size_t lo = 0, hi = k->n; /* first above pc */

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->symbol[mid].addr <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return -1;
	for (lo--; lo && k->symbol[lo - 1].addr == k->symbol[lo].addr; lo--)
		; /* of aliases the first in the file */
	return (long)lo;
}

const char *kallsyms_name(const struct kallsyms *k, long i, uint64_t *ret_addr,
			  const char **ret_module)
{
	char *name = k->text + k->symbol[i].name;

	*ret_addr = k->symbol[i].addr;
	*ret_module = k->symbol[i].module ? name + strlen(name) + 1 : "";
	return name;
}

static int compare_symbols(const void *a, const void *b)
{
	const struct kernel_symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

int kallsyms_answer(struct kallsyms *k, struct serve *s, const uint64_t *pcs, size_t n)
{
	static struct kernel_symbol found[MESSAGE_KERNEL_PCS];
	size_t n_found = 0, used = 0;

	for (size_t i = 0; i < n; i++) {
		long at = kallsyms_find(k, pcs[i]);

		if (at < 0 || k->symbol[at].sent)
			continue;
		k->symbol[at].sent = 1;
		struct kernel_symbol *symbol = &found[n_found++];
		symbol->name = kallsyms_name(k, at, &symbol->addr, &symbol->module);
	}
	qsort(found, n_found, sizeof(*found), compare_symbols);
	for (size_t done = 0; done < n_found; done += used) {
		size_t bytes = 0;

		used = kernel_encode(found + done, n_found - done, serve_scratch(s), CHUNK_RAW_MAX,
				     &bytes);
		if (!used)
			return -EIO;
		int r = serve_raw_chunk(s, CHUNK_KERNEL, serve_scratch(s), bytes, (uint32_t)used);
		if (r < 0)
			return r;
	}
	return 0;
}
