/*
 * Whether the samples stand for the CPU time that the kernel counted. Where it cannot sample, it
 * counts all the same: in itself when the recorder had no right to look there, and in processes
 * that end within a sampling period of their start.
 */
#ifndef REPORT_COUNTED_H
#define REPORT_COUNTED_H

struct profile;
struct recording;

/* When a tenth or more is missing: a sentence in profile->advice. Not for a filtered profile. */
void counted_tell(struct profile *p, const struct recording *r);

#endif
