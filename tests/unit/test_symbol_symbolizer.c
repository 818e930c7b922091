/* All objects of a profile at once: this program asks about itself. */
#include "tests/unit/check.h"

#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/intern.h"
#include "common/base/log.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "report/debug/debug.h"
#include "report/symbol/cache.h"
#include "report/symbol/symbol.h"

static char path[4096];
static struct object_key self;
static uint64_t place; /* in known_function, as linked */
static char dir[] = "/tmp/ddprof-unit-XXXXXX";

static __attribute__((noinline)) int known_function(int x)
{
	__asm__ volatile("" ::: "memory");
	return x + 1;
}

static int take_bias(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	*(uint64_t *)ctx = info->dlpi_addr;
	return 1; /* the first is the program */
}

static void find_self(void)
{
	struct err err = { 0 };
	uint64_t bias = 0;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	int fd;

	REQUIRE_TRUE(n > 0);
	path[n] = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	self = (struct object_key){ .path = path };
	if (fd < 0 || elf_build_id(fd, &self.build_id, &err) < 0 || !self.build_id.n)
		check_skip("built without a build-id");
	close(fd);
	dl_iterate_phdr(take_bias, &bias);
	place = (uint64_t)(uintptr_t)known_function - bias;
	CHECK_INT(known_function(1), 2);
}

struct answered {
	struct intern names;
	struct symbol symbol[2];
	struct symbol_batch batch;
	struct symbol_origin origin;
};

static struct answered *ask(struct symbolizer *s, const struct object_key *key,
			    const uint64_t *addr, uint32_t n)
{
	struct answered *a = mem_zalloc(sizeof(*a));

	intern_init(&a->names);
	a->batch = (struct symbol_batch){
		.addr = addr, .n = n, .symbol = a->symbol, .names = &a->names
	};
	symbolizer_add(s, NULL, "was not embedded", key, &a->batch, &a->origin);
	return a;
}

static void answered_free(struct answered *a)
{
	symbol_batch_done(&a->batch);
	symbol_origin_done(&a->origin);
	intern_done(&a->names);
	free(a);
}

static struct debug *open_debug(void)
{
	struct debug_options o = { .n_dirs = 0 };
	struct debug *d;

	REQUIRE_INT(debug_open(&o, &d, NULL), 0);
	return d;
}

static void check_known(const struct answered *a)
{
	const struct symbol_frame *f;

	CHECK_STR(intern_text(&a->names, a->symbol[0].name), "known_function");
	CHECK_UINT(a->symbol[0].start, place);
	CHECK_STR(a->origin.reason, "");
	if (a->symbol[0].frame == SYMBOL_NO_FRAME || !a->origin.debug)
		check_skip("built without debug information");
	f = &a->batch.frame[a->symbol[0].frame];
	CHECK_HAS(intern_text(&a->names, f->file), "test_symbol_symbolizer.c");
	CHECK_TRUE(f->line > 20 && f->line < 40);
	CHECK_INT(f->caller, SYMBOL_NO_FRAME);
}

static void from_jail(void)
{
	struct symbolizer_options o = { .use_local = true, .debug = open_debug() };
	struct symbolizer *s = symbolizer_new(&o);
	struct answered *a;

	find_self();
	a = ask(s, &self, &place, 1);
	symbolizer_run(s);
	check_known(a);
	CHECK_TRUE(!a->origin.cached);
	CHECK_STR(a->origin.where, path);
	answered_free(a);
	symbolizer_free(s);
	debug_close(o.debug);
}

static void from_cache(void)
{
	struct symbolizer_options o = { .use_local = true };
	char command[128];

	find_self();
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	REQUIRE_TRUE(mkdtemp(dir));
	o.cache = symbol_cache_open(dir);
	for (int run = 0; run < 3; run++) {
		struct symbolizer *s;
		uint64_t addr[2] = { place, place + 1 };
		struct answered *a;

		o.debug = open_debug();
		s = symbolizer_new(&o);
		a = ask(s, &self, addr, run < 2 ? 1 : 2);
		symbolizer_run(s);
		check_known(a);
		/* one address more than is known: asked again */
		CHECK_INT(a->origin.cached, run == 1);
		answered_free(a);
		symbolizer_free(s);
		debug_close(o.debug);
	}
	symbol_cache_close(o.cache);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	REQUIRE_INT(system(command), 0);
}

/* Objects without addresses, build-id or file stand beside one that has all. */
static void side_by_side(void)
{
	for (unsigned int n_at_once = 1; n_at_once <= 4; n_at_once += 3) {
		struct symbolizer_options o = { .use_local = true,
						.debug = open_debug(),
						.n_at_once = n_at_once };
		struct symbolizer *s = symbolizer_new(&o);
		struct object_key nameless = { .path = "/none/libx.so" }, gone = nameless;
		struct answered *a[5];

		find_self();
		gone.build_id = (struct build_id){ .n = 20, .bytes = { 1, 2, 3 } };
		a[0] = ask(s, &self, &place, 0);
		a[1] = ask(s, &nameless, &place, 1);
		a[2] = ask(s, &self, &place, 1);
		a[3] = ask(s, &gone, &place, 1);
		a[4] = ask(s, &self, &place, 1);
		symbolizer_run(s);
		CHECK_UINT(a[1]->symbol[0].name.n, 0);
		CHECK_STR(a[1]->origin.reason, "was not embedded");
		CHECK_UINT(a[3]->symbol[0].name.n, 0);
		CHECK_STR(a[3]->origin.reason, "was not embedded");
		check_known(a[2]);
		check_known(a[4]);
		for (unsigned int i = 0; i < 5; i++)
			answered_free(a[i]);
		symbolizer_free(s);
		debug_close(o.debug);
	}
}

static void recording_alone(void)
{
	struct symbolizer_options o = { .use_local = false, .debug = open_debug() };
	struct symbolizer *s = symbolizer_new(&o);
	struct answered *a;

	find_self();
	a = ask(s, &self, &place, 1);
	symbolizer_run(s);
	CHECK_UINT(a->symbol[0].name.n, 0);
	CHECK_STR(a->origin.reason, "was not embedded");
	CHECK_TRUE(!a->origin.debug && !a->origin.local);
	answered_free(a);
	symbolizer_free(s);
	debug_close(o.debug);
}

SUITE(symbol_symbolizer, { "names and lines come out of the jail", from_jail },
      { "what is known is not asked again, one address more is", from_cache },
      { "objects that cannot be named leave others alone", side_by_side },
      { "without files of this machine only the recording counts", recording_alone }, )
