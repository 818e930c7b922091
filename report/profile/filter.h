/*
 * Which samples count. Early conditions are known from the event itself and spare the unwinding;
 * late ones need names and look at whole stacks.
 */
#ifndef REPORT_PROFILE_FILTER_H
#define REPORT_PROFILE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct profile;

struct filter_words {
	char **word;
	size_t n, cap;
};

struct filter_numbers {
	uint32_t *number;
	size_t n, cap;
};

/*
 * An empty list takes everything. Several words of one condition: any of them; several conditions:
 * all.
 */
struct filter {
	struct filter_numbers pid, tid;
	struct filter_words comm, event; /* shell patterns */
	struct filter_words dso, symbol; /* late: some frame of the stack matches */
	uint64_t from_ns, to_ns;	 /* since the first event; [from, to) */
};

struct filter_sample {
	uint32_t pid, tid;
	uint64_t time_ns; /* since the first event */
	const char *comm, *event;
};

void filter_init(struct filter *f);
void filter_done(struct filter *f);

/* Comma-separated numbers or patterns, appended. -EINVAL names the bad one. */
int filter_add_numbers(struct filter_numbers *list, const char *text, struct err *err);
void filter_add_words(struct filter_words *list, const char *text);

/*
 * "1.5-2", "250ms-", "-3s", "1m-2m": from and to as time since the recording began; units ns, us,
 * ms, s (default), m, h. -EINVAL says what is wrong.
 */
int filter_set_time(struct filter *f, const char *text, struct err *err);

bool filter_takes(const struct filter *f, const struct filter_sample *sample);

bool filter_is_late(const struct filter *f);
/*
 * Drops entries whose stack does not match `dso` and `symbol`; names must be there. A symbol
 * pattern matches the whole name or the name up to its parameters ("ns::f" for "ns::f(int)"); a dso
 * pattern the module's name or path. The dropped are added to coverage.n_filtered.
 */
void filter_apply(const struct filter *f, struct profile *p);
/* One of the patterns matches the name, as filter_apply has it. */
bool filter_symbol_matches(const struct filter_words *patterns, const char *name);

#endif
