#!/usr/bin/env python3
"""The disk is full: COMMAND runs on, what was stored is read, the rest is counted, room is used at once.

A program whose stacks are noise fills file systems (tmpfs) of 16 sizes; in half of the runs a ballast
file goes after a while and the recording must grow again within 2 s. Then a file size limit, an
output that is always full, and a reader that leaves.
"""
import argparse
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import rig as r

HZ = 4999
MS = 3500
FREED_S = 1.5
RESUME_S = 2.0
OFF = 0.05  # a timer of a busy guest comes late now and then: one sample for two periods
RSS_MORE_KIB = 8 << 10
KIB = 1024


def peak_kib(pid):
    try:
        for line in open('/proc/%d/status' % pid):
            if line.startswith('VmHWM'):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def size_of(path):
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


class Disks:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        self.steady = rig.compile(r.CHECK / 'steady.c', 'steady')
        self.slowest = self.off = 0.0
        self.most_kib = self.n = self.n_freed = self.n_ended = self.stored = self.dropped = 0
        self.clean_kib = 0

    def command(self, rec):
        return [r.record, '-l', 'debug', '-F', str(HZ), '--stacks=raw', '--embed=none', '-o', rec, '--',
                self.steady, str(MS), 'noise']

    def follow(self, process, rec, ballast):
        """Frees the ballast in time; returns (peak KiB, seconds until it grew again or None)."""
        began, peak, grew = r.uptime(), 0, None
        freed = before = None
        while process.poll() is None and r.uptime() < began + 60:
            peak = max(peak, peak_kib(process.pid))
            if ballast and freed is None and r.uptime() > began + FREED_S:
                before = size_of(rec)
                os.unlink(ballast)
                freed = r.uptime()
            if freed and grew is None and size_of(rec) > before:
                grew = r.uptime() - freed
            r.time.sleep(0.02)
        return peak, grew

    def account(self, what, rec, log):
        """Everything that the kernel counted is stored or counted, and what is stored is read."""
        status, told, err = r.info(rec)
        if status or told is None:
            self.rig.miss('%s: not read: %s' % (what, err))
            return
        count = [int(w[6:]) for w in log.split() if w.startswith('count=')]
        told_all = told['stored'] + told['dropped_write'] + told['lost_kernel']
        self.stored += told['stored']
        self.dropped += told['dropped_write']
        self.n_ended += told['ended']
        if told['stored'] != told['read']:
            self.rig.miss('%s: %d stored, %d read' % (what, told['stored'], told['read']))
        if not told['ended']:
            self.rig.miss('%s: no end' % what)
        expected = (count[-1] if count else 0) * HZ / 1e9
        self.off = max(self.off, abs(told_all - expected) / max(expected, 1))
        if abs(told_all - expected) > 5 + told_all * OFF:
            self.rig.miss('%s: %d samples told, the kernel ran for %.0f' % (what, told_all, expected))

    def one(self, i, kib, free):
        what = 'tmpfs of %d KiB%s' % (kib, ', freed' if free else '')
        at = str(self.rig.folder / ('d%d' % i))
        os.mkdir(at)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=%dk' % kib, 'none', at], check=True)
        self.rig.at_end.append(lambda: subprocess.run(['umount', '-l', at], capture_output=True))
        rec, ballast = at + '/rec', at + '/ballast' if free else None
        if free:
            with open(ballast, 'wb') as f:
                f.write(bytes(kib * KIB // 2))
        log = '%s.log' % at
        with open(log, 'w') as err:
            process = r.start(*self.command(rec), stdout=subprocess.DEVNULL, stderr=err,
                              env=dict(os.environ, DDPROF_DEBUG='session'))
        peak, grew = self.follow(process, rec, ballast)
        said = open(log, errors='replace').read()
        self.n += 1
        self.most_kib = max(self.most_kib, peak)
        if process.wait() != 7:
            self.rig.miss('%s: status %d of COMMAND, expected 7' % (what, process.returncode))
        if self.clean_kib and peak > self.clean_kib + RSS_MORE_KIB:
            self.rig.miss('%s: %d KiB of memory, %d without trouble' % (what, peak, self.clean_kib))
        if size_of(rec) < 64:
            self.rig.miss('%s: nothing was recorded: %s' % (what, said[-300:]))
            return
        self.account(what, rec, said)
        if free:
            self.n_freed += 1
            if grew is None or grew > RESUME_S:
                self.rig.miss('%s: grew again after %s s' % (what, grew))
            self.slowest = max(self.slowest, grew or 0)

    def clean(self):
        rec = str(self.rig.folder / 'clean')
        process = r.start(*self.command(rec), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.clean_kib, _ = self.follow(process, rec, None)
        n = size_of(rec)
        os.unlink(rec)
        return n

    def limited(self):
        """RLIMIT_FSIZE: a write that is cut by the kernel, then refused."""
        for kib in (100, 333, 1000):
            rec = str(self.rig.folder / ('limit%d' % kib))
            log = rec + '.log'
            with open(log, 'w') as err:
                process = r.start(*self.command(rec), stdout=subprocess.DEVNULL, stderr=err,
                                  env=dict(os.environ, DDPROF_DEBUG='session'), preexec_fn=lambda:
                                  resource.setrlimit(resource.RLIMIT_FSIZE, (kib * KIB + 77, kib * KIB + 77)))
            if process.wait() != 7:
                self.rig.miss('file size limit %d KiB: status %d' % (kib, process.returncode))
            self.account('file size limit %d KiB' % kib, rec, open(log, errors='replace').read())

    def refused(self):
        """Outputs that take nothing: COMMAND's status is passed, and it is said."""
        outputs = {'/dev/full as standard output': 'exec "$@" >/dev/full',
                   'a reader that leaves': '("$@"; echo $? >status) | head -c 70000 >/dev/null; exit $(cat status)'}
        for what, shell in outputs.items():
            done = subprocess.run(['sh', '-c', shell, 'sh', *self.command('-')[:-2], '900', 'noise'],
                                  capture_output=True, text=True, cwd=self.rig.folder, timeout=60)
            if done.returncode != 7:
                self.rig.miss('%s: status %d: %s' % (what, done.returncode, done.stderr[-300:]))

    def run(self):
        n_clean = self.clean()
        n = self.options.sizes
        sizes = [int(128 * 32 ** (i / max(n - 1, 1))) for i in range(n)]
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for done in [pool.submit(self.one, i, kib, i % 2 == 1) for i, kib in enumerate(sizes)]:
                done.result()
        self.limited()
        self.refused()
        return self.rig.end(
            '%d file systems of %d to %d KiB (%d KiB without a limit), %d with room later: %d ended in order, %d '
            'samples stored and read, %d counted as refused, sums off by at most %.2f %%; grew again after at most '
            '%.2f s; peak memory %d KiB, %d without trouble; 3 file size limits, 2 outputs that refuse' %
            (self.n, sizes[0], sizes[-1], n_clean >> 10, self.n_freed, self.n_ended, self.stored, self.dropped,
             self.off * 100, self.slowest, self.most_kib, self.clean_kib))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sizes', type=int, default=16)
    parser.add_argument('--jobs', type=int, default=2)
    options = parser.parse_args()
    r.need_root()
    r.need_perf()
    with r.Rig() as rig:
        return Disks(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
