"""Running recorders and reports under measurement: ddprof and perf the same way, side by side."""
import json
import os
import re
import signal
import statistics
import subprocess
import time

import workload
from workload import BIN, DATA, OUT

ROOT = os.path.dirname(workload.HERE)
BUILD = os.environ.get('DDPROF_BUILD', ROOT)
RECORD = os.path.join(BUILD, 'ddprof-record')
REPORT = os.path.join(BUILD, 'ddprof-report')
MEASURE = os.path.join(BIN, 'ddprof-measure')
TICK = os.sysconf('SC_CLK_TCK')

# One spelling of each recorder: {hz} and {out} are filled in, the workload follows.
RECORDERS = {
    'ours': [RECORD, '-F', '{hz}', '-o', '{out}'],
    'ours-bare': [RECORD, '-F', '{hz}', '--embed=none', '-o', '{out}'],
    'ours-32k': [RECORD, '-F', '{hz}', '--stack-size=32768', '-o', '{out}'],
    'ours-raw': [RECORD, '-F', '{hz}', '--stacks=raw', '-o', '{out}'],
    'perf': ['perf', 'record', '-q', '-m', '16M', '-e', 'cpu-clock', '-F', '{hz}', '--call-graph',
             'dwarf,32768', '-o', '{out}'],
    'perf-z': ['perf', 'record', '-q', '-m', '16M', '-e', 'cpu-clock', '-F', '{hz}', '--call-graph',
               'dwarf,32768', '-z1', '-o', '{out}'],
}


if not os.access(RECORD, os.X_OK):
    raise SystemExit(f"no ddprof-record in '{BUILD}': build it, or set DDPROF_BUILD to the folder that has it")


def is_ours(recorder):
    return recorder.startswith('ours')


def median(values):
    values = list(values)
    return statistics.median(values) if values else float('nan')


def nice_prefix():
    return ['nice', '-n', '-5'] if os.geteuid() == 0 else []


def cpu_busy_s():
    with open('/proc/stat', encoding='ascii') as f:
        v = list(map(int, f.readline().split()[1:9]))
    return (v[0] + v[1] + v[2] + v[5] + v[6]) / TICK


def wait_quiet(limit_s=float(os.environ.get('QUIET', '6'))):
    """Waits until the machine is idle, or for limit_s."""
    start = time.time()
    while time.time() - start < limit_s:
        before = cpu_busy_s()
        time.sleep(0.3)
        if cpu_busy_s() - before < 0.05:
            return


def remove(*paths):
    for p in paths:
        for q in (p, p + '.old'):
            try:
                os.remove(q)
            except FileNotFoundError:
                pass


def last_line(path):
    with open(path, encoding='utf-8') as f:
        return json.loads(f.read().strip().split('\n')[-1])


def cpu_of(usage):
    return usage['user_s'] + usage['sys_s']


def samples_of(path, recorder):
    """(stored, lost) samples of a recording, by the tool that wrote it."""
    if is_ours(recorder):
        info = info_of(path)
        return info['samples']['stored'], info['samples']['lost_kernel']
    text = subprocess.run(['perf', 'report', '--stats', '-i', path], capture_output=True, text=True,
                          check=False).stdout
    total = text.split('\n\n')[0]

    def count(kind):
        m = re.search(rf'\b{kind} events:\s+(\d+)', total)
        return int(m.group(1)) if m else 0
    return count('SAMPLE'), count('LOST_SAMPLES') + count('LOST')


def info_of(path):
    """`ddprof-report info --json FILE`, as far as the measurements need it."""
    out = subprocess.run([REPORT, 'info', '--json', path], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def record(recorder, name, hz, scale, path):
    """
    One recording of workload `name`. Recorder CPU = everything that the recorder and its children
    used, less what the workload under it used (attached: the recorder alone).
    """
    argv = [a.format(hz=hz, out=path) for a in RECORDERS[recorder]]
    inner, outer = f'{OUT}/inner.json', f'{OUT}/outer.json'
    remove(inner, outer, path)
    wait_quiet()
    busy = cpu_busy_s()
    start = time.time()
    if name == 'W4':
        usage, used = record_attached(argv, outer, scale)
    else:
        usage, used = record_command(argv, inner, outer, name, scale)
    elapsed = time.time() - start
    stored, lost = samples_of(path, recorder)
    return {
        'recorder': recorder, 'workload': name, 'hz': hz, 'scale': scale, 'samples': stored, 'lost': lost,
        'file_bytes': os.path.getsize(path), 'cpu_s': usage, 'workload_cpu_s': used,
        'foreign': max(0.0, (cpu_busy_s() - busy - usage - used) / elapsed),
    }


def record_command(argv, inner, outer, name, scale):
    command, env = workload.command(name, scale)
    with open(f'{OUT}/recorder.log', 'w', encoding='utf-8') as log:
        subprocess.run(nice_prefix() + [MEASURE, outer] + argv + ['--', MEASURE, inner] + command,
                       env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=log, check=False)
    inside = last_line(inner)
    if inside['rc'] != 0:
        raise SystemExit(f"workload {name} failed with {inside['rc']}, see {OUT}/recorder.log")
    return cpu_of(last_line(outer)) - cpu_of(inside), cpu_of(inside)


def record_attached(argv, outer, scale):
    with workload.redis() as pid, open(f'{OUT}/recorder.log', 'w', encoding='utf-8') as log:
        recorder = subprocess.Popen(nice_prefix() + [MEASURE, outer] + argv + ['-p', str(pid)],
                                    stdout=subprocess.DEVNULL, stderr=log)
        time.sleep(0.7)
        workload.redis_load(scale)
        with open(f'/proc/{recorder.pid}/task/{recorder.pid}/children', encoding='ascii') as f:
            child = int(f.read().split()[0])
        os.kill(child, signal.SIGINT)
        recorder.wait()
    return cpu_of(last_line(outer)), 0.0


def run_measured(argv, timeout_s=600, stdin=None, env=None):
    """Runs argv with its output to /dev/null, input from a file. Returns measure's line."""
    out = f'{OUT}/run.json'
    remove(out)
    with open(stdin or os.devnull, 'rb') as source:
        subprocess.run(nice_prefix() + [MEASURE, out] + argv, stdin=source,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                       env={**os.environ, 'MEASURE_TIMEOUT': str(timeout_s), 'DEBUGINFOD_URLS': '', **(env or {})})
    return last_line(out)


def capture_path(recorder, name):
    ending = 'ddprof' if is_ours(recorder) else 'perf'
    return f'{DATA}/{name.lower()}-{recorder}-999.{ending}'


def capture(recorder, name, hz=999, scale=None, again=False):
    """The recording kept for reports; made when it is missing."""
    path = capture_path(recorder, name)
    if again or not os.path.exists(path):
        if scale is None:
            scale = CAPTURE_SCALE[name]
        r = record(recorder, name, hz, scale, path)
        print(f"captured {path}: {r['samples']} samples, {r['file_bytes'] / 1e6:.1f} MB, "
              f"foreign CPU {r['foreign']:.0%}", flush=True)
    return path


# sizes of the captures that reports are compared on: 2 600 to 24 000 samples at 999 Hz
CAPTURE_SCALE = {'W1': 4, 'W2': 1, 'W3': 3, 'W3t': 1, 'W4': 3, 'W5': 1, 'W6': 6, 'W7': 1}


def table(title, header, rows):
    """Markdown, first column left, others right."""
    lines = [f'### {title}', '', '| ' + ' | '.join(header) + ' |',
             '|---|' + '--:|' * (len(header) - 1)]
    lines += ['| ' + ' | '.join(map(str, row)) + ' |' for row in rows]
    return '\n'.join(lines) + '\n'


def circumstances():
    commit = subprocess.run(['git', '-C', ROOT, 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True,
                            check=False).stdout.strip()
    return (f"\nCommit {commit or 'unknown'}, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} CPUs, "
            f"Linux {os.uname().release}.\n")


def write_result(name, text):
    """Prints the table and keeps it as bench/results/NAME.md."""
    text += circumstances()
    print(text)
    path = os.path.join(workload.HERE, 'results', name + '.md')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    print(f'kept in {path}')
