#include "record/watcher/watcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tests/unit/check.h"

static struct watcher one(const char *text)
{
	struct watchers ws = { .n = 0 };
	struct err err = { .code = 0 };

	if (watchers_add(&ws, text, &err) < 0 || ws.n != 1)
		CHECK_STR(err.text, text);
	return ws.n ? ws.watcher[0] : (struct watcher){ .kind = watcher_kinds() };
}

static void names(void)
{
	struct watcher w = one("sCPU");

	CHECK_STR(w.name, "sCPU");
	CHECK_STR(w.label, "sCPU");
	CHECK_INT(w.frequency_hz, 99);
	CHECK_INT(w.period, 0);
	CHECK_TRUE(!w.rate_given);
	CHECK_STR(one("task-clock").name, "sCPU");
	CHECK_STR(one("cpu-clock").name, "sCPU");
	CHECK_STR(one("cs").name, "sCS");
	CHECK_TRUE(one("cycles:u").user_only);
	CHECK_TRUE(!one("cycles:uk").user_only);
	CHECK_STR(one("e=sPF:u,l=mine").label, "mine");
	CHECK_STR(one("event=hCPU label=cycles").label, "cycles");
	CHECK_INT(one("sPF").period, 1);
	w = one("sched:sched_switch");
	CHECK_INT(w.kind->class, WATCHER_TRACEPOINT);
	CHECK_STR(w.name, "sched:sched_switch");
	CHECK_INT(w.period, 1);
	CHECK_STR(one("e=sched:sched_switch").name, "sched:sched_switch");
	CHECK_STR(one("event=sched_switch,group=sched").name, "sched:sched_switch");
	w = one("id=317 label=mine");
	CHECK_INT(w.config, 317);
	CHECK_STR(w.name, "id:317");
}

static void values(void)
{
	struct watcher w = one("sCPU,p=50");

	CHECK_INT(w.frequency_hz, 50);
	CHECK_TRUE(w.rate_given);
	CHECK_INT(one("sPF p=0x10").period, 16);
	w = one("sPF f=10");
	CHECK_INT(w.frequency_hz, 10);
	CHECK_INT(w.period, 0);
	w = one("sALLOC period=-524288 mode=sl");
	CHECK_INT(w.period, 524288);
	CHECK_TRUE(w.deterministic);
	CHECK_INT(w.mode, WATCHER_MODE_SUM | WATCHER_MODE_LIVE);
	CHECK_INT(one("sALLOC m=A").mode, WATCHER_MODE_SUM | WATCHER_MODE_LIVE);
	CHECK_INT(one("sALLOC m=2").mode, WATCHER_MODE_LIVE);
	w = one("a:b raw_offset=16 raw_size=4 scale=0.5");
	CHECK_INT(w.value, WATCHER_VALUE_RAW);
	CHECK_INT(w.value_at, 16);
	CHECK_INT(w.value_bytes, 4);
	CHECK_TRUE(w.scale == 0.5);
	w = one("a:b n=1");
	CHECK_INT(w.value, WATCHER_VALUE_REGISTER);
#ifdef __x86_64__
	CHECK_INT(w.value_at, 5);		 /* rdi */
	CHECK_INT(one("a:b r=2").value_at, 2);	 /* rcx */
	CHECK_INT(one("a:b r=19").value_at, 15); /* r15 */
#endif
	CHECK_INT(one("sCPU st=16000").stack_bytes, 16000);
}

static void lists(void)
{
	struct watchers ws = { .n = 0 };
	struct err err = { .code = 0 };

	REQUIRE_INT(watchers_add(&ws, " sCPU ; ;sPF,p=3;\n", &err), 0);
	REQUIRE_INT(ws.n, 2);
	CHECK_STR(ws.watcher[1].name, "sPF");
	CHECK_INT(watchers_add(&ws, "sCPU f=5", &err), -EINVAL);
	CHECK_HAS(err.text, "Duplicate event found in input: sCPU f=5");
	CHECK_INT(watchers_add(&ws, "sCPU f=5 label=slow", &err), 0);
	watchers_set_frequency(&ws, 199);
	CHECK_INT(ws.watcher[0].frequency_hz, 199);
	CHECK_INT(ws.watcher[1].frequency_hz, 0);
	CHECK_INT(ws.watcher[2].frequency_hz, 5);
	watchers_set_period(&ws, 100);
	CHECK_INT(ws.watcher[0].frequency_hz, 0);
	CHECK_INT(ws.watcher[0].period, 10000); /* ns: the clock does not tick more often */
	CHECK_INT(ws.watcher[1].period, 3);
	CHECK_INT(ws.watcher[2].frequency_hz, 5);
	ws.n = 0;
	CHECK_INT(watchers_add(&ws, "i=1;i=2;i=3;i=4;i=5;i=6;i=7;i=8;i=9;i=10;i=11", &err), -E2BIG);
}

static void presets(void)
{
	struct watchers ws = { .n = 0 };
	struct err err = { .code = 0 };

	REQUIRE_INT(watchers_add_preset(&ws, "default", true, &err), 0);
	REQUIRE_INT(ws.n, 1);
	REQUIRE_INT(watchers_add_preset(&ws, "cpu_live_heap", false, &err), 0);
	REQUIRE_INT(ws.n, 2);
	CHECK_INT(ws.watcher[1].mode, WATCHER_MODE_SUM | WATCHER_MODE_LIVE);
	CHECK_INT(watchers_add_preset(&ws, "cpu", false, &err), -EINVAL);
	CHECK_HAS(err.text, "Unknown preset (cpu)");
}

static void wrong_texts(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "'' names no event" },
		{ ";,;", "';,;' names no event" },
		{ "sWRONG", "Invalid event/tracepoint (sWRONG)" },
		{ "scpu", "Invalid event/tracepoint (scpu)" },
		{ "cycles:pp", "'cycles:pp': of perf's modifiers only u" },
		{ "cycles:k", "'cycles:k': the kernel alone" },
		{ "cs:u", "event 'sCS' happens in the kernel" },
		{ "r1a8", "Invalid event/tracepoint (r1a8): perf's raw codes" },
		{ "cpu/cycles/", "Invalid event/tracepoint (cpu/cycles/): perf's raw" },
		{ "sCPU id=5", "event 'sCPU' has no id" },
		{ "sCPU sPF", "Invalid event/tracepoint (sPF)" },
		{ "sCPU x=1", "'x' is no key" },
		{ "sCPU f=0", "'f=0': expected 1 to 100000" },
		{ "sCPU f=1e3", "'f=1e3': expected" },
		{ "sCPU f=99999999999999999999", "'f=99999999999999999999': expected" },
		{ "sPF p=0", "'p=0': a period is at least 1" },
		{ "sCPU f=9 p=9", "event 'sCPU': period and frequency exclude" },
		{ "sCPU p=-9", "event 'sCPU': 'period=-9': only sALLOC" },
		{ "sCPU p=100001", "event 'sCPU': 'period=100001' is a frequency here" },
		{ "sCPU o=1", "event 'sCPU': only tracepoints have raw values" },
		{ "a:b o=1 n=1", "'n=1': arg_num, register and raw_offset exclude" },
		{ "a:b z=4", "event 'a:b': raw_size needs raw_offset" },
		{ "a:b o=1 z=3", "'z=3': expected 1, 2, 4 or 8" },
		{ "a:b n=9", "'n=9': expected 1 to" },
		{ "a:b:c", "Invalid event/tracepoint (a:b:c)" },
		{ "../a:b", "Invalid event/tracepoint (../a:b)" },
		{ "g=a", "Invalid event/tracepoint (a:)" },
		{ "label=x", "an event without name" },
		{ "sCPU l=1x", "'l=1x': a label does not start with a digit" },
		{ "sCPU m=l", "event 'sCPU': only sALLOC has a live mode" },
		{ "sALLOC m=x", "'m=x': expected s" },
		{ "sALLOC f=9", "event 'sALLOC' has no frequency" },
		{ "sCPU st=12", "'st=12': expected a multiple of 8" },
		{ "sCPU st=65536", "'st=65536': expected 8 to 65528" },
		{ "sCPU s=nan", "'s=nan': expected a number" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct watchers ws = { .n = 0 };
		struct err err = { .code = 0 };

		CHECK_INT(watchers_add(&ws, bad[i].text, &err), -EINVAL);
		err.text[strlen(bad[i].says)] = 0;
		CHECK_STR(err.text, bad[i].says);
		CHECK_INT(ws.n, 0);
	}
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void tracefs(void)
{
	char root[] = "/tmp/ddprof-tracefs-XXXXXX", path[256], format[256];
	struct watchers ws = { .n = 0 };
	struct err err = { .code = 0 };

	REQUIRE_TRUE(mkdtemp(root) != NULL);
	snprintf(path, sizeof(path), "%s/sched", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/sched/sched_switch", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/sched/sched_switch/id", root);
	put(path, "317\n");

	REQUIRE_INT(watchers_add(&ws, "sched:sched_switch;sCPU", &err), 0);
	CHECK_INT(watchers_resolve(&ws, (const char *const[]){ "/nowhere", root, NULL }, &err), 0);
	CHECK_INT(ws.watcher[0].config, 317);

	snprintf(format, sizeof(format), "%s/sched/sched_switch/format", root);
	put(format, "name: sched_switch\nformat:\n\tfield:int common_pid;\toffset:4;\tsize:4;\n"
		    "\n\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
		    "\tfield:pid_t pid;\toffset:32;\tsize:4;\tsigned:1;\n\tfield:x");
	const char *const roots[] = { "/nowhere", root, NULL };
	CHECK_INT(watcher_take_field(&ws.watcher[0], "pid", roots, &err), 0);
	CHECK_INT(ws.watcher[0].value, WATCHER_VALUE_RAW);
	CHECK_INT(ws.watcher[0].value_at, 32);
	CHECK_INT(ws.watcher[0].value_bytes, 4);
	CHECK_INT(watcher_take_field(&ws.watcher[0], "comm", roots, &err), -EBADMSG);
	CHECK_INT(watcher_take_field(&ws.watcher[0], "d", roots, &err), -ENOENT);
	CHECK_INT(watcher_take_field(&ws.watcher[0], "x", roots, &err), -ENOENT);
	CHECK_INT(watcher_take_field(&ws.watcher[0], "pid", roots + 2, &err), -ENODEV);
	unlink(format);

	ws.n = 0;
	REQUIRE_INT(watchers_add(&ws, "sched:sched_swich", &err), 0);
	CHECK_INT(watchers_resolve(&ws, (const char *const[]){ root, NULL }, &err), -ENOENT);
	CHECK_HAS(err.text, "near are sched_switch");
	CHECK_INT(watchers_resolve(&ws, (const char *const[]){ "/nowhere", NULL }, &err), -ENODEV);
	CHECK_HAS(err.text, "mount -t tracefs");

	unlink(path);
	snprintf(path, sizeof(path), "%s/sched/sched_switch", root);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/sched", root);
	rmdir(path);
	rmdir(root);
}

SUITE(record_watcher, { "events by the model's names, perf's, and tracepoints", names },
      { "rates, values and modes by key", values },
      { "several events, each once; --frequency is for those without their own", lists },
      { "a preset adds what is not named yet", presets },
      { "wrong text is refused with the word and what was expected", wrong_texts },
      { "ids of tracepoints are found below tracefs, or the remedy is said", tracefs }, )
