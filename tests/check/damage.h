/*
 * An ELF file with debug information, and copies of it with damage: by chance, or each byte of what
 * describes anything set to each extreme of each width in turn. The same number is the same damage.
 */
#ifndef TESTS_CHECK_DAMAGE_H
#define TESTS_CHECK_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct damage {
	uint8_t *bytes; /* sound */
	uint8_t *work;	/* the copy at hand */
	size_t n;
	/* where extremes are put: headers, tables of them, sections that are not code */
	uint32_t *place;
	size_t n_places;
};

/* False: the file cannot be read, or is no ELF file of 64 bits. */
bool damage_open(struct damage *d, const char *path);
void damage_close(struct damage *d);

/* Fills d->work; the bytes of it that are there (a cut file has fewer). */
size_t damage_by_chance(struct damage *d, uint64_t seed, uint64_t number);
size_t damage_by_extremes(struct damage *d, uint64_t number);

/* How many numbers damage_by_extremes knows. */
uint64_t damage_extremes(const struct damage *d);

/* n addresses all over the executable segments, rising; false: there are none. */
bool damage_addresses(const struct damage *d, uint64_t *addr, uint32_t n);

#endif
