/*
 * What the recorder and its inspector say to each other over a socket: a header, then its bytes.
 * The inspector reads hostile files, so the recorder checks whatever comes from it.
 */
#ifndef RECORD_INSPECT_MESSAGE_H
#define RECORD_INSPECT_MESSAGE_H

#include <stdint.h>

#include "common/format/event.h"
#include "common/format/file.h"

enum message_type {
	/* requests */
	MESSAGE_SNAPSHOT = 1, /* of pid; 0: of every process. Replies: EVENTs, DONE */
	MESSAGE_EMBED,	      /* struct message_object + path. Replies: CHUNKs, DONE */
	MESSAGE_FAILED,	      /* struct message_object + path + zero + reason: say so in the file */
	MESSAGE_KERNEL,	      /* uint64_t pcs. Replies: CHUNKs, DONE */
	MESSAGE_JIT_WATCH,    /* struct message_jit + path. Replies: those of LOOK */
	MESSAGE_JIT_LOOK,     /* struct message_jit. Replies: CHUNKs, STATEs, NOTEs, DONE */
	MESSAGE_JIT_END,      /* struct message_jit: of this pid. The same; DONE 1: it lives */
	MESSAGE_WHY,	      /* struct message_exec, several. Replies: REASONS, DONE */
	/* replies */
	MESSAGE_EVENT, /* struct message_event + path */
	MESSAGE_CHUNK, /* payload of OBJECT or JIT (of this pid), compressed; KERNEL: as it is */
	MESSAGE_JIT_STATE, /* struct message_jit of a file of this pid */
	MESSAGE_NOTE,	   /* text for the user, with its zero */
	MESSAGE_REASONS,   /* a byte for each message_exec: enum unsampled_reason */
	MESSAGE_DONE,	   /* code: 0, or why the request came to nothing; text: reason */
};

enum {
	MESSAGE_BYTES_MAX = CHUNK_STORED_MAX,
	MESSAGE_KERNEL_PCS = 1024,
	MESSAGE_REASON_MAX = 160,
	MESSAGE_EXECS = 64,
};

struct message {
	uint32_t type, n; /* n bytes follow */
	int32_t code;
	uint32_t pid;
	uint32_t chunk_type, raw_bytes, n_records; /* CHUNK */
	uint32_t reserved;
};

struct message_object {
	uint64_t start, end;
	uint64_t ino;
	uint32_t maj, min;
	struct build_id build_id;
};

/*
 * A file that describes code made at run time. The recorder keeps what a new inspector needs to go
 * on where a lost one was.
 */
enum jit_file_kind { JIT_FILE_MAP, JIT_FILE_DUMP };
struct message_jit {
	uint32_t kind;
	uint32_t flags;	   /* enum jit_flags */
	uint64_t off;	   /* read so far */
	uint64_t since_ns; /* last look; 0: never */
	uint64_t dev, ino; /* of the file that `off` speaks of; 0: none yet */
};
enum jit_flags {
	JIT_FLAG_FINAL = 1, /* LOOK, END: the last one, say what was left out */
	JIT_FLAG_DONE = 2,  /* refused or used up: not opened again */
};

/* A program that began and lost its events. */
struct message_exec {
	uint64_t time_ns;
	uint32_t pid, reserved;
	char comm[COMM_MAX];
};

struct message_event { /* SPACE, MMAP, COMM */
	uint64_t time_ns;
	uint32_t type, pid, tid, maj, min;
	uint64_t start, size, pgoff, ino;
	struct build_id build_id;
	char comm[COMM_MAX];
};

#endif
