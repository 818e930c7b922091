/*
 * A line is built whole and leaves with one write(2), so that lines of several processes on one
 * terminal do not mix. Names in messages may come from a recording: control bytes are shown as
 * \xNN, so that nobody can send escape sequences to the terminal of the reader.
 */
#include "common/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"

enum { TEXT_BYTES = 2048, ROOMS_BYTES = 256 };

static struct {
	const char *program;
	enum log_level level;
	char rooms[ROOMS_BYTES];
} log_state = { .program = "ddprof", .level = LOG_NOTICE };

static const char *const level_prefix[LOG_LEVELS] = {
	[LOG_ERROR] = "error: ", [LOG_WARNING] = "warning: ", [LOG_NOTICE] = "",
	[LOG_INFO] = "",	 [LOG_DEBUG] = "debug: ",
};

void log_init(const char *program)
{
	log_state.program = program;
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

int log_parse_level(const char *text, enum log_level *ret, struct err *err)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{ "error", LOG_ERROR },	  { "warn", LOG_WARNING },	 { "warning", LOG_WARNING },
		{ "notice", LOG_NOTICE }, { "informational", LOG_INFO }, { "info", LOG_INFO },
		{ "debug", LOG_DEBUG },
	};

	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		if (!strcmp(text, names[i].name)) {
			*ret = names[i].level;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		       "unknown level '%s', expected error, warn, notice, informational or debug",
		       text);
}

void log_set_rooms(const char *rooms)
{
	snprintf(log_state.rooms, sizeof(log_state.rooms), "%s", rooms ? rooms : "");
}

static bool rooms_have(const char *room)
{
	size_t n_room = strlen(room);

	for (const char *at = log_state.rooms; *at;) {
		size_t n = strcspn(at, ",");

		if ((n == n_room && !memcmp(at, room, n)) || (n == 3 && !memcmp(at, "all", 3)))
			return true;
		at += n;
		at += *at == ',';
	}
	return false;
}

bool log_enabled(enum log_level level)
{
	return level <= log_state.level;
}

/* Appends text with control bytes as \xNN; what does not fit is cut. Returns the new length. */
static size_t put_visible(char *line, size_t cap, size_t n, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = (const unsigned char *)text;

	for (; *at; at++) {
		/* U+0080..U+009F in UTF-8, some of which terminals obey like ESC [ */
		bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;

		if (n + 4 > cap)
			break;
		if ((*at < 0x20 && *at != '\t') || *at == 0x7f || c1) {
			line[n++] = '\\';
			line[n++] = 'x';
			line[n++] = digits[*at >> 4];
			line[n++] = digits[*at & 15];
		} else {
			line[n++] = (char)*at;
		}
	}
	return n;
}

static void print_line(const char *prefix, const char *room, const char *fmt, va_list args)
{
	char text[TEXT_BYTES], line[TEXT_BYTES + 128];
	int saved_errno = errno;
	size_t n;

	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = 0;
	n = (size_t)snprintf(line, 128, "%.40s: %s%.40s%s", log_state.program, prefix,
			     room ? room : "", room ? ": " : "");
	n = put_visible(line, sizeof(line) - 1, n, text);
	line[n++] = '\n';
	io_write(STDERR_FILENO, line, n, NULL); /* nobody could be told that it failed */
	errno = saved_errno;
}

void log_print(enum log_level level, const char *fmt, ...)
{
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, fmt);
	print_line(level_prefix[level], NULL, fmt, args);
	va_end(args);
}

void log_debug(const char *room, const char *fmt, ...)
{
	va_list args;

	if (!log_enabled(LOG_DEBUG) && !rooms_have(room))
		return;
	va_start(args, fmt);
	print_line(level_prefix[LOG_DEBUG], room, fmt, args);
	va_end(args);
}
