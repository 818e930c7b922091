"""What the proofs of robustness share: the built programs, targets, failing calls, and their table.

A proof is a script tests/check/NAME.py with numbers as options; tests/flow runs it with small ones.
Each prints a line for what went wrong, one "ok: ..." line for what was shown, and ends with 1 when
something was not as promised.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

src = pathlib.Path(os.environ.get('DDPROF_SRC', pathlib.Path(__file__).resolve().parents[2]))
build = pathlib.Path(os.environ.get('DDPROF_BUILD', '.')).resolve()
record = str(build / 'ddprof-record')
report = str(build / 'ddprof-report')
cc = os.environ.get('CC', 'gcc').split()
TARGETS = src / 'tests/flow/targets'
CHECK = src / 'tests/check'


def skip(why):
    print('skip:', why)
    sys.exit(77)


class Rig:
    """A folder of its own, removed at the end with everything that was started."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='ddprof-proof.'))
        os.chmod(self.folder, 0o755)
        self.misses = []
        self.at_end = []
        os.environ['LC_ALL'] = 'C'
        os.environ['DDPROF_MAX_OVERHEAD'] = 'off'  # samples that are left out on purpose confuse the sums
        os.environ['XDG_CACHE_HOME'] = str(self.folder / 'cache')
        for name in ('DDPROF_DEBUG', 'DEBUGINFOD_URLS'):
            os.environ.pop(name, None)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for action in reversed(self.at_end):
            action()
        shutil.rmtree(self.folder, ignore_errors=True)

    def compile(self, source, name, *flags):
        out = self.folder / name
        subprocess.run([*cc, '-std=gnu11', '-O2', '-g', '-pthread', '-o', out, source, *flags, '-ldl'],
                       check=True)
        return str(out)

    def target(self, name, *flags):
        return self.compile(TARGETS / (name + '.c'), name, *flags)

    def failcall(self):
        """The library of failing calls, or a skip where it cannot stand before the program."""
        needed = subprocess.run(['ldd', record], capture_output=True, text=True).stdout
        if 'libc.so' not in needed or 'asan' in needed or 'tsan' in needed:
            skip('ddprof-record is static, or built with a sanitizer')
        self.sites = self.compile(CHECK / 'failsites.c', 'failsites')
        self.shim = self.compile(CHECK / 'failcall.c', 'failcall.so', CHECK / 'failwrap.c', '-shared', '-fPIC')

    def failing(self, log, wish='', **more):
        """Environment for ddprof-record with a call that fails."""
        return dict(os.environ, LD_PRELOAD=self.shim, FAILCALL_EXE='ddprof-record',
                    FAILCALL_LOG=str(log), FAILCALL=wish, **more)

    def calls(self, log):
        """{'fired': n, 'killed': ns, 'kind': {name: n}, 'site': {(hex, kind): n}}"""
        ret = {'kind': {}, 'site': {}}
        text = subprocess.run([self.sites, log], capture_output=True, text=True).stdout
        for line in text.splitlines():
            word = line.split()
            if word[0] == 'kind':
                ret['kind'][word[1]] = int(word[2])
            elif word[0] == 'site':
                ret['site'][word[1], word[2]] = int(word[3])
            else:
                ret[word[0]] = int(word[1])
        return ret

    def miss(self, text):
        self.misses.append(text)
        print('MISS:', text, flush=True)

    def end(self, shown):
        """Prints what was shown and gives the exit status."""
        print(('FAIL: %d misses; ' % len(self.misses) if self.misses else 'ok: ') + shown, flush=True)
        return 1 if self.misses else 0


def need_perf():
    if not os.path.exists('/proc/sys/kernel/perf_event_paranoid'):
        skip('this kernel has no perf_event_open')


def need_root():
    if os.geteuid():
        skip('needs root')


def uptime():
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def start(*args, **more):
    """A process group of its own: stop() ends all of it."""
    more.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.Popen([str(a) for a in args], start_new_session=True, **more)


def stop(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def info(path):
    """(exit status, what `info --json` says of file, samples and counters or None, stderr)"""
    done = subprocess.run([report, 'info', '--json', str(path)], capture_output=True, text=True,
                          errors='replace', timeout=120)
    try:
        told = json.loads(done.stdout)
        return done.returncode, {**told['file'], **told['samples'], **told['counters']}, done.stderr
    except ValueError:
        return done.returncode, None, done.stderr


def folded(path, *options):
    """(exit status, stacks, stderr)"""
    done = subprocess.run([report, '--inline=no', *options, '--folded', str(path)], capture_output=True,
                          text=True, errors='replace', timeout=300)
    return done.returncode, done.stdout, done.stderr
