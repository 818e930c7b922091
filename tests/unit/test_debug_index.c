/* The index gives back what was stored, or nothing: whatever happens to its file. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "report/debug/debug.h"
#include "report/debug/finding.h"
#include "report/debug/index.h"

static char dir[] = "/tmp/ddprof-unit-XXXXXX", file[sizeof(dir) + sizeof(INDEX_FILE)];
static struct finding_notes notes = { .text = { "a note" }, .n = 1 };

static void dir_new(void)
{
	log_set_level(LOG_ERROR);
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	REQUIRE_TRUE(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/%s", dir, INDEX_FILE);
}

static void dir_remove(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	REQUIRE_INT(system(command), 0);
}

static void make(struct catalog *c, unsigned int n_files)
{
	struct identity id = { 1, 2, 3, 4, 5 };
	char path[32];

	catalog_init(c);
	catalog_add_folder(c, "", 0, &id);
	for (unsigned int i = 0; i < n_files; i++) {
		struct catalog_item item = { .flags = PROBE_SYMTAB, .name = "" };

		id.ino = i;
		item.build_id.n = 4;
		memcpy(item.build_id.bytes, &i, 4);
		snprintf(path, sizeof(path), "f%u", i);
		item.file = catalog_add_file(c, path, strlen(path), &id, CATALOG_ELF, "", 0);
		catalog_add_item(c, &item, 0);
	}
	catalog_seal(c);
}

static void store(const char *root, unsigned int n_files)
{
	struct index *x = index_new(dir);
	struct catalog c;

	make(&c, n_files);
	index_store(x, root, &c, &notes);
	catalog_done(&c);
	index_free(x);
}

/* Number of files; -1: nothing usable. */
static int load(const char *root)
{
	struct index *x = index_new(dir);
	struct finding_notes got;
	struct catalog c, want;
	int n = -1;

	catalog_init(&c);
	if (index_load(x, root, &c, &got)) {
		n = (int)c.n_files;
		make(&want, (unsigned int)n);
		CHECK_UINT(c.sum, want.sum);
		CHECK_UINT(got.n, 1);
		CHECK_STR(got.text[0], "a note");
		catalog_done(&want);
	} else {
		CHECK_UINT(c.n_files, 0);
	}
	catalog_done(&c);
	index_free(x);
	return n;
}

static void stored(void)
{
	struct index *x;

	dir_new();
	CHECK_INT(load("/r"), -1);
	store("/r", 3);
	store("/s", 1000);
	CHECK_INT(load("/r"), 3);
	CHECK_INT(load("/s"), 1000);
	CHECK_INT(load("/t"), -1);
	store("/s", 0);
	CHECK_INT(load("/s"), 0);
	CHECK_TRUE(debug_index_bytes(dir) > 0);
	debug_index_remove(dir);
	CHECK_UINT(debug_index_bytes(dir), 0);
	CHECK_INT(load("/r"), -1);
	x = index_new(NULL);
	CHECK_TRUE(!index_load(x, "/r", &(struct catalog){ 0 }, &notes));
	index_free(x);
	dir_remove();
}

static void write_file(const void *bytes, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	REQUIRE_TRUE(fd >= 0 && io_write(fd, bytes, n, NULL) == 0);
	close(fd);
}

static void read_own(char **ret, size_t *ret_n)
{
	struct err err = { 0 };

	REQUIRE_INT(io_read_file(file, 1 << 20, ret, ret_n, &err), 0);
}

/* What it answered is what was stored; and afterwards it works again. */
static void expect_sound(const char *what, size_t at)
{
	int n = load("/r");

	CHECK_TRUE(n == 3 || n == -1, "%s at %zu: %d files", what, at, n);
	if (n == 3)
		return;
	store("/r", 3);
	CHECK_TRUE(load("/r") == 3, "%s at %zu: not rebuilt", what, at);
}

static void damaged(void)
{
	char *good;
	size_t n;

	dir_new();
	store("/r", 3);
	read_own(&good, &n);
	REQUIRE_TRUE(n < 64 << 10);
	/* every byte of the first page's header and of what is written; some of the empty room */
	for (size_t at = 0; at < n; at += good[at] || at < 200 ? 1 : 97) {
		good[at] = (char)~good[at];
		write_file(good, n);
		expect_sound("damage", at);
		good[at] = (char)~good[at];
	}
	free(good);
	dir_remove();
}

static void cut(void)
{
	char *good;
	size_t n;

	dir_new();
	store("/r", 3);
	read_own(&good, &n);
	for (size_t at = 0; at < n; at += at < 128 ? 1 : 511) {
		write_file(good, at);
		expect_sound("cut", at);
	}
	free(good);
	write_file("garbage, and a lot of it", 24);
	expect_sound("garbage", 0);
	dir_remove();
}

static void sql(const char *text)
{
	char command[512];

	snprintf(command, sizeof(command), "sqlite3 %s \"%s\" >/dev/null 2>&1", file, text);
	if (system(command) != 0)
		check_skip("no sqlite3 program");
}

/* A table that computes for ever, a row of another program, another version. */
static void hostile(void)
{
	static const char *const changes[] = {
		"PRAGMA user_version=99",
		"ALTER TABLE root ADD COLUMN more",
		"CREATE TABLE more(x)",
		"CREATE TRIGGER t AFTER INSERT ON root BEGIN DELETE FROM root; END",
		"UPDATE root SET catalog=zeroblob(1000000)",
		"UPDATE root SET catalog=7",
		"UPDATE root SET catalog=NULL",
		"UPDATE root SET sum=sum+1",
		"UPDATE root SET path='/other'",
		"DROP TABLE root; CREATE VIEW root AS WITH RECURSIVE r(key) AS (SELECT 1 UNION ALL "
		"SELECT key+1 FROM r) SELECT key, '/r' AS path, 1 AS made, 1 AS sum, x'' AS "
		"catalog FROM r",
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		dir_new();
		store("/r", 3);
		sql(changes[i]);
		CHECK_INT(load("/r"), -1);
		store("/r", 3);
		CHECK_TRUE(load("/r") == 3, "after %s", changes[i]);
		dir_remove();
	}
}

static void no_file(void)
{
	dir_new();
	REQUIRE_INT(mkfifo(file, 0600), 0);
	store("/r", 3);
	CHECK_INT(load("/r"), -1);
	unlink(file);
	REQUIRE_INT(symlink("/dev/zero", file), 0);
	store("/r", 3);
	CHECK_INT(load("/r"), -1);
	unlink(file);
	store("/r", 3);
	REQUIRE_INT(chmod(file, 0666), 0);
	CHECK_INT(load("/r"), -1);
	dir_remove();
	store("/r", 3); /* no such folder */
	CHECK_INT(load("/r"), -1);
}

static void many_roots(void)
{
	char root[32];
	int n = 0;

	dir_new();
	for (int i = 0; i < INDEX_ROOTS_MAX + 10; i++) {
		snprintf(root, sizeof(root), "/r%d", i);
		store(root, 1);
	}
	for (int i = 0; i < INDEX_ROOTS_MAX + 10; i++) {
		snprintf(root, sizeof(root), "/r%d", i);
		n += load(root) == 1;
	}
	CHECK_INT(n, INDEX_ROOTS_MAX);
	dir_remove();
}

static void child_works(int seed)
{
	char root[16];

	for (int i = 0; i < 40; i++) {
		unsigned int n = (unsigned int)(seed * 7 + i) % 50;

		snprintf(root, sizeof(root), "/r%d", i % 3);
		if (i % 2)
			store(root, n);
		else if (load(root) >= 50)
			_exit(1);
	}
	_exit(0);
}

static void at_once(void)
{
	enum { N = 6 };
	pid_t pid[N];

	dir_new();
	for (int i = 0; i < N; i++) {
		pid[i] = fork();
		REQUIRE_TRUE(pid[i] >= 0);
		if (pid[i] == 0)
			child_works(i);
	}
	for (int i = 0; i < N; i++) {
		int status = -1;

		while (waitpid(pid[i], &status, 0) < 0 && errno == EINTR)
			;
		CHECK_INT(status, 0);
	}
	for (int i = 0; i < 3; i++) {
		char root[16];

		snprintf(root, sizeof(root), "/r%d", i);
		CHECK_TRUE(load(root) >= 0, "%s is not there", root);
	}
	dir_remove();
}

SUITE(debug_index, { "what was stored is there in the next run", stored },
      { "damage at any byte gives the same answer or none", damaged },
      { "a cut file gives the same answer or none", cut },
      { "tables and rows of others are not believed", hostile },
      { "a FIFO, a link or a file that others may write is not opened", no_file },
      { "only so many roots are kept", many_roots },
      { "several processes use it at once", at_once }, )
