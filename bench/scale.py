#!/usr/bin/env python3
"""
How a report grows with the length of a recording: the same workload 1, 4 and 16 times as long.
Time must grow with samples, memory with live state only. Usage: scale.py [--reps N] [--scale K]
"""
import argparse
import os

import lab


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--reps', type=int, default=5)
    p.add_argument('--scale', type=float, default=0.5, help='length of the shortest recording')
    p.add_argument('--workload', default='W5')
    a = p.parse_args()
    rows, first = [], None
    for times in (1, 4, 16):
        path = f'{lab.OUT}/scale-{times}.ddprof'
        run = lab.record('ours', a.workload, 999, a.scale * times, path)
        got = [lab.run_measured([lab.REPORT, path]) for _ in range(a.reps)]
        cpu = lab.median(lab.cpu_of(r) for r in got)
        peak = lab.median(r['peak_kib'] for r in got) / 1024
        first = first or (run['samples'], cpu, peak)
        rows.append([f'{times}x', run['samples'], f"{os.path.getsize(path) / 1e6:.2f}", f'{cpu * 1e3:.1f}',
                     f'{cpu / run["samples"] * 1e6:.2f}', f'{peak:.1f}',
                     f'{run["samples"] / first[0]:.1f}/{cpu / first[1]:.1f}/{peak / first[2]:.2f}'])
        lab.remove(path)
    lab.write_result('scale', lab.table(
        f'One recording of {a.workload}, 1, 4 and 16 times as long',
        ['length', 'samples', 'file MB', 'report CPU ms', 'us a sample', 'peak MB', 'times samples/CPU/memory'],
        rows))


if __name__ == '__main__':
    main()
