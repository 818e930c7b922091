/*
 * What a host says of its operating system: os-release(5). Values are short and printable, whoever
 * wrote them.
 */
#ifndef COMMON_BASE_OS_H
#define COMMON_BASE_OS_H

#include <stddef.h>

enum { OS_TEXT_MAX = 96 }; /* bytes of a value, the 0 included; longer ones are cut */

struct os_release {
	char id[OS_TEXT_MAX];	   /* "debian"; "" not known. Lower-case, digits, ".", "_", "-" */
	char version[OS_TEXT_MAX]; /* "12"; likewise */
	char like[OS_TEXT_MAX];	   /* "rhel fedora": what it descends from; likewise, and blanks */
	char name[OS_TEXT_MAX];	   /* "Debian GNU/Linux 12 (bookworm)"; printable ASCII */
};

/* Of this host: /etc/os-release, else /usr/lib/os-release; all "" without either. */
void os_release_read(struct os_release *ret);

/* Text of the file; n bytes. Lines that are not understood are left out. */
void os_release_parse(const char *text, size_t n, struct os_release *ret);

/* "debian 12" (id and version), what it is like, its name: by others, so with the same care. */
void os_release_take(struct os_release *ret, const char *pair, const char *like, const char *name);

#endif
