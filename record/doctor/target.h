/* One process, or one program: what a recording of it would be like. Private to the room. */
#ifndef RECORD_DOCTOR_TARGET_H
#define RECORD_DOCTOR_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

struct checks;

/*
 * Both add CHECK_TARGET lines; the summary and `possible` are then of this target. Whatever a
 * process shows of itself is hostile: nothing blocks, all is bounded.
 */
void process_look(pid_t pid, struct checks *ret);

/* A name as a shell takes it: by PATH, or with a slash. */
void program_look(const char *name, struct checks *ret);

/*
 * The ELF file behind `fd` (not taken). False: it cannot run here, or is no ELF file.
 * `running`: it runs already, so that rights to start it do not matter.
 */
bool executable_look(int fd, bool running, struct checks *ret);

/* Which switch makes this runtime describe the code that it makes; NULL: no runtime is known by
 * this file name. */
const char *runtime_hint(const char *path, const char **ret_name);

#endif
