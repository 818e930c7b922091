/*
 * Answers are in two steps: owners of all files at once, as the database is large; then a sentence
 * for each file, by the family of its system.
 */
#include "report/packages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/format/event.h"

struct packages {
	struct packages_options o;
	enum packages_family recorded, here;
	bool same_system; /* the recording's and this one */
	struct arena texts;
};

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return true;
	return false;
}

enum packages_family packages_family(const struct os_release *os)
{
	static const struct {
		const char *id;
		enum packages_family family;
	} known[] = {
		{ "debian", PACKAGES_DEBIAN }, { "ubuntu", PACKAGES_DEBIAN },
		{ "fedora", PACKAGES_FEDORA }, { "rhel", PACKAGES_FEDORA },
		{ "centos", PACKAGES_FEDORA }, { "suse", PACKAGES_SUSE },
		{ "opensuse", PACKAGES_SUSE }, { "sles", PACKAGES_SUSE },
		{ "arch", PACKAGES_ARCH },     { "alpine", PACKAGES_ALPINE },
	};

	for (size_t i = 0; i < N_ELEMENTS(known); i++)
		if (!strcmp(os->id, known[i].id))
			return known[i].family;
	for (size_t i = 0; i < N_ELEMENTS(known); i++)
		if (has_word(os->like, known[i].id))
			return known[i].family;
	return PACKAGES_UNKNOWN;
}

struct packages *packages_new(const struct packages_options *o)
{
	struct packages *p = mem_zalloc(sizeof(*p));

	p->o = *o;
	p->recorded = packages_family(&o->recorded);
	p->here = packages_family(&o->here);
	p->same_system = o->recorded.id[0] && !strcmp(o->recorded.id, o->here.id) &&
			 !strcmp(o->recorded.version, o->here.version);
	arena_init(&p->texts);
	return p;
}

void packages_free(struct packages *p)
{
	if (!p)
		return;
	arena_done(&p->texts);
	free(p);
}

/* "/usr/lib/x86_64-linux-gnu/": folders by architecture are Debian's and its kin's alone. */
static bool is_multiarch(const char *path)
{
	const char *at = !strncmp(path, "/usr", 4) ? path + 4 : path;

	return !strncmp(at, "/lib/x86_64-linux-gnu/", 22) ||
	       !strncmp(at, "/lib/aarch64-linux-gnu/", 23);
}

/* A recording that does not name its system (a perf.data) may show it by its files. */
static void guess_family(struct packages *p, const struct packages_file *file, size_t n)
{
	if (p->o.recorded.id[0])
		return;
	for (size_t i = 0; i < n; i++)
		if (is_multiarch(file[i].path))
			p->recorded = PACKAGES_DEBIAN;
}

/* ... or may be of this one: its files lie here. */
static enum packages_family family_of(const struct packages *p, const struct packages_file *f)
{
	return !p->o.recorded.id[0] && f->same_build ? p->here : p->recorded;
}

static bool is_known_here(const struct packages *p, const struct packages_file *f)
{
	return p->o.dpkg_dir && p->here == PACKAGES_DEBIAN && (p->same_system || f->same_build);
}

/* Where no package puts its files. */
static bool is_own_place(const char *path)
{
	static const char *const places[] = { "/home/", "/opt/",       "/root/",   "/srv/",
					      "/tmp/",	"/usr/local/", "/var/tmp/" };

	for (size_t i = 0; i < N_ELEMENTS(places); i++)
		if (!strncmp(path, places[i], strlen(places[i])))
			return true;
	return false;
}

/* 'a b' for a shell; a ' inside becomes '\''. */
static const char *quote(struct packages *p, const char *path)
{
	struct buf text;
	char *copy;

	buf_init(&text);
	buf_putc(&text, '\'');
	for (; *path; path++) {
		if (*path == '\'')
			buf_puts(&text, "'\\''");
		else
			buf_putc(&text, *path);
	}
	buf_putc(&text, '\'');
	copy = arena_strndup(&p->texts, text.data, text.n);
	buf_done(&text);
	return copy;
}

static const char *hex(struct packages *p, const struct build_id *id, const char *separator)
{
	char *text = arena_alloc(&p->texts, 2 * sizeof(id->bytes) + strlen(separator) + 1);
	size_t n = 0;

	for (unsigned int i = 0; i < id->n; i++) {
		static const char digits[] = "0123456789abcdef";

		if (i == 1)
			n = (size_t)(stpcpy(text + n, separator) - text);
		text[n++] = digits[id->bytes[i] >> 4];
		text[n++] = digits[id->bytes[i] & 15];
	}
	text[n] = 0;
	return text;
}

/* ---- one file ---- */

static void advise_own(struct packages_advice *ret)
{
	ret->own_build = true;
	ret->text = "of no package: keep the file as it was built with -g, before strip, "
		    "and name its folder with --debug-dir";
}

static void advise_debian(struct packages *p, const struct packages_file *f, const char *owner,
			  bool asked, struct packages_advice *ret)
{
	char name[PACKAGES_NAME_MAX];

	if (*owner) {
		packages_debug_of(owner, name);
	} else if (!packages_debug_of_file(f->path, name)) {
		if (asked || is_own_place(f->path))
			advise_own(ret);
		else
			ret->text =
				arena_printf(&p->texts,
					     "the -dbgsym package of what owns the file; on the "
					     "recorded host: dpkg -S %s",
					     quote(p, f->path));
		return;
	}
	ret->owner = arena_strdup(&p->texts, owner);
	ret->package = arena_strdup(&p->texts, name);
	ret->command = arena_printf(&p->texts, "apt-get install %s", name);
	if (!*owner)
		ret->text = arena_printf(&p->texts, "package %s", name);
	else if (f->same_build)
		ret->text = arena_printf(&p->texts, "package %s (the file is of %s)", name, owner);
	else
		ret->text = arena_printf(&p->texts,
					 "package %s in the recorded version (the file is of %s, "
					 "of which another build is here)",
					 name, owner);
}

static void advise_by_id(struct packages *p, const char *before, const char *id, const char *after,
			 struct packages_advice *ret)
{
	ret->command = arena_printf(&p->texts, "%s%s%s", before, id, after);
	ret->text = arena_printf(&p->texts, "package by build-id: %s", ret->command);
}

static void advise(struct packages *p, const struct packages_file *f, const char *owner, bool asked,
		   struct packages_advice *ret)
{
	enum packages_family family = family_of(p, f);

	*ret = (struct packages_advice){ .package = "", .owner = "", .command = "" };
	if (!f->build_id->n) {
		ret->text = "no build-id: no debug file can be told to be its own; "
			    "link it with --build-id";
		return;
	}
	if (!*owner && is_own_place(f->path)) {
		advise_own(ret);
		return;
	}
	switch (family) {
	case PACKAGES_DEBIAN:
		advise_debian(p, f, owner, asked, ret);
		return;
	case PACKAGES_FEDORA:
		advise_by_id(p, "dnf --enablerepo='*debug*' install /usr/lib/debug/.build-id/",
			     hex(p, f->build_id, "/"), ".debug", ret);
		return;
	case PACKAGES_SUSE:
		advise_by_id(p, "zypper install -C 'debuginfo(build-id)=", hex(p, f->build_id, ""),
			     "'", ret);
		return;
	case PACKAGES_ARCH:
		ret->text = "no packages of debug files there, but a debuginfod server: "
			    "--debuginfod";
		return;
	case PACKAGES_ALPINE:
		ret->text = arena_printf(&p->texts,
					 "the -dbg package of what owns the file; on the recorded "
					 "host: apk info --who-owns %s",
					 quote(p, f->path));
		return;
	case PACKAGES_UNKNOWN:
		ret->text = "the debug file with this build-id, from where the file came from";
		return;
	}
}

void packages_advise(struct packages *p, const struct packages_file *file, size_t n,
		     struct packages_advice *ret)
{
	struct packages_wanted *wanted = mem_zalloc((n + 1) * sizeof(*wanted));
	uint32_t *at = mem_alloc((n + 1) * sizeof(*at));
	bool asked = false;
	size_t n_wanted = 0;

	guess_family(p, file, n);
	for (size_t i = 0; i < n; i++) {
		at[i] = UINT32_MAX;
		if (!is_known_here(p, &file[i]))
			continue;
		at[i] = (uint32_t)n_wanted;
		wanted[n_wanted++].path = file[i].path;
	}
	if (n_wanted)
		asked = packages_dpkg(p->o.dpkg_dir, wanted, n_wanted);
	for (size_t i = 0; i < n; i++) {
		bool looked = asked && at[i] != UINT32_MAX;

		advise(p, &file[i], looked ? wanted[at[i]].owner : "", looked, &ret[i]);
	}
	free(at);
	free(wanted);
}
