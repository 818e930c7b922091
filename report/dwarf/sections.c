/*
 * Which section is what is found once, at the start; bytes come when they are asked for. Unpacking
 * a large section takes longer than everything else that is done with it, so several are unpacked
 * side by side while the caller still waits for the first.
 */
#include "report/dwarf/sections.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "report/dwarf/sections_crew.h"
#include "report/dwarf/sections_file.h"
#include "report/dwarf/sections_slot.h"
#include "report/dwarf/sections_unpack.h"

enum { SLOT_ALTLINK = SECTION_KINDS, SLOT_SUP, SLOTS };

struct sections {
	struct sections_file file;
	struct slot slot[SLOTS];
	struct sections_crew *crew; /* NULL: nobody unpacks but the caller */
	struct unpacker own;	    /* the caller's */
	bool own_ready;
	uint64_t lent_bytes;
	uint64_t text_start, text_end; /* equal: no code */
};

/* ".debug_" and ".zdebug_" go before these, ".dwo" behind them in split files. */
static const struct {
	const char *name;
	unsigned int slot;
} debug_names[] = {
	{ "info", SECTION_INFO },	  { "abbrev", SECTION_ABBREV },
	{ "line", SECTION_LINE },	  { "str", SECTION_STR },
	{ "line_str", SECTION_LINE_STR }, { "str_offsets", SECTION_STR_OFFSETS },
	{ "addr", SECTION_ADDR },	  { "ranges", SECTION_RANGES },
	{ "rnglists", SECTION_RNGLISTS }, { "aranges", SECTION_ARANGES },
	{ "types", SECTION_TYPES },	  { "cu_index", SECTION_CU_INDEX },
	{ "tu_index", SECTION_TU_INDEX }, { "sup", SLOT_SUP },
};

/* ---- finding ---- */

/* The n bytes at text are `want`. */
static bool is_text(const char *text, size_t n, const char *want)
{
	return n == strlen(want) && memcmp(text, want, n) == 0;
}

/* Slot of a debug section's name; SLOTS: none. */
static unsigned int slot_of(const char *name, bool split, bool *ret_gnu)
{
	static const char dwo[] = ".dwo";
	size_t n, n_dwo = sizeof(dwo) - 1;
	bool is_index, is_dwo;

	*ret_gnu = strncmp(name, ".zdebug_", strlen(".zdebug_")) == 0;
	if (!*ret_gnu && strncmp(name, ".debug_", strlen(".debug_")) != 0)
		return SLOTS;
	name += *ret_gnu ? strlen(".zdebug_") : strlen(".debug_");
	n = strnlen(name, 64);
	is_index = is_text(name, n, "cu_index") || is_text(name, n, "tu_index");
	is_dwo = n > n_dwo && memcmp(name + n - n_dwo, dwo, n_dwo) == 0;
	if (is_dwo != split && !is_index)
		return SLOTS;
	if (is_dwo)
		n -= n_dwo;
	for (size_t i = 0; i < N_ELEMENTS(debug_names); i++)
		if (is_text(name, n, debug_names[i].name))
			return debug_names[i].slot;
	return SLOTS;
}

/*
 * The first of a name counts, but objects may have further ones for type units, in groups: one
 * outside of groups is better.
 */
static void take_section(struct sections *s, unsigned int slot, uint32_t index, bool gnu)
{
	const Elf64_Shdr *shdr = s->file.shdr;
	uint32_t had = s->slot[slot].index;

	if (shdr[index].sh_type == SHT_NOBITS)
		return;
	if (had && (!(shdr[had].sh_flags & SHF_GROUP) || (shdr[index].sh_flags & SHF_GROUP)))
		return;
	s->slot[slot].index = index;
	s->slot[slot].gnu = gnu;
}

static void take_symbols(struct sections *s, uint32_t index)
{
	const Elf64_Shdr *sh = &s->file.shdr[index];
	bool dynamic = sh->sh_type == SHT_DYNSYM;

	if (sh->sh_link == 0 || sh->sh_link >= s->file.n ||
	    s->file.shdr[sh->sh_link].sh_type != SHT_STRTAB)
		return;
	take_section(s, dynamic ? SECTION_DYNSYM : SECTION_SYMTAB, index, false);
	take_section(s, dynamic ? SECTION_DYNSTR : SECTION_STRTAB, sh->sh_link, false);
}

static void find_sections(struct sections *s, bool split)
{
	static const char plain[] = ".debug_", gnu[] = ".zdebug_";

	for (uint32_t i = 1; i < s->file.n; i++) {
		uint32_t type = s->file.shdr[i].sh_type;
		bool is_gnu = false;
		unsigned int slot = SLOTS;

		if (type == SHT_SYMTAB || type == SHT_DYNSYM)
			take_symbols(s, i);
		else if (sections_file_begins(&s->file, i, plain) ||
			 sections_file_begins(&s->file, i, gnu))
			slot = slot_of(sections_file_name(&s->file, i), split, &is_gnu);
		else if (sections_file_begins(&s->file, i, ".gnu_debugaltlink"))
			slot = SLOT_ALTLINK;
		if (slot < SLOTS)
			take_section(s, slot, i, is_gnu);
	}
}

static void find_text(struct sections *s)
{
	uint64_t start = UINT64_MAX, end = 0, stop;

	for (uint32_t i = 1; i < s->file.n; i++) {
		const Elf64_Shdr *sh = &s->file.shdr[i];
		uint64_t addr = sections_file_addr(&s->file, i);

		if (!sections_file_is_code(sh) || !sh->sh_size ||
		    __builtin_add_overflow(addr, sh->sh_size, &stop))
			continue;
		start = MIN(start, addr);
		end = MAX(end, stop);
	}
	s->text_start = MIN(start, end);
	s->text_end = end;
}

int sections_open(int fd, bool split, struct sections **ret, struct err *err)
{
	struct sections *s = mem_zalloc(sizeof(*s));
	int status = sections_file_open(&s->file, fd, err);

	if (status < 0) {
		free(s);
		return status;
	}
	find_sections(s, split);
	find_text(s);
	for (unsigned int i = 0; i < SLOTS; i++)
		slot_look(&s->slot[i], &s->file);
	*ret = s;
	return 0;
}

void sections_close(struct sections *s)
{
	if (!s)
		return;
	sections_crew_free(s->crew);
	for (unsigned int i = 0; i < SLOTS; i++)
		slot_drop(&s->slot[i]);
	if (s->own_ready)
		unpacker_done(&s->own);
	sections_file_close(&s->file);
	free(s);
}

/* ---- bytes ---- */

bool sections_has(const struct sections *s, enum section_kind kind)
{
	return s->slot[kind].index != 0;
}

uint64_t sections_size(const struct sections *s, enum section_kind kind)
{
	return s->slot[kind].size;
}

static int fill(struct sections *s, struct slot *slot, struct err *err)
{
	if (slot_is_packed(slot) && !s->own_ready) {
		if (!unpacker_init(&s->own))
			return err_set(err, -ENOMEM, "no memory to unpack");
		s->own_ready = true;
	}
	slot->state = slot_fill(slot, &s->file, &s->own);
	return 0;
}

static int get(struct sections *s, unsigned int i, struct section *ret, struct err *err)
{
	struct slot *slot = &s->slot[i];
	int status = 0;

	if (s->crew)
		sections_crew_await(s->crew, slot);
	if (slot->state == SLOT_NEW)
		status = fill(s, slot, err);
	if (status < 0)
		return status;
	if (slot->state == SLOT_FAILED)
		return err_set(err, slot->err.code, "section '%s' %s",
			       sections_file_name(&s->file, slot->index), slot->err.text);
	if (!slot->lent)
		s->lent_bytes += slot->out.n;
	slot->lent = true;
	*ret = slot->out;
	return 0;
}

int sections_get(struct sections *s, enum section_kind kind, struct section *ret, struct err *err)
{
	return get(s, kind, ret, err);
}

void sections_prefetch(struct sections *s, const enum section_kind *kind, unsigned int n,
		       unsigned int n_threads)
{
	struct slot *slot[SECTION_KINDS];
	unsigned int n_slots = 0;

	if (s->crew)
		return;
	for (unsigned int i = 0; i < n && n_slots < SECTION_KINDS; i++) {
		struct slot *x = &s->slot[kind[i]];

		if (x->state == SLOT_NEW && slot_is_packed(x) && x->size >= CREW_WORTH_BYTES)
			slot[n_slots++] = x;
	}
	if (n_slots)
		s->crew = sections_crew_new(&s->file, slot, n_slots, n_threads);
}

void sections_drop(struct sections *s, enum section_kind kind)
{
	if (s->crew)
		sections_crew_await(s->crew, &s->slot[kind]);
	slot_drop(&s->slot[kind]);
}

uint64_t sections_bytes(const struct sections *s)
{
	return s->lent_bytes;
}

/* ---- the file ---- */

enum machine sections_machine(const struct sections *s)
{
	return s->file.machine;
}

bool sections_text(const struct sections *s, uint64_t *ret_start, uint64_t *ret_end)
{
	if (s->text_start == s->text_end)
		return false;
	*ret_start = s->text_start;
	*ret_end = s->text_end;
	return true;
}

bool sections_find(const struct sections *s, const char *name, uint64_t *ret_addr,
		   uint64_t *ret_size)
{
	for (uint32_t i = 1; i < s->file.n; i++) {
		if (!sections_file_begins(&s->file, i, name) ||
		    strcmp(sections_file_name(&s->file, i), name) != 0)
			continue;
		*ret_addr = sections_file_addr(&s->file, i);
		*ret_size = s->file.shdr[i].sh_size;
		return true;
	}
	return false;
}

uint32_t sections_holding(const struct sections *s, uint64_t addr)
{
	for (uint32_t i = 1; i < s->file.n; i++)
		if ((s->file.shdr[i].sh_flags & SHF_ALLOC) &&
		    addr - sections_file_addr(&s->file, i) < s->file.shdr[i].sh_size &&
		    addr >= sections_file_addr(&s->file, i))
			return i;
	return UINT32_MAX;
}

uint64_t sections_base(const struct sections *s, uint32_t index)
{
	return s->file.base && index < s->file.n ? s->file.base[index] : 0;
}

static bool find_note(const uint8_t *at, uint64_t n, struct build_id *ret)
{
	Elf64_Nhdr note;

	while (n >= sizeof(note)) {
		uint64_t name_bytes, desc_bytes;

		memcpy(&note, at, sizeof(note));
		at += sizeof(note);
		n -= sizeof(note);
		name_bytes = ALIGN_UP((uint64_t)note.n_namesz, 4);
		desc_bytes = ALIGN_UP((uint64_t)note.n_descsz, 4);
		if (name_bytes > n || desc_bytes > n - name_bytes)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz &&
		    memcmp(at, "GNU", 4) == 0) {
			ret->n = (uint8_t)MIN(note.n_descsz, (Elf64_Word)BUILD_ID_MAX);
			memcpy(ret->bytes, at + name_bytes, ret->n);
			return true;
		}
		at += name_bytes + desc_bytes;
		n -= name_bytes + desc_bytes;
	}
	return false;
}

bool sections_build_id(const struct sections *s, struct build_id *ret)
{
	const uint8_t *bytes;
	uint64_t n;

	for (uint32_t i = 1; i < s->file.n; i++)
		if (s->file.shdr[i].sh_type == SHT_NOTE &&
		    sections_file_bytes(&s->file, i, &bytes, &n, NULL) == 0 &&
		    find_note(bytes, n, ret))
			return true;
	return false;
}

/* "name\0" and the bytes behind it; NULL: no end of the name. */
static const uint8_t *after_name(const uint8_t *at, uint64_t n)
{
	const uint8_t *end = n ? memchr(at, 0, n) : NULL;

	return end ? end + 1 : NULL;
}

/* What is left of `end - id` bytes is the build-id. */
static bool take_alt(const uint8_t *name, const uint8_t *id, const uint8_t *end,
		     const char **ret_name, struct build_id *ret)
{
	if (id == end)
		return false;
	ret->n = (uint8_t)MIN(end - id, BUILD_ID_MAX);
	memcpy(ret->bytes, id, ret->n);
	*ret_name = (const char *)name;
	return true;
}

/* version 2 bytes, is_supplementary 1, name, size as ULEB128 (below 128 here), checksum */
static bool read_sup(const struct section *sup, const char **ret_name, struct build_id *ret)
{
	const uint8_t *end = sup->data + sup->n, *at;

	if (sup->n < 4 || load_le16(sup->data) != 5 || sup->data[2] != 0)
		return false;
	at = after_name(sup->data + 3, sup->n - 3);
	if (!at || at == end || *at >= 0x80 || *at > end - at - 1)
		return false;
	return take_alt(sup->data + 3, at + 1, at + 1 + *at, ret_name, ret);
}

bool sections_alt(struct sections *s, const char **ret_name, struct build_id *ret)
{
	struct section link, sup;
	const uint8_t *id;

	if (get(s, SLOT_ALTLINK, &link, NULL) == 0 && link.n) {
		id = after_name(link.data, link.n);
		return id && take_alt(link.data, id, link.data + link.n, ret_name, ret);
	}
	return get(s, SLOT_SUP, &sup, NULL) == 0 && sup.n && read_sup(&sup, ret_name, ret);
}
