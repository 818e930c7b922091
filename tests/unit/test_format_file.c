/*
 * Files: common/format/{file,chunk,scan,crc}.c. The promises: a cut file gives exactly its whole
 * chunks; damage is seen, named and costs at most the chunks it touches.
 *
 * DDPROF_FLIPS sets how many random damages are tried (default 1000), DDPROF_SEED where chance
 * begins.
 */
#include "common/format/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/chunk.h"
#include "common/format/crc.h"
#include "tests/unit/check.h"

/* ---- a file in memory ---- */

enum { FILE_MAX = 1 << 20, CHUNKS_MAX = 400 };

struct whole {
	uint8_t bytes[FILE_MAX];
	size_t n;
	uint32_t n_chunks;
	size_t end[CHUNKS_MAX];	  /* of each chunk in the file */
	uint64_t sum[CHUNKS_MAX]; /* of its raw bytes */
};

static int take(void *ctx, const void *bytes, size_t n)
{
	struct whole *w = ctx;

	if (w->n + n > FILE_MAX)
		return -ENOSPC;
	memcpy(w->bytes + w->n, bytes, n);
	w->n += n;
	return 0;
}

static uint64_t next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

static uint64_t sum_of(const uint8_t *bytes, size_t n)
{
	uint64_t sum = n;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	return sum;
}

/* A file of about `size` bytes in chunks of different sizes, at most raw_max before compression. */
static struct whole *whole_new(size_t size, size_t raw_max)
{
	struct whole *w = calloc(1, sizeof(*w));
	struct chunk_writer *writer = chunk_writer_new(1, take, w, NULL);
	uint8_t *raw = malloc(CHUNK_RAW_MAX);
	uint64_t random = 4711;

	REQUIRE_INT(chunk_writer_begin(writer), 0);
	while (w->n < size) {
		size_t n = next_random(&random) % raw_max;

		for (size_t i = 0; i < n; i++)
			raw[i] = (uint8_t)(next_random(&random) % 3 ? 7 : random >> 40);
		REQUIRE_INT(chunk_writer_put(writer, CHUNK_EVENTS, w->n_chunks % 3, raw, n,
					     w->n_chunks + 1, 1000 + 10 * w->n_chunks,
					     1009 + 10 * w->n_chunks),
			    0);
		w->end[w->n_chunks] = w->n;
		w->sum[w->n_chunks++] = sum_of(raw, n);
	}
	CHECK_UINT(chunk_writer_bytes(writer), w->n);
	chunk_writer_free(writer);
	free(raw);
	return w;
}

static int memory_file(const void *bytes, size_t n)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	REQUIRE_INT(io_write(fd, bytes, n, NULL), 0);
	return fd;
}

/* What a reader makes of it. */
struct reading {
	int code; /* of open */
	uint32_t n_good;
	uint32_t good[CHUNKS_MAX]; /* sequence numbers, in order */
	uint32_t n_damages;	   /* regions, and chunks that did not check */
	uint64_t damaged_bytes;
	bool altered; /* a chunk was delivered whose contents are not the original's */
};

static void read_fd(const struct whole *w, int fd, struct reading *ret)
{
	struct chunk_reader *r;
	struct chunk chunk;
	enum chunk_read read;
	uint64_t at = 0;

	memset(ret, 0, sizeof(*ret));
	ret->code = chunk_reader_open(fd, &r, NULL);
	if (ret->code < 0)
		return;
	while ((read = chunk_reader_next(r, &chunk)) != CHUNK_READ_END) {
		CHECK_TRUE(chunk.file_off >= at);
		at = chunk.file_off;
		if (read == CHUNK_READ_DAMAGE) {
			ret->n_damages++;
			ret->damaged_bytes += chunk.damage_bytes;
			CHECK_TRUE(chunk.reason[0] && chunk.damage_bytes);
		} else if (chunk_reader_load(r, &chunk, NULL) < 0) {
			ret->n_damages++;
		} else {
			const struct chunk_header *h = &chunk.header;
			uint64_t s = h->sequence;

			if (s >= w->n_chunks || sum_of(chunk.raw, h->raw_bytes) != w->sum[s] ||
			    h->n_records != s + 1 || h->first_ns != 1000 + 10 * s ||
			    h->type != CHUNK_EVENTS || h->flags != s % 3)
				ret->altered = true;
			else if (ret->n_good < CHUNKS_MAX)
				ret->good[ret->n_good++] = (uint32_t)s;
		}
	}
	chunk_reader_free(r);
}

static void read_bytes(const struct whole *w, const uint8_t *bytes, size_t n, struct reading *ret)
{
	int fd = memory_file(bytes, n);

	read_fd(w, fd, ret);
	close(fd);
}

/* ---- tests ---- */

static void checksum(void)
{
	uint8_t bytes[300];

	CHECK_UINT(crc32c("123456789", 9), 0xe3069283);
	memset(bytes, 0, 32);
	CHECK_UINT(crc32c(bytes, 32), 0x8a9136aa); /* RFC 3720, B.4 */
	memset(bytes, 0xff, 32);
	CHECK_UINT(crc32c(bytes, 32), 0x62a8ab43);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 1);
	for (size_t from = 0; from < 9; from++)
		for (size_t n = 0; n + from <= sizeof(bytes); n += 13)
			CHECK_UINT(crc32c(bytes + from, n), crc32c_portable(bytes + from, n));
}

static void whole_file(void)
{
	struct whole *w = whole_new(100000, 9000);
	struct reading r;

	read_bytes(w, w->bytes, w->n, &r);
	CHECK_INT(r.code, 0);
	CHECK_UINT(r.n_good, w->n_chunks);
	CHECK_UINT(r.n_damages, 0);
	CHECK_TRUE(!r.altered);
	free(w);
}

static void largest_chunk(void)
{
	struct whole *w = calloc(1, sizeof(*w));
	struct chunk_writer *writer = chunk_writer_new(3, take, w, NULL);
	uint8_t *raw = malloc(CHUNK_RAW_MAX);
	struct chunk_reader *r;
	struct chunk chunk;
	uint64_t random = 1;
	int fd;

	/* does not compress: the first half only, so that the file in memory holds it */
	memset(raw, 0, CHUNK_RAW_MAX);
	for (size_t i = 0; i < CHUNK_RAW_MAX / 2; i++)
		raw[i] = (uint8_t)next_random(&random);
	REQUIRE_INT(chunk_writer_begin(writer), 0);
	REQUIRE_INT(chunk_writer_put(writer, CHUNK_OBJECT, 0, raw, CHUNK_RAW_MAX, 1, 0, 0), 0);
	REQUIRE_INT(chunk_writer_put(writer, CHUNK_END, 0, raw, 0, 0, 0, 0), 0);
	fd = memory_file(w->bytes, w->n);
	REQUIRE_INT(chunk_reader_open(fd, &r, NULL), 0);
	REQUIRE_INT(chunk_reader_next(r, &chunk), CHUNK_READ_OK);
	REQUIRE_INT(chunk_reader_load(r, &chunk, NULL), 0);
	CHECK_UINT(chunk.header.raw_bytes, CHUNK_RAW_MAX);
	CHECK_MEM(chunk.raw, raw, CHUNK_RAW_MAX);
	REQUIRE_INT(chunk_reader_next(r, &chunk), CHUNK_READ_OK);
	REQUIRE_INT(chunk_reader_load(r, &chunk, NULL), 0);
	CHECK_UINT(chunk.header.raw_bytes, 0);
	chunk_reader_free(r);
	chunk_writer_free(writer);
	close(fd);
	free(raw);
	free(w);
}

/* Number of chunks that are found; `sound` looks at the contents of the last one too. */
static uint32_t count_chunks(const struct whole *w, int fd, bool sound, uint32_t *ret_n_damages)
{
	struct chunk_reader *r;
	struct chunk chunk, last = { .header.sequence = UINT64_MAX };
	enum chunk_read read;
	uint32_t n = 0;

	*ret_n_damages = 0;
	if (chunk_reader_open(fd, &r, NULL) < 0)
		return UINT32_MAX;
	while ((read = chunk_reader_next(r, &chunk)) != CHUNK_READ_END) {
		if (read == CHUNK_READ_DAMAGE) {
			++*ret_n_damages;
			continue;
		}
		REQUIRE_TRUE(chunk.header.sequence == n);
		last = chunk;
		n++;
	}
	if (n && sound &&
	    (chunk_reader_load(r, &last, NULL) < 0 ||
	     sum_of(last.raw, last.header.raw_bytes) != w->sum[n - 1]))
		n = UINT32_MAX;
	chunk_reader_free(r);
	return n;
}

static void cut_at_every_length(void)
{
	struct whole *w = whole_new(200 << 10, 80000);
	int fd = memory_file(w->bytes, w->n);
	uint32_t want = w->n_chunks;
	struct reading r;

	for (size_t n = w->n; n >= FILE_HEADER_BYTES; n--) {
		uint32_t got, n_damages;

		while (want && w->end[want - 1] > n)
			want--;
		REQUIRE_INT(ftruncate(fd, (off_t)n), 0);
		got = count_chunks(w, fd, n % 101 == 0, &n_damages);
		if (got != want ||
		    n_damages != (n != (want ? w->end[want - 1] : FILE_HEADER_BYTES)))
			CHECK_TRUE(false, "cut at %zu: %u chunks of %u, %u damages", n, got, want,
				   n_damages);
		if (n % 4999)
			continue;
		read_fd(w, fd, &r);
		if (r.n_good != want || r.altered)
			CHECK_TRUE(false, "cut at %zu: %u chunks of %u", n, r.n_good, want);
	}
	for (size_t n = FILE_HEADER_BYTES; n-- > 0;) {
		REQUIRE_INT(ftruncate(fd, (off_t)n), 0);
		read_fd(w, fd, &r);
		CHECK_INT(r.code, n ? -EBADMSG : -ENODATA);
	}
	close(fd);
	free(w);
}

static uint64_t from_environment(const char *name, uint64_t preset)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : preset;
}

/* Chunks that overlap [from, to); the file header is nobody's. */
static uint32_t touched(const struct whole *w, uint64_t from, uint64_t to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n_chunks; i++)
		n += from < w->end[i] && to > (i ? w->end[i - 1] : FILE_HEADER_BYTES);
	return n;
}

/*
 * Damages a copy: 1 to 64 bits, in one place or anywhere, or a page of zeros. Returns how many
 * chunks can suffer.
 */
static uint32_t damage(const struct whole *w, uint8_t *bytes, uint64_t *random, char *ret_what,
		       size_t what_size)
{
	uint64_t kind = next_random(random) % 4, n_bits = 1 + next_random(random) % 64, n = 0;
	uint64_t page = next_random(random) % (w->n / 4096) * 4096,
		 first = next_random(random) % w->n;
	bool hit[CHUNKS_MAX] = { false };

	if (kind == 0) {
		snprintf(ret_what, what_size, "zeros at %" PRIu64, page);
		memset(bytes + page, 0, 4096);
		return touched(w, page, page + 4096);
	}
	snprintf(ret_what, what_size, "%" PRIu64 " bits from %" PRIu64, n_bits, first);
	for (uint64_t i = 0; i < n_bits; i++) {
		uint64_t bit = kind == 1 ? next_random(random) % (w->n * 8) :
					   first * 8 + next_random(random) % 128;

		if (bit / 8 >= w->n)
			continue;
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		for (uint32_t c = 0; c < w->n_chunks; c++)
			if (touched(w, bit / 8, bit / 8 + 1) && bit / 8 < w->end[c]) {
				hit[c] = true;
				break;
			}
	}
	for (uint32_t c = 0; c < w->n_chunks; c++)
		n += hit[c];
	return (uint32_t)n;
}

static void damaged_anyhow(void)
{
	uint64_t n = from_environment("DDPROF_FLIPS", 1000),
		 seed = from_environment("DDPROF_SEED", 20240607);
	struct whole *w = whole_new(200 << 10, 9000);
	uint8_t *bytes = malloc(w->n);
	uint64_t random = seed, n_altered = 0, n_lost = 0, n_more = 0;
	struct reading r;
	char what[80];

	check_more_time(60 + (unsigned int)(n / 100));
	for (uint64_t i = 0; i < n; i++) {
		uint32_t hurt, lost;

		memcpy(bytes, w->bytes, w->n);
		hurt = damage(w, bytes, &random, what, sizeof(what));
		read_bytes(w, bytes, w->n, &r);
		lost = w->n_chunks - r.n_good;
		n_altered += r.altered;
		n_lost += lost;
		n_more += lost > hurt;
		if (r.code || r.altered || lost > hurt || (lost && !r.n_damages))
			CHECK_TRUE(false,
				   "seed %" PRIu64 ", damage %" PRIu64
				   ": %s: %u chunks lost of %u touched, %u damages",
				   seed, i, what, lost, hurt, r.n_damages);
	}
	printf("seed %" PRIu64 ": %" PRIu64 " damages, %" PRIu64 " chunks lost, %" PRIu64
	       " altered, %" PRIu64 " lost more than they touched\n",
	       seed, n, n_lost, n_altered, n_more);
	CHECK_UINT(n_altered, 0);
	CHECK_UINT(n_more, 0);
	free(bytes);
	free(w);
}

static void header_destroyed(void)
{
	struct whole *w = whole_new(200 << 10, 9000);
	struct reading r;

	memset(w->bytes, 0, 4096);
	read_bytes(w, w->bytes, w->n, &r);
	CHECK_INT(r.code, 0);
	CHECK_UINT(w->n_chunks - r.n_good, touched(w, 0, 4096));
	CHECK_UINT(r.n_damages, 1);
	free(w);
}

/* Bytes cut out or put in: at most the chunks at the edges are lost. */
static void shifted(void)
{
	struct whole *w = whole_new(100 << 10, 9000);
	uint8_t *bytes = malloc(w->n + 3000);
	struct reading r;
	size_t from = w->end[5] + 200;

	memcpy(bytes, w->bytes, from);
	memcpy(bytes + from, w->bytes + from + 1500, w->n - from - 1500);
	read_bytes(w, bytes, w->n - 1500, &r);
	CHECK_UINT(w->n_chunks - r.n_good, touched(w, from, from + 1500));
	memset(bytes + from, 0x55, 3000);
	memcpy(bytes + from + 3000, w->bytes + from, w->n - from);
	read_bytes(w, bytes, w->n + 3000, &r);
	CHECK_UINT(w->n_chunks - r.n_good, 1);
	CHECK_TRUE(!r.altered);
	free(bytes);
	free(w);
}

static void foreign_chunks(void)
{
	struct whole *a = whole_new(30000, 9000), *b = whole_new(30000, 9000);
	uint8_t *bytes = malloc(a->n + b->n);
	struct reading r;

	/*
	 * chunks of another recording in the middle, and old ones of its own behind: neither is
	 * delivered
	 */
	memcpy(bytes, a->bytes, a->end[2]);
	memcpy(bytes + a->end[2], b->bytes + b->end[0], b->end[2] - b->end[0]);
	memcpy(bytes + a->end[2] + b->end[2] - b->end[0], a->bytes + a->end[0], a->n - a->end[0]);
	read_bytes(a, bytes, a->end[2] + b->end[2] - b->end[0] + a->n - a->end[0], &r);
	CHECK_UINT(r.n_good, a->n_chunks);
	CHECK_TRUE(!r.altered && r.n_damages >= 1);
	for (uint32_t i = 0; i < r.n_good; i++)
		CHECK_UINT(r.good[i], i);
	free(bytes);
	free(a);
	free(b);
}

static int open_code(const void *bytes, size_t n, struct err *err)
{
	struct chunk_reader *r = NULL;
	int fd = memory_file(bytes, n), code = chunk_reader_open(fd, &r, err);

	chunk_reader_free(r);
	close(fd);
	return code;
}

static void not_a_recording(void)
{
	struct file_header newer = { .major = FILE_VERSION_MAJOR + 1, .minor = 7 };
	struct file_header later = { .major = FILE_VERSION_MAJOR, .minor = 99 };
	uint8_t bytes[FILE_HEADER_BYTES], zeros[70000] = { 0 };
	struct err err = { 0 };

	CHECK_INT(open_code("", 0, &err), -ENODATA);
	CHECK_INT(open_code("hello", 5, &err), -EBADMSG);
	CHECK_HAS(err.text, "not a recording");
	CHECK_INT(open_code(zeros, sizeof(zeros), &err), -EBADMSG);
	file_header_put(&newer, bytes);
	CHECK_INT(open_code(bytes, sizeof(bytes), &err), -ENOTSUP);
	CHECK_HAS(err.text, "2.7");
	file_header_put(&later, bytes);
	CHECK_INT(open_code(bytes, sizeof(bytes), &err), 0);
	/* markers without headers cost no more than time */
	for (size_t i = 0; i + 8 <= sizeof(zeros); i += 8)
		memcpy(zeros + i, chunk_marker, 8);
	CHECK_INT(open_code(zeros, sizeof(zeros), &err), -EBADMSG);
}

/* Headers with sound checksums whose fields lie. */
static void lying_headers(void)
{
	static const uint64_t lies[] = { 0, 1, 0x7fffffff, 0x80000000, 0x80000001, UINT32_MAX };
	struct whole *w = whole_new(20000, 9000);
	struct chunk_header h;
	struct reading r;
	uint64_t id;

	REQUIRE_TRUE(!chunk_header_get(w->bytes + w->end[0], &h, &id));
	for (size_t i = 0; i < N_ELEMENTS(lies); i++)
		for (unsigned int field = 0; field < 4; field++) {
			struct chunk_header lie = h;
			uint8_t *bytes = malloc(w->n);

			memcpy(bytes, w->bytes, w->n);
			if (field == 0)
				lie.raw_bytes = (uint32_t)lies[i];
			if (field == 1)
				lie.stored_bytes = (uint32_t)lies[i];
			if (field == 2)
				lie.stored_crc = (uint32_t)lies[i];
			if (field == 3)
				lie.sequence = 0; /* goes back */
			chunk_header_put(&lie, id, bytes + w->end[0]);
			read_bytes(w, bytes, w->n, &r);
			CHECK_INT(r.code, 0);
			CHECK_TRUE(!r.altered);
			CHECK_UINT(r.n_good, w->n_chunks - 1);
			free(bytes);
		}
	free(w);
}

static int fail_third(void *ctx, const void *bytes, size_t n)
{
	static unsigned int n_calls;

	return ++n_calls % 4 == 3 ? -ENOSPC : take(ctx, bytes, n);
}

/* The second of three is refused; returns the sequence number of the third. */
static uint64_t after_refused(enum chunk_type type)
{
	struct whole *w = calloc(1, sizeof(*w));
	struct chunk_writer *writer = chunk_writer_new(1, fail_third, w, NULL);
	struct chunk_reader *r;
	struct chunk chunk;
	int fd;

	CHECK_INT(chunk_writer_begin(writer), 0);
	CHECK_INT(chunk_writer_put(writer, CHUNK_EVENTS, 0, "a", 1, 1, 1, 1), 0);
	CHECK_INT(chunk_writer_put(writer, type, 0, "b", 1, 1, 1, 1), -ENOSPC);
	CHECK_INT(chunk_writer_put(writer, CHUNK_EVENTS, 0, "c", 1, 1, 1, 1), 0);
	CHECK_UINT(chunk_writer_bytes(writer), w->n);
	fd = memory_file(w->bytes, w->n);
	CHECK_INT(chunk_reader_open(fd, &r, NULL), 0);
	CHECK_INT(chunk_reader_next(r, &chunk), CHUNK_READ_OK);
	CHECK_UINT(chunk.header.sequence, 0);
	CHECK_INT(chunk_reader_next(r, &chunk), CHUNK_READ_OK);
	chunk_reader_free(r);
	chunk_writer_free(writer);
	close(fd);
	free(w);
	return chunk.header.sequence;
}

static void refused_chunk_shows(void)
{
	CHECK_UINT(after_refused(CHUNK_EVENTS), 2);
	CHECK_UINT(after_refused(CHUNK_KEYFRAME), 2);
}

static void refused_part_leaves_none(void)
{
	CHECK_UINT(after_refused(CHUNK_OBJECT), 1);
	CHECK_UINT(after_refused(CHUNK_KERNEL), 1);
	CHECK_UINT(after_refused(CHUNK_JIT), 1);
}

SUITE_WITHIN(900, format_file,
	     { "CRC32C is the one of RFC 3720, with and without the instruction", checksum },
	     { "a file comes back whole", whole_file },
	     { "the largest and the smallest chunk survive", largest_chunk },
	     { "cut at every length, a file gives exactly the whole chunks before the cut",
	       cut_at_every_length },
	     { "random damage alters nothing, is seen, and costs only the chunks it touches",
	       damaged_anyhow },
	     { "without its file header a file is still read", header_destroyed },
	     { "bytes cut out or put in cost the chunks at the edges", shifted },
	     { "chunks of another recording and chunks told before are not delivered",
	       foreign_chunks },
	     { "what is no recording, empty or newer says so", not_a_recording },
	     { "headers that lie cost one chunk", lying_headers },
	     { "a chunk that could not be written leaves a gap in the sequence",
	       refused_chunk_shows },
	     { "a part of a file or of the kernel that could not be written leaves none",
	       refused_part_leaves_none }, )
