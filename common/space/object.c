#include "common/space/object.h"

#include <string.h>
#include <sys/auxv.h>

#include "common/base/bits.h"
#include "common/base/pages.h"

enum { TEXT_BYTES_PER_OBJECT = 512 }; /* on average; paths of real hosts take 60 */
enum { TEXT_BYTES_MIN = 16, AGES = 64 };

_Static_assert(TEXT_BYTES_MIN << (TEXT_CLASSES - 1) >= PATH_MAX_BYTES, "the longest path fits");

bool objects_init(struct objects *o, uint32_t n_max)
{
	const void *random = (const void *)getauxval(AT_RANDOM);

	*o = (struct objects){ .n_max = n_max };
	if (random)
		memcpy(&o->seed, random, sizeof(o->seed));
	o->text_max = (size_t)n_max * TEXT_BYTES_PER_OBJECT + PATH_MAX_BYTES;
	o->object = pages_reserve(((size_t)n_max + 1) * sizeof(*o->object));
	o->link = pages_reserve(((size_t)n_max + 1) * sizeof(*o->link));
	o->text = pages_reserve(o->text_max);
	return id_table_init(&o->by_hash, n_max) && o->object && o->link && o->text;
}

void objects_done(struct objects *o)
{
	pages_free(o->object, ((size_t)o->n_max + 1) * sizeof(*o->object));
	pages_free(o->link, ((size_t)o->n_max + 1) * sizeof(*o->link));
	pages_free(o->text, o->text_max);
	id_table_done(&o->by_hash);
}

/* ---- paths ---- */

static unsigned int text_class(size_t n)
{
	unsigned int c = 0;

	while ((size_t)TEXT_BYTES_MIN << c < n)
		c++;
	return c;
}

/* Room for n bytes, at most PATH_MAX_BYTES; NULL: none is left. */
static char *text_get(struct objects *o, size_t n)
{
	unsigned int c = text_class(n);
	char *text = o->text_free[c];

	if (text) {
		memcpy(&o->text_free[c], text, sizeof(text));
		return text;
	}
	if (o->text_max - o->text_n < (size_t)TEXT_BYTES_MIN << c)
		return NULL;
	text = o->text + o->text_n;
	o->text_n += (size_t)TEXT_BYTES_MIN << c;
	return text;
}

static void text_put(struct objects *o, char *text)
{
	unsigned int c = text_class(strlen(text) + 1);

	memcpy(text, &o->text_free[c], sizeof(text));
	o->text_free[c] = text;
}

/* ---- keys ---- */

static uint32_t hash_bytes(uint32_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t x = h + n;

	for (; n >= 8; p += 8, n -= 8)
		x = hash_u64(x ^ load_le64(p));
	for (; n; p++, n--)
		x = (x ^ *p) * 0x100000001b3u;
	return (uint32_t)hash_u64(x);
}

static uint32_t key_hash(const struct objects *o, const struct event_mmap *m, size_t path_n)
{
	uint32_t h = o->seed;

	if (m->build_id.n)
		return hash_bytes(h, m->build_id.bytes, m->build_id.n);
	h = hash_bytes(h, m->path, path_n);
	return h ^ (uint32_t)hash_u64(m->ino ^ (uint64_t)m->maj << 32 ^ m->min);
}

static bool same_key(const struct space_object *a, const struct event_mmap *m)
{
	if (a->build_id.n || m->build_id.n)
		return a->build_id.n == m->build_id.n &&
		       !memcmp(a->build_id.bytes, m->build_id.bytes, m->build_id.n);
	return a->ino == m->ino && a->maj == m->maj && a->min == m->min &&
	       !strcmp(a->path, m->path);
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* Names that the kernel gives to memory without a file that could be opened. */
static bool is_anonymous(const char *path)
{
	static const char *const names[] = { "//anon", "/memfd:", "/dev/zero", "/SYSV",
					     "/anon_hugepage" };

	if (path[0] == '[')
		return !starts_with(path, "[vdso]");
	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		if (starts_with(path, names[i]))
			return true;
	return path[0] == 0;
}

/* Of the objects with this hash; 0: it is not there. */
static uint32_t find(const struct objects *o, uint32_t h, const struct event_mmap *key)
{
	uint32_t id = id_table_find(&o->by_hash, h);

	if (id == UINT32_MAX)
		return 0;
	while (id && !same_key(&o->object[id], key))
		id = o->link[id].next;
	return id;
}

/* An id and room for its path. False: one of them is used up. */
static bool take(struct objects *o, size_t path_bytes, uint32_t *ret_id, char **ret_path)
{
	if (!o->free && o->n == o->n_max)
		return false;
	*ret_path = text_get(o, path_bytes);
	if (!*ret_path)
		return false;
	*ret_id = o->free ? o->free : ++o->n;
	o->free = o->link[*ret_id].next; /* of an id that never was: 0 */
	return true;
}

uint32_t objects_put(struct objects *o, const struct event_mmap *m)
{
	const char *path = m->path ? m->path : "";
	struct event_mmap key = *m;
	size_t path_n = strnlen(path, PATH_MAX_BYTES);
	char *text;
	uint32_t h, id;

	if (path_n == PATH_MAX_BYTES)
		return 0;
	key.path = path;
	h = key_hash(o, &key, path_n);
	id = find(o, h, &key);
	if (id) {
		objects_use(o, id);
		return id;
	}
	if (!take(o, path_n + 1, &id, &text))
		return 0;
	uint32_t same = id_table_find(&o->by_hash, h);
	if (same == UINT32_MAX)
		id_table_put(&o->by_hash, h, id);
	o->link[id] = (struct object_link){ .hash = h, .used = o->sweep, .taken = true };
	if (same != UINT32_MAX) {
		o->link[id].next = o->link[same].next;
		o->link[same].next = id;
	}
	memcpy(text, path, path_n + 1);
	o->object[id] = (struct space_object){
		.build_id = m->build_id,
		.maj = m->maj,
		.min = m->min,
		.ino = m->ino,
		.path = text,
		.anonymous = !m->build_id.n && is_anonymous(path),
	};
	return id;
}

/* ---- forgetting ---- */

static void unlink_hash(struct objects *o, uint32_t id)
{
	uint32_t h = o->link[id].hash, at = id_table_find(&o->by_hash, h);

	if (at != id) {
		while (o->link[at].next != id)
			at = o->link[at].next;
		o->link[at].next = o->link[id].next;
		return;
	}
	id_table_remove(&o->by_hash, h);
	if (o->link[id].next)
		id_table_put(&o->by_hash, h, o->link[id].next);
}

static void forget(struct objects *o, uint32_t id)
{
	unlink_hash(o, id);
	text_put(o, (char *)(uintptr_t)o->object[id].path); /* it lies in our text */
	o->object[id] = (struct space_object){ .path = "" };
	o->link[id] = (struct object_link){ .next = o->free };
	o->free = id;
}

void objects_begin_sweep(struct objects *o)
{
	o->sweep++;
}

/* Sweeps since it was mapped; 0: it is. */
static uint32_t age(const struct objects *o, uint32_t id)
{
	return MIN(o->sweep - o->link[id].used, (uint32_t)AGES - 1);
}

uint32_t objects_forget(struct objects *o, void (*gone)(void *ctx, uint32_t id), void *ctx)
{
	uint32_t n_of_age[AGES] = { 0 }, n_idle = 0, n_gone, oldest = AGES - 1;

	for (uint32_t id = 1; id <= o->n; id++)
		if (o->link[id].taken && age(o, id)) {
			n_of_age[age(o, id)]++;
			n_idle++;
		}
	n_gone = n_idle > OBJECTS_IDLE_MAX ? n_idle - OBJECTS_IDLE_MAX : 0;
	for (uint32_t left = n_gone; left; oldest--) {
		uint32_t n = MIN(n_of_age[oldest], left);

		left -= n;
		for (uint32_t id = 1; n && id <= o->n; id++) {
			if (!o->link[id].taken || age(o, id) != oldest)
				continue;
			gone(ctx, id);
			forget(o, id);
			n--;
		}
	}
	return n_gone;
}
