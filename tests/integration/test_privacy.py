"""What nobody may learn: of who hides, and of a conversation that one was removed from."""
import shutil

import pytest

import people
import wire
from reactor import WORLD, wait_for

# -------------------------------------------------------------------- who hides


def masked(value):
    """The hub's times and hashes, which two runs cannot have in common, are replaced."""
    if isinstance(value, dict):
        return {k: masked(v) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(v) for v in value]
    if type(value) is int and value > 10**12:
        return 10**12
    return b"" if isinstance(value, bytes) and len(value) == 32 else value


def heard(device):
    """What arrived, topic by topic, in the order of each topic; but not the answers to our own barriers."""
    out = {}
    with WORLD:
        for m in device.messages:
            payload = m.payload
            if not m.topic.endswith("/status"):
                value = wire.decode(payload)
                if m.topic.endswith("/down") and value[1] == wire.TIME_REPLY:
                    continue
                payload = wire.dumps(masked(value))
            out.setdefault(m.topic, []).append((payload, m.qos, m.retain))
    return out


class Run:
    """One hub on a copy of the same database: Bob, from whom Ann hides, and Cid, who shares another scope with her."""

    def __init__(self, world, names):
        self.w, self.n = world, names
        self.bob = world.on(names["bob"], "d-bob", auto=False)
        self.cid = world.on(names["cid"], "d-cid", auto=False)

    def bob_looks(self):
        n, b = self.n, self.bob
        b.subscribe(f"fp/1/scope/{n['shared']}/conv/+/+", f"fp/1/scope/{n['shared']}/presence", "fp/1/device/d-ann/status")
        people.watch(b, n["ann"], n["cid"])
        b.barrier()

    def ann_is_busy(self):
        """Online, typing, reading, here and there."""
        n = self.n
        ann = self.w.on(n["ann"], "d-ann", auto=False)
        for conv in ("room", "office"):
            people.types(ann, n[conv])
            ann.say(wire.RECEIPT, body={n[conv]: [3, 3]})
            ann.barrier()
        people.activity(ann, people.SAYS_BUSY)
        people.watch(ann, n["bob"], n["cid"])
        ann.say(people.STATUS, body={1: "in the office"})
        ann.barrier()
        people.watch(self.cid, n["ann"])
        people.wait_state(self.cid, n["ann"], people.BUSY)
        return ann

    def cid_talks(self, text):
        """Step by step, so that Bob is told the same however fast the machine is."""
        n, b, c = self.n, self.bob, self.cid
        for conv in ("room", "office"):
            people.types(c, n[conv])
        people.wait_typists(b, n["shared"], n["room"], [n["cid"]])
        for conv in ("office", "room"):
            seq = c.msg(n[conv], text)[2]
            c.say(wire.RECEIPT, body={n[conv]: [seq, seq]})
        people.wait_typists(b, n["shared"], n["room"], [])
        receipts = f"fp/1/scope/{n['shared']}/conv/{n['room']}/receipts"
        wait_for(lambda: [wire.decode(m.payload).get(n["cid"]) for m in b.on_topic(receipts)][-1:] == [[seq, seq]], 10, "Cid has read it")


def database(make_hub):
    """Three people, two scopes; Ann hides from Bob. Returns the file and the names."""
    n = {"ann": "ann", "bob": "bob", "cid": "cid", "shared": "yard", "room": "room", "other": "office-scope", "office": "office"}
    w = make_hub("seed")
    c = w.on("cid", "d-cid", auto=False)
    w.on("bob", "d-bob", auto=False)
    w.open(c, {"ann": wire.MEMBER, "bob": wire.MEMBER}, n["shared"], conv=n["room"])
    w.open(c, {"ann": wire.MEMBER}, n["other"], conv=n["office"])
    for conv in ("room", "office"):
        c.msg(conv, "one")
        c.msg(conv, "two")
    a = w.on("ann", "d-ann", auto=False)
    people.hide(a, ["bob", people.HIDDEN])
    a.say(wire.BYE)
    a.barrier()
    w.broker.stop()
    w.close(check=False)
    return w.broker.db, n


@pytest.mark.limit(120)
def test_a_hidden_user_who_is_busy_looks_like_one_who_is_offline(make_hub):
    db, names = database(make_hub)
    runs = []
    for name in ("busy", "offline"):
        copy = db.parent.parent / f"{name}.db"
        shutil.copy(db, copy)
        runs.append(Run(make_hub(name, db=copy), names))
    busy, offline = runs
    for r in runs:
        r.bob_looks()
    ann = busy.ann_is_busy()
    for r in runs:
        r.cid_talks("hello")
        people.wait_digest(r.bob, names["shared"], {"bob": people.ACTIVE, "cid": people.ACTIVE}, timeout=40)
    people.types(ann, names["room"])
    ann.say(wire.RECEIPT, body={names["room"]: [4, 4]})
    people.activity(ann, people.SAYS_AWAY)
    ann.say(wire.BYE)
    ann.barrier()
    ann.drop()  # with her will
    for r in runs:
        r.cid_talks("and again")
        people.activity(r.cid, people.SAYS_BUSY)
        people.wait_state(r.bob, "cid", people.BUSY)
        people.wait_digest(r.bob, names["shared"], {"bob": people.ACTIVE, "cid": people.BUSY}, timeout=20)
        r.bob.barrier()
    one, two = heard(busy.bob), heard(offline.bob)
    assert people.seen(busy.bob, "ann") == people.GONE
    for topic in sorted({*one, *two}):
        assert one.get(topic) == two.get(topic), topic


# -------------------------------------------------------------------- who was removed

def test_after_removal_no_receipts_and_no_typing(world):
    ann, bob, cid = world.users("ann", "bob", "cid")
    a, b, c = world.on(ann, auto=False), world.on(bob, auto=False), world.on(cid, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER, cid: wire.MEMBER})
    for d in (b, c):
        world.watch(d, scope)
    seq = a.msg(conv, "open")[2]
    a.say(wire.RECEIPT, body={conv: [seq, seq]})
    people.types(a, conv)
    live = [f"fp/1/scope/{scope}/conv/{conv}/{leaf}" for leaf in ("receipts", "typing")]
    wait_for(lambda: all(b.on_topic(t) for t in live), 10, "receipts and typing, while he is a member")
    a.ok(wire.MEMBER_REMOVE, conv, {1: bob})
    b.barrier()
    before, shown = [len(b.on_topic(t)) for t in live], [len(c.on_topic(t)) for t in live]
    seq = a.msg(conv, "secret")[2]
    a.say(wire.RECEIPT, body={conv: [seq, seq]})
    people.types(a, conv)
    wait_for(lambda: all(len(c.on_topic(t)) > k for t, k in zip(live, shown)), 10, "who is still a member gets both")
    b.barrier()
    assert [len(b.on_topic(t)) for t in live] == before
    assert b.subscribe(*live) == [128, 128]


def test_a_restored_session_gets_no_receipts_and_no_typing_from_after_the_removal(make_hub):
    w = make_hub(lines=["queue_qos0_messages true"])
    a, b, c = w.on("ann", auto=False), w.on("bob", auto=False, clean=False), w.on("cid", auto=False)
    scope, conv = w.open(a, {"bob": wire.MEMBER, "cid": wire.MEMBER})
    for d in (b, c):
        w.watch(d, scope)
    b.barrier()
    b.drop()
    removal = a.ok(wire.MEMBER_REMOVE, conv, {1: "bob"})[2]
    live = [f"fp/1/scope/{scope}/conv/{conv}/{leaf}" for leaf in ("receipts", "typing")]
    seq = a.msg(conv, "secret")[2]
    a.say(wire.RECEIPT, body={conv: [seq, seq]})
    people.types(a, conv)
    wait_for(lambda: all(c.on_topic(t) for t in live), 10, "who is still a member gets both")
    a.barrier()
    b.connect()
    assert b.session_present
    b.hello()
    b.barrier()
    assert [m.topic for m in b.messages if m.topic in live] == []
    assert [(ch, s) for ch, cv, s in b.arrived if cv == conv and s > removal] == []
