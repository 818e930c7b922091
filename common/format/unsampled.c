#include "common/format/unsampled.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/format/wire.h"

const char *unsampled_reason_text(enum unsampled_reason reason)
{
	static const char *const text[] = {
		[UNSAMPLED_UNKNOWN] = "reason not known",
		[UNSAMPLED_SETUID] = "setuid",
		[UNSAMPLED_SETGID] = "setgid",
		[UNSAMPLED_CAPABILITIES] = "file capabilities",
		[UNSAMPLED_UNREADABLE] = "not readable",
		[UNSAMPLED_HIDDEN] = "mappings not readable",
	};

	_Static_assert(N_ELEMENTS(text) == UNSAMPLED_REASONS, "one text for each reason");
	return text[reason < UNSAMPLED_REASONS ? reason : UNSAMPLED_UNKNOWN];
}

/* Its index; t->n when it is not there. */
static uint32_t find(const struct unsampled_table *t, enum unsampled_reason reason,
		     const char *name)
{
	uint32_t i = 0;

	while (i < t->n && (t->at[i].reason != reason || strcmp(t->at[i].name, name) != 0))
		i++;
	return i;
}

static bool has_room(const struct unsampled_table *t, const char *name)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		n += t->at[i].name[0] != 0;
	return !*name || n < UNSAMPLED_NAMES_MAX;
}

/* The entry of that name, or the nameless one: of these there is one for each reason. */
static struct unsampled *get(struct unsampled_table *t, enum unsampled_reason reason,
			     const char *name)
{
	uint32_t i = find(t, reason, name);

	if (i == t->n && !has_room(t, name)) {
		name = "";
		i = find(t, reason, name);
	}
	if (i == t->n) {
		t->at[t->n] = (struct unsampled){ .reason = reason };
		snprintf(t->at[t->n++].name, COMM_MAX, "%s", name);
	}
	return &t->at[i];
}

uint32_t unsampled_add(struct unsampled_table *t, enum unsampled_reason reason, const char *name)
{
	struct unsampled *u = get(t, reason, name);

	u->n++;
	return (uint32_t)(u - t->at);
}

void unsampled_set(struct unsampled_table *t, const struct unsampled *from)
{
	struct unsampled *u = get(t, from->reason, from->name);

	u->n = MAX(u->n, from->n);
}

void unsampled_add_all(struct unsampled_table *t, const struct unsampled_table *from)
{
	for (uint32_t i = 0; i < from->n; i++) {
		struct unsampled *u = get(t, from->at[i].reason, from->at[i].name);

		if (__builtin_add_overflow(u->n, from->at[i].n, &u->n))
			u->n = UINT64_MAX;
	}
}

uint8_t *unsampled_put(const struct unsampled *u, uint8_t *at)
{
	size_t n = strnlen(u->name, COMM_MAX - 1);

	_Static_assert(UNSAMPLED_BYTES_MAX == 2 * VARINT_BYTES_MAX + COMM_MAX, "room");

	at = put_varint(at, u->reason);
	at = put_varint(at, u->n);
	*at++ = (uint8_t)n;
	return put_bytes(at, u->name, n);
}

bool unsampled_get(struct cursor *c, struct unsampled *ret)
{
	uint64_t reason = get_varint(c), n = get_varint(c), n_name = get_u8(c);
	const uint8_t *name = n_name < COMM_MAX ? get_bytes(c, n_name) : NULL;

	if (c->bad || !name || memchr(name, 0, n_name))
		return false;
	*ret = (struct unsampled){
		.reason = reason < UNSAMPLED_REASONS ? (enum unsampled_reason)reason :
						       UNSAMPLED_UNKNOWN,
		.n = n,
	};
	memcpy(ret->name, name, n_name);
	return true;
}

static size_t describe_one(const struct unsampled *u, const char *separator, char *text, size_t cap)
{
	const char *reason = unsampled_reason_text(u->reason);
	int n;

	if (!u->name[0])
		n = snprintf(text, cap, "%sothers (%s, %" PRIu64 ")", separator, reason, u->n);
	else if (u->n == 1)
		n = snprintf(text, cap, "%s%s (%s)", separator, u->name, reason);
	else
		n = snprintf(text, cap, "%s%s (%s, %" PRIu64 ")", separator, u->name, reason, u->n);
	return n < 0 ? 0 : (size_t)n;
}

static bool is_in(const struct unsampled *u, bool hidden)
{
	return (u->reason == UNSAMPLED_HIDDEN) == hidden && u->n;
}

static uint64_t total(const struct unsampled_table *t, bool hidden)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		if (is_in(&t->at[i], hidden) && __builtin_add_overflow(n, t->at[i].n, &n))
			return UINT64_MAX;
	return n;
}

static void describe(const struct unsampled_table *t, bool hidden, const char *what, char *text,
		     size_t cap)
{
	uint64_t n_all = total(t, hidden);
	const char *separator = ": ";
	size_t n;

	text[0] = 0;
	if (!n_all)
		return;
	n = (size_t)snprintf(text, cap, "%" PRIu64 " process%s could not be %s", n_all,
			     n_all == 1 ? "" : "es", what);
	for (uint32_t i = 0; i < t->n && n < cap; i++) {
		if (!is_in(&t->at[i], hidden))
			continue;
		n += describe_one(&t->at[i], separator, text + n, cap - n);
		separator = ", ";
	}
}

void unsampled_describe(const struct unsampled_table *t, char *text, size_t cap)
{
	describe(t, false, "sampled", text, cap);
}

void unsampled_describe_hidden(const struct unsampled_table *t, char *text, size_t cap)
{
	describe(t, true, "looked into", text, cap);
}
