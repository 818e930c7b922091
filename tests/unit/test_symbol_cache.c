/* The cache: what was put is there, another debug file supersedes it, damage is deleted. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "report/symbol/answer.h"
#include "report/symbol/cache.h"
#include "report/symbol/missing.h"

static char dir[] = "/tmp/ddprof-unit-XXXXXX";
static const struct build_id id = { .n = 4, .bytes = { 0xab, 0xcd, 0xef, 1 } };
static const char file_name[] = "answers/ab/cdef01";

static struct symbol_cache *open_new(void)
{
	struct symbol_cache *c;

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	REQUIRE_TRUE(mkdtemp(dir));
	c = symbol_cache_open(dir);
	REQUIRE_TRUE(c);
	return c;
}

static void close_all(struct symbol_cache *c)
{
	char command[128];

	symbol_cache_close(c);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	REQUIRE_INT(system(command), 0);
}

static void put_lacking(struct symbol_cache *c, const struct debug_provenance *from, uint64_t addr,
			const char *name, const struct buf *missing)
{
	struct answers_builder *b = answers_builder_new();
	struct answer_frame f = { .caller = ANSWER_NONE };
	struct err err = { 0 };
	struct answers a;
	struct buf buf;

	f.name = answers_text_put(b, name, strlen(name));
	answers_put(b, addr, answers_frame_put(b, &f));
	buf_init(&buf);
	answers_finish(b, &buf);
	REQUIRE_INT(answers_open(buf.data, buf.n, &a, &err), 0);
	symbol_cache_put(c, &id, from, &a, missing);
	answers_builder_free(b);
	buf_done(&buf);
}

static void put(struct symbol_cache *c, const struct debug_provenance *from, uint64_t addr,
		const char *name)
{
	put_lacking(c, from, addr, name, NULL);
}

/* Number of addresses known; -1: nothing usable. */
static int known(struct symbol_cache *c, const struct debug_provenance *now)
{
	struct symbol_cached cached;
	int n;

	if (!symbol_cache_get(c, &id, now, &cached))
		return -1;
	n = (int)cached.answers.n;
	symbol_cached_done(&cached);
	return n;
}

static void merged(void)
{
	struct debug_provenance from = { .kind = DEBUG_FULL, .ino = 7, .size = 100 };
	struct symbol_cache *c = open_new();

	CHECK_INT(known(c, &from), -1);
	put(c, &from, 0x10, "f");
	put(c, &from, 0x20, "g");
	CHECK_INT(known(c, &from), 2);
	close_all(c);
}

static void superseded(void)
{
	struct debug_provenance nothing = { .kind = DEBUG_NOTHING };
	struct debug_provenance symbols = { .kind = DEBUG_SYMBOLS, .ino = 7 };
	struct debug_provenance full = { .kind = DEBUG_FULL, .ino = 8 };
	struct debug_provenance other = { .kind = DEBUG_FULL, .ino = 9 };
	struct symbol_cache *c = open_new();

	put(c, &symbols, 0x10, "f");
	CHECK_INT(known(c, &symbols), 1);
	CHECK_INT(known(c, &full), -1);
	CHECK_INT(known(c, &nothing), 1);
	put(c, &full, 0x20, "g");
	CHECK_INT(known(c, &full), 1);
	CHECK_INT(known(c, &other), -1);
	CHECK_INT(known(c, &nothing), 1);
	close_all(c);
}

static unsigned int count_missing(const struct symbol_cached *cached)
{
	const uint8_t *at = cached->missing, *end = at + cached->n_missing;
	const void *question;
	unsigned int n = 0;
	size_t length;

	while (missing_next(&at, end, &question, &length))
		n++;
	CHECK_TRUE(at == end);
	return n;
}

/* Two reports that each looked at other addresses, and one file in vain both. */
static void gaps(void)
{
	struct debug_provenance from = { .kind = DEBUG_FULL, .ino = 7 };
	struct symbol_cache *c = open_new();
	struct symbol_cached cached;
	struct buf missing;

	buf_init(&missing);
	CHECK_TRUE(missing_put(&missing, "a.dwo", 5));
	put_lacking(c, &from, 0x10, "f", &missing);
	CHECK_TRUE(missing_put(&missing, "bc.dwo", 6));
	put_lacking(c, &from, 0x20, "g", &missing);
	put(c, &from, 0x30, "h");
	REQUIRE_TRUE(symbol_cache_get(c, &id, &from, &cached));
	CHECK_UINT(cached.answers.n, 3);
	CHECK_UINT(count_missing(&cached), 2);
	symbol_cached_done(&cached);
	symbol_cache_drop(c, &id);
	CHECK_INT(known(c, &from), -1);
	buf_done(&missing);
	close_all(c);
}

static void long_gaps(void)
{
	struct buf missing;
	char question[1000];
	size_t before;

	buf_init(&missing);
	memset(question, 'x', sizeof(question));
	CHECK_TRUE(!missing_put(&missing, question, 1 << 16));
	for (unsigned int i = 0; i < MISSING_BYTES_MAX / sizeof(question); i++) {
		memcpy(question, &i, sizeof(i));
		missing_put(&missing, question, sizeof(question));
	}
	before = missing.n;
	CHECK_TRUE(before <= MISSING_BYTES_MAX);
	CHECK_TRUE(missing_merge(&missing, missing.data, missing.n));
	CHECK_TRUE(!missing_put(&missing, question, sizeof(question)));
	CHECK_UINT(missing.n, before);
	buf_done(&missing);
}

/* Each byte in turn. */
static void damaged(void)
{
	struct debug_provenance from = { .kind = DEBUG_FULL };
	struct symbol_cache *c = open_new();
	char path[128];
	struct buf missing;
	struct stat st;

	buf_init(&missing);
	missing_put(&missing, "a.dwo", 5);
	log_set_level(LOG_ERROR);
	snprintf(path, sizeof(path), "%s/%s", dir, file_name);
	put_lacking(c, &from, 0x10, "f", &missing);
	REQUIRE_INT(stat(path, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		int fd;
		char byte;

		put_lacking(c, &from, 0x10, "f", &missing);
		fd = open(path, O_RDWR | O_CLOEXEC);
		REQUIRE_TRUE(fd >= 0 && pread(fd, &byte, 1, at) == 1);
		byte ^= 1;
		REQUIRE_TRUE(pwrite(fd, &byte, 1, at) == 1);
		close(fd);
		CHECK_INT(known(c, &from), -1);
	}
	buf_done(&missing);
	close_all(c);
}

static void foreign(void)
{
	struct symbol_cache *c = open_new();

	log_set_level(LOG_ERROR);
	symbol_cache_close(c);
	chmod(dir, 0777);
	CHECK_TRUE(!symbol_cache_open(dir));
	chmod(dir, 0700);
	CHECK_TRUE(!symbol_cache_open("/proc/no/such"));
	close_all(NULL);
}

static void pruned(void)
{
	struct debug_provenance from = { .kind = DEBUG_FULL };
	struct symbol_cache *c = open_new();
	struct symbol_cache_size size;

	put(c, &from, 0x10, "f");
	symbol_cache_measure(c, &size);
	CHECK_UINT(size.n_files, 1);
	CHECK_TRUE(size.bytes > 0 && size.oldest > 0);
	symbol_cache_prune(c, size.bytes, 0, &size);
	CHECK_UINT(size.n_files, 0);
	symbol_cache_prune(c, 0, 0, &size);
	CHECK_UINT(size.n_files, 1);
	CHECK_INT(known(c, &from), -1);
	close_all(c);
}

SUITE(symbol_cache, { "answers of one debug file come together", merged },
      { "a stronger or another file supersedes, one that is gone does not", superseded },
      { "what was missing stays with the answers that lack it", gaps },
      { "a list of what is missing has an end", long_gaps },
      { "any byte changed is found", damaged },
      { "folders that others may write are not used", foreign },
      { "pruning keeps to the size", pruned }, )
