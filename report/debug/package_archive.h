/*
 * libarchive, loaded when the first package is to be read: linked, it and what it pulls in would
 * cost every start. To be loaded before a jailed child is forked, which cannot load it any more.
 * Private to report/debug/.
 */
#ifndef REPORT_DEBUG_PACKAGE_ARCHIVE_H
#define REPORT_DEBUG_PACKAGE_ARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

struct err;

/* Name of the function without its prefix, what it returns, what it takes. */
#define ARCHIVE_CALLS(CALL)                                                                   \
	CALL(read_new, struct archive *, (void))                                              \
	CALL(read_free, int, (struct archive *))                                              \
	CALL(read_support_filter_bzip2, int, (struct archive *))                              \
	CALL(read_support_filter_gzip, int, (struct archive *))                               \
	CALL(read_support_filter_lzma, int, (struct archive *))                               \
	CALL(read_support_filter_xz, int, (struct archive *))                                 \
	CALL(read_support_filter_zstd, int, (struct archive *))                               \
	CALL(read_support_format_cpio, int, (struct archive *))                               \
	CALL(read_support_format_tar, int, (struct archive *))                                \
	CALL(read_open, int,                                                                  \
	     (struct archive *, void *, archive_open_callback *, archive_read_callback *,     \
	      archive_close_callback *))                                                      \
	CALL(read_next_header2, int, (struct archive *, struct archive_entry *))              \
	CALL(read_data_block, int, (struct archive *, const void **, size_t *, la_int64_t *)) \
	CALL(filter_count, int, (struct archive *))                                           \
	CALL(filter_bytes, la_int64_t, (struct archive *, int))                               \
	CALL(error_string, const char *, (struct archive *))                                  \
	CALL(entry_new, struct archive_entry *, (void))                                       \
	CALL(entry_free, void, (struct archive_entry *))                                      \
	CALL(entry_filetype, __LA_MODE_T, (struct archive_entry *))                           \
	CALL(entry_pathname, const char *, (struct archive_entry *))                          \
	CALL(entry_size, la_int64_t, (struct archive_entry *))

struct archive_calls {
#define CALL(name, type, takes) type(*name) takes;
	ARCHIVE_CALLS(CALL)
#undef CALL
};

/* -ENOTSUP: it is not there; err says what to install. The answer is remembered. */
int archive_load(const struct archive_calls **ret, struct err *err);

#endif
