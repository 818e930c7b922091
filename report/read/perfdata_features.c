#include "report/read/perfdata_features.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/cursor.h"
#include "common/base/err.h"
#include "common/base/buf.h"
#include "common/base/os.h"
#include "report/read/recording.h"

/* enum of tools/perf/util/header.h; only those that are heeded. */
enum perf_feature {
	FEATURE_BUILD_ID = 2,
	FEATURE_HOSTNAME = 3,
	FEATURE_OSRELEASE = 4,
	FEATURE_VERSION = 5,
	FEATURE_ARCH = 6,
	FEATURE_NRCPUS = 7,
	FEATURE_CPUDESC = 8,
	FEATURE_CMDLINE = 11,
	FEATURE_EVENT_DESC = 12,
	FEATURE_AUXTRACE = 18,
	FEATURE_SAMPLE_TIME = 21,
	FEATURE_COMPRESSED = 27,
	FEATURE_CLOCK_DATA = 29,
};

enum { TEXT_MAX = 4096, ARGS_MAX = 1024, COMMAND_MAX = 16 << 10 };

/* u32 length (with padding), then so many bytes with a zero among them. False: it lies. */
static bool take_text(struct cursor *c, const char **ret, size_t *ret_n)
{
	uint32_t n = cursor_u32(c);
	const uint8_t *bytes;

	if (!cursor_take(c, n, &bytes))
		return false;
	*ret = (const char *)bytes;
	*ret_n = MIN(strnlen(*ret, n), (size_t)TEXT_MAX);
	return true;
}

static void put_text(struct perf_header *h, const char *key, struct cursor *c, const char *before)
{
	char value[TEXT_MAX + 32];
	const char *text;
	size_t n;

	if (!take_text(c, &text, &n) || !n)
		return;
	snprintf(value, sizeof(value), "%s%.*s", before, (int)n, text);
	recording_add_manifest(h->recording, key, value);
}

static void copy_text(struct cursor *c, char *ret, size_t cap)
{
	const char *text;
	size_t n;

	if (take_text(c, &text, &n))
		snprintf(ret, cap, "%.*s", (int)n, text);
}

/* Words with a blank between them, as perf shows them. */
static void put_command(struct perf_header *h, struct cursor *c)
{
	uint32_t n_args = cursor_u32(c);
	struct buf line;
	const char *text;
	size_t n;

	buf_init(&line);
	for (uint32_t i = 0; i < n_args && i < ARGS_MAX && line.n < COMMAND_MAX; i++) {
		if (!take_text(c, &text, &n))
			break;
		if (i)
			buf_putc(&line, ' ');
		buf_put(&line, text, n);
	}
	if (line.n)
		recording_add_manifest(h->recording, "command", buf_text(&line));
	buf_done(&line);
}

/* n, size of an attribute; for each event: attribute, number of ids, name, ids. */
static void take_event_names(struct perf_header *h, struct cursor *c)
{
	uint32_t n = cursor_u32(c), attr_bytes = cursor_u32(c);
	const uint8_t *bytes;

	for (uint32_t i = 0; i < n && i < h->layouts->n; i++) {
		uint32_t n_ids;

		if (!cursor_take(c, attr_bytes, &bytes))
			return;
		n_ids = cursor_u32(c);
		copy_text(c, h->layouts->item[i].name, sizeof(h->layouts->item[i].name));
		if (n_ids > cursor_left(c) / 8 || !cursor_take(c, (size_t)n_ids * 8, &bytes))
			return;
	}
}

static void take_cpus(struct perf_header *h, struct cursor *c)
{
	char value[16];

	cursor_u32(c); /* configured */
	snprintf(value, sizeof(value), "%u", cursor_u32(c));
	if (!c->bad)
		recording_add_manifest(h->recording, "cpus", value);
}

static void take_sample_time(struct perf_header *h, struct cursor *c)
{
	uint64_t first = cursor_u64(c), last = cursor_u64(c);

	if (c->bad || last < first || last == UINT64_MAX)
		return; /* all ones: samples have no time */
	h->recording->state.first_ns = first;
	h->recording->state.last_ns = last;
}

/* version, clock id, wall clock and that clock at one moment */
static void take_clock_data(struct perf_header *h, struct cursor *c)
{
	uint64_t wall, clock;

	cursor_u32(c);
	cursor_u32(c);
	wall = cursor_u64(c);
	clock = cursor_u64(c);
	if (!c->bad)
		h->realtime_offset_ns = (int64_t)(wall - clock);
}

void perf_feature_take(struct perf_header *h, uint64_t feature, const uint8_t *bytes, size_t n)
{
	struct cursor c = cursor_of(bytes, n);

	switch (feature) {
	case FEATURE_BUILD_ID:
		perf_take_build_ids(h->files, bytes, n);
		break;
	case FEATURE_HOSTNAME:
		copy_text(&c, h->files->host, sizeof(h->files->host));
		break;
	case FEATURE_OSRELEASE:
		put_text(h, "kernel", &c, "");
		break;
	case FEATURE_VERSION:
		put_text(h, "recorder", &c, "perf ");
		break;
	case FEATURE_ARCH:
		copy_text(&c, h->arch, sizeof(h->arch));
		break;
	case FEATURE_NRCPUS:
		take_cpus(h, &c);
		break;
	case FEATURE_CPUDESC:
		put_text(h, "cpu", &c, "");
		break;
	case FEATURE_CMDLINE:
		put_command(h, &c);
		break;
	case FEATURE_EVENT_DESC:
		take_event_names(h, &c);
		break;
	case FEATURE_SAMPLE_TIME:
		take_sample_time(h, &c);
		break;
	case FEATURE_AUXTRACE:
		recording_add_manifest(h->recording, "aux_trace", "left out");
		break;
	case FEATURE_COMPRESSED:
		recording_add_manifest(h->recording, "compressed", "yes");
		break;
	case FEATURE_CLOCK_DATA:
		take_clock_data(h, &c);
		break;
	default:
		break;
	}
}

/* ---- what follows from all of it ---- */

static const char *event_name(const struct perf_attr *attr)
{
	static const char *const hardware[] = {
		"cycles",
		"instructions",
		"cache-references",
		"cache-misses",
		"branches",
		"branch-misses",
		"bus-cycles",
		"stalled-cycles-frontend",
		"stalled-cycles-backend",
		"ref-cycles",
	};
	static const char *const software[] = {
		"cpu-clock",	    "task-clock",   "page-faults",  "context-switches",
		"cpu-migrations",   "minor-faults", "major-faults", "alignment-faults",
		"emulation-faults", "dummy",	    "bpf-output",   "cgroup-switches",
	};

	if (attr->type == PERF_TYPE_HARDWARE && attr->config < N_ELEMENTS(hardware))
		return hardware[attr->config];
	if (attr->type == PERF_TYPE_SOFTWARE && attr->config < N_ELEMENTS(software))
		return software[attr->config];
	return NULL;
}

/* The periods of clocks are times. */
static bool is_clock(const struct perf_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE && (attr->config == PERF_COUNT_SW_CPU_CLOCK ||
						    attr->config == PERF_COUNT_SW_TASK_CLOCK);
}

static void set_source(struct perf_header *h, struct perf_layout *l)
{
	struct record_source source = { 0 };
	const char *name = l->name[0] ? l->name : event_name(&l->attr);
	bool freq = l->attr.flags & PERF_ATTR_FREQ;

	if (l->source >= SOURCE_MAX)
		return;
	if (name)
		snprintf(source.name, sizeof(source.name), "%s", name);
	else
		snprintf(source.name, sizeof(source.name), "type %u 0x%" PRIx64, l->attr.type,
			 l->attr.config);
	snprintf(source.unit, sizeof(source.unit), "%s",
		 is_clock(&l->attr) ? "nanoseconds" : "events");
	source.frequency_hz = freq ? l->attr.period : 0;
	source.period = freq ? 0 : l->attr.period;
	recording_set_source(h->recording, l->source, &source);
}

/*
 * perf record --switch-events: when threads left and entered CPUs. If the tracepoint was recorded
 * as well, its samples say where they were then; else the time is a source of its own.
 */
static void set_off_cpu(struct perf_header *h)
{
	struct record_source source = { .name = "offcpu", .unit = "switches", .period = 1 };
	bool told = false;
	uint32_t free = 0, stacks = SOURCE_MAX;

	for (size_t i = 0; i < h->layouts->n; i++) {
		const struct perf_layout *l = &h->layouts->item[i];

		told |= (l->attr.flags & PERF_ATTR_CONTEXT_SWITCH) != 0;
		if (!strcmp(l->name, "sched:sched_switch") && l->source < SOURCE_MAX &&
		    l->attr.period == 1 && !(l->attr.flags & PERF_ATTR_FREQ))
			stacks = l->source;
	}
	while (free < SOURCE_MAX && recording_source(h->recording, (uint8_t)free))
		free++;
	if (stacks == SOURCE_MAX)
		stacks = free;
	if (!told || stacks == SOURCE_MAX)
		return;
	recording_add_manifest(h->recording, "off_cpu",
			       stacks == free ? "time perf" : "time stacks perf");
	if (stacks != free)
		snprintf(source.name, sizeof(source.name), "sched:sched_switch");
	recording_set_source(h->recording, stacks, &source);
}

static enum machine machine_of(const struct perf_header *h)
{
	uint64_t mask = 0;

	if (!strcmp(h->arch, "x86_64"))
		return MACHINE_X86_64;
	if (!strcmp(h->arch, "aarch64") || !strcmp(h->arch, "arm64"))
		return MACHINE_AARCH64;
	if (h->arch[0])
		return MACHINE_NONE;
	for (size_t i = 0; i < h->layouts->n; i++)
		mask |= h->layouts->item[i].attr.regs_user;
	if (!mask)
		return perf_regs_native()->machine;
	/* x86 has no registers 12 to 15 (ds es fs gs) in 64-bit code, aarch64 has them all */
	return mask >> 12 & 15 ? MACHINE_AARCH64 : MACHINE_X86_64;
}

static void put_number(struct recording *r, const char *key, uint64_t n)
{
	char value[24];

	snprintf(value, sizeof(value), "%" PRIu64, n);
	recording_add_manifest(r, key, value);
}

static const char *clock_text(const struct perf_attr *attr)
{
	enum { MONOTONIC = 1, MONOTONIC_RAW = 4, BOOTTIME = 7, REALTIME = 0 };

	if (!(attr->flags & PERF_ATTR_USE_CLOCKID))
		return "perf";
	switch (attr->clockid) {
	case MONOTONIC:
		return "monotonic";
	case MONOTONIC_RAW:
		return "monotonic_raw";
	case BOOTTIME:
		return "boottime";
	case REALTIME:
		return "realtime";
	default:
		return "other";
	}
}

/* perf.data names no system; one that was recorded here is of this one. */
static void put_os(struct perf_header *h)
{
	struct os_release os;
	char pair[2 * OS_TEXT_MAX + 1];

	if (!perf_files_same_host(h->files))
		return;
	os_release_read(&os);
	if (!os.id[0])
		return;
	snprintf(pair, sizeof(pair), "%s%s%s", os.id, os.version[0] ? " " : "", os.version);
	recording_add_manifest(h->recording, "os", pair);
	if (os.like[0])
		recording_add_manifest(h->recording, "os_like", os.like);
	if (os.name[0])
		recording_add_manifest(h->recording, "os_name", os.name);
}

static void put_manifest(struct perf_header *h)
{
	struct recording *r = h->recording;
	const struct perf_attr *attr = &h->layouts->item[0].attr;
	uint64_t stack_bytes = 0;
	char value[32];

	recording_add_manifest(r, "format", h->pipe ? "perf.data (pipe)" : "perf.data");
	recording_add_manifest(r, "machine", r->machine == MACHINE_AARCH64 ? "aarch64" : "x86_64");
	if (h->files->host[0])
		recording_add_manifest(r, "host", h->files->host);
	put_os(h);
	recording_add_manifest(r, "clock", clock_text(attr));
	if (h->realtime_offset_ns) {
		snprintf(value, sizeof(value), "%" PRId64, h->realtime_offset_ns);
		recording_add_manifest(r, "realtime_offset_ns", value);
	}
	for (size_t i = 0; i < h->layouts->n; i++)
		stack_bytes = MAX(stack_bytes, (uint64_t)h->layouts->item[i].attr.stack_user);
	recording_add_manifest(r, "event", r->source[0].name);
	if (r->source[0].frequency_hz)
		put_number(r, "frequency_hz", r->source[0].frequency_hz);
	recording_add_manifest(r, "stacks", stack_bytes ? "raw" : "none");
	if (stack_bytes)
		put_number(r, "stack_bytes", stack_bytes);
	recording_add_manifest(r, "embed", "none");
}

int perf_header_finish(struct perf_header *h, struct err *err)
{
	if (!h->layouts->n)
		return err_set(err, -ENODATA, "perf.data without events");
	h->recording->machine = machine_of(h);
	if (!h->recording->machine)
		return err_set(err, -ENOTSUP, "recorded on '%s'; x86_64 and aarch64 are known",
			       h->arch);
	perf_layouts_set_machine(h->layouts, h->recording->machine);
	for (size_t i = 0; i < h->layouts->n; i++)
		set_source(h, &h->layouts->item[i]);
	set_off_cpu(h);
	put_manifest(h);
	return 0;
}
