#include "common/elf/source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/err.h"
#include "common/base/io.h"

int elf_source_open(struct elf_source *s, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot examine the file: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -ENOEXEC, "not a regular file");
	*s = (struct elf_source){ .fd = fd, .size = st.st_size > 0 ? (uint64_t)st.st_size : 0 };
	return 0;
}

int elf_source_read(const struct elf_source *s, uint64_t off, void *ret, size_t n)
{
	ssize_t got;

	if (!elf_source_has(s, off, n))
		return -EBADMSG;
	if (n == 0)
		return 0;
	if (s->fd < 0) {
		memcpy(ret, s->bytes + off, n);
		return 0;
	}
	got = io_pread(s->fd, ret, n, off);
	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : -EBADMSG;
}
