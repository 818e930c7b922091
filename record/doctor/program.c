/* A program that does not run yet: what would execve say, and what is behind '#!'. */
#include "record/doctor/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/io.h"
#include "common/format/event.h"
#include "common/format/unsampled.h"
#include "record/doctor/checks.h"

enum { SCRIPTS_MAX = 4, SCRIPT_LINE_BYTES = 256 }; /* as the kernel: BINPRM_BUF_SIZE */

/* 0, or errno. */
static int may_execute(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* What execve would say too. Anything else says that it could not be looked at. */
static bool is_answer(int code)
{
	return code == ENOENT || code == ENOTDIR || code == EACCES || code == EPERM ||
	       code == EISDIR || code == ELOOP || code == ENAMETOOLONG;
}

/* By PATH, an empty part of which is the current directory. The first that is executable wins. */
static int find_by_path(const char *name, char *ret, size_t cap)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX_BYTES];
	int found = ENOENT;

	for (const char *at = path ? path : "/bin:/usr/bin";; at++) {
		size_t n = strcspn(at, ":");
		int length =
			snprintf(file, sizeof(file), "%.*s%s%s", (int)n, at, n ? "/" : "", name);
		int code = length < (int)sizeof(file) ? may_execute(file) : ENAMETOOLONG;

		if (!code || (code == EACCES && found != EACCES))
			snprintf(ret, cap, "%s", file);
		if (!code)
			return 0;
		/* What may not be executed is there; what cannot be looked at may be. */
		if (code == EACCES || (!is_answer(code) && found != EACCES))
			found = code;
		at += n;
		if (!*at)
			return found == EACCES ? 0 : found;
	}
}

/* 0: it is there; or errno. */
static int find(const char *name, char *ret, size_t cap)
{
	if (!strchr(name, '/'))
		return find_by_path(name, ret, cap);
	if (snprintf(ret, cap, "%s", name) >= (int)cap)
		return ENAMETOOLONG;
	return access(name, F_OK) < 0 ? errno : 0;
}

static void look_at_runtime(const char *path, struct checks *c)
{
	const char *name, *advice = runtime_hint(path, &name);

	if (!advice)
		return;
	struct check *k = checks_add(c, CHECK_TARGET, GATE_LIMITED, "runtime", "%s", name);
	check_means(k, "functions of the program have names only if the runtime tells them");
	check_remedy(k, "start it with %s", advice);
}

/* Of "#!/usr/bin/env -S python3 -u": the interpreter, or what env looks for. */
static bool interpreter_of(char *line, char *ret, size_t cap)
{
	char *save, *word = strtok_r(line, " \t\n", &save);

	if (!word)
		return false;
	const char *slash = strrchr(word, '/');
	if (strcmp(slash ? slash + 1 : word, "env") != 0)
		return snprintf(ret, cap, "%s", word) < (int)cap;
	while ((word = strtok_r(NULL, " \t\n", &save)))
		if (word[0] != '-' && !strchr(word, '='))
			return snprintf(ret, cap, "%s", word) < (int)cap;
	return false;
}

static bool look(const char *name, int depth, struct checks *c);

/* Neither ELF nor refused: a script, or something that execve does not know. */
static bool look_at_script(int fd, int depth, struct checks *c)
{
	char line[SCRIPT_LINE_BYTES], interpreter[SCRIPT_LINE_BYTES];
	ssize_t n = io_pread(fd, line, sizeof(line) - 1, 0);

	if (n < 0) {
		checks_add(c, CHECK_TARGET, GATE_NOT_KNOWN, "kind", "%s", strerror((int)-n));
		return false;
	}
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	if (strncmp(line, "#!", 2) != 0 ||
	    !interpreter_of(line + 2, interpreter, sizeof(interpreter))) {
		struct check *k = checks_add(c, CHECK_TARGET, GATE_CLOSED, "kind",
					     "neither an ELF file nor a script");

		check_means(k, "'Exec format error'");
		check_remedy(k, "a script needs '#!' and its interpreter in the first line; or "
				"name the interpreter: sh FILE");
		return false;
	}
	struct check *k =
		checks_add(c, CHECK_TARGET, GATE_OPEN, "kind", "script of %s", interpreter);
	check_means(k, "functions of the interpreter are shown, and programs that it starts");
	if (depth == SCRIPTS_MAX) {
		k->verdict = GATE_CLOSED;
		check_means(k, "the interpreter of interpreters, %d deep: the kernel refuses it",
			    SCRIPTS_MAX);
		return false;
	}
	return look(interpreter, depth + 1, c);
}

/* Without blocking: a FIFO is no program. */
static bool look_at_file(const char *path, int depth, struct checks *c)
{
	struct check *k;

	int code = may_execute(path);
	if (code && !is_answer(code)) {
		checks_add(c, CHECK_TARGET, GATE_NOT_KNOWN, "may be executed", "%s",
			   strerror(code));
		return false;
	}
	if (code) {
		k = checks_add(c, CHECK_TARGET, GATE_CLOSED, "may be executed", "no");
		check_means(k, "%s: COMMAND ends with status 126",
			    code == EISDIR ? "a directory" : strerror(code));
		if (code != EISDIR)
			check_remedy(k, "chmod +x, or a file system without noexec");
		return false;
	}
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (!is_answer(errno)) {
			checks_add(c, CHECK_TARGET, GATE_NOT_KNOWN, "readable", "%s",
				   strerror(errno));
			return false;
		}
		k = checks_add(c, CHECK_TARGET, geteuid() == 0 ? GATE_LIMITED : GATE_CLOSED,
			       "readable", "%s (%s)", unsampled_reason_text(UNSAMPLED_UNREADABLE),
			       strerror(errno));
		check_means(k, "the kernel ends sampling when it starts, also of what it starts");
		check_remedy(k, "chmod +r, or record the whole system (-a) as root");
		return false;
	}
	size_t before = c->n;
	if (executable_look(fd, false, c)) {
		look_at_runtime(path, c);
		return true;
	}
	return c->n == before && look_at_script(fd, depth, c);
}

static bool look(const char *name, int depth, struct checks *c)
{
	char path[PATH_MAX_BYTES];

	int code = find(name, path, sizeof(path));
	if (code) {
		struct check *k =
			checks_add(c, CHECK_TARGET, is_answer(code) ? GATE_CLOSED : GATE_NOT_KNOWN,
				   depth ? "interpreter" : "program", "%s", name);

		if (!is_answer(code)) {
			check_means(k, "cannot be looked for: %s", strerror(code));
			return false;
		}
		bool missing = code == ENOENT || code == ENOTDIR;
		check_means(k, "%s%s: COMMAND ends with status %d",
			    missing ? "not found" : strerror(code),
			    strchr(name, '/') ? "" : " in PATH", missing ? 127 : 126);
		return false;
	}
	checks_add(c, CHECK_TARGET, GATE_OPEN, depth ? "interpreter" : "program", "%s", path);
	return look_at_file(path, depth, c);
}

static bool is_refused(const struct checks *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->at[i].about == CHECK_TARGET && c->at[i].verdict == GATE_CLOSED)
			return true;
	return false;
}

void program_look(const char *name, struct checks *c)
{
	bool here = c->possible;
	char host[sizeof(c->summary)];

	snprintf(host, sizeof(host), "%s", c->summary);
	c->possible = look(name, 0, c) && here && !is_refused(c);
	if (!here)
		return;
	if (c->possible)
		checks_summary(c, "'%s' can be recorded; %s", name, host);
	else
		checks_summary(c, "'%s' cannot be recorded: see 'refused' or 'not known' above",
			       name);
}
