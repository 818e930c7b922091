/*
 * Bytes of the sections of one ELF file that names come from, on demand: taken from the mapped
 * file, unpacked when they are compressed (SHF_COMPRESSED zlib and zstd, GNU .zdebug_*), relocated
 * when the file is an object (ET_REL). Nothing is unpacked that nobody asks for. Runs in the jail
 * and outside of it.
 * Hostile files: every offset and size is checked against the file, and what a compressed section
 * claims to become is checked against limits before memory is asked for. A file that is cut while
 * it is mapped ends the process with SIGBUS: that is the jail's business.
 * Source: System V gABI, "Sections", "Compression Header"; DWARF 5, 7.3.5 and 7.4; GNU split DWARF.
 * Threads: one caller at a time.
 */
#ifndef REPORT_DWARF_SECTIONS_H
#define REPORT_DWARF_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"

struct err;
struct sections;

enum section_kind {
	SECTION_INFO,
	SECTION_ABBREV,
	SECTION_LINE,
	SECTION_STR,
	SECTION_LINE_STR,
	SECTION_STR_OFFSETS,
	SECTION_ADDR,
	SECTION_RANGES,
	SECTION_RNGLISTS,
	SECTION_ARANGES,
	SECTION_TYPES,
	SECTION_CU_INDEX,
	SECTION_TU_INDEX,
	/* tables of symbols; the same whatever sections_open's `split` */
	SECTION_SYMTAB,
	SECTION_STRTAB, /* of .symtab */
	SECTION_DYNSYM,
	SECTION_DYNSTR,
	SECTION_KINDS
};

enum {
	SECTIONS_MAX = 1 << 20,
	SECTION_RATIO_MAX = 1032, /* bytes out for a byte in; deflate cannot do more */
	SECTION_RATIO_ZSTD_MAX = 4096,
};
/* A section unpacked, and all of a file together. */
#define SECTION_BYTES_MAX ((uint64_t)4 << 30)

struct section {
	const uint8_t *data; /* lives until sections_drop or sections_close */
	uint64_t n;
};

/*
 * `fd` is lent during the call only; it must be a regular file or memory. `split`: the kinds mean
 * the .dwo sections (.debug_info.dwo ...), as in .dwo and .dwp files.
 * -ENOEXEC: not ELF, or not 64-bit little-endian of a machine we know (said which), -EBADMSG lies
 * about itself, -EFBIG over a limit.
 */
int sections_open(int fd, bool split, struct sections **ret, struct err *err);
void sections_close(struct sections *s);

bool sections_has(const struct sections *s, enum section_kind kind);
/* Bytes when unpacked, as claimed; 0: absent. Costs nothing. */
uint64_t sections_size(const struct sections *s, enum section_kind kind);

/*
 * The bytes, unpacked at the first call. An absent section is 0 bytes of data NULL, not an error.
 * -EBADMSG damaged, -ENOTSUP packed in an unknown way, -EFBIG over a limit; the same again if
 * asked again.
 */
int sections_get(struct sections *s, enum section_kind kind, struct section *ret, struct err *err);

/*
 * Starts to unpack those of `kind` that are compressed, n_threads side by side (0: by CPUs, at most
 * 4); in the order given. sections_get waits for the one it wants. Without threads (a jail that
 * allows none) nothing happens, and sections_get does the work.
 */
void sections_prefetch(struct sections *s, const enum section_kind *kind, unsigned int n,
		       unsigned int n_threads);

/* Gives back the memory of unpacked bytes and the pages of mapped ones; a later get starts anew. */
void sections_drop(struct sections *s, enum section_kind kind);

/* Bytes that were unpacked or lent so far. */
uint64_t sections_bytes(const struct sections *s);

enum machine sections_machine(const struct sections *s);

/*
 * Lowest and one past the highest address of code, as linked: what lies outside is a tombstone or
 * damage. False: the file has no section with code (.dwo, .dwp, dwz files).
 */
bool sections_text(const struct sections *s, uint64_t *ret_start, uint64_t *ret_end);

/*
 * A section by its name: address as linked (of an object: as placed, see sections.c), size. False:
 * there is none.
 */
bool sections_find(const struct sections *s, const char *name, uint64_t *ret_addr,
		   uint64_t *ret_size);

/* The section whose addresses hold addr: loaded ones only. UINT32_MAX: none. */
uint32_t sections_holding(const struct sections *s, uint64_t addr);

/* Of an object file (ET_REL): symbols' st_value is relative to this address. 0 for others. */
uint64_t sections_base(const struct sections *s, uint32_t index);

/* The build-id note; false: none. */
bool sections_build_id(const struct sections *s, struct build_id *ret);

/*
 * The alternate file that dwz named: .gnu_debugaltlink, or .debug_sup of a file that is not itself
 * the supplementary one. `name` is as the file says it (hostile), lives as long as s. False: none.
 */
bool sections_alt(struct sections *s, const char **ret_name, struct build_id *ret);

#endif
