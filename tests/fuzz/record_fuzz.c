/*
 * Any bytes as the contents of a chunk -> events -> bytes -> the same events. What the decoder
 * accepts, the encoder can write and the decoder reads again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/format/record.h"
#include "common/format/wire.h"
#include "tests/unit/events_made.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void die(const char *what)
{
	fprintf(stderr, "events differ: %s\n", what);
	abort();
}

/* The flat image holds what the list says. */
static void look_at(const struct event *event)
{
	const struct event_sample *s = &event->sample;
	uint64_t above = UINT64_MAX;

	if (event->type != EVENT_SAMPLE)
		return;
	for (uint32_t i = 0; i < s->n_words; i++) {
		if (s->words[i].addr >= above || s->words[i].addr < s->view.lo ||
		    s->words[i].addr + 8 > s->view.hi)
			die("order of words");
		if (s->view.slot[s->words[i].addr >> 3 & s->view.mask] != s->words[i].value)
			die("image");
		above = s->words[i].addr;
	}
}

/* Facts are not written again. */
static bool next_event(struct record_decoder *d, struct record *ret)
{
	enum record_read read;

	do
		read = record_decoder_next(d, ret, NULL);
	while (read == RECORD_SOURCE || read == RECORD_COUNTERS || read == RECORD_UNSAMPLED);
	return read == RECORD_EVENT;
}

static void compare(struct record_decoder *a, struct record_decoder *b)
{
	struct record one, other;
	const char *what = "";

	while (next_event(a, &one)) {
		if (!next_event(b, &other))
			die("fewer");
		if (!made_equal(&one.event, &other.event, &what))
			die(what);
		look_at(&one.event);
		look_at(&other.event);
	}
}

/* A fact that is accepted is written so that it reads the same. */
static void look_at_unsampled(const struct unsampled *u)
{
	uint8_t bytes[UNSAMPLED_BYTES_MAX];
	struct cursor c = cursor_of(bytes, (size_t)(unsampled_put(u, bytes) - bytes));
	struct unsampled again;

	if (!unsampled_get(&c, &again) || again.reason != u->reason || again.n != u->n ||
	    strcmp(again.name, u->name) != 0)
		die("unsampled");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct record_decoder *first, *second;
	struct chunk_header h = { 0 };
	struct record_encoder *e;
	struct record r;
	const uint8_t *again;
	enum record_read read;
	size_t n_again;

	if (!first) {
		first = record_decoder_new(MACHINE_X86_64);
		second = record_decoder_new(MACHINE_X86_64);
	}
	if (n == 0 || (data[0] != MACHINE_X86_64 && data[0] != MACHINE_AARCH64))
		return 0;
	e = record_encoder_new((enum machine)data[0], NULL);
	record_decoder_begin(first, &h, data, n);
	while ((read = record_decoder_next(first, &r, NULL)) > 0) {
		if (read == RECORD_UNSAMPLED)
			look_at_unsampled(&r.unsampled);
		if (read == RECORD_EVENT && record_encoder_put(e, &r.event) < 0)
			break; /* full: writers leave more room than readers need */
	}
	again = record_encoder_bytes(e, &n_again);
	record_decoder_begin(first, &h, again, n_again);
	record_decoder_begin(second, &h, data, n);
	compare(first, second);
	record_decoder_begin(first, &h, data, 0);
	record_decoder_begin(second, &h, data, 0);
	record_encoder_free(e);
	return 0;
}
