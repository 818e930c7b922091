/*
 * Names of kernel code. perf.data has none: /proc/kallsyms tells them when the recorded kernel is
 * the one that runs here. Since its boot may be another one, all addresses move by the distance
 * between the recorded and the present "_text"; names of modules count only where the recorded
 * mapping of that module is.
 */
#include "report/read/perfdata_kernel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/cursor.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "report/read/perfdata_files.h"

enum {
	NOTES_BYTES_MAX = 64 << 10,
	KALLSYMS_BYTES_MAX = 256 << 20,
	MODULES_MAX = 4096,
	NOTE_BUILD_ID = 3, /* NT_GNU_BUILD_ID */
};

static bool find_build_id(const uint8_t *notes, size_t n, struct build_id *ret)
{
	struct cursor c = cursor_of(notes, n);

	while (cursor_left(&c)) {
		uint32_t name_n = cursor_u32(&c), id_n = cursor_u32(&c), type = cursor_u32(&c);
		const uint8_t *name, *id;

		if (!cursor_take(&c, ALIGN_UP((size_t)name_n, (size_t)4), &name) ||
		    !cursor_take(&c, ALIGN_UP((size_t)id_n, (size_t)4), &id))
			return false;
		if (type != NOTE_BUILD_ID || name_n != 4 || memcmp(name, "GNU", 4) != 0)
			continue;
		ret->n = (uint8_t)MIN(id_n, (uint32_t)BUILD_ID_MAX);
		memcpy(ret->bytes, id, ret->n);
		return true;
	}
	return false;
}

bool perf_kernel_is_ours(const struct build_id *recorded)
{
	AUTO_FREE char *notes = NULL;
	struct build_id ours = { 0 };
	size_t n;

	if (!recorded->n ||
	    io_read_file("/sys/kernel/notes", NOTES_BYTES_MAX, &notes, &n, NULL) < 0)
		return false;
	return find_build_id((const uint8_t *)notes, n, &ours) && ours.n == recorded->n &&
	       !memcmp(ours.bytes, recorded->bytes, ours.n);
}

/* ---- what the file says of the kernel's code ---- */

/* "/lib/modules/6.1/kernel/fs/snd-pcm.ko.xz", "[snd_pcm]" -> "snd_pcm", as kallsyms has it. */
static void module_name(const char *path, char ret[64])
{
	const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path;
	size_t n;

	from += *from == '[';
	n = MIN(strcspn(from, ".]"), (size_t)63);
	for (size_t i = 0; i < n; i++)
		ret[i] = from[i] == '-' ? '_' : from[i];
	ret[n] = 0;
}

void perf_files_note_kernel(struct perf_files *f, const struct event_mmap *m)
{
	static const char kernel[] = "[kernel.kallsyms]";
	struct perf_module *module;

	if (!strncmp(m->path, kernel, sizeof(kernel) - 1)) {
		f->kernel_symbol_addr = m->pgoff ? m->pgoff : m->start;
		snprintf(f->kernel_symbol, sizeof(f->kernel_symbol), "%s",
			 m->path + sizeof(kernel) - 1);
		if (m->build_id.n)
			f->kernel = m->build_id;
		return;
	}
	if (f->n_modules == MODULES_MAX)
		return;
	mem_grow(&f->module, &f->module_cap, f->n_modules + 1, sizeof(*f->module));
	module = &f->module[f->n_modules++];
	*module = (struct perf_module){ .start = m->start, .size = m->size };
	module_name(m->path, module->name);
}

static bool in_module(const struct perf_files *f, const char *name, uint64_t addr)
{
	for (size_t i = 0; i < f->n_modules; i++)
		if (addr - f->module[i].start < f->module[i].size &&
		    !strcmp(f->module[i].name, name))
			return true;
	return false;
}

/* ---- /proc/kallsyms ---- */

static void *read_kallsyms(void *ctx)
{
	struct kallsyms_text *k = ctx;
	size_t n;

	if (io_read_file("/proc/kallsyms", KALLSYMS_BYTES_MAX, &k->text, &n, NULL) < 0)
		k->text = NULL;
	return NULL;
}

void kallsyms_text_start(struct kallsyms_text *k)
{
	if (k->started)
		return;
	k->started = true;
	k->threaded = pthread_create(&k->thread, NULL, read_kallsyms, k) == 0;
	if (!k->threaded)
		read_kallsyms(k);
}

char *kallsyms_text_get(struct kallsyms_text *k)
{
	kallsyms_text_start(k);
	if (k->threaded)
		pthread_join(k->thread, NULL);
	k->threaded = false;
	return k->text;
}

void kallsyms_text_done(struct kallsyms_text *k)
{
	if (k->started)
		free(kallsyms_text_get(k));
	*k = (struct kallsyms_text){ 0 };
}

/* A line "ffffffff81000000 T name\t[module]", taken apart in place; false: none for us. */
static bool take_line(char *line, struct kernel_symbol *ret)
{
	char *at, *tab;
	uint64_t addr = strtoull(line, &at, 16);

	if (!addr || at[0] != ' ' || !at[1] || !strchr("tTwW", at[1]) || at[2] != ' ' || !at[3])
		return false;
	*ret = (struct kernel_symbol){ .addr = addr, .name = at + 3, .module = "" };
	tab = strchr(at + 3, '\t');
	if (tab) {
		*tab = 0;
		ret->module = tab + 1 + (tab[1] == '[');
		tab[1 + strcspn(tab + 1, "]")] = 0;
	}
	return true;
}

static char *next_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (!*line)
		return NULL;
	if (end)
		*end = 0;
	*at = end ? end + 1 : line + strlen(line);
	return line;
}

/* The distance that the kernel's code moved since; false: its place now is hidden. */
static bool find_delta(const struct perf_files *f, const char *text, uint64_t *ret)
{
	const char *name = f->kernel_symbol[0] ? f->kernel_symbol : "_text";
	char needle[48];
	const char *at;
	uint64_t now;

	snprintf(needle, sizeof(needle), " T %s\n", name);
	at = strstr(text, needle);
	if (!at)
		return false;
	while (at > text && at[-1] != '\n')
		at--;
	now = strtoull(at, NULL, 16);
	*ret = f->kernel_symbol_addr ? f->kernel_symbol_addr - now : 0;
	return now != 0;
}

/* NULL: the kernel here is the recorded one. */
static const char *why_another(struct perf_files *f)
{
	if (!f->use_local)
		return "perf.data holds no kernel symbols, and no file of this machine is read";
	if (!f->kernel.n)
		return "perf.data holds no kernel symbols and does not say which kernel it was";
	if (perf_kernel_is_ours(&f->kernel))
		return NULL;
	snprintf(f->kernel_reason, sizeof(f->kernel_reason),
		 "perf.data holds no kernel symbols, and the kernel here is another one than "
		 "build-id %02x%02x%02x%02x...",
		 f->kernel.bytes[0], f->kernel.bytes[1], f->kernel.bytes[2], f->kernel.bytes[3]);
	return f->kernel_reason;
}

void perf_files_expect_kernel(struct perf_files *f)
{
	if (!f->kernel_expected && !why_another(f))
		kallsyms_text_start(&f->kallsyms);
	f->kernel_expected = true;
}

const char *perf_files_each_kernel_symbol(struct perf_files *f, kernel_got *got, void *ctx)
{
	const char *reason = why_another(f);
	struct kernel_symbol symbol;
	char *at, *line, *text;
	uint64_t delta;

	if (reason)
		return reason;
	text = kallsyms_text_get(&f->kallsyms);
	if (!text || !find_delta(f, text, &delta))
		return "/proc/kallsyms hides addresses (kernel.kptr_restrict)";
	at = text;
	while ((line = next_line(&at))) {
		if (!take_line(line, &symbol))
			continue;
		if (!symbol.module[0])
			symbol.addr += delta;
		else if (!in_module(f, symbol.module, symbol.addr))
			continue;
		if (got(ctx, &symbol) < 0)
			break;
	}
	kallsyms_text_done(&f->kallsyms); /* it was cut into pieces */
	return NULL;
}
