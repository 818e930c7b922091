/*
 * Damaged debug information of every kind against the DWARF engine:	mutate COUNT FILE...
 * Each copy of a file has 1 to 8 places changed: bytes, extremes of each width, runs moved from
 * elsewhere, the file cut. The engine answers addresses all over the code, in a child of its own
 * for each batch. MAIN+FILE: FILE is damaged and given to the sound MAIN as whatever further file
 * (.dwo, .dwp, dwz) it asks for. Prints what crashed or was slow as "FILE: number N", which
 * `mutate -N FILE` does again alone. DDPROF_SEED (a number, default 1) gives other damage. Exit
 * status 1: something did.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "report/dwarf/dwarf.h"
#include "report/symbol/answer.h"

enum {
	BATCH = 100,
	ADDRESSES = 200,
	CHANGES_MAX = 8,
	HEADER_BYTES = 64,
	SLOW_MS = 2000,
	MEMORY_MB = 256,
};

struct subject {
	const char *path;
	int main_fd; /* of MAIN+FILE; -1: the damaged file is itself the one asked */
	int fd;	     /* the damaged bytes; -1: none at the moment */
	uint8_t *bytes, *work;
	size_t n;
	uint64_t addr[ADDRESSES];
	uint64_t *n_named; /* addresses with a function, of all children */
};

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t below(uint64_t *state, uint64_t n)
{
	return n ? next(state) % n : 0;
}

/* Bytes of one section of debug information, so that most damage is where somebody looks. */
static void aim(const struct subject *s, uint64_t *state, size_t *ret_at, size_t *ret_n)
{
	Elf64_Ehdr eh;
	Elf64_Shdr sh;

	*ret_at = 0;
	*ret_n = s->n;
	memcpy(&eh, s->bytes, sizeof(eh));
	if (!eh.e_shnum || eh.e_shoff > s->n || below(state, 8) == 0)
		return;
	for (int tries = 0; tries < 16; tries++) {
		uint64_t off = eh.e_shoff + below(state, eh.e_shnum) * sizeof(sh);

		if (off + sizeof(sh) > s->n)
			continue;
		memcpy(&sh, s->bytes + off, sizeof(sh));
		if (sh.sh_type != SHT_NOBITS && !(sh.sh_flags & SHF_ALLOC) && sh.sh_size &&
		    sh.sh_offset < s->n && sh.sh_size <= s->n - sh.sh_offset) {
			*ret_at = sh.sh_offset;
			*ret_n = sh.sh_size;
			return;
		}
	}
}

static void change(struct subject *s, uint64_t *state)
{
	static const uint64_t extreme[] = { 0,		1,	    0x7f,	0x80,
					    0xff,	0x7fff,	    0xffff,	0x7fffffff,
					    0x80000000, 0xfffffff0, 0xffffffff, UINT64_MAX >> 1,
					    UINT64_MAX };
	size_t at, n, width = (size_t)1 << below(state, 4);
	uint64_t value;

	aim(s, state, &at, &n);
	/* headers are short: half of the damage goes to the first bytes */
	at += below(state, next(state) & 1 ? n : MIN(n, (size_t)HEADER_BYTES));
	if (at + width > s->n)
		return;
	switch (below(state, 4)) {
	case 0:
		s->work[at] = (uint8_t)next(state);
		break;
	case 1:
		s->work[at] ^= (uint8_t)(1u << below(state, 8));
		break;
	case 2:
		value = extreme[below(state, N_ELEMENTS(extreme))];
		memcpy(s->work + at, &value, width);
		break;
	default:
		n = below(state, 64);
		n = MIN(n, s->n - at);
		memmove(s->work + at, s->bytes + below(state, s->n - n), n);
	}
}

static int memory_of(const void *bytes, size_t n)
{
	int fd = memfd_create("mutated", MFD_CLOEXEC);

	if (fd < 0 || io_write(fd, bytes, n, NULL) < 0) {
		perror("mutate: memfd");
		exit(99);
	}
	return fd;
}

/* Whatever MAIN asks for is the damaged file. */
static int supply(void *ctx, const struct dwarf_want *want)
{
	const struct subject *s = ctx;

	(void)want;
	return s->main_fd < 0 ? -ENOENT : fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
}

static void answer(struct subject *s, size_t n)
{
	struct dwarf_input in = {
		.name = s->path, .supply = supply, .supply_ctx = s, .n_threads = 1
	};
	struct answers_builder *out = answers_builder_new();
	struct answers answers;
	struct err err = { 0 };
	struct dwarf *d;
	struct buf bytes;

	s->fd = memory_of(s->work, n);
	in.fd = s->main_fd < 0 ? s->fd : s->main_fd;
	if (dwarf_open(&in, &d, &err) == 0) {
		dwarf_answer(d, s->addr, ADDRESSES, out, &err);
		*s->n_named += dwarf_stats(d)->n_functions;
		dwarf_close(d);
	}
	close(s->fd);
	buf_init(&bytes);
	answers_finish(out, &bytes);
	if (answers_open(bytes.data, bytes.n, &answers, &err) < 0) {
		fprintf(stderr, "mutate: answers do not open: %s\n", err.text);
		abort();
	}
	buf_done(&bytes);
	answers_builder_free(out);
}

static bool one(struct subject *s, uint64_t seed, uint64_t number)
{
	uint64_t state = seed * 1000003 + number, began;
	unsigned int n_changes = 1 + (unsigned int)below(&state, CHANGES_MAX);
	size_t n = s->n;

	memcpy(s->work, s->bytes, s->n);
	for (unsigned int i = 0; i < n_changes; i++)
		change(s, &state);
	if (below(&state, 16) == 0)
		n = below(&state, n);
	began = io_monotonic_ns();
	answer(s, n);
	began = (io_monotonic_ns() - began) / 1000000;
	if (began > SLOW_MS)
		printf("%s: number %" PRIu64 ": took %" PRIu64 " ms\n", s->path, number, began);
	return began <= SLOW_MS;
}

/* In a child: how far it came stands in *at. */
static int batch(struct subject *s, uint64_t seed, uint64_t from, uint64_t to, uint64_t *at)
{
	bool ok = true;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (*at = from; *at < to; (*at)++)
			ok &= one(s, seed, *at);
		fflush(stdout);
		_exit(!ok);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		exit(99);
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		return WEXITSTATUS(status);
	printf("%s: number %" PRIu64 ": status 0x%x\n", s->path, *at, status);
	return 2;
}

/* Addresses all over the executable segments. */
static bool choose_addresses(struct subject *s, const uint8_t *bytes, size_t n)
{
	uint64_t state = 7, low = UINT64_MAX, high = 0;
	Elf64_Ehdr eh;

	if (n < sizeof(eh))
		return false;
	memcpy(&eh, bytes, sizeof(eh));
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		if (eh.e_phoff + (i + 1) * sizeof(ph) > n)
			return false;
		memcpy(&ph, bytes + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD && (ph.p_flags & PF_X)) {
			low = MIN(low, ph.p_vaddr);
			high = ph.p_vaddr + ph.p_memsz;
		}
	}
	for (int i = 0; low < high && i < ADDRESSES; i++) {
		uint64_t step = (high - low) / ADDRESSES;

		s->addr[i] = low + step * (uint64_t)i + below(&state, step ? step : 1);
	}
	return low < high;
}

/* The whole file; owner: caller. NULL: not to be had. */
static uint8_t *read_whole(int fd, size_t *ret_n)
{
	struct stat st;
	uint8_t *bytes;

	if (fd < 0 || fstat(fd, &st) < 0 || (size_t)st.st_size < sizeof(Elf64_Ehdr))
		return NULL;
	*ret_n = (size_t)st.st_size;
	bytes = malloc(*ret_n);
	if (bytes && io_pread(fd, bytes, *ret_n, 0) == (ssize_t)*ret_n)
		return bytes;
	free(bytes);
	return NULL;
}

static bool subject_open(struct subject *s, char *path)
{
	char *plus = strchr(path, '+');
	uint8_t *main_bytes = NULL;
	size_t n_main = 0;
	int fd;

	*s = (struct subject){ .path = path, .main_fd = -1 };
	if (plus) {
		*plus = 0;
		s->main_fd = open(path, O_RDONLY | O_CLOEXEC);
		*plus = '+';
		main_bytes = read_whole(s->main_fd, &n_main);
	}
	fd = open(plus ? plus + 1 : path, O_RDONLY | O_CLOEXEC);
	s->bytes = read_whole(fd, &s->n);
	if (fd >= 0)
		close(fd);
	s->work = malloc(s->n + 1);
	if (!s->bytes || !s->work || (plus && !main_bytes) ||
	    !choose_addresses(s, plus ? main_bytes : s->bytes, plus ? n_main : s->n))
		return false;
	free(main_bytes);
	return true;
}

int main(int argc, char **argv)
{
	const char *text = getenv("DDPROF_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1, *at;
	long count = argc > 2 ? strtol(argv[1], NULL, 0) : 0;
	uint64_t n_bad = 0, n = 0;

	if (argc < 3)
		return 2;
	at = mmap(NULL, 2 * sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 2; i < argc; i++) {
		struct subject s;

		if (at == MAP_FAILED || !subject_open(&s, argv[i])) {
			fprintf(stderr, "mutate: cannot use %s\n", argv[i]);
			return 99;
		}
		s.n_named = at + 1;
		if (count <= 0)
			return !one(&s, seed, (uint64_t)-count);
		for (uint64_t from = 0; from < (uint64_t)count;) {
			uint64_t to = MIN(from + BATCH, (uint64_t)count);
			int rc = batch(&s, seed, from, to, at);

			n_bad += rc != 0;
			n += (rc == 2 ? *at + 1 : to) - from;
			from = rc == 2 ? *at + 1 : to;
		}
		if (s.main_fd >= 0)
			close(s.main_fd);
		free(s.bytes);
		free(s.work);
	}
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	printf("%" PRIu64 " damaged files, %" PRIu64 " addresses named all the same, %" PRIu64
	       " crashes or slow batches, at most %ld MB\n",
	       n, at[1], n_bad, usage.ru_maxrss / 1024);
	return n_bad > 0;
}
