#include "common/format/crc.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "common/base/bits.h"

uint32_t crc32c_portable(const void *bytes, size_t n)
{
	static uint32_t table[256];
	const uint8_t *p = bytes;
	uint32_t crc = UINT32_MAX;

	if (!table[1]) {
		for (uint32_t i = 255; i > 0; i--) { /* [1] last: it says that the table is ready */
			uint32_t v = i;

			for (unsigned int bit = 0; bit < 8; bit++)
				v = v >> 1 ^ (v & 1 ? 0x82f63b78 : 0);
			table[i] = v;
		}
	}
	for (; n; p++, n--)
		crc = crc >> 8 ^ table[(crc ^ *p) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)

static bool has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) static uint32_t crc_instruction(const uint8_t *p, size_t n)
{
	uint64_t crc = UINT32_MAX;

	for (; n >= 8; p += 8, n -= 8)
		crc = _mm_crc32_u64(crc, load_le64(p));
	for (; n; p++, n--)
		crc = _mm_crc32_u8((uint32_t)crc, *p);
	return ~(uint32_t)crc;
}

#elif defined(__aarch64__)

static bool has_instruction(void)
{
	return getauxval(AT_HWCAP) & HWCAP_CRC32;
}

__attribute__((target("+crc"))) static uint32_t crc_instruction(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (; n >= 8; p += 8, n -= 8)
		crc = __crc32cd(crc, load_le64(p));
	for (; n; p++, n--)
		crc = __crc32cb(crc, *p);
	return ~crc;
}

#else

static bool has_instruction(void)
{
	return false;
}

static uint32_t crc_instruction(const uint8_t *p, size_t n)
{
	return crc32c_portable(p, n);
}

#endif

uint32_t crc32c(const void *bytes, size_t n)
{
	return has_instruction() ? crc_instruction(bytes, n) : crc32c_portable(bytes, n);
}
