/* Any bytes as what a child found: taken or refused, and what was taken comes back the same. */
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "report/debug/finding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void take(const void *bytes, size_t n, const struct catalog *known, struct catalog *ret)
{
	struct findings f = { .known = known, .into = ret, .file = CATALOG_NONE };

	catalog_init(ret);
	findings_take(&f, bytes, n, NULL);
	catalog_seal(ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct catalog first, second, again;
	struct buf bytes;

	if (n > 64 << 10)
		return 0;
	take(data, n, NULL, &first);
	buf_init(&bytes);
	finding_put_catalog(&bytes, &first);
	take(bytes.n ? bytes.data : "", bytes.n, NULL, &second);
	if (first.sum != second.sum)
		__builtin_trap();
	for (uint32_t i = 0; i < first.n_files; i++)
		if (catalog_find_path(&first, first.file[i].path) >= first.n_files)
			__builtin_trap();
	take(data, n, &first, &again); /* 'S' records have something to speak of */
	catalog_done(&first);
	catalog_done(&second);
	catalog_done(&again);
	buf_done(&bytes);
	return 0;
}
