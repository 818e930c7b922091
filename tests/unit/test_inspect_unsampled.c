/* Which programs lost their events, from records alone; why, from ids and files alone. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/io.h"
#include "record/inspect/rights.h"
#include "record/inspect/unsampled.h"
#include "tests/unit/check.h"

static struct unsampled_watch watch;

static const struct message_exec *note(enum event_type type, uint32_t pid)
{
	struct event event = { .type = type, .time_ns = 100 + pid, .pid = pid, .tid = pid };

	if (type == EVENT_COMM) {
		event.comm.exec = true;
		snprintf(event.comm.comm, COMM_MAX, "p%u", pid);
	} else if (type == EVENT_LOST) {
		event.lost.source = SOURCE_MAX;
	}
	return unsampled_note(&watch, &event);
}

static void exec_and_exit(void)
{
	memset(&watch, 0, sizeof(watch));
	note(EVENT_COMM, 1);
	note(EVENT_COMM, 2);
	note(EVENT_MMAP, 1);
	note(EVENT_EXIT, 2);
	note(EVENT_EXIT, 1);
	REQUIRE_INT(unsampled_ask(&watch), 1);
	CHECK_UINT(watch.asked[0].pid, 2);
	CHECK_UINT(watch.asked[0].time_ns, 102);
	CHECK_STR(watch.asked[0].comm, "p2");
	CHECK_UINT(watch.n_begun, 0);
}

static void other_events(void)
{
	struct event event = { .type = EVENT_EXIT, .pid = 5, .tid = 6 };

	memset(&watch, 0, sizeof(watch));
	note(EVENT_EXIT, 5); /* began before us */
	note(EVENT_COMM, 5);
	unsampled_note(&watch, &event); /* another thread of it */
	note(EVENT_SAMPLE, 5);
	CHECK_UINT(watch.n_begun, 1);
	note(EVENT_LOST, 0); /* the mapping may have been there */
	note(EVENT_EXIT, 5);
	CHECK_UINT(unsampled_ask(&watch), 0);
}

static void storm(void)
{
	const struct message_exec *refused = NULL;
	uint32_t n = 0, n_refused = 0;

	memset(&watch, 0, sizeof(watch));
	for (uint32_t pid = 1; pid <= 1000; pid++) {
		note(EVENT_COMM, pid);
		refused = note(EVENT_EXIT, pid);
		n_refused += refused != NULL;
	}
	REQUIRE_TRUE(refused != NULL, "the last one");
	CHECK_STR(refused->comm, "p1000");
	CHECK_UINT(n_refused, 1000 - LOST_MAX);
	for (uint32_t more; (more = unsampled_ask(&watch));) {
		CHECK_UINT(watch.asked[0].pid, n + 1);
		n += more;
	}
	CHECK_UINT(n, LOST_MAX);
	for (uint32_t pid = 1; pid <= 1000; pid++)
		note(EVENT_COMM, pid);
	CHECK_UINT(watch.n_begun, BEGUN_MAX);
	note(EVENT_EXIT, 1000);
	CHECK_UINT(unsampled_ask(&watch), 1);
}

static void answers(void)
{
	static const uint8_t reasons[] = { UNSAMPLED_SETGID, UNSAMPLED_REASONS, 1, 1, 1 };

	memset(&watch, 0, sizeof(watch));
	for (uint32_t pid = 1; pid <= 3; pid++) {
		note(EVENT_COMM, pid);
		note(EVENT_EXIT, pid);
	}
	REQUIRE_INT(unsampled_ask(&watch), 3);
	unsampled_take_reasons(&watch, reasons, 2);
	CHECK_UINT(watch.reason[0], UNSAMPLED_SETGID);
	CHECK_UINT(watch.reason[1], UNSAMPLED_UNKNOWN);
	CHECK_UINT(watch.reason[2], UNSAMPLED_UNKNOWN);
	unsampled_take_reasons(&watch, reasons, sizeof(reasons));
	CHECK_UINT(watch.reason[2], UNSAMPLED_SETUID);
}

static const char status_text[] = "Name:\tx Uid:\t1\t1\t1\n"
				  "PPid:\t77\n"
				  "Uid:\t65534\t0\t0\t0\n"
				  "Gid:\t100\t101\t102\t100\n"
				  "Groups:\t4 20 \n"
				  "CapPrm:\t0000000000002000\n"
				  "NoNewPrivs:\t1\n";

static void statuses(void)
{
	char text[2048], *at = text;
	struct rights r;

	REQUIRE_TRUE(rights_parse_status(status_text, &r), "status");
	CHECK_UINT(r.ppid, 77);
	CHECK_UINT(r.uid[0], 65534);
	CHECK_UINT(r.uid[2], 0);
	CHECK_UINT(r.gid[1], 101);
	CHECK_UINT(r.n_groups, 2);
	CHECK_UINT(r.group[1], 20);
	CHECK_TRUE(r.all_groups && r.no_new);
	CHECK_UINT(r.permitted, 0x2000);
	for (size_t cut = 0; cut < sizeof(status_text) - 1; cut++) {
		memcpy(text, status_text, cut);
		text[cut] = 0;
		rights_parse_status(text, &r);
	}
	at += sprintf(at, "\nPPid:\t1\nUid:\t1\t1\t1\nGid:\t1\t1\t1\nCapPrm:\t0\nGroups:\t");
	for (unsigned int i = 0; i < 100; i++)
		at += sprintf(at, "%u ", i);
	REQUIRE_TRUE(rights_parse_status(text, &r), "many groups");
	CHECK_UINT(r.n_groups, RIGHTS_GROUPS_MAX);
	CHECK_TRUE(!r.all_groups);
}

static void judgements(void)
{
	static const struct rights plain = { .uid = { 9, 9, 9 },
					     .gid = { 8, 8, 8 },
					     .all_groups = true },
				   changed = { .uid = { 9, 0, 0 }, .gid = { 8, 8, 8 } },
				   root = { .uid = { 0, 0, 0 }, .gid = { 8, 8, 8 } },
				   other_group = { .uid = { 9, 9, 9 }, .gid = { 8, 5, 5 } },
				   capable = { .uid = { 9, 9, 9 },
					       .gid = { 8, 8, 8 },
					       .gained = true,
					       .all_groups = true },
				   no_new = { .uid = { 9, 9, 9 },
					      .gid = { 8, 8, 8 },
					      .no_new = true,
					      .all_groups = true },
				   some_groups = { .uid = { 9, 9, 9 }, .gid = { 8, 8, 8 } };
	static const struct rights_file setuid = { .mode = S_IFREG | 04755 },
					setgid = { .mode = S_IFREG | 02755 },
					shut = { .mode = S_IFREG | 0711 },
					own_shut = { .mode = S_IFREG | 0111, .uid = 9 },
					shut_setuid = { .mode = S_IFREG | 04711 },
					group_shut = { .mode = S_IFREG | 0715, .gid = 8 },
					open_file = { .mode = S_IFREG | 0755 };
	static const struct {
		const struct rights *rights;
		const struct rights_file *file;
		enum unsampled_reason want;
	} cases[] = {
		{ &plain, NULL, UNSAMPLED_UNKNOWN },
		{ &plain, &open_file, UNSAMPLED_UNKNOWN },
		{ &plain, &setuid, UNSAMPLED_SETUID }, /* it took its rights back */
		{ &plain, &setgid, UNSAMPLED_SETGID },
		{ &plain, &shut, UNSAMPLED_UNREADABLE },
		{ &plain, &own_shut, UNSAMPLED_UNREADABLE },
		{ &plain, &group_shut, UNSAMPLED_UNREADABLE },
		{ &some_groups, &shut, UNSAMPLED_UNKNOWN }, /* one of the others may read it */
		{ &changed, NULL, UNSAMPLED_SETUID },
		{ &root, NULL, UNSAMPLED_UNKNOWN }, /* by capabilities, for all we know */
		{ &root, &setuid, UNSAMPLED_SETUID },
		{ &other_group, NULL, UNSAMPLED_SETGID },
		{ &capable, NULL, UNSAMPLED_UNKNOWN }, /* a setuid program may have kept them */
		{ &capable, &open_file, UNSAMPLED_CAPABILITIES },
		{ &capable, &setuid, UNSAMPLED_SETUID },
		{ &capable, &shut, UNSAMPLED_CAPABILITIES },
		{ &no_new, &setuid, UNSAMPLED_UNKNOWN },
		{ &no_new, &shut_setuid, UNSAMPLED_UNREADABLE },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		CHECK_TRUE(rights_judge(cases[i].rights, cases[i].file) == cases[i].want,
			   "case %zu: %s", i,
			   unsampled_reason_text(rights_judge(cases[i].rights, cases[i].file)));
}

static void gone(void)
{
	struct message_exec exec = { .time_ns = io_monotonic_ns(), .pid = 0x7fffffff };

	CHECK_UINT(rights_look(&exec), UNSAMPLED_UNKNOWN);
	exec.pid = (uint32_t)getpid();
	exec.time_ns = 1; /* somebody else had this pid then */
	CHECK_UINT(rights_look(&exec), UNSAMPLED_UNKNOWN);
}

SUITE(inspect_unsampled,
      { "an exec that ends before anything is mapped lost its events", exec_and_exit },
      { "other ends are none, nor where records were lost", other_events },
      { "what is too much is handed back, in order", storm },
      { "an answer that makes no sense is none", answers },
      { "ids, groups and capabilities are read from a status", statuses },
      { "only what is sure is said", judgements },
      { "a process that is gone, or another one, has no reason", gone }, )
