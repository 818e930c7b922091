/*
 * Debug files from debuginfod servers, only for who asked for it. libdebuginfod is loaded in a
 * child when the first file is wanted: nothing of it, and nothing of what it links, is in this
 * process, and a server that never answers costs the deadline and no more.
 * Files stay in the library's own cache. Private to report/debug/.
 */
#ifndef REPORT_DEBUG_FETCH_H
#define REPORT_DEBUG_FETCH_H

#include <stdbool.h>
#include <stdint.h>

struct build_id;
struct err;
struct fetch;

enum {
	FETCH_TIMEOUT_MS = 90 * 1000,	 /* of one file, unless asked otherwise */
	FETCH_BYTES_MAX = 1 << 30,	 /* likewise */
	FETCH_FAILURES_MAX = 3,		 /* deadlines missed, then nobody is asked any more */
};

/* urls NULL: those of the environment. 0 for a limit: the default. */
struct fetch *fetch_new(const char *urls, uint64_t max_bytes, uint32_t timeout_ms);
void fetch_free(struct fetch *f);

/*
 * Path of the file, to be freed; whoever opens it checks its build-id. object: the program or
 * library itself, not its debug file. -ENOENT, err saying why.
 */
int fetch_file(struct fetch *f, const struct build_id *id, bool object, char **ret,
	       struct err *err);

#endif
