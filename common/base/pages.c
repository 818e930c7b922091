#include "common/base/pages.h"

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
