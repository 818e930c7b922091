/*
 * One mutex over two short queues; it is never held while the disk is waited for. The thread
 * allocates nothing.
 */
#include "record/sink/settle.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "record/sink/segment.h"

enum { JOBS_MAX = 8 };

struct jobs {
	struct settle_job at[JOBS_MAX];
	unsigned int first, n;
};

struct settle {
	struct segments *segments;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct jobs asked, done; /* together at most JOBS_MAX with `busy` */
	bool busy, stop;
};

static void push(struct jobs *q, const struct settle_job *job)
{
	q->at[(q->first + q->n++) % JOBS_MAX] = *job;
}

static struct settle_job pop(struct jobs *q)
{
	struct settle_job job = q->at[q->first];

	q->first = (q->first + 1) % JOBS_MAX;
	q->n--;
	return job;
}

static int work(struct settle *s, const struct settle_job *job)
{
	switch (job->kind) {
	case SETTLE_SYNC:
		return fdatasync(job->fd) < 0 ? -errno : 0;
	case SETTLE_FINISH:
		return segments_finish(s->segments, job->number, job->fd, job->bytes);
	case SETTLE_ABANDON:
		close(job->fd);
		return 0;
	}
	return -EINVAL;
}

static void *run(void *ctx)
{
	struct settle *s = ctx;

	pthread_mutex_lock(&s->mutex);
	for (;;) {
		while (!s->asked.n && !s->stop)
			pthread_cond_wait(&s->changed, &s->mutex);
		if (!s->asked.n)
			break;
		struct settle_job job = pop(&s->asked);
		s->busy = true;
		pthread_mutex_unlock(&s->mutex);
		uint64_t begin_ns = io_monotonic_ns();
		job.code = work(s, &job);
		job.took_ns = io_monotonic_ns() - begin_ns;
		pthread_mutex_lock(&s->mutex);
		s->busy = false;
		push(&s->done, &job);
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

int settle_start(struct segments *segments, struct settle **ret, struct err *err)
{
	struct settle *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;
	sigset_t all, old;

	if (!s)
		return err_set(err, -ENOMEM, "no memory for %zu bytes", sizeof(*s));
	s->segments = segments;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int code = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (code) {
		free(s);
		return err_set(err, -code, "cannot start a thread: %s", strerror(code));
	}
	*ret = s;
	return 0;
}

static bool has_room(const struct settle *s)
{
	return s->asked.n + s->done.n + s->busy < JOBS_MAX;
}

bool settle_has_room(struct settle *s)
{
	pthread_mutex_lock(&s->mutex);
	bool room = has_room(s);
	pthread_mutex_unlock(&s->mutex);
	return room;
}

bool settle_ask(struct settle *s, const struct settle_job *job)
{
	pthread_mutex_lock(&s->mutex);
	bool room = has_room(s);
	if (room) {
		push(&s->asked, job);
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->mutex);
	return room;
}

bool settle_take(struct settle *s, struct settle_job *ret)
{
	pthread_mutex_lock(&s->mutex);
	bool any = s->done.n != 0;
	if (any)
		*ret = pop(&s->done);
	pthread_mutex_unlock(&s->mutex);
	return any;
}

bool settle_idle(struct settle *s)
{
	pthread_mutex_lock(&s->mutex);
	bool idle = !s->asked.n && !s->busy;
	pthread_mutex_unlock(&s->mutex);
	return idle;
}

bool settle_wait(struct settle *s, uint64_t end_ns)
{
	uint64_t own_ns = end_ns + (uint64_t)io_monotonic_ahead_ns();
	struct timespec end = { .tv_sec = (time_t)(own_ns / 1000000000),
				.tv_nsec = (long)(own_ns % 1000000000) };
	bool idle;

	pthread_mutex_lock(&s->mutex);
	while (!(idle = !s->asked.n && !s->busy))
		if (pthread_cond_timedwait(&s->changed, &s->mutex, &end) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&s->mutex);
	return idle;
}

void settle_stop(struct settle *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->mutex);
	bool idle = !s->asked.n && !s->busy;
	s->stop = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	if (!idle) {
		pthread_detach(s->thread); /* it ends with the process, which is about to */
		return;
	}
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}
