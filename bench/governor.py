#!/usr/bin/env python3
"""What recording costs under loads that cost, and under limits: rows for results/governor.md.

    bench/governor.py BUILD [CASE...]

Percent of one CPU, recorder and inspector: the first second, and the mean of all after it; what was
left out; and for the programs that say their own CPU time, what the recording's total is off.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMITS = ('off', '3', '0.5')
CASES = {  # name: (record options, program, arguments)
    'nothing happens': (['-F', '99'], 'sleep', ['6']),
    '99 Hz': (['-F', '99'], 'split', ['6000']),
    '10 kHz': (['-F', '10000'], 'split', ['8000']),
    '100 kHz': (['-F', '100000'], 'split', ['8000']),
    '40 000 forks': (['-F', '99'], 'storm', ['forks', '40000']),
    '5 000 execs': (['-F', '99'], 'storm', ['processes', '5000', '/bin/true', '/bin/true']),
    'off-CPU storm': (['-e', 'sCPU;offcpu'], 'switches', ['20000']),
}


def compile_into(folder):
    for source in ('tests/check/storm.c', 'tests/flow/targets/switches.c', 'tests/flow/targets/split.c'):
        name = os.path.basename(source)[:-2]
        subprocess.run(['gcc', '-O1', '-g', '-pthread', '-o', os.path.join(folder, name), os.path.join(SOURCE, source),
                        '-ldl'], check=True)


def cpu_told(text):
    match = re.search(r'^cpu_ns all (\d+)', text, re.M)
    return int(match.group(1)) / 1e9 if match else 0


def run(build, folder, name, limit):
    options, program, arguments = CASES[name]
    rec = os.path.join(folder, 'rec')
    path = os.path.join(folder, program)
    command = [path if os.path.exists(path) else program, *arguments]
    done = subprocess.run([build + '/ddprof-record', '-l', 'debug', '--max-overhead', limit, '-o', rec, *options, '--',
                           *command], capture_output=True, text=True, env=dict(os.environ, DDPROF_DEBUG='govern'))
    info = json.loads(subprocess.run([build + '/ddprof-report', 'info', '--json', rec], capture_output=True,
                                     text=True).stdout)
    used = info['counters']['nanoseconds of CPU used by the recorder'] / 1e9
    spans = [(int(a), int(b)) for a, b in re.findall(r'own_us=(\d+) inspector_us=(\d+)', done.stderr)]
    took = float(re.search(r'samples? in ([\d.]+) s', done.stderr).group(1))
    steps = [s.split('now on ')[1] for s in done.stderr.splitlines() if 'from now on' in s]
    shown = json.loads(subprocess.run([build + '/ddprof-report', 'show', '--json', rec], capture_output=True,
                                      text=True).stdout)
    total = sum(e['weight'] for e in shown['events'] if e['event'] == 'sCPU') / 1e9
    cpu = cpu_told(done.stdout)
    first = sum(spans[0]) / 1e6 if spans else 0
    words = re.findall(r'(?:a second|switches) (\d+)', done.stdout)
    print('| %s | %s | %.1f s | %.2f | %s | %s | %s |' % (
        name + (' (%s)' % words[0] if words else ''), limit, took, 100 * (used - first) / took,
        '%.3f s %+.2f %%' % (total, 100 * (total / cpu - 1)) if cpu else '', info['samples']['stored'],
        '; '.join(steps) or 'all'), flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, names = sys.argv[1], sys.argv[2:] or list(CASES)
    with tempfile.TemporaryDirectory() as folder:
        compile_into(folder)
        print('load %s' % open('/proc/loadavg').read().split()[0])
        print('| load | limit | took | used, % of a CPU | total, error | samples | kept |\n|---|---|---|---|---|---|---|')
        for name in names:
            for limit in LIMITS:
                run(build, folder, name, limit)


if __name__ == '__main__':
    main()
