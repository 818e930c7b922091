/*
 * A profile: every stack of the kept samples as one calling-context tree, what each leaf weighs by
 * thread and event source, and the names of the places. Built in two steps: samples are added while
 * the recording streams by (places are numbers then), names come afterwards, once for each place.
 * Memory grows with distinct stacks, never with samples.
 */
#ifndef REPORT_PROFILE_H
#define REPORT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/intern.h"
#include "common/base/map.h"
#include "common/format/event.h"
#include "common/format/record.h"
#include "report/symbol/symbol.h"
#include "report/unwind/unwind.h"

enum {
	PROFILE_NONE = UINT32_MAX, /* "no such index" in every table below */
};
enum { PROFILE_ADVICE_MAX = 8 };

/*
 * Tree of calls, callers towards the root. Node 0 is the root and has no place; a parent's index
 * is always below its children's, so one pass upwards or downwards needs no recursion.
 */
struct profile_node {
	uint32_t parent;
	uint32_t place;
	/*
	 * while adding: first child, the other child looked up last; sealed: first child, next
	 * sibling
	 */
	uint32_t first, recent;
	uint32_t entry; /* while adding: first entry plus 1; 0: none */
};

/*
 * A place in code: `place` indexes the unwinder's locs; behind those come places for inlined frames
 * (naming adds them). function, file and line are set by naming.
 */
struct profile_place {
	uint64_t addr; /* as in struct loc */
	uint32_t module;
	uint32_t function;
	/* source line of this frame (of the call, for callers); 0: not known */
	uint32_t line, column;
	str_id file; /* full path; 0: not known */
	/* the frame's body was inlined into its parent node's, which has the same addr */
	bool inlined;
	/*
	 * Not inlined: places [inner, inner + n_inner) are the frames inlined at this address,
	 * outermost first. Inlined: `inner` is the place of the function whose code it is.
	 */
	uint32_t inner, n_inner;
};

/* Inlined frames of a whole profile, places and nodes alike: more than this are not shown. */
enum { PROFILE_INNER_LEAST = 1 << 20, PROFILE_INNER_EACH = 32 };

/* Frames that are no code: they say what is not known, or what time it was. */
enum profile_label {
	LABEL_NO_RIGHTS,
	LABEL_NO_SAMPLE,
	LABEL_FROM_START,
	LABEL_NEW,
	LABEL_TO_END,
	LABEL_ASLEEP,
	LABEL_WAITING,
	LABELS
};
const char *profile_label_text(enum profile_label label);

struct profile_function {
	str_id name;	    /* for people: demangled, or "[libx.so+0x123]" when unnamed */
	str_id system_name; /* as in the symbol table; same as name when unnamed */
	uint32_t module;
	bool named; /* by a symbol; false: made up from module and address */
};

enum profile_module_kind {
	MODULE_FILE,
	MODULE_ANONYMOUS,
	MODULE_KERNEL,
	MODULE_UNMAPPED,
	MODULE_JIT,   /* code made at run time, described by its runtime */
	MODULE_LABEL, /* no code */
};

struct profile_module {
	enum profile_module_kind kind;
	str_id name; /* "libc.so.6", "[kernel]", "[anon]" */
	str_id path; /* as mapped */
	struct build_id build_id;
	bool has_names;		   /* at least one place was named by a symbol */
	enum symbol_tables tables; /* what its symbol tables know */
	bool full_debug;	   /* debug information was read, lines or not */
	bool from_cache;	   /* ... by an earlier report */
	uint64_t n_gaps;	   /* files that it refers to and that were not found */
	bool local_names;	   /* some came from files of this machine */
	bool has_lines;		   /* at least one place has a source line */
	str_id debug_file;	   /* whose debug information answered; "" none */
	str_id symbols_reason;	   /* why there are no names; "" when there are */
	enum unwind_object_state unwind_state;
	str_id unwind_reason;
	/* First executable segment as linked, for exports; all 0 when not known. */
	uint64_t code_addr, code_size, code_file_off;
};

/* A thread under one name; a rename makes another. */
struct profile_thread {
	uint32_t pid, tid;
	str_id comm;	/* "" when not known */
	str_id process; /* name of the process's main thread */
};

/* What one leaf of the tree weighs in one thread. */
struct profile_entry {
	uint32_t node, thread;
	uint32_t source;
	uint64_t count;	 /* samples */
	uint64_t weight; /* in units of the source */
};

/* Time from one moment to another, not so many samples of a clock. */
enum profile_time { TIME_SAMPLED, TIME_ASLEEP, TIME_WAITING, TIME_WALL };

struct profile_source {
	bool used;
	enum profile_time time;
	struct record_source about;
	uint64_t count, weight;
	uint64_t off_ns; /* switched off to spare CPU: the sums are a lower bound */
};

/* How complete the stacks are: counted over kept samples. */
struct profile_coverage {
	uint64_t stops[UNWIND_STOPS];	  /* samples by why their walk ended */
	uint64_t methods[UNWIND_METHODS]; /* frames by how they were found */
	uint64_t n_filtered;		  /* samples left out by filters */
};

/* What the recording says of itself, for the line about losses and for exports. */
struct profile_origin {
	struct record_counters counters;
	uint64_t n_unreadable;		  /* samples in chunks that cannot be read */
	bool ended;			  /* false: the recorder was killed */
	uint64_t n_damaged;		  /* damaged places of the file */
	uint64_t first_ns, last_ns;	  /* CLOCK_MONOTONIC of the recorded host */
	uint64_t realtime_ns;		  /* wall clock at first_ns; 0 when not recorded */
	struct unsampled_table unsampled; /* programs of which there are no samples at all */
};

struct profile_builder;

struct profile {
	struct intern names;
	struct profile_node *node;
	size_t n_nodes, node_cap;
	struct profile_entry *entry;
	size_t n_entries, entry_cap;
	struct profile_thread *thread;
	size_t n_threads, thread_cap;
	struct profile_place *place;
	size_t n_places;
	struct profile_module *module;
	size_t n_modules, module_cap;
	struct profile_function *function;
	size_t n_functions, function_cap;
	struct map functions; /* (module, name) -> index */
	struct profile_source source[SOURCE_MAX];
	struct profile_coverage coverage;
	struct profile_origin origin;
	uint64_t n_samples;
	/* what to do for more names, a sentence each, for people */
	str_id advice[PROFILE_ADVICE_MAX];
	uint32_t n_advice;
	struct profile_builder *builder;
};

struct profile *profile_new(void);
void profile_free(struct profile *p);

/* Index of this thread under this name. Names may hold any bytes. */
uint32_t profile_thread(struct profile *p, uint32_t pid, uint32_t tid, const char *comm,
			const char *process);

/*
 * Adds one sample. Frames as unwind_sample gave them: n_shared must speak of the previous
 * call for the same `tid`.
 */
void profile_add(struct profile *p, uint32_t thread, uint8_t source, uint64_t weight,
		 const struct frames *frames);

/* The same in two steps, for samples whose weight comes later: the leaf; then time of that leaf. */
uint32_t profile_leaf(struct profile *p, uint32_t thread, const struct frames *frames);
void profile_add_time(struct profile *p, uint32_t node, uint32_t thread, uint8_t source,
		      uint64_t weight);
/* So many samples at once, as another profile had them. */
void profile_add_entry(struct profile *p, uint32_t node, uint32_t thread, uint8_t source,
		       uint64_t count, uint64_t weight);
/* The child of a node that is this place. */
uint32_t profile_child(struct profile *p, uint32_t node, uint32_t place);

/*
 * No samples follow: frees what only adding needs, and makes entries of one leaf and thread
 * neighbours when there are several sources.
 */
void profile_seal(struct profile *p);

/*
 * A node whose place has inlined frames becomes a chain of nodes: the function whose code it is
 * keeps the parent, each inlined frame is the child of the one it was inlined into, and what the
 * place called, and its entries, hang at the innermost. Once, after naming.
 */
void profile_expand(struct profile *p);
void profile_link(struct profile *p); /* lists of children, for those who made new nodes */

/* For naming: each returns the new or existing index. */
uint32_t profile_add_module(struct profile *p, const struct profile_module *module);
uint32_t profile_function(struct profile *p, uint32_t module, str_id name, str_id system_name,
			  bool named);

static inline const char *profile_text(const struct profile *p, str_id id)
{
	return intern_text(&p->names, id);
}

/* Samples that the kernel produced and this profile lacks; the sum and its parts. */
struct profile_losses {
	uint64_t produced, lost;
	uint64_t ring_full, undecodable, unwritten, unreadable;
};
struct profile_losses profile_losses(const struct profile *p);

/* The function of a node; PROFILE_NONE for the root. */
static inline uint32_t profile_node_function(const struct profile *p, uint32_t node)
{
	return node ? p->place[p->node[node].place].function : PROFILE_NONE;
}

#endif
