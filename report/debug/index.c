/* Nothing is remembered from one run to the next yet. */
#include "report/debug/index.h"

#include <stddef.h>

struct index *index_new(const char *cache_dir)
{
	(void)cache_dir;
	return NULL;
}

void index_free(struct index *x)
{
	(void)x;
}
