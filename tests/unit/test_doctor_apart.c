#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "common/base/err.h"
#include "record/doctor/apart.h"
#include "tests/unit/check.h"

struct bytes {
	char text[200000]; /* more than a pipe holds */
};

static struct bytes bytes;
static struct err err;

static void fill(void *data)
{
	memset(data, 'x', sizeof(struct bytes));
}

static void never(void *data)
{
	fill(data);
	for (;;)
		pause();
}

/* As under a mount that does not answer: the alarm is of no use. */
static void deaf(void *data)
{
	signal(SIGALRM, SIG_IGN);
	never(data);
}

static void leave(void *data)
{
	fill(data);
	_exit(7);
}

static void be_killed(void *data)
{
	fill(data);
	signal(SIGSYS, SIG_DFL);
	raise(SIGSYS);
}

static void answers(void)
{
	REQUIRE_INT(apart_run(fill, &bytes, sizeof(bytes), 10, &err), 0);
	CHECK_INT(bytes.text[0], 'x');
	CHECK_INT(bytes.text[sizeof(bytes) - 1], 'x');
}

static void failures(void)
{
	static const struct {
		void (*work)(void *data);
		int code;
		const char *text;
	} cases[] = {
		{ never, -ETIMEDOUT, "no answer within 1 s" },
		{ deaf, -ETIMEDOUT, "no answer within 1 s" },
		{ leave, -EIO, "it ended early" },
		{ be_killed, -EPERM, "a seccomp filter kills" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&bytes, 0, sizeof(bytes));
		CHECK_INT(apart_run(cases[i].work, &bytes, sizeof(bytes), 1, &err), cases[i].code);
		CHECK_HAS(err.text, cases[i].text);
		CHECK_INT(bytes.text[0], 0);
	}
}

SUITE(doctor_apart,
	{ "what was done comes back, more than a pipe holds", answers },
	{ "work that hangs, ends or is killed is said, and leaves the data alone", failures },
)
