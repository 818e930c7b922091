/*
 * Nothing here is meant to be fast, and nothing is shared with report/dwarf/: what both get wrong
 * in the same way would not show.
 */
#include "tests/check/peer.h"

#include <dwarf.h>
#include <libdwarf/libdwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 1000, HOPS_MAX = 16 };

/* The unit at hand: its entries, and the one in the main file with lines and addresses. */
struct reading {
	struct peer *peer;
	Dwarf_Debug dbg;
	Dwarf_Die root;
	Dwarf_Die skeleton;
	char **file; /* of its line table, by number from `first_file` */
	Dwarf_Signed n_files;
	unsigned int first_file;
	uint32_t unit;
};

static void *grow(void *items, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 256;
	items = realloc(items, *cap * size);
	if (!items)
		exit(99);
	return items;
}

/* ---- attributes ---- */

static bool number_of(Dwarf_Die die, Dwarf_Half name, Dwarf_Unsigned *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Signed value;
	Dwarf_Error err;

	if (dwarf_attr(die, name, &attr, &err) != DW_DLV_OK)
		return false;
	if (dwarf_formudata(attr, ret, &err) == DW_DLV_OK)
		return true;
	if (dwarf_formsdata(attr, &value, &err) != DW_DLV_OK)
		return false;
	*ret = (Dwarf_Unsigned)value;
	return true;
}

static bool text_of(Dwarf_Die die, Dwarf_Half name, const char **ret)
{
	Dwarf_Error err;
	char *text;

	if (dwarf_die_text(die, name, &text, &err) != DW_DLV_OK)
		return false;
	*ret = text;
	return true;
}

/* The file that dwz moved common entries to; NULL: none. */
static Dwarf_Debug alternate;

/* *dbg: the file with the entry, before and after. */
static bool reference_of(Dwarf_Debug *dbg, Dwarf_Die die, Dwarf_Half name, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Error err;
	Dwarf_Half form;
	Dwarf_Off off;

	if (dwarf_attr(die, name, &attr, &err) != DW_DLV_OK ||
	    dwarf_whatform(attr, &form, &err) != DW_DLV_OK ||
	    dwarf_global_formref(attr, &off, &err) != DW_DLV_OK)
		return false;
	if (form == DW_FORM_GNU_ref_alt || form == DW_FORM_ref_sup4 || form == DW_FORM_ref_sup8)
		*dbg = alternate;
	return *dbg && dwarf_offdie_b(*dbg, off, 1, ret, &err) == DW_DLV_OK;
}

static const char *name_of(Dwarf_Debug dbg, Dwarf_Die die)
{
	const char *name = NULL, *linkage;

	for (int hop = 0; hop < HOPS_MAX; hop++) {
		Dwarf_Die next;

		if (text_of(die, DW_AT_linkage_name, &linkage) ||
		    text_of(die, DW_AT_MIPS_linkage_name, &linkage))
			return linkage;
		if (!name)
			text_of(die, DW_AT_name, &name);
		if (!reference_of(&dbg, die, DW_AT_abstract_origin, &next) &&
		    !reference_of(&dbg, die, DW_AT_specification, &next))
			break;
		die = next;
	}
	return name;
}

/* ---- ranges ---- */

static void range_put(struct peer *p, uint32_t scope, uint64_t begin, uint64_t end)
{
	if (begin >= end || begin < p->text_start || begin >= p->text_end)
		return;
	p->range = grow(p->range, &p->ranges_cap, p->n_ranges, sizeof(*p->range));
	p->range[p->n_ranges++] = (struct peer_range){ begin, end, scope };
}

static void ranges_5(const struct reading *r, Dwarf_Attribute attr, Dwarf_Half form,
		     Dwarf_Unsigned at, uint32_t scope)
{
	Dwarf_Unsigned n, off, raw[2], begin, end;
	Dwarf_Rnglists_Head head;
	Dwarf_Error err;

	if (dwarf_rnglists_get_rle_head(attr, form, at, &head, &n, &off, &err) != DW_DLV_OK) {
		r->peer->n_refused++;
		return;
	}
	for (Dwarf_Unsigned i = 0; i < n; i++) {
		unsigned int length, code;

		if (dwarf_get_rnglists_entry_fields(head, i, &length, &code, &raw[0], &raw[1],
						    &begin, &end, &err) != DW_DLV_OK)
			break;
		if (code != DW_RLE_end_of_list && code != DW_RLE_base_address &&
		    code != DW_RLE_base_addressx)
			range_put(r->peer, scope, begin, end);
	}
	dwarf_dealloc_rnglists_head(head);
}

static void ranges_4(const struct reading *r, Dwarf_Die die, Dwarf_Unsigned at, uint32_t scope)
{
	Dwarf_Unsigned bytes;
	Dwarf_Ranges *list;
	Dwarf_Signed n;
	Dwarf_Error err;
	Dwarf_Addr base = 0;
	Dwarf_Off real;

	dwarf_lowpc(r->skeleton, &base, &err);
	if (dwarf_get_ranges_b(r->dbg, at, die, &real, &list, &n, &bytes, &err) != DW_DLV_OK) {
		r->peer->n_refused++;
		return;
	}
	for (Dwarf_Signed i = 0; i < n && list[i].dwr_type != DW_RANGES_END; i++) {
		if (list[i].dwr_type == DW_RANGES_ADDRESS_SELECTION)
			base = list[i].dwr_addr2;
		else
			range_put(r->peer, scope, base + list[i].dwr_addr1,
				  base + list[i].dwr_addr2);
	}
	dwarf_ranges_dealloc(r->dbg, list, n);
}

static void ranges_of(const struct reading *r, Dwarf_Die die, uint32_t scope)
{
	Dwarf_Half version, off_size, form;
	enum Dwarf_Form_Class class;
	Dwarf_Addr low, high;
	Dwarf_Attribute attr;
	Dwarf_Unsigned at;
	Dwarf_Error err;

	if (dwarf_attr(die, DW_AT_ranges, &attr, &err) == DW_DLV_OK) {
		if (dwarf_whatform(attr, &form, &err) != DW_DLV_OK ||
		    (dwarf_formudata(attr, &at, &err) != DW_DLV_OK &&
		     dwarf_global_formref(attr, &at, &err) != DW_DLV_OK))
			return;
		dwarf_get_version_of_die(die, &version, &off_size);
		if (version >= 5)
			ranges_5(r, attr, form, at, scope);
		else
			ranges_4(r, die, at, scope);
		return;
	}
	if (dwarf_lowpc(die, &low, &err) != DW_DLV_OK ||
	    dwarf_highpc_b(die, &high, &form, &class, &err) != DW_DLV_OK)
		return;
	range_put(r->peer, scope, low, class == DW_FORM_CLASS_CONSTANT ? low + high : high);
}

/* ---- entries ---- */

/* By its number: dwarf_linesrc() has the first file of version 5 for what it does not know. */
static const char *file_of(const struct reading *r, Dwarf_Unsigned number)
{
	if (number < r->first_file || number - r->first_file >= (Dwarf_Unsigned)r->n_files)
		return NULL;
	return r->file[number - r->first_file];
}

static uint32_t scope_put(const struct reading *r, Dwarf_Die die, uint32_t parent)
{
	struct peer *p = r->peer;
	struct peer_scope s = { .name = name_of(r->dbg, die), .parent = parent, .unit = r->unit };
	Dwarf_Unsigned file;

	if (parent != PEER_NONE) {
		s.depth = p->scope[parent].depth + 1;
		if (number_of(die, DW_AT_call_file, &file))
			s.call_file = file_of(r, file);
		number_of(die, DW_AT_call_line, (Dwarf_Unsigned *)&s.call_line);
		number_of(die, DW_AT_call_column, (Dwarf_Unsigned *)&s.call_column);
	}
	p->scope = grow(p->scope, &p->scopes_cap, p->n_scopes, sizeof(*p->scope));
	p->scope[p->n_scopes] = s;
	return (uint32_t)p->n_scopes++;
}

static void entries_read(const struct reading *r, Dwarf_Die die, uint32_t around, int depth)
{
	Dwarf_Die child, next;
	Dwarf_Error err;

	if (depth > DEPTH_MAX || dwarf_child(die, &child, &err) != DW_DLV_OK)
		return;
	for (;;) {
		uint32_t scope = around;
		Dwarf_Half tag = 0;

		dwarf_tag(child, &tag, &err);
		if (tag == DW_TAG_subprogram)
			scope = scope_put(r, child, PEER_NONE);
		else if (tag == DW_TAG_inlined_subroutine && around != PEER_NONE)
			scope = scope_put(r, child, around);
		if (scope != around)
			ranges_of(r, child, scope);
		entries_read(r, child, scope, depth + 1);
		if (dwarf_siblingof_b(r->dbg, child, 1, &next, &err) != DW_DLV_OK)
			break;
		dwarf_dealloc_die(child);
		child = next;
	}
	dwarf_dealloc_die(child);
}

/* ---- lines ---- */

static bool row_read(const struct reading *r, Dwarf_Line line, struct peer_row *ret)
{
	Dwarf_Unsigned number, column, isa, discriminator, file = UINT64_MAX;
	Dwarf_Bool end, prologue, epilogue;
	Dwarf_Addr addr;
	Dwarf_Error err;

	if (dwarf_lineaddr(line, &addr, &err) != DW_DLV_OK ||
	    dwarf_lineno(line, &number, &err) != DW_DLV_OK ||
	    dwarf_lineoff_b(line, &column, &err) != DW_DLV_OK ||
	    dwarf_lineendsequence(line, &end, &err) != DW_DLV_OK ||
	    dwarf_prologue_end_etc(line, &prologue, &epilogue, &isa, &discriminator, &err) !=
		    DW_DLV_OK)
		return false;
	/* the end of a sequence is no epilogue; libdwarf of 2021 calls both an end */
	*ret = (struct peer_row){
		.addr = addr, .line = number, .column = column, .is_end = end && !epilogue
	};
	if (dwarf_line_srcfileno(line, &file, &err) == DW_DLV_OK)
		ret->file = file_of(r, file);
	if (!r->first_file && file == 0)
		ret->file_at_start = file_of(r, 1);
	return true;
}

static void lines_read(const struct reading *r)
{
	struct peer *p = r->peer;
	Dwarf_Line_Context context;
	Dwarf_Unsigned version;
	Dwarf_Small tables;
	Dwarf_Line *line;
	Dwarf_Signed n;
	Dwarf_Error err;

	if (dwarf_srclines_b(r->skeleton, &version, &tables, &context, &err) != DW_DLV_OK ||
	    dwarf_srclines_from_linecontext(context, &line, &n, &err) != DW_DLV_OK)
		return;
	for (Dwarf_Signed i = 0; i < n; i++) {
		struct peer_row row;

		if (!row_read(r, line[i], &row))
			continue;
		row.unit = r->unit;
		p->row = grow(p->row, &p->rows_cap, p->n_rows, sizeof(*p->row));
		p->row[p->n_rows++] = row;
	}
}

/* ---- units ---- */

/* Root entry of a unit; skeletons and what belongs to them have the same id. */
struct root {
	Dwarf_Debug dbg;
	Dwarf_Die die;
	Dwarf_Half version;
	Dwarf_Sig8 id;
	bool has_id;
};

struct roots {
	struct root *item;
	size_t n, cap;
};

/* DWARF 4 has the id in an attribute. */
static void root_identify(struct root *root)
{
	static const Dwarf_Sig8 none;
	Dwarf_Unsigned number;

	if (number_of(root->die, DW_AT_GNU_dwo_id, &number))
		memcpy(&root->id, &number, sizeof(number));
	root->has_id = memcmp(&root->id, &none, sizeof(none)) != 0;
}

/* All of a file at once: libdwarf goes on where the last walk stopped, also its own. */
static void roots_read(struct roots *r, Dwarf_Debug dbg)
{
	Dwarf_Unsigned length, type_off, next;
	Dwarf_Half addr_size, length_size, extension, type;
	struct root root = { .dbg = dbg };
	Dwarf_Off abbrev;
	Dwarf_Error err;

	while (dwarf_next_cu_header_d(dbg, 1, &length, &root.version, &abbrev, &addr_size,
				      &length_size, &extension, &root.id, &type_off, &next, &type,
				      &err) == DW_DLV_OK &&
	       dwarf_siblingof_b(dbg, NULL, 1, &root.die, &err) == DW_DLV_OK) {
		if (type == DW_UT_split_type || type == DW_UT_type)
			continue;
		root_identify(&root);
		r->item = grow(r->item, &r->cap, r->n, sizeof(*r->item));
		r->item[r->n++] = root;
		memset(&root.id, 0, sizeof(root.id));
	}
}

/* The entries of a skeleton, in the first file that has them; itself: nobody has. */
static const struct root *split_find(const struct root *skeleton, const struct roots *split)
{
	for (size_t i = 0; skeleton->has_id && i < split->n; i++)
		if (split->item[i].has_id &&
		    memcmp(&split->item[i].id, &skeleton->id, sizeof(skeleton->id)) == 0)
			return &split->item[i];
	return skeleton;
}

static Dwarf_Debug open_one(const char *path, unsigned int group)
{
	Dwarf_Debug dbg;
	Dwarf_Error err;
	int status = dwarf_init_path(path, NULL, 0, DW_DLC_READ, group, NULL, NULL, &dbg, NULL, 0,
				     NULL, &err);

	if (status != DW_DLV_OK)
		fprintf(stderr, "peer: %s: %s\n", path,
			status == DW_DLV_ERROR ? dwarf_errmsg(err) : "no debug information");
	return status == DW_DLV_OK ? dbg : NULL;
}

static bool is_alternate(const char *path)
{
	const char *suffix = strrchr(path, '.');

	return !suffix || (strcmp(suffix, ".dwo") != 0 && strcmp(suffix, ".dwp") != 0);
}

static void unit_read(struct reading *r)
{
	Dwarf_Error err;

	if (dwarf_srcfiles(r->skeleton, &r->file, &r->n_files, &err) == DW_DLV_ERROR)
		r->peer->n_refused++;
	lines_read(r);
	entries_read(r, r->root, PEER_NONE, 0);
}

bool peer_read(struct peer *p, const char *path, char *const *further, int n_further)
{
	struct roots roots = { 0 }, split = { 0 };
	Dwarf_Debug main = open_one(path, DW_GROUPNUMBER_ANY);
	Dwarf_Error err;

	if (!main)
		return false;
	roots_read(&roots, main);
	for (int i = 0; i < n_further; i++) {
		bool is_alt = is_alternate(further[i]);
		Dwarf_Debug dbg =
			open_one(further[i], is_alt ? DW_GROUPNUMBER_ANY : DW_GROUPNUMBER_DWO);

		if (is_alt) {
			alternate = dbg;
			if (!dbg || dwarf_set_tied_dbg(main, dbg, &err) != DW_DLV_OK)
				return false;
			continue;
		}
		if (!dbg || dwarf_set_tied_dbg(dbg, main, &err) != DW_DLV_OK)
			return false;
		roots_read(&split, dbg);
	}
	for (size_t i = 0; i < roots.n; i++) {
		const struct root *entries = split_find(&roots.item[i], &split);
		struct reading r = {
			.peer = p,
			.dbg = entries->dbg,
			.root = entries->die,
			.skeleton = roots.item[i].die,
			.first_file = roots.item[i].version < 5,
			.unit = p->n_units++,
		};

		unit_read(&r);
	}
	free(roots.item);
	free(split.item);
	return true;
}

/* ---- searching ---- */

static uint32_t root_of(const struct peer *p, uint32_t scope)
{
	while (p->scope[scope].parent != PEER_NONE)
		scope = p->scope[scope].parent;
	return scope;
}

uint32_t peer_find(const struct peer *p, uint64_t addr)
{
	uint32_t function = PEER_NONE, best;
	uint64_t size = UINT64_MAX;

	for (size_t i = 0; i < p->n_ranges; i++) {
		const struct peer_range *x = &p->range[i];

		if (addr < x->begin || addr >= x->end || p->scope[x->scope].depth ||
		    x->end - x->begin >= size)
			continue;
		function = x->scope;
		size = x->end - x->begin;
	}
	best = function;
	for (size_t i = 0; function != PEER_NONE && i < p->n_ranges; i++) {
		const struct peer_range *x = &p->range[i];

		if (addr >= x->begin && addr < x->end &&
		    p->scope[x->scope].depth > p->scope[best].depth &&
		    root_of(p, x->scope) == function)
			best = x->scope;
	}
	return best;
}

const struct peer_row *peer_row_find(const struct peer *p, uint32_t unit, uint64_t addr)
{
	for (size_t i = 0; i + 1 < p->n_rows; i++) {
		const struct peer_row *row = &p->row[i];

		if (row->unit == unit && !row->is_end && row[1].unit == unit && row->addr <= addr &&
		    addr < row[1].addr)
			return row;
	}
	return NULL;
}
