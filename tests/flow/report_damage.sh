#!/bin/sh
# deadline: 300
# A damaged recording is shown as far as it goes: no verb crashes, hangs or ends with another status than 0 or 1.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf
need python3

compile threads.c threads
profile "$tmp/threads" 20
runs=${DDPROF_DAMAGE_RUNS:-60}
seed=${DDPROF_DAMAGE_SEED:-$(date +%s)}
echo "seed $seed, $runs runs (DDPROF_DAMAGE_SEED, DDPROF_DAMAGE_RUNS)"

cat >damage.py <<'END'
"""Copies rec to bad, damaged by the n-th way of a seed: flipped bits, a zeroed page, a cut, or a doubled piece."""
import random
import sys

seed, n = map(int, sys.argv[1:])
rng = random.Random(seed * 1000003 + n)
data = bytearray(open('rec', 'rb').read())
for _ in range(rng.randint(1, 4)):
    at = rng.randrange(len(data))
    kind = rng.randrange(4)
    if kind == 0:
        for _ in range(rng.randint(1, 64)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[at:at + 4096] = bytes(min(4096, len(data) - at))
    elif kind == 2:
        del data[max(at, 64):]
    else:
        data[at:at] = data[at:at + rng.randrange(5000)]
open('bad', 'wb').write(data)
END

n=0
while test $n -lt "$runs"; do
	python3 damage.py "$seed" $n
	for view in --folded --tree info "export pprof -o out.gz" "scrub bad out.data"; do
		file=bad
		case $view in scrub*) file= ;; esac
		rc=0
		timeout 20 "$report" $view $file >out 2>err || rc=$?
		test $rc -le 1 || fail "seed $seed run $n: '$view' ended with $rc: $(tail -n 5 err)"
	done
	n=$((n + 1))
done
pass "$runs damaged copies were read or refused"
