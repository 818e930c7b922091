/*
 * One section of a kind: where it is, whether it is packed, its bytes once somebody asked. Private
 * to report/dwarf/.
 */
#ifndef REPORT_DWARF_SECTIONS_SLOT_H
#define REPORT_DWARF_SECTIONS_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "report/dwarf/sections.h"
#include "report/dwarf/sections_unpack.h"

struct sections_file;

enum slot_state {
	SLOT_NEW,
	SLOT_QUEUED, /* this and the next: a crew has it (sections_crew.h), under its lock */
	SLOT_BUSY,
	SLOT_FULL,
	SLOT_FAILED,
};

struct slot {
	uint32_t index; /* of the section; 0: absent */
	bool gnu;	/* .zdebug_* */
	enum slot_state state;
	uint64_t size;	      /* unpacked, as claimed */
	struct packed packed; /* data lies in the mapped file */
	uint32_t rela;	      /* section with its relocations; 0: none */
	uint8_t *memory;      /* owns out's bytes; NULL: they lie in the mapped file */
	uint64_t memory_bytes;
	struct section out;
	struct err err; /* SLOT_FAILED */
	bool lent;	/* somebody got it */
};

/* Reads the compression header; a section that lies is SLOT_FAILED from the start. */
void slot_look(struct slot *slot, const struct sections_file *f);
void slot_drop(struct slot *slot);

static inline bool slot_is_packed(const struct slot *slot)
{
	return slot->packed.form != PACK_NONE;
}

/*
 * The bytes. SLOT_FULL or SLOT_FAILED is returned, for the caller to put into slot->state under the
 * lock that it may need. `u` is used for packed ones only.
 */
enum slot_state slot_fill(struct slot *slot, const struct sections_file *f, struct unpacker *u);

#endif
