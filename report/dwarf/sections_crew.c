#include "report/dwarf/sections_crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "report/dwarf/sections_file.h"
#include "report/dwarf/sections_slot.h"

enum {
	STACK_BYTES = 256 << 10, /* zstd and libdeflate need less than 32 KiB */
	GIVE_BACK_MS = 10,	 /* about 5 MB of input */
};

struct hand {
	struct sections_crew *crew;
	pthread_t thread;
	struct slot *first; /* chosen before it runs: the caller may be quicker and take it back */
	struct unpacker unpacker;
};

struct sections_crew {
	const struct sections_file *file;
	pthread_mutex_t lock; /* of all states and of `stop` */
	pthread_cond_t done;  /* a slot is full or failed */
	bool stop;
	struct slot *slot[SECTION_KINDS];
	unsigned int n_slots;
	struct hand hand[CREW_THREADS_MAX];
	unsigned int n_hands;
};

static struct slot *take_next(struct sections_crew *crew)
{
	for (unsigned int i = 0; i < crew->n_slots && !crew->stop; i++) {
		if (crew->slot[i]->state != SLOT_QUEUED)
			continue;
		crew->slot[i]->state = SLOT_BUSY;
		return crew->slot[i];
	}
	return NULL;
}

static void *work(void *arg)
{
	struct hand *hand = arg;
	struct sections_crew *crew = hand->crew;
	struct slot *slot = hand->first;

	while (slot) {
		enum slot_state state = slot_fill(slot, crew->file, &hand->unpacker);

		pthread_mutex_lock(&crew->lock);
		slot->state = state;
		pthread_cond_broadcast(&crew->done);
		slot = take_next(crew);
		pthread_mutex_unlock(&crew->lock);
	}
	return NULL;
}

static unsigned int count_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned int)CPU_COUNT(&set) : 1;
}

static bool start(struct sections_crew *crew)
{
	struct hand *hand = &crew->hand[crew->n_hands];
	pthread_attr_t attr;
	bool started;

	if (!unpacker_init(&hand->unpacker))
		return false;
	pthread_mutex_lock(&crew->lock);
	hand->first = take_next(crew);
	pthread_mutex_unlock(&crew->lock);
	hand->crew = crew;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	started = pthread_create(&hand->thread, &attr, work, hand) == 0;
	pthread_attr_destroy(&attr);
	if (started)
		return true;
	unpacker_done(&hand->unpacker);
	pthread_mutex_lock(&crew->lock);
	if (hand->first)
		hand->first->state = SLOT_QUEUED;
	pthread_mutex_unlock(&crew->lock);
	return false;
}

static void wait_clock_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

struct sections_crew *sections_crew_new(const struct sections_file *f, struct slot *const *slot,
					unsigned int n, unsigned int n_threads)
{
	struct sections_crew *crew = mem_zalloc(sizeof(*crew));

	crew->file = f;
	pthread_mutex_init(&crew->lock, NULL);
	wait_clock_init(&crew->done);
	for (unsigned int i = 0; i < n; i++) {
		slot[i]->state = SLOT_QUEUED;
		crew->slot[crew->n_slots++] = slot[i];
	}
	n_threads = MIN(n_threads ? n_threads : count_cpus(), MIN(n, CREW_THREADS_MAX));
	while (crew->n_hands < n_threads && start(crew))
		crew->n_hands++;
	if (crew->n_hands)
		return crew;
	for (unsigned int i = 0; i < n; i++)
		slot[i]->state = SLOT_NEW;
	sections_crew_free(crew);
	return NULL;
}

void sections_crew_free(struct sections_crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->stop = true;
	pthread_mutex_unlock(&crew->lock);
	for (unsigned int i = 0; i < crew->n_hands; i++) {
		pthread_join(crew->hand[i].thread, NULL);
		unpacker_done(&crew->hand[i].unpacker);
	}
	pthread_cond_destroy(&crew->done);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

static void give_back_input(struct sections_crew *crew)
{
	for (unsigned int i = 0; i < crew->n_slots; i++)
		if (crew->slot[i]->state == SLOT_BUSY)
			sections_file_give_back(crew->slot[i]->packed.data,
						crew->slot[i]->packed.n);
}

static struct timespec in_ms(unsigned int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	return t;
}

void sections_crew_await(struct sections_crew *crew, struct slot *slot)
{
	pthread_mutex_lock(&crew->lock);
	if (slot->state == SLOT_QUEUED)
		slot->state = SLOT_NEW;
	while (slot->state == SLOT_BUSY) {
		struct timespec until = in_ms(GIVE_BACK_MS);

		if (pthread_cond_timedwait(&crew->done, &crew->lock, &until) != 0)
			give_back_input(crew);
	}
	pthread_mutex_unlock(&crew->lock);
}
