/* Packages are not read yet: nothing is wanted of them and nothing is kept. */
#include "report/debug/members.h"

#include <errno.h>
#include <string.h>

#include "common/base/err.h"

void members_init(struct members *m)
{
	memset(m, 0, sizeof(*m));
}

void members_done(struct members *m)
{
	(void)m;
}

void members_want(struct members *m, const struct build_id *id)
{
	(void)m, (void)id;
}

int members_open(struct members *m, int fd, const struct identity *package, const char *name,
		 const struct catalog_item *item, uint32_t n_items, uint32_t member,
		 struct err *err)
{
	(void)m, (void)fd, (void)package, (void)item, (void)n_items, (void)member;
	return err_set(err, -ENOTSUP, "'%s': packages are not read", name);
}
