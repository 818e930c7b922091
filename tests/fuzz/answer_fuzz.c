/*
 * Answers from the jail or the cache: any bytes either do not open, or every chain of them can be
 * walked and copied without further checks. The checksum is put right in every input.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/format/crc.h"
#include "report/symbol/answer.h"
#include "report/symbol/answer_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct answers *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		uint32_t depth = 0, at;

		if (!answers_find(a, a->addr[i], &at) || at != i)
			abort();
		for (at = a->first[i]; at != ANSWER_NONE; at = a->frame[at].caller) {
			const struct answer_frame *f = &a->frame[at];

			if (++depth > ANSWER_DEPTH_MAX ||
			    strlen(answers_text(a, f->name)) > ANSWER_TEXT_MAX ||
			    strlen(answers_text(a, f->file)) > ANSWER_TEXT_MAX)
				abort();
		}
	}
}

/* A copy says the same of as many addresses. */
static void copy(const struct answers *a)
{
	struct answers_builder *b = answers_builder_new();
	struct answers again;
	struct buf buf;

	answers_add_all(b, a);
	buf_init(&buf);
	answers_finish(b, &buf);
	if (answers_open(buf.data, buf.n, &again, NULL) < 0 || again.n != a->n)
		abort();
	buf_done(&buf);
	answers_builder_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answers a;
	uint8_t *bytes;
	uint32_t crc;

	if (size < ANSWER_CRC_BYTES || size > 1 << 16)
		return 0;
	bytes = malloc(size);
	memcpy(bytes, data, size);
	crc = crc32c(bytes, size - ANSWER_CRC_BYTES);
	memcpy(bytes + size - ANSWER_CRC_BYTES, &crc, sizeof(crc));
	if (answers_open(bytes, size, &a, NULL) == 0) {
		walk(&a);
		copy(&a);
	}
	free(bytes);
	return 0;
}
