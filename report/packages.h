/*
 * Which package brings the debug information of a file. What the package database of this machine
 * says counts when the recording is of the same system, or when the same build lies here; else a
 * table of files whose package is known; else what to ask on the recorded host.
 * Source: table in packages_known.c; deb-dbgsym(7)-style names of Debian and Ubuntu, build-id paths
 * of Fedora's and SUSE's debuginfo packages as their debuggers ask for them.
 */
#ifndef REPORT_PACKAGES_H
#define REPORT_PACKAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/os.h"

struct build_id;
struct packages;

enum packages_family {
	PACKAGES_UNKNOWN,
	PACKAGES_DEBIAN,
	PACKAGES_FEDORA,
	PACKAGES_SUSE,
	PACKAGES_ARCH,
	PACKAGES_ALPINE,
};

struct packages_options {
	struct os_release recorded; /* id "": not known */
	struct os_release here;
	const char *dpkg_dir; /* *.list: files of packages; NULL: nobody is asked */
};

struct packages_file {
	const char *path;
	const struct build_id *build_id;
	bool same_build; /* the file at this path, here, has this build-id */
};

struct packages_advice {
	const char *package; /* to be installed; "" not known */
	const char *owner;   /* the package that holds the file; "" not known */
	const char *command; /* for a shell on a machine of the recorded system; "" none */
	const char *text;    /* what to do, in words; never "" */
	bool own_build;	     /* of no package: built there */
};

struct packages *packages_new(const struct packages_options *o);
void packages_free(struct packages *p);

/* One answer for each of n files, all there are; texts live as long as p. */
void packages_advise(struct packages *p, const struct packages_file *file, size_t n,
		     struct packages_advice *ret);

enum packages_family packages_family(const struct os_release *os);

/* ---- packages_known.c ---- */

enum { PACKAGES_NAME_MAX = 128 };

/* The debug package of a package: "libc6" has "libc6-dbg", most have "NAME-dbgsym". */
void packages_debug_of(const char *owner, char ret[PACKAGES_NAME_MAX]);
/* The debug package of a file by its path alone. False: not known. */
bool packages_debug_of_file(const char *path, char ret[PACKAGES_NAME_MAX]);

/* ---- packages_dpkg.c ---- */

enum {
	DPKG_LIST_MAX = 32 << 20,  /* bytes of one package's list */
	DPKG_LISTS_MAX = 64 << 10, /* packages */
};

struct packages_wanted {
	const char *path;
	char owner[PACKAGES_NAME_MAX]; /* filled: "" not found */
};
/* Looks all of them up at once. False: no such database. */
bool packages_dpkg(const char *dir, struct packages_wanted *wanted, size_t n);

#endif
