/*
 * Messages while running, on stderr. Only main and the verbs say error, warning and info;
 * rooms log at debug, one line each, ending in fields: "no debug file: object='libc.so.6' tried=4".
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include <stdbool.h>

struct err;

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

/* Program name in front of each line ("ddprof-record: ..."). Call once from main. */
void log_init(const char *program);

/* Default LOG_NOTICE. -v gives LOG_INFO. */
void log_set_level(enum log_level level);

/* "error", "warn(ing)", "notice", "info(rmational)", "debug" -> level. -EINVAL otherwise. */
int log_parse_level(const char *text, enum log_level *ret, struct err *err);

/*
 * Where lines go: "stdout", "stderr" (the default), "syslog", "disabled", or a file that they are
 * appended to, made readable for its owner alone. Negative: they go where they went before.
 */
int log_set_output(const char *where, struct err *err);

/* Rooms whose debug lines are wanted, comma separated (DDPROF_DEBUG); "all" for all. NULL: none. */
void log_set_rooms(const char *rooms);

bool log_enabled(enum log_level level);
void log_print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *room, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_print(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_print(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_print(LOG_INFO, __VA_ARGS__)

#endif
