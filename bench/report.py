#!/usr/bin/env python3
"""
Time and peak memory of a whole report, with names and without any cache: `ddprof-report FILE` against
`perf report --no-inline --stdio -g caller` on recordings of the same workload at the same rate.
Usage: report.py [--reps N] [--again] [W...]
"""
import argparse

import lab
import workload

FASTER = {'W1': 50, 'W3': 50}  # every other: 20
SMALLER = 8


def measure(argv, reps):
    """Best of `reps` runs: (s of CPU, s of wall time, MB)."""
    out = []
    for _ in range(reps):
        r = lab.run_measured(argv)
        if r['rc'] != 0:
            raise SystemExit(f"{' '.join(argv)} ended with {r['rc']}")
        out.append(r)
    return min(map(lab.cpu_of, out)), min(r['wall_s'] for r in out), lab.median(r['peak_kib'] for r in out) / 1024


def row(name, reps, again):
    ours = lab.capture('ours', name, again=again)
    peer = lab.capture('perf', name)
    n_ours, n_peer = lab.samples_of(ours, 'ours')[0], lab.samples_of(peer, 'perf')[0]
    lab.wait_quiet()
    ours_cpu, ours_wall, ours_mb = measure([lab.REPORT, ours], max(9, 3 * reps))
    peer_cpu, peer_wall, peer_mb = measure(
        ['perf', 'report', '-i', peer, '--stdio', '-g', 'caller', '--no-inline'], reps)
    # captures are of equal runs; what their sample counts still differ by is taken out
    counts = n_ours / n_peer
    ratio = peer_cpu / ours_cpu * counts
    target = FASTER.get(name, 20)
    verdict = 'ok' if ratio >= target and peer_mb / ours_mb >= SMALLER else 'MISSED'
    return [f'{name} {workload.WHAT[name]}', f'{n_ours}/{n_peer}', f'{ours_cpu * 1e3:.1f}', f'{peer_cpu * 1e3:.0f}',
            f'{ratio:.1f}', f'{peer_wall / ours_wall * counts:.1f}', target, f'{ours_mb:.1f}', f'{peer_mb:.0f}',
            f'{peer_mb / ours_mb:.1f}', SMALLER, verdict]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--reps', type=int, default=3)
    p.add_argument('--again', action='store_true', help='record our captures again')
    p.add_argument('names', nargs='*', default=None, metavar='W')
    a = p.parse_args()
    rows = [row(name, a.reps, a.again) for name in a.names or workload.ALL]
    lab.write_result('report', lab.table(
        'Report: ddprof-report FILE against perf report --no-inline --stdio -g caller',
        ['workload', 'samples, ours/perf', 'ours, CPU ms', 'perf, CPU ms', 'times faster', 'by wall time', 'target',
         'ours, peak MB', 'perf, peak MB', 'times smaller', 'target', ''], rows))


if __name__ == '__main__':
    main()
