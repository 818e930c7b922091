/*
 * Runtimes that make code, known by a file that their processes map, and how each is told to
 * describe it: what a report says when code has no names.
 */
#ifndef REPORT_JIT_HINT_H
#define REPORT_JIT_HINT_H

struct jit_hint {
	const char *runtime; /* "node" */
	const char *advice;  /* "start it with --perf-basic-prof" */
};

/* By the path of a mapped file; NULL: none that we know. */
const struct jit_hint *jit_hint_find(const char *path);

#endif
