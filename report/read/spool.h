/* Input that cannot be read twice (a pipe) -> an unlinked temporary file. Private to the room. */
#ifndef REPORT_READ_SPOOL_H
#define REPORT_READ_SPOOL_H

struct err;

/* Opens `path` ("-": standard input) so that pread works. Negative errno with text. */
int spool_open(const char *path, struct err *err);

#endif
