#include "record/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tests/unit/check.h"

struct both {
	struct control control;
	int say, hear;
};

static void begin(struct both *b)
{
	int ctl[2], ack[2];
	char text[32];
	struct err err = { .code = 0 };

	REQUIRE_INT(pipe(ctl), 0);
	REQUIRE_INT(pipe(ack), 0);
	b->say = ctl[1];
	b->hear = ack[0];
	snprintf(text, sizeof(text), "fd:%d,%d", ctl[0], ack[1]);
	REQUIRE_INT(control_open(&b->control, text, &err), 0);
}

static void end(struct both *b)
{
	control_close(&b->control);
	close(b->say);
	close(b->hear);
}

static void say(struct both *b, const char *text)
{
	REQUIRE_INT(write(b->say, text, strlen(text)), (ssize_t)strlen(text));
}

static void commands(void)
{
	struct both b;
	enum control_command command;
	const char *text;
	char heard[8] = "";

	begin(&b);
	CHECK_TRUE(!control_next(&b.control, &command, &text));
	say(&b, "enable\n\ndisa");
	CHECK_TRUE(control_next(&b.control, &command, &text));
	CHECK_INT(command, CONTROL_ENABLE);
	CHECK_STR(text, "");
	CHECK_TRUE(!control_next(&b.control, &command, &text));
	say(&b, "ble sCPU\nevlists\nevlist -v\nping x\nstop\n");
	CHECK_TRUE(control_next(&b.control, &command, &text));
	CHECK_INT(command, CONTROL_DISABLE);
	CHECK_STR(text, "sCPU");
	CHECK_TRUE(control_next(&b.control, &command, &text));
	CHECK_INT(command, CONTROL_UNKNOWN);
	CHECK_STR(text, "evlists");
	CHECK_TRUE(control_next(&b.control, &command, &text));
	CHECK_INT(command, CONTROL_EVLIST);
	CHECK_STR(text, "-v");
	CHECK_TRUE(control_next(&b.control, &command, &text));
	CHECK_INT(command, CONTROL_UNKNOWN);
	CHECK_STR(text, "ping x");
	CHECK_TRUE(control_next(&b.control, &command, &text));
	CHECK_INT(command, CONTROL_STOP);
	control_ack(&b.control);
	CHECK_INT(read(b.hear, heard, sizeof(heard) - 1), 4);
	CHECK_STR(heard, "ack\n");
	CHECK_INT(fcntl(b.control.fd, F_GETFD), FD_CLOEXEC);
	end(&b);
}

static void long_lines(void)
{
	struct both b;
	enum control_command command;
	const char *text;
	char line[3 * CONTROL_LINE_MAX];

	begin(&b);
	memset(line, 'x', sizeof(line));
	memcpy(line + sizeof(line) - 6, "\nping\n", 6);
	REQUIRE_INT(write(b.say, line, sizeof(line)), sizeof(line));
	CHECK_TRUE(control_next(&b.control, &command, &text));
	CHECK_INT(command, CONTROL_PING);
	CHECK_STR(text, "");
	end(&b);
}

static void nobody_there(void)
{
	struct both b;
	enum control_command command;
	const char *text;

	begin(&b);
	say(&b, "ping");
	close(b.say);
	CHECK_TRUE(control_next(&b.control, &command, &text)); /* its end ends the line too */
	CHECK_INT(command, CONTROL_PING);
	CHECK_TRUE(!control_next(&b.control, &command, &text));
	CHECK_INT(b.control.fd, -1);
	b.say = -1;
	end(&b);
}

static void places(void)
{
	static const char *const wrong[] = {
		"",	 "fd:", "fd:1,",    "fd:x", "fd:-1",
		"fifo:", "a,",	"fd:1,2,3", ",b",   "fd:99999999999999999999"
	};
	struct err err = { .code = 0 };
	struct control c;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_TRUE(control_check(wrong[i], &err) < 0);
	CHECK_INT(control_check("fifo:ctl,ack", &err), 0);
	CHECK_INT(control_check("ctl", &err), 0);
	CHECK_INT(control_open(&c, "/dev/null", &err), -EINVAL);
	CHECK_STR(err.text, "--control: '/dev/null' is not a FIFO; make one with mkfifo");
	CHECK_INT(control_open(&c, NULL, &err), 0);
	CHECK_INT(c.fd, -1);
}

SUITE(record_control, { "commands come as lines, in whatever pieces", commands },
      { "a line that is too long is passed over", long_lines },
      { "the last writer's end is no command and no error", nobody_there },
      { "only FIFOs and descriptors are taken", places }, )
