/*
 * Any bytes as a line table: of a unit of version 2 to 5, with code from 0x1000 to 0x2000. The
 * first question runs the program against the addresses, later ones look into rows that were kept:
 * all must say the same. Input: version, length of .debug_line (16 bits), that, .debug_line_str.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/buf.h"
#include "report/dwarf/engine.h"
#include "report/dwarf/lines.h"
#include "report/dwarf/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	TEXT_START = 0x1000,
	TEXT_END = 0x2000,
	STRIDE = 5,
	ADDRESSES = (TEXT_END - TEXT_START) / STRIDE,
	HEAD_BYTES = 3,
	FILES_MAX = 1000,
	STEPS = 1 << 24,
	ASKED = 3,
};

/* A root entry with DW_AT_stmt_list 0 and DW_AT_comp_dir "/c"; headers of both kinds before it. */
static const uint8_t abbrev[] = { 1, 0x11, 0, 0x10, 0x06, 0x1b, 0x08, 0, 0, 0 };
static const uint8_t entry[] = { 1, 0, 0, 0, 0, '/', 'c', 0 };

static size_t make_info(uint8_t version, uint8_t *ret)
{
	static const uint8_t head_5[] = { 0, 0, 0, 0, 5, 0, 1, 8, 0, 0, 0, 0 };
	static const uint8_t head_4[] = { 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8 };
	size_t n = version == 5 ? sizeof(head_5) : sizeof(head_4);

	memcpy(ret, version == 5 ? head_5 : head_4, n);
	ret[4] = version;
	memcpy(ret + n, entry, sizeof(entry));
	n += sizeof(entry);
	ret[0] = (uint8_t)(n - 4);
	return n;
}

static void ask(struct dwarf *d, struct lines *l, struct line_row *ret)
{
	uint64_t addr[ADDRESSES];

	for (uint32_t i = 0; i < ADDRESSES; i++)
		addr[i] = TEXT_START + i * STRIDE;
	memset(ret, 0, ADDRESSES * sizeof(*ret));
	d->budget.steps = STEPS;
	lines_match(l, addr, ADDRESSES, &d->budget, ret);
}

static bool is_same(const struct line_row *a, const struct line_row *b)
{
	return a->known == b->known &&
	       (!a->known || (a->file == b->file && a->line == b->line && a->column == b->column &&
			      a->discriminator == b->discriminator));
}

static void paths(const struct lines *l)
{
	struct buf path;

	buf_init(&path);
	for (uint64_t i = 0; i <= MIN(l->n_files, (size_t)FILES_MAX); i++)
		if (lines_path(l, i, &path) && i >= l->n_files)
			abort();
	buf_done(&path);
}

static void check(struct dwarf *d, struct lines *l)
{
	static struct line_row row[ASKED][ADDRESSES];

	for (int asked = 0; asked < ASKED; asked++) {
		ask(d, l, row[asked]);
		for (uint32_t i = 0; i < ADDRESSES; i++)
			if (!is_same(&row[0][i], &row[asked][i]))
				abort();
	}
	paths(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct section section[SECTION_KINDS] = { 0 };
	uint8_t info[64], version;
	struct lines *l;
	struct dwarf *d;
	size_t n_line;

	if (n < HEAD_BYTES)
		return 0;
	version = (uint8_t)(2 + data[0] % 4);
	n_line = MIN((size_t)load_le16(data + 1), n - HEAD_BYTES);
	section[SECTION_INFO] = (struct section){ info, make_info(version, info) };
	section[SECTION_ABBREV] = (struct section){ abbrev, sizeof(abbrev) };
	section[SECTION_LINE] = (struct section){ data + HEAD_BYTES, n_line };
	section[SECTION_LINE_STR] =
		(struct section){ data + HEAD_BYTES + n_line, n - HEAD_BYTES - n_line };
	d = dwarf_over(section, TEXT_START, TEXT_END);
	d->budget.steps = STEPS;
	units_read(&d->main, &d->stats);
	if (d->main.n_units != 1)
		abort();
	l = lines_get(&d->main.unit[0]);
	if (l)
		check(d, l);
	dwarf_close(d);
	return 0;
}
