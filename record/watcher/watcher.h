/*
 * What to sample: event texts as users write them -> watchers. Grammar, keys, names, defaults and
 * presets are those of Datadog's native profiler; perf's names of the same events are taken too.
 * Knows no perf_event_open: only what it will be asked for. Door of the room.
 *
 *	list   := event { ";" event }
 *	event  := word { ( "," | blank ) word }
 *	word   := NAME | GROUP ":" NAME | key "=" value
 */
#ifndef RECORD_WATCHER_H
#define RECORD_WATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

enum {
	WATCHERS_MAX = 10,
	WATCHER_NAME_BYTES = 64,
	WATCHER_FREQUENCY_MAX_HZ = 100000,
	WATCHER_STACK_BYTES_MAX = 65528,
};

enum watcher_class {
	WATCHER_COUNTER,    /* PERF_TYPE_SOFTWARE, PERF_TYPE_HARDWARE, PERF_TYPE_RAW */
	WATCHER_TRACEPOINT, /* config: the tracepoint's id, 0 until watcher_resolve */
	WATCHER_OFF_CPU,    /* context switches; the time between them is the weight */
	WATCHER_LIBRARY,    /* allocations: only libdd_profiling sees them */
	WATCHER_NOTHING,    /* sDUM: mappings and tasks without samples */
};

enum watcher_kernel {
	WATCHER_USER_ONLY,   /* nothing happens in the kernel */
	WATCHER_KERNEL_TRY,  /* kernel and user; user alone where the kernel is refused */
	WATCHER_KERNEL_NEED, /* happens in the kernel: without it there is nothing */
};

enum watcher_value {
	WATCHER_VALUE_PERIOD,	/* of the sample */
	WATCHER_VALUE_REGISTER, /* value_at: its DWARF number on this machine */
	WATCHER_VALUE_RAW,	/* value_at: offset in the raw bytes; value_bytes of them */
};

enum { WATCHER_MODE_SUM = 1, WATCHER_MODE_LIVE = 2 };

/* An event that can be asked for by name. Texts live for ever. */
struct watcher_kind {
	const char *name;  /* "sCPU" */
	const char *alias; /* perf's name: "task-clock"; NULL: none */
	const char *what;  /* for people */
	const char *unit;  /* of a sample's weight: "nanoseconds", "events" */
	enum watcher_class class;
	uint32_t type; /* PERF_TYPE_... */
	uint64_t config;
	uint64_t rate; /* samples a second with is_frequency, otherwise events a sample */
	bool is_frequency;
	enum watcher_kernel kernel;
};

struct watcher {
	const struct watcher_kind *kind; /* never NULL; tracepoints have one of their own */
	char name[WATCHER_NAME_BYTES];	 /* "sCPU", "sched:sched_switch", "id:317" */
	char label[WATCHER_NAME_BYTES];	 /* what the user calls it; the name unless given */
	uint64_t config;		 /* of the kind; or the tracepoint's id */
	uint64_t frequency_hz;		 /* 0: every `period` events */
	uint64_t period;		 /* 0 with frequency_hz */
	bool rate_given;		 /* by the text, so that --frequency does not change it */
	bool user_only;			 /* "sCPU:u": nothing of the kernel, whatever is allowed */
	bool deterministic;		 /* negative period of sALLOC: no random intervals */
	unsigned int mode;		 /* WATCHER_MODE_ */
	enum watcher_value value;
	uint32_t value_at, value_bytes;
	double scale;	      /* of the value; 1 */
	uint32_t stack_bytes; /* of this event's samples; 0: --stack-size */
};

/*
 * When not everything can be had: counts of the kernel's software, of hardware, tracepoints,
 * off-CPU time, and clocks, which everybody asks for.
 */
enum watcher_importance {
	IMPORTANCE_SOFTWARE,
	IMPORTANCE_HARDWARE,
	IMPORTANCE_TRACEPOINT,
	IMPORTANCE_OFF_CPU,
	IMPORTANCE_CLOCK
};
enum watcher_importance watcher_importance(const struct watcher *w);

struct watchers {
	struct watcher watcher[WATCHERS_MAX];
	size_t n;
};

/*
 * Adds the events of a text. -EINVAL: wrong text, err names the word and what was expected;
 * "Duplicate event found in input: sCPU", "Invalid event/tracepoint (x)" stand at its start.
 * -E2BIG: more than WATCHERS_MAX.
 */
int watchers_add(struct watchers *w, const char *text, struct err *err);

/*
 * Adds what a preset wants and the list does not name yet: default, cpu_only, alloc_only,
 * cpu_live_heap, alloc_live_heap. "Unknown preset (x)". `attached`: processes that run already;
 * allocations are left out of "default" there, as nothing can be loaded into them.
 */
int watchers_add_preset(struct watchers *w, const char *preset, bool attached, struct err *err);

/* --frequency: for all watchers that sample by frequency and do not name their own. */
void watchers_set_frequency(struct watchers *w, uint32_t hz);
/* --count: for all that the kernel counts and that do not name a rate of their own. */
void watchers_set_period(struct watchers *w, uint64_t period);

/*
 * Finds the ids of tracepoints below a mounted tracefs. -ENOENT: no such tracepoint (nearest names
 * in err); -ENODEV: no tracefs is mounted; -EACCES: it may not be read. err has the remedy.
 * roots: NULL-terminated places to look, NULL: the usual ones.
 */
int watchers_resolve(struct watchers *w, const char *const *roots, struct err *err);

/*
 * The weight of a resolved tracepoint is what this field of its record says. -ENOENT: it has none
 * of this name; -EBADMSG: that is no number; -ENODEV: what the record has cannot be read. roots as
 * above.
 */
int watcher_take_field(struct watcher *w, const char *field, const char *const *roots,
		       struct err *err);

/* The table, its end is a row without name. For help, man page, completions. */
const struct watcher_kind *watcher_kinds(void);
const struct watcher_kind *watcher_kind_find(const char *name); /* or alias; NULL */

/* -e help */
void watchers_print_help(FILE *out);

#endif
