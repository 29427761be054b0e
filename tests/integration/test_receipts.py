"""Horizons: what a member is shown of the others, what his own devices are told, and that none of it goes back."""
import os
import sqlite3
import time
from contextlib import closing

import pytest

import wire
from oracle import id_blob
from reactor import WORLD, wait_for

KILLS = int(os.environ.get("FIELDPOST_RECEIPT_KILLS", "5"))
RECEIPTS_A_KILL = 10


@pytest.fixture
def trio(world):
    """ann watches; bob has two devices."""
    ann, bob = world.users("ann", "bob")
    a = world.on(ann)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    world.watch(a, scope)
    return a, world.on(bob), world.on(bob), scope, conv


def topic(scope, conv):
    return f"fp/1/scope/{scope}/conv/{conv}/receipts"


def vectors(device, scope, conv):
    return [wire.decode(m.payload) for m in device.on_topic(topic(scope, conv))]


def shown(device, scope, conv, user, row, timeout=10):
    """Waits until this device is shown this user there."""
    wait_for(lambda: [v.get(user) for v in vectors(device, scope, conv)][-1:] == [row], timeout,
             lambda: f"{user} at {row}, not {vectors(device, scope, conv)[-1:]}")


def say_more(device, conv, count):
    """So many messages; the last one's seq."""
    last = [device.submit(wire.MSG, conv, {1: str(i)}) for i in range(count)][-1]
    return device.wait_result(last)[2]


def own(device):
    """His own horizons, as this device was told."""
    out = {}
    for m in device.inbox:
        if m[1] == wire.IN_OWN:
            out.update(m[2])
    return out


def heads(device):
    """conversation -> (his own read, unread), asked for anew."""
    with WORLD:
        before = len(device.welcomes)
        device.say(wire.HEADS)
    wait_for(lambda: len(device.welcomes) > before, 10, f"{device.device}: heads")
    return {row[0]: (row[4], row[5]) for row in device.welcomes[before][6]}


def readers(device, conv, seq):
    with WORLD:
        start = len(device.replies)
        device.say(wire.READERS, conv, k8=seq)
    (r,) = wait_for(lambda: [r for r in device.replies[start:] if r[1] == wire.REPORT], 10, "who has read it")
    assert (r[2], r[4], r[5]) == (wire.READERS, conv, seq)
    return r[3]


# -------------------------------------------------------- who is told what
def test_the_vector_is_retained_and_never_goes_back(world, trio):
    a, b, b2, scope, conv = trio
    head = say_more(a, conv, 5)
    b.say(wire.RECEIPT, body={conv: [head, head - 1]})
    shown(a, scope, conv, b.user, [head, head - 1])
    b2.say(wire.RECEIPT, body={conv: [head - 3]})
    b2.say(wire.RECEIPT, body={conv: [head - 2, head]})
    shown(a, scope, conv, b.user, [head, head])
    late = world.on(a.user, auto=False)
    world.watch(late, scope)
    m = late.wait_message(lambda m: m.topic == topic(scope, conv) and m.retain, what="the retained vector")
    assert wire.decode(m.payload)[b.user] == [head, head]


def test_a_receipt_above_the_head_counts_for_nothing(trio):
    a, b, _, _, conv = trio
    head = say_more(a, conv, 2)
    with WORLD:
        start = len(b.free_nacks)
    b.say(wire.RECEIPT, body={conv: [head + 1, head]})
    wait_for(lambda: b.free_nacks[start:], 10, "the nack")
    assert [r[3] for r in b.free_nacks[start:]] == [wire.CONFLICT]
    assert heads(b)[conv] == (0, 2)


def test_many_receipts_are_told_at_most_twice_a_second(trio):
    a, b, _, scope, conv = trio
    head = say_more(a, conv, 120)
    before, start = len(vectors(a, scope, conv)), time.monotonic()
    for seq in range(1, head + 1):
        b.say(wire.RECEIPT, body={conv: [seq, seq]})
    shown(a, scope, conv, b.user, [head, head], 30)
    told, took = len(vectors(a, scope, conv)) - before, time.monotonic() - start
    assert 1 <= told <= 2 + 2 * took, f"{told} vectors in {took:.2f} s"
    assert told < head / 2


def test_his_other_device_is_told_and_a_private_read_is_his_own(trio):
    a, b, b2, scope, conv = trio
    head = say_more(a, conv, 4)
    b.say(wire.RECEIPT, body={conv: [head, head, True]})
    wait_for(lambda: own(b2).get(conv) == [head, head], 10, lambda: f"his own horizons, not {own(b2)}")
    shown(a, scope, conv, b.user, [head, 0])
    assert heads(b)[conv] == heads(b2)[conv] == (head, 0)
    assert readers(a, conv, head)[b.user][1] is None and not own(a)
    b.say(wire.RECEIPT, body={conv: [head, head]})
    shown(a, scope, conv, b.user, [head, head])


def test_readers_of_a_message(trio):
    a, b, _, scope, conv = trio
    seq = a.ok(wire.MSG, conv, {1: "helmets on", 6: True})[2]
    assert readers(a, conv, seq) == {b.user: [None, None, None]}
    b.say(wire.RECEIPT, body={conv: [seq]})
    shown(a, scope, conv, b.user, [seq, 0])
    delivered, read, confirmed = readers(a, conv, seq)[b.user]
    assert delivered > 10**12 and read is None and confirmed is None
    b.say(wire.RECEIPT, body={conv: [seq, seq]})
    at = b.ok(wire.CONFIRM, conv, k8=seq)[3]
    shown(a, scope, conv, b.user, [seq, seq])
    row = readers(a, conv, seq)[b.user]
    assert row[0] == delivered <= row[1] and row[2] == at


# -------------------------------------------------------- unread
def test_unread_is_the_same_on_all_devices_and_equal_to_a_recount(world, trio, chance):
    a, b, b2, _scope, conv = trio
    devices = {a.user: [a, world.on(a.user)], b.user: [b, b2]}
    read = dict.fromkeys(devices, 0)
    for step in range(60):
        user = chance.choice(list(devices))
        d = chance.choice(devices[user])
        act = chance.random()
        mine = [ev[16] for ev in d.convs[conv].log if ev[1] == wire.MSG and ev[18] == user]
        if act < 0.5 or d.convs[conv].head == 0:
            d.msg(conv, str(step))
        elif act < 0.6 and mine:
            d.call(chance.choice((wire.EDIT, wire.DELETE)), conv, {1: "other"}, k8=chance.choice(mine))
        elif act < 0.65:
            d.ok(wire.REACT, conv, {1: "+"}, k8=d.msg(conv, "react to this")[2])
        else:
            upto = chance.randint(0, d.convs[conv].head)
            d.say(wire.RECEIPT, body={conv: [upto, upto, *([True] if chance.random() < 0.3 else [])]})
            read[user] = max(read[user], upto)
    for d in (*devices[a.user], b, b2):
        d.barrier()
    log = a.history(conv)
    for user, both in devices.items():
        theirs = [ev[16] for ev in log if ev[1] == wire.MSG and ev[18] != user]
        counts = [heads(d)[conv] for d in both]
        assert counts[0] == counts[1], f"{user}: two devices, two answers"
        assert counts[0] == (read[user], sum(seq > read[user] for seq in theirs)), f"{user} has read up to {read[user]}"


# -------------------------------------------------------- kill -9
def stored(db, user):
    """[delivered, read] as the others may know it."""
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=10)) as store:
        rows = store.execute("SELECT shown_delivered, shown_read FROM receipt WHERE user = ?", (id_blob(user),)).fetchall()
    return list(rows[0]) if rows else [0, 0]


def covers(row, told):
    return row[0] >= told[0] and row[1] >= told[1]


@pytest.mark.limit(120)
def test_delivered_that_anyone_saw_survives_kill_9(make_hub, chance):
    w = make_hub()
    a, watcher = w.on("ann"), w.on("ann")
    scope, conv = w.open(a, {"bob": wire.MEMBER})
    w.watch(watcher, scope)
    seq = say_more(a, conv, KILLS * RECEIPTS_A_KILL) - KILLS * RECEIPTS_A_KILL
    for _ in range(KILLS):
        for _ in range(RECEIPTS_A_KILL):
            seq += 1
            short = w.on("bob", "phone", auto=False)
            short.say(wire.RECEIPT, body={conv: [seq]})
            if chance.random() < 0.5:
                short.barrier()
            short.drop()
        if chance.random() < 0.7:  # told, so that there is something to lose
            wait_for(lambda: w.oracle.horizons.get((conv, "bob"), [0, 0])[0] > 0, 10, "bob is shown")
        w.broker.kill()
        with WORLD:
            told = w.oracle.horizons.get((conv, "bob"), [0, 0])
        assert covers(stored(w.broker.db, "bob"), told), "what was told is on disk"
        w.broker.start()
        wait_for(lambda: watcher.welcomed, 20, "the watcher is back")
        late = w.on("ann", auto=False)
        w.watch(late, scope)
        if told != [0, 0]:
            m = late.wait_message(lambda m: m.topic == topic(scope, conv) and m.retain, what="the retained vector")
            assert covers(wire.decode(m.payload)["bob"], told)
    assert w.oracle.horizons[conv, "bob"][0] > 0
    for d in (watcher, *w.clients):
        rows = [v["bob"] for v in vectors(d, scope, conv) if "bob" in v]
        assert rows == sorted(rows), f"{d.device} saw it go back: {rows}"
    w.close()
