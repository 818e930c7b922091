/*
 * A root is walked once, when first asked: every regular file's headers are read (probe.h, bounded,
 * allocates nothing). Packages are not looked into here, and nothing is kept for the next run.
 */
#include "report/debug/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/log.h"

enum { WALK_DEPTH_MAX = 16, WALK_FILES_MAX = 1 << 20 };

static void set_file(struct root *r, const char *path)
{
	const char *slash = strrchr(path, '/');

	r->only = strdup(slash + 1);
	r->path = strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

void root_init(struct root *r, const char *path)
{
	char *real = realpath(path, NULL);
	struct err err = { 0 };
	struct stat st;

	*r = (struct root){ .folder = -1 };
	catalog_init(&r->catalog);
	if (real && stat(real, &st) == 0 && S_ISREG(st.st_mode))
		set_file(r, real);
	else
		r->path = strdup(real ? real : path);
	r->folder = real ? reach_folder(r->path, &err) :
			   err_set(&err, -errno, "'%s': %s", path, strerror(errno));
	if (r->folder < 0) {
		r->folder = -1;
		log_warning("no debug files from %s", err.text);
	}
	free(real);
}

void root_done(struct root *r)
{
	if (!r->path)
		return;
	if (r->folder >= 0)
		close(r->folder);
	catalog_done(&r->catalog);
	free(r->path);
	free(r->only);
}

char *root_join(const struct root *r, const char *below)
{
	char *path;

	if (asprintf(&path, "%s%s%s", r->path, r->path[strlen(r->path) - 1] == '/' ? "" : "/",
		     below) < 0)
		return mem_zalloc(1);
	return path;
}

static void look_at_file(struct root *r, const char *path)
{
	struct catalog *c = &r->catalog;
	struct identity identity;
	struct err err = { 0 };
	struct probe probe;
	int fd = reach_plain(r->folder, path, &identity, &err), status;
	uint32_t file;

	if (fd < 0)
		return;
	status = probe_file(fd, &probe, &err);
	close(fd);
	file = catalog_add_file(c, path, strlen(path), &identity,
				status == 0	   ? CATALOG_ELF :
				status == -ENOEXEC ? CATALOG_OTHER :
						     CATALOG_BAD,
				status == 0 ? "" : err.text, status == 0 ? 0 : strlen(err.text));
	if (status == 0)
		catalog_add_item(c,
				 &(struct catalog_item){ .file = file,
							 .flags = probe.flags,
							 .build_id = probe.build_id,
							 .alt = probe.alt,
							 .dwo_id = probe.dwo_id,
							 .size = identity.size,
							 .name = "" },
				 0);
}

/* Symbolic links are not followed: what they lead to lies below another root, or here. */
static void walk(struct root *r, const char *below, unsigned int depth)
{
	int fd = openat(r->folder, *below ? below : ".",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (e = readdir(dir)) && r->catalog.n_files < WALK_FILES_MAX) {
		struct stat st;
		char *path;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    asprintf(&path, "%s%s%s", below, *below ? "/" : "", e->d_name) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < WALK_DEPTH_MAX)
			walk(r, path, depth + 1);
		else if (S_ISREG(st.st_mode))
			look_at_file(r, path);
		free(path);
	}
	if (dir)
		closedir(dir);
}

const struct catalog *root_catalog(struct root *r, struct index *index, struct members *m)
{
	(void)index, (void)m;
	if (r->looked)
		return &r->catalog;
	r->looked = true;
	if (r->folder >= 0 && r->only)
		look_at_file(r, r->only);
	else if (r->folder >= 0)
		walk(r, "", 0);
	catalog_seal(&r->catalog);
	return &r->catalog;
}
