/*
 * header (provenance, checksum) | questions of missing.h | answers, as answer.h has them
 *
 * Questions that found nothing stay beside the answers that lack them. A file that is dropped when
 * one of them can be answered loses complete answers too: they are made again in one go.
 *
 * Files are read, not mapped: another process may cut them at any time. Nothing is synced: what a
 * power loss tears, a checksum finds, and it can be had again.
 */
#include "report/symbol/cache.h"

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
#include "report/symbol/cache_dir.h"
#include "report/symbol/missing.h"

enum {
	USED_STEP_S = 24 * 60 * 60, /* the time of last use is noted once a day */
	PRUNE_EVERY = 64,	    /* files written by one process */
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

static struct cache_header header_of(const struct debug_provenance *p)
{
	struct cache_header h;

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
	return h;
}

static bool header_holds(const struct cache_header *h)
{
	struct cache_header copy = *h;

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

/* What is of no use to others: where the rest lies, and checksums. */
static bool same_provenance(struct cache_header a, struct cache_header b)
{
	a.missing_bytes = b.missing_bytes = 0;
	a.missing_crc = b.missing_crc = 0;
	a.crc = b.crc = 0;
	return !memcmp(&a, &b, sizeof(a));
}

int cache_file_check(const uint8_t *bytes, size_t n, struct cache_header *ret_header,
		     struct symbol_cached *ret, struct err *err)
{
	uint64_t answers_at;

	if (n < sizeof(*ret_header))
		return err_set(err, -EBADMSG, "%zu bytes are no header", n);
	memcpy(ret_header, bytes, sizeof(*ret_header));
	if (!header_holds(ret_header))
		return err_set(err, -EBADMSG, "header is damaged");
	if (ret_header->decoder != SYMBOL_CACHE_DECODER)
		return err_set(err, -ENOTSUP, "decoder %" PRIu32, ret_header->decoder);
	answers_at = sizeof(*ret_header) + cache_aligned(ret_header->missing_bytes);
	if (answers_at > n)
		return err_set(err, -EBADMSG, "%" PRIu32 " bytes of questions in %zu bytes",
			       ret_header->missing_bytes, n);
	ret->missing = bytes + sizeof(*ret_header);
	ret->n_missing = ret_header->missing_bytes;
	if (crc32c(ret->missing, cache_aligned(ret->n_missing)) != ret_header->missing_crc)
		return err_set(err, -EBADMSG, "questions are damaged");
	return answers_open(bytes + answers_at, n - answers_at, &ret->answers, err);
}

/* Checked whole. -EBADMSG: damaged; -ENOTSUP: of another decoder. */
static int read_file(const struct symbol_cache *c, const char *name,
		     struct cache_header *ret_header, struct symbol_cached *ret, struct err *err)
{
	uint64_t *bytes = NULL;
	size_t n = 0;
	int status = read_bytes(c, name, &bytes, &n);

	if (status < 0)
		return err_set(err, status, "cannot be read");
	status = cache_file_check((const uint8_t *)bytes, n, ret_header, ret, err);
	if (status < 0)
		free(bytes);
	else
		ret->bytes = bytes;
	return status;
}

static bool load(struct symbol_cache *c, const struct build_id *id, struct cache_header *ret_header,
		 struct symbol_cached *ret)
{
	char name[CACHE_NAME_BYTES];
	struct err err = { 0 };
	int status;

	memset(ret, 0, sizeof(*ret));
	if (!name_of(id, name))
		return false;
	status = read_file(c, name, ret_header, ret, &err);
	if (status == -EBADMSG) {
		log_notice("damaged file of the cache deleted: '%s/answers/%s': %s", c->dir, name,
			   err.text);
		unlinkat(c->answers, name, 0);
	}
	return status == 0;
}

void symbol_cached_done(struct symbol_cached *cached)
{
	free(cached->bytes);
	memset(cached, 0, sizeof(*cached));
}

bool symbol_cache_get(struct symbol_cache *c, const struct build_id *id,
		      const struct debug_provenance *now, struct symbol_cached *ret)
{
	struct cache_header wanted = header_of(now), found;

	if (!load(c, id, &found, ret))
		return false;
	if (found.kind > wanted.kind || same_provenance(found, wanted))
		return true;
	symbol_cached_done(ret);
	return false;
}

void symbol_cache_drop(struct symbol_cache *c, const struct build_id *id)
{
	char name[CACHE_NAME_BYTES];

	if (name_of(id, name))
		unlinkat(c->answers, name, 0);
}

static void say_once(struct symbol_cache *c, int code)
{
	if (!c->said)
		log_warning("cannot write to the cache '%s': %s", c->dir, strerror(code));
	c->said = true;
}

static int write_parts(int fd, struct cache_header *h, struct buf *missing,
		       const struct buf *answers)
{
	int status;

	h->missing_bytes = (uint32_t)missing->n;
	while (missing->n % 8)
		buf_putc(missing, 0);
	h->missing_crc = crc32c(missing->data, missing->n);
	h->crc = 0;
	h->crc = crc32c(h, sizeof(*h));
	status = io_write(fd, h, sizeof(*h), NULL);
	if (status == 0 && missing->n)
		status = io_write(fd, missing->data, missing->n, NULL);
	return status < 0 ? status : io_write(fd, answers->data, answers->n, NULL);
}

static void write_file(struct symbol_cache *c, const char *name, struct cache_header *h,
		       struct buf *missing, const struct buf *answers)
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
	status = write_parts(fd, h, missing, answers);
	close(fd);
	if (status == 0 && renameat(c->answers, temporary, c->answers, name) < 0)
		status = -errno;
	if (status < 0) {
		say_once(c, -status);
		unlinkat(c->answers, temporary, 0);
	}
}

/* What the cache has of the same file goes in, where it fits. */
static void add_old(struct symbol_cache *c, const struct build_id *id, const struct cache_header *h,
		    struct answers_builder *b, struct buf *missing)
{
	struct symbol_cached old;
	struct cache_header found;

	if (!load(c, id, &found, &old))
		return;
	if (same_provenance(found, *h) && missing_merge(missing, old.missing, old.n_missing))
		answers_add_all(b, &old.answers);
	symbol_cached_done(&old);
}

void symbol_cache_put(struct symbol_cache *c, const struct build_id *id,
		      const struct debug_provenance *from, const struct answers *answers,
		      const struct buf *missing)
{
	struct cache_header h = header_of(from);
	struct symbol_cache_size removed;
	struct answers_builder *b;
	char name[CACHE_NAME_BYTES];
	struct buf out, all_missing;

	if (!name_of(id, name))
		return;
	buf_init(&all_missing);
	if (missing)
		buf_put(&all_missing, missing->data, missing->n);
	b = answers_builder_new();
	answers_add_all(b, answers);
	add_old(c, id, &h, b, &all_missing);
	buf_init(&out);
	answers_finish(b, &out);
	answers_builder_free(b);
	if (out.n + all_missing.n + sizeof(h) + 8 <= SYMBOL_CACHE_FILE_MAX)
		write_file(c, name, &h, &all_missing, &out);
	buf_done(&out);
	buf_done(&all_missing);
	if (++c->n_written % PRUNE_EVERY == 0)
		symbol_cache_prune(c, SYMBOL_CACHE_BYTES, 0, &removed);
}
