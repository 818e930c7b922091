#!/usr/bin/env python3
"""Other projects' test files, many of them broken on purpose, through the report's own path.

	apt-get source elfutils binutils && tar xf ...
	hostile_files.py BUILD DIR...

Takes every ELF file below DIR, every .bz2, .xz and .gz that unpacks to one, and every .s that the
assembler takes. Each is given to `BUILD/ddprof-report addr2line -afi` (engine in the jail, nothing
cached), with the addresses of its symbols and a grid over its executable segments; names are
compared with those of addr2line and eu-addr2line where these have some. Prints files that crash a
process, take longer than SECONDS, more memory than MIB, or answer fewer addresses than asked;
then numbers. Exit status 1: there were such files.
"""
import bz2
import gzip
import lzma
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

SECONDS, MIB, ADDRESSES, FILE_MAX = 2.0, 256, 400, 64 << 20
UNPACK = {'.bz2': bz2.decompress, '.gz': gzip.decompress, '.xz': lzma.decompress}


def content_of(path, scratch):
    """Bytes of the ELF file that path is, holds, or can be assembled to; None."""
    if os.path.getsize(path) > FILE_MAX or not os.path.isfile(path):
        return None
    suffix = os.path.splitext(path)[1]
    if suffix in ('.s', '.S'):
        out = os.path.join(scratch, 'assembled.o')
        try:
            done = subprocess.run(['as', '-I', os.path.dirname(path), '-o', out, path], timeout=10,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode != 0 or os.path.getsize(out) > FILE_MAX:
            return None
        path = out
    with open(path, 'rb') as file:
        data = file.read()
    if suffix in UNPACK:
        try:
            data = UNPACK[suffix](data)
        except (OSError, EOFError, ValueError, lzma.LZMAError):
            return None
    return data if data[:4] == b'\x7fELF' else None


def addresses_of(data, file):
    """Symbols, and a grid over what is executable; some numbers where there is nothing."""
    found = set(range(0, 64, 4)) | {0x1000, 0x400000, 0xffffffff, (1 << 64) - 1}
    done = subprocess.run(['nm', '--defined-only', file], capture_output=True, timeout=60)
    symbols = set()
    for line in done.stdout.split(b'\n'):
        word = line.split()
        if len(word) == 3 and word[1] in b'tTwWiI':
            symbols.add(int(word[0], 16))
    found |= set(sorted(symbols)[:ADDRESSES])
    if len(data) >= 64 and data[4:6] == b'\x02\x01':
        phoff, = struct.unpack_from('<Q', data, 32)
        phnum, = struct.unpack_from('<H', data, 56)
        for i in range(min(phnum, 64)):
            if phoff + 56 * (i + 1) > len(data):
                break
            kind, flags, _, vaddr, _, _, memsz = struct.unpack_from('<IIQQQQQ', data,
                                                                   phoff + 56 * i)
            if kind == 1 and flags & 1:
                step = max(memsz // 100, 1)
                found |= {(vaddr + step * k) % (1 << 64) for k in range(100)}
    return sorted(found), symbols


def run(command, text):
    """
    Status, seconds, MiB of the largest process, output. This process has to stay small: its own
    size counts as the child's until that has become another program.
    """
    with tempfile.TemporaryFile() as inp, tempfile.TemporaryFile() as out:
        inp.write(text)
        inp.seek(0)
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=inp, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        out.seek(0)
        return process.returncode, seconds, usage.ru_maxrss / 1024, out.read().decode('latin-1')


def functions_of(text):
    """Innermost function of each address, of `addr2line -af` output."""
    names, lines = {}, text.split('\n')
    for i, line in enumerate(lines[:-1]):
        if line.startswith('0x') and ':' not in line and line[2:].strip():
            try:
                names[int(line, 16)] = lines[i + 1]
            except ValueError:
                pass
    return names


class Count:
    files = answered = same = differ = bad = 0
    slowest = largest = 0.0
    seconds = 0.0


def compare(count, file, symbols, ours, show):
    text = b''.join(b'0x%x\n' % a for a in sorted(symbols))
    theirs = []
    for command in (['addr2line', '-afie', file], ['eu-addr2line', '-afie', file]):
        try:
            done = subprocess.run(command, input=text, capture_output=True, timeout=20)
            theirs.append(functions_of(done.stdout.decode('latin-1')))
        except (subprocess.TimeoutExpired, OSError):
            theirs.append({})
    for addr in symbols:
        said = [t[addr].split(' inlined')[0] for t in theirs
                if t.get(addr, '??') not in ('??', '')]
        if len(said) < 2 or said[0] != said[1] or ours.get(addr, '??') == '??':
            continue
        if ours[addr] == said[0]:
            count.same += 1
        else:
            count.differ += 1
            if show:
                print(f'{show}: 0x{addr:x}: {ours[addr]}, others {said[0]}')


def one(count, build, path, scratch):
    data = content_of(path, scratch)
    if data is None:
        return
    file = os.path.join(scratch, 'file')
    with open(file, 'wb') as out:
        out.write(data)
    addresses, symbols = addresses_of(data, file)
    text = b''.join(b'0x%x\n' % a for a in addresses)
    status, seconds, mib, said = run([f'{build}/ddprof-report', 'addr2line', '--no-cache',
                                      '-afie', file], text)
    ours = functions_of(said)
    why = []
    if status not in (0, 1) or 'Sanitizer' in said or 'crash' in said:
        why.append(f'status {status}: {said[:200]!r}')
    if seconds > SECONDS:
        why.append(f'{seconds:.1f} s')
    if mib > MIB:
        why.append(f'{mib:.0f} MiB')
    if status == 0 and len(ours) != len(addresses):
        why.append(f'{len(ours)} answers of {len(addresses)}')
    if why:
        print(f'{path}: {", ".join(why)}', flush=True)
        count.bad += 1
    count.files += 1
    count.answered += any(name != '??' for name in ours.values())
    count.slowest = max(count.slowest, seconds)
    count.largest = max(count.largest, mib)
    count.seconds += seconds
    if status == 0 and data[16:17] in b'\x02\x03':
        compare(count, file, symbols, ours, path)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    count = Count()
    with tempfile.TemporaryDirectory() as scratch:
        for top in sys.argv[2:]:
            for where, dirs, names in os.walk(top):
                dirs.sort()
                for name in sorted(names):
                    path = os.path.join(where, name)
                    if not os.path.islink(path):
                        one(count, sys.argv[1], path, scratch)
    print(f'{count.files} files, {count.answered} with names, {count.bad} bad; slowest '
          f'{count.slowest:.2f} s, mean {count.seconds / max(count.files, 1):.3f} s, largest '
          f'{count.largest:.0f} MiB; names of symbols where both others agree: {count.same} equal, '
          f'{count.differ} differ')
    sys.exit(count.bad > 0)


if __name__ == '__main__':
    main()
