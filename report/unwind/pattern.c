#include "report/unwind/pattern.h"

#include <string.h>

#include "common/base/bits.h"
#include "common/elf/image.h"
#include "report/unwind/memory.h"

enum {
	ENTRY_BYTES = 160, /* glibc's _start has 34 bytes; ld.so's _start and _dl_start_user 130 */
	PLT_ENTRY_BYTES = 16,
	INIT_BYTES_MAX = 64, /* _init has 23 to 27 bytes, _fini 9 to 13 */
};

static bool bytes_are(const struct elf_image *image, uint64_t addr, const void *want, size_t n)
{
	const uint8_t *p = elf_image_bytes(image, addr, n);

	return p && memcmp(p, want, n) == 0;
}

#define BYTES_ARE(image, addr, want) bytes_are(image, addr, want, sizeof(want) - 1)

bool pattern_is_sigreturn(const struct elf_image *image, uint64_t elf_addr)
{
	if (image->machine == MACHINE_AARCH64) /* mov x8,#139; svc #0 */
		return BYTES_ARE(image, elf_addr, "\x68\x11\x80\xd2\x01\x00\x00\xd4");
	/* mov $15,%rax; syscall, and the form with %eax */
	return BYTES_ARE(image, elf_addr, "\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05") ||
	       BYTES_ARE(image, elf_addr, "\xb8\x0f\x00\x00\x00\x0f\x05");
}

bool pattern_is_entry(const struct elf_image *image, uint64_t elf_addr)
{
	uint64_t at = image->entry;

	if (at == 0 || elf_addr - at >= ENTRY_BYTES)
		return false;
	if (image->machine == MACHINE_AARCH64) {
		if (BYTES_ARE(image, at, "\x5f\x24\x03\xd5")) /* bti c */
			at += 4;
		return BYTES_ARE(image, at, "\x1d\x00\x80\xd2") || /* mov x29,#0 */
		       BYTES_ARE(image, at, "\xe0\x03\x00\x91");   /* ld.so: mov x0,sp */
	}
	if (BYTES_ARE(image, at, "\xf3\x0f\x1e\xfa")) /* endbr64 */
		at += 4;
	return BYTES_ARE(image, at, "\x31\xed") ||     /* xor %ebp,%ebp */
	       BYTES_ARE(image, at, "\x48\x31\xed") || /* musl: xor %rbp,%rbp */
	       BYTES_ARE(image, at, "\x48\x89\xe7");   /* ld.so: mov %rsp,%rdi */
}

/* x86-64 entries are 16 bytes at addresses that are multiples of 16. */
static bool plt_x86(const struct elf_image *image, uint64_t addr, int32_t *ret_cfa_off)
{
	uint64_t entry = addr & ~(uint64_t)(PLT_ENTRY_BYTES - 1);
	unsigned int in = (unsigned int)(addr - entry);

	if (BYTES_ARE(image, entry, "\xff\x35")) { /* first entry: push GOT[1]; jmp *GOT[2] */
		*ret_cfa_off = in < 6 ? 16 : 24;
		return true;
	}
	if (BYTES_ARE(image, entry, "\xff\x25")) { /* jmp *GOT[n]; push n; jmp first */
		*ret_cfa_off = BYTES_ARE(image, entry + 6, "\x68") && in >= 11 ? 16 : 8;
		return true;
	}
	if (!BYTES_ARE(image, entry, "\xf3\x0f\x1e\xfa"))
		return false;
	if (BYTES_ARE(image, entry + 4, "\x68")) { /* endbr64; push n; jmp first */
		*ret_cfa_off = in >= 9 ? 16 : 8;
		return true;
	}
	*ret_cfa_off = 8; /* endbr64; jmp *GOT[n] */
	return BYTES_ARE(image, entry + 4, "\xff\x25") ||
	       BYTES_ARE(image, entry + 4, "\xf2\xff\x25");
}

/* adrp x16; ldr x17,[x16]; add x16; br x17: found from any of the four. */
static bool plt_a64(const struct elf_image *image, uint64_t addr)
{
	for (uint64_t back = 0; back <= 12; back += 4) {
		const uint8_t *p = elf_image_bytes(image, addr - back, 16);

		if (p && (load_le32(p) & 0x9f00001f) == 0x90000010 &&
		    (load_le32(p + 4) & 0xffc003ff) == 0xf9400211 &&
		    load_le32(p + 12) == 0xd61f0220)
			return true;
	}
	return false;
}

/*
 * _init and _fini, which crti.o has without CFI:	sub $8,%rsp; ...; add $8,%rsp; ret
 * The first page of a library's code is touched there first, so page faults make it hot.
 */
static bool init_x86(const struct elf_image *image, uint64_t addr, int32_t *ret_cfa_off)
{
	for (uint32_t i = 0; i < image->n_parts; i++) {
		const struct elf_part *p = &image->part[i];
		uint64_t in = addr - p->addr, push = 0;

		if (p->kind != ELF_PART_CODE || addr < p->addr || in >= p->size ||
		    p->size > INIT_BYTES_MAX)
			continue;
		if (BYTES_ARE(image, p->addr, "\xf3\x0f\x1e\xfa")) /* endbr64 */
			push = 4;
		if (!BYTES_ARE(image, p->addr + push, "\x48\x83\xec\x08"))
			continue;
		*ret_cfa_off = in <= push || p->data[in] == 0xc3 ? 8 : 16;
		return true;
	}
	return false;
}

bool pattern_is_stub(const struct elf_image *image, uint64_t elf_addr, int32_t *ret_cfa_off)
{
	if (image->machine == MACHINE_X86_64)
		return plt_x86(image, elf_addr, ret_cfa_off) ||
		       init_x86(image, elf_addr, ret_cfa_off);
	*ret_cfa_off = 0;
	return plt_a64(image, elf_addr);
}

bool pattern_sigreturn(enum machine machine, const struct stack_view *view, uint64_t sp,
		       struct regs *ret, uint64_t *ret_missing)
{
	/* struct sigcontext: r8..r15 rdi rsi rbp rbx rdx rax rcx rsp rip */
	static const uint8_t x86_order[] = { 8, 9, 10, 11, 12, 13, 14, 15, 5,
					     4, 6, 3,  1,  0,  2,  7,  16 };
	bool a64 = machine == MACHINE_AARCH64;
	uint32_t n = a64 ? A64_PC + 1 : N_ELEMENTS(x86_order);
	uint64_t at = sp + (a64 ? 312 : 40);
	struct regs regs = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		uint32_t reg = a64 ? i : x86_order[i];

		if (!memory_word(view, at + 8 * (uint64_t)i, &regs.value[reg])) {
			*ret_missing = at + 8 * (uint64_t)i;
			return false;
		}
		regs.mask |= (uint64_t)1 << reg;
	}
	*ret = regs;
	return true;
}
