#!/usr/bin/env python3
"""kill -9 of the recorder, at any time and at any write: the file opens, at most 1.0 s is lost.

Half of the kills come by signal at a random moment of its life, half strike inside a write, before
it or when half of its bytes are out. The time lost is from the newest stored sample to the kill, or
to the end of the program when that was first. A program that never rests runs at 999 Hz.

--mode=rotate: segments; each that has its name is whole, the unfinished one is read, all together
lose no more. --mode=last: the flight recorder, asked for a snapshot 3 times a second; each that has
its name is whole, one that was being written reads as far as it goes.
"""
import argparse
import os
import pathlib
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import rig as r

LIMIT_S = 1.0
HEADER_BYTES = 64
SNAPSHOT_S = 0.3
MODES = {'one': [], 'rotate': ['--rotate=64K'], 'last': ['--last=2s']}


def waits_for_signal(pid):
    """Whether SIGUSR2 is expected: else it would end the recorder."""
    try:
        with open('/proc/%d/status' % pid) as f:
            blocked = [line.split()[1] for line in f if line.startswith('SigBlk')]
    except (OSError, IndexError):
        return False
    return bool(blocked) and int(blocked[0], 16) >> (r.signal.SIGUSR2 - 1) & 1


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
        self.n_whole = self.n_parts = self.n_empty = 0

    def command(self, rec, ms, end):
        return [r.record, '-F', '999', *MODES[self.options.mode], *self.options.record, '-o', rec, '--', 'sh', '-c',
                'exec "$1" "$2" >"$3"', 'sh', self.steady, str(ms), end]

    def ask(self, process):
        """Snapshots, until the process is gone."""
        while process.poll() is None:
            r.time.sleep(SNAPSHOT_S)
            if process.poll() is None and waits_for_signal(process.pid):
                os.kill(process.pid, r.signal.SIGUSR2)

    def start(self, *args, **more):
        process = r.start(*args, **more)
        if self.options.mode == 'last':
            threading.Thread(target=self.ask, args=(process,), daemon=True).start()
        return process

    def count_writes(self):
        log, rec = self.rig.folder / 'clean.log', self.rig.folder / 'clean'
        process = self.start(*self.command(rec, 2500, self.rig.folder / 'clean.end'),
                             env=self.rig.failing(log, 'write:1000000:kill'), stderr=r.subprocess.DEVNULL)
        if process.wait() != 7:
            sys.exit('the clean run failed')
        return self.rig.calls(log)['kind']['write']

    def one(self, i, wish, after):
        name = self.rig.folder / ('k%d' % i)
        log, rec, end = '%s.log' % name, '%s.rec' % name, '%s.end' % name
        what = 'kill %d, %s' % (i, wish or 'after %.3f s' % after)
        began = r.uptime()
        with open('%s.err' % name, 'w') as err:
            process = self.start(*self.command(rec, 2500 if wish else 4000, end), env=self.rig.failing(log, wish),
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
        self.n_torn += 'torn' in wish
        self.n_at_write += bool(wish)
        if self.options.mode == 'one':
            self.judge(what, rec, began, killed, program_end)
        else:
            self.judge_files(what, pathlib.Path(rec), began, min(killed, program_end or killed))
        for path in pathlib.Path(self.rig.folder).glob('k%d.*' % i):
            path.unlink()

    def read(self, what, path):
        """What `info` says of a file that is readable to its end, and has stacks."""
        status, told, err = r.info(path)
        if status or told is None:
            self.rig.miss('%s: %s, %d bytes, info ends with %d: %s' %
                          (what, path.name, path.stat().st_size, status, err))
            return None
        status, _, err = r.folded(path)
        if status or (not told['ended'] and 'bnormal' not in err):
            self.rig.miss('%s: %s: status %d: %s' % (what, path.name, status, err))
        return told

    def judge_files(self, what, rec, began, end):
        newest, n = began, 0
        for path in sorted(rec.parent.glob(rec.name + '.??????*')):
            whole = not path.name.endswith('.part')
            if path.stat().st_size < HEADER_BYTES:
                self.n_empty += 1
                if whole:
                    self.rig.miss('%s: %s is empty' % (what, path.name))
                continue
            told = self.read(what, path)
            if not told:
                continue
            n += 1
            self.n_whole += whole
            self.n_parts += not whole
            if whole and (not told['ended'] or told['damages'] or told['stored'] != told['read']):
                self.rig.miss('%s: %s has its name and is not whole: %s stored, %s read, %s' %
                              (what, path.name, told['stored'], told['read'], told['damages']))
            newest = max(newest, (told.get('last_ns') or 0) / 1e9)
        self.n_none += not n
        self.n_opened += bool(n)
        if self.options.mode == 'rotate':
            self.worst = max(self.worst, end - newest)
            if end - newest > LIMIT_S:
                self.rig.miss('%s: %.2f s lost' % (what, end - newest))

    def judge(self, what, rec, began, killed, program_end):
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
            '%d kills, %d of them inside a write (%d half written): %d recordings open of %d, '
            '%d died before there was a header; %s' %
            (self.n_kills, self.n_at_write, self.n_torn, self.n_opened,
             self.n_kills - self.n_none, self.n_none, self.told()))

    def told(self):
        lost = 'at most %.2f s lost' % self.worst
        files = '%d finished files are whole, %d unfinished ones are read, %d had no header' % (
            self.n_whole, self.n_parts, self.n_empty)
        return {'one': lost, 'rotate': lost + ', ' + files, 'last': files}[self.options.mode]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--kills', type=int, default=500)
    parser.add_argument('--mode', choices=MODES, default='one')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--seed', type=int, default=int(r.time.time()))
    parser.add_argument('record', nargs='*', help='further options of ddprof-record')
    options = parser.parse_args()
    r.need_perf()
    with r.Rig() as rig:
        return Kills(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
