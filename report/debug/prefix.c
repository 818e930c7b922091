/*
 * Compressed bytes are read into a buffer of the wanted size: packed data that unpacks to less
 * than itself does not exist beyond a few bytes of headers, for which there is slack.
 */
#include "report/debug/prefix.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/bits.h"
#include "common/base/io.h"

enum {
	PACKED_MAX = 16 << 10,
	ZSTD_WINDOW_LOG_MAX = 27,
	COMPRESS_ZSTD = 2, /* ELFCOMPRESS_ZSTD; younger than this system's elf.h */
};

static size_t unpack_zlib(const uint8_t *packed, size_t n, uint8_t *ret, size_t cap)
{
	z_stream z = { .next_in = (uint8_t *)packed,
		       .avail_in = (uInt)n,
		       .next_out = ret,
		       .avail_out = (uInt)cap };

	if (inflateInit(&z) != Z_OK)
		return 0;
	inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
	return cap - z.avail_out;
}

static size_t unpack_zstd(const uint8_t *packed, size_t n, uint8_t *ret, size_t cap)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	ZSTD_inBuffer in = { packed, n, 0 };
	ZSTD_outBuffer out = { ret, cap, 0 };
	size_t before, left = 1;

	if (!z)
		return 0;
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
	do {
		before = in.pos + out.pos;
		left = ZSTD_decompressStream(z, &out, &in);
	} while (left && !ZSTD_isError(left) && out.pos < cap && in.pos + out.pos > before);
	ZSTD_freeDCtx(z);
	return out.pos;
}

size_t prefix_read(int fd, const Elf64_Shdr *sh, uint8_t *ret, size_t cap)
{
	uint8_t packed[PACKED_MAX];
	size_t n = (size_t)MIN(sh->sh_size, (Elf64_Xword)sizeof(packed));
	Elf64_Chdr chdr;
	ssize_t got;

	if (!(sh->sh_flags & SHF_COMPRESSED)) {
		got = io_pread(fd, ret, MIN(cap, (size_t)sh->sh_size), sh->sh_offset);
		return got > 0 ? (size_t)got : 0;
	}
	got = io_pread(fd, packed, n, sh->sh_offset);
	if (got < (ssize_t)sizeof(chdr))
		return 0;
	memcpy(&chdr, packed, sizeof(chdr));
	n = (size_t)got - sizeof(chdr);
	if (chdr.ch_type == ELFCOMPRESS_ZLIB)
		return unpack_zlib(packed + sizeof(chdr), n, ret, cap);
	if (chdr.ch_type == COMPRESS_ZSTD)
		return unpack_zstd(packed + sizeof(chdr), n, ret, cap);
	return 0;
}
