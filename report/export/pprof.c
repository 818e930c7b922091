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
#include "common/base/map.h"
#include "report/export/escape.h"
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

struct range {
	uint64_t start, limit; /* limit: first address behind */
};

struct pprof {
	const struct profile *p;
	struct buf *out;
	struct intern strings; /* id = index in the string table */
	struct buf message, inner, text;
	struct columns columns;
	/* of each place; one place of each function; 0: not used */
	uint32_t *function_id, *location_id, *mapping_id;
	uint32_t *function_place; /* of each function id */
	uint32_t n_functions;
	bool *has_inlined;    /* of each module: some frame of it is inlined */
	bool flatten;	      /* inlined frames are locations of their own */
	struct range *range;  /* of each module */
	uint32_t main_module; /* PROFILE_NONE: only libraries */
	uint32_t no_stack;    /* location of samples without a stack; 0: there are none */
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
		buf_varint(&w->inner, w->no_stack);
	for (; node; node = p->node[node].parent)
		if (w->flatten || !p->place[p->node[node].place].inlined)
			buf_varint(&w->inner, w->location_id[p->node[node].place]);
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

/* A library by its name, "libc.so.6" or "ld-linux-x86-64.so.2"; readers tell them the same way. */
static bool is_library(const char *name)
{
	const char *so = strstr(name, ".so");

	return so && (!so[3] || so[3] == '.' || so[3] == '-');
}

/*
 * The program that most samples go through: readers take the first mapping for the profile's
 * subject.
 */
static uint32_t main_module(const struct pprof *w)
{
	const struct profile *p = w->p;
	uint64_t *samples = mem_zalloc((p->n_modules + 1) * sizeof(*samples));
	uint32_t best = PROFILE_NONE;

	for (size_t i = 0; i < p->n_entries; i++) {
		uint32_t last = PROFILE_NONE;

		for (uint32_t n = p->entry[i].node; n; n = p->node[n].parent) {
			uint32_t module = p->place[p->node[n].place].module;

			samples[module] += module == last ? 0 : p->entry[i].count;
			last = module;
		}
	}
	for (uint32_t i = 0; i < p->n_modules; i++)
		if (w->mapping_id[i] && p->module[i].kind == MODULE_FILE &&
		    !is_library(profile_text(p, p->module[i].name)) &&
		    (best == PROFILE_NONE || samples[i] > samples[best]))
			best = i;
	free(samples);
	return best;
}

static void number_mappings(struct pprof *w)
{
	const struct profile *p = w->p;
	uint32_t n = 0;

	w->main_module = main_module(w);
	if (w->main_module != PROFILE_NONE)
		n = 1;
	for (uint32_t i = 0; i < p->n_modules; i++)
		if (i == w->main_module)
			w->mapping_id[i] = 1;
		else if (w->mapping_id[i] && p->module[i].kind != MODULE_UNMAPPED &&
			 p->module[i].kind != MODULE_LABEL)
			w->mapping_id[i] = ++n;
		else
			w->mapping_id[i] = 0;
}

/*
 * A function's file stands in the function, and lines are lines of it: a function whose body comes
 * from two files (#include, #line) is two functions here.
 */
static void number_functions(struct pprof *w)
{
	const struct profile *p = w->p;
	struct map seen;

	map_init(&seen);
	for (uint32_t i = 0; i < p->n_places; i++) {
		const struct profile_place *place = &p->place[i];
		uint64_t key = ((uint64_t)place->function << 32 | place->file.n) + 1, *id;
		bool is_new;

		if (!w->function_id[i])
			continue;
		id = map_put(&seen, key, &is_new);
		if (is_new) {
			*id = ++w->n_functions;
			w->function_place[*id] = i;
		}
		w->function_id[i] = (uint32_t)*id;
	}
	map_done(&seen);
}

/* Only places, functions and modules that kept samples touch are written. */
static void number_all(struct pprof *w)
{
	const struct profile *p = w->p;
	uint32_t n_locations = 0;
	bool *used = mem_zalloc(p->n_nodes * sizeof(*used));

	for (size_t i = 0; i < p->n_entries; i++) {
		if (!p->entry[i].node)
			w->no_stack = 1;
		used[p->entry[i].node] = true;
	}
	for (size_t n = p->n_nodes - 1; n; n--) {
		const struct profile_place *place = &p->place[p->node[n].place];

		if (!used[n])
			continue;
		used[p->node[n].parent] = true;
		w->location_id[p->node[n].place] = w->flatten || !place->inlined;
		w->function_id[p->node[n].place] = 1;
		w->mapping_id[place->module] = 1;
		w->has_inlined[place->module] |= place->inlined;
	}
	for (size_t i = 0; i < p->n_places; i++)
		if (w->location_id[i])
			w->location_id[i] = ++n_locations;
	number_functions(w);
	number_mappings(w);
	if (w->no_stack)
		w->no_stack = n_locations + 1;
	free(used);
}

/* Where each mapping's addresses lie: the code segment as linked, and what the samples show. */
static void find_ranges(struct pprof *w)
{
	const struct profile *p = w->p;

	for (size_t i = 0; i < p->n_modules; i++) {
		const struct profile_module *m = &p->module[i];

		w->range[i].start = m->code_size ? m->code_addr : UINT64_MAX;
		w->range[i].limit = m->code_size ? m->code_addr + m->code_size : 0;
	}
	for (size_t i = 0; i < p->n_places; i++) {
		struct range *r = &w->range[p->place[i].module];

		if (!w->location_id[i])
			continue;
		r->start = MIN(r->start, p->place[i].addr);
		r->limit = MAX(r->limit, p->place[i].addr + 1);
	}
}

static void put_mapping(struct pprof *w, uint32_t module)
{
	const struct profile_module *m = &w->p->module[module];
	char hex[2 * BUILD_ID_MAX + 1] = "";
	const struct range *r = &w->range[module];
	uint64_t offset = m->code_file_off;
	struct buf *b = &w->message;

	if (m->code_size && r->start < m->code_addr) /* a place outside the first code segment */
		offset -= MIN(offset, m->code_addr - r->start);
	for (unsigned int i = 0; i < m->build_id.n; i++)
		snprintf(hex + 2 * i, 3, "%02x", m->build_id.bytes[i]);
	put_number(b, MAPPING_ID, w->mapping_id[module]);
	put_number(b, MAPPING_START, r->start);
	put_number(b, MAPPING_LIMIT, r->limit);
	put_number(b, MAPPING_OFFSET, offset);
	put_string(w, b, MAPPING_FILENAME, profile_text(w->p, m->path));
	put_string(w, b, MAPPING_BUILD_ID, hex);
	put_number(b, MAPPING_HAS_FUNCTIONS, m->has_names);
	put_number(b, MAPPING_HAS_FILENAMES, m->has_lines);
	put_number(b, MAPPING_HAS_LINE_NUMBERS, m->has_lines);
	put_number(b, MAPPING_HAS_INLINE_FRAMES, w->has_inlined[module]);
	put_message(w->out, PROFILE_MAPPING, b);
}

static void put_line(struct pprof *w, uint32_t place)
{
	const struct profile_place *at = &w->p->place[place];

	put_number(&w->inner, LINE_FUNCTION, w->function_id[place]);
	put_number(&w->inner, LINE_LINE, at->line);
	put_number(&w->inner, LINE_COLUMN, at->column);
	put_message(&w->message, LOCATION_LINE, &w->inner);
}

/* Lines of a location: innermost first. */
static void put_location(struct pprof *w, uint32_t place)
{
	const struct profile_place *at = &w->p->place[place];

	put_number(&w->message, LOCATION_ID, w->location_id[place]);
	put_number(&w->message, LOCATION_MAPPING, w->mapping_id[at->module]);
	put_number(&w->message, LOCATION_ADDRESS, at->addr);
	for (uint32_t i = w->flatten ? 0 : at->n_inner; i-- > 0;)
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
	uint32_t function = w->n_functions + 1;

	put_number(&w->message, LOCATION_ID, w->no_stack);
	put_number(&w->inner, LINE_FUNCTION, function);
	put_message(&w->message, LOCATION_LINE, &w->inner);
	put_message(w->out, PROFILE_LOCATION, &w->message);
	put_function(w, function, "[no stack]", "[no stack]", "");
}

static void put_tables(struct pprof *w)
{
	const struct profile *p = w->p;

	if (w->main_module != PROFILE_NONE)
		put_mapping(w, w->main_module);
	for (uint32_t i = 0; i < p->n_modules; i++)
		if (w->mapping_id[i] && i != w->main_module)
			put_mapping(w, i);
	for (uint32_t i = 0; i < p->n_places; i++)
		if (w->location_id[i])
			put_location(w, i);
	for (uint32_t id = 1; id <= w->n_functions; id++) {
		const struct profile_place *at = &p->place[w->function_place[id]];

		put_function(w, id, profile_text(p, p->function[at->function].name),
			     profile_text(p, p->function[at->function].system_name),
			     profile_text(p, at->file));
	}
	if (w->no_stack)
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
	struct pprof w = { .p = p, .out = &raw, .flatten = flatten_inlines };
	int status;

	buf_init(&raw);
	buf_init(&w.message);
	buf_init(&w.inner);
	buf_init(&w.text);
	intern_init(&w.strings);
	w.location_id = mem_zalloc((p->n_places + 1) * sizeof(*w.location_id));
	w.function_id = mem_zalloc((p->n_places + 1) * sizeof(*w.function_id));
	w.function_place = mem_zalloc((p->n_places + 1) * sizeof(*w.function_place));
	w.has_inlined = mem_zalloc(p->n_modules + 1);
	w.mapping_id = mem_zalloc((p->n_modules + 1) * sizeof(*w.mapping_id));
	w.range = mem_zalloc((p->n_modules + 1) * sizeof(*w.range));
	number_all(&w);
	find_ranges(&w);
	put_sample_types(&w);
	put_samples(&w);
	put_tables(&w);
	put_about(&w);
	put_strings(&w);
	status = gzip(&raw, ret, err);
	free(w.location_id);
	free(w.function_id);
	free(w.function_place);
	free(w.has_inlined);
	free(w.mapping_id);
	free(w.range);
	intern_done(&w.strings);
	buf_done(&w.text);
	buf_done(&w.inner);
	buf_done(&w.message);
	buf_done(&raw);
	return status;
}
