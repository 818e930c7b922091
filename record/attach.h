/* Opens the events of processes that run already, each thread once. */
#ifndef RECORD_ATTACH_H
#define RECORD_ATTACH_H

struct err;
struct kernel;
struct kernel_options;
struct target;

/*
 * `options` without tids. Threads that begin meanwhile either inherit the events of their
 * creator or are met at another look, never both. Afterwards mappings and tasks are being told.
 */
int attach_open(const struct target *target, struct kernel_options *options, struct kernel **ret,
		struct err *err);

#endif
