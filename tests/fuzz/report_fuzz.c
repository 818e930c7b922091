/*
 * Any records through the whole report: read, unwind, name, every view and export. The input is a
 * row of chunk payloads, which are wrapped into a sound file here, since mutations would only ever
 * meet the checksum otherwise (tests/fuzz/file_fuzz.c mutates files):
 *
 *	{ type u8, flags u8, size u16, payload }...
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/format/file.h"
#include "report/export/export.h"
#include "report/pipeline.h"
#include "report/profile/profile.h"
#include "report/read/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const struct profile *p, FILE *out)
{
	static const struct export_style style = { .min_percent = 0.5 };
	struct err err = { 0 };
	struct buf b;

	for (int by = 0; by < VIEW_BYS; by++)
		export_flat(p, (enum view_by)by, &style, out);
	export_tree(p, false, &style, out);
	export_tree(p, true, &style, out);
	export_folded(p, true, out);
	export_json(p, VIEW_ADDRESS, out);
	export_losses(p, out);
	buf_init(&b);
	export_pprof(p, false, &b, &err);
	buf_done(&b);
}

enum { PIECE_BYTES = 4 };

static int sink(void *ctx, const void *bytes, size_t n)
{
	if (write(*(int *)ctx, bytes, n) != (ssize_t)n)
		abort();
	return 0;
}

static void write_recording(int fd, const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	struct chunk_writer *w = chunk_writer_new(1, sink, &fd, &err);
	uint64_t time_ns = 0;

	if (!w)
		abort();
	chunk_writer_begin(w);
	while (size >= PIECE_BYTES) {
		size_t n = MIN(load_le16(data + 2), size - PIECE_BYTES);

		chunk_writer_put(w, data[0] % 8, data[1] & 3, data + PIECE_BYTES, n, 1, time_ns,
				 time_ns + 1000);
		time_ns += 1000;
		data += PIECE_BYTES + n;
		size -= PIECE_BYTES + n;
	}
	chunk_writer_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *out;
	struct pipeline_options o = { .no_local_files = true };
	struct recording *recording;
	struct profile *profile;
	struct err err = { 0 };
	char path[64];
	int fd = memfd_create("recording", MFD_CLOEXEC);

	if (!out)
		out = fopen("/dev/null", "w");
	if (fd < 0 || !out)
		abort();
	write_recording(fd, data, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	filter_init(&o.filter);
	if (recording_open(path, &recording, &err) == 0) {
		if (pipeline_run(recording, &o, &profile, &err) == 0) {
			show(profile, out);
			profile_free(profile);
		}
		recording_close(recording);
	}
	filter_done(&o.filter);
	close(fd);
	return 0;
}
