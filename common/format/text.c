/* Kernel symbols and the manifest: lists of texts. ddprof.data(5), "Kernel symbols", "Manifest". */
#include "common/format/object.h"

#include <errno.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/format/wire.h"

enum {
	NAME_MAX_BYTES = 512, /* the kernel's KSYM_NAME_LEN */
	MODULE_MAX_BYTES = 64,
	MANIFEST_KEY_MAX = 64,
	MANIFEST_VALUE_MAX = 4096,
};

static uint8_t *put_text(const char *text, size_t n, uint8_t *at)
{
	return put_bytes(put_varint(at, n), text, n);
}

/* A text and its zero within max bytes. */
static void get_text(struct cursor *c, char *ret, size_t max)
{
	uint64_t n = get_varint_max(c, max - 1);
	const uint8_t *bytes = get_bytes(c, n);

	if (!bytes || memchr(bytes, 0, n)) {
		cursor_fail(c);
		ret[0] = 0;
		return;
	}
	memcpy(ret, bytes, n);
	ret[n] = 0;
}

size_t kernel_encode(const struct kernel_symbol *symbols, size_t n, void *raw, size_t cap,
		     size_t *ret_n)
{
	uint8_t *at = raw;
	const char *module = "";
	uint64_t addr = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct kernel_symbol *s = &symbols[i];
		size_t name_n = strnlen(s->name, NAME_MAX_BYTES - 1),
		       module_n = strnlen(s->module, MODULE_MAX_BYTES - 1);

		if (cap - (size_t)(at - (uint8_t *)raw) < 3 * VARINT_BYTES_MAX + name_n + module_n)
			break;
		at = put_varint(at, zigzag(s->addr - addr));
		if (strcmp(s->module, module))
			at = put_text(s->module, module_n, put_varint(at, 1));
		else
			at = put_varint(at, 0);
		at = put_text(s->name, name_n, at);
		addr = s->addr;
		module = s->module;
	}
	*ret_n = (size_t)(at - (uint8_t *)raw);
	return i;
}

int kernel_decode(const uint8_t *raw, size_t n, kernel_got *got, void *ctx, struct err *err)
{
	struct cursor c = cursor_of(raw, n);
	char name[NAME_MAX_BYTES], module[MODULE_MAX_BYTES] = "";
	struct kernel_symbol s = { .name = name, .module = module };

	while (c.at < c.end) {
		int r;

		s.addr += get_signed(&c);
		if (get_varint_max(&c, 1))
			get_text(&c, module, sizeof(module));
		get_text(&c, name, sizeof(name));
		if (c.bad)
			break;
		r = got(ctx, &s);
		if (r < 0)
			return r;
	}
	return c.bad ? err_set(err, -EBADMSG, "kernel symbols make no sense") : 0;
}

int manifest_put(void *raw, size_t cap, size_t *n, const char *key, const char *value)
{
	size_t key_n = strnlen(key, MANIFEST_KEY_MAX - 1),
	       value_n = strnlen(value, MANIFEST_VALUE_MAX - 1);
	uint8_t *at = (uint8_t *)raw + *n;

	if (cap - *n < 2 * VARINT_BYTES_MAX + key_n + value_n)
		return -ENOSPC;
	at = put_text(key, key_n, at);
	at = put_text(value, value_n, at);
	*n = (size_t)(at - (uint8_t *)raw);
	return 0;
}

int manifest_decode(const uint8_t *raw, size_t n, manifest_got *got, void *ctx, struct err *err)
{
	struct cursor c = cursor_of(raw, n);
	char key[MANIFEST_KEY_MAX], value[MANIFEST_VALUE_MAX];

	while (c.at < c.end) {
		int r;

		get_text(&c, key, sizeof(key));
		get_text(&c, value, sizeof(value));
		if (c.bad)
			break;
		r = got(ctx, key, value);
		if (r < 0)
			return r;
	}
	return c.bad ? err_set(err, -EBADMSG, "manifest makes no sense") : 0;
}
