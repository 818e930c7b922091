/* Time spent in the kernel on behalf of two functions. Argument: milliseconds. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "truth.h"

static char block[1 << 16];

NOINLINE static void getpid_work(void)
{
	for (int i = 0; i < 2000; i++)
		syscall(SYS_getpid);
	NOT_A_TAIL_CALL;
}

NOINLINE static void read_work(int fd)
{
	for (int i = 0; i < 40; i++)
		truth_sink += read(fd, block, sizeof(block));
	NOT_A_TAIL_CALL;
}

int main(int argc, char **argv)
{
	uint64_t total = (argc > 1 ? strtoull(argv[1], NULL, 10) : 500) * MS_NS, by_getpid = 0,
		 by_read = 0;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 1;
	while (by_getpid + by_read < total) {
		uint64_t start = truth_cpu_ns();
		getpid_work();
		uint64_t middle = truth_cpu_ns();
		read_work(fd);
		by_getpid += middle - start;
		by_read += truth_cpu_ns() - middle;
	}
	printf("share getpid_work %.4f\nshare read_work %.4f\n",
	       (double)by_getpid / (by_getpid + by_read), (double)by_read / (by_getpid + by_read));
	return 0;
}
