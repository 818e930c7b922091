/* The vDSO of this process: all processes of a boot have the same, and no file holds it. */
#ifndef COMMON_ELF_VDSO_H
#define COMMON_ELF_VDSO_H

#include "common/elf/image.h"

/* -ENOENT: there is none. Owner: caller, elf_image_done. */
int vdso_image(unsigned int take, struct elf_image *ret, struct err *err);
void vdso_build_id(struct build_id *ret); /* n 0: not known */

#endif
