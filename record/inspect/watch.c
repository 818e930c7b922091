#include "record/inspect/watch.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t look_every_ns = 200000000;

void watches_done(struct watches *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		free(w->at[i].path);
	w->n = 0;
}

static struct watch *find(struct watches *w, uint32_t pid, enum jit_file_kind kind)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->at[i].pid == pid && w->at[i].jit.kind == kind)
			return &w->at[i];
	return NULL;
}

static void drop(struct watches *w, uint32_t i)
{
	free(w->at[i].path);
	w->at[i] = w->at[--w->n];
}

static void add(struct watches *w, uint32_t pid, enum jit_file_kind kind, const char *path)
{
	struct watch *at = find(w, pid, kind);

	if (at) {
		at->again = at->replaced;
		return;
	}
	if (w->n == WATCHES_MAX) {
		w->n_refused++;
		return;
	}
	w->at[w->n++] = (struct watch){ .pid = pid,
					.jit = { .kind = kind },
					.path = path ? strdup(path) : NULL };
}

static void end(struct watches *w, uint32_t pid, bool by_exec)
{
	for (uint32_t i = w->n; i-- > 0;) {
		struct watch *at = &w->at[i];

		if (at->pid != pid)
			continue;
		at->ending |= !by_exec;
		at->replaced |= by_exec;
		at->again = false;
		if (by_exec && !at->told)
			drop(w, i); /* nothing was seen, and what it was is gone */
	}
}

/* "/tmp/x/jit-1200.dump", also when it was deleted since. */
static bool is_jitdump(const char *path)
{
	const char *slash = strrchr(path, '/'), *at = slash ? slash + 1 : path;

	if (strncmp(at, "jit-", 4) != 0 || !isdigit((unsigned char)at[4]))
		return false;
	for (at += 4; isdigit((unsigned char)*at);)
		at++;
	return !strcmp(at, ".dump");
}

/* Memory that code is made in. [vsyscall] and its like are the kernel's. */
static bool is_made(const char *path)
{
	return !strncmp(path, "//anon", 6) || !strncmp(path, "/memfd:", 7) ||
	       !strncmp(path, "/dev/zero", 9) || !strncmp(path, "[anon:", 6) ||
	       !strcmp(path, "[heap]");
}

void watches_note(struct watches *w, const struct event *event)
{
	switch (event->type) {
	case EVENT_MMAP:
		if (is_jitdump(event->mmap.path))
			add(w, event->pid, JIT_FILE_DUMP, event->mmap.path);
		else if (is_made(event->mmap.path))
			add(w, event->pid, JIT_FILE_MAP, NULL);
		break;
	case EVENT_FORK: /* its code is there from the beginning, and it may write its own map */
		if (event->pid != event->fork.ppid && find(w, event->fork.ppid, JIT_FILE_MAP))
			add(w, event->pid, JIT_FILE_MAP, NULL);
		break;
	case EVENT_COMM:
		if (event->comm.exec)
			end(w, event->pid, true);
		break;
	case EVENT_EXIT:
		end(w, event->pid, false);
		break;
	default:
		break;
	}
}

static bool ask(struct watches *w, enum message_type type, const struct watch *at,
		struct watch_request *ret)
{
	*ret = (struct watch_request){ .type = type, .path = "" };
	if (at) {
		ret->pid = at->pid;
		ret->jit = at->jit;
		ret->path = at->path ? at->path : "";
	}
	w->asked = type;
	w->asked_pid = ret->pid;
	w->asked_kind = ret->jit.kind;
	return true;
}

bool watches_next(struct watches *w, uint64_t now_ns, struct watch_request *ret)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (!w->at[i].told)
			return ask(w, MESSAGE_JIT_WATCH, &w->at[i], ret);
	for (uint32_t i = 0; i < w->n; i++)
		if (w->at[i].ending || w->at[i].replaced) {
			ask(w, MESSAGE_JIT_END, &w->at[i], ret);
			ret->jit.flags = w->at[i].replaced ? JIT_FLAG_FINAL : 0;
			return true;
		}
	if (!w->n || (!w->final_due && !w->look_due && now_ns - w->look_ns < look_every_ns))
		return false;
	w->look_ns = now_ns;
	ask(w, MESSAGE_JIT_LOOK, NULL, ret);
	ret->jit.flags = w->final_due ? JIT_FLAG_FINAL : 0;
	w->final_due = w->look_due = false;
	return true;
}

bool watches_idle(const struct watches *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (!w->at[i].told || w->at[i].ending || w->at[i].replaced)
			return false;
	return !w->asked && !(w->n && (w->final_due || w->look_due));
}

void watches_take_state(struct watches *w, uint32_t pid, const struct message_jit *state)
{
	struct watch *at = find(w, pid, state->kind);

	if (at)
		at->jit = *state;
}

static void take_watched(struct watches *w, int code)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->at[i].pid == w->asked_pid && w->at[i].jit.kind == w->asked_kind) {
			w->at[i].told = true;
			if (code < 0)
				drop(w, i);
			return;
		}
}

/* Of a process that lives on, only another thread had ended. */
static void take_ended(struct watches *w, bool lives)
{
	for (uint32_t i = w->n; i-- > 0;) {
		struct watch *at = &w->at[i];

		if (at->pid != w->asked_pid)
			continue;
		at->ending = false;
		if (lives)
			continue;
		if (at->again)
			*at = (struct watch){ .pid = at->pid,
					      .jit = { .kind = at->jit.kind },
					      .path = at->path };
		else
			drop(w, i);
	}
}

void watches_take_done(struct watches *w, int code)
{
	if (w->asked == MESSAGE_JIT_WATCH)
		take_watched(w, code);
	else if (w->asked == MESSAGE_JIT_END)
		take_ended(w, code == 1);
	w->asked = 0;
}

void watches_restart(struct watches *w)
{
	watches_take_done(w, -1);
	for (uint32_t i = 0; i < w->n; i++)
		w->at[i].told = false;
}
