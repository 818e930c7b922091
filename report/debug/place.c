#include "report/debug/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/debug/members.h"

void place_done(struct place *p)
{
	free(p->path);
	free(p->member_name);
	*p = (struct place){ 0 };
}

static uint64_t hash_name(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3;
	return h ? h : 1;
}

struct debug_provenance place_provenance(const struct place *p)
{
	return (struct debug_provenance){
		.kind = !p->rank		       ? DEBUG_NOTHING :
			p->flags & PROBE_DEBUG_INFO ? DEBUG_FULL :
						       DEBUG_SYMBOLS,
		.build_id = p->build_id,
		.size = p->identity.size,
		.mtime_ns = p->identity.mtime_ns,
		.ctime_ns = p->identity.ctime_ns,
		.dev = p->identity.dev,
		.ino = p->identity.ino,
		.member = p->member ? hash_name(p->member_name) : 0,
	};
}

static char *full_path(const struct place *p)
{
	char *path = NULL;

	if (p->root)
		return root_join(p->root, p->path);
	path = mem_alloc(strlen(p->path) + 1);
	return strcpy(path, p->path);
}

char *place_path(const struct place *p)
{
	return p->member ? NULL : full_path(p);
}

char *place_where(const struct place *p)
{
	AUTO_FREE char *path = full_path(p);
	struct buf text;

	buf_init(&text);
	buf_puts(&text, path);
	if (p->member)
		buf_printf(&text, ": member '%s'", p->member_name);
	buf_text(&text);
	return text.data;
}

static int open_package(const struct place *p, int fd, struct members *m, struct err *err)
{
	const struct catalog *c = &p->root->catalog;
	uint32_t file = catalog_find_path(c, p->path);

	if (file == CATALOG_NONE)
		return err_set(err, -ESTALE, "'%s' is no longer in the catalog", p->path);
	return members_open(m, fd, &p->identity, p->path, c->item + c->file[file].first,
			    c->file[file].n_items, p->member, err);
}

int place_open(const struct place *p, struct members *m, struct debug_file *ret, struct err *err)
{
	struct identity now;
	int fd = p->root ? reach_below(p->root->folder, p->path, &now, err) :
			   reach_path(p->path, &now, err);
	int member;

	if (fd < 0)
		return fd;
	if (!identity_equal(&now, &p->identity)) {
		close(fd);
		return err_set(err, -ESTALE, "'%s' has changed meanwhile", p->path);
	}
	if (p->member) {
		member = open_package(p, fd, m, err);
		close(fd);
		fd = member;
		if (fd < 0)
			return err_wrap(err, "'%s'", p->path);
	}
	*ret = (struct debug_file){
		.fd = fd,
		.provenance = place_provenance(p),
		.where = place_where(p),
	};
	return 0;
}
