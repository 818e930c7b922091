/* Which file is taken for a path of debug information. */
#include "tests/unit/check.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/source.h"

static char root[64];

static const char *below(const char *path)
{
	static char text[PATH_MAX];

	snprintf(text, sizeof(text), "%s/%s", root, path);
	return text;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(below(path), "w");

	REQUIRE_TRUE(f != NULL, "%s", path);
	fputs(text, f);
	fclose(f);
}

/*
 * root/one/src/a.c, root/one/b.c, root/two/a.c, root/two/x/src/a.c, root/secret; links and folders
 * in root/one that lead anywhere.
 */
static struct sources *made(void)
{
	static const char *const folders[] = { "one", "one/src", "one/dir.c", "two", "two/x",
					       "two/x/src" };
	struct sources *s = sources_new();
	struct err err = { 0 };

	strcpy(root, "/tmp/ddprof-unit.XXXXXX");
	REQUIRE_TRUE(mkdtemp(root) != NULL);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		mkdir(below(folders[i]), 0700);
	put("one/src/a.c", "one/src/a.c\n");
	put("one/b.c", "one/b.c\nlast");
	put("one/empty.c", "");
	put("two/a.c", "two/a.c\n");
	put("two/x/src/a.c", "two/x/src/a.c\n");
	put("secret", "secret\n");
	CHECK_INT(symlink("../secret", below("one/link.c")), 0);
	CHECK_INT(symlink("src/a.c", below("one/inside.c")), 0);
	CHECK_INT(symlink("loop.c", below("one/loop.c")), 0);
	CHECK_INT(symlink("/proc/self/root", below("one/magic")), 0);
	CHECK_INT(mkfifo(below("one/fifo.c"), 0600), 0);
	CHECK_INT(sources_add(s, below("one//"), &err), 0);
	CHECK_INT(sources_add(s, below("two"), &err), 0);
	return s;
}

static void done(struct sources *s)
{
	char command[128];

	sources_free(s);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	CHECK_INT(system(command), 0);
}

static void found(void)
{
	static const struct {
		const char *path, *want; /* below root; NULL: none */
	} paths[] = {
		{ "/build/src/a.c", "one/src/a.c" },
		{ "/build/x/src/a.c", "two/x/src/a.c" }, /* the longest end, though of the second */
		{ "/build/lib/a.c", "two/a.c" },
		{ "a.c", "two/a.c" },
		{ "/build/x/y/../src/./a.c", "two/x/src/a.c" },
		{ "../../../../b.c", "one/b.c" },
		{ "//b.c//", "one/b.c" },
		{ "/build/inside.c", "one/inside.c" },
		{ "/build/secret", NULL },
		{ "/build/../secret", NULL },
		{ "one/../../secret", NULL },
		{ "/etc/passwd", NULL },
		{ "/", NULL },
		{ "", NULL },
		{ "..", NULL },
	};
	struct sources *s = made();

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *reason = NULL;
		const struct export_text *t = sources_get(s, paths[i].path, &reason);

		CHECK_TRUE((t != NULL) == (paths[i].want != NULL), "'%s': %s", paths[i].path,
			   t ? t->path : reason);
		if (t && paths[i].want)
			CHECK_STR(t->path, below(paths[i].want));
		if (!t)
			CHECK_STR(reason, "not below --source-dir");
	}
	done(s);
}

static void refused(void)
{
	static const struct {
		const char *path, *reason;
	} paths[] = {
		{ "/build/link.c", "link.c': leads out of the folder" },
		{ "/magic/etc/passwd", "magic/etc/passwd': " },
		{ "/build/loop.c", "loop.c': " },
		{ "/build/fifo.c", "fifo.c' is not a regular file" },
		{ "/build/dir.c", "not below --source-dir" },
	};
	struct sources *s = made();

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *reason = "";

		CHECK_TRUE(!sources_get(s, paths[i].path, &reason), "%s", paths[i].path);
		CHECK_HAS(reason, paths[i].reason);
	}
	done(s);
}

static void limits(void)
{
	struct sources *s = made();
	const char *reason = "";
	struct buf deep;
	int fd = open(below("one/b.c"), O_WRONLY | O_CLOEXEC);

	CHECK_INT(ftruncate(fd, SOURCE_BYTES_MAX), 0);
	CHECK_TRUE(sources_get(s, "/b.c", &reason) != NULL);
	CHECK_INT(ftruncate(fd, SOURCE_BYTES_MAX + 1), 0);
	CHECK_TRUE(sources_get(s, "/./b.c", &reason) == NULL);
	CHECK_HAS(reason, "has more than 16777216 bytes");
	close(fd);
	buf_init(&deep);
	for (int i = 0; i < 20000; i++)
		buf_puts(&deep, "/deep");
	buf_puts(&deep, "/src/a.c");
	CHECK_TRUE(sources_get(s, buf_text(&deep), &reason) != NULL);
	buf_reset(&deep);
	for (int i = 0; i < 20000; i++)
		buf_puts(&deep, "long");
	CHECK_TRUE(sources_get(s, buf_text(&deep), &reason) == NULL);
	buf_done(&deep);
	done(s);
}

static void lines(void)
{
	struct sources *s = made();
	const char *reason = "";
	const struct export_text *t = sources_get(s, "/b.c", &reason);

	REQUIRE_TRUE(t != NULL);
	CHECK_UINT(t->n_lines, 2);
	CHECK_UINT(t->start[1], strlen("one/b.c\n"));
	CHECK_UINT(t->start[2], strlen("one/b.c\nlast"));
	CHECK_TRUE(sources_get(s, "/b.c", &reason) == t);
	t = sources_get(s, "/empty.c", &reason);
	REQUIRE_TRUE(t != NULL);
	CHECK_UINT(t->n_lines, 0);
	CHECK_UINT(t->start[0], 0);
	done(s);
}

static void no_folders(void)
{
	struct sources *s = sources_new();
	struct err err = { 0 };
	const char *reason = "";

	CHECK_TRUE(!sources_get(s, "/etc/passwd", &reason));
	CHECK_STR(reason, "give --source-dir");
	CHECK_TRUE(sources_add(s, "/no such folder", &err) < 0);
	CHECK_HAS(err.text, "cannot search folder '/no such folder'");
	CHECK_TRUE(sources_add(s, "/etc/passwd", &err) < 0);
	CHECK_TRUE(!sources_get(s, "/etc/passwd", &reason));
	sources_free(s);
	sources_free(NULL);
}

SUITE(report_source, { "the longest end of a path that some folder has", found },
      { "links that lead out and what is no file are refused", refused },
      { "large files and deep paths are bounded", limits },
      { "lines are found in what is there", lines },
      { "without folders nothing is opened", no_folders }, )
