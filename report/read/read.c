/* Which kind a recording is of, and the facts that all kinds have. */
#include "report/read/read.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "report/read/chunks.h"
#include "report/read/part.h"
#include "report/read/perfdata.h"
#include "report/read/recording.h"
#include "report/read/spool.h"

void recording_init(struct recording *r, const struct recording_kind *kind, int fd)
{
	struct stat st;

	r->kind = kind;
	r->fd = fd;
	arena_init(&r->arena);
	r->state.n_files = 1;
	if (fd >= 0 && fstat(fd, &st) == 0)
		r->state.file_bytes = (uint64_t)st.st_size;
}

void recording_done(struct recording *r)
{
	damages_done(&r->damages);
	damages_done(&r->holes);
	arena_done(&r->arena);
	if (r->fd >= 0)
		close(r->fd);
}

static int open_chunks(const char *path, int fd, struct recording **ret, struct err *err)
{
	struct part *part = mem_alloc(sizeof(*part));
	struct part_tools tools = { 0 };
	int code = part_open(&tools, path, fd, part, err);

	part_tools_done(&tools);
	if (code < 0)
		free(part);
	else
		*ret = chunks_open(part, 1);
	return code;
}

int recording_open(const char *path, struct recording **ret, struct err *err)
{
	int fd = spool_open(path, err), code = fd;

	if (fd >= 0)
		code = perfdata_is(fd) ? perfdata_open(fd, ret, err) :
					 open_chunks(path, fd, ret, err);
	if (code < 0) {
		if (fd >= 0)
			close(fd);
		err_wrap(err, "cannot read recording '%s'",
			 strcmp(path, "-") ? path : "standard input");
	}
	return code < 0 ? code : 0;
}

void recording_close(struct recording *r)
{
	if (r)
		r->kind->close(r);
}

void recording_use_local(struct recording *r, bool use)
{
	if (r->kind->use_local)
		r->kind->use_local(r, use);
}

enum recording_next recording_next(struct recording *r, const struct event **ret)
{
	return r->kind->next(r, ret);
}

void recording_rewind(struct recording *r)
{
	r->kind->rewind(r);
}

const struct elf_image *recording_image(struct recording *r, const struct object_key *key,
					unsigned int take, const char **ret_reason)
{
	return r->kind->image(r, key, take, ret_reason);
}

void recording_forget_image(struct recording *r, const struct elf_image *image)
{
	r->kind->forget_image(r, image);
}

const char *recording_each_kernel_symbol(struct recording *r, kernel_got *got, void *ctx)
{
	return r->kind->each_kernel_symbol(r, got, ctx);
}

void recording_each_jit(struct recording *r, jit_got *got, void *ctx)
{
	if (r->kind->each_jit)
		r->kind->each_jit(r, got, ctx);
}

/* ---- facts ---- */

bool recording_add_manifest(struct recording *r, const char *key, const char *value)
{
	if (r->n_manifest == MANIFEST_MAX)
		return false;
	r->manifest[r->n_manifest++] = (struct manifest_pair){ arena_strdup(&r->arena, key),
							       arena_strdup(&r->arena, value) };
	return true;
}

void recording_set_source(struct recording *r, uint32_t index, const struct record_source *source)
{
	r->source[index] = *source;
	r->source_known[index] = true;
}

void recording_change_source(struct recording *r, uint32_t index,
			     const struct record_source *source, uint64_t time_ns)
{
	const struct record_source *old = &r->source[index];
	bool later = !r->n_rates || time_ns > r->rate[r->n_rates - 1].time_ns ||
		     (time_ns == r->rate[r->n_rates - 1].time_ns &&
		      index > r->rate[r->n_rates - 1].source);

	if (r->source_known[index] && later && r->n_rates < RATES_MAX &&
	    (old->frequency_hz != source->frequency_hz || old->period != source->period))
		r->rate[r->n_rates++] = (struct recording_rate){
			.time_ns = time_ns,
			.source = (uint8_t)index,
			.from_hz = old->frequency_hz,
			.to_hz = source->frequency_hz,
			.from_period = old->period,
			.to_period = source->period,
		};
	recording_set_source(r, index, source);
}

const struct recording_rate *recording_rates(const struct recording *r, uint32_t *ret_n)
{
	*ret_n = r->n_rates;
	return r->rate;
}

const struct unsampled_table *recording_unsampled(const struct recording *r)
{
	return &r->unsampled;
}

void recording_govern(struct recording *r, struct event *event)
{
	const struct event_governed *now = &r->governed_now;
	bool later = !r->n_governed || event->time_ns > r->governed[r->n_governed - 1].time_ns;

	if (event->type == EVENT_SAMPLE)
		event->sample.stack_spared = now->stack_bytes && event->sample.stack_cut &&
					     event->sample.stack_bytes == now->stack_bytes;
	if (event->type != EVENT_GOVERNED)
		return;
	r->governed_now = event->governed;
	if (later && r->n_governed < GOVERNED_MAX)
		r->governed[r->n_governed++] = (struct recording_governed){
			.time_ns = event->time_ns,
			.now = event->governed,
		};
}

const struct recording_governed *recording_governed(const struct recording *r, uint32_t *ret_n)
{
	*ret_n = r->n_governed;
	return r->governed;
}

uint64_t recording_off_ns(const struct recording *r, uint8_t source)
{
	uint64_t ns = 0;

	for (uint32_t i = 0; i < r->n_governed; i++) {
		uint64_t to_ns =
			i + 1 < r->n_governed ? r->governed[i + 1].time_ns : r->state.last_ns;

		if (r->governed[i].now.off >> source & 1 && to_ns > r->governed[i].time_ns)
			ns += to_ns - r->governed[i].time_ns;
	}
	return ns;
}

enum machine recording_machine(const struct recording *r)
{
	return r->machine;
}

const char *recording_manifest(const struct recording *r, const char *key)
{
	for (uint32_t i = 0; i < r->n_manifest; i++)
		if (!strcmp(r->manifest[i].key, key))
			return r->manifest[i].value;
	return NULL;
}

void recording_each_manifest(const struct recording *r,
			     void (*f)(void *ctx, const char *key, const char *value), void *ctx)
{
	for (uint32_t i = 0; i < r->n_manifest; i++)
		f(ctx, r->manifest[i].key, r->manifest[i].value);
}

const struct record_source *recording_source(const struct recording *r, uint8_t source)
{
	return source < SOURCE_MAX && r->source_known[source] ? &r->source[source] : NULL;
}

const struct recording_state *recording_state(const struct recording *r)
{
	return &r->state;
}

void recording_each_damage(const struct recording *r,
			   void (*f)(void *ctx, uint64_t off, uint64_t bytes, uint64_t from_ns,
				     uint64_t to_ns, const char *reason),
			   void *ctx)
{
	for (size_t i = 0; i < r->damages.n_items; i++) {
		const struct damage *d = &r->damages.item[i];

		f(ctx, d->off, d->bytes, d->from_ns, d->to_ns, d->reason);
	}
}

void recording_each_hole(const struct recording *r,
			 void (*f)(void *ctx, uint64_t from_ns, uint64_t to_ns, const char *reason),
			 void *ctx)
{
	for (size_t i = 0; i < r->holes.n_items; i++) {
		const struct damage *d = &r->holes.item[i];

		f(ctx, d->from_ns, d->to_ns, d->reason);
	}
}
