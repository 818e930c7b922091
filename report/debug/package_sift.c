/*
 * An ELF file's section headers lie at its end, so each is unpacked into a file in memory before
 * it can be judged. That file is used again and again, which spares its pages; when a member is
 * wanted the file itself goes to the parent and a new one takes its place: nothing is copied twice.
 */
#include "report/debug/package_sift.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/debug/catalog.h"
#include "report/debug/finding.h"
#include "report/debug/package.h"
#include "report/debug/probe.h"

/* The file to unpack into. */
struct scratch {
	int fd;
	uint64_t at;  /* end of what was unpacked of this member */
	uint64_t end; /* of the file: behind `at` are bytes of former members */
};

struct pass {
	const struct package_sift *s;
	struct package *package;
	struct scratch scratch;
	struct build_id *alt; /* of dwz files that kept members name */
	size_t n_alts, alt_cap;
	size_t next_target;
	struct buf finding;
	bool noted;
};

/* ---- unpacking ---- */

static int scratch_resize(struct scratch *f, uint64_t size, struct err *err)
{
	if (ftruncate(f->fd, (off_t)size) < 0)
		return err_set(err, -errno, "cannot unpack %" PRIu64 " bytes: %s", size,
			       strerror(errno));
	f->end = size;
	return 0;
}

static int scratch_write(struct scratch *f, uint64_t off, const uint8_t *bytes, size_t n,
			 struct err *err)
{
	int r;

	if (off < f->at)
		return err_set(err, -EBADMSG, "damaged: bytes at %" PRIu64 " come after %" PRIu64,
			       off, f->at);
	/* a hole is zeros, not what a former member left there */
	if (off > f->at && f->end > f->at && (r = scratch_resize(f, f->at, err)) < 0)
		return r;
	while (n) {
		ssize_t done = pwrite(f->fd, bytes, n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, done < 0 ? -errno : -EIO, "cannot unpack: %s",
				       strerror(done < 0 ? errno : EIO));
		bytes += done;
		off += (uint64_t)done;
		n -= (size_t)done;
	}
	f->at = off;
	f->end = f->end < off ? off : f->end;
	return 0;
}

/* A hole may end it. */
static int scratch_finish(struct scratch *f, uint64_t size, struct err *err)
{
	int r;

	if (f->end > f->at && (r = scratch_resize(f, f->at, err)) < 0)
		return r;
	return f->end < size ? scratch_resize(f, size, err) : 0;
}

/* 1: it is there; 0: it does not begin like an ELF file. */
static int unpack(struct pass *p, const struct package_member *member, struct err *err)
{
	const void *bytes;
	uint64_t off;
	size_t n;
	int r;

	p->scratch.at = 0;
	while ((r = package_piece(p->package, &bytes, &n, &off, err)) > 0) {
		if (!n)
			continue;
		if (!p->scratch.at && (off || memcmp(bytes, ELFMAG, MIN(n, (size_t)SELFMAG)) != 0))
			return 0;
		if ((r = scratch_write(&p->scratch, off, bytes, n, err)) < 0)
			return r;
	}
	if (r == 0)
		r = scratch_finish(&p->scratch, member->size, err);
	return r < 0 ? r : p->scratch.at > 0;
}

/* ---- judging ---- */

static bool is_among(const struct build_id *id, const struct build_id *list, size_t n)
{
	for (size_t i = 0; id->n && i < n; i++)
		if (build_id_equal(id, &list[i]))
			return true;
	return false;
}

static bool is_wanted(const struct pass *p, const struct probe *probe)
{
	return is_among(&probe->build_id, p->s->wanted, p->s->n_wanted) ||
	       is_among(&probe->build_id, p->alt, p->n_alts);
}

static int swap(struct pass *p, uint32_t number, struct err *err)
{
	int fd = -1, r = p->s->swap(p->s->ctx, number, &fd, err);

	if (r < 0 || fd < 0)
		return r;
	if (p->scratch.fd >= 0)
		close(p->scratch.fd);
	p->scratch = (struct scratch){ .fd = fd };
	return 0;
}

static int put(struct pass *p, struct err *err)
{
	int r = p->s->found(p->s->ctx, p->finding.data, p->finding.n, err);

	buf_reset(&p->finding);
	return r;
}

/* One is enough to show that something is wrong. */
static int note_bad(struct pass *p, const struct package_member *member, const char *why,
		    struct err *err)
{
	char text[FINDING_NAME_MAX];

	if (p->noted)
		return 0;
	p->noted = true;
	snprintf(text, sizeof(text), "member '%s': %s", member->name, why);
	finding_put_note(&p->finding, text);
	return put(p, err);
}

static int judge(struct pass *p, const struct package_member *member, struct err *err)
{
	struct err why = { 0 };
	struct probe probe;
	int r = probe_file(p->scratch.fd, &probe, &why);

	if (r < 0)
		return r == -ENOEXEC ? 0 : note_bad(p, member, why.text, err);
	finding_put_item(&p->finding, member->number, &probe, member->size, member->name);
	r = put(p, err);
	if (r < 0 || !is_wanted(p, &probe))
		return r;
	if (probe.alt.n && !is_among(&probe.alt, p->alt, p->n_alts)) {
		mem_grow(&p->alt, &p->alt_cap, p->n_alts + 1, sizeof(*p->alt));
		p->alt[p->n_alts++] = probe.alt;
	}
	return swap(p, member->number, err);
}

/* ---- all members ---- */

/* 1: its bytes matter; 0: they do not. */
static bool is_target(struct pass *p, const struct package_member *member)
{
	const struct package_sift *s = p->s;

	if (!s->n_targets)
		return member->is_file;
	if (member->number != s->target[p->next_target])
		return false;
	p->next_target++;
	return member->is_file;
}

static int look_at(struct pass *p, const struct package_member *member, struct err *err)
{
	int r;

	if (!is_target(p, member) || member->size < sizeof(Elf64_Ehdr))
		return 0;
	r = unpack(p, member, err);
	if (r <= 0)
		return r;
	return p->s->n_targets ? swap(p, member->number, err) : judge(p, member, err);
}

static int look_at_all(struct pass *p, struct err *err)
{
	struct package_member member;
	int r;

	while ((r = package_next(p->package, &member, err)) > 0) {
		r = look_at(p, &member, err);
		if (r < 0 || (p->s->n_targets && p->next_target == p->s->n_targets))
			break;
	}
	return r;
}

int package_sift(const struct package_sift *s, struct err *err)
{
	struct pass p = { .s = s, .scratch = { .fd = -1 } };
	int r = swap(&p, 0, err);

	buf_init(&p.finding);
	if (r == 0 && p.scratch.fd < 0)
		r = err_set(err, -ENOMEM, "no file in memory to unpack into");
	if (r == 0)
		r = package_open(s->fd, s->size, s->calls, &p.package, err);
	if (r == 0)
		r = look_at_all(&p, err);
	package_close(p.package);
	buf_done(&p.finding);
	free(p.alt);
	if (p.scratch.fd >= 0)
		close(p.scratch.fd);
	return r;
}
