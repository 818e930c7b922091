/*
 * A message is formatted beside the struct first: its arguments may point into the text that it
 * replaces.
 */
#include "common/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
	char text[ERR_TEXT_BYTES];
	int saved_errno = errno;
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = 0;
	va_end(args);
	memcpy(err->text, text, sizeof(text));
	err->code = code;
	errno = saved_errno;
	return code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char text[ERR_TEXT_BYTES];
	int saved_errno = errno;
	size_t n, n_old;
	va_list args;

	if (!err)
		return -EINVAL;
	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = 0;
	va_end(args);

	n = strlen(text);
	if (n > sizeof(text) - 3)
		n = sizeof(text) - 3;
	memcpy(text + n, ": ", 2);
	n += 2;
	n_old = strnlen(err->text, sizeof(err->text) - 1);
	if (n_old > sizeof(text) - 1 - n)
		n_old = sizeof(text) - 1 - n;
	memcpy(text + n, err->text, n_old);
	text[n + n_old] = 0;
	memcpy(err->text, text, n + n_old + 1);
	errno = saved_errno;
	return err->code;
}
