#!/usr/bin/env python3
"""Storms of processes, threads, libraries, mappings: samples keep their binaries, the rings their time.

leafids.c finds the file under each user sample by the mappings at its time. Twins (twin.c) take
turns at one address or under one pid: a sample on a twin's filler was given to the wrong one.
"""
import argparse
import os
import re
import subprocess
import sys

import rig as r

BUILD_IDS = 0.999
TICK = os.sysconf('SC_CLK_TCK')

CASES = {  # name: (what to run, at full size, small)
    'processes': ('10 000 processes', 10000, 400),
    'reuse': ('one pid 10 000 times', 10000, 300),
    'bomb': ('fork bomb, 2 000 processes at most', 5000, 1000),
    'threads': ('5 000 threads', 5000, 1000),
    'maps': ('65 530 mappings', 65500, 5000),
    'perfmap': ('a perf map of 200 MiB', 200, 80),
    'swap': ('dlopen and dlclose at one address', 20000, 1500),
}


NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all', '--inh-caps=-all',
          '--no-new-privs']


class Usage:
    """CPU time and memory of the recorder and its children that are not COMMAND."""

    def __init__(self, pid):
        self.pid, self.cpu, self.peak_kib, self.waited = pid, {}, {}, 0.0

    def look(self):
        try:
            children = open('/proc/%d/task/%d/children' % (self.pid, self.pid)).read().split()
            for pid in [str(self.pid), *children]:
                stat = open('/proc/%s/stat' % pid).read()
                if not stat[stat.index('(') + 1:].startswith('ddprof'):
                    continue
                word = stat[stat.rindex(')') + 2:].split()
                self.cpu[pid] = (int(word[11]) + int(word[12])) / TICK
                if pid == str(self.pid):
                    self.waited = int(open('/proc/%s/schedstat' % pid).read().split()[1]) / 1e9
                match = re.search(r'VmHWM:\s*(\d+)', open('/proc/%s/status' % pid).read())
                if match:
                    self.peak_kib[pid] = int(match.group(1))
        except (OSError, ValueError):
            pass


# A chroot has no mount whose propagation could be changed.
PID_NAMESPACE = ['unshare', '-p', '-f', '-m', '--propagation', 'unchanged', '--kill-child', '--mount-proc']


class Storms:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        if options.nobody:
            os.chown(rig.folder, 65534, 65534)
        self.storm = rig.compile(r.CHECK / 'storm.c', 'storm')
        self.leafids = str(r.build / 'tests/check/leafids')
        self.twins = {}
        for name, flags in (('twin_a', ['-DFIRST', '-no-pie']), ('twin_b', ['-no-pie']),
                            ('libtwin_a.so', ['-DFIRST', '-shared', '-fPIC']),
                            ('libtwin_b.so', ['-shared', '-fPIC'])):
            self.twins[rig.compile(r.CHECK / 'twin.c', name, *flags)] = range(4, 7) if '_a' in name else range(3, 6)

    def command(self, name, n):
        twins = list(self.twins)[2:] if name == 'swap' else list(self.twins)[:2]
        command = [self.storm, name, str(n), *(twins if name in ('processes', 'reuse', 'swap') else [])]
        if name == 'bomb':
            group = '/sys/fs/cgroup/pids/ddprof-proof-%d' % os.getpid()
            try:
                os.mkdir(group)
                open(group + '/pids.max', 'w').write('2000')
            except OSError as e:
                return None, 'no pids cgroup: %s' % e
            self.rig.at_end.append(lambda: os.rmdir(group))
            if self.options.nobody:
                os.chown(group + '/cgroup.procs', 65534, 65534)
            command = ['sh', '-c', 'echo $$ >%s/cgroup.procs; exec nice -n 10 "$@"' % group, 'sh', *command]
        return command, ''

    def run_one(self, name, rec, command):
        before = PID_NAMESPACE if name == 'reuse' else []
        out, err = rec + '.out', rec + '.err'
        began = r.uptime()
        with open(out, 'w') as o, open(err, 'w') as e:
            before += NOBODY if self.options.nobody else []
            hz = 4999 if name in ('processes', 'swap', 'reuse') else self.options.hz
            process = r.start(*before, r.record, '-l', 'debug', '-F', str(hz), *self.options.record.split(), '-o', rec,
                              '--', *command, stdout=o, stderr=e,
                              env=dict(os.environ, DDPROF_DEBUG='session'))
            usage = None
            while process.poll() is None and r.uptime() < began + 300:
                if usage is None:
                    pid = process.pid
                    if name == 'reuse':
                        kids = open('/proc/%d/task/%d/children' % (pid, pid)).read().split()
                        pid = int(kids[0]) if kids else 0
                    usage = Usage(pid) if pid else None
                else:
                    usage.look()
                r.time.sleep(0.03)
        took = r.uptime() - began
        status = process.poll()
        r.stop(process)
        return status, took, usage, open(out, errors='replace').read(), open(err, errors='replace').read()

    def judge(self, name, rec):
        """(user samples, share with a build-id, on the wrong twin, between programs)"""
        got = dict(samples=0, unknown=0, unmapped=0, between=0, nameless=0)
        wrong = 0
        done = subprocess.run([self.leafids, rec], capture_output=True, text=True, errors='replace')
        if done.returncode:
            self.rig.miss('%s: %s' % (name, done.stderr))
        for line in done.stdout.splitlines():
            word = line.split()
            if word[0] in got:
                got[word[0]] = int(word[1])
            elif word[0] == 'at' and int(word[-1]) in self.twins.get(' '.join(word[2:-1]), ()):
                wrong += int(word[1])
        n = got['samples'] - got['between']
        without = got['unknown'] + got['unmapped'] + got['nameless']
        return n, 1 - without / n if n else 0.0, wrong, got['between']

    def one(self, name):
        what, full, small = CASES[name]
        command, why = self.command(name, small if self.options.small else full)
        if command is None:
            print('left out: %s: %s' % (what, why))
            return
        rec = str(self.rig.folder / name)
        status, took, usage, out, err = self.run_one(name, rec, command)
        longest = [int(w) / 1000 for w in re.findall(r'longest_between_looks_us=(\d+)', err)]
        n, share, wrong, between = self.judge(name, rec)
        code, told, text = r.info(rec)
        cpu = sum(usage.cpu.values()) if usage else 0
        print('%s: %s; status %s after %.1f s; %d user samples, %.3f %% with a build-id, %d on the wrong binary, '
              '%d inside an exec; %s lost, longest between looks %.0f ms; recorder %.2f s CPU (%.1f %%), waited %.1f s '
              'for a CPU, peak KiB %s'
              % (what, out.strip().replace('\n', ', '), status, took, n, share * 100, wrong, between,
                 told['lost_kernel'] if told else '?', max(longest, default=-1), cpu, 100 * cpu / took,
                 usage.waited if usage else 0,
                 '+'.join(str(v) for v in (usage.peak_kib.values() if usage else []))), flush=True)
        if status != 7:
            self.rig.miss('%s: status %s, expected 7: %s' % (what, status, err[-300:]))
        if code or not told or not told['ended'] or told['stored'] != told['read']:
            self.rig.miss('%s: the recording is not whole: %s' % (what, text))
        if share < BUILD_IDS or not n:
            self.rig.miss('%s: %.3f %% with a build-id of %d' % (what, share * 100, n))
        if wrong:
            self.rig.miss('%s: %d samples on the wrong binary' % (what, wrong))
        if max(longest, default=0) > self.options.drain_ms:
            self.rig.miss('%s: %.0f ms between two looks at the rings' % (what, max(longest)))

    def run(self):
        for name in self.options.cases or CASES:
            if name == 'reuse' and subprocess.run([*PID_NAMESPACE, 'true'], capture_output=True).returncode:
                print('left out: one pid again and again needs a pid namespace of its own')
                continue
            self.one(name)
        return self.rig.end('storms at %d Hz: %s' % (self.options.hz, ', '.join(self.options.cases or CASES)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--small', action='store_true', help='sizes for each commit')
    parser.add_argument('--hz', type=int, default=999)
    parser.add_argument('--drain-ms', type=float, default=100, help='longest time between two looks at the rings')
    parser.add_argument('--record', default='', metavar='OPTIONS',
                        help='more options of the recorder, separated by blanks')
    parser.add_argument('--nobody', action='store_true', help='recorder and storm without any right')
    parser.add_argument('cases', nargs='*', help=' '.join(CASES))
    options = parser.parse_args()
    r.need_perf()
    if os.uname().machine != 'x86_64':
        r.skip('the twins are written for x86-64')
    with r.Rig() as rig:
        return Storms(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
