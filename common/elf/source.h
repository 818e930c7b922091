/*
 * Bytes of an ELF file, wherever they are: a file descriptor or memory. Private to common/elf/.
 * Every read is checked against the size that was found at the start.
 */
#ifndef COMMON_ELF_SOURCE_H
#define COMMON_ELF_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct elf_source {
	int fd;		      /* -1: memory */
	const uint8_t *bytes; /* memory */
	uint64_t size;
};

/*
 * -ENOEXEC when fd is not a regular file: reading a FIFO or a device could block or have effects.
 */
int elf_source_open(struct elf_source *s, int fd, struct err *err);

static inline bool elf_source_has(const struct elf_source *s, uint64_t off, uint64_t n)
{
	return off <= s->size && n <= s->size - off;
}

/* All n bytes or a negative errno: -EBADMSG outside the file, or when the file shrank meanwhile. */
int elf_source_read(const struct elf_source *s, uint64_t off, void *ret, size_t n);

#endif
