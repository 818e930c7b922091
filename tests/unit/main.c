/*
 * Runs the suites named in argv (all without names), each in a process of its own with a deadline:
 * a crash or a hang is one failure, named by the test that ran, and the next suite goes on.
 *
 *	unit [-l] [-v] [SUITE...]
 *
 * Says "ok SUITE: sentence" (with -v), "skip SUITE: sentence: reason" and "FAIL SUITE: sentence" on
 * stdout, ends with "N passed, N failed[, N skipped]". Exit status: 0, 1 failed, 77 all skipped,
 * 99 broken.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include "tests/unit/check.h"

enum { REASON_BYTES = 256, EXIT_SKIPPED = 77, EXIT_BROKEN = 99 };

/* Shared between the process of a suite and the one that waits for it. */
struct progress {
	unsigned int n_passed, n_failed, n_skipped;
	char running[REASON_BYTES]; /* "" between tests */
	uint64_t deadline_ns;
};

static struct check_suite *suites;
static struct progress *progress;
static bool verbose;

/* The test that runs, in the suite's process. */
static struct {
	const struct check_suite *suite;
	char skipped[REASON_BYTES]; /* "" or why */
	bool failed;
	jmp_buf end;
} current;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void check_register(struct check_suite *suite)
{
	struct check_suite **at = &suites;

	while (*at && strcmp((*at)->name, suite->name) < 0)
		at = &(*at)->next;
	suite->next = *at;
	*at = suite;
}

void check_more_time(unsigned int seconds)
{
	__atomic_store_n(&progress->deadline_ns, now_ns() + seconds * UINT64_C(1000000000),
			 __ATOMIC_RELAXED);
}

const char *check_source_path(const char *path)
{
	static char whole[4096];

	snprintf(whole, sizeof(whole), "%s/%s", TESTS_SRC, path);
	return whole;
}

void check_stop(void)
{
	longjmp(current.end, 1);
}

void check_skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(current.skipped, sizeof(current.skipped), fmt, args);
	va_end(args);
	longjmp(current.end, 1);
}

static bool record(struct check_at at, bool holds)
{
	CU_assertImplementation(holds, (unsigned int)at.line, at.text, at.file, "", CU_FALSE);
	current.failed |= !holds;
	return holds;
}

static void say_failed(struct check_at at)
{
	printf("%s:%d: %s\n", at.file, at.line, at.text);
}

bool check_true(struct check_at at, bool holds, const char *fmt, ...)
{
	va_list args;

	if (!holds) {
		say_failed(at);
		if (fmt[1]) { /* " " stands before each, so that none is empty */
			printf("\t");
			va_start(args, fmt);
			vprintf(fmt + 1, args);
			va_end(args);
			printf("\n");
		}
	}
	return record(at, holds);
}

bool check_int(struct check_at at, int64_t got, int64_t want)
{
	if (got != want) {
		say_failed(at);
		printf("\tgot  %" PRId64 " (0x%" PRIx64 ")\n\twant %" PRId64 " (0x%" PRIx64 ")\n",
		       got, (uint64_t)got, want, (uint64_t)want);
	}
	return record(at, got == want);
}

bool check_uint(struct check_at at, uint64_t got, uint64_t want)
{
	if (got != want) {
		say_failed(at);
		printf("\tgot  %" PRIu64 " (0x%" PRIx64 ")\n\twant %" PRIu64 " (0x%" PRIx64 ")\n",
		       got, got, want, want);
	}
	return record(at, got == want);
}

bool check_str(struct check_at at, const char *got, const char *want)
{
	bool holds = got && want ? !strcmp(got, want) : got == want;

	if (!holds) {
		say_failed(at);
		printf("\tgot  \"%s\"\n\twant \"%s\"\n", got ? got : "(NULL)",
		       want ? want : "(NULL)");
	}
	return record(at, holds);
}

bool check_has(struct check_at at, const char *text, const char *part)
{
	bool holds = text && strstr(text, part);

	if (!holds) {
		say_failed(at);
		printf("\ttext \"%s\"\n\tlacks \"%s\"\n", text ? text : "(NULL)", part);
	}
	return record(at, holds);
}

static void print_bytes(const char *title, const uint8_t *bytes, size_t n)
{
	printf("\t%s", title);
	for (size_t i = 0; i < n; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

bool check_mem(struct check_at at, const void *got, const void *want, size_t n)
{
	const uint8_t *a = got, *b = want;
	size_t i = 0, from;

	while (i < n && a[i] == b[i])
		i++;
	if (i < n) {
		from = i < 8 ? 0 : i - 8;
		say_failed(at);
		printf("\tfirst difference at byte %zu of %zu; from byte %zu:\n", i, n, from);
		print_bytes("got ", a + from, n - from < 24 ? n - from : 24);
		print_bytes("want", b + from, n - from < 24 ? n - from : 24);
	}
	return record(at, i == n);
}

/* ---- in the process of one suite ---- */

static const struct check_test *test_now;

static void run_one(void)
{
	const struct check_test *test = test_now;

	if (!setjmp(current.end))
		test->run();
	if (current.failed) {
		progress->n_failed++;
		printf("FAIL %s: %s\n", current.suite->name, test->name);
	} else if (current.skipped[0]) {
		progress->n_skipped++;
		printf("skip %s: %s: %s\n", current.suite->name, test->name, current.skipped);
	} else {
		progress->n_passed++;
		if (verbose)
			printf("ok %s: %s\n", current.suite->name, test->name);
	}
	fflush(stdout);
}

static void test_begins(const CU_pTest test, const CU_pSuite suite)
{
	(void)suite;
	current.failed = false;
	current.skipped[0] = 0;
	snprintf(progress->running, sizeof(progress->running), "%s", test->pName);
	for (test_now = current.suite->tests; strcmp(test_now->name, test->pName);)
		test_now++;
}

static void test_ends(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
	(void)test, (void)suite, (void)failure;
	progress->running[0] = 0;
}

static int __attribute__((noreturn)) run_suite(const struct check_suite *suite)
{
	CU_pSuite cu_suite;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	current.suite = suite;
	if (CU_initialize_registry() != CUE_SUCCESS ||
	    !(cu_suite = CU_add_suite(suite->name, NULL, NULL)))
		exit(EXIT_BROKEN);
	for (const struct check_test *test = suite->tests; test->name; test++) {
		if (!CU_add_test(cu_suite, test->name, run_one)) {
			printf("suite %s: cannot add '%s': %s\n", suite->name, test->name,
			       CU_get_error_msg());
			exit(EXIT_BROKEN);
		}
	}
	CU_set_test_start_handler(test_begins);
	CU_set_test_complete_handler(test_ends);
	CU_run_suite(cu_suite);
	CU_cleanup_registry();
	exit(0);
}

/* ---- in the process that waits ---- */

static void kill_group(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
}

/* Returns the wait status; *ret_late when the deadline ended it. */
static int wait_for(pid_t pid, bool *ret_late)
{
	static const struct timespec tick = { .tv_nsec = 50000000 };
	sigset_t child;
	int status;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	*ret_late = false;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ns() > __atomic_load_n(&progress->deadline_ns, __ATOMIC_RELAXED)) {
			*ret_late = true;
			kill_group(pid);
			waitpid(pid, &status, 0);
			break;
		}
		sigtimedwait(&child, NULL, &tick);
	}
	kill(-pid, SIGKILL); /* what the suite left behind */
	return status;
}

static void judge_end(const struct check_suite *suite, int status, bool late)
{
	const char *test = progress->running[0] ? progress->running : "outside its tests";

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !late)
		return;
	progress->n_failed++;
	if (late)
		printf("FAIL %s: %s: still running after its deadline (%u s)\n", suite->name, test,
		       suite->deadline_s);
	else if (WIFSIGNALED(status))
		printf("FAIL %s: %s: ended by signal %d (%s)\n", suite->name, test,
		       WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		printf("FAIL %s: %s: exited with status %d\n", suite->name, test,
		       WEXITSTATUS(status));
}

static void start_suite(const struct check_suite *suite)
{
	sigset_t none;
	bool late;
	pid_t pid;
	int status;

	progress->running[0] = 0;
	check_more_time(suite->deadline_s);
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(EXIT_BROKEN);
	}
	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setpgid(0, 0);
		run_suite(suite);
	}
	setpgid(pid, pid);
	status = wait_for(pid, &late);
	judge_end(suite, status, late);
}

static bool wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

static int usage(void)
{
	fputs("Usage: unit [-l] [-v] [SUITE...]\n", stderr);
	return EXIT_BROKEN;
}

static void ignore_child(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	struct sigaction on_child = { .sa_handler = ignore_child };
	sigset_t child;
	bool list = false;
	int c;

	while ((c = getopt(argc, argv, "lv")) != -1) {
		list |= c == 'l';
		verbose |= c == 'v';
		if (c == '?')
			return usage();
	}
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	sigaction(SIGCHLD, &on_child, NULL);
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (progress == MAP_FAILED)
		return EXIT_BROKEN;

	for (struct check_suite *suite = suites; suite; suite = suite->next) {
		if (!wanted(suite->name, argv + optind))
			continue;
		if (list)
			puts(suite->name);
		else
			start_suite(suite);
	}
	if (list)
		return 0;
	printf("%u passed, %u failed", progress->n_passed, progress->n_failed);
	if (progress->n_skipped)
		printf(", %u skipped", progress->n_skipped);
	printf("\n");
	if (progress->n_failed)
		return 1;
	if (!progress->n_passed)
		return progress->n_skipped ? EXIT_SKIPPED : EXIT_BROKEN;
	return 0;
}
