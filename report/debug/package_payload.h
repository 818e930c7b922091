/*
 * Where in a package its files are. Private to report/debug/.
 * Source: deb(5), ar(5); RPM Package File Structure (rpm.org, "Lead", "Signature", "Header").
 */
#ifndef REPORT_DEBUG_PACKAGE_PAYLOAD_H
#define REPORT_DEBUG_PACKAGE_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	PACKAGE_HEAD_BYTES = 24, /* enough to know a package by */
	PAYLOAD_AR_MEMBERS_MAX = 16,
	PAYLOAD_RPM_ENTRIES_MAX = 1 << 16, /* of one header */
	PAYLOAD_RPM_BYTES_MAX = 256 << 20,
};

/* A compressed archive: bytes off to off + size of the package. */
struct payload {
	uint64_t off, size;
	bool is_cpio; /* else tar */
};

/* .deb or .rpm, by a file's first bytes. A static library (ar, too) is none. */
bool package_is(const void *head, size_t n);

/* size: of the package. -EBADMSG, -EFBIG. */
int payload_find(int fd, uint64_t size, struct payload *ret, struct err *err);

#endif
