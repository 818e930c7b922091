#include "report/read/perfdata_layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"

enum { HEADER_BYTES = 8 };

void perf_attr_read(const uint8_t *bytes, size_t n, struct perf_attr *ret)
{
	uint8_t whole[104] = {
		0
	}; /* up to sample_regs_intr; what follows says nothing of layout */

	memcpy(whole, bytes, MIN(n, sizeof(whole)));
	*ret = (struct perf_attr){
		.type = load_le32(whole),
		.size = load_le32(whole + 4),
		.config = load_le64(whole + 8),
		.period = load_le64(whole + 16),
		.sample_type = load_le64(whole + 24),
		.read_format = load_le64(whole + 32),
		.flags = load_le64(whole + 40),
		.branch_type = load_le64(whole + 72),
		.regs_user = load_le64(whole + 80),
		.stack_user = load_le32(whole + 88),
		.clockid = (int32_t)load_le32(whole + 92),
		.regs_intr = load_le64(whole + 96),
	};
}

void perf_layouts_init(struct perf_layouts *l)
{
	*l = (struct perf_layouts){ 0 };
	map_init(&l->by_id);
}

void perf_layouts_done(struct perf_layouts *l)
{
	free(l->item);
	map_done(&l->by_id);
}

/* Eight bytes each for those of `fields` that the type has; the place of `wanted` among them. */
static uint16_t place_of(uint64_t type, const uint64_t *fields, int n, uint64_t wanted)
{
	uint16_t at = 0;

	for (int i = 0; i < n; i++) {
		if (fields[i] == wanted)
			return type & wanted ? at : UINT16_MAX;
		at = (uint16_t)(at + (type & fields[i] ? 8 : 0));
	}
	return at;
}

static void set_sample_places(struct perf_layout *l)
{
	static const uint64_t fields[] = { PERF_SAMPLE_IDENTIFIER, PERF_SAMPLE_IP,
					   PERF_SAMPLE_TID,	   PERF_SAMPLE_TIME,
					   PERF_SAMPLE_ADDR,	   PERF_SAMPLE_ID };
	uint64_t type = l->attr.sample_type,
		 id = type & PERF_SAMPLE_IDENTIFIER ? PERF_SAMPLE_IDENTIFIER : PERF_SAMPLE_ID;
	uint16_t at = place_of(type, fields, N_ELEMENTS(fields), id);

	l->id_at = at == UINT16_MAX ? 0 : (uint16_t)(HEADER_BYTES + at);
	at = place_of(type, fields, N_ELEMENTS(fields), PERF_SAMPLE_TIME);
	l->time_at = at == UINT16_MAX ? 0 : (uint16_t)(HEADER_BYTES + at);
}

static void set_trailer_places(struct perf_layout *l)
{
	static const uint64_t fields[] = { PERF_SAMPLE_TID, PERF_SAMPLE_TIME,
					   PERF_SAMPLE_ID,  PERF_SAMPLE_STREAM_ID,
					   PERF_SAMPLE_CPU, PERF_SAMPLE_IDENTIFIER };
	uint64_t type = l->attr.sample_type,
		 id = type & PERF_SAMPLE_IDENTIFIER ? PERF_SAMPLE_IDENTIFIER : PERF_SAMPLE_ID;
	uint64_t wanted[] = { id, PERF_SAMPLE_TIME, PERF_SAMPLE_TID, PERF_SAMPLE_CPU };
	uint16_t *back[] = { &l->id_back, &l->time_back, &l->tid_back, &l->cpu_back };
	uint16_t all;

	if (!(l->attr.flags & PERF_ATTR_SAMPLE_ID_ALL))
		return;
	all = l->trailer_bytes = place_of(type, fields, N_ELEMENTS(fields), 0);
	for (unsigned int i = 0; i < N_ELEMENTS(wanted); i++) {
		uint16_t at = place_of(type, fields, N_ELEMENTS(fields), wanted[i]);

		*back[i] = at == UINT16_MAX ? 0 : (uint16_t)(all - at);
	}
}

static int add_ids(struct perf_layouts *l, const uint8_t *ids, size_t n, struct err *err)
{
	if (n > PERF_IDS_MAX - l->n_ids)
		return err_set(err, -EFBIG, "more than %d ids of events", PERF_IDS_MAX);
	for (size_t i = 0; i < n; i++) {
		uint64_t id = load_le64(ids + i * 8);

		if (id != UINT64_MAX)
			*map_put(&l->by_id, id + 1, NULL) = l->n - 1;
	}
	l->n_ids += (uint32_t)n;
	return 0;
}

int perf_layouts_add(struct perf_layouts *l, const struct perf_attr *attr, const uint8_t *ids,
		     size_t n, struct err *err)
{
	struct perf_layout *item;

	if (attr->sample_type >> PERF_SAMPLE_TYPES)
		return err_set(
			err, -ENOTSUP,
			"event %zu has samples of type 0x%" PRIx64
			", of which only the lower %d bits are known: newer than this program",
			l->n, attr->sample_type, PERF_SAMPLE_TYPES);
	if (l->n == PERF_EVENTS_MAX)
		return err_set(err, -EFBIG, "more than %d events", PERF_EVENTS_MAX);
	mem_grow(&l->item, &l->cap, l->n + 1, sizeof(*l->item));
	item = &l->item[l->n++];
	*item = (struct perf_layout){ .attr = *attr,
				      .source = (uint8_t)MIN(l->n - 1, (size_t)SOURCE_MAX) };
	set_sample_places(item);
	set_trailer_places(item);
	return add_ids(l, ids, n, err);
}

void perf_layouts_set_machine(struct perf_layouts *l, enum machine machine)
{
	const struct perf_regs *regs = perf_regs_of(machine);

	for (size_t i = 0; i < l->n; i++) {
		unsigned int k = 0;

		memset(l->item[i].reg, UINT8_MAX, sizeof(l->item[i].reg));
		for (unsigned int bit = 0; regs && bit < 64; bit++)
			if (regs->mask >> bit & 1)
				l->item[i].reg[bit] = regs->dwarf[k++];
	}
}

struct perf_layout *perf_layouts_by_id(const struct perf_layouts *l, uint64_t id)
{
	uint64_t *at = id == UINT64_MAX ? NULL : map_find(&l->by_id, id + 1);

	return at ? &l->item[*at] : NULL;
}

/*
 * All events of a file have their id at the same place (perf sees to it): the first one's layout
 * finds it. Id 0 are records that perf itself wrote.
 */
const struct perf_layout *perf_layouts_of(const struct perf_layouts *l, const uint8_t *record,
					  size_t n)
{
	const struct perf_layout *first = l->item, *found;
	bool sample = load_le32(record) == PERF_RECORD_SAMPLE;
	size_t at = sample ? first->id_at : 0;
	uint64_t id;

	if (l->n == 1)
		return first;
	if (!sample && first->id_back && n >= (size_t)HEADER_BYTES + first->trailer_bytes)
		at = n - first->id_back;
	if (!at || at + 8 > n)
		return first;
	id = load_le64(record + at);
	found = perf_layouts_by_id(l, id);
	return found || (id && sample) ? found : first;
}

uint64_t perf_layout_time(const struct perf_layout *l, const uint8_t *record, size_t n)
{
	size_t at = l->time_at;

	if (load_le32(record) != PERF_RECORD_SAMPLE) {
		if (!l->time_back || n < HEADER_BYTES + (size_t)l->trailer_bytes)
			return 0;
		at = n - l->time_back;
	}
	return at && at + 8 <= n ? load_le64(record + at) : 0;
}
