/*
 * Any bytes as contents of a JIT chunk, as lines of a perf map, and as a jitdump file; the first
 * byte says which.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/format/file.h"
#include "common/format/jit.h"
#include "common/format/perfmap.h"
#include "record/inspect/jitdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile uint64_t sink;
static struct jit_writer writer;
static uint8_t written[CHUNK_RAW_MAX];

struct file {
	const uint8_t *bytes;
	size_t n;
};

static const uint8_t *peek(void *ctx, uint64_t off, size_t n)
{
	const struct file *f = ctx;

	return off <= f->n && f->n - off >= n ? f->bytes + off : NULL;
}

/* What was decoded is encoded again: it fits and stays what it is. */
static int got(void *ctx, const struct jit_record *r)
{
	uint64_t sum = r->addr + r->size + (r->name ? strlen(r->name) : 0);

	(void)ctx;
	for (uint32_t i = 0; i < r->n_lines; i++)
		sum += strlen(r->line[i].file);
	for (uint32_t i = 0; i < r->n_bytes; i++)
		sum += r->bytes[i];
	sink = sum;
	if (jit_writer_put(&writer, r) < 0)
		jit_writer_begin(&writer, written, sizeof(written));
	return 0;
}

static int count(void *ctx, const struct jit_record *r)
{
	(void)r;
	++*(uint32_t *)ctx;
	return 0;
}

static void fuzz_dump(const uint8_t *data, size_t n)
{
	struct file f = { data, n };
	struct jitdump_source s = { .peek = peek, .ctx = &f, .size = n };
	struct jitdump d = { 0 };
	int r = jitdump_open(&d, &s, NULL);
	uint64_t off = r > 0 ? (uint64_t)r : 0;

	if (r > 0)
		jitdump_read(&d, &s, 1, 5, 1000, &off, got, NULL, NULL);
}

static void fuzz_map(const uint8_t *data, size_t n)
{
	char name[JIT_TEXT_MAX + 1];
	const char *at = (const char *)data, *end = at + n, *newline;

	for (; at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
		struct jit_record r = { .kind = JIT_LOAD, .pid = 1, .time_ns = 9 };

		if (perfmap_parse_line(at, (size_t)(newline - at), name, &r))
			got(NULL, &r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint32_t n_records = 0;

	if (n < 1 || n > CHUNK_RAW_MAX)
		return 0;
	jit_writer_begin(&writer, written, sizeof(written));
	if (data[0] % 3 == 0)
		jit_decode(data + 1, n - 1, got, NULL, NULL);
	else if (data[0] % 3 == 1)
		fuzz_map(data + 1, n - 1);
	else
		fuzz_dump(data + 1, n - 1);
	if (writer.n_records && (jit_decode(writer.begin, (size_t)(writer.at - writer.begin), count,
					    &n_records, NULL) < 0 ||
				 n_records != writer.n_records))
		__builtin_trap();
	return 0;
}
