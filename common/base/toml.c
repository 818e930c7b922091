/*
 * Lines: tables and keys. Keys are compared pair by pair when they are added: there are few, and a
 * file that says something twice is an error, not a choice.
 */
#include "common/base/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/toml_scan.h"

struct parse {
	struct toml_scan scan;
	char table[TOML_KEY_BYTES_MAX]; /* "a.b.", or empty */
	struct toml_item *item;
	size_t n_items, cap;
	const char **header; /* tables that were opened, "a.b" */
	size_t n_headers, headers_cap;
	bool may_repeat;
};

/* "a . b" as "a.b", behind what is in `path`. */
static int take_path(struct parse *p, char *path)
{
	size_t n = strlen(path);

	for (;;) {
		const char *part;

		toml_skip_blanks(&p->scan);
		part = p->scan.at;
		if (toml_peek(&p->scan) == '"' || toml_peek(&p->scan) == '\'')
			return toml_fail(&p->scan, p->scan.at, "quoted keys are not supported");
		for (; toml_is_bare(toml_peek(&p->scan)); p->scan.at++) {
			if (n + 2 >= TOML_KEY_BYTES_MAX)
				return toml_fail_at(&p->scan, toml_spot_at(&p->scan, part), -EFBIG,
						    "a key has more than %d characters",
						    TOML_KEY_BYTES_MAX - 2);
			path[n++] = *p->scan.at;
		}
		if (p->scan.at == part)
			return toml_fail(&p->scan, p->scan.at, "a key is expected, found '%s'",
					 toml_shown(&p->scan));
		toml_skip_blanks(&p->scan);
		path[n] = 0;
		if (toml_peek(&p->scan) != '.')
			return 0;
		path[n++] = '.';
		p->scan.at++;
	}
}

/* Equal, or one is a table around the other. */
static bool collides(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (!*a && (!*b || *b == '.')) || (!*b && *a == '.');
}

static int check_new(const struct parse *p, const char *path, struct toml_spot at)
{
	if (p->n_items + p->n_headers >= TOML_ITEMS_MAX)
		return toml_fail_at(&p->scan, at, -EFBIG, "more than %d keys and tables",
				    TOML_ITEMS_MAX);
	for (size_t i = 0; i < p->n_items; i++)
		if (collides(p->item[i].path, path) &&
		    !(p->may_repeat && !strcmp(p->item[i].path, path)))
			return toml_fail_at(&p->scan, at, -EINVAL,
					    "'%s' is set already in line %" PRIu32, path,
					    p->item[i].line);
	return 0;
}

/* ---- lines ---- */

static int take_header(struct parse *p)
{
	struct toml_spot at = toml_spot_at(&p->scan, p->scan.at);
	char path[TOML_KEY_BYTES_MAX] = "";
	int status;

	p->scan.at++;
	if (toml_peek(&p->scan) == '[')
		return toml_fail_at(&p->scan, at, -EINVAL, "arrays of tables are not supported");
	status = take_path(p, path);
	if (status < 0)
		return status;
	if (toml_peek(&p->scan) != ']')
		return toml_fail(&p->scan, p->scan.at, "']' is expected, found '%s'",
				 toml_shown(&p->scan));
	p->scan.at++;
	status = check_new(p, path, at);
	if (status < 0)
		return status;
	for (size_t i = 0; i < p->n_headers; i++)
		if (!strcmp(p->header[i], path))
			return toml_fail_at(&p->scan, at, -EINVAL,
					    "table '%s' is opened a second time", path);
	mem_grow(&p->header, &p->headers_cap, p->n_headers + 1, sizeof(*p->header));
	p->header[p->n_headers++] = arena_strdup(p->scan.arena, path);
	strcat(strcpy(p->table, path), "."); /* take_path left room for it */
	return toml_end_line(&p->scan);
}

static int take_item(struct parse *p)
{
	struct toml_spot at = toml_spot_at(&p->scan, p->scan.at);
	struct toml_item item = { .line = at.line, .column = at.column };
	char path[TOML_KEY_BYTES_MAX];
	int status;

	memcpy(path, p->table, sizeof(path));
	status = take_path(p, path);
	if (status == 0)
		status = check_new(p, path, at);
	if (status < 0)
		return status;
	if (toml_peek(&p->scan) != '=')
		return toml_fail(&p->scan, p->scan.at, "'=' is expected, found '%s'",
				 toml_shown(&p->scan));
	p->scan.at++;
	toml_skip_blanks(&p->scan);
	status = toml_take_value(&p->scan, &item);
	if (status < 0)
		return status;
	item.path = arena_strdup(p->scan.arena, path);
	mem_grow(&p->item, &p->cap, p->n_items + 1, sizeof(*p->item));
	p->item[p->n_items++] = item;
	return toml_end_line(&p->scan);
}

static int take_all(struct parse *p)
{
	int status = toml_check_bytes(&p->scan);

	if (status == 0 && toml_starts_with(&p->scan, "\xef\xbb\xbf"))
		p->scan.at = p->scan.line_start = p->scan.at + 3;
	while (status == 0) {
		toml_skip_lines(&p->scan);
		if (p->scan.at == p->scan.end)
			break;
		status = *p->scan.at == '[' ? take_header(p) : take_item(p);
	}
	return status;
}

static int parse(const char *name, const char *bytes, size_t n, bool may_repeat,
		 struct arena *arena, struct toml *ret, struct err *err)
{
	struct parse p = { .may_repeat = may_repeat,
			   .scan = {
				   .name = name,
				   .start = bytes,
				   .at = bytes,
				   .end = bytes + n,
				   .line_start = bytes,
				   .line = 1,
				   .arena = arena,
				   .err = err,
			   } };
	struct toml_item *item;
	int status;

	if (n > TOML_BYTES_MAX)
		return err_set(err, -EFBIG, "%s: %zu bytes, at most %d are read", name, n,
			       TOML_BYTES_MAX);
	status = take_all(&p);
	if (status == 0) {
		item = arena_alloc(arena, (p.n_items + 1) * sizeof(*item));
		if (p.n_items)
			memcpy(item, p.item, p.n_items * sizeof(*item));
		*ret = (struct toml){ arena_strdup(arena, name), item, p.n_items };
	}
	free(p.item);
	free(p.header);
	return status;
}

int toml_parse(const char *name, const char *bytes, size_t n, struct arena *arena, struct toml *ret,
	       struct err *err)
{
	return parse(name, bytes, n, false, arena, ret, err);
}

int toml_open(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? err_set(err, -errno, "%s: %s", path, strerror(errno)) : fd;
}

int toml_read_open(int fd, const char *path, bool may_repeat, struct arena *arena, struct toml *ret,
		   struct err *err)
{
	AUTO_FREE char *bytes = NULL;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s: not a regular file", path);
	bytes = mem_alloc(TOML_BYTES_MAX + 1);
	n = io_read(fd, bytes, TOML_BYTES_MAX + 1);
	if (n < 0)
		return err_set(err, (int)n, "%s: %s", path, strerror((int)-n));
	if (n > TOML_BYTES_MAX)
		return err_set(err, -EFBIG, "%s: more than %d bytes", path, TOML_BYTES_MAX);
	return parse(path, bytes, (size_t)n, may_repeat, arena, ret, err);
}

int toml_read(const char *path, struct arena *arena, struct toml *ret, struct err *err)
{
	AUTO_CLOSE int fd = toml_open(path, err);

	return fd < 0 ? fd : toml_read_open(fd, path, false, arena, ret, err);
}

const char *toml_type_name(enum toml_type type)
{
	static const char *const names[] = {
		[TOML_STRING] = "string",
		[TOML_BOOLEAN] = "boolean",
		[TOML_INTEGER] = "integer",
		[TOML_FRACTION] = "fraction",
		[TOML_STRINGS] = "array of strings",
	};

	return names[type];
}
