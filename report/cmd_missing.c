/*
 * `missing`: files that lack names, lines or themselves, heaviest first, and how to get what they
 * lack: the package, or the addresses at debuginfod servers. Nothing is fetched here: the list is
 * carried to a machine that may.
 */
#include "report/cmd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/intern.h"
#include "common/base/log.h"
#include "common/base/os.h"
#include "common/elf/image.h"
#include "report/missing.h"
#include "report/packages.h"
#include "report/profile/profile.h"
#include "report/read/read.h"

#define DPKG_DIR "/var/lib/dpkg/info"

enum { MISSING_VERSION = 1, SERVERS_MAX = 16 };

struct listing {
	struct buf out;
	const struct profile *p;
	const struct recording *recording;
	const char *path; /* of the recording */
	struct missing missing;
	struct packages *packages;
	struct packages_file *file; /* of each row, as is */
	struct packages_advice *advice;
	struct os_release os;
	struct arena texts;
	const char *server[SERVERS_MAX]; /* "https://host/", without the last '/' */
	size_t n_servers;
};

static const struct profile_module *module_of(const struct listing *l, size_t row)
{
	return &l->p->module[l->missing.row[row].module];
}

static void put_hex(struct buf *b, const struct build_id *id)
{
	for (unsigned int i = 0; i < id->n; i++)
		buf_printf(b, "%02x", id->bytes[i]);
}

/* ---- what is known ---- */

/* Blanks are between; a word that is no address is a setting of elfutils' ("ima:enforcing"). */
static void take_servers(struct listing *l, const char *urls)
{
	for (size_t n; urls && *urls && l->n_servers < SERVERS_MAX; urls += n) {
		char *server;

		urls += strspn(urls, " \t\n");
		n = strcspn(urls, " \t\n");
		server = arena_strndup(&l->texts, urls, n);
		if (!strstr(server, "://"))
			continue;
		for (size_t end = n; end && server[end - 1] == '/'; end--)
			server[end - 1] = 0;
		l->server[l->n_servers++] = server;
	}
}

/* Whether the same build lies here: whatever system was recorded, its package is known here. */
static bool is_here(const char *path, const struct build_id *want)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct build_id id;
	struct err err = { 0 };
	struct stat st;

	return fd >= 0 && want->n && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       elf_build_id(fd, &id, &err) == 0 && id.n == want->n &&
	       !memcmp(id.bytes, want->bytes, id.n);
}

static void take_os(struct listing *l)
{
	const char *pair = recording_manifest(l->recording, "os");
	const char *like = recording_manifest(l->recording, "os_like");
	const char *name = recording_manifest(l->recording, "os_name");

	os_release_take(&l->os, pair ? pair : "", like ? like : "", name ? name : "");
}

static void ask_packages(struct listing *l, bool use_local)
{
	struct packages_options o = { .recorded = l->os, .dpkg_dir = use_local ? DPKG_DIR : NULL };
	size_t n = l->missing.n;

	if (use_local)
		os_release_read(&o.here);
	l->packages = packages_new(&o);
	l->file = mem_zalloc((n + 1) * sizeof(*l->file));
	l->advice = mem_zalloc((n + 1) * sizeof(*l->advice));
	for (size_t i = 0; i < n; i++) {
		const struct profile_module *m = module_of(l, i);
		struct buf path;

		buf_init(&path);
		missing_put_path(l->p, m, &path);
		l->file[i].path = arena_strndup(&l->texts, path.data, path.n);
		l->file[i].build_id = &m->build_id;
		l->file[i].same_build = use_local && is_here(l->file[i].path, &m->build_id);
		buf_done(&path);
	}
	packages_advise(l->packages, l->file, n, l->advice);
	for (size_t i = 0; i < n; i++)
		if (l->missing.row[i].what == MISSING_PARTS && !*l->advice[i].package)
			l->advice[i].text = "the .dwo or .dwp files of the build, or the dwz file "
					    "that came with it: name their folder with --debug-dir";
}

/* ---- for people ---- */

static void put_part(struct listing *l, bool *more, const char *text)
{
	buf_puts(&l->out, *more ? ", " : "");
	buf_puts(&l->out, text);
	*more = true;
}

static void put_lacks(struct listing *l, size_t row)
{
	const struct profile_module *m = module_of(l, row);
	unsigned int what = l->missing.row[row].what;
	bool more = false;

	if (what & MISSING_FILE)
		put_part(l, &more, "the file itself (its stacks end there)");
	if (what & MISSING_NAMES)
		put_part(l, &more,
			 missing_names_of(m) == NAMES_EXPORTED ?
				 "names of all but exported functions" :
				 "names");
	if (what & MISSING_LINES)
		put_part(l, &more,
			 m->has_lines ? "some inlined frames and lines" :
					"inlined frames and lines");
	if (what & MISSING_PARTS) {
		put_part(l, &more, "");
		buf_printf(&l->out, "%" PRIu64 " file%s of its debug information (.dwo, dwz)",
			   m->n_gaps, m->n_gaps == 1 ? "" : "s");
	}
	buf_putc(&l->out, '\n');
}

static void put_label(struct listing *l, const char *label)
{
	buf_printf(&l->out, "%22s%-10s", "", label);
}

static void put_row(struct listing *l, size_t row)
{
	const struct missing_row *r = &l->missing.row[row];
	const struct profile_module *m = module_of(l, row);
	const char *reason = profile_text(l->p, m->symbols_reason);
	struct buf self, total;

	buf_init(&self);
	buf_init(&total);
	export_put_percent(&self, r->self, l->missing.n_samples);
	export_put_percent(&total, r->total, l->missing.n_samples);
	buf_printf(&l->out, "%8s  %8s  ", buf_text(&self), buf_text(&total));
	escape_text(&l->out, l->file[row].path);
	buf_putc(&l->out, '\n');
	buf_done(&self);
	buf_done(&total);
	if (m->build_id.n) {
		put_label(l, "build-id");
		put_hex(&l->out, &m->build_id);
		buf_putc(&l->out, '\n');
	}
	put_label(l, "lacks");
	put_lacks(l, row);
	if (*reason) {
		put_label(l, "why");
		escape_text(&l->out, reason);
		buf_putc(&l->out, '\n');
	}
	put_label(l, "get");
	escape_text(&l->out, l->advice[row].text);
	buf_putc(&l->out, '\n');
}

/* The i-th package of the list: debug packages, and those of files that lack; "" none. */
static const char *wanted_package(const struct listing *l, size_t i)
{
	if (i < l->missing.n)
		return l->advice[i].package;
	i -= l->missing.n;
	return l->missing.row[i].what & MISSING_FILE ? l->advice[i].owner : "";
}

/* "apt-get download a b c", each once, in the order of the list. */
static void put_download(struct listing *l)
{
	struct intern said;

	intern_init(&said);
	intern_put(&said, "");
	for (size_t i = 0; i < 2 * l->missing.n; i++) {
		const char *name = wanted_package(l, i);
		uint32_t n_said = said.n;

		intern_put(&said, name);
		if (said.n == n_said)
			continue;
		buf_puts(&l->out, n_said > 1 ? " " :
					       "\nAll packages (names with -dbgsym are in "
					       "the distribution's debug archive):\n"
					       "  apt-get download ");
		escape_text(&l->out, name);
	}
	if (said.n > 1)
		buf_puts(&l->out,
			 "\nThey need not be installed: ddprof-report --debug-dir FOLDER reads "
			 "them as they are.\n");
	intern_done(&said);
}

static bool any_build_id(const struct listing *l)
{
	for (size_t i = 0; i < l->missing.n; i++)
		if (module_of(l, i)->build_id.n)
			return true;
	return false;
}

static void put_hints(struct listing *l)
{
	for (size_t m = 0; m < l->p->n_modules; m++) {
		const struct profile_module *module = &l->p->module[m];

		if (module->kind != MODULE_KERNEL || module->has_names)
			continue;
		buf_puts(&l->out, "\nKernel: ");
		escape_text(&l->out, profile_text(l->p, module->symbols_reason));
		buf_puts(&l->out, "; record with kernel.kptr_restrict=0, or as root.\n");
		break;
	}
	for (uint32_t i = 0; i < l->p->n_advice; i++)
		buf_printf(&l->out, "\n%s\n", profile_text(l->p, l->p->advice[i]));
}

static void put_text(struct listing *l, uint32_t limit)
{
	size_t n_shown = limit ? MIN(l->missing.n, (size_t)limit) : l->missing.n;

	if (!l->missing.n)
		buf_puts(&l->out, "No file lacks names or lines.\n");
	else
		buf_puts(&l->out, "Files without names or lines (self: samples in the file; total: "
				  "stacks through it)\n\n    self     total  file\n");
	for (size_t i = 0; i < n_shown; i++)
		put_row(l, i);
	if (n_shown < l->missing.n)
		buf_printf(&l->out, "... %zu more files: --limit=all\n", l->missing.n - n_shown);
	put_download(l);
	if (any_build_id(l)) {
		buf_puts(&l->out, "\nBy build-id, from debuginfod servers:\n"
				  "  ddprof-report missing --urls ");
		escape_text(&l->out, strcmp(l->path, "-") != 0 ? l->path : "FILE");
		buf_puts(&l->out, " | wget -P FOLDER -i -\n");
	}
	put_hints(l);
}

/* ---- addresses ---- */

/* The debug file, and the file itself where it lacks, at each server. */
static void put_addresses(struct listing *l, size_t row, const char *before, const char *after,
			  const char *between)
{
	static const char *const kinds[] = { "debuginfo", "executable" };
	static const unsigned int wanted[] = { MISSING_NAMES | MISSING_LINES, MISSING_FILE };
	const struct build_id *id = &module_of(l, row)->build_id;
	bool any = false;

	for (size_t k = 0; k < N_ELEMENTS(kinds) && id->n; k++) {
		if (!(l->missing.row[row].what & wanted[k]))
			continue;
		for (size_t s = 0; s < l->n_servers; s++) {
			buf_printf(&l->out, "%s%s", any ? between : "", before);
			escape_json(&l->out, l->server[s]);
			buf_puts(&l->out, "/buildid/");
			put_hex(&l->out, id);
			buf_printf(&l->out, "/%s%s", kinds[k], after);
			any = true;
		}
	}
}

static void put_urls(struct listing *l)
{
	for (size_t i = 0; i < l->missing.n; i++)
		put_addresses(l, i, "", "\n", "");
}

/* ---- JSON: ddprof-report(1), "JSON" ---- */

static void json_text(struct listing *l, const char *key, const char *value)
{
	buf_printf(&l->out, "\"%s\":\"", key);
	escape_json(&l->out, value);
	buf_putc(&l->out, '"');
}

static void json_row(struct listing *l, size_t row)
{
	const struct missing_row *r = &l->missing.row[row];
	const struct packages_advice *a = &l->advice[row];
	const struct profile_module *m = module_of(l, row);

	buf_puts(&l->out, row ? ",\n{" : "\n{");
	json_text(l, "path", l->file[row].path);
	buf_puts(&l->out, ",\"build_id\":\"");
	put_hex(&l->out, &m->build_id);
	buf_printf(&l->out, "\",\"self\":%" PRIu64 ",\"total\":%" PRIu64 ",", r->self, r->total);
	json_text(l, "names", missing_names_text(missing_names_of(m)));
	buf_printf(&l->out, ",\"lines\":%s,\"file\":%s,\"parts_missing\":%" PRIu64 ",",
		   r->what & MISSING_LINES ? "false" : "true",
		   r->what & MISSING_FILE ? "false" : "true", m->n_gaps);
	json_text(l, "reason", profile_text(l->p, m->symbols_reason));
	buf_putc(&l->out, ',');
	json_text(l, "package", a->package);
	buf_putc(&l->out, ',');
	json_text(l, "owner", a->owner);
	buf_putc(&l->out, ',');
	json_text(l, "command", a->command);
	buf_putc(&l->out, ',');
	json_text(l, "advice", a->text);
	buf_puts(&l->out, ",\"urls\":[");
	put_addresses(l, row, "\"", "\"", ",");
	buf_puts(&l->out, "]}");
}

static void put_json(struct listing *l)
{
	buf_printf(&l->out, "{\"format\":\"ddprof-report missing\",\"version\":%d,\n\"os\":{",
		   MISSING_VERSION);
	json_text(l, "id", l->os.id);
	buf_putc(&l->out, ',');
	json_text(l, "version", l->os.version);
	buf_putc(&l->out, ',');
	json_text(l, "name", l->os.name);
	buf_printf(&l->out, "},\n\"samples\":%" PRIu64 ",\"self\":%" PRIu64 ",\n\"modules\":[",
		   l->missing.n_samples, l->missing.self);
	for (size_t i = 0; i < l->missing.n; i++)
		json_row(l, i);
	buf_puts(&l->out, "],\n\"advice\":[");
	for (uint32_t i = 0; i < l->p->n_advice; i++) {
		buf_puts(&l->out, i ? ",\"" : "\"");
		escape_json(&l->out, profile_text(l->p, l->p->advice[i]));
		buf_putc(&l->out, '"');
	}
	buf_puts(&l->out, "]}\n");
}

/* ---- the verb ---- */

static int print(struct command *c, struct listing *l)
{
	bool for_people = c->form != FORM_JSON && !c->urls;
	struct err err = { 0 };
	int status;

	if (c->form == FORM_JSON)
		put_json(l);
	else if (c->urls)
		put_urls(l);
	else
		put_text(l, c->style.limit);
	if (for_people && !c->no_pager)
		term_start_pager();
	if (l->out.n)
		fwrite(l->out.data, 1, l->out.n, stdout);
	status = term_finish(&err);
	if (status < 0)
		log_error("%s", err.text);
	return status < 0 ? EXIT_FAILED : EXIT_DONE;
}

static void listing_done(struct listing *l)
{
	packages_free(l->packages);
	missing_done(&l->missing);
	free(l->file);
	free(l->advice);
	arena_done(&l->texts);
	buf_done(&l->out);
}

static int run(struct command *c, struct listing *l)
{
	struct recording *recording;
	struct profile *profile;
	struct err err = { 0 };
	int status;

	if (command_run(c, &recording, &profile, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILED;
	}
	l->p = profile;
	l->recording = recording;
	l->path = command_files(c);
	take_os(l);
	missing_find(profile, &l->missing);
	ask_packages(l, !c->pipeline.no_local_files);
	status = print(c, l);
	profile_free(profile);
	recording_close(recording);
	return status;
}

int cmd_missing(struct command *c)
{
	const char *urls = c->pipeline.debug.debuginfod_urls;
	struct listing l = { 0 };
	int status;

	arena_init(&l.texts);
	buf_init(&l.out);
	take_servers(&l, urls);
	if (c->urls && c->form != FORM_JSON && !l.n_servers)
		status = command_usage("option --urls: no server is known; name one with "
				       "--debuginfod-urls or DEBUGINFOD_URLS");
	else
		status = run(c, &l);
	listing_done(&l);
	return status;
}
