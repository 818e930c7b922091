/*
 * Opening files whose names nobody vouches for: regular files only, never blocking, and below a
 * root never outside of it, whatever '..' and symbolic links say. Private to report/debug/.
 */
#ifndef REPORT_DEBUG_REACH_H
#define REPORT_DEBUG_REACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct err;

/* When a file is what it was. */
struct identity {
	uint64_t dev, ino, size, mtime_ns, ctime_ns;
};

static inline struct identity identity_of(const struct stat *st)
{
	return (struct identity){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size > 0 ? (uint64_t)st->st_size : 0,
		.mtime_ns =
			(uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec,
		.ctime_ns =
			(uint64_t)st->st_ctim.tv_sec * 1000000000 + (uint64_t)st->st_ctim.tv_nsec,
	};
}

static inline bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* A folder, to look below it; negative errno. */
int reach_folder(const char *path, struct err *err);

/* A regular file at an absolute path. -ENOENT: none, or something else lies there. */
int reach_path(const char *path, struct identity *ret, struct err *err);

/*
 * A regular file below a folder. Symbolic links are followed as long as they stay below it; where
 * the kernel cannot promise that, not at all.
 */
int reach_below(int folder, const char *path, struct identity *ret, struct err *err);

/* The same, and the last part of the path may not be a symbolic link. */
int reach_plain(int folder, const char *path, struct identity *ret, struct err *err);

#endif
