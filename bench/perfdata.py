#!/usr/bin/env python3
"""
The same perf.data read by both: time and peak memory of a whole report with names against
`perf report --no-inline --stdio -g caller`; what convert makes of it; chains against perf script's
(tests/check/perfscript.py says what is compared). Usage: perfdata.py [--reps N] [W...]
"""
import argparse
import os
import re
import subprocess
import tempfile

import lab
import report
import workload

AGREE = 99.9
SCRIPT = os.path.join(lab.ROOT, 'tests/check/perfscript.py')
CHAINS = os.path.join(lab.BUILD, 'tests/check/perfchains')


def agreement(path):
    """(ours complete, perf's complete, % equal as far as perf got, % that hold all frames of perf)"""
    out = subprocess.run([SCRIPT, CHAINS, path, '--min', '0'], capture_output=True, text=True, check=True).stdout

    def count(what):
        m = re.search(rf'^ *(\d+)  {what}$', out, re.MULTILINE)
        return int(m.group(1)) if m else 0
    return count('complete here'), count('complete in perf'), *map(float, re.findall(r'^([\d.]+) %', out, re.MULTILINE))


def convert(path):
    """(s, MB)"""
    with tempfile.TemporaryDirectory() as place:
        out = os.path.join(place, 'converted')
        usage = lab.run_measured([lab.REPORT, 'convert', path, out])
        return usage['wall_s'], os.path.getsize(out) / 1e6


def row(name, reps):
    path = lab.capture('perf', name)
    lab.wait_quiet()
    ours_cpu, ours_wall, ours_mb = report.measure([lab.REPORT, path], 3 * reps)
    peer_cpu, peer_wall, peer_mb = report.measure(
        ['perf', 'report', '-i', path, '--stdio', '-g', 'caller', '--no-inline'], reps)
    seconds, mb = convert(path)
    complete, peer_complete, equal, agree = agreement(path)
    return [f'{name} {workload.WHAT[name]}', f'{os.path.getsize(path) / 1e6:.0f}', f'{ours_wall * 1e3:.0f}',
            f'{peer_wall * 1e3:.0f}', f'{peer_wall / ours_wall:.1f}', f'{peer_cpu / ours_cpu:.1f}', f'{ours_mb:.0f}',
            f'{peer_mb:.0f}', f'{seconds:.2f}', f'{mb:.1f}', complete, peer_complete, f'{equal:.2f}', f'{agree:.2f}',
            'ok' if agree >= AGREE else 'BELOW']


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--reps', type=int, default=3)
    p.add_argument('names', nargs='*', default=None, metavar='W')
    a = p.parse_args()
    rows = [row(name, a.reps) for name in a.names or workload.ALL]
    lab.write_result('perfdata', lab.table(
        'perf.data: ddprof-report perf.data against perf report --no-inline --stdio -g caller',
        ['workload', 'file, MB', 'ours, ms', 'perf, ms', 'times faster', 'by CPU time', 'ours, peak MB',
         'perf, peak MB', 'convert, s', 'converted, MB', 'ours complete', 'perf complete', 'equal, %', 'hold all, %', ''], rows))


if __name__ == '__main__':
    main()
