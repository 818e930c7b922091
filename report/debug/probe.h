/*
 * What an ELF file has to tell about names and lines, from its headers, its notes and a few small
 * sections: enough to choose between files. Private to report/debug/. Reads hostile files with
 * pread; every offset, size and count is checked against the file and the limits below.
 * Takes relocatable files too: dwz writes its alternate files as such, and .dwo are.
 */
#ifndef REPORT_DEBUG_PROBE_H
#define REPORT_DEBUG_PROBE_H

#include <stdint.h>

#include "common/format/event.h"

struct err;

enum {
	PROBE_SECTIONS_MAX = 1 << 20,
	PROBE_NAMES_MAX = 1 << 20, /* bytes of section names that are looked at */
	PROBE_NOTES_MAX = 64 << 10,
	PROBE_LINK_MAX = 256,	  /* file name in .gnu_debuglink with its zero */
};

enum probe_flags {
	PROBE_DEBUG_INFO = 1, /* .debug_info, compressed or not */
	PROBE_SYMTAB = 2,
	PROBE_DYNSYM = 4, /* or MiniDebugInfo */
	PROBE_CODE = 8,	  /* the object itself: its loaded bytes are in the file */
	PROBE_DWO = 16,	  /* .debug_info.dwo: one unit's debug information */
	PROBE_DWP = 32,	  /* many of them, with an index */
	PROBE_STRINGS = 64, /* .debug_str: all that some files shared by others have (dwz) */
};

struct probe {
	unsigned int flags;
	struct build_id build_id; /* n 0: none */
	struct build_id alt;	  /* of the dwz file that .gnu_debugaltlink wants; n 0: none */
	uint64_t dwo_id;	  /* PROBE_DWO; 0: not found */
	char link[PROBE_LINK_MAX]; /* .gnu_debuglink, a name without '/'; "": none */
};

/* 0; -ENOEXEC not a 64-bit little-endian ELF file; -EBADMSG it lies; -EFBIG over a limit. */
int probe_file(int fd, struct probe *ret, struct err *err);

#endif
