/* perf.data as a recording. Private to the room. */
#ifndef REPORT_READ_PERFDATA_H
#define REPORT_READ_PERFDATA_H

#include <stdbool.h>

struct err;
struct recording;

/* Whether the file begins like one. */
bool perfdata_is(int fd);

/*
 * fd is taken when this succeeds. -ENOTSUP: another byte order, version or machine; -EBADMSG: the
 * header lies; -ENODATA: no events. Damage among the records is told as with any recording.
 */
int perfdata_open(int fd, struct recording **ret, struct err *err);

#endif
