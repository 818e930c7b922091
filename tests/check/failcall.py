#!/usr/bin/env python3
"""Each call of the recorder fails: COMMAND's output and status stay, nothing crashes, nothing hangs.

A clean run of each way to run it (failmodes.py) tells the places that call. Then each place fails at
its first call, at one in the middle, and for good; the Nth call of each kind, once and for good;
places that were met only because another call failed, together with that one; and pairs of faults by
chance. What was recorded before is read by the report. A fault counts as tried only when it fired.
"""
import argparse
import errno
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import failmodes
import failplaces
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
    'system': ('EPERM', 'EINVAL'), 'kill': ('EPERM', 'EPERM'),
    'exec': ('ENOMEM', 'EACCES'), 'stdio': ('EIO', 'ENOSPC'), 'zstd': ('ENOMEM', 'ENOMEM'),
}
INTERRUPTED = ('read', 'write', 'poll', 'open', 'truncate', 'send')


def code_of(name):
    return getattr(errno, name) if name else 0


class Sweep:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        rig.failcall()
        self.steady = rig.compile(r.CHECK / 'steady.c', 'steady')
        self.n = self.n_faults = self.n_fired = self.n_recorded = self.n_accounted = 0
        self.slowest = 0.0
        self.old = None
        self.tried = set()  # (place, kind) that failed
        self.known = set()  # that was met
        self.fresh = {}  # how it was met first: (mode, wish); wish '': without a fault
        self.met_by = {}  # the last way of running that met it without a fault
        self.random = random.Random(options.seed)

    # ---- one run ----

    def run_one(self, mode, wish, seconds):
        self.n += 1
        folder = self.rig.folder / ('f%d' % self.n)
        folder.mkdir()
        run = failmodes.Run(self, mode, folder, wish)
        began = r.uptime()
        mode.run(run, seconds)
        took = r.uptime() - began
        run.stop()
        return run, took, self.rig.calls(run.log)

    def judge(self, mode, run, calls):
        if 'hang' in (run.status, getattr(run, 'verb', 0)):
            return 'hangs'
        if calls.get('crashed'):
            return '%d crashed' % calls['crashed']
        if calls.get('bad_closes'):
            return '%d closes of what was not open' % calls['bad_closes']
        wrong = mode.judge(run, calls)
        gave_up = 'out of memory' in run.text('err') + run.text('messages')  # and left at once
        if not wrong and run.wish and not gave_up and calls['left_open'] > mode.left_open:
            return '%d descriptors left open, %d without a fault' % (calls['left_open'], mode.left_open)
        return wrong

    def one(self, mode, wish):
        limit = HANG_S + self.options.slack
        run, took, calls = self.run_one(mode, wish, limit)
        if run.status == 'hang':  # on a loaded machine: again
            run, took, calls = self.run_one(mode, wish, limit)
        if not wish:
            mode.left_open = calls.get('left_open', 0)
        wrong = self.judge(mode, run, calls)
        sites = {key for key in calls['site'] if key[0] != '0'}
        for key in sites - self.known:
            self.fresh.setdefault(key, (mode, wish))
            self.met_by.setdefault(key, mode)
        self.known |= sites
        if not wish:
            self.met_by.update((key, mode) for key in sites)
        self.slowest = max(self.slowest, took)
        if wish:
            self.n_faults += 1
            self.note(wish, calls, sites)
        if wrong:
            self.rig.miss('%s %s: %s' % (mode.name, self.explain(wish), wrong))
            if self.options.keep:
                kept = '%s/%s-%s' % (self.options.keep, mode.name, run.folder.name)
                print('    kept in', r.shutil.move(run.folder, kept))
        r.shutil.rmtree(run.folder, ignore_errors=True)
        return calls

    def note(self, wish, calls, sites):
        self.n_fired += calls.get('fired', 0) > 0
        for i, one in enumerate(wish.split(',')):
            what = one.split(':')[0]
            if calls.get('fired%d' % i):
                self.tried |= {key for key in sites if '@' + key[0] == what}

    def explain(self, wish):
        """'@1234:1:5 (look:stat)'"""
        places = [w[1:].split(':')[0] for w in wish.split(',') if w[:1] == '@']
        names = [':'.join(reversed(self.places.get(place, ('?', '?')))) for place in places]
        return '%s (%s)' % (wish, ', '.join(names)) if names else wish or 'without a fault'

    # ---- which faults ----

    def place_wishes(self, key, n):
        once, good = map(code_of, CODES[key[1]])
        ret = ['@%s:1:%d' % (key[0], once)]
        ret += ['@%s:%d:%d' % (key[0], (n + 1) // 2 + (n < 4), once)] if n > 1 else []
        return ret + (['@%s:1:%d:good' % (key[0], good)] if good else [])

    def kind_wishes(self, kind, n):
        once, good = map(code_of, CODES[kind])
        n = min(n, self.options.nth * (4 if kind == 'memory' else 1))
        ret = ['%s:%d:%d' % (kind, i, once) for i in range(1, n + 1)]
        ret += ['%s:%d:%d:good' % (kind, i, good) for i in range(1, n + 1, 3) if good]
        if kind in INTERRUPTED:
            ret += ['%s:%d:%d' % (kind, i, errno.EINTR) for i in range(1, n + 1, 2)]
        if kind in ('read', 'write'):
            ret += ['%s:%d:short' % (kind, i) for i in range(1, n + 1)]
        return ret

    def wishes(self, mode, clean, claimed):
        """All faults worth trying, after what a clean run called: new places all, others some."""
        ret = []
        for key, n in sorted(clean['site'].items()):
            if key[0] == '0':  # a library's
                continue
            found = self.place_wishes(key, n)
            if key in claimed and not self.options.all:
                again = self.options.again if mode.again is None else mode.again
                found = [self.random.choice(found)] if self.random.random() < again else []
            ret += found
            claimed.add(key)
        by_kind = sum([self.kind_wishes(kind, n) for kind, n in sorted(clean['kind'].items())], [])
        if self.options.kinds < len(by_kind):
            by_kind = self.random.sample(by_kind, self.options.kinds)
        ret += by_kind
        if self.options.some and self.options.some < len(ret):
            ret = self.random.sample(ret, self.options.some)
        return ret

    def together(self):
        """Places that came up by another fault fail with it; those met by chance are tried once more."""
        ret = []
        for key in sorted(self.known - self.tried):
            mode, wish = self.fresh[key]
            if not wish:
                ret += [(m, w) for m in {mode, self.met_by[key]} for w in self.place_wishes(key, 1)]
                continue
            if len(wish.split(',')) > 2:
                continue
            ret += [(mode, '%s,%s' % (wish, w)) for w in self.place_wishes(key, 1)]
        return ret

    def pairs(self, wishes):
        ret = []
        for _ in range(self.options.pairs):
            mode, all_of_it = self.random.choice(wishes)
            if all_of_it:
                first = self.random.choice([w for w in all_of_it if not w.endswith(':good')] or all_of_it)
                ret.append((mode, first + ',' + self.random.choice(all_of_it)))
        return ret

    # ---- all of it ----

    def each(self, faults):
        with ThreadPoolExecutor(self.options.jobs) as pool:
            return [done.result() for done in [pool.submit(self.one, mode, wish) for mode, wish in faults]]

    def tell(self, what, n):
        print('%-28s %5d faults, %d places known, %d of them failed, %d misses' %
              (what, n, len(self.known), len(self.tried), len(self.rig.misses)), flush=True)

    def sweep(self, modes):
        """[(mode, its faults)] of all ways of running, tried."""
        claimed, ret = set(), []
        for mode, clean in zip(modes, self.each([(mode, '') for mode in modes])):
            ret.append((mode, self.wishes(mode, clean, claimed)))
        for mode, wishes in [(None, sum([[(m, w) for w in ws] for m, ws in ret], []))] if self.options.some else ret:
            self.each(wishes if not mode else [(mode, wish) for wish in wishes])
            self.tell(mode.name if mode else 'ways of running: %d' % len(ret), len(wishes))
        return ret

    def show_unreached(self):
        n, left = failplaces.unreached(r.record, {site for site, _ in self.tried})
        print('%d of %d places that call have failed; not:' % (n - len(left), n))
        met = {site for site, _ in self.known - self.tried}
        for caller, called, site, reason in left:
            print('    @%s %s:%s %s%s' % (site, caller, called, '(met, not failed) ' if site in met else '', reason))
        tails = failplaces.tail_calls(r.record)
        if tails:
            print('and %d that end in a call: build with -fno-optimize-sibling-calls' % tails)

    def prepare(self):
        self.places = failplaces.places(r.record)
        run, _, _ = self.run_one(failmodes.Mode('first'), '', 20)
        if (run.folder / 'rec').exists():
            self.old = self.rig.folder / 'old'
            r.shutil.copy(run.folder / 'rec', self.old)

    def run(self):
        self.prepare()
        modes = {mode.name: mode for mode in failmodes.all_modes()}
        names = list(modes) if self.options.modes == 'all' else self.options.modes.split(',')
        wishes = self.sweep([modes[name] for name in names])
        for _ in range(2 if not self.options.some else 0):
            found = self.together()
            self.each(found)
            self.tell('together', len(found))
        pairs = self.pairs(wishes)
        self.each(pairs)
        self.tell('pairs by chance', len(pairs))
        if self.options.unreached:
            self.show_unreached()
        if not self.n_fired:
            self.rig.miss('no fault fired')
        return self.rig.end(
            '%d faults (seed %d) in %d ways of running, %d fired at %d places; slowest run %.1f s; %d recordings read, '
            '%d counted exactly' %
            (self.n_faults, self.options.seed, len(names), self.n_fired, len(self.tried), self.slowest, self.n_recorded,
             self.n_accounted))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--modes', default='command', help='ways of running, with commas (see failmodes.py); or all')
    parser.add_argument('--nth', type=int, default=30, help='sweep the first so many calls of a kind')
    parser.add_argument('--kinds', type=int, default=10 ** 6, help='at most so many Nth calls of a kind in each way')
    parser.add_argument('--some', type=int, default=0, help='try only so many of the faults of each way')
    parser.add_argument('--all', action='store_true', help='each place in each way, not only where it is new')
    parser.add_argument('--again', type=float, default=0.2, help='share of known places that fail in further ways')
    parser.add_argument('--pairs', type=int, default=0, help='so many pairs of faults by chance')
    parser.add_argument('--unreached', action='store_true', help='list the places in the program that never failed')
    parser.add_argument('--keep', default='', help='folder for what is left of runs that went wrong')
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
