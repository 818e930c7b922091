/*
 * Any bytes as debug information: sections cut from the input, then the whole engine over them,
 * twice (the second question finds what the first one kept). Input: 9 lengths of 16 bits, then the
 * bytes of .debug_info, abbrev, line, str, line_str, str_offsets, addr, ranges, rnglists.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/dwarf/engine.h"
#include "report/symbol/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { TEXT_START = 0x1000, TEXT_END = 0x2000, STRIDE = 3, LENGTH_BYTES = 2 };

static const enum section_kind kind[] = { SECTION_INFO,	  SECTION_ABBREV,      SECTION_LINE,
					  SECTION_STR,	  SECTION_LINE_STR,    SECTION_STR_OFFSETS,
					  SECTION_ADDR,	  SECTION_RANGES,      SECTION_RNGLISTS };

static void ask(struct dwarf *d)
{
	struct answers_builder *out = answers_builder_new();
	uint64_t addr[(TEXT_END - TEXT_START) / STRIDE];
	struct answers answers;
	struct err err = { 0 };
	struct buf bytes;

	for (size_t i = 0; i < N_ELEMENTS(addr); i++)
		addr[i] = TEXT_START + i * STRIDE;
	if (dwarf_answer(d, addr, N_ELEMENTS(addr), out, &err) < 0 && !err.text[0])
		abort();
	buf_init(&bytes);
	answers_finish(out, &bytes);
	if (answers_open(bytes.data, bytes.n, &answers, &err) < 0 || answers.n != N_ELEMENTS(addr))
		abort();
	buf_done(&bytes);
	answers_builder_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct section section[SECTION_KINDS] = { 0 };
	size_t at = LENGTH_BYTES * N_ELEMENTS(kind);
	struct dwarf *d;

	if (n < at)
		return 0;
	for (size_t i = 0; i < N_ELEMENTS(kind); i++) {
		size_t want = load_le16(data + LENGTH_BYTES * i);
		size_t bytes = MIN(want, n - at);

		section[kind[i]] = (struct section){ .data = data + at, .n = bytes };
		at += bytes;
	}
	d = dwarf_over(section, TEXT_START, TEXT_END);
	ask(d);
	ask(d);
	dwarf_close(d);
	return 0;
}
