#!/usr/bin/env python3
"""Real containers (podman): the gate is named right, each printed remedy works, names are the container's.

Recorders run inside containers with podman's own profile, as root and rootless, and as a Kubernetes
securityContext would have them. Every remedy that a message prints is then applied to the letter,
each alone: the refusal that it was printed for has to be gone. From outside, programs in containers
are recorded, and reported when the container's files are gone. No image is needed: the root is made
of this host's files.

The runtime (crun) wants one kind of cgroups: where the host has both, each podman gets a mount
namespace with an empty version 2.
"""
import argparse
import json
import os
import pwd
import re
import stat
import subprocess
import sys

import rig as r

OWN_CGROUPS = 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'
PROFILES = ('/usr/share/containers/seccomp.json', '/etc/containers/seccomp.json')
LIMITS = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=4096:4096']  # podman's own may be above ours
REFUSED = 'COMMAND runs without being recorded'
GATES = 13  # lines of doctor that are gates
FILTER = 'a filter stands before perf_event_open'


def libraries(program):
    text = subprocess.run(['ldd', program], capture_output=True, text=True).stdout
    return re.findall(r'(?:=> )?(/\S+) \(0x', text)


class Place:
    """A root of its own, made of what some programs need, and a folder /out that it shares with us."""

    def __init__(self, folder, programs, owner=None):
        self.root, self.out = folder / 'root', folder / 'out'
        for name in ('tmp', 'proc', 'sys', 'dev', 'etc', 'run', 'out', 'usr/bin'):
            (self.root / name).mkdir(parents=True)
        self.out.mkdir()
        os.chmod(self.root / 'tmp', 0o1777)
        os.chmod(self.out, 0o777)
        for inside, outside in programs.items():
            for path, source in [(inside, outside)] + [(lib, lib) for lib in libraries(outside)]:
                to = self.root / path.lstrip('/')
                if not to.exists():
                    to.parent.mkdir(parents=True, exist_ok=True)
                    r.shutil.copy(os.path.realpath(source), to)
        if owner:
            subprocess.run(['chown', '-R', '%d:%d' % owner, str(folder)], check=True)


class Podman:
    def __init__(self, folder, place, user=None, own_cgroups=True):
        self.place, self.folder = place, folder
        store = folder / ('store' if own_cgroups else 'store2')
        store.mkdir()
        self.start, self.cgroups = [], []
        if own_cgroups:
            self.start = ['unshare', '-m', '--propagation', 'slave', 'sh', '-c', OWN_CGROUPS, 'sh']
            self.cgroups = ['--cgroups=disabled']
        if user:
            for path in (folder, store):
                os.chown(path, user.pw_uid, user.pw_gid)
            self.start += ['setpriv', '--reuid=%d' % user.pw_uid, '--regid=%d' % user.pw_gid, '--init-groups',
                           'env', 'HOME=%s' % store, 'XDG_RUNTIME_DIR=%s' % store]
        self.start += ['podman', '--runtime=%s' % ('crun' if own_cgroups else 'runc'), '--cgroup-manager=cgroupfs', '--events-backend=none',
                       '--storage-driver=vfs', '--root=%s' % (store / 'root'), '--runroot=%s' % (store / 'run'),
                       '--tmpdir=%s' % (store / 'tmp')]

    def command(self, options, *args):
        return [*self.start, 'run', '--rm', '--network=none', *self.cgroups, *LIMITS,
                '--volume=%s:/out' % self.place.out, *options, '--rootfs', str(self.place.root), *args]

    def run(self, options, *args, **more):
        return subprocess.run(self.command(options, *args), capture_output=True, text=True, errors='replace',
                              timeout=120, cwd='/', **more)


def remedies(line):
    """What a message prints between quotes, as options of podman: each alone."""
    return [quoted.split() for quoted in re.findall(r"'(-[^']*)'", line)]


class Containers:
    def __init__(self, rig, options):
        self.rig, self.options = rig, options
        self.split = rig.target('split')
        self.n = self.n_remedies = self.n_samples = self.n_right = 0
        self.programs = {'/bin/sh': '/bin/sh', '/ddprof-record': r.record, '/split': self.split,
                         '/usr/bin/env': self.split}
        self.profile = None

    def make_profile(self):
        """The usual profile with perf_event_open, as ddprof(7) makes it."""
        for path in PROFILES:
            if os.path.exists(path):
                break
        else:
            r.skip('no profile of podman in ' + ' '.join(PROFILES))
        profile = json.load(open(path))
        for rule in profile['syscalls']:
            rule['names'] = [name for name in rule['names'] if name != 'perf_event_open']
        profile['syscalls'] = [rule for rule in profile['syscalls'] if rule['names']]
        profile['syscalls'].append({'names': ['perf_event_open'], 'action': 'SCMP_ACT_ALLOW'})
        self.profile = self.rig.folder / 'perf.json'
        self.profile.write_text(json.dumps(profile))
        self.profile.chmod(0o644)

    def podman(self, name, user=None):
        folder = self.rig.folder / name
        folder.mkdir()
        place = Place(folder, self.programs, (user.pw_uid, user.pw_gid) if user else None)
        return Podman(folder, place, user)

    def literal(self, options):
        return [o.replace('seccomp=FILE', 'seccomp=%s' % self.profile) for o in options]

    def record(self, podman, what, options, *more):
        """The recorder's messages and the file, of a recording inside."""
        rec = podman.place.out / ('rec%d' % self.n)
        self.n += 1
        more = more or ('--', '/split', '600')
        done = podman.run(options, '/ddprof-record', '-v', '-F', '499', '-o', '/out/' + rec.name, *more)
        if '--' in more and ('share heavy_work' not in done.stdout or done.returncode != 0):
            self.rig.miss('%s: COMMAND ended with %d: %s %s' % (what, done.returncode, done.stdout, done.stderr))
        return done.stderr, rec if rec.exists() else None

    def judge(self, what, rec, err):
        """70 % of the samples in user code are heavy_work's."""
        if not rec:
            self.rig.miss('%s: no recording: %s' % (what, err))
            return
        status, stacks, why = r.folded(rec)
        all_, heavy = 0, 0
        for line in stacks.splitlines():
            stack, _, n = line.rpartition(' ')
            if '_work' in stack or '/split' in stack or 'main' in stack:
                all_ += int(n)
                heavy += int(n) * ('heavy_work' in stack)
        self.n_samples += all_
        if status or all_ < 50 or not 0.55 < heavy / all_ < 0.85:
            self.rig.miss('%s: %d of %d samples in heavy_work, status %d: %s %s' %
                          (what, heavy, all_, status, err, why))
        self.n_right += 1

    def apply(self, podman, what, options, line, seen):
        """Each remedy of a line, alone: the line's cause is gone."""
        cause = re.sub(r'\(.*', '', line.split(': ', 1)[1])[:60]
        for remedy in remedies(line):
            if (tuple(remedy), cause) in seen:
                continue
            seen.add((tuple(remedy), cause))
            probe = podman.run(options + self.literal(remedy), '/bin/sh', '-c', 'echo works')
            if 'setrlimit' in probe.stderr:  # this host's own limit: nothing below may raise it
                print('%s: %s: left out: %s' % (what, ' '.join(remedy), probe.stderr.strip()))
                continue
            self.n_remedies += 1
            err, rec = self.record(podman, what, options + self.literal(remedy))
            if cause in err or REFUSED in err:
                self.rig.miss('%s: %s does not help: %s' % (what, ' '.join(remedy), err))
            else:
                self.judge('%s with %s' % (what, ' '.join(remedy)), rec, err)

    def inside(self, podman, name, base=()):
        """podman's defaults refuse; what is printed opens, and so does what is printed then."""
        base, seen = list(base), set()
        err, rec = self.record(podman, name, base)
        if rec or FILTER not in err or REFUSED not in err or 'answers EPERM' not in err:
            self.rig.miss('%s: expected to be refused by the filter: %s' % (name, err))
        for line in err.splitlines():
            if REFUSED in line:
                self.apply(podman, name, base, line, seen)
        # One step further: the filter lets us through, and the rest is said.
        base += ['--security-opt', 'seccomp=%s' % self.profile]
        err, rec = self.record(podman, name, base)
        self.judge(name + ' with a profile', rec, err)
        for line in err.splitlines():
            if 'locked memory' in line and 'given up' not in line or 'user code only' in line:
                self.apply(podman, name, base, line, seen)

    def refused_and_opened(self, podman):
        err, rec = self.record(podman, 'podman', [])
        if rec or FILTER not in err or REFUSED not in err or '--security-opt seccomp=FILE' not in err:
            self.rig.miss('expected to be refused by the filter: %s' % err)
        err, rec = self.record(podman, 'profile', ['--security-opt', 'seccomp=%s' % self.profile])
        self.judge('with a profile', rec, err)

    def doctor(self, podman, name, base):
        """{gate: (verdict, line)} of the gates that doctor probes inside."""
        out = podman.run(base, '/ddprof-record', 'doctor').stdout
        lines = [line for line in out.splitlines() if re.match(r'\S.* (ok|limited|refused|not known) ', line)]
        ret = {}
        for line in lines[:GATES]:
            found = re.match(r'(\S.*?)\s{2,}(ok|limited|refused|not known) ', line)
            if found:
                ret[found.group(1)] = (found.group(2), line)
        if len(ret) < GATES - 2:
            self.rig.miss('%s: doctor says %s' % (name, out))
        return ret

    def cured(self, podman, name):
        """Each remedy of doctor, alone: its gate is open."""
        base = ['--security-opt', 'seccomp=%s' % self.profile]
        for gate, (verdict, line) in self.doctor(podman, name, base).items():
            for remedy in remedies(line) if verdict != 'ok' else []:
                probe = podman.run(base + remedy, '/bin/sh', '-c', 'echo works')
                if probe.stdout.strip() != 'works':
                    print('%s: doctor, %s: %s: left out: %s' % (name, gate, ' '.join(remedy), probe.stderr.strip()))
                    continue
                self.n_remedies += 1
                after = self.doctor(podman, name, base + remedy).get(gate, ('nothing', ''))
                if after[0] != 'ok':
                    self.rig.miss('%s: doctor, %s: %s does not help: %s' % (name, gate, ' '.join(remedy), after))

    def kubernetes(self, podman):
        """runAsNonRoot, readOnlyRootFilesystem, capabilities: drop ALL, RuntimeDefault."""
        base = ['--user=1000:1000', '--read-only', '--cap-drop=all', '--security-opt=no-new-privileges',
                '--env=KUBERNETES_SERVICE_HOST=10.0.0.1']
        err, rec = self.record(podman, 'pod', base)
        if rec or FILTER not in err or 'securityContext: {' not in err:
            self.rig.miss('pod: expected the filter and a securityContext: %s' % err)
        # localhostProfile: FILE
        err, rec = self.record(podman, 'pod with a profile', base + ['--security-opt', 'seccomp=%s' % self.profile])
        self.judge('pod with a profile', rec, err)
        if 'setcap' in err or 'sysctl' in err and 'on the node' not in err:
            self.rig.miss('pod: remedies of a host: %s' % err)

    def pids(self, podman):
        """--pid=host: the host's processes by their numbers; without it -a says that others have no names."""
        opened = ['--security-opt', 'seccomp=%s' % self.profile, '--cap-add=PERFMON', '--cap-add=SYS_PTRACE']
        target = r.start(self.split, '60000', stdout=subprocess.DEVNULL)
        self.rig.at_end.append(lambda: r.stop(target))
        plain = Podman(podman.folder, podman.place, own_cgroups=False)  # this option wants a cgroup
        probe = plain.run(['--pid=host'], '/bin/sh', '-c', 'echo works')
        if probe.stdout.strip() == 'works':
            err, rec = self.record(plain, 'pid=host', opened + ['--pid=host'], '-p', str(target.pid), '--duration', '1')
            self.judge('--pid=host, -p of the host', rec, err)
        else:
            print('--pid=host: left out: %s' % probe.stderr.strip()[-200:])
        err, rec = self.record(podman, '-a inside', opened, '-a', '--duration', '1')
        if 'outside this pid namespace' not in err:
            self.rig.miss('-a inside a container: not told of the others: %s' % err)
        if rec and '_work' in re.sub(r'[a-z]*process\w*', '', r.folded(rec)[1]):
            self.rig.miss('-a inside a container: names of processes that cannot be known')
        r.stop(target)

    def from_outside(self, podman, name):
        """A program in a container whose path is another program on the host; then all its files go."""
        pidfile = podman.folder / 'pid'
        host_id = build_id('/usr/bin/env')
        process = r.start(*podman.command(['--pidfile=%s' % pidfile], '/usr/bin/env', '6000'), cwd='/',
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.rig.at_end.append(lambda: r.stop(process))
        end = r.uptime() + 30
        while not (pidfile.exists() and pidfile.read_text().strip()):
            if r.uptime() > end:
                self.rig.miss('%s: the container does not start' % name)
                return
            r.time.sleep(0.02)
        pid = pidfile.read_text().strip()
        rec = self.rig.folder / ('outside-%s' % name)
        done = subprocess.run([r.record, '-F', '499', '-o', rec, '-p', pid, '--duration', '2'], capture_output=True,
                              text=True)
        r.stop(process)
        r.shutil.rmtree(podman.place.root / 'usr/bin')
        self.judge('%s: from the host' % name, rec if rec.exists() else None, done.stderr)
        objects = subprocess.run([r.report, 'info', '--json', rec], capture_output=True, text=True).stdout
        if host_id and host_id in objects:
            self.rig.miss("%s: the host's /usr/bin/env was taken for the container's" % name)

    def run(self):
        self.make_profile()
        podman = self.podman('root')
        probe = podman.run([], '/bin/sh', '-c', 'echo works')
        if probe.stdout.strip() != 'works':
            r.skip('podman does not run here: %s' % probe.stderr.strip()[-300:])
        if self.options.quick:
            self.refused_and_opened(podman)
            self.from_outside(podman, 'root')
            return self.rig.end('%d recordings in a container: the filter is named and a profile opens it; from the '
                                'host names are the container\'s' % self.n)
        self.inside(podman, 'root')
        self.cured(podman, 'root')
        self.kubernetes(podman)
        self.pids(podman)
        self.from_outside(podman, 'root')
        rootless = self.rootless()
        if rootless:
            self.rig.at_end.append(lambda: end_pause(self.rig.folder / 'rootless/store'))
        return self.rig.end(
            '%d recordings in containers%s: the filter is named, %d printed remedies work to the letter, names and '
            'shares are right in %d recordings with %d samples; from the host too, without the container\'s files' %
            (self.n, rootless, self.n_remedies, self.n_right, self.n_samples))

    def rootless(self):
        user = find_user()
        if not user:
            print('rootless: skipped, no user in /etc/subuid')
            return ''
        podman = self.podman('rootless', user)
        probe = podman.run([], '/bin/sh', '-c', 'echo works')
        if probe.stdout.strip() != 'works':
            print('rootless: skipped: %s' % probe.stderr.strip()[-300:])
            return ''
        self.inside(podman, 'rootless')
        self.cured(podman, 'rootless')
        self.from_outside(podman, 'rootless')
        return ', some rootless'


def end_pause(store):
    """Rootless podman leaves a process that keeps its namespaces, and all mounts of the host in them."""
    for path in store.rglob('pause.pid'):
        try:
            os.kill(int(path.read_text()), r.signal.SIGKILL)
        except (ValueError, ProcessLookupError):
            pass


def build_id(path):
    text = subprocess.run(['readelf', '-n', path], capture_output=True, text=True).stdout
    found = re.search(r'Build ID: ([0-9a-f]+)', text)
    return found.group(1) if found else None


def find_user():
    try:
        names = [line.split(':')[0] for line in open('/etc/subuid')]
    except OSError:
        return None
    for name in names:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if user.pw_uid and stat.S_ISDIR(os.stat('/').st_mode):
            return user
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--quick', action='store_true', help='one container, for each commit')
    options = parser.parse_args()
    r.need_root()
    r.need_perf()
    for program in ('podman', 'crun', 'unshare', 'setpriv', 'readelf'):
        if not r.shutil.which(program):
            r.skip(program + ' is not installed')
    with r.Rig() as rig:
        return Containers(rig, options).run()


if __name__ == '__main__':
    sys.exit(main())
