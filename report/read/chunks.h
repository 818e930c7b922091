/* ddprof.data as a recording. Private to the room. */
#ifndef REPORT_READ_CHUNKS_H
#define REPORT_READ_CHUNKS_H

struct err;
struct recording;

/* fd allows pread; it is taken when this succeeds. Errors as chunk_reader_open. */
int chunks_open(int fd, struct recording **ret, struct err *err);

#endif
