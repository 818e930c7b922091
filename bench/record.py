#!/usr/bin/env python3
"""
What recording costs: bytes a sample and recorder CPU, ours against `perf record -z1 --call-graph
dwarf,32768`, alternating in the same run. Usage: record.py [--reps N] [--scale K] [W...]
"""
import argparse
import math

import lab
import workload

SIZES = ['W1', 'W2', 'W3', 'W3t', 'W4', 'W5', 'W6']


def runs(name, recorders, rates, reps, scale):
    """{(recorder, hz): [run...]}, recorders alternating within each repetition."""
    out = {}
    for _ in range(reps):
        for hz in rates:
            for r in recorders:
                run = lab.record(r, name, hz, scale, f'{lab.OUT}/cur.data')
                out.setdefault((r, hz), []).append(run)
                print(f"{name:4} {r:10} {hz:5} Hz  {run['samples']:6} samples  "
                      f"{run['file_bytes'] / max(1, run['samples']):8.1f} B/sample  "
                      f"recorder {run['cpu_s']:.3f} s  lost {run['lost']}  "
                      f"foreign {run['foreign']:.0%}", flush=True)
    lab.remove(f'{lab.OUT}/cur.data')
    return out


def bytes_a_sample(some):
    return lab.median(r['file_bytes'] / max(1, r['samples']) for r in some)


def cost(low, high):
    """(us of CPU a further sample, s of CPU fixed) from runs at two rates."""
    n_low, n_high = (lab.median(r['samples'] for r in some) for some in (low, high))
    cpu_low, cpu_high = (lab.median(r['cpu_s'] for r in some) for some in (low, high))
    marginal = (cpu_high - cpu_low) / max(1, n_high - n_low)
    return marginal * 1e6, cpu_low - n_low * marginal


def size_table(names, reps, scale):
    rows, ratios = [], []
    for name in names:
        got = runs(name, ['ours-bare', 'perf-z', 'ours'], [999], reps, scale)
        bare, peer = (bytes_a_sample(got[r, 999]) for r in ("ours-bare", "perf-z"))
        ratios.append(bare / peer)
        rows.append([f'{name} {workload.WHAT[name]}', f"{lab.median(r['samples'] for r in got['ours-bare', 999]):.0f}",
                     f'{bare:.1f}', f'{peer:.0f}', f'{bare / peer:.3f}', '0.333',
                     f"{lab.median(r['file_bytes'] for r in got['ours', 999]) / 1e6:.2f}"])
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    rows.append(['geometric mean', '', '', '', f'**{mean:.3f}**', '0.100', ''])
    return lab.table('Whole file at 999 Hz, bytes a sample',
                     ['workload', 'samples', 'ours, --embed=none', 'perf -z1', 'ratio', 'target',
                      'ours with embedding, MB'], rows)


def cpu_table(names, reps, scale):
    rows = []
    for name in names:
        got = runs(name, ['ours', 'perf-z', 'ours-32k', 'perf'], [999, 4999], reps, scale)
        us, fixed = {}, {}
        for r in ('ours', 'ours-32k', 'perf-z', 'perf'):
            us[r], fixed[r] = cost(got[r, 999], got[r, 4999])
        rows.append([f'{name} {workload.WHAT[name]}', f"{us['ours']:.1f}", f"{us['ours-32k']:.1f}", f"{us['perf-z']:.1f}",
                     f"{us['ours'] / us['perf-z']:.2f}", '0.50', f"{fixed['ours']:.2f}", f"{fixed['perf-z']:.2f}",
                     f"{fixed['perf']:.2f}", '0.24',
                     '/'.join(str(max(r['lost'] for r in got[k, 4999])) for k in ('ours', 'perf-z'))])
    return lab.table('Recorder CPU',
                     ['workload', 'ours, us a further sample', 'ours at 32 KiB', 'perf -z1', 'ratio', 'target',
                      'ours, s fixed', 'perf -z1', 'perf raw', 'target', 'lost at 4999 Hz, ours/perf'], rows)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--reps', type=int, default=3)
    p.add_argument('--scale', type=float, default=0.5)
    p.add_argument('--only', choices=['size', 'cpu'])
    p.add_argument('names', nargs='*', default=None, metavar='W')
    a = p.parse_args()
    if a.only != 'cpu':
        lab.write_result('record-size', size_table(a.names or SIZES, a.reps, a.scale))
    if a.only != 'size':
        lab.write_result('record-cpu', cpu_table(a.names or ['W5', 'W1', 'W3t'], a.reps, a.scale))


if __name__ == '__main__':
    main()
