/* The person at the terminal: pager, colour, progress. All do nothing when there is no terminal. */
#ifndef REPORT_TERM_H
#define REPORT_TERM_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum term_when { TERM_AUTO, TERM_ALWAYS, TERM_NEVER };

/* "auto", "always", "never". */
int term_parse_when(const char *text, enum term_when *ret, struct err *err);

/*
 * Colour on stdout? NO_COLOR and TERM=dumb are heard with TERM_AUTO. Ask before term_start_pager.
 */
bool term_colour(enum term_when when);

/* Width of the terminal that is stdout; 0: it is none. Ask before term_start_pager. */
unsigned int term_columns(void);

/*
 * When stdout is a terminal, sends it through $DDPROF_PAGER, $PAGER or less (LESS=FRX unless set,
 * as git does). term_finish ends what was started; returns 0, or negative when stdout could not
 * take everything.
 */
void term_start_pager(void);
int term_finish(struct err *err);

/* A count on stderr while work takes more than half a second; a pipeline progress function. */
void term_progress(void *ctx, uint64_t n_samples);
void term_progress_done(void);

#endif
