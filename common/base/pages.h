/*
 * Address space reserved once and backed by memory as it is touched, zeroed: for tables whose
 * limit is far above their usual size. Never grows, so that code that may not allocate can use
 * it.
 */
#ifndef COMMON_BASE_PAGES_H
#define COMMON_BASE_PAGES_H

#include <stddef.h>

void *pages_reserve(size_t size_bytes); /* NULL when refused */
void pages_free(void *p, size_t size_bytes);
/* Whole pages inside give their memory back and read as zeros; what shares its page stays. */
void pages_forget(void *p, size_t size_bytes);

#endif
