/*
 * Tables of the recording come first and in this process, so a report reads the same without any
 * file at hand. Debug information is then asked for objects whose files have some: from the cache
 * when it knows every address, else in a jailed child. Children are started largest file first;
 * what they say is merged in the order in which objects were added, so that names get equal numbers
 * whichever ends first.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "report/debug/debug.h"
#include "report/dwarf/dwarf.h"
#include "report/jail/jail.h"
#include "report/symbol/answer.h"
#include "report/symbol/cache.h"
#include "report/symbol/supply.h"
#include "report/symbol/symbol.h"

struct asked {
	const struct elf_image *embedded;
	const char *reason;
	const struct object_key *key;
	struct symbol_batch *batch;
	struct symbol_origin *ret;
	struct symbolizer *owner;
	struct debug_provenance known; /* what a file of this machine could answer */
	struct debug_file file;
	struct supply supply;
	uint64_t *answer; /* checked bytes, by which 8-aligned; NULL: none */
	struct answers answers;
	uint64_t n_gaps; /* files that its debug information lacks */
	bool wants, damaged;
};

struct symbolizer {
	struct symbolizer_options o;
	struct asked *asked;
	size_t n, cap;
	struct asked **order; /* those for children, largest first */
	size_t n_order, next;
	struct jails *jails;
};

struct symbolizer *symbolizer_new(const struct symbolizer_options *o)
{
	struct symbolizer *s = mem_zalloc(sizeof(*s));

	s->o = *o;
	return s;
}

void symbolizer_free(struct symbolizer *s)
{
	if (!s)
		return;
	free(s->asked);
	free(s);
}

void symbolizer_add(struct symbolizer *s, const struct elf_image *embedded, const char *reason,
		    const struct object_key *key, struct symbol_batch *batch,
		    struct symbol_origin *ret)
{
	mem_grow(&s->asked, &s->cap, s->n + 1, sizeof(*s->asked));
	s->asked[s->n++] = (struct asked){ .embedded = embedded,
					   .reason = reason,
					   .key = key,
					   .batch = batch,
					   .ret = ret,
					   .file = { .fd = -1 } };
}

/* ---- in the child ---- */

enum { TROUBLE_BYTES = 192 };

/* In front of the answers; 8-aligned. */
struct said {
	uint64_t n_split_missing;
	uint64_t alt_missing;
	char trouble[TROUBLE_BYTES]; /* the first damage; "" none */
};

static int answer_body(void *ctx, struct jail_cell *cell, struct err *err)
{
	struct asked *a = ctx;
	struct dwarf_input in = {
		.fd = a->file.fd, .name = a->file.where, .supply = supply_ask, .supply_ctx = cell
	};
	struct answers_builder *b = answers_builder_new();
	struct said said = { 0 };
	struct dwarf *d;
	struct buf out;
	int status = dwarf_open(&in, &d, err);

	if (status < 0)
		return status;
	status = dwarf_answer(d, a->batch->addr, a->batch->n, b, err);
	if (status < 0)
		return status;
	said.n_split_missing = dwarf_stats(d)->n_split_missing;
	said.alt_missing = dwarf_stats(d)->alt_missing;
	snprintf(said.trouble, sizeof(said.trouble), "%s", dwarf_trouble(d));
	buf_init(&out);
	answers_finish(b, &out);
	status = jail_write(cell, &said, sizeof(said), err);
	return status < 0 ? status : jail_write(cell, out.data, out.n, err);
}

static void answer_question(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
			    int *ret_fd)
{
	struct asked *a = ctx;

	(void)answer, (void)ret_n;
	*ret_fd = supply_answer(&a->supply, question, n);
}

/* ---- in the parent ---- */

static void start_next(struct symbolizer *s);

static void set_trouble(struct asked *a, const char *text)
{
	size_t n = MIN(strlen(text), sizeof(a->ret->reason) - 1);

	memcpy(a->ret->reason, text, n);
	a->ret->reason[n] = 0;
	log_warning("%s", text);
}

/* Damage beside which there are answers: they are used, and asked for again by the next report. */
static void say_damage(struct asked *a, struct said *said)
{
	char text[TROUBLE_BYTES + PATH_MAX_BYTES];

	said->trouble[sizeof(said->trouble) - 1] = 0; /* the child may lie */
	if (!said->trouble[0])
		return;
	a->damaged = true;
	snprintf(text, sizeof(text), "debug information of '%s' is damaged: %s",
		 a->file.where ? a->file.where : "?", said->trouble);
	set_trouble(a, text);
}

/* Answers outlive the jail's mapping: they are merged when all are there. */
static void keep_answers(struct asked *a, const void *out, size_t n)
{
	struct err err = { 0 };
	struct said said;

	if (n < sizeof(said)) {
		err_set(&err, -EBADMSG, "%zu bytes are no answers", n);
	} else {
		memcpy(&said, out, sizeof(said));
		a->n_gaps = said.n_split_missing + said.alt_missing;
		a->ret->n_gaps = a->n_gaps;
		say_damage(a, &said);
		a->answer = mem_alloc(n - sizeof(said));
		memcpy(a->answer, (const char *)out + sizeof(said), n - sizeof(said));
		if (answers_open(a->answer, n - sizeof(said), &a->answers, &err) == 0)
			return;
		free(a->answer);
		a->answer = NULL;
	}
	err_wrap(&err, "debug information of '%s'", a->key->path ? a->key->path : "?");
	set_trouble(a, err.text);
}

static void answer_done(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct asked *a = ctx;

	if (status == 0)
		keep_answers(a, out, n);
	else if (status != -ENODATA)
		set_trouble(a, err->text);
	/* A gap that is no question (a damaged file) would never be noticed to be filled. */
	if (a->answer && !a->damaged && a->n_gaps <= a->supply.n_noted && a->owner->o.cache)
		symbol_cache_put(a->owner->o.cache, &a->key->build_id, &a->file.provenance,
				 &a->answers, &a->supply.missing);
	supply_done(&a->supply);
	a->ret->where = a->file.where ? strdup(a->file.where) : NULL;
	debug_file_done(&a->file);
	a->file = (struct debug_file){ .fd = -1 };
	start_next(a->owner);
}

static bool start(struct symbolizer *s, struct asked *a)
{
	struct err err = { 0 };
	struct jail_job job = {
		.what = a->key->path,
		.fd = &a->file.fd,
		.n_fds = 1,
		.ctx = a,
		.body = answer_body,
		.answer = answer_question,
		.done = answer_done,
	};
	struct stat st;

	if (debug_find(s->o.debug, a->key, &a->file, &err) < 0) {
		log_debug("symbol", "no debug file: object='%s' reason='%s'", a->key->path,
			  err.text);
		return false;
	}
	if (fstat(a->file.fd, &st) < 0)
		st.st_size = 0;
	job.limits = jail_limits_for((uint64_t)MAX(st.st_size, (off_t)0));
	if (a->file.where)
		job.what = a->file.where;
	supply_init(&a->supply, s->o.debug, a->key, &a->file);
	jails_add(s->jails, &job);
	return true;
}

/* Few files are open at a time: members of packages lie unpacked in memory. */
static void start_next(struct symbolizer *s)
{
	while (s->next < s->n_order)
		if (start(s, s->order[s->next++]))
			return;
}

static int by_size(const void *x, const void *y)
{
	const struct asked *a = *(struct asked *const *)x, *b = *(struct asked *const *)y;

	if (a->known.size != b->known.size)
		return a->known.size < b->known.size ? 1 : -1;
	return a < b ? -1 : a > b; /* as they were added */
}

static bool has_tables(const struct elf_image *image)
{
	const struct elf_part *full, *dynamic;

	if (!image)
		return false;
	full = elf_image_part(image, ELF_PART_SYMTAB);
	dynamic = elf_image_part(image, ELF_PART_DYNSYM);
	return (full && full->data) || (dynamic && dynamic->data);
}

static bool all_named(const struct symbol_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (!b->symbol[i].name.n)
			return false;
	return true;
}

/* The recording has the object's own tables: a file that is the object itself adds nothing. */
static bool is_object_itself(const struct asked *a)
{
	struct stat st;

	return has_tables(a->embedded) && a->key->path && a->key->path[0] == '/' &&
	       stat(a->key->path, &st) == 0 && st.st_ino == a->known.ino &&
	       st.st_dev == a->known.dev;
}

static uint32_t count_known(const struct asked *a, const struct answers *answers)
{
	bool *known = mem_alloc((a->batch->n + (size_t)1) * sizeof(*known));
	uint32_t *first = mem_alloc((a->batch->n + (size_t)1) * sizeof(*first));
	uint32_t n = 0;

	answers_join(answers, a->batch->addr, a->batch->n, first, known);
	for (uint32_t i = 0; i < a->batch->n; i++)
		n += known[i];
	free(known);
	free(first);
	return n;
}

/* Whether a file that these answers lack has turned up. */
static bool is_outdated(struct symbolizer *s, struct asked *a, const struct symbol_cached *cached)
{
	struct debug_file file = { .fd = -1 };
	struct supply supply;
	bool outdated;

	if (!cached->n_missing || debug_find(s->o.debug, a->key, &file, NULL) < 0)
		return false;
	supply_init(&supply, s->o.debug, a->key, &file);
	outdated = supply_has_any(&supply, cached->missing, cached->n_missing);
	supply_done(&supply);
	debug_file_done(&file);
	return outdated;
}

/* All of it, or as much as there is when no file could tell the rest. */
static bool take_cached(struct symbolizer *s, struct asked *a, bool file_helps)
{
	struct symbol_cached cached;
	uint32_t n_known;

	if (!s->o.cache || !symbol_cache_get(s->o.cache, &a->key->build_id, &a->known, &cached))
		return false;
	if (is_outdated(s, a, &cached)) {
		symbol_cache_drop(s->o.cache, &a->key->build_id);
		symbol_cached_done(&cached);
		return false;
	}
	n_known = count_known(a, &cached.answers);
	if (n_known < a->batch->n && file_helps) {
		symbol_cached_done(&cached);
		return false;
	}
	a->ret->cached = n_known == a->batch->n;
	a->ret->n_gaps = supply_count_gaps(cached.missing, cached.n_missing);
	a->answer = cached.bytes;
	a->answers = cached.answers;
	return true;
}

/*
 * A debug file of another build is worth a line: somebody put it there. Another build at the
 * recorded path is what any other machine has.
 */
static void tell_nearest(struct asked *a, const char *text)
{
	size_t n = a->key->path ? strlen(a->key->path) : 0;

	if (!strstr(text, " wanted "))
		return;
	if (n && text[0] == '\'' && !strncmp(text + 1, a->key->path, n) && text[n + 1] == '\'')
		return;
	set_trouble(a, text);
}

/* Whether a child has to look. */
static bool needs_child(struct symbolizer *s, struct asked *a)
{
	struct err near = { 0 };
	bool helps;

	if (debug_peek(s->o.debug, a->key, &a->known, &near) < 0)
		a->known = (struct debug_provenance){ .kind = DEBUG_NOTHING };
	if (a->known.kind != DEBUG_FULL)
		tell_nearest(a, near.text);
	helps = a->known.kind == DEBUG_FULL ||
		(a->known.kind == DEBUG_SYMBOLS && !all_named(a->batch) && !is_object_itself(a));
	return !take_cached(s, a, helps) && helps;
}

static void ask_debug(struct symbolizer *s)
{
	struct object_key *keys = mem_alloc((s->n + 1) * sizeof(*keys));
	unsigned int at_once = s->o.n_at_once ? s->o.n_at_once : 4;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		s->asked[i].wants = s->asked[i].key->build_id.n > 0 && s->asked[i].batch->n > 0;
		if (s->asked[i].wants)
			keys[n++] = *s->asked[i].key;
	}
	debug_want(s->o.debug, keys, n);
	s->order = mem_alloc((n + 1) * sizeof(struct asked *));
	for (size_t i = 0; i < s->n; i++)
		if (s->asked[i].wants && needs_child(s, &s->asked[i]))
			s->order[s->n_order++] = &s->asked[i];
	qsort(s->order, s->n_order, sizeof(struct asked *), by_size);
	if (s->n_order) {
		s->jails = jails_new(s->o.n_at_once);
		for (unsigned int i = 0; i <= at_once; i++)
			start_next(s);
		jails_run(s->jails);
		jails_free(s->jails);
	}
	free(s->order);
	free(keys);
}

/* ---- merging ---- */

static str_id intern_answer(const struct asked *a, uint32_t text)
{
	return intern_put(a->batch->names, answers_text(&a->answers, text));
}

/* Callers come before what they called, so one pass turns all frames into frames of the batch. */
static void take_frames(struct asked *a)
{
	struct symbol_batch *b = a->batch;

	b->frame = mem_alloc((a->answers.n_frames + (size_t)1) * sizeof(*b->frame));
	b->n_frames = b->frame_cap = a->answers.n_frames;
	for (uint32_t i = 0; i < b->n_frames; i++) {
		const struct answer_frame *f = &a->answers.frame[i];

		b->frame[i] = (struct symbol_frame){
			.name = intern_answer(a, f->name),
			.file = intern_answer(a, f->file),
			.line = f->line,
			.column = f->column,
			.caller = f->caller == ANSWER_NONE ? SYMBOL_NO_FRAME : f->caller,
		};
	}
}

static uint32_t outermost(const struct answers *a, uint32_t frame)
{
	while (a->frame[frame].caller != ANSWER_NONE)
		frame = a->frame[frame].caller;
	return frame;
}

static void take_symbol(struct asked *a, struct symbol *symbol, uint32_t first)
{
	uint32_t last = outermost(&a->answers, first);
	const struct answer_frame *f = &a->answers.frame[last];
	struct symbol_frame *frame = &a->batch->frame[last];
	bool debug = f->flags & ANSWER_DWARF || f->file || f->line;

	if (frame->name.n && (f->flags & ANSWER_DWARF || !symbol->name.n)) {
		symbol->name = frame->name;
		if (f->start != UINT64_MAX)
			symbol->start = f->start;
		a->ret->local = true;
		a->ret->tables = SYMBOL_TABLES_FULL;
	}
	if (!debug)
		return;
	if (!frame->name.n)
		frame->name = symbol->name;
	symbol->frame = first;
	a->ret->debug = true;
}

static void take_answers(struct asked *a)
{
	struct symbol_batch *b = a->batch;
	uint32_t *first;

	if (!a->answer)
		return;
	a->ret->full = a->known.kind == DEBUG_FULL;
	take_frames(a);
	first = mem_alloc((b->n + (size_t)1) * sizeof(*first));
	answers_join(&a->answers, b->addr, b->n, first, NULL);
	for (uint32_t i = 0; i < b->n; i++)
		if (first[i] != ANSWER_NONE)
			take_symbol(a, &b->symbol[i], first[i]);
	free(first);
	free(a->answer);
	a->answer = NULL;
	if (a->ret->local && (a->ret->debug || a->ret->embedded))
		a->ret->reason[0] = 0;
}

void symbolizer_run(struct symbolizer *s)
{
	bool in_jail = s->o.debug && s->o.use_local;

	for (size_t i = 0; i < s->n; i++) {
		struct asked *a = &s->asked[i];

		a->owner = s;
		symbol_object(a->embedded, a->reason, a->key, in_jail ? s->o.debug : NULL, a->batch,
			      a->ret);
	}
	if (in_jail)
		ask_debug(s);
	for (size_t i = 0; i < s->n; i++)
		take_answers(&s->asked[i]);
}
