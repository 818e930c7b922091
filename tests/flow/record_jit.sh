#!/bin/sh
# Files that claim to describe code: used only when they are the process's own, and said otherwise.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

compile jitted.c jitted

# Starts the program with its files planted first: `plant PATH`, PATH being its perf map.
cat >start.sh <<'END'
map=/tmp/perf-$$.map
echo "$map" >map
. ./plant.sh
exec ./jitted none "$1" 300
END

# planted WHAT REASON: records; the one line says REASON, nothing hangs, nothing is named
planted() {
	begin=$(date +%s)
	rm -f rec
	"$record" -F 199 -o rec -- sh start.sh 4 >out 2>err || fail "$1: $(cat err)"
	map=$(cat map)
	rm -rf "$map" "$map.other"
	[ $(($(date +%s) - begin)) -le 8 ] || fail "$1: it took too long"
	grep -q "perf map '$map' $2: not used" err || fail "$1: not said: $(cat err)"
	[ "$(grep -c "perf map" err)" = 1 ] || fail "$1: said more than once: $(cat err)"
	"$report" --inline=no --folded rec >folded 2>report.log || fail "$1: $(cat report.log)"
	"$report" info rec 2>/dev/null | grep -q "perf map '$map' $2" || fail "$1: info does not say it"
	grep -q planted folded && fail "$1: used"
	pass "$1"
}

line='echo "0 7fffffffffff planted" >"$map"' # of no size that is accepted, but a line
echo 'mkfifo "$map"' >plant.sh
planted "a FIFO" "is not a regular file"
echo "$line"'; mv "$map" "$map.other"; ln -s "$map.other" "$map"' >plant.sh
planted "a symbolic link" "is a symbolic link"
echo "$line"'; ln "$map" "$map.other"' >plant.sh
planted "a hard link" "has 2 names, expected 1"
echo "$line"'; chmod 666 "$map"' >plant.sh
planted "a file that anybody can write" "can be written by others than its owner, mode 0666"
echo 'truncate -s 10G "$map"' >plant.sh
planted "a sparse file of 10 GiB" "has 10240 MiB, limit is 64 MiB"
echo 'mkdir "$map"' >plant.sh
planted "a directory" "is not a regular file"
if [ "$(id -u)" = 0 ]; then
	echo "$line"'; chown 65534 "$map"' >plant.sh
	planted "a file of another user" "belongs to uid 65534, not to the process's uid 0"
fi

# lines that make no sense are counted; a map that is written anew begins anew
cat >plant.sh <<'END'
{ echo "garbage"; echo "1000 0 empty"; printf '1000 10 \0zero\n'; head -c 300000 /dev/zero | tr '\0' x; echo
  echo "1000 10 sound"; printf '1000 10 cut'; } >"$map"
(sleep 0.6; echo "2000 10 anew" >"$map") &
END
rm -f rec
"$record" -F 199 -o rec -- sh start.sh 8 >out 2>err || fail "$(cat err)"
rm -f "$(cat map)"
grep -q "has 4 lines that make no sense, of 6" err || fail "malformed lines: $(cat err)"
pass "malformed lines are left out and counted"

# the inspector dies: another one goes on where it was
"$record" -F 499 -o rec -- ./jitted dump 300 8 . >out 2>err &
pid=$!
background $pid
sleep 1 # of 2.3 s: some codes are read, others are not
for child in $(cat "/proc/$pid/task/$pid/children"); do
	grep -qx ddprof-record "/proc/$child/comm" && kill -9 "$child"
done
wait $pid || fail "$(cat err)"
"$report" --inline=no --folded rec >folded 2>report.log || fail "$(cat report.log)"
[ "$(grep -c 'native_[0-7];made_' folded)" -ge 8 ] || fail "names are missing: $(head -n 20 folded)"
grep -q '\[anon\]' folded && fail "code without a name: $(grep anon folded)"
pass "an inspector that dies is replaced, and reads on"

# a process with a root, a /tmp and a number of its own
if unshare -mpf true 2>/dev/null; then
	cat >inside.sh <<END
mount -t tmpfs none /tmp || exit 1
cp jitted /tmp
exec /tmp/jitted map 30 30 /tmp
END
	"$record" -F 499 -o rec -- unshare -mpf sh -c "cd '$tmp' && exec sh inside.sh" >out 2>err || fail "$(cat err)"
	if grep -q '^share' out; then
		"$report" --inline=no --folded rec >folded 2>report.log || fail "$(cat report.log)"
		grep -q 'native_7;made_7' folded || fail "no names in namespaces: $(head -n 5 folded)"
		[ ! -e "/tmp/perf-$(awk '$1 == "pid" { print $2 }' out).map" ] || fail "it was our own /tmp"
		pass "a perf map in namespaces of its own"
	fi
fi
