/* Opens the events of processes that run already, each thread once. */
#ifndef RECORD_ATTACH_H
#define RECORD_ATTACH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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

/*
 * For who may not record the whole system: all processes of this user that may be attached to,
 * but `skip`. What others start for this user later is missing. *ret_n: how many they are.
 * -ESRCH: none.
 */
int attach_open_own(struct kernel_options *options, const pid_t *skip, size_t n_skip,
		    struct kernel **ret, uint32_t *ret_n);

#endif
