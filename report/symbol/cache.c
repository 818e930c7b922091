/*
 * header (provenance, checksum) | answers, as answer.h has them
 *
 * Files are read, not mapped: another process may cut them at any time. Nothing is synced: what a
 * power loss tears, a checksum finds, and it can be had again.
 */
#include "report/symbol/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "common/format/crc.h"
#include "report/symbol/answer.h"

enum {
	NAME_BYTES = 2 * BUILD_ID_MAX + 2,
	USED_STEP_S = 24 * 60 * 60, /* the time of last use is noted once a day */
	PRUNE_EVERY = 64,	    /* files written by one process */
};
#define CACHE_MAGIC UINT64_C(0x6568636163706464) /* "ddpcache" */

struct header {
	uint64_t magic;
	uint32_t decoder, crc; /* crc: of the header, with 0 here */
	uint32_t kind, build_id_n;
	uint8_t build_id[BUILD_ID_MAX];
	uint64_t size, mtime_ns, ctime_ns, dev, ino, member;
};

struct symbol_cache {
	char *dir;
	int answers; /* DIR/answers */
	uint32_t n_written;
	bool said; /* that it cannot be written */
};

char *symbol_cache_default_dir(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *dir = NULL;

	if (cache && cache[0] == '/') {
		if (asprintf(&dir, "%s/ddprof", cache) < 0)
			return NULL;
	} else if (home && home[0] == '/') {
		if (asprintf(&dir, "%s/.cache/ddprof", home) < 0)
			return NULL;
	}
	return dir;
}

/* ---- opening ---- */

static void make_all(const char *dir)
{
	char *path = strdup(dir);

	for (char *at = path; at && (at = strchr(at + 1, '/'));) {
		*at = 0;
		mkdir(path, 0700);
		*at = '/';
	}
	mkdir(dir, 0700);
	free(path);
}

static int check_owner(int fd, const char *dir, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "'%s': %s", dir, strerror(errno));
	if (st.st_uid != geteuid())
		return err_set(err, -EPERM, "'%s' belongs to user %u, not to %u", dir,
			       (unsigned int)st.st_uid, (unsigned int)geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, -EPERM, "'%s' can be written by others (mode %04o)", dir,
			       (unsigned int)st.st_mode & 07777);
	return 0;
}

static int open_answers(const char *dir, struct err *err)
{
	int top, fd, status;

	make_all(dir);
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return err_set(err, -errno, "'%s': %s", dir, strerror(errno));
	status = check_owner(top, dir, err);
	if (status == 0 && mkdirat(top, "answers", 0700) < 0 && errno != EEXIST)
		status = err_set(err, -errno, "'%s': %s", dir, strerror(errno));
	fd = status < 0 ? -1 :
			  openat(top, "answers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (status == 0 && fd < 0)
		status = err_set(err, -errno, "'%s/answers': %s", dir, strerror(errno));
	if (status == 0)
		status = check_owner(fd, dir, err);
	close(top);
	if (status < 0 && fd >= 0)
		close(fd);
	return status < 0 ? status : fd;
}

struct symbol_cache *symbol_cache_open(const char *dir)
{
	struct err err = { 0 };
	int fd = open_answers(dir, &err);
	struct symbol_cache *c;

	if (fd < 0) {
		log_warning("going on without the cache: %s", err.text);
		return NULL;
	}
	c = mem_zalloc(sizeof(*c));
	c->dir = strdup(dir);
	c->answers = fd;
	return c;
}

void symbol_cache_close(struct symbol_cache *c)
{
	if (!c)
		return;
	close(c->answers);
	free(c->dir);
	free(c);
}

/* ---- one file ---- */

/* "ab/cdef..."; false: too short to be one. */
static bool name_of(const struct build_id *id, char *ret)
{
	size_t n = 0;

	if (id->n < 2 || id->n > BUILD_ID_MAX)
		return false;
	for (unsigned int i = 0; i < id->n; i++)
		n += (size_t)sprintf(ret + n, i == 1 ? "/%02x" : "%02x", id->bytes[i]);
	return true;
}

static struct header header_of(const struct debug_provenance *p)
{
	struct header h;

	memset(&h, 0, sizeof(h));
	h.magic = CACHE_MAGIC;
	h.decoder = SYMBOL_CACHE_DECODER;
	h.kind = (uint32_t)p->kind;
	h.build_id_n = p->build_id.n;
	memcpy(h.build_id, p->build_id.bytes, MIN(p->build_id.n, BUILD_ID_MAX));
	h.size = p->size;
	h.mtime_ns = p->mtime_ns;
	h.ctime_ns = p->ctime_ns;
	h.dev = p->dev;
	h.ino = p->ino;
	h.member = p->member;
	h.crc = crc32c(&h, sizeof(h));
	return h;
}

static bool header_holds(const struct header *h)
{
	struct header copy = *h;

	copy.crc = 0;
	return h->magic == CACHE_MAGIC && h->crc == crc32c(&copy, sizeof(copy));
}

/* Of ours alone, no link, no larger than the limit. -ENOENT: none such. */
static int read_bytes(const struct symbol_cache *c, const char *name, uint64_t **ret, size_t *ret_n)
{
	int fd = openat(c->answers, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	uint64_t *bytes;

	if (fd < 0)
		return -ENOENT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_size > SYMBOL_CACHE_FILE_MAX) {
		close(fd);
		return -ENOENT;
	}
	bytes = mem_alloc((size_t)st.st_size + 1);
	if (io_read(fd, bytes, (size_t)st.st_size) != st.st_size) {
		free(bytes);
		close(fd);
		return -EBADMSG;
	}
	if (st.st_mtime + USED_STEP_S < time(NULL))
		futimens(fd, NULL);
	close(fd);
	*ret = bytes;
	*ret_n = (size_t)st.st_size;
	return 0;
}

/* Checked whole. -EBADMSG: damaged; -ENOTSUP: of another decoder. */
static int read_file(const struct symbol_cache *c, const char *name, struct header *ret_header,
		     uint64_t **ret_bytes, struct answers *ret, struct err *err)
{
	uint64_t *bytes = NULL;
	size_t n = 0;
	int status = read_bytes(c, name, &bytes, &n);

	if (status < 0)
		return err_set(err, status, "cannot be read");
	if (n >= sizeof(*ret_header))
		memcpy(ret_header, bytes, sizeof(*ret_header));
	if (n < sizeof(*ret_header) || !header_holds(ret_header))
		status = err_set(err, -EBADMSG, "header is damaged");
	else if (ret_header->decoder != SYMBOL_CACHE_DECODER)
		status = err_set(err, -ENOTSUP, "decoder %" PRIu32, ret_header->decoder);
	else
		status = answers_open((uint8_t *)bytes + sizeof(*ret_header),
				      n - sizeof(*ret_header), ret, err);
	if (status < 0)
		free(bytes);
	else
		*ret_bytes = bytes;
	return status;
}

static bool load(struct symbol_cache *c, const struct build_id *id, struct header *ret_header,
		 uint64_t **ret_bytes, struct answers *ret)
{
	char name[NAME_BYTES];
	struct err err = { 0 };
	int status;

	if (!name_of(id, name))
		return false;
	status = read_file(c, name, ret_header, ret_bytes, ret, &err);
	if (status == -EBADMSG) {
		log_notice("damaged file of the cache deleted: '%s/answers/%s': %s", c->dir, name,
			   err.text);
		unlinkat(c->answers, name, 0);
	}
	return status == 0;
}

bool symbol_cache_get(struct symbol_cache *c, const struct build_id *id,
		      const struct debug_provenance *now, uint64_t **ret_bytes, struct answers *ret)
{
	struct header wanted = header_of(now), found;

	if (!load(c, id, &found, ret_bytes, ret))
		return false;
	if (found.kind > wanted.kind || !memcmp(&found, &wanted, sizeof(found)))
		return true;
	free(*ret_bytes);
	return false;
}

static void say_once(struct symbol_cache *c, int code)
{
	if (!c->said)
		log_warning("cannot write to the cache '%s': %s", c->dir, strerror(code));
	c->said = true;
}

static void write_file(struct symbol_cache *c, const char *name, const struct header *h,
		       const struct buf *answers)
{
	char temporary[64], folder[3] = { name[0], name[1], 0 };
	int fd, status;

	mkdirat(c->answers, folder, 0700);
	snprintf(temporary, sizeof(temporary), "%s/.%ld.%" PRIu64, folder, (long)getpid(),
		 io_monotonic_ns());
	fd = openat(c->answers, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0) {
		say_once(c, errno);
		return;
	}
	status = io_write(fd, h, sizeof(*h), NULL);
	if (status == 0)
		status = io_write(fd, answers->data, answers->n, NULL);
	close(fd);
	if (status == 0 && renameat(c->answers, temporary, c->answers, name) < 0)
		status = -errno;
	if (status < 0) {
		say_once(c, -status);
		unlinkat(c->answers, temporary, 0);
	}
}

void symbol_cache_put(struct symbol_cache *c, const struct build_id *id,
		      const struct debug_provenance *from, const struct answers *answers)
{
	struct answers_builder *b;
	struct header h = header_of(from), found;
	struct symbol_cache_size removed;
	struct answers old;
	uint64_t *bytes;
	char name[NAME_BYTES];
	struct buf out;

	if (!name_of(id, name))
		return;
	b = answers_builder_new();
	answers_add_all(b, answers);
	if (load(c, id, &found, &bytes, &old)) {
		if (!memcmp(&found, &h, sizeof(h)))
			answers_add_all(b, &old);
		free(bytes);
	}
	buf_init(&out);
	answers_finish(b, &out);
	answers_builder_free(b);
	if (out.n + sizeof(h) <= SYMBOL_CACHE_FILE_MAX)
		write_file(c, name, &h, &out);
	buf_done(&out);
	if (++c->n_written % PRUNE_EVERY == 0)
		symbol_cache_prune(c, SYMBOL_CACHE_BYTES, 0, &removed);
}

/* ---- all files ---- */

struct kept {
	char name[NAME_BYTES];
	uint64_t bytes;
	int64_t used;
};

struct listing {
	struct kept *kept;
	size_t n, cap;
};

static void list_folder(const struct symbol_cache *c, const char *folder, struct listing *l)
{
	int fd = openat(c->answers, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    strlen(e->d_name) + 4 > NAME_BYTES ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		mem_grow(&l->kept, &l->cap, l->n + 1, sizeof(*l->kept));
		l->kept[l->n] = (struct kept){ .bytes = (uint64_t)st.st_size, .used = st.st_mtime };
		memcpy(l->kept[l->n].name, folder, 2);
		l->kept[l->n].name[2] = '/';
		memcpy(l->kept[l->n].name + 3, e->d_name, strlen(e->d_name) + 1);
		l->n++;
	}
	if (dir)
		closedir(dir);
}

static int by_use(const void *x, const void *y)
{
	const struct kept *a = x, *b = y;

	if (a->used != b->used)
		return a->used < b->used ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Oldest first. */
static struct listing list_all(const struct symbol_cache *c)
{
	struct listing l = { .n = 0 };
	char folder[3];

	for (unsigned int i = 0; i < 256; i++) {
		snprintf(folder, sizeof(folder), "%02x", i & 0xff);
		list_folder(c, folder, &l);
	}
	if (l.n)
		qsort(l.kept, l.n, sizeof(*l.kept), by_use);
	return l;
}

void symbol_cache_measure(struct symbol_cache *c, struct symbol_cache_size *ret)
{
	struct listing l = list_all(c);

	*ret = (struct symbol_cache_size){ .n_files = l.n };
	for (size_t i = 0; i < l.n; i++)
		ret->bytes += l.kept[i].bytes;
	if (l.n) {
		ret->oldest = l.kept[0].used;
		ret->newest = l.kept[l.n - 1].used;
	}
	free(l.kept);
}

void symbol_cache_prune(struct symbol_cache *c, uint64_t max_bytes, int64_t before,
			struct symbol_cache_size *ret_removed)
{
	struct listing l = list_all(c);
	uint64_t bytes = 0;

	*ret_removed = (struct symbol_cache_size){ .n_files = 0 };
	for (size_t i = 0; i < l.n; i++)
		bytes += l.kept[i].bytes;
	for (size_t i = 0; i < l.n && (bytes > max_bytes || l.kept[i].used < before); i++) {
		if (unlinkat(c->answers, l.kept[i].name, 0) < 0)
			continue;
		bytes -= l.kept[i].bytes;
		ret_removed->n_files++;
		ret_removed->bytes += l.kept[i].bytes;
	}
	free(l.kept);
}
