#!/usr/bin/env python3
"""The recorder's own children die: the one that reads files, the one that makes it, or both.

They are killed at random moments, as the kernel does where memory is short. The recording goes on
and is whole, COMMAND does not notice, and what could not be read is counted and said.
"""
import argparse
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import rig as r

WHO = {'inspector': ('ddprof-record',), 'spare': ('ddprof-spare',), 'both': ('ddprof-spare', 'ddprof-record')}
MS, LATE_MS = 1500, 300


def children(pid):
    """{name: pid} of the recorder's own ones."""
    ret = {}
    try:
        for child in open('/proc/%d/task/%d/children' % (pid, pid)).read().split():
            ret[open('/proc/%s/comm' % child).read().strip()] = int(child)
    except (FileNotFoundError, ProcessLookupError):
        pass
    return ret


class Children:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        self.steady = rig.compile(r.CHECK / 'steady.c', 'steady')
        self.late = rig.compile(r.CHECK / 'steady.c', 'late', '-O1')  # met after the kill
        self.n = self.n_killed = self.n_samples = self.n_embedded = self.n_failed = self.n_said = 0

    def one(self, i, who, after):
        name = self.rig.folder / ('c%d' % i)
        rec = '%s.rec' % name
        what = '%s killed after %.3f s' % (who, after)
        with open('%s.err' % name, 'w') as err:
            process = r.start(r.record, '-v', '-F', '999', '-o', rec, '--', 'sh', '-c', '"$1" "$2"; "$3" "$4"', 'sh',
                              self.steady, MS, self.late, LATE_MS, stdout=subprocess.DEVNULL, stderr=err)
        end = r.uptime() + 20
        while 'sh' not in children(process.pid) and process.poll() is None and r.uptime() < end:
            r.time.sleep(0.01)
        r.time.sleep(after)
        there = children(process.pid)
        n = sum(self.kill(there.get(comm)) for comm in WHO[who])
        try:
            status = process.wait(60)
        except subprocess.TimeoutExpired:
            status = 'hang'
        r.stop(process)
        self.n += 1
        self.n_killed += n
        self.judge(what, who, status, rec, open('%s.err' % name).read())

    @staticmethod
    def kill(pid):
        try:
            r.os.kill(pid, r.signal.SIGKILL)
        except (TypeError, ProcessLookupError):
            return 0
        return 1

    def judge(self, what, who, status, rec, said):
        if status != 7:
            self.rig.miss('%s: status %s of COMMAND, expected 7: %s' % (what, status, said))
        code, told, err = r.info(rec)
        if code or not told or not told['ended'] or told['stored'] != told['read'] or told['damages']:
            self.rig.miss('%s: the recording is not whole: %s %s' % (what, err, said))
            return
        self.n_samples += told['stored']
        self.n_embedded += told.get('objects embedded', 0)
        self.n_failed += told.get('objects not readable', 0)
        if told['stored'] < 20:  # a fifth of a CPU at 999 Hz; a busy machine gives much less
            self.rig.miss('%s: only %d samples' % (what, told['stored']))
        if 'none lost' not in said:
            self.rig.miss('%s: samples were lost: %s' % (what, said))
        has_said = 'no process reads files any more' in said
        self.n_said += has_said
        if who == 'both' and not (has_said and told.get('objects not readable')):
            self.rig.miss('%s: not said and counted: %s' % (what, said))
        if who == 'inspector' and (has_said or not told.get('objects embedded', 0)):
            self.rig.miss('%s: no other one took over: %s' % (what, said))
        missing = re.search(r'(\d+) of (\d+) files could not be embedded', said)
        if told.get('objects not readable', 0) and (not missing or int(missing.group(1)) != told.get('objects not readable', 0)):
            self.rig.miss('%s: %d files were not embedded, said: %s' % (what, told.get('objects not readable', 0), said))

    def run(self):
        dice = random.Random(self.options.seed)
        jobs = [(i, ('inspector', 'both', 'inspector', 'spare')[i % 4], dice.random() * MS / 1000)
                for i in range(self.options.kills)]
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for done in [pool.submit(self.one, *job) for job in jobs]:
                done.result()
        return self.rig.end(
            '%d recordings (seed %d), %d children killed: all whole with %d samples, none lost, COMMAND as always; '
            '%d files embedded, %d counted as not read, %d said that nobody reads files any more' %
            (self.n, self.options.seed, self.n_killed, self.n_samples, self.n_embedded, self.n_failed, self.n_said))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--kills', type=int, default=100, help='recordings')
    parser.add_argument('--jobs', type=int, default=4)
    parser.add_argument('--seed', type=int, default=int(r.time.time()))
    options = parser.parse_args()
    r.need_perf()
    with r.Rig() as rig:
        return Children(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
