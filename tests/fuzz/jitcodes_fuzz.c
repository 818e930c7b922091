/*
 * Any codes of any processes at any times, and questions about them: bytes taken eight at a time.
 * Each question is answered within bounds, and holds from its time on.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "report/jit/jit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { STEP_BYTES = 8 };

static void add(struct jit *jit, const uint8_t *p)
{
	static const struct jit_line line[] = { { 3, 1, 1, "x" }, { 1, 2, 0, "y" } };
	struct jit_record r = {
		.kind = (enum jit_kind)(JIT_LOAD + p[0] % 4),
		.origin = (enum jit_origin)(p[0] >> 7),
		.pid = p[1] % 4,
		.time_ns = p[2],
		.since_ns = p[0] & 64 ? p[2] : p[2] / 2,
		.addr = (uint64_t)p[3] << (p[0] & 32 ? 50 : 0),
		.size = 1u + p[4],
		.old_addr = p[5],
		.name = "f",
		.line = line,
		.n_lines = p[6] % 3,
		.bytes = p,
		.n_bytes = p[6] % 9,
		.hdr_bytes = p[6] % 9 / 2,
	};

	jit_add(jit, &r);
}

static void ask(struct jit *jit, const uint8_t *p)
{
	uint64_t time_ns = p[2], until_ns, again_ns;
	uint32_t code = jit_find(jit, p[1] % 4, p[3], time_ns, &until_ns);
	struct jit_code about;
	struct jit_line line;

	if (until_ns < time_ns)
		__builtin_trap();
	if (until_ns > time_ns && jit_find(jit, p[1] % 4, p[3], until_ns - 1, &again_ns) != code)
		__builtin_trap();
	jit_code(jit, code, &about);
	if (code && p[3] - about.start >= about.size)
		__builtin_trap();
	jit_line(jit, code, p[4], &line);
	jit_image(jit, code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t n_added = n ? n * data[0] / 256 / STEP_BYTES * STEP_BYTES : 0, at = 0;
	struct jit *jit = jit_new(MACHINE_X86_64);

	for (; at + STEP_BYTES <= n_added; at += STEP_BYTES)
		add(jit, data + at);
	jit_seal(jit);
	for (; at + STEP_BYTES <= n; at += STEP_BYTES) {
		if (data[at] % 8 == 0)
			jit_fork(jit, data[at + 1] % 4, data[at + 3] % 4, data[at + 2]);
		else if (data[at] % 8 == 1)
			jit_exec(jit, data[at + 1] % 4, data[at + 2]);
		else
			ask(jit, data + at);
	}
	jit_free(jit);
	return 0;
}
