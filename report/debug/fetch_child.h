/*
 * The child's side of fetch.h: asks servers through libdebuginfod, one file after the other, as
 * the parent wants them. Private to report/debug/.
 *
 *	parent: struct fetch_wanted
 *	child:  FETCH_SERVED, once per file, when a server begins to send
 *		FETCH_END status, and behind it the path (0) or the reason (negative)
 */
#ifndef REPORT_DEBUG_FETCH_CHILD_H
#define REPORT_DEBUG_FETCH_CHILD_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/format/event.h"

struct fetch_wanted {
	struct build_id id;
	uint32_t object; /* not its debug file */
};

enum fetch_kind { FETCH_SERVED = 1, FETCH_END };

struct fetch_said {
	uint32_t kind;
	/*
	 * END: 0; -ENOENT no server has it; -ETIME the deadline; -EFBIG the limit of bytes;
	 * -ELIBACC there is no library; others as the library says
	 */
	int32_t status;
	char text[ERR_TEXT_BYTES]; /* END; with its zero */
};

struct fetch_limits {
	const char *urls;
	uint64_t max_bytes;
	uint32_t timeout_ms;
};

/* In the child; ends it when the parent's end of the socket is closed. */
void fetch_child_run(int sock, const struct fetch_limits *limits) __attribute__((noreturn));

#endif
