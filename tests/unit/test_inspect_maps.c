#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"
#include "record/inspect/kallsyms.h"
#include "record/inspect/maps.h"
#include "tests/unit/check.h"

static bool parse(const char *text, struct maps_line *ret)
{
	static char line[512];

	snprintf(line, sizeof(line), "%s", text);
	return maps_parse_line(line, ret);
}

static void lines_of_maps(void)
{
	struct maps_line line;

	REQUIRE_TRUE(
		parse("7f2c8a628000-7f2c8a77d000 r-xp 00026000 fe:00 11812                      "
		      "/usr/lib/x86_64-linux-gnu/libc.so.6",
		      &line));
	CHECK_UINT(line.start, 0x7f2c8a628000);
	CHECK_UINT(line.end, 0x7f2c8a77d000);
	CHECK_UINT(line.pgoff, 0x26000);
	CHECK_UINT(line.maj, 0xfe);
	CHECK_UINT(line.min, 0);
	CHECK_UINT(line.ino, 11812);
	CHECK_TRUE(line.executable);
	CHECK_STR(line.path, "/usr/lib/x86_64-linux-gnu/libc.so.6");
	REQUIRE_TRUE(parse(
		"7ffd1a5f2000-7ffd1a5f4000 r-xp 00000000 00:00 0                          [vdso]",
		&line));
	CHECK_STR(line.path, "[vdso]");
	REQUIRE_TRUE(parse("55d000000000-55d000001000 rw-p 00000000 00:00 0 ", &line));
	CHECK_TRUE(!line.executable);
	CHECK_STR(line.path, "");
	REQUIRE_TRUE(
		parse("1000-2000 --xp 00000000 08:01 5 /a path with  spaces (deleted)", &line));
	CHECK_STR(line.path, "/a path with  spaces (deleted)");
}

static void bad_lines(void)
{
	static const char *const bad[] = {
		"",
		"x",
		"1000",
		"1000-",
		"1000-2000",
		"2000-1000 r-xp 0 8:1 5",
		"1000-1000 r-xp 00000000 08:01 5",
		"1000-2000 r-x",
		"1000-2000 r-xp",
		"1000-2000 r-xp 0 8:1",
		"1000-2000 r-xp z 08:01 5",
		"1000-2000 r-xp 0 0801 5",
		"1000-2000 r-xp 0 08:01 5x",
		"10000000000000000-2 r-xp 0 08:01 5",
		"-2 r-xp",
		"1000-2000rr-xp 0 08:01 5",
	};
	struct maps_line line;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_TRUE(!parse(bad[i], &line), "'%s'", bad[i]);
}

static const char *write_text(const char *text)
{
	static char path[] = "/tmp/ddprof-kallsyms-XXXXXX";

	snprintf(path, sizeof(path), "/tmp/ddprof-kallsyms-XXXXXX");
	int fd = mkstemp(path);
	REQUIRE_TRUE(fd >= 0);
	REQUIRE_TRUE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	return path;
}

static void kernel_symbols(void)
{
	const char *path = write_text(
		"ffffffff81000000 T _text\nffffffff81000000 T startup\n"
		"ffffffff81000100 t first\nffffffff81000180 d data\nffffffff81000200 W second\n"
		"garbage\nffffffffc0000100 t in_module\t[ext4]\nffffffffc0000000 t before\t[zfs]\n"
		"ffffffffc0000200 t last");
	struct kallsyms *k = NULL;
	const char *module;
	uint64_t addr;

	REQUIRE_INT(kallsyms_read(path, &k, NULL), 0);
	unlink(path);
	CHECK_INT(kallsyms_find(k, 0xffffffff80ffffff), -1);
	CHECK_STR(kallsyms_name(k, kallsyms_find(k, 0xffffffff81000050), &addr, &module), "_text");
	CHECK_STR(kallsyms_name(k, kallsyms_find(k, 0xffffffff81000190), &addr, &module), "first");
	CHECK_UINT(addr, 0xffffffff81000100);
	CHECK_STR(module, "");
	CHECK_STR(kallsyms_name(k, kallsyms_find(k, 0xffffffffc0000150), &addr, &module),
		  "in_module");
	CHECK_STR(module, "ext4");
	CHECK_STR(kallsyms_name(k, kallsyms_find(k, 0xffffffffc0000000), &addr, &module), "before");
	CHECK_STR(module, "zfs");
	CHECK_STR(kallsyms_name(k, kallsyms_find(k, UINT64_MAX), &addr, &module), "last");
	kallsyms_free(k);
}

static void hidden_kernel_symbols(void)
{
	const char *path = write_text("0000000000000000 T _text\n0000000000000000 t first\n");
	struct kallsyms *k = NULL;
	struct err err;

	CHECK_TRUE(kallsyms_read(path, &k, &err) < 0);
	CHECK_HAS(err.text, "kptr_restrict");
	unlink(path);
}

SUITE(inspect_maps, { "lines of a maps file are cut up", lines_of_maps },
      { "lines that are none are refused", bad_lines },
      { "kernel symbols are found by address, with their module", kernel_symbols },
      { "hidden kernel addresses are told", hidden_kernel_symbols }, )
