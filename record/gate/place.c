/*
 * Words of cgroup paths: "/docker/<id>", "/system.slice/docker-<id>.scope", "/libpod-<id>",
 * "/kubepods.slice/...", "/kubepods/besteffort/pod...". With cgroup v2 and a cgroup namespace the
 * path is "/" in every container; the runtimes' own files and mounts tell then. A node of a cluster
 * sees its pods' mounts too, so only those at places of a pod's own root count.
 */
#include "record/gate/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/io.h"

enum { CGROUP_BYTES_MAX = 65536, MOUNTINFO_BYTES_MAX = 1 << 20 };

static bool says(const char *text, const char *word)
{
	return text && strstr(text, word);
}

static bool in_cgroup(const struct place_signs *s, const char *word)
{
	return says(s->cgroup, word) || says(s->init_cgroup, word);
}

enum gate_place place_judge(const struct place_signs *s)
{
	if (s->kubernetes || in_cgroup(s, "/kubepods") ||
	    says(s->mountinfo, "/etc-hosts /etc/hosts ") ||
	    says(s->mountinfo, "/run/secrets/kubernetes.io"))
		return GATE_KUBERNETES;
	if (s->containerenv || in_cgroup(s, "/libpod-") || says(s->container, "podman"))
		return GATE_PODMAN;
	if (s->dockerenv || in_cgroup(s, "/docker/") || in_cgroup(s, "/docker-") ||
	    says(s->container, "docker"))
		return GATE_DOCKER;
	if (says(s->container, "systemd-nspawn"))
		return GATE_NSPAWN;
	/* A service, not a login: those are in user.slice, and INVOCATION_ID is passed on there. */
	if (s->invocation && says(s->cgroup, ".service") && !says(s->cgroup, "/user.slice"))
		return GATE_SYSTEMD;
	return GATE_HOST;
}

/* That something is not there is an answer. */
static bool is_unread(int code)
{
	return code && code != ENOENT && code != ENOTDIR;
}

static char *read_text(const char *path, size_t limit, bool *unread)
{
	char *text = NULL;
	size_t n;

	int code = -io_read_file(path, limit, &text, &n, NULL);

	/* Of another user's process one also is not told. */
	*unread |= code != EACCES && code != EPERM && is_unread(code);
	return text;
}

static bool is_there(const char *path, bool *unread)
{
	if (access(path, F_OK) == 0)
		return true;
	*unread |= is_unread(errno);
	return false;
}

enum gate_place place_look(bool *ret_unread)
{
	bool unread = false;
	AUTO_FREE char *cgroup = read_text("/proc/self/cgroup", CGROUP_BYTES_MAX, &unread);
	AUTO_FREE char *init_cgroup = read_text("/proc/1/cgroup", CGROUP_BYTES_MAX, &unread);
	AUTO_FREE char *mountinfo = read_text("/proc/self/mountinfo", MOUNTINFO_BYTES_MAX, &unread);
	struct place_signs signs = {
		.cgroup = cgroup,
		.init_cgroup = init_cgroup,
		.mountinfo = mountinfo,
		.container = getenv("container"),
		.dockerenv = is_there("/.dockerenv", &unread),
		.containerenv = is_there("/run/.containerenv", &unread),
		.kubernetes = getenv("KUBERNETES_SERVICE_HOST") != NULL,
		.invocation = getenv("INVOCATION_ID") != NULL,
	};
	*ret_unread = unread;
	return place_judge(&signs);
}
