/* How the modules of a profile are called and what is known of them. Private to naming. */
#ifndef REPORT_NAMING_MODULES_H
#define REPORT_NAMING_MODULES_H

#include "report/profile/profile.h"

struct elf_image;
struct space_object;
struct symbol_origin;

/* image may be NULL. What the unwinder knows of the file is the caller's to add. */
struct profile_module module_of_file(struct intern *names, const struct space_object *o,
				     const struct elf_image *image,
				     const struct symbol_origin *origin);
/* Addresses outside of every mapping. */
struct profile_module module_of_nothing(struct intern *names);
/* Code made at run time that somebody described. */
struct profile_module module_of_jit(struct intern *names);
/* Frames that are no code. */
struct profile_module module_of_labels(struct intern *names);
/* loadable: "ext4"; "" for the kernel itself. */
struct profile_module module_of_kernel(struct intern *names, const char *loadable,
				       const struct symbol_origin *origin);

#endif
