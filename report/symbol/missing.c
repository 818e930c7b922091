/* list: { uint16_t n, bytes[n] } ... */
#include "report/symbol/missing.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/intern.h"

bool missing_put(struct buf *list, const void *question, size_t n)
{
	uint16_t length = (uint16_t)n;

	if (n != length || list->n + sizeof(length) + n > MISSING_BYTES_MAX)
		return false;
	buf_put(list, &length, sizeof(length));
	buf_put(list, question, n);
	return true;
}

bool missing_next(const uint8_t **at, const uint8_t *end, const void **ret, size_t *ret_n)
{
	uint16_t length;

	if ((size_t)(end - *at) < sizeof(length))
		return false;
	memcpy(&length, *at, sizeof(length));
	if ((size_t)(end - *at) < sizeof(length) + length)
		return false;
	*ret = *at + sizeof(length);
	*ret_n = length;
	*at += sizeof(length) + length;
	return true;
}

static void note_all(struct intern *seen, const struct buf *list)
{
	const uint8_t *at = (const uint8_t *)list->data;
	const uint8_t *end = list->n ? at + list->n : at;
	const void *question;
	size_t n;

	while (missing_next(&at, end, &question, &n))
		intern_putn(seen, question, n);
}

bool missing_merge(struct buf *list, const void *bytes, size_t n)
{
	const uint8_t *at = bytes, *end = n ? at + n : at;
	struct intern seen;
	const void *question;
	size_t n_question;
	bool fits = true;

	intern_init(&seen);
	note_all(&seen, list);
	while (fits && missing_next(&at, end, &question, &n_question)) {
		uint32_t before = seen.n;

		intern_putn(&seen, question, n_question);
		if (seen.n != before)
			fits = missing_put(list, question, n_question);
	}
	intern_done(&seen);
	return fits;
}
