#!/usr/bin/python3 -B
"""Reads vectors.json with a CBOR implementation that is not ours (python3-cbor2).

Each vector: {"name", "rule" of schemas/cddl, "hex", "meaning"}. A meaning is the value as JSON, in the wire's order, with two
additions: a map's key is JSON text of its own ("1" is the number 1, "\\"ann\\"" the text ann), and {"hex": "00ff"} is a byte string.
"""
import io
import json
import pathlib
import re
import unittest
import zlib

import cbor2

HERE = pathlib.Path(__file__).resolve().parent
KEYS = HERE.parents[1] / "schemas" / "include" / "fp" / "keys.h"


def value_of(meaning):
    if isinstance(meaning, list):
        return [value_of(m) for m in meaning]
    if not isinstance(meaning, dict):
        return meaning
    if set(meaning) == {"hex"}:
        return bytes.fromhex(meaning["hex"])
    return {json.loads(key): value_of(m) for key, m in meaning.items()}


def typed(value):
    """True is not 1 and 1.0 is not 1 here."""
    if isinstance(value, list):
        return ["list"] + [typed(v) for v in value]
    if isinstance(value, dict):
        return ["map"] + [(typed(k), typed(v)) for k, v in value.items()]
    return (type(value).__name__, value)


def crc32c(data):
    """By the book, a bit at a time (RFC 3720, B.4: "123456789" gives e3069283)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def numbers_named(prefix):
    text = KEYS.read_text(encoding="utf-8")
    return {int(n) for n in re.findall(rf"^    FP_{prefix}_\w+ *= (\d+),", text, re.M)}


class Vectors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vectors = json.loads((HERE / "vectors.json").read_text(encoding="utf-8"))

    def of_rule(self, rule):
        return [value_of(v["meaning"]) for v in self.vectors if v["rule"] == rule]

    def test_each_decodes_to_its_meaning(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                stream = io.BytesIO(bytes.fromhex(vector["hex"]))
                value = cbor2.CBORDecoder(stream).decode()
                self.assertEqual(stream.read(), b"")
                self.assertEqual(typed(value), typed(value_of(vector["meaning"])))

    def test_each_meaning_encodes_canonically_to_its_bytes(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                self.assertEqual(cbor2.dumps(value_of(vector["meaning"]), canonical=True).hex(), vector["hex"])

    def test_names_are_unique(self):
        names = [v["name"] for v in self.vectors]
        self.assertEqual(len(names), len(set(names)))

    def test_every_kind_reply_and_inbox_message_has_one(self):
        kinds = numbers_named("K")
        self.assertGreater(len(kinds), 30)
        self.assertEqual({c[1] for c in self.of_rule("command")}, kinds)
        self.assertEqual({r[1] for r in self.of_rule("reply")}, numbers_named("REPLY"))
        self.assertEqual({i[1] for i in self.of_rule("inbox")}, numbers_named("INBOX"))
        self.assertEqual({t[1] for t in self.of_rule("trunk")}, numbers_named("TRUNK"))
        self.assertEqual({r[0] for r in self.of_rule("record-down")}, numbers_named("TOLD"))
        for rule in ("record-up", "uplink", "event", "events", "head", "about", "receipts", "typing-now", "presence"):
            self.assertTrue(self.of_rule(rule), rule)

    def test_a_streamed_page_inflates_to_the_plain_one(self):
        pages = [r for r in self.of_rule("reply") if r[1] == 4 and r[7]]
        plain = next(p[7] for p in pages if p[6] == 0)
        stream = next(p[7] for p in pages if p[6] == 1)
        self.assertEqual(cbor2.loads(zlib.decompress(stream)), plain)

    def test_batches_of_a_trunk_have_the_right_sum_and_whole_records(self):
        batches = [t for t in self.of_rule("trunk") if t[1] == 3]
        self.assertEqual({b[6] for b in batches}, {0, 1})
        for batch in batches:
            self.assertEqual(crc32c(batch[8]), batch[7])
            stream = io.BytesIO(zlib.decompress(batch[8]) if batch[6] else batch[8])
            records = [cbor2.CBORDecoder(stream).decode() for _ in range(batch[5])]
            self.assertEqual(stream.read(), b"")
            self.assertEqual([r[2][2] for r in records], [7, 8])


if __name__ == "__main__":
    unittest.main()
