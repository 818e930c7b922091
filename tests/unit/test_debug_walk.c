/* A root is looked through without blocking and without leaving it; limits are said. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/err.h"
#include "report/debug/walk.h"

static char dir[] = "/tmp/ddprof-unit-XXXXXX";
static int folder = -1;
static struct finding_notes notes;

static void run(const char *commands)
{
	char text[1024];

	snprintf(text, sizeof(text), "cd %s && { %s; }", dir, commands);
	REQUIRE_INT(system(text), 0);
}

static void begin(const char *commands)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	REQUIRE_TRUE(mkdtemp(dir));
	run(commands);
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE_TRUE(folder >= 0);
}

static void end(void)
{
	char text[64];

	close(folder);
	snprintf(text, sizeof(text), "rm -rf %s", dir);
	REQUIRE_INT(system(text), 0);
}

static void walk(struct walk w, struct catalog *ret)
{
	struct err err = { 0 };

	w.path = dir;
	w.folder = folder;
	memset(&notes, 0, sizeof(notes));
	catalog_init(ret);
	CHECK_INT(walk_run(&w, ret, &notes, &err), 0);
	CHECK_STR(err.text, "");
	catalog_seal(ret);
}

static const struct catalog_file *file(const struct catalog *c, const char *path)
{
	uint32_t i = catalog_find_path(c, path);

	return i == CATALOG_NONE ? NULL : &c->file[i];
}

static void kinds(void)
{
	const struct catalog_file *f;
	struct catalog c;

	begin("mkdir -p a/b; cp /proc/self/exe a/b/elf; echo text >text; : >empty;"
	      "printf '!<arch>\\ndebian-binary   0' >p.deb; printf '\\355\\253\\356\\333' >p.rpm;"
	      "printf '!<arch>\\nx.o' >lib.a; head -c 100 /proc/self/exe >cut");
	walk((struct walk){ 0 }, &c);
	CHECK_UINT(c.n_folders, 3);
	CHECK_UINT(c.n_files, 7);
	f = file(&c, "a/b/elf");
	CHECK_TRUE(f && f->kind == CATALOG_ELF && f->n_items == 1);
	CHECK_TRUE(file(&c, "p.deb")->kind == CATALOG_PACKAGE);
	CHECK_TRUE(file(&c, "lib.a")->kind == CATALOG_OTHER);
	CHECK_TRUE(file(&c, "text")->kind == CATALOG_OTHER);
	CHECK_TRUE(file(&c, "empty")->kind == CATALOG_OTHER);
	CHECK_TRUE(file(&c, "cut")->kind == CATALOG_BAD && file(&c, "cut")->reason[0]);
	CHECK_UINT(notes.n, 0);
	catalog_done(&c);
	end();
}

static void doors(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct catalog c;

	begin("mkfifo fifo; ln -s . loop; ln -s /etc out; ln -s loop/loop/loop more; mkdir d;"
	      "ln -s .. d/up; ln -s /etc/passwd d/passwd; echo x >d/file");
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", dir);
	REQUIRE_INT(bind(sock, (struct sockaddr *)&at, sizeof(at)), 0);
	if (geteuid() == 0)
		run("mknod zero c 1 5 || :");
	walk((struct walk){ 0 }, &c);
	CHECK_UINT(c.n_folders, 2);
	CHECK_UINT(c.n_files, 1);
	CHECK_TRUE(file(&c, "d/file"));
	catalog_done(&c);
	close(sock);
	end();
}

/* What is known and unchanged is not opened: a file that nobody could read shows it. */
static void known(void)
{
	struct catalog first, second;

	begin("mkdir d; cp /proc/self/exe d/same; cp /proc/self/exe changed; echo x >gone");
	walk((struct walk){ 0 }, &first);
	run("rm gone; echo text >changed; cp /proc/self/exe d/new");
	/* a lie in what is known is repeated for what is unchanged */
	first.file[catalog_find_path(&first, "d/same")].reason = "from before";
	walk((struct walk){ .known = &first }, &second);
	CHECK_UINT(second.n_files, 3);
	CHECK_STR(file(&second, "d/same")->reason, "from before");
	CHECK_UINT(file(&second, "d/same")->n_items, 1);
	CHECK_TRUE(file(&second, "changed")->kind == CATALOG_OTHER);
	CHECK_TRUE(file(&second, "d/new")->kind == CATALOG_ELF);
	catalog_done(&first);
	catalog_done(&second);
	end();
}

static void limits(void)
{
	struct catalog c;

	begin("mkdir -p a/b/c/d; for i in 1 2 3 4 5 6 7 8 9; do echo >f$i; done; echo >a/b/c/d/x");
	walk((struct walk){ .files_max = 4, .depth_max = 2 }, &c);
	CHECK_UINT(c.n_files, 4);
	catalog_done(&c);
	REQUIRE_TRUE(notes.n >= 1);
	CHECK_HAS(notes.text[notes.n - 1], "more than 4 files: the rest is not looked at");
	walk((struct walk){ .depth_max = 2 }, &c);
	CHECK_UINT(c.n_files, 9);
	CHECK_UINT(c.n_folders, 3);
	CHECK_UINT(notes.n, 1);
	CHECK_STR(notes.text[0], "'a/b/c': folders in more than 2 others are not looked at");
	catalog_done(&c);
	end();
}

static void trees(void)
{
	struct catalog c;

	begin("mkdir -p .build-id/ab usr/lib/debug/.build-id/cd x/.build-id/ef;"
	      "echo >.build-id/ab/c.debug; echo >usr/lib/debug/.build-id/cd/e.debug;"
	      "echo >x/.build-id/ef/1.debug");
	walk((struct walk){ 0 }, &c);
	CHECK_UINT(c.n_files, 1);
	CHECK_TRUE(file(&c, "x/.build-id/ef/1.debug"));
	catalog_done(&c);
	end();
}

static void one_file(void)
{
	struct catalog c;

	begin("cp /proc/self/exe a; cp a b");
	walk((struct walk){ .only = "b" }, &c);
	CHECK_UINT(c.n_files, 1);
	CHECK_UINT(c.n_folders, 0);
	CHECK_TRUE(file(&c, "b"));
	catalog_done(&c);
	end();
}

static void closed(void)
{
	struct catalog c;

	if (geteuid() == 0)
		check_skip("root reads every folder");
	begin("mkdir d e; echo >e/x; chmod 0 d");
	walk((struct walk){ 0 }, &c);
	CHECK_UINT(c.n_files, 1);
	CHECK_STR(notes.text[0], "folder 'd' cannot be read");
	catalog_done(&c);
	run("chmod 700 d");
	end();
}

SUITE(debug_walk, { "files are known by what is in them", kinds },
      { "FIFOs, sockets, devices and links are neither opened nor followed", doors },
      { "what is known and unchanged is not opened", known }, { "limits are said by name", limits },
      { "trees of build-ids are left to who knows the name", trees },
      { "a root may be one file", one_file }, { "a folder that cannot be read is said", closed }, )
