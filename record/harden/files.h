/* Landlock: which files a thread may still reach. Private to the room. */
#ifndef RECORD_HARDEN_FILES_H
#define RECORD_HARDEN_FILES_H

#include <stdbool.h>

enum files_limit {
	FILES_WRITES, /* made, changed, removed, executed: below the directory only */
	FILES_ALL     /* nor read */
};

/*
 * For this thread and those that it starts; each call takes more away. dir_fd -1: nowhere.
 * The kernel's version of Landlock, 0: it has none.
 */
int files_limit(enum files_limit limit, int dir_fd);

#endif
