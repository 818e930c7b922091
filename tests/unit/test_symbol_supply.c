/* Questions of a jailed child about further files: what is asked, found, and noted as missing. */
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/elf/image.h"
#include "common/format/object.h"
#include "report/debug/debug.h"
#include "report/jail/jail.h"
#include "report/symbol/missing.h"
#include "report/symbol/supply.h"

static char dir[] = "/tmp/ddprof-unit-XXXXXX";
static const struct object_key key = { .path = "/none/program",
				       .build_id = { .n = 4, .bytes = { 9, 9, 9, 9 } } };

static struct debug *open_debug(const char *root)
{
	struct debug_options o = { .no_system = true, .dir = &root, .n_dirs = root ? 1 : 0 };
	struct debug *d;

	REQUIRE_INT(debug_open(&o, &d, NULL), 0);
	return d;
}

struct asking {
	struct supply supply;
	struct dwarf_want want;
	bool got;
};

static int ask_body(void *ctx, struct jail_cell *cell, struct err *err)
{
	struct asking *a = ctx;
	bool got = supply_ask(cell, &a->want) >= 0;

	return jail_write(cell, &got, sizeof(got), err);
}

static void ask_answer(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
		       int *ret_fd)
{
	struct asking *a = ctx;

	(void)answer, (void)ret_n;
	*ret_fd = supply_answer(&a->supply, question, n);
}

static void ask_done(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct asking *a = ctx;

	(void)err;
	CHECK_INT(status, 0);
	REQUIRE_TRUE(n == sizeof(a->got));
	memcpy(&a->got, out, sizeof(a->got));
}

/* Through a child, as a report does it. */
static bool ask(struct asking *a, const struct dwarf_want *want)
{
	struct jail_job job = {
		.what = "x.debug",
		.ctx = a,
		.body = ask_body,
		.answer = ask_answer,
		.done = ask_done,
	};

	a->want = *want;
	CHECK_INT(jail_run(&job, NULL), 0);
	return a->got;
}

static void noted(void)
{
	struct asking a = { .got = true };
	struct dwarf_want dwo = {
		.kind = DWARF_WANT_DWO, .dwo_id = 7, .name = "a.dwo", .comp_dir = "/none"
	};
	struct dwarf_want dwp = { .kind = DWARF_WANT_DWP, .name = "program", .comp_dir = "" };
	struct dwarf_want alt = { .kind = DWARF_WANT_ALT,
				  .name = "/none/alt",
				  .build_id = { .n = 4, .bytes = { 1, 2, 3, 4 } } };
	struct debug *d = open_debug(NULL);

	supply_init(&a.supply, d, &key, NULL);
	CHECK_TRUE(!ask(&a, &dwp));
	CHECK_UINT(a.supply.n_missing, 1);
	CHECK_UINT(a.supply.n_noted, 0); /* no .dwp is no gap */
	CHECK_TRUE(!ask(&a, &dwo));
	CHECK_TRUE(!ask(&a, &alt));
	CHECK_UINT(a.supply.n_missing, 3);
	CHECK_UINT(a.supply.n_noted, 2);
	CHECK_TRUE(!supply_has_any(&a.supply, a.supply.missing.data, a.supply.missing.n));
	supply_done(&a.supply);
	debug_close(d);
}

/* The file turns up in a folder: this program, as alternate of its own build-id. */
static void turned_up(void)
{
	struct asking a = { .got = true };
	struct dwarf_want alt = { .kind = DWARF_WANT_ALT, .name = "" };
	char path[4096] = "", copy[4200];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct buf missing;
	struct debug *d;

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	REQUIRE_TRUE(mkdtemp(dir) && readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	if (elf_build_id(fd, &alt.build_id, NULL) < 0 || !alt.build_id.n)
		check_skip("built without a build-id");
	close(fd);
	d = open_debug(dir);
	supply_init(&a.supply, d, &key, NULL);
	CHECK_TRUE(!ask(&a, &alt));
	missing = a.supply.missing;
	debug_close(d);

	snprintf(copy, sizeof(copy), "cp '%s' %s/alt", path, dir);
	REQUIRE_INT(system(copy), 0);
	d = open_debug(dir);
	supply_init(&a.supply, d, &key, NULL);
	if (!supply_has_any(&a.supply, missing.data, missing.n))
		check_skip("built without debug information");
	CHECK_TRUE(ask(&a, &alt));
	CHECK_UINT(a.supply.n_missing, 0);
	supply_done(&a.supply);
	debug_close(d);
	buf_done(&missing);
	snprintf(copy, sizeof(copy), "rm -rf %s", dir);
	REQUIRE_INT(system(copy), 0);
}

static void hostile(void)
{
	struct debug *d = open_debug(NULL);
	uint8_t question[256];
	struct supply s;

	supply_init(&s, d, &key, NULL);
	for (unsigned int fill = 0; fill < 256; fill++)
		for (size_t n = 0; n < sizeof(question); n += 5) {
			memset(question, (int)fill, sizeof(question));
			question[0] = (uint8_t)(n % 5);
			question[1] = question[2] = question[3] = 0;
			CHECK_INT(supply_answer(&s, question, n), -1);
		}
	CHECK_TRUE(s.missing.n <= MISSING_BYTES_MAX);
	supply_done(&s);
	debug_close(d);
}

SUITE(symbol_supply, { "what is not found is noted, and asked again in vain", noted },
      { "a file that turned up answers what was asked before", turned_up },
      { "any question is refused that no file answers", hostile }, )
