/*
 * pprof is protobuf in gzip. A message's length stands before it, so each nested message is built
 * in a small buffer and then appended. Ids are dense from 1 in the order of the profile's tables;
 * strings are interned in the order they are met; gzip's time is 0: equal profiles give equal
 * bytes.
 *
 * Addresses are as linked (ELF), and each mapping is the file's code segment as linked, not where
 * one of the processes had it: one mapping a file, no address-space randomisation in the output,
 * and tools that compute (address - start + offset) still find the right place in the file.
 *
 * Source: github.com/google/pprof, proto/profile.proto.
 */
#include "report/export/export.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "report/export/escape.h"
#include "report/export/pprof_numbers.h"
#include "report/profile/profile.h"

/* Field numbers of profile.proto, message by message. */
enum profile_field {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING_TABLE = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14,
};
enum value_type_field { VALUE_TYPE = 1, VALUE_UNIT = 2 };
enum sample_field { SAMPLE_LOCATION = 1, SAMPLE_VALUE = 2, SAMPLE_LABEL = 3 };
enum label_field { LABEL_KEY = 1, LABEL_STR = 2 };
enum mapping_field {
	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_LIMIT = 3,
	MAPPING_OFFSET = 4,
	MAPPING_FILENAME = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FUNCTIONS = 7,
	MAPPING_HAS_FILENAMES = 8,
	MAPPING_HAS_LINE_NUMBERS = 9,
	MAPPING_HAS_INLINE_FRAMES = 10,
};
enum location_field {
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
};
enum line_field { LINE_FUNCTION = 1, LINE_LINE = 2, LINE_COLUMN = 3 };
enum function_field {
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILENAME = 4,
};

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };
enum { VALUES_MAX = SOURCE_MAX + 2 };

/*
 * Which columns a profile has, in the model's order: count first, since viewers start with the
 * last.
 */
struct columns {
	bool cpu;
	uint32_t n;
	uint8_t of[SOURCE_MAX]; /* of each event that is not CPU time */
};

struct pprof {
	const struct profile *p;
	struct buf *out;
	struct intern strings; /* id = index in the string table */
	struct buf message, inner, text;
	struct columns columns;
	struct pprof_numbers n;
};

static void put_number(struct buf *b, unsigned int field, uint64_t value)
{
	if (!value)
		return;
	buf_varint(b, field << 3 | WIRE_VARINT);
	buf_varint(b, value);
}

static void put_bytes(struct buf *b, unsigned int field, const void *bytes, size_t n)
{
	buf_varint(b, field << 3 | WIRE_BYTES);
	buf_varint(b, n);
	buf_put(b, bytes, n);
}

static void put_message(struct buf *b, unsigned int field, struct buf *message)
{
	put_bytes(b, field, message->data, message->n);
	buf_reset(message);
}

static uint32_t string_index(struct pprof *w, const char *text)
{
	buf_reset(&w->text);
	escape_utf8(&w->text, text);
	return intern_putn(&w->strings, w->text.data, w->text.n).n;
}

static void put_string(struct pprof *w, struct buf *b, unsigned int field, const char *text)
{
	put_number(b, field, string_index(w, text));
}

static void put_value_type(struct pprof *w, unsigned int field, const char *type, const char *unit)
{
	put_string(w, &w->message, VALUE_TYPE, type);
	put_string(w, &w->message, VALUE_UNIT, unit);
	put_message(w->out, field, &w->message);
}

/*
 * CPU time by the clock has the names that readers of profiles know; every other event has a value
 * of its own, by its name and in its unit.
 */
static bool is_cpu(const struct profile_source *s)
{
	return !strcmp(s->about.unit, "nanoseconds") && s->time == TIME_SAMPLED;
}

static void put_source_type(struct pprof *w, unsigned int field, const struct profile_source *s)
{
	bool cpu = is_cpu(s);

	put_value_type(w, field, cpu ? "cpu-time" : s->about.name,
		       cpu ? "nanoseconds" : s->about.unit);
}

static void put_sample_types(struct pprof *w)
{
	for (uint32_t s = 0; s < SOURCE_MAX; s++)
		w->columns.cpu |= w->p->source[s].count && is_cpu(&w->p->source[s]);
	w->columns.cpu |= !w->p->n_entries; /* an empty profile still has its types */
	if (w->columns.cpu) {
		put_value_type(w, PROFILE_SAMPLE_TYPE, "cpu-samples", "count");
		put_value_type(w, PROFILE_SAMPLE_TYPE, "cpu-time", "nanoseconds");
		w->columns.n = 2;
	}
	for (uint32_t s = 0; s < SOURCE_MAX; s++) {
		if (!w->p->source[s].count || is_cpu(&w->p->source[s]))
			continue;
		put_source_type(w, PROFILE_SAMPLE_TYPE, &w->p->source[s]);
		w->columns.of[s] = (uint8_t)w->columns.n++;
	}
}

/* ---- samples ---- */

static void put_label(struct pprof *w, const char *key, const char *text)
{
	if (!*text)
		return;
	put_string(w, &w->inner, LABEL_KEY, key);
	put_string(w, &w->inner, LABEL_STR, text);
	put_message(&w->message, SAMPLE_LABEL, &w->inner);
}

static void put_labels(struct pprof *w, const struct profile_thread *t)
{
	char number[16];

	snprintf(number, sizeof(number), "%" PRIu32, t->pid);
	put_label(w, "process_id", number);
	snprintf(number, sizeof(number), "%" PRIu32, t->tid);
	put_label(w, "thread id", number);
	put_label(w, "process_name", profile_text(w->p, t->process));
	put_label(w, "thread_name", profile_text(w->p, t->comm));
}

static void put_stack(struct pprof *w, uint32_t node)
{
	const struct profile *p = w->p;

	if (!node)
		buf_varint(&w->inner, w->n.no_stack);
	for (; node; node = p->node[node].parent)
		if (w->n.flatten || !p->place[p->node[node].place].inlined)
			buf_varint(&w->inner, w->n.location_id[p->node[node].place]);
	put_message(&w->message, SAMPLE_LOCATION, &w->inner);
}

static void add_values(const struct pprof *w, const struct profile_entry *e, uint64_t *value)
{
	if (is_cpu(&w->p->source[e->source])) {
		value[0] += e->count;
		value[1] += e->weight;
	} else {
		value[w->columns.of[e->source]] += e->weight;
	}
}

/*
 * Entries of one leaf and thread are neighbours (profile_seal): those of several sources make one
 * sample.
 */
static void put_samples(struct pprof *w)
{
	const struct profile *p = w->p;

	for (size_t i = 0, next; i < p->n_entries; i = next) {
		const struct profile_entry *e = &p->entry[i];
		uint64_t value[VALUES_MAX] = { 0 };

		for (next = i; next < p->n_entries && p->entry[next].node == e->node &&
			       p->entry[next].thread == e->thread;
		     next++)
			add_values(w, &p->entry[next], value);
		put_stack(w, e->node);
		for (uint32_t v = 0; v < w->columns.n; v++)
			buf_varint(&w->inner, value[v] > INT64_MAX ? INT64_MAX : value[v]);
		put_message(&w->message, SAMPLE_VALUE, &w->inner);
		put_labels(w, &p->thread[e->thread]);
		put_message(w->out, PROFILE_SAMPLE, &w->message);
	}
}

/* ---- what samples refer to ---- */

static void put_mapping(struct pprof *w, uint32_t module)
{
	const struct profile_module *m = &w->p->module[module];
	char hex[2 * BUILD_ID_MAX + 1] = "";
	const struct pprof_range *r = &w->n.range[module];
	uint64_t offset = m->code_file_off;
	struct buf *b = &w->message;

	if (m->code_size && r->start < m->code_addr) /* a place outside the first code segment */
		offset -= MIN(offset, m->code_addr - r->start);
	for (unsigned int i = 0; i < m->build_id.n; i++)
		snprintf(hex + 2 * i, 3, "%02x", m->build_id.bytes[i]);
	put_number(b, MAPPING_ID, w->n.mapping_id[module]);
	put_number(b, MAPPING_START, r->start);
	put_number(b, MAPPING_LIMIT, r->limit);
	put_number(b, MAPPING_OFFSET, offset);
	put_string(w, b, MAPPING_FILENAME, profile_text(w->p, m->path));
	put_string(w, b, MAPPING_BUILD_ID, hex);
	put_number(b, MAPPING_HAS_FUNCTIONS, m->has_names);
	put_number(b, MAPPING_HAS_FILENAMES, m->has_lines);
	put_number(b, MAPPING_HAS_LINE_NUMBERS, m->has_lines);
	put_number(b, MAPPING_HAS_INLINE_FRAMES, w->n.has_inlined[module]);
	put_message(w->out, PROFILE_MAPPING, b);
}

static void put_line(struct pprof *w, uint32_t place)
{
	const struct profile_place *at = &w->p->place[place];

	put_number(&w->inner, LINE_FUNCTION, w->n.function_id[place]);
	put_number(&w->inner, LINE_LINE, at->line);
	put_number(&w->inner, LINE_COLUMN, at->column);
	put_message(&w->message, LOCATION_LINE, &w->inner);
}

/* Lines of a location: innermost first. */
static void put_location(struct pprof *w, uint32_t place)
{
	const struct profile_place *at = &w->p->place[place];

	put_number(&w->message, LOCATION_ID, w->n.location_id[place]);
	put_number(&w->message, LOCATION_MAPPING, w->n.mapping_id[at->module]);
	put_number(&w->message, LOCATION_ADDRESS, at->addr);
	for (uint32_t i = w->n.flatten ? 0 : at->n_inner; i-- > 0;)
		put_line(w, at->inner + i);
	put_line(w, place);
	put_message(w->out, PROFILE_LOCATION, &w->message);
}

static void put_function(struct pprof *w, uint32_t id, const char *name, const char *system_name,
			 const char *file)
{
	put_number(&w->message, FUNCTION_ID, id);
	put_string(w, &w->message, FUNCTION_NAME, name);
	put_string(w, &w->message, FUNCTION_SYSTEM_NAME, system_name);
	put_string(w, &w->message, FUNCTION_FILENAME, file);
	put_message(w->out, PROFILE_FUNCTION, &w->message);
}

static void put_no_stack(struct pprof *w)
{
	uint32_t function = w->n.n_functions + 1;

	put_number(&w->message, LOCATION_ID, w->n.no_stack);
	put_number(&w->inner, LINE_FUNCTION, function);
	put_message(&w->message, LOCATION_LINE, &w->inner);
	put_message(w->out, PROFILE_LOCATION, &w->message);
	put_function(w, function, "[no stack]", "[no stack]", "");
}

static void put_tables(struct pprof *w)
{
	const struct profile *p = w->p;

	if (w->n.main_module != PROFILE_NONE)
		put_mapping(w, w->n.main_module);
	for (uint32_t i = 0; i < p->n_modules; i++)
		if (w->n.mapping_id[i] && i != w->n.main_module)
			put_mapping(w, i);
	for (uint32_t i = 0; i < p->n_places; i++)
		if (w->n.location_id[i])
			put_location(w, i);
	for (uint32_t id = 1; id <= w->n.n_functions; id++) {
		const struct profile_place *at = &p->place[w->n.function_place[id]];

		put_function(w, id, profile_text(p, p->function[at->function].name),
			     profile_text(p, p->function[at->function].system_name),
			     profile_text(p, at->file));
	}
	if (w->n.no_stack)
		put_no_stack(w);
}

/* ---- the whole ---- */

static void put_period(struct pprof *w)
{
	for (uint32_t s = 0; s < SOURCE_MAX; s++) {
		const struct profile_source *source = &w->p->source[s];
		uint64_t hz = source->about.frequency_hz;

		if (!source->count)
			continue;
		put_source_type(w, PROFILE_PERIOD_TYPE, source);
		put_number(w->out, PROFILE_PERIOD, hz ? 1000000000 / hz : source->about.period);
		return;
	}
}

static void put_about(struct pprof *w)
{
	const struct profile_origin *o = &w->p->origin;
	struct buf line;

	put_number(w->out, PROFILE_TIME_NANOS, o->realtime_ns);
	put_number(w->out, PROFILE_DURATION_NANOS,
		   o->last_ns > o->first_ns ? o->last_ns - o->first_ns : 0);
	put_period(w);
	buf_init(&line);
	export_put_losses(&line, w->p);
	put_string(w, w->out, PROFILE_COMMENT, buf_text(&line));
	buf_reset(&line);
	export_put_unsampled(&line, w->p);
	if (line.n)
		put_string(w, w->out, PROFILE_COMMENT, buf_text(&line));
	buf_done(&line);
	if (w->columns.cpu)
		put_string(w, w->out, PROFILE_DEFAULT_SAMPLE_TYPE, "cpu-time");
}

static void put_strings(struct pprof *w)
{
	for (uint32_t i = 0; i < w->strings.n; i++)
		put_bytes(w->out, PROFILE_STRING_TABLE, w->strings.text[i], w->strings.length[i]);
}

static int gzip(const struct buf *raw, struct buf *ret, struct err *err)
{
	enum { GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8 };
	z_stream z = { 0 };
	int status;

	if (raw->n > UINT_MAX / 2)
		return err_set(err, -EFBIG, "the profile has %zu bytes, limit is %u", raw->n,
			       UINT_MAX / 2);
	status = deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
			      Z_DEFAULT_STRATEGY);
	if (status != Z_OK)
		return err_set(err, -ENOMEM, "zlib cannot start: %s", zError(status));
	z.next_in = (Bytef *)raw->data;
	z.avail_in = (uInt)raw->n;
	z.avail_out = (uInt)deflateBound(&z, raw->n);
	z.next_out = buf_grow(ret, z.avail_out);
	status = deflate(&z, Z_FINISH);
	ret->n += z.total_out;
	deflateEnd(&z);
	if (status != Z_STREAM_END)
		return err_set(err, -EIO, "zlib cannot compress: %s", zError(status));
	return 0;
}

int export_pprof(const struct profile *p, bool flatten_inlines, struct buf *ret, struct err *err)
{
	struct buf raw;
	struct pprof w = { .p = p, .out = &raw };
	int status;

	buf_init(&raw);
	buf_init(&w.message);
	buf_init(&w.inner);
	buf_init(&w.text);
	intern_init(&w.strings);
	pprof_numbers_init(&w.n, p, flatten_inlines);
	put_sample_types(&w);
	put_samples(&w);
	put_tables(&w);
	put_about(&w);
	put_strings(&w);
	status = gzip(&raw, ret, err);
	pprof_numbers_done(&w.n);
	intern_done(&w.strings);
	buf_done(&w.text);
	buf_done(&w.inner);
	buf_done(&w.message);
	buf_done(&raw);
	return status;
}
