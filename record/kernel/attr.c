/*
 * Task events ride on a dummy event of their own: a sample ring that runs over then never
 * loses a mapping, and PERF_FORMAT_LOST of the sampling event counts samples alone.
 */
#include "record/kernel/attr.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "record/kernel/decode.h"

static const char *const later[] = {
	"hCPU", "hREF", "hINST", "hCREF",  "hCMISS", "hBRANCH", "hBMISS", "hBUS", "hBSTF",  "hBSTB",
	"sPF",	"sCS",	"sMig",	 "sPFMAJ", "sPFMIN", "sALGN",	"sEMU",	  "sDUM", "sALLOC",
};

static bool is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\n';
}

/* Next word of an event's text into `word`; NULL at the end. */
static const char *next_word(const char *at, char *word, size_t cap)
{
	size_t n = 0;

	while (is_separator(*at))
		at++;
	if (!*at)
		return NULL;
	for (; *at && !is_separator(*at); at++)
		if (n + 1 < cap)
			word[n++] = *at;
	word[n] = '\0';
	return at;
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* As in the model, a period of sCPU is read as a frequency too. */
static int set_option(const char *word, uint64_t *hz, struct err *err)
{
	static const char *const keys[] = { "f", "freq", "frequency", "p", "per", "period" };
	char key[16];
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);

	snprintf(key, sizeof(key), "%.*s", (int)MIN(n, sizeof(key) - 1), word);
	if (!equals || !is_one_of(key, keys, N_ELEMENTS(keys)))
		return err_set(err, -ENOTSUP, "'%s' is not understood in an event; try 'sCPU f=99'",
			       word);
	char *end;
	errno = 0;
	unsigned long long value = strtoull(equals + 1, &end, 10);
	if (!isdigit((unsigned char)equals[1]) || *end || errno || value < 1 ||
	    value > FREQUENCY_MAX_HZ)
		return err_set(err, -EINVAL, "'%s': expected 1 to %d samples a second", word,
			       FREQUENCY_MAX_HZ);
	*hz = value;
	return 0;
}

static int check_name(const char *name, struct err *err)
{
	if (!strcmp(name, "sCPU"))
		return 0;
	if (is_one_of(name, later, N_ELEMENTS(later)))
		return err_set(err, -ENOTSUP, "event '%s' is not supported yet; use 'sCPU'", name);
	return err_set(err, -EINVAL, "'%s' is no event; use 'sCPU'", name);
}

int event_spec_parse(const char *text, uint32_t hz, bool whole_system, struct event_spec *ret,
		     struct err *err)
{
	char word[64];
	bool named = false;
	uint64_t frequency_hz = hz;

	if (strchr(text, ';') && strchr(text, ';')[1])
		return err_set(err, -ENOTSUP, "'%s': one event at a time for now; use 'sCPU'",
			       text);
	for (const char *at = text; (at = next_word(at, word, sizeof(word)));) {
		word[strcspn(word, ";")] = '\0';
		int r = strchr(word, '=') ? set_option(word, &frequency_hz, err) :
					    check_name(word, err);
		if (r < 0)
			return r;
		named |= !strchr(word, '=');
	}
	if (!named)
		return err_set(err, -EINVAL, "'%s' names no event; use 'sCPU'", text);

	*ret = (struct event_spec){
		.source = { .name = "sCPU",
			    .unit = "nanoseconds",
			    .frequency_hz = frequency_hz,
			    .period = 1000000000 / frequency_hz },
		.type = PERF_TYPE_SOFTWARE,
		.config = whole_system ? PERF_COUNT_SW_CPU_CLOCK : PERF_COUNT_SW_TASK_CLOCK,
	};
	return 0;
}

static void fill_common(const struct attr_choice *choice, struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	attr->inherit = !choice->whole_system;
	attr->enable_on_exec = choice->enable_on_exec;
	attr->exclude_hv = 1;
	attr->sample_id_all = 1;
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
	attr->watermark = 1;
	attr->wakeup_watermark = choice->watermark_bytes;
	attr->read_format = choice->format_lost ? PERF_FORMAT_LOST : 0;
}

static void fill_tasks(const struct attr_choice *choice, struct perf_event_attr *attr)
{
	attr->mmap = 1;
	attr->mmap2 = 1;
	attr->build_id = choice->build_id;
	attr->comm = 1;
	attr->comm_exec = 1;
	attr->task = 1;
}

void attr_fill_sample(const struct event_spec *spec, const struct attr_choice *choice, bool tasks,
		      struct perf_event_attr *ret)
{
	*ret = (struct perf_event_attr){
		.type = spec->type,
		.config = spec->config,
		.freq = 1,
		.sample_freq = spec->source.frequency_hz,
		.sample_type = DECODE_SAMPLE_TYPE,
		.sample_regs_user = perf_regs_native()->mask,
		/* A CPU's clock ticks while nothing runs; nobody asks where idle time goes. */
		.exclude_idle = choice->whole_system,
		.exclude_callchain_user = 1,
	};
	fill_common(choice, ret);
	if (tasks)
		fill_tasks(choice, ret);
	if (choice->kernel) {
		ret->sample_type |= PERF_SAMPLE_CALLCHAIN;
	} else {
		ret->exclude_kernel = 1;
		ret->exclude_callchain_kernel = 1;
	}
	if (choice->stack) {
		ret->sample_type |= PERF_SAMPLE_STACK_USER;
		ret->sample_stack_user = choice->stack_bytes;
	}
}

void attr_fill_tasks(const struct attr_choice *choice, struct perf_event_attr *ret)
{
	*ret = (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = DECODE_TASKS_TYPE,
		.exclude_kernel = !choice->kernel,
		.exclude_callchain_kernel = !choice->kernel,
	};
	fill_common(choice, ret);
	fill_tasks(choice, ret);
}
