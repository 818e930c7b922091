/* Objects, kernel symbols, manifest: common/format/{object,text}.c */
#include "common/format/object.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "tests/unit/check.h"

enum { CHUNKS_MAX = 8 };

static struct {
	uint8_t *bytes[CHUNKS_MAX];
	size_t n[CHUNKS_MAX];
	uint32_t n_chunks;
} out;

static int keep(void *ctx, const void *raw, size_t n, uint32_t n_records)
{
	(void)ctx;
	REQUIRE_TRUE(n <= CHUNK_RAW_MAX && n_records > 0 && out.n_chunks < CHUNKS_MAX);
	out.bytes[out.n_chunks] = malloc(n);
	memcpy(out.bytes[out.n_chunks], raw, n);
	out.n[out.n_chunks++] = n;
	return 0;
}

static void out_done(void)
{
	while (out.n_chunks)
		free(out.bytes[--out.n_chunks]);
}

static const struct object_key key = { .build_id = { 20, { 9, 8, 7, 6, 5, 4, 3, 2, 1 } },
				       .path = "/usr/lib/libx.so" };

static void encode(const struct elf_image *image, const char *reason)
{
	void *scratch = malloc(CHUNK_RAW_MAX);

	REQUIRE_INT(object_encode(&key, image, reason, scratch, keep, NULL), 0);
	free(scratch);
}

struct gathered {
	struct elf_image header;
	uint8_t *part[ELF_PARTS_MAX];
	uint64_t filled[ELF_PARTS_MAX];
	char reason[160];
};

static int gather(void *ctx, const struct object_piece *p)
{
	struct gathered *g = ctx;

	CHECK_TRUE(object_key_equal(&p->key, &key));
	CHECK_STR(p->key.path, key.path);
	if (p->header) {
		g->header = *p->header;
		for (uint32_t i = 0; i < g->header.n_parts; i++)
			g->part[i] = malloc(g->header.part[i].size + 1);
	} else if (p->part_index == UINT32_MAX) {
		memcpy(g->reason, p->reason, sizeof(g->reason));
	} else {
		CHECK_UINT(p->off, g->filled[p->part_index]);
		memcpy(g->part[p->part_index] + p->off, p->bytes, p->n);
		g->filled[p->part_index] += p->n;
	}
	return 0;
}

static void large_object(void)
{
	static struct elf_image image;
	static struct gathered g;
	uint8_t *big = malloc(3 << 20);

	for (size_t i = 0; i < 3 << 20; i++)
		big[i] = (uint8_t)(i * i >> 7);
	image = (struct elf_image){ .machine = MACHINE_AARCH64,
				    .elf_type = 2,
				    .entry = UINT64_MAX,
				    .n_loads = ELF_LOADS_MAX,
				    .n_parts = ELF_PARTS_MAX };
	for (uint32_t i = 0; i < ELF_LOADS_MAX; i++)
		image.load[i] = (struct elf_load){ i, UINT64_MAX - i, i * 4096, i, UINT32_MAX };
	for (uint32_t i = 0; i < ELF_PARTS_MAX; i++)
		image.part[i] = (struct elf_part){ ELF_PART_CODE, UINT64_MAX - i, i % 3 * 1000,
						   i % 5 ? big + i : NULL };
	image.part[7].size = (3 << 20) - 7;
	encode(&image, NULL);
	CHECK_UINT(out.n_chunks, 4);
	for (uint32_t i = 0; i < out.n_chunks; i++)
		CHECK_INT(object_decode(out.bytes[i], out.n[i], gather, &g, NULL), 0);
	CHECK_INT(g.header.machine, MACHINE_AARCH64);
	CHECK_UINT(g.header.entry, UINT64_MAX);
	CHECK_MEM(g.header.load, image.load, sizeof(image.load));
	CHECK_MEM(g.header.build_id.bytes, key.build_id.bytes, 20);
	for (uint32_t i = 0; i < ELF_PARTS_MAX; i++) {
		CHECK_INT(g.header.part[i].kind, image.part[i].kind);
		CHECK_UINT(g.header.part[i].addr, image.part[i].addr);
		CHECK_UINT(g.header.part[i].size, image.part[i].size);
		CHECK_UINT(g.filled[i], image.part[i].data ? image.part[i].size : 0);
		if (g.filled[i])
			CHECK_MEM(g.part[i], image.part[i].data, g.filled[i]);
		free(g.part[i]);
	}
	free(big);
	out_done();
}

static int count(void *ctx, const struct object_piece *p)
{
	(void)p;
	++*(unsigned int *)ctx;
	return 0;
}

static void cut_objects(void)
{
	static const uint8_t code[64];
	static struct elf_image image = { .machine = MACHINE_X86_64,
					  .n_parts = 2,
					  .part = { { ELF_PART_CODE, 1, 64, code },
						    { ELF_PART_CODE, 2, 64, code } } };
	unsigned int whole = 0;

	encode(&image, NULL);
	REQUIRE_INT(object_decode(out.bytes[0], out.n[0], count, &whole, NULL), 0);
	CHECK_UINT(whole, 3);
	for (size_t n = 0; n < out.n[0]; n++) {
		uint8_t *exact = malloc(n + 1);
		unsigned int got = 0;
		int code_of = 0;

		memcpy(exact, out.bytes[0], n);
		code_of = object_decode(exact, n, count, &got, NULL);
		CHECK_TRUE(got < whole && (code_of == 0 || code_of == -EBADMSG));
		free(exact);
	}
	out_done();
}

static void reasons(void)
{
	static struct gathered g;
	char text[400];

	encode(NULL, "not ours any more");
	CHECK_INT(object_decode(out.bytes[0], out.n[0], gather, &g, NULL), 0);
	CHECK_STR(g.reason, "not ours any more");
	out_done();
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	encode(NULL, text);
	CHECK_INT(object_decode(out.bytes[0], out.n[0], gather, &g, NULL), 0);
	CHECK_UINT(strlen(g.reason), sizeof(g.reason) - 1);
	out_done();
}

static void tags(void)
{
	struct object_key a = { .build_id = { 8, { 1, 0, 0, 0, 0, 0, 0, 0x80 } }, .path = "/a" };
	struct object_key b = { .build_id = { 20, { 0 } }, .path = "/a" };
	struct object_key c = { .path = "/a", .ino = 1 }, d = { .path = "/a", .ino = 2 };

	CHECK_UINT(object_tag(&a), 0x8000000000000001);
	CHECK_UINT(object_tag(&b), 1); /* never 0 */
	CHECK_UINT(object_tag(&c), object_tag(&d));
	CHECK_TRUE(!object_key_equal(&c, &d) && object_key_equal(&c, &c));
	CHECK_TRUE(!object_key_equal(&a, &c) && !object_key_equal(&a, &b));
}

struct symbols {
	size_t n;
	uint64_t last;
};

static int got_symbol(void *ctx, const struct kernel_symbol *s)
{
	struct symbols *sy = ctx;
	char name[32];

	snprintf(name, sizeof(name), "function_%zu", sy->n);
	CHECK_STR(s->name, name);
	CHECK_STR(s->module, sy->n % 100 < 70 ? "" : "module");
	CHECK_UINT(s->addr, UINT64_C(0xffffffff81000000) + sy->n * 64);
	sy->n++;
	return 0;
}

static void kernel_symbols(void)
{
	enum { N = 20000 };
	struct kernel_symbol *in = calloc(N, sizeof(*in));
	uint8_t *raw = malloc(100000);
	struct symbols got = { 0 };
	char(*names)[24] = calloc(N, sizeof(*names));
	unsigned int n_chunks = 0;

	for (size_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "function_%zu", i);
		in[i] = (struct kernel_symbol){ UINT64_C(0xffffffff81000000) + i * 64, names[i],
						i % 100 < 70 ? "" : "module" };
	}
	for (size_t done = 0; done < N; n_chunks++) {
		size_t n, used;

		n = kernel_encode(in + done, N - done, raw, 100000, &used);
		REQUIRE_TRUE(n > 0 && used <= 100000);
		CHECK_INT(kernel_decode(raw, used, got_symbol, &got, NULL), 0);
		done += n;
	}
	CHECK_UINT(got.n, N);
	CHECK_TRUE(n_chunks > 1);
	CHECK_INT(kernel_decode(raw, 3, got_symbol, &got, NULL), -EBADMSG);
	free(in);
	free(raw);
	free(names);
}

static int got_pair(void *ctx, const char *key_text, const char *value)
{
	unsigned int *n = ctx;

	if (*n == 0) {
		CHECK_STR(key_text, "");
		CHECK_STR(value, "");
	} else {
		CHECK_UINT(strlen(key_text), 63);
		CHECK_UINT(strlen(value), 4095);
	}
	++*n;
	return 0;
}

static void manifests(void)
{
	uint8_t raw[10000];
	char longest[5000];
	unsigned int n_pairs = 0;
	size_t n = 0;

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	CHECK_INT(manifest_put(raw, sizeof(raw), &n, "", ""), 0);
	CHECK_INT(manifest_put(raw, sizeof(raw), &n, longest, longest), 0);
	CHECK_INT(manifest_put(raw, sizeof(raw), &n, longest, longest), 0);
	CHECK_INT(manifest_put(raw, sizeof(raw), &n, longest, longest), -ENOSPC);
	CHECK_INT(manifest_decode(raw, n, got_pair, &n_pairs, NULL), 0);
	CHECK_UINT(n_pairs, 3);
	n_pairs = 0;
	CHECK_INT(manifest_decode(raw, n - 1, got_pair, &n_pairs, NULL), -EBADMSG);
}

SUITE(format_object, { "an object of three chunks comes back whole", large_object },
      { "an object cut at every length gives what was whole", cut_objects },
      { "reasons survive, long ones cut", reasons }, { "tags find objects, keys decide", tags },
      { "kernel symbols survive in as many chunks as they need", kernel_symbols },
      { "a manifest survives at its limits", manifests }, )
