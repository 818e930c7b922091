#!/bin/sh
# The recorder needs libc and libzstd and nothing else, so that it runs on any host.
set -eu
cd "${DDPROF_BUILD:-.}"
command -v readelf >/dev/null 2>&1 || { echo "skip: readelf is not installed"; exit 77; }

needed=$(readelf -d ddprof-record | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
bad=0
for library in $needed; do
	case $library in
	libc.so.*|libzstd.so.*|ld-linux*) ;;
	libasan*|libubsan*) echo "skip: built with sanitizers"; exit 77 ;;
	libm.so.*|libgcc_s.so.*)
		# what clang's static sanitizers ask for
		nm -D ddprof-record | grep -q __asan_init && { echo "skip: built with sanitizers"; exit 77; }
		echo "ddprof-record needs $library"; bad=1 ;;
	*) echo "ddprof-record needs $library"; bad=1 ;;
	esac
done
exit $bad
