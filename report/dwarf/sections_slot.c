#include "report/dwarf/sections_slot.h"

#include <errno.h>
#include <string.h>

#include "common/base/bits.h"
#include "report/dwarf/sections_file.h"
#include "report/dwarf/sections_relocate.h"

static int look(struct slot *slot, const struct sections_file *f)
{
	const uint8_t *bytes;
	uint64_t n;
	int status = sections_file_bytes(f, slot->index, &bytes, &n, &slot->err);

	if (status < 0)
		return status;
	slot->packed = (struct packed){ PACK_NONE, bytes, n, n };
	if (f->shdr[slot->index].sh_flags & SHF_COMPRESSED)
		status = packed_read_elf(bytes, n, &slot->packed, &slot->err);
	else if (slot->gnu)
		status = packed_read_gnu(bytes, n, &slot->packed, &slot->err);
	slot->size = status == 0 ? slot->packed.unpacked : 0;
	return status;
}

void slot_look(struct slot *slot, const struct sections_file *f)
{
	if (!slot->index) {
		slot->state = SLOT_FULL;
		return;
	}
	if (f->relocatable)
		slot->rela = sections_relocations_of(f, slot->index);
	if (look(slot, f) < 0)
		slot->state = SLOT_FAILED;
}

static int fill(struct slot *slot, const struct sections_file *f, struct unpacker *u)
{
	const struct packed *p = &slot->packed;
	uint64_t n = slot->size;
	int status;

	if (!n || (!slot_is_packed(slot) && !slot->rela)) {
		slot->out = (struct section){ p->data, n };
		return 0;
	}
	status = memory_take(n, &slot->memory, &slot->err);
	if (status < 0)
		return status;
	slot->memory_bytes = n;
	if (slot_is_packed(slot))
		status = unpack(u, p, slot->memory, &slot->err);
	else
		memcpy(slot->memory, p->data, n);
	if (status < 0)
		return status;
	if (slot->rela)
		sections_relocate(f, slot->rela, slot->memory, n);
	slot->out = (struct section){ slot->memory, n };
	return 0;
}

enum slot_state slot_fill(struct slot *slot, const struct sections_file *f, struct unpacker *u)
{
	int status = fill(slot, f, u);

	if (slot_is_packed(slot))
		sections_file_give_back(slot->packed.data, slot->packed.n);
	if (status == 0)
		return SLOT_FULL;
	memory_free(slot->memory, slot->memory_bytes);
	slot->memory = NULL;
	return SLOT_FAILED;
}

void slot_drop(struct slot *slot)
{
	if (slot->state != SLOT_FULL || !slot->index)
		return;
	memory_free(slot->memory, slot->memory_bytes);
	if (!slot->memory)
		sections_file_give_back(slot->out.data, slot->out.n);
	slot->memory = NULL;
	slot->out = (struct section){ 0 };
	slot->state = SLOT_NEW;
}
