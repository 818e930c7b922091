/*
 * libdeflate takes a whole section at once and is twice as fast as zlib; it wants the input and
 * the output in memory, which is why sections.c gives back input pages while it waits.
 */
#include "report/dwarf/sections_unpack.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include <libdeflate.h>
#include <zstd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "report/dwarf/sections.h"

enum {
	COMPRESS_ZLIB = 1,
	COMPRESS_ZSTD = 2, /* ELFCOMPRESS_ZSTD, younger than some elf.h */
	HUGE_PAGE = 2 << 20,
};

static const char gnu_magic[4] = "ZLIB";

enum { GNU_HEADER_BYTES = sizeof(gnu_magic) + 8 };

static int check_claim(const struct packed *p, struct err *err)
{
	uint64_t ratio = p->form == PACK_ZSTD ? SECTION_RATIO_ZSTD_MAX : SECTION_RATIO_MAX;

	if (p->unpacked > SECTION_BYTES_MAX)
		return err_set(err, -EFBIG, "claims %" PRIu64 " bytes unpacked, limit is %" PRIu64,
			       p->unpacked, SECTION_BYTES_MAX);
	if (p->unpacked / ratio > p->n)
		return err_set(err, -EFBIG,
			       "claims %" PRIu64 " bytes in %" PRIu64
			       " packed ones, limit is %" PRIu64 " times",
			       p->unpacked, p->n, ratio);
	return 0;
}

int packed_read_elf(const uint8_t *bytes, uint64_t n, struct packed *ret, struct err *err)
{
	Elf64_Chdr head;
	struct packed p;
	int status;

	if (n < sizeof(head))
		return err_set(err, -EBADMSG,
			       "compression header cut: %" PRIu64 " bytes, expected %zu", n,
			       sizeof(head));
	memcpy(&head, bytes, sizeof(head));
	if (head.ch_type != COMPRESS_ZLIB && head.ch_type != COMPRESS_ZSTD)
		return err_set(err, -ENOTSUP, "compression type %u is neither zlib nor zstd",
			       head.ch_type);
	p = (struct packed){
		.form = head.ch_type == COMPRESS_ZLIB ? PACK_ZLIB : PACK_ZSTD,
		.data = bytes + sizeof(head),
		.n = n - sizeof(head),
		.unpacked = head.ch_size,
	};
	status = check_claim(&p, err);
	if (status == 0)
		*ret = p;
	return status;
}

int packed_read_gnu(const uint8_t *bytes, uint64_t n, struct packed *ret, struct err *err)
{
	struct packed p = { .form = PACK_NONE, .data = bytes, .n = n, .unpacked = n };
	int status = 0;

	if (n >= GNU_HEADER_BYTES && memcmp(bytes, gnu_magic, sizeof(gnu_magic)) == 0) {
		p = (struct packed){ .form = PACK_ZLIB,
				     .data = bytes + GNU_HEADER_BYTES,
				     .n = n - GNU_HEADER_BYTES };
		memcpy(&p.unpacked, bytes + sizeof(gnu_magic), sizeof(p.unpacked));
		p.unpacked = be64toh(p.unpacked);
		status = check_claim(&p, err);
	}
	if (status == 0)
		*ret = p;
	return status;
}

bool unpacker_init(struct unpacker *u)
{
	u->deflate = libdeflate_alloc_decompressor();
	u->zstd = ZSTD_createDCtx();
	if (u->deflate && u->zstd)
		return true;
	unpacker_done(u);
	return false;
}

void unpacker_done(struct unpacker *u)
{
	if (u->deflate)
		libdeflate_free_decompressor(u->deflate);
	ZSTD_freeDCtx(u->zstd);
	*u = (struct unpacker){ 0 };
}

static int unpack_zlib(struct unpacker *u, const struct packed *p, uint8_t *out, struct err *err)
{
	static const char *const why[] = {
		[LIBDEFLATE_BAD_DATA] = "damaged zlib data",
		[LIBDEFLATE_SHORT_OUTPUT] = "fewer bytes",
		[LIBDEFLATE_INSUFFICIENT_SPACE] = "more bytes",
	};
	enum libdeflate_result r = libdeflate_zlib_decompress(u->deflate, p->data, (size_t)p->n,
							      out, (size_t)p->unpacked, NULL);

	if (r == LIBDEFLATE_SUCCESS)
		return 0;
	return err_set(err, -EBADMSG,
		       "cannot be unpacked: %s, expected %" PRIu64 " bytes from %" PRIu64, why[r],
		       p->unpacked, p->n);
}

static int unpack_zstd(struct unpacker *u, const struct packed *p, uint8_t *out, struct err *err)
{
	size_t n = ZSTD_decompressDCtx(u->zstd, out, (size_t)p->unpacked, p->data, (size_t)p->n);

	if (ZSTD_isError(n))
		return err_set(err, -EBADMSG, "cannot be unpacked: %s, expected %" PRIu64 " bytes",
			       ZSTD_getErrorName(n), p->unpacked);
	if (n != p->unpacked)
		return err_set(err, -EBADMSG, "unpacked to %zu bytes, expected %" PRIu64, n,
			       p->unpacked);
	return 0;
}

int unpack(struct unpacker *u, const struct packed *p, uint8_t *out, struct err *err)
{
	if (p->form == PACK_ZLIB)
		return unpack_zlib(u, p, out, err);
	return unpack_zstd(u, p, out, err);
}

int memory_take(uint64_t n, uint8_t **ret, struct err *err)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return err_set(err, -ENOMEM, "no memory for %" PRIu64 " unpacked bytes", n);
	/* a fault for every 4 KiB costs as much as a tenth of the unpacking */
	if (n >= HUGE_PAGE)
		madvise(p, n, MADV_HUGEPAGE);
	*ret = p;
	return 0;
}

void memory_free(uint8_t *p, uint64_t n)
{
	if (p)
		munmap(p, n);
}
