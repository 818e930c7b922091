/*
 * Answers as bytes, in the byte order of this machine (they never leave it): one header, four
 * arrays without gaps but for alignment to 8, and a CRC32C of all before it.
 */
#ifndef REPORT_ANSWER_LAYOUT_H
#define REPORT_ANSWER_LAYOUT_H

#include <stdint.h>

#include "report/symbol/answer.h"

enum { ANSWER_VERSION = 1, ANSWER_CRC_BYTES = 4 };

/* "ddanswer" read on a machine of little endian; another byte order is another magic. */
#define ANSWER_MAGIC UINT64_C(0x726577736e616464)

struct answer_header {
	uint64_t magic;
	uint32_t version;
	uint32_t n, n_frames;
	uint32_t text_bytes; /* at least 1: text starts with "" */
	uint64_t total_bytes;
};

/* Where each part begins. Counts of 32 bits cannot overflow sums of 64. */
struct answer_layout {
	uint64_t addr, first, frame, text, crc, total;
};

static inline struct answer_layout answer_layout(uint64_t n, uint64_t n_frames, uint64_t text_bytes)
{
	struct answer_layout at = { .addr = sizeof(struct answer_header) };

	at.first = at.addr + n * sizeof(uint64_t);
	at.frame = (at.first + n * sizeof(uint32_t) + 7) & ~UINT64_C(7);
	at.text = at.frame + n_frames * sizeof(struct answer_frame);
	at.crc = (at.text + text_bytes + 7) & ~UINT64_C(7);
	at.total = at.crc + ANSWER_CRC_BYTES;
	return at;
}

#endif
