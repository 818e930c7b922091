/*
 * Ids of tracepoints, from ROOT/GROUP/NAME/id, and where their fields are, from .../format. The
 * model looks below PID 1's root as well; here the recorder never follows another process's root
 * without saying so.
 */
#include "record/watcher/watcher.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"

enum { FORMAT_BYTES_MAX = 1 << 16 };

static const char *const usual_roots[] = { "/sys/kernel/tracing/events",
					   "/sys/kernel/debug/tracing/events", NULL };

static int read_id(const char *path, uint64_t *ret)
{
	AUTO_FREE char *text = NULL;
	size_t n;
	char *end;
	int r = io_read_file(path, 64, &text, &n, NULL);

	if (r < 0)
		return r;
	*ret = strtoull(text, &end, 10);
	return end == text || !*ret ? -EBADMSG : 0;
}

static size_t n_shared(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* Of a directory: the first few names that share the most of their beginning with this one. */
static void list_near(const char *path, const char *name, char *ret, size_t cap)
{
	size_t most = 1, n = 0;
	struct dirent *e;
	DIR *dir = opendir(path);

	*ret = 0;
	while (dir && (e = readdir(dir))) {
		size_t used = strlen(ret), shared = n_shared(e->d_name, name);

		if (e->d_name[0] == '.' || shared < most)
			continue;
		if (shared > most)
			used = n = 0;
		most = shared;
		if (n < 4 && used + strlen(e->d_name) + 3 <= cap)
			snprintf(ret + used, cap - used, "%s%s", n++ ? ", " : "", e->d_name);
	}
	if (dir)
		closedir(dir);
}

/* One that is not there: of its group, or the group itself. */
static int refuse_name(const char *root, const struct watcher *w, const char *group,
		       const char *name, struct err *err)
{
	char path[512], near[160];

	snprintf(path, sizeof(path), "%s/%s", root, group);
	bool has_group = access(path, F_OK) == 0;
	list_near(has_group ? path : root, has_group ? name : group, near, sizeof(near));
	return err_set(err, -ENOENT, "Invalid event/tracepoint (%s): not below %s%s%s", w->name,
		       root,
		       !near[0]	 ? "" :
		       has_group ? "; near are " :
				   "; groups near are ",
		       near);
}

/* It could not be looked for: that does not say that it is not there. */
static bool is_trouble(int code)
{
	return code != -ENOENT && code != -ENOTDIR && code != -EINVAL && code != -EBADMSG &&
	       code != -ENAMETOOLONG;
}

static int refuse(int code, const char *root, struct watcher *w, const char *group,
		  const char *name, struct err *err)
{
	if (!root)
		return err_set(err, -ENODEV,
			       "tracepoint %s: no tracefs is mounted: as root, 'mount -t tracefs "
			       "tracefs /sys/kernel/tracing'; or give its number with 'id='",
			       w->name);
	if (code == -EACCES || code == -EPERM)
		return err_set(err, -EACCES,
			       "tracepoint %s: user %u may not read %s: as root, 'chmod -R o+rX "
			       "/sys/kernel/tracing'; or give its number with 'id='",
			       w->name, (unsigned int)geteuid(), root);
	if (is_trouble(code))
		return err_set(err, -ENODEV, "tracepoint %s: its number below %s: %s", w->name,
			       root, strerror(-code));
	return refuse_name(root, w, group, name, err);
}

static int resolve(struct watcher *w, const char *const *roots, struct err *err)
{
	const char *colon = strchr(w->name, ':'), *found = NULL;
	char group[WATCHER_NAME_BYTES], path[512];
	int r = -ENOENT, refused = -ENOENT;

	if (!colon)
		return err_set(err, -EINVAL, "Invalid event/tracepoint (%s)", w->name);
	snprintf(group, sizeof(group), "%.*s", (int)(colon - w->name), w->name);
	for (; *roots && r < 0; roots++) {
		snprintf(path, sizeof(path), "%s/%s/%s/id", *roots, group, colon + 1);
		r = read_id(path, &w->config);
		if (r < 0 && (access(*roots, F_OK) == 0 || errno == EACCES)) {
			refused = found && refused != -ENOENT ? refused : r;
			found = *roots;
		}
	}
	return r == 0 ? 0 : refuse(refused, found, w, group, colon + 1, err);
}

int watchers_resolve(struct watchers *w, const char *const *roots, struct err *err)
{
	for (size_t i = 0; i < w->n; i++) {
		struct watcher *one = &w->watcher[i];

		if (one->kind->class != WATCHER_TRACEPOINT || one->config)
			continue;
		int r = resolve(one, roots ? roots : usual_roots, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "field:char comm[16];	offset:8;	size:16;	signed:0;": of that name? */
static bool is_field(const char *line, const char *name, unsigned int *ret_at,
		     unsigned int *ret_bytes)
{
	const char *field = line + strspn(line, "\t "), *end = strchr(field, ';');
	size_t n = strlen(name);

	if (strncmp(field, "field:", 6) != 0 || !end)
		return false;
	const char *bracket = memchr(field, '[', (size_t)(end - field));
	const char *last = bracket ? bracket : end;
	if ((size_t)(last - field) < 6 + n + 1 || memcmp(last - n, name, n) != 0 ||
	    (last[-(ptrdiff_t)n - 1] != ' ' && last[-(ptrdiff_t)n - 1] != '*'))
		return false;
	return sscanf(end, "; offset:%u; size:%u;", ret_at, ret_bytes) == 2;
}

static bool find_field(char *format, const char *name, unsigned int *ret_at,
		       unsigned int *ret_bytes)
{
	char *rest = format;

	for (char *line; (line = strsep(&rest, "\n"));)
		if (is_field(line, name, ret_at, ret_bytes))
			return true;
	return false;
}

int watcher_take_field(struct watcher *w, const char *field, const char *const *roots,
		       struct err *err)
{
	unsigned int at, bytes;
	char path[512];

	for (roots = roots ? roots : usual_roots; *roots; roots++) {
		AUTO_FREE char *text = NULL;
		size_t n, n_group = strcspn(w->name, ":");

		snprintf(path, sizeof(path), "%s/%.*s/%s/format", *roots, (int)n_group, w->name,
			 w->name + n_group + (w->name[n_group] == ':'));
		if (io_read_file(path, FORMAT_BYTES_MAX, &text, &n, NULL) < 0)
			continue;
		if (!find_field(text, field, &at, &bytes))
			return err_set(err, -ENOENT, "tracepoint %s: '%s' has no field '%s'",
				       w->name, path, field);
		if (at > FORMAT_BYTES_MAX || bytes > 8 || !bytes || (bytes & (bytes - 1)))
			return err_set(err, -EBADMSG,
				       "tracepoint %s: field '%s' of %u bytes at %u is no number",
				       w->name, field, bytes, at);
		w->value = WATCHER_VALUE_RAW;
		w->value_at = at;
		w->value_bytes = bytes;
		return 0;
	}
	return err_set(err, -ENODEV, "tracepoint %s: its 'format' cannot be read", w->name);
}
