/*
 * Makes code at run time, again and again at the same addresses, and tells of it in a jitdump or a
 * perf map. A function of each name is called by a native one of the same number only, so every
 * stack says by itself whether its name is right. Prints the CPU time of each.
 *
 *	jitted dump|map|foreign|frameless|none ROUNDS MILLISECONDS [DIRECTORY]
 *
 * frameless: code without a frame pointer, and a jitdump that says how to unwind it (x86-64).
 * foreign: a jitdump with times of another clock. In a map no address is used twice: it has no
 * times. Every fourth round of a dump moves its function and runs it at both places.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth.h"

enum { N_NAMES = 8, REGION_BYTES = 1 << 20, MOVED_AT = REGION_BYTES / 2, CODE_BYTES = 256 };

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64, STEPS = 200000 };
/* push rbp; mov rbp,rsp; mov rax,rdi; 1: dec rax; jnz 1b; pop rbp; ret */
static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xf8,
				      0x48, 0xff, 0xc8, 0x75, 0xfb, 0x5d, 0xc3 };
static const unsigned char nop[] = { 0x90 };
/* sub rsp,24; mov rax,rdi; 1: dec rax; jnz 1b; add rsp,24; ret */
static const unsigned char frameless[] = { 0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0xf8, 0x48, 0xff,
					   0xc8, 0x75, 0xfb, 0x48, 0x83, 0xc4, 0x18, 0xc3 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64, STEPS = 200000 };
/* stp x29,x30,[sp,#-16]!; mov x29,sp; 1: subs x0,x0,#1; b.ne 1b; ldp x29,x30,[sp],#16; ret */
static const unsigned int code[] = { 0xa9bf7bfd, 0x910003fd, 0xf1000400,
				     0x54ffffe1, 0xa8c17bfd, 0xd65f03c0 };
static const unsigned int nop[] = { 0xd503201f };
#define frameless code
#endif

static unsigned char *region;
static FILE *out;
static int is_map, is_foreign, is_frameless, is_silent;
static uint64_t n_codes;

static uint64_t stamp(void)
{
	struct timespec t;

	clock_gettime(is_foreign ? CLOCK_REALTIME : CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void put(const void *bytes, size_t n)
{
	fwrite(bytes, 1, n, out);
}

static void put_prefix(uint32_t id, size_t n)
{
	uint32_t head[2] = { id, (uint32_t)(16 + n) };
	uint64_t time = stamp();

	put(head, sizeof(head));
	put(&time, sizeof(time));
}

static void put_ids(void)
{
	uint32_t ids[2] = { (uint32_t)getpid(), (uint32_t)getpid() };

	put(ids, sizeof(ids));
}

static void open_out(const char *directory)
{
	uint32_t head[6] = { 0x4a695444, 1, 40, MACHINE, 0, (uint32_t)getpid() };
	uint64_t time = stamp(), flags = 0;
	char path[4096];

	if (is_silent)
		return;
	snprintf(path, sizeof(path), is_map ? "%s/perf-%d.map" : "%s/jit-%d.dump", directory,
		 (int)getpid());
	out = fopen(path, "w+");
	if (!out)
		exit(3);
	if (is_map)
		return;
	put(head, sizeof(head));
	put(&time, sizeof(time));
	put(&flags, sizeof(flags));
	fflush(out);
	/* the mapping that tells where the file is */
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(out), 0) == MAP_FAILED)
		exit(4);
}

static void tell_lines(const unsigned char *at, int k)
{
	struct {
		uint64_t addr;
		uint32_t line, column;
	} entry = { (uintptr_t)at, 100 + k, 7 };
	uint64_t head[2] = { (uintptr_t)at, 1 };

	put_prefix(2, sizeof(head) + sizeof(entry) + sizeof("made.lang"));
	put(head, sizeof(head));
	put(&entry, sizeof(entry));
	put("made.lang", sizeof("made.lang"));
}

/* .eh_frame as if it lay behind the code: CIE, then an FDE that knows of `sub rsp,24`. */
static void tell_unwind(const unsigned char *at, size_t n, size_t n_nops)
{
	unsigned char frame[48] = {
		20,   0,   0, 0,    0,	  0,  0, 0,    1,
		'z',  'R', 0, 1,    0x78, 16, 1, 0x1b, /* pc-relative */
		0x0c, 7,   8, 0x90, 1,	  0,  0,       /* CFA = rsp + 8, return address below it */
		20,   0,   0, 0,    28,	  0,  0, 0,
	};
	uint64_t place = ((uintptr_t)at + n + 7) / 8 * 8 + 32;
	int32_t begin = (int32_t)((uintptr_t)at - place), size = (int32_t)n;
	uint64_t head[3] = { sizeof(frame), 0, sizeof(frame) };

	memcpy(frame + 32, &begin, 4);
	memcpy(frame + 36, &size, 4);
	frame[41] = 0x40 | (unsigned char)(n_nops + 4); /* behind the sub */
	frame[42] = 0x0e;
	frame[43] = 32;
	frame[44] = 0x40 | 12; /* behind the add */
	frame[45] = 0x0e;
	frame[46] = 8;
	put_prefix(4, sizeof(head) + sizeof(frame));
	put(head, sizeof(head));
	put(frame, sizeof(frame));
}

static void tell_load(const unsigned char *at, size_t n, int k)
{
	uint64_t body[4] = { (uintptr_t)at, (uintptr_t)at, n, n_codes };
	char name[16];

	snprintf(name, sizeof(name), "made_%d", k);
	if (is_silent)
		return;
	if (is_map) {
		fprintf(out, "%lx %zx %s\n", (unsigned long)at, n, name);
		fflush(out);
		return;
	}
	tell_lines(at, k);
	if (is_frameless)
		tell_unwind(at, n, 4u * (unsigned int)(k + 1));
	put_prefix(0, 8 + sizeof(body) + strlen(name) + 1 + n);
	put_ids();
	put(body, sizeof(body));
	put(name, strlen(name) + 1);
	put(at, n);
	fflush(out);
}

static void tell_move(const unsigned char *from, const unsigned char *to, size_t n)
{
	uint64_t body[5] = { (uintptr_t)to, (uintptr_t)from, (uintptr_t)to, n, n_codes };

	put_prefix(1, 8 + sizeof(body));
	put_ids();
	put(body, sizeof(body));
	fflush(out);
}

static unsigned char *make(int k)
{
	unsigned char *at = region + (is_map ? n_codes * CODE_BYTES : (size_t)(k % 3) * 16);
	unsigned char *end = at;

	n_codes++;
	for (int i = 0; i < 4 * (k + 1); i++, end += sizeof(nop))
		memcpy(end, nop, sizeof(nop));
	memcpy(end, is_frameless ? frameless : code,
	       is_frameless ? sizeof(frameless) : sizeof(code));
	end += is_frameless ? sizeof(frameless) : sizeof(code);
	__builtin___clear_cache((char *)at, (char *)end);
	tell_load(at, (size_t)(end - at), k);
	return at;
}

static uint64_t used[N_NAMES];

static inline __attribute__((always_inline)) void run(int k, unsigned char *at, uint64_t ns)
{
	uint64_t start = truth_cpu_ns(), now;

	do {
		((void (*)(long))(void *)at)(STEPS);
		now = truth_cpu_ns();
	} while (now - start < ns);
	used[k] += now - start;
}

#define CALLER(k)                                                       \
	NOINLINE static void native_##k(unsigned char *at, uint64_t ns) \
	{                                                               \
		run(k, at, ns);                                         \
		NOT_A_TAIL_CALL;                                        \
	}
CALLER(0)
CALLER(1)
CALLER(2) CALLER(3) CALLER(4) CALLER(5) CALLER(6) CALLER(7)

	static void (*const native[N_NAMES])(unsigned char *, uint64_t) = {
		native_0, native_1, native_2, native_3, native_4, native_5, native_6, native_7,
	};

int main(int argc, char **argv)
{
	int rounds = argc > 3 ? atoi(argv[2]) : 0;
	uint64_t ns = argc > 3 ? strtoull(argv[3], NULL, 10) * MS_NS : 0, all = 0;

	if (!rounds)
		return 2;
	is_map = !strcmp(argv[1], "map");
	is_foreign = !strcmp(argv[1], "foreign");
	is_frameless = !strcmp(argv[1], "frameless");
	is_silent = !strcmp(argv[1], "none");
	region = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (region == MAP_FAILED)
		return 5;
	open_out(argc > 4 ? argv[4] : ".");
	for (int i = 0; i < rounds; i++) {
		int k = i % N_NAMES;
		unsigned char *at = make(k);

		native[k](at, ns * (k + 1) / N_NAMES);
		if (i % 4 || is_map || is_silent)
			continue;
		memcpy(region + MOVED_AT, at, CODE_BYTES);
		__builtin___clear_cache((char *)region + MOVED_AT,
					(char *)region + MOVED_AT + CODE_BYTES);
		tell_move(at, region + MOVED_AT, CODE_BYTES);
		native[k](region + MOVED_AT, ns);
	}
	for (int k = 0; k < N_NAMES; k++)
		all += used[k];
	for (int k = 0; k < N_NAMES; k++)
		printf("share made_%d %.4f\n", k, (double)used[k] / (double)all);
	printf("pid %d\n", (int)getpid());
	return 0;
}
