/*
 * measure OUT COMMAND...: runs COMMAND and appends one JSON line with its wall time, CPU time,
 * peak memory and exit status to OUT. CPU and memory are those of the whole tree as it was reaped.
 *
 * Used twice around a recorder: outside (recorder + workload) and inside (workload alone); the
 * difference is what the recorder itself cost. SIGINT and SIGTERM are left to COMMAND, so that a
 * recorder that is stopped by a signal still gets its line. MEASURE_TIMEOUT=SECONDS ends COMMAND
 * and everything it started with SIGKILL.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;
static volatile sig_atomic_t timed_out;

static void on_alarm(int signo)
{
	(void)signo;
	timed_out = 1;
	kill(-child, SIGKILL);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static double seconds(struct timeval t)
{
	return t.tv_sec + t.tv_usec * 1e-6;
}

static void run(char **argv, bool own_group)
{
	if (own_group)
		setpgid(0, 0);
	unsetenv("MEASURE_TIMEOUT");
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	const char *limit = getenv("MEASURE_TIMEOUT");
	struct rusage usage;
	int status, rc;

	if (argc < 3) {
		fprintf(stderr, "usage: measure OUT COMMAND...\n");
		return 2;
	}
	double start = now_s();
	child = fork();
	if (child < 0) {
		perror("fork");
		return 2;
	}
	if (child == 0)
		run(argv + 2, limit != NULL);
	if (limit) {
		setpgid(child, child);
		signal(SIGALRM, on_alarm);
		alarm(atoi(limit));
	} else {
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
	}
	while (wait4(child, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return 2;
	double wall = now_s() - start;
	rc = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

	FILE *out = fopen(argv[1], "ae");
	if (!out) {
		perror(argv[1]);
		return 2;
	}
	fprintf(out,
		"{\"wall_s\": %.4f, \"user_s\": %.4f, \"sys_s\": %.4f, \"peak_kib\": %ld, \"rc\": %d, "
		"\"timed_out\": %d}\n",
		wall, seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss, rc,
		(int)timed_out);
	if (fclose(out) != 0)
		return 2;
	return rc;
}
