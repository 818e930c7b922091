/*
 * Recordings for trial: everything that a recording opens is opened, nothing is counted, all is
 * given back. Done in a child, so that a filter that kills does not kill us. Private to the room.
 */
#ifndef RECORD_DOCTOR_TRIAL_H
#define RECORD_DOCTOR_TRIAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/err.h"
#include "record/kernel/kernel.h"

struct trial {
	const char *events; /* as for -e: "sCPU", "sCPU;sPF" */
	pid_t pid;	    /* a process with all its threads; 0: a command; -1: the whole system */
	bool stack;
};

struct trial_result {
	struct err err; /* code 0: it can be done, `facts` says how */
	bool not_tried; /* err says why: nothing is known of what a recording would meet */
	struct kernel_facts facts;
};

void trial_run(const struct trial *trial, struct trial_result *ret);

#endif
