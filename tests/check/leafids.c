/*
 * leafids FILE: on what file and page of it each user sample of a recording lies, by the mappings
 * at its time alone. Prints "samples N", "unknown N" (no such process), "unmapped N", "between N"
 * (in the kernel during an exec: the user registers are still those of the program before),
 * "nameless N" (a file without a build-id), and "at N PATH PAGE" for each page.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/format/file.h"
#include "common/format/record.h"
#include "common/space/space.h"

enum { PLACES_MAX = 1 << 16, REG_IP = 16 };

static struct place {
	uint32_t object;
	uint64_t page, n;
} places[PLACES_MAX];

static uint64_t n_samples, n_unknown, n_unmapped, n_between, n_nameless;

static void count_place(uint32_t object, uint64_t page)
{
	uint64_t i = (object * 0x9e3779b97f4a7c15 ^ page * 0xc2b2ae3d27d4eb4f) >> 48;

	for (size_t tries = 0; tries < PLACES_MAX; tries++, i++) {
		struct place *p = &places[i % PLACES_MAX];

		if (p->n && (p->object != object || p->page != page))
			continue;
		*p = (struct place){ object, page, p->n + 1 };
		return;
	}
}

static void count_sample(struct spaces *spaces, const struct event *event)
{
	const struct event_sample *s = &event->sample;
	uint64_t pc = s->in_kernel ? s->regs.value[REG_IP] : s->ip;
	const struct space *space = spaces_find(spaces, event->pid);

	if (!s->user)
		return;
	n_samples++;
	if (!space) {
		n_unknown++;
		return;
	}
	const struct mapping *m = space_find(space, pc);
	if (!m) {
		*(s->in_kernel ? &n_between : &n_unmapped) += 1;
		return;
	}
	n_nameless += spaces_object(spaces, m->object)->build_id.n == 0;
	count_place(m->object, (pc - m->start + m->pgoff) >> 12);
}

static int take_events(struct spaces *spaces, struct record_decoder *decoder,
		       const struct chunk *chunk, struct err *err)
{
	static struct record record;
	enum record_read got;

	record_decoder_begin(decoder, &chunk->header, chunk->raw, chunk->header.raw_bytes);
	while ((got = record_decoder_next(decoder, &record, err)) > RECORD_END) {
		if (got != RECORD_EVENT)
			continue;
		spaces_apply(spaces, &record.event);
		if (record.event.type == EVENT_SAMPLE)
			count_sample(spaces, &record.event);
	}
	return got == RECORD_BAD ? -1 : 0;
}

static void show(const struct spaces *spaces)
{
	printf("samples %" PRIu64 "\nunknown %" PRIu64 "\nunmapped %" PRIu64 "\nbetween %" PRIu64
	       "\nnameless %" PRIu64 "\n",
	       n_samples, n_unknown, n_unmapped, n_between, n_nameless);
	for (size_t i = 0; i < PLACES_MAX; i++)
		if (places[i].n)
			printf("at %" PRIu64 " %s %" PRIu64 "\n", places[i].n,
			       spaces_object(spaces, places[i].object)->path, places[i].page);
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	struct record_decoder *decoder = record_decoder_new(MACHINE_X86_64);
	struct spaces *spaces = spaces_new(NULL);
	struct chunk_reader *reader = NULL;
	struct err err = { 0 };
	struct chunk chunk;

	if (fd < 0 || !spaces || chunk_reader_open(fd, &reader, &err) < 0) {
		fprintf(stderr, "leafids: %s\n", err.text);
		return 1;
	}
	while (chunk_reader_next(reader, &chunk) == CHUNK_READ_OK) {
		if (chunk.header.type != CHUNK_EVENTS)
			continue;
		if (chunk_reader_load(reader, &chunk, &err) < 0 ||
		    take_events(spaces, decoder, &chunk, &err) < 0) {
			fprintf(stderr, "leafids: %s\n", err.text);
			return 1;
		}
	}
	show(spaces);
	chunk_reader_free(reader);
	record_decoder_free(decoder);
	spaces_free(spaces);
	close(fd);
	return 0;
}
