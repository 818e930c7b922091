/* Any bytes as a configuration file. What was read is written plainly and read again: the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put_string(struct buf *b, const char *text)
{
	buf_putc(b, '"');
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f || *text == '"' || *text == '\\')
			buf_printf(b, "\\u%04x", (unsigned int)*text);
		else
			buf_putc(b, *text);
	buf_putc(b, '"');
}

static void put_item(struct buf *b, const struct toml_item *item)
{
	buf_printf(b, "%s=", item->path);
	if (item->type == TOML_STRING) {
		put_string(b, item->text);
	} else if (item->type == TOML_STRINGS) {
		buf_putc(b, '[');
		for (size_t i = 0; i < item->n_strings; i++) {
			put_string(b, item->string[i]);
			buf_putc(b, ',');
		}
		buf_putc(b, ']');
	} else {
		buf_puts(b, item->text);
	}
	buf_putc(b, '\n');
}

static void require(int holds)
{
	if (!holds)
		abort();
}

static void require_equal(const struct toml_item *a, const struct toml_item *b)
{
	require(!strcmp(a->path, b->path) && a->type == b->type && a->integer == b->integer);
	require(!a->text == !b->text && (!a->text || !strcmp(a->text, b->text)));
	require(a->n_strings == b->n_strings);
	for (size_t i = 0; i < a->n_strings; i++)
		require(!strcmp(a->string[i], b->string[i]));
}

static void read_again(const struct toml *toml, struct arena *arena)
{
	struct toml again;
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < toml->n_items; i++)
		put_item(&b, &toml->item[i]);
	if (b.n <= TOML_BYTES_MAX) {
		require(toml_parse("again", b.n ? b.data : "", b.n, arena, &again, NULL) == 0);
		require(again.n_items == toml->n_items);
		for (size_t i = 0; i < toml->n_items; i++)
			require_equal(&toml->item[i], &again.item[i]);
	}
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	struct arena arena;
	struct toml toml;

	arena_init(&arena);
	if (toml_parse("fuzz", (const char *)data, n, &arena, &toml, &err) == 0)
		read_again(&toml, &arena);
	else
		require(!strncmp(err.text, "fuzz:", 5));
	arena_done(&arena);
	return 0;
}
