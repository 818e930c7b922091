/*
 * Files of the cache: any bytes either are no such file, or the answers in them open, and the list
 * of questions that found nothing can be merged and asked again. Checksums are put right in every
 * input.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/format/crc.h"
#include "common/format/object.h"
#include "report/debug/debug.h"
#include "report/symbol/answer.h"
#include "report/symbol/answer_layout.h"
#include "report/symbol/cache.h"
#include "report/symbol/cache_dir.h"
#include "report/symbol/missing.h"
#include "report/symbol/supply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_crc(uint8_t *at, const uint8_t *bytes, size_t n)
{
	uint32_t crc = crc32c(bytes, n);

	memcpy(at, &crc, sizeof(crc));
}

static void mend(uint8_t *bytes, size_t n)
{
	struct cache_header *h = (void *)bytes;
	uint64_t answers_at = sizeof(*h) + cache_aligned(h->missing_bytes);

	h->magic = CACHE_MAGIC;
	h->decoder = SYMBOL_CACHE_DECODER;
	if (answers_at + ANSWER_CRC_BYTES <= n) {
		h->missing_crc = crc32c(bytes + sizeof(*h), answers_at - sizeof(*h));
		put_crc(bytes + n - ANSWER_CRC_BYTES, bytes + answers_at,
			n - answers_at - ANSWER_CRC_BYTES);
	}
	h->crc = 0;
	h->crc = crc32c(h, sizeof(*h));
}

/* No folder is searched but those that a question names. */
static void ask_again(const struct symbol_cached *cached)
{
	struct debug_options o = { .no_system = true };
	struct object_key key = { .path = "/nowhere/object" };
	struct supply supply;
	struct debug *debug;

	if (debug_open(&o, &debug, NULL) < 0)
		abort();
	supply_init(&supply, debug, &key, NULL);
	supply_has_any(&supply, cached->missing, cached->n_missing);
	supply_done(&supply);
	debug_close(debug);
}

/* Twice the same adds nothing. */
static void merge(const struct symbol_cached *cached)
{
	struct buf list;
	size_t n;

	buf_init(&list);
	missing_merge(&list, cached->missing, cached->n_missing);
	n = list.n;
	missing_merge(&list, cached->missing, cached->n_missing);
	if (list.n != n || n > cached->n_missing)
		abort();
	buf_done(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol_cached cached = { .bytes = NULL };
	struct cache_header header;
	uint8_t *bytes;

	if (size < sizeof(header) || size > 1 << 16)
		return 0;
	bytes = malloc(size);
	memcpy(bytes, data, size);
	mend(bytes, size);
	if (cache_file_check(bytes, size, &header, &cached, NULL) == 0) {
		merge(&cached);
		ask_again(&cached);
	}
	free(bytes);
	return 0;
}
