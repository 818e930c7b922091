/* Packages made by hand: tar in ar as in a .deb, cpio behind rpm headers. */
#ifndef TESTS_UNIT_PACKAGE_MADE_H
#define TESTS_UNIT_PACKAGE_MADE_H

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"

enum { TAR_BLOCK = 512 };

static inline void made_zeros(struct buf *b, size_t n)
{
	memset(buf_grow(b, n), 0, n);
	b->n += n;
}

/* type: '0' file, '1' hard link, '2' symbolic link, '5' folder. */
static inline void made_tar_header(struct buf *b, const char *name, char type, uint64_t size,
				   const char *link)
{
	char h[TAR_BLOCK] = "";
	unsigned int sum = 0;

	snprintf(h, 100, "%s", name);
	snprintf(h + 100, 8, "0000644");
	snprintf(h + 108, 8, "0000000");
	snprintf(h + 116, 8, "0000000");
	snprintf(h + 124, 12, "%011llo", (unsigned long long)size & 077777777777);
	snprintf(h + 136, 12, "00000000000");
	memset(h + 148, ' ', 8);
	h[156] = type;
	snprintf(h + 157, 100, "%s", link);
	memcpy(h + 257, "ustar  ", 8); /* as GNU tar writes it */
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	buf_put(b, h, sizeof(h));
}

static inline void made_tar_file(struct buf *b, const char *name, const void *bytes, size_t n)
{
	made_tar_header(b, name, '0', n, "");
	buf_put(b, bytes, n);
	made_zeros(b, (TAR_BLOCK - n % TAR_BLOCK) % TAR_BLOCK);
}

static inline void made_tar_end(struct buf *b)
{
	made_zeros(b, 2 * TAR_BLOCK);
}

static inline void made_ar_part(struct buf *b, const char *name, const void *bytes, size_t n)
{
	buf_printf(b, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "100644", n);
	buf_put(b, bytes, n);
	if (n & 1)
		buf_putc(b, '\n');
}

static inline void made_deb(struct buf *b, const char *data_name, const void *data, size_t n)
{
	buf_puts(b, "!<arch>\n");
	made_ar_part(b, "debian-binary", "2.0\n", 4);
	made_ar_part(b, "control.tar", "", 0);
	made_ar_part(b, data_name, data, n);
}

static inline void made_cpio_file(struct buf *b, const char *name, const void *bytes, size_t n)
{
	buf_printf(b, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, 0100644, 0,
		   0, 1, 0, n, 0, 0, 0, 0, strlen(name) + 1, 0);
	buf_put(b, name, strlen(name) + 1);
	made_zeros(b, (4 - (110 + strlen(name) + 1) % 4) % 4);
	buf_put(b, bytes, n);
	made_zeros(b, (4 - n % 4) % 4);
}

/* One entry and `n` bytes, whose meaning nobody here asks for. */
static inline void made_rpm_header(struct buf *b, unsigned char n)
{
	const unsigned char intro[] = { 0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, n };

	buf_put(b, intro, sizeof(intro));
	made_zeros(b, 16 + (size_t)n);
}

static inline void made_rpm(struct buf *b, const void *payload, size_t n)
{
	buf_put(b, "\xed\xab\xee\xdb", 4);
	made_zeros(b, 92);
	made_rpm_header(b, 5);
	made_zeros(b, 3); /* to 8 bytes: 96 + 16 + 16 + 5 = 133, 136 */
	made_rpm_header(b, 7);
	buf_put(b, payload, n);
}

#endif
