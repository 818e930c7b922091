/*
 * The inspector: a child that reads procfs and ELF files for the recorder, because opening what
 * belongs to a target may hang for ever. It answers one request at a time; late, it is killed,
 * a new one is started, and the request is written off with its reason.
 * Door of the room.
 */
#ifndef RECORD_INSPECT_H
#define RECORD_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/format/event.h"
#include "common/format/object.h"
#include "common/format/unsampled.h"

struct err;
struct inspector;

enum inspect_embed { EMBED_NONE, EMBED_UNWIND, EMBED_SYMBOLS, EMBED_FULL };

/* Where its answers go. All are called from inspector_work(). */
struct inspect_sink {
	void *ctx;
	void (*event)(void *ctx, struct event *event); /* SPACE, MMAP, COMM of a snapshot */
	/*
	 * Compressed, but for KERNEL. `tag`: object_tag(); of JIT the pid. Negative: not now; it is
	 * offered again.
	 */
	int (*chunk)(void *ctx, enum chunk_type type, uint64_t tag, const void *stored,
		     size_t stored_bytes, size_t raw_bytes, uint32_t n_records);
	void (*embedded)(void *ctx, bool ok); /* one object is through */
	/* a process that the kernel gives no samples of */
	void (*unsampled)(void *ctx, enum unsampled_reason reason, const char *name);
	/* a snapshot of this process alone is not allowed */
	void (*hidden)(void *ctx, uint32_t pid);
};

/*
 * Forks a process that makes inspectors, and asks it for one: call early, while the recorder is
 * small and has its rights.
 */
int inspector_start(enum inspect_embed embed, const struct inspect_sink *sink,
		    struct inspector **ret, struct err *err);
/* Waits for that one, once. Other things can be done meanwhile: on a busy host it takes time. */
int inspector_await(struct inspector *in, struct err *err);
void inspector_stop(struct inspector *in);

int inspector_fd(const struct inspector *in);	 /* readable: call inspector_work; -1: none runs */
pid_t inspector_pid(const struct inspector *in); /* of the one that runs; 0: not known */
pid_t inspector_spare_pid(const struct inspector *in); /* who makes them */
/* Whether this process is, or was, one of them. */
bool inspector_owns(const struct inspector *in, uint32_t pid);
uint64_t inspector_busy_ns(const struct inspector *in); /* CPU time of all of them so far */

/* Requests are queued and never block; the full queue drops them (false). */
bool inspector_ask_snapshot(struct inspector *in, uint32_t pid); /* 0: all */
bool inspector_ask_embed(struct inspector *in, const struct object_key *key, uint32_t pid,
			 uint64_t start, uint64_t end);
bool inspector_ask_kernel(struct inspector *in, uint64_t pc);

/*
 * Each event of mappings and tasks: who makes code at run time is told by them, and the files that
 * describe it are read as they grow (ddprof.data(5), "Code made at run time"). They also tell which
 * programs lost their events when they began (ddprof.data(5), "Unsampled").
 */
void inspector_note(struct inspector *in, const struct event *event);

/*
 * Sends what is queued and takes what has come, without blocking. Events of snapshots wait until
 * they are not younger than `until_ns`, so that they can be merged with the kernel's.
 */
void inspector_work(struct inspector *in, uint64_t now_ns, uint64_t until_ns);
bool inspector_idle(const struct inspector *in);	     /* nothing asked, nothing to come */
uint32_t inspector_n_unanswered(const struct inspector *in); /* objects that were asked for */
/*
 * Nothing waits to be asked together with more until inspector_calm: a file is about to end, and
 * has all that its samples met when the inspector is idle.
 */
void inspector_hurry(struct inspector *in);
void inspector_calm(struct inspector *in);
/* Nothing new is asked of it while it rests, but for what finishes. */
void inspector_rest(struct inspector *in, bool rest);
/* Works until idle or `end_ns`; for the start and (`last`) the end. */
void inspector_finish(struct inspector *in, uint64_t end_ns, bool last);

#endif
