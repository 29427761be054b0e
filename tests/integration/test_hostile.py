"""Bad input: the connection is kept (or refused by the broker's own rules) and the state stays as it was."""
import socket
import struct
import zlib

import pytest

import broker as brokers
import wire
from oracle import state_dump


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory):
    """No rate limit: every byte shall be looked at."""
    with brokers.Broker(tmp_path_factory.mktemp("hub"), options={"services": "svc", "commands_per_s": 0}) as b:
        yield b


@pytest.fixture
def scene(world):
    """A victim with a conversation, and a villain who is known to the hub; gives also a check that nothing has changed."""
    ann, mal = world.users("ann", "mal")
    victim, villain = world.on(ann, auto=False), world.on(mal, auto=False)
    scope, conv = world.open(victim)
    victim.msg(conv, "mine")
    victim.barrier()
    before = state_dump(world.broker.db)

    def unchanged():
        assert world.broker.alive(), world.broker.tail()
        if not villain.connected:
            villain.start()
        villain.barrier(30)
        victim.barrier(30)
        after = state_dump(world.broker.db)
        changed = {t for t in before.keys() | after.keys() if before.get(t) != after.get(t)}
        assert not changed, {t: set(after.get(t, ())) ^ set(before.get(t, ())) for t in changed}
        victim.msg(conv, "still served")
        assert len(victim.history(conv)) == 3
    return villain, victim, scope, conv, unchanged


def pour(villain, payloads, leaf="up", qos=1):
    """All of it on the villain's own topic; the connection is kept."""
    for i, payload in enumerate(payloads):
        villain.publish(villain.topic(leaf), payload, qos)
        if i % 200 == 199:
            villain.barrier(30)
    villain.barrier(30)
    assert villain.connected and villain.ended == 0, "bad input ended the connection"


def test_random_bytes(scene, chance):
    villain, *_, unchanged = scene
    pour(villain, [chance.randbytes(chance.choice((0, 1, 2, 5, 20, 300))) for _ in range(1500)])
    pour(villain, [chance.randbytes(chance.choice((0, 1, 2, 5, 20, 300))) for _ in range(300)], "now", 0)
    unchanged()


def test_every_truncation_of_a_good_command(scene):
    villain, _, scope, conv, unchanged = scene
    good = wire.dumps([{1: wire.MSG, 2: 1, 3: conv, 4: 1, 5: 10, 6: 2, 10: {1: "text", 3: [{1: b"\1" * 32, 2: 9}]}, 15: b"\0" * 16},
                       {1: wire.CONV_NEW, 2: 2, 3: "x", 10: {1: scope, 2: "t", 3: {"a": 1}}}])
    pour(villain, [good[:i] for i in range(len(good))] + [good + b"\0", good + good])
    unchanged()


def test_flipped_bits_of_a_foreign_command(scene, chance):
    villain, _, scope, conv, unchanged = scene
    good = wire.dumps({1: wire.MSG, 2: 1, 3: conv, 10: {1: "text"}})
    payloads = []
    for _ in range(1000):
        b = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            b[chance.randrange(len(b))] ^= 1 << chance.randrange(8)
        payloads.append(bytes(b))
    pour(villain, payloads)
    unchanged()


def test_bombs(scene):
    villain, _, _, conv, unchanged = scene
    deep = [b"\x81" * n + b"\0" for n in (8, 9, 100, 60000)]
    deep += [b"\xa1\x00" * n + b"\0" for n in (9, 30000)] + [b"\xc0" * 10000 + b"\0", b"\xd9\xd9\xf7" * 10000 + b"\0"]
    nested = "x"
    for _ in range(30):
        nested = [nested]
    deep.append(wire.dumps({1: wire.MSG, 2: 1, 3: conv, 10: nested}))
    huge = [head + struct.pack(">Q", n) for head in (b"\x9b", b"\xbb", b"\x5b", b"\x7b") for n in (2**16, 2**32, 2**63, 2**64 - 1)]
    huge += [b"\xa1\x0a" + h for h in huge] + [b"\x9a\xff\xff\xff\xff" + b"\0" * 1000, b"\x98\xff" + b"\xa0" * 255]
    endless = [b"\x9f\xff", b"\xbf\xff", b"\x9f" * 5000, b"\x9f\xa1\x01\x14\xff", b"\xbf\x01\x14\x02\x01\xff"]
    endless += [b"\xa1\x01\x5f\x41a\xff", b"\x7f\x61a\xff"]
    odd = [b"\xf7", b"\xf6", b"\xf8\x18", b"\xfc", b"\xff", b"\x1c", b"\xf9\x7e\0", b"\xfb\x7f\xf8\0\0\0\0\0\0", b"\xa1\x01\xfa\x41\xa0\0\0"]
    pour(villain, deep + huge + endless + odd)
    unchanged()


def test_what_is_not_deterministic_is_refused(scene):
    villain, _, scope, conv, unchanged = scene
    pour(villain, [
        b"\xa2\x0a\xa1\x01\x61x\x01\x14",               # keys descending
        b"\xa2\x01\x14\x01\x14",                        # a key twice
        b"\xa3\x01\x18\x14\x02\x18\x01\x03\x61c",       # a longer integer than needed
        b"\xa3\x01\x14\x02\x19\x00\x01\x03\x61c",
        b"\xa2\x01\x14\x20\x00", b"\xa2\x01\x14\x61a\x00",   # negative and text keys
        b"\xa1\x01\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
    ])
    unchanged()


WRONG = [None, True, -1, 2**64 - 1, 1.5,
         "", "x" * 37, "a/b", "a+b", "#", "ü", "\0", "a\0b", "x" * 65536, b"", b"x" * 65536,
         [], [1] * 1000, {}, {1: 1}, {"a": {"b": {}}}]
KINDS = (wire.HELLO, wire.BYE, wire.GET, wire.HEADS, wire.MSG, wire.MEMBER_ADD, wire.MEMBER_REMOVE, wire.MEMBER_ROLE, wire.CONV_SET, wire.RECEIPT,
         0, 99, 2**63)


def test_wrong_types_in_every_key_of_every_kind(scene):
    """No numbered command of these may change anything either: the villain is a member of nothing."""
    villain, _, scope, conv, unchanged = scene
    n = villain.next_n
    payloads = []
    for kind in KINDS:
        for key in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 24):
            for wrong in WRONG:
                command = {1: kind, 2: n, 3: conv, 10: {1: "x"}}
                if kind not in wire.DURABLE:
                    del command[2]
                command[key] = wrong
                payloads.append(wire.dumps(command))
    for key in (1, 2, 3, 4, 5):
        for wrong in WRONG:
            payloads.append(wire.dumps({1: wire.HELLO, 10: {1: 1, key: wrong}}))
            payloads.append(wire.dumps({1: wire.GET, 3: conv, 10: {1: 0, key: wrong}}))
            payloads.append(wire.dumps({1: wire.MEMBER_ADD, 2: n, 3: conv, 10: {1: "m", 2: 1, key: wrong}}))
    pour(villain, payloads)
    unchanged()


NO_TEXT = [w for w in WRONG if not isinstance(w, str)]
BAD_MEMBERS = (1, "x", [1], {1: 1}, {"a/b": 1}, {"x" * 37: 1}, {"m": 4}, {"m": -1}, {"m": "owner"}, {"m": 9})
BAD_CONTEXTS = (1, {}, {1: "c"}, {1: 1, 2: "x"}, {1: "c", 2: "a/b"})
BAD_RETENTIONS = (-1, "x", None)
BAD_SCOPES = ("", "x" * 37, "a/b", "+", "#", "a b", "ü", "x" * 60000)
BAD_CONV_NEW = ([{1: w, 2: "t"} for w in NO_TEXT]
                + [{1: "s", 2: w} for w in NO_TEXT]
                + [{1: "s", 2: "t", 3: w} for w in BAD_MEMBERS]
                + [{1: "s", 2: "t", 4: w} for w in BAD_CONTEXTS]
                + [{1: "s", 2: "t", 5: w} for w in BAD_RETENTIONS]
                + [{1: w, 2: "t"} for w in BAD_SCOPES])


@pytest.mark.parametrize("body", BAD_CONV_NEW, ids=lambda b: repr(b)[:40])
def test_a_bad_conv_new_makes_nothing(scene, body):
    villain, *_, unchanged = scene
    villain.no((wire.MALFORMED, wire.TOO_LARGE, wire.DENIED), wire.CONV_NEW, "made-by-mal", body)
    unchanged()


def test_forged_keys_of_the_hub_are_not_taken_over(scene, world):
    """Keys 16 to 23 are the hub's; a client that sends them is not believed."""
    villain, victim, scope, conv, unchanged = scene
    unchanged()
    own_scope, own = world.open(villain)
    forged = {16: 77, 17: 1, 18: victim.user, 19: victim.device, 20: 64, 21: [1, 1], 22: ["r", 1, 1], 23: b"\0" * 32}
    got = villain.call(wire.MSG, own, {1: "x"}, **{f"k{k}": v for k, v in forged.items()})
    if isinstance(got, list):
        ev = villain.history(own)[-1]
        assert (ev[16], ev[18], ev[19]) == (2, villain.user, villain.device) and ev[17] == got[3]
        assert not {22, 23} & set(ev) and not ev.get(20, 0) & 64


@pytest.mark.parametrize("size", [262144, 262145, 400000, 2_000_000])
def test_payloads_at_and_over_the_limit(scene, size):
    villain, *_, unchanged = scene
    pour(villain, [b"\x5a" + struct.pack(">I", size - 5) + b"\0" * (size - 5), b"\x40" * size])
    nacks = [r[3] for r in villain.replies if r[1] == wire.NACK]
    assert len(nacks) >= 2 and set(nacks) <= {wire.TOO_LARGE, wire.MALFORMED}
    unchanged()


@pytest.mark.parametrize("qos, retain", [(0, False), (0, True), (1, True), (2, False), (2, True)])
def test_other_qos_and_retain_on_up(scene, qos, retain):
    villain, _, scope, conv, unchanged = scene
    for payload in (b"\xff", wire.dumps({1: wire.MSG, 2: villain.next_n, 3: conv, 10: {1: "x"}}), b"", b"\x81" * 100):
        villain.publish(villain.topic("up"), payload, qos, retain)
        villain.publish(villain.topic("now"), payload, qos, retain)
        villain.publish(villain.topic("blob/" + "0" * 64), payload, qos, retain)
    villain.barrier()
    assert villain.connected and villain.ended == 0
    unchanged()


TRICKS = [
    "fp/1/device/{v}/up/", "fp/1/device//up", "fp//device/{v}/up", "fp/1/device/{v}/Up", "FP/1/device/{v}/up", "fp/1/device/{v}",
    "fp/1/device/{v}%2f/up", "fp/1/device/{v} /up", "fp/1/device/{v}\u200b/up", "fp/1/device/\u202e{v}/up", "fp/1/device/ｖ/up",
    "fp/1/device/../{v}/up", "fp/1/scope/../device/{v}/up", "fp/01/device/{v}/up", "$fp/1/device/{v}/up",
    "fp/1/device/{v}/blob/" + "G" * 64, "fp/1/device/{v}/blob/" + "a" * 63,
    "fp/1/device/" + "x" * 60000 + "/up", "fp/" + "/" * 150,
    "fp/1/scope/{s}/conv/{c}/event", "fp/1/device/{v}/down", "fp/1/user/{u}/inbox",
]


def test_topics_with_tricks(scene):
    villain, victim, scope, conv, unchanged = scene
    names = {"v": victim.device, "u": victim.user, "s": scope, "c": conv}
    seen = len(victim.messages)
    for pattern in TRICKS:
        for payload in (b"trick", wire.dumps({1: wire.MSG, 2: victim.next_n, 3: conv, 10: {1: "trick"}})):
            villain.publish(pattern.format(**names), payload, 1)
    villain.barrier()
    assert villain.connected
    assert not [m for m in victim.messages[seen:] if b"trick" in m.payload]
    unchanged()


def connect_raw(port, client_id, user):
    """A socket that has said CONNECT as these bytes; returns it and the CONNACK code (None: closed without a word)."""
    def text(b):
        return struct.pack(">H", len(b)) + b
    flags = 0x82 if user is not None else 0x02
    body = text(b"MQTT") + bytes([4, flags]) + struct.pack(">H", 60) + text(client_id) + (text(user) if user is not None else b"")
    s = socket.create_connection(("127.0.0.1", port), timeout=5)
    s.sendall(b"\x10" + remaining(len(body)) + body)
    try:
        got = s.recv(4)
    except ConnectionResetError:
        got = b""
    return s, got[3] if len(got) == 4 else None


def remaining(n):
    out = b""
    while True:
        n, digit = divmod(n, 128)
        out += bytes([digit | (0x80 if n else 0)])
        if not n:
            return out


BAD_IDS = [b"a/b", b"+", b"#", b"x" * 37, b"x" * 65000, "ü".encode(), b"a b", b"a\x01b", b"\xff\xfe", b"\xed\xa0\x80",
           b"%s%n", b"'; drop table device; --"]


@pytest.mark.parametrize("which", ["client id", "user name"])
@pytest.mark.parametrize("bad", BAD_IDS, ids=lambda b: repr(b[:20]))
def test_names_that_are_no_ids(scene, world, which, bad):
    """Whoever gets in with such a name says what he likes below fp/, and nothing happens."""
    villain, victim, scope, conv, unchanged = scene
    client_id, user = (bad, b"mal") if which == "client id" else (b"d-raw", bad)
    s, code = connect_raw(world.broker.port, client_id, user)
    if code == 0:
        for name in (client_id, b"d-raw", victim.device.encode()):
            topic = b"fp/1/device/" + name[:60000] + b"/up"
            body = struct.pack(">H", len(topic)) + topic + wire.dumps({1: wire.HELLO, 10: {1: 1}})
            try:
                s.sendall(b"\x30" + remaining(len(body)) + body)
            except OSError:
                break
    s.close()
    unchanged()


def test_a_deflate_bomb_is_just_bytes(scene):
    villain, *_, unchanged = scene
    pour(villain, [zlib.compress(b"\0" * 10_000_000), wire.dumps({1: wire.GET, 3: "x", 10: zlib.compress(b"\0" * 1_000_000)})])
    unchanged()


def test_many_cursors_in_a_hello(scene):
    villain, _, _, conv, unchanged = scene
    many, too_many = ({f"c{i}": i for i in range(count)} for count in (1000, 20000))
    bodies = ({1: 1, 4: many}, {1: 1, 4: too_many}, {1: 1, 4: {conv: 2**63}}, {1: 2}, {})
    pour(villain, [wire.dumps({1: wire.HELLO, 10: body}) for body in bodies])
    assert not [r for r in villain.replies if r[1] == wire.PAGE]
    unchanged()


def test_a_flood_of_gets_leaves_others_served(scene):
    villain, victim, scope, conv, unchanged = scene
    pour(villain, [wire.dumps([{1: wire.GET, 3: conv, 10: {1: 0}}] * 64) for _ in range(60)])
    unchanged()


def test_half_a_packet_and_silence(scene, world):
    """The broker's own rules, with the plugin loaded."""
    *_, unchanged = scene
    for junk in (b"\x10", b"\x10\xff\xff\xff\x7f", b"\x30\x02\x00\x00", b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n"):
        s = socket.create_connection(("127.0.0.1", world.broker.port), timeout=5)
        s.sendall(junk)
        s.close()
    unchanged()
