/*
 * A .deb or .rpm package read in place, member after member, unpacked on the way. To be used in
 * the jail: libarchive and the decompressors see hostile bytes. Names of members never reach the
 * file system. Private to report/debug/.
 */
#ifndef REPORT_DEBUG_PACKAGE_H
#define REPORT_DEBUG_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_calls;
struct err;
struct package;

enum {
	PACKAGE_MEMBERS_MAX = 1 << 20,
	PACKAGE_FILTERS_MAX = 3, /* compressions around one another */
	PACKAGE_RATIO_MAX = 64,	 /* unpacked bytes for each byte of the package, and */
	PACKAGE_SPARE_BYTES = 96 << 20,
	PACKAGE_NAME_MAX = 1024, /* of a member; longer ones are cut */
};

/* What a package of this size may unpack to, and so the size of a member at most. */
static inline uint64_t package_unpacked_max(uint64_t size)
{
	return size > UINT64_MAX / (2 * PACKAGE_RATIO_MAX) ?
		       UINT64_MAX / 2 :
		       PACKAGE_SPARE_BYTES + PACKAGE_RATIO_MAX * size;
}

struct package_member {
	uint32_t number; /* from 1 */
	bool is_file;	 /* with bytes of its own: no link, no folder */
	uint64_t size;
	const char *name; /* printable; until the next call */
};

/* fd is lent. Failures of all three: -EBADMSG damaged, -EFBIG over a limit. */
int package_open(int fd, uint64_t size, const struct archive_calls *calls, struct package **ret,
		 struct err *err);
void package_close(struct package *p);

/* 1: *ret; 0: that was all. */
int package_next(struct package *p, struct package_member *ret, struct err *err);

/*
 * 1: a piece of the current member, in rising order, with holes (zeros) between them if the
 * member is sparse; 0: that was all. The bytes live until the next call.
 */
int package_piece(struct package *p, const void **ret, size_t *ret_n, uint64_t *ret_off,
		  struct err *err);

#endif
