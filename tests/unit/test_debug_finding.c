/* What children report is checked: it becomes a catalog, or nothing of it does. */
#include "tests/unit/check.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/debug/finding.h"

static const struct identity when = { 1, 2, 3, 4, 5 };

static void put_some(struct buf *b)
{
	static const struct probe probe = {
		.flags = PROBE_DEBUG_INFO,
		.build_id = { .n = 3, .bytes = { 0xab, 0xcd, 0xef } },
		.alt = { .n = 2, .bytes = { 1, 2 } },
		.dwo_id = 77,
	};

	finding_put_folder(b, "", &when);
	finding_put_folder(b, "sub", &when);
	finding_put_file(b, "sub/x.deb", &when, CATALOG_PACKAGE, "damaged at 7");
	finding_put_item(b, 2, &probe, 100, "./usr/y");
	finding_put_item(b, 1, &probe, 100, "./usr/x");
	finding_put_file(b, "a", &when, CATALOG_ELF, "");
	finding_put_item(b, 0, &probe, 3, "");
	finding_put_note(b, "one\nnote");
}

static int take(const struct buf *b, size_t n, struct catalog *ret, struct finding_notes *notes)
{
	struct findings f = { .into = ret, .file = CATALOG_NONE };
	struct err err = { 0 };
	int status;

	catalog_init(ret);
	status = findings_take(&f, b->data, n, &err);
	catalog_seal(ret);
	if (notes)
		*notes = f.notes;
	CHECK_TRUE(status == 0 || err.text[0]);
	return status;
}

static void round_trip(void)
{
	static struct finding_notes notes;
	struct catalog a, b;
	struct buf first, second;

	buf_init(&first);
	buf_init(&second);
	put_some(&first);
	REQUIRE_INT(take(&first, first.n, &a, &notes), 0);
	CHECK_UINT(a.n_folders, 2);
	CHECK_UINT(a.n_files, 2);
	CHECK_STR(a.file[1].path, "sub/x.deb");
	CHECK_STR(a.file[1].reason, "damaged at 7");
	CHECK_UINT(a.file[1].n_items, 2);
	CHECK_STR(a.item[a.file[1].first].name, "./usr/x");
	CHECK_UINT(notes.n, 1);
	CHECK_STR(notes.text[0], "one?note");
	finding_put_catalog(&second, &a);
	REQUIRE_INT(take(&second, second.n, &b, NULL), 0);
	CHECK_UINT(a.sum, b.sum);
	catalog_done(&a);
	catalog_done(&b);
	buf_done(&first);
	buf_done(&second);
}

/* Whole records before the cut count, and nothing else. */
static void cut_everywhere(void)
{
	struct catalog c;
	struct buf b;
	size_t n_whole = 0;

	buf_init(&b);
	put_some(&b);
	for (size_t n = 0; n <= b.n; n++) {
		char *exact = malloc(n ? n : 1); /* what is past the end is not ours */
		struct buf cut = { .data = exact, .n = n };

		memcpy(exact, b.data, n);
		n_whole += take(&cut, n, &c, NULL) == 0;
		CHECK_TRUE(c.n_files <= 2 && c.n_items <= 3);
		catalog_done(&c);
		free(exact);
	}
	CHECK_UINT(n_whole, 9); /* nothing, and after each of eight records */
	buf_done(&b);
}

static void bad_paths(void)
{
	static const char *const paths[] = { "/etc/passwd", "..", "a/../../b", "a//b", "./a", "." };
	struct catalog c;
	struct buf b;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		buf_init(&b);
		finding_put_file(&b, paths[i], &when, CATALOG_ELF, "");
		CHECK_INT(take(&b, b.n, &c, NULL), -EBADMSG);
		CHECK_UINT(c.n_files, 0);
		catalog_done(&c);
		buf_done(&b);
	}
}

static void expect_bad(struct buf *b)
{
	struct catalog c;

	CHECK_INT(take(b, b->n, &c, NULL), -EBADMSG);
	catalog_done(&c);
	buf_done(b);
}

static void bad_records(void)
{
	static const struct probe none;
	struct buf b;

	buf_init(&b);
	finding_put_file(&b, "a", &when, CATALOG_KINDS, "");
	expect_bad(&b);
	finding_put_item(&b, 1, &none, 1, "");
	expect_bad(&b); /* of no file */
	buf_init(&b);
	finding_put_seen(&b, 0);
	expect_bad(&b); /* nothing is known */
	buf_init(&b);
	finding_put_file(&b, "a", &when, CATALOG_PACKAGE, "");
	finding_put_item(&b, 1, &none, 1, "\033[31mred");
	expect_bad(&b);
	buf_init(&b);
	buf_puts(&b, "X");
	expect_bad(&b);
}

static void one_package(void)
{
	struct findings f = { .file = 0, .items_only = true };
	static const struct probe none;
	struct catalog c;
	struct buf b;

	catalog_init(&c);
	f.into = &c;
	catalog_add_file(&c, "p", 1, &when, CATALOG_PACKAGE, "", 0);
	buf_init(&b);
	finding_put_item(&b, 1, &none, 1, "x");
	CHECK_INT(findings_take(&f, b.data, b.n, NULL), 0);
	finding_put_file(&b, "other", &when, CATALOG_ELF, "");
	CHECK_INT(findings_take(&f, b.data, b.n, NULL), -EBADMSG);
	CHECK_UINT(c.n_files, 1);
	catalog_done(&c);
	buf_done(&b);
}

/* Equal contents in any order of finding give equal catalogs. */
static void order(void)
{
	static const char *const names[] = { "b", "a", "c/d", "c", "a.x" };
	uint64_t sum = 0;

	for (size_t from = 0; from < 5; from++) {
		struct catalog c;
		struct buf b;

		buf_init(&b);
		for (size_t i = 0; i < 5; i++)
			finding_put_file(&b, names[(from + i) % 5], &when, CATALOG_OTHER, "");
		REQUIRE_INT(take(&b, b.n, &c, NULL), 0);
		CHECK_TRUE(!from || sum == c.sum);
		CHECK_STR(c.file[catalog_find_path(&c, "c/d")].path, "c/d");
		CHECK_UINT(catalog_find_path(&c, "d"), CATALOG_NONE);
		sum = c.sum;
		catalog_done(&c);
		buf_done(&b);
	}
}

SUITE(debug_finding, { "a catalog comes back as it was", round_trip },
      { "whole records before a cut count", cut_everywhere },
      { "a path that leaves the root is refused", bad_paths },
      { "records that make no sense end the reading", bad_records },
      { "of one package only its members are taken", one_package },
      { "a catalog does not depend on the order of finding", order }, )
