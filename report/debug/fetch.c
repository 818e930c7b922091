/* Servers are not asked yet. */
#include "report/debug/fetch.h"

#include <errno.h>
#include <stddef.h>

#include "common/base/err.h"
#include "common/base/log.h"

struct fetch *fetch_new(const char *urls, uint64_t max_bytes, uint32_t timeout_ms)
{
	(void)urls, (void)max_bytes, (void)timeout_ms;
	log_warning("debuginfod servers are not asked: this build cannot");
	return NULL;
}

void fetch_free(struct fetch *f)
{
	(void)f;
}

int fetch_file(struct fetch *f, const struct build_id *id, bool object, char **ret, struct err *err)
{
	(void)f, (void)id, (void)object, (void)ret;
	return err_set(err, -ENOENT, "servers are not asked");
}
