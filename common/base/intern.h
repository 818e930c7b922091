/* Strings that live: stored once, compared by id. Id 0 is the empty string. */
#ifndef COMMON_BASE_INTERN_H
#define COMMON_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"

typedef struct {
	uint32_t n;
} str_id;

struct intern {
	struct arena arena;
	const char **text;
	uint32_t *length, *hash;
	uint32_t n, cap;
	uint32_t *slots, mask;
};

void intern_init(struct intern *in);
void intern_done(struct intern *in);
str_id intern_put(struct intern *in, const char *text);
str_id intern_putn(struct intern *in, const char *text, size_t n);
/* Zero-terminated; lives as long as `in`. */
const char *intern_text(const struct intern *in, str_id id);

#endif
