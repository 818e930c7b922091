/*
 * Memory by lifetime: everything allocated from an arena ends with it.
 * For analysis only (the recorder's loop allocates nothing). Never returns NULL: without
 * memory the program says so with the size wanted and exits with status 1.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head;
	char *at, *end;
	size_t total_bytes; /* asked from the system so far */
};

void arena_init(struct arena *a);
void arena_done(struct arena *a);
void arena_reset(struct arena *a); /* empty and usable; keeps one block */

void *arena_alloc(struct arena *a, size_t size_bytes); /* aligned to 16, not zeroed */
void *arena_zalloc(struct arena *a, size_t size_bytes);
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Heap memory under the same rule: never NULL, exits with the size wanted. Free with free(). */
void *mem_alloc(size_t size_bytes);
void *mem_zalloc(size_t size_bytes);
void *mem_realloc(void *p, size_t size_bytes);
char *mem_strdup(const char *text);

/* Called instead of the message when memory is out; must not return and not allocate. */
void mem_on_exhaustion(void (*f)(size_t size_bytes));

/* Grows an array so that at least `want` elements fit; doubles. *items may be NULL with *cap 0. */
void mem_grow(void *items, size_t *cap, size_t want, size_t element_bytes);

#endif
