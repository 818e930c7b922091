/*
 * Both ends of what passes between a jailed child and its parent: one socket of whole messages
 * (SOCK_SEQPACKET), each with this header in front, and a memfd for the result.
 *
 *	child:  QUESTION bytes			parent: ANSWER bytes [file]
 *	child:  END status, text		then the child ends
 */
#ifndef REPORT_JAIL_CELL_H
#define REPORT_JAIL_CELL_H

#include <stdint.h>
#include <sys/types.h>

#include "common/base/err.h"
#include "report/jail/jail.h"

enum jail_kind { JAIL_QUESTION = 1, JAIL_ANSWER, JAIL_END };

struct jail_message {
	uint32_t kind;
	uint32_t n;	   /* bytes that follow */
	int32_t status;	   /* END: of the body */
	uint32_t too_much; /* END: memory ran out; bytes are no text then */
};

/* What the parent prepared; the child owns it after the fork. */
struct jail_cell {
	int sock, out; /* own ends */
	int null;      /* /dev/null */
	pid_t parent;
	uint64_t n_written;
	const struct jail_job *job;
};

/* In the child: shuts itself in, runs the job's body, says how it ended, and ends. */
void jail_cell_run(struct jail_cell *cell) __attribute__((noreturn));

/* Descriptors the child keeps: rising, no two equal; at most n_fds + 5. Returns how many. */
unsigned int jail_cell_fds(const struct jail_cell *cell, int *ret);

#endif
