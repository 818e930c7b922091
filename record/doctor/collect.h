/* What a bundle holds, as text. What cannot be read says so in its place. Private to the room. */
#ifndef RECORD_DOCTOR_COLLECT_H
#define RECORD_DOCTOR_COLLECT_H

#include <sys/types.h>

struct buf;

void collect_build(struct buf *out);
void collect_system(struct buf *out);
void collect_process(pid_t pid, struct buf *out);
void collect_command(pid_t pid, struct buf *out); /* masked */
/* Names that begin with DD_ or DDPROF_, no values. */
void collect_environment(char **environment, struct buf *out);
/* stderr of a recording of a child that is busy for one second. Takes that long. */
void collect_log(struct buf *out);

#endif
