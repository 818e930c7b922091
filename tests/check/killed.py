#!/usr/bin/env python3
"""kill -9 of the recorder, at any time and at any write: the file opens, at most 1.0 s is lost.

Half of the kills come by signal at a random moment of its life, half strike inside a write, before
it or when half of its bytes are out. The time lost is from the newest stored sample to the kill, or
to the end of the program when that was first. A program that never rests runs at 999 Hz.
"""
import argparse
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import rig as r

LIMIT_S = 1.0
HEADER_BYTES = 64


def ended_at(path):
    """When the program was through, by its own word."""
    try:
        return float(open(path).read().split()[0])
    except (OSError, IndexError, ValueError):
        return None


class Kills:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        self.steady = rig.compile(r.CHECK / 'steady.c', 'steady')
        rig.failcall()
        self.random = random.Random(options.seed)
        self.worst = self.n_opened = self.n_none = self.n_torn = self.n_at_write = self.n_kills = 0

    def command(self, rec, ms, end):
        return [r.record, '-F', '999', *self.options.record, '-o', rec, '--', 'sh', '-c',
                'exec "$1" "$2" >"$3"', 'sh', self.steady, str(ms), end]

    def count_writes(self):
        log, rec = self.rig.folder / 'clean.log', self.rig.folder / 'clean'
        process = r.start(*self.command(rec, 2500, self.rig.folder / 'clean.end'),
                          env=self.rig.failing(log, 'write:1000000:kill'))
        if process.wait() != 7:
            sys.exit('the clean run failed')
        return self.rig.calls(log)['kind']['write']

    def one(self, i, wish, after):
        name = self.rig.folder / ('k%d' % i)
        log, rec, end = '%s.log' % name, '%s.rec' % name, '%s.end' % name
        what = 'kill %d, %s' % (i, wish or 'after %.3f s' % after)
        began = r.uptime()
        with open('%s.err' % name, 'w') as err:
            process = r.start(*self.command(rec, 2500 if wish else 4000, end), env=self.rig.failing(log, wish),
                              stdout=r.subprocess.DEVNULL, stderr=err)
        if wish:
            try:
                process.wait(30)
            except r.subprocess.TimeoutExpired:
                self.rig.miss(what + ': still running')
            killed = self.rig.calls(log)['killed'] / 1e9
        else:
            r.time.sleep(max(0, began + after - r.uptime()))
            if process.poll() is not None:
                self.rig.miss(what + ': was gone before')
            os.kill(process.pid, r.signal.SIGKILL)
            killed = r.uptime()
        program_end = ended_at(end)
        r.stop(process)
        if wish and not killed:
            return  # it had fewer writes this time
        self.n_kills += 1
        self.judge(what, rec, began, killed, program_end, 'torn' in wish)
        self.n_at_write += bool(wish)
        for path in (log, rec, end, '%s.err' % name):
            if os.path.exists(path):
                os.unlink(path)

    def judge(self, what, rec, began, killed, program_end, torn):
        self.n_torn += torn
        if not os.path.exists(rec) or os.path.getsize(rec) < HEADER_BYTES:
            self.n_none += 1
            if killed - began > LIMIT_S:
                self.rig.miss('%s: no file after %.2f s' % (what, killed - began))
            return
        status, told, err = r.info(rec)
        if status or told is None:
            self.rig.miss('%s: %d bytes, info ends with %d: %s' % (what, os.path.getsize(rec), status, err))
            return
        status, stacks, err = r.folded(rec)
        if status or (not told['ended'] and 'bnormal' not in err):
            self.rig.miss('%s: status %d: %s' % (what, status, err))
        if told['stored'] != told['read']:
            self.rig.miss('%s: %s stored, %s read' % (what, told['stored'], told['read']))
        self.n_opened += 1
        last = (told.get('last_ns') or 0) / 1e9
        lost = min(killed, program_end or killed) - max(last, began)
        self.worst = max(self.worst, lost)
        if lost > LIMIT_S:
            self.rig.miss('%s: %.2f s lost' % (what, lost))

    def run(self):
        n_writes = self.count_writes()
        print('seed %d, %d kills, %d writes in a clean run' % (self.options.seed, self.options.kills, n_writes))
        jobs = []
        for i in range(self.options.kills):
            if i % 2:
                jobs.append((i, '', 0.02 + self.random.random() * 3.3))
            else:
                how = 'torn' if self.random.random() < 0.5 else 'kill'
                jobs.append((i, 'write:%d:%s' % (1 + (i // 2) % n_writes, how), 0))
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for done in [pool.submit(self.one, *job) for job in jobs]:
                done.result()
        return self.rig.end(
            '%d kills, %d of them inside a write (%d half written): %d files open of %d, '
            '%d died before there was a header; at most %.2f s lost' %
            (self.n_kills, self.n_at_write, self.n_torn, self.n_opened,
             self.n_kills - self.n_none, self.n_none, self.worst))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--kills', type=int, default=500)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--seed', type=int, default=int(r.time.time()))
    parser.add_argument('record', nargs='*', help='further options of ddprof-record')
    options = parser.parse_args()
    r.need_perf()
    with r.Rig() as rig:
        return Kills(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
