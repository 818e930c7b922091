/*
 * The tree's places are sorted by object and address, and each object's run of addresses goes to
 * the symbol room as one batch; all batches are answered at once, so that files are read side by
 * side. Then the places are filled: a place whose address lies in inlined code gets further places
 * for the inlined frames. Demangling happens once for each symbol.
 */
#include "report/naming.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/map.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "common/space/space.h"
#include "report/jit/jit.h"
#include "report/naming_modules.h"
#include "report/naming_order.h"
#include "report/profile/profile.h"
#include "report/read/read.h"
#include "report/symbol/answer.h"
#include "report/symbol/symbol.h"
#include "report/unwind/unwind.h"

/* The touched addresses of one object. */
struct run {
	const struct touched *touched;
	uint32_t n;
	const struct space_object *object; /* NULL: kernel, or outside of every mapping */
	struct object_key key;
	const struct elf_image *image;
	struct symbol_batch batch;
	struct symbol_origin origin;
};

struct names {
	const struct naming *n;
	struct profile *profile;
	struct map display; /* symbol's str_id -> display name's str_id */
	struct buf text;
	struct run *run;
	size_t n_runs, run_cap;
	struct symbolizer *symbolizer;
	/* while one run's places are filled */
	uint32_t *frame_function; /* of each frame of the batch; PROFILE_NONE: not yet known */
	bool any;		  /* last_... are set: the place before this one */
	uint32_t last_module, last_function;
	struct symbol last_symbol;
	size_t place_cap, inner_max; /* inner_max: places that inlined frames may still add */
};

static struct touched *collect(const struct naming *n, size_t *ret_n)
{
	struct profile *p = n->profile;
	struct touched *t = mem_alloc((p->n_places + 1) * sizeof(*t));
	bool *used = mem_zalloc((p->n_places + 1) * sizeof(*used));
	size_t count = 0;

	for (size_t i = 1; i < p->n_nodes; i++)
		used[p->node[i].place] = true;
	for (size_t i = 0; i < p->n_places; i++) {
		struct loc loc = unwinder_loc(n->unwinder, (uint32_t)i);

		p->place[i] = (struct profile_place){ .addr = loc.addr,
						      .function = PROFILE_NONE,
						      .module = PROFILE_NONE };
		if (used[i])
			t[count++] = (struct touched){ .addr = loc.addr,
						       .object = loc.object,
						       .place = (uint32_t)i };
	}
	free(used);
	*ret_n = count;
	return touched_sort(t, count);
}

/* ---- names ---- */

static str_id display_name(struct names *s, str_id symbol)
{
	bool is_new;
	uint64_t *at = map_put(&s->display, symbol.n, &is_new);
	str_id shown = symbol;

	if (!is_new)
		return (str_id){ (uint32_t)*at };
	buf_reset(&s->text);
	if (symbol_demangle(profile_text(s->profile, symbol), &s->text) && s->text.n)
		shown = intern_putn(&s->profile->names, s->text.data, s->text.n);
	*at = shown.n;
	return shown;
}

static uint32_t unnamed_function(struct names *s, uint32_t module, uint64_t start)
{
	const struct profile_module *m = &s->profile->module[module];
	const char *name = profile_text(s->profile, m->name);
	str_id id;

	buf_reset(&s->text);
	if (m->kind == MODULE_ANONYMOUS)
		buf_puts(&s->text, name);
	else if (m->kind == MODULE_UNMAPPED)
		buf_printf(&s->text, "[unknown 0x%" PRIx64 "]", start);
	else if (name[0] == '[')
		buf_printf(&s->text, "[%.*s+0x%" PRIx64 "]", (int)strcspn(name + 1, "]"), name + 1,
			   start);
	else
		buf_printf(&s->text, "[%s+0x%" PRIx64 "]", name, start);
	id = intern_putn(&s->profile->names, s->text.data, s->text.n);
	return profile_function(s->profile, module, id, id, false);
}

static uint32_t function_of(struct names *s, uint32_t module, const struct symbol *symbol)
{
	if (!symbol->name.n)
		return unnamed_function(s, module, symbol->start);
	return profile_function(s->profile, module, display_name(s, symbol->name), symbol->name,
				true);
}

/* Places come sorted by address: most are in the function of the place before. */
static void set_place(struct names *s, uint32_t place, uint32_t module, const struct symbol *symbol)
{
	struct profile_place *at = &s->profile->place[place];

	if (!s->any || s->last_module != module || s->last_symbol.name.n != symbol->name.n ||
	    s->last_symbol.start != symbol->start) {
		s->any = true;
		s->last_module = module;
		s->last_symbol = *symbol;
		s->last_function = function_of(s, module, symbol);
	}
	at->module = module;
	at->function = s->last_function;
}

/* ---- source frames ---- */

static uint32_t inlined_function(struct names *s, uint32_t module, const struct run *run,
				 uint32_t frame)
{
	struct intern *names = &s->profile->names;
	uint32_t *known = &s->frame_function[frame];
	str_id name = run->batch.frame[frame].name;

	if (*known != PROFILE_NONE)
		return *known;
	if (name.n)
		*known = profile_function(s->profile, module, display_name(s, name), name, true);
	else
		*known = profile_function(s->profile, module, intern_put(names, "[inlined]"),
					  intern_put(names, "[inlined]"), false);
	return *known;
}

static void set_source(struct profile_place *to, const struct symbol_frame *frame)
{
	to->file = frame->file;
	to->line = frame->line;
	to->column = frame->column;
}

/* Frames of the chain inside the outermost one become places behind all others. */
static void add_inner(struct names *s, uint32_t place, const struct run *run, const uint32_t *chain,
		      uint32_t n)
{
	struct profile *p = s->profile;
	uint32_t module = p->place[place].module;

	mem_grow(&p->place, &s->place_cap, p->n_places + n, sizeof(*p->place));
	p->place[place].inner = (uint32_t)p->n_places;
	p->place[place].n_inner = n;
	while (n--) {
		struct profile_place inner = {
			.addr = p->place[place].addr,
			.module = module,
			.function = inlined_function(s, module, run, chain[n]),
			.inlined = true,
			.inner = place,
		};

		set_source(&inner, &run->batch.frame[chain[n]]);
		p->place[p->n_places++] = inner;
	}
}

/* True: the frame's line is known. */
static bool set_frames(struct names *s, uint32_t place, const struct run *run, uint32_t innermost)
{
	const struct symbol_frame *frame = run->batch.frame;
	uint32_t chain[ANSWER_DEPTH_MAX], n = 0;

	for (uint32_t f = innermost; f < run->batch.n_frames && n < ANSWER_DEPTH_MAX;
	     f = frame[f].caller)
		chain[n++] = f;
	if (!n)
		return false;
	set_source(&s->profile->place[place], &frame[chain[n - 1]]);
	if (n > 1 && !s->n->no_inlines && n - 1 <= s->inner_max) {
		s->inner_max -= n - 1;
		add_inner(s, place, run, chain, n - 1);
	}
	return s->profile->place[place].line != 0;
}

/* ---- one object's run ---- */

static void fill_file(struct names *s, struct run *run)
{
	struct profile *p = s->profile;
	struct profile_module m = module_of_file(&p->names, run->object, run->image, &run->origin);
	const char *reason = NULL;
	bool has_lines = false;
	uint32_t module;

	m.unwind_state = unwinder_object_state(s->n->unwinder, run->touched->object, &reason);
	m.unwind_reason = intern_put(&p->names, reason ? reason : "");
	module = profile_add_module(p, &m);
	s->frame_function = mem_alloc((run->batch.n_frames + 1) * sizeof(*s->frame_function));
	memset(s->frame_function, 0xff, run->batch.n_frames * sizeof(*s->frame_function));
	for (uint32_t i = 0; i < run->n; i++) {
		const struct symbol *symbol = &run->batch.symbol[i];

		set_place(s, run->touched[i].place, module, symbol);
		has_lines |= set_frames(s, run->touched[i].place, run, symbol->frame);
	}
	p->module[module].has_lines = has_lines;
	free(s->frame_function);
}

static void fill_unmapped(struct names *s, struct run *run)
{
	struct profile_module m = module_of_nothing(&s->profile->names);
	uint32_t module = profile_add_module(s->profile, &m);

	for (uint32_t i = 0; i < run->n; i++)
		set_place(s, run->touched[i].place, module, &run->batch.symbol[i]);
}

/* A loadable module's functions count for the module: "[ext4]". */
static uint32_t kernel_module(struct names *s, struct map *modules, str_id name,
			      const struct symbol_origin *origin)
{
	bool is_new;
	uint64_t *at = map_put(modules, name.n + 1, &is_new);

	if (is_new) {
		struct profile_module m = module_of_kernel(&s->profile->names,
							   profile_text(s->profile, name), origin);

		*at = profile_add_module(s->profile, &m);
	}
	return (uint32_t)*at;
}

static void fill_kernel(struct names *s, struct run *run)
{
	const char *reason;
	struct map modules;

	if (!s->n->no_names) {
		reason = recording_each_kernel_symbol(s->n->recording, symbol_kernel_put,
						      &run->batch);
		symbol_kernel_finish(&run->batch, &run->origin);
		if (reason)
			snprintf(run->origin.reason, sizeof(run->origin.reason), "%s", reason);
	}
	map_init(&modules);
	for (uint32_t i = 0; i < run->n; i++)
		set_place(s, run->touched[i].place,
			  kernel_module(s, &modules, run->batch.symbol[i].module, &run->origin),
			  &run->batch.symbol[i]);
	map_done(&modules);
}

/* The runtime's own names: shown as they are, no symbol table mangled them. */
static void fill_jit(struct names *s, struct run *run)
{
	struct profile *p = s->profile;
	struct profile_module m = module_of_jit(&p->names);
	uint32_t module = profile_add_module(p, &m);

	for (uint32_t i = 0; i < run->n; i++) {
		uint32_t code = (uint32_t)(run->batch.addr[i] >> 32);
		struct profile_place *place = &p->place[run->touched[i].place];
		uint64_t offset = run->batch.addr[i] & UINT32_MAX;
		struct jit_code about;
		struct jit_line line;
		str_id name;

		jit_code(s->n->jit, code, &about);
		name = intern_put(&p->names, about.name);
		place->addr = about.start + offset;
		place->module = module;
		place->function = name.n && !s->n->no_names ?
					  profile_function(p, module, name, name, true) :
					  unnamed_function(s, module, about.start);
		if (!jit_line(s->n->jit, code, offset, &line))
			continue;
		place->file = intern_put(&p->names, line.file);
		place->line = line.line;
		place->column = line.column;
		p->module[module].has_lines = true;
	}
}

static void fill_labels(struct names *s, struct run *run)
{
	struct profile *p = s->profile;
	struct profile_module m = module_of_labels(&p->names);
	uint32_t module = profile_add_module(p, &m);

	for (uint32_t i = 0; i < run->n; i++) {
		struct profile_place *place = &p->place[run->touched[i].place];
		const char *text = profile_label_text((enum profile_label)run->batch.addr[i]);
		str_id name = intern_put(&p->names, text);

		place->module = module;
		place->function = profile_function(p, module, name, name, false);
	}
}

static void fill(struct names *s, struct run *run)
{
	if (run->touched->object == LOC_KERNEL)
		fill_kernel(s, run);
	else if (run->touched->object == LOC_JIT)
		fill_jit(s, run);
	else if (run->touched->object == LOC_LABEL)
		fill_labels(s, run);
	else if (run->object)
		fill_file(s, run);
	else
		fill_unmapped(s, run);
}

/* ---- all ---- */

static void ask(struct names *s, struct run *run)
{
	const char *reason = NULL;

	if (run->touched->object == LOC_KERNEL || run->touched->object == LOC_UNMAPPED ||
	    run->touched->object == LOC_JIT || run->touched->object == LOC_LABEL)
		return;
	run->object = spaces_object(s->n->spaces, run->touched->object);
	if (!run->object || run->object->anonymous || s->n->no_names)
		return;
	run->key = (struct object_key){ run->object->build_id, run->object->maj, run->object->min,
					run->object->ino, run->object->path };
	run->image = recording_image(s->n->recording, &run->key, ELF_TAKE_SYMBOLS | ELF_TAKE_UNWIND,
				     &reason);
	symbolizer_add(s->symbolizer, run->image, reason, &run->key, &run->batch, &run->origin);
}

/* Runs keep pointers into addr and symbol, which are as long as `touched`. */
static void add_runs(struct names *s, const struct touched *t, size_t n, uint64_t *addr,
		     struct symbol *symbol)
{
	for (size_t i = 0, next; i < n; i = next) {
		struct run run = { .touched = t + i };

		for (next = i; next < n && t[next].object == t[i].object; next++) {
			addr[next] = t[next].addr;
			symbol[next] =
				(struct symbol){ .start = t[next].addr, .frame = SYMBOL_NO_FRAME };
		}
		run.n = (uint32_t)(next - i);
		run.batch = (struct symbol_batch){ .addr = addr + i,
						   .n = run.n,
						   .symbol = symbol + i,
						   .names = &s->profile->names };
		mem_grow(&s->run, &s->run_cap, s->n_runs + 1, sizeof(*s->run));
		s->run[s->n_runs++] = run;
	}
}

void naming_run(const struct naming *n)
{
	struct names s = { .n = n, .profile = n->profile };
	struct symbolizer_options options = { .debug = n->debug,
					      .cache = n->cache,
					      .use_local = n->use_local };
	struct profile *p = n->profile;
	struct touched *t;
	struct symbol *symbol;
	uint64_t *addr;
	size_t n_touched;

	p->n_places = unwinder_n_locs(n->unwinder);
	s.inner_max = PROFILE_INNER_LEAST + PROFILE_INNER_EACH * p->n_places;
	mem_grow(&p->place, &s.place_cap, p->n_places + 1, sizeof(*p->place));
	t = collect(n, &n_touched);
	addr = mem_alloc((n_touched + 1) * sizeof(*addr));
	symbol = mem_alloc((n_touched + 1) * sizeof(*symbol));
	map_init(&s.display);
	buf_init(&s.text);
	add_runs(&s, t, n_touched, addr, symbol);
	s.symbolizer = symbolizer_new(&options);
	for (size_t i = 0; i < s.n_runs; i++)
		ask(&s, &s.run[i]);
	symbolizer_run(s.symbolizer);
	for (size_t i = 0; i < s.n_runs; i++) {
		fill(&s, &s.run[i]);
		symbol_origin_done(&s.run[i].origin);
		symbol_batch_done(&s.run[i].batch);
	}
	symbolizer_free(s.symbolizer);
	free(s.run);
	free(addr);
	free(symbol);
	buf_done(&s.text);
	map_done(&s.display);
	free(t);
}
