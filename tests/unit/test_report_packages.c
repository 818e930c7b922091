/* report/packages.c, packages_dpkg.c, packages_known.c: whose debug package a file needs. */
#include "report/packages.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/format/event.h"
#include "tests/unit/check.h"

static const struct build_id id = { .bytes = { 0xab, 0xcd, 0xef }, .n = 3 };
static const struct os_release debian = { .id = "debian", .version = "12" };
static char dir[32];

static void put_list(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	REQUIRE_TRUE(f);
	fputs(text, f);
	fclose(f);
}

static void make_lists(void)
{
	snprintf(dir, sizeof(dir), "/tmp/ddprof-packages.XXXXXX");
	REQUIRE_TRUE(mkdtemp(dir));
	put_list("libc6:amd64.list", "/.\n/lib\n/lib/x86_64-linux-gnu/libc.so.6\n/usr/share/doc\n");
	put_list("libc6:amd64.md5sums", "/usr/bin/tool\n");
	put_list("zlib1g:amd64.list", "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13");
	put_list("b-tools.list", "/usr/bin/tool\n/usr/bin/tool2\n");
	put_list("a-tools.list", "\n\n/usr/bin/tool\n");
	put_list("a-tools-more.list", "/usr/bin/tool\n");
	put_list("Bad_Name.list", "/usr/bin/tool2\n/usr/bin/x\n");
	put_list(".list", "/usr/bin/x\n");
}

static void remove_lists(void)
{
	static const char *const names[] = {
		"libc6:amd64.list", "libc6:amd64.md5sums", "zlib1g:amd64.list", "b-tools.list",
		"a-tools.list",	    "a-tools-more.list",   "Bad_Name.list",	".list",
		"fifo.list",
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static void owners(void)
{
	struct packages_wanted wanted[] = {
		{ .path = "/usr/lib/x86_64-linux-gnu/libc.so.6" },
		{ .path = "/lib/x86_64-linux-gnu/libz.so.1.2.13" },
		{ .path = "/usr/bin/tool" },
		{ .path = "/usr/bin/tool2" },
		{ .path = "/usr/bin/too" },
		{ .path = "/usr/bin/x" },
		{ .path = "" },
	};
	static const char *const want[] = { "libc6", "zlib1g", "a-tools", "b-tools", "", "", "" };
	char path[PATH_MAX];

	make_lists();
	snprintf(path, sizeof(path), "%s/fifo.list", dir);
	REQUIRE_INT(mkfifo(path, 0600), 0);
	CHECK_TRUE(packages_dpkg(dir, wanted, 7));
	for (size_t i = 0; i < 7; i++)
		CHECK_STR(wanted[i].owner, want[i]);
	remove_lists();
	CHECK_TRUE(!packages_dpkg(dir, wanted, 7));
}

static void debug_packages(void)
{
	static const struct {
		const char *owner, *want;
	} cases[] = {
		{ "libc6", "libc6-dbg" },
		{ "zlib1g", "zlib1g-dbgsym" },
		{ "libstdc++6", "libstdc++6-dbgsym" },
		{ "lua5.4", "liblua5.4-0-dbg" },
		{ "liblua5.4-0", "liblua5.4-0-dbg" },
		{ "openjdk-17-jre-headless", "openjdk-17-dbg" },
		{ "openjdk-25-jdk", "openjdk-25-dbg" },
		{ "openjdk--jdk", "openjdk--jdk-dbgsym" },
		{ "python3.11-minimal", "python3.11-dbg" },
		{ "libgraphicsmagick-q16-3", "graphicsmagick-dbg" },
		{ "binutils-x86-64-linux-gnu", "binutils-x86-64-linux-gnu-dbg" },
	};
	char got[PACKAGES_NAME_MAX], longest[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		packages_debug_of(cases[i].owner, got);
		CHECK_STR(got, cases[i].want);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	packages_debug_of(longest, got);
	CHECK_INT(strlen(got), PACKAGES_NAME_MAX - 8 + strlen("-dbgsym"));
}

static void files_by_name(void)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
		{ "/usr/lib/x86_64-linux-gnu/libc.so.6", "libc6-dbg" },
		{ "/lib64/ld-linux-x86-64.so.2", "libc6-dbg" },
		{ "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "libc6-dbg" },
		{ "/usr/lib/jvm/java-21-openjdk-amd64/lib/server/libjvm.so", "openjdk-21-dbg" },
		{ "/usr/bin/python3.12", "python3.12-dbg" },
		{ "/usr/bin/python3", "" },
		{ "/usr/lib/libGraphicsMagick-Q16.so.3.24.3", "graphicsmagick-dbg" },
		{ "/usr/lib/libc.so.6.1", "" },
		{ "libc.so.6", "" },
		{ "", "" },
	};
	char got[PACKAGES_NAME_MAX], *longest = calloc(1, 100001);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		got[0] = 0;
		CHECK_INT(packages_debug_of_file(cases[i].path, got), *cases[i].want != 0);
		CHECK_STR(got, cases[i].want);
	}
	memset(longest, '1', 100000);
	longest[0] = '/';
	CHECK_TRUE(!packages_debug_of_file(longest, got));
	free(longest);
}

static void families(void)
{
	static const struct {
		struct os_release os;
		enum packages_family want;
	} cases[] = {
		{ { .id = "debian" }, PACKAGES_DEBIAN },
		{ { .id = "ubuntu", .like = "debian" }, PACKAGES_DEBIAN },
		{ { .id = "linuxmint", .like = "ubuntu debian" }, PACKAGES_DEBIAN },
		{ { .id = "rocky", .like = "rhel centos fedora" }, PACKAGES_FEDORA },
		{ { .id = "opensuse-leap", .like = "suse opensuse" }, PACKAGES_SUSE },
		{ { .id = "arch" }, PACKAGES_ARCH },
		{ { .id = "alpine" }, PACKAGES_ALPINE },
		{ { .id = "debianish", .like = "notdebian debianx" }, PACKAGES_UNKNOWN },
		{ { .id = "" }, PACKAGES_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_INT(packages_family(&cases[i].os), cases[i].want);
}

/* What is said of one file of a recording. */
static void advises(const struct os_release *recorded, const char *path, bool same_build,
		    const char *package, const char *command, const char *part)
{
	struct packages_options o = { .recorded = *recorded, .here = debian, .dpkg_dir = dir };
	struct packages_file file = { .path = path, .build_id = &id, .same_build = same_build };
	struct packages *p = packages_new(&o);
	struct packages_advice advice;

	packages_advise(p, &file, 1, &advice);
	CHECK_STR(advice.package, package);
	CHECK_STR(advice.command, command);
	CHECK_HAS(advice.text, part);
	packages_free(p);
}

static void advice(void)
{
	static const struct os_release other = { .id = "debian", .version = "13" },
				       fedora = { .id = "fedora", .version = "40" },
				       suse = { .id = "opensuse-leap", .like = "suse" },
				       arch = { .id = "arch" }, alpine = { .id = "alpine" },
				       unknown = { .id = "" };
	const char *tool = "/usr/bin/tool";

	make_lists();
	advises(&debian, tool, false, "a-tools-dbgsym", "apt-get install a-tools-dbgsym",
		"the file is of a-tools, of which another build is here");
	advises(&debian, "/usr/bin/no", false, "", "", "of no package");
	advises(&other, tool, false, "", "", "dpkg -S '/usr/bin/tool'");
	advises(&other, "/usr/bin/a'b", false, "", "", "dpkg -S '/usr/bin/a'\\''b'");
	advises(&other, "/lib/x86_64-linux-gnu/libc.so.6", false, "libc6-dbg",
		"apt-get install libc6-dbg", "libc6-dbg");
	advises(&other, tool, true, "a-tools-dbgsym", "apt-get install a-tools-dbgsym",
		"(the file is of a-tools)");
	advises(&other, "/opt/x", false, "", "", "of no package");
	advises(&fedora, tool, false, "",
		"dnf --enablerepo='*debug*' install /usr/lib/debug/.build-id/ab/cdef.debug", "dnf");
	advises(&suse, tool, false, "", "zypper install -C 'debuginfo(build-id)=abcdef'", "zypper");
	advises(&arch, tool, false, "", "", "debuginfod");
	advises(&alpine, tool, false, "", "", "apk info --who-owns '/usr/bin/tool'");
	advises(&unknown, tool, false, "", "", "this build-id");
	advises(&unknown, tool, true, "a-tools-dbgsym", "apt-get install a-tools-dbgsym", "");
	/* a perf.data names no system, but Debian's folders by architecture are its own */
	advises(&unknown, "/usr/lib/x86_64-linux-gnu/libc.so.6", false, "libc6-dbg",
		"apt-get install libc6-dbg", "libc6-dbg");
	advises(&unknown, "/usr/lib/aarch64-linux-gnu/libx.so", false, "", "", "dpkg -S");
	remove_lists();
	advises(&debian, tool, false, "", "", "dpkg -S '/usr/bin/tool'");
}

static void no_build_id(void)
{
	struct packages_options o = { .recorded = debian, .here = debian };
	struct build_id none = { .n = 0 };
	struct packages_file file = { .path = "/usr/bin/x", .build_id = &none };
	struct packages *p = packages_new(&o);
	struct packages_advice advice;

	packages_advise(p, &file, 1, &advice);
	CHECK_HAS(advice.text, "no build-id");
	packages_free(p);
}

SUITE(report_packages,
      { "files are found in the lists of packages, also under merged folders", owners },
      { "a package has its -dbg package where one is known, else -dbgsym", debug_packages },
      { "files of known packages are known by name", files_by_name },
      { "systems are known by what they are or descend from", families },
      { "each system has its way to a debug file", advice },
      { "a file without build-id cannot be matched", no_build_id },
)
