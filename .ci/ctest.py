#!/usr/bin/python3 -B
"""Reads what ctest and pytest leave behind, for .ci/run.

usage: ctest.py count BUILD           "passed failed" of the last run: cmocka cases; a test without such counts as one
       ctest.py junit FILE            the same from a JUnit file; a skipped case counts as failed, for CI has what it needs
       ctest.py commands BUILD LABEL  the commands of the tests with that label, one a line
       ctest.py sources BUILD         the files that the build compiles, but for the tests, one a line
"""
import json
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree


def count(build):
    with open(f"{build}/Testing/Temporary/LastTest.log", errors="replace", encoding="utf-8") as f:
        blocks = re.split(r"^\d+/\d+ Testing: ", f.read(), flags=re.M)[1:]
    passed = failed = 0
    for block in blocks:
        good = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", block, re.M)))
        bad = sum(map(int, re.findall(r"^\[  FAILED  \] (\d+) test", block, re.M)))
        ended_well = re.search(r"^Test Passed\.$", block, re.M) is not None
        passed += good if good or bad or not ended_well else 1
        failed += bad if bad or ended_well else 1
    return passed, failed


def junit(path):
    passed = failed = 0
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        bad = any(case.find(what) is not None for what in ("failure", "error", "skipped"))
        failed += bad
        passed += not bad
    return passed, failed


def commands(build, label):
    out = subprocess.run(["ctest", "--test-dir", build, "-L", f"^{label}$", "--show-only=json-v1"], check=True, capture_output=True, text=True)
    for test in json.loads(out.stdout)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        yield shlex.join(["env", *properties.get("ENVIRONMENT", []), *test["command"]])


def sources(build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        paths = {os.path.relpath(os.path.join(c["directory"], c["file"])) for c in json.load(f)}
    return sorted(p for p in paths if not p.startswith(("tests/", "build/", "..")))


def main(args):
    if len(args) == 2 and args[0] in ("count", "junit"):
        print(*(count if args[0] == "count" else junit)(args[1]))
    elif len(args) == 3 and args[0] == "commands":
        print("\n".join(commands(*args[1:])))
    elif len(args) == 2 and args[0] == "sources":
        print("\n".join(sources(args[1])))
    else:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
