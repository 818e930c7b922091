/*
 * Any bytes as a perf.data, through everything that the report does with its events: address
 * spaces, unwinding, the scrub and the encoder of `convert`. Twice, since reading begins anew after
 * recording_rewind.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/format/record.h"
#include "common/space/space.h"
#include "report/read/read.h"
#include "report/unwind/unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sum;

static const struct elf_image *no_image(void *ctx, uint32_t object)
{
	(void)ctx, (void)object;
	return NULL;
}

/* All that is lent can be read. */
static void read_sample(const struct event_sample *s)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < s->n_kchain; i++)
		n += s->kchain[i];
	for (unsigned int i = 0; i < s->n_uchain; i++)
		n += s->uchain[i];
	if (s->view.slot)
		for (uint64_t addr = s->view.lo; addr < s->view.hi; addr += 8)
			n += s->view.slot[(addr >> 3) & s->view.mask];
	for (uint64_t i = 0; s->stack && i < s->stack_bytes; i++)
		n += s->stack[i];
	sum += n;
}

struct sinks {
	struct spaces *spaces;
	struct unwinder *unwinder;
	struct record_encoder *encoder;
	enum machine machine;
	struct stack_word words[STACK_WORDS_MAX];
};

static void take(struct sinks *to, const struct event *event)
{
	struct event copy = *event;
	struct frames frames;

	if (event->type == EVENT_SAMPLE) {
		if (event->sample.source >= SOURCE_MAX)
			abort();
		read_sample(&event->sample);
		unwind_sample(to->unwinder, event, &frames);
		space_scrub(spaces_find(to->spaces, event->pid), to->machine, &copy.sample,
			    to->words);
	} else {
		if (event->type == EVENT_MMAP)
			sum += strlen(event->mmap.path);
		spaces_apply(to->spaces, event);
	}
	if (record_encoder_put(to->encoder, &copy) < 0)
		record_encoder_begin(to->encoder);
}

static void read_all(struct recording *r)
{
	static const struct spaces_limits limits = { 4096, 256, 256, 256 };
	struct sinks *to = malloc(sizeof(*to));
	const struct event *event;

	if (!to)
		abort();
	to->machine = recording_machine(r);
	to->spaces = spaces_new(&limits);
	to->unwinder = unwinder_new(to->machine, to->spaces, no_image, NULL);
	to->encoder = record_encoder_new(to->machine, NULL);
	while (recording_next(r, &event) == RECORDING_EVENT)
		take(to, event);
	record_encoder_free(to->encoder);
	unwinder_free(to->unwinder);
	spaces_free(to->spaces);
	free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording *r;
	struct err err = { 0 };
	char path[64];
	int fd = memfd_create("perf.data", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (recording_open(path, &r, &err) == 0) {
		read_all(r);
		recording_rewind(r);
		read_all(r);
		recording_close(r);
	}
	close(fd);
	return 0;
}
