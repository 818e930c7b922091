/*
 * Records are looked at where they lie (mapped.h); only what finds their time is read before they
 * are handed out in order (perfdata_order.h), so the stack dumps that make up such a file pass
 * through no buffer, and what lies behind dyn_size is never touched.
 *
 * What perf wrote itself about processes that ran already has no time. It comes first; it is told
 * at the time of the first event, and a process told so has the mappings told so and no others
 * (EVENT_SPACE): those that its parent has now are not what it inherited.
 */
#include "report/read/perfdata.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/map.h"
#include "report/read/mapped.h"
#include "report/read/perfdata_header.h"
#include "report/read/perfdata_maps.h"
#include "report/read/perfdata_order.h"
#include "report/read/perfdata_record.h"
#include "report/read/perfdata_scan.h"
#include "report/read/perfdata_stream.h"
#include "report/read/recording.h"

struct perfdata {
	struct recording base;
	struct mapped file;
	struct perf_layouts layouts;
	struct perf_files files;
	struct perf_stream *stream;
	struct perf_order order;
	bool finished;	   /* perf ended in order */
	uint64_t begin_ns; /* first time of any record */
	bool ended;	   /* nothing more is in the stream */
	struct map told;   /* pid + 1: its mappings are known from here on */
	uint64_t last_ns;
	uint64_t n_lost_records, n_lost_samples; /* by LOST; by LOST_SAMPLES */
	bool held;				 /* one of the two is still to come */
	struct event event, beside;		 /* `beside` comes before `event`, after a fork */
	struct perf_scratch scratch;
	uint64_t aligned[PERF_RECORD_BYTES_MAX / 8];
};

/* ---- one record ---- */

/* Records of perf lie at multiples of 8; a file may put them anywhere. */
static const uint8_t *aligned(struct perfdata *r, const uint8_t *bytes, size_t n)
{
	if (!((uintptr_t)bytes & 7))
		return bytes;
	memcpy(r->aligned, bytes, n);
	return (const uint8_t *)r->aligned;
}

/* Written by perf about what ran before: without a time, though records have one. */
static bool is_synthesized(const struct perf_layout *layout, uint64_t time_ns)
{
	return layout->time_back && (time_ns == 0 || time_ns == UINT64_MAX);
}

static bool tell(struct perfdata *r, uint32_t pid)
{
	bool is_new;

	map_put(&r->told, (uint64_t)pid + 1, &is_new);
	return is_new;
}

/* An event of the event's process beside it. */
static void put_beside(struct perfdata *r, enum event_type type)
{
	r->beside = (struct event){
		.type = type, .time_ns = r->event.time_ns, .pid = r->event.pid, .tid = r->event.pid
	};
	r->held = true;
}

/* False: it is not for us. */
static bool take_mmap(struct perfdata *r, bool synthesized)
{
	struct event *e = &r->event;

	if (e->pid == PERF_KERNEL_PID) {
		perf_files_note_kernel(&r->files, &e->mmap);
		return false;
	}
	perf_files_complete(&r->files, &e->mmap);
	if ((synthesized || !r->layouts.item[0].time_back) && tell(r, e->pid))
		put_beside(r, EVENT_SPACE);
	return true;
}

static void count(struct perfdata *r, enum counter counter)
{
	r->base.state.counters.n[counter]++;
}

static bool take_sample(struct perfdata *r)
{
	const struct event_sample *s = &r->event.sample;

	if (s->source >= SOURCE_MAX) {
		count(r, COUNTER_SAMPLES_DROPPED_FILTER);
		return false;
	}
	if (!r->event.pid && tell(r, 0)) { /* nobody names the idle thread */
		put_beside(r, EVENT_COMM);
		strcpy(r->beside.comm.comm, "swapper");
	}
	if (s->in_kernel)
		perf_files_expect_kernel(&r->files);
	count(r, COUNTER_SAMPLES_STORED);
	if (s->stack_cut)
		count(r, COUNTER_STACKS_CUT);
	r->base.state.counters.n[COUNTER_STACK_WORDS_SEEN] += s->stack_bytes / 8;
	r->base.state.counters.n[COUNTER_STACK_WORDS_KEPT] += s->stack_bytes / 8;
	return true;
}

/*
 * LOST counts records of all types that a ring had no room for; newer kernels count samples, and
 * perf writes that at the end. One speaks of the other's: the larger holds.
 */
static void take_lost(struct perfdata *r, const uint8_t *record)
{
	if (load_le32(record) == PERF_RECORD_LOST)
		r->n_lost_records += r->event.lost.n;
	else
		r->n_lost_samples += r->event.lost.n;
	r->base.state.counters.n[COUNTER_SAMPLES_LOST_KERNEL] =
		MAX(r->n_lost_records, r->n_lost_samples);
}

/* What one decoded record means beyond itself. False: nothing is to be delivered. */
static bool take_event(struct perfdata *r, const uint8_t *record, bool synthesized)
{
	struct event *e = &r->event;

	switch (e->type) {
	case EVENT_SAMPLE:
		return take_sample(r);
	case EVENT_MMAP:
		return take_mmap(r, synthesized);
	case EVENT_FORK:
		/* what the parent has now was not inherited */
		if (synthesized && e->pid != e->fork.ppid && tell(r, e->pid))
			put_beside(r, EVENT_SPACE);
		return true;
	case EVENT_LOST:
		take_lost(r, record);
		return true;
	case EVENT_THROTTLE:
		if (e->throttle.on)
			count(r, COUNTER_THROTTLED);
		return e->throttle.source < SOURCE_MAX;
	default:
		return true;
	}
}

static void set_time(struct perfdata *r, uint64_t time_ns)
{
	struct recording_state *s = &r->base.state;

	if (time_ns == 0 || time_ns == UINT64_MAX) {
		r->event.time_ns = r->last_ns;
		return;
	}
	if (time_ns < r->last_ns)
		count(r, COUNTER_OUT_OF_ORDER);
	r->last_ns = MAX(r->last_ns, time_ns);
	s->first_ns = s->first_ns ? MIN(s->first_ns, time_ns) : time_ns;
	s->last_ns = MAX(s->last_ns, time_ns);
}

/* The event of a record into r->event; false: none. */
static bool decode(struct perfdata *r, const struct perf_record *from)
{
	size_t n = perf_record_bytes(from);
	const uint8_t *record = aligned(r, from->bytes, n);
	const struct perf_layout *layout = perf_layouts_of(&r->layouts, record, n);
	enum perf_decoded got = PERF_BAD_SAMPLE;
	bool synthesized;

	if (layout)
		got = perf_record_decode(layout, r->base.machine, record, n, &r->scratch,
					 &r->event);
	if (got == PERF_BAD_SAMPLE)
		count(r, COUNTER_SAMPLES_DROPPED_DECODE);
	if (got == PERF_BAD)
		count(r, COUNTER_TASKS_LOST_KERNEL);
	if (got != PERF_DECODED)
		return false;
	synthesized = is_synthesized(layout, r->event.time_ns);
	set_time(r, r->event.time_ns);
	return take_event(r, record, synthesized);
}

/* ---- the stream ---- */

static void stream_is_damaged(struct perfdata *r, uint64_t off, uint64_t bytes,
			      const struct err *err)
{
	struct damage *d = damages_add(&r->base.damages, off, bytes, err->text);

	if (d)
		d->from_ns = r->last_ns;
	r->base.state.n_damaged = r->base.damages.n;
	r->base.state.damaged_bytes = r->base.damages.bytes;
}

/* The next record that needs no order into *ret; false: something else happened. */
static bool read_one(struct perfdata *r, struct perf_record *ret)
{
	struct err err = { 0 };
	uint64_t off, bytes, time_ns;
	uint32_t type;

	switch (perf_stream_next(r->stream, ret, &off, &bytes, &err)) {
	case PERF_STREAM_DAMAGE:
		stream_is_damaged(r, off, bytes, &err);
		/* fall through */
	case PERF_STREAM_END:
		r->ended = true;
		perf_order_flush(&r->order, false);
		return false;
	case PERF_STREAM_RECORD:
		break;
	}
	type = perf_record_type(ret);
	if (type == PERF_FINISHED_ROUND) {
		perf_order_round(&r->order);
		mapped_drop(&r->file, perf_stream_file_off(r->stream));
	}
	if (type >= PERF_USER_TYPES)
		return false;
	time_ns = perf_scan_time(&r->layouts, ret);
	if (!time_ns)
		return true;
	perf_order_put(&r->order, time_ns, ret);
	if (r->order.n >= PERF_ORDER_RECORDS_MAX ||
	    perf_stream_held_bytes(r->stream) > PERF_ORDER_HELD_MAX)
		perf_order_flush(&r->order, true);
	return false;
}

static void finish(struct perfdata *r)
{
	char value[48];

	if (r->files.n_unverified && !recording_manifest(&r->base, "unverified")) {
		snprintf(value, sizeof(value), "%u files, by their path alone",
			 r->files.n_unverified);
		recording_add_manifest(&r->base, "unverified", value);
	}
	r->base.state.ended = r->finished && !r->base.damages.n;
}

/* The first or the second of r->event and r->beside. */
static const struct event *deliver(struct perfdata *r, bool second)
{
	bool fork = r->event.type == EVENT_FORK;

	r->base.state.n_events_read++;
	if (!second && !r->held)
		return &r->event;
	return second == fork ? &r->beside : &r->event;
}

static enum recording_next perfdata_next(struct recording *recording, const struct event **ret)
{
	struct perfdata *r = (struct perfdata *)recording;

	if (r->held) {
		r->held = false;
		*ret = deliver(r, true);
		return RECORDING_EVENT;
	}
	for (;;) {
		const struct perf_waiting *w = perf_order_next(&r->order);
		struct perf_record record;

		if (!w && r->ended) {
			finish(r);
			return RECORDING_END;
		}
		if (!w && !read_one(r, &record))
			continue;
		if (!decode(r, w ? &w->record : &record))
			continue;
		*ret = deliver(r, false);
		return RECORDING_EVENT;
	}
}

static void perfdata_rewind(struct recording *recording)
{
	struct perfdata *r = (struct perfdata *)recording;
	struct recording_state *s = &r->base.state;

	perf_order_reset(&r->order);
	perf_stream_rewind(r->stream);
	map_reset(&r->told);
	r->last_ns = r->begin_ns;
	r->ended = r->held = false;
	r->n_lost_records = r->n_lost_samples = 0;
	s->n_events_read = 0;
	memset(&s->counters, 0, sizeof(s->counters));
}

/* ---- files ---- */

static const struct elf_image *perfdata_image(struct recording *recording,
					      const struct object_key *key, unsigned int take,
					      const char **ret_reason)
{
	return perf_files_image(&((struct perfdata *)recording)->files, key, take, ret_reason);
}

static void perfdata_forget_image(struct recording *recording, const struct elf_image *image)
{
	perf_files_forget(&((struct perfdata *)recording)->files, image);
}

static const char *perfdata_each_kernel_symbol(struct recording *recording, kernel_got *got,
					       void *ctx)
{
	return perf_files_each_kernel_symbol(&((struct perfdata *)recording)->files, got, ctx);
}

static void perfdata_each_jit(struct recording *recording, jit_got *got, void *ctx)
{
	struct perfdata *r = (struct perfdata *)recording;
	static const char dir[] = "/tmp"; /* where perf looks, whatever TMPDIR says */
	AUTO_FREE uint32_t *pid = NULL;
	struct map there;
	struct stat st;
	size_t n;

	if (!r->files.use_local || fstat(r->base.fd, &st) < 0 || !perf_files_same_host(&r->files))
		return;
	pid = mem_alloc(PERF_MAPS_MAX * sizeof(*pid));
	n = perf_maps_list(dir, st.st_mtim.tv_sec, pid);
	if (!n)
		return;
	map_init(&there);
	perf_scan_pids(r->stream, pid, n, &there);
	perfdata_rewind(recording);
	for (size_t i = 0; i < n; i++)
		if (map_find(&there, pid[i]) && perf_map_each(dir, pid[i], got, ctx) < 0)
			break;
	map_done(&there);
}

static void perfdata_use_local(struct recording *recording, bool use)
{
	((struct perfdata *)recording)->files.use_local = use;
}

/* ---- life ---- */

static void perfdata_close(struct recording *recording)
{
	struct perfdata *r = (struct perfdata *)recording;

	perf_order_done(&r->order);
	perf_stream_free(r->stream);
	perf_files_done(&r->files);
	perf_layouts_done(&r->layouts);
	map_done(&r->told);
	mapped_close(&r->file);
	recording_done(recording);
	free(r);
}

static const struct recording_kind perfdata_kind = {
	.close = perfdata_close,
	.next = perfdata_next,
	.rewind = perfdata_rewind,
	.image = perfdata_image,
	.forget_image = perfdata_forget_image,
	.each_kernel_symbol = perfdata_each_kernel_symbol,
	.use_local = perfdata_use_local,
	.each_jit = perfdata_each_jit,
};

bool perfdata_is(int fd)
{
	uint8_t magic[PERF_MAGIC_BYTES];

	return io_pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       perf_header_is(magic);
}

static int open_parts(struct perfdata *r, struct err *err)
{
	struct perf_header h = { .recording = &r->base,
				 .layouts = &r->layouts,
				 .files = &r->files };
	int status = mapped_open(r->base.fd, &r->file, err);

	if (status < 0)
		return status;
	status = perf_header_read(&h, &r->file, err);
	if (status < 0)
		return status;
	r->stream = perf_stream_new(r->file.bytes + h.data_off, h.data_bytes, h.data_off);
	if (h.pipe)
		status = perf_scan_header(r->stream, &h, err);
	if (status == 0)
		status = perf_header_finish(&h, err);
	if (status < 0)
		return status;
	r->finished = h.finished;
	r->base.state.header_ok = true;
	r->begin_ns = perf_scan_begin(r->stream, &r->layouts, r->base.state.first_ns);
	perfdata_rewind(&r->base);
	return 0;
}

int perfdata_open(int fd, struct recording **ret, struct err *err)
{
	struct perfdata *r = mem_zalloc(sizeof(*r));
	int status;

	recording_init(&r->base, &perfdata_kind, fd);
	perf_layouts_init(&r->layouts);
	perf_files_init(&r->files);
	map_init(&r->told);
	status = open_parts(r, err);
	if (status < 0) {
		r->base.fd = -1; /* stays the caller's */
		perfdata_close(&r->base);
		return status;
	}
	*ret = &r->base;
	return 0;
}
