#include "tests/check/damage.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/io.h"

enum {
	CHANGES_MAX = 8,
	HEADER_BYTES = 64,
	WIDTHS = 4, /* 1, 2, 4, 8 bytes */
	VALUES = 6, /* 0, 1, one below and the largest, both sides of the sign */
	LEBS = 2,
	EXTREMES = WIDTHS * VALUES + LEBS,
	LEB_BYTES = 10,
};

/* The largest number without a sign, and the smallest with one. */
static const uint8_t leb[LEBS][LEB_BYTES] = {
	{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 },
	{ 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f },
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

/* ---- by chance ---- */

/* Bytes of one section of debug information, so that most damage is where somebody looks. */
static void aim(const struct damage *d, uint64_t *state, size_t *ret_at, size_t *ret_n)
{
	Elf64_Ehdr eh;
	Elf64_Shdr sh;

	*ret_at = 0;
	*ret_n = d->n;
	memcpy(&eh, d->bytes, sizeof(eh));
	if (!eh.e_shnum || eh.e_shoff > d->n || below(state, 8) == 0)
		return;
	for (int tries = 0; tries < 16; tries++) {
		uint64_t off = eh.e_shoff + below(state, eh.e_shnum) * sizeof(sh);

		if (off + sizeof(sh) > d->n)
			continue;
		memcpy(&sh, d->bytes + off, sizeof(sh));
		if (sh.sh_type != SHT_NOBITS && !(sh.sh_flags & SHF_ALLOC) && sh.sh_size &&
		    sh.sh_offset < d->n && sh.sh_size <= d->n - sh.sh_offset) {
			*ret_at = sh.sh_offset;
			*ret_n = sh.sh_size;
			return;
		}
	}
}

static void change(struct damage *d, uint64_t *state)
{
	static const uint64_t extreme[] = { 0,		1,	    0x7f,	0x80,
					    0xff,	0x7fff,	    0xffff,	0x7fffffff,
					    0x80000000, 0xfffffff0, 0xffffffff, UINT64_MAX >> 1,
					    UINT64_MAX };
	size_t at, n, width = (size_t)1 << below(state, 4);
	uint64_t value;

	aim(d, state, &at, &n);
	/* headers are short: half of the damage goes to the first bytes */
	at += below(state, next(state) & 1 ? n : MIN(n, (size_t)HEADER_BYTES));
	if (at + width > d->n)
		return;
	switch (below(state, 4)) {
	case 0:
		d->work[at] = (uint8_t)next(state);
		break;
	case 1:
		d->work[at] ^= (uint8_t)(1u << below(state, 8));
		break;
	case 2:
		value = extreme[below(state, N_ELEMENTS(extreme))];
		memcpy(d->work + at, &value, width);
		break;
	default:
		n = below(state, 64);
		n = MIN(n, d->n - at);
		memmove(d->work + at, d->bytes + below(state, d->n - n), n);
	}
}

size_t damage_by_chance(struct damage *d, uint64_t seed, uint64_t number)
{
	uint64_t state = seed * 1000003 + number;
	unsigned int n_changes = 1 + (unsigned int)below(&state, CHANGES_MAX);

	memcpy(d->work, d->bytes, d->n);
	for (unsigned int i = 0; i < n_changes; i++)
		change(d, &state);
	return below(&state, 16) == 0 ? below(&state, d->n) : d->n;
}

/* ---- by extremes ---- */

static uint64_t extreme_value(unsigned int bits, unsigned int which)
{
	uint64_t max = UINT64_MAX >> (64 - bits), sign = (uint64_t)1 << (bits - 1);
	const uint64_t value[VALUES] = { 0, 1, max - 1, max, sign - 1, sign };

	return value[which];
}

size_t damage_by_extremes(struct damage *d, uint64_t number)
{
	size_t at = d->place[number / EXTREMES];
	unsigned int which = (unsigned int)(number % EXTREMES);

	memcpy(d->work, d->bytes, d->n);
	if (which < WIDTHS * VALUES) {
		size_t width = (size_t)1 << which / VALUES;
		uint64_t value = extreme_value(8 * (unsigned int)width, which % VALUES);

		memcpy(d->work + at, &value, MIN(width, d->n - at));
	} else {
		memcpy(d->work + at, leb[which - WIDTHS * VALUES], MIN(LEB_BYTES, d->n - at));
	}
	return d->n;
}

uint64_t damage_extremes(const struct damage *d)
{
	return (uint64_t)d->n_places * EXTREMES;
}

/* ---- the file ---- */

static void mark(uint8_t *is_place, size_t n_bytes, uint64_t at, uint64_t n)
{
	if (at < n_bytes)
		memset(is_place + at, 1, MIN(n, n_bytes - at));
}

/* Sections that tell something: not code, data, or text that nobody takes apart. */
static bool is_telling(const Elf64_Shdr *sh)
{
	if (sh->sh_type == SHT_NOBITS)
		return false;
	if (sh->sh_flags & SHF_ALLOC)
		return sh->sh_type == SHT_NOTE || sh->sh_type == SHT_DYNSYM;
	return sh->sh_type != SHT_STRTAB && !(sh->sh_flags & SHF_STRINGS);
}

static void places_find(struct damage *d)
{
	uint8_t *is_place = calloc(d->n, 1);
	Elf64_Ehdr eh;
	Elf64_Shdr sh;

	if (!is_place)
		exit(99);
	memcpy(&eh, d->bytes, sizeof(eh));
	mark(is_place, d->n, 0, sizeof(eh));
	mark(is_place, d->n, eh.e_phoff, (uint64_t)eh.e_phnum * sizeof(Elf64_Phdr));
	mark(is_place, d->n, eh.e_shoff, (uint64_t)eh.e_shnum * sizeof(sh));
	for (unsigned int i = 0; i < eh.e_shnum; i++) {
		uint64_t off = eh.e_shoff + i * sizeof(sh);

		if (off > d->n || sizeof(sh) > d->n - off)
			break;
		memcpy(&sh, d->bytes + off, sizeof(sh));
		if (is_telling(&sh))
			mark(is_place, d->n, sh.sh_offset, sh.sh_size);
	}
	d->place = malloc(d->n * sizeof(*d->place));
	if (!d->place)
		exit(99);
	for (size_t i = 0; i < d->n; i++)
		if (is_place[i])
			d->place[d->n_places++] = (uint32_t)i;
	free(is_place);
}

bool damage_open(struct damage *d, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool ok;

	*d = (struct damage){ 0 };
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > UINT32_MAX) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	d->n = (size_t)st.st_size;
	d->bytes = malloc(d->n + 1);
	d->work = malloc(d->n + 1);
	ok = d->n > sizeof(Elf64_Ehdr) && d->bytes && d->work &&
	     io_pread(fd, d->bytes, d->n, 0) == (ssize_t)d->n &&
	     memcmp(d->bytes, ELFMAG, SELFMAG) == 0 && d->bytes[EI_CLASS] == ELFCLASS64;
	close(fd);
	if (ok)
		places_find(d);
	else
		damage_close(d);
	return ok;
}

void damage_close(struct damage *d)
{
	free(d->bytes);
	free(d->work);
	free(d->place);
	*d = (struct damage){ 0 };
}

bool damage_addresses(const struct damage *d, uint64_t *addr, uint32_t n)
{
	uint64_t state = 7, low = UINT64_MAX, high = 0, step;
	Elf64_Ehdr eh;

	memcpy(&eh, d->bytes, sizeof(eh));
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		if (eh.e_phoff + (i + 1) * sizeof(ph) > d->n)
			return false;
		memcpy(&ph, d->bytes + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD && (ph.p_flags & PF_X)) {
			low = MIN(low, ph.p_vaddr);
			high = ph.p_vaddr + ph.p_memsz;
		}
	}
	if (low >= high)
		return false;
	step = (high - low) / n;
	for (uint32_t i = 0; i < n; i++)
		addr[i] = low + step * i + below(&state, step ? step : 1);
	return true;
}
