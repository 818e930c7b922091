/* Names of kernel code, for the addresses that samples met. Private to the room. */
#ifndef RECORD_INSPECT_KALLSYMS_H
#define RECORD_INSPECT_KALLSYMS_H

#include <stddef.h>
#include <stdint.h>

#include "record/inspect/serve.h"

struct err;
struct kallsyms;

/* -EACCES: addresses are hidden (kptr_restrict). */
int kallsyms_read(const char *path, struct kallsyms **ret, struct err *err);
void kallsyms_free(struct kallsyms *k);

/* The symbol that holds `pc`: index, or -1. */
long kallsyms_find(const struct kallsyms *k, uint64_t pc);
const char *kallsyms_name(const struct kallsyms *k, long i, uint64_t *ret_addr,
			  const char **ret_module);

/* Sends a KERNEL chunk with the symbols of these addresses that were not sent before. */
int kallsyms_answer(struct kallsyms *k, struct serve *s, const uint64_t *pcs, size_t n);

#endif
