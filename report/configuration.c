/*
 * A key is found in the list below, its value is turned into what the option's setter takes, and
 * the setter says whether it is right. So a value means the same here and on the command line.
 */
#include "report/configuration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/toml.h"
#include "report/cmd.h"
#include "report/options.h"

#define FILE_NAME "ddprof/ddprof-report.toml"

struct config {
	struct arena arena;
};

/* What a key's value becomes. */
enum config_kind {
	CONFIG_TEXT,   /* the argument as it is; numbers too */
	CONFIG_YES_NO, /* boolean: "yes" or "no" */
	CONFIG_SWITCH, /* boolean: true is the option, false is nothing */
	CONFIG_UNLESS, /* boolean: false is the option, which says "no-" */
	CONFIG_WORDS,  /* strings, joined by blanks */
	CONFIG_PATHS,  /* strings, one option each; "~/" and names relative to the file */
};

static const struct config_key {
	const char *name;
	enum config_kind kind;
} keys[] = {
	{ "by", CONFIG_TEXT },
	{ "lines", CONFIG_SWITCH },
	{ "inline", CONFIG_YES_NO },
	{ "limit", CONFIG_TEXT },
	{ "min", CONFIG_TEXT },
	{ "flatten_inlines", CONFIG_SWITCH },
	{ "debug_dir", CONFIG_PATHS },
	{ "debuginfod", CONFIG_YES_NO },
	{ "debuginfod_urls", CONFIG_WORDS },
	{ "debuginfod_timeout", CONFIG_TEXT },
	{ "debuginfod_max_size", CONFIG_TEXT },
	{ "cache", CONFIG_UNLESS },
	{ "local_files", CONFIG_UNLESS },
	{ "source_dir", CONFIG_PATHS },
	{ "context", CONFIG_TEXT },
	{ "color", CONFIG_TEXT },
	{ "pager", CONFIG_UNLESS },
	{ "log_level", CONFIG_TEXT },
};

struct loading {
	struct command *c;
	const struct toml *toml;
	struct arena *arena;
	struct err *err;
};

/* ---- names ---- */

/* The key that is most like it; NULL: none is. */
static const char *nearest(const char *name)
{
	struct opt names[N_ELEMENTS(keys) + 1] = { 0 };

	for (size_t i = 0; i < N_ELEMENTS(keys); i++)
		names[i].name = keys[i].name;
	return opt_nearest(names, name, strlen(name));
}

static const struct config_key *find_key(const char *name)
{
	for (size_t i = 0; i < N_ELEMENTS(keys); i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

/* "no_cache" for "cache" */
static const struct opt *find_option(struct arena *arena, const struct config_key *key)
{
	char *name =
		arena_printf(arena, "%s%s", key->kind == CONFIG_UNLESS ? "no-" : "", key->name);

	for (char *at = name; *at; at++)
		if (*at == '_')
			*at = '-';
	for (const struct opt *opt = command_options; opt->name; opt++)
		if (!strcmp(opt->name, name))
			return opt;
	return NULL;
}

/* ---- values ---- */

static int unknown(struct loading *l, const struct toml_item *item)
{
	const char *dot = strrchr(item->path, '.');
	const char *near = nearest(dot ? dot + 1 : item->path);

	if (near)
		return err_set(l->err, -EINVAL,
			       "%s:%" PRIu32 ":%" PRIu32 ": unknown key '%s'; nearest is '%s'",
			       l->toml->name, item->line, item->column, item->path, near);
	return err_set(l->err, -EINVAL,
		       "%s:%" PRIu32 ":%" PRIu32 ": unknown key '%s', see ddprof-report(1)",
		       l->toml->name, item->line, item->column, item->path);
}

static int check_type(struct loading *l, const struct config_key *key, const struct toml_item *item)
{
	static const struct {
		unsigned int types;
		const char *text;
	} wanted[] = {
		[CONFIG_TEXT] = { 1 << TOML_STRING | 1 << TOML_INTEGER | 1 << TOML_FRACTION,
				  "string or number" },
		[CONFIG_YES_NO] = { 1 << TOML_BOOLEAN, "boolean" },
		[CONFIG_SWITCH] = { 1 << TOML_BOOLEAN, "boolean" },
		[CONFIG_UNLESS] = { 1 << TOML_BOOLEAN, "boolean" },
		[CONFIG_WORDS] = { 1 << TOML_STRING | 1 << TOML_STRINGS,
				   "string or array of strings" },
		[CONFIG_PATHS] = { 1 << TOML_STRING | 1 << TOML_STRINGS,
				   "string or array of strings" },
	};

	if (wanted[key->kind].types >> item->type & 1)
		return 0;
	return err_set(l->err, -EINVAL, "%s:%" PRIu32 ":%" PRIu32 ": '%s' is a %s, found %s",
		       l->toml->name, item->value_line, item->value_column, key->name,
		       wanted[key->kind].text, toml_type_name(item->type));
}

static const char *absolute(struct loading *l, const char *path)
{
	const char *home = getenv("HOME"), *slash = strrchr(l->toml->name, '/');

	if (path[0] == '~' && (path[1] == '/' || !path[1]) && home)
		return arena_printf(l->arena, "%s%s", home, path + 1);
	if (path[0] == '/' || !slash)
		return path;
	return arena_printf(l->arena, "%.*s/%s", (int)(slash - l->toml->name), l->toml->name, path);
}

static const char *join(struct arena *arena, const struct toml_item *item)
{
	const char *text = item->text ? item->text : "";

	for (size_t i = 0; i < item->n_strings; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? " " : "", item->string[i]);
	return text;
}

static int set(struct loading *l, const struct opt *opt, const struct toml_item *item,
	       const char *value)
{
	if (opt->set(l->c, value, l->err) == 0)
		return 0;
	return err_wrap(l->err, "%s:%" PRIu32 ":%" PRIu32 ": %s", l->toml->name, item->value_line,
			item->value_column, item->path);
}

static int set_paths(struct loading *l, const struct opt *opt, const struct toml_item *item)
{
	int status = 0;

	if (item->text)
		return set(l, opt, item, absolute(l, item->text));
	for (size_t i = 0; status == 0 && i < item->n_strings; i++)
		status = set(l, opt, item, absolute(l, item->string[i]));
	return status;
}

static int apply(struct loading *l, const struct toml_item *item)
{
	const struct config_key *key = find_key(item->path);
	const struct opt *opt;

	if (!key)
		return unknown(l, item);
	if (check_type(l, key, item) < 0)
		return -EINVAL;
	opt = find_option(l->arena, key);
	if (!opt)
		return err_set(l->err, -ENOENT, "key '%s' has no option", key->name);
	switch (key->kind) {
	case CONFIG_TEXT:
		return set(l, opt, item, item->text);
	case CONFIG_YES_NO:
		return set(l, opt, item, item->integer ? "yes" : "no");
	case CONFIG_SWITCH:
		return item->integer ? set(l, opt, item, NULL) : 0;
	case CONFIG_UNLESS:
		return item->integer ? 0 : set(l, opt, item, NULL);
	case CONFIG_WORDS:
		return set(l, opt, item, join(l->arena, item));
	case CONFIG_PATHS:
		return set_paths(l, opt, item);
	}
	return 0;
}

/* ---- the file ---- */

/* NULL: the user has no home. */
static char *default_path(struct arena *arena)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (base && base[0] == '/')
		return arena_printf(arena, "%s/" FILE_NAME, base);
	return home && home[0] == '/' ? arena_printf(arena, "%s/.config/" FILE_NAME, home) : NULL;
}

static bool is_absent(int status)
{
	return status == -ENOENT || status == -ENOTDIR;
}

static int read_file(const char *path, struct command *c, struct toml *ret, struct err *err)
{
	struct arena *arena = &c->config->arena;
	const char *file = path ? path : default_path(arena);
	int status = file ? toml_read(file, arena, ret, err) : 0;

	if (path || status == 0)
		return status;
	if (status == -EACCES)
		log_warning("%s", err->text);
	return is_absent(status) || status == -EACCES ? 0 : status;
}

int config_load(const char *path, struct command *c, struct err *err)
{
	struct toml toml = { 0 };
	struct loading l = { .c = c, .toml = &toml, .err = err };
	int status;

	if (path && !strcmp(path, "none"))
		return 0;
	c->config = mem_zalloc(sizeof(*c->config));
	arena_init(&c->config->arena);
	l.arena = &c->config->arena;
	status = read_file(path, c, &toml, err);
	c->configuring = true;
	for (size_t i = 0; status == 0 && i < toml.n_items; i++)
		status = apply(&l, &toml.item[i]);
	c->configuring = false;
	c->n_given = 0; /* a default is no request: what the verb does not know is not refused */
	return status;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	arena_done(&config->arena);
	free(config);
}

/* ---- which file ---- */

struct asked {
	const char *path;
	bool nothing;
};

static int ignore(void *ctx, const char *value, struct err *err)
{
	(void)ctx, (void)value, (void)err;
	return 0;
}

static int note_path(void *ctx, const char *value, struct err *err)
{
	(void)err;
	((struct asked *)ctx)->path = value;
	return 0;
}

static int note_nothing(void *ctx, const char *value, struct err *err)
{
	(void)value, (void)err;
	((struct asked *)ctx)->nothing = true;
	return 0;
}

/*
 * The command line is parsed as it will be, with setters that do nothing: "--comm --config" is no
 * --config. What is wrong with it is said when it is parsed in earnest.
 */
int config_load_asked(int argc, char **argv, struct command *c, struct err *err)
{
	AUTO_FREE char **words = mem_alloc(((size_t)argc + 1) * sizeof(*words));
	AUTO_FREE struct opt *table = NULL;
	struct asked asked = { 0 };
	size_t n = 0;
	int operand;

	while (command_options[n].name)
		n++;
	table = mem_alloc((n + 1) * sizeof(*table));
	memcpy(table, command_options, (n + 1) * sizeof(*table));
	for (struct opt *opt = table; opt->name; opt++) {
		opt->env = NULL;
		opt->set = !strcmp(opt->name, "config") ? note_path :
			   !strcmp(opt->name, "help") || !strcmp(opt->name, "version") ?
							  note_nothing :
							  ignore;
	}
	memcpy(words, argv, (size_t)argc * sizeof(*words));
	if (opt_parse(table, &asked, argc, words, false, &operand, NULL) < 0 || asked.nothing)
		return 0;
	return config_load(asked.path, c, err);
}
