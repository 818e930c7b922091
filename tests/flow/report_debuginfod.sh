#!/bin/sh
# Debug files of debuginfod servers: asked when told to, and only then; a server that never answers,
# or sends something else, costs a line and the deadline.
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need objcopy readelf strip python3
ls /usr/lib/*/libdebuginfod.so.1 /usr/lib*/libdebuginfod.so.1 >found 2>/dev/null || :
[ -s found ] || skip "libdebuginfod.so.1 is not installed"

cp "$targets/inlined.c" .
"$CC" -O2 -g -DVALUE=1 -Wl,--build-id -static-pie -o program inlined.c ||
	"$CC" -O2 -g -DVALUE=1 -Wl,--build-id -static -o program inlined.c || skip "no static programs here"
mkdir served
objcopy --only-keep-debug program served/program.debug
strip program
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
export XDG_CACHE_HOME="$PWD/cache" no_proxy=127.0.0.1

# A server for each way to go wrong. Says its port in the file "port".
cat >server.py <<'END'
import os, socket, sys, threading
how, bytes_ = sys.argv[1], b""
if how == "file":
    bytes_ = open(sys.argv[2], "rb").read()
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(16)
with open("port.new", "w") as f:
    f.write(str(listener.getsockname()[1]))
os.rename("port.new", "port")
def answer(c):
    try:
        asked = (c.recv(65536).split() + [b"", b""])[1].decode()
        with open("asked", "a") as f:
            f.write(asked + "\n")
        if how == "silent":
            c.recv(1)
        elif how == "file":
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(bytes_) + bytes_)
        elif how == "folder":  # of files like ab12...debuginfo
            name = os.path.join(sys.argv[2], "".join(asked.split("/")[-2:]))
            found = open(name, "rb").read() if os.path.exists(name) else None
            c.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" if found is None else
                      b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(found) + found)
        elif how == "garbage":
            c.sendall(bytes(range(256)) * 99)
        elif how == "long":
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n")
            while True:
                c.sendall(b"x" * 65536)
        elif how == "endless":
            c.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                c.sendall(b"x" * 65536)
        elif how == "slow":
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx")
            c.recv(1)
    except OSError:
        pass
    c.close()
while True:
    c, _ = listener.accept()
    threading.Thread(target=answer, args=(c,), daemon=True).start()
END
server_pid=
serve() {
	rm -rf port asked cache
	python3 server.py "$@" &
	server_pid=$!
	background $server_pid
	for i in $(seq 200); do
		[ -e port ] && break
		sleep 0.05
	done
	url=http://127.0.0.1:$(cat port)
}
stop() {
	kill -9 $server_pid
	wait $server_pid 2>/dev/null || :
}
stacks() {
	timeout 60 "$report" --folded "$@" data >folded 2>said ||
		fail "report $* ended with $?: $(cat said)"
	[ -s folded ] || fail "no stacks: $(cat said)"
}
inlined() {
	grep -q 'outer;inner' folded
}
# said_once TEXT WHAT
said_once() {
	[ "$(grep -c "$1" said)" = 1 ] || fail "$2: want one line with '$1', said: $(cat said)"
}
debuginfod_said() {
	grep 'debuginfod' said | grep -v 'waiting for' || :
}

serve file served/program.debug
(export DEBUGINFOD_URLS=$url; stacks --no-cache)
(export DEBUGINFOD_URLS=$url; stacks --no-cache --debuginfod=no)
stacks --no-cache --debuginfod-urls="$url"
! inlined || fail "names that nobody asked for"
[ ! -e asked ] || fail "a server was asked, and nobody had said so"
pass "without the option no server is asked, whatever DEBUGINFOD_URLS says"

if command -v strace >/dev/null 2>&1 && strace -o calls true 2>/dev/null; then
	# sanitizers look for leaks with ptrace themselves
	ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" DEBUGINFOD_URLS=$url \
		strace -f -e trace=connect,socket -o calls "$report" data >/dev/null 2>&1 ||
		fail "report under strace ended with $?"
	! grep -q 'AF_INET' calls || fail "a connection: $(grep AF_INET calls)"
	pass "nor is any connection made"
fi

(export DEBUGINFOD_URLS=http://127.0.0.1:1; stacks --no-cache --debuginfod="$url")
inlined || fail "no inlined frames: $(head -n 3 folded) $(cat said)"
[ -e asked ] || fail "nobody was asked"
pass "the option's servers go before the environment's, and give inlined frames"
(export DEBUGINFOD_URLS=$url; stacks --no-cache --debuginfod)
inlined || fail "no inlined frames: $(head -n 3 folded) $(cat said)"
"$report" --debuginfod --no-cache --lines --folded data >folded 2>/dev/null
stop
(export DEBUGINFOD_URLS=$url; stacks --no-cache --debuginfod)
inlined || fail "nothing in the library's cache"
pass "a file that came once is there without its server"

stacks --debuginfod
said_once 'DEBUGINFOD_URLS' "no server is known"
pass "without servers a line says what to set"

serve silent
began=$(date +%s)
stacks --no-cache --debuginfod="$url" --debuginfod-timeout=2
took=$(($(date +%s) - began))
[ $took -le 20 ] || fail "a silent server cost $took s"
said_once 'no file after 2.0 s; servers are not asked any more' "a silent server"
stop
pass "a server that never answers costs the deadline, once"

serve slow
stacks --no-cache --debuginfod="$url" --debuginfod-timeout=1.5
said_once 'no file after 1.5 s' "a slow server"
stop
serve long
stacks --no-cache --debuginfod="$url" --debuginfod-max-size=2M
said_once 'more than 2097152 bytes' "a long file"
stop
serve endless
stacks --no-cache --debuginfod="$url" --debuginfod-max-size=2M
said_once 'more than 2097152 bytes' "a file without end"
[ "$(find cache -size +2048k | wc -l)" = 0 ] || fail "left behind: $(find cache -size +2048k)"
stop
pass "slow, long and endless files end at their limits, with a line"

serve file "$report"
stacks --no-cache --debuginfod="$url"
! inlined || fail "names of another build"
said_once 'wanted' "a file of another build"
stop
head -c 3000 served/program.debug >cut
serve file cut
stacks --no-cache --debuginfod="$url"
! inlined || fail "names from half a file"
[ "$(debuginfod_said | wc -l)" -le 1 ] || fail "half a file: $(cat said)"
stop
serve garbage
stacks --no-cache --debuginfod="$url"
! inlined || fail "names from garbage"
[ "$(debuginfod_said | wc -l)" -le 1 ] || fail "garbage: $(cat said)"
stop
pass "another build's file, half a file and garbage cost at most a line"

# ---- programs themselves, and what debug files share ----

id_of() {
	readelf -n "$1" | sed -n 's/.*Build ID: //p'
}
mkdir folder away
"$record" --embed=none -o bare ./program >/dev/null 2>&1 || fail "cannot record"
cp data full
mv bare data
mv program away/
cp away/program "folder/$(id_of away/program)executable"
serve folder folder
stacks --no-cache
cp folded without
stacks --no-cache --debuginfod="$url"
grep -q '/executable' asked || fail "the program is not asked for: $(cat asked)"
# three and more frames: it was unwound through main
deep() {
	awk '{ n = split($1, f, ";"); if (n >= 3) deep += $NF; all += $NF }
		END { print int(100 * deep / all) }' "$1"
}
[ "$(deep folded)" -ge 95 ] || fail "not unwound with the server's program: $(head -n 3 folded)"
[ "$(deep without)" -lt 50 ] || fail "this shows nothing: $(head -n 3 without)"
stop
mv away/program .
mv full data
pass "a program that is not here is unwound with the server's"

if command -v dwz >/dev/null 2>&1; then
	sed 's/inner/inner_of_both_programs/g; s/6000000/3000000/' inlined.c >twin.c
	sed 's/inner/inner_of_both_programs/g' inlined.c >both.c
	# dwz knows no .debug_addr, which clang makes by default
	for version in '' -gdwarf-4; do
		for name in twin both; do
			# shellcheck disable=SC2086 # none is no word
			"$CC" -O2 -g $version -DVALUE=1 -Wl,--build-id -o $name $name.c || fail "$name does not compile"
			objcopy --only-keep-debug $name $name.debug
		done
		! dwz -m common.debug -M "$PWD/absent/common.debug" twin.debug both.debug 2>dwz.err || break
	done
	[ -e common.debug ] || fail "dwz: $(cat dwz.err)"
	strip both
	"$record" -o data ./both >/dev/null 2>&1 || fail "cannot record"
	cp both.debug "folder/$(id_of both)debuginfo"
	serve folder folder
	stacks --no-cache --debuginfod="$url"
	! grep -q 'outer;inner_of_both_programs' folded || fail "dwz kept all in the file itself"
	stop
	cp common.debug "folder/$(id_of common.debug)debuginfo"
	serve folder folder
	stacks --no-cache --debuginfod="$url"
	grep -q 'outer;inner_of_both_programs' folded ||
		fail "names of the shared file: $(head -n 3 folded) $(cat said asked)"
	stop
	"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
	pass "a file shared by debug files (dwz) comes from the server"
fi

command -v debuginfod >/dev/null 2>&1 || { echo "debuginfod is not installed"; exit 0; }
rm -rf cache
id=$(LC_ALL=C readelf -n program | sed -n 's/.*Build ID: //p')
# served PORT: it has scanned the folder
served() {
	python3 -c 'import sys, urllib.request as u
u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=5)' \
		"http://127.0.0.1:$1/buildid/$id/debuginfo" >/dev/null 2>&1
}
for port in 18127 18327 18527 18727; do
	debuginfod -p $port -F -t 0 -g 0 -d :memory: served >log 2>&1 &
	server_pid=$!
	background $server_pid
	for i in $(seq 100); do
		kill -0 $server_pid 2>/dev/null || break
		served $port && break 2
		sleep 0.1
	done
done
url=http://127.0.0.1:$port
stacks --no-cache --debuginfod="$url"
inlined || fail "no inlined frames from debuginfod: $(cat said) $(tail -n 5 log)"
grep -q 'GET /buildid/[0-9a-f]*/debuginfo 200' log || fail "its log: $(tail -n 5 log)"
"$report" --no-cache --debuginfod="$url" --lines --json data >lines 2>said
grep -q '"inlined.c"\|/inlined.c"' lines || fail "no lines: $(head -c 500 lines)"
pass "debuginfod itself: names, inlined frames, lines"
