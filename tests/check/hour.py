#!/usr/bin/env python3
"""The flight recorder beside a build machine at work: CPU time and memory over a long time.

Small files are compiled and run, one after the other, at nice 19; a snapshot is asked for now and
then. Memory may grow in the first minute.
"""
import argparse
import os
import sys

import growth
import rig as r

WORK = r'''
i=0
end=$(($(date +%s) + $2))
while [ $(date +%s) -lt $end ]; do
	i=$((i + 1))
	sed "s/NUMBER/$i/" <"$1/template.c" >"$1/job.$i.c"
	$CC -O2 -g -Wl,--build-id -o "$1/job.$i" "$1/job.$i.c" && "$1/job.$i" >/dev/null
	rm -f "$1/job.$i" "$1/job.$i.c"
done
echo "$i builds"
exit 7
'''

TEMPLATE = r'''
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}
int main(void)
{
	static int v[100000];
	for (int i = 0; i < 100000; i++)
		v[i] = (int)((unsigned)i * 2654435761u % 99991u + NUMBERu);
	qsort(v, 100000, sizeof(*v), compare);
	printf("%d\n", v[NUMBER % 1000]);
	return 0;
}
'''


def minutes(curve):
    ret, at = [], 0
    while curve and at * 60 <= curve[-1][0]:
        part = [kib for t, kib in curve if at * 60 <= t < at * 60 + 60]
        ret.append('%.2f' % (max(part) / 1024) if part else '-')
        at += 1
    return ' '.join(ret)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--seconds', type=int, default=1200)
    p.add_argument('--snapshots', type=int, default=300, help='seconds between two')
    p.add_argument('--hz', type=int, default=99)
    p.add_argument('--last', default='60s')
    p.add_argument('--percent', type=float, default=1.0, help='of one CPU')
    p.add_argument('--kib', type=int, default=1024)
    options = p.parse_args()
    r.need_perf()
    with r.Rig() as rig:
        (rig.folder / 'template.c').write_text(TEMPLATE)
        err = str(rig.folder / 'log')
        began = r.uptime()
        with open(err, 'w') as e:
            process = r.start(r.record, '-F', options.hz, '--last=' + options.last, '-o', rig.folder / 'rec', '--', 'nice',
                              '-n', '19', 'sh', '-c', WORK, 'sh', rig.folder, options.seconds, stderr=e,
                              env=dict(os.environ, CC=' '.join(r.cc)))
            memory = growth.Memory(process.pid)
            asked = began
            while process.poll() is None and r.uptime() < began + options.seconds + 120:
                memory.look(r.uptime() - began)
                if r.uptime() - asked > options.snapshots:
                    asked = r.uptime()
                    r.subprocess.run([r.record, 'snapshot', str(process.pid)], check=False)
                r.time.sleep(0.25)
        took = r.uptime() - began
        status = process.poll()
        r.stop(process)
        print(open(err, errors='replace').read(), end='')
        if status != 7:
            rig.miss('status %s, expected 7' % status)
        snapshots = sorted(f for f in os.listdir(rig.folder) if f.startswith('rec'))
        for f in snapshots:
            code, told, why = r.info(rig.folder / f)
            if code or not told or told['stored'] != told['read'] or not told['ended']:
                rig.miss('%s: not whole: %s' % (f, why))
        cpu = sum(memory.cpu.values())
        percent = 100 * cpu / took
        print('%.0f s at %d Hz, %d snapshots; load %s' % (took, options.hz, len(snapshots), os.getloadavg()))
        print('CPU time: %s; in all %.2f %% of one CPU'
              % (', '.join('%s %.2f s' % (k, v) for k, v in memory.cpu.items()), percent))
        for role, curve in memory.curves.items():
            first = max([kib for at, kib in curve if at <= 60], default=0)
            later = max([kib for at, kib in curve if at > 60], default=0)
            print('%s: MiB in each minute: %s; grew by %d KiB after the first' % (role, minutes(curve), max(later - first, 0)))
            if later - first > options.kib:
                rig.miss('the %s grew from %d to %d KiB after the first minute' % (role, first, later))
        if percent > options.percent:
            rig.miss('%.2f %% of one CPU' % percent)
        return rig.end('%d s of builds: at most %.1f %% of one CPU, memory within %d KiB after the first minute'
                       % (options.seconds, options.percent, options.kib))


if __name__ == '__main__':
    sys.exit(main())
