/*
 * The DWARF engine alone, without jail, cache and demangling, as bench/vote.py and people who look
 * for a difference want it:	answers [-n] FILE <ADDRESSES
 * Output as of `addr2line -a -f -i`. -n: numbers of what was read, on standard error.
 * Further files: .dwo at their compilation directory or beside FILE, FILE.dwp, dwz files by
 * build-id below /usr/lib/debug or by the name that FILE says, also beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/dwarf/dwarf.h"
#include "report/symbol/answer.h"

enum { PATH_BYTES = 4096 };

static int open_file(const char *format, const char *a, const char *b)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), format, a, b);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int open_dwo(const char *beside, const struct dwarf_want *want)
{
	char dir[PATH_BYTES], name[PATH_BYTES];
	int fd = want->name[0] == '/' ? open_file("%s%s", want->name, "") :
					open_file("%s/%s", want->comp_dir, want->name);

	if (fd >= 0)
		return fd;
	snprintf(dir, sizeof(dir), "%s", beside);
	snprintf(name, sizeof(name), "%s", want->name);
	return open_file("%s/%s", dirname(dir), basename(name));
}

static int open_alt(const char *beside, const struct dwarf_want *want)
{
	const struct build_id *id = &want->build_id;
	char hex[2 * BUILD_ID_MAX + 1] = "", dir[PATH_BYTES], head[3] = "";
	int fd;

	for (unsigned int i = 0; i < id->n; i++)
		snprintf(hex + 2 * i, 3, "%02x", id->bytes[i]);
	memcpy(head, hex, 2);
	fd = open_file("/usr/lib/debug/.build-id/%s/%s.debug", head, hex + 2);
	if (fd < 0)
		fd = open_file("%s%s", want->name, "");
	if (fd >= 0)
		return fd;
	snprintf(dir, sizeof(dir), "%s", beside);
	return open_file("%s/%s", dirname(dir), want->name);
}

static int supply(void *ctx, const struct dwarf_want *want)
{
	const char *file = ctx;

	switch (want->kind) {
	case DWARF_WANT_ALT:
		return open_alt(file, want);
	case DWARF_WANT_DWO:
		return open_dwo(file, want);
	case DWARF_WANT_DWP:
		return open_file("%s%s", file, ".dwp");
	}
	return -ENOENT;
}

static int compare_addr(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Addresses of standard input, sorted, each once. */
static uint64_t *read_addrs(uint32_t *ret_n)
{
	size_t n = 0, cap = 0;
	uint64_t *addr = NULL;
	char line[128];
	uint32_t kept = 0;

	while (fgets(line, sizeof(line), stdin)) {
		if (n == cap) {
			cap = cap ? 2 * cap : 4096;
			addr = realloc(addr, cap * sizeof(*addr));
			if (!addr)
				exit(99);
		}
		addr[n++] = strtoull(line, NULL, 16);
	}
	if (n)
		qsort(addr, n, sizeof(*addr), compare_addr);
	for (size_t i = 0; i < n; i++)
		if (!kept || addr[i] != addr[kept - 1])
			addr[kept++] = addr[i];
	*ret_n = kept;
	return addr;
}

static void print_frames(const struct answers *a, uint32_t frame)
{
	if (frame == ANSWER_NONE)
		printf("??\n??:0\n");
	while (frame != ANSWER_NONE) {
		const struct answer_frame *f = &a->frame[frame];

		printf("%s\n%s:%" PRIu32 "\n", f->name ? answers_text(a, f->name) : "??",
		       f->file ? answers_text(a, f->file) : "??", f->line);
		frame = f->caller;
	}
}

static void print_stats(const struct dwarf *d)
{
	const struct dwarf_stats *s = dwarf_stats(d);

	fprintf(stderr,
		"units %" PRIu64 " read %" PRIu64 " bad %" PRIu64 " split missing %" PRIu64
		", addresses %" PRIu64 ": functions %" PRIu64 " lines %" PRIu64 " inlined %" PRIu64
		", sections %" PRIu64 " bytes, trouble '%s'\n",
		s->n_units, s->n_units_read, s->n_units_bad, s->n_split_missing, s->n_addrs,
		s->n_functions, s->n_lines, s->n_inlined, s->section_bytes, dwarf_trouble(d));
}

int main(int argc, char **argv)
{
	bool numbers = argc > 1 && strcmp(argv[1], "-n") == 0;
	char *file = argv[argc - 1];
	struct err err = { 0 };
	struct dwarf *d;
	struct answers_builder *out;
	struct buf bytes;
	struct answers a;
	uint32_t n = 0;
	uint64_t *addr;

	if (argc < 2)
		return 2;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct dwarf_input in = { .fd = fd, .name = file, .supply = supply, .supply_ctx = file };

	if (fd < 0 || dwarf_open(&in, &d, &err) < 0) {
		fprintf(stderr, "answers: %s: %s\n", file, fd < 0 ? strerror(errno) : err.text);
		return 1;
	}
	addr = read_addrs(&n);
	out = answers_builder_new();
	if (dwarf_answer(d, addr, n, out, &err) < 0)
		fprintf(stderr, "answers: %s: %s\n", file, err.text);
	if (numbers)
		print_stats(d);
	buf_init(&bytes);
	answers_finish(out, &bytes);
	answers_builder_free(out);
	dwarf_close(d);
	if (answers_open(bytes.data, bytes.n, &a, &err) < 0) {
		fprintf(stderr, "answers: %s: %s\n", file, err.text);
		return 1;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at;

		printf("0x%" PRIx64 "\n", addr[i]);
		print_frames(&a, answers_find(&a, addr[i], &at) ? a.first[at] : ANSWER_NONE);
	}
	buf_done(&bytes);
	free(addr);
	close(fd);
	return 0;
}
