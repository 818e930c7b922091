/*
 * Chains of a recording, ours against libdwfl's on the same registers and stack words:
 *
 *	chains [-s] [-v N] FILE
 *
 * -s: only the speed of our own unwinding; -v N: print N stacks that differ or are incomplete.
 *
 * One Dwfl is kept for each process state (mappings), so libdwfl is given every chance. Prints
 * how many chains are complete on either side, equal where both are, and each class of
 * difference. Exit status 1 below 99.9 % equal, not counting stacks where libdwfl itself failed
 * to read a popped frame pointer. libdwfl reads mapped files from this machine: run it where
 * the recording was made. DEBUGINFOD_URLS is unset.
 */
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "common/space/space.h"
#include "report/debug/debug.h"
#include "report/read/read.h"
#include "report/unwind/unwind.h"

enum { FRAMES_MAX = UNWIND_DEPTH_MAX + 1, DWFLS_MAX = 64 };

/* Why two chains differ, by the first thing that explains it. */
enum class {
	CLASS_EQUAL,
	/* epilogue: libdwfl reads the popped frame pointer below sp and has none from there on */
	CLASS_RED_ZONE,
	CLASS_THEIRS_SHORT, /* libdwfl stopped earlier */
	CLASS_OURS_SHORT,   /* we stopped earlier */
	CLASS_PC,	    /* same length or not: a different pc */
	CLASSES
};

struct dwfl_slot {
	uint64_t generation;
	Dwfl *dwfl;
	struct state *state;
};

struct state { /* what libdwfl's callbacks see */
	const struct event_sample *sample;
	enum machine machine;
	uint64_t pc[FRAMES_MAX];
	bool activation[FRAMES_MAX];
	uint32_t n;
	bool red_zone; /* a word below sp was asked for */
	bool beyond;   /* a word above the copied stack was asked for */
};

static struct {
	struct recording *recording;
	struct debug *debug;
	struct spaces *spaces;
	struct unwinder *unwinder;
	struct dwfl_slot dwfl[DWFLS_MAX];
	struct state state;
	int verbose;
	uint64_t n, n_user, n_frames, n_complete[2], n_both, n_class[CLASSES], n_stop[UNWIND_STOPS],
		n_method[UNWIND_METHODS];
} all;

static const struct elf_image *find_image(void *ctx, uint32_t object)
{
	const struct space_object *o = spaces_object(all.spaces, object);
	const struct elf_image *image;
	struct debug_file file;
	struct elf_image *local;
	struct object_key key;

	(void)ctx;
	if (!o || o->anonymous)
		return NULL;
	key = (struct object_key){ .build_id = o->build_id,
				   .maj = o->maj,
				   .min = o->min,
				   .ino = o->ino,
				   .path = o->path };
	image = recording_image(all.recording, &key, ELF_TAKE_UNWIND, NULL);
	if (image)
		return image;
	if (debug_find_object(all.debug, &key, &file, NULL) < 0) /* perf.data embeds none */
		return NULL;
	local = mem_zalloc(sizeof(*local)); /* lives as long as we do */
	if (elf_image_read(file.fd, ELF_TAKE_UNWIND, local, NULL) == 0)
		return local;
	free(local);
	return NULL;
}

/* ---- libdwfl ---- */

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = arg;
	return 1;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *ret, void *arg)
{
	const struct stack_view *v = &((struct state *)arg)->sample->view;

	(void)dwfl;
	if (addr < v->lo && v->lo - addr <= 256)
		((struct state *)arg)->red_zone = true;
	if (addr >= v->hi)
		((struct state *)arg)->beyond = true;
	if ((addr & 7) || addr < v->lo || addr >= v->hi || v->hi - addr < 8)
		return false;
	*ret = v->slot[(addr >> 3) & v->mask];
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	struct state *s = arg;
	const struct regs *regs = &s->sample->regs;
	uint32_t n = machine_pc(s->machine);

	dwfl_thread_state_register_pc(thread, regs->value[n]);
	if (s->machine == MACHINE_X86_64)
		n++;
	return dwfl_thread_state_registers(thread, 0, n, regs->value);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

static int got_frame(Dwfl_Frame *frame, void *arg)
{
	struct state *s = arg;
	Dwarf_Addr pc;
	bool activation;

	if (!dwfl_frame_pc(frame, &pc, &activation) || s->n == FRAMES_MAX)
		return DWARF_CB_ABORT;
	s->activation[s->n] = activation;
	s->pc[s->n++] = pc;
	return DWARF_CB_OK;
}

static int find_no_debuginfo(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base,
			     const char *file, const char *link, GElf_Word crc, char **ret)
{
	(void)mod, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc, (void)ret;
	return -1;
}

static int find_elf(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base, char **ret,
		    Elf **elf)
{
	(void)mod, (void)data, (void)name, (void)base, (void)ret, (void)elf;
	return -1;
}

static const Dwfl_Callbacks dwfl_callbacks = { .find_elf = find_elf,
					       .find_debuginfo = find_no_debuginfo };

static void report_mapping(Dwfl *dwfl, const struct mapping *m)
{
	const struct space_object *o = spaces_object(all.spaces, m->object);
	struct elf_image image;
	struct err err;
	uint64_t addr;
	int fd;

	if (!o || o->anonymous)
		return;
	fd = open(o->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (elf_image_read(fd, 0, &image, &err) == 0) {
		addr = elf_image_addr(&image, m->start, m->pgoff, m->start);
		/* base: what libdwfl adds to linked addresses */
		if (addr != UINT64_MAX)
			dwfl_report_elf(dwfl, o->path, o->path, fd, m->start - addr, false);
	}
	close(fd);
}

static struct dwfl_slot *dwfl_of(const struct space *space)
{
	struct dwfl_slot *slot = &all.dwfl[space->generation % DWFLS_MAX];

	if (slot->dwfl && slot->generation == space->generation)
		return slot;
	if (slot->dwfl)
		dwfl_end(slot->dwfl);
	slot->generation = space->generation;
	slot->dwfl = dwfl_begin(&dwfl_callbacks);
	dwfl_report_begin(slot->dwfl);
	for (uint32_t i = 0; i < space->n; i++)
		report_mapping(slot->dwfl, &space->map[i]);
	dwfl_report_end(slot->dwfl, NULL, NULL);
	if (!dwfl_attach_state(slot->dwfl, NULL, 1, &thread_callbacks, &all.state))
		fprintf(stderr, "chains: %s\n", dwfl_errmsg(-1));
	return slot;
}

/* True when libdwfl says that the outermost frame has no caller. */
static bool dwfl_chain(const struct event *event, const struct space *space)
{
	struct dwfl_slot *slot = dwfl_of(space);
	int r;

	all.state.sample = &event->sample;
	all.state.machine = recording_machine(all.recording);
	all.state.n = 0;
	all.state.red_zone = all.state.beyond = false;
	r = dwfl_getthread_frames(slot->dwfl, 1, got_frame, &all.state);
	return r == 0 && !all.state.beyond; /* without memory libdwfl ends as if at the root */
}

/* ---- comparing ---- */

static uint64_t runtime_pc(const struct space *space, struct loc loc)
{
	if (loc.object == LOC_UNMAPPED)
		return loc.addr;
	for (uint32_t i = 0; i < space->n; i++) {
		const struct mapping *m = &space->map[i];
		const struct elf_image *image;
		const struct space_object *o = spaces_object(all.spaces, loc.object);
		uint64_t base;

		if (m->object != loc.object)
			continue;
		if (o->anonymous)
			return loc.addr;
		image = find_image(NULL, loc.object);
		base = image ? elf_image_addr(image, m->start, m->pgoff, m->start) : m->pgoff;
		if (loc.addr - base < m->end - m->start)
			return loc.addr - base + m->start;
	}
	return 0;
}

static void print_ours(const struct space *space, const struct frames *frames)
{
	for (uint32_t i = 0; i < frames->n; i++) {
		struct loc loc = unwinder_loc(all.unwinder, frames->frame[i].loc);
		const struct space_object *o =
			loc.object == LOC_KERNEL ? NULL : spaces_object(all.spaces, loc.object);

		printf("  %2u %#14" PRIx64 " %#10" PRIx64 " %s %s\n", i,
		       loc.object == LOC_KERNEL ? loc.addr : runtime_pc(space, loc), loc.addr,
		       o			? o->path :
		       loc.object == LOC_KERNEL ? "[kernel]" :
						  "[unmapped]",
		       unwind_method_text(frames->frame[i].method));
	}
}

static void print_both(const struct event *event, const struct space *space,
		       const struct frames *frames, const char *what)
{
	const struct event_sample *s = &event->sample;
	enum machine m = recording_machine(all.recording);

	if (all.verbose-- <= 0)
		return;
	printf("%s: pid %u tid %u, %s; pc %#" PRIx64 " sp %#" PRIx64 " fp %#" PRIx64
	       " stack %" PRIu64 " bytes%s\n",
	       what, event->pid, event->tid, unwind_stop_text(frames->stop),
	       s->regs.value[machine_pc(m)], s->regs.value[machine_sp(m)],
	       s->regs.value[machine_fp(m)], s->stack_bytes, s->stack_cut ? " (cut)" : "");
	print_ours(space, frames);
	for (uint32_t i = 0; i < all.state.n; i++)
		printf("     libdwfl %2u %#" PRIx64 "%s\n", i, all.state.pc[i],
		       all.state.activation[i] ? "" : " - 1");
}

static enum class classify(const struct space *space, const struct frames *frames,
			   uint32_t n_kernel) {
	uint32_t n = frames->n - n_kernel;

	for (uint32_t i = 0; i < n && i < all.state.n;
	     i++){ uint64_t ours = runtime_pc(space, unwinder_loc(all.unwinder,
								  frames->frame[n_kernel + i].loc));
		   uint64_t theirs = all.state.pc[i] - !all.state.activation[i];

		   /* a signal trampoline: we name its first byte, libdwfl the byte before */
		   if (ours != theirs && ours != theirs + 1) return all.state.red_zone ?
			   CLASS_RED_ZONE :
			   CLASS_PC; }
if (n > all.state.n) return all.state.red_zone ? CLASS_RED_ZONE : CLASS_THEIRS_SHORT;
return n < all.state.n ? CLASS_OURS_SHORT : CLASS_EQUAL;
}

static void compare(const struct event *event, const struct frames *frames)
{
	const struct space *space = spaces_find(all.spaces, event->pid);
	bool ours = frames->stop == UNWIND_ROOT, theirs;
	enum class class;
	static const char *const text[CLASSES] = { "equal", "frame pointer read below sp",
						   "libdwfl is shorter", "ours is shorter",
						   "different pc" };
	uint32_t n_kernel = 0;

	if (!space || !event->sample.user || frames->stop == UNWIND_KERNEL_ONLY)
		return;
	while (n_kernel < frames->n &&
	       unwinder_loc(all.unwinder, frames->frame[n_kernel].loc).object == LOC_KERNEL)
		n_kernel++;
	all.n_user++;
	theirs = dwfl_chain(event, space);
	all.n_complete[0] += ours;
	all.n_complete[1] += theirs;
	if (!ours) {
		print_both(event, space, frames, "incomplete");
		return;
	}
	if (!theirs)
		return;
	all.n_both++;
	class = classify(space, frames, n_kernel);
	all.n_class[class]++;
	if (class != CLASS_EQUAL)
		print_both(event, space, frames, text[class]);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* One pass over the recording; returns its CPU time. */
static uint64_t read_all(bool unwind, bool comparing)
{
	const struct event *event;
	uint64_t begin = cpu_ns();

	recording_rewind(all.recording);
	all.n = all.n_frames = 0;
	while (recording_next(all.recording, &event) == RECORDING_EVENT) {
		struct frames frames;

		if (event->type != EVENT_SAMPLE) {
			spaces_apply(all.spaces, event);
			continue;
		}
		all.n++;
		if (!unwind)
			continue;
		unwind_sample(all.unwinder, event, &frames);
		all.n_frames += frames.n;
		if (!comparing)
			continue;
		all.n_stop[frames.stop]++;
		for (uint32_t i = 0; i < frames.n; i++)
			all.n_method[frames.frame[i].method]++;
		compare(event, &frames);
	}
	return cpu_ns() - begin;
}

/*
 * Unwinding alone: passes with it less passes without. The first also compiles tables; the best
 * of the others is what unwinding costs.
 */
static void print_speed(void)
{
	enum { PASSES = 7 };
	uint64_t without = UINT64_MAX, with = UINT64_MAX, first = 0, n;

	for (int i = 0; i < PASSES; i++) {
		uint64_t ns = read_all(false, false);

		without = MIN(without, ns);
		ns = read_all(true, false);
		first = first ? first : ns;
		with = MIN(with, ns);
	}
	n = MAX(all.n_frames, (uint64_t)1);
	printf("%" PRIu64 " samples, %" PRIu64
	       " frames; unwinding %.1f ns a frame, %.0f ns a sample; first pass with tables "
	       "%.1f ns a frame; reading %.0f ns a sample\n",
	       all.n, all.n_frames, ((double)with - (double)without) / (double)n,
	       ((double)with - (double)without) / (double)MAX(all.n, (uint64_t)1),
	       ((double)first - (double)without) / (double)n,
	       (double)without / (double)MAX(all.n, (uint64_t)1));
}

static void print_comparison(void)
{
	static const char *const text[CLASSES] = {
		"equal",
		"libdwfl read a popped frame pointer below sp",
		"libdwfl stopped earlier",
		"we stopped earlier",
		"a different pc",
	};

	printf("%" PRIu64 " samples, %" PRIu64 " with user frames; complete: ours %" PRIu64
	       ", libdwfl %" PRIu64 ", both %" PRIu64 "\n",
	       all.n, all.n_user, all.n_complete[0], all.n_complete[1], all.n_both);
	for (int c = 0; c < CLASSES; c++)
		if (all.n_class[c])
			printf("  %8" PRIu64 " %7.3f %% %s\n", all.n_class[c],
			       100.0 * (double)all.n_class[c] / (double)all.n_both, text[c]);
}

static void open_all(const char *path)
{
	struct err err;

	if (recording_open(path, &all.recording, &err) < 0) {
		fprintf(stderr, "chains: %s\n", err.text);
		exit(2);
	}
	recording_use_local(all.recording, true);
	if (debug_open(&(struct debug_options){ .n_dirs = 0 }, &all.debug, &err) < 0)
		exit(2);
	all.spaces = spaces_new(NULL);
	all.unwinder = unwinder_new(recording_machine(all.recording), all.spaces, find_image, NULL);
}

int main(int argc, char **argv)
{
	bool speed = false;
	int opt;

	unsetenv("DEBUGINFOD_URLS");
	while ((opt = getopt(argc, argv, "sv:")) != -1) {
		if (opt == 's')
			speed = true;
		else if (opt == 'v')
			all.verbose = atoi(optarg);
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: chains [-s] [-v N] FILE\n");
		return 2;
	}
	open_all(argv[optind]);
	if (speed)
		print_speed();
	else
		read_all(true, true);
	for (int i = 0; i < UNWIND_STOPS; i++)
		if (all.n_stop[i])
			printf("%8" PRIu64 " %s\n", all.n_stop[i], unwind_stop_text(i));
	for (int i = 0; i < UNWIND_METHODS; i++)
		if (all.n_method[i])
			printf("%8" PRIu64 " frames by %s\n", all.n_method[i],
			       unwind_method_text(i));
	if (!speed)
		print_comparison();
	for (int i = 0; i < DWFLS_MAX; i++)
		if (all.dwfl[i].dwfl)
			dwfl_end(all.dwfl[i].dwfl);
	unwinder_free(all.unwinder);
	spaces_free(all.spaces);
	recording_close(all.recording);
	return !speed &&
	       all.n_class[CLASS_EQUAL] * 1000 < (all.n_both - all.n_class[CLASS_RED_ZONE]) * 999;
}
