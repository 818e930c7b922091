/* common/base/log.c: what reaches stderr. */
#include "common/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "tests/unit/check.h"

/* Standard error goes into a pipe between begin and end. */
static int saved_stderr, ends[2];

static void capture_begin(void)
{
	if (pipe(ends) < 0)
		check_stop();
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
}

static const char *capture_end(void)
{
	static char text[16384];
	ssize_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(ends[1]);
	n = io_read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	close(ends[0]);
	return text;
}

static void levels(void)
{
	log_init("ddprof-record");
	log_set_level(LOG_NOTICE);
	capture_begin();
	log_error("cannot open '%s'", "x");
	log_warning("rings are small");
	log_notice("recorded %d samples", 12);
	log_info("hidden");
	log_debug("unwind", "hidden");
	CHECK_STR(capture_end(), "ddprof-record: error: cannot open 'x'\n"
				 "ddprof-record: warning: rings are small\n"
				 "ddprof-record: recorded 12 samples\n");
	log_set_level(LOG_ERROR);
	capture_begin();
	log_warning("hidden");
	CHECK_STR(capture_end(), "");
	CHECK_TRUE(log_enabled(LOG_ERROR) && !log_enabled(LOG_WARNING));
}

static void rooms(void)
{
	log_set_level(LOG_NOTICE);
	log_set_rooms("unwind,symbol");
	capture_begin();
	log_debug("unwind", "no rows: object='%s'", "libc.so.6");
	log_debug("wind", "hidden");
	log_debug("symbols", "hidden");
	log_debug("symbol", "shown");
	CHECK_STR(capture_end(), "ddprof-record: debug: unwind: no rows: object='libc.so.6'\n"
				 "ddprof-record: debug: symbol: shown\n");
	log_set_rooms("all");
	capture_begin();
	log_debug("read", "shown");
	CHECK_STR(capture_end(), "ddprof-record: debug: read: shown\n");
	log_set_rooms(NULL);
	capture_begin();
	log_debug("read", "hidden");
	CHECK_STR(capture_end(), "");
	log_set_level(LOG_DEBUG);
	capture_begin();
	log_debug("read", "shown");
	CHECK_STR(capture_end(), "ddprof-record: debug: read: shown\n");
}

static void control_bytes(void)
{
	log_set_level(LOG_NOTICE);
	capture_begin();
	log_error("module '%s'", "\x1b[2Jevil\n\r\x7f\xc2\x9b"
				 "5m \xc3\xa9 tab\t");
	CHECK_STR(capture_end(), "ddprof-record: error: module "
				 "'\\x1b[2Jevil\\x0a\\x0d\\x7f\\xc2\x9b"
				 "5m \xc3\xa9 tab\t'\n");
}

static void long_lines(void)
{
	char text[8192];
	const char *got;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	capture_begin();
	log_error("%s", text);
	memset(text, 1, sizeof(text) - 1);
	log_error("%s", text);
	got = capture_end();
	CHECK_TRUE(strlen(got) < 5000);
	CHECK_INT(got[strlen(got) - 1], '\n');
	CHECK_TRUE(strchr(got, '\n') != strrchr(got, '\n'), "two lines are wanted");
}

static void level_names(void)
{
	static const struct {
		const char *text;
		enum log_level level;
	} table[] = {
		{ "error", LOG_ERROR },	  { "warn", LOG_WARNING }, { "warning", LOG_WARNING },
		{ "notice", LOG_NOTICE }, { "info", LOG_INFO },	   { "informational", LOG_INFO },
		{ "debug", LOG_DEBUG },
	};
	enum log_level level = LOG_LEVELS;
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CHECK_INT(log_parse_level(table[i].text, &level, &err), 0);
		CHECK_INT(level, table[i].level);
	}
	level = LOG_LEVELS;
	CHECK_INT(log_parse_level("loud", &level, &err), -EINVAL);
	CHECK_INT(level, LOG_LEVELS);
	CHECK_HAS(err.text, "'loud'");
}

static void errno_survives(void)
{
	capture_begin();
	errno = ENOTTY;
	log_error("text");
	CHECK_INT(errno, ENOTTY);
	capture_end();
}

static void outputs(void)
{
	char dir[] = "/tmp/ddprof-unit-XXXXXX", path[64], text[256] = "";
	struct err err = { .code = 0 };

	REQUIRE_TRUE(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	capture_begin();
	CHECK_INT(log_set_output(path, &err), 0);
	log_error("one");
	CHECK_INT(log_set_output("disabled", &err), 0);
	log_error("two");
	CHECK_INT(log_set_output(path, &err), 0);
	log_error("three");
	CHECK_INT(log_set_output("/nowhere/log", &err), -ENOENT);
	CHECK_HAS(err.text, "cannot write messages to '/nowhere/log'");
	log_error("four");
	CHECK_INT(log_set_output("stderr", &err), 0);
	log_error("five");
	CHECK_STR(capture_end(), "ddprof-record: error: five\n");
	FILE *f = fopen(path, "r");
	REQUIRE_TRUE(f);
	CHECK_TRUE(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	CHECK_HAS(text, "error: one\nddprof-record: error: three\nddprof-record: error: four\n");
	unlink(path);
	rmdir(dir);
}

SUITE(base_log,
      { "each level up to the one set is one line", levels },
      { "debug lines are chosen by room", rooms },
      { "control bytes of a recording do not reach the terminal", control_bytes },
      { "long messages are cut and still end their line", long_lines },
      { "levels have names", level_names },
      { "errno survives a message", errno_survives },
      { "lines go to a file, nowhere, and back; a wrong place changes nothing", outputs },
)
