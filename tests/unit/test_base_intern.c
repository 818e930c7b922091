/* common/base/intern.c: strings stored once. */
#include "common/base/intern.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

static void same_text_same_id(void)
{
	struct intern in;
	str_id a, b;

	intern_init(&in);
	CHECK_UINT(intern_put(&in, "").n, 0);
	CHECK_STR(intern_text(&in, (str_id){ 0 }), "");
	a = intern_put(&in, "main");
	b = intern_put(&in, "malloc");
	CHECK_UINT(a.n, 1);
	CHECK_UINT(b.n, 2);
	CHECK_UINT(intern_put(&in, "main").n, a.n);
	CHECK_UINT(intern_putn(&in, "main()", 4).n, a.n);
	CHECK_STR(intern_text(&in, a), "main");
	CHECK_STR(intern_text(&in, b), "malloc");
	intern_done(&in);
	intern_done(&in);
	intern_done(NULL);
}

static void zeros_count(void)
{
	struct intern in;

	intern_init(&in);
	CHECK_UINT(intern_putn(&in, "a\0b", 3).n, 1);
	CHECK_UINT(intern_putn(&in, "a\0c", 3).n, 2);
	CHECK_UINT(intern_putn(&in, "a", 1).n, 3);
	CHECK_UINT(intern_putn(&in, "a\0", 2).n, 4);
	CHECK_UINT(intern_putn(&in, "a\0c", 3).n, 2);
	intern_done(&in);
}

static void many_texts(void)
{
	enum { N = 50000 };
	struct intern in;
	char text[32];
	const char *first;

	intern_init(&in);
	first = intern_text(&in, intern_put(&in, "function_0"));
	for (uint32_t i = 1; i < N; i++) {
		snprintf(text, sizeof(text), "function_%u", i);
		if (intern_put(&in, text).n != i + 1)
			CHECK_TRUE(false, "ids are not dense at %u", i);
	}
	for (uint32_t i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "function_%u", i);
		if (intern_put(&in, text).n != i + 1 ||
		    strcmp(intern_text(&in, (str_id){ i + 1 }), text) != 0)
			CHECK_TRUE(false, "text %u was not found again", i);
	}
	CHECK_UINT(in.n, N + 1);
	CHECK_TRUE(first == intern_text(&in, (str_id){ 1 }), "a text moved");
	intern_done(&in);
}

/* Lengths around the 8 bytes that are hashed at once, where only the last byte differs. */
static void near_texts_differ(void)
{
	struct intern in;

	intern_init(&in);
	for (size_t n = 1; n < 40; n++) {
		char a[40], b[40];

		memset(a, 'x', n);
		memcpy(b, a, n);
		b[n - 1] = 'y';
		CHECK_TRUE(intern_putn(&in, a, n).n != intern_putn(&in, b, n).n);
		CHECK_UINT(strlen(intern_text(&in, intern_putn(&in, b, n))), n);
	}
	CHECK_UINT(in.n, 1 + 2 * 39);
	intern_done(&in);
}

SUITE(base_intern,
      { "the same text has the same id, and nothing has id 0", same_text_same_id },
      { "zeros belong to the text", zeros_count },
      { "ids are dense and texts never move", many_texts },
      { "texts that differ in one byte differ", near_texts_differ },
)
