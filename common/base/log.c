/*
 * A line is built whole and leaves with one write(2), so that lines of several processes on one
 * terminal do not mix. Names in messages may come from a recording: control bytes are shown as
 * \xNN, so that nobody can send escape sequences to the terminal of the reader.
 */
#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"

enum { TEXT_BYTES = 2048, ROOMS_BYTES = 256, PREFIX_BYTES = 192 };

static struct {
	const char *program;
	enum log_level level;
	char rooms[ROOMS_BYTES];
	int fd; /* -1: nowhere */
	bool syslog;
} log_state = { .program = "ddprof", .level = LOG_NOTICE, .fd = STDERR_FILENO };

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

static int open_file(const char *path, int *ret, struct err *err)
{
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

	if (fd < 0)
		return err_set(err, -errno, "cannot write messages to '%s': %s", path,
			       strerror(errno));
	*ret = fd;
	return 0;
}

/* A socket of our own instead of syslog(3), which would open it anew when it likes. */
static int open_syslog(int *ret, struct err *err)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		err_set(err, -errno, "cannot write messages to %s: %s", address.sun_path,
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return err->code;
	}
	*ret = fd;
	return 0;
}

int log_set_output(const char *where, struct err *err)
{
	static const struct {
		const char *name;
		int fd;
	} names[] = {
		{ "stdout", STDOUT_FILENO },
		{ "stderr", STDERR_FILENO },
		{ "syslog", -1 },
		{ "disabled", -1 },
	};
	int fd = -1;
	size_t i = 0;

	while (i < N_ELEMENTS(names) && strcmp(where, names[i].name) != 0)
		i++;
	if (i < N_ELEMENTS(names))
		fd = names[i].fd;
	else if (open_file(where, &fd, err) < 0)
		return err->code;
	if (!strcmp(where, "syslog") && open_syslog(&fd, err) < 0)
		return err->code;
	log_state.syslog = !strcmp(where, "syslog");
	if (log_state.fd > STDERR_FILENO)
		close(log_state.fd);
	log_state.fd = fd;
	return 0;
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

/* "<13>ddprof-record[4711]: " for syslogd: the number is the facility "user" and the level. */
static size_t put_prefix(char *line, size_t cap, enum log_level level, const char *room)
{
	char who[96] = "";

	if (log_state.syslog)
		snprintf(who, sizeof(who), "<%d>%.40s[%d]", 1 << 3 | (3 + (int)level),
			 log_state.program, (int)getpid());
	else
		snprintf(who, sizeof(who), "%.40s", log_state.program);
	return (size_t)snprintf(line, cap, "%s: %s%.40s%s", who, level_prefix[level],
				room ? room : "", room ? ": " : "");
}

static void print_line(enum log_level level, const char *room, const char *fmt, va_list args)
{
	char text[TEXT_BYTES], line[TEXT_BYTES + PREFIX_BYTES];
	int saved_errno = errno;
	size_t n;

	if (log_state.fd < 0)
		return;
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = 0;
	n = put_prefix(line, PREFIX_BYTES, level, room);
	n = put_visible(line, sizeof(line) - 1, n, text);
	if (!log_state.syslog) /* where each datagram is a line */
		line[n++] = '\n';
	io_write(log_state.fd, line, n, NULL); /* nobody could be told that it failed */
	errno = saved_errno;
}

void log_print(enum log_level level, const char *fmt, ...)
{
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, fmt);
	print_line(level, NULL, fmt, args);
	va_end(args);
}

void log_debug(const char *room, const char *fmt, ...)
{
	va_list args;

	if (!log_enabled(LOG_DEBUG) && !rooms_have(room))
		return;
	va_start(args, fmt);
	print_line(LOG_DEBUG, room, fmt, args);
	va_end(args);
}
