/*
 * dump FILE: everything that a ddprof.data holds, for a search: the raw bytes of every chunk, then
 * each decoded stack word and register value as 8 bytes, so that no coding of numbers can hide one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/format/file.h"
#include "common/format/record.h"

static void put_sample(const struct event_sample *s)
{
	for (uint32_t i = 0; i < s->n_words; i++)
		fwrite(&s->words[i].value, sizeof(uint64_t), 1, stdout);
	for (int i = 0; i < REGS_MAX; i++)
		if (s->regs.mask >> i & 1)
			fwrite(&s->regs.value[i], sizeof(uint64_t), 1, stdout);
}

static int put_events(struct record_decoder *decoder, const struct chunk *chunk, struct err *err)
{
	static struct record record;
	enum record_read got;

	record_decoder_begin(decoder, &chunk->header, chunk->raw, chunk->header.raw_bytes);
	while ((got = record_decoder_next(decoder, &record, err)) > RECORD_END)
		if (got == RECORD_EVENT && record.event.type == EVENT_SAMPLE)
			put_sample(&record.event.sample);
	return got == RECORD_BAD ? -1 : 0;
}

static int put_chunks(struct chunk_reader *reader, struct record_decoder *decoder, struct err *err)
{
	struct chunk chunk;

	while (chunk_reader_next(reader, &chunk) == CHUNK_READ_OK) {
		if (chunk_reader_load(reader, &chunk, err) < 0)
			return -1;
		fwrite(chunk.raw, 1, chunk.header.raw_bytes, stdout);
		if (chunk.header.type == CHUNK_EVENTS && put_events(decoder, &chunk, err) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct chunk_reader *reader = NULL;
	struct err err = { 0 };

	if (argc != 2)
		return 2;
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	struct record_decoder *decoder = record_decoder_new(MACHINE_X86_64);
	int r = chunk_reader_open(fd, &reader, &err);
	if (r == 0)
		r = put_chunks(reader, decoder, &err);
	if (r < 0)
		fprintf(stderr, "dump: %s\n", err.text);
	record_decoder_free(decoder);
	chunk_reader_free(reader);
	close(fd);
	return r < 0 || fflush(stdout) != 0;
}
