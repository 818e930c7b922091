#!/usr/bin/env python3
"""Chains and names of a perf.data, ours against perf script's.

    perfscript.py PERFCHAINS FILE [-v N] [--min PERCENT]

PERFCHAINS is the program of that name. Samples are paired by thread and time. A chain of perf's is
complete when its outermost frame is one that begins a program or a thread; ours say so themselves
(those that the kernel walked are taken as they are).
Prints how many are complete on either side, each class of difference, and names that differ on
equal frames. perf (libunwind) loses single frames, mostly in programs that other ones forked;
libdwfl finds them (tests/check/chains). Exit status 1 when less than PERCENT (99.9) of our complete
chains hold all frames that perf found.
"""
import argparse
import collections
import re
import subprocess
import sys

ROOTS = re.compile(r"^(_start|_dl_start_user|__libc_start\w*|start_thread|(__GI_)?_*clone3?)$")
FRAME = re.compile(r"^\t *([0-9a-f]+) (.*) \((.*)\)$")
AGREES = ("", "perf stops earlier", "perf ends in what is no code")
LACKS = ("perf lacks frames", "perf lacks frames, ends astray")
COMPLETE = ("reached the root", "kernel only", "end of the recorded chain")


def blocks(command):
    """(key, head's rest, [(address, name, file)]) for each sample."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          errors="replace") as out:
        head, frames = None, []
        for line in out.stdout:
            frame = FRAME.match(line)
            if frame:
                frames.append((int(frame[1], 16), frame[2], frame[3]))
            elif line.strip():
                words = line.split(None, 2)
                head = ((int(words[0]), words[1].rstrip(":")), (words[2:] or [""])[0].strip())
                frames = []
            elif head:
                yield head[0], head[1], frames
                head = None
        if head:
            yield head[0], head[1], frames


def is_kernel(frame):
    return frame[0] >> 63 == 1


def plain(name):
    """Without what only one side adds: versions, parameters, return types, clones."""
    name = re.sub(r"@.*$| \[clone.*$", "", name).replace("(anonymous namespace)", "{anon}")
    depth, out = 0, ""
    for i, c in enumerate(name):
        depth += c in "(<" and name[i - 8:i] != "operator"
        if depth == 0:
            out += c
        depth -= c in ")>" and depth > 0
    return out.replace(" const", "").split(" ")[-1]


def same(i, ours, theirs):
    """Chains that the kernel walked have return addresses in perf, here the calls before them."""
    return ours[0] == theirs[0] or (i and ours[0] == theirs[0] - 1)


def holds(ours, theirs):
    """Whether all of theirs stand in ours in that order."""
    rest = iter(ours)
    return all(any(same(1, a, b) for a in rest) for b in theirs)


def compare(ours, theirs):
    """Class of difference; "" when equal."""
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if same(i, a, b):
            continue
        astray = theirs[-1][1] == "[unknown]"
        if astray and i == len(theirs) - 1:
            return "perf ends in what is no code"
        if holds(ours[i:], theirs[i:]):
            return "perf lacks frames"
        return "perf lacks frames, ends astray" if astray and holds(ours[i:], theirs[i:-1]) else "another address"
    if len(ours) == len(theirs):
        return ""
    return "perf stops earlier" if len(ours) > len(theirs) else "ours stops earlier"


def main():
    args = argparse.ArgumentParser()
    args.add_argument("perfchains")
    args.add_argument("file")
    args.add_argument("-v", type=int, default=0, metavar="N", help="show N that differ")
    args.add_argument("--min", type=float, default=99.9, metavar="PERCENT")
    args = args.parse_args()
    fields = "tid,time,ip,sym,dso"
    ours = blocks([args.perfchains, args.file])
    theirs = blocks(["perf", "script", "--no-inline", "-F", fields, "-i", args.file])
    waiting = collections.defaultdict(list)
    n = collections.Counter()
    names = collections.Counter()
    agree = collections.Counter()
    shown = 0
    for key, _, frames in theirs:
        waiting[key].append(frames)
        n["perf's samples"] += 1
    for key, stop, a in ours:
        n["our samples"] += 1
        if not waiting[key]:
            n["samples that perf has not"] += 1
            continue
        b = waiting[key].pop(0)
        full = stop in COMPLETE
        perf_full = bool(b) and (stop == "kernel only" if is_kernel(b[-1]) else
                                 bool(ROOTS.match(plain(b[-1][1]))))
        n["complete here"] += full
        n["complete in perf"] += perf_full
        if perf_full and not full:
            n["complete in perf alone: " + stop] += 1
        what = compare(a, b)
        if full:
            kind = "complete in both" if perf_full else "complete here alone"
            n[kind] += 1
            n["%s: %s" % (kind, what or "equal")] += 1
            agree["agree"] += what in AGREES
            agree["hold"] += what in AGREES + LACKS
        if full and what not in AGREES and shown < args.v:
            shown += 1
            print(key, what, stop)
            for i in range(max(len(a), len(b))):
                print("   %-60s | %s" % tuple(
                    "%x %s" % x[i][:2] if i < len(x) else "" for x in (a, b)))
        for x, y in zip(a, b):
            n["frames compared"] += 1
            if x[0] in (y[0], y[0] - 1) and plain(x[1]) != plain(y[1]):
                n["frames of another name"] += 1
                names[(x[1], y[1], y[2])] += 1
    for what, count in sorted(n.items()):
        print("%9d  %s" % (count, what))
    for (x, y, file), count in names.most_common(max(args.v, 10)):
        print("%9d  named %s here, %s in perf (%s)" % (count, x, y, file))
    full = max(n["complete here"], 1)
    print("%.3f %% of %d complete chains are perf's as far as perf got" % (100.0 * agree["agree"] / full,
                                                                        n["complete here"]))
    print("%.3f %% hold all frames that perf found" % (100.0 * agree["hold"] / full))
    return 100.0 * agree["hold"] / full < args.min


sys.exit(main())
