#!/usr/bin/env python3
"""
What names, inlined frames and lines cost: addresses alone against gimli's addr2line, a cache that knows
them, and whole reports with an empty and a filled cache against perf report's default.
Usage: symbols.py [--reps N] [--skip-perf W]...
perf's default takes minutes on W7: it runs once there.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile

import lab
import vote
import workload

GIMLI = os.path.join(workload.BIN, 'a2l-rs')
WARM = os.path.join(lab.BUILD, 'tests', 'check', 'warm')
SQLITE = os.path.join(workload.BIN, 'speedtest1')
FASTER = {'W7': 100, 'W3t': 50, 'W5': 20}
RUNS_WARM = 50


# ---- addresses ----

def keep(name, addresses):
    path = os.path.join(workload.OUT, name + '.addresses')
    with open(path, 'w', encoding='ascii') as f:
        f.write(''.join(f'{a:#x}\n' for a in addresses))
    return path


def profile_addresses(path, module):
    """Addresses of a module in a recording, callers too: (addresses, build-id, path)."""
    out = subprocess.run([lab.REPORT, '--by=address', '--json', '--limit=all', '--no-cache', path],
                         capture_output=True, text=True, check=True).stdout
    rows = [r for e in json.loads(out)['events'] for r in e['rows'] if r.get('module') == module]
    if not rows:
        raise SystemExit(f"no addresses of {module} in '{path}'")
    return sorted({int(r['address'], 16) for r in rows}), rows[0]['build_id'], rows[0]['path']


def debug_file(build_id):
    path = f'/usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug'
    if not os.path.exists(path):
        raise SystemExit(f"no '{path}': install the -dbg package")
    return path


# ---- runs ----

def best(argvs, reps, stdin=None):
    """Best of `reps` runs of each, in turns: [(wall s, CPU s, peak MB)]."""
    runs = [[] for _ in argvs]
    lab.wait_quiet()
    for _ in range(reps):
        for kept, argv in zip(runs, argvs):
            r = lab.run_measured(argv, stdin=stdin, timeout_s=1800)
            if r['rc'] != 0:
                raise SystemExit(f"{' '.join(argv)} ended with {r['rc']}")
            kept.append(r)
    return [(min(r['wall_s'] for r in kept), min(map(lab.cpu_of, kept)), max(r['peak_kib'] for r in kept) / 1024)
            for kept in runs]


def gimli_row(what, file, addresses, n, reps, targets):
    faster, smaller = targets
    ours, peer = best([[lab.REPORT, 'addr2line', '--no-cache', '-afiC', '-e', file], [GIMLI, file]], reps, addresses)
    ratio, share = peer[0] / ours[0], ours[2] / peer[2]
    ok = ratio >= faster and (not smaller or share <= smaller)
    return [what, n, f'{ours[0] * 1e3:.0f}', f'{peer[0] * 1e3:.0f}', f'{ratio:.2f}', f'{peer[1] / ours[1]:.2f}', faster,
            f'{ours[2]:.0f}', f'{peer[2]:.0f}', f'{share:.2f}', smaller or '-', 'ok' if ok else 'MISSED']


def warm_row(what, file, addresses):
    folder = tempfile.mkdtemp(prefix='ddprof-bench-')
    try:
        lab.wait_quiet()
        with open(addresses, encoding='ascii') as f:
            out = subprocess.run([WARM, folder, file, str(RUNS_WARM)], stdin=f, capture_output=True, text=True,
                                 check=True).stdout
    finally:
        shutil.rmtree(folder)
    r = json.loads(out)
    if not r['cached']:
        raise SystemExit(f'{what}: not answered by the cache')
    ok = r['open_us'] <= 5000 and r['address_us'] <= 1
    return [what, r['addresses'], r['frames'], f"{r['first_us'] / 1e3:.0f}", f"{r['open_us'] / 1e3:.2f}", 5,
            f"{r['address_us']:.3f}", 1, f"{r['all_us'] / r['addresses']:.2f}", 'ok' if ok else 'MISSED']


def report_row(name, reps, skip):
    ours, peer = lab.capture('ours', name), lab.capture('perf', name)
    counts = lab.samples_of(ours, 'ours')[0] / lab.samples_of(peer, 'perf')[0]
    perf = ['perf', 'report', '-i', peer, '--stdio', '-g', 'caller']
    folder = tempfile.mkdtemp(prefix='ddprof-bench-')
    os.environ['XDG_CACHE_HOME'] = folder
    try:
        cold, = best([[lab.REPORT, '--no-cache', ours]], 3 * reps)
        best([[lab.REPORT, ours]], 1)
        warm, = best([[lab.REPORT, ours]], 3 * reps)
        same, = best([[lab.REPORT, '--no-cache', peer]], reps)
    finally:
        del os.environ['XDG_CACHE_HOME']
        shutil.rmtree(folder)
    what = f'{name} {workload.WHAT[name]}'
    if skip:
        return [what, f'{counts:.2f}', f'{cold[0] * 1e3:.0f}', f'{warm[0] * 1e3:.0f}', f'{same[0] * 1e3:.0f}', '-', '-',
                '-', '-', FASTER[name], f'{cold[2]:.0f}', '-', 'not run']
    theirs, = best([perf], 1 if name == 'W7' else reps)
    ratio = theirs[0] / cold[0] * counts
    return [what, f'{counts:.2f}', f'{cold[0] * 1e3:.0f}', f'{warm[0] * 1e3:.0f}', f'{same[0] * 1e3:.0f}',
            f'{theirs[0]:.2f}', f'{ratio:.0f}', f'{theirs[0] / warm[0] * counts:.0f}', f'{theirs[0] / same[0]:.0f}',
            FASTER[name], f'{cold[2]:.0f}', f'{theirs[2]:.0f}', 'ok' if ratio >= FASTER[name] else 'MISSED']


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--reps', type=int, default=5)
    p.add_argument('--skip-perf', action='append', default=[], metavar='W')
    a = p.parse_args()
    jvm, build_id, jvm_path = profile_addresses(lab.capture('ours', 'W7'), 'libjvm.so')
    jvm_file = keep('libjvm', jvm)
    sqlite = sorted(set(vote.addresses(vote.symbols(SQLITE), 20000)))
    random.Random(1).shuffle(sqlite)
    sqlite_file = keep('sqlite', sqlite)
    text = lab.table(
        'Addresses alone: ddprof-report addr2line -afiC --no-cache against gimli addr2line 0.19, whole processes',
        ['file', 'addresses', 'ours, ms', 'gimli, ms', 'times faster', 'by CPU time', 'target', 'ours, MB', 'gimli, MB',
         'share', 'target', ''],
        [gimli_row('sqlite -O2 -g', SQLITE, sqlite_file, len(sqlite), 3 * a.reps, (2, None)),
         gimli_row('libjvm, addresses of W7', debug_file(build_id), jvm_file, len(jvm), a.reps, (2, 0.5))])
    text += '\n' + lab.table(
        'A cache that knows them, in one process (tests/check/warm)',
        ['file', 'addresses', 'frames', 'first run, ms', 'a module, ms', 'target', 'an address, us', 'target',
         'with all of a report, us', ''],
        [warm_row('sqlite -O2 -g', SQLITE, sqlite_file), warm_row('libjvm, addresses of W7', jvm_path, jvm_file)])
    text += '\n' + lab.table(
        'Whole report with inlined frames: ddprof-report FILE against perf report --stdio -g caller',
        ['workload', 'samples, ours/perf', 'ours, no cache, ms', 'filled cache, ms', "perf's file, no cache, ms",
         'perf, s', 'times faster', 'filled cache', "perf's file", 'target', 'ours, MB', 'perf, MB', ''],
        [report_row(name, a.reps, name in a.skip_perf) for name in FASTER])
    text += ("\nWall time, best of the runs, which took turns. What the sample counts of equal recordings differ by is "
             "divided out; *perf's file*\nis the same file read by both. `a module`: its answers read and checked whole; "
             "`an address`: looked up, with the names and\nfiles of all its frames; `with all of a report`: symbol tables "
             "of the object itself included.\n")
    lab.write_result('symbols', text)


if __name__ == '__main__':
    main()
