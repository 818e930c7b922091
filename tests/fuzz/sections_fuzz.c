/*
 * Any bytes as an ELF file: every section of every kind is found, unpacked, relocated, dropped and
 * had again, as a file and as a split one; then links, notes and text. What is lent must be there
 * to its last byte. Limits on what packed sections claim are the decoder's own.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "report/dwarf/sections.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	INPUT_MAX = 1 << 16,
	/* a small input may rightly claim 4096 times its size: that is not unpacked here */
	UNPACK_MAX = 16 << 20,
};

static volatile uint8_t sink;

static void touch(const struct section *s)
{
	if (s->n && !s->data)
		abort();
	for (uint64_t i = 0; i < s->n; i += 4096)
		sink = s->data[i];
	if (s->n)
		sink = s->data[s->n - 1];
}

static void get_all(struct sections *s)
{
	for (int kind = 0; kind < SECTION_KINDS; kind++) {
		struct section got = { 0 }, again = { 0 };
		struct err err = { 0 };
		int status;

		if (sections_size(s, kind) > UNPACK_MAX)
			continue;
		status = sections_get(s, kind, &got, &err);
		if (status < 0 && !err.text[0])
			abort();
		touch(&got);
		sections_drop(s, kind);
		if (sections_get(s, kind, &again, NULL) != status || again.n != got.n)
			abort();
		touch(&again);
	}
}

static void ask_all(struct sections *s)
{
	static const char *const names[] = { ".plt", ".text", ".opd", "" };
	struct build_id id;
	const char *name;
	uint64_t a, b;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sections_find(s, names[i], &a, &b);
	if (sections_alt(s, &name, &id) && (strlen(name) > INPUT_MAX || id.n > BUILD_ID_MAX))
		abort();
	if (sections_build_id(s, &id) && id.n > BUILD_ID_MAX)
		abort();
	if (sections_text(s, &a, &b) && a > b)
		abort();
	sections_base(s, sections_holding(s, a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int fd = n && n <= INPUT_MAX ? memfd_create("fuzz", MFD_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (io_write(fd, data, n, NULL) < 0)
		abort();
	for (int split = 0; split < 2; split++) {
		struct sections *s;
		struct err err = { 0 };

		if (sections_open(fd, split, &s, &err) < 0) {
			if (!err.text[0])
				abort();
			continue;
		}
		ask_all(s);
		get_all(s);
		sections_close(s);
	}
	close(fd);
	return 0;
}
