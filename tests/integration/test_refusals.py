"""Each refusal of the contract, provoked over the wire; what becomes of n; and that a repeat gets the same answer."""
import os
import sqlite3
import subprocess
import time

import pytest

import wire
from oracle import read_store
from reactor import WORLD, wait_for


@pytest.fixture
def pair(world):
    """An owner's device and an observer's, in one conversation."""
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.OBSERVER})
    return a, b, scope, conv


def next_n(d):
    return d.hello()[5]


def refused_for_good(d, code, *args, **kw):
    """Refused with this code, n is used up, the connection is kept, and a repeat says the same again."""
    n = d.next_n
    nack = d.no(code, *args, **kw)
    assert nack[2] == n and nack.get(5, False) is False and isinstance(nack[4], str)
    assert next_n(d) == n + 1
    again = resend(d, n)
    assert again == nack, f"P3: {nack} at first, then {again}"
    assert d.connected
    return nack


def resend(d, n, **change):
    """The same command once more; returns the answer to it."""
    command = {**d.oracle.sent[d.device, n], **{int(k[1:]): v for k, v in change.items()}}
    with WORLD:
        start = len(d.replies)
        d.publish(d.topic("up"), wire.dumps(command))

    def answer():
        for r in d.replies[start:]:
            if r[1] == wire.NACK and r.get(2) == n:
                return r
            if r[1] == wire.ACK:
                for row in r[2]:
                    if row[0] == n:
                        return row
        return None
    return wait_for(answer, 10, f"{d.device}: answer to n {n}, again")


BAD_BODIES = {
    "no body": lambda conv: (wire.MSG, conv),
    "text is a number": lambda conv: (wire.MSG, conv, {1: 7}),
    "nothing in it": lambda conv: (wire.MSG, conv, {}),
    "body is an array": lambda conv: (wire.MSG, conv, [1]),
    "no conversation": lambda conv: (wire.MSG, None, {1: "x"}),
    "no user": lambda conv: (wire.MEMBER_ADD, conv, {2: 1}),
    "a user that is no id": lambda conv: (wire.MEMBER_ADD, conv, {1: "a/b", 2: 1}),
    "a role that is none": lambda conv: (wire.MEMBER_ADD, conv, {1: "x", 2: 7}),
    "no scope": lambda conv: (wire.CONV_NEW, "new-one", {2: "t"}),
    "nothing to set": lambda conv: (wire.CONV_SET, conv, "title"),
    "hash too short": lambda conv: (wire.MSG, conv, {1: "x", 3: [{1: b"12", 2: 1}]}),
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_malformed(pair, what):
    a, _, _, conv = pair
    kind, target, *body = BAD_BODIES[what](conv)
    refused_for_good(a, wire.MALFORMED, kind, target, *body)


@pytest.mark.parametrize("payload", [b"", b"\xff", b"hello", b"\xa1", b"\x80", wire.dumps([1, 2]), wire.dumps({}), wire.dumps(7),
                                     wire.dumps({1: "msg"}), wire.dumps({1: wire.MSG, 3: "c", 10: {1: "x"}})])
def test_what_is_no_command_is_malformed_and_uses_up_nothing(pair, payload):
    a, *_ = pair
    n = next_n(a)
    before = len(a.replies)
    a.publish_wait(a.topic("up"), payload)
    a.barrier()
    nacks = [r for r in a.replies[before:] if r[1] == wire.NACK]
    assert {r[3] for r in nacks} == {wire.MALFORMED} and a.connected
    assert next_n(a) == n


@pytest.mark.parametrize("rest", [{1: "msg"}, {}, {1: wire.MSG, 3: 7}, {1: 99}, {1: wire.MSG, 3: "a/b"}, {1: wire.MSG, 3: "c", 4: "seen"}])
def test_what_has_the_next_n_and_no_more_sense_uses_it_up(pair, rest):
    a, _, _, conv = pair
    n = next_n(a)
    before = len(a.replies)
    a.publish_wait(a.topic("up"), wire.dumps({2: n, **rest}))
    a.barrier()
    nacks = [r for r in a.replies[before:] if r[1] == wire.NACK]
    assert [(r.get(2), r[3] in (wire.MALFORMED, wire.UNSUPPORTED)) for r in nacks] == [(n, True)], nacks
    assert next_n(a) == n + 1, "a device that sent it would hang at it for ever"


def test_too_large(pair):
    a, _, _, conv = pair
    refused_for_good(a, wire.TOO_LARGE, wire.MSG, conv, {1: "x" * 16400})
    refused_for_good(a, wire.TOO_LARGE, wire.CONV_SET, conv, {2: "t" * 201})
    a.ok(wire.CONV_SET, conv, {2: "t" * 200})
    a.ok(wire.MSG, conv, {1: "x" * 16000})


def test_an_array_of_too_many_is_refused_whole(pair):
    a, _, _, conv = pair
    n = a.next_n
    before = len(a.replies)
    a.publish_wait(a.topic("up"), wire.dumps([{1: wire.MSG, 2: n + i, 3: conv, 10: {1: "x"}} for i in range(65)]))
    a.barrier()
    assert [r[3] for r in a.replies[before:] if r[1] == wire.NACK][0] in (wire.TOO_LARGE, wire.MALFORMED)
    assert next_n(a) == n


def test_denied(pair):
    _, b, _, conv = pair
    refused_for_good(b, wire.DENIED, wire.MSG, conv, {1: "x"})


def test_unknown(pair):
    a, _, _, conv = pair
    refused_for_good(a, wire.UNKNOWN, wire.MSG, "no-such", {1: "x"})
    refused_for_good(a, wire.UNKNOWN, wire.MSG, conv, {1: "x"}, k8=1000)
    refused_for_good(a, wire.UNKNOWN, wire.MEMBER_REMOVE, conv, {1: "no-member"})
    refused_for_good(a, wire.UNKNOWN, wire.MEMBER_ROLE, conv, {1: "no-member", 2: 1})


def test_gap_tells_the_next_n_and_takes_nothing(pair):
    a, _, _, conv = pair
    n = a.next_n
    a.publish(a.topic("up"), wire.dumps({1: wire.MSG, 2: n + 3, 3: conv, 10: {1: "ahead"}}))
    nack = a.wait_result(n + 3)
    assert nack[3] == wire.GAP and nack[7] == n
    del a.results[n + 3]
    assert a.msg(conv, "the next one")[0] == n
    assert [ev[2] for ev in a.history(conv)] == [1, n]


def test_go_back_n_heals_a_lost_uplink(world):
    a = world.on(world.name("ann"))
    scope, conv = world.open(a)
    with WORLD:
        a.compose(wire.MSG, conv, {1: "lost on the way"})
        for i in range(30):
            a.send([a.compose(wire.MSG, conv, {1: str(i)})])
    wait_for(a.drained, 10, "acks of all")
    a.sync(conv, 32)
    assert [ev[10].get(1) for ev in a.convs[conv].log[1:]] == ["lost on the way", *map(str, range(30))]


def test_conflict(pair):
    a, b, scope, conv = pair
    row = a.msg(conv, "first")
    nack = resend(a, row[0], k10={1: "second"})
    assert nack[3] == wire.CONFLICT and nack[2] == row[0]
    assert resend(a, row[0]) == row, "the right one still gets its ack"
    assert resend(a, row[0], k5=123456) == row, "the age differs with each attempt"
    refused_for_good(a, wire.CONFLICT, wire.CONV_NEW, conv, {1: scope, 2: "again"})
    refused_for_good(a, wire.CONFLICT, wire.MEMBER_ADD, conv, {1: b.user, 2: wire.MEMBER})


def test_stale_tells_the_current_value(pair):
    a, _, _, conv = pair
    a.ok(wire.CONV_SET, conv, {2: "second"}, k9=1)
    nack = refused_for_good(a, wire.STALE, wire.CONV_SET, conv, {2: "third"}, k9=1)
    assert 6 in nack, "no current value"
    refused_for_good(a, wire.STALE, wire.CONV_SET, conv, {2: "third"}, k9=99)


@pytest.mark.parametrize("kind", [wire.BLOB_NEW, wire.STATE_SET, wire.STEP])
def test_unsupported(pair, kind):
    a, _, scope, conv = pair
    bodies = {wire.BLOB_NEW: {1: b"\0" * 32, 2: 1}, wire.STATE_SET: {1: scope, 2: "k", 3: 1}, wire.STEP: {1: scope, 2: "k", 3: "go"}}
    refused_for_good(a, wire.UNSUPPORTED, kind, conv if kind == wire.BLOB_NEW else None, bodies[kind])


OTHERS = [(wire.EDIT, {1: "x"}), (wire.DELETE, None), (wire.REDACT, {1: "why"}), (wire.REACT, {1: "+"}), (wire.CONFIRM, None)]


@pytest.mark.parametrize("kind, body", OTHERS)
@pytest.mark.parametrize("ref", [None, 0, 1, 99])
def test_what_changes_a_message_names_one(pair, kind, body, ref):
    a, _, _, conv = pair
    more = {} if ref is None else {"k8": ref}
    code = (wire.MALFORMED, wire.UNKNOWN)
    refused_for_good(a, code, kind, conv, *([] if body is None else [body]), **more)


@pytest.mark.parametrize("kind, body", [(90, {1: "d", 2: 1}), (71, {1: b"\0" * 32})])
def test_unsupported_without_a_number(pair, kind, body):
    a, *_ = pair
    with WORLD:
        start = len(a.free_nacks)
        a.say(kind, body=body)
    a.barrier()
    assert [r[3] for r in a.free_nacks[start:]] == [wire.UNSUPPORTED]


def test_expired(pair):
    a, _, _, conv = pair
    refused_for_good(a, wire.EXPIRED, wire.MSG, conv, {1: "x"}, k5=5000, k7=1)
    a.ok(wire.MSG, conv, {1: "x"}, k5=5000, k7=60)


def test_a_durable_kind_without_n_and_another_with_one_are_malformed(pair):
    a, _, _, conv = pair
    for command in ({1: wire.MSG, 3: conv, 10: {1: "x"}}, {1: wire.HEADS, 2: a.next_n}):
        before = len(a.replies)
        a.publish_wait(a.topic("up"), wire.dumps(command))
        a.barrier()
        assert [r[3] for r in a.replies[before:] if r[1] == wire.NACK] == [wire.MALFORMED]


def test_rate_is_refused_for_now_and_go_back_n_gets_it_all_through(make_hub):
    w = make_hub(options={"commands_per_s": 20})
    a = w.on("ann", batch=64)
    scope, conv = w.open(a)
    with WORLD:
        for _ in range(3):
            a.send([a.compose(wire.MSG, conv, {1: "x"}) for _ in range(50)])
    wait_for(a.drained, 30, "all through in the end")
    rate = [r for r in a.replies if r[1] == wire.NACK and r[3] == wire.RATE]
    assert rate and all(r[5] is True for r in rate)
    others = {r[3] for r in a.replies if r[1] == wire.NACK} - {wire.RATE, wire.GAP}
    assert not others, "what follows a refusal in the same batch is a gap"
    a.sync(conv, 151)


def test_a_flood_is_answered_busy_and_nothing_is_lost(make_hub):
    w = make_hub(options={"ring_in_kb": 1024, "commands_per_s": 100000})
    a = w.on("ann", auto=False)
    scope, conv = w.open(a)
    numbers = []
    for _ in range(30):
        with WORLD:
            for _ in range(16):
                part = [a.compose(wire.MSG, conv, {1: "x" * 15000}) for _ in range(16)]
                numbers += part
                a.send(part)
        a.barrier(30)
        if any(r[1] == wire.NACK and r[3] == wire.BUSY for r in a.replies):
            break
    busy = [r for r in a.replies if r[1] == wire.NACK and r[3] == wire.BUSY]
    assert busy, "never busy"
    assert all(r[5] is True for r in busy)
    with WORLD:
        a.auto = True
    wait_for(a.drained, 60, "all through in the end")
    events = w.on("ann", auto=False).history(conv)
    assert [ev[2] for ev in events] == [1, *numbers]


def fill(a, conv, limit=20000):
    """Writes until the hub says full; returns that nack."""
    for _ in range(limit // 16):
        with WORLD:
            numbers = [a.compose(wire.MSG, conv, {1: os.urandom(4000).hex()}) for _ in range(16)]
            a.send(numbers)
        for n in numbers:
            got = a.wait_result(n, 20)
            if isinstance(got, dict):
                return got
    raise AssertionError("never full")


def full_and_on_again(w, make_room):
    """Full is told, may be retried, reads go on, and with room again the same command is taken."""
    a, b = w.on("ann", auto=False), w.on("bob", auto=False)
    scope, conv = w.open(a)
    b.drop()
    nack = fill(a, conv)
    assert nack[3] == wire.FULL and nack[5] is True, nack
    taken = [r for r in w.oracle.acks.values()]
    assert len(a.history(conv)) == len(taken), "reads go on, and only what was acked is there"
    assert b.start().welcome, "who comes online is served"
    assert a.connected
    make_room()
    n = min(a.outbox)
    a.drop()
    a.start()
    assert a.welcome[5] == n
    with WORLD:
        a.auto = True
        a.results.clear()
        a.send_from(0)
    wait_for(a.drained, 30, "work resumes")
    assert len(w.on("ann", auto=False).history(conv)) == len(w.oracle.acks)
    w.oracle.check(read_store(w.broker.db))


def test_full_by_the_page_quota(make_hub):
    w = make_hub(options={"db_max_mb": 2, "commands_per_s": 100000})

    def more_quota():
        w.broker.stop()
        w.broker.options["db_max_mb"] = 64
        w.broker.start()
    full_and_on_again(w, more_quota)


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 16 MiB, mounted and unmounted here."""
    where = tmp_path / "disk"
    where.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(where)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount a tmpfs: {done.stderr.strip()}")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


@pytest.mark.limit(120)
def test_full_by_a_full_disk(make_hub, small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * (8 << 20))
    w = make_hub(db=small_disk / "fieldpost.db", options={"commands_per_s": 100000})
    full_and_on_again(w, ballast.unlink)
    assert w.broker.alive()
    w.close(check=False)
    w.broker.stop()


def test_answers_are_the_same_after_a_restart(make_hub):
    w = make_hub()
    a, b = w.on("ann", auto=False), w.on("bob", auto=False)
    scope, conv = w.open(a, {"bob": wire.OBSERVER})
    row = a.msg(conv, "x")
    refusals = [b.no(wire.DENIED, wire.MSG, conv, {1: "x"}), b.no(wire.UNKNOWN, wire.MSG, "nowhere", {1: "x"}),
                b.no(wire.UNSUPPORTED, wire.STATE_SET, None, {1: scope, 2: "k", 3: 1}), b.no(wire.EXPIRED, wire.MSG, conv, {1: "x"}, k5=9000, k7=1)]
    a.ok(wire.MEMBER_ROLE, conv, {1: "bob", 2: wire.MEMBER})
    for stop in (w.broker.kill, w.broker.stop):
        stop()
        w.broker.start()
        a.start()
        b.start()
        assert resend(a, row[0]) == row
        for nack in refusals:
            assert resend(b, nack[2]) == nack, "the first answer again, though he may write by now"
    assert a.welcome[5] == 4 and b.welcome[5] == 5
    b.msg(conv, "now he may")


def test_too_late_when_the_old_answer_is_pruned(make_hub):
    w = make_hub(options={"answers_days": 30})
    a = w.on("ann", auto=False)
    scope, conv = w.open(a)
    rows = [a.msg(conv, str(i)) for i in range(5)]
    w.broker.stop()
    db = sqlite3.connect(w.broker.db)
    with db:
        db.execute("UPDATE answers SET at = at - ?", (31 * 24 * 3600 * 1000,))
    db.close()
    w.broker.start()
    a.start()
    end = time.monotonic() + 20
    while (got := resend(a, rows[0][0])) == rows[0]:
        assert time.monotonic() < end, "old answers are not pruned"
    assert got[3] == wire.TOO_LATE and got[2] == rows[0][0] and got.get(5, False) is False
    assert resend(a, rows[-1][0]) == rows[-1], "each device's last answer is kept"
    assert a.msg(conv, "and on")[0] == rows[-1][0] + 1
    assert [ev[16] for ev in a.history(conv)] == list(range(1, 8)), "the event itself stays"
