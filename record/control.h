/*
 * Commands to a recorder that runs, as perf record takes them: lines "enable", "disable", "ping",
 * "snapshot", "stop" from a FIFO or a descriptor; each is answered with "ack\n" where an answer is
 * wanted.
 */
#ifndef RECORD_CONTROL_H
#define RECORD_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum control_command {
	CONTROL_ENABLE,
	CONTROL_DISABLE,
	CONTROL_PING,
	CONTROL_SNAPSHOT,
	CONTROL_STOP,
	CONTROL_COMMANDS
};

enum { CONTROL_LINE_MAX = 128 };

struct control {
	int fd, ack_fd; /* -1: none, or its other side is gone */
	char line[CONTROL_LINE_MAX];
	size_t n;
	bool skip; /* up to the next line: this one is too long */
};

/*
 * "fifo:CTL[,ACK]", "CTL" (a FIFO) or "fd:CTL[,ACK]"; NULL: no commands. FIFOs must exist; what is
 * no FIFO is refused. Programs that are started get none of the descriptors.
 */
int control_open(struct control *c, const char *text, struct err *err);
/* The form alone, without opening anything. */
int control_check(const char *text, struct err *err);
void control_close(struct control *c);

/*
 * The next command that has come; false: none has. Never waits. `ret_unknown` becomes a line that
 * is no command, lent until the next call; else NULL.
 */
bool control_next(struct control *c, enum control_command *ret, const char **ret_unknown);
/* Never waits: whoever does not read its answers does not get them. */
void control_ack(struct control *c);

#endif
