/*
 * Headers only, but for the manifest and the first records: they name machine and sources. Whole
 * chunks that are missing are known by their sequence, and when they were from the chunks around.
 */
#include "report/read/part.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/format/object.h"
#include "report/read/recording.h"

struct scan {
	struct part *part;
	struct part_tools *tools;
	uint64_t last_ns, expected; /* time and sequence number so far */
	size_t open_damage;	    /* waits for the time after it */
	bool after_damage;
};

bool part_is_bad(struct part *p, const struct chunk *chunk)
{
	bool is_new;

	map_put(&p->bad, chunk->file_off + 1, &is_new);
	return is_new;
}

/* Its header is sound: it says when. */
static void chunk_is_bad(struct part *p, const struct chunk *chunk, const char *reason)
{
	if (part_is_bad(p, chunk))
		damages_add_chunk(&p->damages, chunk, reason);
}

static bool chunk_load(struct scan *s, struct chunk *chunk)
{
	struct err err = { 0 };

	if (chunk_reader_load(s->tools->reader, chunk, &err) == 0)
		return true;
	chunk_is_bad(s->part, chunk, err.text);
	return false;
}

/* ---- what it says of itself ---- */

static int got_manifest(void *ctx, const char *key, const char *value)
{
	struct part *p = ctx;

	if (p->n_pairs == MANIFEST_MAX)
		return -1;
	buf_put(&p->manifest, key, strlen(key) + 1);
	buf_put(&p->manifest, value, strlen(value) + 1);
	p->n_pairs++;
	return 0;
}

static void note_manifest(struct scan *s, struct chunk *chunk)
{
	struct err err = { 0 };

	if (chunk_load(s, chunk) && manifest_decode(chunk->raw, chunk->header.raw_bytes,
						    got_manifest, s->part, &err) == -EBADMSG)
		chunk_is_bad(s->part, chunk, err.text);
}

const char *part_manifest(const struct part *p, const char *key)
{
	const char *at = (const char *)p->manifest.data;

	for (uint32_t i = 0; i < p->n_pairs; i++) {
		const char *value = at + strlen(at) + 1;

		if (!strcmp(at, key))
			return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}

uint32_t part_number(const struct part *p)
{
	const char *text = part_manifest(p, "segment");
	unsigned long long n = text ? strtoull(text, NULL, 10) : 0;

	return n <= UINT32_MAX ? (uint32_t)n : 0;
}

static void put_source(struct part *p, const struct record *r)
{
	mem_grow(&p->source, &p->source_cap, p->n_sources + 1, sizeof(*p->source));
	p->source[p->n_sources++] =
		(struct part_source){ .index = r->source_index, .about = r->source };
}

/* The registers' machine and the sources stand in the first chunk of events or state. */
static void note_first_records(struct scan *s, struct chunk *chunk)
{
	struct part *p = s->part;
	struct part_tools *t = s->tools;

	if (p->machine || !chunk_load(s, chunk) || !chunk->header.raw_bytes)
		return;
	if (!t->decoder) {
		t->decoder = record_decoder_new(MACHINE_X86_64);
		t->record = mem_alloc(sizeof(*t->record));
	}
	record_decoder_begin(t->decoder, &chunk->header, chunk->raw, chunk->header.raw_bytes);
	p->machine = record_decoder_machine(t->decoder);
	while (p->n_sources < SOURCE_MAX &&
	       record_decoder_next(t->decoder, t->record, NULL) == RECORD_SOURCE)
		put_source(p, t->record);
	record_decoder_begin(t->decoder, &chunk->header, chunk->raw, 0);
}

/* ---- where things lie ---- */

static uint64_t print_of(const struct chunk_header *h)
{
	uint64_t print = (uint64_t)h->stored_crc << 32 | h->stored_bytes;

	print = hash_u64(print) ^ ((uint64_t)h->raw_bytes << 32 | h->n_records);
	print = hash_u64(print) ^ h->first_ns;
	return hash_u64(print) ^ h->last_ns;
}

static void put_chunk(struct part_chunks *to, const struct chunk *chunk, uint64_t print)
{
	mem_grow(&to->item, &to->cap, to->n + 1, sizeof(*to->item));
	to->item[to->n++] = (struct part_chunk){ chunk->file_off, print };
}

static bool has_times(const struct chunk_header *h)
{
	return h->type == CHUNK_EVENTS && h->last_ns;
}

static void note_times(struct part *p, const struct chunk_header *h)
{
	p->latest_ns = MAX(p->latest_ns, h->last_ns);
	if (h->type == CHUNK_KEYFRAME && !p->state_ns && !p->first_ns)
		p->state_ns = h->last_ns;
	if (h->type == CHUNK_END)
		p->end_ns = h->last_ns;
	if (!has_times(h))
		return;
	p->first_ns = p->first_ns ? MIN(p->first_ns, h->first_ns) : h->first_ns;
	p->last_ns = MAX(p->last_ns, h->last_ns);
}

static void note_chunk(struct scan *s, struct chunk *chunk)
{
	struct part *p = s->part;
	uint64_t print = print_of(&chunk->header);

	p->n_chunks++;
	note_times(p, &chunk->header);
	switch (chunk->header.type) {
	case CHUNK_MANIFEST:
		note_manifest(s, chunk);
		break;
	case CHUNK_EVENTS:
		put_chunk(&p->events, chunk, print);
		note_first_records(s, chunk);
		break;
	case CHUNK_KEYFRAME:
		note_first_records(s, chunk);
		break;
	case CHUNK_OBJECT:
		put_chunk(&p->objects, chunk, chunk->header.tag);
		break;
	case CHUNK_KERNEL:
		put_chunk(&p->kernel, chunk, print);
		break;
	case CHUNK_JIT:
		put_chunk(&p->jit, chunk, print);
		break;
	default:
		break;
	}
}

/* ---- damage ---- */

static void note_damage(struct scan *s, const struct chunk *chunk)
{
	struct damages *all = &s->part->damages;
	struct damage *d = damages_add(all, chunk->file_off, chunk->damage_bytes, chunk->reason);

	if (d) {
		d->from_ns = s->last_ns;
		s->open_damage = MIN(s->open_damage, all->n_items - 1);
	}
	s->after_damage = true;
}

static void date_damage(struct scan *s, uint64_t to_ns)
{
	struct damages *all = &s->part->damages;

	for (; s->open_damage < all->n_items; s->open_damage++)
		if (!all->item[s->open_damage].to_ns)
			all->item[s->open_damage].to_ns = to_ns;
	s->open_damage = SIZE_MAX;
}

/* Where chunks are missing though the bytes around it are sound. */
static void note_sequence(struct scan *s, const struct chunk *chunk)
{
	uint64_t n = chunk->header.sequence - s->expected;
	char reason[80];
	struct damage *d;

	if (!n)
		return;
	snprintf(reason, sizeof(reason), "%" PRIu64 " chunks missing: never written, or cut out",
		 n);
	d = damages_add(&s->part->damages, chunk->file_off, 0, reason);
	if (d) {
		d->from_ns = s->last_ns;
		d->to_ns = has_times(&chunk->header) ? chunk->header.first_ns : 0;
	}
}

static void scan_chunks(struct scan *s)
{
	struct chunk chunk;
	enum chunk_read read;

	while ((read = chunk_reader_next(s->tools->reader, &chunk)) != CHUNK_READ_END) {
		if (read == CHUNK_READ_DAMAGE) {
			note_damage(s, &chunk);
			continue;
		}
		if (has_times(&chunk.header))
			date_damage(s, chunk.header.first_ns);
		if (!s->after_damage)
			note_sequence(s, &chunk);
		if (has_times(&chunk.header))
			s->last_ns = chunk.header.last_ns;
		s->after_damage = false;
		s->expected = chunk.header.sequence + 1;
		note_chunk(s, &chunk);
	}
}

/* ---- life ---- */

void part_tools_done(struct part_tools *t)
{
	chunk_reader_free(t->reader);
	record_decoder_free(t->decoder);
	free(t->record);
}

int part_open(struct part_tools *tools, const char *path, int fd, struct part *ret, struct err *err)
{
	struct scan scan = { .part = ret, .tools = tools, .open_damage = SIZE_MAX };
	struct chunk_reader *reader = tools->reader;
	struct stat st;
	int code;

	tools->reader = NULL;
	code = chunk_reader_reopen(reader, fd, &tools->reader, err);
	if (code < 0)
		return code;
	*ret = (struct part){ .path = mem_strdup(path), .fd = fd };
	map_init(&ret->bad);
	buf_init(&ret->manifest);
	ret->file_bytes = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	ret->file_id = chunk_reader_file_id(tools->reader);
	ret->header_ok = chunk_reader_file_header_ok(tools->reader);
	ret->begin_off = ret->header_ok ? FILE_HEADER_BYTES : 0;
	scan_chunks(&scan);
	return 0;
}

void part_done(struct part *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p->path);
	free(p->source);
	free(p->events.item);
	free(p->kernel.item);
	free(p->jit.item);
	free(p->objects.item);
	buf_done(&p->manifest);
	damages_done(&p->damages);
	map_done(&p->bad);
}
