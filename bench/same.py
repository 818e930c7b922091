#!/usr/bin/env python3
"""
What must not change a profile: scrubbing the stacks (at most 0.05 % of the chains differ), and the absence
of every recorded binary (none differs). Usage: same.py [--scale K] [W...]
"""
import argparse
import os
import shutil
import subprocess
import tempfile

import lab
import workload

SCRUB_LIMIT = 0.0005


def folded(argv):
    """{stack: samples}"""
    out = subprocess.run(argv, capture_output=True, check=True).stdout.decode()
    stacks = {}
    for line in out.splitlines():
        stack, n = line.rsplit(' ', 1)
        stacks[stack] = int(n)
    return stacks


def different(a, b):
    """Share of the samples of `a` whose chains `b` does not have."""
    return sum(max(0, n - b.get(stack, 0)) for stack, n in a.items()) / max(1, sum(a.values()))


def jail(root):
    """
    A root directory with ddprof-report and its libraries in /report, and this machine's debug files: no file
    of it has the path of a recorded one. Returns how to run it there.
    """
    place = os.path.join(root, 'report')
    os.mkdir(place)
    shutil.copy(lab.REPORT, place)
    loader = None
    for line in subprocess.run(['ldd', lab.REPORT], capture_output=True, text=True, check=True).stdout.splitlines():
        path = next((w for w in line.split() if w.startswith('/')), None)
        if path:
            shutil.copy(path, place)
            if 'ld-linux' in path:
                loader = '/report/' + os.path.basename(path)
    debug = os.path.join(root, 'usr/lib/debug')
    os.makedirs(debug)
    script = f'mount --bind /usr/lib/debug {debug} && exec chroot {root} "$@"'
    if not os.path.isdir('/usr/lib/debug'):
        script = f'exec chroot {root} "$@"'
    return ['unshare', '-m', 'sh', '-c', script, 'sh', loader, '--library-path', '/report', '/report/ddprof-report']


def row(name, scale):
    raw, scrubbed = f'{lab.OUT}/same.raw', f'{lab.OUT}/same.scrubbed'
    run = lab.record('ours-raw', name, 999, scale, raw)
    lab.remove(scrubbed)
    subprocess.run([lab.REPORT, 'scrub', raw, scrubbed], check=True)
    before, after = folded([lab.REPORT, '--folded', raw]), folded([lab.REPORT, '--folded', scrubbed])
    by_scrub = different(before, after)
    with tempfile.TemporaryDirectory() as root:
        command = jail(root)
        shutil.copy(scrubbed, root + '/rec')
        alone = folded(command + ['--folded', '/rec'])
    by_absence = different(after, alone)
    sizes = f'{os.path.getsize(raw) / 1e6:.1f}/{os.path.getsize(scrubbed) / 1e6:.1f}'
    lab.remove(raw, scrubbed)
    return [f'{name} {workload.WHAT[name]}', run['samples'], sizes, f'{by_scrub:.3%}', f'{SCRUB_LIMIT:.2%}',
            f'{by_absence:.3%}', '0 %', 'ok' if by_scrub <= SCRUB_LIMIT and by_absence == 0 else 'MISSED']


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--scale', type=float, default=0.5)
    p.add_argument('names', nargs='*', default=None, metavar='W')
    a = p.parse_args()
    rows = [row(name, a.scale) for name in a.names or workload.ALL]
    lab.write_result('same', lab.table(
        'Chains that differ', ['workload', 'samples', 'MB raw/scrubbed', 'after scrub', 'target',
                               'without the recorded binaries', 'target', ''], rows))


if __name__ == '__main__':
    main()
