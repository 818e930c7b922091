/* What a reader of profile.proto sees: decoded here, field by field. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/export/export.h"
#include "tests/unit/profile_made.h"

enum { MANY = 64 };

/* One field of a message: a number, or bytes. */
struct field {
	unsigned int number;
	uint64_t value;
	const uint8_t *bytes;
	size_t n;
};

struct line {
	uint64_t function, line, column;
};
struct location {
	uint64_t id, mapping, address;
	struct line line[MANY];
	size_t n;
};
struct function {
	uint64_t id, name, system_name, file;
};
struct mapping_flags {
	uint64_t functions, filenames, lines, inlines;
};
struct proto {
	uint8_t *bytes;
	size_t n;
	char string[MANY][64];
	struct location location[MANY];
	struct function function[MANY];
	struct mapping_flags mapping[MANY];
	uint64_t stack[MANY][MANY]; /* of each sample, ends with 0 */
	size_t n_strings, n_locations, n_functions, n_mappings, n_samples;
};

static uint64_t varint(const uint8_t **at, const uint8_t *end)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t byte = *(*at)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

static bool next_field(const uint8_t **at, const uint8_t *end, struct field *ret)
{
	uint64_t tag;

	if (*at >= end)
		return false;
	tag = varint(at, end);
	*ret = (struct field){ .number = (unsigned int)(tag >> 3) };
	ret->value = varint(at, end);
	if ((tag & 7) == 0)
		return true;
	REQUIRE_INT(tag & 7, 2);
	ret->n = ret->value;
	ret->bytes = *at;
	REQUIRE_TRUE(ret->n <= (size_t)(end - *at));
	*at += ret->n;
	return true;
}

#define EACH_FIELD(f, in)                                                                  \
	for (const uint8_t *at_ = (in)->bytes, *end_ = at_ ? at_ + (in)->n : NULL;         \
	     next_field(&at_, end_, (f));)

static void read_location(const struct field *in, struct location *ret)
{
	struct field f, g;

	EACH_FIELD(&f, in)
	{
		if (f.number == 1)
			ret->id = f.value;
		else if (f.number == 2)
			ret->mapping = f.value;
		else if (f.number == 3)
			ret->address = f.value;
		else if (f.number == 4) {
			struct line *l = &ret->line[ret->n++];

			EACH_FIELD(&g, &f)
			{
				if (g.number == 1)
					l->function = g.value;
				else if (g.number == 2)
					l->line = g.value;
				else if (g.number == 3)
					l->column = g.value;
			}
		}
	}
}

static void read_function(const struct field *in, struct function *ret)
{
	uint64_t *const to[] = { NULL, &ret->id, &ret->name, &ret->system_name, &ret->file };
	struct field f;

	EACH_FIELD(&f, in)
	if (f.number < 5)
		*to[f.number] = f.value;
}

static void read_mapping(const struct field *in, struct mapping_flags *ret)
{
	uint64_t *const to[] = { &ret->functions, &ret->filenames, &ret->lines, &ret->inlines };
	struct field f;

	EACH_FIELD(&f, in)
	if (f.number >= 7 && f.number <= 10)
		*to[f.number - 7] = f.value;
}

static void read_stack(const struct field *in, uint64_t *ret)
{
	struct field f;

	EACH_FIELD(&f, in)
	if (f.number == 1)
		for (const uint8_t *at = f.bytes; at < f.bytes + f.n;)
			*ret++ = varint(&at, f.bytes + f.n);
}

static void read_proto(struct proto *o)
{
	struct field all = { .bytes = o->bytes, .n = o->n }, f;

	EACH_FIELD(&f, &all)
	{
		if (f.number == 2)
			read_stack(&f, o->stack[o->n_samples++]);
		else if (f.number == 3)
			read_mapping(&f, &o->mapping[o->n_mappings++]);
		else if (f.number == 4)
			read_location(&f, &o->location[o->n_locations++]);
		else if (f.number == 5)
			read_function(&f, &o->function[o->n_functions++]);
		else if (f.number == 6)
			snprintf(o->string[o->n_strings++], 64, "%.*s", (int)f.n,
				 (const char *)f.bytes);
	}
}

static struct proto *exported(const struct profile *p, bool flatten)
{
	enum { RAW_MAX = 1 << 16 };
	struct proto *o = mem_zalloc(sizeof(*o));
	struct err err = { 0 };
	z_stream z = { 0 };
	struct buf b;

	buf_init(&b);
	REQUIRE_INT(export_pprof(p, flatten, &b, &err), 0);
	o->bytes = mem_alloc(RAW_MAX);
	z.next_in = (uint8_t *)b.data;
	z.avail_in = (unsigned int)b.n;
	z.next_out = o->bytes;
	z.avail_out = RAW_MAX;
	REQUIRE_INT(inflateInit2(&z, 15 + 16), Z_OK);
	REQUIRE_INT(inflate(&z, Z_FINISH), Z_STREAM_END);
	o->n = z.total_out;
	inflateEnd(&z);
	buf_done(&b);
	read_proto(o);
	return o;
}

static void proto_free(struct proto *o)
{
	free(o->bytes);
	free(o);
}

/* "Y() b.c:6": function, file and line as the location of this id has them. */
static const char *line_text(const struct proto *o, uint64_t location, size_t line)
{
	static char text[256];
	const struct location *l = &o->location[location - 1];
	const struct function *f;

	REQUIRE_TRUE(location && location <= o->n_locations && line < l->n);
	CHECK_UINT(l->id, location);
	REQUIRE_TRUE(l->line[line].function && l->line[line].function <= o->n_functions);
	f = &o->function[l->line[line].function - 1];
	CHECK_UINT(f->id, l->line[line].function);
	snprintf(text, sizeof(text), "%s %s:%d", o->string[f->name], o->string[f->file],
		 (int)l->line[line].line);
	return text;
}

static struct profile *sample(void)
{
	struct profile *p = made_new();

	made_add(p, 1, "t", "AB", 10);
	made_names(p);
	p->module[p->place['A'].module].has_lines = true;
	made_source(p, 'A', "a.c", 3);
	made_source(p, 'B', "b.c", 12);
	made_inline(p, 'B', "XY", "b.h", 5);
	p->place[p->place['B'].inner].column = 7;
	profile_expand(p);
	return p;
}

static void lines(void)
{
	struct profile *p = sample();
	struct proto *o = exported(p, false);
	const struct location *l;

	CHECK_UINT(o->n_samples, 1);
	CHECK_UINT(o->n_locations, 2);
	CHECK_UINT(o->n_functions, 4);
	l = &o->location[o->stack[0][0] - 1];
	CHECK_UINT(l->address, 0x1000 + 'B');
	REQUIRE_INT(l->n, 3);
	CHECK_STR(line_text(o, l->id, 0), "Y() b.h:6");
	CHECK_STR(line_text(o, l->id, 1), "X() b.h:5");
	CHECK_UINT(l->line[1].column, 7);
	CHECK_STR(line_text(o, l->id, 2), "B() b.c:12");
	CHECK_STR(line_text(o, o->stack[0][1], 0), "A() a.c:3");
	CHECK_UINT(o->stack[0][2], 0);
	proto_free(o);
	profile_free(p);
}

static void flattened(void)
{
	static const char *const want[] = { "Y() b.h:6", "X() b.h:5", "B() b.c:12", "A() a.c:3" };
	struct profile *p = sample();
	struct proto *o = exported(p, true);

	CHECK_UINT(o->n_locations, 4);
	for (size_t i = 0; i < 4; i++) {
		CHECK_STR(line_text(o, o->stack[0][i], 0), want[i]);
		CHECK_UINT(o->location[o->stack[0][i] - 1].n, 1);
	}
	CHECK_UINT(o->stack[0][4], 0);
	proto_free(o);
	profile_free(p);
}

static void two_files(void)
{
	struct profile *p = made_new();
	struct proto *o;

	made_add(p, 1, "t", "AB", 10);
	made_names(p);
	p->place['B'].function = p->place['A'].function;
	made_source(p, 'A', "a.c", 3);
	made_source(p, 'B', "a.inc", 4);
	o = exported(p, false);
	CHECK_UINT(o->n_functions, 2);
	CHECK_STR(line_text(o, o->stack[0][0], 0), "A() a.inc:4");
	CHECK_STR(line_text(o, o->stack[0][1], 0), "A() a.c:3");
	proto_free(o);
	profile_free(p);
}

static void promises(void)
{
	struct profile *p = sample();
	struct proto *o = exported(p, false);

	REQUIRE_INT(o->n_mappings, 1);
	CHECK_UINT(o->mapping[0].functions, 1);
	CHECK_UINT(o->mapping[0].filenames, 1);
	CHECK_UINT(o->mapping[0].lines, 1);
	CHECK_UINT(o->mapping[0].inlines, 1);
	proto_free(o);
	profile_free(p);
	p = made_new();
	made_add(p, 1, "t", "A", 10);
	made_names(p);
	o = exported(p, false);
	REQUIRE_INT(o->n_mappings, 1);
	CHECK_UINT(o->mapping[0].functions, 1);
	CHECK_UINT(o->mapping[0].lines + o->mapping[0].filenames + o->mapping[0].inlines, 0);
	CHECK_STR(line_text(o, 1, 0), "A() :0");
	proto_free(o);
	profile_free(p);
}

SUITE(export_pprof, { "a location has the lines of its inlined frames, innermost first", lines },
      { "flattened, each inlined frame is a location of its own", flattened },
      { "a function whose lines lie in two files is two functions", two_files },
      { "a mapping promises lines and inlined frames where there are some", promises }, )
