/*
 * Which files a perf.data speaks of. It embeds nothing; for most mappings it knows a build-id, for
 * others device and inode only. Those are looked at on this machine, when that is allowed, and
 * believed by what is known of them: the same path and inode, and either the same device or a
 * host of the same name (device numbers of btrfs and overlayfs are not those of stat). A file of
 * which nothing but the path is known (MMAP records of perf before 3.16) is used, unless the
 * recorded host has another name, and told as unverified. Private to the room.
 */
#ifndef REPORT_READ_PERFDATA_FILES_H
#define REPORT_READ_PERFDATA_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/intern.h"
#include "common/elf/image.h"
#include "common/format/event.h"
#include "common/format/object.h"
#include "report/read/perfdata_kernel.h"

enum { PERF_FILES_MAX = 1 << 16 }; /* paths; what is said of further ones is lost */

struct perf_file; /* one path */

struct perf_module { /* a part of the kernel's code: itself, or a module */
	char name[64];
	uint64_t start, size;
};

struct perf_files {
	struct intern paths;
	struct perf_file *item; /* by path's id */
	size_t n, cap;
	bool use_local;		     /* files of this machine may be opened */
	char host[256];		     /* recorded; "": not said */
	struct build_id kernel;	     /* recorded */
	uint64_t kernel_symbol_addr; /* of "_text" or "_stext"; 0: not recorded */
	char kernel_symbol[32];
	struct perf_module *module;
	size_t n_modules, module_cap;
	uint32_t n_unverified;
	char kernel_reason[160]; /* why there are no names of the kernel */
	bool kernel_expected;
	struct kallsyms_text kallsyms;
};

void perf_files_init(struct perf_files *f);
void perf_files_done(struct perf_files *f);

/* A row of the table of build-ids; misc: as in the record's header. */
void perf_files_add_build_id(struct perf_files *f, unsigned int misc, const uint8_t id[24],
			     const char *path);
/* A mapping of the kernel (pid -1). */
void perf_files_note_kernel(struct perf_files *f, const struct event_mmap *m);

/* The recorded host has the name of this one. */
bool perf_files_same_host(const struct perf_files *f);

/* A sample of the kernel: its names will be wanted. */
void perf_files_expect_kernel(struct perf_files *f);

/* Fills build_id when the table or this machine tells it; device and inode are 0 then. */
void perf_files_complete(struct perf_files *f, struct event_mmap *m);

/* As recording_image: files without build-id that are verified otherwise, and the vDSO. */
const struct elf_image *perf_files_image(struct perf_files *f, const struct object_key *key,
					 unsigned int take, const char **ret_reason);
void perf_files_forget(struct perf_files *f, const struct elf_image *image);

/* Names of the running kernel, if it is the recorded one; else why not. */
const char *perf_files_each_kernel_symbol(struct perf_files *f, kernel_got *got, void *ctx);

#endif
