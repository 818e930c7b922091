/*
 * COMMAND is forked before anything of it can be known and waits at a pipe, so that its events
 * exist when it execs. A second pipe, closed by the exec, tells whether that worked.
 */
#include "record/target.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/event.h"
#include "record/user.h"

enum { THREADS_MAX = 1 << 20 };

/* What execve will say too. Anything else says that we cannot look: execve may know better. */
static bool is_answer(int code)
{
	return code == ENOENT || code == ENOTDIR || code == EACCES || code == EPERM ||
	       code == ELOOP || code == ENAMETOOLONG;
}

static bool is_executable(const char *path, int *ret_code)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (!is_answer(errno))
			return true;
		if (errno != ENOENT && errno != ENOTDIR)
			*ret_code = errno;
		return false;
	}
	if (S_ISDIR(st.st_mode)) {
		*ret_code = EISDIR;
		return false;
	}
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 || !is_answer(errno))
		return true;
	*ret_code = errno;
	return false;
}

/* As execvp looks for it: in each directory of PATH, where an empty one is the current. */
static bool find_in_path(const char *name, int *ret_code)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX_BYTES];

	for (const char *at = path ? path : "/bin:/usr/bin";; at++) {
		size_t n = strcspn(at, ":");
		int length =
			snprintf(file, sizeof(file), "%.*s%s%s", (int)n, at, n ? "/" : "", name);

		if (length < (int)sizeof(file) && is_executable(file, ret_code))
			return true;
		at += n;
		if (!*at)
			return false;
	}
}

int target_check_command(const char *name, struct err *err)
{
	int code = ENOENT;

	if (!*name) /* no directory of PATH is it */
		return err_set(err, -ENOENT, "cannot run '': an empty name"), EXIT_NOT_FOUND;
	if (strchr(name, '/') ? is_executable(name, &code) : find_in_path(name, &code))
		return 0;
	err_set(err, -code, "cannot run '%s': %s", name, strerror(code));
	return code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

void target_leave_stdout(void)
{
	if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		return;
	close(STDOUT_FILENO); /* whatever happens, not into the recording */
	if (open("/dev/null", O_WRONLY) < 0)
		return;
}

/*
 * In the child: waits for the word, then becomes the command. Should the word not get through, it
 * is enough that the recorder lives and has let go of the pipe.
 */
static void run_command(pid_t recorder, int go_fd, int exec_fd, char **argv,
			const struct user *user, bool stdout_is_taken, const sigset_t *mask)
{
	char go;
	int code;

	if (io_read(go_fd, &go, 1) != 1 && getppid() != recorder)
		_exit(125); /* it died first */
	if (stdout_is_taken)
		target_leave_stdout();
	code = user ? user_become(user) : 0;
	if (code < 0) {
		io_write(exec_fd, &code, sizeof(code), NULL);
		_exit(125);
	}
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	code = errno;
	io_write(exec_fd, &code, sizeof(code), NULL);
	_exit(code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

int target_fork(struct target *t, char **argv, const struct user *user, bool stdout_is_taken,
		const sigset_t *mask, struct err *err)
{
	int go[2], result[2];

	*t = (struct target){ .go_fd = -1, .exec_fd = -1 };
	signal(SIGCHLD, SIG_DFL); /* ignored, nobody could learn COMMAND's exit status */
	if (pipe2(go, O_CLOEXEC) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(result, O_CLOEXEC) < 0) {
		close(go[0]);
		close(go[1]);
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	}
	pid_t recorder = getpid();
	t->command = fork();
	if (t->command == 0) {
		close(go[1]);
		run_command(recorder, go[0], result[1], argv, user, stdout_is_taken, mask);
	}
	int code = errno;
	close(go[0]);
	close(result[1]);
	t->go_fd = go[1];
	t->exec_fd = result[0];
	if (t->command < 0) {
		t->command = 0;
		return err_set(err, -code, "cannot fork: %s", strerror(code));
	}
	return 0;
}

void target_release(struct target *t)
{
	if (t->go_fd < 0)
		return;
	io_write(t->go_fd, "", 1, NULL);
	close(t->go_fd);
	t->go_fd = -1;
}

int target_exec_result(struct target *t)
{
	int code = 0;

	if (t->exec_fd < 0)
		return 0;
	if (io_read(t->exec_fd, &code, sizeof(code)) != (ssize_t)sizeof(code))
		code = 0;
	close(t->exec_fd);
	t->exec_fd = -1;
	return code;
}

bool target_reap(struct target *t)
{
	if (!t->command || t->ended)
		return t->ended;
	pid_t pid = waitpid(t->command, &t->status, WNOHANG);
	t->ended = pid == t->command || (pid < 0 && errno != EINTR);
	return t->ended;
}

void target_wait(struct target *t)
{
	while (t->command && !t->ended) {
		pid_t pid = waitpid(t->command, &t->status, 0);

		if (pid == t->command || (pid < 0 && errno != EINTR))
			t->ended = true;
	}
}

int target_exit_status(const struct target *t)
{
	if (WIFSIGNALED(t->status))
		return 128 + WTERMSIG(t->status);
	return WEXITSTATUS(t->status);
}

int target_attach(struct target *t, const pid_t *pids, size_t n, struct err *err)
{
	*t = (struct target){ .go_fd = -1, .exec_fd = -1 };
	for (size_t i = 0; i < n && i < TARGET_PIDS_MAX; i++) {
		if (kill(pids[i], 0) < 0 && errno != EPERM)
			return err_set(err, -errno, "process %d: %s", (int)pids[i],
				       strerror(errno));
		t->pid[t->n_pids] = pids[i];
		t->pidfd[t->n_pids++] = (int)syscall(SYS_pidfd_open, pids[i], 0);
	}
	return 0;
}

static bool is_gone(const struct target *t, size_t i)
{
	struct pollfd fd = { .fd = t->pidfd[i], .events = POLLIN };

	return t->pidfd[i] < 0 ? kill(t->pid[i], 0) < 0 && errno != EPERM : poll(&fd, 1, 0) != 0;
}

size_t target_n_gone(const struct target *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_pids; i++)
		n += is_gone(t, i);
	return n;
}

bool target_all_gone(const struct target *t)
{
	for (size_t i = 0; i < t->n_pids; i++)
		if (!is_gone(t, i))
			return false;
	return t->n_pids != 0;
}

int target_threads(pid_t pid, pid_t **ret_tids, size_t *ret_n, struct err *err)
{
	char path[32];
	size_t n = 0, cap = 64;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return err_set(err, -ESRCH, "process %d is gone", (int)pid);
	pid_t *tids = malloc(cap * sizeof(*tids));
	for (struct dirent *entry; tids && n < THREADS_MAX && (entry = readdir(dir));) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (n == cap) {
			pid_t *grown = realloc(tids, (cap *= 2) * sizeof(*tids));

			if (!grown)
				break;
			tids = grown;
		}
		tids[n++] = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	closedir(dir);
	if (!tids)
		return err_set(err, -ENOMEM, "no memory for threads of process %d", (int)pid);
	if (!n) { /* it ended after the folder was opened */
		free(tids);
		return err_set(err, -ESRCH, "process %d is gone", (int)pid);
	}
	*ret_tids = tids;
	*ret_n = n;
	return 0;
}

void target_done(struct target *t)
{
	if (t->go_fd >= 0)
		close(t->go_fd);
	if (t->exec_fd >= 0)
		close(t->exec_fd);
	for (size_t i = 0; i < t->n_pids; i++)
		if (t->pidfd[i] >= 0)
			close(t->pidfd[i]);
	t->n_pids = 0;
}
