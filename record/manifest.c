/* What is put here ends up in every recording: nothing that names a person or a host. */
#include "config.h"

#include "record/manifest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "common/base/io.h"
#include "common/base/os.h"
#include "common/format/object.h"

static void put(struct manifest *m, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put(struct manifest *m, const char *key, const char *fmt, ...)
{
	char value[2100];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (manifest_put(m->bytes, sizeof(m->bytes), &m->n, key, value) == 0)
		m->n_pairs++;
}

const char *stacks_text(enum sink_stacks stacks)
{
	static const char *const text[] = { "scrubbed", "raw", "none" };

	return text[stacks];
}

const char *embed_text(enum inspect_embed embed)
{
	static const char *const text[] = { "none", "unwind", "symbols", "full" };

	return text[embed];
}

static const char *libc_text(char *text, size_t n)
{
#ifdef __GLIBC__
	snprintf(text, n, "glibc %s", gnu_get_libc_version());
#else
	snprintf(text, n, "unknown");
#endif
	return text;
}

/* CLOCK_REALTIME - CLOCK_MONOTONIC: turns times of events into dates. */
static int64_t realtime_offset_ns(void)
{
	struct timespec real;

	uint64_t before_ns = io_monotonic_ns();
	clock_gettime(CLOCK_REALTIME, &real);
	uint64_t after_ns = io_monotonic_ns();
	return real.tv_sec * INT64_C(1000000000) + real.tv_nsec -
	       (int64_t)(before_ns + (after_ns - before_ns) / 2);
}

static const char *target_text(const struct session_options *o)
{
	if (o->argv)
		return "command";
	return o->whole_system ? "system" : "pid";
}

/*
 * Of the recorder's own root: whoever reads the file elsewhere learns in which distribution's
 * packages debug files are. Files of containers may be of another one.
 */
static void put_os(struct manifest *m)
{
	struct os_release os;

	os_release_read(&os);
	if (os.id[0])
		put(m, "os", "%s%s%s", os.id, os.version[0] ? " " : "", os.version);
	if (os.like[0])
		put(m, "os_like", "%s", os.like);
	if (os.name[0])
		put(m, "os_name", "%s", os.name);
}

/* "sCPU;sPF" */
static const char *names_text(const struct kernel_facts *f, char *text, size_t cap)
{
	*text = 0;
	for (uint8_t i = 0; i < f->n_sources; i++) {
		size_t n = strlen(text);

		snprintf(text + n, cap - n, "%s%s", i ? ";" : "", f->source[i].name);
	}
	return text;
}

static void put_given(struct manifest *m, const char *key, const char *value)
{
	if (value && *value)
		put(m, key, "%s", value);
}

/* Values that nobody could look up are left out; why is told. */
static void put_host(struct manifest *m, const struct kernel_facts *f)
{
	if (f->paranoid != KERNEL_UNKNOWN)
		put(m, "paranoid", "%d", f->paranoid);
	if (f->kptr_restrict != KERNEL_UNKNOWN)
		put(m, "kptr_restrict", "%d", f->kptr_restrict);
	if (access("/proc/self/maps", R_OK) < 0)
		put(m, "missing", "/proc");
}

void manifest_fill(struct manifest *m, const struct session_options *o,
		   const struct kernel_facts *f, const char *turn)
{
	char libc[64], names[256];

	m->n = m->n_pairs = 0;
	put(m, "recorder", "%s %s", PACKAGE_NAME, PACKAGE_VERSION);
	put(m, "kernel", "%s", f->release);
	put(m, "machine", "%s", f->machine_text);
	put(m, "libc", "%s", libc_text(libc, sizeof(libc)));
	put_os(m);
	put(m, "cpus", "%u", f->n_cpus);
	put(m, "uid", "%u", (unsigned int)geteuid());
	put_host(m, f);
	put(m, "clock", "monotonic");
	put(m, "realtime_offset_ns", "%" PRId64, realtime_offset_ns());
	put(m, "target", "%s", target_text(o));
	put(m, "event", "%s", names_text(f, names, sizeof(names)));
	put(m, "kernel_event", "%s", f->event_text);
	put(m, "frequency_hz", "%" PRIu64, f->source[0].frequency_hz);
	put(m, "stacks", "%s", stacks_text(o->stacks));
	put(m, "stack_bytes", "%u", f->stack_bytes);
	if (*f->off_cpu)
		put(m, "off_cpu", "%s", f->off_cpu);
	put(m, "ring_bytes", "%zu", f->ring_bytes);
	put(m, "kernel_frames", "%s", f->kernel_frames ? "yes" : "no");
	put(m, "losses", "%s", f->exact_lost ? "exact" : "lower bound");
	put(m, "turn", "%s", turn);
	put(m, "embed", "%s", embed_text(o->embed));
	put(m, "argv", "no");
	put(m, "fallbacks", "%s", f->fallbacks);
	put_given(m, "service", o->service);
	put_given(m, "env", o->environment);
	put_given(m, "version", o->service_version);
	put_given(m, "tags", o->tags);
}
