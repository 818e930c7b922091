/* Cleanup of locals at the end of their block: AUTO_FREE char *path; AUTO_CLOSE int fd = -1; */
#ifndef COMMON_BASE_AUTO_H
#define COMMON_BASE_AUTO_H

#include <stdlib.h>
#include <unistd.h>

static inline void auto_free(void *p)
{
	free(*(void **)p);
}

static inline void auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define AUTO_FREE __attribute__((cleanup(auto_free)))
#define AUTO_CLOSE __attribute__((cleanup(auto_close)))

#endif
