/*
 * The section headers of one mapped ELF file, checked against its size. Private to report/dwarf/:
 * sections.c asks.
 */
#ifndef REPORT_DWARF_SECTIONS_FILE_H
#define REPORT_DWARF_SECTIONS_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"

struct err;

struct sections_file {
	const uint8_t *map; /* the whole file, read only */
	uint64_t size;
	enum machine machine;
	bool relocatable; /* ET_REL */
	Elf64_Shdr *shdr; /* a copy: offsets in the file need not be aligned. Entry 0 is nobody */
	uint64_t *base;	  /* of an object: where its sections are placed; NULL for others */
	uint32_t n;
	const char *names;
	uint64_t names_bytes;
};

int sections_file_open(struct sections_file *f, int fd, struct err *err);
void sections_file_close(struct sections_file *f);

/* Zero-terminated; "" when the name lies outside the string table. */
const char *sections_file_name(const struct sections_file *f, uint32_t index);

/* Whether its name begins with `prefix`; cheaper than the name of a hostile table. */
bool sections_file_begins(const struct sections_file *f, uint32_t index, const char *prefix);

/* The section's bytes in the file. -ENODATA: it has none (NOBITS); -EBADMSG: outside the file. */
int sections_file_bytes(const struct sections_file *f, uint32_t index, const uint8_t **ret,
			uint64_t *ret_n, struct err *err);

/* Mapped bytes that will hardly be read again: their pages no longer count as this process's. */
void sections_file_give_back(const uint8_t *data, uint64_t n);

/* Address as linked; of an object as placed. */
static inline uint64_t sections_file_addr(const struct sections_file *f, uint32_t index)
{
	return f->base ? f->base[index] : f->shdr[index].sh_addr;
}

static inline bool sections_file_is_code(const Elf64_Shdr *sh)
{
	return (sh->sh_flags & (SHF_ALLOC | SHF_EXECINSTR)) == (SHF_ALLOC | SHF_EXECINSTR);
}

#endif
