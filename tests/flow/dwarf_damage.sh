#!/bin/sh
# Debug information damaged anywhere, and each field at its extremes: no crash, and nothing that takes long.
# DDPROF_SEED: other damage by chance.
. "$(dirname "$0")/lib.sh"
need_report
mutate=$build/tests/check/mutate
test -x "$mutate" || skip "tests/check/mutate is not built"

target frames -gdwarf-5
mv frames frames-5
target frames -gdwarf-4 -Wl,--compress-debug-sections=zlib
mv frames frames-4
"$mutate" 1500 "$tmp/frames-5" "$tmp/frames-4" >said || fail "$(cat said)"

# Two functions, one inlined twice: small, because each byte is set to 26 values.
cat >small.c <<'EOF'
static inline __attribute__((always_inline)) int leaf(int *p) { return *p * 7; }
int top(int *p, int n) { for (int i = 0; i < n; i++) if (p[i]) return leaf(p + i); return leaf(p); }
EOF
"$CC" -O2 -g -gdwarf-5 -nostdlib -static -Wl,-e,0 small.c -o small || fail "small.c does not compile"
"$mutate" extremes "$tmp/small" >said || fail "$(cat said)"
n=$(sed -n 's/^\([0-9]*\) damaged files.*/\1/p' said)
test "$n" -ge 20000 || fail "only $n fields were set: $(cat said)"

# A sound program whose .dwo is damaged.
"$CC" -O2 -g -gdwarf-5 -gsplit-dwarf -c small.c -o split.o &&
	"$CC" -nostdlib -static -Wl,-e,0 split.o -o split || fail "split.o does not compile"
test -e split.dwo || mv small.dwo split.dwo
"$mutate" 1500 "$tmp/split+$tmp/split.dwo" >said || fail "$(cat said)"
pass "4 500 files damaged by chance and $n fields at their extremes are answered or refused"
