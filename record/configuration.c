/*
 * The default file lies in the current directory, which may be anybody's: a recorder of root that
 * is started in /tmp must not take orders from who wrote there. What is looked at is the open file,
 * not its name.
 */
#include "record/configuration.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/toml.h"

struct reading {
	const struct opt *table;
	struct given *given;
	struct arena *arena;
	const struct toml *toml;
	struct err *err;
};

static int fail_value(const struct reading *r, const struct toml_item *item, const char *wanted)
{
	return err_set(r->err, -EINVAL,
		       "%s:%" PRIu32 ":%" PRIu32 ": %s: a %s is expected, found %s", r->toml->name,
		       item->value_line, item->value_column, item->path, wanted,
		       toml_type_name(item->type));
}

static void warn_unknown(const struct reading *r, const struct toml_item *item)
{
	const char *near = opt_nearest(r->table, item->path, strlen(item->path));

	log_warning("%s:%" PRIu32 ":%" PRIu32 ": unknown key '%s'%s%s; left out", r->toml->name,
		    item->line, item->column, item->path, near ? ", nearest is " : "",
		    near ? near : "");
}

static void add(const struct reading *r, const struct toml_item *item, const struct opt *opt,
		const char *value)
{
	given_add(r->given, opt, value, GIVEN_FILE,
		  arena_printf(r->arena, "%s:%" PRIu32 ":%" PRIu32, r->toml->name, item->value_line,
			       item->value_column));
}

/* true, false, 1, "yes": for options without argument, and for those that take yes or no. */
static int add_switch(const struct reading *r, const struct toml_item *item, const struct opt *opt)
{
	bool on = item->integer != 0;

	if (item->type != TOML_BOOLEAN &&
	    (!item->text || opt_parse_switch(item->text, &on, NULL) < 0))
		return fail_value(r, item, "boolean");
	if (opt->arg || opt->flags & OPT_SWITCH)
		add(r, item, opt, on ? "yes" : "no");
	else if (on)
		add(r, item, opt, NULL);
	return 0;
}

static bool takes_switch(const struct opt *opt)
{
	return !opt->arg || !strcmp(opt->arg, "yes|no");
}

static int add_item(const struct reading *r, const struct toml_item *item)
{
	const struct opt *opt = opt_find(r->table, item->path, strlen(item->path));

	if (!opt || opt->flags & (GIVEN_NOT_IN_FILE | OPT_HIDDEN)) {
		warn_unknown(r, item);
		return 0;
	}
	if (takes_switch(opt))
		return add_switch(r, item, opt);
	if (item->type == TOML_BOOLEAN)
		return fail_value(r, item, "string or number");
	if (item->text) {
		add(r, item, opt, item->text);
		return 0;
	}
	if (!(opt->flags & OPT_MANY))
		return fail_value(r, item, "single value");
	for (size_t i = 0; i < item->n_strings; i++)
		add(r, item, opt, item->string[i]);
	return 0;
}

/* The same key twice: the last would win in silence. */
static int check_repeated(const struct reading *r, size_t at)
{
	const struct toml_item *item = &r->toml->item[at];
	const struct opt *opt = opt_find(r->table, item->path, strlen(item->path));

	if (!opt || opt->flags & OPT_MANY)
		return 0;
	for (size_t i = 0; i < at; i++) {
		const char *path = r->toml->item[i].path;

		if (opt_find(r->table, path, strlen(path)) == opt)
			return err_set(r->err, -EINVAL,
				       "%s:%" PRIu32 ":%" PRIu32
				       ": '%s' is set already in line %" PRIu32,
				       r->toml->name, item->line, item->column, item->path,
				       r->toml->item[i].line);
	}
	return 0;
}

/* Whether only this user and root could have written it. NULL: yes; otherwise why not. */
static const char *distrust(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return "is not a regular file";
	if ((st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & S_IWOTH)
		return "belongs to another user or is writable for everybody";
	return NULL;
}

/* -1 with *ret_status 0: there is nothing to read. */
static int open_default(int *ret_status, struct err *err)
{
	int fd = toml_open(CONFIGURATION_DEFAULT, err);

	*ret_status = 0;
	if (fd < 0) {
		if (fd != -ENOENT && fd != -ENOTDIR)
			log_warning("%s; left out", err->text);
		return -1;
	}
	const char *why = distrust(fd);
	if (!why)
		return fd;
	log_warning("%s %s: left out; --config=FILE takes it", CONFIGURATION_DEFAULT, why);
	close(fd);
	return -1;
}

int configuration_read(const char *path, const struct opt *table, struct given *given,
		       struct arena *arena, const char **ret_name, struct err *err)
{
	struct toml toml = { 0 };
	struct reading r = { table, given, arena, &toml, err };
	const char *name = path ? path : &CONFIGURATION_DEFAULT[2];
	int status = 0;

	*ret_name = NULL;
	if (path && !strcmp(path, "none"))
		return 0;
	AUTO_CLOSE int fd = path ? toml_open(path, err) : open_default(&status, err);
	if (fd < 0 && path)
		return err_wrap(err, "configuration");
	if (fd < 0)
		return status;
	status = toml_read_open(fd, name, true, arena, &toml, err);
	for (size_t i = 0; status == 0 && i < toml.n_items; i++) {
		status = check_repeated(&r, i);
		if (status == 0)
			status = add_item(&r, &toml.item[i]);
	}
	if (status == 0)
		*ret_name = toml.name;
	return status;
}
