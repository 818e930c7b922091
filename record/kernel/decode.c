/*
 * Layout of a sample with DECODE_SAMPLE_TYPE (+ CALLCHAIN, STACK_USER), u64 each:
 *	header | identifier | ip | pid,tid | time | cpu,- | [period] |
 *	[nr | ips[nr]] | [u32 size, bytes[size]] | regs abi | [regs[n]] |
 *	[size | bytes[size] | dyn_size]
 * All other records end in DECODE_TRAILER_BYTES: pid,tid | time | cpu,- | identifier.
 * Bytes between dyn_size and size are stale ring contents: never touched.
 */
#include "record/kernel/decode.h"

#include <string.h>

#include "common/base/bits.h"

/* What remains of a record. Reads past its end give 0 and set `bad`. */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static const uint8_t *take(struct cursor *c, uint64_t n)
{
	if (n > c->left) {
		c->bad = true;
		c->left = 0;
		return NULL;
	}
	const uint8_t *p = c->at;
	c->at += n;
	c->left -= n;
	return p;
}

static uint64_t take_u64(struct cursor *c)
{
	const uint8_t *p = take(c, 8);

	return p ? load_le64(p) : 0;
}

static void take_two_u32(struct cursor *c, uint32_t *ret_first, uint32_t *ret_second)
{
	uint64_t both = take_u64(c);

	*ret_first = (uint32_t)both;
	*ret_second = (uint32_t)(both >> 32);
}

/* Kernel frames: from the kernel's marker to the next one. */
static void take_callchain(struct cursor *c, struct event_sample *sample)
{
	uint64_t n = take_u64(c);

	if (n > c->left / 8) {
		c->bad = true;
		return;
	}
	const uint64_t *ips = (const uint64_t *)(const void *)take(c, n * 8);
	bool in_kernel = false;
	for (uint64_t i = 0; i < n; i++) {
		if (ips[i] >= (uint64_t)PERF_CONTEXT_MAX) {
			if (in_kernel)
				break;
			in_kernel = ips[i] == (uint64_t)PERF_CONTEXT_KERNEL;
			continue;
		}
		if (!in_kernel)
			continue;
		if (!sample->n_kchain)
			sample->kchain = ips + i;
		if (++sample->n_kchain == KCHAIN_MAX)
			break;
	}
}

static void take_regs(struct cursor *c, const struct perf_regs *layout, struct event_sample *sample)
{
	uint64_t abi = take_u64(c);

	if (abi == PERF_SAMPLE_REGS_ABI_NONE)
		return;
	if (abi > PERF_SAMPLE_REGS_ABI_64) {
		c->bad = true;
		return;
	}
	const uint8_t *values = take(c, (uint64_t)layout->n * 8);
	if (!values)
		return;
	sample->user = true;
	sample->compat = abi == PERF_SAMPLE_REGS_ABI_32;
	for (unsigned int i = 0; i < layout->n; i++) {
		sample->regs.value[layout->dwarf[i]] = load_le64(values + i * 8);
		sample->regs.mask |= UINT64_C(1) << layout->dwarf[i];
	}
}

static void take_stack(struct cursor *c, struct event_sample *sample)
{
	uint64_t size = take_u64(c);

	if (!size)
		return; /* then dyn_size is not there either */
	const uint8_t *bytes = take(c, size);
	uint64_t dyn_size = take_u64(c);
	if (c->bad || dyn_size > size) {
		c->bad = true;
		return;
	}
	sample->stack = bytes;
	sample->stack_bytes = dyn_size;
	sample->stack_cut = dyn_size == size;
}

/* Which source an identifier is of. False: none that was opened. */
static bool find_source(const struct decode_layout *layout, uint64_t identifier, uint8_t *ret)
{
	const uint64_t *source = layout->ids ? map_find(layout->ids, identifier) : NULL;

	*ret = source ? (uint8_t)*source : 0;
	return (!layout->ids || source) && *ret < layout->n_sources;
}

/* Raw bytes: u32 size, then so many, padded so that both end at 8. */
static const uint8_t *take_raw(struct cursor *c, uint32_t *ret_n)
{
	const uint8_t *size = take(c, 4);

	*ret_n = size ? load_le32(size) : 0;
	return take(c, *ret_n);
}

/* Too short a record has no value: its weight is 0, not a guess. */
static uint64_t raw_value(const struct decode_source *source, const uint8_t *raw, uint32_t n)
{
	uint64_t value = 0;

	if (source->value_bytes > 8 || n < source->value_bytes ||
	    source->value_at > n - source->value_bytes)
		return 0;
	for (uint32_t i = source->value_bytes; i > 0; i--)
		value = value << 8 | raw[source->value_at + i - 1];
	return value;
}

static uint64_t scaled(uint64_t value, double scale)
{
	if (scale == 0 || scale == 1)
		return value;
	double product = (double)value * scale;
	return product >= 0x1p63 ? UINT64_C(1) << 63 : product > 0 ? (uint64_t)(product + 0.5) : 0;
}

static void set_weight(const struct decode_source *source, const uint8_t *raw, uint32_t n_raw,
		       struct event_sample *sample)
{
	if (source->value == DECODE_VALUE_RAW)
		sample->period = raw_value(source, raw, n_raw);
	else if (source->value == DECODE_VALUE_REGISTER)
		sample->period =
			source->value_at < REGS_MAX && sample->regs.mask >> source->value_at & 1 ?
				sample->regs.value[source->value_at] :
				0;
	sample->period = scaled(sample->period, source->scale);
}

static enum decode_result decode_wakeup(uint64_t tid, struct event *ret)
{
	ret->type = EVENT_SWITCH;
	ret->pid = 0;
	ret->tid = (uint32_t)tid;
	ret->switched = (struct event_switch){ .kind = SWITCH_WOKEN };
	return DECODE_EVENT;
}

static enum decode_result decode_sample(const struct decode_layout *layout, unsigned int misc,
					struct cursor *c, struct event *ret)
{
	uint32_t reserved, n_raw = 0;
	const uint8_t *raw = NULL;

	/* Not the whole union: a sample's reader part is large and of no use here. */
	struct event_sample *sample = &ret->sample;
	memset(sample, 0, sizeof(*sample));
	ret->type = EVENT_SAMPLE;
	if (!find_source(layout, take_u64(c), &sample->source))
		return DECODE_BAD_SAMPLE;
	const struct decode_source *source = &layout->source[sample->source];
	sample->ip = take_u64(c);
	take_two_u32(c, &ret->pid, &ret->tid);
	ret->time_ns = take_u64(c);
	take_two_u32(c, &ret->cpu, &reserved);
	sample->period = source->period ? source->period : take_u64(c);
	sample->in_kernel = (misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
	if (source->callchain)
		take_callchain(c, sample);
	if (source->raw)
		raw = take_raw(c, &n_raw);
	if (!source->wakeup)
		take_regs(c, layout->regs, sample);
	if (source->stack)
		take_stack(c, sample);
	if (c->bad)
		return DECODE_BAD_SAMPLE;
	set_weight(source, raw, n_raw, sample);
	if (source->wakeup)
		return decode_wakeup(sample->period, ret);
	if (source->off_cpu && !ret->pid)
		return DECODE_SKIP; /* the idle task leaves its CPU */
	if (!sample->in_kernel)
		sample->n_kchain = 0;
	if (sample->compat || !sample->user) {
		sample->stack = NULL;
		sample->stack_bytes = 0;
		sample->stack_cut = false;
	}
	return DECODE_EVENT;
}

/* A zero-terminated text that fills the rest of the record (padded with zeros). */
static const char *take_text(struct cursor *c, size_t max)
{
	size_t n = strnlen((const char *)c->at, c->left);

	if (n == c->left || n >= max) {
		c->bad = true;
		return "";
	}
	return (const char *)take(c, c->left);
}

static bool is_executable(uint32_t prot)
{
	return prot & 4; /* PROT_EXEC */
}

static enum decode_result decode_mmap2(unsigned int misc, struct cursor *c, struct event *ret)
{
	uint32_t prot, flags;

	struct event_mmap *mmap = &ret->mmap;
	memset(mmap, 0, sizeof(*mmap));
	ret->type = EVENT_MMAP;
	take_two_u32(c, &ret->pid, &ret->tid);
	mmap->start = take_u64(c);
	mmap->size = take_u64(c);
	mmap->pgoff = take_u64(c);
	const uint8_t *id = take(c, 24);
	take_two_u32(c, &prot, &flags);
	mmap->path = take_text(c, PATH_MAX_BYTES);
	if (c->bad || mmap->start + mmap->size < mmap->start)
		return DECODE_BAD;
	if (misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		if (id[0] > BUILD_ID_MAX)
			return DECODE_BAD;
		mmap->build_id.n = id[0];
		memcpy(mmap->build_id.bytes, id + 4, id[0]);
	} else {
		mmap->maj = load_le32(id);
		mmap->min = load_le32(id + 4);
		mmap->ino = load_le64(id + 8);
	}
	return is_executable(prot) ? DECODE_EVENT : DECODE_SKIP;
}

static enum decode_result decode_comm(unsigned int misc, struct cursor *c, struct event *ret)
{
	memset(&ret->comm, 0, sizeof(ret->comm));
	ret->type = EVENT_COMM;
	take_two_u32(c, &ret->pid, &ret->tid);
	const char *text = take_text(c, c->left);
	if (c->bad)
		return DECODE_BAD;
	strncpy(ret->comm.comm, text, COMM_MAX - 1);
	ret->comm.exec = misc & PERF_RECORD_MISC_COMM_EXEC;
	return DECODE_EVENT;
}

static enum decode_result decode_task(bool fork, struct cursor *c, struct event *ret)
{
	uint32_t ppid, ptid;

	ret->type = fork ? EVENT_FORK : EVENT_EXIT;
	take_two_u32(c, &ret->pid, &ppid);
	take_two_u32(c, &ret->tid, &ptid);
	take_u64(c); /* time, again in the trailer */
	if (c->bad)
		return DECODE_BAD;
	if (fork)
		ret->fork = (struct event_fork){ .ppid = ppid, .ptid = ptid };
	return DECODE_EVENT;
}

static enum decode_result decode_throttle(const struct decode_layout *layout, bool on,
					  struct cursor *c, struct event *ret)
{
	if (!take(c, 24))
		return DECODE_BAD;
	ret->type = EVENT_THROTTLE;
	ret->throttle = (struct event_throttle){ .on = on };
	/* Its trailer's last word is the identifier. */
	return find_source(layout, load_le64(c->at + c->left + DECODE_TRAILER_BYTES - 8),
			   &ret->throttle.source) ?
		       DECODE_EVENT :
		       DECODE_SKIP;
}

/* Who it was is in the trailer. */
static enum decode_result decode_switch(unsigned int misc, struct event *ret)
{
	ret->type = EVENT_SWITCH;
	ret->switched = (struct event_switch){
		.kind = !(misc & PERF_RECORD_MISC_SWITCH_OUT)	   ? SWITCH_IN :
			misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT ? SWITCH_OUT_RUNNABLE :
								     SWITCH_OUT_ASLEEP,
	};
	return DECODE_EVENT;
}

/* pid and tid of the trailer are those of whoever ran; the record's own, set later, win. */
static void read_trailer(const uint8_t *trailer, struct event *ret)
{
	ret->pid = load_le32(trailer);
	ret->tid = load_le32(trailer + 4);
	ret->time_ns = load_le64(trailer + 8);
	ret->cpu = load_le32(trailer + 16);
}

static enum decode_result decode_switches(unsigned int type, unsigned int misc,
					  const struct decode_layout *layout, struct cursor *c,
					  struct event *ret)
{
	switch (type) {
	case PERF_RECORD_THROTTLE:
		return decode_throttle(layout, true, c, ret);
	case PERF_RECORD_UNTHROTTLE:
		return decode_throttle(layout, false, c, ret);
	case PERF_RECORD_SWITCH:
	case PERF_RECORD_SWITCH_CPU_WIDE: /* also says who came next */
		return decode_switch(misc, ret);
	default: /* LOST too: PERF_FORMAT_LOST counts, the records do not tell all */
		return DECODE_SKIP;
	}
}

/*
 * All processes outside our pid namespace are 0 to us, as the idle task is. What is told of them
 * must not meet in one process that does not exist.
 */
static enum decode_result decode_task_or_mapping(const struct perf_event_header *header,
						 struct cursor *c, struct event *ret)
{
	enum decode_result result;

	switch (header->type) {
	case PERF_RECORD_MMAP2:
		result = decode_mmap2(header->misc, c, ret);
		break;
	case PERF_RECORD_COMM:
		result = decode_comm(header->misc, c, ret);
		break;
	default:
		result = decode_task(header->type == PERF_RECORD_FORK, c, ret);
	}
	return result == DECODE_EVENT && !ret->pid ? DECODE_SKIP : result;
}

static enum decode_result decode_other(const struct decode_layout *layout,
				       const struct perf_event_header *header, struct cursor *c,
				       struct event *ret)
{
	if (c->left < DECODE_TRAILER_BYTES)
		return DECODE_BAD;
	c->left -= DECODE_TRAILER_BYTES;
	read_trailer(c->at + c->left, ret);
	switch (header->type) {
	case PERF_RECORD_MMAP2:
	case PERF_RECORD_COMM:
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return decode_task_or_mapping(header, c, ret);
	default:
		return decode_switches(header->type, header->misc, layout, c, ret);
	}
}

enum decode_result decode_record(const struct decode_layout *layout, const void *record, size_t n,
				 struct event *ret)
{
	struct perf_event_header header;

	if (n < sizeof(header))
		return DECODE_BAD;
	memcpy(&header, record, sizeof(header));
	if (header.size != n)
		return DECODE_BAD;
	struct cursor c = { .at = (const uint8_t *)record + sizeof(header),
			    .left = n - sizeof(header) };
	if (header.type == PERF_RECORD_SAMPLE)
		return decode_sample(layout, header.misc, &c, ret);
	return decode_other(layout, &header, &c, ret);
}

size_t decode_time_offset(const struct perf_event_header *header)
{
	size_t off;

	if (header->type == PERF_RECORD_SAMPLE)
		off = sizeof(*header) + 3 * 8;
	else if (header->size >= sizeof(*header) + DECODE_TRAILER_BYTES)
		off = header->size - DECODE_TRAILER_BYTES + 8;
	else
		return 0;
	return off + 8 <= header->size ? off : 0;
}
