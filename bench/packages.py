#!/usr/bin/env python3
"""Debug packages read in place against the same files unpacked, and against unpacking alone.

    bench/packages.py [--runs N] [KEY...]        table for bench/results/packages.md

Runs in $BENCH/packages (default $TMPDIR/ddprof-bench/packages): packages are fetched with apt-get download or made
with rpmbuild from them, recordings are made once. For each package a recording that needs it is shown
three ways, in turn, so that a busy machine slows all alike:

    tree     --debug-dir on the unpacked package
    package  --debug-dir on a folder that holds the package alone
    unpack   the package's own decompressor, into nothing: dpkg-deb --fsys-tarfile, or xz, zstd, gzip -dc

"ratio" is package / (tree + unpack), to be at most 1.3. All with /usr/lib/debug hidden (a mount namespace; needs
root), so that nothing installed helps, and --no-cache, so that nothing was seen before; then once more with the
index, without answers ("second"), and with both ("third"). Stacks have to be equal.
"""
import argparse
import glob
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

BENCH = os.environ.get('BENCH', os.path.join(os.environ.get('TMPDIR', '/tmp'), 'ddprof-bench'))
BUILD = os.environ.get('DDPROF_BUILD', os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORD = os.path.join(BUILD, 'ddprof-record')
REPORT = os.path.join(BUILD, 'ddprof-report')
HOME = os.path.join(BENCH, 'packages')
JAVA = os.path.join(BENCH, 'data', 'w7-ours-999.ddprof')

# key: package, what to record
DEBS = {
    'gm': ('graphicsmagick-dbg', ['gm', 'convert', '-size', '2000x1500', 'plasma:', '-blur', '0x3', '-resize',
                                  '800x600', 'out.png']),
    'libc': ('libc6-dbg', ['sort', '-R', 'lines']),
    'binutils': ('binutils-x86-64-linux-gnu-dbg', ['objdump', '-d', '-l', '/usr/bin/gdb']),
    'jdk': ('openjdk-17-dbg', None),
}
RPMS = {'rpm-xz': ('w6.xzdio', ['xz', '-dc']), 'rpm-zstd': ('w19.zstdio', ['zstd', '-dc']),
        'rpm-gzip': ('w9.gzdio', ['gzip', '-dc'])}

SPEC = '''Name: x-debuginfo
Version: 1
Release: 1
Summary: x
License: x
%global __os_install_post %{{nil}}
%global debug_package %{{nil}}
%global _binary_payload {payload}
%description
x
%install
mkdir -p %{{buildroot}}
cp -r {tree}/usr %{{buildroot}}/usr
%files
/usr
'''


def run(command, **more):
    return subprocess.run(command, check=True, **more)


def record(key, command):
    path = os.path.join(HOME, key + '.ddprof')
    if command is None:
        return JAVA
    if not os.path.exists(path):
        with open('lines', 'w', encoding='ascii') as out:
            out.writelines(f'{i * 7919 % 1000003}\n' for i in range(1000000))
        run([RECORD, '-o', path, '--'] + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def unpacked(package, folder):
    if not os.path.isdir(folder):
        run(['dpkg-deb', '-x', package, folder])
    return folder


def deb(key):
    name, command = DEBS[key]
    folder = os.path.join(HOME, key)
    os.makedirs(folder, exist_ok=True)
    if not glob.glob(folder + '/*.deb'):
        run(['apt-get', 'download', '-qq', name], cwd=folder)
    package = glob.glob(folder + '/*.deb')[0]
    return {'key': key, 'package': package, 'tree': unpacked(package, folder + '-tree'),
            'data': record(key, command), 'unpack': f"dpkg-deb --fsys-tarfile '{package}'"}


def plain_tree(tree, to):
    """As Fedora's: sections are not compressed."""
    if os.path.isdir(to):
        return to
    shutil.copytree(tree, to, symlinks=True)
    for folder, _, names in os.walk(to):
        for name in names:
            if name.endswith('.debug'):
                run(['objcopy', '--decompress-debug-sections', os.path.join(folder, name)])
    return to


def rpm(key):
    payload, unpack = RPMS[key]
    base = deb('gm')
    tree = plain_tree(base['tree'], os.path.join(HOME, 'gm-plain'))
    folder = os.path.join(HOME, key)
    if not glob.glob(folder + '/**/*.rpm', recursive=True):
        os.makedirs(folder, exist_ok=True)
        with open('x.spec', 'w', encoding='ascii') as out:
            out.write(SPEC.format(payload=payload, tree=tree))
        run(['rpmbuild', '-bb', '--quiet', '--define', f'_topdir {HOME}/top', '--define', f'_rpmdir {folder}',
             'x.spec'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    package = glob.glob(folder + '/**/*.rpm', recursive=True)[0]
    bytes_ = open(package, 'rb').read()
    magic = {'xz': b'\xfd7zXZ', 'zstd': b'\x28\xb5\x2f\xfd', 'gzip': b'\x1f\x8b\x08'}[unpack[0]]
    payload_file = os.path.join(HOME, key + '.payload')
    with open(payload_file, 'wb') as out:
        out.write(bytes_[bytes_.index(magic, 200):])
    return {'key': key, 'package': package, 'tree': tree, 'data': base['data'],
            'unpack': f"{' '.join(unpack)} '{payload_file}'"}


def measured(command, **more):
    """Wall seconds, CPU seconds and the largest process's MiB, children of children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = run(command, capture_output=True, **more)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def show(case, where, *more):
    return measured([REPORT, '--folded', '--lines', '--debug-dir', where, *more, case['data']])


def show_kept(case, forget_answers):
    cache = os.environ['XDG_CACHE_HOME']
    if forget_answers:
        shutil.rmtree(cache + '/ddprof/answers', ignore_errors=True)
    return show(case, os.path.dirname(case['package']))


def memory_mib(case):
    """Largest resident set of the report or a child of it, in a process of our own to count alone."""
    code = ('import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); '
            'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)')
    done = run([sys.executable, '-c', code, REPORT, '--folded', '--no-cache', '--debug-dir',
                os.path.dirname(case['package']), case['data']], capture_output=True)
    return int(done.stdout)


def files_written(case):
    """What a run opens for writing or makes, by strace; memory files have no names."""
    if not shutil.which('strace'):
        return '?'
    log = os.path.join(HOME, 'strace.log')
    calls = 'openat,open,creat,mkdir,mkdirat,rename,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat'
    run(['strace', '-f', '-qq', '-o', log, '-e', 'trace=' + calls, REPORT, '--folded',
         '--no-cache', '--debug-dir', os.path.dirname(case['package']), case['data']], capture_output=True)
    made = 0
    with open(log, encoding='utf-8', errors='replace') as lines:
        for line in lines:
            if re.search(r'O_(WRONLY|RDWR|CREAT)', line) and '/dev/null' not in line or \
                    re.search(r'\d (creat|mkdir|rename|link|symlink|mknod)', line):
                made += ' = -1 ' not in line
    return made


def measure(case, runs):
    times = {'tree': [], 'package': [], 'unpack': [], 'second': [], 'third': []}
    folder = os.path.dirname(case['package'])
    shutil.rmtree(os.environ['XDG_CACHE_HOME'], ignore_errors=True)
    show_kept(case, True)
    for _ in range(runs):
        tree = show(case, case['tree'], '--no-cache')
        package = show(case, folder, '--no-cache')
        unpack = measured(['sh', '-c', case['unpack'] + ' | cat >/dev/null'])
        second = show_kept(case, True)
        third = show_kept(case, False)
        for name, got in zip(times, (tree, package, unpack, second, third)):
            times[name].append(got[:2])
        if not tree[2] == package[2] == second[2] == third[2]:
            raise SystemExit(f"{case['key']}: stacks differ")
    return {name: [statistics.median(v[i] for v in values) for i in (0, 1)] for name, values in times.items()}


def hide_installed():
    if os.environ.get('DDPROF_HIDDEN'):
        return
    os.environ['DDPROF_HIDDEN'] = 'yes'
    os.execvp('unshare', ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /usr/lib/debug && exec "$@"', 'sh',
                          sys.executable] + sys.argv)


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--runs', type=int, default=5)
    options.add_argument('keys', nargs='*', default=list(DEBS) + list(RPMS))
    o = options.parse_args()
    hide_installed()
    os.makedirs(HOME, exist_ok=True)
    os.chdir(HOME)
    os.environ['XDG_CACHE_HOME'] = os.path.join(HOME, 'cache')
    print('| | package, MiB | tree, s (CPU) | unpack | package | ratio (CPU) | second | third | MiB | files written |')
    print('|---|---|---|---|---|---|---|---|---|---|')
    for key in o.keys:
        case = deb(key) if key in DEBS else rpm(key)
        t = measure(case, o.runs)
        cells = {name: f'{wall:.3f} ({cpu:.3f})' for name, (wall, cpu) in t.items()}
        ratio = [t['package'][i] / (t['tree'][i] + t['unpack'][i]) for i in (0, 1)]
        print(f"| {key} | {os.path.getsize(case['package']) / (1 << 20):.1f} | {cells['tree']} | {cells['unpack']} "
              f"| {cells['package']} | {ratio[0]:.2f} ({ratio[1]:.2f}) | {cells['second']} | {cells['third']} "
              f"| {memory_mib(case)} | {files_written(case)} |", flush=True)


if __name__ == '__main__':
    main()
