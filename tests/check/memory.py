#!/usr/bin/env python3
"""Memory cgroups: the recorder where there is little, alone or together with COMMAND.

Alone it records the whole machine while programs begin and end outside. Where the kernel kills, it
takes the largest: the child that reads files, then the recorder; the file has all up to then. With
COMMAND in one group the program that eats it up is killed, and COMMAND's status is passed on; where
the recorder is chosen, COMMAND does not notice.
"""
import argparse
import os
import re
import subprocess
import sys

import rig as r

GROUPS = '/sys/fs/cgroup/memory'
LIMIT_S = 1.0


class Group:
    """A memory cgroup (version 1) with a limit."""

    def __init__(self, rig, mib):
        self.path = '%s/ddprof-proof-%d-%d' % (GROUPS, os.getpid(), len(rig.at_end))
        os.mkdir(self.path)
        rig.at_end.append(self.done)
        self.put('memory.limit_in_bytes', mib << 20)

    def put(self, name, value):
        with open('%s/%s' % (self.path, name), 'w') as f:
            f.write(str(value))

    def get(self, name):
        with open('%s/%s' % (self.path, name)) as f:
            return f.read()

    def inside(self, *args):
        return ['sh', '-c', 'echo $$ >"$0/cgroup.procs"; exec "$@"', self.path, *args]

    def kills(self):
        found = re.search(r'oom_kill (\d+)', self.get('memory.oom_control'))
        return int(found.group(1)) if found else 0

    def peak_kib(self):
        return int(self.get('memory.max_usage_in_bytes')) >> 10

    def done(self):
        for _ in range(100):
            try:
                os.rmdir(self.path)
                return
            except FileNotFoundError:
                return
            except OSError:
                r.time.sleep(0.05)


class Memory:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        self.storm = rig.compile(r.CHECK / 'storm.c', 'storm')
        self.steady = rig.compile(r.CHECK / 'steady.c', 'steady')
        self.twins = [rig.compile(r.CHECK / 'twin.c', name, *flags)
                      for name, flags in (('twin_a', ['-DFIRST', '-no-pie']), ('twin_b', ['-no-pie']))]
        self.told = []

    def check(self, what, rec, err, whole):
        status, told, why = r.info(rec)
        if status or not told or told['stored'] != told['read'] or told['damages'] or told['ended'] != whole:
            self.rig.miss('%s: the recording is not as expected: %s %s' % (what, why, err))
            return None
        return told

    def alone(self, mib):
        """The whole machine; programs that begin and end are outside."""
        group, rec = Group(self.rig, mib), str(self.rig.folder / ('alone%d' % mib))
        noise = r.start(self.storm, 'processes', '100000', *self.twins, stdout=subprocess.DEVNULL)
        self.rig.at_end.append(lambda: r.stop(noise))
        began = r.uptime()
        process = r.start(*group.inside(r.record, '-v', '-a', '--duration', self.options.seconds, '-o', rec),
                          stderr=subprocess.PIPE, text=True, errors='replace')
        err = process.communicate()[1]
        end = r.uptime()
        r.stop(noise)
        killed = process.returncode != 0
        what = '%d MiB alone' % mib
        if killed and process.returncode != -r.signal.SIGKILL:
            self.rig.miss('%s: ended with %d: %s' % (what, process.returncode, err))
        if killed and (not os.path.exists(rec) or os.path.getsize(rec) < 64):
            self.told.append('%s: killed before there was a header' % what)
            return
        told = self.check(what, rec, err, not killed)
        if not told:
            return
        lost = end - max((told.get('last_ns') or 0) / 1e9, began)
        if killed and lost > LIMIT_S:
            self.rig.miss('%s: %.2f s lost' % (what, lost))
        if not killed and 'none lost' not in err:
            self.rig.miss('%s: samples were lost: %s' % (what, err.strip().splitlines()[-1]))
        self.told.append('%s: peak %d KiB, %d kills, %s%d samples, %d files embedded and %d not' %
                         (what, group.peak_kib(), group.kills(), 'the recorder too, ' if killed else '',
                          told['stored'], told.get('objects embedded', 0), told.get('objects not readable', 0)))

    def together(self, mib, chosen):
        """COMMAND's program eats the group up; `chosen`: the kernel is told to take the recorder."""
        group = Group(self.rig, mib)
        rec, end = str(self.rig.folder / ('with%d' % chosen)), self.rig.folder / ('end%d' % chosen)
        script = '"$0" 1200 >/dev/null; head -c 400m /dev/zero | tail -c 400m | wc -c; "$0" 300 >"$1"; exit 5'
        process = r.start(*group.inside(r.record, '-F', '999', '-o', rec, '--', 'sh', '-c', script, self.steady,
                                        end), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if chosen:
            self.choose(process.pid)
        _, err = process.communicate()
        for _ in range(1200):
            if end.exists() and end.stat().st_size:
                break
            r.time.sleep(0.05)
        what = '%d MiB with COMMAND%s' % (mib, ', the recorder is chosen' if chosen else '')
        if not (end.exists() and end.stat().st_size):
            self.rig.miss('%s: COMMAND did not come to its end: %s' % (what, err))
        if process.returncode != (-r.signal.SIGKILL if chosen else 5):
            self.rig.miss('%s: status %d: %s' % (what, process.returncode, err))
        told = self.check(what, rec, err, not chosen)
        if told:
            self.told.append('%s: %d kills, COMMAND came to its end, %d samples' %
                             (what, group.kills(), told['stored']))

    @staticmethod
    def choose(pid):
        end = r.uptime() + 10
        while open('/proc/%d/comm' % pid).read().strip() != 'ddprof-record' and r.uptime() < end:
            r.time.sleep(0.01)
        r.time.sleep(0.4)  # COMMAND, which would inherit it, is there
        with open('/proc/%d/oom_score_adj' % pid, 'w') as f:
            f.write('1000')

    def run(self):
        for mib in self.options.mib:
            self.alone(mib)
        self.together(32, False)
        self.together(32, True)
        return self.rig.end('; '.join(self.told))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=10, help='of each recording alone')
    parser.add_argument('--mib', type=int, nargs='+', default=[32, 16, 8, 4], help='limits of the recorder alone')
    options = parser.parse_args()
    r.need_root()
    r.need_perf()
    if not os.access(GROUPS + '/memory.limit_in_bytes', os.W_OK) and not os.path.exists(GROUPS + '/cgroup.procs'):
        r.skip('no memory cgroups of version 1')
    with r.Rig() as rig:
        return Memory(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
