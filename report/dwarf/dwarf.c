#include "report/dwarf/dwarf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "report/dwarf/engine.h"
#include "report/dwarf/functions.h"
#include "report/dwarf/lines.h"
#include "report/dwarf/split.h"
#include "report/dwarf/symtab.h"
#include "report/dwarf/unit.h"

enum {
	/* steps a question may take for each byte of the sections that it may read, ... */
	BUDGET_STEPS_BYTE = 16,
	/* ... for each address, and at least */
	BUDGET_STEPS_ADDR = 1024,
	BUDGET_STEPS_MIN = 1 << 20,
};

static void budget_fill(struct dwarf *d, uint32_t n)
{
	static const enum section_kind read[] = { SECTION_INFO, SECTION_ABBREV, SECTION_LINE,
						  SECTION_RANGES, SECTION_RNGLISTS };
	uint64_t bytes = 0;

	for (size_t i = 0; i < N_ELEMENTS(read); i++)
		bytes += d->main.sections ? sections_size(d->main.sections, read[i]) :
					    d->main.section[read[i]].n;
	d->budget.steps =
		bytes * BUDGET_STEPS_BYTE + (uint64_t)n * BUDGET_STEPS_ADDR + BUDGET_STEPS_MIN;
}

static struct dwarf *dwarf_new(const char *name)
{
	struct dwarf *d = mem_zalloc(sizeof(*d));

	d->name = name ? strdup(name) : NULL;
	d->budget.name = d->name;
	d->main.budget = &d->budget;
	names_init(&d->names);
	map_init(&d->main.abbrevs);
	map_init(&d->alt.abbrevs);
	d->alt.budget = &d->budget;
	d->alt.id = 1;
	return d;
}

struct dwarf *dwarf_over(const struct section *section, uint64_t text_start, uint64_t text_end)
{
	struct dwarf *d = dwarf_new(NULL);

	memcpy(d->main.section, section, sizeof(d->main.section));
	d->main.text_start = text_start;
	d->main.text_end = text_end;
	d->stats.has_info = section[SECTION_INFO].n > 0;
	d->stats.has_lines = section[SECTION_LINE].n > 0;
	return d;
}

int dwarf_open(const struct dwarf_input *in, struct dwarf **ret, struct err *err)
{
	struct dwarf *d = dwarf_new(in->name);
	int rc = sections_open(in->fd, false, &d->main.sections, err);

	d->in = *in;
	if (rc < 0)
		goto fail;
	d->stats.has_info = sections_has(d->main.sections, SECTION_INFO);
	d->stats.has_lines = sections_has(d->main.sections, SECTION_LINE);
	if (!d->stats.has_info && !sections_has(d->main.sections, SECTION_SYMTAB) &&
	    !sections_has(d->main.sections, SECTION_DYNSYM)) {
		rc = err_set(err, -ENODATA, "neither debug information nor symbols");
		goto fail;
	}
	sections_text(d->main.sections, &d->main.text_start, &d->main.text_end);
	*ret = d;
	return 0;
fail:
	dwarf_close(d);
	return rc;
}

void file_done(struct dwarf_file *f)
{
	for (uint32_t i = 0; i < f->n_units; i++) {
		functions_free(f->unit[i].functions);
		lines_free(f->unit[i].lines);
	}
	free(f->unit);
	abbrevs_free_all(f);
	sections_close(f->sections);
}

void dwarf_close(struct dwarf *d)
{
	if (!d)
		return;
	file_done(&d->main);
	file_done(&d->alt);
	splits_done(d);
	symtab_free(d->symtab);
	names_done(&d->names);
	unit_index_done(&d->index);
	inlines_done(&d->inlines);
	free(d->name);
	free(d);
}

static void prefetch(struct dwarf *d)
{
	static const enum section_kind wanted[] = {
		SECTION_INFO,	  SECTION_LINE,	       SECTION_ABBREV,
		SECTION_STR,	  SECTION_RNGLISTS,    SECTION_RANGES,
		SECTION_LINE_STR, SECTION_STR_OFFSETS, SECTION_ADDR,
	};

	if (d->main.sections)
		sections_prefetch(d->main.sections, wanted, N_ELEMENTS(wanted), d->in.n_threads);
}

/* The file that dwz moved common entries to; without it names are missing, and that is said. */
static void alt_open(struct dwarf *d)
{
	struct dwarf_want want = { .kind = DWARF_WANT_ALT, .comp_dir = "" };
	struct dwarf_stats unused = { 0 };
	struct err err = { 0 };
	int fd = -ENOENT;

	if (!d->main.sections || !sections_alt(d->main.sections, &want.name, &want.build_id))
		return;
	if (d->in.supply)
		fd = d->in.supply(d->in.supply_ctx, &want);
	d->stats.alt_missing = fd < 0;
	if (fd < 0)
		return;
	if (sections_open(fd, false, &d->alt.sections, &err) < 0) {
		d->stats.alt_missing = true;
		d->alt.sections = NULL;
		budget_trouble(&d->budget, &err);
	} else {
		d->budget.steps += sections_size(d->alt.sections, SECTION_INFO) * BUDGET_STEPS_BYTE;
		d->main.alt = &d->alt;
		units_read(&d->alt, &unused);
	}
	close(fd);
}

int dwarf_answer(struct dwarf *d, const uint64_t *addr, uint32_t n, struct answers_builder *out,
		 struct err *err)
{
	uint64_t n_known = d->stats.n_functions + d->stats.n_lines;

	budget_fill(d, n);
	d->round++;
	if (!d->is_indexed) {
		prefetch(d);
		units_read(&d->main, &d->stats);
		alt_open(d);
		unit_index_make(&d->index, &d->main);
		d->is_indexed = true;
	}
	d->stats.n_addrs += n;
	batch_run(d, addr, n, out);
	if (d->main.sections)
		d->stats.section_bytes = sections_bytes(d->main.sections);
	if (d->stats.n_functions + d->stats.n_lines > n_known || !d->budget.trouble.text[0])
		return 0;
	return err_set(err, -EBADMSG, "%s", d->budget.trouble.text);
}

const struct dwarf_stats *dwarf_stats(const struct dwarf *d)
{
	return &d->stats;
}

const char *dwarf_trouble(const struct dwarf *d)
{
	return d->budget.trouble.text;
}
