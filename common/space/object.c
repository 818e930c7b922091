#include "common/space/object.h"

#include <string.h>
#include <sys/auxv.h>

#include "common/base/bits.h"
#include "common/base/pages.h"

enum { TEXT_BYTES_PER_OBJECT = 512 }; /* on average; paths of real hosts take 60 */

bool objects_init(struct objects *o, uint32_t n_max)
{
	uint32_t n_slots = 16;
	const void *random = (const void *)getauxval(AT_RANDOM);

	while (n_slots < 2 * n_max)
		n_slots *= 2;
	*o = (struct objects){ .n_max = n_max, .mask = n_slots - 1 };
	if (random)
		memcpy(&o->seed, random, sizeof(o->seed));
	o->text_max = (size_t)n_max * TEXT_BYTES_PER_OBJECT + PATH_MAX_BYTES;
	o->object = pages_reserve(((size_t)n_max + 1) * sizeof(*o->object));
	o->hash = pages_reserve(((size_t)n_max + 1) * sizeof(*o->hash));
	o->slots = pages_reserve((size_t)n_slots * sizeof(*o->slots));
	o->text = pages_reserve(o->text_max);
	return o->object && o->hash && o->slots && o->text;
}

void objects_done(struct objects *o)
{
	pages_free(o->object, ((size_t)o->n_max + 1) * sizeof(*o->object));
	pages_free(o->hash, ((size_t)o->n_max + 1) * sizeof(*o->hash));
	pages_free(o->slots, ((size_t)o->mask + 1) * sizeof(*o->slots));
	pages_free(o->text, o->text_max);
}

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

uint32_t objects_put(struct objects *o, const struct event_mmap *m)
{
	const char *path = m->path ? m->path : "";
	struct event_mmap key = *m;
	size_t path_n = strnlen(path, PATH_MAX_BYTES);
	uint32_t h, slot;

	if (path_n == PATH_MAX_BYTES)
		return 0;
	key.path = path;
	h = key_hash(o, &key, path_n);
	for (slot = h & o->mask; o->slots[slot]; slot = (slot + 1) & o->mask) {
		uint32_t id = o->slots[slot];

		if (o->hash[id] == h && same_key(&o->object[id], &key))
			return id;
	}
	if (o->n == o->n_max || o->text_max - o->text_n < path_n + 1)
		return 0;
	o->slots[slot] = ++o->n;
	o->hash[o->n] = h;
	memcpy(o->text + o->text_n, path, path_n + 1);
	o->object[o->n] = (struct space_object){
		.build_id = m->build_id,
		.maj = m->maj,
		.min = m->min,
		.ino = m->ino,
		.path = o->text + o->text_n,
		.anonymous = !m->build_id.n && is_anonymous(path),
	};
	o->text_n += path_n + 1;
	return o->n;
}
