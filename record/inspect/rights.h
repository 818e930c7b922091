/*
 * Why a process lost its events when its program began: from what /proc shows of it to everybody,
 * and from the file that it says it is. Private to the room; called in the inspector.
 */
#ifndef RECORD_INSPECT_RIGHTS_H
#define RECORD_INSPECT_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/format/unsampled.h"
#include "record/inspect/message.h"

enum { RIGHTS_GROUPS_MAX = 64 };

/* Of a process, now: it may have given up since what it gained. */
struct rights {
	uint32_t ppid;
	uid_t uid[3]; /* real, effective, saved */
	gid_t gid[3];
	gid_t group[RIGHTS_GROUPS_MAX];
	uint32_t n_groups;
	bool all_groups;    /* there are no more */
	bool no_new;	    /* exec gives it none */
	uint64_t permitted; /* capabilities */
	bool gained;	    /* some that who started it has not */
};

/* A program's file. */
struct rights_file {
	mode_t mode; /* without the bits that its file system takes no notice of */
	uid_t uid;
	gid_t gid;
};

/* Text of /proc/PID/status; false: it makes no sense. */
bool rights_parse_status(const char *text, struct rights *ret);

/* `file` NULL: not known. Only what is sure is said. */
enum unsampled_reason rights_judge(const struct rights *rights, const struct rights_file *file);

enum unsampled_reason rights_look(const struct message_exec *exec);

#endif
