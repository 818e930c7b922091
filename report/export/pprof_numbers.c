/*
 * Numbers are dense from 1: locations in the order of places, functions by the first place that has
 * them, mappings in the order of modules, but that of the program first.
 */
#include "report/export/pprof_numbers.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/map.h"
#include "report/profile/profile.h"

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
static uint32_t main_module(const struct pprof_numbers *w)
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

static void number_mappings(struct pprof_numbers *w)
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
static void number_functions(struct pprof_numbers *w)
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
static void number_all(struct pprof_numbers *w)
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
static void find_ranges(struct pprof_numbers *w)
{
	const struct profile *p = w->p;

	for (size_t i = 0; i < p->n_modules; i++) {
		const struct profile_module *m = &p->module[i];

		w->range[i].start = m->code_size ? m->code_addr : UINT64_MAX;
		w->range[i].limit = m->code_size ? m->code_addr + m->code_size : 0;
	}
	for (size_t i = 0; i < p->n_places; i++) {
		struct pprof_range *r = &w->range[p->place[i].module];

		if (!w->location_id[i])
			continue;
		r->start = MIN(r->start, p->place[i].addr);
		r->limit = MAX(r->limit, p->place[i].addr + 1);
	}
}

void pprof_numbers_init(struct pprof_numbers *w, const struct profile *p, bool flatten)
{
	*w = (struct pprof_numbers){ .p = p, .flatten = flatten };
	w->location_id = mem_zalloc((p->n_places + 1) * sizeof(*w->location_id));
	w->function_id = mem_zalloc((p->n_places + 1) * sizeof(*w->function_id));
	w->function_place = mem_zalloc((p->n_places + 1) * sizeof(*w->function_place));
	w->has_inlined = mem_zalloc(p->n_modules + 1);
	w->mapping_id = mem_zalloc((p->n_modules + 1) * sizeof(*w->mapping_id));
	w->range = mem_zalloc((p->n_modules + 1) * sizeof(*w->range));
	number_all(w);
	find_ranges(w);
}

void pprof_numbers_done(struct pprof_numbers *w)
{
	free(w->location_id);
	free(w->function_id);
	free(w->function_place);
	free(w->has_inlined);
	free(w->mapping_id);
	free(w->range);
}
