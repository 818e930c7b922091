/*
 * Commands to a recorder that runs, as perf record takes them: lines "enable [EVENT]",
 * "disable [EVENT]", "evlist [-v|-g|-F]", "ping", "snapshot", "stop" from a FIFO or a descriptor;
 * each is answered with "ack\n" where an answer is wanted.
 */
#ifndef RECORD_CONTROL_H
#define RECORD_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum control_command {
	CONTROL_ENABLE,
	CONTROL_DISABLE,
	CONTROL_EVLIST,
	CONTROL_PING,
	CONTROL_SNAPSHOT,
	CONTROL_STOP,
	CONTROL_COMMANDS,
	CONTROL_UNKNOWN = CONTROL_COMMANDS, /* not to be answered */
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
 * The next command that has come; false: none has. Never waits. `ret_text` becomes what stands
 * behind the command ("": nothing), of CONTROL_UNKNOWN the whole line; lent until the next call.
 */
bool control_next(struct control *c, enum control_command *ret, const char **ret_text);
/* Never waits: whoever does not read its answers does not get them. */
void control_ack(struct control *c);

#endif
