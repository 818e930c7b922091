#include "common/elf/vdso.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include "common/base/bits.h"
#include "common/base/err.h"

enum { VDSO_BYTES_MAX = 1 << 20 };

static size_t vdso_extent(const uint8_t *base)
{
	Elf64_Ehdr header;
	size_t end;

	memcpy(&header, base, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	end = header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, base + header.e_phoff + i * sizeof(segment), sizeof(segment));
		end = MAX(end, segment.p_offset + segment.p_filesz);
	}
	return end <= VDSO_BYTES_MAX ? end : 0;
}

int vdso_image(unsigned int take, struct elf_image *ret, struct err *err)
{
	const uint8_t *base = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	size_t n = base ? vdso_extent(base) : 0;

	if (!n)
		return err_set(err, -ENOENT, "there is no vDSO here");
	return elf_image_parse(base, n, take, ret, err);
}

void vdso_build_id(struct build_id *ret)
{
	struct elf_image image;

	*ret = (struct build_id){ 0 };
	if (vdso_image(0, &image, NULL) < 0)
		return;
	*ret = image.build_id;
	elf_image_done(&image);
}
