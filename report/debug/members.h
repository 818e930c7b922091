/*
 * Members of packages, as files in memory. One pass over a package looks at all of its members
 * and keeps those that are wanted, so that nothing is unpacked twice where the wants are known
 * before. Members are unpacked by a jailed child into memory that is sealed before it is looked
 * at. Private to report/debug/.
 */
#ifndef REPORT_DEBUG_MEMBERS_H
#define REPORT_DEBUG_MEMBERS_H

#include <stdbool.h>

#include "common/format/event.h"
#include "report/debug/catalog.h"

struct buf;
struct err;

enum {
	MEMBERS_WANTED_MAX = 4096,
	MEMBERS_KEPT_MAX = 256,
	MEMBERS_KEPT_BYTES_MAX = 1 << 30,
};

/* One that is kept. */
struct member {
	struct identity package;
	uint32_t member;
	int fd;
	uint64_t size;
};

struct members {
	struct build_id *wanted;
	size_t n_wanted, wanted_cap;
	struct member *kept; /* oldest first */
	size_t n_kept, kept_cap;
	uint64_t kept_bytes;
};

void members_init(struct members *m);
void members_done(struct members *m);
void members_want(struct members *m, const struct build_id *id);

/* A package to be looked at. */
struct package_look {
	int fd; /* lent */
	struct identity identity;
	const char *name;  /* for messages; its path below the root will do */
	struct buf *found; /* findings about its members: items and notes */
	char reason[256];  /* what went wrong, without the name, printable; "" nothing */
	bool undone;	   /* not looked at, or not to its end, which is not its own fault; without
			    * a reason it was said already */
};

/* All of them, several side by side. */
void members_look(struct members *m, struct package_look *look, size_t n);

/*
 * One member, whose number is known, as a sealed file in memory; the caller's. Others of the same
 * package that are wanted are kept in the same pass: `item` are the package's, by rising number.
 * -EBADMSG: it is not what its item says; -ENOTSUP: no libarchive.
 */
int members_open(struct members *m, int fd, const struct identity *package, const char *name,
		 const struct catalog_item *item, uint32_t n_items, uint32_t member,
		 struct err *err);

#endif
