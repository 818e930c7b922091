/*
 * Three slots go round: the caller decodes one, one waits for him full, the thread fills the third.
 *
 *	slot:   free --thread--> full --ahead_take--> lent --next ahead_take--> free
 */
#include "report/read/ahead.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"

enum { SLOTS = 3 };

struct slot {
	uint64_t file_off;
	uint8_t *raw; /* NULL: this chunk could not be loaded */
	size_t cap;
};

struct ahead {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct chunk_reader *reader;
	struct slot slot[SLOTS];
	/* slot i % SLOTS; filled - taken are full, the one before taken is lent */
	uint64_t n_filled, n_taken;
	bool ended, stop;
};

static bool wait_for_room(struct ahead *a)
{
	bool go_on;

	pthread_mutex_lock(&a->lock);
	while (!a->stop && a->n_filled - a->n_taken >= SLOTS - 1)
		pthread_cond_wait(&a->changed, &a->lock);
	go_on = !a->stop;
	pthread_mutex_unlock(&a->lock);
	return go_on;
}

static void fill(struct ahead *a, struct chunk *chunk)
{
	struct slot *s = &a->slot[a->n_filled % SLOTS];
	bool loaded = chunk_reader_load(a->reader, chunk, NULL) == 0;

	s->file_off = chunk->file_off;
	if (loaded && s->cap < chunk->header.raw_bytes) {
		free(s->raw);
		s->cap = chunk->header.raw_bytes;
		s->raw = mem_alloc(s->cap);
	}
	if (loaded) {
		memcpy(s->raw, chunk->raw, chunk->header.raw_bytes);
	} else {
		free(s->raw);
		s->raw = NULL;
		s->cap = 0;
	}
}

static void tell(struct ahead *a, bool filled)
{
	pthread_mutex_lock(&a->lock);
	if (filled)
		a->n_filled++;
	else
		a->ended = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

static void *load_chunks(void *ctx)
{
	struct ahead *a = ctx;
	struct chunk chunk;
	enum chunk_read read;

	while ((read = chunk_reader_next(a->reader, &chunk)) != CHUNK_READ_END) {
		if (read != CHUNK_READ_OK || chunk.header.type != CHUNK_EVENTS ||
		    !chunk.header.raw_bytes)
			continue;
		if (!wait_for_room(a))
			return NULL;
		fill(a, &chunk);
		tell(a, true);
	}
	tell(a, false);
	return NULL;
}

struct ahead *ahead_new(int fd, uint64_t file_off)
{
	struct ahead *a;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return NULL;
	a = mem_zalloc(sizeof(*a));
	if (chunk_reader_open(fd, &a->reader, NULL) < 0) {
		free(a);
		return NULL;
	}
	chunk_reader_seek(a->reader, file_off);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	if (pthread_create(&a->thread, NULL, load_chunks, a) != 0) {
		chunk_reader_free(a->reader);
		free(a);
		return NULL;
	}
	return a;
}

void ahead_free(struct ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	for (int i = 0; i < SLOTS; i++)
		free(a->slot[i].raw);
	chunk_reader_free(a->reader);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

const uint8_t *ahead_take(struct ahead *a, const struct chunk *chunk)
{
	const uint8_t *raw = NULL;

	if (!a)
		return NULL;
	pthread_mutex_lock(&a->lock);
	for (;;) {
		while (a->n_filled == a->n_taken && !a->ended)
			pthread_cond_wait(&a->changed, &a->lock);
		const struct slot *s = &a->slot[a->n_taken % SLOTS];

		if (a->n_filled == a->n_taken || s->file_off > chunk->file_off)
			break;
		a->n_taken++;
		if (s->file_off == chunk->file_off) {
			raw = s->raw;
			break;
		}
	}
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	return raw;
}
