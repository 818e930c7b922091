/*
 * One pass over each array when opened, after which nothing has to be checked again: a caller's
 * index is below that of the frame it called, so chains end, and their depth is known on the way.
 */
#include "report/symbol/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/format/crc.h"
#include "report/symbol/answer_layout.h"

static int check_header(const struct answer_header *h, size_t n, struct err *err)
{
	struct answer_layout at;

	if (h->magic != ANSWER_MAGIC)
		return err_set(err, -EBADMSG, "answers begin with 0x%016" PRIx64, h->magic);
	if (h->version != ANSWER_VERSION)
		return err_set(err, -ENOTSUP, "answers have version %" PRIu32 ", expected %u",
			       h->version, ANSWER_VERSION);
	at = answer_layout(h->n, h->n_frames, h->text_bytes);
	if (h->total_bytes != n || at.total != n)
		return err_set(err, -EBADMSG,
			       "answers of %zu bytes claim %" PRIu64 ", counts make %" PRIu64, n,
			       h->total_bytes, at.total);
	if (!h->text_bytes)
		return err_set(err, -EBADMSG, "answers have no text, not even the empty one");
	return 0;
}

static int check_crc(const uint8_t *bytes, uint64_t crc_at, struct err *err)
{
	uint32_t stored, computed = crc32c(bytes, crc_at);

	memcpy(&stored, bytes + crc_at, sizeof(stored));
	if (stored != computed)
		return err_set(err, -EBADMSG,
			       "answers are damaged: checksum 0x%08" PRIx32 ", stored 0x%08" PRIx32,
			       computed, stored);
	return 0;
}

static int check_addresses(const struct answers *a, struct err *err)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (i && a->addr[i] <= a->addr[i - 1])
			return err_set(err, -EBADMSG,
				       "answer %" PRIu32 ": address 0x%" PRIx64
				       " does not rise above 0x%" PRIx64,
				       i, a->addr[i], a->addr[i - 1]);
		if (a->first[i] != ANSWER_NONE && a->first[i] >= a->n_frames)
			return err_set(err, -EBADMSG,
				       "answer %" PRIu32 " has frame %" PRIu32 " of %" PRIu32, i,
				       a->first[i], a->n_frames);
	}
	return 0;
}

static int check_frame(const struct answers *a, uint32_t i, uint16_t *depth, struct err *err)
{
	const struct answer_frame *f = &a->frame[i];

	if (f->name >= a->text_bytes || f->file >= a->text_bytes)
		return err_set(err, -EBADMSG,
			       "frame %" PRIu32 " has text at %" PRIu32 " of %" PRIu32 " bytes", i,
			       f->name >= a->text_bytes ? f->name : f->file, a->text_bytes);
	depth[i] = 1;
	if (f->caller == ANSWER_NONE)
		return 0;
	if (f->caller >= i)
		return err_set(err, -EBADMSG,
			       "frame %" PRIu32 " has caller %" PRIu32 ", expected one before it",
			       i, f->caller);
	depth[i] += depth[f->caller];
	if (depth[i] > ANSWER_DEPTH_MAX)
		return err_set(err, -EBADMSG, "frame %" PRIu32 " has more than %u callers", i,
			       ANSWER_DEPTH_MAX - 1);
	return 0;
}

static int check_frames(const struct answers *a, struct err *err)
{
	uint16_t *depth = mem_alloc((a->n_frames + (size_t)1) * sizeof(*depth));
	int status = 0;

	for (uint32_t i = 0; i < a->n_frames && status == 0; i++)
		status = check_frame(a, i, depth, err);
	free(depth);
	return status;
}

static int check_text(const struct answers *a, struct err *err)
{
	const char *end = a->text + a->text_bytes, *at = a->text;

	if (a->text[0])
		return err_set(err, -EBADMSG, "answers' text does not begin with the empty one");
	while (at < end) {
		const char *zero = memchr(at, 0, (size_t)(end - at));

		if (!zero)
			return err_set(err, -EBADMSG, "text at %td of %" PRIu32 " does not end",
				       at - a->text, a->text_bytes);
		if (zero - at > ANSWER_TEXT_MAX)
			return err_set(err, -EBADMSG, "text at %td has %td bytes, limit is %u",
				       at - a->text, zero - at, ANSWER_TEXT_MAX);
		at = zero + 1;
	}
	return 0;
}

int answers_open(const void *bytes, size_t n, struct answers *ret, struct err *err)
{
	const uint8_t *base = bytes;
	struct answer_header h;
	struct answer_layout at;
	struct answers a;
	int status;

	if (n < sizeof(h) + ANSWER_CRC_BYTES)
		return err_set(err, -EBADMSG, "answers of %zu bytes, at least %zu expected", n,
			       sizeof(h) + ANSWER_CRC_BYTES);
	memcpy(&h, bytes, sizeof(h));
	status = check_header(&h, n, err);
	if (status < 0)
		return status;
	at = answer_layout(h.n, h.n_frames, h.text_bytes);
	a = (struct answers){
		.n = h.n,
		.n_frames = h.n_frames,
		.text_bytes = h.text_bytes,
		.addr = (const uint64_t *)(base + at.addr),
		.first = (const uint32_t *)(base + at.first),
		.frame = (const struct answer_frame *)(base + at.frame),
		.text = (const char *)(base + at.text),
	};
	status = check_crc(base, at.crc, err);
	if (status == 0)
		status = check_addresses(&a, err);
	if (status == 0)
		status = check_frames(&a, err);
	if (status == 0)
		status = check_text(&a, err);
	if (status == 0)
		*ret = a;
	return status;
}

/* First index at or after `from` whose address is not below addr; doubling steps, then halving. */
static uint32_t seek(const struct answers *a, uint32_t from, uint64_t addr)
{
	uint64_t lo = from, step = 1, hi;

	while (lo + step < a->n && a->addr[lo + step] < addr) {
		lo += step;
		step *= 2;
	}
	hi = lo + step < a->n ? lo + step : a->n;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (a->addr[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

bool answers_find(const struct answers *a, uint64_t addr, uint32_t *ret)
{
	uint32_t i = seek(a, 0, addr);

	if (i >= a->n || a->addr[i] != addr)
		return false;
	*ret = i;
	return true;
}

void answers_join(const struct answers *a, const uint64_t *addr, uint32_t n, uint32_t *ret_first,
		  bool *ret_known)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool known;

		at = seek(a, at, addr[i]);
		known = at < a->n && a->addr[at] == addr[i];
		ret_first[i] = known ? a->first[at] : ANSWER_NONE;
		if (ret_known)
			ret_known[i] = known;
	}
}
