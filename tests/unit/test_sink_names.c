#include "record/sink/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/format/object.h"
#include "tests/unit/check.h"

enum { RAW = 1 << 16 };

static uint8_t raw[RAW];
static struct {
	int fd;
	uint32_t n_chunks, n;
	uint64_t last;
	char text[1 << 12];
} got;

static void add(struct names *n, const struct kernel_symbol *symbols, size_t n_symbols)
{
	size_t bytes;

	REQUIRE_INT(kernel_encode(symbols, n_symbols, raw, sizeof(raw), &bytes), n_symbols);
	names_add(n, raw, bytes);
}

static int got_symbol(void *ctx, const struct kernel_symbol *symbol)
{
	size_t at = strlen(got.text);

	(void)ctx;
	CHECK_TRUE(symbol->addr > got.last);
	got.last = symbol->addr;
	got.n++;
	if (at < sizeof(got.text) - 100)
		snprintf(got.text + at, sizeof(got.text) - at, "%s%s ", symbol->name,
			 symbol->module);
	return 0;
}

static int to_file(void *ctx, const void *bytes, size_t n)
{
	(void)ctx;
	return write(got.fd, bytes, n) == (ssize_t)n ? 0 : -EIO;
}

/* What it writes, read again. */
static void read_back(struct names *n)
{
	char path[] = "/tmp/ddprof-names-XXXXXX";
	struct chunk_reader *reader = NULL;
	struct chunk chunk;

	memset(&got, 0, sizeof(got));
	got.fd = mkstemp(path);
	REQUIRE_TRUE(got.fd >= 0);
	unlink(path);
	struct chunk_writer *w = chunk_writer_new(1, to_file, NULL, NULL);
	REQUIRE_TRUE(w);
	CHECK_INT(chunk_writer_begin(w), 0);
	CHECK_INT(names_write(n, w), 0);
	chunk_writer_free(w);
	REQUIRE_INT(chunk_reader_open(got.fd, &reader, NULL), 0);
	while (chunk_reader_next(reader, &chunk) == CHUNK_READ_OK) {
		CHECK_INT(chunk.header.type, CHUNK_KERNEL);
		REQUIRE_INT(chunk_reader_load(reader, &chunk, NULL), 0);
		CHECK_INT(kernel_decode(chunk.raw, chunk.header.raw_bytes, got_symbol, NULL, NULL),
			  0);
		got.n_chunks++;
	}
	chunk_reader_free(reader);
	close(got.fd);
}

static void merged(void)
{
	struct kernel_symbol first[] = { { 0x1000, "one", "" }, { 0x5000, "five", "ext4" } };
	struct kernel_symbol second[] = { { 0x3000, "three", "" },
					  { 0x5000, "again", "" },
					  { 0x7000, "seven", "ext4" },
					  { 0x8000, "eight", "nfs" } };
	struct names *n = names_new(NULL);

	REQUIRE_TRUE(n);
	add(n, first, 2);
	add(n, second, 4);
	read_back(n);
	CHECK_UINT(got.n_chunks, 1);
	CHECK_UINT(names_n(n), 5);
	CHECK_STR(got.text, "one three fiveext4 sevenext4 eightnfs ");
	read_back(n);
	CHECK_UINT(got.n, 5);
	CHECK_UINT(names_n_gone(n), 0);
	names_free(n);
}

static void hostile(void)
{
	struct names *n = names_new(NULL);
	char name[32], module[32];

	REQUIRE_TRUE(n);
	names_add(n, (const uint8_t *)"\xff\xff\xff", 3);
	CHECK_UINT(names_n(n), 0);
	CHECK_UINT(names_n_gone(n), 1);
	for (uint64_t i = 1; i <= 20000; i++) { /* falling addresses, too many names and modules */
		struct kernel_symbol one = { UINT64_MAX - i * 16, name, module };

		snprintf(name, sizeof(name), "name_%u", (unsigned int)i);
		snprintf(module, sizeof(module), "module_%u", (unsigned int)i);
		add(n, &one, 1);
	}
	CHECK_UINT(names_n(n), 1024);
	CHECK_UINT(names_n_gone(n), 1 + 20000 - 1024);
	for (uint64_t i = 1; i <= 40000; i++) {
		struct kernel_symbol one = { i * 16, name, "" };

		snprintf(name, sizeof(name), "%0*u", (int)(i % 30), (unsigned int)i);
		add(n, &one, 1);
	}
	CHECK_TRUE(names_n(n) <= 1 << 14);
	read_back(n);
	CHECK_UINT(got.n, names_n(n));
	names_free(n);
}

SUITE(sink_names, { "what came in pieces is one rising list, each address once", merged },
      { "nonsense and too much of it are left out and counted", hostile }, )
