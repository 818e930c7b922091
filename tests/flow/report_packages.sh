#!/bin/sh
# A stripped program, its debug file in a package: names, inlined frames and lines come out as from the
# unpacked file, whatever packed it. A damaged package is said in one line and costs its own names alone.
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need objcopy strip ar tar xz gzip

cp "$targets/inlined.c" .
"$CC" -O2 -g -DVALUE=1 -Wl,--build-id -o program inlined.c || fail "does not compile"
mkdir plain tree
objcopy --only-keep-debug program plain/program.debug
objcopy --compress-debug-sections=none plain/program.debug
strip program
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"

# stacks OPTIONS...: ./folded and ./said; nothing is kept from run to run
stacks() {
	"$report" --folded --lines --no-cache "$@" data >folded 2>said ||
		fail "report ended with $?: $(cat said)"
	[ -s folded ] || fail "no stacks: $(cat said)"
}
# equal WHAT FOLDER: the same as from the plain file
equal() {
	stacks --debug-dir "$2"
	same truth folded "$1: other stacks than with the plain file"
	[ ! -s said ] || fail "$1: $(cat said)"
	pass "$1"
}
stacks
grep -q inner folded && fail "names without a debug file: $(head -n 3 folded)"
cp folded nameless
stacks --debug-dir plain
cp folded truth
grep -q 'outer inlined.c:10;inner inlined.c:5' truth || fail "no inlined frames: $(head -n 3 truth)"

# ---- .deb ----

mkdir -p tree/usr/lib/debug/.build-id/12 tree/usr/share/doc tree/DEBIAN
cp plain/program.debug tree/usr/lib/debug/.build-id/12/34.debug
seq 100000 >tree/usr/share/doc/text
printf 'Package: x-dbg\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' \
	>tree/DEBIAN/control
if command -v dpkg-deb >/dev/null; then
	for how in xz zstd gzip none; do
		mkdir "deb-$how"
		dpkg-deb -Z$how -b tree "deb-$how/x.deb" >/dev/null 2>&1 || {
			echo "not tested: dpkg-deb -Z$how"
			continue
		}
		equal ".deb packed with $how" "deb-$how"
	done
fi

# deb FILE DATA: data.tar.* in a .deb
deb() {
	echo 2.0 >debian-binary
	: >control.tar
	rm -f "$1"
	ar rcS "$1" debian-binary control.tar "$2"
}

# Everything a tar may hold, and names that lead elsewhere: "escape" must not come to be.
mkdir -p odd/a odd-deb
cp plain/program.debug odd/a/first
truncate -s +3M odd/a/first
ln odd/a/first odd/a/hard
ln -s ../../../escape odd/a/soft
ln -s loop odd/a/loop
mkfifo odd/a/fifo
cp /dev/null odd/a/empty
printf '\177ELF' >odd/a/elf
tar -C odd --sparse --transform 's|^a|../../../../../../..'"$tmp"'/escape|' -P -cf data.tar a
gzip -f data.tar
deb odd-deb/odd.deb data.tar.gz
equal "links, pipes, holes and names that lead elsewhere" odd-deb
[ ! -e escape ] || fail "a member reached the file system"

# ---- .rpm ----

if command -v rpmbuild >/dev/null; then
	for how in w6.xzdio w3.zstdio w6.gzdio; do
		cat >x.spec <<EOF
Name: x-debuginfo
Version: 1
Release: 1
Summary: x
License: x
%global __os_install_post %{nil}
%global debug_package %{nil}
%global _binary_payload $how
%description
x
%install
mkdir -p %{buildroot}/usr
cp -r $tmp/tree/usr/. %{buildroot}/usr
%files
/usr
EOF
		mkdir -p "rpm-$how"
		rpmbuild -bb --define "_topdir $tmp/top" --define "_rpmdir $tmp/rpm-$how" x.spec \
			>rpmbuild.log 2>&1 || {
			echo "not tested: rpmbuild with $how: $(tail -n 1 rpmbuild.log)"
			continue
		}
		equal ".rpm packed with $how" "rpm-$how"
	done
fi

# ---- split debug information ----

mkdir split split-dir split-deb
"$CC" -O2 -g -gsplit-dwarf -DVALUE=1 -Wl,--build-id -o split/program inlined.c || fail "does not compile: split"
find . -name '*.dwo' -not -path './split-dir/*' -exec mv {} split-dir/ ';'
objcopy --only-keep-debug split/program split-dir/program.debug
strip split/program
tar -C split-dir -cf data.tar .
deb split-deb/split.deb data.tar
mv data data.whole
"$record" -o data split/program >/dev/null 2>&1 || fail "cannot record: split"
mv truth truth.whole
stacks --debug-dir split-dir
mv folded truth
grep -q 'outer inlined.c:10;inner inlined.c:5' truth || fail "split: no inlined frames: $(head -n 3 truth)"
equal "split debug information, all of it in a package" split-deb
mv data.whole data
mv truth.whole truth

# ---- damage ----

tar -C tree -cf data.tar usr
xz -1fk data.tar
mkdir good bad
deb good/good.deb data.tar.xz
size=$(stat -c %s good/good.deb)
step=$((size / 9))
n=100
while [ "$n" -lt "$((size - 64))" ]; do
	head -c "$n" good/good.deb >bad/bad.deb
	stacks --debug-dir bad
	[ "$(wc -l <said)" = 1 ] && grep -q "bad.deb': " said || fail "cut at $n: $(cat said)"
	cmp -s folded truth || same nameless folded "cut at $n: neither all names nor none"
	n=$((n + step))
done
pass "a cut package is said in one line"

cp good/good.deb bad/bad.deb
printf 'XXXXXXXXXXXXXXXX' | dd of=bad/bad.deb bs=1 seek=3000 conv=notrunc 2>/dev/null
cp good/good.deb bad/good.deb
stacks --debug-dir bad
same truth folded "a damaged package beside a good one: other stacks"
grep -q "bad.deb': damaged after [0-9]* members" said || fail "damage is not said: $(cat said)"
pass "a damaged package costs its own names alone"

rm bad/*
cp plain/program.debug odd/big
truncate -s 300M odd/big
tar -C odd -cf - big | gzip >data.tar.gz
deb bad/bomb.deb data.tar.gz
cp good/good.deb bad/good.deb
stacks --debug-dir bad
same truth folded "a bomb beside a good package: other stacks"
grep -q "bomb.deb': unpacks to more than" said || fail "no limit is named: $(cat said)"
pass "a bomb stops at a limit that is named"

# ---- without the library ----

mkdir nolib
echo nothing >nolib/libarchive.so.13
LD_LIBRARY_PATH=$PWD/nolib "$report" --folded --lines --no-cache --debug-dir good data >folded 2>said ||
	fail "without libarchive: report ended with $?: $(cat said)"
same nameless folded "without libarchive: names"
grep -q 'packages cannot be read: libarchive.so.13 is not installed' said ||
	fail "nothing says what is missing: $(cat said)"
[ "$(wc -l <said)" = 1 ] || fail "said more than once: $(cat said)"
pass "without libarchive it is said what to install"

# ---- the second run ----

export XDG_CACHE_HOME="$PWD/kept"
"$report" --folded --lines --debug-dir good data >folded 2>said
same truth folded "the run that fills the index: other stacks"
rm -rf kept/ddprof/answers
"$report" --folded --lines --debug-dir good data >folded 2>said
same truth folded "a member by its number: other stacks"
cp -p good/good.deb good/copy.deb
rm good/good.deb
"$report" --folded --lines --debug-dir good data >folded 2>said
same truth folded "a package of another name: other stacks"
pass "the index leads to members"
