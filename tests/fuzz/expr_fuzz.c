/*
 * Any bytes as a DWARF expression. Input: 8 bytes for registers and memory, one of flags, the
 * expression.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/base/bits.h"
#include "common/format/event.h"
#include "report/unwind/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SEED_BYTES = 9, FLAG_FIRST = 1, FLAG_SOME_REGISTERS = 2 };

static bool read_any(void *ctx, uint64_t addr, unsigned int n_bytes, uint64_t *ret)
{
	if (n_bytes < 1 || n_bytes > 8)
		__builtin_trap();
	*ret = hash_u64(addr ^ *(uint64_t *)ctx);
	return addr % 7 != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct regs regs = { .mask = UINT64_MAX };
	uint64_t seed, value;

	if (n < SEED_BYTES)
		return 0;
	seed = load_le64(data);
	for (int i = 0; i < REGS_MAX; i++)
		regs.value[i] = hash_u64(seed + (uint64_t)i);
	if (data[8] & FLAG_SOME_REGISTERS)
		regs.mask = seed;
	expr_run(data + SEED_BYTES, n - SEED_BYTES, &regs, data[8] & FLAG_FIRST ? &seed : NULL,
		 read_any, &seed, &value);
	return 0;
}
