/*
 * A look reads what was appended since the last one. Times are those of the looks where the file
 * has none: a line first seen now was written after the last look.
 */
#include "common/format/perfmap.h"
#include "record/inspect/jit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "record/inspect/jitfile.h"

enum { NOTE_BYTES_MAX = 512 };

struct jit_files {
	struct jit_file *file[JIT_FILES_MAX];
	uint32_t n;
	uint64_t n_records;
	bool full_told;
	/* of the request at hand */
	struct serve *serve;
	struct jit_writer writer;
	uint32_t pid; /* of what is in it */
};

struct jit_files *jit_files_new(void)
{
	struct rlimit files;

	/* two descriptors a file */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = MIN(files.rlim_max, (rlim_t)4 * JIT_FILES_MAX);
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return calloc(1, sizeof(struct jit_files));
}

/* ---- out ---- */

static void flush(struct jit_files *all)
{
	struct jit_writer *w = &all->writer;

	if (w->n_records)
		serve_chunk(all->serve, CHUNK_JIT, all->pid, w->begin, (size_t)(w->at - w->begin),
			    w->n_records);
	jit_writer_begin(w, w->begin, CHUNK_RAW_MAX);
}

static void put(struct jit_files *all, const struct jit_record *r)
{
	if (all->pid != r->pid)
		flush(all);
	all->pid = r->pid;
	if (jit_writer_put(&all->writer, r) < 0) {
		flush(all);
		jit_writer_put(&all->writer, r);
	}
}

static int put_counted(void *ctx, const struct jit_record *r)
{
	struct jit_files *all = ctx;

	if (all->n_records == JIT_RECORDS_MAX)
		return -EFBIG;
	all->n_records++;
	put(all, r);
	return 0;
}

/* One line for the user, and for whoever reads the recording. */
static void note(struct jit_files *all, const struct jit_file *f, const char *text)
{
	char line[NOTE_BYTES_MAX + PATH_MAX_BYTES], name[PATH_MAX_BYTES + 16];
	struct jit_record r = { .kind = JIT_NOTE, .pid = f->pid, .name = line };

	snprintf(line, sizeof(line), "%s %s", jit_file_name(f, name, sizeof(name)), text);
	put(all, &r);
	serve_note(all->serve, line);
}

static void send_state(struct jit_files *all, const struct jit_file *f)
{
	struct message_jit state = {
		.kind = f->kind,
		.flags = f->done ? JIT_FLAG_DONE : 0,
		.off = f->off,
		.since_ns = f->since_ns,
		.dev = f->dev,
		.ino = f->ino,
	};

	serve_jit_state(all->serve, f->pid, &state);
}

/* ---- in ---- */

static int put_line(struct jit_files *all, struct jit_file *f, const char *line, size_t n,
		    uint64_t now_ns)
{
	char name[JIT_TEXT_MAX + 1];
	struct jit_record r = { .kind = JIT_LOAD,
				.origin = JIT_FROM_PERF_MAP,
				.pid = f->pid,
				.time_ns = now_ns,
				.since_ns = MIN(f->since_ns, now_ns - 1) };

	f->n_lines++;
	if (f->skip || !perfmap_parse_line(line, n, name, &r)) {
		f->n_odd++;
		f->skip = false;
		return 0;
	}
	return put_counted(all, &r);
}

/* Whole lines in f->buf; what they took into *ret_n. */
static int put_lines(struct jit_files *all, struct jit_file *f, const char *at, size_t n,
		     uint64_t now_ns, size_t *ret_n)
{
	const char *begin = at, *end = at + n, *newline;
	int r = 0;

	while (r == 0 && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		r = put_line(all, f, at, (size_t)(newline - at), now_ns);
		at = newline + 1;
	}
	*ret_n = (size_t)(at - begin);
	return r;
}

static int read_map(struct jit_files *all, struct jit_file *f, uint64_t now_ns)
{
	while (f->off < f->size) {
		size_t n = MIN(f->size - f->off, (uint64_t)JIT_BUFFER_BYTES), used;
		ssize_t got = io_pread(f->fd, f->buf, n, f->off);

		if (got <= 0)
			return 0;
		int r = put_lines(all, f, (const char *)f->buf, (size_t)got, now_ns, &used);
		if (r < 0)
			return r;
		if (!used && (size_t)got < JIT_BUFFER_BYTES)
			return 0; /* the last line is not whole yet */
		f->skip |= !used;
		f->off += used ? used : (size_t)got;
	}
	return 0;
}

static int read_dump(struct jit_files *all, struct jit_file *f, uint64_t now_ns, struct err *err)
{
	struct jitdump_source source = { .peek = jit_file_peek, .ctx = f, .size = f->size };

	f->buf_n = 0;
	if (!f->off || !f->dump.header_ns) {
		struct jitdump_counts counts = f->dump.counts;
		int r = jitdump_open(&f->dump, &source, err);

		if (r <= 0)
			return r;
		f->dump.counts = counts;
		f->dump.start_ns = f->start_ns;
		f->dump.ahead_ns = f->ahead_ns;
		f->off = f->off ? f->off : (uint64_t)r;
	}
	return jitdump_read(&f->dump, &source, f->pid, f->since_ns, now_ns, &f->off, put_counted,
			    all, err);
}

static void note_counts(struct jit_files *all, const struct jit_file *f)
{
	const struct jitdump_counts *c = &f->dump.counts;
	char text[NOTE_BYTES_MAX];

	if (f->n_odd) {
		snprintf(text, sizeof(text),
			 "has %" PRIu64 " lines that make no sense, of %" PRIu64 ": left out",
			 f->n_odd, f->n_lines);
		note(all, f, text);
	}
	if (c->n_odd || c->n_other) {
		snprintf(text, sizeof(text),
			 "has %" PRIu64 " records that make no sense and %" PRIu64
			 " of other processes: left out",
			 c->n_odd, c->n_other);
		note(all, f, text);
	}
	if (c->n_untimed) {
		snprintf(text, sizeof(text),
			 "has %" PRIu64 " times of another clock than CLOCK_MONOTONIC: reused "
			 "addresses may get a wrong name",
			 c->n_untimed);
		note(all, f, text);
	}
}

/* What ends the use of a file for good. */
static void give_up(struct jit_files *all, struct jit_file *f, const char *what,
		    const struct err *err)
{
	char text[NOTE_BYTES_MAX];

	f->done = true;
	snprintf(text, sizeof(text), "%.400s: %s", err->text, what);
	note(all, f, text);
}

static void look(struct jit_files *all, struct jit_file *f, bool final)
{
	struct err err = { .code = 0 };
	uint64_t now_ns = io_monotonic_ns(), off = f->off;
	bool was_done = f->done;
	int r = jit_file_open(f, now_ns, final, &err);

	if (r < 0)
		give_up(all, f, f->off ? "the rest is not used" : "not used", &err);
	if (r > 0 && f->size > f->off) {
		r = f->kind == JIT_FILE_MAP ? read_map(all, f, now_ns) :
					      read_dump(all, f, now_ns, &err);
		if (r == -EFBIG)
			err_set(&err, r, "has more than the %d records of a recording",
				JIT_RECORDS_MAX);
		if (r < 0)
			give_up(all, f, f->off ? "the rest is not used" : "not used", &err);
	}
	f->since_ns = now_ns;
	if (final)
		note_counts(all, f);
	if (f->off != off || f->done != was_done) {
		flush(all);
		send_state(all, f);
	}
}

/* ---- requests ---- */

static struct jit_file *find_file(struct jit_files *all, uint32_t pid, enum jit_file_kind kind)
{
	for (uint32_t i = 0; i < all->n; i++)
		if (all->file[i]->pid == pid && all->file[i]->kind == kind)
			return all->file[i];
	return NULL;
}

static void drop(struct jit_files *all, uint32_t i)
{
	jit_file_done(all->file[i]);
	free(all->file[i]);
	all->file[i] = all->file[--all->n];
}

static int watch(struct jit_files *all, uint32_t pid, const struct message_jit *m, const char *path,
		 struct err *err)
{
	struct jit_file *f = find_file(all, pid, m->kind);

	if (f) {
		look(all, f, false);
		return 0;
	}
	if (all->n == JIT_FILES_MAX)
		return err_set(err, -EFBIG, "%d files that describe code are watched already",
			       JIT_FILES_MAX);
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	int r = jit_file_init(f, pid, m->kind, path, err);
	if (r < 0) {
		jit_file_done(f);
		free(f);
		return r;
	}
	f->off = m->off;
	f->since_ns = m->since_ns;
	f->dev = m->dev;
	f->ino = m->ino;
	f->done = m->flags & JIT_FLAG_DONE;
	all->file[all->n++] = f;
	look(all, f, false);
	return 0;
}

/* 1: the process lives on. */
static int end(struct jit_files *all, uint32_t pid, bool final)
{
	bool lives = !final && jit_process_lives(pid);

	for (uint32_t i = all->n; i-- > 0;) {
		if (all->file[i]->pid != pid)
			continue;
		look(all, all->file[i], !lives);
		if (!lives)
			drop(all, i);
	}
	return lives;
}

int jit_answer(struct jit_files *all, struct serve *s, const struct message *request,
	       const uint8_t *bytes, struct err *err)
{
	const char *path = (const char *)bytes + sizeof(struct message_jit);
	struct message_jit m;
	int r = 0;

	if (request->n <= sizeof(m) || bytes[request->n - 1] != '\0')
		return err_set(err, -EBADMSG, "request makes no sense");
	memcpy(&m, bytes, sizeof(m));
	all->serve = s;
	jit_writer_begin(&all->writer, serve_scratch(s), CHUNK_RAW_MAX);
	if (request->type == MESSAGE_JIT_WATCH)
		r = watch(all, request->pid, &m, path, err);
	else if (request->type == MESSAGE_JIT_END)
		r = end(all, request->pid, m.flags & JIT_FLAG_FINAL);
	else
		for (uint32_t i = 0; i < all->n; i++)
			look(all, all->file[i], m.flags & JIT_FLAG_FINAL);
	flush(all);
	return r;
}
