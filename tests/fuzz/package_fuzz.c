/*
 * Any bytes as a package: what a jailed child does, without the jail. Findings make sense to the
 * parent's reader, members come by rising number and within the limit, and a refusal says why.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "report/debug/finding.h"
#include "report/debug/package.h"
#include "report/debug/package_archive.h"
#include "report/debug/package_sift.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct seen {
	struct buf found;
	uint32_t last;
	int scratch;
	uint64_t size_max;
	const uint32_t *target;
	size_t n_targets;
};

static int swap(void *ctx, uint32_t number, int *ret, struct err *err)
{
	struct seen *s = ctx;
	struct stat st;

	(void)err;
	if (number) {
		if (number <= s->last || fstat(s->scratch, &st) < 0 ||
		    (uint64_t)st.st_size > s->size_max)
			abort();
		s->last = number;
	}
	if (number % 3 == 2) /* not wanted after all */
		return 0;
	if (s->scratch >= 0)
		close(s->scratch);
	s->scratch = memfd_create("member", MFD_CLOEXEC);
	*ret = dup(s->scratch);
	return 0;
}

static int found(void *ctx, const void *bytes, size_t n, struct err *err)
{
	(void)err;
	buf_put(&((struct seen *)ctx)->found, bytes, n);
	return 0;
}

static void check_found(const struct seen *s)
{
	struct catalog c;
	struct identity identity = { 0 };
	struct findings f = { .into = &c, .items_only = true };
	struct err err = { 0 };

	catalog_init(&c);
	f.file = catalog_add_file(&c, "x", 1, &identity, CATALOG_PACKAGE, "", 0);
	if (findings_take(&f, s->found.data, s->found.n, &err) < 0)
		abort();
	catalog_seal(&c);
	for (size_t i = 0; i < c.n_items; i++)
		if (!c.item[i].member || c.item[i].size > s->size_max)
			abort();
	catalog_done(&c);
}

static void sift(int fd, size_t n, const uint32_t *target, size_t n_targets)
{
	struct seen seen = { .scratch = -1, .size_max = package_unpacked_max(n) };
	static const struct build_id wanted = { .n = 4, .bytes = "abcd" };
	struct package_sift s = {
		.fd = fd,
		.size = n,
		.target = target,
		.n_targets = n_targets,
		.wanted = &wanted,
		.n_wanted = 1,
		.ctx = &seen,
		.swap = swap,
		.found = found,
	};
	struct err err = { 0 };

	if (archive_load(&s.calls, &err) < 0)
		return;
	buf_init(&seen.found);
	if (package_sift(&s, &err) < 0 && !err.text[0])
		abort();
	check_found(&seen);
	if (seen.scratch >= 0)
		close(seen.scratch);
	buf_done(&seen.found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint32_t target[] = { 2, 3, 5 };
	int fd = memfd_create("package", MFD_CLOEXEC);

	if (fd < 0 || io_write(fd, data, n, NULL) < 0)
		return 0;
	sift(fd, n, NULL, 0);
	sift(fd, n, target, sizeof(target) / sizeof(target[0]));
	close(fd);
	return 0;
}
