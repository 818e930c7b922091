/* Touches N fresh pages one by one and prints how often that faulted, as the kernel counted. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

__attribute__((noinline)) static void touch_pages(volatile char *at, long n)
{
	for (long i = 0; i < n; i++)
		at[i * 4096] = 1;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 1000;
	char *at = mmap(NULL, (size_t)n * 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 1;
	madvise(at, (size_t)n * 4096, MADV_NOHUGEPAGE);
	long before = faults();
	touch_pages(at, n);
	printf("touch_pages %ld\n", faults() - before);
	return 0;
}
