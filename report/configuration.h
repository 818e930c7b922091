/*
 * Defaults of options from ddprof-report.toml: each key is an option's long name with '_' for '-',
 * set through the option's own setter, before environment and command line. Keys are listed in
 * configuration.c; tests/lint/man.sh compares them with the man page.
 */
#ifndef REPORT_CONFIGURATION_H
#define REPORT_CONFIGURATION_H

struct command;
struct config;
struct err;

/*
 * path NULL: $XDG_CONFIG_HOME/ddprof/ddprof-report.toml, else below ~/.config; nothing happens when
 * there is none, and one that may not be read is only warned about. "none": nothing is read.
 * Values live in c->config, config_free. 0, or negative: "FILE:LINE:COLUMN: ...".
 */
int config_load(const char *path, struct command *c, struct err *err);

/* What --config of this command line asks for. Nothing is read for --help and --version. */
int config_load_asked(int argc, char **argv, struct command *c, struct err *err);

void config_free(struct config *config);

#endif
