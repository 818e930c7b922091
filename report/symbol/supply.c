/*
 * question: header, then the name and the directory, each with its zero. The parent checks all of
 * it: the child may be anybody's by then.
 */
#include "report/symbol/supply.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "report/debug/debug.h"
#include "report/jail/jail.h"
#include "report/symbol/missing.h"

enum {
	SUPPLY_TEXT_MAX = 4096,	   /* two of them fit a question of missing.h */
	SUPPLY_MISSING_MAX = 4096, /* afterwards nothing is looked for any more */
};

struct question {
	uint32_t kind;			/* enum dwarf_want_kind + 1 */
	uint32_t name_bytes, dir_bytes; /* with their zeros */
	struct build_id build_id;
	uint64_t dwo_id;
};

static uint32_t text_bytes(const char *text)
{
	return text ? (uint32_t)strnlen(text, SUPPLY_TEXT_MAX) + 1 : 1;
}

static void put_text(char *at, const char *text, uint32_t n)
{
	if (n > 1)
		memcpy(at, text, n - 1);
	at[n - 1] = 0;
}

int supply_ask(void *ctx, const struct dwarf_want *want)
{
	struct question q = {
		.kind = (uint32_t)want->kind + 1,
		.name_bytes = text_bytes(want->name),
		.dir_bytes = text_bytes(want->comp_dir),
		.build_id = want->build_id,
		.dwo_id = want->dwo_id,
	};
	size_t n = sizeof(q) + q.name_bytes + q.dir_bytes, n_answer;
	AUTO_FREE char *bytes = mem_zalloc(n);
	char answer[8];
	int fd = -1;

	memcpy(bytes, &q, sizeof(q));
	put_text(bytes + sizeof(q), want->name, q.name_bytes);
	put_text(bytes + sizeof(q) + q.name_bytes, want->comp_dir, q.dir_bytes);
	if (jail_ask(ctx, bytes, n, answer, sizeof(answer), &n_answer, &fd, NULL) < 0)
		return -1;
	return fd;
}

static bool is_sound(const struct question *q, const char *text, size_t n)
{
	return q->name_bytes && q->dir_bytes && q->name_bytes <= SUPPLY_TEXT_MAX + 1 &&
	       q->dir_bytes <= SUPPLY_TEXT_MAX + 1 && q->name_bytes + q->dir_bytes == n &&
	       !text[q->name_bytes - 1] && !text[n - 1] && q->build_id.n <= BUILD_ID_MAX;
}

static int find(const struct supply *s, const struct question *q, const char *name, const char *dir,
		struct debug_file *ret)
{
	switch ((enum dwarf_want_kind)(q->kind - 1)) {
	case DWARF_WANT_ALT:
		return debug_find_alt(s->debug, &q->build_id, name, s->beside, ret, NULL);
	case DWARF_WANT_DWO:
		return debug_find_dwo(s->debug, q->dwo_id, name, dir, s->beside, ret, NULL);
	case DWARF_WANT_DWP:
		return debug_find_dwp(s->debug, s->key, s->beside, ret, NULL);
	}
	return -1;
}

/* Open file, or -1. */
static int find_file(const struct supply *s, const void *question, size_t n, struct question *ret)
{
	struct debug_file file = { .fd = -1 };
	const char *text = question;
	int fd;

	if (n < sizeof(*ret))
		return -1;
	memcpy(ret, question, sizeof(*ret));
	text += sizeof(*ret);
	if (!is_sound(ret, text, n - sizeof(*ret)) ||
	    find(s, ret, text, text + ret->name_bytes, &file) < 0)
		return -1;
	fd = file.fd;
	file.fd = -1;
	debug_file_done(&file);
	return fd;
}

/* Most objects have no .dwp: that alone leaves no gap. */
static bool leaves_gap(uint32_t kind)
{
	return kind != DWARF_WANT_DWP + 1;
}

static void note_missing(struct supply *s, const void *question, size_t n, const struct question *q)
{
	s->n_missing++;
	if (missing_put(&s->missing, question, n))
		s->n_noted += leaves_gap(q->kind);
}

void supply_init(struct supply *s, struct debug *debug, const struct object_key *key,
		 const struct debug_file *beside)
{
	*s = (struct supply){ .debug = debug, .key = key, .beside = beside };
	buf_init(&s->missing);
}

void supply_done(struct supply *s)
{
	buf_done(&s->missing);
}

int supply_answer(struct supply *s, const void *question, size_t n)
{
	struct question q = { .kind = 0 };
	int fd;

	if (s->n_missing >= SUPPLY_MISSING_MAX)
		return -1;
	fd = find_file(s, question, n, &q);
	if (fd < 0)
		note_missing(s, question, n, &q);
	return fd;
}

uint32_t supply_count_gaps(const void *missing, size_t n)
{
	const uint8_t *at = missing, *end = n ? at + n : at;
	const void *question;
	uint32_t kind, count = 0;
	size_t n_question;

	while (missing_next(&at, end, &question, &n_question)) {
		if (n_question < sizeof(struct question))
			continue;
		memcpy(&kind, question, sizeof(kind));
		count += leaves_gap(kind);
	}
	return count;
}

bool supply_has_any(struct supply *s, const void *missing, size_t n)
{
	const uint8_t *at = missing, *end = n ? at + n : at;
	const void *question;
	size_t n_question;

	while (missing_next(&at, end, &question, &n_question)) {
		struct question q;
		int fd = find_file(s, question, n_question, &q);

		if (fd >= 0) {
			close(fd);
			return true;
		}
	}
	return false;
}
