/*
 * Modules of a profile: the file, the kernel, a kernel module, or what lies outside of every file.
 */
#include "report/naming_modules.h"

#include <elf.h>
#include <string.h>

#include "common/elf/image.h"
#include "common/format/object.h"
#include "common/space/space.h"
#include "report/profile/profile.h"
#include "report/symbol/symbol.h"
#include "report/unwind/unwind.h"

/* "/usr/lib/libx.so.1 (deleted)" is libx.so.1. */
static str_id base_name(struct intern *names, const char *path)
{
	static const char deleted[] = " (deleted)";
	size_t n = strlen(path), cut = sizeof(deleted) - 1;
	const char *slash;

	if (n > cut && !strcmp(path + n - cut, deleted))
		n -= cut;
	slash = memrchr(path, '/', n);
	if (slash && slash + 1 < path + n) {
		n -= (size_t)(slash + 1 - path);
		path = slash + 1;
	}
	return n ? intern_putn(names, path, n) : intern_put(names, "[unknown]");
}

static void set_code_segment(struct profile_module *m, const struct elf_image *image)
{
	for (uint32_t i = 0; image && i < image->n_loads; i++) {
		const struct elf_load *load = &image->load[i];
		uint64_t end;

		if (!(load->flags & PF_X) ||
		    __builtin_add_overflow(load->addr, load->mem_size, &end))
			continue;
		m->code_addr = load->addr;
		m->code_size = load->mem_size;
		m->code_file_off = load->file_off;
		return;
	}
}

static void set_origin(struct profile_module *m, struct intern *names,
		       const struct symbol_origin *origin)
{
	m->has_names = origin->embedded || origin->local || origin->debug;
	m->local_names = origin->local;
	m->tables = origin->tables;
	m->full_debug = origin->full;
	m->from_cache = origin->cached;
	m->n_gaps = origin->n_gaps;
	m->symbols_reason = intern_put(names, origin->reason);
	m->debug_file = intern_put(names, origin->where ? origin->where : "");
}

struct profile_module module_of_file(struct intern *names, const struct space_object *o,
				     const struct elf_image *image,
				     const struct symbol_origin *origin)
{
	const char *path = o->path ? o->path : "";
	struct profile_module m = {
		.kind = o->anonymous ? MODULE_ANONYMOUS : MODULE_FILE,
		.path = intern_put(names, path),
		.build_id = o->build_id,
	};

	m.name = o->anonymous && *path && *path != '[' ? intern_put(names, "[anon]") :
							 base_name(names, path);
	set_code_segment(&m, image);
	set_origin(&m, names, origin);
	return m;
}

struct profile_module module_of_nothing(struct intern *names)
{
	str_id name = intern_put(names, "[unknown]");

	return (struct profile_module){
		.kind = MODULE_UNMAPPED,
		.name = name,
		.path = name,
		.symbols_reason = intern_put(names, "outside every known mapping"),
	};
}

struct profile_module module_of_jit(struct intern *names)
{
	str_id name = intern_put(names, "[jit]");

	return (struct profile_module){
		.kind = MODULE_JIT,
		.name = name,
		.path = name,
		.has_names = true,
	};
}

struct profile_module module_of_labels(struct intern *names)
{
	str_id name = intern_put(names, "[off CPU]");

	return (struct profile_module){
		.kind = MODULE_LABEL,
		.name = name,
		.path = name,
		.has_names = true,
	};
}

struct profile_module module_of_kernel(struct intern *names, const char *loadable,
				       const struct symbol_origin *origin)
{
	struct profile_module m = { .kind = MODULE_KERNEL };
	struct buf text;

	buf_init(&text);
	buf_printf(&text, "[%s]", *loadable ? loadable : "kernel");
	m.name = m.path = intern_putn(names, text.data, text.n);
	buf_done(&text);
	set_origin(&m, names, origin);
	return m;
}
