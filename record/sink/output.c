/*
 * A sync that fails says nothing about what was written before: the kernel forgets the error, and
 * the next sync of that file would succeed. So the file is left as it is and another one begun.
 */
#include "record/sink/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "record/sink/settle.h"

static bool in_segments(const struct output *o)
{
	return o->options->limits.rotate_bytes || o->options->limits.rotate_ns;
}

static bool in_memory(const struct output *o)
{
	return o->options->limits.last_bytes || o->options->limits.last_ns;
}

/* A pipe cannot be synced, and /dev/null need not be. */
static bool can_sync(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Nothing is written before a snapshot: whether it can be is found out now. */
static int output_check(const struct output *o, struct err *err)
{
	if (faccessat(o->segments.dir, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return err_set(err, -errno, "cannot create '%s': %s", o->path, strerror(errno));
	return writer_check(o->path, err);
}

static int open_first(struct output *o, struct err *err)
{
	if (in_memory(o))
		return output_check(o, err);
	if (!in_segments(o))
		return writer_open(&o->writer, o->path, err);
	int fd = segments_create(&o->segments, &o->number);
	if (fd < 0)
		return err_set(err, fd, "cannot create '%s.%06u.part': %s", o->path,
			       o->segments.next, strerror(-fd));
	writer_take(&o->writer, fd);
	return 0;
}

int output_open(struct output *o, const char *path, const struct sink_options *options,
		struct err *err)
{
	bool to_stdout = !strcmp(path, "-");
	int r = 0;

	*o = (struct output){ .options = options,
			      .path = path,
			      .writer = { .fd = -1 },
			      .segments = { .dir = -1 },
			      .next_fd = -1,
			      .sync_ns = io_monotonic_ns() };
	if (!to_stdout)
		r = segments_open(&o->segments, path, options->limits.rotate_keep,
				  in_segments(o) || in_memory(o), err);
	if (r == 0)
		r = open_first(o, err);
	if (r == 0 && (!to_stdout || can_sync(o->writer.fd)))
		r = settle_start(&o->segments, &o->settle, err);
	return r;
}

static void tell(const struct output *o, const struct settle_job *job, uint32_t number)
{
	char name[SEGMENT_NAME_MAX];
	struct sink_file file = { .number = number,
				  .bytes = job->bytes,
				  .code = job->code,
				  .unsure_bytes = job->kind == SETTLE_SYNC ?
							  o->writer.bytes - o->synced_bytes :
							  0 };

	if (number)
		segment_name(&o->segments, number, job->code < 0, name);
	file.name = number ? name : o->path;
	if (o->options->on_file)
		o->options->on_file(o->options->ctx, &file);
}

static void take_synced(struct output *o, const struct settle_job *job)
{
	o->syncing = false;
	if (job->took_ns > o->slowest_ns)
		o->slowest_ns = job->took_ns;
	log_debug("sink", "synced: segment=%u bytes=%llu code=%d took_us=%llu", o->number,
		  (unsigned long long)job->bytes, job->code,
		  (unsigned long long)job->took_ns / 1000);
	if (job->code < 0) {
		o->sync_code = job->code;
		tell(o, job, o->number);
	} else {
		o->synced_bytes = job->bytes;
	}
}

static void take_answers(struct output *o)
{
	struct settle_job job;

	while (o->settle && settle_take(o->settle, &job)) {
		o->n_answers++;
		/* What a sync says of a file that was left meanwhile is said by its end too. */
		if (job.kind == SETTLE_SYNC && job.number == o->number)
			take_synced(o, &job);
		else if (job.kind == SETTLE_FINISH)
			tell(o, &job, job.number);
	}
}

bool output_tick(struct output *o, uint64_t now_ns)
{
	uint64_t every_ns = o->options->limits.sync_ns;

	take_answers(o);
	if (o->sync_code)
		return false;
	if (!o->settle || !every_ns || o->syncing || now_ns < o->sync_ns + every_ns ||
	    o->writer.bytes == o->synced_bytes || o->writer.fd < 0)
		return true;
	struct settle_job job = { .kind = SETTLE_SYNC,
				  .fd = o->writer.fd,
				  .bytes = o->writer.bytes,
				  .number = o->number };
	o->syncing = settle_ask(o->settle, &job);
	o->sync_ns = now_ns;
	return true;
}

int output_prepare(struct output *o)
{
	if (o->next_fd >= 0)
		return 0;
	if (!o->settle || o->segments.dir < 0 || !settle_has_room(o->settle))
		return -EAGAIN;
	o->next_fd = segments_create(&o->segments, &o->next_number);
	return MIN(o->next_fd, 0);
}

void output_switch(struct output *o)
{
	struct settle_job job = { .kind = o->number && !o->sync_code ? SETTLE_FINISH :
								       SETTLE_ABANDON,
				  .fd = o->writer.fd,
				  .bytes = o->writer.bytes,
				  .number = o->number };
	struct writer before = o->writer;

	settle_ask(o->settle, &job);
	o->done_bytes += before.bytes;
	o->n_done++;
	writer_take(&o->writer, o->next_fd);
	o->writer.last_code = before.last_code;
	o->writer.n_failed = before.n_failed;
	o->number = o->next_number;
	o->next_fd = -1;
	o->synced_bytes = 0;
	o->syncing = false;
	o->sync_code = 0;
	o->sync_ns = io_monotonic_ns();
}

uint64_t output_bytes(const struct output *o)
{
	return o->done_bytes + o->writer.bytes;
}

/* As long as the disk gets on: false when for a long time nothing came of it. */
static bool wait_for_disk(struct output *o)
{
	uint64_t before;

	do {
		before = o->n_answers;
		if (settle_wait(o->settle, io_monotonic_ns() + OUTPUT_CLOSE_WAIT_NS))
			break;
		take_answers(o);
	} while (o->n_answers != before);
	take_answers(o);
	return settle_idle(o->settle);
}

/* NAME itself: synced, then closed. */
static int close_plain(struct output *o, struct err *err)
{
	struct settle_job job = { .kind = SETTLE_SYNC,
				  .fd = o->writer.fd,
				  .bytes = o->writer.bytes };
	int r = writer_cut_reserve(&o->writer, err);

	if (o->settle && o->options->limits.sync_ns && !o->sync_code)
		settle_ask(o->settle, &job);
	if (o->settle && !wait_for_disk(o))
		r = err_set(err, -ETIMEDOUT, "the disk does not answer: not synced");
	if (o->sync_code && r == 0)
		r = err_set(err, o->sync_code, "not synced: %s", strerror(-o->sync_code));
	if (writer_close(&o->writer, r < 0 ? NULL : err) < 0 && r == 0)
		r = err ? err->code : -EIO;
	return r;
}

/* Its name comes with its end. */
static int close_segment(struct output *o, struct err *err)
{
	struct settle_job job = { .kind = SETTLE_FINISH,
				  .fd = o->writer.fd,
				  .bytes = o->writer.bytes,
				  .number = o->number };

	take_answers(o);
	if (!settle_has_room(o->settle))
		wait_for_disk(o);
	if (settle_ask(o->settle, &job))
		o->writer.fd = -1;
	if (o->writer.fd >= 0 || !wait_for_disk(o))
		return err_set(err, -ETIMEDOUT, "the disk does not answer: not synced");
	return 0;
}

int output_close(struct output *o, struct err *err)
{
	if (o->writer.fd < 0)
		return 0;
	return o->number && !o->sync_code ? close_segment(o, err) : close_plain(o, err);
}

void output_free(struct output *o)
{
	settle_stop(o->settle);
	o->settle = NULL;
	writer_close(&o->writer, NULL);
	if (o->next_fd >= 0)
		close(o->next_fd);
	segments_close(&o->segments);
}
