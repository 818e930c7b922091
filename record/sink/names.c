/*
 *	at[]:  symbols by rising address, each once
 *	text:  names one after the other, zero-terminated; modules too, each once
 */
#include "record/sink/names.h"

#include <errno.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/pages.h"
#include "common/format/object.h"

/* The touched addresses that the recorder asks for (TOUCH_KERNEL_PCS) are fewer. */
enum { NAMES_MAX = 1 << 14, MODULES_MAX = 1 << 10, TEXT_BYTES = 2 << 20 };

struct names {
	struct kernel_symbol at[NAMES_MAX];
	uint32_t n;
	const char *module[MODULES_MAX];
	uint32_t n_modules;
	uint64_t n_gone;
	uint32_t text_n;
	char text[TEXT_BYTES];
	uint8_t raw[CHUNK_RAW_MAX]; /* while it is written */
};

struct names *names_new(struct err *err)
{
	struct names *n = pages_reserve(sizeof(*n));

	if (!n)
		err_set(err, -ENOMEM, "no memory for names of kernel code");
	return n;
}

void names_free(struct names *n)
{
	pages_free(n, sizeof(*n));
}

/* NULL: no room. */
static const char *keep_text(struct names *n, const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *kept = n->text + n->text_n;

	if (TEXT_BYTES - n->text_n < bytes)
		return NULL;
	memcpy(kept, text, bytes);
	n->text_n += (uint32_t)bytes;
	return kept;
}

static const char *keep_module(struct names *n, const char *module)
{
	if (!module[0])
		return "";
	for (uint32_t i = 0; i < n->n_modules; i++)
		if (!strcmp(n->module[i], module))
			return n->module[i];
	if (n->n_modules == MODULES_MAX)
		return NULL;
	const char *kept = keep_text(n, module);
	if (kept)
		n->module[n->n_modules++] = kept;
	return kept;
}

/* Where `addr` is, or belongs. */
static uint32_t place_of(const struct names *n, uint64_t addr)
{
	uint32_t lo = 0, hi = n->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (n->at[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int add(void *ctx, const struct kernel_symbol *symbol)
{
	struct names *n = ctx;
	uint32_t i = place_of(n, symbol->addr);
	struct kernel_symbol kept = { .addr = symbol->addr };

	if (i < n->n && n->at[i].addr == symbol->addr)
		return 0; /* another inspector said it again */
	if (n->n < NAMES_MAX) {
		kept.module = keep_module(n, symbol->module);
		kept.name = kept.module ? keep_text(n, symbol->name) : NULL;
	}
	if (!kept.name) {
		n->n_gone++;
		return 0;
	}
	memmove(&n->at[i + 1], &n->at[i], (n->n - i) * sizeof(*n->at));
	n->at[i] = kept;
	n->n++;
	return 0;
}

void names_add(struct names *n, const uint8_t *raw, size_t raw_bytes)
{
	if (kernel_decode(raw, raw_bytes, add, n, NULL) < 0)
		n->n_gone++;
}

int names_write(struct names *n, struct chunk_writer *to)
{
	size_t used, bytes;
	int r = 0;

	for (size_t done = 0; done < n->n && r >= 0; done += used) {
		used = kernel_encode(n->at + done, n->n - done, n->raw, sizeof(n->raw), &bytes);
		if (!used)
			return -EIO;
		r = chunk_writer_put(to, CHUNK_KERNEL, 0, n->raw, bytes, (uint32_t)used, 0, 0);
	}
	pages_forget(n->raw, sizeof(n->raw));
	return MIN(r, 0);
}

uint32_t names_n(const struct names *n)
{
	return n->n;
}

uint64_t names_n_gone(const struct names *n)
{
	return n->n_gone;
}
