/*
 * The user that COMMAND runs as (--switch-user). /etc/passwd and /etc/group are read here, without
 * the libc's name services, which a static program does not have: users that only a directory
 * knows are given as UID:GID.
 */
#ifndef RECORD_USER_H
#define RECORD_USER_H

#include <sys/types.h>

struct err;

enum { USER_GROUPS_MAX = 256, USER_FILE_BYTES_MAX = 4 << 20 };

struct user {
	uid_t uid;
	gid_t gid;
	gid_t group[USER_GROUPS_MAX]; /* all, gid among them */
	size_t n_groups;
};

/* "name", "UID" (of passwd), "UID:GID". etc: NULL is /etc. -ENOENT: "Unable to find user NAME". */
int user_find(const char *text, const char *etc, struct user *ret, struct err *err);

/*
 * This process becomes the user, for good. 0, also when it is already (its groups then stay);
 * negative errno.
 */
int user_become(const struct user *user);

#endif
