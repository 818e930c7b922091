/* `cache`: what earlier reports keep of debug information: how much, and less of it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "report/cmd.h"
#include "report/debug/debug.h"
#include "report/symbol/cache.h"

enum { DAY_S = 24 * 60 * 60 };

static void print_date(const char *what, int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (localtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm))
		printf("%s  %s\n", what, text);
}

static int show(const char *dir, struct symbol_cache *c)
{
	struct symbol_cache_size size;

	symbol_cache_measure(c, &size);
	printf("folder  %s\nfiles   %" PRIu64 "\nbytes   %" PRIu64 "\n", dir, size.n_files,
	       size.bytes);
	if (size.n_files) {
		print_date("oldest", size.oldest);
		print_date("newest", size.newest);
	}
	printf("index   %" PRIu64 "\n", debug_index_bytes(dir));
	return EXIT_DONE;
}

/* The index of debug files is made anew by looking: it goes when it alone is too large. */
static void drop_index(const char *dir, uint64_t max, struct symbol_cache_size *removed)
{
	uint64_t bytes = debug_index_bytes(dir);

	if (!bytes || bytes <= max)
		return;
	debug_index_remove(dir);
	removed->n_files++;
	removed->bytes += bytes;
}

static int prune(const struct command *c, const char *dir, struct symbol_cache *cache)
{
	uint64_t max = SYMBOL_CACHE_BYTES, days = 0;
	struct symbol_cache_size removed;
	char *end = NULL;

	if (c->max_size && command_parse_size(c->max_size, &max) < 0)
		return command_usage("--max-size: '%s' is no size like 512, 100K, 20M, 1G",
				     c->max_size);
	if (c->older)
		days = strtoull(c->older, &end, 10);
	if (c->older && (*c->older < '0' || *c->older > '9' || *end || days > 100000))
		return command_usage("--older: '%s' is no number of days", c->older);
	symbol_cache_prune(cache, max, c->older ? time(NULL) - (int64_t)days * DAY_S : 0, &removed);
	drop_index(dir, max, &removed);
	printf("removed %" PRIu64 " files, %" PRIu64 " bytes\n", removed.n_files, removed.bytes);
	return EXIT_DONE;
}

static int clear(const char *dir, struct symbol_cache *cache)
{
	struct symbol_cache_size removed;

	symbol_cache_prune(cache, 0, INT64_MAX, &removed);
	drop_index(dir, 0, &removed);
	printf("removed %" PRIu64 " files, %" PRIu64 " bytes\n", removed.n_files, removed.bytes);
	return EXIT_DONE;
}

int cmd_cache(struct command *c)
{
	AUTO_FREE char *dir = symbol_cache_default_dir();
	const char *what = c->n_operands ? c->operand[0] : "";
	struct symbol_cache *cache;
	int status;

	if (c->n_operands > 1 ||
	    (*what && strcmp(what, "prune") != 0 && strcmp(what, "clear") != 0))
		return command_usage("cache: nothing, 'prune' or 'clear' expected");
	if (!dir) {
		log_error("no folder for the cache: neither XDG_CACHE_HOME nor HOME is set");
		return EXIT_FAILED;
	}
	cache = symbol_cache_open(dir);
	if (!cache)
		return EXIT_FAILED;
	if (!*what)
		status = show(dir, cache);
	else
		status = *what == 'p' ? prune(c, dir, cache) : clear(dir, cache);
	symbol_cache_close(cache);
	return status;
}
