#!/bin/sh
# A stripped program: `missing` says what it lacks and where to get that, and nothing any more once
# its debug file is there. A recording of another system is not judged by this one's packages.
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need objcopy strip python3 readelf

cat >spin.c <<'END'
#include <stdio.h>
static __attribute__((noinline)) unsigned spin(unsigned x)
{
	for (int i = 0; i < 50; i++)
		x = x * 1664525u + 1013904223u ^ (x >> 7);
	return x;
}
int main(void)
{
	unsigned x = 1;
	for (long i = 0; i < 6000000; i++)
		x = spin(x);
	printf("%u\n", x);
}
END
"$CC" -O2 -g -Wl,--build-id -o program spin.c || fail "does not compile"
id=$(readelf -n program | sed -n 's/.*Build ID: //p')
mkdir debug
objcopy --only-keep-debug program debug/program.debug
strip program
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
export XDG_CACHE_HOME="$PWD/cache"

missing() {
	"$report" missing --no-cache "$@" >shown 2>said || fail "missing ended with $?: $(cat said)"
}

missing data
grep -q "  $PWD/program\$" shown || fail "the program is not listed: $(cat shown)"
grep -q "build-id  $id\$" shown || fail "not its build-id: $(cat shown)"
grep -q 'lacks .*names.*lines' shown || fail "not what it lacks: $(cat shown)"
grep -q 'get .*keep the file' shown || fail "not what to do: $(cat shown)"
missing --debug-dir debug data
! grep -q "$PWD/program\$" shown || fail "still listed with its debug file: $(cat shown)"
pass "a stripped program is missing until its debug file is there"

"$report" --no-cache data >shown 2>&1
grep -q '% of samples are in [0-9]* files* without names or lines: ddprof-report missing data$' \
	shown || fail "show does not say so: $(tail -n 3 shown)"
"$report" --no-cache --debug-dir debug data >shown 2>&1
! grep -q 'without names or lines' shown || fail "show says so of nothing: $(tail -n 3 shown)"
pass "show names the verb when something is missing"

export DEBUGINFOD_URLS="ima:permissive http://127.0.0.1:9//  http://localhost:9 "
missing --urls data
grep -qx "http://127.0.0.1:9/buildid/$id/debuginfo" shown || fail "no address: $(cat shown)"
grep -qx "http://localhost:9/buildid/$id/debuginfo" shown || fail "no second one: $(cat shown)"
! grep -qv '^http://[^ ]*/buildid/[0-9a-f]*/debuginfo$' shown || fail "other lines: $(cat shown)"
# as 'wget -i' leaves them
mkdir fetched
cp debug/program.debug fetched/debuginfo.1
missing --debug-dir fetched --urls data
! grep -q "$id" shown || fail "an address of what is there: $(cat shown)"
pass "addresses of debug files, one a line; what came is found under any name"

missing --json data
python3 - "$PWD/program" "$id" <<'END' || fail "JSON: $(cat shown)"
import json, sys
j = json.load(open("shown"))
m = [m for m in j["modules"] if m["path"] == sys.argv[1]]
assert j["format"] == "ddprof-report missing" and j["version"] == 1
assert len(m) == 1 and m[0]["build_id"] == sys.argv[2]
m = m[0]
assert m["names"] != "all" and m["lines"] is False and m["file"] is True, m
assert m["self"] > j["samples"] / 2 and m["self"] <= m["total"] <= j["samples"], m
assert len(m["urls"]) == 2 and m["advice"], m
END
unset DEBUGINFOD_URLS
status=0
"$report" missing --urls data >shown 2>said || status=$?
[ $status = 2 ] && grep -q DEBUGINFOD_URLS said || fail "no server: status $status, $(cat said)"
missing --json --debug-dir debug data
python3 -c 'import json; json.load(open("shown"))' || fail "JSON without server: $(cat shown)"
pass "JSON has what the table has"

"$report" info --no-cache --json --debug-dir debug data >shown
python3 - "$PWD/program" "$PWD/debug/program.debug" <<'END' || fail "info: $(cat shown)"
import json, sys
j = json.load(open("shown"))
m = [m for m in j["modules"] if m["path"] == sys.argv[1]][0]
assert m["names"] == "all" and m["lines"] is True, m
assert sys.argv[2].endswith(m["names_from"].split("/")[-1]), m
assert isinstance(j["advice"], list)
END
"$report" info --no-cache --debug-dir debug data >shown
grep -q "$PWD/program: names and lines, from .*program.debug" shown || fail "info: $(cat shown)"
pass "info says where names came from"

"$CC" -O2 -g -gsplit-dwarf -Wl,--build-id -c -o split.o spin.c &&
	"$CC" -O2 -g -Wl,--build-id -o split split.o || fail "does not compile in parts"
mkdir parts
mv split.dwo parts/
"$record" -o data.split ./split >/dev/null 2>&1 || fail "cannot record"
for run in first second; do
	"$report" missing data.split >shown 2>said || fail "missing ended with $?: $(cat said)"
	grep -q 'lacks .*1 file of its debug information' shown ||
		fail "$run: no word of the .dwo: $(cat shown)"
done
"$report" missing --debug-dir parts data.split >shown 2>said
! grep -q "$PWD/split\$" shown || fail "still listed with its .dwo: $(cat shown)"
pass "parts of debug information are missed, and found"

id_here=$(. /etc/os-release 2>/dev/null && echo "${ID:-}")
"$report" info --json data >shown
python3 - "$id_here" <<'END' || fail "system of the recording: $(head -c 600 shown)"
import json, sys
os = json.load(open("shown"))["manifest"].get("os", "")
assert os.split(" ")[0] == sys.argv[1], os
END
pass "the recording names its system"

# Another system, as far as the recorder can tell.
printf 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.3"\nPRETTY_NAME="Rocky 9"\n' >other
unshare -m sh -c 'mount --bind other "$(readlink -f /etc/os-release)" && exec "$@"' sh \
	"$record" -o data.other ls -R /usr/lib >/dev/null 2>&1 ||
	exit 0 # not allowed here
missing --json --no-local-files data.other
python3 - <<'END' || fail "another system: $(cat shown)"
import json
j = json.load(open("shown"))
assert j["os"] == {"id": "rocky", "version": "9.3", "name": "Rocky 9"}, j["os"]
for m in j["modules"]:
    i = m["build_id"]
    if i:
        assert m["package"] == "" and m["command"].startswith("dnf "), m
        assert f"/.build-id/{i[:2]}/{i[2:]}.debug" in m["command"], m
END
pass "files of another system are asked for in its words"
