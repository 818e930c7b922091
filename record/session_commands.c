/*
 * Samples taken and paused while it runs: by commands, by the end of --delay. What is paused is
 * kept by source, as perf's commands name events; the pause that is counted is that of all of them.
 */
#include "record/session_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"

enum { COMMANDS_A_TURN = 16 };

static uint32_t all_sources(const struct session *s)
{
	return (UINT32_C(1) << kernel_facts(s->kernel)->n_sources) - 1;
}

void session_count_pause(struct session *s)
{
	if (s->paused)
		sink_count(s->sink, COUNTER_PAUSED_NS, s->now_ns - s->paused_ns);
	s->paused_ns = s->now_ns;
}

static void set_paused(struct session *s, uint32_t sources)
{
	bool all = sources == all_sources(s);

	if (all != s->paused)
		session_count_pause(s);
	s->paused = all;
	s->paused_sources = sources;
}

void session_begin_paused(struct session *s)
{
	s->paused = true;
	s->paused_sources = all_sources(s);
	s->paused_ns = s->now_ns;
	s->drop_samples = !kernel_pause(s->kernel, true);
}

static void pause_all(struct session *s, bool pause)
{
	uint32_t wanted = pause ? all_sources(s) : 0;

	if (s->paused_sources == wanted)
		return;
	set_paused(s, wanted);
	s->drop_samples = !kernel_pause(s->kernel, pause);
	log_info("samples are %s", pause ? "paused" : "taken");
}

/* By its label, or by any name of the event. */
static int find_source(const struct session *s, const char *name)
{
	const struct kernel_facts *f = kernel_facts(s->kernel);
	const struct watcher_kind *kind = watcher_kind_find(name);

	for (uint8_t i = 0; i < f->n_sources; i++)
		if (!strcmp(f->source[i].name, name))
			return i;
	for (uint8_t i = 0; kind && i < f->n_sources; i++)
		if (!strcmp(f->source[i].name, kind->name))
			return i;
	return -1;
}

static void warn_no_event(const struct session *s, const char *name)
{
	const struct kernel_facts *f = kernel_facts(s->kernel);
	char list[512] = "";

	for (uint8_t i = 0; i < f->n_sources; i++) {
		size_t n = strlen(list);

		snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", f->source[i].name);
	}
	log_warning("--control: no event '%.64s': there are %s", name, list);
}

static void pause_named(struct session *s, const char *name, bool pause)
{
	int i = find_source(s, name);

	if (i < 0) {
		warn_no_event(s, name);
		return;
	}
	uint32_t bit = UINT32_C(1) << i;
	set_paused(s, pause ? s->paused_sources | bit : s->paused_sources & ~bit);
	s->drop_samples = !kernel_pause_source(s->kernel, (uint8_t)i, pause);
	log_info("samples of %s are %s", name, pause ? "paused" : "taken");
}

static void pause_what(struct session *s, const char *name, bool pause)
{
	if (*name)
		pause_named(s, name, pause);
	else
		pause_all(s, pause);
}

/* perf's -v, -g and -F ask for more or less of this line. */
static void list_events(const struct session *s)
{
	const struct kernel_facts *f = kernel_facts(s->kernel);

	for (uint8_t i = 0; i < f->n_sources; i++) {
		const struct record_source *source = &f->source[i];
		bool by_time = source->frequency_hz != 0;

		log_notice("event %s: %s %" PRIu64 "%s, %s", source->name, by_time ? "at" : "every",
			   by_time ? source->frequency_hz : source->period, by_time ? " Hz" : "",
			   s->paused_sources >> i & 1 ? "paused" : "taken");
	}
}

static void obey(struct session *s, enum control_command command, const char *text)
{
	switch (command) {
	case CONTROL_ENABLE:
	case CONTROL_DISABLE:
		pause_what(s, text, command == CONTROL_DISABLE);
		break;
	case CONTROL_EVLIST:
		list_events(s);
		break;
	case CONTROL_SNAPSHOT:
		session_want_file(s, "asked by a command");
		break;
	case CONTROL_STOP:
		s->stop = true;
		break;
	default: /* ping: the answer is all */
		break;
	}
}

static void end_delay(struct session *s)
{
	uint64_t delay_ns = s->options->long_run.delay_ns;

	if (s->delay_over || !delay_ns || s->now_ns - s->start_ns < delay_ns)
		return;
	s->delay_over = true;
	pause_all(s, false);
}

void session_read_commands(struct session *s)
{
	enum control_command command = CONTROL_PING;
	const char *text;

	end_delay(s);
	for (int i = 0; i < COMMANDS_A_TURN; i++) {
		if (!control_next(&s->control, &command, &text))
			return;
		if (command == CONTROL_UNKNOWN) {
			log_warning("--control: '%.40s' is no command: expected enable [EVENT], "
				    "disable [EVENT], evlist, ping, snapshot or stop",
				    text);
			continue;
		}
		obey(s, command, text);
		control_ack(&s->control);
	}
}
