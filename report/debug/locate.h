/*
 * Files of this machine that belong to a recorded object: found by build-id only. A path comes
 * from the recording and is hostile; what lies there is used only when it is a regular ELF file
 * that carries the same build-id.
 */
#ifndef REPORT_DEBUG_LOCATE_H
#define REPORT_DEBUG_LOCATE_H

#include "common/elf/image.h"

struct err;
struct object_key;

/*
 * The object itself at its recorded path. -ENOENT: not there, or another build; -ENODATA: the
 * object's build-id is not known, so nothing can be found. Owner: caller, elf_image_done.
 */
int locate_object(const struct object_key *key, unsigned int take, struct elf_image *ret,
		  struct err *err);

/* Its separate debug file, /usr/lib/debug/.build-id/xx/yyyy.debug. Failures likewise. */
int locate_debug_file(const struct object_key *key, unsigned int take, struct elf_image *ret,
		      struct err *err);

#endif
