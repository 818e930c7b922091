/*
 * What the kernel is asked to refuse a jailed child: files (Landlock) and system calls (seccomp).
 * Nothing here fails: what this kernel does not have is left out and logged at debug.
 */
#ifndef REPORT_JAIL_CONFINE_H
#define REPORT_JAIL_CONFINE_H

#include <stdbool.h>

/* Only what lies beneath these directories may be opened, for reading. False: no Landlock here. */
bool confine_files(const char *const *beneath, unsigned int n);

/*
 * System calls that parsing needs, and opening files when `files` is set. Others fail with EPERM;
 * those that only an exploit would make (exec, fork, sockets, other processes) end the process
 * with SIGSYS. False: no seccomp here, or sanitizers, which need more.
 */
bool confine_calls(bool files);

/* What this kernel has of both: the ABI of Landlock (0: none), and filters. */
void confine_describe(long *ret_landlock, bool *ret_seccomp);

#endif
