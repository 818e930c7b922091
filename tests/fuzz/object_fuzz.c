/* Any bytes as contents of OBJECT, KERNEL and MANIFEST chunks; the first byte says which. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/format/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile uint64_t sink;

static int got_piece(void *ctx, const struct object_piece *p)
{
	uint64_t sum = object_tag(&p->key) + object_key_equal(&p->key, &p->key) + strlen(p->reason);

	(void)ctx;
	for (uint64_t i = 0; p->part_index != UINT32_MAX && i < p->n; i++)
		sum += p->bytes[i];
	if (p->header)
		for (uint32_t i = 0; i < p->header->n_parts; i++)
			sum += p->header->part[i].size;
	sink = sum;
	return 0;
}

static int got_symbol(void *ctx, const struct kernel_symbol *s)
{
	(void)ctx;
	sink = s->addr + strlen(s->name) + strlen(s->module);
	return 0;
}

static int got_pair(void *ctx, const char *key, const char *value)
{
	(void)ctx;
	sink = strlen(key) + strlen(value);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 1 || n > CHUNK_RAW_MAX)
		return 0;
	if (data[0] % 3 == 0)
		object_decode(data + 1, n - 1, got_piece, NULL, NULL);
	else if (data[0] % 3 == 1)
		kernel_decode(data + 1, n - 1, got_symbol, NULL, NULL);
	else
		manifest_decode(data + 1, n - 1, got_pair, NULL, NULL);
	return 0;
}
