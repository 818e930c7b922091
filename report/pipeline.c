/*
 * One pass over the events with the address spaces of their time; stacks become chains of place
 * numbers and a tree of them. Only then, when every touched address is known, are names looked up,
 * one file at a time: each symbol table is loaded once, read once, and let go.
 */
#include "report/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "common/space/space.h"
#include "report/counted.h"
#include "report/debug/debug.h"
#include "report/jit/jit.h"
#include "report/naming.h"
#include "report/offcpu.h"
#include "report/profile/profile.h"
#include "report/read/read.h"
#include "report/symbol/cache.h"
#include "report/runtimes.h"
#include "report/unwind/unwind.h"

enum {
	PROGRESS_EVERY = 4096, /* samples; a power of two */
	THREAD_SLOTS = 64,     /* threads whose place in the profile is remembered */
};

/* Names change with task events only: between two of them a thread is looked up once. */
struct known_thread {
	uint32_t pid, tid;
	uint32_t epoch;	 /* of the task events; 0: slot is free */
	uint32_t thread; /* of the profile */
	const char *comm;
};

struct pipeline {
	const struct pipeline_options *o;
	struct recording *recording;
	struct spaces *spaces;
	struct unwinder *unwinder;
	struct jit *jit;
	struct debug *debug; /* files of other places than the recording; NULL: none are used */
	char *cache_dir;     /* NULL: nothing is kept */
	struct symbol_cache *cache;
	struct runtimes runtimes;
	struct offcpu *offcpu;
	struct profile *profile;
	struct elf_image **local; /* images of this machine's files, for unwinding */
	size_t n_local, local_cap;
	uint32_t n_wanted; /* objects that p->debug was told of */
	struct known_thread known[THREAD_SLOTS];
	uint32_t epoch;
	uint64_t origin_ns; /* time of the first event */
	bool any;
};

static struct object_key key_of(const struct space_object *o)
{
	return (struct object_key){
		.build_id = o->build_id,
		.maj = o->maj,
		.min = o->min,
		.ino = o->ino,
		.path = o->path,
	};
}

/* All that are known by now: a package is read once for all of them. */
static void want_objects(struct pipeline *p)
{
	while (p->n_wanted < spaces_n_objects(p->spaces)) { /* numbers are from 1 */
		const struct space_object *o = spaces_object(p->spaces, ++p->n_wanted);
		struct object_key key = key_of(o);

		if (!o->anonymous)
			debug_want(p->debug, &key, 1);
	}
}

static const struct elf_image *local_image(struct pipeline *p, const struct object_key *key)
{
	struct debug_file file = { .fd = -1 };
	struct elf_image *image;
	struct err err = { 0 };
	int status;

	if (!p->debug)
		return NULL;
	want_objects(p);
	status = debug_find_object(p->debug, key, &file, &err);
	if (status < 0)
		return NULL;
	image = mem_zalloc(sizeof(*image));
	status = elf_image_read(file.fd, ELF_TAKE_UNWIND, image, &err);
	if (status < 0)
		log_debug("debug", "not unwound with: path='%s' reason='%s'", file.where, err.text);
	debug_file_done(&file);
	if (status < 0) {
		free(image);
		return NULL;
	}
	mem_grow(&p->local, &p->local_cap, p->n_local + 1, sizeof(*p->local));
	p->local[p->n_local++] = image;
	return image;
}

/*
 * unwind_image of unwind.h: the recording's own tables first, so that both machines see the same.
 */
static const struct elf_image *find_image(void *ctx, uint32_t object)
{
	struct pipeline *p = ctx;
	const struct space_object *o = spaces_object(p->spaces, object);
	struct object_key key;
	const struct elf_image *image;

	if (!o || o->anonymous)
		return NULL;
	key = key_of(o);
	image = recording_image(p->recording, &key, ELF_TAKE_UNWIND, NULL);
	if (!image)
		image = local_image(p, &key);
	return image;
}

static const struct known_thread *find_thread(struct pipeline *p, uint32_t pid, uint32_t tid)
{
	struct known_thread *k = &p->known[tid % THREAD_SLOTS];
	const struct thread *thread, *leader;
	const char *comm;

	if (k->epoch == p->epoch && k->tid == tid && k->pid == pid)
		return k;
	thread = spaces_thread(p->spaces, tid);
	leader = spaces_thread(p->spaces, pid);
	comm = thread ? thread->comm : "";
	*k = (struct known_thread){ .pid = pid, .tid = tid, .epoch = p->epoch, .comm = comm };
	k->thread = profile_thread(p->profile, pid, tid, comm, leader ? leader->comm : "");
	return k;
}

/* A sample in code that nobody described: who made it could have. */
static void note_runtime(struct pipeline *p, uint32_t pid, const struct frames *frames)
{
	struct loc loc = frames->n ? unwinder_loc(p->unwinder, frames->frame[0].loc) :
				     (struct loc){ .object = LOC_KERNEL };
	const struct space_object *o;

	if (loc.object == LOC_KERNEL || loc.object == LOC_JIT || loc.object == LOC_UNMAPPED)
		return;
	o = spaces_object(p->spaces, loc.object);
	if (o && o->anonymous)
		runtimes_note(&p->runtimes, p->spaces, pid);
}

/* offcpu_thread of offcpu.h */
static uint32_t thread_of(void *ctx, uint32_t pid, uint32_t tid, const char **ret_comm)
{
	const struct known_thread *k = find_thread(ctx, pid, tid);

	*ret_comm = k->comm;
	return k->thread;
}

static void add_sample(struct pipeline *p, const struct event *event)
{
	const struct record_source *source = recording_source(p->recording, event->sample.source);
	const struct known_thread *thread = find_thread(p, event->pid, event->tid);
	struct profile_source *to = &p->profile->source[event->sample.source];
	struct filter_sample about = {
		.pid = event->pid,
		.tid = event->tid,
		.time_ns = event->time_ns - p->origin_ns,
		.comm = thread->comm,
		.event = source ? source->name : "",
	};
	bool off_cpu = offcpu_is_source(p->offcpu, event->sample.source);
	struct frames frames;

	/* Off-CPU time asks the filters when it is known; a wait may have another event's name. */
	if (!off_cpu && !filter_takes(&p->o->filter, &about)) {
		p->profile->coverage.n_filtered++;
		return;
	}
	if (!to->used && source) {
		to->about = *source;
		to->used = true;
	}
	unwind_sample(p->unwinder, event, &frames);
	note_runtime(p, event->pid, &frames);
	if (off_cpu)
		offcpu_stack(p->offcpu, event, profile_leaf(p->profile, thread->thread, &frames));
	else
		profile_add(p->profile, thread->thread, event->sample.source, event->sample.period,
			    &frames);
}

/* What moves threads and processes, and with them the pointers into spaces. */
static void apply(struct pipeline *p, const struct event *event)
{
	if (event->type == EVENT_FORK && event->pid != event->fork.ppid)
		jit_fork(p->jit, event->fork.ppid, event->pid, event->time_ns);
	else if (event->type == EVENT_COMM && event->comm.exec)
		jit_exec(p->jit, event->pid, event->time_ns);
	spaces_apply(p->spaces, event);
	if (event->type != EVENT_MMAP && event->type != EVENT_LOST && event->type != EVENT_THROTTLE)
		p->epoch++;
}

static void read_events(struct pipeline *p)
{
	const struct event *event;
	uint64_t n = 0;

	while (recording_next(p->recording, &event) == RECORDING_EVENT) {
		if (!p->any) {
			p->origin_ns = event->time_ns;
			p->any = true;
		}
		offcpu_event(p->offcpu, event);
		if (event->type == EVENT_SWITCH)
			continue;
		if (event->type != EVENT_SAMPLE) {
			apply(p, event);
			continue;
		}
		if (event->sample.source >= SOURCE_MAX)
			continue;
		add_sample(p, event);
		if (p->o->progress && !(++n & (PROGRESS_EVERY - 1)))
			p->o->progress(p->o->progress_ctx, n);
	}
}

/* Times off a CPU are sums of their own, of the one source that tells switches. */
static void take_off(struct pipeline *p)
{
	struct profile_source *s = p->profile->source;
	uint64_t switches_ns = 0;

	for (uint8_t i = 0; i < SOURCE_MAX; i++) {
		s[i].off_ns = recording_off_ns(p->recording, i);
		if (offcpu_is_source(p->offcpu, i))
			switches_ns = s[i].off_ns;
	}
	for (uint32_t i = 0; i < N_ELEMENTS(p->profile->source); i++)
		if (s[i].used && s[i].time != TIME_SAMPLED)
			s[i].off_ns = switches_ns;
}

static void take_origin(struct pipeline *p)
{
	const struct recording_state *s = recording_state(p->recording);
	const char *offset = recording_manifest(p->recording, "realtime_offset_ns");
	struct profile_origin *o = &p->profile->origin;

	*o = (struct profile_origin){
		.counters = s->counters,
		.n_unreadable = s->samples_unreadable,
		.ended = s->ended,
		.n_damaged = s->n_damaged,
		.first_ns = s->first_ns,
		.last_ns = s->last_ns,
		.unsampled = *recording_unsampled(p->recording),
	};
	if (offset)
		o->realtime_ns = s->first_ns + strtoull(offset, NULL, 10);
	take_off(p);
}

/* Debug files, and what earlier reports found in them. Neither has to be there. */
static void open_debug(struct pipeline *p)
{
	struct debug_options o = p->o->debug;
	struct err err = { 0 };

	if (p->o->no_local_files)
		return;
	p->cache_dir = p->o->no_cache ? NULL : symbol_cache_default_dir();
	if (p->cache_dir)
		p->cache = symbol_cache_open(p->cache_dir);
	if (p->cache && !o.cache_dir)
		o.cache_dir = p->cache_dir;
	if (debug_open(&o, &p->debug, &err) < 0)
		log_warning("no debug files: %s", err.text);
}

/*
 * Names need the recording, the places and the objects; afterwards neither spaces nor unwinder are
 * used.
 */
static void name_places(struct pipeline *p)
{
	struct naming n = {
		.profile = p->profile,
		.recording = p->recording,
		.spaces = p->spaces,
		.unwinder = p->unwinder,
		.jit = p->jit,
		.debug = p->o->no_names ? NULL : p->debug,
		.cache = p->cache,
		.use_local = !p->o->no_local_files,
		.no_names = p->o->no_names,
		.no_inlines = p->o->no_inlines,
	};

	naming_run(&n);
	profile_expand(p->profile);
}

static int add_jit(void *ctx, const struct jit_record *r)
{
	jit_add(ctx, r);
	return 0;
}

static int pipeline_init(struct pipeline *p, struct err *err)
{
	recording_use_local(p->recording, !p->o->no_local_files);
	p->spaces = spaces_new(NULL);
	if (!p->spaces)
		return err_set(err, -ENOMEM, "no memory for address spaces");
	runtimes_init(&p->runtimes);
	open_debug(p);
	p->jit = jit_new(recording_machine(p->recording));
	recording_each_jit(p->recording, add_jit, p->jit);
	jit_seal(p->jit);
	p->unwinder = unwinder_new(recording_machine(p->recording), p->spaces, find_image, p);
	unwinder_set_jit(p->unwinder, p->jit);
	p->profile = profile_new();
	p->offcpu = offcpu_new(&(struct offcpu_options){
		.filter = &p->o->filter,
		.profile = p->profile,
		.unwinder = p->unwinder,
		.recording = p->recording,
		.thread = thread_of,
		.ctx = p,
	});
	return 0;
}

static void pipeline_done(struct pipeline *p)
{
	offcpu_free(p->offcpu);
	unwinder_free(p->unwinder);
	jit_free(p->jit);
	runtimes_done(&p->runtimes);
	spaces_free(p->spaces);
	for (size_t i = 0; i < p->n_local; i++) {
		elf_image_done(p->local[i]);
		free(p->local[i]);
	}
	free(p->local);
	debug_close(p->debug);
	symbol_cache_close(p->cache);
	free(p->cache_dir);
}

int pipeline_run(struct recording *recording, const struct pipeline_options *o,
		 struct profile **ret, struct err *err)
{
	struct pipeline p = { .o = o, .recording = recording, .epoch = 1 };
	int status = pipeline_init(&p, err);

	if (status < 0) {
		pipeline_done(&p);
		return status;
	}
	read_events(&p);
	offcpu_finish(p.offcpu, recording_state(p.recording)->last_ns);
	status = o->wall ? offcpu_wall(p.profile, p.unwinder, err) : 0;
	if (status < 0) {
		profile_free(p.profile);
		pipeline_done(&p);
		return status;
	}
	profile_seal(p.profile);
	runtimes_tell(&p.runtimes, p.profile);
	name_places(&p);
	take_origin(&p); /* naming reads objects and may find damage */
	counted_tell(p.profile, p.recording);
	if (filter_is_late(&o->filter))
		filter_apply(&o->filter, p.profile);
	pipeline_done(&p);
	*ret = p.profile;
	return 0;
}
