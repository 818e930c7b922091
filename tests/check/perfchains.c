/*
 * Chains of a recording in the form of `perf script -F tid,time,ip,sym,dso`:
 *
 *	perfchains FILE
 *
 * One block a sample, "TID SECONDS: STOP", then a line for each frame: address in the file (kernel:
 * at run time), name, file. perfscript.py compares both. Reads files of this machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "common/space/space.h"
#include "report/debug/debug.h"
#include "report/naming.h"
#include "report/profile/profile.h"
#include "report/read/read.h"
#include "report/unwind/unwind.h"

struct chain {
	uint64_t time_ns;
	uint32_t tid, first, n;
	enum unwind_stop stop;
};

static struct {
	struct recording *recording;
	struct debug *debug;
	struct spaces *spaces;
	struct unwinder *unwinder;
	struct profile *profile;
	struct chain *chain;
	size_t n_chains, chain_cap;
	uint32_t *loc;
	size_t n_locs, loc_cap;
	const struct elf_image **image; /* by object; NULL: none */
	size_t n_images, image_cap;
} all;

static const struct elf_image *open_image(uint32_t object)
{
	const struct space_object *o = spaces_object(all.spaces, object);
	const struct elf_image *image;
	struct debug_file file;
	struct elf_image *local;
	struct object_key key;

	if (!o || o->anonymous)
		return NULL;
	key = (struct object_key){ o->build_id, o->maj, o->min, o->ino, o->path };
	image = recording_image(all.recording, &key, ELF_TAKE_UNWIND, NULL);
	if (image)
		return image;
	if (debug_find_object(all.debug, &key, &file, NULL) < 0)
		return NULL;
	local = mem_zalloc(sizeof(*local)); /* lives as long as the program */
	if (elf_image_read(file.fd, ELF_TAKE_UNWIND, local, NULL) == 0)
		return local;
	free(local);
	return NULL;
}

static const struct elf_image *find_image(void *ctx, uint32_t object)
{
	(void)ctx;
	while (all.n_images <= object) {
		mem_grow(&all.image, &all.image_cap, all.n_images + 1, sizeof(*all.image));
		all.image[all.n_images] = open_image((uint32_t)all.n_images);
		all.n_images++;
	}
	return all.image[object];
}

static void take_sample(const struct event *event)
{
	struct frames frames;
	struct chain *c;

	unwind_sample(all.unwinder, event, &frames);
	frames.n_shared = 0;
	profile_add(all.profile, profile_thread(all.profile, event->pid, event->tid, "", ""),
		    event->sample.source, event->sample.period, &frames);
	mem_grow(&all.chain, &all.chain_cap, all.n_chains + 1, sizeof(*all.chain));
	c = &all.chain[all.n_chains++];
	*c = (struct chain){ event->time_ns, event->tid, (uint32_t)all.n_locs, frames.n,
			     frames.stop };
	mem_grow(&all.loc, &all.loc_cap, all.n_locs + frames.n, sizeof(*all.loc));
	for (uint32_t i = 0; i < frames.n; i++)
		all.loc[all.n_locs++] = frames.frame[i].loc;
}

/* perf prints offsets in the file; ours are addresses as linked. */
static uint64_t file_off(const struct loc *loc)
{
	const struct elf_image *image;

	if (loc->object == LOC_KERNEL || loc->object == LOC_UNMAPPED)
		return loc->addr;
	image = find_image(NULL, loc->object);
	for (uint32_t i = 0; image && i < image->n_loads; i++)
		if (loc->addr - image->load[i].addr < image->load[i].mem_size)
			return loc->addr - image->load[i].addr + image->load[i].file_off;
	return loc->addr;
}

/* Of all places; for a place asked for more than once. */
static uint64_t *file_offs(void)
{
	uint32_t n = unwinder_n_locs(all.unwinder);
	uint64_t *offs = mem_alloc((n + 1) * sizeof(*offs));

	for (uint32_t i = 0; i < n; i++) {
		struct loc loc = unwinder_loc(all.unwinder, i);

		offs[i] = file_off(&loc);
	}
	return offs;
}

static void print_chain(const struct chain *c, const uint64_t *offs)
{
	printf("%u %" PRIu64 ".%06" PRIu64 ": %s\n", c->tid, c->time_ns / 1000000000,
	       c->time_ns / 1000 % 1000000, unwind_stop_text(c->stop));
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t loc = all.loc[c->first + i];
		const struct profile_place *place = &all.profile->place[loc];
		const struct profile_function *f = &all.profile->function[place->function];

		printf("\t%" PRIx64 " %s (%s)\n", offs[loc],
		       f->named ? profile_text(all.profile, f->name) : "[unknown]",
		       profile_text(all.profile, all.profile->module[place->module].path));
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	const struct event *event;
	struct err err = { 0 };
	struct naming naming;
	uint64_t *offs;

	if (argc != 2 || recording_open(argv[1], &all.recording, &err) < 0) {
		fprintf(stderr, "perfchains: %s\n", argc == 2 ? err.text : "FILE is missing");
		return 1;
	}
	recording_use_local(all.recording, true);
	if (debug_open(&(struct debug_options){ .n_dirs = 0 }, &all.debug, &err) < 0)
		return 1;
	all.spaces = spaces_new(NULL);
	all.unwinder = unwinder_new(recording_machine(all.recording), all.spaces, find_image, NULL);
	all.profile = profile_new();
	while (recording_next(all.recording, &event) == RECORDING_EVENT)
		if (event->type == EVENT_SAMPLE)
			take_sample(event);
		else
			spaces_apply(all.spaces, event);
	profile_seal(all.profile);
	naming = (struct naming){ .profile = all.profile,
				  .recording = all.recording,
				  .spaces = all.spaces,
				  .unwinder = all.unwinder,
				  .use_local = true,
				  .debug = all.debug,
				  .no_inlines = true };
	naming_run(&naming);
	offs = file_offs();
	for (size_t i = 0; i < all.n_chains; i++)
		print_chain(&all.chain[i], offs);
	free(offs);
	return 0;
}
