#include "record/user.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/io.h"

enum { FIELDS_MAX = 7, ID_MAX = INT32_MAX };

static bool parse_id(const char *text, size_t n, unsigned int *ret)
{
	uint64_t v = 0;

	if (!n || n > 10)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		v = v * 10 + (uint64_t)(text[i] - '0');
	}
	*ret = (unsigned int)v;
	return v <= ID_MAX;
}

/* "name:x:1000:1000:..." cut at its colons; the number of fields. Keeps the last one whole. */
static size_t split(char *line, char **field)
{
	size_t n = 0;

	field[n++] = line;
	for (; *line && n < FIELDS_MAX; line++) {
		if (*line == ':') {
			*line = 0;
			field[n++] = line + 1;
		}
	}
	return n;
}

/* The next line of *at without its end; NULL: no more. */
static char *next_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (!*line)
		return NULL;
	if (end)
		*end = 0;
	*at = end ? end + 1 : line + strlen(line);
	return line;
}

static int read_etc(const char *etc, const char *name, char **ret, struct err *err)
{
	char path[256];
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", etc, name);
	return io_read_file(path, USER_FILE_BYTES_MAX, ret, &n, err);
}

/* By name, or by number when it is one. *ret_name points into `bytes`. */
static bool find_passwd(char *bytes, const char *text, struct user *ret, const char **ret_name)
{
	unsigned int uid = 0, wanted = 0;
	bool is_number = parse_id(text, strlen(text), &wanted);
	char *field[FIELDS_MAX], *line;

	while ((line = next_line(&bytes))) {
		size_t n = split(line, field);

		if (n < 4 || !*field[0] || !parse_id(field[2], strlen(field[2]), &uid) ||
		    !parse_id(field[3], strlen(field[3]), &ret->gid))
			continue;
		if (strcmp(field[0], text) != 0 && !(is_number && uid == wanted))
			continue;
		ret->uid = uid;
		*ret_name = field[0];
		return true;
	}
	return false;
}

static bool list_has(const char *list, const char *name)
{
	size_t n_name = strlen(name);

	for (;;) {
		size_t n = strcspn(list, ",");

		if (n == n_name && !memcmp(list, name, n))
			return true;
		if (!list[n])
			return false;
		list += n + 1;
	}
}

/* "adm:x:4:syslog,joe" */
static void find_groups(char *bytes, const char *name, struct user *ret)
{
	char *field[FIELDS_MAX], *line;
	unsigned int gid;

	while ((line = next_line(&bytes)))
		if (split(line, field) >= 4 && parse_id(field[2], strlen(field[2]), &gid) &&
		    gid != ret->gid && list_has(field[3], name) && ret->n_groups < USER_GROUPS_MAX)
			ret->group[ret->n_groups++] = gid;
}

/* "1000:100" */
static bool parse_pair(const char *text, struct user *ret)
{
	const char *colon = strchr(text, ':');

	return colon && parse_id(text, (size_t)(colon - text), &ret->uid) &&
	       parse_id(colon + 1, strlen(colon + 1), &ret->gid);
}

int user_find(const char *text, const char *etc, struct user *ret, struct err *err)
{
	AUTO_FREE char *passwd = NULL, *group = NULL;
	const char *name;

	*ret = (struct user){ 0 };
	etc = etc ? etc : "/etc";
	if (parse_pair(text, ret)) {
		ret->group[ret->n_groups++] = ret->gid;
		return 0;
	}
	int r = read_etc(etc, "passwd", &passwd, err);
	if (r < 0 && r != -ENOENT)
		return err_wrap(err, "Unable to find user %s", text);
	if (r < 0 || !find_passwd(passwd, text, ret, &name))
		return err_set(err, -ENOENT,
			       "Unable to find user %s in %s/passwd; UID:GID is taken too", text,
			       etc);
	ret->group[ret->n_groups++] = ret->gid;
	r = read_etc(etc, "group", &group, err);
	if (r < 0 && r != -ENOENT) /* without its groups it is somebody else */
		return err_wrap(err, "Unable to find the groups of user %s", text);
	if (r == 0)
		find_groups(group, name, ret);
	return 0;
}

/* Then no right is needed, and none may be there. */
static bool is_already(const struct user *user)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;

	return getresuid(&uid, &euid, &suid) == 0 && getresgid(&gid, &egid, &sgid) == 0 &&
	       uid == user->uid && euid == uid && suid == uid && gid == user->gid && egid == gid &&
	       sgid == gid;
}

int user_become(const struct user *user)
{
	if (is_already(user))
		return 0;
	if (setgroups(user->n_groups, user->group) < 0 ||
	    setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	return 0;
}
