/*
 * The library's limits are set as it knows them, in its environment, and then its progress
 * callback is asked: that one sees milliseconds and the parent's end, and makes the library give
 * up in order, with its half of a file removed. What the callback does not get to see, a file
 * whose length no server says, ends at RLIMIT_FSIZE; the signal tells, for the library tries again
 * and may then call it absent.
 * The library is declared here: it is loaded, not linked, and its header need not be installed.
 */
#include "report/debug/fetch_child.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/io.h"

#define LIBRARY "libdebuginfod.so.1"

struct debuginfod_client;

typedef int find_file(struct debuginfod_client *client, const unsigned char *id, int n,
		      char **path);
typedef int on_progress(struct debuginfod_client *client, long done, long total);

struct library {
	struct debuginfod_client *(*begin)(void);
	find_file *find_debuginfo, *find_executable;
	void (*set_progressfn)(struct debuginfod_client *client, on_progress *f);
	const char *(*get_url)(struct debuginfod_client *client); /* NULL: too old to have it */
};

/* One a process: the library's callback has no room for a pointer before version 0.180. */
static struct request {
	const struct fetch_limits *limits;
	const struct library *library;
	int sock;
	uint64_t deadline_ns;
	bool served; /* said */
	int why;     /* the callback ended it: -ETIME, -EFBIG, -EPIPE */
} request;

static volatile sig_atomic_t too_long; /* a write went past RLIMIT_FSIZE */

static void note_too_long(int signal)
{
	(void)signal;
	too_long = 1;
}

static void say(uint32_t kind, int status, const char *text)
{
	struct fetch_said said = { .kind = kind, .status = status };
	size_t n = MIN(strlen(text), sizeof(said.text) - 1);

	memcpy(said.text, text, n);
	if (send(request.sock, &said, sizeof(said) - sizeof(said.text) + n + 1, MSG_NOSIGNAL) < 0)
		_exit(1);
}

static bool parent_gone(void)
{
	struct pollfd p = { .fd = request.sock, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* Before a server was chosen, `done` counts something else than bytes. */
static bool is_too_long(long done, long total)
{
	long most = request.served ? MAX(done, total) : total;

	return most > 0 && (uint64_t)most > request.limits->max_bytes;
}

static int look(struct debuginfod_client *client, long done, long total)
{
	const struct library *l = request.library;

	if (!request.served && (!l->get_url || l->get_url(client))) {
		request.served = true;
		say(FETCH_SERVED, 0, "");
	}
	if (io_monotonic_ns() >= request.deadline_ns)
		request.why = -ETIME;
	else if (too_long || is_too_long(done, total))
		request.why = -EFBIG;
	else if (parent_gone())
		request.why = -EPIPE;
	return request.why;
}

/* ---- the library ---- */

static bool load(struct library *l)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return false;
	*(void **)&l->begin = dlsym(handle, "debuginfod_begin");
	*(void **)&l->find_debuginfo = dlsym(handle, "debuginfod_find_debuginfo");
	*(void **)&l->find_executable = dlsym(handle, "debuginfod_find_executable");
	*(void **)&l->set_progressfn = dlsym(handle, "debuginfod_set_progressfn");
	*(void **)&l->get_url = dlsym(handle, "debuginfod_get_url");
	return l->begin && l->find_debuginfo && l->find_executable && l->set_progressfn;
}

static void set_number(const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	setenv(name, text, 1);
}

/* Its seconds are whole, and ours come first. */
static void set_environment(const struct fetch_limits *limits)
{
	uint64_t seconds = limits->timeout_ms / 1000 + 1;

	setenv("DEBUGINFOD_URLS", limits->urls, 1);
	set_number("DEBUGINFOD_MAXSIZE", limits->max_bytes);
	set_number("DEBUGINFOD_MAXTIME", seconds);
	set_number("DEBUGINFOD_TIMEOUT", seconds);
	unsetenv("DEBUGINFOD_PROGRESS");
	unsetenv("DEBUGINFOD_HEADERS_FILE");
}

/* Nothing of the parent's but the socket and standard error. */
static void shut_in(const struct fetch_limits *limits)
{
	struct rlimit size = { limits->max_bytes, limits->max_bytes }, none = { 0, 0 };
	struct sigaction on_too_long = { .sa_handler = note_too_long, .sa_flags = SA_RESTART };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_CORE, &none);
	sigaction(SIGXFSZ, &on_too_long, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	if (request.sock > STDERR_FILENO + 1)
		syscall(SYS_close_range, STDERR_FILENO + 1, request.sock - 1, 0);
	syscall(SYS_close_range, (unsigned int)request.sock + 1, ~0u, 0);
}

/* ---- requests ---- */

static void say_failure(int status)
{
	const struct fetch_limits *limits = request.limits;
	char text[128];

	switch (status) {
	case -ENOENT:
		snprintf(text, sizeof(text), "no server has it");
		break;
	case -ENOSYS:
		snprintf(text, sizeof(text), "no address of a server is one that %s knows",
			 LIBRARY);
		break;
	case -ETIME:
		snprintf(text, sizeof(text), "no file after %.1f s",
			 (double)limits->timeout_ms / 1000);
		break;
	case -EFBIG:
		snprintf(text, sizeof(text), "it has more than %" PRIu64 " bytes",
			 limits->max_bytes);
		break;
	default:
		snprintf(text, sizeof(text), "%s", strerror(-status));
	}
	say(FETCH_END, status, text);
}

static void answer(const struct library *l, struct debuginfod_client *client,
		   const struct fetch_wanted *w)
{
	find_file *find = w->object ? l->find_executable : l->find_debuginfo;
	char *path = NULL;
	int fd;

	request.deadline_ns =
		io_monotonic_ns() + (uint64_t)request.limits->timeout_ms * UINT64_C(1000000);
	request.served = false;
	request.why = 0;
	too_long = 0;
	fd = find(client, w->id.bytes, (int)w->id.n, &path);
	if (fd >= 0 && path && strlen(path) < ERR_TEXT_BYTES)
		say(FETCH_END, 0, path);
	else
		say_failure(too_long	? -EFBIG :
			    request.why ? request.why :
			    fd >= 0	? -ENAMETOOLONG :
					  fd);
	if (fd >= 0)
		close(fd);
	free(path);
}

static void serve(const struct library *l, struct debuginfod_client *client)
{
	struct fetch_wanted w;

	while (recv(request.sock, &w, sizeof(w), 0) == sizeof(w)) {
		if (!client)
			say(FETCH_END, -ELIBACC, LIBRARY);
		else
			answer(l, client, &w);
	}
}

void fetch_child_run(int sock, const struct fetch_limits *limits)
{
	struct library l = { 0 };
	struct debuginfod_client *client = NULL;

	request = (struct request){
		.limits = limits,
		.library = &l,
		.sock = fcntl(sock, F_DUPFD_CLOEXEC, STDERR_FILENO + 1),
	};
	shut_in(limits);
	set_environment(limits);
	if (load(&l))
		client = l.begin();
	if (client)
		l.set_progressfn(client, look);
	serve(&l, client);
	_exit(0);
}
