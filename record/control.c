/*
 * FIFOs are opened for reading and writing: then neither opening waits for the other side nor does
 * its coming and going end the file.
 */
#include "record/control.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"

struct places {
	bool is_fd;
	char ctl[PATH_MAX], ack[PATH_MAX]; /* ack "": none */
};

static int parse(const char *text, struct places *ret, struct err *err)
{
	ret->is_fd = !strncmp(text, "fd:", 3);
	if (ret->is_fd)
		text += 3;
	else if (!strncmp(text, "fifo:", 5))
		text += 5;
	size_t n = strcspn(text, ",");
	const char *ack = text[n] ? text + n + 1 : "";
	if (!n || (text[n] && !*ack))
		return err_set(err, -EINVAL, "expected fifo:CTL[,ACK] or fd:CTL[,ACK]");
	if (n >= sizeof(ret->ctl) || strlen(ack) >= sizeof(ret->ack))
		return err_set(err, -ENAMETOOLONG, "a name longer than %d bytes", PATH_MAX - 1);
	memcpy(ret->ctl, text, n);
	ret->ctl[n] = '\0';
	memcpy(ret->ack, ack, strlen(ack) + 1);
	return 0;
}

static int parse_fd(const char *text, int *ret, struct err *err)
{
	char *end;

	errno = 0;
	long fd = strtol(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || fd > INT_MAX)
		return err_set(err, -EINVAL, "'%s' is not the number of a descriptor", text);
	*ret = (int)fd;
	return 0;
}

int control_check(const char *text, struct err *err)
{
	struct places p;
	int fd;

	if (parse(text, &p, err) < 0)
		return err->code;
	if (!p.is_fd)
		return 0;
	return parse_fd(p.ctl, &fd, err) < 0 || (*p.ack && parse_fd(p.ack, &fd, err) < 0) ?
		       -EINVAL :
		       0;
}

static int open_fifo(const char *path, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	int code = fstat(fd, &st) < 0 ? errno : 0;
	if (!code && S_ISFIFO(st.st_mode))
		return fd;
	close(fd);
	if (code)
		return err_set(err, -code, "cannot look at '%s': %s", path, strerror(code));
	return err_set(err, -EINVAL, "'%s' is not a FIFO; make one with mkfifo", path);
}

static int take_fd(const char *text, struct err *err)
{
	int fd;

	if (parse_fd(text, &fd, err) < 0)
		return -EINVAL;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(err, -errno, "descriptor %d: %s", fd, strerror(errno));
	return fd;
}

static int open_one(const struct places *p, const char *text, struct err *err)
{
	return p->is_fd ? take_fd(text, err) : open_fifo(text, err);
}

int control_open(struct control *c, const char *text, struct err *err)
{
	struct places p;

	*c = (struct control){ .fd = -1, .ack_fd = -1 };
	if (!text)
		return 0;
	int r = parse(text, &p, err);
	if (r == 0)
		r = c->fd = open_one(&p, p.ctl, err);
	if (r >= 0 && *p.ack)
		r = c->ack_fd = open_one(&p, p.ack, err);
	if (r >= 0)
		return 0;
	control_close(c);
	return err_wrap(err, "--control");
}

void control_close(struct control *c)
{
	if (c->fd >= 0)
		close(c->fd);
	if (c->ack_fd >= 0 && c->ack_fd != c->fd)
		close(c->ack_fd);
	c->fd = c->ack_fd = -1;
}

/* Closes one of the two; they may be the same. */
static void drop(int *fd, int other)
{
	if (*fd != other)
		close(*fd);
	*fd = -1;
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* One more byte of the line; 1: it is whole, 0: nothing more has come. */
static int read_line(struct control *c)
{
	char byte;

	while (c->fd >= 0 && is_readable(c->fd)) {
		ssize_t n = read(c->fd, &byte, 1);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return 0;
		if (n <= 0) {
			drop(&c->fd, c->ack_fd); /* nobody is left to say anything */
			byte = '\n';
		}
		if (byte != '\n' && byte != '\0') {
			c->skip |= c->n == sizeof(c->line) - 1;
			if (!c->skip)
				c->line[c->n++] = byte;
			continue;
		}
		c->line[c->n] = '\0';
		bool whole = c->n && !c->skip;
		c->n = 0;
		c->skip = false;
		if (whole)
			return 1;
	}
	return 0;
}

/* The argument of a command that may have one: behind a blank. NULL: it is not that command. */
static const char *match(const char *line, const char *name, bool takes_text)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) != 0 || (line[n] && (line[n] != ' ' || !takes_text)))
		return NULL;
	return line + n + strspn(line + n, " ");
}

bool control_next(struct control *c, enum control_command *ret, const char **ret_text)
{
	static const struct {
		const char *name;
		bool takes_text;
	} commands[CONTROL_COMMANDS] = {
		[CONTROL_ENABLE] = { "enable", true },	    [CONTROL_DISABLE] = { "disable", true },
		[CONTROL_EVLIST] = { "evlist", true },	    [CONTROL_PING] = { "ping", false },
		[CONTROL_SNAPSHOT] = { "snapshot", false }, [CONTROL_STOP] = { "stop", false },
	};

	if (!read_line(c))
		return false;
	*ret = CONTROL_UNKNOWN;
	*ret_text = c->line;
	for (unsigned int i = 0; i < CONTROL_COMMANDS; i++) {
		const char *text = match(c->line, commands[i].name, commands[i].takes_text);

		if (!text)
			continue;
		*ret = (enum control_command)i;
		*ret_text = text;
	}
	return true;
}

void control_ack(struct control *c)
{
	struct pollfd p = { .fd = c->ack_fd, .events = POLLOUT };

	if (c->ack_fd < 0 || poll(&p, 1, 0) <= 0 || !(p.revents & POLLOUT))
		return;
	if (write(c->ack_fd, "ack\n", 4) < 0 && errno == EPIPE)
		drop(&c->ack_fd, c->fd);
}
