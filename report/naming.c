/*
 * The tree's places are sorted by object and address (a radix sort: they are plain integers), and
 * each object's run of addresses goes to the symbol room as one batch. Demangling happens once for
 * each symbol.
 */
#include "report/naming.h"

#include <elf.h>
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
#include "report/profile/profile.h"
#include "report/read/read.h"
#include "report/symbol/symbol.h"
#include "report/unwind/unwind.h"

struct touched {
	uint64_t addr;
	uint32_t object, place;
};

struct names {
	const struct naming *n;
	struct profile *profile;
	struct map display; /* symbol's str_id -> display name's str_id */
	struct buf text;
	bool any; /* last_... are set: the place before this one */
	uint32_t last_module, last_function;
	struct symbol last_symbol;
	uint64_t *addr; /* of the run at hand */
	struct symbol *symbol;
};

/* ---- order ---- */

/* One pass of a radix sort by `bits` bits of a key at `shift`; object is the key's upper half. */
static void sort_pass(const struct touched *from, struct touched *to, size_t n, unsigned int shift,
		      bool by_object)
{
	enum { DIGITS = 1 << 11 };
	size_t start[DIGITS + 1] = { 0 };

	for (size_t i = 0; i < n; i++)
		start[((by_object ? from[i].object : from[i].addr) >> shift & (DIGITS - 1)) + 1]++;
	for (unsigned int d = 0; d < DIGITS; d++)
		start[d + 1] += start[d];
	for (size_t i = 0; i < n; i++)
		to[start[(by_object ? from[i].object : from[i].addr) >> shift & (DIGITS - 1)]++] =
			from[i];
}

static bool differs(const struct touched *t, size_t n, unsigned int shift, bool by_object)
{
	uint64_t any = 0;

	for (size_t i = 1; i < n; i++)
		any |= by_object ? t[i].object ^ t[0].object : t[i].addr ^ t[0].addr;
	return any >> shift & 2047;
}

/* By (object, addr). Digits in which all agree cost one look and no move. */
static struct touched *sort_touched(struct touched *t, size_t n)
{
	struct touched *other = mem_alloc((n + 1) * sizeof(*other));

	for (unsigned int pass = 0; pass < 9; pass++) {
		bool by_object = pass >= 6;
		unsigned int shift = 11 * (by_object ? pass - 6 : pass);
		struct touched *swap;

		if (!differs(t, n, shift, by_object))
			continue;
		sort_pass(t, other, n, shift, by_object);
		swap = t;
		t = other;
		other = swap;
	}
	free(other);
	return t;
}

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
	return sort_touched(t, count);
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

/* ---- modules ---- */

/* "/usr/lib/libx.so.1 (deleted)" is libx.so.1. */
static str_id base_name(struct names *s, const char *path)
{
	static const char deleted[] = " (deleted)";
	size_t n = strlen(path), cut = sizeof(deleted) - 1;
	const char *slash;

	if (n > cut && !strcmp(path + n - cut, deleted))
		n -= cut;
	slash = memrchr(path, '/', n);
	if (slash && slash + 1 < path + n) {
		n -= (size_t)(slash + 1 - path);
		path = slash + 1;
	}
	return n ? intern_putn(&s->profile->names, path, n) :
		   intern_put(&s->profile->names, "[unknown]");
}

static void set_code_segment(struct profile_module *m, const struct elf_image *image)
{
	for (uint32_t i = 0; image && i < image->n_loads; i++) {
		const struct elf_load *load = &image->load[i];
		uint64_t end;

		if (!(load->flags & PF_X) ||
		    __builtin_add_overflow(load->addr, load->mem_size, &end))
			continue;
		m->code_addr = load->addr;
		m->code_size = load->mem_size;
		m->code_file_off = load->file_off;
		return;
	}
}

static struct profile_module file_module(struct names *s, uint32_t object,
					 const struct space_object *o)
{
	struct intern *names = &s->profile->names;
	const char *reason = NULL;
	struct profile_module m = { .kind = o->anonymous ? MODULE_ANONYMOUS : MODULE_FILE };

	m.path = intern_put(names, o->path ? o->path : "");
	m.name = o->anonymous && o->path && o->path[0] != '[' ?
			 intern_put(names, "[anon]") :
			 base_name(s, o->path ? o->path : "");
	m.build_id = o->build_id;
	m.unwind_state = unwinder_object_state(s->n->unwinder, object, &reason);
	m.unwind_reason = intern_put(names, reason ? reason : "");
	return m;
}

static void set_origin(struct names *s, struct profile_module *m,
		       const struct symbol_origin *origin)
{
	m->has_names = origin->embedded || origin->local;
	m->local_names = origin->local;
	m->symbols_reason = intern_put(&s->profile->names, origin->reason);
}

/* ---- one object's run ---- */

static void name_file(struct names *s, const struct touched *t, uint32_t n,
		      const struct space_object *o)
{
	struct symbol_batch batch = {
		.addr = s->addr, .n = n, .symbol = s->symbol, .names = &s->profile->names
	};
	struct object_key key = { o->build_id, o->maj, o->min, o->ino, o->path };
	struct profile_module m = file_module(s, t->object, o);
	struct symbol_origin origin = { 0 };
	const struct elf_image *image = NULL;
	const char *reason = NULL;
	uint32_t module;

	for (uint32_t i = 0; i < n; i++) {
		s->addr[i] = t[i].addr;
		s->symbol[i] = (struct symbol){ .start = t[i].addr };
	}
	if (!o->anonymous && !s->n->no_names) {
		image = recording_image(s->n->recording, &key, ELF_TAKE_SYMBOLS | ELF_TAKE_UNWIND,
					&reason);
		set_code_segment(&m, image);
		symbol_object(image, reason, &key, s->n->use_local, &batch, &origin);
	}
	set_origin(s, &m, &origin);
	module = profile_add_module(s->profile, &m);
	for (uint32_t i = 0; i < n; i++)
		set_place(s, t[i].place, module, &s->symbol[i]);
}

static void name_unmapped(struct names *s, const struct touched *t, uint32_t n)
{
	struct profile_module m = { .kind = MODULE_UNMAPPED };
	uint32_t module;

	m.name = m.path = intern_put(&s->profile->names, "[unknown]");
	m.symbols_reason = intern_put(&s->profile->names, "outside every known mapping");
	module = profile_add_module(s->profile, &m);
	for (uint32_t i = 0; i < n; i++)
		set_place(s, t[i].place, module, &(struct symbol){ .start = t[i].addr });
}

/* A loadable module's functions count for the module: "[ext4]". */
static uint32_t kernel_module(struct names *s, struct map *modules, str_id name,
			      const struct symbol_origin *origin)
{
	struct profile_module m = { .kind = MODULE_KERNEL };
	bool is_new;
	uint64_t *at = map_put(modules, name.n + 1, &is_new);

	if (!is_new)
		return (uint32_t)*at;
	buf_reset(&s->text);
	buf_printf(&s->text, "[%s]", name.n ? profile_text(s->profile, name) : "kernel");
	m.name = m.path = intern_putn(&s->profile->names, s->text.data, s->text.n);
	set_origin(s, &m, origin);
	*at = profile_add_module(s->profile, &m);
	return (uint32_t)*at;
}

static void name_kernel(struct names *s, const struct touched *t, uint32_t n)
{
	struct symbol_batch batch = {
		.addr = s->addr, .n = n, .symbol = s->symbol, .names = &s->profile->names
	};
	struct symbol_origin origin = { 0 };
	struct map modules;

	for (uint32_t i = 0; i < n; i++) {
		s->addr[i] = t[i].addr;
		s->symbol[i] = (struct symbol){ .start = t[i].addr };
	}
	if (!s->n->no_names) {
		recording_each_kernel_symbol(s->n->recording, symbol_kernel_put, &batch);
		symbol_kernel_finish(&batch, &origin);
	}
	map_init(&modules);
	for (uint32_t i = 0; i < n; i++)
		set_place(s, t[i].place, kernel_module(s, &modules, s->symbol[i].module, &origin),
			  &s->symbol[i]);
	map_done(&modules);
}

static void name_run(struct names *s, const struct touched *t, uint32_t n)
{
	const struct space_object *o;

	if (t->object == LOC_KERNEL) {
		name_kernel(s, t, n);
		return;
	}
	o = t->object == LOC_UNMAPPED ? NULL : spaces_object(s->n->spaces, t->object);
	if (o)
		name_file(s, t, n, o);
	else
		name_unmapped(s, t, n);
}

void naming_run(const struct naming *n)
{
	struct names s = { .n = n, .profile = n->profile };
	struct profile *p = n->profile;
	struct touched *t;
	size_t n_touched;

	p->n_places = unwinder_n_locs(n->unwinder);
	p->place = mem_alloc((p->n_places + 1) * sizeof(*p->place));
	t = collect(n, &n_touched);
	map_init(&s.display);
	buf_init(&s.text);
	s.addr = mem_alloc((n_touched + 1) * sizeof(*s.addr));
	s.symbol = mem_alloc((n_touched + 1) * sizeof(*s.symbol));
	for (size_t i = 0, next; i < n_touched; i = next) {
		for (next = i; next < n_touched && t[next].object == t[i].object;)
			next++;
		name_run(&s, t + i, (uint32_t)(next - i));
	}
	free(s.addr);
	free(s.symbol);
	buf_done(&s.text);
	map_done(&s.display);
	free(t);
}
