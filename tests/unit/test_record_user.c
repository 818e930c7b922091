/* record/user.c and record/self.c: who COMMAND becomes, and where the recorder runs. */
#include "record/user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "record/self.h"
#include "tests/unit/check.h"

static char etc[32];

static void write_etc(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", etc, name);
	FILE *f = fopen(path, "w");
	REQUIRE_TRUE(f);
	fputs(text, f);
	fclose(f);
}

static void make_etc(const char *passwd, const char *group)
{
	snprintf(etc, sizeof(etc), "/tmp/ddprof-unit-XXXXXX");
	REQUIRE_TRUE(mkdtemp(etc));
	write_etc("passwd", passwd);
	write_etc("group", group);
}

static void remove_etc(void)
{
	static const char *const names[] = { "passwd", "group" };
	char path[64];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", etc, names[i]);
		unlink(path);
	}
	rmdir(etc);
}

static void groups_that_cannot_be_read(void)
{
	struct err err = { .code = 0 };
	char path[64];
	struct user u;

	make_etc("joe:x:1000:100::/:/bin/sh\n", "");
	snprintf(path, sizeof(path), "%s/group", etc);
	unlink(path);
	CHECK_INT(user_find("joe", etc, &u, &err), 0); /* there are none */
	REQUIRE_INT(mkdir(path, 0700), 0);
	CHECK_INT(user_find("joe", etc, &u, &err), -EINVAL); /* there may be some */
	CHECK_HAS(err.text, "groups of user joe");
	rmdir(path);
	remove_etc();
}

static void names(void)
{
	struct err err = { .code = 0 };
	struct user u;

	make_etc("root:x:0:0:root:/root:/bin/sh\n"
		 "\n"
		 "# joe:x:7:7\n"
		 "joe:x:1000:100:Joe,,,:/home/joe:/bin/sh\n"
		 "1000x:x:5:5::/:/bin/sh\n"
		 "last:x:12:13",
		 "users:x:100:\nadm:x:4:syslog,joe\njoes:x:5:joey\n"
		 "wheel:x:10:joe,root\nbad:x:y:joe\n");
	CHECK_INT(user_find("joe", etc, &u, &err), 0);
	CHECK_INT(u.uid, 1000);
	CHECK_INT(u.gid, 100);
	REQUIRE_INT(u.n_groups, 3);
	CHECK_INT(u.group[0], 100);
	CHECK_INT(u.group[1], 4);
	CHECK_INT(u.group[2], 10);
	CHECK_INT(user_find("1000", etc, &u, &err), 0);
	CHECK_INT(u.n_groups, 3);
	CHECK_INT(user_find("last", etc, &u, &err), 0);
	CHECK_INT(u.gid, 13);
	CHECK_INT(user_find("root", etc, &u, &err), 0);
	CHECK_INT(u.uid, 0);
	CHECK_INT(u.n_groups, 2);
	CHECK_INT(user_find("4711:4712", etc, &u, &err), 0);
	CHECK_INT(u.uid, 4711);
	CHECK_INT(u.group[0], 4712);
	CHECK_INT(user_find("4711", etc, &u, &err), -ENOENT);
	CHECK_HAS(err.text, "Unable to find user 4711");
	CHECK_INT(user_find("Joe,,,", etc, &u, &err), -ENOENT);
	CHECK_INT(user_find("# joe", etc, &u, &err), 0); /* a line like any other */
	CHECK_INT(user_find("", etc, &u, &err), -ENOENT);
	remove_etc();
	CHECK_INT(user_find("joe", "/nowhere", &u, &err), -ENOENT);
	CHECK_INT(user_find("1:2", "/nowhere", &u, &err), 0);
}

static void hostile_lines(void)
{
	struct err err = { .code = 0 };
	struct user u;

	make_etc("a:x:4294967296:1:\nb:x:-1:1:\nc:x::1:\nd:x:1\n"
		 "e:x:1:2147483648:\n:::::\n::0:0:\n",
		 "");
	for (const char *name = "abcde"; *name; name++) {
		const char text[] = { *name, 0 };

		CHECK_INT(user_find(text, etc, &u, &err), -ENOENT);
	}
	CHECK_INT(user_find("4294967296:0", etc, &u, &err), -ENOENT);
	CHECK_INT(user_find("-1:0", etc, &u, &err), -ENOENT);
	CHECK_INT(user_find(":", etc, &u, &err), -ENOENT);
	CHECK_INT(user_find("0:", etc, &u, &err), -ENOENT);
	CHECK_INT(user_find("", etc, &u, &err), -ENOENT);
	remove_etc();
}

static void many_groups(void)
{
	struct err err = { .code = 0 };
	struct user u;
	char *text = malloc(USER_GROUPS_MAX * 40), *at = text;

	for (int i = 0; i < USER_GROUPS_MAX + 20; i++)
		at += sprintf(at, "g%d:x:%d:joe\n", i, 1000 + i);
	make_etc("joe:x:1:1:\n", text);
	CHECK_INT(user_find("joe", etc, &u, &err), 0);
	CHECK_INT(u.n_groups, USER_GROUPS_MAX);
	remove_etc();
	free(text);
}

static void masks(void)
{
	static const struct {
		const char *text;
		int n, one; /* CPUs, and one of them; -1: wrong */
	} rows[] = {
		{ "1", 1, 0 },	  { "0x3", 2, 1 },	   { "f0", 4, 7 },
		{ "FF", 8, 0 },	  { "1,00000000", 1, 32 }, { "0x8000000000000000", 1, 63 },
		{ "", -1, 0 },	  { "0", -1, 0 },	   { "0x", -1, 0 },
		{ "xyz", -1, 0 }, { "1 2", -1, 0 },	   { "-1", -1, 0 },
		{ ",", -1, 0 },	  { "1g", -1, 0 },
	};
	char wide[CPU_SETSIZE / 4 + 2] = "1";
	struct err err = { .code = 0 };
	cpu_set_t set;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = self_parse_cpus(rows[i].text, &set, &err);

		CHECK_INT(r, rows[i].n < 0 ? -EINVAL : 0);
		if (r == 0)
			CHECK_TRUE(CPU_COUNT(&set) == rows[i].n && CPU_ISSET(rows[i].one, &set),
				   "%s", rows[i].text);
	}
	memset(wide + 1, '0', CPU_SETSIZE / 4);
	CHECK_INT(self_parse_cpus(wide + 1, &set, &err), -EINVAL); /* no CPU */
	wide[1] = '8';
	CHECK_INT(self_parse_cpus(wide + 1, &set, &err), 0);
	CHECK_TRUE(CPU_ISSET(CPU_SETSIZE - 1, &set));
	CHECK_INT(self_parse_cpus(wide, &set, &err), -EINVAL);
	CHECK_HAS(err.text, "limit is 1023");
}

SUITE(record_user, { "users by name, number, or both numbers, with all their groups", names },
      { "lines that are no users are passed over", hostile_lines },
      { "groups that cannot be read are an error", groups_that_cannot_be_read },
      { "groups are bounded", many_groups },
      { "masks of CPUs, as the kernel writes them too", masks }, )
