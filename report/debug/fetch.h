/*
 * Debug files from debuginfod servers, only for who asked for it. libdebuginfod is loaded in a
 * child when the first file is wanted: nothing of it, and nothing of what it links, is in this
 * process, and a server that never answers costs the deadline and no more.
 * Files stay in the library's own cache, and so does what no server has. Says in one line each
 * (log_warning) what kept a file from coming, except that no server has it.
 * Private to report/debug/.
 */
#ifndef REPORT_DEBUG_FETCH_H
#define REPORT_DEBUG_FETCH_H

#include <stdbool.h>
#include <stdint.h>

struct build_id;
struct err;
struct fetch;

enum {
	FETCH_TIMEOUT_MS = 90 * 1000, /* of one file, unless asked otherwise */
	FETCH_BYTES_MAX = 1 << 30,    /* likewise */
	/* requests in a row that failed, then nobody is asked any more; a deadline that passes
	 * before any server has answered is enough by itself */
	FETCH_FAILURES_MAX = 3,
	/* the library looks at its clock once a second; whoever is later than that is killed */
	FETCH_GRACE_MS = 3000,
};

/*
 * urls: separated by blanks; NULL or empty: those of the environment, $DEBUGINFOD_URLS; without
 * any, one line is said and NULL returned. 0 for a limit: the default.
 */
struct fetch *fetch_new(const char *urls, uint64_t max_bytes, uint32_t timeout_ms);
void fetch_free(struct fetch *f);

/*
 * Path of the file, to be freed; whoever opens it checks its build-id. object: the program or
 * library itself, not its debug file. -ENOENT, err saying why.
 */
int fetch_file(struct fetch *f, const struct build_id *id, bool object, char **ret,
	       struct err *err);

#endif
