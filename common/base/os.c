/*
 * The file is written for shells: KEY=value, KEY="value", KEY='value', with backslashes. Expansions
 * do not occur in it; a value with one is taken as it stands.
 */
#include "common/base/os.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"

enum { OS_FILE_MAX = 64 << 10 };

static bool is_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool is_list_char(char c)
{
	return is_id_char(c) || c == ' ';
}

static bool is_name_char(char c)
{
	return c >= 0x20 && c < 0x7f;
}

/* Keeps what is allowed of a value that may be quoted. */
static void take_value(const char *text, size_t n, bool (*allowed)(char), char ret[OS_TEXT_MAX])
{
	char quote = n && (*text == '"' || *text == '\'') ? *text : 0;
	size_t kept = 0;

	for (size_t i = quote != 0; i < n && kept < OS_TEXT_MAX - 1; i++) {
		if (quote && text[i] == quote)
			break;
		if (text[i] == '\\' && quote != '\'' && i + 1 < n)
			i++;
		if (allowed(text[i]))
			ret[kept++] = text[i];
	}
	ret[kept] = 0;
}

static void take_line(const char *line, size_t n, struct os_release *ret)
{
	const struct {
		const char *key;
		bool (*allowed)(char);
		char *to;
	} known[] = {
		{ "ID=", is_id_char, ret->id },
		{ "VERSION_ID=", is_id_char, ret->version },
		{ "ID_LIKE=", is_list_char, ret->like },
		{ "PRETTY_NAME=", is_name_char, ret->name },
	};

	for (size_t i = 0; i < N_ELEMENTS(known); i++) {
		size_t n_key = strlen(known[i].key);

		if (n > n_key && !memcmp(line, known[i].key, n_key))
			take_value(line + n_key, n - n_key, known[i].allowed, known[i].to);
	}
}

void os_release_parse(const char *text, size_t n, struct os_release *ret)
{
	*ret = (struct os_release){ 0 };
	for (size_t at = 0, end; at < n; at = end + 1) {
		const char *newline = memchr(text + at, '\n', n - at);

		end = newline ? (size_t)(newline - text) : n;
		take_line(text + at, end - at, ret);
	}
}

void os_release_read(struct os_release *ret)
{
	static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release" };

	*ret = (struct os_release){ 0 };
	for (size_t i = 0; i < N_ELEMENTS(paths) && !ret->id[0]; i++) {
		AUTO_FREE char *text = NULL;
		struct err err = { 0 };
		size_t n;

		if (io_read_file(paths[i], OS_FILE_MAX, &text, &n, &err) == 0)
			os_release_parse(text, n, ret);
	}
}

void os_release_take(struct os_release *ret, const char *pair, const char *like, const char *name)
{
	size_t n = strcspn(pair, " ");

	*ret = (struct os_release){ 0 };
	take_value(pair, n, is_id_char, ret->id);
	if (pair[n])
		take_value(pair + n + 1, strlen(pair + n + 1), is_id_char, ret->version);
	take_value(like, strlen(like), is_list_char, ret->like);
	take_value(name, strlen(name), is_name_char, ret->name);
}
