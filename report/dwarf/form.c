#include "report/dwarf/form.h"

#include <dwarf.h>
#include <inttypes.h>
#include <string.h>

#include "report/dwarf/unit.h"

static uint64_t read_sized(struct cursor *c, unsigned int n)
{
	switch (n) {
	case 1:
		return cursor_u8(c);
	case 2:
		return cursor_u16(c);
	case 3: {
		uint64_t low = cursor_u16(c);

		return low | (uint64_t)cursor_u8(c) << 16;
	}
	case 4:
		return cursor_u32(c);
	case 8:
		return cursor_u64(c);
	default:
		c->bad = true;
		return 0;
	}
}

static void skip(struct cursor *c, uint64_t n)
{
	const uint8_t *bytes;

	cursor_take(c, n, &bytes);
}

static void skip_text(struct cursor *c)
{
	const uint8_t *end = memchr(c->at, 0, cursor_left(c));

	if (end) {
		c->at = end + 1;
	} else {
		c->at = c->end;
		c->bad = true;
	}
}

static void skip_leb(struct cursor *c)
{
	while (cursor_u8(c) & 0x80)
		;
}

struct value form_read(struct cursor *c, const struct unit *u, uint16_t form)
{
	struct value v = { .form = form };

	switch (form) {
	case DW_FORM_addr:
		v.n = read_sized(c, u->encoding.addr_size);
		break;
	case DW_FORM_data1:
	case DW_FORM_ref1:
	case DW_FORM_flag:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		v.n = cursor_u8(c);
		break;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		v.n = cursor_u16(c);
		break;
	case DW_FORM_strx3:
	case DW_FORM_addrx3:
		v.n = read_sized(c, 3);
		break;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		v.n = cursor_u32(c);
		break;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		v.n = cursor_u64(c);
		break;
	case DW_FORM_data16:
		skip(c, 16);
		break;
	case DW_FORM_ref_addr:
		v.n = read_sized(c, u->encoding.version <= 2 ? u->encoding.addr_size :
							       u->encoding.off_size);
		break;
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_sec_offset:
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
		v.n = read_sized(c, u->encoding.off_size);
		break;
	case DW_FORM_sdata:
		v.n = (uint64_t)cursor_sleb(c);
		break;
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		v.n = cursor_uleb(c);
		break;
	case DW_FORM_string:
		v.n = (uint64_t)(c->at - u->file->section[SECTION_INFO].data);
		skip_text(c);
		break;
	case DW_FORM_block1:
		skip(c, cursor_u8(c));
		break;
	case DW_FORM_block2:
		skip(c, cursor_u16(c));
		break;
	case DW_FORM_block4:
		skip(c, cursor_u32(c));
		break;
	case DW_FORM_block:
	case DW_FORM_exprloc:
		skip(c, cursor_uleb(c));
		break;
	case DW_FORM_flag_present:
		v.n = 1;
		break;
	default: /* also an indirect form inside an indirect one, and constants without bytes */
		c->bad = true;
	}
	return v;
}

static struct value indirect_read(struct cursor *c, const struct unit *u)
{
	uint64_t form = cursor_uleb(c);

	if (form == DW_FORM_implicit_const)
		return (struct value){ .form = DW_FORM_sdata, .n = (uint64_t)cursor_sleb(c) };
	return form_read(c, u, form > UINT16_MAX ? UINT16_MAX : (uint16_t)form);
}

static void step_skip(struct cursor *c, const struct unit *u, const struct step *step)
{
	switch (step->op) {
	case STEP_SKIP:
		skip(c, step->n);
		break;
	case STEP_SKIP_LEB:
		skip_leb(c);
		break;
	case STEP_SKIP_TEXT:
		skip_text(c);
		break;
	case STEP_SKIP_BLOCK:
		skip(c, step->n ? read_sized(c, step->n) : cursor_uleb(c));
		break;
	default:
		indirect_read(c, u);
	}
}

static struct value step_read(struct cursor *c, const struct unit *u, const struct abbrevs *a,
			      const struct step *step)
{
	if (step->form == DW_FORM_indirect)
		return indirect_read(c, u);
	if (step->form == DW_FORM_implicit_const)
		return (struct value){ .form = DW_FORM_sdata, .n = (uint64_t)a->implicit[step->n] };
	return form_read(c, u, step->form);
}

bool entry_values(struct cursor *c, const struct unit *u, const struct abbrevs *a,
		  const struct abbrev *abbrev, struct entry *ret)
{
	const struct step *step = abbrev->n_steps ? a->step + abbrev->step : NULL;

	memset(ret->value, 0, sizeof(ret->value));
	ret->abbrev = abbrev;
	for (uint32_t i = 0; i < abbrev->n_steps; i++) {
		if (step[i].op == STEP_READ)
			ret->value[step[i].slot] = step_read(c, u, a, &step[i]);
		else
			step_skip(c, u, &step[i]);
	}
	return !c->bad;
}

bool entry_skip(struct cursor *c, const struct unit *u, const struct abbrevs *a,
		const struct abbrev *abbrev, uint64_t *ret_sibling)
{
	const struct step *step = abbrev->n_steps ? a->step + abbrev->step : NULL;
	struct dwarf_file *file;
	struct value v;

	*ret_sibling = 0;
	for (uint32_t i = 0; i < abbrev->n_steps; i++) {
		if (step[i].op != STEP_READ) {
			step_skip(c, u, &step[i]);
			continue;
		}
		v = step_read(c, u, a, &step[i]);
		if (step[i].slot == SLOT_SIBLING && !value_entry(u, &v, &file, ret_sibling))
			*ret_sibling = 0;
	}
	return !c->bad;
}

int entry_read(struct cursor *c, struct unit *u, const struct abbrevs *a, struct entry *ret)
{
	const struct abbrev *abbrev;
	uint64_t code;

	ret->off = (uint64_t)(c->at - u->file->section[SECTION_INFO].data);
	code = cursor_uleb(c);
	if (!code && !c->bad)
		return 0;
	abbrev = abbrevs_find(a, code);
	if (c->bad || !abbrev || abbrev->bad) {
		unit_trouble_entry(u, ret->off, code, abbrev);
		return -1;
	}
	if (entry_values(c, u, a, abbrev, ret))
		return 1;
	unit_trouble(u, "entry at offset %" PRIu64 " is cut", ret->off);
	return -1;
}

bool value_number(const struct value *v, uint64_t *ret)
{
	switch (v->form) {
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
	case DW_FORM_udata:
	case DW_FORM_sdata:
	case DW_FORM_sec_offset:
		*ret = v->n;
		return true;
	default:
		return false;
	}
}

static bool read_at(const struct section *s, uint64_t off, unsigned int size, uint64_t *ret)
{
	struct cursor c;

	if (off >= s->n)
		return false;
	c = cursor_of(s->data + off, s->n - off);
	*ret = read_sized(&c, size);
	return !c.bad;
}

/* base + index * size, where that does not overflow */
static bool offset_of(uint64_t base, uint64_t index, unsigned int size, uint64_t *ret)
{
	return !__builtin_mul_overflow(index, (uint64_t)size, ret) &&
	       !__builtin_add_overflow(*ret, base, ret);
}

bool unit_address_at(const struct unit *u, uint64_t index, uint64_t *ret)
{
	const struct unit *at = u->skeleton;
	uint64_t off;

	return offset_of(at->addr_base, index, at->encoding.addr_size, &off) &&
	       read_at(file_section(at->file, SECTION_ADDR), off, at->encoding.addr_size, ret);
}

bool value_address(const struct unit *u, const struct value *v, uint64_t *ret)
{
	switch (v->form) {
	case DW_FORM_addr:
		*ret = v->n;
		return true;
	case DW_FORM_addrx:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
	case DW_FORM_GNU_addr_index:
		return unit_address_at(u, v->n, ret);
	default:
		return false;
	}
}

static bool text_at_index(const struct unit *u, uint64_t index, const char **ret, size_t *ret_n)
{
	uint64_t off, text;

	return offset_of(u->str_base, index, u->encoding.off_size, &off) &&
	       read_at(file_section(u->file, SECTION_STR_OFFSETS), off, u->encoding.off_size,
		       &text) &&
	       file_text(u->file, SECTION_STR, text, ret, ret_n);
}

bool value_text(const struct unit *u, const struct value *v, const char **ret, size_t *ret_n)
{
	switch (v->form) {
	case DW_FORM_string:
		return file_text(u->file, SECTION_INFO, v->n, ret, ret_n);
	case DW_FORM_strp:
		return file_text(u->file, SECTION_STR, v->n, ret, ret_n);
	case DW_FORM_line_strp:
		return file_text(u->file, SECTION_LINE_STR, v->n, ret, ret_n);
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
		return u->file->alt && file_text(u->file->alt, SECTION_STR, v->n, ret, ret_n);
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index:
		return text_at_index(u, v->n, ret, ret_n);
	default:
		return false;
	}
}

bool value_entry(const struct unit *u, const struct value *v, struct dwarf_file **ret_file,
		 uint64_t *ret_off)
{
	uint64_t off = v->n;

	*ret_file = u->file;
	switch (v->form) {
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
	case DW_FORM_ref_udata:
		if (__builtin_add_overflow(off, u->off, &off) || off >= u->end || off < u->root)
			return false;
		break;
	case DW_FORM_ref_addr:
		break;
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
	case DW_FORM_GNU_ref_alt:
		*ret_file = u->file->alt;
		break;
	default:
		return false;
	}
	*ret_off = off;
	return *ret_file != NULL;
}
