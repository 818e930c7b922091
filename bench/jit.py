#!/usr/bin/env python3
"""
Code made at run time: what share of the samples in it is named, and, for a program that tells the truth,
by the code that was there at that time.
Usage: jit.py [--reps N]
Counted are samples whose innermost frame lies in memory that no file backs: named or [anon].
"""
import argparse
import json
import os
import re
import subprocess

import lab
import workload

SECONDS = 4
TARGET = 0.99
LUAJIT = os.path.join(workload.BENCH, 'src', 'luajit')  # built by setup() with its perf tools
WORK = os.path.join(workload.OUT, 'jit')

NODE = f'''
function fib(n) {{ return n < 2 ? n : fib(n - 1) + fib(n - 2); }}
function hash(s) {{ let h = 0; for (let i = 0; i < s.length; i++) h = (h * 31 + s.charCodeAt(i)) | 0; return h; }}
const big = 'x'.repeat(100000), begin = Date.now();
let sum = 0;
while (Date.now() - begin < {SECONDS * 1000}) {{
  sum += fib(20) + hash(big) + JSON.stringify([...Array(200).keys()].map(x => ({{x, y: String(x)}}))).length;
  sum += 'a,b;c'.repeat(50).split(/[,;]/).sort().length;
}}
'''
JAVA = f'''
import java.util.*;
public class Work {{
	static int fib(int n) {{ return n < 2 ? n : fib(n - 1) + fib(n - 2); }}
	public static void main(String[] args) {{
		long begin = System.nanoTime(), sum = 0;
		while (System.nanoTime() - begin < {SECONDS}000000000L) {{
			Map<String, Integer> m = new HashMap<>();
			for (int i = 0; i < 2000; i++) m.merge("k" + i % 300, i, Integer::sum);
			sum += fib(22) + m.values().stream().mapToInt(x -> x).sum();
		}}
		System.out.println(sum);
	}}
}}
'''
LUA = f'''
local begin, sum = os.clock(), 0
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
while os.clock() - begin < {SECONDS} do
  for i = 1, 100000 do sum = (sum * 31 + i) % 1000003 end
  sum = sum + fib(18)
end
print(sum)
'''


def write(name, text):
    path = os.path.join(WORK, name)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def setup():
    """Programs and sources in WORK; LuaJIT with its perf map, which distributions build without."""
    os.makedirs(WORK, exist_ok=True)
    subprocess.run(['gcc', '-std=gnu11', '-O2', '-g', '-pthread', '-o', f'{WORK}/jitted',
                    f'{lab.ROOT}/tests/flow/targets/jitted.c', '-ldl'], check=True)
    write('work.js', NODE)
    write('work.lua', LUA)
    subprocess.run(['javac', '-d', WORK, write('Work.java', JAVA)], check=False)
    if os.path.exists(f'{LUAJIT}/src/luajit'):
        return
    script = f'''set -e
        mkdir -p "{LUAJIT}.get" && cd "{LUAJIT}.get"
        apt-get source -qq luajit && mv luajit-*/ "{LUAJIT}"
        make -s -C "{LUAJIT}" XCFLAGS=-DLUAJIT_USE_PERFTOOLS'''
    subprocess.run(['sh', '-c', script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def record(argv):
    path = f'{WORK}/data'
    lab.remove(path)
    subprocess.run([lab.RECORD, '-F', '999', '-o', path, '--', 'sh', '-c', 'echo $$ >pid; exec "$@"', 'sh', *argv],
                   cwd=WORK, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    with open(f'{WORK}/pid', encoding='ascii') as f:
        lab.remove(f'/tmp/perf-{f.read().strip()}.map')  # as the programs leave it
    return path


def report(path, *options):
    return subprocess.run([lab.REPORT, '--no-cache', *options, path], capture_output=True, text=True,
                          check=True).stdout


def count(path):
    """Samples by where their innermost frame lies: (named JIT code, no description, all)."""
    named = unknown = total = 0
    for event in json.loads(report(path, '--by=address', '--json', '--limit=all'))['events']:
        for row in event['rows']:
            n = row['self']['samples']
            total += n
            if row.get('module') == '[jit]':
                named += n if row['named'] else 0
                unknown += 0 if row['named'] else n
            elif row.get('module') == '[anon]':
                unknown += n
    return named, unknown, total


def right(path):
    """Of the samples of the test program in made code: those named by the function that was there."""
    good = every = 0
    for line in report(path, '--folded', '--inline=no').splitlines():
        stack, n = line.rsplit(' ', 1)
        m = re.search(r'native_([0-7]);(made_([0-7])|\[anon\])', stack)
        if m:
            every += int(n)
            good += int(n) if m.group(3) == m.group(1) else 0
    return good, every


def row(what, switch, argv, reps, truth=False):
    """The worst of `reps` runs."""
    worst = None
    for _ in range(reps):
        lab.wait_quiet()
        path = record(argv)
        named, unknown, total = count(path)
        good, every = right(path) if truth else (named, named + unknown)
        share = good / every if every else 0.0
        if worst is None or share < worst[0]:
            worst = share, good, every, total
    share, good, every, total = worst
    return [what, switch, total, every, good, f'{share:.4f}', TARGET, 'ok' if share >= TARGET else 'MISSED']


def rows(reps):
    jitted, java, lua = f'{WORK}/jitted', ['java', '-XX:+PreserveFramePointer'], f'{LUAJIT}/src/luajit'
    at_exit = ['-XX:+UnlockDiagnosticVMOptions', '-XX:+DumpPerfMapAtExit']
    yield row('test program', 'jitdump', [jitted, 'dump', '600', '8', WORK], reps, truth=True)
    yield row('test program', 'perf map', [jitted, 'map', '40', '60', '/tmp'], reps, truth=True)
    yield row('test program', 'jitdump with unwinding information', [jitted, 'frameless', '40', '30', WORK], reps,
              truth=True)
    yield row('node', '--perf-basic-prof', ['node', '--perf-basic-prof', 'work.js'], reps)
    yield row('node', '--perf-prof', ['node', '--perf-prof', 'work.js'], reps)
    if os.path.exists(f'{WORK}/Work.class'):
        yield row('JVM', '-XX:+DumpPerfMapAtExit', [*java, *at_exit, '-cp', WORK, 'Work'], reps)
    if os.path.exists(lua):
        yield row('LuaJIT', 'built with LUAJIT_USE_PERFTOOLS', [lua, 'work.lua'], reps)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--reps', type=int, default=3)
    a = p.parse_args()
    setup()
    text = lab.table('Code made at run time: samples in it that are named',
                     ['program', 'description', 'samples', 'in made code', 'named', 'share', 'target', ''],
                     list(rows(a.reps)))
    text += ('\nThe worst of the runs. The test program uses its addresses again and again: *named* counts only what is '
             'named by the\nfunction that was there, as each stack tells. Elsewhere truth is not known, and every name '
             'counts. Samples in the\nruntime itself (its compiler, collector and built-in code lie in files) are not '
             'made code.\n')
    lab.write_result('jit', text)


if __name__ == '__main__':
    main()
