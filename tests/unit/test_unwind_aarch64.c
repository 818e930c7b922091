/*
 * aarch64: a library made by the cross compiler at test time, its rows against libdw's (where
 * libdw is there), and walks with a link register, signed pointers and signal frames.
 */
#include "report/unwind/unwind.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"
#include "report/unwind/table.h"
#include "tests/unit/check.h"
#include "tests/unit/frames.h"

enum {
	PID = 9,
	STACK_WORDS = 512,
	START = 0x1000,	 /* x30 undefined */
	CALLER = 0x2000, /* from byte 4 on: CFA = sp + 32, x29 at CFA - 32, x30 at CFA - 24 */
	LEAF = 0x3000,
	WITH_FP = 0x4000, /* CFA = x29 + 16 */
	NO_CFI = 0x5000,
	SIGNED = 0x6000, /* as CALLER, with negate_ra_state and a CIE with 'B' */
};

static const uint64_t BASE = 0xaaaaaaaa0000, SP = 0xfffff0001000;

static struct {
	struct buf frames;
	struct elf_image image;
	struct spaces *spaces;
	struct unwinder *unwinder;
	uint64_t slot[STACK_WORDS];
	struct event event;
	struct frames got;
} w;

static const struct elf_image *image_of(void *ctx, uint32_t object)
{
	(void)ctx;
	(void)object;
	return &w.image;
}

static void begin_at(uint64_t base, uint64_t sp)
{
	static const uint8_t sigreturn[] = { 0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4 };
	struct event e = { .type = EVENT_SPACE, .pid = PID, .tid = PID };
	size_t cie, b_key;

	memset(&w, 0, sizeof(w));
	cie = frames_cie(&w.frames, "zR", 30, PROGRAM(DW_CFA_def_cfa, 31, 0));
	b_key = frames_cie(&w.frames, "zRB", 30, PROGRAM(DW_CFA_def_cfa, 31, 0));
	frames_fde(&w.frames, cie, START, 0x100, PROGRAM(DW_CFA_undefined, 30));
	frames_fde(&w.frames, cie, CALLER, 0x100,
		   PROGRAM(DW_CFA_advance_loc | 4, DW_CFA_def_cfa_offset, 32, DW_CFA_offset | 29, 4,
			   DW_CFA_offset | 30, 3));
	frames_fde(&w.frames, cie, LEAF, 0x100, PROGRAM(DW_CFA_nop));
	frames_fde(&w.frames, cie, WITH_FP, 0x100,
		   PROGRAM(DW_CFA_def_cfa, 29, 16, DW_CFA_offset | 29, 2, DW_CFA_offset | 30, 1));
	frames_fde(&w.frames, b_key, SIGNED, 0x100,
		   PROGRAM(DW_CFA_advance_loc | 4, DW_CFA_GNU_window_save, DW_CFA_def_cfa_offset,
			   32, DW_CFA_offset | 29, 4, DW_CFA_offset | 30, 3));
	w.image = frames_image(MACHINE_AARCH64, &w.frames);
	w.image.part[1] = (struct elf_part){
		.kind = ELF_PART_CODE, .addr = NO_CFI, .size = sizeof(sigreturn), .data = sigreturn
	};
	w.image.n_parts = 2;
	w.spaces = spaces_new(NULL);
	REQUIRE_TRUE(w.spaces != NULL);
	spaces_apply(w.spaces, &e);
	e.type = EVENT_MMAP;
	e.mmap.start = base;
	e.mmap.size = FRAMES_ADDR;
	e.mmap.path = "/bin/program";
	spaces_apply(w.spaces, &e);
	w.unwinder = unwinder_new(MACHINE_AARCH64, w.spaces, image_of, NULL);
	w.event = (struct event){ .type = EVENT_SAMPLE, .pid = PID, .tid = PID };
	w.event.sample.user = true;
	w.event.sample.stack_bytes = 8 * STACK_WORDS;
	w.event.sample.regs.mask = ((uint64_t)1 << 33) - 1;
	w.event.sample.view = (struct stack_view){ .lo = sp,
						   .hi = sp + 8 * STACK_WORDS,
						   .slot = w.slot,
						   .mask = STACK_WORDS - 1,
						   .floor = UINT64_MAX };
}

static void end(void)
{
	unwinder_free(w.unwinder);
	spaces_free(w.spaces);
	buf_done(&w.frames);
}

static void put(uint64_t addr, uint64_t value)
{
	w.slot[addr >> 3 & (STACK_WORDS - 1)] = value;
}

static void at(uint64_t pc, uint64_t sp, uint64_t fp, uint64_t lr)
{
	w.event.sample.regs.value[A64_PC] = pc;
	w.event.sample.regs.value[A64_SP] = sp;
	w.event.sample.regs.value[A64_FP] = fp;
	w.event.sample.regs.value[A64_LR] = lr;
}

static void walk(enum unwind_stop stop, const uint64_t *want)
{
	unwind_sample(w.unwinder, &w.event, &w.got);
	CHECK_STR(unwind_stop_text(w.got.stop), unwind_stop_text(stop));
	for (uint32_t i = 0; i < w.got.n || want[i]; i++) {
		uint64_t got = i < w.got.n ? unwinder_loc(w.unwinder, w.got.frame[i].loc).addr : 0;

		CHECK_TRUE(got == want[i], "frame %u: %#jx, expected %#jx", i, (uintmax_t)got,
			   (uintmax_t)want[i]);
		if (got != want[i])
			return;
	}
}

#define WALK(stop, ...) walk(stop, (const uint64_t[]){ __VA_ARGS__, 0 })

static void leaf(void)
{
	begin_at(BASE, SP);
	put(SP, SP + 0x80); /* caller's x29 */
	put(SP + 8, BASE + START + 8);
	at(BASE + LEAF, SP, 0, BASE + CALLER + 0x10);
	WALK(UNWIND_ROOT, LEAF, CALLER + 0xf, START + 7);
	end();
}

static void before_the_push(void)
{
	begin_at(BASE, SP);
	at(BASE + CALLER, SP, 0, BASE + START + 8);
	WALK(UNWIND_ROOT, CALLER, START + 7);
	end();
}

static void no_leaf_inside(void)
{
	begin_at(BASE, SP);
	at(BASE + LEAF, SP, 0,
	   BASE + LEAF + 0x10); /* a caller has made a call: it cannot be a leaf */
	WALK(UNWIND_BAD_CFI, LEAF, LEAF + 0xf);
	end();
}

static void signed_addresses(void)
{
	static const uint64_t bits[] = { 0x003b000000000000, 0x7f4a000000000000,
					 0xff5a000000000000 };

	for (size_t i = 0; i < N_ELEMENTS(bits); i++) {
		begin_at(BASE, SP);
		put(SP + 8, bits[i] | (BASE + CALLER + 0x10));
		put(SP + 32 + 8, bits[i] | (BASE + START + 8));
		at(BASE + SIGNED + 8, SP, 0, 0);
		WALK(UNWIND_ROOT, SIGNED + 8, CALLER + 0xf, START + 7);
		at(BASE + LEAF, SP + 32, 0,
		   bits[i] | (BASE + CALLER + 0x10)); /* the sampled link register */
		WALK(UNWIND_ROOT, LEAF, CALLER + 0xf, START + 7);
		end();
	}
}

static void wide_addresses(void)
{
	uint64_t base = 0x000affff00000000,
		 sp = 0x000fffffffff0000; /* 52-bit: nothing of the address is stripped */

	begin_at(base, sp);
	put(sp + 8, 0x3350000000000000 | (base + START + 8));
	at(base + CALLER + 8, sp, 0, 0);
	WALK(UNWIND_ROOT, CALLER + 8, START + 7);
	end();
}

static void frame_pointers(void)
{
	begin_at(BASE, SP);
	put(SP + 0x40, SP + 0x80);
	put(SP + 0x48, BASE + NO_CFI + 0x40);
	put(SP + 0x80, 0);
	put(SP + 0x88, BASE + START + 8);
	at(BASE + WITH_FP, SP, SP + 0x40, 0);
	WALK(UNWIND_ROOT, WITH_FP, NO_CFI + 0x3f, START + 7);
	CHECK_INT(w.got.frame[2].method, UNWIND_BY_FRAME_POINTER);
	end();
}

/* The kernel's frame: siginfo, ucontext, and in it x0..x30, sp, pc from sp + 312 on. */
static void signal_frame(void)
{
	begin_at(BASE, SP);
	put(SP + 312 + 8 * 29, SP + 0x800);
	put(SP + 312 + 8 * 30, BASE + START + 8); /* the interrupted leaf's link register */
	put(SP + 312 + 8 * 31, SP + 0x800);
	put(SP + 312 + 8 * 32, BASE + LEAF);
	at(BASE + LEAF + 4, SP, 0, BASE + NO_CFI); /* the handler returns to the trampoline */
	WALK(UNWIND_ROOT, LEAF + 4, NO_CFI, LEAF, START + 7);
	CHECK_INT(w.got.frame[2].method, UNWIND_BY_PATTERN);
	end();
}

/* ---- rows of what the cross compiler makes ---- */

static const char source[] =
	"extern int other(int, void *);\n"
	"int leaf(int x) { return x * 3; }\n"
	"int caller(int x) { return other(x, &x) + 1; }\n"
	"int big(int n) { char a[70000]; return other(n, a) + leaf(n); }\n"
	"int grows(int n) { char a[n]; return other(n, a); }\n"
	"double floats(double a) { double b[9]; other(1, b); return a * b[0]; }\n";

/* -1: no cross compiler. */
static int build_library(const char *options)
{
	char dir[] = "/tmp/ddprof-a64-XXXXXX", path[64], out[64], command[256];
	FILE *f;
	int fd;

	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/a.c", dir);
	snprintf(out, sizeof(out), "%s/a.so", dir);
	f = fopen(path, "we");
	fputs(source, f);
	fclose(f);
	snprintf(command, sizeof(command),
		 "aarch64-linux-gnu-gcc -shared -fPIC -nostdlib %s -o %s %s 2>/dev/null", options,
		 out, path);
	fd = system(command) == 0 ? open(out, O_RDONLY | O_CLOEXEC) : -1;
	unlink(out);
	unlink(path);
	rmdir(dir);
	return fd;
}

struct seen {
	struct table *table;
	uint32_t n_rows, n_in_lr, n_saved;
};

static void look_at_fde(void *ctx, uint64_t begin, uint64_t end)
{
	struct seen *seen = ctx;
	struct table_row row;

	for (uint64_t addr = begin; addr < end; addr = row.end) {
		const struct table_rule *r = table_find(seen->table, addr);
		const struct cfi_rule *lr, *fp;

		if (!table_row(seen->table, addr, &row)) {
			CHECK_TRUE(false, "no row at %#jx", (uintmax_t)addr);
			return;
		}
		lr = &row.state.rule[A64_LR];
		fp = &row.state.rule[A64_FP];
		seen->n_rows++;
		CHECK_UINT(row.cie.ra, A64_LR);
		if (r->kind == TABLE_EXACT)
			continue;
		CHECK_INT(r->cfa_off, row.state.cfa_off);
		CHECK_INT(r->kind, row.state.cfa_reg == A64_FP ? TABLE_FP : TABLE_SP);
		CHECK_INT(!!(r->flags & TABLE_RA_IN_LR), lr->how != CFI_OFFSET);
		CHECK_INT(!!(r->flags & TABLE_FP_SAVED), fp->how == CFI_OFFSET);
		if (lr->how == CFI_OFFSET)
			CHECK_INT(r->ra_off, lr->off);
		seen->n_in_lr += lr->how != CFI_OFFSET;
		seen->n_saved += lr->how == CFI_OFFSET;
	}
}

static void cross_built(void)
{
	static const char *const options[] = { "-O0", "-O2", "-Os -fomit-frame-pointer",
					       "-O2 -mbranch-protection=standard",
					       "-O2 -fno-asynchronous-unwind-tables -g" };

	for (size_t i = 0; i < N_ELEMENTS(options); i++) {
		int fd = build_library(options[i]);
		struct seen seen = { 0 };
		struct elf_image image;
		struct err err;

		if (fd < 0)
			check_skip("no aarch64-linux-gnu-gcc here (Debian: gcc-aarch64-linux-gnu)");
		REQUIRE_TRUE(elf_image_read(fd, ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS, &image, &err) ==
			     0);
		CHECK_INT(image.machine, MACHINE_AARCH64);
		seen.table = table_new(&image, &err);
		REQUIRE_TRUE(seen.table != NULL, "%s: %s", options[i], err.text);
		CHECK_INT(table_counts(seen.table).n_fdes, 5);
		table_each_fde(seen.table, look_at_fde, &seen);
		CHECK_TRUE(seen.n_rows >= 12, "%s: %u rows", options[i], seen.n_rows);
		CHECK_TRUE(seen.n_in_lr >= 5 && seen.n_saved >= 4, "%s", options[i]);
		table_free(seen.table);
		elf_image_done(&image);
		close(fd);
	}
}

SUITE(unwind_aarch64,
	{ "a leaf returns to its link register", leaf },
	{ "before the push the return address is in the link register", before_the_push },
	{ "a caller cannot be a leaf", no_leaf_inside },
	{ "signatures are stripped from return addresses and the link register", signed_addresses },
	{ "52-bit addresses lose no bits", wide_addresses },
	{ "frame records are walked where there is no CFI", frame_pointers },
	{ "the vDSO's trampoline, which has no CFI, is known by its bytes", signal_frame },
	{ "rows of cross-built objects are compiled", cross_built },
)
