/*
 * Address spaces of the recorded processes at the present point of the event stream: apply
 * events in time order, then ask what is mapped where. The recorder judges stack words with it,
 * the report finds the object of each frame with it: same code, same answer.
 *
 * A mapping is an interval in time: exec and exit end all of a process's, a later mapping
 * replaces what it overlaps, fork copies. munmap is invisible to the kernel's records.
 */
#ifndef COMMON_SPACE_H
#define COMMON_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"

/*
 * A file that was mapped: known by build-id, else by (path, device, inode).
 * Ids are dense from 1; 0 means none. Kept until spaces_free, but for spaces_sweep.
 */
struct space_object {
	struct build_id build_id;
	uint32_t maj, min;
	uint64_t ino;
	const char *path; /* of its first mapping */
	/* "//anon", "[heap]", "/memfd:...": no file to read; addresses are run-time ones */
	bool anonymous;
};

struct mapping {
	uint64_t start, end, pgoff;
	uint32_t object;
};

/* Mappings sorted by start, never overlapping. */
struct space {
	uint32_t pid;
	bool known; /* all mappings are known: seen from exec, fork of a known one, or a snapshot */
	uint32_t n, cap;
	struct mapping *map;
	/*
	 * Changes with each change of the mappings and is unique among all spaces of one `spaces`
	 * over its life (a fork's copy gets its own): a cache keyed by it can never be stale.
	 */
	uint64_t generation;
	/*
	 * Quick rejection: every mapping lies in one of these hulls, sorted (code of the program,
	 * of libraries, vdso...).
	 */
	uint32_t n_hulls;
	struct {
		uint64_t start, end;
	} hull[4];
};

struct thread {
	uint32_t pid, tid;
	char comm[COMM_MAX]; /* "" when not known */
	uint64_t start_ns;   /* of its FORK; 0 when not seen */
};

struct spaces;

/*
 * limits bound what hostile or huge inputs can cost; what passes them is refused and counted
 * (spaces_refused). 0 takes the default: 1 Mi mappings, 64 Ki objects, 256 Ki processes and
 * threads.
 */
struct spaces_limits {
	uint32_t n_mappings, n_objects, n_processes, n_threads;
};

/*
 * NULL without memory. All memory is reserved (not touched) here; spaces_apply allocates nothing.
 */
struct spaces *spaces_new(const struct spaces_limits *limits);
void spaces_free(struct spaces *s);

/*
 * In time order. EVENT_SAMPLE and THROTTLE change nothing, nor does LOST of samples. LOST of
 * mapping and task events (SOURCE_MAX) drops the mappings of every process until a snapshot.
 * EVENT_GAP forgets every process and thread.
 */
void spaces_apply(struct spaces *s, const struct event *event);

struct space *spaces_find(struct spaces *s, uint32_t pid);	    /* NULL: no such process now */
const struct thread *spaces_thread(struct spaces *s, uint32_t tid); /* NULL: not known */

const struct mapping *space_find(const struct space *sp, uint64_t addr);

static inline bool space_has_code(const struct space *sp, uint64_t addr)
{
	for (uint32_t i = 0; i < sp->n_hulls; i++)
		if (addr - sp->hull[i].start < sp->hull[i].end - sp->hull[i].start)
			return space_find(sp, addr) != NULL;
	return false;
}

/* NULL: 0, not yet given, or forgotten. */
const struct space_object *spaces_object(const struct spaces *s, uint32_t object);
uint32_t spaces_n_objects(const struct spaces *s); /* ids are 1..n */
/* By some process, at the last sweep or since. */
bool spaces_object_is_mapped(const struct spaces *s, uint32_t object);
uint64_t spaces_refused(const struct spaces *s);

/*
 * For who follows events for hours, from time to time: what is dead is forgotten. Files that no
 * process has mapped, but for the thousand mapped last, lose their id, which is for another file
 * then: `gone` is called before. A process of which nothing is known and nothing was met for
 * SPACES_SWEEPS_UNKNOWN sweeps goes: its end was lost, or it sleeps and is looked up when it is
 * met. Allocates nothing; takes time for each mapping. Returns how many files went.
 */
enum { SPACES_SWEEPS_UNKNOWN = 6 };
uint32_t spaces_sweep(struct spaces *s, void (*gone)(void *ctx, uint32_t object), void *ctx);

/* Calls for each live process / thread, for keyframes. */
void spaces_each_space(struct spaces *s, void (*f)(void *ctx, const struct space *sp), void *ctx);
void spaces_each_thread(struct spaces *s, void (*f)(void *ctx, const struct thread *t), void *ctx);

/*
 * Keeps the words of a raw stack that point into a mapping of `sp`, and those that point further
 * up the stack to a whole word (at most 8 MiB above the stack pointer): return addresses, and
 * registers that find an outer frame. Registers that point into a mapping or the stack are kept;
 * sp and pc stay. aarch64: pointer-authentication bits are removed from a word before it is
 * judged and stored. `words` has room for STACK_WORDS_MAX. Sets sample->words, n_words, regs;
 * stack = NULL. x86-64: what lies above the stack of a thread (from its control block on) is not
 * stack and goes; stack_bytes then ends there, and stack_cut is false. Unknown space: all words
 * go, stack_dropped is set. A chain that the kernel walked ends before the first caller that is
 * in no mapping: by frame pointers it may have gone astray into data. Returns words kept.
 * DESIGN "Scrubbed stacks"; ddprof.data(5), "Stack".
 */
uint32_t space_scrub(const struct space *sp, enum machine machine, struct event_sample *sample,
		     struct stack_word *words);

/* --stacks=raw: every word in order, registers untouched. Same result form as space_scrub. */
uint32_t space_keep_all(struct event_sample *sample, enum machine machine,
			struct stack_word *words);

#endif
