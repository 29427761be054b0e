"""What was said is changed: edits, deletes, redactions, reactions, confirmations; the chain holds through all of it."""
import secrets
import sqlite3
from contextlib import closing

import pytest

import chain
import wire
from oracle import read_store
from reactor import WORLD, wait_for

REDACTED_WITHIN = 5.0


@pytest.fixture
def pair(world):
    """Owner ann and member bob, each on a device that hears everything, and a conversation."""
    return two(world, *world.users("ann", "bob"))


def two(world, ann, bob):
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    for d in (a, b):
        world.watch(d, scope)
    return a, b, conv


def event(device, conv, seq):
    """As it arrived, in order."""
    device.sync(conv, seq)
    return device.convs[conv].log[seq - 1]


def digest(device, conv, seq):
    with WORLD:
        start = len(device.replies)
        device.say(wire.DIGEST, conv, {1: seq})
    (r,) = wait_for(lambda: [r for r in device.replies[start:] if r[1] == wire.REPORT], 10, f"the digest of {conv} at {seq}")
    assert (r[2], r[4], r[5]) == (wire.DIGEST, conv, seq)
    return r[3]


def chain_holds(world, device, conv):
    events = read_store(world.broker.db)[conv]
    assert digest(device, conv, len(events)) == chain.over(events)[-1] == chain.over(device.history(conv))[-1]


# -------------------------------------------------------- edits and deletes
def test_the_second_of_two_edits_of_one_version_is_kept_and_lost(world, pair):
    a, b, conv = pair
    other = world.on(a.user)
    seq = a.msg(conv, "one")[2]
    won = a.ok(wire.EDIT, conv, {1: "two"}, k8=seq, k9=seq)[2]
    lost = other.ok(wire.EDIT, conv, {1: "three"}, k8=seq, k9=seq)[2]
    for d in (a, b, other):
        first, second = event(d, conv, won), event(d, conv, lost)
        assert (first[9], first.get(20, 0) & wire.FLAG_CONFLICT) == (won, 0)
        assert (second[9], second[20] & wire.FLAG_CONFLICT, second[10]) == (won, wire.FLAG_CONFLICT, {1: "three"})
    again = other.ok(wire.EDIT, conv, {1: "four"}, k8=seq, k9=won)[2]
    blind = a.ok(wire.EDIT, conv, {1: "five"}, k8=seq)[2]
    assert [event(b, conv, s)[9] for s in (again, blind)] == [again, blind], "one that knew the version, one that did not care"
    b.no(wire.DENIED, wire.EDIT, conv, {1: "mine"}, k8=seq)
    chain_holds(world, b, conv)


def test_a_delete_beats_an_edit_that_had_not_seen_it(world, pair):
    a, b, conv = pair
    other = world.on(b.user)
    seq = b.msg(conv, "gone soon")[2]
    dead = a.ok(wire.DELETE, conv, k8=seq, k9=99)[2]
    lost = other.ok(wire.EDIT, conv, {1: "no, this"}, k8=seq, k9=seq)[2]
    assert event(a, conv, lost)[20] & wire.FLAG_CONFLICT and event(a, conv, lost)[9] == dead == event(b, conv, dead)[9]
    a.no(wire.CONFLICT, wire.DELETE, conv, k8=seq)
    mine = a.msg(conv, "not his")[2]
    b.no(wire.DENIED, wire.DELETE, conv, k8=mine)
    assert [ev[16] for ev in a.history(conv)] == list(range(1, mine + 1)), "no seq is missing"
    chain_holds(world, a, conv)


def test_a_page_leaves_out_what_was_superseded_and_the_live_event_does_not(world, pair):
    a, b, conv = pair
    seqs = [a.msg(conv, f"m{i}")[2] for i in range(3)]
    edit = a.ok(wire.EDIT, conv, {1: "m0, better"}, k8=seqs[0])[2]
    a.ok(wire.DELETE, conv, k8=seqs[1])
    page = {ev[16]: ev for ev in b.history(conv)}
    for i in (0, 1):
        assert page[seqs[i]][10] is None and page[seqs[i]][23] == chain.body_hash({10: {1: f"m{i}"}})
        assert event(b, conv, seqs[i])[10] == {1: f"m{i}"}
    assert page[seqs[2]][10] == {1: "m2"} and page[edit][10] == {1: "m0, better"}
    chain_holds(world, b, conv)


def test_who_answers_what_has_changed_since_is_stale(world, pair):
    a, b, conv = pair
    seq = a.msg(conv, "at nine")[2]
    edit = a.ok(wire.EDIT, conv, {1: "at ten"}, k8=seq)[2]
    blind = b.ok(wire.MSG, conv, {1: "fine"}, seen=seq, k8=seq)[2]
    knew = b.ok(wire.MSG, conv, {1: "fine"}, seen=edit, k8=seq)[2]
    about = a.ok(wire.CONV_SET, conv, {2: "Another title"})[2]
    untold = b.ok(wire.MSG, conv, {1: "as I said"}, seen=about - 1)[2]
    told = b.ok(wire.MSG, conv, {1: "as I said"}, seen=about)[2]
    flags = [event(a, conv, s).get(20, 0) & wire.FLAG_STALE for s in (blind, knew, untold, told)]
    assert flags == [wire.FLAG_STALE, 0, wire.FLAG_STALE, 0]


def test_what_has_a_ttl_is_deleted_by_the_hub(world, pair):
    a, b, conv = pair
    seq = a.ok(wire.MSG, conv, {1: "for a second"}, k7=1)[2]
    gone = event(b, conv, seq + 1)
    assert (gone[1], gone[8], gone[9], gone[18], gone[19]) == (wire.DELETE, seq, seq + 1, wire.HUB, wire.HUB) and gone[20] & wire.FLAG_HUB
    a.no(wire.CONFLICT, wire.DELETE, conv, k8=seq)
    chain_holds(world, b, conv)


def test_reactions_and_confirmations(world, pair):
    a, b, conv = pair
    seq = a.ok(wire.MSG, conv, {1: "helmets on", 6: True})[2]
    plain = a.msg(conv, "tea")[2]
    assert event(b, conv, seq)[20] & wire.FLAG_CONFIRM and not event(b, conv, plain).get(20, 0) & wire.FLAG_CONFIRM
    react = b.ok(wire.REACT, conv, {1: "+"}, k8=seq)[2]
    back = b.ok(wire.REACT, conv, {1: "+", 2: True}, k8=seq)[2]
    confirm = b.ok(wire.CONFIRM, conv, k8=seq)[2]
    assert [(event(a, conv, s)[1], event(a, conv, s)[8]) for s in (react, back, confirm)] == [(wire.REACT, seq)] * 2 + [(wire.CONFIRM, seq)]
    world.on(b.user).no(wire.CONFLICT, wire.CONFIRM, conv, k8=seq)
    assert isinstance(b.call(wire.CONFIRM, conv, k8=plain), dict), "nobody asked for it"
    chain_holds(world, a, conv)


# -------------------------------------------------------- the chain
def test_bisection_finds_the_first_difference_of_two_histories(world, pair, chance):
    a, b, conv = pair
    last = [a.submit(wire.MSG, conv, {1: f"event {i}"}) for i in range(40)][-1]
    head = a.wait_result(last)[2]
    true = b.history(conv)
    wrong = chance.randrange(5, head)
    mine = chain.over([{**ev, 10: {1: "I said no such thing"}} if ev[16] == wrong else ev for ev in true])
    low, high, asked = 0, head, 0  # the histories agree at low, and differ at high
    while high - low > 1:
        middle = (low + high) // 2
        asked += 1
        same = digest(b, conv, middle) == mine[middle - 1]
        low, high = (middle, high) if same else (low, middle)
    assert high == wrong and asked <= 6
    assert digest(b, conv, wrong - 1) == chain.over(true)[wrong - 2]


# -------------------------------------------------------- redaction
def files_with(world, marker):
    """Names of the files in the database's folder that hold these bytes."""
    found = []
    for path in world.broker.db.parent.iterdir():
        if path.is_file():
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # a journal that ended meanwhile
                continue
            if marker.encode() in data:
                found.append(path.name)
    return found


def said_and_edited(a, conv, marker):
    """A message between others that was edited twice, each with the marker in it; returns its seq."""
    a.msg(conv, "before")
    seq = a.msg(conv, f"it is {marker} " + "x" * 3000)[2]
    for word in ("edited", "again"):
        a.ok(wire.EDIT, conv, {1: f"{word}: {marker}"}, k8=seq)
    a.msg(conv, "after")
    return seq


def hashes_stay(device, conv, seq):
    for ev in device.history(conv):
        if ev[16] == seq or (ev[1] == wire.EDIT and ev[8] == seq):
            assert ev[10] is None and ev[20] & wire.FLAG_REDACTED and len(ev[23]) == 32


def test_what_is_redacted_is_in_no_file_of_the_database(make_hub):
    w = make_hub()
    a, b, conv = two(w, "ann", "bob")
    marker = secrets.token_hex(16)
    seq = said_and_edited(a, conv, marker)
    assert files_with(w, marker), "the search finds it while it is there"
    with closing(sqlite3.connect(f"file:{w.broker.db}?mode=ro", uri=True)) as reader:
        assert reader.execute("SELECT count(*) FROM event").fetchone()[0] > 0
        b.no(wire.DENIED, wire.REDACT, conv, {}, k8=seq)
        a.ok(wire.REDACT, conv, {1: "a name"}, k8=seq)
        wait_for(lambda: not files_with(w, marker), REDACTED_WITHIN, lambda: f"the marker is gone; still in {files_with(w, marker)}")
        assert reader.execute("SELECT count(*) FROM event").fetchone()[0] > 0
    hashes_stay(b, conv, seq)
    a.no(wire.CONFLICT, wire.REDACT, conv, {}, k8=seq)
    chain_holds(w, b, conv)
    a.msg(conv, "life goes on")
    w.close()


@pytest.mark.limit(120)
def test_a_redaction_that_was_acked_survives_kill_9(make_hub):
    w = make_hub()
    a, b, conv = two(w, "ann", "bob")
    for _ in range(3):
        marker = secrets.token_hex(16)
        seq = said_and_edited(a, conv, marker)
        a.ok(wire.REDACT, conv, {}, k8=seq)
        w.broker.kill()
        w.broker.start()
        wait_for(lambda: a.welcomed and b.welcomed, 20, "both are back")
        wait_for(lambda: not files_with(w, marker), 4 * REDACTED_WITHIN, lambda: f"the marker is gone; still in {files_with(w, marker)}")
        hashes_stay(b, conv, seq)
        chain_holds(w, b, conv)
    w.close()
