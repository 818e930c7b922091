#!/usr/bin/env python3
"""The ladder a hundred times: ladder.py BUILD [TIMES]. Needs root, setpriv, gcc.

Each refusal is made for real. COMMAND's output and status must be as without the recorder, the line
must name the gate, and what is left must be recorded. Times: from the start of the recorder to
COMMAND's first instruction, less the same without the recorder. Prints a table in Markdown.
"""
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1])
TIMES = int(sys.argv[2]) if len(sys.argv) > 2 else 100
RECORD, REPORT = BUILD + "/ddprof-record", BUILD + "/ddprof-report"
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
          "--inh-caps=-all", "--no-new-privs"]
KIB = 1024


def compile_target(name):
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-g", "-pthread", "-o", name,
                    "%s/tests/flow/targets/%s.c" % (SRC, name), "-ldl"], check=True)


def limits(memlock=None, files=None):
    def apply():
        if memlock is not None:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (memlock, memlock))
        if files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    return apply


def run(argv, before=None):
    """Output, messages, status, nanoseconds until COMMAND began."""
    start = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          preexec_fn=before, timeout=60)
    began = int(done.stdout) - start if done.stdout.strip().isdigit() else None
    return done.stdout, done.stderr, done.returncode, began


def case(name, prefix, gate, recorded, before=None, events=()):
    """gate: pattern of the line; recorded: whether a recording is the best that is left."""
    good, times, plain = 0, [], []
    for _ in range(TIMES):
        if os.path.exists("rec"):
            os.unlink("rec")
        plain.append(run(prefix + ["./began"], before)[3])
        argv = prefix + [RECORD, "-v", *events, "-o", "rec", "--", "./began"]
        out, err, status, began = run(argv, before)
        is_right = (began is not None and out.count("\n") == 1 and status == 7 and
                    re.search(gate, err) and os.path.exists("rec") == recorded)
        good += bool(is_right)
        if began is not None:
            times.append(began)
        if not is_right:
            print("MISS %s: status %d out %r err %s" % (name, status, out, err), file=sys.stderr)
    times.sort()
    plain.sort()
    base = plain[len(plain) // 2]
    steps = [(t - base) / 1e6 for t in times]
    print("| %s | %d of %d | %s | %.1f | %.1f | %.1f | %d |" %
          (name, good, TIMES, "yes" if recorded else "no", steps[len(steps) // 2],
           steps[len(steps) * 99 // 100 - 1], steps[-1], sum(s > 100 for s in steps)), flush=True)
    return good == TIMES


def refusals():
    print("| refused | as without us, right gate | recorded | median ms | 99 % ms | max ms "
          "| > 100 ms |")
    print("|---|---|---|---|---|---|---|")
    begin = "Error calling perfopen on watcher 0.0 "
    ok = True
    for code, name, words in ((1, "EPERM", "answers EPERM"), (13, "EACCES", "answers EACCES"),
                              (38, "ENOSYS", "answers ENOSYS"),
                              ("kill", "seccomp KILL", "kills with signal 31")):
        ok &= case("perf_event_open: " + name, ["./deny", str(code)],
                   begin + ".*seccomp: filter, " + words, False)
    ok &= case("ring mmap (another holds the user's locked memory, RLIMIT_MEMLOCK 0)",
               NOBODY + ["./lockhog"],
               "Could not mmap memory for watcher #0: Operation not permitted: other profilers",
               False, limits(memlock=0))
    ok &= case("the same, RLIMIT_MEMLOCK 64 KiB", NOBODY + ["./lockhog"],
               "rings of (8|16) KiB instead of .*other profilers of this user", True,
               limits(memlock=64 * KIB))
    for kib in (0, 64):
        ok &= case("RLIMIT_MEMLOCK %d KiB" % kib, NOBODY, "limit %d KiB, perf_event_mlock_kb" % kib,
                   True, limits(memlock=kib * KIB))
    many = ("-e", "sCPU", "-e", "sPF", "-e", "sCS")
    for n, words in ((8, "cannot make a pipe: Too many open files"), (16, "given up: .*open files"),
                     (32, "sampling task-clock"), (64, "sampling task-clock")):
        ok &= case("RLIMIT_NOFILE %d, three events" % n, [], words, n > 8, limits(files=n), many)
    ok &= case("nothing (root)", [], "sampling task-clock", True)
    return ok


def info(path, key):
    text = subprocess.run([REPORT, "info", "--json", path], capture_output=True, text=True).stdout
    found = re.search(r'"%s":"?([^",}]*)' % key, text)
    return found.group(1) if found else ""


def in_function(path, pattern):
    text = subprocess.run([REPORT, "--folded", path], capture_output=True, text=True).stdout
    all_n = hit = 0
    for line in text.splitlines():
        stack, n = line.rsplit(" ", 1)
        all_n += int(n)
        hit += int(n) if re.search(pattern, stack) else 0
    return 100 * hit / all_n if all_n else 0


def ordinary_user():
    print("\n| unprivileged, no capabilities, paranoid 2 | samples | in the right function "
          "| status |")
    print("|---|---|---|---|")
    ok = True
    done = subprocess.run(NOBODY + [RECORD, "-F", "999", "-o", "own", "--", "sh", "-c",
                                    "./split 10000 >said; exit 7"])
    share = in_function("own", "_work")
    print("| own program, 10 s at 999 Hz | %s | %.2f %% | %d |" %
          (info("own", "stored"), share, done.returncode))
    print("| of these in heavy_work, which says %.2f %% of itself | | %.2f %% | |" %
          (100 * float(re.search("share heavy_work (.*)", open("said").read()).group(1)),
           in_function("own", "heavy_work")))
    ok &= share >= 99 and done.returncode == 7
    target = subprocess.Popen(NOBODY + ["./split", "600000"], stdout=subprocess.DEVNULL)
    time.sleep(0.2)
    done = subprocess.run(NOBODY + [RECORD, "-F", "999", "--duration", "10", "-o", "pid", "-p",
                                    str(target.pid)])
    target.kill()
    target.wait()
    share = in_function("pid", "_work")
    print("| own pid, 10 s at 999 Hz | %s | %.2f %% | %d |" %
          (info("pid", "stored"), share, done.returncode))
    return ok and share >= 99 and done.returncode == 0


def at_once(memlock, n=20):
    argv = ["sh", "-c", "./split 1500 >/dev/null; exit 7"]
    runs = [subprocess.Popen(NOBODY + [RECORD, "-v", "-o", "many%d" % i, "--", *argv],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             preexec_fn=limits(memlock=memlock)) for i in range(n)]
    n_whole = n_first = n_told = n_silent = n_status = n_samples = 0
    for i, one in enumerate(runs):
        err = one.communicate(timeout=600)[1]
        n_status += one.returncode != 7
        if "; COMMAND runs without being recorded" in err:
            n_told += "Could not mmap memory for watcher" in err
        elif not info("many%d" % i, "stored"):
            n_silent += 1
        elif "only the first thread" in err:
            n_first += 1
        else:
            n_whole += 1
        n_samples += int(info("many%d" % i, "stored") or 0)
        if os.path.exists("many%d" % i):
            os.unlink("many%d" % i)
    print("| %d KiB | %d | %d | %d | %d | %d | %d |" %
          (memlock // KIB, n_whole, n_first, n_told, n_silent, n_status, n_samples))
    return n_silent == 0 and n_status == 0 and n_whole + n_first + n_told == n


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        os.chmod(work, 0o777)
        for name in ("deny", "began", "lockhog", "split"):
            compile_target(name)
        ok = refusals()
        ok &= ordinary_user()
        print("\n20 recorders of one user at once, by RLIMIT_MEMLOCK:\n")
        print("| limit | all threads | first thread | refused and said | silent | wrong status "
              "| samples |")
        print("|---|---|---|---|---|---|---|")
        for memlock in (0, 64 * KIB, 256 * KIB, 8192 * KIB):
            ok &= at_once(memlock)
        os.chdir("/")
    sys.exit(0 if ok else 1)


main()
