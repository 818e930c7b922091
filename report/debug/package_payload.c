/*
 * Both containers are read here rather than by libarchive: a few fixed headers, and what is not
 * payload (control data, signatures, the rpm's list of files) is never unpacked.
 */
#include "report/debug/package_payload.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"

#define AR_MAGIC "!<arch>\n"
#define DEB_FIRST "debian-binary"

static const uint8_t rpm_lead[] = { 0xed, 0xab, 0xee, 0xdb };
static const uint8_t rpm_header[] = { 0x8e, 0xad, 0xe8, 0x01 };

enum {
	AR_MAGIC_BYTES = 8,
	RPM_LEAD_BYTES = 96,
	RPM_ENTRY_BYTES = 16,
};

struct ar_header {
	char name[16], mtime[12], uid[6], gid[6], mode[8], size[10], end[2];
};

struct rpm_intro {
	uint8_t magic[4], reserved[4], n_entries[4], n_bytes[4]; /* big-endian */
};

bool package_is(const void *head, size_t n)
{
	if (n >= sizeof(rpm_lead) && !memcmp(head, rpm_lead, sizeof(rpm_lead)))
		return true;
	return n >= AR_MAGIC_BYTES + sizeof(DEB_FIRST) - 1 &&
	       !memcmp(head, AR_MAGIC DEB_FIRST, AR_MAGIC_BYTES + sizeof(DEB_FIRST) - 1);
}

static int read_at(int fd, uint64_t size, uint64_t off, void *bytes, size_t n, struct err *err)
{
	if (off > size || n > size - off || io_pread(fd, bytes, n, off) != (ssize_t)n)
		return err_set(err, -EBADMSG,
			       "cut short: header at offset %" PRIu64 " passes its end at %" PRIu64,
			       off, size);
	return 0;
}

/* ---- .deb ---- */

/* Decimal, padded with blanks; UINT64_MAX: something else. */
static uint64_t number_of(const char *text, size_t n)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	if (!i)
		return UINT64_MAX;
	for (; i < n; i++)
		if (text[i] != ' ')
			return UINT64_MAX;
	return value;
}

static int find_data(int fd, uint64_t size, struct payload *ret, struct err *err)
{
	uint64_t off = AR_MAGIC_BYTES;

	for (int i = 0; i < PAYLOAD_AR_MEMBERS_MAX; i++) {
		struct ar_header h;
		uint64_t n;
		int r = read_at(fd, size, off, &h, sizeof(h), err);

		if (r < 0)
			return r;
		n = number_of(h.size, sizeof(h.size));
		if (n == UINT64_MAX || memcmp(h.end, "`\n", 2) != 0)
			return err_set(err, -EBADMSG, "damaged: no ar header at offset %" PRIu64,
				       off);
		off += sizeof(h);
		if (!memcmp(h.name, "data.tar", 8)) {
			/* what is cut off shows while unpacking, after what is there */
			*ret = (struct payload){ .off = off, .size = MIN(n, size - off) };
			return 0;
		}
		off += n + (n & 1);
	}
	return err_set(err, -EFBIG, "no data.tar in the first %d parts", PAYLOAD_AR_MEMBERS_MAX);
}

/* ---- .rpm ---- */

static uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Moves *off behind a header. */
static int skip_header(int fd, uint64_t size, uint64_t *off, struct err *err)
{
	struct rpm_intro h;
	uint64_t n_entries, n_bytes;
	int r = read_at(fd, size, *off, &h, sizeof(h), err);

	if (r < 0)
		return r;
	if (memcmp(h.magic, rpm_header, sizeof(rpm_header)) != 0)
		return err_set(err, -EBADMSG, "damaged: no rpm header at offset %" PRIu64, *off);
	n_entries = load_be32(h.n_entries);
	n_bytes = load_be32(h.n_bytes);
	if (n_entries > PAYLOAD_RPM_ENTRIES_MAX || n_bytes > PAYLOAD_RPM_BYTES_MAX)
		return err_set(err, -EFBIG,
			       "header at offset %" PRIu64 " claims %" PRIu64
			       " entries and %" PRIu64 " bytes, limits are %d and %d",
			       *off, n_entries, n_bytes, PAYLOAD_RPM_ENTRIES_MAX,
			       PAYLOAD_RPM_BYTES_MAX);
	*off += sizeof(h) + n_entries * RPM_ENTRY_BYTES + n_bytes;
	return 0;
}

static int find_cpio(int fd, uint64_t size, struct payload *ret, struct err *err)
{
	uint64_t off = RPM_LEAD_BYTES;
	int r;

	if ((r = skip_header(fd, size, &off, err)) < 0) /* signatures, padded */
		return r;
	off = ALIGN_UP(off, UINT64_C(8));
	if ((r = skip_header(fd, size, &off, err)) < 0)
		return r;
	if (off > size)
		return err_set(err, -EBADMSG,
			       "cut short: payload at offset %" PRIu64
			       " passes its end at %" PRIu64,
			       off, size);
	*ret = (struct payload){ .off = off, .size = size - off, .is_cpio = true };
	return 0;
}

int payload_find(int fd, uint64_t size, struct payload *ret, struct err *err)
{
	uint8_t head[PACKAGE_HEAD_BYTES];
	int r = read_at(fd, size, 0, head, sizeof(head), err);

	if (r < 0)
		return r;
	if (!package_is(head, sizeof(head)))
		return err_set(err, -EBADMSG, "neither a .deb nor an .rpm package");
	return head[0] == rpm_lead[0] ? find_cpio(fd, size, ret, err) :
					find_data(fd, size, ret, err);
}
