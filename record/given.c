#include "record/given.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/log.h"

void given_add(struct given *g, const struct opt *opt, const char *value, enum given_origin origin,
	       const char *place)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->n; i++)
		if (g->value[i].opt != opt ||
		    (g->value[i].origin == origin && opt->flags & OPT_MANY))
			g->value[kept++] = g->value[i];
	g->n = kept;
	mem_grow(&g->value, &g->cap, g->n + 1, sizeof(*g->value));
	g->value[g->n++] = (struct given_value){ opt, value, origin, place };
}

static void name_origin(const struct given_value *v, struct err *err)
{
	switch (v->origin) {
	case GIVEN_ENVIRONMENT:
		err_wrap(err, "environment variable %s", v->opt->env);
		break;
	case GIVEN_FILE:
		err_wrap(err, "%s: %s", v->place, v->opt->name);
		break;
	default:
		err_wrap(err, "option --%s", v->opt->name);
	}
}

int given_apply(const struct given *g, void *ctx, struct err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct given_value *v = &g->value[i];

		if (v->opt->set(ctx, v->value, err) == 0)
			continue;
		name_origin(v, err);
		if (v->origin != GIVEN_ENVIRONMENT || !(v->opt->flags & GIVEN_LENIENT))
			return err->code;
		log_warning("%s; left out", err->text);
	}
	return 0;
}

const struct given_value *given_find(const struct given *g, const char *name)
{
	for (size_t i = g->n; i > 0; i--)
		if (!strcmp(g->value[i - 1].opt->name, name))
			return &g->value[i - 1];
	return NULL;
}

const char *given_origin_text(enum given_origin origin)
{
	static const char *const text[] = { "environment", "configuration", "option" };

	return text[origin];
}

void given_done(struct given *g)
{
	free(g->value);
	*g = (struct given){ 0 };
}
