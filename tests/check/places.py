#!/usr/bin/env python3
"""Containers that point outside: nothing of the host's files is in the recording, nothing hangs.

A program in a root of its own (chroot; namespaces of mounts and pids) maps a file and writes a perf
map, then puts something else in their places: links that lead outside, magic links, mounts, nodes
that block. The host's file bears a canary as symbol, as text and as perf map. Then files are
swapped while the inspector looks at them: each object has the build-id of what ran, and nothing of
what took its place. --only-ptrace: the recorder is nobody with CAP_SYS_PTRACE alone.
"""
import argparse
import os
import re
import secrets
import shutil
import subprocess
import sys

import rig as r

LIMIT_S = 8.0
PTRACE = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all,+sys_ptrace',
          '--ambient-caps=-all,+sys_ptrace', '--bounding-set=-all,+sys_ptrace']

# (mode of place.c, target): %h is the folder of the host's canary, %r the recorder's pid
LINKS = [
    '%h/canary.so', '../../../../../../../../../..%h/canary.so', '/..%h/canary.so', '/../../..%h/canary.so',
    '/proc/1/root%h/canary.so', '/proc/self/root%h/canary.so', '/proc/%r/root%h/canary.so',
    '/proc/self/cwd/canary.so', '/proc/%r/cwd/canary.so', '/proc/1/cwd/canary.so', '/proc/thread-self/root%h/canary.so',
    '/proc/self/fd/3', '/proc/self/fd/4', '/proc/self/fd/5', '/proc/%r/fd/5', '/dev/fd/6', '/proc/self/exe',
    '/proc/%r/exe', '/proc/self/map_files', 'lib.so', './././lib.so/../lib.so', '/dev/stdin',
]
FOLDERS = ['%h', '../../../../../../../..%h', '/proc/1/root%h', '/proc/self/cwd', '/proc/%r/root%h']
OTHERS = [('keep', '-'), ('hard', '/app/other/canary.so'), ('over', '/app/other/canary.so'),
          ('rename', '/app/other/canary.so'), ('fifo', '-'), ('dir', '-'), ('zero', '-'), ('socket', '-'),
          ('gone', '-'), ('fuse', '-')]


class Places:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        self.place = rig.compile(r.CHECK / 'place.c', 'place', '-static')
        self.lib = rig.compile(r.CHECK / 'twin.c', 'lib.so', '-DFIRST', '-shared', '-fPIC', '-Wl,--build-id=sha1')
        self.dump = str(r.build / 'tests/flow/dump')
        self.host = rig.folder / 'host'
        self.host.mkdir()
        self.out = rig.folder / 'out'
        self.out.mkdir()
        self.out.chmod(0o777)
        self.canary = 'canary' + secrets.token_hex(12)
        self.make_canary()
        self.slowest = 0.0
        self.n = self.n_samples = self.n_shown = 0

    def make_canary(self):
        source = self.rig.folder / 'canary.c'
        source.write_text('const char text[] = "%s";\nint %s(int a) { return a * text[a]; }\n' %
                          (self.canary, self.canary))
        made = self.rig.compile(source, 'canary.so', '-shared', '-fPIC')
        shutil.copy(made, self.host / 'canary.so')
        for name in ('canary.so.map', '-.map', *('perf-%d.map' % i for i in range(1, 10))):
            (self.host / name).write_text('0 7fffffffffff %s\n1000 7ffffffff000 %s\n' % (self.canary, self.canary))
        shutil.copy(made, self.host / 'lib.so')  # what a linked folder leads to

    def root(self, name):
        """A container's root: /app/lib.so, /app/other/canary.so of its own, /tmp, /proc, /dev."""
        root = self.rig.folder / name
        for folder in ('app/lib', 'app/other', 'tmp', 'proc', 'dev'):
            (root / folder).mkdir(parents=True)
        shutil.copy(self.lib, root / 'app/lib/lib.so')
        shutil.copy(self.place, root / 'app/place')
        shutil.copy(self.rig.folder / 'canary.so', root / 'app/other/canary.so')
        (root / 'app/other/canary.so.map').write_text('0 7fffffffffff other\n')
        return root

    def run_in(self, root, rec, *args):
        """The recorder outside, its COMMAND in the container; its folder is the host's."""
        script = ('mount --make-rprivate / && mount -t proc proc "$1/proc" && mknod "$1/dev/fuse" c 10 229 && '
                  'root=$1 && shift && exec chroot "$root" /app/place "$@"')
        command = ['unshare', '-m', '-p', '-f', '--kill-child', 'sh', '-c', script, 'sh', root, *args]
        record = [r.record, '-F', '1999', '--embed=full', '-o', rec]
        with open(str(rec) + '.err', 'w') as err:
            more = dict(cwd=self.host, stdout=subprocess.DEVNULL, stderr=err)
            if self.options.only_ptrace:
                return self.attached(record, command, more)
            began = r.uptime()
            process = r.start(*record, '--', *command, **more)
            status = self.wait(process)
        return status, r.uptime() - began

    def wait(self, process):
        try:
            return process.wait(LIMIT_S + self.options.slack)
        except subprocess.TimeoutExpired:
            return 'hang'
        finally:
            r.stop(process)

    def attached(self, record, command, more):
        """The container stands still until the recorder has its process."""
        held = r.start('sh', '-c', 'kill -STOP $$; exec "$@"', 'sh', *command, **more)
        process = r.start(*PTRACE, *record, '-v', '-p', held.pid, **more)
        end = r.uptime() + 20
        while 'sampling' not in open(more['stderr'].name).read() and process.poll() is None and r.uptime() < end:
            r.time.sleep(0.01)
        began = r.uptime()
        held.send_signal(r.signal.SIGCONT)
        status = self.wait(held)
        recorded = self.wait(process)
        return recorded or status, r.uptime() - began

    def holds_canary(self, rec):
        found = subprocess.run([self.dump, rec], capture_output=True)
        if found.returncode:
            self.rig.miss('%s: cannot be searched: %s' % (rec, found.stderr))
        return self.canary.encode() in found.stdout

    def one(self, i, mode, target):
        target = target.replace('%h', str(self.host)).replace('%r', str(os.getpid()))
        what = '%s %s' % (mode, target)
        root, rec = self.root('root%d' % i), self.out / ('rec%d' % i)
        status, took = self.run_in(root, rec, mode, '/app/lib/lib.so', target, str(self.options.ms))
        self.n += 1
        said = open(str(rec) + '.err', errors='replace').read()
        if status != 7:
            self.rig.miss('%s: status %s, expected 7: %s' % (what, status, said[-300:]))
            return
        self.slowest = max(self.slowest, took)
        code, told, text = r.info(rec)
        if code or not told['read']:
            self.rig.miss('%s: nothing recorded: %s' % (what, text))
            return
        self.n_samples += told['read']
        if mode == 'keep' and not {'twin_work', 'made_by_us'} <= set(re.findall(r'\w+', r.folded(rec)[1])):
            self.rig.miss('%s: the file and the perf map of the container are not used' % what)
        if self.holds_canary(rec):
            self.rig.miss('%s: the host\'s file is in the recording' % what)

    def find(self):
        """A canary that belongs there is found: the search works."""
        rec = self.rig.folder / 'shown'
        subprocess.run([r.record, '-F', '1999', '--embed=full', '-o', rec, '--', self.place, 'keep', self.plain_canary(),
                        '-', '300'], capture_output=True)
        if not self.holds_canary(rec):
            self.rig.miss('a canary that was run is not found: the search proves nothing')

    def plain_canary(self):
        """A library to work in that bears the canary."""
        source = self.rig.folder / 'shown.c'
        source.write_text('#include "%s"\nint %s(int a) { return a; }\n' % (r.CHECK / 'twin.c', self.canary))
        return self.rig.compile(source, 'shown.so', '-DFIRST', '-shared', '-fPIC')

    def races(self):
        """(objects told, of them with another build-id than what ran)"""
        root, rec = self.root('races'), self.out / 'races.rec'
        note = subprocess.run(['readelf', '-n', self.lib], capture_output=True, text=True).stdout
        build_id = re.search(r'Build ID: ([0-9a-f]+)', note).group(1)
        off = open(self.lib, 'rb').read().index(bytes.fromhex(build_id))
        global LIMIT_S
        LIMIT_S += self.options.races * 0.05
        status, _ = self.run_in(root, rec, 'race', '/app/lib/lib.so', '/app/other/canary.so',
                                      str(self.options.races), str(off))
        if status != 7:
            self.rig.miss('races: status %s: %s' % (status, open(str(rec) + '.err').read()[-300:]))
            return 0, 0
        if self.holds_canary(rec):
            self.rig.miss('races: what took a file\'s place is in the recording')
        done = subprocess.run([r.report, 'info', '--json', rec], capture_output=True, text=True)
        n = wrong = 0
        for module in r.json.loads(done.stdout)['modules']:
            match = re.fullmatch(r'.*/race_(\d+)\.so', module['path'])
            if match:
                n += 1
                i = int(match.group(1))
                wrong += module['build_id'] != '%04x' % i + build_id[4:]
        if wrong or not n:
            self.rig.miss('races: %d of %d files with another build-id' % (wrong, n))
        return n, wrong

    def run(self):
        self.find()
        layouts = [('link', t) for t in LINKS] + [('dirlink', t) for t in FOLDERS] + OTHERS
        if self.options.some:
            layouts = layouts[::max(len(layouts) // self.options.some, 1)]
            layouts += [('fifo', '-'), ('fuse', '-')]
        for i, (mode, target) in enumerate(layouts):
            self.one(i, mode, target)
        n, wrong = self.races() if self.options.races else (0, 0)
        return self.rig.end(
            '%s%d layouts, %d samples: the canary is in none, slowest run %.1f s; %d files swapped under the inspector, '
            '%d seen, %d with a wrong build-id' %
            ('CAP_SYS_PTRACE alone, ' if self.options.only_ptrace else '', self.n, self.n_samples, self.slowest, self.options.races, n, wrong))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--some', type=int, default=0, help='only about so many layouts')
    parser.add_argument('--races', type=int, default=1000)
    parser.add_argument('--ms', type=int, default=300, help='how long the program in the container works')
    parser.add_argument('--only-ptrace', action='store_true', help='nobody with CAP_SYS_PTRACE, attached')
    parser.add_argument('--slack', type=float, default=10.0, help='seconds more before a run is said to hang')
    options = parser.parse_args()
    r.need_root()
    r.need_perf()
    if os.uname().machine != 'x86_64':
        r.skip('the code that is run is written for x86-64')
    if subprocess.run(['unshare', '-m', '-p', '-f', 'true'], capture_output=True).returncode:
        r.skip('no namespaces here')
    with r.Rig() as rig:
        return Places(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
