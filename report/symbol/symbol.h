/*
 * Names of places in code, in batches: all touched addresses of one file at a time, so that each
 * symbol table is read once, front to back, without sorting it. Names come from the
 * recording; files of this machine (same build-id) fill only what the recording lacks.
 * Knows no samples and no trees (report/profile/).
 */
#ifndef REPORT_SYMBOL_H
#define REPORT_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/intern.h"

struct elf_image;
struct kernel_symbol;
struct object_key;

enum {
	SYMBOL_NAME_MAX = 16 << 10, /* bytes; longer names are cut */
	SYMBOL_DEMANGLED_MAX = 64 << 10,
	SYMBOL_MINIDEBUG_MAX = 64 << 20, /* MiniDebugInfo unpacked; more is refused */
};

enum { SYMBOL_NO_FRAME = UINT32_MAX };

/*
 * A source frame. Chains go from the innermost inlined body to the function whose code it is;
 * each frame's line is where it was, for callers the line of the call.
 */
struct symbol_frame {
	str_id name; /* as in the debug information: linkage name where there is one; 0: unknown */
	str_id file; /* full path; 0: unknown */
	uint32_t line, column; /* 0: unknown */
	uint32_t caller;       /* index into the batch's frames, or SYMBOL_NO_FRAME */
};

struct symbol {
	/*
	 * Of the outermost frame: from debug information, else as in the symbol table
	 * ("name@plt" for PLT entries); id 0: unnamed.
	 */
	str_id name;
	/*
	 * Of the function; of an unnamed one where call frame information knows it, else the
	 * address.
	 */
	uint64_t start;
	str_id module; /* kernel only: the loadable module, "" for the kernel itself */
	/* innermost frame by debug information, or SYMBOL_NO_FRAME */
	uint32_t frame;
};

struct symbol_batch {
	const uint64_t *addr; /* as linked; rising, no two equal */
	uint32_t n;
	struct symbol *symbol; /* n of them, filled by the calls below; zeroed by the caller */
	struct intern *names;
	struct symbol_frame *frame; /* filled by the symbolizer; owner: symbol_batch_done */
	uint32_t n_frames, frame_cap;
};
void symbol_batch_done(struct symbol_batch *b);

/* What the tables that were read know of a file's functions. */
enum symbol_tables {
	SYMBOL_TABLES_NONE,
	SYMBOL_TABLES_EXPORTED, /* .dynsym alone: what other files may call */
	SYMBOL_TABLES_FULL,	/* .symtab or MiniDebugInfo */
};

struct symbol_origin {
	bool embedded, local;	   /* where names came from */
	enum symbol_tables tables; /* read, whether or not they cover the addresses */
	bool full;	  /* a file with debug information was read; more is not to be had */
	uint64_t n_gaps;  /* files that its debug information refers to, not found */
	bool debug;	  /* debug information answered for at least one address */
	bool cached;	  /* all of it came from the cache */
	char *where;	  /* the debug file used; NULL: none; owned, symbol_origin_done */
	char reason[256]; /* why names or lines are missing; "" otherwise */
};
void symbol_origin_done(struct symbol_origin *o);

/* ---- all objects of a profile ---- */

struct debug;	     /* report/debug/debug.h */
struct symbol_cache; /* report/symbol/cache.h */
struct symbolizer;

struct symbolizer_options {
	struct debug *debug;	    /* NULL: names of the recording alone */
	struct symbol_cache *cache; /* NULL: --no-cache */
	bool use_local;		    /* files of this machine may add names */
	unsigned int n_at_once;	    /* jailed children; 0: by CPUs */
};

/*
 * Objects are added one after the other, then all are answered at once: what the cache knows is
 * taken from it, and each other object's debug file is read in a jailed child, several side by
 * side, largest first. Equal input gives equal results whatever finishes first.
 */
struct symbolizer *symbolizer_new(const struct symbolizer_options *o);
void symbolizer_free(struct symbolizer *s);

/*
 * As symbol_object below, plus debug information. Everything pointed to must live until
 * symbolizer_run has returned, which fills batch and *ret.
 */
void symbolizer_add(struct symbolizer *s, const struct elf_image *embedded, const char *reason,
		    const struct object_key *key, struct symbol_batch *batch,
		    struct symbol_origin *ret);
void symbolizer_run(struct symbolizer *s);

/*
 * Names what can be named from the `embedded` image (NULL: `reason` says why there is none) and,
 * with `debug`, from the object's own file wherever that lies (NULL: the recording alone). Debug
 * files are the symbolizer's. Cannot fail: what stays unnamed has name 0, and ret->reason says why
 * when nothing was named.
 */
void symbol_object(const struct elf_image *embedded, const char *reason,
		   const struct object_key *key, struct debug *debug, struct symbol_batch *batch,
		   struct symbol_origin *ret);

/*
 * Kernel names were resolved on the recorded host; addr are run-time addresses. Put each symbol of
 * the recording in any order (ctx is the batch; a kernel_got of common/format/object.h), then
 * finish.
 */
int symbol_kernel_put(void *ctx, const struct kernel_symbol *symbol);
void symbol_kernel_finish(struct symbol_batch *batch, struct symbol_origin *ret);

enum symbol_language {
	SYMBOL_CXX = 1,	 /* Itanium ABI, with parameters */
	SYMBOL_RUST = 2, /* legacy and v0 */
	SYMBOL_D = 4,
	SYMBOL_OCAML = 8, /* camlStdlib__List__map_123 -> Stdlib.List.map_123 */
	SYMBOL_LANGUAGES = 15,
};

/*
 * The name for people. False: not mangled, or longer than limits; ret is untouched then. What the
 * compiler and the linker put around a mangled name stays: "f@plt", "f [clone .cold]".
 */
bool symbol_demangle(const char *name, struct buf *ret);
/* False: not mangled in any of these languages, by a look at how the name begins. */
bool symbol_may_be_mangled(const char *name, unsigned int languages);
/* Of these languages only (a set of enum symbol_language). */
bool symbol_demangle_as(const char *name, unsigned int languages, struct buf *ret);

/* ---- pieces, for tests and fuzzing ---- */

/*
 * One pass over the symbol tables of an image: .symtab, .dynsym, PLT; MiniDebugInfo when addresses
 * are left. Ties: a symbol whose size covers the address, then global > weak > local, then fewer
 * leading '_'. A symbol of size 0 reaches to the next symbol, or to the next function of
 * .eh_frame_hdr.
 */
void symbol_from_image(const struct elf_image *image, struct symbol_batch *batch);

/* Start of the function that holds addr by .eh_frame_hdr's table; UINT64_MAX: not known. */
uint64_t symbol_function_start(const struct elf_image *image, uint64_t addr);

/*
 * "name" of the PLT entry at addr into ret; false: addr is in no PLT or the entry is not
 * understood.
 */
bool symbol_plt(const struct elf_image *image, uint64_t addr, struct buf *ret);

#endif
