/*
 * Any bytes as a source file, any lines in it: pages of annotated source. The first bytes choose:
 *
 *	{ context u8, columns u8, n u8, line u16 x n, source }
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "report/export/export.h"
#include "tests/unit/profile_made.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES = 3, LINES_MAX = 8, SOURCE_BYTES_MAX = 4096 };

struct source {
	struct export_text text;
	uint32_t start[SOURCE_BYTES_MAX + 2];
};

static void find_lines(struct source *s, const uint8_t *bytes, size_t n)
{
	*s = (struct source){ .text = { .path = "x.c", .bytes = (const char *)bytes } };
	s->text.start = s->start;
	for (size_t i = 0; i < n; i++)
		if (!i || bytes[i - 1] == '\n')
			s->start[s->text.n_lines++] = (uint32_t)i;
	s->start[s->text.n_lines] = (uint32_t)n;
}

static const struct export_text *get(void *ctx, const char *path, const char **ret_reason)
{
	(void)path;
	*ret_reason = "";
	return &((struct source *)ctx)->text;
}

/* All letters from 'A' on are one function, each at a line of its own. */
static struct profile *profile_of(const uint8_t *line, size_t n)
{
	struct profile *p = made_new();

	for (size_t i = 0; i < n; i++)
		made_add(p, 1, "t", (char[]){ (char)('A' + i), 0 }, i + 1);
	made_names(p);
	for (size_t i = 0; i < n; i++) {
		p->place['A' + i].function = p->place['A'].function;
		made_source(p, (char)('A' + i), "/b/x.c", load_le16(line + 2 * i));
	}
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *out;
	static struct source source;
	struct export_texts texts = { .get = get, .ctx = &source };
	struct export_style style = { 0 };
	struct profile *p;
	bool *wanted;
	size_t n;

	if (!out)
		out = fopen("/dev/null", "w");
	if (!out || size < HEAD_BYTES)
		return 0;
	style.context = data[0] == UINT8_MAX ? EXPORT_CONTEXT_ALL : data[0];
	style.columns = data[1];
	n = MIN(MIN(data[2], LINES_MAX), (size - HEAD_BYTES) / 2);
	p = profile_of(data + HEAD_BYTES, n);
	data += HEAD_BYTES + 2 * n;
	size -= HEAD_BYTES + 2 * n;
	find_lines(&source, data, MIN(size, SOURCE_BYTES_MAX));
	wanted = mem_zalloc(p->n_functions + 1);
	memset(wanted, true, p->n_functions);
	export_annotation(p, wanted, &texts, &style, out);
	export_annotation_json(p, wanted, &texts, out);
	free(wanted);
	profile_free(p);
	return 0;
}
