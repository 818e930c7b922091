/* What opens a gate, in the words of the place where this runs. Private to the room. */
#ifndef RECORD_GATE_REMEDY_H
#define RECORD_GATE_REMEDY_H

#include "record/gate/facts.h"

/* perf_event_open as such, for own processes. `paranoid`: the highest level that would do. */
void remedy_paranoid(const struct gate_facts *f, int paranoid, char *text, size_t cap);
void remedy_capability(const struct gate_facts *f, char *text, size_t cap);
void remedy_seccomp(const struct gate_facts *f, char *text, size_t cap);
void remedy_user_ns(const struct gate_facts *f, int paranoid, char *text, size_t cap);
/* bytes: of locked memory that a recording wants on this machine */
void remedy_memlock(const struct gate_facts *f, size_t bytes, char *text, size_t cap);
/* Processes of other users: CAP_SYS_PTRACE is enough, and gives their names too. */
void remedy_others(const struct gate_facts *f, char *text, size_t cap);
void remedy_kptr(const struct gate_facts *f, bool has_syslog, char *text, size_t cap);
void remedy_tracefs(const struct gate_facts *f, char *text, size_t cap);
void remedy_files(const struct gate_facts *f, char *text, size_t cap);

#endif
