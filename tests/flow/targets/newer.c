/* newer FILE: makes a recording say, in a header that is sound, that a later program wrote it. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/format/chunk.h"

int main(int argc, char **argv)
{
	uint8_t bytes[FILE_HEADER_BYTES];
	struct file_header header;

	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0 || pread(fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes) ||
	    !file_header_get(bytes, &header)) {
		fprintf(stderr, "newer: no recording\n");
		return 1;
	}
	header.major = FILE_VERSION_MAJOR + 1;
	file_header_put(&header, bytes);
	return pwrite(fd, bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes) ? 0 : 1;
}
