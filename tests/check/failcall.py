#!/usr/bin/env python3
"""Each call of the recorder fails: COMMAND's output and status stay, nothing crashes, nothing hangs.

A clean run tells the places that call. Then each place fails at its first call, at one in the
middle, and for good; and the Nth call of each kind, once and for good. What was recorded before is
read by the report. Every fault counts as tried only when it fired.
"""
import argparse
import errno
import os
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import rig as r

HANG_S = 5.0

# What a kind fails with, for once and for good. waitpid cannot fail for good where there is a child,
# and a poll that is interrupted for good is no machine's.
CODES = {
    'open': ('EMFILE', 'ENFILE'), 'read': ('EIO', 'EIO'), 'write': ('EIO', 'ENOSPC'), 'send': ('EAGAIN', 'EPIPE'),
    'sync': ('EIO', 'EIO'), 'truncate': ('EIO', 'EFBIG'), 'seek': ('ESPIPE', 'ESPIPE'),
    'rename': ('EACCES', 'EROFS'), 'stat': ('EIO', 'EACCES'), 'close': ('EIO', 'EIO'), 'poll': ('EINTR', 'ENOMEM'),
    'mmap': ('ENOMEM', 'EPERM'), 'memory': ('ENOMEM', 'ENOMEM'), 'perf': ('EMFILE', 'EACCES'),
    'ioctl': ('EINVAL', 'EPERM'), 'fcntl': ('EMFILE', 'EINVAL'), 'prctl': ('EPERM', 'EINVAL'),
    'syscall': ('ENOSYS', 'EPERM'), 'fork': ('EAGAIN', 'ENOMEM'), 'thread': ('EAGAIN', 'EAGAIN'),
    'wait': ('EINTR', None), 'pipe': ('EMFILE', 'ENFILE'), 'random': ('EAGAIN', 'ENOSYS'),
}
WRAPPED = set(
    'read pread recv send poll fork pipe pipe2 socketpair memfd_create signalfd ftruncate fallocate lseek rename '
    'renameat unlink unlinkat fstat stat lstat readlink waitpid getrandom fopen opendir readdir close mmap '
    'pthread_create open openat ioctl fcntl prctl syscall write fdatasync fsync malloc calloc realloc aligned_alloc '
    'strdup'.split())
INTERRUPTED = ('read', 'write', 'poll', 'open', 'truncate')


class Sweep:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        rig.failcall()
        self.steady = rig.compile(r.CHECK / 'steady.c', 'steady')
        self.n_fired = self.n_unfired = self.n_slow = self.n_recorded = self.n = 0
        self.slowest = 0.0
        self.old = None
        self.reached = set()

    def run_one(self, wish, deadline):
        self.n += 1
        folder = self.rig.folder / ('f%d' % self.n)
        folder.mkdir()
        log = folder / 'log'
        began = r.uptime()
        target = self.start_attached(folder) if self.options.attach else None
        command = ['-p', str(target.pid), '--duration', '0.3'] if target else [
            '--', 'sh', '-c', 'echo begun; "$1" 300 jit >/dev/null; echo "status $?"; echo end >&2; exit 7',
            'sh', self.steady]
        if self.old:
            r.shutil.copy(self.old, folder / 'rec')  # it has to be moved away
        with open(folder / 'out', 'a') as out, open(folder / 'err', 'a') as err:
            process = r.start(r.record, '-F', '499', *self.options.record, '-o', folder / 'rec', *command,
                              env=self.rig.failing(log, wish), stdout=out, stderr=err, cwd=folder)
            try:
                status = process.wait(deadline)
            except r.subprocess.TimeoutExpired:
                status = 'hang'
        if target and status in (0, 125):  # the status of the process that was watched
            status = target.wait()
        took = r.uptime() - began
        r.stop(process)
        return folder, status, took, self.rig.calls(log)

    def start_attached(self, folder):
        with open(folder / 'out', 'w') as out, open(folder / 'err', 'w') as err:
            return r.start('sh', '-c', 'echo begun; "$1" 800 jit >/dev/null; echo "status $?"; echo end >>err; exit 7', 'sh',
                           self.steady, stdout=out, stderr=err, cwd=folder)

    def judge(self, wish, folder, status, calls):
        """What was not as promised; '' when all was."""
        out = (folder / 'out').read_text()
        err = (folder / 'err').read_text(errors='replace')
        if calls['crashed']:
            return '%d crashed' % calls['crashed']
        if status == 126 and 'cannot run' in err:
            return ''  # stat said that COMMAND may not be run
        if status != 7:
            return 'status %s, expected 7: %s' % (status, err.strip()[-300:])
        if out != 'begun\nstatus 7\n':
            return 'COMMAND said %r' % out
        if 'end\n' not in err:
            return 'COMMAND\'s standard error is gone'
        for name in sorted(os.listdir(folder)):
            if not name.startswith('rec') or os.path.getsize(folder / name) < 64:
                continue
            code, told, text = r.info(folder / name)
            if code or told is None:
                return 'the recording is not read: %s' % text
            if told['stored'] != told['read'] and (told['ended'] or told['stored']):  # a snapshot counts at its end
                return '%d samples stored, %d read' % (told['stored'], told['read'])
            self.n_recorded += 1
        return ''

    def one(self, wish):
        limit = 0.3 + HANG_S + self.options.slack
        folder, status, took, calls = self.run_one(wish, limit)
        if status == 'hang':  # on a loaded machine: again
            folder, status, took, calls = self.run_one(wish, limit)
        self.reached |= set(calls['site'])
        self.slowest = max(self.slowest, took)
        if wish and not calls['fired']:
            self.n_unfired += 1
        else:
            self.n_fired += 1
        wrong = self.judge(wish, folder, status, calls)
        if wrong:
            self.rig.miss('%s: %s' % (wish, wrong))
        r.shutil.rmtree(folder, ignore_errors=True)
        return calls

    def wishes(self, clean):
        """All faults worth trying, after what a clean run called."""
        code = {name: [getattr(errno, c) if c else 0 for c in pair] for name, pair in CODES.items()}
        ret = []
        for (site, kind), n in sorted(clean['site'].items()):
            if site == '0':  # a library's
                continue
            once, good = code[kind]
            ret.append('@%s:1:%d' % (site, once))
            ret += ['@%s:%d:%d' % (site, n // 2, once)] if n > 3 else []
            ret += ['@%s:1:%d:good' % (site, good)] if good else []
        for kind, n in sorted(clean['kind'].items()):
            once, good = code[kind]
            ret += ['%s:%d:%d' % (kind, i, once) for i in range(1, min(n, self.options.nth) + 1)]
            ret += ['%s:%d:%d:good' % (kind, i, good) for i in range(1, min(n, self.options.nth) + 1, 3) if good]
            if kind in INTERRUPTED:
                ret += ['%s:%d:%d' % (kind, i, errno.EINTR) for i in range(1, min(n, self.options.nth) + 1, 2)]
            if kind == 'write':
                ret += ['write:%d:short' % i for i in range(1, min(n, self.options.nth) + 1)]
        if self.options.some and self.options.some < len(ret):
            ret = random.Random(self.options.seed).sample(ret, self.options.some)
        return ret

    def places(self):
        """{address after the call: (kind's function, function that calls it)} in the whole program."""
        ret, caller = {}, ''
        code = subprocess.run(['objdump', '-d', '--no-show-raw-insn', r.record], capture_output=True, text=True).stdout
        called = None
        for line in code.splitlines():
            word = line.split()
            if line.endswith('>:'):
                caller = word[1][1:-2]
            elif called and word:
                ret[word[0].rstrip(':')] = called, caller
            match = re.search(r'call.*<(\w+)@plt>', line)
            called = match.group(1) if match and match.group(1) in WRAPPED else None
        return ret

    def show_unreached(self):
        places = self.places()
        reached = {site for site, _ in self.reached}
        left = sorted((caller, called) for site, (called, caller) in places.items() if site not in reached)
        print('%d of %d places that call were reached; not: %s' %
              (len(places) - len(left), len(places), ', '.join('%s:%s' % pair for pair in left)))

    def run(self):
        folder, _, _, _ = self.run_one('', 10)
        self.old = self.rig.folder / 'old'
        if (folder / 'rec').exists():
            r.shutil.copy(folder / 'rec', self.old)
        else:
            self.old = None
        clean = self.one('')
        wishes = self.wishes(clean)
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for done in [pool.submit(self.one, wish) for wish in wishes]:
                done.result()
        if self.options.unreached:
            self.show_unreached()
        if not self.n_fired:
            self.rig.miss('no fault fired')
        return self.rig.end(
            '%d faults (seed %d) at %d places, %d fired; slowest run %.1f s; %d recordings read' %
            (len(wishes), self.options.seed, len({s for s, _ in self.reached}), self.n_fired - 1, self.slowest,
             self.n_recorded))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--nth', type=int, default=30, help='sweep the first so many calls of a kind')
    parser.add_argument('--some', type=int, default=0, help='try only so many of the faults')
    parser.add_argument('--attach', action='store_true', help='to a process that runs already')
    parser.add_argument('--unreached', action='store_true', help='list the places in the program that never called')
    parser.add_argument('--jobs', type=int, default=4)
    parser.add_argument('--slack', type=float, default=5.0, help='seconds more before a run is said to hang')
    parser.add_argument('--seed', type=int, default=int(r.time.time()))
    parser.add_argument('record', nargs='*', help='further options of ddprof-record')
    options = parser.parse_args()
    r.need_perf()
    with r.Rig() as rig:
        return Sweep(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
