#include "common/space/mask.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "common/base/bits.h"

uint64_t window_mask_portable(const uint8_t *bytes, unsigned int n, uint64_t keep,
			      const struct range window[2])
{
	const struct range a = window[0], b = window[1];
	uint64_t mask = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t value = load_le64(bytes + (size_t)i * 8) & keep;

		mask |= ((uint64_t)in_range(&a, value) | (uint64_t)in_range(&b, value)) << i;
	}
	return mask;
}

#if defined(__x86_64__)

/* Four words at a time. AVX2 compares signed numbers only: both sides are moved by 2^63. */
__attribute__((target("avx2"))) static uint64_t mask_avx2(const uint8_t *bytes, unsigned int n,
							  uint64_t keep,
							  const struct range window[2])
{
	const uint64_t top = UINT64_C(1) << 63;
	const __m256i and = _mm256_set1_epi64x((int64_t)keep);
	const __m256i from_a = _mm256_set1_epi64x((int64_t)(window[0].start + top));
	const __m256i from_b = _mm256_set1_epi64x((int64_t)(window[1].start + top));
	const __m256i size_a = _mm256_set1_epi64x((int64_t)(window[0].size - top));
	const __m256i size_b = _mm256_set1_epi64x((int64_t)(window[1].size - top));
	uint64_t mask = 0;
	unsigned int i = 0;

	for (; i + 4 <= n; i += 4) {
		__m256i v = _mm256_and_si256(
			_mm256_loadu_si256((const void *)(bytes + (size_t)i * 8)), and);
		__m256i a = _mm256_cmpgt_epi64(size_a, _mm256_sub_epi64(v, from_a));
		__m256i b = _mm256_cmpgt_epi64(size_b, _mm256_sub_epi64(v, from_b));

		mask |= (uint64_t)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_or_si256(a, b)))
			<< i;
	}
	if (i < n)
		mask |= window_mask_portable(bytes + (size_t)i * 8, n - i, keep, window) << i;
	return mask;
}

uint64_t window_mask(const uint8_t *bytes, unsigned int n, uint64_t keep,
		     const struct range window[2])
{
	if (__builtin_cpu_supports("avx2"))
		return mask_avx2(bytes, n, keep, window);
	return window_mask_portable(bytes, n, keep, window);
}

#else

uint64_t window_mask(const uint8_t *bytes, unsigned int n, uint64_t keep,
		     const struct range window[2])
{
	return window_mask_portable(bytes, n, keep, window);
}

#endif
