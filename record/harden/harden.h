/*
 * What the recorder's processes give up once they do not need it any more, so that whoever takes
 * one over through what it reads has little: rights, files, system calls. All of it is given up
 * for good and as far as the kernel knows it; none of it is ever a reason not to record. COMMAND is
 * forked before and keeps everything. Door of the room.
 *
 *	recorder:   open events -> harden_writes -> open output -> start -> harden_recorder
 *	inspector:  harden_inspector, before the first request
 */
#ifndef RECORD_HARDEN_H
#define RECORD_HARDEN_H

#include <stdbool.h>

/*
 * exec gives no rights any more. Capabilities go, but CAP_KILL where there is a COMMAND to pass
 * signals on to, CAP_SYS_NICE where own priority cannot be had again without it, and
 * CAP_DAC_OVERRIDE where the output's directory cannot be written without it.
 * Files are created, changed and removed in that directory only. `output`: a file's name; "-":
 * none.
 * Holds for threads that are started later too.
 */
void harden_writes(const char *output, bool has_command, bool needs_nice);

/*
 * Nothing else is read either, and only the calls of the recorder's list (calls.c) are left: others
 * fail with EPERM. For all threads.
 */
void harden_recorder(const char *output);

/*
 * Capabilities are those to look at other users' processes and files; the calls are those to read.
 * No Landlock: it forbids to look at processes.
 */
void harden_inspector(void);

#endif
