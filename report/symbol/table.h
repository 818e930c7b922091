/* Symbol tables against sorted addresses: one linear pass, see table.c. */
#ifndef REPORT_SYMBOL_TABLE_H
#define REPORT_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image;

struct table_name {
	const char *text; /* in the image's string table, not zero-terminated; NULL: none */
	uint32_t n;
	uint8_t score; /* type and binding: higher wins */
	uint64_t start, size;
};

struct table_pass {
	const uint64_t *addr; /* rising */
	uint32_t n;
	struct table_name *covers; /* n: best symbol whose size covers the address */
	struct table_name
		*below; /* n: best among the highest symbols that start in (addr[i - 1], addr[i]] */
	uint32_t *bucket; /* first address at or above base + (i << shift); n_buckets + 1 */
	uint32_t n_buckets, shift;
	uint64_t fuel; /* comparisons left: hostile tables claim to cover everything many times */
};

void table_pass_init(struct table_pass *t, const uint64_t *addr, uint32_t n);
void table_pass_done(struct table_pass *t);

/* The images must live until the names were taken. */
void table_pass_feed(struct table_pass *t, const struct elf_image *image);
bool table_pass_covers_all(const struct table_pass *t);

/* After all feeding: the name for each address, size 0 included. Calls with text NULL for none. */
void table_pass_finish(struct table_pass *t, const struct elf_image *image,
		       void (*got)(void *ctx, uint32_t i, const struct table_name *name),
		       void *ctx);

/* Entry of a string table, cut at SYMBOL_NAME_MAX; false when outside. */
bool table_string(const uint8_t *strings, uint64_t size, uint32_t off, const char **ret,
		  uint32_t *ret_n);

#endif
