/*
 * What names cost once they are known, in one process, as bench/symbols.py wants it:
 *	warm CACHE_DIR OBJECT RUNS <ADDRESSES
 * A first run fills the cache (unless it is filled); then, RUNS times each and the best of them, in
 * microseconds: opening a module's answers (read and checked whole), one address of them (looked
 * up, and its chain with all names made into text), and the whole symbolizer.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/intern.h"
#include "common/base/io.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "report/debug/debug.h"
#include "report/symbol/answer.h"
#include "report/symbol/cache.h"
#include "report/symbol/symbol.h"

struct warm {
	struct object_key key;
	struct debug *debug;
	struct symbol_cache *cache;
	uint64_t *addr;
	uint32_t n;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "warm: %s: %s\n", what, why);
	exit(1);
}

static int compare_addr(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void read_addrs(struct warm *w)
{
	size_t cap = 0;
	char line[128];
	uint32_t kept = 0;

	while (fgets(line, sizeof(line), stdin)) {
		mem_grow(&w->addr, &cap, w->n + (size_t)1, sizeof(*w->addr));
		w->addr[w->n++] = strtoull(line, NULL, 16);
	}
	if (!w->n)
		die("standard input", "no addresses");
	qsort(w->addr, w->n, sizeof(*w->addr), compare_addr);
	for (uint32_t i = 0; i < w->n; i++)
		if (!kept || w->addr[i] != w->addr[kept - 1])
			w->addr[kept++] = w->addr[i];
	w->n = kept;
}

static void read_key(struct warm *w, const char *path)
{
	struct elf_image *image = mem_zalloc(sizeof(*image));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };

	if (fd < 0 || elf_image_read(fd, 0, image, &err) < 0)
		die(path, fd < 0 ? "cannot be opened" : err.text);
	close(fd);
	w->key = (struct object_key){ .path = path, .build_id = image->build_id };
	elf_image_done(image);
	free(image);
}

/* As a report does it. */
static double run_all_us(const struct warm *w, bool *ret_cached)
{
	struct symbolizer_options o = { .debug = w->debug, .cache = w->cache, .use_local = true };
	struct symbol_origin origin = { .where = NULL };
	struct symbol_batch batch = { .addr = w->addr, .n = w->n };
	struct symbolizer *s = symbolizer_new(&o);
	struct intern names;
	uint64_t from_ns;
	double us;

	intern_init(&names);
	batch.names = &names;
	batch.symbol = mem_zalloc(w->n * sizeof(*batch.symbol));
	from_ns = io_monotonic_ns();
	symbolizer_add(s, NULL, "", &w->key, &batch, &origin);
	symbolizer_run(s);
	us = (double)(io_monotonic_ns() - from_ns) / 1e3;
	*ret_cached = origin.cached;
	symbolizer_free(s);
	symbol_batch_done(&batch);
	symbol_origin_done(&origin);
	free(batch.symbol);
	intern_done(&names);
	return us;
}

static double open_us(const struct warm *w, struct symbol_cached *ret)
{
	struct debug_provenance now = { .kind = DEBUG_NOTHING };
	uint64_t from_ns = io_monotonic_ns();

	debug_peek(w->debug, &w->key, &now, NULL);
	if (!symbol_cache_get(w->cache, &w->key.build_id, &now, ret))
		die(w->key.path, "not in the cache");
	return (double)(io_monotonic_ns() - from_ns) / 1e3;
}

static double address_us(const struct warm *w, const struct answers *a, uint64_t *frames)
{
	uint32_t *first = mem_alloc(w->n * sizeof(*first));
	uint64_t from_ns = io_monotonic_ns();
	struct intern names;
	double us;

	intern_init(&names);
	*frames = 0;
	answers_join(a, w->addr, w->n, first, NULL);
	for (uint32_t i = 0; i < w->n; i++)
		for (uint32_t f = first[i]; f != ANSWER_NONE; f = a->frame[f].caller) {
			intern_put(&names, answers_text(a, a->frame[f].name));
			intern_put(&names, answers_text(a, a->frame[f].file));
			++*frames;
		}
	us = (double)(io_monotonic_ns() - from_ns) / 1e3;
	intern_done(&names);
	free(first);
	return us / w->n;
}

int main(int argc, char **argv)
{
	struct debug_options o = { .cache_dir = argc > 1 ? argv[1] : NULL };
	double best_open = 1e12, best_address = 1e12, best_all = 1e12, first_us;
	struct warm w = { .n = 0 };
	struct err err = { 0 };
	uint64_t frames = 0;
	bool cached;

	if (argc != 4)
		return 2;
	read_key(&w, argv[2]);
	read_addrs(&w);
	w.cache = symbol_cache_open(argv[1]);
	if (!w.cache || debug_open(&o, &w.debug, &err) < 0)
		die(argv[1], err.text);
	first_us = run_all_us(&w, &cached);
	for (int run = atoi(argv[3]); run > 0; run--) {
		struct symbol_cached known;

		best_open = MIN(best_open, open_us(&w, &known));
		best_address = MIN(best_address, address_us(&w, &known.answers, &frames));
		best_all = MIN(best_all, run_all_us(&w, &cached));
		symbol_cached_done(&known);
	}
	printf("{\"addresses\": %" PRIu32 ", \"frames\": %" PRIu64
	       ", \"first_us\": %.1f, \"open_us\": %.1f, \"address_us\": %.4f, \"all_us\": %.1f, "
	       "\"cached\": %s}\n",
	       w.n, frames, first_us, best_open, best_address, best_all, cached ? "true" : "false");
	debug_close(w.debug);
	symbol_cache_close(w.cache);
	free(w.addr);
	return 0;
}
