/*
 * One pass down the tree decides for each node whether its stack matches: parents come before
 * children.
 */
#include "report/profile/filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "report/profile/profile.h"

void filter_init(struct filter *f)
{
	memset(f, 0, sizeof(*f));
	f->to_ns = UINT64_MAX;
}

static void free_words(struct filter_words *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->word[i]);
	free(list->word);
}

void filter_done(struct filter *f)
{
	free(f->pid.number);
	free(f->tid.number);
	free_words(&f->comm);
	free_words(&f->event);
	free_words(&f->dso);
	free_words(&f->symbol);
	filter_init(f);
}

int filter_add_numbers(struct filter_numbers *list, const char *text, struct err *err)
{
	for (const char *at = text;; at++) {
		char *end;
		unsigned long long value = strtoull(at, &end, 10);

		if (end == at || *at < '0' || *at > '9' || value > UINT32_MAX ||
		    (*end && *end != ','))
			return err_set(err, -EINVAL, "'%s' is not a list of numbers like 12,345",
				       text);
		mem_grow(&list->number, &list->cap, list->n + 1, sizeof(*list->number));
		list->number[list->n++] = (uint32_t)value;
		if (!*end)
			return 0;
		at = end;
	}
}

static void add_word(struct filter_words *list, const char *text, size_t n)
{
	char *word = mem_alloc(n + 1);

	memcpy(word, text, n);
	word[n] = 0;
	mem_grow(&list->word, &list->cap, list->n + 1, sizeof(*list->word));
	list->word[list->n++] = word;
}

/* C++ names hold commas, "f(int, char)": only a comma outside brackets ends a word. */
void filter_add_words(struct filter_words *list, const char *text)
{
	const char *start = text;
	int depth = 0;

	for (const char *at = text; *at; at++) {
		if (*at == '(' || *at == '<')
			depth++;
		else if ((*at == ')' || *at == '>') && depth)
			depth--;
		if (*at != ',' || depth)
			continue;
		add_word(list, start, (size_t)(at - start));
		start = at + 1;
	}
	add_word(list, start, strlen(start));
}

/* A number with a fraction and a unit; *at moves behind it. */
static int parse_time(const char **at, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 },  { "us", 1e3 }, { "ms", 1e6 },
		{ "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 },
	};
	size_t n = strspn(*at, "0123456789.");
	double value, scale = 1e9;
	char *end;

	value = strtod(*at, &end);
	if (!n || end != *at + n)
		return -EINVAL;
	*at = end;
	n = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = 0; n && i <= sizeof(units) / sizeof(units[0]); i++) {
		if (i == sizeof(units) / sizeof(units[0]))
			return -EINVAL;
		if (strlen(units[i].name) == n && !strncmp(*at, units[i].name, n)) {
			scale = units[i].ns;
			break;
		}
	}
	*at += n;
	if (value * scale >= 9e18)
		return -EINVAL;
	*ret_ns = (uint64_t)(value * scale + 0.5);
	return 0;
}

int filter_set_time(struct filter *f, const char *text, struct err *err)
{
	uint64_t from = 0, to = UINT64_MAX;
	const char *at = text;

	if ((*at != '-' && parse_time(&at, &from) < 0) || *at++ != '-' ||
	    (*at && (parse_time(&at, &to) < 0 || *at)))
		return err_set(err, -EINVAL, "'%s' is not a time range like 1.5-2 or 250ms-1s",
			       text);
	if (from >= to)
		return err_set(err, -EINVAL, "'%s': the range is empty", text);
	f->from_ns = from;
	f->to_ns = to;
	return 0;
}

static bool has_number(const struct filter_numbers *list, uint32_t number)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->number[i] == number)
			return true;
	return !list->n;
}

static bool has_word(const struct filter_words *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->word[i], text) || fnmatch(list->word[i], text, 0) == 0)
			return true;
	return !list->n;
}

bool filter_takes(const struct filter *f, const struct filter_sample *s)
{
	return s->time_ns >= f->from_ns && s->time_ns < f->to_ns && has_number(&f->pid, s->pid) &&
	       has_number(&f->tid, s->tid) && has_word(&f->comm, s->comm) &&
	       has_word(&f->event, s->event);
}

bool filter_is_late(const struct filter *f)
{
	return f->dso.n || f->symbol.n;
}

bool filter_symbol_matches(const struct filter_words *patterns, const char *name)
{
	const char *parameters = strchr(name, '(');
	char *bare;
	bool matches;

	if (has_word(patterns, name))
		return true;
	if (!parameters || parameters == name)
		return false;
	bare = strndup(name, (size_t)(parameters - name));
	matches = bare && has_word(patterns, bare);
	free(bare);
	return matches;
}

enum { MATCH_DSO = 1, MATCH_SYMBOL = 2, MATCH_BOTH = 3 };

static uint8_t *match_functions(const struct filter *f, const struct profile *p)
{
	uint8_t *match = mem_zalloc(p->n_functions + 1);

	for (size_t i = 0; i < p->n_functions; i++) {
		const struct profile_module *m = &p->module[p->function[i].module];

		if (has_word(&f->dso, profile_text(p, m->name)) ||
		    has_word(&f->dso, profile_text(p, m->path)))
			match[i] |= MATCH_DSO;
		if (!f->symbol.n ||
		    filter_symbol_matches(&f->symbol, profile_text(p, p->function[i].name)))
			match[i] |= MATCH_SYMBOL;
	}
	return match;
}

void filter_apply(const struct filter *f, struct profile *p)
{
	uint8_t *function = match_functions(f, p), *node = mem_zalloc(p->n_nodes);
	size_t kept = 0;

	for (size_t n = 1; n < p->n_nodes; n++) {
		uint32_t at = profile_node_function(p, (uint32_t)n);

		node[n] = node[p->node[n].parent] | (at == PROFILE_NONE ? 0 : function[at]);
	}
	for (size_t i = 0; i < p->n_entries; i++) {
		struct profile_entry e = p->entry[i];

		if (node[e.node] == MATCH_BOTH) {
			p->entry[kept++] = e;
			continue;
		}
		if (p->source[e.source].time == TIME_SAMPLED) {
			p->coverage.n_filtered += e.count;
			p->n_samples -= e.count;
		}
		p->source[e.source].count -= e.count;
		p->source[e.source].weight -= MIN(e.weight, p->source[e.source].weight);
	}
	p->n_entries = kept;
	free(function);
	free(node);
}
