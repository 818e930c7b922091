/* Any bytes as a file in a root: what it is, read by offsets that it claims itself. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "report/debug/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	struct probe probe;
	struct err err = { 0 };

	if (n > 256 << 10)
		return 0;
	if (fd < 0)
		fd = memfd_create("probe", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, n, 0) != (ssize_t)n)
		return 0;
	if (probe_file(fd, &probe, &err) < 0) {
		if (!err.text[0])
			__builtin_trap();
		return 0;
	}
	if (probe.build_id.n > BUILD_ID_MAX || probe.alt.n > BUILD_ID_MAX ||
	    !memchr(probe.link, 0, sizeof(probe.link)) || strchr(probe.link, '/'))
		__builtin_trap();
	return 0;
}
