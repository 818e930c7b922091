/* common/base/err.c: texts for the person at the terminal. */
#include "common/base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/check.h"

static void set_returns_code(void)
{
	struct err err = { 0 };

	CHECK_INT(err_set(&err, -EFBIG, "frame claims %d bytes, limit is %d", 70000, 65536),
		  -EFBIG);
	CHECK_INT(err.code, -EFBIG);
	CHECK_STR(err.text, "frame claims 70000 bytes, limit is 65536");
	CHECK_INT(err_set(NULL, -EINVAL, "nobody listens"), -EINVAL);
}

static void wrap_puts_in_front(void)
{
	struct err err = { 0 };

	err_set(&err, -EBADMSG, "checksum does not match");
	CHECK_INT(err_wrap(&err, "chunk at offset %d", 4096), -EBADMSG);
	CHECK_INT(err_wrap(&err, "cannot read '%s'", "ddprof.data"), -EBADMSG);
	CHECK_STR(err.text,
		  "cannot read 'ddprof.data': chunk at offset 4096: checksum does not match");
	CHECK_INT(err_wrap(NULL, "nobody listens"), -EINVAL);
}

static void own_text_as_argument(void)
{
	struct err err = { 0 };

	err_set(&err, -EIO, "inner");
	err_set(&err, -EIO, "outer (%s)", err.text);
	CHECK_STR(err.text, "outer (inner)");
	err_wrap(&err, "[%s]", err.text);
	CHECK_STR(err.text, "[outer (inner)]: outer (inner)");
}

static void long_texts_are_cut(void)
{
	char text[3 * ERR_TEXT_BYTES];
	struct err err = { 0 };

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	err_set(&err, -EINVAL, "%s", text);
	CHECK_INT(strlen(err.text), ERR_TEXT_BYTES - 1);
	err_wrap(&err, "%s", text);
	CHECK_INT(strlen(err.text), ERR_TEXT_BYTES - 1);
	CHECK_STR(err.text + ERR_TEXT_BYTES - 3, ": ");
	err_set(&err, -EINVAL, "%.*s", ERR_TEXT_BYTES - 4, text);
	err_wrap(&err, "path");
	CHECK_INT(strlen(err.text), ERR_TEXT_BYTES - 1);
}

static void errno_survives(void)
{
	struct err err = { 0 };

	errno = ENOENT;
	err_set(&err, -EIO, "%s", "text");
	err_wrap(&err, "%s", "more");
	CHECK_INT(errno, ENOENT);
}

SUITE(base_err,
      { "setting a text returns the code", set_returns_code },
      { "wrapping puts the context in front", wrap_puts_in_front },
      { "the old text may be an argument of the new one", own_text_as_argument },
      { "texts too long are cut, never overrun", long_texts_are_cut },
      { "errno survives the making of a text", errno_survives },
)
