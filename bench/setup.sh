#!/bin/sh
# Installs what the measurements need and builds the workloads under $BENCH
# (default ${TMPDIR:-/tmp}/ddprof-bench). What is there already is kept. SKIP_APT=1: no packages.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BENCH=${BENCH:-${TMPDIR:-/tmp}/ddprof-bench}
mkdir -p "$BENCH/bin" "$BENCH/src" "$BENCH/data" "$BENCH/out" "$BENCH/in"

say() {
	echo "setup: $*" >&2
}

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	# sqlite3 is built here from Debian's source package: let apt offer sources
	sources=/etc/apt/sources.list.d/debian.sources
	if [ -f $sources ] && ! grep -q '^Types:.*deb-src' $sources; then
		sed -i 's/^Types: deb$/Types: deb deb-src/' $sources
	fi
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends linux-perf gcc g++ make dpkg-dev tcl \
		clang-14 graphicsmagick graphicsmagick-dbg redis-server redis-tools \
		openjdk-17-jdk-headless openjdk-17-dbg libc6-dbg golang-go
}

[ -n "${SKIP_APT:-}" ] || install_packages

cd "$BENCH/src"
sqlite=$(find . -maxdepth 1 -type d -name 'sqlite3-*' | head -n 1)
if [ -z "$sqlite" ]; then
	say "fetching the source of sqlite3"
	apt-get source -qq sqlite3
	sqlite=$(find . -maxdepth 1 -type d -name 'sqlite3-*' | head -n 1)
fi
sqlite=$BENCH/src/${sqlite#./}
if [ ! -f "$sqlite/bld/sqlite3.c" ]; then
	say "making the one-file sqlite3"
	mkdir -p "$sqlite/bld"
	(cd "$sqlite/bld" && ../configure --disable-tcl --disable-shared && make sqlite3.c shell.c) \
		>"$BENCH/out/sqlite.log" 2>&1
fi

cd "$BENCH/bin"
[ -x ddprof-measure ] || gcc -std=gnu11 -O2 -o ddprof-measure "$here/measure.c"
[ -x w3mt ] || g++ -O2 -g -std=c++17 -pthread -o w3mt "$here/programs/w3mt.cpp"
[ -x speedtest1 ] || gcc -O2 -g -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE \
	-I"$sqlite/bld" "$sqlite/test/speedtest1.c" "$sqlite/bld/sqlite3.c" -o speedtest1 \
	-lpthread -ldl -lm

cd "$BENCH/in"
[ -f shell.i ] || gcc -E -O2 -I"$sqlite/bld" "$sqlite/bld/shell.c" -o shell.i
[ -f sqlite3.i ] || gcc -E -I"$sqlite/bld" "$sqlite/bld/sqlite3.c" -o sqlite3.i
[ -f p.miff ] || gm convert -size 1600x1600 plasma:fractal p.miff
for f in w3.cpp H.java; do
	[ -f $f ] || cp "$here/programs/$f" .
done
say "ready in $BENCH"
