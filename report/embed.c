#include "report/embed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/elf/image.h"
#include "common/format/file.h"
#include "common/format/jit.h"
#include "report/debug/debug.h"
#include "report/read/read.h"

/* ---- objects ---- */

struct put {
	struct chunk_writer *writer;
	uint64_t tag;
};

static int put_chunk(void *ctx, const void *raw, size_t n, uint32_t n_records)
{
	struct put *p = ctx;

	return chunk_writer_put_object_raw(p->writer, raw, n, n_records, p->tag);
}

static int read_local(struct debug *debug, const struct object_key *key, unsigned int take,
		      struct elf_image *ret, struct err *err)
{
	struct debug_file file = { .fd = -1 };
	int status = debug ? debug_find_object(debug, key, &file, err) :
			     err_set(err, -ENOENT, "not recorded, and no other files are used");

	if (status < 0)
		return status;
	status = elf_image_read(file.fd, take, ret, err);
	if (status < 0)
		err_wrap(err, "'%s'", file.where);
	debug_file_done(&file);
	return status;
}

int embed_local_object(struct chunk_writer *w, struct recording *r, struct debug *debug,
		       const struct object_key *key, struct err *err)
{
	static const unsigned int take = ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS;
	AUTO_FREE void *scratch = mem_alloc(CHUNK_RAW_MAX);
	AUTO_FREE struct elf_image *local = mem_zalloc(sizeof(*local));
	struct put p = { .writer = w, .tag = object_tag(key) };
	const char *reason = NULL;
	const struct elf_image *image = recording_image(r, key, take, &reason);
	struct err why = { 0 };
	int status;

	if (!image && read_local(debug, key, take, local, &why) == 0)
		image = local;
	status = object_encode(key, image,
			       image  ? "" :
			       reason ? reason :
					why.text,
			       scratch, put_chunk, &p);
	if (image == local)
		elf_image_done(local);
	if (status < 0)
		return err->code ? err->code : err_set(err, status, "%s", strerror(-status));
	return image != NULL;
}

/* ---- the kernel ---- */

struct known {
	struct kernel_symbol symbol;
	size_t at; /* order in which they were told */
};

struct kernel_names {
	struct arena text;
	struct known *known;
	size_t n, cap;
};

static int got_symbol(void *ctx, const struct kernel_symbol *symbol)
{
	struct kernel_names *k = ctx;

	mem_grow(&k->known, &k->cap, k->n + 1, sizeof(*k->known));
	k->known[k->n] = (struct known){ { symbol->addr, arena_strdup(&k->text, symbol->name),
					   arena_strdup(&k->text, symbol->module) },
					 k->n };
	k->n++;
	return 0;
}

static int compare_known(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->symbol.addr != y->symbol.addr)
		return x->symbol.addr < y->symbol.addr ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int compare_pcs(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * Symbols that are the highest at or below some pc, as an array; of those at one address the first
 * that was told, as everywhere. Both are sorted.
 */
static size_t keep_needed(const struct kernel_names *k, const uint64_t *pc, size_t n,
			  struct kernel_symbol *ret)
{
	size_t n_kept = 0;

	for (size_t i = 0, next = 0, end; i < k->n; i = end) {
		uint64_t addr = k->known[i].symbol.addr;

		for (end = i; end < k->n && k->known[end].symbol.addr == addr;)
			end++;
		while (next < n && pc[next] < addr)
			next++;
		if (next < n && (end == k->n || pc[next] < k->known[end].symbol.addr))
			ret[n_kept++] = k->known[i].symbol;
	}
	return n_kept;
}

int embed_local_kernel(struct chunk_writer *w, struct recording *r, uint64_t *pc, size_t n,
		       struct err *err)
{
	AUTO_FREE uint8_t *raw = mem_alloc(CHUNK_RAW_MAX);
	struct kernel_symbol *kept;
	struct kernel_names k = { 0 };
	size_t n_kept, used;
	int status = 0;

	if (!n)
		return 0;
	arena_init(&k.text);
	recording_each_kernel_symbol(r, got_symbol, &k);
	if (k.n)
		qsort(k.known, k.n, sizeof(*k.known), compare_known);
	qsort(pc, n, sizeof(*pc), compare_pcs);
	kept = mem_alloc((n + 1) * sizeof(*kept)); /* each is for a pc of its own */
	n_kept = keep_needed(&k, pc, n, kept);
	for (size_t done = 0; done < n_kept && status == 0; done += used) {
		size_t bytes = 0;

		used = kernel_encode(kept + done, n_kept - done, raw, CHUNK_RAW_MAX, &bytes);
		if (!used)
			break;
		status = chunk_writer_put(w, CHUNK_KERNEL, 0, raw, bytes, (uint32_t)used, 0, 0);
	}
	free(kept);
	free(k.known);
	arena_done(&k.text);
	if (status < 0 && !err->code)
		err_set(err, status, "%s", strerror(-status));
	return status;
}

/* ---- code made at run time ---- */

struct jit_chunks {
	struct chunk_writer *writer;
	uint8_t *raw;
	struct jit_writer jit;
};

static int jit_flush(struct jit_chunks *c)
{
	int status = 0;

	if (c->jit.n_records)
		status = chunk_writer_put(c->writer, CHUNK_JIT, 0, c->raw,
					  (size_t)(c->jit.at - c->jit.begin), c->jit.n_records, 0,
					  0);
	jit_writer_begin(&c->jit, c->raw, CHUNK_RAW_MAX);
	return status;
}

static int got_jit(void *ctx, const struct jit_record *record)
{
	struct jit_chunks *c = ctx;
	int status;

	if (jit_writer_put(&c->jit, record) == 0)
		return 0;
	status = jit_flush(c);
	return status < 0 ? status : jit_writer_put(&c->jit, record);
}

int embed_local_jit(struct chunk_writer *w, struct recording *r, struct err *err)
{
	AUTO_FREE uint8_t *raw = mem_alloc(CHUNK_RAW_MAX);
	struct jit_chunks c = { .writer = w, .raw = raw };
	int status;

	jit_writer_begin(&c.jit, raw, CHUNK_RAW_MAX);
	recording_each_jit(r, got_jit, &c);
	status = jit_flush(&c);
	if (status < 0 && !err->code)
		err_set(err, status, "%s", strerror(-status));
	return status;
}
