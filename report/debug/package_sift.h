/*
 * One pass over a package: which members are ELF files and what they are; those that are wanted
 * are handed on as files. Runs in the jail. Private to report/debug/.
 */
#ifndef REPORT_DEBUG_PACKAGE_SIFT_H
#define REPORT_DEBUG_PACKAGE_SIFT_H

#include <stddef.h>
#include <stdint.h>

#include "common/format/event.h"

struct archive_calls;
struct err;

struct package_sift {
	const struct archive_calls *calls;
	int fd;
	uint64_t size;
	/*
	 * With targets: just these members, by rising number, whatever they are; the pass ends
	 * behind the last. Without: all are looked at, ELF files with these build-ids are wanted,
	 * and the dwz files that they name.
	 */
	const uint32_t *target;
	size_t n_targets;
	const struct build_id *wanted;
	size_t n_wanted;
	void *ctx;
	/*
	 * An empty file to unpack into; the one handed over before holds member `number` and is
	 * no longer ours (0: there is none yet). *ret -1: not wanted after all, go on with it.
	 */
	int (*swap)(void *ctx, uint32_t number, int *ret, struct err *err);
	/* A finding (finding.h). */
	int (*found)(void *ctx, const void *bytes, size_t n, struct err *err);
};

/* 0; failures of package.h, probably after some findings. */
int package_sift(const struct package_sift *s, struct err *err);

#endif
