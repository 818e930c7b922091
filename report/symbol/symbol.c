/*
 * Order for one object: tables in the recording; then, for addresses that are still unnamed, the
 * object's own file on this machine, then its debug file. A recording that carries its tables
 * therefore reads the same with and without the recorded binaries at hand.
 */
#include "report/symbol/symbol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "report/debug/debug.h"
#include "report/symbol/minidebug.h"
#include "report/symbol/table.h"

/* DW_EH_PE_datarel | DW_EH_PE_sdata4: what every linker writes into .eh_frame_hdr's table. */
enum { HDR_TABLE_ENCODING = 0x3b, HDR_UDATA4 = 0x03, HDR_POINTER_4_MASK = 0x0f, HDR_SDATA4 = 0x0b };

uint64_t symbol_function_start(const struct elf_image *image, uint64_t addr)
{
	const struct elf_part *hdr = elf_image_part(image, ELF_PART_EH_FRAME_HDR);
	uint64_t lo = 0, hi, offset;
	const uint8_t *table;

	/*
	 * version, encodings of the pointer to .eh_frame, of the count, of the table; pointer;
	 * count; table
	 */
	if (!hdr || !hdr->data || hdr->size < 12 || hdr->data[0] != 1 ||
	    hdr->data[2] != HDR_UDATA4 || hdr->data[3] != HDR_TABLE_ENCODING ||
	    ((hdr->data[1] & HDR_POINTER_4_MASK) != HDR_SDATA4 &&
	     (hdr->data[1] & HDR_POINTER_4_MASK) != HDR_UDATA4))
		return UINT64_MAX;
	hi = MIN(load_le32(hdr->data + 8), (hdr->size - 12) / 8);
	table = hdr->data + 12;
	offset = addr - hdr->addr;
	if (!hi || (int64_t)offset < (int32_t)load_le32(table))
		return UINT64_MAX;
	while (hi - lo > 1) {
		uint64_t mid = lo + (hi - lo) / 2;

		if ((int64_t)offset < (int32_t)load_le32(table + mid * 8))
			hi = mid;
		else
			lo = mid;
	}
	return hdr->addr + (uint64_t)(int64_t)(int32_t)load_le32(table + lo * 8);
}

struct naming {
	struct symbol_batch *batch;
	const struct elf_image *image;
	/* Addresses rise, so neighbours are often of one symbol: its name is interned once. */
	const char *last_text;
	str_id last_name;
};

static void take_plt_name(const struct naming *n, uint32_t i)
{
	uint64_t addr = n->batch->addr[i];
	struct buf name;

	buf_init(&name);
	if (symbol_plt(n->image, addr, &name)) {
		buf_puts(&name, "@plt");
		n->batch->symbol[i].name = intern_putn(n->batch->names, name.data, name.n);
		n->batch->symbol[i].start = addr;
	}
	buf_done(&name);
}

static void take_name(void *ctx, uint32_t i, const struct table_name *name)
{
	struct naming *n = ctx;
	struct symbol *symbol = &n->batch->symbol[i];

	if (symbol->name.n)
		return;
	/* A symbol of size 0 before the PLT would swallow it: PLT entries are asked first. */
	if (!name->size)
		take_plt_name(n, i);
	if (symbol->name.n || !name->text)
		return;
	if (name->text != n->last_text) {
		n->last_text = name->text;
		n->last_name = intern_putn(n->batch->names, name->text, name->n);
	}
	symbol->name = n->last_name;
	symbol->start = name->start;
}

void symbol_from_image(const struct elf_image *image, struct symbol_batch *batch)
{
	struct naming n = { .batch = batch, .image = image };
	const struct elf_part *packed = elf_image_part(image, ELF_PART_DEBUGDATA);
	struct elf_image *mini = NULL;
	struct table_pass t;

	table_pass_init(&t, batch->addr, batch->n);
	table_pass_feed(&t, image);
	if (packed && packed->data && !table_pass_covers_all(&t))
		mini = minidebug_open(packed->data, packed->size);
	if (mini)
		table_pass_feed(&t, mini);
	table_pass_finish(&t, image, take_name, &n);
	table_pass_done(&t);
	minidebug_close(mini);
}

static uint32_t count_unnamed(const struct symbol_batch *batch)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < batch->n; i++)
		n += !batch->symbol[i].name.n;
	return n;
}

/* Unnamed code is known by its function's start where call frame information tells it. */
static void take_starts(const struct elf_image *image, struct symbol_batch *batch)
{
	for (uint32_t i = 0; i < batch->n; i++) {
		struct symbol *s = &batch->symbol[i];
		uint64_t start;

		if (s->name.n || s->start != batch->addr[i])
			continue;
		start = symbol_function_start(image, batch->addr[i]);
		if (start != UINT64_MAX)
			s->start = start;
	}
}

static bool has_part(const struct elf_image *image, enum elf_part_kind kind)
{
	const struct elf_part *part = elf_image_part(image, kind);

	return part && part->data;
}

static enum symbol_tables tables_of(const struct elf_image *image)
{
	if (has_part(image, ELF_PART_SYMTAB) || has_part(image, ELF_PART_DEBUGDATA))
		return SYMBOL_TABLES_FULL;
	return has_part(image, ELF_PART_DYNSYM) ? SYMBOL_TABLES_EXPORTED : SYMBOL_TABLES_NONE;
}

/* Names from `image`; true when there were new ones. */
static bool use_image(const struct elf_image *image, struct symbol_batch *batch,
		      struct symbol_origin *origin)
{
	uint32_t before = count_unnamed(batch);

	origin->tables = MAX(origin->tables, tables_of(image));
	if (!before)
		return false;
	symbol_from_image(image, batch);
	take_starts(image, batch);
	return count_unnamed(batch) < before;
}

static bool has_tables(const struct elf_image *image)
{
	return has_part(image, ELF_PART_SYMTAB) || has_part(image, ELF_PART_DYNSYM);
}

/* The object itself, where the recording has no tables of it. */
static bool use_object_file(struct debug *debug, const struct object_key *key,
			    struct symbol_batch *batch, struct symbol_origin *origin)
{
	struct debug_file file = { .fd = -1 };
	struct elf_image *image;
	struct err err = { 0 };
	bool named = false;

	if (debug_find_object(debug, key, &file, &err) < 0)
		return false;
	image = mem_alloc(sizeof(*image));
	if (elf_image_read(file.fd, ELF_TAKE_SYMBOLS | ELF_TAKE_UNWIND, image, &err) == 0) {
		named = use_image(image, batch, origin);
		elf_image_done(image);
	}
	free(image);
	debug_file_done(&file);
	return named;
}

void symbol_batch_done(struct symbol_batch *b)
{
	free(b->frame);
	b->frame = NULL;
	b->n_frames = b->frame_cap = 0;
}

void symbol_origin_done(struct symbol_origin *o)
{
	free(o->where);
	o->where = NULL;
}

static void set_reason(struct symbol_origin *origin, const char *text)
{
	size_t n = MIN(strlen(text), sizeof(origin->reason) - 1);

	memcpy(origin->reason, text, n);
	origin->reason[n] = 0;
}

void symbol_object(const struct elf_image *embedded, const char *reason,
		   const struct object_key *key, struct debug *debug, struct symbol_batch *batch,
		   struct symbol_origin *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < batch->n; i++)
		batch->symbol[i] = (struct symbol){ .start = batch->addr[i] };
	if (embedded)
		ret->embedded = use_image(embedded, batch, ret);
	if (debug && count_unnamed(batch) && (!embedded || !has_tables(embedded)))
		ret->local = use_object_file(debug, key, batch, ret);
	if (ret->embedded || ret->local)
		return;
	if (embedded)
		set_reason(ret, "no symbol of the recorded file covers these addresses (stripped)");
	else
		set_reason(ret, reason && *reason ?
					reason :
					"not embedded, and no file with this build-id here");
}

static uint32_t first_at_or_above(const struct symbol_batch *b, uint64_t addr)
{
	uint32_t lo = 0, hi = b->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (b->addr[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Highest symbol start at or below each address, as /proc/kallsyms is read everywhere. */
int symbol_kernel_put(void *ctx, const struct kernel_symbol *symbol)
{
	const struct symbol_batch *b = ctx;
	uint32_t i = first_at_or_above(b, symbol->addr);
	struct symbol *s;

	if (i == b->n || !symbol->name[0])
		return 0;
	s = &b->symbol[i];
	if (s->name.n && s->start >= symbol->addr)
		return 0;
	s->name = intern_putn(b->names, symbol->name, strnlen(symbol->name, SYMBOL_NAME_MAX));
	s->module = intern_putn(b->names, symbol->module, strnlen(symbol->module, SYMBOL_NAME_MAX));
	s->start = symbol->addr;
	return 0;
}

void symbol_kernel_finish(struct symbol_batch *batch, struct symbol_origin *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < batch->n; i++) {
		if (!batch->symbol[i].name.n && i && batch->symbol[i - 1].name.n)
			batch->symbol[i] = batch->symbol[i - 1];
		else if (!batch->symbol[i].name.n)
			batch->symbol[i].start = batch->addr[i];
		ret->embedded |= batch->symbol[i].name.n != 0;
	}
	if (!ret->embedded)
		set_reason(
			ret,
			"kernel symbols were not recorded (kernel.kptr_restrict, CAP_SYSLOG)");
}
