#!/bin/sh
# Files with debug information of every kind, for bench/vote.py, into $BENCH/names; what is there already is
# kept. Run setup.sh first. SKIP_APT=1: no packages. What a missing tool leaves out is said and skipped.
#
# Each fixture is one line of $BENCH/names/list: KEY, file for the tools to read, and what it is for.
set -u
here=$(cd "$(dirname "$0")" && pwd)
BENCH=${BENCH:-${TMPDIR:-/tmp}/ddprof-bench}
dir=$BENCH/names
src=$BENCH/src
programs=$here/programs
mkdir -p "$dir"
cd "$dir" || exit 1
: >list.new

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -y -qq --no-install-recommends gcc g++ gfortran gdc ldc clang-14 lld-14 llvm-14 \
		binutils dwz golang-go ocaml-nox gdb elfutils graphicsmagick-dbg liblua5.4-0-dbg \
		binutils-x86-64-linux-gnu-dbg openjdk-17-dbg 'librust-addr2line+default-dev'
	cd "$src" && apt-get source -qq libzstd lapack
	cd "$dir" || exit 1
}
[ -n "${SKIP_APT:-}" ] || install_packages

# fixture KEY FILE WHAT...: enters a file that is there
fixture() {
	key=$1 file=$2
	shift 2
	if [ -f "$file" ]; then
		printf '%s\t%s\t%s\n' "$key" "$(realpath "$file")" "$*" >>list.new
	else
		echo "names-setup: left out: $key ($*)" >&2
	fi
}

# make_once FILE COMMAND...: runs the command when FILE is not there; its output goes to FILE.log
make_once() {
	file=$1
	shift
	[ -f "$file" ] || nice -n 10 "$@" >"$file.log" 2>&1 || {
		rm -f "$file"
		echo "names-setup: '$*' failed: see $dir/$file.log" >&2
	}
}

# debug_of FILE: where Debian's debug package put the debug file of an installed one
debug_of() {
	[ -f "$1" ] || return
	id=$(readelf -n "$1" 2>/dev/null | sed -n 's/.*Build ID: //p')
	echo "/usr/lib/debug/.build-id/$(echo "$id" | cut -c1-2)/$(echo "$id" | cut -c3-).debug"
}

sqlite=$(find "$src" -maxdepth 1 -type d -name 'sqlite3-*' | head -n 1)
speed="-DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -I$sqlite/bld \
	$sqlite/test/speedtest1.c $sqlite/bld/sqlite3.c"
libs="-lpthread -ldl -lm"
stl="-std=c++17 -pthread $programs/names.cpp"
zstd=$(find "$src" -maxdepth 1 -type d -name 'libzstd-*' | head -n 1)
zstd_c="-DZSTD_MULTITHREAD -DZSTD_DISABLE_ASM -I$zstd/lib -I$zstd/lib/common $(find "$zstd/lib/common" \
	"$zstd/lib/compress" "$zstd/lib/decompress" "$zstd/lib/dictBuilder" "$zstd/programs" \
	-name '*.c' ! -name '*legacy*' 2>/dev/null | sort | tr '\n' ' ') -lpthread"
lapack=$(find "$src" -maxdepth 1 -type d -name 'lapack-*' | head -n 1)

# ---- the set that targets are for ----
fixture sqlite "$BENCH/bin/speedtest1" "C, gcc -O2 -g"
fixture w3mt "$BENCH/bin/w3mt" "C++ threads, g++ -O2 -g"
fixture gm "$(debug_of "$(realpath /usr/lib/libGraphicsMagick-Q16.so.3)")" "GraphicsMagick, its -dbg package"
fixture lua "$(debug_of "$(realpath /usr/lib/x86_64-linux-gnu/liblua5.4.so.0)")" "lua, -dbg package (dwz)"
fixture binutils "$(debug_of "$(realpath /usr/bin/x86_64-linux-gnu-ld.bfd)")" "ld, -dbg package (dwz)"
fixture libjvm "$(debug_of /usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so)" "libjvm, -dbg package"
make_once rust rustc --edition 2021 -O -g "$programs/names.rs" -o rust
fixture rust rust "Rust, rustc -O -g"
make_once clang5 clang++-14 -gdwarf-5 -O2 $stl -o clang5
fixture clang5 clang5 "C++ with much of STL, clang++-14 -gdwarf-5 -O2"
if [ -n "$lapack" ]; then
	make_once lapack.so sh -c "gfortran -O2 -g -shared -fPIC -o lapack.so '$lapack'/SRC/d*.f '$lapack'/BLAS/SRC/d*.f"
fi
fixture lapack lapack.so "Fortran 77, gfortran -O2 -g (LAPACK)"
make_once fortran gfortran -O2 -g "$programs/names.f90" -o fortran
fixture fortran fortran "Fortran 2008, gfortran -O2 -g"
make_once gdc gdc -O2 -g "$programs/names.d" -o gdc
fixture gdc gdc "D, gdc -O2 -g"
make_once ldc ldc2 -O2 -g "$programs/names.d" -of=ldc
fixture ldc ldc "D, ldc2 -O2 -g"

# ---- split DWARF: .dwo beside the objects, then .dwp ----
# split KEY COMPILER FLAGS: C and C++ objects in a folder of their own
split() {
	key=$1 cxx=$2 flags=$3
	[ -f "$key/prog" ] && return
	mkdir -p "$key"
	(cd "$key" && nice -n 10 $cxx -O2 $flags -std=c++17 -c "$programs/names.cpp" &&
		nice -n 10 $cxx -O2 $flags -std=c++17 -c "$programs/w3mt.cpp" -Dmain=w3mt_main &&
		$cxx $flags names.o w3mt.o -pthread -o prog) >"$key.log" 2>&1 ||
		echo "names-setup: $key: see $dir/$key.log" >&2
}
split dwo4 g++ "-gdwarf-4 -gsplit-dwarf"
fixture dwo4 dwo4/prog "split DWARF 4 (.dwo), g++ -O2"
split dwo5 g++ "-gdwarf-5 -gsplit-dwarf"
fixture dwo5 dwo5/prog "split DWARF 5 (.dwo), g++ -O2"
split dwo5-clang clang++-14 "-gdwarf-5 -gsplit-dwarf"
fixture dwo5-clang dwo5-clang/prog "split DWARF 5 (.dwo), clang++-14 -O2"
split dwo4-clang clang++-14 "-gdwarf-4 -gsplit-dwarf"
fixture dwo4-clang dwo4-clang/prog "split DWARF 4 (.dwo), clang++-14 -O2"
# packed KEY TOOL COMPILER FLAGS: the same again, with its .dwo files packed and then gone
packed() {
	key=$1 tool=$2 cxx=$3 flags=$4
	[ -f "$key/prog.dwp" ] && return
	split "$key" "$cxx" "$flags"
	(cd "$key" && $tool -e prog -o prog.dwp && rm -f ./*.dwo ./*.o) >>"$key.log" 2>&1 ||
		echo "names-setup: $key: see $dir/$key.log" >&2
}
packed dwp4 dwp g++ "-gdwarf-4 -gsplit-dwarf"
packed dwp5 llvm-dwp-14 g++ "-gdwarf-5 -gsplit-dwarf"
packed dwp4-clang llvm-dwp-14 clang++-14 "-gdwarf-4 -gsplit-dwarf"
packed dwp5-clang llvm-dwp-14 clang++-14 "-gdwarf-5 -gsplit-dwarf"
for key in dwp4 dwp5 dwp5-clang dwp4-clang; do
	fixture $key $key/prog "split DWARF ${key#dwp} (.dwp)"
done

# ---- further languages and producers ----
for go in $(command -v go); do
	make_once go sh -c "GOFLAGS=-mod=mod $go build -o go cmd/gofmt"
done
fixture go go "Go, its linker compresses"
mkdir -p ml && cp "$programs/names.ml" ml/
make_once ocaml sh -c 'cd ml && ocamlopt -g -O3 names.ml -o ../ocaml'
fixture ocaml ocaml "OCaml, ocamlopt -g"
make_once stl g++ -O2 -g $stl -o stl
fixture stl stl "C++ with much of STL, g++ -O2 -g"
make_once stl3 g++ -O3 -g3 $stl -o stl3
fixture stl3 stl3 "the same, -O3 -g3"
make_once clang4 clang++-14 -gdwarf-4 -O2 $stl -o clang4
fixture clang4 clang4 "clang++-14 -gdwarf-4 -O2"
for v in 2 3 4; do
	make_once sqlite$v gcc -O2 -gdwarf-$v -gstrict-dwarf $speed -o sqlite$v $libs
	fixture sqlite$v sqlite$v "C, DWARF $v, strict"
done
make_once sqlite64 gcc -O2 -gdwarf-5 -gdwarf64 $speed -o sqlite64 $libs
fixture sqlite64 sqlite64 "C, 64-bit DWARF 5"
make_once sqlite64-4 gcc -O2 -gdwarf-4 -gdwarf64 $speed -o sqlite64-4 $libs
fixture sqlite64-4 sqlite64-4 "C, 64-bit DWARF 4"
make_once types g++ -O2 -gdwarf-4 -fdebug-types-section $stl -o types
fixture types types "type units, DWARF 4"
make_once types5 g++ -O2 -gdwarf-5 -fdebug-types-section $stl -o types5
fixture types5 types5 "type units, DWARF 5"
make_once gc g++ -O2 -g -ffunction-sections -Wl,--gc-sections $stl -o gc
fixture gc gc "sections collected by ld.bfd (tombstone 0)"
make_once gc-lld clang++-14 -O2 -gdwarf-5 -ffunction-sections -fuse-ld=lld-14 -Wl,--gc-sections $stl -o gc-lld
fixture gc-lld gc-lld "sections collected by lld, DWARF 5 (tombstone -1)"
make_once gc-lld4 g++ -O2 -gdwarf-4 -ffunction-sections -fuse-ld=lld -Wl,--gc-sections $stl -o gc-lld4
fixture gc-lld4 gc-lld4 "sections collected by lld, DWARF 4 (tombstone -2)"
make_once zstd-lto gcc -O2 -g -flto $zstd_c -o zstd-lto
fixture zstd-lto zstd-lto "many units, gcc -flto"
make_once zstd-many gcc -O2 -g $zstd_c -o zstd-many
fixture zstd-many zstd-many "many units"
make_once zstd-clto clang-14 -O2 -g -flto=thin -fuse-ld=lld-14 $zstd_c -o zstd-clto
fixture zstd-clto zstd-clto "many units, clang thin LTO"
make_once lto g++ -O2 -g -flto $stl -o lto
fixture lto lto "C++, g++ -flto"
if [ ! -f pgo ]; then
	mkdir -p pgo.d
	(cd pgo.d && nice gcc -O2 -g -fprofile-generate -fprofile-update=single $speed -o pgo $libs &&
		./pgo --size 5 :memory: && nice gcc -O2 -g -fprofile-use -Wno-missing-profile $speed -o pgo $libs) \
		>pgo.log 2>&1 && cp pgo.d/pgo pgo
fi
fixture pgo pgo "hot and cold parts by profile, gcc -O2"
make_once dwz1 dwz -o dwz1 stl
fixture dwz1 dwz1 "partial units in the same file (dwz)"
if [ ! -f dwzm/a ]; then
	mkdir -p dwzm && cp stl dwzm/a && cp stl3 dwzm/b &&
		(cd dwzm && dwz -m common.debug -r a b) >dwzm.log 2>&1 || rm -f dwzm/a
fi
fixture dwzm dwzm/a "dwz alternate file beside it"

# ---- other clothes of the same information ----
make_once stl-zlib objcopy --compress-debug-sections=zlib stl stl-zlib
make_once stl-zlibgnu objcopy --compress-debug-sections=zlib-gnu stl stl-zlibgnu
make_once stl-zstd objcopy --compress-debug-sections=zstd stl stl-zstd
fixture stl-zlib stl-zlib "sections compressed with zlib"
fixture stl-zlibgnu stl-zlibgnu "sections compressed with zlib, .zdebug_"
fixture stl-zstd stl-zstd "sections compressed with zstd"
if [ ! -f link/stl ]; then
	mkdir -p link/.debug && objcopy --only-keep-debug stl link/.debug/stl.debug &&
		(cd link/.debug && objcopy --strip-all --add-gnu-debuglink=stl.debug ../../stl ../stl)
fi
fixture debuglink link/stl "stripped, .gnu_debuglink"
if [ ! -f mini ]; then
	nm -D stl --format=posix --defined-only | cut -d' ' -f1 | sort >mini.dynamic
	nm stl --format=posix --defined-only | awk '$2 ~ /^[tT]$/ { print $1 }' | sort >mini.functions
	comm -13 mini.dynamic mini.functions >mini.keep
	objcopy -S --remove-section .comment --keep-symbols=mini.keep stl mini.debug 2>/dev/null &&
		xz -kf mini.debug && objcopy --strip-all --add-section .gnu_debugdata=mini.debug.xz stl mini
fi
fixture mini mini "MiniDebugInfo alone"

mv list.new list
echo "names-setup: $(wc -l <list) fixtures in $dir" >&2
