/*
 * A child asks for files to unpack into. When it says that one holds a wanted member, that is
 * sealed there and then: whatever the child does later, nobody writes to it any more, and what the
 * parent reads in it stays true.
 */
#include "report/debug/members.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "report/debug/package.h"
#include "report/debug/package_archive.h"
#include "report/debug/package_sift.h"
#include "report/debug/probe.h"
#include "report/jail/jail.h"

enum {
	WORK_PER_BYTE =
		8, /* of a package, in terms of parsing plain files: xz, 2.5 MiB/s at least */
	MEMORY_BYTES = 256 << 20,
};

/* A pass over one package. */
struct pass {
	struct members *m;
	const struct archive_calls *calls;
	int fd, scratch;
	struct identity package;
	const char *name;
	struct package_look *look; /* NULL: for targets */
	uint32_t *target;
	size_t n_targets;
	const struct catalog_item *asked; /* NULL: none in particular */
	const struct jail_cell *cell;	  /* in the child */
	struct err err;
};

void members_init(struct members *m)
{
	*m = (struct members){ 0 };
}

void members_done(struct members *m)
{
	for (size_t i = 0; i < m->n_kept; i++)
		close(m->kept[i].fd);
	free(m->kept);
	free(m->wanted);
	members_init(m);
}

static bool is_wanted(const struct members *m, const struct build_id *id)
{
	for (size_t i = 0; id->n && i < m->n_wanted; i++)
		if (build_id_equal(&m->wanted[i], id))
			return true;
	return false;
}

void members_want(struct members *m, const struct build_id *id)
{
	if (!id->n || m->n_wanted == MEMBERS_WANTED_MAX || is_wanted(m, id))
		return;
	mem_grow(&m->wanted, &m->wanted_cap, m->n_wanted + 1, sizeof(*m->wanted));
	m->wanted[m->n_wanted++] = *id;
}

/* ---- what is kept ---- */

static struct member *kept_find(struct members *m, const struct identity *package, uint32_t member)
{
	for (size_t i = 0; i < m->n_kept; i++)
		if (m->kept[i].member == member && identity_equal(&m->kept[i].package, package))
			return &m->kept[i];
	return NULL;
}

static bool has_room(const struct members *m, uint64_t size)
{
	return m->n_kept < MEMBERS_KEPT_MAX && m->kept_bytes < MEMBERS_KEPT_BYTES_MAX &&
	       size <= MEMBERS_KEPT_BYTES_MAX - m->kept_bytes;
}

static void drop_oldest(struct members *m)
{
	close(m->kept[0].fd);
	m->kept_bytes -= m->kept[0].size;
	memmove(m->kept, m->kept + 1, --m->n_kept * sizeof(*m->kept));
}

/* Takes fd. */
static void keep(struct members *m, const struct identity *package, uint32_t member, int fd,
		 uint64_t size)
{
	mem_grow(&m->kept, &m->kept_cap, m->n_kept + 1, sizeof(*m->kept));
	m->kept[m->n_kept++] = (struct member){ *package, member, fd, size };
	m->kept_bytes += size;
}

/* ---- a child's questions: a member's number, or 0, each time for another file ---- */

/* The one asked for is handed out whatever its size; older ones make room for it. */
static bool make_room(struct pass *p, uint32_t number, uint64_t size)
{
	if (p->asked && p->asked->member == number)
		while (p->m->n_kept && !has_room(p->m, size))
			drop_oldest(p->m);
	else
		return has_room(p->m, size);
	return true;
}

static bool is_target(const struct pass *p, uint32_t number)
{
	for (size_t i = 0; i < p->n_targets; i++)
		if (p->target[i] == number)
			return true;
	return p->look != NULL;
}

/* A member is what its own bytes say, never what the child says. */
static bool is_sound(struct pass *p, uint32_t number, const struct probe *probe)
{
	if (p->asked && p->asked->member == number)
		return build_id_equal(&probe->build_id, &p->asked->build_id) &&
		       probe->dwo_id == p->asked->dwo_id;
	return is_wanted(p->m, &probe->build_id) || (!p->look && probe->dwo_id);
}

/* Takes fd. */
static void take_member(struct pass *p, uint32_t number, int fd, uint64_t size)
{
	struct probe probe;
	struct err err = { 0 };
	int r = fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);

	if (r < 0)
		err_set(&err, -errno, "cannot seal: %s", strerror(errno));
	else if (probe_file(fd, &probe, &err) == 0 && !is_sound(p, number, &probe))
		err_set(&err, -EBADMSG, "not the file that was wanted");
	if (err.code < 0) {
		log_debug("debug", "member not kept: package='%s' member=%" PRIu32 " reason='%s'",
			  p->name, number, err.text);
		close(fd);
		return;
	}
	members_want(p->m, &probe.alt);
	keep(p->m, &p->package, number, fd, size);
}

static void answer(void *ctx, const void *question, size_t n, void *text, size_t *ret_n, int *ret)
{
	struct pass *p = ctx;
	uint32_t number;
	struct stat st;
	int next;

	(void)text;
	*ret_n = 0;
	if (n != sizeof(number))
		return;
	memcpy(&number, question, sizeof(number));
	if (number &&
	    (p->scratch < 0 || fstat(p->scratch, &st) < 0 || !is_target(p, number) ||
	     kept_find(p->m, &p->package, number) || !make_room(p, number, (uint64_t)st.st_size)))
		return;
	next = memfd_create("ddprof-member", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (next < 0)
		return;
	if (number)
		take_member(p, number, p->scratch, (uint64_t)st.st_size);
	else if (p->scratch >= 0)
		close(p->scratch);
	p->scratch = next;
	*ret = fcntl(next, F_DUPFD_CLOEXEC, 0);
}

/* ---- in the child ---- */

static int ask_swap(void *ctx, uint32_t number, int *ret, struct err *err)
{
	char nothing[8];
	size_t n;

	return jail_ask(ctx, &number, sizeof(number), nothing, sizeof(nothing), &n, ret, err);
}

static int put_found(void *ctx, const void *bytes, size_t n, struct err *err)
{
	return jail_write(ctx, bytes, n, err);
}

static int sift(void *ctx, struct jail_cell *cell, struct err *err)
{
	const struct pass *p = ctx;

	return package_sift(
		&(struct package_sift){
			.calls = p->calls,
			.fd = p->fd,
			.size = p->package.size,
			.target = p->target,
			.n_targets = p->n_targets,
			.wanted = p->m->wanted,
			.n_wanted = p->m->n_wanted,
			.ctx = cell,
			.swap = ask_swap,
			.found = put_found,
		},
		err);
}

/* ---- a pass ---- */

static void copy_printable(char *to, size_t cap, const char *from)
{
	size_t i = 0;

	for (; from[i] && i < cap - 1; i++)
		to[i] = from[i] >= ' ' && from[i] < 127 ? from[i] : '?';
	to[i] = 0;
}

static void done(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct pass *p = ctx;

	if (p->scratch >= 0)
		close(p->scratch);
	if (status < 0)
		p->err = *err;
	if (p->look && n)
		buf_put(p->look->found, out, n);
	if (p->look && status < 0) {
		copy_printable(p->look->reason, sizeof(p->look->reason), err->text);
		/* too slow, no memory, no process: another time it may do */
		p->look->undone = status != -EBADMSG && status != -EFBIG;
	}
}

static struct jail_job job_of(struct pass *p)
{
	uint64_t most = package_unpacked_max(p->package.size);
	struct jail_limits limits =
		jail_limits_for(MIN(p->package.size, most / WORK_PER_BYTE) * WORK_PER_BYTE);

	limits.memory_bytes = MEMORY_BYTES;
	limits.output_bytes = most; /* the kernel holds the files to unpack into to it as well */
	return (struct jail_job){
		.what = p->name,
		.limits = limits,
		.fd = &p->fd,
		.n_fds = 1,
		.ctx = p,
		.body = sift,
		.answer = answer,
		.done = done,
	};
}

static void say_undone(struct package_look *look, size_t n, const struct err *err)
{
	static bool said;

	if (!said)
		log_warning("%s", err->text);
	said = true;
	for (size_t i = 0; i < n; i++)
		look[i].undone = true;
}

void members_look(struct members *m, struct package_look *look, size_t n)
{
	const struct archive_calls *calls;
	struct err err = { 0 };
	struct pass *pass;
	struct jails *j;

	if (!n)
		return;
	if (archive_load(&calls, &err) < 0) {
		say_undone(look, n, &err);
		return;
	}
	pass = mem_zalloc(n * sizeof(*pass));
	j = jails_new(0);
	for (size_t i = 0; i < n; i++) {
		struct jail_job job;

		pass[i] = (struct pass){
			.m = m,
			.calls = calls,
			.fd = look[i].fd,
			.scratch = -1,
			.package = look[i].identity,
			.name = look[i].name,
			.look = &look[i],
		};
		job = job_of(&pass[i]);
		jails_add(j, &job);
	}
	jails_run(j);
	jails_free(j);
	free(pass);
}

/* ---- one member ---- */

/* With a split unit the others of its package are wanted soon, too. */
static bool goes_along(const struct pass *p, const struct catalog_item *item)
{
	if (item == p->asked)
		return true;
	if (kept_find(p->m, &p->package, item->member))
		return false;
	return is_wanted(p->m, &item->build_id) ||
	       (p->asked->flags & PROBE_DWO && item->flags & PROBE_DWO);
}

static void choose_targets(struct pass *p, const struct catalog_item *item, uint32_t n_items)
{
	uint64_t bytes = p->asked->size;

	p->target = mem_alloc(n_items * sizeof(*p->target));
	for (uint32_t i = 0; i < n_items; i++) {
		bool is_asked = &item[i] == p->asked;

		if (!goes_along(p, &item[i]) ||
		    (!is_asked &&
		     (item[i].size > MEMBERS_KEPT_BYTES_MAX || bytes > MEMBERS_KEPT_BYTES_MAX ||
		      !has_room(p->m, bytes + item[i].size))))
			continue;
		bytes += is_asked ? 0 : item[i].size;
		p->target[p->n_targets++] = item[i].member;
		members_want(p->m, &item[i].alt);
	}
}

static int open_kept(struct members *m, const struct identity *package, uint32_t member,
		     struct err *err)
{
	const struct member *kept = kept_find(m, package, member);
	int fd;

	if (!kept)
		return -ENOENT;
	fd = fcntl(kept->fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? err_set(err, -errno, "%s", strerror(errno)) : fd;
}

static int run(struct pass *p, const struct catalog_item *item, uint32_t n_items, struct err *err)
{
	struct jail_job job;
	int fd;

	choose_targets(p, item, n_items);
	job = job_of(p);
	jail_run(&job, NULL);
	free(p->target);
	fd = open_kept(p->m, &p->package, p->asked->member, err);
	if (fd != -ENOENT)
		return fd;
	if (p->err.code < 0)
		return err_set(err, p->err.code, "%s", p->err.text);
	return err_set(err, -EBADMSG, "member %" PRIu32 " is not what it was", p->asked->member);
}

int members_open(struct members *m, int fd, const struct identity *package, const char *name,
		 const struct catalog_item *item, uint32_t n_items, uint32_t member,
		 struct err *err)
{
	struct pass p = { .m = m, .fd = fd, .scratch = -1, .package = *package, .name = name };
	int r = open_kept(m, package, member, err);

	if (r != -ENOENT)
		return r;
	for (uint32_t i = 0; i < n_items && !p.asked; i++)
		if (item[i].member == member)
			p.asked = &item[i];
	if (!p.asked)
		return err_set(err, -ESTALE, "no member %" PRIu32 " is known", member);
	r = archive_load(&p.calls, err);
	return r < 0 ? r : run(&p, item, n_items, err);
}
