#!/usr/bin/env python3
"""Power fails at any instant: all before the last sync that returned is there afterwards.

Each recording goes to an ext4 of its own on a loop device. At a random instant the file system is
shut down without flushing its log (EXT4_IOC_SHUTDOWN), which drops what only memory held; then it is
mounted again. What was written is copied aside by failcall.c, which also knows which syncs returned.

Disks leave more than ext4 with ordered data does: behind what was synced three copies of each file
get zeros, bytes of another recording, or noise, and are read again.
"""
import argparse
import fcntl
import os
import random
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import rig as r

EXT4_IOC_SHUTDOWN = 0x8004587d
NOLOGFLUSH = 2
IMAGE_BYTES = 48 << 20
TAIL_BYTES = 4096
START_S = 3.0  # a busy machine may take so long to start a program
TAILS = ('zeros', 'stale', 'noise')


class Disk:
    """An ext4 in a file, made anew for each use."""

    def __init__(self, folder):
        self.image, self.at = str(folder) + '.img', str(folder) + '.mnt'
        os.mkdir(self.at)
        self.device = None

    def make(self):
        with open(self.image, 'wb') as image:
            image.truncate(IMAGE_BYTES)
        subprocess.run(['mkfs.ext4', '-q', '-F', '-O', '^resize_inode', self.image], check=True)
        done = subprocess.run(['losetup', '-f', '--show', self.image], check=True, capture_output=True, text=True)
        self.device = done.stdout.strip()
        self.mount()

    def mount(self):
        subprocess.run(['mount', '-t', 'ext4', '-o', 'noatime', self.device, self.at], check=True)

    def power_off(self):
        fd = os.open(self.at, os.O_RDONLY)
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack('I', NOLOGFLUSH))
        os.close(fd)

    def unmount(self):
        for _ in range(100):
            if subprocess.run(['umount', self.at], capture_output=True).returncode == 0:
                break
            r.time.sleep(0.05)
        # Another mount namespace may hold it: then it would not be a fresh look at the disk.
        alive = '/sys/fs/ext4/' + os.path.basename(self.device)
        for _ in range(600):
            if not os.path.exists(alive):
                return
            r.time.sleep(0.05)
        raise RuntimeError('%s stays busy' % self.at)

    def done(self):
        subprocess.run(['umount', '-q', '-l', self.at], capture_output=True)
        if self.device:
            subprocess.run(['losetup', '-d', self.device], capture_output=True)
        self.device = None


class Losses:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        rig.failcall()
        self.steady = rig.compile(r.CHECK / 'steady.c', 'steady')
        self.n = self.n_synced = self.n_files = self.n_bytes = self.n_more = self.n_ran_on = self.n_torn = 0
        self.oldest = {sync: 0.0 for sync in options.sync}
        self.stale = self.another()

    def another(self):
        """Bytes of a recording of the same program by the same recorder."""
        path = self.rig.folder / 'another'
        process = r.start(r.record, '-F', '999', '-o', path, '--', self.steady, '1500',
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if process.wait() != 7:
            sys.exit('the first recording failed')
        with open(path, 'rb') as f:
            return f.read()

    def syncs(self, log):
        """[(time, bytes, inode)] that returned."""
        text = subprocess.run([self.rig.sites, log, 'syncs'], capture_output=True, text=True).stdout
        return [(int(a) / 1e9, int(b), int(c)) for _, a, b, c in (line.split() for line in text.splitlines())]

    def one(self, i, sync, after, rotate, runs_on):
        name = self.rig.folder / ('p%d' % i)
        log, shadow = '%s.log' % name, '%s.shadow' % name
        disk = Disk(name)
        self.rig.at_end.append(disk.done)
        disk.make()
        more = ['--rotate', '1s'] if rotate else []
        began = r.uptime()
        with open('%s.err' % name, 'w') as err:
            process = r.start(r.record, '-F', '999', '--sync', '%gs' % sync, *more, '-o', disk.at + '/rec', '--',
                              self.steady, str(int(after * 1000) + 700), stdout=subprocess.DEVNULL, stderr=err,
                              env=self.rig.failing(log, FAILCALL_SHADOW=shadow))
        r.time.sleep(max(0, began + after - r.uptime()))
        before = r.uptime()
        disk.power_off()
        # One that returned while the power went may have been refused its place in the log.
        synced = [s for s in self.syncs(log) if s[0] <= before]
        what = 'loss %d, --sync %gs, after %.3f s%s' % (i, sync, after, ', segments' if rotate else '')
        if runs_on:  # what it writes is refused now; COMMAND must not notice
            try:
                status = process.wait(30)
            except subprocess.TimeoutExpired:
                status = 'hang'
            self.n_ran_on += 1
            if status != 7:
                self.rig.miss('%s: status %s of COMMAND, expected 7' % (what, status))
        r.stop(process)
        disk.unmount()
        disk.mount()
        age = before - max([t for t, _, _ in synced], default=began)
        if synced:
            self.oldest[sync] = max(self.oldest[sync], age)
        if age > sync + (1.0 if synced else START_S):
            self.rig.miss('%s: the last sync was %.2f s before' % (what, age))
        self.judge(what, disk.at, synced, None if rotate else shadow)
        disk.done()
        for path in (disk.image, log, shadow, '%s.err' % name):
            if os.path.exists(path):
                os.unlink(path)
        self.n += 1

    def judge(self, what, at, synced, shadow):
        promised = {}
        for _, n, ino in synced:
            promised[ino] = max(promised.get(ino, 0), n)
        there = {os.stat(os.path.join(at, f)).st_ino: os.path.join(at, f) for f in os.listdir(at)}
        self.n_synced += bool(promised)
        for ino, n in promised.items():
            if ino not in there:
                self.rig.miss('%s: a file of %d synced bytes is gone, %s' % (what, n, synced))
                continue
            self.check_file('%s, %s' % (what, os.path.basename(there[ino])), there[ino], n, shadow)

    def check_file(self, what, path, n, shadow):
        size = os.path.getsize(path)
        self.n_files += 1
        self.n_bytes += n
        self.n_more += size > n
        if size < n:
            self.rig.miss('%s: %d bytes of %d synced' % (what, size, n))
            return
        if shadow:
            with open(path, 'rb') as a, open(shadow, 'rb') as b:
                if a.read(n) != b.read(n):
                    self.rig.miss('%s: the first %d bytes differ' % (what, n))
        if n < 64:
            return
        status, told, err = r.info(path)
        if status or told is None:
            self.rig.miss('%s: not read: %s' % (what, err))
            return
        for damage in told['damages']:
            if damage['offset'] < n:
                self.rig.miss('%s: damaged at %d, %d bytes were synced' % (what, damage['offset'], n))
        status, _, err = r.folded(path)
        if status and told['read']:
            self.rig.miss('%s: no stacks of %d samples: %s' % (what, told['read'], err))
        for tail in TAILS:
            self.check_torn('%s, then %s' % (what, tail), path, n, told['read'], tail)

    def torn(self, path, n, tail):
        """The file with another end: at most its last 4 KiB, nothing of what was synced."""
        with open(path, 'rb') as f:
            whole = f.read()
        keep = max(n, len(whole) - TAIL_BYTES)
        size = max(TAIL_BYTES, len(whole) - keep)
        dice = random.Random(self.options.seed + n)
        at = dice.randrange(max(1, len(self.stale) - size))
        return whole[:keep] + {'zeros': bytes(size), 'noise': dice.randbytes(size),
                               'stale': self.stale[at:at + size]}[tail]

    def read(self, bytes_, name):
        path = self.rig.folder / name
        path.write_bytes(bytes_)
        status, told, err = r.info(path)
        path.unlink()
        return (told['read'], told['damages']) if told and not status else (err, [])

    def check_torn(self, what, path, n, n_whole, tail):
        name = '%d.torn' % os.stat(path).st_ino + what.split(',')[0].replace(' ', '-')
        torn = self.torn(path, n, tail)
        n_synced, _ = self.read(torn[:n], name)
        n_read, damages = self.read(torn, name)
        self.n_torn += 1
        if isinstance(n_read, str) or isinstance(n_synced, str):
            self.rig.miss('%s: not read: %s %s' % (what, n_read, n_synced))
        elif not n_synced <= n_read <= n_whole:
            self.rig.miss('%s: %d samples, %d were synced, %d are in all' % (what, n_read, n_synced, n_whole))
        elif [d for d in damages if d['offset'] < n]:
            self.rig.miss('%s: damaged before %d' % (what, n))

    def run(self):
        dice = random.Random(self.options.seed)
        syncs = self.options.sync
        jobs = []
        for i in range(self.options.losses):
            sync = syncs[i // 4 % len(syncs)]
            jobs.append((i, sync, 0.2 + dice.random() * (sync * 1.5 + 2.5), i % 4 == 3, i % 2 == 1))
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for done in [pool.submit(self.one, *job) for job in jobs]:
                done.result()
        return self.rig.end(
            '%d power losses (seed %d), %d of them after a sync: %d files with %d KiB synced are there and '
            'read, %d have more than was synced, %d torn ends; last sync before: %s; %d ran on with COMMAND\'s '
            'status' %
            (self.n, self.options.seed, self.n_synced, self.n_files, self.n_bytes >> 10, self.n_more, self.n_torn,
             ', '.join('at most %.2f s of --sync=%gs' % (age, sync) for sync, age in self.oldest.items()),
             self.n_ran_on))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--losses', type=int, default=200)
    parser.add_argument('--sync', type=float, nargs='+', default=[1.0, 10.0],
                        help='intervals in seconds, in turn; instants lie within 1.5 of one and 2.5 s')
    parser.add_argument('--jobs', type=int, default=4)
    parser.add_argument('--seed', type=int, default=int(r.time.time()))
    options = parser.parse_args()
    r.need_root()
    r.need_perf()
    for program in ('mkfs.ext4', 'losetup'):
        if not r.shutil.which(program):
            r.skip(program + ' is not installed')
    with r.Rig() as rig:
        disk = Disk(rig.folder / 'probe')
        try:
            disk.make()
            disk.power_off()
        except (OSError, subprocess.CalledProcessError) as e:
            r.skip('no ext4 on a loop device, or it cannot be shut down: %s' % e)
        finally:
            disk.done()
        return Losses(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
