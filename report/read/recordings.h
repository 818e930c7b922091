/*
 * Files and directories -> recordings. Segments and snapshots of one recorder are one recording,
 * in the order of time; everything else is a recording of its own.
 */
#ifndef REPORT_READ_RECORDINGS_H
#define REPORT_READ_RECORDINGS_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct recording;
struct recordings;

enum { RECORDINGS_FILES_MAX = 1 << 16 };

/*
 * A directory stands for the recordings that lie in it, whatever they are called; hidden files are
 * left alone. Of several files one that is damaged beyond reading is left out. Errors as
 * recording_open; -ENODATA: a directory without recordings; -EFBIG over RECORDINGS_FILES_MAX.
 */
int recordings_open(char *const *path, size_t n, struct recordings **ret, struct err *err);
void recordings_close(struct recordings *s);

size_t recordings_n(const struct recordings *s);
/* One of its files, the first in time: for people. */
const char *recordings_path(const struct recordings *s, size_t i);
/* Each once, in the order of the paths. Owner: caller, recording_close. */
int recordings_take(struct recordings *s, size_t i, struct recording **ret, struct err *err);

/* Files that were left out, and why. */
void recordings_each_left_out(const struct recordings *s, void (*f)(void *ctx, const char *reason),
			      void *ctx);

#endif
