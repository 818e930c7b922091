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
	/* replies */
	MESSAGE_EVENT, /* struct message_event + path */
	MESSAGE_CHUNK, /* a compressed payload of OBJECT or KERNEL */
	MESSAGE_DONE,  /* code: 0, or why the request came to nothing; text: reason */
};

enum {
	MESSAGE_BYTES_MAX = CHUNK_STORED_MAX,
	MESSAGE_KERNEL_PCS = 1024,
	MESSAGE_REASON_MAX = 160,
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

struct message_event { /* SPACE, MMAP, COMM */
	uint64_t time_ns;
	uint32_t type, pid, tid, maj, min;
	uint64_t start, size, pgoff, ino;
	struct build_id build_id;
	char comm[COMM_MAX];
};

#endif
