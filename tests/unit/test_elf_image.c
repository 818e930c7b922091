/* common/elf/: the parts of real files, and of files that lie about themselves. */
#include "common/elf/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "tests/unit/check.h"

static const uint64_t extremes[] = {
	0,	    1,		 0x7fffffff,  0x80000000,	 0x80000001,
	0xffffffff, 0x100000000, 0x100000001, (uint64_t)1 << 63, UINT64_MAX,
};

static char *own_file(size_t *ret_n)
{
	char *bytes = NULL;
	struct err err;

	REQUIRE_INT(io_read_file("/proc/self/exe", 256 << 20, &bytes, ret_n, &err), 0);
	return bytes;
}

static void own_parts(void)
{
	struct elf_image image;
	struct err err;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const struct elf_part *part;

	REQUIRE_INT(elf_image_read(fd, ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS, &image, &err), 0);
	CHECK_TRUE(image.machine != MACHINE_NONE);
	CHECK_TRUE(image.n_loads >= 2);
	part = elf_image_part(&image, ELF_PART_EH_FRAME);
	CHECK_TRUE(part && part->size > 100 && part->addr);
	CHECK_TRUE(elf_image_part(&image, ELF_PART_SYMTAB) != NULL);
	CHECK_TRUE(elf_image_part(&image, ELF_PART_STRTAB) != NULL);
	CHECK_TRUE(elf_image_part(&image, ELF_PART_DYNSYM) != NULL);
	CHECK_TRUE(elf_image_bytes(&image, image.entry, 16) != NULL);
	CHECK_TRUE(!elf_image_part(&image, ELF_PART_FILE));
	elf_image_done(&image);
	elf_image_done(&image);
	close(fd);
}

static void same_from_memory(void)
{
	struct elf_image a, b;
	struct err err;
	size_t n;
	char *bytes = own_file(&n);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	REQUIRE_INT(elf_image_read(fd, 7, &a, &err), 0);
	REQUIRE_INT(elf_image_parse(bytes, n, 7, &b, &err), 0);
	free(bytes);
	CHECK_UINT(a.n_parts, b.n_parts);
	for (uint32_t i = 0; i < a.n_parts && i < b.n_parts; i++) {
		CHECK_UINT(a.part[i].size, b.part[i].size);
		CHECK_MEM(a.part[i].data, b.part[i].data, a.part[i].size);
	}
	elf_image_done(&a);
	elf_image_done(&b);
	close(fd);
}

static void without_sections(void)
{
	struct elf_image with, without;
	struct err err;
	size_t n;
	char *bytes = own_file(&n);
	const struct elf_part *a, *b;

	REQUIRE_INT(elf_image_parse(bytes, n, 3, &with, &err), 0);
	memset(bytes + offsetof(Elf64_Ehdr, e_shoff), 0, 8);
	memset(bytes + offsetof(Elf64_Ehdr, e_shnum), 0, 4);
	REQUIRE_INT(elf_image_parse(bytes, n, 3, &without, &err), 0);
	a = elf_image_part(&with, ELF_PART_EH_FRAME);
	b = elf_image_part(&without, ELF_PART_EH_FRAME);
	REQUIRE_TRUE(a && b);
	CHECK_UINT(b->addr, a->addr);
	CHECK_TRUE(b->size >= a->size);
	CHECK_MEM(b->data, a->data, a->size);
	a = elf_image_part(&with, ELF_PART_DYNSYM);
	b = elf_image_part(&without, ELF_PART_DYNSYM);
	REQUIRE_TRUE(a && b);
	CHECK_MEM(b->data, a->data, MIN(a->size, b->size));
	elf_image_done(&with);
	elf_image_done(&without);
	free(bytes);
}

static void vdso(void)
{
	const void *at = (const void *)getauxval(AT_SYSINFO_EHDR); /* NOLINT */
	struct elf_image image;
	struct err err;

	if (!at)
		check_skip("this process has no vDSO");
	REQUIRE_INT(elf_image_parse(at, 4096, ELF_TAKE_UNWIND | ELF_TAKE_FILE, &image, &err), 0);
	CHECK_TRUE(elf_image_part(&image, ELF_PART_FILE) != NULL);
	CHECK_TRUE(image.n_loads == 1);
	elf_image_done(&image);
}

static void build_ids(void)
{
	struct build_id id = { 0 };
	struct elf_image image;
	struct err err;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int r = elf_build_id(fd, &id, &err);

	if (r == -ENODATA)
		check_skip("the compiler leaves no build-id");
	REQUIRE_INT(r, 0);
	CHECK_UINT(id.n, 20);
	REQUIRE_INT(elf_image_read(fd, 0, &image, &err), 0);
	CHECK_MEM(image.build_id.bytes, id.bytes, id.n);
	elf_image_done(&image);
	close(fd);
}

static void not_elf(void)
{
	struct elf_image image;
	struct err err;
	int fds[2];

	CHECK_INT(elf_image_parse("", 0, 7, &image, &err), -ENOEXEC);
	CHECK_INT(elf_image_parse("\177ELF", 4, 7, &image, &err), -ENOEXEC);
	CHECK_HAS(err.text, "4 bytes");
	REQUIRE_INT(pipe(fds), 0);
	CHECK_INT(elf_image_read(fds[0], 7, &image, &err), -ENOEXEC);
	CHECK_HAS(err.text, "regular file");
	close(fds[0]);
	close(fds[1]);
}

static void loads(void)
{
	/* Two loads whose bytes share the page at 0x1000 of the file, as lld makes them. */
	struct elf_image image = {
		.n_loads = 2,
		.load = { { .file_off = 0,
			    .file_size = 0x1234,
			    .addr = 0,
			    .mem_size = 0x1234,
			    .flags = PF_R },
			  { .file_off = 0x1240,
			    .file_size = 0x500,
			    .addr = 0x2240,
			    .mem_size = 0x500,
			    .flags = PF_R | PF_X } },
	};

	CHECK_UINT(elf_image_addr(&image, 0x70002000, 0x1000, 0x70002300), 0x2300);
	CHECK_UINT(elf_image_addr(&image, 0x70000000, 0, 0x70000100), 0x100);
	CHECK_UINT(elf_image_addr(&image, 0x70002000, 0x1000, 0x70009000), UINT64_MAX);
}

/* One parse of bytes that may be anything: it must end, say why, and stay within its memory. */
static void parse_any(const char *bytes, size_t n)
{
	struct elf_image image;
	struct err err = { 0 };
	int r = elf_image_parse(bytes, n, 7, &image, &err);

	if (r < 0) {
		CHECK_TRUE(err.text[0] && err.code == r);
		return;
	}
	for (uint32_t i = 0; i < image.n_parts; i++)
		if (image.part[i].size > n)
			CHECK_TRUE(false, "a part of %ju bytes from %zu",
				   (uintmax_t)image.part[i].size, n);
	elf_image_addr(&image, 0x400000, 0x1000, 0x400010);
	elf_image_bytes(&image, image.entry, 64);
	elf_image_done(&image);
}

static void put_extreme(char *bytes, size_t n, uint64_t off, size_t size, uint64_t value)
{
	char saved[8];

	if (off + size > n)
		return;
	memcpy(saved, bytes + off, size);
	memcpy(bytes + off, &value, size);
	parse_any(bytes, n);
	memcpy(bytes + off, saved, size);
}

/* A small library: the vDSO of this process is one, with sections, notes and a dynamic section. */
static char *small_elf(size_t *ret_n)
{
	const void *at = (const void *)getauxval(AT_SYSINFO_EHDR);
	char *bytes;

	if (!at)
		check_skip("this process has no vDSO");
	*ret_n = 4096;
	bytes = mem_alloc(*ret_n);
	memcpy(bytes, at, *ret_n);
	return bytes;
}

static void extremes_of_headers(void)
{
	size_t n;
	char *bytes = small_elf(&n);
	Elf64_Ehdr eh;

	memcpy(&eh, bytes, sizeof(eh));
	for (size_t k = 0; k < N_ELEMENTS(extremes); k++) {
		for (uint64_t off = 0; off < sizeof(Elf64_Ehdr); off += 2)
			for (size_t size = 2; size <= 8; size *= 2)
				put_extreme(bytes, n, off, size, extremes[k]);
		for (uint64_t off = 0; off < (uint64_t)eh.e_phnum * sizeof(Elf64_Phdr); off += 4)
			for (size_t size = 4; size <= 8; size *= 2)
				put_extreme(bytes, n, eh.e_phoff + off, size, extremes[k]);
		for (uint64_t off = 0; off < (uint64_t)eh.e_shnum * sizeof(Elf64_Shdr); off += 4)
			for (size_t size = 4; size <= 8; size *= 2)
				put_extreme(bytes, n, eh.e_shoff + off, size, extremes[k]);
	}
	free(bytes);
}

static void extremes_of_contents(void)
{
	size_t n;
	char *bytes = small_elf(&n);

	/* Notes, dynamic section, .eh_frame_hdr: everything else that counts or points. */
	for (size_t k = 0; k < N_ELEMENTS(extremes); k++)
		for (uint64_t off = 0x40; off + 8 <= n; off += 4) {
			put_extreme(bytes, n, off, 4, extremes[k]);
			put_extreme(bytes, n, off, 8, extremes[k]);
		}
	free(bytes);
}

static void cut_everywhere(void)
{
	size_t n;
	char *bytes = small_elf(&n), *exact;

	for (size_t i = 0; i < n; i++) {
		exact = mem_alloc(i ? i : 1); /* of its size, for the sanitizers */
		memcpy(exact, bytes, i);
		parse_any(exact, i);
		free(exact);
	}
	free(bytes);
}

static void pairs_of_lies(void)
{
	size_t n;
	char *bytes = small_elf(&n), *work = mem_alloc(n);
	uint64_t seed = 1;

	for (int i = 0; i < 100000; i++) {
		memcpy(work, bytes, n);
		for (int k = 0; k < 4; k++) {
			uint64_t r = seed = hash_u64(seed + 1);
			uint64_t off = r % 1024 & ~(uint64_t)1,
				 v = extremes[(r >> 32) % N_ELEMENTS(extremes)];

			memcpy(work + off, &v, (r >> 40 & 1) ? 8 : 4);
		}
		memcpy(work, bytes, 20); /* still an ELF file */
		parse_any(work, n);
	}
	free(work);
	free(bytes);
}

static bool with_sanitizer(void)
{
#if defined(__has_feature)
	return __has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
	return true;
#else
	return false;
#endif
}

static void memory_stays_small(void)
{
	struct rusage usage;

	if (with_sanitizer())
		check_skip("AddressSanitizer keeps freed memory");
	extremes_of_headers();
	pairs_of_lies();
	getrusage(RUSAGE_SELF, &usage);
	CHECK_TRUE(usage.ru_maxrss < 256 << 10, "%ld KiB", usage.ru_maxrss);
}

SUITE(elf_image,
	{ "a program gives frames, symbols and the code at its entry", own_parts },
	{ "a file and its bytes in memory give the same parts", same_from_memory },
	{ "without section headers the program headers lead to the same frames", without_sections },
	{ "the vDSO is an image", vdso },
	{ "the build-id is found without reading parts", build_ids },
	{ "what is not ELF, or not a file, is refused by name", not_elf },
	{ "of two loads that share a page the executable one has the address", loads },
	{ "every header field at its extremes ends in a reason", extremes_of_headers },
	{ "every word of the contents at its extremes ends in a reason", extremes_of_contents },
	{ "a file cut anywhere ends in a reason", cut_everywhere },
	{ "four lies at once end in a reason", pairs_of_lies },
	{ "lies cost less than 256 MiB", memory_stays_small },
)
