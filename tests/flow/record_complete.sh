#!/bin/sh
# The shells' completions have every option, are accepted by their shells, and complete.
. "$(dirname "$0")/lib.sh"
need bash

for shell in bash zsh fish; do
	"$record" --completion=$shell >complete.$shell || fail "no completion for $shell"
done
! "$record" --completion=tcsh >out 2>err || fail "a completion for tcsh"
grep -q "'tcsh': expected one of bash, zsh, fish" err || fail "tcsh: $(cat err)"

"$record" --help-extended | sed -n 's/^  \(-., \|    \)--\([a-z0-9-]*\).*/\2/p' >options
[ "$(wc -l <options)" -gt 50 ] || fail "few options: $(cat options)"
while read -r option; do
	for shell in bash zsh; do
		grep -qe "--$option[ =[{}'|\")]" complete.$shell ||
			fail "--$option is not in the completion of $shell"
	done
	grep -q " -l $option " complete.fish || fail "--$option is not in the completion of fish"
done <options
pass "every option is in the completions of bash, zsh and fish"

bash -n complete.bash || fail "bash does not take its completion"
# complete WORD...: what bash offers for the last word; '=' is a word of its own
complete() {
	bash -c '. ./complete.bash
		COMP_WORDS=(ddprof-record "$@") COMP_CWORD=$#
		_ddprof_record 2>&1
		echo "${COMPREPLY[*]}"' bash "$@"
}
[ "$(complete --stacks = r)" = raw ] || fail "--stacks=r: $(complete --stacks = r)"
[ "$(complete --stacks =)" = 'scrubbed raw none' ] || fail "--stacks=: $(complete --stacks =)"
[ "$(complete --embed f)" = full ] || fail "--embed f: $(complete --embed f)"
[ "$(complete -v -e sC)" = 'sCPU sCS' ] || fail "-e sC: $(complete -v -e sC)"
[ "$(complete --freq)" = '--frequency=' ] || fail "--freq: $(complete --freq)"
: >some.data
[ "$(complete -o some)" = some.data ] || fail "-o some: $(complete -o some)"
[ "$(complete -o x.data ls --stacks = some)" = some.data ] ||
	fail "files of COMMAND: $(complete -o x.data ls --stacks = some)"
case " $(complete doc) " in
*' doctor '*) ;;
*) fail "doctor is not offered" ;;
esac
[ -n "$(complete -p $$)" ] || fail "-p offers no processes"
pass "bash completes options, values, files, events and verbs"

if command -v zsh >/dev/null 2>&1; then
	zsh -n complete.zsh || fail "zsh does not take its completion"
	pass "zsh accepts its completion"
fi
if command -v fish >/dev/null 2>&1; then
	export HOME="$tmp"
	fish -n complete.fish || fail "fish does not take its completion"
	fish -c 'source complete.fish; complete -C "ddprof-record --stacks="' >out 2>err ||
		fail "fish: $(cat err)"
	grep -q 'raw' out || fail "fish completes --stacks= with: $(cat out)"
	fish -c 'source complete.fish; complete -C "ddprof-record --freq"' >out
	grep -q -- '--frequency' out || fail "fish completes --freq with: $(cat out)"
	pass "fish accepts its completion and completes"
fi
