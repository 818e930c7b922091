/*
 * Samples: fields in the order of linux/perf_event.h, each there when its bit of sample_type is.
 * The stack is lent as it lies in the file: with `mask` all ones, slot[addr >> 3 & mask] is the
 * word at addr when slot lies (lo >> 3 & mask) words before the first one.
 */
#include "report/read/perfdata_record.h"

#include <string.h>
#include <sys/mman.h>

#include "common/base/bits.h"
#include "common/base/cursor.h"

enum {
	HEADER_BYTES = 8,
	BRANCH_BYTES = 24, /* from, to, flags */
	MISC_CPUMODE = 7,
	MISC_KERNEL = 1,
	MISC_USER = 2,
	MISC_MMAP_DATA = 1 << 13, /* also COMM_EXEC, FORK_EXEC */
	MISC_BUILD_ID = 1 << 14,
	CHAIN_MARKER = 4095, /* the last of these addresses are PERF_CONTEXT_... */
};

static const uint64_t context_user_deferred = -(uint64_t)640; /* Linux 6.18: a cookie follows */

static const uint8_t *take(struct cursor *c, uint64_t n)
{
	const uint8_t *p = NULL;

	return cursor_take(c, n, &p) ? p : NULL;
}

static void take_two_u32(struct cursor *c, uint32_t *ret_first, uint32_t *ret_second)
{
	*ret_first = cursor_u32(c);
	*ret_second = cursor_u32(c);
}

static void skip(struct cursor *c, uint64_t n)
{
	take(c, n);
}

/* n things of `bytes` each: false, and bad, when they do not fit. */
static bool fits(struct cursor *c, uint64_t n, uint64_t bytes)
{
	if (n <= cursor_left(c) / bytes)
		return true;
	c->bad = true;
	c->at = c->end;
	return false;
}

/* ---- chains ---- */

/* Which part of a chain a marker begins. */
enum chain_part { CHAIN_OTHER, CHAIN_KERNEL, CHAIN_USER };

static enum chain_part part_of(uint64_t marker)
{
	if (marker == (uint64_t)PERF_CONTEXT_KERNEL)
		return CHAIN_KERNEL;
	return marker == (uint64_t)PERF_CONTEXT_USER ? CHAIN_USER : CHAIN_OTHER;
}

static void chain_add(struct event_sample *s, enum chain_part part, const uint64_t *ip)
{
	if (part == CHAIN_KERNEL && s->n_kchain < KCHAIN_MAX) {
		if (!s->n_kchain)
			s->kchain = ip;
		s->n_kchain++;
	} else if (part == CHAIN_USER && s->n_uchain < UCHAIN_MAX) {
		if (!s->n_uchain)
			s->uchain = ip;
		s->n_uchain++;
	}
}

/* Each part is there once and in one piece; a second piece is left out. */
static void take_callchain(struct cursor *c, unsigned int cpumode, struct event_sample *s)
{
	enum chain_part part = cpumode == MISC_KERNEL ? CHAIN_KERNEL :
			       cpumode == MISC_USER   ? CHAIN_USER :
							CHAIN_OTHER;
	uint64_t n = cursor_u64(c);
	const uint64_t *ips;

	if (!fits(c, n, 8))
		return;
	ips = (const uint64_t *)(const void *)take(c, n * 8);
	if ((uintptr_t)ips & 7) {
		c->bad = true;
		return;
	}
	for (uint64_t i = 0; i < n; i++) {
		if (ips[i] < -(uint64_t)CHAIN_MARKER) {
			chain_add(s, part, &ips[i]);
			continue;
		}
		i += ips[i] == context_user_deferred;
		if (i < n)
			part = part_of(ips[i]);
		if ((part == CHAIN_KERNEL && s->n_kchain) || (part == CHAIN_USER && s->n_uchain))
			part = CHAIN_OTHER;
	}
}

/*
 * --call-graph lbr: branch records of calls that have not returned. The last one led to where the
 * sample hit; callers are where the calls were made, told like return addresses, one byte on.
 */
static void take_branches(struct cursor *c, const struct perf_attr *attr, struct event_sample *s,
			  struct perf_scratch *scratch)
{
	uint64_t n = cursor_u64(c);
	const uint8_t *at;
	uint32_t k = 0;

	if (attr->branch_type & PERF_SAMPLE_BRANCH_HW_INDEX)
		cursor_u64(c);
	if (!fits(c, n, BRANCH_BYTES))
		return;
	at = take(c, n * BRANCH_BYTES);
	if (!(attr->branch_type & PERF_SAMPLE_BRANCH_CALL_STACK) || !n)
		return;
	scratch->chain[k++] = s->in_kernel ? load_le64(at + 8) : s->ip;
	for (uint64_t i = 0; i < n && k < UCHAIN_MAX; i++)
		scratch->chain[k++] = load_le64(at + i * BRANCH_BYTES) + 1;
	s->uchain = scratch->chain;
	s->n_uchain = (uint16_t)k;
}

/* ---- registers and stack ---- */

static void take_regs(struct cursor *c, const struct perf_layout *layout, struct event_sample *s)
{
	uint64_t abi = cursor_u64(c), mask = layout->attr.regs_user;
	const uint8_t *values;
	unsigned int k = 0;

	if (abi == PERF_SAMPLE_REGS_ABI_NONE)
		return;
	values = take(c, (uint64_t)__builtin_popcountll(mask) * 8);
	if (!values)
		return;
	s->user = true;
	s->compat = abi != PERF_SAMPLE_REGS_ABI_64;
	for (; mask; mask &= mask - 1, k++) {
		uint8_t reg = layout->reg[__builtin_ctzll(mask)];

		if (reg >= REGS_MAX)
			continue;
		s->regs.value[reg] = load_le64(values + k * 8);
		s->regs.mask |= UINT64_C(1) << reg;
	}
}

/* Bytes between dyn_size and size are stale contents of the ring: never touched. */
static void take_stack(struct cursor *c, struct event_sample *s)
{
	uint64_t size = cursor_u64(c), dyn_size;
	const uint8_t *bytes;

	if (!size)
		return; /* then dyn_size is not there either */
	bytes = take(c, size);
	dyn_size = cursor_u64(c);
	if (c->bad || dyn_size > size) {
		c->bad = true;
		return;
	}
	s->stack = bytes;
	s->stack_bytes = MIN(dyn_size, (uint64_t)STACK_BYTES_MAX);
	s->stack_cut = dyn_size == size;
}

static void set_view(struct event_sample *s, enum machine machine, struct perf_scratch *scratch)
{
	uint64_t sp = s->regs.value[machine_sp(machine)], skip_bytes = -sp & 7,
		 lo = sp + skip_bytes, hi = (sp + s->stack_bytes) & ~UINT64_C(7);
	const uint8_t *first = s->stack + skip_bytes;

	if (s->stack_bytes < skip_bytes || lo < sp || hi <= lo || sp + s->stack_bytes < sp)
		return;
	s->view =
		(struct stack_view){ .lo = lo, .hi = hi, .mask = UINT32_MAX, .floor = UINT64_MAX };
	/* Odd address, or its lower bits wrap inside the stack: a ring of its own. */
	if ((uintptr_t)first & 7 || (uint32_t)(lo >> 3) > (uint32_t)((hi - 8) >> 3)) {
		s->view.mask = PERF_RING_WORDS - 1;
		for (uint64_t i = 0; i < (hi - lo) / 8; i++)
			scratch->ring[(lo / 8 + i) % PERF_RING_WORDS] = load_le64(first + i * 8);
		s->view.slot = scratch->ring;
		return;
	}
	s->view.slot = (const uint64_t *)((uintptr_t)first - (uintptr_t)(lo >> 3 & UINT32_MAX) * 8);
}

/* ---- samples ---- */

static void skip_read_group(struct cursor *c, uint64_t format)
{
	uint64_t n = cursor_u64(c), each = 8;

	each += format & PERF_FORMAT_ID ? 8 : 0;
	each += format & (1 << 4) ? 8 : 0; /* PERF_FORMAT_LOST */
	skip(c, (format & PERF_FORMAT_TOTAL_TIME_ENABLED ? 8 : 0) +
			(format & PERF_FORMAT_TOTAL_TIME_RUNNING ? 8 : 0));
	if (fits(c, n, each))
		skip(c, n * each);
}

static void skip_read(struct cursor *c, uint64_t format)
{
	if (format & PERF_FORMAT_GROUP) {
		skip_read_group(c, format);
		return;
	}
	skip(c, 8 * (1 + (uint64_t)__builtin_popcountll(format & 0x17)));
}

/* Fields before the chain. */
static void take_head(struct cursor *c, const struct perf_layout *layout, struct event *ret)
{
	const struct perf_attr *attr = &layout->attr;
	uint64_t type = attr->sample_type;
	struct event_sample *s = &ret->sample;
	uint32_t reserved;

	if (type & PERF_SAMPLE_IDENTIFIER)
		cursor_u64(c);
	if (type & PERF_SAMPLE_IP)
		s->ip = cursor_u64(c);
	if (type & PERF_SAMPLE_TID)
		take_two_u32(c, &ret->pid, &ret->tid);
	if (type & PERF_SAMPLE_TIME)
		ret->time_ns = cursor_u64(c);
	if (type & PERF_SAMPLE_ADDR)
		cursor_u64(c);
	if (type & PERF_SAMPLE_ID)
		cursor_u64(c);
	if (type & PERF_SAMPLE_STREAM_ID)
		cursor_u64(c);
	if (type & PERF_SAMPLE_CPU)
		take_two_u32(c, &ret->cpu, &reserved);
	if (type & PERF_SAMPLE_PERIOD)
		s->period = cursor_u64(c);
	else
		s->period = attr->flags & PERF_ATTR_FREQ ? 1 : attr->period;
	if (type & PERF_SAMPLE_READ)
		skip_read(c, attr->read_format);
}

/* From the chain to the stack. What follows it is of no use here, so it is not even checked. */
static void take_frames(struct cursor *c, const struct perf_layout *layout, unsigned int cpumode,
			struct perf_scratch *scratch, struct event_sample *s)
{
	uint64_t type = layout->attr.sample_type;

	if (type & PERF_SAMPLE_CALLCHAIN)
		take_callchain(c, cpumode, s);
	if (type & PERF_SAMPLE_RAW)
		skip(c, cursor_u32(c));
	if (type & PERF_SAMPLE_BRANCH_STACK)
		take_branches(c, &layout->attr, s, scratch);
	if (type & PERF_SAMPLE_REGS_USER)
		take_regs(c, layout, s);
	if (type & PERF_SAMPLE_STACK_USER)
		take_stack(c, s);
}

/* Without a chain the place where the sample hit is one of a single frame. */
static void complete_chains(struct event_sample *s, unsigned int cpumode,
			    struct perf_scratch *scratch)
{
	if (!s->in_kernel)
		s->n_kchain = 0;
	if (s->in_kernel && !s->n_kchain && s->ip) {
		scratch->kernel_ip = s->ip;
		s->kchain = &scratch->kernel_ip;
		s->n_kchain = 1;
	}
	if (cpumode == MISC_USER && !s->user && !s->n_uchain && s->ip) {
		scratch->chain[0] = s->ip;
		s->uchain = scratch->chain;
		s->n_uchain = 1;
	}
}

static enum perf_decoded decode_sample(const struct perf_layout *layout, enum machine machine,
				       unsigned int misc, struct cursor *c,
				       struct perf_scratch *scratch, struct event *ret)
{
	struct event_sample *s = &ret->sample;
	unsigned int cpumode = misc & MISC_CPUMODE;

	memset(s, 0, sizeof(*s));
	ret->type = EVENT_SAMPLE;
	s->source = layout->source;
	s->in_kernel = cpumode == MISC_KERNEL;
	take_head(c, layout, ret);
	take_frames(c, layout, cpumode, scratch, s);
	if (c->bad)
		return PERF_BAD_SAMPLE;
	complete_chains(s, cpumode, scratch);
	if (s->compat || !s->user) {
		s->stack = NULL;
		s->stack_bytes = 0;
		s->stack_cut = false;
	}
	if (s->stack)
		set_view(s, machine, scratch);
	return PERF_DECODED;
}

/* ---- all others ---- */

/* A zero-terminated text that fills the rest of the record (padded with zeros). */
static const char *take_text(struct cursor *c, size_t max)
{
	size_t n = strnlen((const char *)c->at, cursor_left(c));

	if (n == cursor_left(c) || n >= max) {
		c->bad = true;
		return "";
	}
	return (const char *)take(c, cursor_left(c));
}

static void take_build_id(const uint8_t *id, struct build_id *ret)
{
	ret->n = MIN(id[0], BUILD_ID_MAX);
	memcpy(ret->bytes, id + 4, ret->n);
}

static enum perf_decoded decode_mmap(bool second, unsigned int misc, struct cursor *c,
				     struct event *ret)
{
	struct event_mmap *mmap = &ret->mmap;
	uint32_t prot = PROT_EXEC, flags;
	const uint8_t *id;

	memset(mmap, 0, sizeof(*mmap));
	ret->type = EVENT_MMAP;
	take_two_u32(c, &ret->pid, &ret->tid);
	mmap->start = cursor_u64(c);
	mmap->size = cursor_u64(c);
	mmap->pgoff = cursor_u64(c);
	if (second) {
		id = take(c, 24);
		take_two_u32(c, &prot, &flags);
		if (c->bad)
			return PERF_BAD;
		if (misc & MISC_BUILD_ID) {
			take_build_id(id, &mmap->build_id);
		} else {
			mmap->maj = load_le32(id);
			mmap->min = load_le32(id + 4);
			mmap->ino = load_le64(id + 8);
		}
	}
	mmap->path = take_text(c, PATH_MAX_BYTES);
	if (c->bad || mmap->start + mmap->size < mmap->start)
		return PERF_BAD;
	if (!second && misc & MISC_MMAP_DATA)
		return PERF_IGNORED;
	/* of kernels before 3.16 and of files that were synthesized nobody knows: code */
	return !second || prot & PROT_EXEC || ret->pid == PERF_KERNEL_PID ? PERF_DECODED :
									    PERF_IGNORED;
}

static enum perf_decoded decode_comm(unsigned int misc, struct cursor *c, struct event *ret)
{
	const char *text;

	memset(&ret->comm, 0, sizeof(ret->comm));
	ret->type = EVENT_COMM;
	take_two_u32(c, &ret->pid, &ret->tid);
	text = take_text(c, cursor_left(c));
	if (c->bad)
		return PERF_BAD;
	strncpy(ret->comm.comm, text, COMM_MAX - 1);
	ret->comm.exec = misc & PERF_RECORD_MISC_COMM_EXEC;
	return PERF_DECODED;
}

static enum perf_decoded decode_task(bool fork, struct cursor *c, struct event *ret)
{
	uint32_t ppid, ptid;
	uint64_t time_ns;

	ret->type = fork ? EVENT_FORK : EVENT_EXIT;
	take_two_u32(c, &ret->pid, &ppid);
	take_two_u32(c, &ret->tid, &ptid);
	time_ns = cursor_u64(c);
	if (c->bad)
		return PERF_BAD;
	if (!ret->time_ns)
		ret->time_ns = time_ns;
	if (fork)
		ret->fork = (struct event_fork){ .ppid = ppid, .ptid = ptid };
	return PERF_DECODED;
}

static enum perf_decoded decode_lost(bool samples, uint8_t source, struct cursor *c,
				     struct event *ret)
{
	if (!samples)
		cursor_u64(c); /* id of whichever event's ring it was: all share one */
	ret->type = EVENT_LOST;
	ret->lost = (struct event_lost){ .source = source, .n = cursor_u64(c) };
	return c->bad ? PERF_BAD : PERF_DECODED;
}

static enum perf_decoded decode_throttle(bool on, uint8_t source, struct cursor *c,
					 struct event *ret)
{
	if (!take(c, 24))
		return PERF_BAD;
	ret->type = EVENT_THROTTLE;
	ret->throttle = (struct event_throttle){ .on = on, .source = source };
	return PERF_DECODED;
}

/* pid and tid of the trailer are those of whoever ran; the record's own, set later, win. */
/* Of whose switch it is the trailer tells, also where the body names the other one. */
static enum perf_decoded decode_switch(const struct perf_layout *layout, unsigned int misc,
				       struct event *ret)
{
	if (!layout->tid_back || !layout->time_back)
		return PERF_IGNORED;
	if (!ret->tid) /* the idle task: a CPU has nothing to do */
		return PERF_IGNORED;
	ret->type = EVENT_SWITCH;
	if (!(misc & PERF_RECORD_MISC_SWITCH_OUT))
		ret->switched.kind = SWITCH_IN;
	else if (misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT)
		ret->switched.kind = SWITCH_OUT_RUNNABLE;
	else
		ret->switched.kind = SWITCH_OUT_ASLEEP;
	return PERF_DECODED;
}

static void read_trailer(const struct perf_layout *l, struct cursor *c, struct event *ret)
{
	const uint8_t *end = c->end;

	if (l->tid_back) {
		ret->pid = load_le32(end - l->tid_back);
		ret->tid = load_le32(end - l->tid_back + 4);
	}
	if (l->time_back)
		ret->time_ns = load_le64(end - l->time_back);
	if (l->cpu_back)
		ret->cpu = load_le32(end - l->cpu_back);
	c->end -= l->trailer_bytes;
}

enum perf_decoded perf_record_decode(const struct perf_layout *layout, enum machine machine,
				     const uint8_t *record, size_t n, struct perf_scratch *scratch,
				     struct event *ret)
{
	uint32_t type = load_le32(record);
	unsigned int misc = load_le16(record + 4);
	struct cursor c = cursor_of(record + HEADER_BYTES, n - HEADER_BYTES);

	ret->time_ns = 0;
	ret->pid = ret->tid = ret->cpu = 0;
	if (type == PERF_RECORD_SAMPLE)
		return decode_sample(layout, machine, misc, &c, scratch, ret);
	if (cursor_left(&c) < layout->trailer_bytes)
		return PERF_BAD;
	read_trailer(layout, &c, ret);
	switch (type) {
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		return decode_mmap(type == PERF_RECORD_MMAP2, misc, &c, ret);
	case PERF_RECORD_COMM:
		return decode_comm(misc, &c, ret);
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return decode_task(type == PERF_RECORD_FORK, &c, ret);
	case PERF_RECORD_THROTTLE:
	case PERF_RECORD_UNTHROTTLE:
		return decode_throttle(type == PERF_RECORD_THROTTLE, layout->source, &c, ret);
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
		return decode_lost(type == PERF_RECORD_LOST_SAMPLES, layout->source, &c, ret);
	case PERF_RECORD_SWITCH:
	case PERF_RECORD_SWITCH_CPU_WIDE:
		return decode_switch(layout, misc, ret);
	default:
		return PERF_IGNORED;
	}
}
