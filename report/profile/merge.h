/*
 * Several profiles -> one: what is the same code (module, function, address, line) becomes one
 * place, and stacks and weights are added up. Recordings of other hosts and other runs come
 * together this way: their addresses and process numbers mean nothing to each other, names do.
 */
#ifndef REPORT_PROFILE_MERGE_H
#define REPORT_PROFILE_MERGE_H

struct err;
struct merge;
struct profile;

struct merge *merge_new(void);
void merge_free(struct merge *m);

/* A whole profile: sealed, named, expanded, filtered. -EFBIG: more events than SOURCE_MAX. */
int merge_add(struct merge *m, const struct profile *from, struct err *err);

/* Once. Owner: caller, profile_free. */
struct profile *merge_finish(struct merge *m);

#endif
