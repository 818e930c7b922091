#include "report/debug/dwoid.h"

#include "common/base/cursor.h"

enum {
	UNIT_SPLIT_COMPILE = 0x05, /* DW_UT_split_compile */
	AT_GNU_DWO_ID = 0x2131,
	ATTRIBUTES_MAX = 256,
	ABBREVS_MAX = 4096,
	UNITS_MAX = 1 << 16, /* one is usual, type units may come before it */
};

/* Forms by what they take; the rest of DWARF 4's, and GNU's, by number. */
enum form {
	FORM_ADDR = 0x01,
	FORM_BLOCK2 = 0x03,
	FORM_BLOCK4 = 0x04,
	FORM_DATA2 = 0x05,
	FORM_DATA4 = 0x06,
	FORM_DATA8 = 0x07,
	FORM_STRING = 0x08,
	FORM_BLOCK = 0x09,
	FORM_BLOCK1 = 0x0a,
	FORM_DATA1 = 0x0b,
	FORM_FLAG = 0x0c,
	FORM_SDATA = 0x0d,
	FORM_STRP = 0x0e,
	FORM_UDATA = 0x0f,
	FORM_SEC_OFFSET = 0x17,
	FORM_EXPRLOC = 0x18,
	FORM_FLAG_PRESENT = 0x19,
	FORM_REF_SIG8 = 0x20,
	FORM_GNU_ADDR_INDEX = 0x1f01,
	FORM_GNU_STR_INDEX = 0x1f02,
};

static void skip(struct cursor *c, uint64_t n)
{
	const uint8_t *at;

	cursor_take(c, n > SIZE_MAX ? SIZE_MAX : (size_t)n, &at);
}

static void skip_string(struct cursor *c)
{
	while (cursor_u8(c))
		;
}

struct unit {
	unsigned int offset_bytes, address_bytes;
	uint64_t abbrev_off;
	struct cursor root; /* the root entry's bytes, from its abbreviation code on */
};

/* Moves over one value; false: a form that root entries of .dwo files do not have. */
static bool skip_form(struct cursor *b, uint64_t form, const struct unit *u)
{
	switch (form) {
	case FORM_FLAG_PRESENT:
		return true;
	case FORM_DATA1:
	case FORM_FLAG:
		skip(b, 1);
		return true;
	case FORM_DATA2:
		skip(b, 2);
		return true;
	case FORM_DATA4:
		skip(b, 4);
		return true;
	case FORM_DATA8:
	case FORM_REF_SIG8:
		skip(b, 8);
		return true;
	case FORM_ADDR:
		skip(b, u->address_bytes);
		return true;
	case FORM_STRP:
	case FORM_SEC_OFFSET:
		skip(b, u->offset_bytes);
		return true;
	case FORM_STRING:
		skip_string(b);
		return true;
	case FORM_SDATA:
	case FORM_UDATA:
	case FORM_GNU_ADDR_INDEX:
	case FORM_GNU_STR_INDEX:
		cursor_uleb(b);
		return true;
	case FORM_BLOCK1:
		skip(b, cursor_u8(b));
		return true;
	case FORM_BLOCK2:
		skip(b, cursor_u16(b));
		return true;
	case FORM_BLOCK4:
		skip(b, cursor_u32(b));
		return true;
	case FORM_BLOCK:
	case FORM_EXPRLOC:
		skip(b, cursor_uleb(b));
		return true;
	default:
		return false;
	}
}

/* To the attributes of abbreviation `code`. */
static bool find_abbrev(struct cursor *b, uint64_t code)
{
	for (unsigned int n = 0; n < ABBREVS_MAX && !b->bad; n++) {
		uint64_t found = cursor_uleb(b), name, form;

		if (!found)
			return false;
		cursor_uleb(b); /* tag */
		cursor_u8(b);  /* has children */
		if (found == code)
			return !b->bad;
		do {
			name = cursor_uleb(b);
			form = cursor_uleb(b);
		} while ((name || form) && !b->bad);
	}
	return false;
}

static bool id_of_root(struct unit *u, const uint8_t *abbrev, size_t n_abbrev, uint64_t *ret)
{
	struct cursor *root = &u->root, a;
	uint64_t code = cursor_uleb(root);

	if (!code || u->abbrev_off > n_abbrev)
		return false;
	a = cursor_of(abbrev + u->abbrev_off, n_abbrev - (size_t)u->abbrev_off);
	if (!find_abbrev(&a, code))
		return false;
	for (unsigned int n = 0; n < ATTRIBUTES_MAX; n++) {
		uint64_t name = cursor_uleb(&a), form = cursor_uleb(&a);

		if (a.bad || root->bad || (!name && !form))
			return false;
		if (name == AT_GNU_DWO_ID && form == FORM_DATA8) {
			*ret = cursor_u64(root);
			return !root->bad;
		}
		if (!skip_form(root, form, u))
			return false;
	}
	return false;
}

bool dwoid_find(const uint8_t *info, size_t n_info, const uint8_t *abbrev, size_t n_abbrev,
		uint64_t *ret)
{
	struct cursor b = cursor_of(info, n_info);
	struct unit u = { .offset_bytes = 4 };
	uint64_t length, version, type;

	for (unsigned int units = 0; units < UNITS_MAX; units++) {
		const uint8_t *start;

		u.offset_bytes = 4;
		length = cursor_u32(&b);
		if (length == UINT32_MAX) {
			u.offset_bytes = 8;
			length = cursor_u64(&b);
		}
		start = b.at;
		version = cursor_u16(&b);
		if (b.bad || version < 4 || version > 5)
			return false;
		type = version == 5 ? cursor_u8(&b) : 0;
		if (version == 5)
			u.address_bytes = cursor_u8(&b) & 15;
		u.abbrev_off = u.offset_bytes == 8 ? cursor_u64(&b) : cursor_u32(&b);
		if (version == 4)
			u.address_bytes = cursor_u8(&b) & 15;
		if (type == UNIT_SPLIT_COMPILE) {
			*ret = cursor_u64(&b);
			return !b.bad;
		}
		if (version == 4) {
			u.root = b;
			return !b.bad && id_of_root(&u, abbrev, n_abbrev, ret);
		}
		/* a type unit comes first: over it */
		b.at = start;
		skip(&b, length);
	}
	return false;
}
