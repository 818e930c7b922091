#!/usr/bin/env python3
"""Compares the tables of report/packages_known.c with the -dbg packages that apt-cache knows.

Says which names of the tables no package has, and which -dbg packages depend on exactly their
version of a package for which the tables name another one. Needs the package lists of Debian 12.
"""
import os
import re
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(__file__), "../../report/packages_known.c")
# Other builds of the program, kernels, hypervisors and boot loaders: no debug files of programs.
NOT_DEBUG_FILES = re.compile(
    r"(linux-image|gnumach|xen-|grub-|cython|lib\w*stdc\+\+|(lib)?python3-|libpython3|libpetsc)")


def tables():
    text = open(SOURCE, encoding="ascii").read()
    same = re.search(r"same_name\[\] =\n(.*?);", text, re.S).group(1)
    joint = re.search(r"joint\[\] = \{\n(.*?)\n\};", text, re.S).group(1)
    files = re.search(r"files\[\] = \{\n(.*?)\n\};", text, re.S).group(1)
    words = " ".join(re.findall(r'"([^"]*)"', same)).split()
    rows = re.compile(r'\{ "([^"]*)",\s*"([^"]*)" \}')
    return words, rows.findall(joint), rows.findall(files)


def regex(pattern):
    parts = [{"*": ".*", "#": r"(?P<n>\d+)"}.get(c, re.escape(c)) for c in pattern]
    return re.compile("".join(parts) + "$")


def debug_of(owner, words, joint):
    for pattern, package in joint:
        match = regex(pattern).match(owner)
        if match:
            return package.replace("#", match.groupdict().get("n", ""))
    if any(regex(word).match(owner) for word in words):
        return owner + "-dbg"
    return owner + "-dbgsym"


def apt_cache(*words):
    return subprocess.run(("apt-cache",) + words, capture_output=True, text=True).stdout


def main():
    words, joint, files = tables()
    names = [line.split()[0] for line in
             apt_cache("search", "--names-only", "--", "-dbg$").splitlines()]
    if not names:
        sys.exit("apt-cache knows no -dbg package: apt-get update?")
    bad = 0
    for package in sorted({p for _, p in joint + files} | {w + "-dbg" for w in words}):
        if not any(regex(package).match(name) for name in names):
            print("of the tables, not there:", package)
            bad += 1
    for stanza in apt_cache("show", "--no-all-versions", *names).split("\n\n"):
        field = dict(re.findall(r"^([\w-]+): (.*)$", stanza, re.M))
        package = field.get("Package", "")
        if not package or NOT_DEBUG_FILES.match(package):
            continue
        for owner in re.findall(r"([a-z0-9+.-]+) \(= [^)]*\)", field.get("Depends", "")):
            if owner.endswith("-dev") or owner.endswith("-dbg"):
                continue
            if debug_of(owner, words, joint) != package:
                print(f"{package} is for {owner}, the tables say "
                      f"{debug_of(owner, words, joint)}")
                bad += 1
    print(f"{len(names)} -dbg packages, {len(words) + len(joint) + len(files)} rows, "
          f"{bad} differences")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
