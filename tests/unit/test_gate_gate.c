/* record/gate: verdicts and words from facts made by hand, for hosts that no test runs on. */
#include "record/gate/gate.h"

#include <errno.h>
#include <string.h>

#include "record/gate/facts.h"
#include "tests/unit/check.h"

/* An ordinary user on a host like most: paranoid 2, 8 MiB of locked memory, no counters. */
static struct gate_facts ordinary(void)
{
	return (struct gate_facts){
		.uid = 1000,
		.release = "6.1.0",
		.program = "/usr/bin/ddprof-record",
		.paranoid = 2,
		.mlock_kb = 516,
		.ptrace_scope = FACT_UNKNOWN,
		.caps_known = true,
		.n_cpus = 4,
		.memlock = { 8 << 20, 8 << 20 },
		.files = { 1024, 4096 },
		.tried = { .done = true,
			   .reach = EINVAL,
			   .own_kernel = EACCES,
			   .system = EACCES,
			   .cycles = ENOENT,
			   .ring_bytes = 2 << 20 },
	};
}

static struct gates judged(const struct gate_facts *facts)
{
	struct gates g;

	gates_judge(facts, &g);
	return g;
}

static void says_not(const char *text, const char *word)
{
	CHECK_TRUE(!strstr(text, word), "'%s' says '%s'", text, word);
}

/* Which gate, and that the line holds the words. */
static void explains(const struct gates *g, struct gate_refusal refusal, enum gate_id want,
		     const char *word)
{
	char text[768];

	CHECK_STR(gate_name(gates_explain(g, &refusal, text, sizeof(text))), gate_name(want));
	CHECK_HAS(text, word);
	says_not(text, "\n");
}

static void ordinary_user(void)
{
	struct gate_facts f = ordinary();
	struct gates g = judged(&f);

	CHECK_INT(g.gate[GATE_PARANOID].verdict, GATE_LIMITED);
	CHECK_STR(g.gate[GATE_PARANOID].value, "2");
	CHECK_INT(g.gate[GATE_SECCOMP].verdict, GATE_OPEN);
	CHECK_INT(g.gate[GATE_SYSCALL].verdict, GATE_OPEN);
	CHECK_INT(g.gate[GATE_LSM].verdict, GATE_OPEN);
	CHECK_INT(g.gate[GATE_MEMLOCK].verdict, GATE_LIMITED);
	CHECK_INT(g.gate[GATE_MEMLOCK_USED].verdict, GATE_LIMITED);
	CHECK_INT(g.gate[GATE_COUNTERS].verdict, GATE_LIMITED);
	CHECK_INT(g.gate[GATE_FILES].verdict, GATE_OPEN);
	explains(&g, (struct gate_refusal){ .code = EACCES, .kernel = true }, GATE_PARANOID,
		 "sysctl kernel.perf_event_paranoid=1'");
	explains(&g, (struct gate_refusal){ .code = EACCES, .system = true }, GATE_PARANOID,
		 "sysctl kernel.perf_event_paranoid=0'");
	explains(&g, (struct gate_refusal){ .code = EPERM, .tracepoint = true }, GATE_PARANOID,
		 "sysctl kernel.perf_event_paranoid=-1'");
	explains(&g, (struct gate_refusal){ .code = EACCES, .others = true }, GATE_CAPABILITY,
		 "another user's process");
	CHECK_HAS(g.others, "cap_sys_ptrace");
	explains(&g, (struct gate_refusal){ .code = ENOENT, .hardware = true }, GATE_COUNTERS,
		 "no such counter");
	explains(&g, (struct gate_refusal){ .code = EMFILE }, GATE_FILES, "'ulimit -n 1024'");
	explains(&g, (struct gate_refusal){ .code = EINVAL }, GATES, "does not know it");
}

static void filter_is_no_paranoia(void)
{
	static const struct {
		int code;
		const char *name;
	} answers[] = { { EPERM, "EPERM" }, { EACCES, "EACCES" }, { ENOSYS, "ENOSYS" } };

	for (int i = 0; i < 3; i++) {
		struct gate_facts f = ordinary();

		f.seccomp = 2;
		f.tried.reach = f.tried.own_user = answers[i].code;
		struct gates g = judged(&f);
		CHECK_INT(g.gate[GATE_SECCOMP].verdict, GATE_CLOSED);
		CHECK_INT(g.gate[GATE_LSM].verdict, GATE_NOT_KNOWN);
		CHECK_HAS(g.gate[GATE_SECCOMP].value, answers[i].name);
		explains(&g, (struct gate_refusal){ .code = answers[i].code, .kernel = true },
			 GATE_SECCOMP, "a filter stands before perf_event_open");
	}
	struct gate_facts f = ordinary();
	f.seccomp = 2;
	f.tried = (struct gate_attempts){ .signal = 31 };
	struct gates g = judged(&f);
	explains(&g, (struct gate_refusal){ .code = EPERM }, GATE_SECCOMP, "kills with signal 31");
	f.tried.signal = GATE_SILENT;
	g = judged(&f);
	explains(&g, (struct gate_refusal){ .code = EPERM }, GATE_SECCOMP, "filter, no answer");
}

static void absent_call(void)
{
	struct gate_facts f = ordinary();

	f.paranoid = FACT_UNKNOWN;
	f.tried.reach = f.tried.own_user = ENOSYS;
	struct gates g = judged(&f);
	CHECK_INT(g.gate[GATE_SECCOMP].verdict, GATE_OPEN);
	explains(&g, (struct gate_refusal){ .code = ENOSYS }, GATE_SYSCALL, "CONFIG_PERF_EVENTS");
	f.gvisor = true;
	f.tried.reach = f.tried.own_user = ENODEV;
	g = judged(&f);
	explains(&g, (struct gate_refusal){ .code = ENODEV }, GATE_SYSCALL, "gVisor");
}

static void stricter_kernels(void)
{
	struct gate_facts f = ordinary();

	f.paranoid = 4;
	f.tried.own_user = EACCES;
	struct gates g = judged(&f);
	CHECK_INT(g.gate[GATE_PARANOID].verdict, GATE_CLOSED);
	CHECK_INT(g.gate[GATE_LSM].verdict, GATE_OPEN);
	explains(&g, (struct gate_refusal){ .code = EACCES }, GATE_PARANOID,
		 "'sysctl kernel.perf_event_paranoid=2' or 'setcap cap_perfmon,cap_ipc_lock=ep "
		 "/usr/bin/ddprof-record'");
	f.paranoid = 2; /* its own settings would allow it */
	g = judged(&f);
	explains(&g, (struct gate_refusal){ .code = EACCES }, GATE_LSM, "security module");
	f.paranoid = 3; /* a kernel that knows no 3 */
	f.tried.own_user = 0;
	g = judged(&f);
	CHECK_INT(g.gate[GATE_PARANOID].verdict, GATE_LIMITED);
}

static void capabilities_count_in_the_first_namespace(void)
{
	struct gate_facts f = ordinary();

	f.caps = UINT64_C(1) << GATE_CAP_PERFMON | UINT64_C(1) << GATE_CAP_IPC_LOCK;
	struct gates g = judged(&f);
	CHECK_INT(g.gate[GATE_PARANOID].verdict, GATE_OPEN);
	CHECK_INT(g.gate[GATE_CAPABILITY].verdict, GATE_OPEN);
	CHECK_INT(g.gate[GATE_MEMLOCK].verdict, GATE_OPEN);
	f.nested_user_ns = true;
	g = judged(&f);
	CHECK_INT(g.gate[GATE_CAPABILITY].verdict, GATE_LIMITED);
	CHECK_INT(g.gate[GATE_MEMLOCK].verdict, GATE_LIMITED);
	explains(&g, (struct gate_refusal){ .code = EACCES, .system = true }, GATE_USER_NS,
		 "on the host 'sysctl kernel.perf_event_paranoid=0'");
	CHECK_TRUE(facts_is_nested("user:[4026532177]"));
	CHECK_TRUE(!facts_is_nested("user:[4026531837]"));
	CHECK_TRUE(!facts_is_nested("user:[") && !facts_is_nested(""));
}

static void locked_memory(void)
{
	struct gate_refusal refusal = { GATE_STEP_MAP, .code = EPERM, .bytes = 32768 };
	struct gate_facts f = ordinary();

	f.memlock.rlim_cur = f.mlock_kb = 0;
	f.tried.ring = EPERM;
	f.tried.ring_bytes = 0;
	struct gates g = judged(&f);
	CHECK_INT(g.gate[GATE_MEMLOCK].verdict, GATE_CLOSED);
	refusal.bytes = 65536;
	explains(&g, refusal, GATE_MEMLOCK, "a ring of 64 KiB refused; limit 0 KiB");
	f = ordinary(); /* the budget is there, but not for us */
	f.memlock.rlim_cur = 0;
	f.tried.ring = EPERM;
	f.tried.ring_bytes = 0;
	g = judged(&f);
	explains(&g, refusal, GATE_MEMLOCK_USED, "other profilers of this user");
	f = ordinary();
	f.memlock.rlim_cur = RLIM_INFINITY;
	g = judged(&f);
	CHECK_INT(g.gate[GATE_MEMLOCK].verdict, GATE_OPEN);
	CHECK_STR(g.gate[GATE_MEMLOCK].remedy, "");
	refusal.code = ENOMEM;
	explains(&g, refusal, GATES, "no memory");
}

static void remedies_fit_the_place(void)
{
	static const struct {
		enum gate_place place;
		const char *rights, *filter, *memory;
	} places[] = {
		{ GATE_HOST, "'sysctl ", "whose filter", "'ulimit -l " },
		{ GATE_DOCKER, "'--cap-add PERFMON'",
		  "--security-opt seccomp=", "--ulimit memlock=" },
		{ GATE_PODMAN, "'--cap-add PERFMON'",
		  "--security-opt seccomp=", "--ulimit memlock=" },
		{ GATE_KUBERNETES, "securityContext: {capabilities: {add: [PERFMON]}}",
		  "seccompProfile", "[IPC_LOCK]" },
		{ GATE_NSPAWN, "'--capability=CAP_PERFMON'",
		  "'--system-call-filter=perf_event_open'", "'--rlimit=MEMLOCK=" },
		{ GATE_SYSTEMD, "AmbientCapabilities=CAP_PERFMON",
		  "SystemCallFilter=perf_event_open", "LimitMEMLOCK=" },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct gate_facts f = ordinary();

		f.place = places[i].place;
		struct gates g = judged(&f);
		CHECK_HAS(g.gate[GATE_PARANOID].remedy, places[i].rights);
		CHECK_HAS(g.gate[GATE_MEMLOCK].remedy, places[i].memory);
		f.tried.reach = EPERM;
		g = judged(&f);
		CHECK_HAS(g.gate[GATE_SECCOMP].remedy, places[i].filter);
	}
}

/* Profiles differ in the capability that they ask for; one that is there did not help. */
static void a_profile_that_wants_more(void)
{
	struct gate_facts f = ordinary();

	f.tried.reach = EPERM;
	f.place = GATE_PODMAN;
	struct gates g = judged(&f);
	CHECK_HAS(g.gate[GATE_SECCOMP].remedy, "'--cap-add PERFMON --cap-add SYS_ADMIN'");
	f.caps |= UINT64_C(1) << GATE_CAP_PERFMON;
	g = judged(&f);
	CHECK_HAS(g.gate[GATE_SECCOMP].remedy, "or '--cap-add SYS_ADMIN'");
	f.place = GATE_KUBERNETES;
	g = judged(&f);
	CHECK_HAS(g.gate[GATE_SECCOMP].remedy, "[SYS_ADMIN]");
	CHECK_TRUE(strlen(g.gate[GATE_SECCOMP].remedy) + 1 < sizeof(g.gate[0].remedy));
}

static void memory_of_a_rootless_container(void)
{
	struct gate_facts f = ordinary();

	f.place = GATE_PODMAN;
	f.nested_user_ns = true;
	struct gates g = judged(&f);
	CHECK_HAS(g.gate[GATE_MEMLOCK].remedy, "'--ulimit memlock=");
	says_not(g.gate[GATE_PARANOID].remedy, "cap-add");
	says_not(g.gate[GATE_MEMLOCK].remedy, "IPC_LOCK");
}

static void what_could_not_be_asked_for(void)
{
	struct gate_facts f = ordinary();

	f.user_ns_unread = f.limits_unread = f.yama_unread = f.place_unread = true;
	f.tried.cycles = EMFILE;
	f.tracefs = EIO;
	struct gates g = judged(&f);
	static const enum gate_id unknown[] = { GATE_USER_NS, GATE_MEMLOCK,  GATE_MEMLOCK_USED,
						GATE_FILES,   GATE_COUNTERS, GATE_TRACEFS,
						GATE_YAMA };
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		CHECK_INT(g.gate[unknown[i]].verdict, GATE_NOT_KNOWN);
	CHECK_TRUE(g.place_unsure);
	f = ordinary();
	f.tried.ring = EMFILE;
	g = judged(&f);
	CHECK_INT(g.gate[GATE_MEMLOCK_USED].verdict, GATE_NOT_KNOWN);
	f.tried.reach = EPERM; /* what stands behind a filter was not met */
	g = judged(&f);
	CHECK_INT(g.gate[GATE_LSM].verdict, GATE_NOT_KNOWN);
}

static void names_of_the_kernel(void)
{
	struct gate_facts f = ordinary(); /* paranoid 2 */

	struct gates g = judged(&f);
	CHECK_INT(g.gate[GATE_KPTR].verdict, GATE_LIMITED);
	CHECK_HAS(g.gate[GATE_KPTR].remedy, "cap_syslog");
	f.paranoid = 1;
	g = judged(&f);
	CHECK_INT(g.gate[GATE_KPTR].verdict, GATE_OPEN);
	f.kptr_restrict = 1;
	f.place = GATE_PODMAN;
	g = judged(&f);
	CHECK_STR(g.gate[GATE_KPTR].remedy, "run the container with '--cap-add SYSLOG'");
	f.caps |= UINT64_C(1) << GATE_CAP_SYSLOG;
	g = judged(&f);
	CHECK_INT(g.gate[GATE_KPTR].verdict, GATE_OPEN);
	f.kptr_restrict = 2;
	g = judged(&f);
	CHECK_HAS(g.gate[GATE_KPTR].remedy, "kernel.kptr_restrict=1");
}

static void tracepoints_of_a_container(void)
{
	struct gate_facts f = ordinary();

	f.tracefs = ENOENT;
	f.place = GATE_DOCKER;
	struct gates g = judged(&f);
	CHECK_HAS(g.gate[GATE_TRACEFS].remedy, "-v /sys/kernel/tracing:");
	f.place = GATE_KUBERNETES;
	g = judged(&f);
	CHECK_HAS(g.gate[GATE_TRACEFS].remedy, "hostPath");
	f.place = GATE_HOST;
	g = judged(&f);
	CHECK_HAS(g.gate[GATE_TRACEFS].remedy, "mount -t tracefs");
}

static void remedies_that_would_not_help(void)
{
	struct gate_facts f = ordinary();

	f.no_new_privs = true;
	struct gates g = judged(&f);
	says_not(g.gate[GATE_PARANOID].remedy, "setcap");
	says_not(g.gate[GATE_MEMLOCK].remedy, "setcap");
	f = ordinary();
	memcpy(f.release, "5.4.0", sizeof("5.4.0"));
	g = judged(&f);
	CHECK_HAS(g.gate[GATE_PARANOID].remedy, "cap_sys_admin");
	memset(f.program, 'p', sizeof(f.program) - 1);
	g = judged(&f);
	CHECK_HAS(g.gate[GATE_PARANOID].remedy, "ep ddprof-record'");
}

static void nothing_is_known(void)
{
	struct gate_facts f = { .paranoid = FACT_UNKNOWN,
				.mlock_kb = FACT_UNKNOWN,
				.kptr_restrict = FACT_UNKNOWN,
				.ptrace_scope = FACT_UNKNOWN,
				.seccomp = FACT_UNKNOWN };
	struct gates g = judged(&f);
	char text[8];

	CHECK_INT(g.gate[GATE_PARANOID].verdict, GATE_NOT_KNOWN);
	CHECK_INT(g.gate[GATE_CAPABILITY].verdict, GATE_NOT_KNOWN);
	CHECK_HAS(g.gate[GATE_MEMLOCK].value, "perf_event_mlock_kb unknown");
	CHECK_INT(g.gate[GATE_SECCOMP].verdict, GATE_NOT_KNOWN);
	CHECK_STR(gate_verdict_text(g.gate[GATE_KPTR].verdict), "not known");
	explains(&g, (struct gate_refusal){ .code = EACCES }, GATES, "doctor");
	gates_explain(&g, &(struct gate_refusal){ .code = EMFILE }, text, sizeof(text));
	CHECK_STR(text, "more fi");
	CHECK_STR(gate_name(GATES), "none");
}

static void status_file(void)
{
	struct gate_facts f = { .seccomp = FACT_UNKNOWN };

	facts_parse_status("Name:\tx\nTracerPid:\t0\nCapEff:\t0000004000000000\n"
			   "CapBnd:\t000001ffffffffff\nNoNewPrivs:\t1\nSeccomp:\t2\n"
			   "Seccomp_filters:\t1\n",
			   &f);
	CHECK_TRUE(f.caps_known && f.caps == UINT64_C(1) << GATE_CAP_PERFMON);
	CHECK_TRUE(f.no_new_privs && !f.traced);
	CHECK_INT(f.seccomp, 2);
	f = (struct gate_facts){ .seccomp = FACT_UNKNOWN };
	facts_parse_status("Name:\tSeccomp:\t2", &f); /* a name that looks like a line */
	CHECK_INT(f.seccomp, FACT_UNKNOWN);
	facts_parse_status("", &f);
	CHECK_TRUE(!f.caps_known);
}

static void places(void)
{
	static const struct {
		struct place_signs signs;
		enum gate_place want;
	} cases[] = {
		{ { .cgroup = "0::/user.slice/user-1000.slice/session-2.scope\n",
		    .init_cgroup = "0::/init.scope\n" },
		  GATE_HOST },
		{ { .cgroup = NULL }, GATE_HOST },
		{ { .cgroup = "0::/\n", .dockerenv = true }, GATE_DOCKER },
		{ { .cgroup = "9:cpu:/docker/0123abcd\n" }, GATE_DOCKER },
		{ { .cgroup = "0::/system.slice/docker-0123.scope\n" }, GATE_DOCKER },
		{ { .cgroup = "0::/\n", .containerenv = true }, GATE_PODMAN },
		{ { .cgroup = "0::/machine.slice/libpod-0123.scope/container\n" }, GATE_PODMAN },
		{ { .cgroup = "0::/\n", .container = "podman" }, GATE_PODMAN },
		{ { .cgroup = "0::/\n", .dockerenv = true, .kubernetes = true }, GATE_KUBERNETES },
		{ { .cgroup = "0::/\n", .container = "systemd-nspawn" }, GATE_NSPAWN },
		{ { .init_cgroup = "0::/kubepods.slice/kubepods-burstable.slice/x\n" },
		  GATE_KUBERNETES },
		{ { .mountinfo = "9 8 8:1 /p/etc-hosts /etc/hosts rw - ext4 /dev/a rw\n" },
		  GATE_KUBERNETES },
		/* a node sees its pods' mounts */
		{ { .mountinfo = "9 8 8:1 / /var/lib/kubelet/pods/1/x rw - ext4 /dev/a rw\n" },
		  GATE_HOST },
		{ { .cgroup = "0::/system.slice/web.service\n", .invocation = true },
		  GATE_SYSTEMD },
		{ { .cgroup = "0::/user.slice/user-0.slice/user@0.service/a.service\n",
		    .invocation = true },
		  GATE_HOST },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_STR(gate_place_text(place_judge(&cases[i].signs)),
			  gate_place_text(cases[i].want));
}

static void this_machine(void)
{
	struct gates g;

	gates_look(&g);
	for (int i = 0; i < GATES; i++) {
		CHECK_TRUE(gate_name(i)[0] && g.gate[i].value[0], "gate %d has no value", i);
		CHECK_TRUE((g.gate[i].verdict == GATE_OPEN) == !g.gate[i].means[0],
			   "gate '%s' says nothing, or too much", gate_name(i));
	}
}

SUITE(gate_gate, { "an ordinary user may sample user code of own processes", ordinary_user },
      { "a filter's answer is told from the kernel's", filter_is_no_paranoia },
      { "a kernel without the call, and gVisor", absent_call },
      { "levels above 2, and security modules", stricter_kernels },
      { "capabilities count in the first namespace", capabilities_count_in_the_first_namespace },
      { "locked memory that is not allowed, and that others have", locked_memory },
      { "remedies are those of the place", remedies_fit_the_place },
      { "profiles ask for different capabilities", a_profile_that_wants_more },
      { "a container's tracefs comes from outside", tracepoints_of_a_container },
      { "who sees the names of the kernel's functions", names_of_the_kernel },
      { "CAP_IPC_LOCK of a user namespace is no remedy", memory_of_a_rootless_container },
      { "what could not be asked for is not known", what_could_not_be_asked_for },
      { "no remedy that would not help", remedies_that_would_not_help },
      { "what is not known is said", nothing_is_known },
      { "lines of /proc/self/status", status_file }, { "where a process runs", places },
      { "each gate of this machine has a value", this_machine }, )
