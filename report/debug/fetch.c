/*
 * One child serves all files, so that connections are kept; one that is late, or says what it
 * cannot say, is killed, and the next file gets a new one.
 */
#include "report/debug/fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "report/debug/fetch_child.h"
#include "report/debug/search.h"

enum { SAY_AFTER_MS = 2000 };

struct fetch {
	char *urls;
	struct fetch_limits limits;
	pid_t child; /* 0: none */
	int sock;
	unsigned int n_failures; /* in a row */
	bool given_up;
	bool said_waiting;
};

struct fetch *fetch_new(const char *urls, uint64_t max_bytes, uint32_t timeout_ms)
{
	struct fetch *f;

	if (!urls || !urls[strspn(urls, " ")])
		urls = getenv("DEBUGINFOD_URLS");
	if (!urls || !urls[strspn(urls, " ")]) {
		log_warning("no debuginfod server is known: set DEBUGINFOD_URLS or "
			    "--debuginfod=URL");
		return NULL;
	}
	f = mem_zalloc(sizeof(*f));
	f->urls = strdup(urls);
	f->limits = (struct fetch_limits){
		.urls = f->urls,
		.max_bytes = max_bytes ? max_bytes : FETCH_BYTES_MAX,
		.timeout_ms = timeout_ms ? timeout_ms : FETCH_TIMEOUT_MS,
	};
	f->sock = -1;
	return f;
}

/* ---- the child's life ---- */

static int start(struct fetch *f, struct err *err)
{
	int sock[2];
	pid_t child;

	if (f->child)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	child = fork();
	if (child == 0)
		fetch_child_run(sock[1], &f->limits);
	close(sock[1]);
	if (child < 0) {
		close(sock[0]);
		return err_set(err, -errno, "no process: %s", strerror(errno));
	}
	f->child = child;
	f->sock = sock[0];
	return 0;
}

static void end(struct fetch *f)
{
	if (!f->child)
		return;
	kill(f->child, SIGKILL);
	while (waitpid(f->child, NULL, 0) < 0 && errno == EINTR)
		;
	close(f->sock);
	f->child = 0;
	f->sock = -1;
}

void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	end(f);
	free(f->urls);
	free(f);
}

/* ---- one file ---- */

static void say_waiting(struct fetch *f)
{
	if (f->said_waiting)
		return;
	f->said_waiting = true;
	log_notice("waiting for debuginfod servers, at most %.1f s a file",
		   (double)f->limits.timeout_ms / 1000);
}

/* 0: the child says something; -ETIME. */
static int wait_until(struct fetch *f, uint64_t began_ns, uint64_t deadline_ns)
{
	uint64_t say_ns = began_ns + SAY_AFTER_MS * UINT64_C(1000000);

	for (;;) {
		struct pollfd p = { .fd = f->sock, .events = POLLIN };
		uint64_t now_ns = io_monotonic_ns(), until_ns;

		if (now_ns >= deadline_ns)
			return -ETIME;
		if (now_ns >= say_ns)
			say_waiting(f);
		until_ns = now_ns < say_ns ? MIN(say_ns, deadline_ns) : deadline_ns;
		if (poll(&p, 1, (int)MIN((until_ns - now_ns) / 1000000 + 1, UINT64_C(1000000))) > 0)
			return 0;
	}
}

static int check_said(const struct fetch_said *said, ssize_t n, struct err *err)
{
	size_t head = sizeof(*said) - sizeof(said->text);

	if (n <= 0)
		return err_set(err, -ECHILD, "asking servers ended unexpectedly");
	if ((size_t)n <= head || !memchr(said->text, 0, (size_t)n - head) || said->status > 0 ||
	    (said->kind != FETCH_SERVED && said->kind != FETCH_END))
		return err_set(err, -EPROTO, "asking servers ended in a strange answer");
	return 0;
}

/* *ret_served: a server had begun to send. Negative: the child is of no use any more. */
static int converse(struct fetch *f, const struct fetch_wanted *w, struct fetch_said *ret,
		    bool *ret_served, struct err *err)
{
	uint64_t began_ns = io_monotonic_ns();
	uint64_t ms = (uint64_t)f->limits.timeout_ms + FETCH_GRACE_MS;
	int status;

	if (send(f->sock, w, sizeof(*w), MSG_NOSIGNAL) < 0)
		return err_set(err, -ECHILD, "asking servers ended unexpectedly");
	for (;;) {
		if (wait_until(f, began_ns, began_ns + ms * UINT64_C(1000000)) < 0)
			return err_set(err, -ETIME, "no file after %.1f s", (double)ms / 1000);
		status = check_said(ret, recv(f->sock, ret, sizeof(*ret), 0), err);
		if (status < 0 || ret->kind == FETCH_END)
			return status;
		*ret_served = true;
	}
}

static int ask(struct fetch *f, const struct fetch_wanted *w, char **ret, bool *ret_served,
	       struct err *err)
{
	struct fetch_said said;
	int status = start(f, err);

	if (status < 0)
		return status;
	status = converse(f, w, &said, ret_served, err);
	if (status < 0) {
		end(f);
		return status;
	}
	if (said.status < 0)
		return err_set(err, said.status, "%s", said.text);
	*ret = strdup(said.text);
	return 0;
}

static bool too_big(const struct fetch *f, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0 && (uint64_t)st.st_size > f->limits.max_bytes;
}

/* Says what went wrong, and whether that was once too often. */
static void note_failure(struct fetch *f, const struct fetch_wanted *w, int status, bool served,
			 const struct err *why)
{
	char id[BUILD_ID_TEXT_BYTES];

	f->n_failures++;
	f->given_up = status == -ELIBACC || f->n_failures >= FETCH_FAILURES_MAX ||
		      (status == -ETIME && !served);
	if (status == -ELIBACC) {
		log_warning(
			"debuginfod servers are not asked: %s is missing, which is in "
			"Debian's package libdebuginfod1 and Fedora's elfutils-debuginfod-client",
			why->text);
		return;
	}
	build_id_text(&w->id, id);
	log_warning("debuginfod: build-id %s: %s%s", id, why->text,
		    f->given_up ? "; servers are not asked any more" : "");
}

int fetch_file(struct fetch *f, const struct build_id *id, bool object, char **ret, struct err *err)
{
	struct fetch_wanted w = { .id = *id, .object = object };
	struct err why = { 0 };
	bool served = false;
	char *path = NULL;
	int status;

	if (f->given_up)
		return err_set(err, -ENOENT, "debuginfod servers are not asked any more");
	status = ask(f, &w, &path, &served, &why);
	if (status == 0 && too_big(f, path))
		status = err_set(&why, -EFBIG, "'%s' has more than %" PRIu64 " bytes", path,
				 f->limits.max_bytes);
	if (status == 0) {
		f->n_failures = 0;
		*ret = path;
		return 0;
	}
	free(path);
	if (status == -ENOENT)
		f->n_failures = 0;
	else
		note_failure(f, &w, status, served, &why);
	if (f->given_up)
		end(f);
	return err_set(err, -ENOENT, "debuginfod: %s", why.text);
}
