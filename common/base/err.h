/*
 * What went wrong, in words for the person at the terminal.
 * The text lives in the struct, so that errors work without memory.
 */
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

enum { ERR_TEXT_BYTES = 1024 };

struct err {
	int code; /* negative errno; 0 when nothing was set */
	char text[ERR_TEXT_BYTES];
};

/*
 * Sets the text and returns `code` (negative), so that a failure is one line:
 *	return err_set(err, -EFBIG, "chunk at offset %" PRIu64 " claims ...", off);
 * `err` may be NULL: then only the code is returned. Texts too long are cut.
 */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text and returns err->code (-EINVAL when err is NULL). */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
