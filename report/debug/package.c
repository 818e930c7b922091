/*
 * The payload's bytes go to libarchive from a buffer; only the formats and compressions that
 * packages use are switched on. Its limits are ours: sizes that headers claim are added up before
 * anything is unpacked, and what was really unpacked is compared, too, since headers lie.
 */
#include "report/debug/package.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "report/debug/package_archive.h"
#include "report/debug/package_payload.h"

enum { READ_BYTES = 256 << 10 };

struct package {
	const struct archive_calls *calls;
	struct archive *archive;
	struct archive_entry *entry;
	int fd;
	uint64_t at, end; /* of the payload */
	uint64_t claimed; /* bytes of the members so far, by their headers */
	uint64_t unpacked_max;
	uint64_t size; /* of the current member */
	uint32_t n_members;
	char name[PACKAGE_NAME_MAX];
	uint8_t bytes[READ_BYTES];
};

static la_ssize_t read_payload(struct archive *a, void *ctx, const void **ret)
{
	struct package *p = ctx;
	size_t n = (size_t)MIN(p->end - p->at, (uint64_t)sizeof(p->bytes));
	ssize_t got = n ? io_pread(p->fd, p->bytes, n, p->at) : 0;

	(void)a;
	if (got < 0)
		return ARCHIVE_FATAL;
	p->at += (uint64_t)got;
	*ret = p->bytes;
	return got;
}

/* Its words may be those of the package. */
static int say_damaged(struct package *p, struct err *err)
{
	const char *why = p->calls->error_string(p->archive);
	char text[160] = "no reason given";

	for (size_t i = 0; why && i < sizeof(text); i++) {
		text[i] = !why[i] || i == sizeof(text) - 1 ? 0 :
			  why[i] >= ' ' && why[i] < 127	   ? why[i] :
							     '?';
		if (!text[i])
			break;
	}
	return err_set(err, -EBADMSG, "damaged after %" PRIu32 " members: %s", p->n_members, text);
}

static int say_too_much(const struct package *p, struct err *err)
{
	return err_set(err, -EFBIG,
		       "unpacks to more than %" PRIu64 " MiB (limit: %d MiB and %d times its size)",
		       p->unpacked_max >> 20, PACKAGE_SPARE_BYTES >> 20, PACKAGE_RATIO_MAX);
}

/* What came out of the decompressors, whatever it was. */
static bool is_too_much(struct package *p)
{
	la_int64_t n = p->calls->filter_bytes(p->archive, 0);

	return n > 0 && (uint64_t)n > p->unpacked_max;
}

static int open_archive(struct package *p, bool is_cpio, struct err *err)
{
	const struct archive_calls *c = p->calls;
	int n_filters;

	p->archive = c->read_new();
	p->entry = c->entry_new();
	if (!p->archive || !p->entry)
		return err_set(err, -ENOMEM, "no memory to unpack");
	c->read_support_filter_bzip2(p->archive);
	c->read_support_filter_gzip(p->archive);
	c->read_support_filter_lzma(p->archive);
	c->read_support_filter_xz(p->archive);
	c->read_support_filter_zstd(p->archive);
	if (is_cpio)
		c->read_support_format_cpio(p->archive);
	else
		c->read_support_format_tar(p->archive);
	if (c->read_open(p->archive, p, NULL, read_payload, NULL) < ARCHIVE_WARN)
		return say_damaged(p, err);
	n_filters = c->filter_count(p->archive) - 1; /* the last one is the payload itself */
	if (n_filters > PACKAGE_FILTERS_MAX)
		return err_set(err, -EFBIG, "compressed %d times over, limit is %d", n_filters,
			       PACKAGE_FILTERS_MAX);
	return 0;
}

int package_open(int fd, uint64_t size, const struct archive_calls *calls, struct package **ret,
		 struct err *err)
{
	struct payload payload;
	struct package *p;
	int r = payload_find(fd, size, &payload, err);

	if (r < 0)
		return r;
	p = mem_zalloc(sizeof(*p));
	p->calls = calls;
	p->fd = fd;
	p->at = payload.off;
	p->end = payload.off + payload.size;
	p->unpacked_max = package_unpacked_max(size);
	r = open_archive(p, payload.is_cpio, err);
	if (r < 0) {
		package_close(p);
		return r;
	}
	*ret = p;
	return 0;
}

void package_close(struct package *p)
{
	if (!p)
		return;
	if (p->entry)
		p->calls->entry_free(p->entry);
	if (p->archive)
		p->calls->read_free(p->archive);
	free(p);
}

static void take_name(struct package *p)
{
	const char *name = p->calls->entry_pathname(p->entry);
	size_t i;

	for (i = 0; name && name[i] && i < sizeof(p->name) - 1; i++)
		p->name[i] = name[i] >= ' ' && name[i] < 127 ? name[i] : '?';
	p->name[i] = 0;
}

/* Before its bytes are unpacked, or skipped, which unpacks them as well. */
static int take_size(struct package *p, struct err *err)
{
	la_int64_t size = p->calls->entry_size(p->entry);

	p->size = size > 0 ? (uint64_t)size : 0;
	if (p->size > p->unpacked_max - p->claimed)
		return say_too_much(p, err);
	p->claimed += p->size;
	return is_too_much(p) ? say_too_much(p, err) : 0;
}

int package_next(struct package *p, struct package_member *ret, struct err *err)
{
	const struct archive_calls *c = p->calls;
	int r = c->read_next_header2(p->archive, p->entry);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r < ARCHIVE_WARN)
		return is_too_much(p) ? say_too_much(p, err) : say_damaged(p, err);
	if (p->n_members == PACKAGE_MEMBERS_MAX)
		return err_set(err, -EFBIG, "more than %d members", PACKAGE_MEMBERS_MAX);
	p->n_members++;
	if ((r = take_size(p, err)) < 0)
		return r;
	take_name(p);
	*ret = (struct package_member){
		.number = p->n_members,
		/* of hard links in cpio the last one has the bytes */
		.is_file = c->entry_filetype(p->entry) == AE_IFREG && p->size,
		.size = p->size,
		.name = p->name,
	};
	return 1;
}

int package_piece(struct package *p, const void **ret, size_t *ret_n, uint64_t *ret_off,
		  struct err *err)
{
	la_int64_t off = 0;
	size_t n = 0;
	int r = p->calls->read_data_block(p->archive, ret, &n, &off);

	if (r == ARCHIVE_EOF)
		return 0;
	if (is_too_much(p))
		return say_too_much(p, err);
	if (r < ARCHIVE_WARN)
		return say_damaged(p, err);
	if (off < 0 || (uint64_t)off > p->size || n > p->size - (uint64_t)off)
		return err_set(err, -EBADMSG,
			       "damaged: bytes at %" PRId64 " of member %" PRIu32 " of %" PRIu64
			       " bytes",
			       (int64_t)off, p->n_members, p->size);
	*ret_n = n;
	*ret_off = (uint64_t)off;
	return 1;
}
