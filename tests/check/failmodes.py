"""Ways of running ddprof-record for failcall.py: what is started, what is done while it runs, and what
must be true of it afterwards whatever call failed.

A judge gives '' when everything was as promised, or a sentence.
"""
import errno
import json
import os
import re
import shutil
import signal
import threading
import time

import rig as r

WORK_MS = 200
SHELL = 'echo begun; "$1" %d WORK >/dev/null; echo "status $?"; echo end >&2; exit 7' % WORK_MS
TOML = 'frequency = 499\nservice = "one"\ntags = "a:b"\n'
NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all']


class Run:
    """One start of the program with a wish, in a folder of its own."""

    def __init__(self, sweep, mode, folder, wish):
        self.sweep, self.mode, self.folder, self.wish = sweep, mode, folder, wish
        self.log = folder / 'log'
        self.status = None
        self.others = []  # further processes, ended with this run

    def kinds(self):
        """Of the calls that were to fail."""
        ret = set()
        for wish in self.wish.split(',') if self.wish else ():
            what = wish.split(':')[0]
            ret |= {kind for site, kind in list(self.sweep.known) if '@' + site == what} or {what}
        return ret

    def mute(self):
        return 'write' in self.kinds()  # messages are written too

    def text(self, name):
        try:
            return (self.folder / name).read_text(errors='replace')
        except FileNotFoundError:
            return ''

    def start(self, *args, shim=True, out='out', **more):
        env = self.sweep.rig.failing(self.log, self.wish) if shim else dict(os.environ)
        env.update(more.pop('env', {}))
        with open(self.folder / out, 'ab') as stdout, open(self.folder / 'err', 'ab') as err:
            more.setdefault('stdout', stdout)
            process = r.start(*args, env=env, stderr=err, cwd=self.folder, **more)
        self.others.append(process)
        return process

    def wait(self, process, seconds):
        try:
            return process.wait(seconds)
        except r.subprocess.TimeoutExpired:
            return 'hang'

    def stop(self):
        for process in self.others:
            r.stop(process)
            for left in '/tmp/perf-%d.map', '/tmp/jit-%d.dump':
                if os.path.exists(left % process.pid):
                    os.unlink(left % process.pid)


class Mode:
    """COMMAND is recorded; its output and status are its own."""

    again = None  # share of the places known already that fail in this way too; None: as asked for

    def __init__(self, name, *options, nobody=False, output='rec', may_fail=None, work='jit', limit=None,
                 folder=0o777, ms=WORK_MS):
        self.name, self.options, self.nobody, self.output = name, list(options), nobody, output
        self.work, self.limit = work, limit  # of steady.c; of prlimit
        self.ms = ms
        self.folder_mode = folder  # of an ordinary user's folder
        self.may_fail = may_fail  # pattern of a message after which COMMAND need not have run
        self.clean = None

    def command(self, run):
        text = SHELL.replace('%d WORK' % WORK_MS, '%d %s' % (self.ms, self.work))
        return ['--', 'sh', '-c', text, 'sh', run.sweep.steady]

    def prepare(self, run):
        (run.folder / 'own.toml').write_text(TOML)
        if self.nobody:
            os.chmod(run.folder, self.folder_mode)
            (run.folder / 'err').touch()
            os.chmod(run.folder / 'err', 0o666)
        elif run.sweep.old:
            for name in 'rec', 'rec.000001', 'rec.000002.part':  # have to be moved away, are another's
                shutil.copy(run.sweep.old, run.folder / name)
        if self.name == 'config-default':
            (run.folder / 'ddprof.toml').write_text(TOML)

    def recorder(self):
        limit = ['prlimit', self.limit] if self.limit else []
        return [*limit, *(NOBODY if self.nobody else []), r.record]

    def drive(self, run, process):
        pass

    def run(self, run, seconds):
        self.prepare(run)
        process = run.start(*self.recorder(), '-F', '499', *self.options, *run.sweep.options.record, '-o', self.output,
                            *self.command(run))
        self.drive(run, process)
        run.status = run.wait(process, seconds)

    def recordings(self, run):
        """What is not right with one of them."""
        for name in sorted(os.listdir(run.folder)):
            path = run.folder / name
            if not name.startswith('rec') or os.path.getsize(path) < 64:
                continue
            code, told, text = r.info(path)
            if code or told is None:
                return 'the recording is not read: %s' % text
            # A snapshot counts at its end.
            if told['stored'] != told['read'] and (told['ended'] or told['stored']):
                return '%d samples stored, %d read' % (told['stored'], told['read'])
            run.sweep.n_recorded += 1
        return ''

    def judge(self, run, calls):
        out, err = run.text('out'), run.text('err')
        if run.status == 126 and 'cannot run' in err + run.text('messages'):
            return ''  # it was said that COMMAND may not be run, or its execve failed
        if self.may_fail and re.search(self.may_fail, err) and run.status in (2, 125) and not out:
            return ''
        if run.status != 7:
            return 'status %s, expected 7: %s' % (run.status, err.strip()[-300:])
        if out != 'begun\nstatus 7\n':
            return 'COMMAND said %r' % out
        if 'end\n' not in err:
            return 'COMMAND\'s standard error is gone'
        return self.recordings(run)


class Stdout(Mode):
    """The recording goes to standard output: COMMAND's goes to standard error."""

    def run(self, run, seconds):
        self.prepare(run)
        with open(run.folder / 'rec', 'wb') as rec:
            process = run.start(*self.recorder(), '-F', '499', *self.options, '-o', '-', *self.command(run), stdout=rec)
        run.status = run.wait(process, seconds)

    def judge(self, run, calls):
        err = run.text('err')
        if run.status == 126 and 'cannot run' in err:
            return ''
        if run.status != 7:
            return 'status %s, expected 7: %s' % (run.status, err.strip()[-300:])
        if 'begun\n' not in err and 'fcntl' not in run.kinds():  # dup2: then it is lost
            return 'COMMAND\'s output is lost: %s' % err
        if b'begun\n' in (run.folder / 'rec').read_bytes():
            return 'COMMAND\'s output is in the recording'
        return self.recordings(run)


class Attach(Mode):
    """-p to a process that runs already; or the whole system, while it runs."""

    def __init__(self, name, *options, system=False, two=None, **more):
        super().__init__(name, *options, **more)
        self.system, self.two = system, two
        self.again = 0.5 if two else None

    def run(self, run, seconds):
        self.prepare(run)
        text = SHELL.replace('%d WORK' % WORK_MS, '%d %s' % (3 * WORK_MS, self.work)).replace('>&2', '>>err')
        prefix = self.recorder()[:-1]
        target = run.start(*prefix, 'sh', '-c', text, 'sh', run.sweep.steady, shim=False)
        pids = [str(target.pid)]
        if self.two:  # one ends before the other
            pids.append(str(run.start(run.sweep.steady, '100', self.two, shim=False, out='own').pid))
        what = ['-a'] if self.system else ['-p', ','.join(pids)]
        process = run.start(*self.recorder(), '-F', '499', *self.options, *run.sweep.options.record, '-o', self.output,
                            *what, '--duration', '0.3', out='own')
        self.drive(run, process)
        run.status = run.wait(process, seconds)
        if run.status in (0, 125):
            if run.status and not run.mute() and 'error: ' not in run.text('err'):
                run.status = 'failed and said nothing'
                return
            run.status = run.wait(target, seconds)


class Controlled(Mode):
    """Paused at the start; commands come while it runs, and are answered."""

    def __init__(self, name, fds, *options, deaf=False):
        super().__init__(name, '--start-paused', '--last=5s', *options,
                         may_fail=r'--control: (cannot look at|descriptor \d+: Invalid)')
        self.fds, self.deaf = fds, deaf

    def run(self, run, seconds):
        self.prepare(run)
        if self.fds:
            ctl, ack = os.pipe(), os.pipe()
            control, more = 'fd:%d,%d' % (ctl[0], ack[1]), {'pass_fds': (ctl[0], ack[1])}
        else:
            for name in ('ctl', 'ack'):
                os.mkfifo(run.folder / name)
            ctl = [None, os.open(run.folder / 'ctl', os.O_RDWR)]
            ack = [os.open(run.folder / 'ack', os.O_RDWR), None]
            control, more = 'fifo:ctl,ack', {}
        process = run.start(*self.recorder(), '-F', '499', *self.options, '--control', control, '-o', 'rec',
                            *self.command(run), **more)
        os.set_blocking(ack[0], False)
        for fd in (ctl[0], ack[1]) if self.fds else ():
            os.close(fd)
        answers = 0
        if self.deaf:
            os.close(ack[0])
        for word in ('enable', 'ping', 'nonsense', 'snapshot', 'disable', 'evlist', 'enable sCPU', 'disable sCPU',
                     'enable', 'x' * 90, 'stop'):
            try:
                os.write(ctl[1], word.encode() + b'\n')
            except BrokenPipeError:
                break
            time.sleep(0.03)
        run.status = run.wait(process, seconds)
        try:
            answers = 0 if self.deaf else os.read(ack[0], 4096).count(b'ack\n')
        except BlockingIOError:
            pass
        run.answers = answers
        for fd in (ctl[1],) if self.deaf else (ctl[1], ack[0]):
            os.close(fd)

    def judge(self, run, calls):
        if not run.wish and not run.answers and not self.deaf:
            return 'no command was answered'
        return super().judge(run, calls)


class Switched(Mode):
    """COMMAND runs as another user, with his groups, or not at all."""

    def command(self, run):
        ret = super().command(run)
        ret[3] = ret[3].replace('echo begun', 'echo begun; echo "user $(id -u) $(id -g) $(id -G)" >&2')
        return ret

    def judge(self, run, calls):
        found = re.search('^user .*', run.text('err'), re.M)
        if found and found[0] != 'user 65534 65534 65534':
            return 'COMMAND ran as %s' % found[0]
        return super().judge(run, calls)


class Gaining(Mode):
    """COMMAND of an ordinary user starts programs that gain rights, and that he may not read."""

    def __init__(self, name, *options):
        super().__init__(name, *options, nobody=True)

    def prepare(self, run):
        super().prepare(run)
        for name, mode in ('setuid', 0o4755), ('unread', 0o711):
            shutil.copy(run.sweep.steady, run.folder / name)
            os.chmod(run.folder / name, mode)

    def command(self, run):
        return ['--', 'sh', '-c', 'echo begun; ./setuid 100 >/dev/null; ./unread 100 >/dev/null; echo "status $?"; '
                'echo end >&2; exit 7']


class Accounted(Mode):
    """Each page fault is a sample: the kernel's own count tells what was produced."""

    PARTS = ('stored', 'lost_kernel', 'dropped_decode', 'dropped_write', 'dropped_filter')

    def __init__(self, name, *options, **more):
        super().__init__(name, '-l', 'debug', '-e', 'sPF p=1', *options, **more)

    def judge(self, run, calls):
        counts = re.findall(r'kernel counts: source=0 samples_lost=\d+ count=(\d+)', run.text('err'))
        told = r.info(run.folder / 'rec')[1] if (run.folder / 'rec').exists() else None
        whole = told and told['ended'] and 'samples in' in run.text('err')
        if whole and counts and int(counts[-1]):
            parts = [told[part] for part in self.PARTS]
            if sum(parts) != int(counts[-1]) and 'read' not in run.kinds():  # that is how it is asked for
                return '%s page faults, in the recording %s = %d' % (counts[-1], parts, sum(parts))
            run.sweep.n_accounted += 1
        return super().judge(run, calls)


class Signalled(Mode):
    """A signal to the recorder is COMMAND's."""

    def command(self, run):
        return ['--', 'sh', '-c', 'trap "echo status 7; echo end >&2; exit 7" TERM; echo begun; '
                'while :; do "$1" 20 >/dev/null; done', 'sh', run.sweep.steady]

    def drive(self, run, process):
        deadline = r.uptime() + 5
        while r.uptime() < deadline and 'begun' not in run.text('out') and process.poll() is None:
            time.sleep(0.005)
        time.sleep(0.05)
        process.terminate()
        time.sleep(0.2)
        if process.poll() is None and run.wish:  # it was the recorder's signal that failed
            for pid in open('/proc/%d/task/%d/children' % (process.pid, process.pid)).read().split():
                if open('/proc/%s/comm' % pid).read() == 'sh\n':
                    os.kill(int(pid), signal.SIGTERM)


class SnapshotVerb(Mode):
    """`ddprof-record snapshot PID`: the recorder is sound, the verb meets the failing call."""

    def run(self, run, seconds):
        recorder = run.start(r.record, '-F', '499', '--last=5s', '-o', 'rec', *self.command(run), shim=False)
        status = '/proc/%d/status' % recorder.pid
        deadline = r.uptime() + 5
        while r.uptime() < deadline and not self.waits(status):
            time.sleep(0.005)
        verb = run.start(r.record, 'snapshot', str(recorder.pid), out='own')
        run.verb = run.wait(verb, seconds)
        run.status = run.wait(recorder, seconds)

    @staticmethod
    def waits(status):
        try:
            text = open(status).read()
        except OSError:
            return False
        blocked = int(re.search(r'SigBlk:\s*(\w+)', text)[1], 16)
        return 'Name:\tddprof-record' in text and blocked >> (signal.SIGUSR2 - 1) & 1

    def judge(self, run, calls):
        err = run.text('err')
        if run.verb not in (0, 1, 125):
            return 'the verb ended with %s' % run.verb
        if run.verb and not run.mute() and 'ddprof-record: error: ' not in err:
            return 'the verb failed and said nothing'
        if run.verb and 'No such process' in err and calls['fired'] and ':%d' % errno.ESRCH not in run.wish:
            return 'the verb calls the recorder dead: %s' % err.strip()[-200:]
        if run.verb == 0 and not any(name.startswith('rec.') or name == 'rec' for name in os.listdir(run.folder)):
            return 'the verb says it was asked for, and there is no file'
        return super().judge(run, calls)


class Text(Mode):
    """It prints something and ends; whatever fails, no half text is called a success."""

    def run(self, run, seconds):
        run.status = run.wait(run.start(r.record, *self.options), seconds)

    def judge(self, run, calls):
        out, err = run.text('out'), run.text('err')
        if run.status == 126 and 'cannot run' in err:
            return ''
        if run.status not in (0, 1, 2, 125):
            return 'status %s' % run.status
        if not run.wish:
            self.clean = out
        if run.status == 0 and self.clean and out != self.clean:
            return 'status 0, but the text differs: %d bytes for %d' % (len(out), len(self.clean))
        return '' if run.status == 0 or run.mute() or 'error: ' in err else 'failed and said nothing'


class Full(Text):
    """The same to a disk that is full."""

    def run(self, run, seconds):
        with open('/dev/full', 'wb') as full:
            run.status = run.wait(run.start(r.record, *self.options, stdout=full), seconds)

    def judge(self, run, calls):
        if run.status not in (1, 125) or not (run.mute() or 'error: ' in run.text('err')):
            return 'status %s and no word, though nothing could be written' % run.status
        return ''


class Doctor(Mode):
    """A check that could not be made is never said to be right, nor the host's fault."""

    # These are what a doctor looks for: the host itself refuses.
    TOLD = ('perf', 'mmap', 'ioctl', 'syscall', 'fcntl')
    PASSED = ('seccomp', 'perf_event_open', 'locked memory')
    # A trial that ran and was refused tells what a recording meets; these say that it did not run.
    NOT_TRIED = re.compile('cannot fork|cannot make a pipe|no memory for|ended early|no answer|cannot be looked at')

    def __init__(self, name, *operands, target=None):
        super().__init__(name)
        self.operands, self.target = list(operands), target

    def run(self, run, seconds):
        operands = list(self.operands)
        if self.target:
            program = {'python': ['python3', '-c', 'import time; time.sleep(9)'],
                       'threads': [run.sweep.steady, '5000', 'threads']}.get(self.target)
            target = run.start(*(program or [run.sweep.steady, '5000', 'jit']), shim=False, out='own')
            operands.append(str(target.pid))
        else:
            operands = [run.sweep.steady if o == 'STEADY' else o for o in operands]
        (run.folder / 'script').write_text('#!/bin/sh\ntrue\n')
        (run.folder / 'script').chmod(0o755)
        run.status = run.wait(run.start(r.record, 'doctor', '--json', '-o', '/tmp/rec', *operands), seconds)

    def judge(self, run, calls):
        out, err = run.text('out'), run.text('err')
        if run.status not in (0, 1, 125):
            return 'status %s: %s' % (run.status, err.strip()[-300:])
        try:
            told = json.loads(out)
        except ValueError:
            told = run.status and (run.mute() or 'error: ' in err)
            return '' if told else 'status %s, and no JSON: %r' % (run.status, out[-100:])
        if (run.status == 0) != told['possible'] and 'cannot write to standard output' not in err:
            return 'status %s, but possible is %s' % (run.status, told['possible'])
        checks = {(c['about'], c['name']): c for c in told['checks']}
        if not run.wish:
            self.clean = checks, told['possible']
            return ''
        return self.compare(run, checks, told['possible'])

    def compare(self, run, checks, possible):
        clean, was_possible = self.clean
        if possible and not was_possible:
            return 'possible, and was not'
        told = run.kinds() <= set(self.TOLD)
        for key, c in checks.items():
            was = clean.get(key)
            # What it is was not read, but the call passed, or the right is there; the load is never the same;
            # and a process that was killed may have left a map with this number.
            if c['verdict'] == 'ok' and 'unknown' in c['value'] and key[1] in self.PASSED:
                continue
            if key[1] in ('CPU', 'runtime') or ('stat' in run.kinds() and ':%d' % errno.EACCES in run.wish):
                continue
            if c['verdict'] == 'ok' and (not was or was['verdict'] != 'ok' or bare(was['value']) != bare(c['value'])):
                return '%s is called ok: %r, was %r' % (key[1], c['value'], was and (was['verdict'], was['value']))
            tried = (c['about'] == 'recording' or key[1] == '-p') and not self.NOT_TRIED.search(c['means'])
            if c['verdict'] == 'refused' and not told and not tried and (not was or was['verdict'] != 'refused'):
                return '%s is called refused: %r, %r' % (key[1], c['value'], c['means'])
        missing = [key[1] for key in clean if key not in checks]
        said = [key for key, c in checks.items() if c['verdict'] not in ('ok', clean.get(key, {}).get('verdict'))]
        if missing and possible and not said:
            return 'possible, but there is no word of %s' % ', '.join(missing)
        return ''


def bare(value):
    return re.sub(r'\d+', '#', value)


class Bundle(Doctor):
    def run(self, run, seconds):
        operands = list(self.operands)
        if self.target:
            target = run.start(run.sweep.steady, '9000', shim=False, out='own')
            operands.append(str(target.pid))
        run.status = run.wait(run.start(r.record, 'doctor', '--bundle', 'b.tar.zst', *operands,
                                        env={'DD_API_KEY': 'qwertz-secret'}), seconds)

    def judge(self, run, calls):
        err, path = run.text('err'), run.folder / 'b.tar.zst'
        if run.status not in (0, 1, 125):
            return 'status %s: %s' % (run.status, err.strip()[-300:])
        if run.status:
            return '' if run.mute() or 'error: ' in err else 'failed and said nothing'
        if '--dry-run' in self.operands:
            return 'it was written' if path.exists() else ''
        unpacked = r.subprocess.run('zstd -dc b.tar.zst | tar xOf -', shell=True, cwd=run.folder, capture_output=True)
        if unpacked.returncode:
            return 'the bundle cannot be unpacked: %s' % unpacked.stderr.decode()[-200:]
        return 'the secret is in it' if b'qwertz-secret' in unpacked.stdout else ''


def all_modes():
    return [
        Mode('command'),
        Attach('attach'),
        Mode('rotate', '--rotate=64K:3'),
        Mode('rotate-often', '--rotate=64K:1', '--stacks=raw', '-F', '4999', work='noise'),
        Mode('unlisted', '--rotate=64K:1', nobody=True, folder=0o733),
        Mode('sync', '--rotate=1M', '--sync=1s', ms=1500),
        Mode('last', '--last=5s'),
        Mode('last-full', '--last=1M', '--stacks=raw', '-F', '9999', work='noise', ms=400),
        Mode('long-words', '--api-key=' + 'k' * 20000, '--api-key=' + 'l' * 20000),
        Controlled('control', False),
        Controlled('control-fd', True),
        Controlled('control-deaf', True, deaf=True),
        SnapshotVerb('snapshot'),
        Signalled('signal'),
        Attach('attach-two', '--last=5s', two='noise'),
        Attach('attach-threads', two='threads'),
        Mode('map-of-all', work='open'),
        Mode('few-files', limit='--nofile=48:4096'),
        Mode('file-limit', work='noise', limit='--fsize=150000'),
        Mode('config-default', may_fail=r'ddprof\.toml|as which user'),
        Accounted('accounting'),
        Accounted('accounting-limit', '--stacks=raw', limit='--fsize=160000'),
        Mode('trigger', '--last=1M', '--trigger-cpu=1:0.05'),
        Mode('config', '--config=own.toml', '--show-config', '--capture-config=captured',
             may_fail=r'own\.toml|as which user'),
        Mode('log-file', '-l', 'debug', '--log-mode=messages'),
        Mode('syslog', '--log-mode=syslog'),
        Stdout('stdout'),
        Switched('user', '--switch-user=nobody', '--nice=3', '--cpu-affinity=3',
                 may_fail='Unable to find|Failed to switch|as which user'),
        Mode('events', '-e', 'sCPU f=499;sched:sched_switch;sPF'),
        Mode('offcpu', '-e', 'offcpu'),
        Attach('all', '--embed=unwind', system=True),
        Mode('embed', '--embed=full', '--stacks=raw'),
        Mode('overhead', '--max-overhead=0.1'),
        Mode('disabled', '--enable=no', '--switch-user=0:0', may_fail='Failed to switch|as which user'),
        Mode('nobody', nobody=True),
        Attach('nobody-attach', nobody=True),
        Attach('nobody-all', nobody=True, system=True),
        Gaining('setuid'),
        Mode('realtime', '--realtime=2'),
        Text('wrong-event', '-e', 'sched:sched_nothing', '--', 'true'),
        Text('control-null', '--control=/dev/null', '--', 'true'),
        Text('control-half', '--control=fd:0,99', '--', 'true'),
        Text('help', '--help'),
        Text('help-extended', '--help-extended'),
        Text('events-help', '-e', 'help'),
        Text('version', '--version'),
        Text('bash', '--completion=bash'),
        Text('fish', '--completion=fish'),
        Text('zsh', '--completion=zsh'),
        Text('doctor-help', 'doctor', '--help'),
        Full('help-full', '--help'),
        Full('version-full', '--version'),
        Full('doctor-full', 'doctor'),
        Doctor('doctor'),
        Doctor('doctor-pid', target='steady'),
        Doctor('doctor-python', target='python'),
        Doctor('doctor-threads', target='threads'),
        Doctor('doctor-program', 'STEADY'),
        Doctor('doctor-path', 'sh'),
        Doctor('doctor-script', './script'),
        Bundle('bundle'),
        Bundle('bundle-pid', target='steady'),
        Bundle('bundle-list', '--dry-run'),
    ]
