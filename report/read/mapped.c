/*
 * Copying the file through a buffer would cost a third of a report on large perf.data files: nine
 * of ten bytes there are stack that nobody reads. Memory mappings read only what is touched, but
 * answer a lost page with SIGBUS: the handler puts a page of zeros in its place. Zeros make no
 * record, so the reader meets damage there and goes on as with any other.
 */
#include "report/read/mapped.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"

enum { PAGE = 4096, DROP_BYTES = 64 << 20 };

/* Read by the handler: an entry is whole before `n` is not 0. */
static struct place {
	_Atomic(uintptr_t) start;
	_Atomic(size_t) n;
	_Atomic(uint64_t) n_lost;
} places[MAPPED_MAX];

static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct place *place_of(uintptr_t addr)
{
	for (int i = 0; i < MAPPED_MAX; i++)
		if (addr - places[i].start < places[i].n)
			return &places[i];
	return NULL;
}

/* mmap is a plain system call here: it takes no lock and touches no state of the library. */
static void on_bus_error(int signal_number, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1);
	struct place *p = place_of((uintptr_t)info->si_addr);
	int saved = errno;

	(void)context;
	if (!p || mmap((void *)page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		       0) == MAP_FAILED) {
		signal(signal_number, SIG_DFL); /* not ours: the access is repeated and ends us */
		return;
	}
	p->n_lost++;
	errno = saved;
}

static void install_handler(void)
{
	struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}

int mapped_open(int fd, struct mapped *ret, struct err *err)
{
	struct place *p = NULL;
	struct stat st;
	void *bytes;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return err_set(err, -ENODATA, "no regular file, or empty");
	for (int i = 0; i < MAPPED_MAX && !p; i++)
		p = places[i].n ? NULL : &places[i];
	if (!p)
		return err_set(err, -EMFILE, "more than %d files at a time", MAPPED_MAX);
	pthread_once(&once, install_handler);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_set(err, -errno, "cannot map %lld bytes: %s", (long long)st.st_size,
			       strerror(errno));
	*ret = (struct mapped){ .bytes = bytes, .n = (size_t)st.st_size };
	p->start = (uintptr_t)bytes;
	p->n_lost = 0;
	p->n = ALIGN_UP(ret->n, (size_t)PAGE);
	return 0;
}

void mapped_close(struct mapped *m)
{
	struct place *p = m->bytes ? place_of((uintptr_t)m->bytes) : NULL;

	if (p)
		p->n = 0;
	if (m->bytes)
		munmap((void *)(uintptr_t)m->bytes, m->n);
	*m = (struct mapped){ 0 };
}

void mapped_drop(struct mapped *m, uint64_t off)
{
	size_t end = off & ~(uint64_t)(PAGE - 1);

	if (off < m->dropped)
		m->dropped = 0; /* reading began anew */
	if (end > m->n || end - m->dropped < DROP_BYTES)
		return;
	madvise((void *)(uintptr_t)(m->bytes + m->dropped), end - m->dropped, MADV_DONTNEED);
	m->dropped = end;
}

uint64_t mapped_n_lost(const struct mapped *m)
{
	const struct place *p = m->bytes ? place_of((uintptr_t)m->bytes) : NULL;

	return p ? p->n_lost : 0;
}
