/* Every section is a cursor of its own: one that lies costs what it says, nothing else. */
#include "report/read/perfdata_header.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/cursor.h"
#include "common/base/err.h"
#include "report/read/perfdata_features.h"
#include "report/read/recording.h"

enum {
	PIPE_HEADER_BYTES = 16,
	FILE_HEADER_BYTES_MIN = 104,
	RECORD_HEADER_BYTES = 8,
	FEATURES_MAX = 256,
	SECTION_BYTES = 16,
};

static const char magic_2[] = "PERFILE2", magic_2_swapped[] = "2ELIFREP", magic_1[] = "PERFFILE";

bool perf_header_is(const uint8_t bytes[PERF_MAGIC_BYTES])
{
	return !memcmp(bytes, magic_2, PERF_MAGIC_BYTES) ||
	       !memcmp(bytes, magic_2_swapped, PERF_MAGIC_BYTES) ||
	       !memcmp(bytes, magic_1, PERF_MAGIC_BYTES);
}

static int check_magic(const uint8_t *bytes, struct err *err)
{
	if (!memcmp(bytes, magic_2_swapped, PERF_MAGIC_BYTES))
		return err_set(err, -ENOTSUP,
			       "perf.data of a big-endian machine; only little-endian is read");
	if (!memcmp(bytes, magic_1, PERF_MAGIC_BYTES))
		return err_set(err, -ENOTSUP,
			       "perf.data of version 1 (perf before 2012); version 2 is read");
	return 0;
}

/* [off, off + n) of the file as a cursor; false: it does not lie in it. */
static bool section(const struct mapped *file, uint64_t off, uint64_t n, struct cursor *ret)
{
	if (off > file->n || n > file->n - off)
		return false;
	*ret = cursor_of(file->bytes + off, n);
	return true;
}

/* ---- events ---- */

/* An attribute of the size that it says, at c. */
static int take_attr(struct cursor *c, struct perf_attr *ret, struct err *err)
{
	size_t left = cursor_left(c), size = left >= 8 ? load_le32(c->at + 4) : 0;
	const uint8_t *bytes;

	size = size ? size : PERF_ATTR_BYTES_MIN;
	if (size < PERF_ATTR_BYTES_MIN || size > PERF_ATTR_BYTES_MAX ||
	    !cursor_take(c, size, &bytes))
		return err_set(
			err, -EBADMSG,
			"attributes of an event claim %zu bytes, found %zu, expected %d to %d",
			size, left, PERF_ATTR_BYTES_MIN, PERF_ATTR_BYTES_MAX);
	perf_attr_read(bytes, size, ret);
	return 0;
}

static int take_event(struct perf_header *h, const struct mapped *file, struct cursor *c,
		      struct err *err)
{
	struct perf_attr attr;
	struct cursor ids;
	uint64_t off, n;

	if (take_attr(c, &attr, err) < 0)
		return -EBADMSG;
	off = cursor_u64(c);
	n = cursor_u64(c);
	if (c->bad || !section(file, off, n, &ids))
		return err_set(err, -EBADMSG,
			       "ids of an event claim %" PRIu64 " bytes at offset %" PRIu64
			       ", the file has %zu",
			       n, off, file->n);
	return perf_layouts_add(h->layouts, &attr, ids.at, n / 8, err);
}

static int take_events(struct perf_header *h, const struct mapped *file, struct cursor *c,
		       struct err *err)
{
	while (cursor_left(c)) {
		int status = take_event(h, file, c, err);

		if (status < 0)
			return status;
	}
	if (!h->layouts->n)
		return err_set(err, -ENODATA, "perf.data without events");
	return 0;
}

/* ---- build-ids ---- */

void perf_take_build_ids(struct perf_files *files, const uint8_t *bytes, size_t n)
{
	struct cursor c = cursor_of(bytes, n);

	while (cursor_left(&c) >= RECORD_HEADER_BYTES) {
		unsigned int misc = load_le16(c.at + 4);
		size_t size = load_le16(c.at + 6);
		const uint8_t *record;

		/* header, pid, id of 24 bytes, path */
		if (size < RECORD_HEADER_BYTES + 28 + 1 || !cursor_take(&c, size, &record))
			return;
		if (memchr(record + 36, 0, size - 36))
			perf_files_add_build_id(files, misc, record + 12,
						(const char *)record + 36);
	}
}

/* ---- a file's header ---- */

static void take_features(struct perf_header *h, const struct mapped *file, uint64_t at,
			  const uint8_t flags[FEATURES_MAX / 8])
{
	for (unsigned int i = 0; i < FEATURES_MAX; i++) {
		struct cursor place, c;
		uint64_t off, n;

		if (!(flags[i / 8] >> i % 8 & 1))
			continue;
		if (!section(file, at, SECTION_BYTES, &place))
			return;
		at += SECTION_BYTES;
		off = cursor_u64(&place);
		n = cursor_u64(&place);
		if (section(file, off, n, &c))
			perf_feature_take(h, i, c.at, n);
	}
}

static int read_file_header(struct perf_header *h, const struct mapped *file, struct cursor *c,
			    struct err *err)
{
	uint64_t attrs_off, attrs_bytes;
	struct cursor events;
	const uint8_t *flags;
	int status;

	cursor_u64(c); /* size of an attribute and its section: each says its own */
	attrs_off = cursor_u64(c);
	attrs_bytes = cursor_u64(c);
	h->data_off = cursor_u64(c);
	h->data_bytes = cursor_u64(c);
	cursor_take(c, SECTION_BYTES, &flags); /* event types: of no use since 2.6.38 */
	if (!cursor_take(c, FEATURES_MAX / 8, &flags))
		return err_set(err, -EBADMSG, "perf.data ends after %zu bytes, within its header",
			       file->n);
	if (!section(file, attrs_off, attrs_bytes, &events))
		return err_set(err, -EBADMSG,
			       "events claim %" PRIu64 " bytes at offset %" PRIu64
			       ", the file has %zu",
			       attrs_bytes, attrs_off, file->n);
	if (h->data_off > file->n)
		return err_set(err, -EBADMSG,
			       "records claim to begin at offset %" PRIu64 ", the file has %zu",
			       h->data_off, file->n);
	h->finished = h->data_bytes && h->data_bytes <= file->n - h->data_off;
	status = take_events(h, file, &events, err);
	if (status < 0)
		return status;
	if (h->finished)
		take_features(h, file, h->data_off + h->data_bytes, flags);
	else /* perf was killed: it writes the size of the data last */
		h->data_bytes = file->n - h->data_off;
	return 0;
}

int perf_header_read(struct perf_header *h, const struct mapped *file, struct err *err)
{
	struct cursor c = cursor_of(file->bytes, file->n);
	const uint8_t *magic;
	uint64_t size;

	if (!cursor_take(&c, PERF_MAGIC_BYTES, &magic) || file->n < PIPE_HEADER_BYTES)
		return err_set(err, -EBADMSG, "perf.data ends after %zu bytes, within its header",
			       file->n);
	if (check_magic(magic, err) < 0)
		return -ENOTSUP;
	size = cursor_u64(&c);
	h->pipe = size == PIPE_HEADER_BYTES;
	if (!h->pipe && size < FILE_HEADER_BYTES_MIN)
		return err_set(err, -EBADMSG,
			       "perf.data's header claims %" PRIu64 " bytes, expected %d or %d",
			       size, PIPE_HEADER_BYTES, FILE_HEADER_BYTES_MIN);
	if (!h->pipe)
		return read_file_header(h, file, &c, err);
	h->data_off = PIPE_HEADER_BYTES;
	h->data_bytes = file->n - PIPE_HEADER_BYTES;
	h->finished = true;
	return 0;
}

/* ---- a pipe's records ---- */

static int take_attr_record(struct perf_header *h, struct cursor *c, struct err *err)
{
	struct perf_attr attr;
	int status = take_attr(c, &attr, err);

	if (status < 0)
		return status;
	return perf_layouts_add(h->layouts, &attr, c->at, cursor_left(c) / 8, err);
}

static void take_update(struct perf_header *h, struct cursor *c)
{
	enum { UPDATE_NAME = 2 };
	uint64_t type = cursor_u64(c), id = cursor_u64(c);
	struct perf_layout *layout = perf_layouts_by_id(h->layouts, id);

	if (type == UPDATE_NAME && layout && !c->bad)
		snprintf(layout->name, sizeof(layout->name), "%.*s",
			 (int)strnlen((const char *)c->at, cursor_left(c)), (const char *)c->at);
}

int perf_header_take(struct perf_header *h, const struct perf_record *record, struct err *err)
{
	size_t n = perf_record_bytes(record);
	struct cursor c = cursor_of(record->bytes + RECORD_HEADER_BYTES, n - RECORD_HEADER_BYTES);
	uint64_t feature;

	switch (perf_record_type(record)) {
	case PERF_HEADER_ATTR:
		return h->pipe ? take_attr_record(h, &c, err) : 0;
	case PERF_HEADER_BUILD_ID:
		perf_take_build_ids(h->files, record->bytes, n);
		break;
	case PERF_HEADER_FEATURE:
		feature = cursor_u64(&c);
		if (!c.bad)
			perf_feature_take(h, feature, c.at, cursor_left(&c));
		break;
	case PERF_EVENT_UPDATE:
		take_update(h, &c);
		break;
	default:
		break;
	}
	return 0;
}
