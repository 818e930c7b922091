#include "report/read/perfdata_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/elf/vdso.h"

enum { MISC_BUILD_ID_SIZE = 1 << 15, SHORT_ID_BYTES = 16 };

struct perf_file {
	struct build_id recorded; /* of the table; n 0: not in it */
	bool looked;		  /* at the file here, once */
	bool there;
	struct build_id local;
	uint32_t maj, min;
	uint64_t ino;
	bool used_unverified;
	struct elf_image *image;
	char reason[200];
};

void perf_files_init(struct perf_files *f)
{
	*f = (struct perf_files){ 0 };
	intern_init(&f->paths);
}

static void file_drop_image(struct perf_file *file)
{
	if (file->image)
		elf_image_done(file->image);
	free(file->image);
	file->image = NULL;
}

void perf_files_done(struct perf_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		file_drop_image(&f->item[i]);
	free(f->item);
	free(f->module);
	kallsyms_text_done(&f->kallsyms);
	intern_done(&f->paths);
}

/* Lives until the next call. NULL: too many files. */
static struct perf_file *file_get(struct perf_files *f, const char *path)
{
	str_id id = intern_put(&f->paths, path);

	if (id.n >= PERF_FILES_MAX)
		return NULL;
	if (id.n >= f->n) {
		mem_grow(&f->item, &f->cap, (size_t)id.n + 1, sizeof(*f->item));
		memset(f->item + f->n, 0, ((size_t)id.n + 1 - f->n) * sizeof(*f->item));
		f->n = (size_t)id.n + 1;
	}
	return &f->item[id.n];
}

void perf_files_add_build_id(struct perf_files *f, unsigned int misc, const uint8_t id[24],
			     const char *path)
{
	static const uint8_t zeros[BUILD_ID_MAX];
	struct build_id build_id = { .n = BUILD_ID_MAX };
	struct perf_file *file;

	if (misc & MISC_BUILD_ID_SIZE)
		build_id.n = MIN(id[20], BUILD_ID_MAX);
	else if (!memcmp(id + SHORT_ID_BYTES, zeros, BUILD_ID_MAX - SHORT_ID_BYTES))
		build_id.n =
			SHORT_ID_BYTES; /* older perf did not say; ids of 16 bytes are common */
	if (!memcmp(id, zeros, build_id.n))
		return;
	memcpy(build_id.bytes, id, build_id.n);
	if (!strcmp(path, "[kernel.kallsyms]"))
		f->kernel = build_id;
	file = file_get(f, path);
	if (file)
		file->recorded = build_id;
}

/* ---- files of this machine ---- */

/* A path may name a FIFO or a device: it is looked at before it is opened, and again. */
static int open_regular(const char *path, struct stat *st)
{
	int fd;

	if (stat(path, st) < 0 || !S_ISREG(st->st_mode))
		return -1;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void look(struct perf_file *file, const char *path)
{
	struct stat st;
	AUTO_CLOSE int fd = open_regular(path, &st);

	file->looked = true;
	file->there = fd >= 0;
	if (fd < 0) {
		snprintf(file->reason, sizeof(file->reason),
			 "build-id not recorded, and no such file here");
		return;
	}
	file->maj = major(st.st_dev);
	file->min = minor(st.st_dev);
	file->ino = st.st_ino;
	elf_build_id(fd, &file->local, NULL);
}

bool perf_files_same_host(const struct perf_files *f)
{
	struct utsname name;

	return f->host[0] && uname(&name) == 0 && !strcmp(name.nodename, f->host);
}

/* The file at the path is the one that was mapped, by what is known of it. */
static bool is_same_file(struct perf_files *f, struct perf_file *file, uint32_t maj, uint32_t min,
			 uint64_t ino)
{
	if (!file->there)
		return false;
	if (!ino && f->host[0] && !perf_files_same_host(f)) {
		snprintf(file->reason, sizeof(file->reason),
			 "build-id not recorded, nor anything but the path, on another host");
		return false;
	}
	if (!ino) {
		f->n_unverified += !file->used_unverified;
		file->used_unverified = true;
		return true;
	}
	if (file->ino == ino && ((file->maj == maj && file->min == min) || perf_files_same_host(f)))
		return true;
	snprintf(file->reason, sizeof(file->reason),
		 "build-id not recorded, and the file here is another one: inode %" PRIu64
		 " on device %u:%u, recorded %" PRIu64 " on %u:%u",
		 file->ino, file->maj, file->min, ino, maj, min);
	return false;
}

static void take_build_id(struct event_mmap *m, const struct build_id *id)
{
	m->build_id = *id;
	m->maj = m->min = 0;
	m->ino = 0;
}

void perf_files_complete(struct perf_files *f, struct event_mmap *m)
{
	struct perf_file *file;

	if (m->build_id.n)
		return;
	file = file_get(f, m->path);
	if (!file)
		return;
	if (file->recorded.n) {
		take_build_id(m, &file->recorded);
		return;
	}
	if (!f->use_local)
		return;
	if (!strcmp(m->path, "[vdso]") && perf_kernel_is_ours(&f->kernel)) {
		vdso_build_id(&file->local);
		take_build_id(m, &file->local);
		return;
	}
	if (m->path[0] != '/')
		return;
	if (!file->looked)
		look(file, m->path);
	if (is_same_file(f, file, m->maj, m->min, m->ino) && file->local.n)
		take_build_id(m, &file->local);
}

/* ---- images ---- */

static bool same_id(const struct build_id *a, const struct build_id *b)
{
	return a->n && a->n == b->n && !memcmp(a->bytes, b->bytes, a->n);
}

static struct elf_image *vdso_for(const struct object_key *key)
{
	struct elf_image *image;
	struct build_id ours;

	vdso_build_id(&ours);
	if (!same_id(&ours, &key->build_id))
		return NULL;
	image = mem_zalloc(sizeof(*image));
	if (vdso_image(ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS | ELF_TAKE_FILE, image, NULL) == 0)
		return image;
	free(image);
	return NULL;
}

static struct elf_image *image_of_path(const char *path, struct perf_file *file)
{
	struct elf_image *image = mem_zalloc(sizeof(*image));
	struct err err = { 0 };
	struct stat st;
	AUTO_CLOSE int fd = open_regular(path, &st);

	if (fd >= 0 && st.st_ino == file->ino &&
	    elf_image_read(fd, ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS, image, &err) == 0)
		return image;
	snprintf(file->reason, sizeof(file->reason), "%.150s",
		 err.text[0] ? err.text : "the file here changed");
	free(image);
	return NULL;
}

const struct elf_image *perf_files_image(struct perf_files *f, const struct object_key *key,
					 unsigned int take, const char **ret_reason)
{
	struct perf_file *file = file_get(f, key->path ? key->path : "");

	(void)take;
	if (!f->use_local || !file)
		return NULL;
	if (!file->image && !strcmp(key->path, "[vdso]"))
		file->image = vdso_for(key);
	else if (!file->image && !key->build_id.n && file->looked &&
		 is_same_file(f, file, key->maj, key->min, key->ino))
		file->image = image_of_path(key->path, file);
	if (!file->image && !key->build_id.n && file->reason[0] && ret_reason)
		*ret_reason = file->reason;
	return file->image;
}

void perf_files_forget(struct perf_files *f, const struct elf_image *image)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->item[i].image == image && image)
			file_drop_image(&f->item[i]);
}
