#!/usr/bin/env python3
"""
Are our names, inlined frames, files and lines right? Random addresses inside the functions of each fixture of
names-setup.sh are asked of binutils' addr2line, llvm-symbolizer and gdb, and of `ddprof-report addr2line`;
ours counts as equal when it says what the majority of the three says.
Usage: vote.py [-n N] [--peers] [--samples N] [KEY...]

What is compared: for each address the list of frames, innermost first, each (function, file, line). Majority:
two of the three voters agree. It is taken of the whole list; where no two agree on it, of its parts, each with
its own majority: the functions' chain, the chain of files and lines.

What is made equal before (every rule, with its reason):
 - names are asked for as in the file, and demangled here by one demangler (c++filt): demanglers differ in
   spaces and casts, and C1, C2, C4 of a constructor are one name to people;
 - suffixes of clones (.isra.0 .part.1 .constprop.2 .cold .lto_priv.3 .llvm.4) are cut: DWARF has the name of the
   source, a symbol table that of the clone, and llvm-symbolizer prefers the symbol table for the outermost;
 - names of one address in the symbol table are one name (aliases), for the same reason;
 - where one of two says a name that is not a linkage name, the last components are compared, without parameters
   and template arguments: gdb composes "ns::f(int)" from DWARF's tree, binutils and llvm print "f", or of the
   outermost frame what the symbol table has;
 - paths: "." and ".." and double slashes are resolved as text; a relative path that the other's ends in is
   equal to it (who joins the compilation directory differs);
 - line 0 and "?" are one: not known; a file without line is not compared. "(discriminator N)" is cut;
 - lines of calls are compared modulo 65536: gdb keeps a symbol's line in 16 bits;
 - voters that cannot read a kind of debug information do not vote on it (VOTERS), elfutils' eu-addr2line
   takes the place; it is left out elsewhere because it knows too little of C++ and Rust.
"""
import argparse
import collections
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.environ.get('BENCH', os.path.join(os.environ.get('TMPDIR', '/tmp'), 'ddprof-bench'))
NAMES = os.path.join(BENCH, 'names')
VOTES = os.path.join(NAMES, 'votes')
REPORT = os.path.join(os.environ.get('DDPROF_BUILD', os.path.dirname(HERE)), 'ddprof-report')
# the engine alone (tests/check/answers) in place of `ddprof-report addr2line`
ENGINE = os.environ.get('VOTE_ENGINE')
OURS = [ENGINE] if ENGINE else [REPORT, 'addr2line', '--no-cache', '-afi', '-e']

USUAL = ('binutils', 'llvm', 'gdb')
# who votes where one of the three cannot read the kind at all: binutils 2.40 reads no .dwo and says 'unable to
# read alt ref' of its own -dbg package, llvm 14 reads no dwz, elfutils 0.188 no .dwp, gdb 13 no .dwp of DWARF 5
VOTERS = {
    'lua': ('binutils', 'gdb', 'elfutils'), 'binutils': ('gdb', 'elfutils'),
    'dwzm': ('binutils', 'gdb', 'elfutils'),
    'dwo4': ('llvm', 'gdb', 'elfutils'), 'dwo5': ('llvm', 'gdb', 'elfutils'),
    'dwo4-clang': ('llvm', 'gdb', 'elfutils'), 'dwo5-clang': ('llvm', 'gdb', 'elfutils'),
    'dwp4': ('llvm', 'gdb'), 'dwp5': ('llvm', 'gdb'),
    'dwp4-clang': ('llvm', 'gdb'), 'dwp5-clang': ('llvm', 'gdb'),
}
# the same program in other clothes: ours has to say exactly what it says of the first
SAME = {'stl-zlib': 'stl', 'stl-zlibgnu': 'stl', 'stl-zstd': 'stl', 'debuglink': 'stl'}


def fixtures():
    with open(os.path.join(NAMES, 'list'), encoding='utf-8') as f:
        return {key: (path, what) for key, path, what in (line.rstrip('\n').split('\t') for line in f)}


# ---- addresses and symbols ----

def symbols(path):
    """[(address, size, name)] of functions in the symbol table."""
    out = subprocess.run(['readelf', '-sW', path], capture_output=True, text=True, check=False).stdout
    found = set()
    for line in out.split('\n'):
        p = line.split()
        if len(p) >= 8 and p[3] in ('FUNC', 'IFUNC') and p[6] != 'UND':
            address, size = int(p[1], 16), int(p[2], 0)
            if size and address:
                found.add((address, size, p[7].split('@')[0]))
    return sorted(found)


def addresses(table, n, seed=7):
    """n random addresses, each byte of each function as likely as any other."""
    spans = sorted({(a, size) for a, size, _ in table})
    weights = [size for _, size in spans]
    total = len({a + i for a, size in spans for i in range(size)}) if sum(weights) < 10 * n else sum(weights)
    r = random.Random(seed)
    out = set()
    while len(out) < min(n, total):
        for a, size in r.choices(spans, weights=weights, k=n):
            out.add(a + r.randrange(size))
            if len(out) >= min(n, total):
                break
    return sorted(out)


# ---- asking ----

def parse_gnu(text):
    """Output of `addr2line -a -f -i`: address -> [[name, file, line]]."""
    found, frames, name = {}, None, None
    for line in text.split('\n'):
        if re.fullmatch(r'0x[0-9a-f]+', line):
            frames = found.setdefault(int(line, 16), [])
            frames.clear()
            name = None
        elif frames is None or not line:
            continue
        elif name is None:
            name = line.split(' inlined at ')[0]  # elfutils says the call here too
        else:
            m = re.match(r'(.*?):(\d+|\?)(?::\d+)?(?: \(discriminator \d+\))?$', line)
            file, number = (m.group(1), m.group(2)) if m else ('??', '0')
            frames.append([name, file, 0 if number == '?' else int(number)])
            name = None
    return found


def ask(argv, path, text, env=None):
    r = subprocess.run(argv, input=text, capture_output=True, text=True, errors='replace', check=False,
                       cwd=os.path.dirname(path), env={**os.environ, 'DEBUGINFOD_URLS': '', **(env or {})})
    if r.returncode != 0:
        print(f"  {argv[0]} ended with {r.returncode}: {r.stderr.strip()[-300:]}", file=sys.stderr)
    return r.stdout


def ask_gdb(path, text):
    given, got = f'{VOTES}/gdb.{os.getpid()}.in', f'{VOTES}/gdb.{os.getpid()}.out'
    with open(given, 'w', encoding='ascii') as f:
        f.write(text)
    empty = f'{VOTES}/empty'  # gdb searches the current folder for sources
    os.makedirs(empty, exist_ok=True)
    subprocess.run(['nice', 'gdb', '-batch', '-nx', '-iex', 'set auto-load off', '-x', f'{HERE}/vote_gdb.py', path],
                   cwd=empty, env={**os.environ, 'VOTE_IN': given, 'VOTE_OUT': got, 'DEBUGINFOD_URLS': ''},
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    os.remove(given)
    if not os.path.exists(got):
        print(f'  gdb said nothing about {path}', file=sys.stderr)
        return {}
    with open(got, encoding='utf-8') as f:
        found = dict(map(json.loads, f))
    os.remove(got)
    return found


ASK = {
    'binutils': lambda f, t: parse_gnu(ask(['addr2line', '-afi', '-e', f], f, t)),
    'llvm': lambda f, t: parse_gnu(ask(['llvm-symbolizer-14', '-a', '--functions=linkage', '--inlines', '--no-demangle',
                                        '--output-style=GNU', '--obj=' + f], f, t)),
    'elfutils': lambda f, t: parse_gnu(ask(['eu-addr2line', '-afi', '-e', f], f, t)),
    'gdb': ask_gdb,
    'ours': lambda f, t: parse_gnu(ask(OURS + [f], f, t)),
}


def answers(tool, key, path, wanted):
    """What a tool says; peers' answers are kept, they do not change."""
    text = ''.join(f'{a:#x}\n' for a in wanted)
    st = os.stat(path)
    mark = hashlib.sha256(f'{path} {st.st_size} {st.st_mtime_ns} {text}'.encode()).hexdigest()[:16]
    kept = f'{VOTES}/{key}.{tool}.{mark}.json'
    if tool != 'ours' and os.path.exists(kept):
        with open(kept, encoding='utf-8') as f:
            return {int(a): v for a, v in json.load(f).items()}
    found = ASK[tool](path, text)
    if tool != 'ours':
        with open(kept, 'w', encoding='utf-8') as f:
            json.dump(found, f)
    return found


# ---- making equal ----

CLONE = re.compile(r'(?:\.(?:isra|part|constprop|cold|lto_priv|llvm|localalias|warm|hot)(?:\.\d+)*)+$')


class Names:
    """Names as people know them, and those of one address joined."""

    def __init__(self, table):
        self.plain = {}
        by_address = collections.defaultdict(list)
        for a, _, name in table:
            by_address[a].append(CLONE.sub('', name))
        self.first = {}
        for names in by_address.values():
            for name in names:
                self.first.setdefault(name, min(names))

    def learn(self, raw):
        """One run of the demangler for all of them."""
        todo = sorted({CLONE.sub('', name) for name in raw} | set(self.first.values()))
        for style in ('auto', 'dlang'):  # auto knows nothing of D
            text = subprocess.run(['c++filt', '-s', style], input='\n'.join(todo), capture_output=True, text=True,
                                  errors='replace', check=True).stdout.split('\n')
            for name, shown in zip(todo, text):
                if shown != name or name not in self.plain:
                    self.plain[name] = re.sub(r'\s+', '', shown)

    def show(self, raw):
        name = CLONE.sub('', raw)
        return self.plain.get(name, name)

    def same(self, a, b):
        if a == b:
            return True
        a, b = CLONE.sub('', a), CLONE.sub('', b)
        if a == b or self.show(a) == self.show(b):
            return True
        if a in self.first and self.first.get(a) == self.first.get(b):
            return True
        # without linkage name in one of them: the last component stands for the function
        mangled = [n.startswith(('_Z', '_R', '_D')) for n in (a, b)]
        if all(mangled):
            return False
        return last_component(self.show(a)) == last_component(self.show(b))


def last_component(name):
    """'a::b<c::d>::e(int) const' -> 'e'; 'names.nested(ulong).ack(ulong)' -> 'ack'."""
    name = name.replace('(anonymousnamespace)', '').replace('operator()', 'operator.call')
    name = re.sub(r'operator(<<=|>>=|<=>|<<|>>|<=|>=|->\*|->|<|>)(?!::)',
                  lambda m: 'operator.' + ''.join(f'{ord(c):x}' for c in m.group(1)), name)
    name = re.sub(r'\)(const|volatile|&)+$', ')', name)
    kept, depth = [], 0
    for c in name:
        depth += c in '<([{'
        if not depth:
            kept.append(c)
        depth -= c in '>)]}' and depth > 0
    parts = [p for p in re.split(r'::|(?<!operator)\.', ''.join(kept)) if p]
    return parts[-1] if parts else name


def same_path(a, b):
    if a == b:
        return True
    a, b = (re.sub('^//', '/', os.path.normpath(p)) for p in (a, b))
    if a == b:
        return True
    if a.startswith('/') and b.startswith('/'):
        return False
    short, long = sorted((a, b), key=len)
    return long.endswith('/' + short.removeprefix('./'))


def same_place(a, b, of_call=False):
    """Two (file, line)."""
    if a[1] != b[1] and not (of_call and (a[1] - b[1]) % 65536 == 0 and min(a[1], b[1]) < 65536):
        return False
    return a[1] == 0 or same_path(a[0], b[0])


class Judge:
    def __init__(self, names):
        self.names = names

    def same_names(self, a, b):
        return len(a) == len(b) and all(self.names.same(x[0], y[0]) for x, y in zip(a, b))

    def same_places(self, a, b):
        return len(a) == len(b) and all(same_place(x[1:], y[1:], i > 0) for i, (x, y) in enumerate(zip(a, b)))

    def same(self, a, b):
        return self.same_names(a, b) and self.same_places(a, b)

    def majority(self, votes, same):
        """The answer that two agree on, and who; the first pair in the order of voters."""
        for i, a in enumerate(votes):
            for b in votes[i + 1:]:
                if same(a, b):
                    return a
        return None

    def verdict(self, votes, ours):
        """('equal' | 'none' | 'different', what the majority says or None)."""
        whole = self.majority(votes, self.same)
        if whole is not None:
            return ('equal' if self.same(ours, whole) else 'different'), whole
        parts = [(self.majority(votes, s), s) for s in (self.same_names, self.same_places)]
        if all(m is None for m, _ in parts):
            return 'none', None
        for m, s in parts:
            if m is not None and not s(ours, m):
                return 'different', m
        return ('equal' if all(m is not None for m, _ in parts) else 'part'), None

    def difference(self, ours, theirs):
        """A stable key for the first thing that differs."""
        if len(ours) != len(theirs):
            return f"{'fewer' if len(ours) < len(theirs) else 'more'} frames"
        for i, (a, b) in enumerate(zip(ours, theirs)):
            where = 'innermost' if i == 0 and len(ours) > 1 else 'outermost' if i == len(ours) - 1 else 'middle'
            if not self.names.same(a[0], b[0]):
                return f"name of the {where} frame{': ours has none' if a[0] == '??' else ''}"
            if not same_place(['', a[2]], ['', b[2]], i > 0):
                kind = ': ours none' if not a[2] else ': theirs none' if not b[2] else ''
                return f"line of the {where} frame{kind}"
            if not same_place(a[1:], b[1:], i > 0):
                return f'file of the {where} frame'
        return 'nothing'


# ---- one fixture ----

def shown(frames):
    return ' < '.join(f'{n} {f}:{line}' for n, f, line in frames)


def vote(key, path, n, with_ours, n_samples):
    table = symbols(path)
    wanted = addresses(table, n)
    voters = VOTERS.get(key, USUAL)
    said = {t: answers(t, key, path, wanted) for t in voters}
    if with_ours:
        said['ours'] = answers('ours', key, path, wanted)
    nothing = [['??', '??', 0]]
    names = Names(table)
    names.learn(f[0] for by in said.values() for frames in by.values() for f in frames)
    judge = Judge(names)
    counts, classes = collections.Counter(), collections.defaultdict(list)
    pairs = collections.Counter()
    for a in wanted:
        votes = [said[t].get(a) or nothing for t in voters]
        for i, x in enumerate(votes):
            for k in range(i + 1, len(votes)):
                pairs[voters[i], voters[k]] += judge.same(x, votes[k])
        if not with_ours:
            continue
        ours = said['ours'].get(a) or nothing
        for t, v in zip(voters, votes):
            pairs['ours', t] += judge.same(ours, v)
        what, majority = judge.verdict(votes, ours)
        counts[what] += 1
        if what == 'different':
            classes[judge.difference(ours, majority)].append((a, ours, majority))
    total = len(wanted)
    text = ' '.join(f'{a}={b} {c / total:.2%}' for (a, b), c in pairs.items())
    if with_ours:
        judged = counts['equal'] + counts['part'] + counts['different']
        share = (counts['equal'] + counts['part']) / judged if judged else float('nan')
        print(f"{key}: {total} addresses, equal {counts['equal']}, in part {counts['part']}, different "
              f"{counts['different']}, no majority {counts['none']}: {share:.3%}")
    else:
        share = None
        print(f'{key}: {total} addresses')
    print(f'  {text}')
    for name, all_of in sorted(classes.items(), key=lambda c: -len(c[1])):
        print(f'  {len(all_of)} x {name}')
        for a, ours, majority in all_of[:n_samples]:
            print(f'    {a:#x}\n      ours {shown(ours)}\n      they {shown(majority)}')
    sys.stdout.flush()
    return key, total, counts, share, {k: len(v) for k, v in classes.items()}


def same_as(key, path, other, n):
    """Another clothing of a fixture: the same answers, addresses from the first."""
    wanted = addresses(symbols(other), n)
    a, b = answers('ours', key, path, wanted), answers('ours', key, other, wanted)
    differ = [x for x in wanted if x not in a or a[x] != b.get(x)]
    print(f'{key}: {len(wanted)} addresses, {len(differ)} answered otherwise than in the plain file')
    for x in differ[:2]:
        print(f'    {x:#x}\n      {shown(a.get(x, []))}\n      {shown(b.get(x, []))}')
    c = collections.Counter(equal=len(wanted) - len(differ), different=len(differ))
    return key, len(wanted), c, 1 - len(differ) / len(wanted), {}


def write_table(rows, what):
    lines = ['### Names, inlined frames, files and lines against the majority of binutils, llvm-symbolizer and gdb', '',
             '| fixture | addresses | equal | equal in the part that has a majority | different | no majority | share '
             '| target | |', '|---|--:|--:|--:|--:|--:|--:|--:|---|']
    for key, total, c, share, classes in rows:
        why = '; '.join(f'{n} {k}' for k, n in sorted(classes.items(), key=lambda x: -x[1]))
        lines.append(f"| {key}: {what[key][1]} | {total} | {c['equal']} | {c['part']} | {c['different']} | {c['none']} "
                     f"| {share:.2%} | 99.9 % | {'ok' if share >= 0.999 else 'MISSED'} {why} |")
    alone = ', the engine alone (tests/check/answers)' if ENGINE else ''
    commit = subprocess.run(['git', '-C', HERE, 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True,
                            check=False).stdout.strip()
    lines += ['', f'Commit {commit}, {time.strftime("%Y-%m-%d")}{alone}. What is made equal before: head of bench/vote.py.', '']
    with open(os.path.join(HERE, 'results', 'vote.md'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('-n', type=int, default=5000, help='addresses of each fixture')
    p.add_argument('--peers', action='store_true', help='only how far the voters agree')
    p.add_argument('--samples', type=int, default=2, help='examples of each class of difference')
    p.add_argument('--keep', action='store_true', help='write bench/results/vote.md')
    p.add_argument('keys', nargs='*', metavar='KEY')
    a = p.parse_args()
    os.makedirs(VOTES, exist_ok=True)
    known = fixtures()
    rows = []
    for key in a.keys or known:
        if key not in known:
            raise SystemExit(f"no fixture '{key}', there are {' '.join(known)}")
        if key in SAME:
            if not a.peers:
                rows.append(same_as(key, known[key][0], known[SAME[key]][0], a.n))
        elif key != 'mini':
            rows.append(vote(key, known[key][0], a.n, not a.peers, a.samples))
    if a.keep:
        write_table(rows, known)


if __name__ == '__main__':
    main()
