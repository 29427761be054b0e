#!/usr/bin/python3 -B
"""The generator of keys.h: the committed header is what it writes, and bad CDDL is refused with file and line."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "schemas"
TOOL = SCHEMAS / "gen" / "keys.py"
HEADER = SCHEMAS / "include" / "fp" / "keys.h"


class Keys(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copytree(SCHEMAS / "cddl", self.folder / "cddl")
        self.out = self.folder / "keys.h"
        shutil.copy(HEADER, self.out)

    def run_tool(self, *args):
        return subprocess.run([sys.executable, "-B", TOOL, "--cddl", self.folder / "cddl", "--out", self.out, *args],
                              capture_output=True, text=True, check=False)

    def change(self, plane, old, new):
        path = self.folder / "cddl" / f"{plane}.cddl"
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def assert_refused(self, pattern):
        for args in ((), ("--check",)):
            result = self.run_tool(*args)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, pattern)
        self.assertEqual(self.out.read_bytes(), HEADER.read_bytes())

    def test_the_committed_header_is_what_the_cddl_makes(self):
        result = subprocess.run([sys.executable, "-B", TOOL, "--check"], capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_a_changed_number_is_shown_and_then_written(self):
        self.change("command", "key-n        = 2", "key-n        = 99")
        result = self.run_tool("--check")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"\+ +FP_KEY_N +\S* *= 99,")
        self.assertEqual(self.out.read_bytes(), HEADER.read_bytes())
        self.assertEqual(self.run_tool().returncode, 0)
        self.assertEqual(self.run_tool("--check").returncode, 0)

    def test_a_new_kind_joins_the_list(self):
        self.change("command", "/ k-trace-get", "/ k-new / k-trace-get")
        self.change("command", "k-explain     = 91  ;", "k-new         = 92  ;        yes       up      -\nk-explain     = 91  ;")
        self.assertEqual(self.run_tool().returncode, 0)
        self.assertRegex(self.out.read_text(encoding="utf-8"), r"X\(FP_K_NEW, +1, 0\)")
        self.assertIn("#define FP_KIND_MAX 92", self.out.read_text(encoding="utf-8"))

    def test_a_name_that_is_defined_nowhere_is_refused(self):
        self.change("reply", "reply-ack,", "reply-ackk,")
        self.assert_refused(r"reply\.cddl:\d+: reply-ackk is defined nowhere")

    def test_a_number_that_is_used_nowhere_is_refused(self):
        self.change("live", "head-at    = 4", "head-at    = 4\nhead-lost  = 5")
        self.assert_refused(r"live\.cddl:\d+: head-lost is used nowhere")

    def test_a_name_defined_twice_is_refused(self):
        self.change("live", "head-at    = 4", "head-at    = 4\npage-to = 5")
        self.assert_refused(r"live\.cddl:\d+: page-to is defined already, at reply\.cddl:\d+")

    def test_a_kind_without_its_columns_is_refused(self):
        self.change("command", "k-bye         = 2   ;        no        up      -", "k-bye         = 2   ; says good bye")
        self.assert_refused(r"command\.cddl:\d+: k-bye needs the columns")

    def test_two_kinds_with_one_number_are_refused(self):
        self.change("command", "k-bye         = 2 ", "k-bye         = 1 ")
        self.assert_refused(r"command\.cddl:\d+: k-bye has the number of k-hello")

    def test_a_durable_kind_on_now_is_refused(self):
        self.change("command", "k-msg         = 20  ;        yes       up ", "k-msg         = 20  ;        yes       now")
        self.assert_refused(r"command\.cddl:\d+: k-msg is durable")

    def test_a_missing_plane_is_refused(self):
        (self.folder / "cddl" / "trunk.cddl").unlink()
        self.assert_refused(r"trunk\.cddl: not there")


if __name__ == "__main__":
    unittest.main()
