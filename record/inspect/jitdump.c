/*
 * A record may be cut because its writer is still at it: it is read when it is whole. Call frame
 * information says whose it is only by standing before a code's own record: both are put together.
 */
#include "record/inspect/jitdump.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"

enum {
	MAGIC = 0x4a695444, /* "DTiJ" in the file */
	MAGIC_SWAPPED = 0x4454694a,
	VERSION = 1,
	FLAG_ARCH_TIMESTAMP = 1,
	HEADER_BYTES_MAX = 4096,
	PREFIX_BYTES = 16,
	RECORD_BYTES_MAX = 1 << 30,
	PENDING_BYTES_MAX = 16 << 20, /* between call frame information and its code */
};

enum record_id { CODE_LOAD, CODE_MOVE, CODE_DEBUG_INFO, CODE_CLOSE, CODE_UNWINDING_INFO };
enum { LOAD_BYTES = 40, MOVE_BYTES = 48, DEBUG_BYTES = 16, ENTRY_BYTES = 16, UNWINDING_BYTES = 24 };

/* Times a little ahead of ours are of another CPU's clock; a second is another clock. */
static const uint64_t ahead_ns = 1000000000;

struct record {
	const struct jitdump_source *source;
	uint64_t off, end; /* of the body */
	uint32_t id;
	uint64_t stamp_ns;
};

struct reading {
	struct jitdump *d;
	uint32_t pid;
	uint64_t since_ns, now_ns;
	struct record unwind; /* waits for its code; end 0: none */
	jit_got *put;
	void *ctx;
	struct jit_line line[JIT_LINES_MAX];
	char text[JIT_LINES_MAX / 16][JIT_TEXT_MAX + 1]; /* files of the lines at hand */
	char name[JIT_TEXT_MAX + 1];
};

static int our_machine(void)
{
#ifdef __aarch64__
	return EM_AARCH64;
#else
	return EM_X86_64;
#endif
}

int jitdump_open(struct jitdump *d, const struct jitdump_source *source, struct err *err)
{
	const uint8_t *p = source->size >= JITDUMP_HEADER_BYTES ?
				   source->peek(source->ctx, 0, JITDUMP_HEADER_BYTES) :
				   NULL;
	uint32_t size;

	if (!p)
		return 0;
	if (load_le32(p) == MAGIC_SWAPPED)
		return err_set(err, -ENOTSUP, "written in the other byte order");
	if (load_le32(p) != MAGIC)
		return err_set(err, -EBADMSG, "begins with %08x, expected %08x", load_le32(p),
			       MAGIC);
	if (load_le32(p + 4) != VERSION)
		return err_set(err, -ENOTSUP, "version %u, expected %u", load_le32(p + 4), VERSION);
	size = load_le32(p + 8);
	if (size < JITDUMP_HEADER_BYTES || size > HEADER_BYTES_MAX)
		return err_set(err, -EBADMSG, "header claims %u bytes, expected %u to %u", size,
			       JITDUMP_HEADER_BYTES, HEADER_BYTES_MAX);
	if (load_le32(p + 12) != (uint32_t)our_machine())
		return err_set(err, -ENOTSUP, "code for ELF machine %u, expected %d",
			       load_le32(p + 12), our_machine());
	d->pid = load_le32(p + 20);
	d->header_ns = load_le64(p + 24);
	d->untimed = load_le64(p + 32) & FLAG_ARCH_TIMESTAMP;
	return (int)size;
}

static const uint8_t *peek(const struct record *r, uint64_t off, size_t n)
{
	if (off < r->off || n > JITDUMP_PEEK_MAX || r->end - off < n || off > r->end)
		return NULL;
	return r->source->peek(r->source->ctx, off, n);
}

/* A text with its zero within the record, copied; false: there is none, or it is too long. */
static bool peek_text(const struct record *r, uint64_t off, char text[JIT_TEXT_MAX + 1],
		      uint64_t *ret_end)
{
	size_t n = off < r->end ? MIN(r->end - off, (uint64_t)JIT_TEXT_MAX + 1) : 0;
	const uint8_t *p = n ? peek(r, off, n) : NULL;
	const uint8_t *zero = p ? memchr(p, 0, n) : NULL;

	if (!zero)
		return false;
	memcpy(text, p, (size_t)(zero - p) + 1);
	*ret_end = off + (uint64_t)(zero - p) + 1;
	return true;
}

/* ---- what the records say ---- */

static bool is_ours(struct reading *g, uint32_t pid)
{
	g->d->counts.n_other += pid != g->d->pid;
	return pid == g->d->pid;
}

static void set_times(struct reading *g, const struct record *r, struct jit_record *to)
{
	uint64_t stamp_ns = r->stamp_ns - (uint64_t)g->d->ahead_ns;
	bool believed =
		!g->d->untimed && stamp_ns >= g->d->start_ns && stamp_ns <= g->now_ns + ahead_ns;

	g->d->counts.n_untimed += !believed;
	to->time_ns = believed ? stamp_ns : g->now_ns;
	to->since_ns = believed ? stamp_ns : MIN(g->since_ns, g->now_ns);
}

static bool is_sound(const struct jit_record *r)
{
	uint64_t end;

	return r->size && r->size <= JIT_CODE_BYTES_MAX &&
	       !__builtin_add_overflow(r->addr, r->size, &end);
}

static int put_unwind(struct reading *g, uint64_t addr)
{
	struct record *r = &g->unwind;
	struct jit_record to = { .kind = JIT_UNWIND, .pid = g->pid, .addr = addr };
	const uint8_t *p = peek(r, r->off, UNWINDING_BYTES);
	uint64_t n = p ? load_le64(p) : 0, hdr_bytes = p ? load_le64(p + 8) : 0;

	if (!n)
		return 0;
	if (n > JIT_UNWIND_BYTES_MAX) {
		g->d->counts.n_cut++;
		return 0;
	}
	p = hdr_bytes <= n ? peek(r, r->off + UNWINDING_BYTES, n) : NULL;
	if (!p) {
		g->d->counts.n_odd++;
		return 0;
	}
	to.bytes = p;
	to.n_bytes = (uint32_t)n;
	to.hdr_bytes = (uint32_t)hdr_bytes;
	return g->put(g->ctx, &to);
}

static int read_load(struct reading *g, const struct record *r)
{
	struct jit_record to = { .kind = JIT_LOAD, .origin = JIT_FROM_JITDUMP, .pid = g->pid };
	const uint8_t *p = peek(r, r->off, LOAD_BYTES);
	uint64_t end;
	int status = 0;

	if (p && !is_ours(g, load_le32(p)))
		return 0;
	if (p) {
		to.addr = load_le64(p + 16);
		to.size = load_le64(p + 24);
		to.index = load_le64(p + 32);
	}
	if (!p || !is_sound(&to) || !peek_text(r, r->off + LOAD_BYTES, g->name, &end)) {
		g->d->counts.n_odd++;
		return 0;
	}
	to.name = g->name;
	set_times(g, r, &to);
	if (g->unwind.end)
		status = put_unwind(g, to.addr);
	if (status == 0)
		status = g->put(g->ctx, &to);
	g->d->counts.n_codes += status == 0;
	return status;
}

static int read_move(struct reading *g, const struct record *r)
{
	struct jit_record to = { .kind = JIT_MOVE, .origin = JIT_FROM_JITDUMP, .pid = g->pid };
	const uint8_t *p = peek(r, r->off, MOVE_BYTES);

	if (p && !is_ours(g, load_le32(p)))
		return 0;
	if (p) {
		to.old_addr = load_le64(p + 16);
		to.addr = load_le64(p + 24);
		to.size = load_le64(p + 32);
		to.index = load_le64(p + 40);
	}
	if (!p || !is_sound(&to)) {
		g->d->counts.n_odd++;
		return 0;
	}
	set_times(g, r, &to);
	return g->put(g->ctx, &to);
}

static int put_lines(struct reading *g, uint64_t addr, uint32_t n)
{
	struct jit_record to = {
		.kind = JIT_LINES, .pid = g->pid, .addr = addr, .line = g->line, .n_lines = n
	};

	return n ? g->put(g->ctx, &to) : 0;
}

/*
 * An entry's file "\xff" is that of the entry before. When the texts at hand are used up, what
 * there is goes out as one record and the rest follows in the next.
 */
static int read_debug_info(struct reading *g, const struct record *r)
{
	enum { TEXTS = JIT_LINES_MAX / 16 };
	const uint8_t *p = peek(r, r->off, DEBUG_BYTES);
	uint64_t addr = p ? load_le64(p) : 0, n = p ? load_le64(p + 8) : 0;
	uint64_t at = r->off + DEBUG_BYTES;
	uint32_t n_lines = 0, n_texts = 0;
	int status;

	g->text[0][0] = 0;
	for (uint64_t i = 0; i < n; i++) {
		char *file = g->text[n_texts + 1];

		p = peek(r, at, ENTRY_BYTES);
		if (!p)
			break;
		g->line[n_lines] = (struct jit_line){ .addr = load_le64(p),
						      .line = load_le32(p + 8),
						      .column = load_le32(p + 12) };
		if (!peek_text(r, at + ENTRY_BYTES, g->name, &at))
			break;
		if (strcmp(g->name, "\xff") != 0 && strcmp(g->name, g->text[n_texts]) != 0) {
			strcpy(file, g->name);
			n_texts++;
		}
		g->line[n_lines++].file = g->text[n_texts];
		if (n_lines < JIT_LINES_MAX && n_texts + 1 < TEXTS)
			continue;
		status = put_lines(g, addr, n_lines);
		if (status < 0)
			return status;
		memmove(g->text[0], g->text[n_texts], JIT_TEXT_MAX + 1);
		n_lines = n_texts = 0;
	}
	return put_lines(g, addr, n_lines);
}

static int read_record(struct reading *g, const struct record *r)
{
	int status;

	switch (r->id) {
	case CODE_LOAD:
		status = read_load(g, r);
		if (status == 0)
			g->unwind.end = 0;
		return status;
	case CODE_MOVE:
		return read_move(g, r);
	case CODE_DEBUG_INFO:
		return read_debug_info(g, r);
	case CODE_UNWINDING_INFO:
		g->unwind = *r;
		return 0;
	default:
		return 0;
	}
}

/* The record at off into *ret; 0: not whole yet. */
static int find_record(const struct jitdump_source *s, uint64_t off, struct record *ret,
		       struct err *err)
{
	const uint8_t *p = off < s->size && s->size - off >= PREFIX_BYTES ?
				   s->peek(s->ctx, off, PREFIX_BYTES) :
				   NULL;
	uint32_t size;

	if (!p)
		return 0;
	size = load_le32(p + 4);
	if (size < PREFIX_BYTES || size > RECORD_BYTES_MAX)
		return err_set(err, -EBADMSG,
			       "record at offset %" PRIu64 " claims %" PRIu32
			       " bytes, expected %d to %d",
			       off, size, PREFIX_BYTES, RECORD_BYTES_MAX);
	if (s->size - off < size)
		return 0;
	*ret = (struct record){ .source = s,
				.off = off + PREFIX_BYTES,
				.end = off + size,
				.id = load_le32(p),
				.stamp_ns = load_le64(p + 8) };
	return 1;
}

int jitdump_read(struct jitdump *d, const struct jitdump_source *source, uint32_t pid,
		 uint64_t since_ns, uint64_t now_ns, uint64_t *off, jit_got *put, void *ctx,
		 struct err *err)
{
	static struct reading g; /* the child has one thread, and this is large */
	struct record r;
	uint64_t at = *off;
	int status;

	g.d = d;
	g.pid = pid;
	g.since_ns = since_ns;
	g.now_ns = now_ns;
	g.unwind.end = 0;
	g.put = put;
	g.ctx = ctx;
	while ((status = find_record(source, at, &r, err)) > 0) {
		status = read_record(&g, &r);
		if (status < 0)
			return status;
		at = r.end;
		if (!g.unwind.end || at - g.unwind.off > PENDING_BYTES_MAX)
			*off = at;
		if (at == *off)
			g.unwind.end = 0;
	}
	return status;
}
