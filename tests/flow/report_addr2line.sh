#!/bin/sh
# The verb addr2line is a drop-in for that of binutils: what both print is compared byte for byte, perf may use it as
# its own, a pipe is answered line by line, and split files are found.
. "$(dirname "$0")/lib.sh"
need_report
need gcc addr2line readelf

build_target() {
	out=$1
	source=$2
	shift 2
	gcc -std=gnu11 -O2 -g "$@" -o "$out" "$targets/$source" -lpthread -ldl -lm 2>build.log ||
		fail "cannot build $source: $(cat build.log)"
}

# addresses FILE: of each third byte of its functions, and some that are nowhere. Not of what the C library adds: of
# code without debug information binutils names the nearest symbol, we name the one that holds it.
addresses() {
	readelf -sW "$1" | awk '$4 == "FUNC" && $3 > 0 && $7 != "UND" && $8 != "_start" { print $2, $3 }' |
		sort -u >functions
	while read -r start size; do
		seq "$((0x$start))" 3 "$((0x$start + size - 1))"
	done <functions | awk '{ printf "%#x\n", $1 } END { print "0\n0xffffffffffffffff\nnonsense" }'
}

ours() {
	"$report" addr2line "$@"
}

# what both say of the addresses in ./in
compare() {
	addr2line "$@" <in >they 2>they.err || :
	ours "$@" <in >we 2>we.err || :
	same they we "addr2line $* differs"
}

build_target lines lines.c
build_target threads threads.c
for file in lines threads; do
	addresses $file >in
	test "$(wc -l <in)" -gt 50 || fail "no code in $file"
	for options in -a -f -fi -afi -afiC -afis -pfia -pa -afip; do
		compare -e $file $options
	done
done
pass "files and standard input, options -a -f -i -C -s -p: equal to binutils' for each third byte"

for address in 10 0x20 fffff zz; do
	addr2line -afi -e lines -j .text $address >they
	ours -afi -e lines -j .text $address >we
	same they we "-j .text $address differs"
done
for address in main main+0x10 main+16 'holder + 5' nosuch+3 +10 0x10+5 add add+1 , ''; do
	addr2line -af -e lines "$address" >they
	ours -af -e lines "$address" >we
	same they we "'$address' differs"
done
printf 'main\n,\nholder+5\n' >in
compare -afe lines
cat in | ours -afe lines >we
same they we "symbols on a pipe differ"
addresses lines | head -n 50 >in
# shellcheck disable=SC2046 # each is an argument
addr2line -fie lines $(cat in) >they
# shellcheck disable=SC2046
ours -fie lines $(cat in) >we
same they we "addresses as arguments differ"
ours -e nowhere 0x10 >we 2>we.err && fail "a file that is not there is no failure"
grep -q "nowhere" we.err || fail "does not say which file: $(cat we.err)"
pass "sections, symbols, arguments, a missing file"

# a unit whose line program is long enough to be run in a thread of its own
awk 'BEGIN {
	print "volatile int x;"
	for (f = 0; f < 300; f++) {
		printf "int f%d(int y)\n{\n", f
		for (i = 0; i < 100; i++)
			print "x += y; x -= y + 1;"
		print "return x;\n}"
	}
	print "int main(void) { return f1(1); }"
}' >long.c
gcc -O0 -g -o long long.c
test "$((0x$(readelf -SW long | awk '{ sub(/^ *\[ *[0-9]+\]/, "") } $1 == ".debug_line" { print $5 }')))" -gt 131072 ||
	fail "the line program is too short for this test"
addresses long | awk 'NR % 31 == 0' >in
compare -afie long
pass "a long line program"

# ---- a pipe: one question, its answer, the next question ----

addresses lines >in
mkfifo ask say
ours -fi -e lines <ask >say 2>talk.err &
background $!
exec 5>ask 6<say
for address in $(sed -n '1p;20p;7p;7p' in); do
	echo "$address" >&5
	addr2line -fi -e lines "$address" >they
	: >we
	while test "$(wc -l <we)" -lt "$(wc -l <they)"; do
		IFS= read -r line <&6 || fail "no answer to $address: $(cat talk.err)"
		printf '%s\n' "$line" >>we
	done
	same they we "the answer to $address on a pipe differs"
done
exec 5>&-
IFS= read -r line <&6 && fail "says '$line' after the last answer"
exec 6<&-
pass "a pipe is answered before the next address is asked"

# ---- further files ----

addresses threads >in
ours -afi -e threads <in >whole
build_target threads-split threads.c -gsplit-dwarf
addresses threads-split >in
ours -afi -e threads-split <in >we
same whole we "names of split debug information differ from those of the whole"
mkdir elsewhere
mv ./*.dwo elsewhere/
ours -afi -e threads-split <in >we 2>/dev/null
cmp -s whole we && fail "the .dwo files are gone and yet everything is known"
ours --debug-dir elsewhere -afi -e threads-split <in >we
same whole we "--debug-dir does not find .dwo files"
pass ".dwo files at their place and below --debug-dir"

build_target lines-id lines.c -Wl,--build-id=sha1
objcopy --only-keep-debug lines-id elsewhere/lines.debug
strip -o lines-bare lines-id
addresses lines-id >in
ours -afi -e lines-id <in >whole
ours --debug-dir elsewhere -afi -e lines-bare <in >we
same whole we "a stripped file with its debug file below --debug-dir"
ours --debug-dir elsewhere --no-cache -afi -e lines-bare <in >we
same whole we "the same with --no-cache"
pass "a debug file by build-id"

if command -v dwz >/dev/null 2>&1; then
	mkdir together
	cp lines-id together/a
	build_target together/b frames.c -Wl,--build-id=sha1
	if (cd together && dwz -q -m common.debug -M common.debug a b) >dwz.log 2>&1 && test -f together/common.debug; then
		ours -afi -e together/a <in >we
		same whole we "names of a file whose common entries dwz moved"
		pass "a dwz alternate beside the file"
	fi
fi

# ---- damage ----

offset=$(readelf -SW lines | awk '{ sub(/^ *\[ *[0-9]+\]/, "") } $1 == ".debug_info" { print $4 }')
cp lines damaged
printf '\377\377' | dd of=damaged bs=1 seek=$((0x$offset + 4)) conv=notrunc 2>/dev/null # the unit's version
addresses lines >in
ours -fe damaged <in >we 2>we.err || fail "damage ends it: $(cat we.err)"
test "$(wc -l <we)" = "$(($(wc -l <in) * 2))" || fail "not an answer for each address of a damaged file"
grep -qx main we || fail "the symbol table is not asked where debug information is damaged"
test "$(wc -l <we.err)" = 1 && grep -q "DWARF version 65535" we.err || fail "damage is not said once: $(cat we.err)"
cat in | ours -fe damaged >they 2>we.err
same we they "a pipe answers otherwise about a damaged file"
test "$(wc -l <we.err)" = 1 || fail "damage is not said once on a pipe: $(cat we.err)"
pass "damage is said once, and the symbol table answers"

# ---- perf ----

command -v perf >/dev/null 2>&1 || exit 0
mkdir path
cat >path/addr2line <<EOF
#!/bin/sh
echo "\$@" >>"$tmp/perf.asked"
exec "$report" addr2line "\$@"
EOF
chmod +x path/addr2line
perf record -q -e cpu-clock -F 999 -g -o perf.data ./lines 200 >/dev/null 2>&1 || exit 0 # not allowed here
perf script -i perf.data -F comm,ip,sym,srcline --inline >they 2>/dev/null || exit 0
PATH="$tmp/path:$PATH" perf script -i perf.data -F comm,ip,sym,srcline --inline >we 2>/dev/null ||
	fail "perf script fails with our addr2line"
same they we "perf script prints something else with our addr2line"
if test -s perf.asked; then
	pass "perf script prints the same with it as its addr2line ($(wc -l <perf.asked) started)"
fi
