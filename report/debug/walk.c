/*
 * The child goes from folder to folder by open handles, never by a path of several parts: what is
 * swapped for a symbolic link meanwhile leads nowhere. It sends what it finds in pieces, so that a
 * limit or a crash costs the rest only.
 */
#include "report/debug/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/debug/package_payload.h"
#include "report/jail/jail.h"

enum {
	PIECE_BYTES = 64 << 10,
	FILE_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC,
	FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC,
};

/* What is said once. */
enum trouble { DEEP, MANY, LONG, FOREIGN, CLOSED };

struct walker {
	const struct walk *w;
	struct jail_cell *cell;
	struct buf found;
	uint64_t dev; /* of the root */
	uint32_t n_files;
	bool full;	   /* files_max was passed */
	unsigned int said; /* bits of enum trouble */
	int status;	   /* of the output */
	struct err *err;
	char path[FINDING_NAME_MAX + 1]; /* of what is looked at, below the root */
};

static void send(struct walker *k, size_t at_least)
{
	if (k->status < 0 || k->found.n < at_least)
		return;
	k->status = jail_write(k->cell, k->found.data, k->found.n, k->err);
	buf_reset(&k->found);
}

static void __attribute__((format(printf, 3, 4)))
say(struct walker *k, enum trouble what, const char *fmt, ...)
{
	char text[FINDING_NOTE_BYTES];
	va_list args;

	if (k->said & 1u << what)
		return;
	k->said |= 1u << what;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	finding_put_note(&k->found, text);
}

/* ---- files ---- */

static enum catalog_kind kind_of_other(int fd)
{
	uint8_t head[PACKAGE_HEAD_BYTES];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n > 0 && package_is(head, (size_t)n) ? CATALOG_PACKAGE : CATALOG_OTHER;
}

static void put_file(struct walker *k, int fd, const struct identity *identity)
{
	struct err why = { 0 };
	struct probe probe;
	int status = probe_file(fd, &probe, &why);

	if (status == -ENOEXEC) {
		finding_put_file(&k->found, k->path, identity, kind_of_other(fd), "");
		return;
	}
	finding_put_file(&k->found, k->path, identity, status < 0 ? CATALOG_BAD : CATALOG_ELF,
			 status < 0 ? why.text : "");
	if (status == 0)
		finding_put_item(&k->found, 0, &probe, identity->size, "");
}

static bool is_known(struct walker *k, const struct identity *identity)
{
	uint32_t file = k->w->known ? catalog_find_path(k->w->known, k->path) : CATALOG_NONE;

	if (file == CATALOG_NONE || !identity_equal(&k->w->known->file[file].identity, identity))
		return false;
	finding_put_seen(&k->found, file);
	return true;
}

static void look_at_file(struct walker *k, int folder, const char *name, const struct stat *st)
{
	struct identity identity = identity_of(st);
	struct stat now;
	int fd;

	if (k->n_files >= k->w->files_max) {
		say(k, MANY, "more than %u files: the rest is not looked at", k->w->files_max);
		k->full = true;
		return;
	}
	k->n_files++;
	if (is_known(k, &identity))
		return;
	fd = openat(folder, name, FILE_FLAGS);
	if (fd < 0) {
		finding_put_file(&k->found, k->path, &identity, CATALOG_BAD, strerror(errno));
		return;
	}
	if (fstat(fd, &now) == 0 && S_ISREG(now.st_mode)) {
		identity = identity_of(&now);
		put_file(k, fd, &identity);
	}
	close(fd);
}

/* ---- folders ---- */

/* The name behind the path that stands; its length before, to go back to. False: too long. */
static bool path_push(struct walker *k, const char *name, size_t *ret_before)
{
	size_t before = strlen(k->path), n = strlen(name), slash = before > 0;

	if (before + slash + n > FINDING_NAME_MAX) {
		say(k, LONG, "'%s': paths longer than %u bytes are not looked at", k->path,
		    FINDING_NAME_MAX);
		return false;
	}
	if (slash)
		k->path[before] = '/';
	memcpy(k->path + before + slash, name, n + 1);
	*ret_before = before;
	return true;
}

static bool is_tree(const char *path)
{
	return !strcmp(path, ".build-id") || !strcmp(path, "usr/lib/debug/.build-id");
}

static void look_at_folder(struct walker *k, int at, const char *name, uint32_t depth);

static void look_at_entry(struct walker *k, int folder, const char *name, uint32_t depth)
{
	struct stat st;
	size_t before;

	if (!strcmp(name, ".") || !strcmp(name, "..") ||
	    fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ||
	    (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) || !path_push(k, name, &before))
		return;
	if (S_ISREG(st.st_mode))
		look_at_file(k, folder, name, &st);
	else if (st.st_dev != k->dev)
		say(k, FOREIGN, "'%s' is another file system: not looked at unless named itself",
		    k->path);
	else if (depth >= k->w->depth_max)
		say(k, DEEP, "'%s': folders in more than %u others are not looked at", k->path,
		    k->w->depth_max);
	else if (!is_tree(k->path))
		look_at_folder(k, folder, name, depth + 1);
	k->path[before] = 0;
	send(k, PIECE_BYTES);
}

static void look_at_folder(struct walker *k, int at, const char *name, uint32_t depth)
{
	int fd = openat(at, name, FOLDER_FLAGS);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct identity identity;
	struct dirent *e;
	struct stat st;

	if (!dir || fstat(fd, &st) < 0) {
		say(k, CLOSED, "folder '%s' cannot be read", k->path);
		if (dir)
			closedir(dir);
		else if (fd >= 0)
			close(fd);
		return;
	}
	identity = identity_of(&st);
	finding_put_folder(&k->found, k->path, &identity);
	while (k->status == 0 && !k->full && (e = readdir(dir)))
		look_at_entry(k, fd, e->d_name, depth);
	closedir(dir);
}

/* ---- both sides ---- */

struct job {
	struct walk w;
	struct findings findings;
	struct err err; /* of the findings */
};

static int body(void *ctx, struct jail_cell *cell, struct err *err)
{
	const struct job *job = ctx;
	struct walker k = { .w = &job->w, .cell = cell, .err = err };
	struct stat st;

	buf_init(&k.found);
	if (fstat(job->w.folder, &st) < 0)
		return err_set(err, -errno, "cannot examine it: %s", strerror(errno));
	k.dev = st.st_dev;
	if (job->w.only)
		look_at_entry(&k, job->w.folder, job->w.only, 0);
	else
		look_at_folder(&k, job->w.folder, ".", 0);
	send(&k, 1);
	buf_done(&k.found);
	return k.status;
}

static void done(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct job *job = ctx;

	(void)status, (void)err;
	findings_take(&job->findings, out, n, &job->err);
}

int walk_run(const struct walk *w, struct catalog *into, struct finding_notes *ret, struct err *err)
{
	struct job job = {
		.w = *w,
		.findings = { .known = w->known, .into = into, .file = CATALOG_NONE },
	};
	struct jail_job jailed = {
		.what = w->path,
		.limits = { .cpu_ms = WALK_CPU_MS },
		.fd = &w->folder,
		.n_fds = 1,
		.beneath = &w->path,
		.n_beneath = 1,
		.ctx = &job,
		.body = body,
		.done = done,
	};
	int status;

	if (!job.w.depth_max)
		job.w.depth_max = WALK_DEPTH_MAX;
	if (!job.w.files_max)
		job.w.files_max = WALK_FILES_MAX;
	status = jail_run(&jailed, err);
	if (status == 0 && job.err.code < 0) {
		status = job.err.code;
		if (err)
			*err = job.err;
	}
	*ret = job.findings.notes;
	return status;
}
