/*
 * The child opens the file, asks for another one when this has no debug information, and then
 * answers.
 */
#include "report/addr2line_child.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "report/dwarf/dwarf.h"
#include "report/dwarf/sections.h"
#include "report/jail/jail.h"
#include "report/symbol/answer.h"
#include "report/symbol/symbol.h"

struct engine {
	const struct addr2line_child *child;
	struct jail_cell *cell;
	struct dwarf *dwarf; /* NULL: there is nothing to know from */
	struct addr2line_head head;
};

static int find_head(struct engine *e, struct err *err)
{
	const char *name = e->child->section;
	struct sections *sections;
	uint64_t addr, size;
	int status;

	e->head = (struct addr2line_head){ .limit = UINT64_MAX };
	if (!name)
		return 0;
	status = sections_open(e->child->fd, false, &sections, err);
	if (status < 0)
		return status;
	if (sections_find(sections, name, &addr, &size))
		e->head = (struct addr2line_head){ .base = addr, .limit = size };
	else
		status = err_set(err, -ENOENT, "cannot find section %s", name);
	sections_close(sections);
	return status;
}

static int ask_debug(struct engine *e)
{
	struct addr2line_question q = { .kind = ASK_DEBUG };
	char answer[8];
	size_t n;
	int fd = -1;

	if (jail_ask(e->cell, &q, sizeof(q), answer, sizeof(answer), &n, &fd, NULL) < 0)
		return -1;
	return fd;
}

static int open_dwarf(struct engine *e, int fd, struct dwarf **ret, struct err *err)
{
	struct dwarf_input in = {
		.fd = fd,
		.name = e->child->path,
		.supply = supply_ask,
		.supply_ctx = e->cell,
		.discriminators = true,
	};

	return dwarf_open(&in, ret, err);
}

/*
 * A file without anything to know from is no reason to end: each address is unknown. binutils says
 * so too.
 */
static int engine_open(struct engine *e, struct err *err)
{
	struct dwarf *better;
	int status = find_head(e, err), other;

	if (status < 0)
		return status;
	status = open_dwarf(e, e->child->fd, &e->dwarf, err);
	if (status < 0 && status != -ENODATA)
		return status;
	if (status == 0 && (dwarf_stats(e->dwarf)->has_info || dwarf_stats(e->dwarf)->has_lines))
		return 0;
	other = ask_debug(e);
	if (other >= 0 && open_dwarf(e, other, &better, NULL) == 0) {
		dwarf_close(e->dwarf);
		e->dwarf = better;
	}
	return 0;
}

size_t addr2line_inside(const struct addr2line_head *head, const uint64_t *addr, size_t n)
{
	uint64_t sum;

	while (n && (addr[n - 1] >= head->limit ||
		     __builtin_add_overflow(addr[n - 1], head->base, &sum)))
		n--;
	return n;
}

/* Damage costs answers, not the conversation: it is said in the head. */
static void engine_answer(struct engine *e, const uint64_t *addr, size_t n, struct buf *ret)
{
	struct answers_builder *b = answers_builder_new();
	AUTO_FREE uint64_t *shifted = mem_alloc((n + 1) * sizeof(*shifted));

	n = addr2line_inside(&e->head, addr, n);
	for (size_t i = 0; i < n; i++)
		shifted[i] = addr[i] + e->head.base;
	if (e->dwarf) {
		dwarf_answer(e->dwarf, shifted, (uint32_t)n, b, NULL);
		snprintf(e->head.trouble, sizeof(e->head.trouble), "%s", dwarf_trouble(e->dwarf));
	}
	answers_finish(b, ret);
	answers_builder_free(b);
}

int addr2line_batch(const struct addr2line_child *c, struct jail_cell *cell, struct err *err)
{
	struct engine e = { .child = c, .cell = cell };
	struct buf bytes;
	int status = engine_open(&e, err);

	buf_init(&bytes);
	if (status < 0)
		return status;
	engine_answer(&e, e.child->wanted, e.child->n_wanted, &bytes);
	status = jail_write(cell, &e.head, sizeof(e.head), err);
	if (status == 0)
		status = jail_write(cell, bytes.data, bytes.n, err);
	return status;
}

/* Sends what was answered, in pieces, and gets the next addresses: their number in *ret_n. */
static int tell(struct engine *e, const struct buf *bytes, uint64_t *addr, size_t *ret_n,
		struct err *err)
{
	AUTO_FREE uint8_t *message = mem_alloc(JAIL_ASK_MAX);
	size_t at = 0, n_answer;
	int fd, status;

	do {
		size_t piece = MIN(bytes->n - at, JAIL_ASK_MAX - sizeof(struct addr2line_question));
		struct addr2line_question q = { ASK_NEXT, at + piece < bytes->n };

		memcpy(message, &q, sizeof(q));
		if (piece)
			memcpy(message + sizeof(q), bytes->data + at, piece);
		status = jail_ask(e->cell, message, sizeof(q) + piece, addr,
				  TALK_ADDRESSES_MAX * sizeof(*addr), &n_answer, &fd, err);
		at += piece;
	} while (status == 0 && at < bytes->n);
	*ret_n = status == 0 ? n_answer / sizeof(*addr) : 0;
	return status;
}

int addr2line_talk(const struct addr2line_child *c, struct jail_cell *cell, struct err *err)
{
	struct engine e = { .child = c, .cell = cell };
	uint64_t addr[TALK_ADDRESSES_MAX];
	struct buf bytes, answers;
	size_t n;
	int status = engine_open(&e, err);

	if (status < 0)
		return status;
	buf_init(&bytes);
	buf_init(&answers);
	for (;;) {
		status = tell(&e, &bytes, addr, &n, err);
		if (status < 0 || !n)
			return status;
		/* finished answers begin their buffer */
		engine_answer(&e, addr, n, &answers);
		buf_reset(&bytes);
		buf_put(&bytes, &e.head, sizeof(e.head));
		buf_put(&bytes, answers.data, answers.n);
	}
}

/* ---- symbols ---- */

static bool has_name(const char *name, const char *wanted, bool demangled)
{
	struct buf pretty;
	bool same;

	if (!demangled)
		return strcmp(name, wanted) == 0;
	buf_init(&pretty);
	same = symbol_demangle(name, &pretty) && strcmp(buf_text(&pretty), wanted) == 0;
	buf_done(&pretty);
	return same;
}

/* The first symbol of that name in a table. */
static bool find_in(struct sections *s, enum section_kind symbols, enum section_kind strings,
		    const char *wanted, bool demangled, uint64_t *ret)
{
	struct section table, text;

	if (sections_get(s, symbols, &table, NULL) < 0 || sections_get(s, strings, &text, NULL) < 0)
		return false;
	for (uint64_t off = 0; off + sizeof(Elf64_Sym) <= table.n; off += sizeof(Elf64_Sym)) {
		Elf64_Sym symbol;
		const char *name;

		memcpy(&symbol, table.data + off, sizeof(symbol));
		if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= text.n)
			continue;
		name = (const char *)text.data + symbol.st_name;
		if (!memchr(name, 0, text.n - symbol.st_name) || !has_name(name, wanted, demangled))
			continue;
		*ret = symbol.st_value + sections_base(s, symbol.st_shndx);
		return true;
	}
	return false;
}

int addr2line_find(const struct addr2line_child *c, struct jail_cell *cell, struct err *err)
{
	struct sections *s;
	int status = sections_open(c->fd, false, &s, err);
	bool full, found;
	uint64_t addr;

	if (status < 0)
		return status;
	full = sections_has(s, SECTION_SYMTAB);
	found = find_in(s, full ? SECTION_SYMTAB : SECTION_DYNSYM,
			full ? SECTION_STRTAB : SECTION_DYNSTR, c->symbol, false, &addr) ||
		find_in(s, full ? SECTION_SYMTAB : SECTION_DYNSYM,
			full ? SECTION_STRTAB : SECTION_DYNSTR, c->symbol, true, &addr);
	if (found)
		status = jail_write(cell, &addr, sizeof(addr), err);
	sections_close(s);
	return status;
}
