/*
 * Three ways to the file behind a mapping, the surest first. None is believed for its name: the
 * build-id that the kernel read from the mapping decides, and without one only the ways through
 * the process count.
 */
#include "record/inspect/embed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/elf/image.h"
#include "common/elf/vdso.h"

static const int open_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

/*
 * Takes fd: it, or negative when it is not a plain file or not the wanted one. Without a build-id
 * the inode decides; its low half, as overlay file systems put a number of their own above it.
 */
static int check(int fd, const struct build_id *want, uint64_t ino, struct err *err)
{
	struct build_id id = { 0 };
	struct stat st;

	if (fd < 0)
		return err_set(err, -errno, "cannot open it: %s", strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, -EINVAL, "not a regular file");
	}
	if (!want || !want->n) {
		if (!ino || (uint32_t)ino == (uint32_t)st.st_ino)
			return fd;
		close(fd);
		return err_set(err, -ESTALE, "the file there now is another one");
	}
	if (elf_build_id(fd, &id, err) < 0 || id.n != want->n ||
	    memcmp(id.bytes, want->bytes, id.n) != 0) {
		close(fd);
		return err_set(err, -ESTALE, "the file there now has another build-id");
	}
	return fd;
}

static int open_map_file(const struct embed_place *place)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", place->pid,
		 (unsigned long long)place->start, (unsigned long long)place->end);
	return open(path, open_flags);
}

/* /proc/PID/root alone would follow the target's symbolic links out to the host's files. */
static int open_under_root(const struct embed_place *place, const char *path)
{
	struct open_how how = { .flags = (uint64_t)(open_flags | O_NOFOLLOW),
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	char root[48];

	snprintf(root, sizeof(root), "/proc/%u/root", place->pid);
	AUTO_CLOSE int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -1;
	return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

int embed_open(const struct embed_place *place, const char *path, const struct build_id *want,
	       struct err *err)
{
	int fd = check(open_map_file(place), want, 0, NULL);

	if (fd < 0 && path[0] == '/')
		fd = check(open_under_root(place, path), want, place->ino, err);
	/* The process may be gone; its file by name is only believed with the kernel's build-id. */
	if (fd < 0 && path[0] == '/' && want && want->n)
		fd = check(open(path, open_flags | O_NOFOLLOW), want, 0, err);
	if (fd < 0 && path[0] != '/')
		return err_set(err, -ENOENT, "not a file");
	return fd;
}

static unsigned int take_of(enum inspect_embed embed)
{
	switch (embed) {
	case EMBED_UNWIND:
		return ELF_TAKE_UNWIND;
	case EMBED_FULL:
		return ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS | ELF_TAKE_FILE;
	default:
		return ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS;
	}
}

static int read_image(unsigned int take, const struct object_key *key,
		      const struct embed_place *place, struct elf_image *ret, struct err *err)
{
	if (!strcmp(key->path, "[vdso]"))
		return vdso_image(take | ELF_TAKE_FILE, ret, err);
	AUTO_CLOSE int fd = embed_open(place, key->path, &key->build_id, err);
	if (fd < 0)
		return fd;
	return elf_image_read(fd, take, ret, err);
}

int embed_object(struct serve *s, enum inspect_embed embed, const struct object_key *key,
		 const struct embed_place *place, struct err *err)
{
	static struct elf_image image;
	int r = read_image(take_of(embed), key, place, &image, err);

	if (r < 0) {
		object_encode(key, NULL, err->text, serve_scratch(s), serve_object, s);
		return r;
	}
	r = object_encode(key, &image, "", serve_scratch(s), serve_object, s);
	elf_image_done(&image);
	return r < 0 ? err_set(err, r, "cannot encode it: %s", strerror(-r)) : 0;
}
