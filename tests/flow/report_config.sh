#!/bin/sh
# ddprof-report.toml: defaults of options, behind options and environment; what is wrong in it is
# said with its place.
. "$(dirname "$0")/lib.sh"
need_report
need_perf
need nm objcopy strip

cp "$targets/inlined.c" .
"$CC" -O2 -g -DVALUE=1 -Wl,--build-id -o program inlined.c || fail "does not compile"
mkdir -p .config/ddprof home/dbg .config/ddprof/near
objcopy --only-keep-debug program home/dbg/any.debug
strip program
"$record" -o data ./program >/dev/null 2>&1 || fail "cannot record"
toml=.config/ddprof/ddprof-report.toml
export HOME="$PWD/home"

stacks() {
	"$report" --folded "$@" data >folded 2>said || fail "report $* ended with $?: $(cat said)"
}
inlined() {
	grep -q 'outer;inner' folded
}
# refused TEXT [OPTION...]: status 2 and this on standard error
refused() {
	text=$1
	shift
	status=0
	timeout 10 "$report" "$@" data >out 2>said || status=$?
	[ $status = 2 ] || fail "status $status for '$text': $(cat said)"
	grep -qF -- "$text" said || fail "want '$text', said: $(cat said)"
	[ "$(wc -l <said)" = 1 ] || fail "more than one line: $(cat said)"
}

stacks
! inlined || fail "names without a debug file"
rm -rf .cache
printf 'cache = false\ndebug_dir = ["~/dbg"]\n' >$toml
stacks
inlined || fail "debug_dir of the file is not searched: $(cat said)"
[ ! -e .cache/ddprof/answers ] || fail "cache = false wrote to the cache"
stacks --config=none --no-cache
! inlined || fail "--config=none read a file"
mv $toml elsewhere.toml
stacks --config elsewhere.toml
inlined || fail "--config is not read"
stacks --comm '*' --no-cache
! inlined || fail "names without a file"
cp home/dbg/any.debug .config/ddprof/near/
printf 'cache = false\ndebug_dir = "near"\n' >$toml
stacks
inlined || fail "a relative folder does not begin at the file"
HOME=/ XDG_CONFIG_HOME= stacks
! inlined || fail "XDG_CONFIG_HOME is not what is used"
mkdir -p home/.config
mv .config/ddprof home/.config/
export XDG_CONFIG_HOME=
stacks
inlined || fail "~/.config is not looked at"
export XDG_CONFIG_HOME="$PWD/.config"
mv home/.config/ddprof .config/
pass "the file is found where XDG says, or where --config says; folders are found from there"

printf 'limit = 1\nby = "module"\ncontext = "all"\nurls_ = 1' | head -n 3 >$toml
"$report" data >out 2>said
grep -q 'libc\|program' out || fail "by = module: $(cat out)"
"$report" --by=function --limit=all data >out2 2>said
! cmp -s out out2 || fail "options do not go before the file"
"$report" --config=none data >out 2>said
same out out2 "options do not go before the file"
"$report" info data >out 2>said || fail "a default for another verb is refused: $(cat said)"
printf 'inline = false\ncache = false\ndebug_dir = "%s"\n' "$HOME/dbg" >$toml
stacks
! inlined || fail "inline = false"
stacks --inline=yes
inlined || fail "--inline=yes does not go before the file"
printf 'debug_dir = "%s"\ndebuginfod_urls = ["http://127.0.0.1:1", "http://127.0.0.1:2"]\n' \
	"$HOME/dbg" >$toml
stacks --debuginfod
! grep -q 'no debuginfod server' said || fail "debuginfod_urls is not heard: $(cat said)"
pass "options and environment go before the file, and each verb takes what it knows"

printf '# one\n  debug_dirs = "x"\n' >$toml
refused "ddprof-report.toml:2:3: unknown key 'debug_dirs'; nearest is 'debug_dir'"
printf '[report]\nlimits = 3\n' >$toml
refused "ddprof-report.toml:2:1: unknown key 'report.limits'; nearest is 'limit'"
printf 'inline = "yes"\n' >$toml
refused "ddprof-report.toml:1:10: 'inline' is a boolean, found string"
printf 'limit = 0\n' >$toml
refused "ddprof-report.toml:1:9: limit: '0' is neither a number of rows from 1 nor 'all'"
printf 'limit = 3\nlimit = 4\n' >$toml
refused "ddprof-report.toml:2:1: 'limit' is set already in line 1"
printf 'cache = no\n' >$toml
refused "ddprof-report.toml:1:9: 'no' is no value"
head -c 70000 /dev/zero | tr '\0' '\n' >$toml
refused "more than 65536 bytes"
head -c 100 /dev/urandom >$toml
printf '\001' >>$toml
refused "ddprof-report.toml:"
rm $toml
mkfifo $toml
refused "ddprof-report.toml: not a regular file"
"$report" --help >out || fail "no --help with a broken file"
"$report" --version >out || fail "no --version with a broken file"
"$report" --config=none data >out 2>said || fail "--config=none with a broken file: $(cat said)"
rm $toml
refused "absent.toml: No such file or directory" --config absent.toml
pass "what is wrong with the file is one line with file, line and column"

printf 'debug_dir = "~/dbg"\ncache = false\n' >$toml
addr=$(nm home/dbg/any.debug | sed -n 's/ t outer$//p')
"$report" addr2line -fi -e program 0x$addr >out 2>said || fail "addr2line: $(cat said)"
grep -q '^inner$\|^outer$' out || fail "addr2line does not hear debug_dir: $(cat out said)"
printf 'debug_dirs = "~/dbg"\n' >$toml
status=0
"$report" addr2line -fi -e program 0x$addr >out 2>said || status=$?
[ $status = 2 ] || fail "addr2line ended with $status: $(cat said)"
rm $toml
"$report" addr2line -fi -e program 0x$addr >out 2>said || fail "addr2line: $(cat said)"
! grep -q '^inner$\|^outer$' out || fail "addr2line finds it without debug_dir"
pass "addr2line hears what the file says of debug files"
