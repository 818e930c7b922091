/*
 * Maps lead from a hash to the first item with it; items of equal hashes are chained in rising
 * order, and whoever walks a chain compares in full.
 */
#include "report/debug/catalog.h"

#include <stdlib.h>
#include <string.h>

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
	return a->n == b->n && !memcmp(a->bytes, b->bytes, a->n);
}

/* FNV-1a, 64 bits: sums and map keys; not against an adversary, whose bytes are compared anyway */
static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

static uint64_t key_of(const void *bytes, size_t n)
{
	uint64_t key = hash(HASH_START, bytes, n);

	return key ? key : 1;
}

void catalog_init(struct catalog *c)
{
	*c = (struct catalog){ 0 };
	arena_init(&c->strings);
	map_init(&c->by_path);
	map_init(&c->by_id);
	map_init(&c->by_dwo);
}

void catalog_done(struct catalog *c)
{
	arena_done(&c->strings);
	map_done(&c->by_path);
	map_done(&c->by_id);
	map_done(&c->by_dwo);
	free(c->folder);
	free(c->file);
	free(c->item);
}

void catalog_add_folder(struct catalog *c, const char *path, size_t n, const struct identity *id)
{
	mem_grow(&c->folder, &c->folder_cap, c->n_folders + 1, sizeof(*c->folder));
	c->folder[c->n_folders++] = (struct catalog_folder){
		.path = arena_strndup(&c->strings, path, n),
		.identity = *id,
	};
}

uint32_t catalog_add_file(struct catalog *c, const char *path, size_t n, const struct identity *id,
			  enum catalog_kind kind, const char *reason, size_t n_reason)
{
	mem_grow(&c->file, &c->file_cap, c->n_files + 1, sizeof(*c->file));
	c->file[c->n_files] = (struct catalog_file){
		.path = arena_strndup(&c->strings, path, n),
		.identity = *id,
		.kind = kind,
		.reason = arena_strndup(&c->strings, reason, n_reason),
	};
	return (uint32_t)c->n_files++;
}

void catalog_add_item(struct catalog *c, const struct catalog_item *item, size_t n_name)
{
	struct catalog_item *to;

	mem_grow(&c->item, &c->item_cap, c->n_items + 1, sizeof(*c->item));
	to = &c->item[c->n_items++];
	*to = *item;
	to->name = arena_strndup(&c->strings, item->name, n_name);
}

void catalog_copy_file(struct catalog *c, const struct catalog *from, uint32_t file)
{
	const struct catalog_file *f = &from->file[file];
	uint32_t to = catalog_add_file(c, f->path, strlen(f->path), &f->identity, f->kind,
				       f->reason, strlen(f->reason));

	for (uint32_t i = 0; i < f->n_items; i++) {
		struct catalog_item item = from->item[f->first + i];

		item.file = to;
		catalog_add_item(c, &item, strlen(item.name));
	}
}

static int by_folder(const void *a, const void *b)
{
	const struct catalog_folder *x = a, *y = b;

	return strcmp(x->path, y->path);
}

struct numbered {
	struct catalog_file file;
	uint32_t number;
};

static int by_path(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return strcmp(x->file.path, y->file.path);
}

static int by_file(const void *a, const void *b)
{
	const struct catalog_item *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return x->member < y->member ? -1 : x->member > y->member;
}

static void sort(struct catalog *c)
{
	struct numbered *n = mem_alloc((c->n_files + 1) * sizeof(*n));
	uint32_t *now = mem_alloc((c->n_files + 1) * sizeof(*now));

	for (size_t i = 0; i < c->n_files; i++)
		n[i] = (struct numbered){ c->file[i], (uint32_t)i };
	qsort(n, c->n_files, sizeof(*n), by_path);
	for (size_t i = 0; i < c->n_files; i++) {
		c->file[i] = n[i].file;
		now[n[i].number] = (uint32_t)i;
	}
	for (size_t i = 0; i < c->n_items; i++)
		c->item[i].file = now[c->item[i].file];
	free(n);
	free(now);
	if (c->n_items)
		qsort(c->item, c->n_items, sizeof(*c->item), by_file);
	if (c->n_folders)
		qsort(c->folder, c->n_folders, sizeof(*c->folder), by_folder);
}

/* Puts item i in front of the chain of its key. */
static uint32_t chain(struct map *m, uint64_t key, uint32_t i)
{
	bool is_new;
	uint64_t *first = map_put(m, key, &is_new);
	uint32_t next = is_new ? CATALOG_NONE : (uint32_t)*first;

	*first = i;
	return next;
}

static uint64_t sum_identity(uint64_t h, const struct identity *id)
{
	const uint64_t words[] = { id->dev, id->ino, id->size, id->mtime_ns, id->ctime_ns };

	return hash(h, words, sizeof(words));
}

static uint64_t sum_item(uint64_t h, const struct catalog_item *i)
{
	const uint64_t words[] = { i->file,	   i->member, i->flags,	 i->dwo_id, i->size,
				   i->build_id.n, i->alt.n };

	h = hash(h, words, sizeof(words));
	h = hash(h, i->build_id.bytes, i->build_id.n);
	h = hash(h, i->alt.bytes, i->alt.n);
	return hash(h, i->name, strlen(i->name) + 1);
}

static uint64_t sum(const struct catalog *c)
{
	uint64_t h = HASH_START;

	for (size_t i = 0; i < c->n_folders; i++) {
		h = hash(h, c->folder[i].path, strlen(c->folder[i].path) + 1);
		h = sum_identity(h, &c->folder[i].identity);
	}
	for (size_t i = 0; i < c->n_files; i++) {
		const uint64_t kind = c->file[i].kind;

		h = hash(h, c->file[i].path, strlen(c->file[i].path) + 1);
		h = hash(h, c->file[i].reason, strlen(c->file[i].reason) + 1);
		h = sum_identity(hash(h, &kind, sizeof(kind)), &c->file[i].identity);
	}
	for (size_t i = 0; i < c->n_items; i++)
		h = sum_item(h, &c->item[i]);
	return h;
}

void catalog_seal(struct catalog *c)
{
	sort(c);
	for (size_t i = 0; i < c->n_files; i++) {
		bool is_new;
		uint64_t *at = map_put(&c->by_path,
				       key_of(c->file[i].path, strlen(c->file[i].path)), &is_new);

		c->file[i].first = c->file[i].n_items = 0;
		if (is_new)
			*at = i;
	}
	for (size_t i = c->n_items; i-- > 0;) {
		struct catalog_item *item = &c->item[i];

		c->file[item->file].first = (uint32_t)i;
		c->file[item->file].n_items++;
		item->next_id = item->next_dwo = CATALOG_NONE;
		if (item->build_id.n)
			item->next_id = chain(&c->by_id,
					      key_of(item->build_id.bytes, item->build_id.n),
					      (uint32_t)i);
		if (item->dwo_id)
			item->next_dwo = chain(&c->by_dwo, item->dwo_id, (uint32_t)i);
	}
	c->sum = sum(c);
}

/* Two paths of one hash: the second is not found, and so its file is looked at again. */
uint32_t catalog_find_path(const struct catalog *c, const char *path)
{
	const uint64_t *at = map_find(&c->by_path, key_of(path, strlen(path)));

	return at && !strcmp(c->file[*at].path, path) ? (uint32_t)*at : CATALOG_NONE;
}

uint32_t catalog_find_id(const struct catalog *c, const struct build_id *id)
{
	const uint64_t *first = map_find(&c->by_id, key_of(id->bytes, id->n));

	return first ? (uint32_t)*first : CATALOG_NONE;
}

uint32_t catalog_find_dwo(const struct catalog *c, uint64_t dwo_id)
{
	const uint64_t *first = dwo_id ? map_find(&c->by_dwo, dwo_id) : NULL;

	return first ? (uint32_t)*first : CATALOG_NONE;
}
