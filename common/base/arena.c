/*
 * Blocks double from 16 KiB to 1 MiB, so that a small arena is cheap and a large one asks the
 * system rarely. A request over half a block gets a block of its own, behind the current one:
 *
 *	head -> [ current, filled from `at` to `end` ] -> [ full ] -> [ one large request ] -> NULL
 */
#include "common/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/log.h"

enum { ALIGN_BYTES = 16, BLOCK_MIN_BYTES = 16 << 10, BLOCK_MAX_BYTES = 1 << 20 };

struct arena_block {
	struct arena_block *next;
	size_t size_bytes; /* of the data that follows */
	_Alignas(ALIGN_BYTES) char data[];
};

static void (*on_exhaustion)(size_t size_bytes);

void mem_on_exhaustion(void (*f)(size_t size_bytes))
{
	on_exhaustion = f;
}

static void __attribute__((noreturn, cold)) die_without_memory(size_t size_bytes)
{
	if (on_exhaustion)
		on_exhaustion(size_bytes);
	log_error("out of memory: %zu bytes wanted", size_bytes);
	_exit(1); /* atexit handlers would ask for memory again */
}

void *mem_alloc(size_t size_bytes)
{
	void *p = malloc(size_bytes ? size_bytes : 1);

	if (!p)
		die_without_memory(size_bytes);
	return p;
}

void *mem_zalloc(size_t size_bytes)
{
	void *p = calloc(1, size_bytes ? size_bytes : 1);

	if (!p)
		die_without_memory(size_bytes);
	return p;
}

void *mem_realloc(void *p, size_t size_bytes)
{
	void *bigger = realloc(p, size_bytes ? size_bytes : 1);

	if (!bigger)
		die_without_memory(size_bytes);
	return bigger;
}

char *mem_strdup(const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(mem_alloc(n), text, n);
}

void mem_grow(void *items, size_t *cap, size_t want, size_t element_bytes)
{
	size_t n = *cap ? *cap : 16, size_bytes;
	void *p;

	if (want <= *cap)
		return;
	while (n < want && n <= SIZE_MAX / 2)
		n *= 2;
	if (n < want)
		n = want;
	if (__builtin_mul_overflow(n, element_bytes, &size_bytes))
		die_without_memory(SIZE_MAX);
	/* `items` points to a pointer of any type: copied, since a void ** would alias it */
	memcpy(&p, items, sizeof(p));
	p = mem_realloc(p, size_bytes);
	memcpy(items, &p, sizeof(p));
	*cap = n;
}

void arena_init(struct arena *a)
{
	memset(a, 0, sizeof(*a));
}

static void free_blocks(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void arena_done(struct arena *a)
{
	if (!a)
		return;
	free_blocks(a->head);
	arena_init(a);
}

void arena_reset(struct arena *a)
{
	if (!a->head)
		return;
	free_blocks(a->head->next);
	a->head->next = NULL;
	a->at = a->head->data;
	a->end = a->at + a->head->size_bytes;
}

static struct arena_block *block_new(struct arena *a, size_t size_bytes)
{
	struct arena_block *block;

	if (size_bytes > SIZE_MAX - sizeof(*block))
		die_without_memory(size_bytes);
	block = mem_alloc(sizeof(*block) + size_bytes);
	block->size_bytes = size_bytes;
	a->total_bytes += sizeof(*block) + size_bytes;
	return block;
}

static void *alloc_slow(struct arena *a, size_t size_bytes)
{
	size_t next_bytes = a->head ? MIN(a->head->size_bytes * 2, (size_t)BLOCK_MAX_BYTES) :
				      (size_t)BLOCK_MIN_BYTES;
	struct arena_block *block;

	if (a->head && size_bytes > next_bytes / 2) {
		block = block_new(a, size_bytes);
		block->next = a->head->next;
		a->head->next = block;
		return block->data;
	}
	block = block_new(a, MAX(next_bytes, size_bytes));
	block->next = a->head;
	a->head = block;
	a->at = block->data + size_bytes;
	a->end = block->data + block->size_bytes;
	return block->data;
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	size_t want_bytes;
	char *p;

	if (size_bytes > SIZE_MAX - ALIGN_BYTES)
		die_without_memory(size_bytes);
	/* nothing still gets an address of its own */
	want_bytes = size_bytes ? ALIGN_UP(size_bytes, (size_t)ALIGN_BYTES) : ALIGN_BYTES;
	if (want_bytes > (size_t)(a->end - a->at))
		return alloc_slow(a, want_bytes);
	p = a->at;
	a->at += want_bytes;
	return p;
}

void *arena_zalloc(struct arena *a, size_t size_bytes)
{
	return memset(arena_alloc(a, size_bytes), 0, size_bytes);
}

char *arena_strndup(struct arena *a, const char *text, size_t n)
{
	char *copy;

	n = strnlen(text, n);
	copy = arena_alloc(a, n + 1);
	memcpy(copy, text, n);
	copy[n] = 0;
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strlen(text));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args, again;
	char *text;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		n = 0;
	text = arena_alloc(a, (size_t)n + 1);
	text[0] = 0;
	vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}
