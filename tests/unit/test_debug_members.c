/* Packages are made by hand around this very program, which is an ELF file with a build-id. */
#include "tests/unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "report/debug/finding.h"
#include "report/debug/members.h"
#include "report/debug/package.h"
#include "report/debug/package_archive.h"
#include "report/debug/package_payload.h"
#include "report/debug/probe.h"
#include "tests/unit/package_made.h"

static struct buf elf;
static struct probe elf_probe;

static void need_elf(void)
{
	struct err err = { 0 };
	char *bytes;
	size_t n;
	const struct archive_calls *calls;
	int fd;

	if (archive_load(&calls, &err) < 0)
		check_skip("%s", err.text);
	if (elf.n)
		return;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	REQUIRE_TRUE(fd >= 0 && io_read_file("/proc/self/exe", SIZE_MAX, &bytes, &n, &err) == 0);
	REQUIRE_INT(probe_file(fd, &elf_probe, &err), 0);
	close(fd);
	if (!elf_probe.build_id.n)
		check_skip("this program has no build-id");
	buf_init(&elf);
	buf_put(&elf, bytes, n);
	free(bytes);
}

struct looked {
	struct members members;
	struct package_look look;
	struct buf found;
	struct catalog catalog;
};

static int file_of(const struct buf *b)
{
	int fd = memfd_create("package", MFD_CLOEXEC);

	REQUIRE_TRUE(fd >= 0 && io_write(fd, b->data, b->n, NULL) == 0);
	return fd;
}

static void look_at(struct looked *l, const struct buf *package, bool wanted)
{
	struct err err = { 0 };
	struct stat st;

	*l = (struct looked){ .look = { .fd = file_of(package), .name = "x.deb" } };
	members_init(&l->members);
	buf_init(&l->found);
	catalog_init(&l->catalog);
	REQUIRE_INT(fstat(l->look.fd, &st), 0);
	l->look.identity = identity_of(&st);
	l->look.found = &l->found;
	if (wanted)
		members_want(&l->members, &elf_probe.build_id);
	members_look(&l->members, &l->look, 1);
	REQUIRE_INT(findings_take(
			    &(struct findings){ .into = &l->catalog,
						.file = catalog_add_file(&l->catalog, "x.deb", 5,
									 &l->look.identity,
									 CATALOG_PACKAGE, "", 0) },
			    l->found.data, l->found.n, &err),
		    0);
	catalog_seal(&l->catalog);
}

static int open_member(struct looked *l, uint32_t member, struct err *err)
{
	return members_open(&l->members, l->look.fd, &l->look.identity, "x.deb", l->catalog.item,
			    (uint32_t)l->catalog.n_items, member, err);
}

static void looked_done(struct looked *l)
{
	close(l->look.fd);
	members_done(&l->members);
	buf_done(&l->found);
	catalog_done(&l->catalog);
}

static void check_is_elf(int fd)
{
	char *bytes = malloc(elf.n + 1);

	CHECK_INT(io_pread(fd, bytes, elf.n + 1, 0), (ssize_t)elf.n);
	CHECK_TRUE(!memcmp(bytes, elf.data, elf.n));
	free(bytes);
}

/* A tar of everything that may come: the ELF file is members 4 and 8. */
static void put_tar(struct buf *tar)
{
	made_tar_header(tar, "./", '5', 0, "");
	made_tar_file(tar, "../../../../tmp/ddprof-escaped", "text\n", 5);
	made_tar_header(tar, "/dev/null", '2', 0, "/etc/passwd");
	made_tar_file(tar, "../../\033[31mx.debug", elf.data, elf.n);
	made_tar_header(tar, "hard", '1', 0, "../../x.debug");
	made_tar_file(tar, "short", "\177ELF", 4);
	made_tar_file(tar, "empty", "", 0);
	made_tar_file(tar, "again.debug", elf.data, elf.n);
	made_tar_end(tar);
}

static void make_deb(struct buf *deb)
{
	struct buf tar;

	buf_init(&tar);
	put_tar(&tar);
	made_deb(deb, "data.tar", tar.data, tar.n);
	buf_done(&tar);
}

static void all_kinds(void)
{
	struct looked l;
	struct buf deb;

	need_elf();
	buf_init(&deb);
	make_deb(&deb);
	look_at(&l, &deb, false);
	CHECK_STR(l.look.reason, "");
	REQUIRE_INT(l.catalog.n_items, 2);
	CHECK_INT(l.catalog.item[0].member, 4);
	CHECK_INT(l.catalog.item[1].member, 8);
	CHECK_STR(l.catalog.item[0].name, "../../?[31mx.debug");
	CHECK_INT(l.catalog.item[0].flags, elf_probe.flags);
	CHECK_TRUE(build_id_equal(&l.catalog.item[0].build_id, &elf_probe.build_id));
	CHECK_INT(l.catalog.item[0].size, elf.n);
	CHECK_INT(l.members.n_kept, 0);
	CHECK_INT(access("/tmp/ddprof-escaped", F_OK), -1);
	looked_done(&l);
	buf_done(&deb);
}

static void wanted_is_kept(void)
{
	struct err err = { 0 };
	struct looked l;
	struct buf deb;
	int fd;

	need_elf();
	buf_init(&deb);
	make_deb(&deb);
	look_at(&l, &deb, true);
	REQUIRE_INT(l.members.n_kept, 2);
	CHECK_INT(l.members.kept_bytes, 2 * elf.n);
	REQUIRE_INT(ftruncate(l.look.fd, 0), 0); /* it is not read again */
	fd = open_member(&l, 8, &err);
	REQUIRE_TRUE(fd >= 0);
	check_is_elf(fd);
	CHECK_INT(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	CHECK_TRUE(write(fd, "x", 1) < 0);
	close(fd);
	looked_done(&l);
	buf_done(&deb);
}

static void by_number(void)
{
	struct err err = { 0 };
	struct looked l;
	struct buf deb;
	int fd;

	need_elf();
	buf_init(&deb);
	make_deb(&deb);
	look_at(&l, &deb, false);
	fd = open_member(&l, 4, &err);
	REQUIRE_TRUE(fd >= 0);
	check_is_elf(fd);
	close(fd);
	CHECK_INT(l.members.n_kept, 1);
	CHECK_INT(open_member(&l, 2, &err), -ESTALE);
	l.catalog.item[1].build_id.bytes[0] ^= 1;
	CHECK_INT(open_member(&l, 8, &err), -EBADMSG);
	looked_done(&l);
	buf_done(&deb);
}

static void in_rpm(void)
{
	struct buf cpio, rpm;
	struct looked l;

	need_elf();
	buf_init(&cpio);
	buf_init(&rpm);
	made_cpio_file(&cpio, "./usr/lib/x.txt", "text", 4);
	made_cpio_file(&cpio, "./usr/lib/x.debug", elf.data, elf.n);
	made_cpio_file(&cpio, "TRAILER!!!", "", 0);
	made_rpm(&rpm, cpio.data, cpio.n);
	look_at(&l, &rpm, true);
	CHECK_STR(l.look.reason, "");
	REQUIRE_INT(l.catalog.n_items, 1);
	CHECK_STR(l.catalog.item[0].name, "./usr/lib/x.debug");
	REQUIRE_INT(l.members.n_kept, 1);
	check_is_elf(l.members.kept[0].fd);
	looked_done(&l);
	buf_done(&rpm);
	buf_done(&cpio);
}

/* What stood before the cut is there, and the reason says that there is a cut. */
static void cut(void)
{
	struct buf deb, part;
	uint64_t first; /* end of the first ELF file */

	need_elf();
	buf_init(&deb);
	make_deb(&deb);
	first = 8 + 60 + 4 + 60 + 60 + 5 * TAR_BLOCK + elf.n;
	for (size_t n = 0; n < deb.n; n += n < 400 ? 37 : deb.n / 23) {
		struct looked l;

		part = (struct buf){ .data = deb.data, .n = n };
		look_at(&l, &part, true);
		CHECK_TRUE(l.look.reason[0] || n >= deb.n - 3 * TAR_BLOCK);
		CHECK_INT(l.catalog.n_items, n >= deb.n - 2 * TAR_BLOCK ? 2 : n >= first);
		CHECK_INT(l.members.n_kept, l.catalog.n_items);
		looked_done(&l);
	}
	buf_done(&deb);
}

/* A text that a reason has to contain. */
static void check_reason(const struct buf *package, const char *text, size_t n_items)
{
	struct looked l;

	look_at(&l, package, false);
	CHECK_HAS(l.look.reason, text);
	CHECK_INT(l.catalog.n_items, n_items);
	looked_done(&l);
}

static void claims_much(void)
{
	struct buf deb, tar;

	need_elf();
	buf_init(&deb);
	buf_init(&tar);
	made_tar_file(&tar, "a", elf.data, elf.n);
	made_tar_header(&tar, "b", '0', package_unpacked_max(2 * elf.n), "");
	made_deb(&deb, "data.tar", tar.data, tar.n);
	check_reason(&deb, "(limit: 96 MiB and 64 times its size)", 1);
	buf_done(&tar);
	buf_done(&deb);
}

/* Appends n times the bytes, compressed. */
static void put_packed(struct buf *b, const void *bytes, size_t n_bytes, size_t n)
{
	ZSTD_CStream *z = ZSTD_createCStream();
	ZSTD_inBuffer in = { NULL, 0, 0 };
	ZSTD_outBuffer out;
	size_t left;

	ZSTD_initCStream(z, 1);
	for (size_t i = 0; i < n; i++) {
		in = (ZSTD_inBuffer){ bytes, n_bytes, 0 };
		while (in.pos < in.size) {
			out = (ZSTD_outBuffer){ buf_grow(b, 1 << 17), 1 << 17, 0 };
			REQUIRE_TRUE(!ZSTD_isError(ZSTD_compressStream(z, &out, &in)));
			b->n += out.pos;
		}
	}
	do {
		out = (ZSTD_outBuffer){ buf_grow(b, 1 << 17), 1 << 17, 0 };
		left = ZSTD_endStream(z, &out);
		b->n += out.pos;
	} while (left && !ZSTD_isError(left));
	ZSTD_freeCStream(z);
}

static void many_members(void)
{
	struct buf deb, header, many, packed;

	need_elf();
	buf_init(&deb);
	buf_init(&header);
	buf_init(&many);
	buf_init(&packed);
	made_tar_file(&header, "a", elf.data, elf.n);
	put_packed(&packed, header.data, header.n, 1);
	buf_reset(&header);
	made_tar_header(&header, "x", '0', 0, "");
	for (int i = 0; i < 256; i++)
		buf_put(&many, header.data, header.n);
	put_packed(&packed, many.data, many.n, PACKAGE_MEMBERS_MAX / 256);
	made_deb(&deb, "data.tar.zst", packed.data, packed.n);
	made_zeros(&deb, 8 << 20); /* so that the limit on bytes is not met first */
	check_reason(&deb, "more than 1048576 members", 1);
	buf_done(&packed);
	buf_done(&many);
	buf_done(&header);
	buf_done(&deb);
}

static void bomb(void)
{
	enum { PIECE = 1 << 20 };
	char *zeros = calloc(1, PIECE);
	struct buf deb, tar, packed;
	uint64_t n_pieces;

	need_elf();
	n_pieces = package_unpacked_max(elf.n) / PIECE + 1;
	buf_init(&deb);
	buf_init(&tar);
	buf_init(&packed);
	made_tar_file(&tar, "a", elf.data, elf.n);
	made_tar_header(&tar, "b", '0', n_pieces * PIECE, "");
	put_packed(&packed, tar.data, tar.n, 1);
	put_packed(&packed, zeros, PIECE, n_pieces);
	made_deb(&deb, "data.tar.zst", packed.data, packed.n);
	check_reason(&deb, "unpacks to more than", 1);
	free(zeros);
	buf_done(&packed);
	buf_done(&tar);
	buf_done(&deb);
}

/* zstd in zstd in zstd in zstd */
static void nested(void)
{
	struct buf deb, layer[2];

	need_elf();
	buf_init(&deb);
	buf_init(&layer[0]);
	buf_init(&layer[1]);
	put_tar(&layer[0]);
	for (int i = 0; i <= PACKAGE_FILTERS_MAX; i++) {
		buf_reset(&layer[!(i & 1)]);
		put_packed(&layer[!(i & 1)], layer[i & 1].data, layer[i & 1].n, 1);
	}
	made_deb(&deb, "data.tar.zst", layer[(PACKAGE_FILTERS_MAX + 1) & 1].data,
		 layer[(PACKAGE_FILTERS_MAX + 1) & 1].n);
	check_reason(&deb, "compressed 4 times over, limit is 3", 0);
	buf_done(&layer[0]);
	buf_done(&layer[1]);
	buf_done(&deb);
}

static void other_containers(void)
{
	static const struct {
		const char *text;
		size_t n;
		bool is_package;
	} tests[] = {
		{ "!<arch>\ndebian-binary   ", 24, true },
		{ "!<arch>\ndebian-binar", 20, false },
		{ "!<arch>\n/               ", 24, false },
		{ "\xed\xab\xee\xdb\3\0", 6, true },
		{ "\xed\xab\xee", 3, false },
		{ "", 0, false },
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CHECK_INT(package_is(tests[i].text, tests[i].n), tests[i].is_package);
}

static void damaged_containers(void)
{
	struct buf b;

	need_elf();
	buf_init(&b);
	buf_puts(&b, "!<arch>\n");
	for (int i = 0; i < 20; i++)
		made_ar_part(&b, "debian-binary", "2.0\n", 4);
	check_reason(&b, "no data.tar in the first 16 parts", 0);
	b.data[8 + 48] = '-'; /* the size of the first part */
	check_reason(&b, "damaged: no ar header at offset 8", 0);
	buf_reset(&b);
	made_rpm(&b, "", 0);
	b.data[96 + 8] = 1; /* entries of the first header */
	check_reason(&b, "header at offset 96 claims 16777217 entries", 0);
	b.data[96] = 0;
	check_reason(&b, "damaged: no rpm header at offset 96", 0);
	buf_done(&b);
}

static void wants(void)
{
	struct members m;
	struct build_id id = { .n = 8 };

	members_init(&m);
	for (int i = 0; i < 2 * MEMBERS_WANTED_MAX; i++) {
		memcpy(id.bytes, &(uint64_t){ (uint64_t)i / 2 }, 8);
		members_want(&m, &id);
	}
	CHECK_INT(m.n_wanted, MEMBERS_WANTED_MAX);
	id.bytes[7] = 1;
	members_want(&m, &id);
	CHECK_INT(m.n_wanted, MEMBERS_WANTED_MAX);
	members_done(&m);
}

SUITE(debug_members,
      { "ELF files among links, folders and texts are found, whatever they are called", all_kinds },
      { "a wanted member is kept, sealed, and its package is not read again", wanted_is_kept },
      { "a member is opened by its number, and only when it is what was said", by_number },
      { "an rpm's cpio is read as well", in_rpm },
      { "a cut package gives what lies before the cut, and says so", cut },
      { "a member that claims too much is not unpacked", claims_much },
      { "members are counted up to a limit", many_members },
      { "a bomb stops at a limit that is named", bomb },
      { "compressions around one another are counted", nested },
      { "a static library is no package", other_containers },
      { "damaged containers are refused with the place", damaged_containers },
      { "wants are counted once and up to a limit", wants }, )
