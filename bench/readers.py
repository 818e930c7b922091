#!/usr/bin/env python3
"""
Which reader of debug information stands where: ours, libdw (dwarf_getscopes, as eu-addr2line -fi) and
libdwarf (reading all entries and rows once, without searching: less than answers would cost).
Usage: readers.py [--reps N] [--skip-jvm]
Needs tests/check/{answers,scopes,dwarf} (make check builds them), the programs of setup.sh, and for libjvm its
-dbg package and a capture of W7.
"""
import argparse
import os

import lab
import symbols
import vote
import workload

CHECK = os.path.join(lab.BUILD, 'tests', 'check')


def row(what, file, addresses, n, reps):
    """libdw and libdwarf run once: they take long."""
    ours, = symbols.best([[os.path.join(CHECK, 'answers'), file]], reps, addresses)
    cells = [what, n, f'{ours[0] * 1e3:.0f}', f'{ours[2]:.0f}']
    for argv, stdin in (([os.path.join(CHECK, 'scopes'), file], addresses),
                        ([os.path.join(CHECK, 'dwarf'), '-r', file], None)):
        r = lab.run_measured(argv, stdin=stdin, timeout_s=1800)
        if r['rc'] != 0:
            cells += [f'ended with {r["rc"]}', '-', '-']
            continue
        cells += [f'{r["wall_s"] * 1e3:.0f}', f'{r["peak_kib"] / 1024:.0f}', f'{r["wall_s"] / ours[0]:.0f}']
    return cells


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--reps', type=int, default=3)
    p.add_argument('--skip-jvm', action='store_true')
    a = p.parse_args()
    sqlite = sorted(set(vote.addresses(vote.symbols(symbols.SQLITE), 20000)))
    rows = [row('sqlite -O2 -g', symbols.SQLITE, symbols.keep('readers-sqlite', sqlite), len(sqlite), a.reps)]
    if not a.skip_jvm:
        jvm, build_id, _ = symbols.profile_addresses(lab.capture('ours', 'W7'), 'libjvm.so')
        rows.append(row('libjvm, addresses of W7', symbols.debug_file(build_id), symbols.keep('readers-libjvm', jvm),
                        len(jvm), a.reps))
    text = lab.table('Readers of debug information, the decoder alone: no jail, no cache, no demangling',
                     ['file', 'addresses', 'ours, ms', 'ours, MB', 'libdw, ms', 'MB', 'times ours',
                      'libdwarf reads all, ms', 'MB', 'times ours'], rows)
    lab.write_result('readers', text)


if __name__ == '__main__':
    main()
