#include "common/base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

void *pages_reserve(size_t size_bytes)
{
	void *p = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void pages_free(void *p, size_t size_bytes)
{
	if (p)
		munmap(p, size_bytes);
}

void pages_forget(void *p, size_t size_bytes)
{
	const uintptr_t page = 4096; /* of larger ones all but some would be given back: refused */
	uintptr_t begin = ((uintptr_t)p + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)p + size_bytes) & ~(page - 1);

	if (begin < end)
		madvise((void *)begin, end - begin, MADV_DONTNEED);
}
