/*
 * Completion scripts out of the option table: "bash", "zsh", "fish". The scripts are made at build
 * time, so that an option cannot be in the one and not in the other.
 */
#include "record/options.h"

#include <string.h>

#include "common/base/bits.h"

/* What an argument is, after the words in its text: "PID[,PID...]", "stderr|FILE". */
enum argument { ARGUMENT_TEXT, ARGUMENT_FILE, ARGUMENT_PID, ARGUMENT_USER, ARGUMENT_EVENT };

static const char *const verbs[] = { "doctor", "snapshot" };

static enum argument argument_of(const struct opt *opt)
{
	if (strstr(opt->arg, "FILE") || strstr(opt->arg, "PATH"))
		return ARGUMENT_FILE;
	if (!strncmp(opt->arg, "PID", 3))
		return ARGUMENT_PID;
	if (!strcmp(opt->arg, "USER"))
		return ARGUMENT_USER;
	return strcmp(opt->arg, "EVENT") ? ARGUMENT_TEXT : ARGUMENT_EVENT;
}

/* The values among "stderr|stdout|FILE": the words in small letters. */
static void put_values(const struct opt *opt, FILE *out)
{
	const char *between = "";

	if (argument_of(opt) == ARGUMENT_EVENT) {
		for (const struct watcher_kind *k = watcher_kinds(); k->name; k++)
			fprintf(out, "%s ", k->name);
		fputs("help", out);
		return;
	}
	if (!strchr(opt->arg, '|'))
		return;
	for (const char *at = opt->arg; *at; at += *at == '|') {
		size_t n = strcspn(at, "|");

		if (n && strspn(at, "abcdefghijklmnopqrstuvwxyz_") == n) {
			fprintf(out, "%s%.*s", between, (int)n, at);
			between = " ";
		}
		at += n;
	}
}

static bool is_offered(const struct opt *opt)
{
	return *opt->name && !(opt->flags & OPT_HIDDEN);
}

/* Text inside single quotes; each of `special` gets a backslash. */
static void put_escaped(const char *text, const char *special, const char *quote, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, out);
		else if (strchr(special, *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

/* ---- bash ---- */

/* Of a list "1,2" of processes the last is completed by hand. */
static void bash_case(const struct opt *opt, FILE *out)
{
	static const char *const action[] = {
		[ARGUMENT_FILE] = "-f ", [ARGUMENT_PID] = "",	[ARGUMENT_USER] = "-u ",
		[ARGUMENT_TEXT] = "",	 [ARGUMENT_EVENT] = "",
	};

	fputs("\t", out);
	if (opt->letter)
		fprintf(out, "-%c | ", opt->letter);
	fprintf(out, "--%s)\n\t\tCOMPREPLY=($(compgen %s-W \"", opt->name,
		action[argument_of(opt)]);
	if (argument_of(opt) == ARGUMENT_PID)
		fputs("$(cd /proc && echo [0-9]*)", out);
	else
		put_values(opt, out);
	fputs("\" -- \"$cur\"))\n\t\treturn 0\n\t\t;;\n", out);
}

/* "-p | --pid | ..." of all that take an argument as the next word */
static void bash_takers(FILE *out)
{
	const char *between = "\t\t";

	for (const struct opt *opt = options_table; opt->name; opt++) {
		if (!is_offered(opt) || !opt->arg)
			continue;
		if (opt->letter)
			fprintf(out, "%s-%c", between, opt->letter), between = " | ";
		fprintf(out, "%s--%s", between, opt->name);
		between = " | ";
	}
	fputs(") i=$((i + 1)) ;;\n", out);
}

/* bash takes '=' for a word of its own: "--stacks=ra" is three. */
static void bash(FILE *out)
{
	fputs("# bash completion of ddprof-record, made by ddprof-record --completion=bash\n"
	      "_ddprof_record() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i\n"
	      "\tif [[ $cur == = ]]; then\n"
	      "\t\tcur=\n"
	      "\telif [[ $prev == = ]]; then\n"
	      "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\tfi\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tif [[ ${COMP_WORDS[i + 1]} == = ]]; then\n"
	      "\t\t\ti=$((i + 2))\n"
	      "\t\t\tcontinue\n"
	      "\t\tfi\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n",
	      out);
	bash_takers(out);
	fputs("\t\t--) i=$((i + 1)) && break ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) break ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tif ((i < COMP_CWORD)); then\n"
	      "\t\tif declare -F _command_offset >/dev/null; then\n"
	      "\t\t\t_command_offset \"$i\"\n"
	      "\t\telse\n"
	      "\t\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	      "\t\tfi\n"
	      "\t\treturn 0\n"
	      "\tfi\n"
	      "\tcase $prev in\n",
	      out);
	for (const struct opt *opt = options_table; opt->name; opt++)
		if (is_offered(opt) && opt->arg)
			bash_case(opt, out);
	fputs("\tesac\n"
	      "\tif [[ $cur == -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
	      out);
	for (const struct opt *opt = options_table; opt->name; opt++)
		if (is_offered(opt))
			fprintf(out, "--%s%s ", opt->name, opt->arg ? "=" : "");
	fputs("\" -- \"$cur\"))\n"
	      "\t\t[[ ${COMPREPLY-} == *= ]] && compopt -o nospace 2>/dev/null\n"
	      "\t\treturn 0\n"
	      "\tfi\n"
	      "\tCOMPREPLY=($(compgen -c -- \"$cur\"))\n",
	      out);
	fputs("\tif ((COMP_CWORD == 1)); then\n\t\tCOMPREPLY+=($(compgen -W \"", out);
	for (size_t i = 0; i < N_ELEMENTS(verbs); i++)
		fprintf(out, "%s%s", i ? " " : "", verbs[i]);
	fputs("\" -- \"$cur\"))\n"
	      "\tfi\n"
	      "\treturn 0\n"
	      "}\n"
	      "complete -F _ddprof_record ddprof-record\n",
	      out);
}

/* ---- zsh ---- */

static void zsh_action(const struct opt *opt, FILE *out)
{
	static const char *const action[] = {
		[ARGUMENT_FILE] = "_files", [ARGUMENT_PID] = "_pids", [ARGUMENT_USER] = "_users",
		[ARGUMENT_TEXT] = "",	    [ARGUMENT_EVENT] = "",
	};

	fputc(':', out);
	put_escaped(opt->arg, ":[]\\", "", out);
	fputc(':', out);
	if (*action[argument_of(opt)]) {
		fputs(action[argument_of(opt)], out);
	} else {
		fputc('(', out);
		put_values(opt, out);
		fputc(')', out);
	}
}

/* '(-p --pid)'{-p+,--pid=}'[help]:PID:_pids' */
static void zsh_option(const struct opt *opt, FILE *out)
{
	const char *many = opt->flags & OPT_MANY ? "*" : "";

	fputs("\t\t", out);
	if (opt->letter && !*many)
		fprintf(out, "'(-%c --%s)'", opt->letter, opt->name);
	if (*many)
		fputs("'*'", out);
	if (opt->letter)
		fprintf(out, "{-%c%s,--%s%s}'[", opt->letter, opt->arg ? "+" : "", opt->name,
			opt->arg ? "=" : "");
	else
		fprintf(out, "'--%s%s[", opt->name, opt->arg ? "=" : "");
	put_escaped(opt->help, "[]\\", "'\\''", out);
	fputc(']', out);
	if (opt->arg)
		zsh_action(opt, out);
	fputs("' \\\n", out);
}

static void zsh(FILE *out)
{
	fputs("#compdef ddprof-record\n"
	      "# zsh completion of ddprof-record, made by ddprof-record --completion=zsh\n"
	      "_ddprof_record() {\n"
	      "\t_arguments -s -S \\\n",
	      out);
	for (const struct opt *opt = options_table; opt->name; opt++)
		if (is_offered(opt))
			zsh_option(opt, out);
	fputs("\t\t'(-):command:_command_names -e' \\\n"
	      "\t\t'*::arguments:_normal'\n"
	      "}\n"
	      "_ddprof_record \"$@\"\n",
	      out);
}

/* ---- fish ---- */

static void fish_option(const struct opt *opt, FILE *out)
{
	static const char *const action[] = {
		[ARGUMENT_FILE] = " -rF",
		[ARGUMENT_PID] = " -xa '(__fish_complete_pids)'",
		[ARGUMENT_USER] = " -xa '(__fish_complete_users)'",
		[ARGUMENT_TEXT] = " -x",
		[ARGUMENT_EVENT] = " -x",
	};

	fputs("complete -c ddprof-record", out);
	if (opt->letter)
		fprintf(out, " -s %c", opt->letter);
	fprintf(out, " -l %s", opt->name);
	if (opt->arg) {
		fputs(action[argument_of(opt)], out);
		if (strchr(opt->arg, '|') || argument_of(opt) == ARGUMENT_EVENT) {
			fputs(" -a '", out);
			put_values(opt, out);
			fputc('\'', out);
		}
	}
	fputs(" -d '", out);
	put_escaped(opt->help, "\\", "\\'", out);
	fputs("'\n", out);
}

static void fish(FILE *out)
{
	fputs("# fish completion of ddprof-record, made by ddprof-record --completion=fish\n"
	      "complete -c ddprof-record -xa '(__fish_complete_subcommand)'\n",
	      out);
	for (size_t i = 0; i < N_ELEMENTS(verbs); i++)
		fprintf(out, "complete -c ddprof-record -n __fish_use_subcommand -a %s\n",
			verbs[i]);
	for (const struct opt *opt = options_table; opt->name; opt++)
		if (is_offered(opt))
			fish_option(opt, out);
}

void options_complete(const char *shell, FILE *out)
{
	if (!strcmp(shell, "bash"))
		bash(out);
	else if (!strcmp(shell, "zsh"))
		zsh(out);
	else
		fish(out);
}
