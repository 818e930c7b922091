/*
 * Children that parse what nobody vouches for: ELF, DWARF and packages. A child has limits on
 * memory, time and output, no network, no new programs, no file but those handed to it or below
 * the roots named to it (rlimits, Landlock, seccomp; what the kernel refuses is left out and
 * logged at debug). A crash, an endless loop or a huge allocation costs that job alone.
 *
 * A job is a function that runs in a forked child. It writes its result with jail_write and may
 * ask the parent for more (further files, further addresses) with jail_ask; the parent believes
 * nothing of what comes back: it is bytes to be checked by whoever gets them.
 * Knows nothing of ELF, DWARF or packages.
 */
#ifndef REPORT_JAIL_H
#define REPORT_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct jail_cell; /* the child's side */
struct jails;	  /* the parent's side: a queue of jobs and those that run */

enum {
	JAIL_ASK_MAX = 64 << 10,      /* bytes of a question or an answer */
	JAIL_QUESTIONS_MAX = 1 << 17, /* of one job whose limits are not renewed */
};

struct jail_limits {
	uint64_t memory_bytes; /* beyond what the parent has mapped; 0: 256 MiB */
	uint64_t output_bytes; /* of the result; 0: 256 MiB */
	uint32_t cpu_ms;       /* CPU time; 0: 2 000 */
	uint32_t wall_ms;      /* 0: 4 x cpu_ms; time in which the parent answers is not counted */
	bool renewed;	       /* wall_ms counts anew after each answer, cpu_ms does not count */
};

/*
 * Limits for parsing files of together n bytes: the defaults, growing with the size so that a
 * sound debug file of 156 MB (450 MB unpacked) passes.
 */
struct jail_limits jail_limits_for(uint64_t n_bytes);

struct jail_job {
	const char *what; /* for messages: "libjvm.so.debug" */
	struct jail_limits limits;
	const int *fd; /* kept open in the child, nothing else is; same numbers */
	unsigned int n_fds;
	const char *const *beneath; /* directories the child may read, NULL: none */
	unsigned int n_beneath;
	void *ctx; /* of all three functions */
	/*
	 * In the child. 0, or negative with err set: the parent gets both. Memory of the parent is
	 * there as it was (a copy).
	 */
	int (*body)(void *ctx, struct jail_cell *cell, struct err *err);
	/*
	 * In the parent, when the child asks. Writes at most JAIL_ASK_MAX bytes to answer; may
	 * hand over a file (closed by the jail after sending; -1: none). NULL: nobody may ask.
	 */
	void (*answer)(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
		       int *ret_fd);
	/*
	 * In the parent, once, when the job is over. status 0: body returned 0. Negative: err says
	 * why ("parsing libx.debug crashed (SIGSEGV)", "... needed more than 256 MiB", "... took
	 * longer than 2.0 s", or what body said); out is then what was written before, perhaps
	 * nothing. out is lent.
	 */
	void (*done)(void *ctx, int status, const struct err *err, const void *out, size_t n);
};

/* At most n_at_once children run side by side (0: one for each CPU, at most 4). */
struct jails *jails_new(unsigned int n_at_once);
void jails_free(struct jails *j); /* ends what still runs */
/* The job is copied; what it points to must live until its `done` was called. */
void jails_add(struct jails *j, const struct jail_job *job);
/* Until all jobs are over. A `done` or `answer` may add jobs. */
void jails_run(struct jails *j);

/* One job; its status. err as given to done. */
int jail_run(const struct jail_job *job, struct err *err);

/* ---- in the child ---- */

/* -EFBIG: output_bytes reached. */
int jail_write(struct jail_cell *cell, const void *bytes, size_t n, struct err *err);

/*
 * Asks the parent and waits. *ret_fd -1: no file came. -EFBIG when the question is longer than
 * JAIL_ASK_MAX, -EPIPE when nobody answers.
 */
int jail_ask(struct jail_cell *cell, const void *question, size_t n, void *answer,
	     size_t answer_cap, size_t *ret_n, int *ret_fd, struct err *err);

#endif
