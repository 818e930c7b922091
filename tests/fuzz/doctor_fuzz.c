/*
 * Any bytes as what a process shows of itself: stat and status, its command line, and an executable
 * file. The first byte says which. What comes out of masking is printable.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "record/doctor/checks.h"
#include "record/doctor/mask.h"
#include "record/doctor/show.h"
#include "record/doctor/status.h"
#include "record/doctor/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_printable(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)text[i] < 0x20 && text[i] != '\n')
			abort();
}

static void fuzz_status(const char *text)
{
	struct status s = { 0 };

	status_parse_stat(text, &s);
	check_printable(s.name, strlen(s.name));
	status_parse_status(text, &s);
}

static void fuzz_arguments(const char *text, size_t n)
{
	struct secrets *secrets = secrets_new();
	struct buf out;

	buf_init(&out);
	mask_arguments(text, n, &out);
	check_printable(out.data, out.n);
	mask_log(text, n, &out);
	check_printable(out.data, out.n);
	if (secrets) {
		secrets_note_variable(secrets, text);
		secrets_hide(secrets, out.data, out.n);
	}
	secrets_free(secrets);
	buf_done(&out);
}

static void fuzz_executable(const char *bytes, size_t n)
{
	static struct checks checks;
	static int fd = -1;
	struct buf out;

	if (fd < 0)
		fd = memfd_create("doctor_fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, bytes, n, 0) != (ssize_t)n)
		return;
	memset(&checks, 0, sizeof(checks));
	executable_look(fd, false, &checks);
	buf_init(&out);
	show_json(&checks, &out);
	check_printable(out.data, out.n);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 1 || n > 65536)
		return 0;
	char *text = malloc(n);
	if (!text)
		return 0;
	memcpy(text, data + 1, n - 1);
	text[n - 1] = 0;
	if (data[0] % 3 == 0)
		fuzz_status(text);
	else if (data[0] % 3 == 1)
		fuzz_arguments(text, n - 1);
	else
		fuzz_executable(text, n - 1);
	free(text);
	return 0;
}
