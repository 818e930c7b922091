#!/usr/bin/env python3
"""Memory of the recorder, its inspector and its spare while processes, threads and files come and go.

churn.c does in minutes what a build machine does in an hour. Memory is looked at all the time; the
first sixth is the time in which it may grow.
"""
import argparse
import os
import re
import sys

import rig as r

WAYS = {
    'plain': [],
    'last': ['--last=5s'],
    'rotate': ['--rotate=5s:2'],
}


class Memory:
    """Curves of RssAnon in KiB; file pages are shared and go when memory is short."""

    def __init__(self, pid):
        self.pid, self.curves, self.cpu = pid, {}, {}

    def role(self, pid):
        if pid == self.pid:
            return 'recorder'
        name = open('/proc/%d/comm' % pid).read().strip()
        return {'ddprof-spare': 'spare', 'ddprof-record': 'inspector'}.get(name)

    def look(self, at):
        try:
            children = open('/proc/%d/task/%d/children' % (self.pid, self.pid)).read().split()
            for pid in [self.pid, *map(int, children)]:
                role = self.role(pid)
                if role is None or (role == 'inspector' and not self.is_inspector(pid)):
                    continue
                status = open('/proc/%d/status' % pid).read()
                kib = int(re.search(r'RssAnon:\s*(\d+)', status).group(1))
                self.curves.setdefault(role, []).append((at, kib))
                stat = open('/proc/%d/stat' % pid).read()
                word = stat[stat.rindex(')') + 2:].split()
                self.cpu[role] = (int(word[11]) + int(word[12])) / os.sysconf('SC_CLK_TCK')
        except (OSError, ValueError, AttributeError):
            pass

    @staticmethod
    def is_inspector(pid):
        """COMMAND bears the recorder's name until its exec."""
        return 'ddprof-record' in os.readlink('/proc/%d/exe' % pid)


def growth(curve, took):
    """(most in the first sixth, most after it)"""
    first = [kib for at, kib in curve if at <= took / 6]
    later = [kib for at, kib in curve if at > took / 6]
    return max(first, default=0), max(later, default=0)


def points(curve, took, n=10):
    ret = []
    for i in range(n):
        part = [kib for at, kib in curve if took * i / n <= at < took * (i + 1) / n]
        ret.append('%.1f' % (max(part) / 1024) if part else '-')
    return ' '.join(ret)


def one(rig, options, way, command):
    rec = str(rig.folder / way)
    err = rec + '.err'
    began = r.uptime()
    with open(err, 'w') as e:
        process = r.start(r.record, *(['-l', 'debug'] if options.debug else []), '-F', str(options.hz), *WAYS[way],
                          '-o', rec, '--', *command, stderr=e, env=dict(os.environ, DDPROF_DEBUG='session,sink'))
        memory = Memory(process.pid)
        while process.poll() is None and r.uptime() < began + options.seconds * 10:
            memory.look(r.uptime() - began)
            r.time.sleep(0.1)
    took = r.uptime() - began
    status = process.poll()
    r.stop(process)
    text = open(err, errors='replace').read()
    if options.debug:
        print(text[-options.debug:])
    if status != 7:
        rig.miss('%s: status %s, expected 7: %s' % (way, status, text[-300:]))
    files = sorted(f for f in os.listdir(rig.folder) if f.startswith(way) and not f.endswith('.err'))
    code, told, why = r.info(rig.folder / files[-1]) if files else (1, None, 'no file')
    if code or not told or told['stored'] != told['read']:
        rig.miss('%s: the recording is not whole: %s' % (way, why))
    cpu = sum(memory.cpu.values())
    print('%s: %.0f s, %.1f s of CPU (%.1f %%), lost %s, embedded %s, %.1f MB' %
          (way, took, cpu, 100 * cpu / took, told and told['lost_kernel'], told and told.get('objects_embedded'),
           sum(os.path.getsize(rig.folder / f) for f in files) / 1e6))
    for role, curve in memory.curves.items():
        first, later = growth(curve, took)
        print('  %-9s MiB in tenths of the time: %s; grew by %d KiB after the first sixth'
              % (role, points(curve, took), max(later - first, 0)), flush=True)
        if later - first > options.kib:
            rig.miss('%s: the %s grew from %d to %d KiB' % (way, role, first, later))
    for f in files:
        os.unlink(rig.folder / f)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--seconds', type=int, default=360)
    p.add_argument('--processes', type=int, default=200000)
    p.add_argument('--programs', type=int, default=20000)
    p.add_argument('--threads', type=int, default=100000)
    p.add_argument('--libraries', type=int, default=10000)
    p.add_argument('--hz', type=int, default=999)
    p.add_argument('--kib', type=int, default=1024, help='so much it may grow after the first sixth')
    p.add_argument('--debug', type=int, default=0, help='show so many bytes of the log')
    p.add_argument('ways', nargs='*', choices=[*WAYS, []])
    options = p.parse_args()
    r.need_perf()
    with r.Rig() as rig:
        churn = rig.compile(r.CHECK / 'churn.c', 'churn')
        program = rig.compile(r.CHECK / 'twin.c', 'program', '-Wl,--build-id')
        library = rig.compile(r.CHECK / 'twin.c', 'library.so', '-shared', '-fPIC', '-Wl,--build-id')
        command = [churn, str(options.seconds * 1000), str(options.processes), str(options.programs),
                   str(options.threads), str(options.libraries), program, library, str(rig.folder)]
        for way in options.ways or WAYS:
            one(rig, options, way, command)
        return rig.end('%d processes, %d programs, %d threads, %d libraries: memory stays within %d KiB'
                       % (options.processes, options.programs, options.threads, options.libraries, options.kib))


if __name__ == '__main__':
    sys.exit(main())
