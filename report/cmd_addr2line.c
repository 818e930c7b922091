/*
 * `addr2line`: as the program of binutils, option for option and byte for byte, so that others can
 * call it in its place; with files found by build-id, and parsed in a jail. Addresses of the
 * command line or of a file are answered together; those of a pipe as they come, and standard
 * output is written before more are waited for.
 */
#include "config.h"

#include "report/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HAVE_DECL_BASENAME 1
#include <libiberty/libiberty.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "report/addr2line.h"
#include "report/configuration.h"
#include "report/symbol/symbol.h"

enum {
	PIECE_MAX = 99, /* a longer line is several addresses, as for binutils */
	READ_BYTES = 64 << 10,
	FLUSH_BYTES = 32 << 10,
};

enum long_only { OPTION_DEBUG_DIR = 256, OPTION_NO_CACHE };

struct addr2line {
	struct addr2line_file file;
	struct addr2line_form form;
	struct command_paths debug_dir;
	struct command defaults; /* of the configuration */
	struct addr2line_source *source;
	struct buf in, out; /* in: of standard input, not yet taken */
	size_t in_at;
	bool in_ended;
	bool failed, said;
	bool help, version;
};

static const struct option long_options[] = {
	{ "addresses", no_argument, NULL, 'a' },
	{ "basenames", no_argument, NULL, 's' },
	{ "debug-dir", required_argument, NULL, OPTION_DEBUG_DIR },
	{ "demangle", optional_argument, NULL, 'C' },
	{ "exe", required_argument, NULL, 'e' },
	{ "functions", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "inlines", no_argument, NULL, 'i' },
	{ "no-cache", no_argument, NULL, OPTION_NO_CACHE },
	{ "no-recurse-limit", no_argument, NULL, 'r' },
	{ "no-recursion-limit", no_argument, NULL, 'r' },
	{ "pretty-print", no_argument, NULL, 'p' },
	{ "recurse-limit", no_argument, NULL, 'R' },
	{ "recursion-limit", no_argument, NULL, 'R' },
	{ "section", required_argument, NULL, 'j' },
	{ "target", required_argument, NULL, 'b' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const char help[] =
	"Usage: ddprof-report addr2line [OPTIONS] [ADDRESS...]\n"
	"Files and lines of addresses (hexadecimal, or SYMBOL[+OFFSET]); without any, those of\n"
	"standard input.\n"
	"\n"
	"  -e, --exe=FILE          program, library or debug file (default: a.out)\n"
	"  -a, --addresses         print each address first\n"
	"  -f, --functions         print functions\n"
	"  -i, --inlines           print the callers of inlined functions too\n"
	"  -C, --demangle[=STYLE]  names for people: auto, gnu-v3, rust, dlang, ocaml, all or "
	"none\n"
	"  -s, --basenames         file names without folders\n"
	"  -p, --pretty-print      one line for each frame\n"
	"  -j, --section=NAME      addresses are offsets in this section\n"
	"  -b, --target=NAME       taken and not used: ELF files tell it themselves\n"
	"  -r, -R                  taken and not used: limits of demangling are fixed\n"
	"      --debug-dir=DIR     folder with debug files or packages; may be repeated\n"
	"      --no-cache          neither use nor keep an index of debug files\n"
	"  @FILE                   options from a file\n"
	"  -h, -H, --help          print this and end\n"
	"  -v, -V, --version       print the version and end\n"
	"\n"
	"See ddprof-report(1).\n";

/* ---- options ---- */

static int set_style(struct addr2line *a, const char *style)
{
	static const struct {
		const char *name;
		unsigned int languages;
	} styles[] = {
		{ "none", 0 },
		{ "auto", SYMBOL_CXX | SYMBOL_RUST }, /* what binutils takes it for */
		{ "gnu-v3", SYMBOL_CXX },
		{ "rust", SYMBOL_RUST },
		{ "dlang", SYMBOL_D },
		{ "ocaml", SYMBOL_OCAML },
		{ "all", SYMBOL_LANGUAGES },
	};

	for (size_t i = 0; i < N_ELEMENTS(styles); i++) {
		if (strcmp(style ? style : "auto", styles[i].name) != 0)
			continue;
		a->form.languages = styles[i].languages;
		return 0;
	}
	return command_usage("unknown demangling style '%s'", style);
}

static int set_option(struct addr2line *a, int option)
{
	switch (option) {
	case 'a':
		a->form.addresses = true;
		return 0;
	case 'f':
		a->form.functions = true;
		return 0;
	case 'i':
		a->form.inlines = true;
		return 0;
	case 'p':
		a->form.pretty = true;
		return 0;
	case 's':
		a->form.basenames = true;
		return 0;
	case 'C':
		return set_style(a, optarg);
	case 'e':
		a->file.path = optarg;
		return 0;
	case 'j':
		a->file.section = optarg;
		return 0;
	case 'h':
	case 'H':
		a->help = true;
		return 0;
	case 'v':
	case 'V':
		a->version = true;
		return 0;
	case OPTION_DEBUG_DIR:
		command_paths_add(&a->debug_dir, optarg, strlen(optarg));
		return 0;
	case OPTION_NO_CACHE:
		a->file.no_cache = true;
		return 0;
	case 'b':
	case 'r':
	case 'R':
		return 0;
	default:
		fputs("Try 'ddprof-report addr2line --help'.\n", stderr);
		return EXIT_USAGE;
	}
}

static void add_environment(struct command_paths *dirs)
{
	const char *at = getenv(DEBUG_DIR_VARIABLE);

	while (at && *at) {
		size_t n = strcspn(at, ":");

		if (n)
			command_paths_add(dirs, at, n);
		at += n + (at[n] == ':');
	}
}

/* Of all that the configuration says, what is about debug files. */
static int take_defaults(struct addr2line *a)
{
	const struct pipeline_options *o = &a->defaults.pipeline;
	const struct command_paths *dirs = &a->defaults.debug_dir_config;
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct err err = { 0 };

	if (config_load(NULL, &a->defaults, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < dirs->n; i++)
		command_paths_add(&a->debug_dir, dirs->path[i], strlen(dirs->path[i]));
	a->file.debug = o->debug;
	if (urls && *urls)
		a->file.debug.debuginfod_urls = NULL; /* the environment's go first */
	a->file.no_cache |= o->no_cache;
	return 0;
}

static int parse(struct addr2line *a, int argc, char **argv)
{
	int option, status = 0;

	a->file.path = "a.out";
	argv[0] = (char *)(uintptr_t) "ddprof-report";
	optind = 0; /* starts anew */
	while (status == 0 &&
	       (option = getopt_long(argc, argv, "ab:Ce:fhHij:prRsvV", long_options, NULL)) != -1)
		status = set_option(a, option);
	add_environment(&a->debug_dir);
	if (status == 0 && !a->help && !a->version)
		status = take_defaults(a);
	a->file.debug.dir = (const char *const *)a->debug_dir.path;
	a->file.debug.n_dirs = (unsigned int)a->debug_dir.n;
	a->form.escape = isatty(STDOUT_FILENO);
	return status;
}

/* ---- input ---- */

/* Length of the next piece of input, its end of line included; 0: more has to be read. */
static size_t next_piece(const struct addr2line *a)
{
	size_t left = a->in.n - a->in_at, most = MIN(left, (size_t)PIECE_MAX);
	const char *end = most ? memchr(a->in.data + a->in_at, '\n', most) : NULL;

	if (end)
		return (size_t)(end - (a->in.data + a->in_at)) + 1;
	return most == PIECE_MAX || a->in_ended ? most : 0;
}

/* The next address that is there whole. */
static bool take_piece(struct addr2line *a, uint64_t *addr)
{
	const char *text = a->in.n ? a->in.data + a->in_at : "";
	size_t length = addr2line_plain_line(text, a->in.n - a->in_at, addr);
	char piece[PIECE_MAX + 1];

	if (!length) {
		length = next_piece(a);
		if (!length)
			return false;
		memcpy(piece, text, length);
		piece[length] = 0;
		*addr = addr2line_address(a->source, piece);
	}
	a->in_at += length;
	return true;
}

static size_t take_pieces(struct addr2line *a, uint64_t *addr, size_t cap)
{
	size_t n = 0;

	while (n < cap && take_piece(a, &addr[n]))
		n++;
	return n;
}

static void read_more(struct addr2line *a)
{
	ssize_t n;

	if (a->in_at)
		memmove(a->in.data, a->in.data + a->in_at, a->in.n - a->in_at);
	a->in.n -= a->in_at;
	a->in_at = 0;
	do
		n = read(STDIN_FILENO, buf_grow(&a->in, READ_BYTES), READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		a->in_ended = true;
	else
		a->in.n += (size_t)n;
}

/* ---- output ---- */

static void flush(struct addr2line *a)
{
	if (a->out.n && io_write(STDOUT_FILENO, a->out.data, a->out.n, NULL) < 0)
		a->failed = true;
	buf_reset(&a->out);
}

static void print_all(struct addr2line *a, const uint64_t *addr, size_t n,
		      const struct answers *answers, const uint32_t *first)
{
	struct addr2line_printer p;

	addr2line_printer_init(&p, &a->form, answers);
	for (size_t i = 0; i < n; i++) {
		addr2line_print(&p, addr[i], first ? first[i] : ANSWER_NONE, &a->out);
		if (a->out.n >= FLUSH_BYTES)
			flush(a);
	}
	addr2line_printer_done(&p);
	flush(a);
}

/*
 * True: nothing can be said about the file at all, the program ends. A file that is damaged costs
 * the answers only.
 */
static bool refuse(struct addr2line *a, int status, const struct err *err)
{
	bool end = status == -ENOENT || status == -ENOEXEC;

	a->failed = true;
	if (!a->said)
		log_error("'%s': %s", a->file.path, err->text);
	a->said = true;
	return end;
}

/* ---- the two ways ---- */

static size_t next(void *ctx, uint64_t *addr, size_t cap)
{
	struct addr2line *a = ctx;
	size_t n;

	while (!(n = take_pieces(a, addr, cap)) && !a->in_ended)
		read_more(a);
	return n;
}

static void got(void *ctx, const uint64_t *addr, size_t n, const struct answers *answers,
		const uint32_t *first, int status, const struct err *err)
{
	struct addr2line *a = ctx;

	if (status == 0) {
		print_all(a, addr, n, answers, first);
	} else if (refuse(a, status, err)) {
		a->in_ended = true;
		a->in_at = a->in.n;
	} else {
		print_all(a, addr, n, NULL, NULL);
	}
}

static void run_arguments(struct addr2line *a, char **argument, int n)
{
	AUTO_FREE uint64_t *addr = mem_alloc((size_t)n * sizeof(*addr));

	for (int i = 0; i < n; i++)
		addr[i] = addr2line_address(a->source, argument[i]);
	addr2line_source_answer(a->source, addr, (size_t)n, got, a);
}

static void run_file(struct addr2line *a)
{
	uint64_t *addr;
	size_t n;

	while (!a->in_ended)
		read_more(a);
	/* an address for each byte is more than there can be */
	addr = mem_alloc((a->in.n + 1) * sizeof(*addr));
	n = take_pieces(a, addr, a->in.n);
	if (n)
		addr2line_source_answer(a->source, addr, n, got, a);
	free(addr);
}

static void run(struct addr2line *a, char **argument, int n)
{
	struct err err = { 0 };
	struct stat st;

	if (addr2line_source_open(&a->file, &a->source, &err) < 0) {
		log_error("%s", err.text);
		a->failed = true;
		return;
	}
	if (n)
		run_arguments(a, argument, n);
	else if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		run_file(a);
	else
		addr2line_source_talk(a->source, next, got, a);
	addr2line_source_close(a->source);
}

int cmd_addr2line(int argc, char **argv)
{
	struct addr2line a = { 0 };
	int status;

	expandargv(&argc, &argv);
	status = parse(&a, argc, argv);
	buf_init(&a.in);
	buf_init(&a.out);
	if (status == 0 && a.help)
		fputs(help, stdout);
	else if (status == 0 && a.version)
		printf("ddprof-report %s\n", PACKAGE_VERSION);
	else if (status == 0)
		run(&a, argv + optind, argc - optind);
	buf_done(&a.in);
	buf_done(&a.out);
	command_paths_done(&a.debug_dir);
	command_done(&a.defaults);
	return status ? status : a.failed ? EXIT_FAILED : EXIT_DONE;
}
