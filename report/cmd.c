#include "report/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "report/configuration.h"

int command_usage(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_error("%s, see --help", text);
	return EXIT_USAGE;
}

void command_paths_add(struct command_paths *p, const char *path, size_t n)
{
	char *copy = mem_alloc(n + 1);

	memcpy(copy, path, n);
	copy[n] = 0;
	mem_grow(&p->path, &p->cap, p->n + 1, sizeof(*p->path));
	p->path[p->n++] = copy;
}

void command_paths_done(struct command_paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->path[i]);
	free(p->path);
	*p = (struct command_paths){ 0 };
}

static void append_paths(struct command_paths *to, const struct command_paths *from)
{
	for (size_t i = 0; i < from->n; i++)
		command_paths_add(to, from->path[i], strlen(from->path[i]));
}

int command_ready(struct command *c, const char *verb_name, enum verb verb)
{
	for (unsigned int i = 0; i < c->n_given; i++)
		if (!(c->given[i].verbs & verb))
			return command_usage("option --%s is not for '%s'", c->given[i].option,
					     verb_name);
	append_paths(&c->debug_dir, &c->debug_dir_later);
	append_paths(&c->debug_dir, &c->debug_dir_config);
	append_paths(&c->source_dir, &c->source_dir_config);
	c->pipeline.debug.dir = (const char *const *)c->debug_dir.path;
	c->pipeline.debug.n_dirs = (unsigned int)c->debug_dir.n;
	return 0;
}

void command_done(struct command *c)
{
	filter_done(&c->pipeline.filter);
	command_paths_done(&c->debug_dir);
	command_paths_done(&c->debug_dir_later);
	command_paths_done(&c->debug_dir_config);
	command_paths_done(&c->source_dir);
	command_paths_done(&c->source_dir_config);
	buf_done(&c->files_text);
	config_free(c->config);
}

int command_parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMG";
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (*text < '0' || *text > '9' || (*end && (!unit || end[1])))
		return -EINVAL;
	if (unit && __builtin_mul_overflow(n, UINT64_C(1) << 10 * (unit - units + 1), &n))
		return -EINVAL;
	*ret = n;
	return 0;
}
