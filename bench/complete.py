#!/usr/bin/env python3
"""
Share of stacks that reach the root of their process or thread, default options, against what perf
makes of its 32 KiB stacks. Usage: complete.py [--no-perf] [W...]
"""
import argparse
import re
import subprocess

import lab
import workload

TARGET = 0.99
# outermost user frames as perf names them; ours knows them by their call frame information
ROOTS = re.compile(r'\b(_start|__libc_start\w*|_*(GI_+)?clone3?|start_thread|thread_start|_dl_start_user|_dl_start)\b')


def perf_rooted(path):
    """Share of samples whose outermost frame is a root, of those that have user frames."""
    script = subprocess.Popen(['perf', 'script', '-i', path, '--no-inline', '-F', 'ip,sym'],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    n = rooted = 0
    last = ''
    for line in script.stdout:
        if line.strip():
            last = line
        elif last:
            n += 1
            kernel_only = last.split()[0].startswith('ffffffff')
            rooted += kernel_only or bool(ROOTS.search(last))
            last = ''
    script.wait()
    return rooted / max(1, n)


def row(name, with_perf, again):
    info = lab.info_of(lab.capture('ours', name, again=again))
    stacks = info['stacks']
    share = stacks['complete'] / max(1, stacks['total'])
    stops = sorted(((n, why) for why, n in stacks['stops'].items() if n), reverse=True)
    peer = f"{perf_rooted(lab.capture('perf', name)):.2%}" if with_perf else '-'
    return [f'{name} {workload.WHAT[name]}', stacks['total'], f'{share:.2%}', peer, f'{TARGET:.0%}',
            'ok' if share >= TARGET else 'MISSED', ', '.join(f'{n} {why}' for n, why in stops)]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--no-perf', action='store_true')
    p.add_argument('--again', action='store_true', help='record our captures again')
    p.add_argument('names', nargs='*', default=None, metavar='W')
    a = p.parse_args()
    rows = [row(name, not a.no_perf, a.again) for name in a.names or workload.ALL]
    lab.write_result('complete', lab.table(
        'Complete stacks, default options',
        ['workload', 'stacks', 'ours', 'perf', 'target', '', 'how ours ended'], rows))


if __name__ == '__main__':
    main()
