"""Who may read and subscribe to what; and that nothing reaches who may not have it."""
import pytest

import wire
from conftest import World
from reactor import WORLD, wait_for

# -------------------------------------------------------------------- SUBSCRIBE

ALLOWED = [
    "fp/1/device/{d}/down", "fp/1/device/{d}/status",
    "fp/1/user/{u}/inbox", "fp/1/user/{u}/presence", "fp/1/user/{u}/+",
    "fp/1/scope/{s}/conv/{c}/event", "fp/1/scope/{s}/conv/{c}/head", "fp/1/scope/{s}/conv/{c}/about",
    "fp/1/scope/{s}/conv/{c}/receipts", "fp/1/scope/{s}/conv/{c}/typing", "fp/1/scope/{s}/conv/{c}/+",
    "fp/1/scope/{s}/conv/+/event", "fp/1/scope/{s}/conv/+/+", "fp/1/scope/{s}/presence",
]
REFUSED = [
    "fp", "fp/1", "fp/#", "fp/1/#", "fp/2/device/{d}/down", "fp/+/device/{d}/down",
    "fp/1/device/{d}/#", "fp/1/device/{d}/+", "fp/1/device/{d}/up", "fp/1/device/{o}/down", "fp/1/device/{o}/up", "fp/1/device/+/down",
    "fp/1/user/+/inbox", "fp/1/user/{other}/inbox", "fp/1/user/{other}/+", "fp/1/user/{u}/#",
    "fp/1/scope/+/conv/+/event", "fp/1/scope/+/conv/{c}/event", "fp/1/scope/{foreign}/conv/+/event", "fp/1/scope/{foreign}/conv/+/+",
    "fp/1/scope/{s}/#", "fp/1/scope/{s}/conv/#", "fp/1/scope/{s}/+/{c}/event",
    "fp/1/scope/{s}/conv/{c}", "fp/1/scope/{s}/conv/{c}/event/more", "fp/1/scope/{s}/conv/{c}/other",
    "fp/1/relay/r1/up", "fp/1/relay/r1/down", "fp/1/relay/#", "fp/1/ops/hub", "fp/1/ops/#",
    "$share/g/fp/1/scope/{s}/conv/+/event", "$share/g/fp/1/device/{d}/down",
]


@pytest.fixture(scope="module")
def reader(shared_hub):
    w = World(shared_hub)
    d, other = w.on(w.name("ann"), auto=False), w.on(w.name("other"), auto=False)
    scope, conv = w.open(d)
    foreign, _ = w.open(other)
    yield w, d, {"d": d.device, "u": d.user, "s": scope, "c": conv, "foreign": foreign, "o": other.device, "other": other.user}
    w.close()


@pytest.mark.parametrize("pattern", ALLOWED)
def test_filters_that_a_template_covers_are_granted(reader, pattern):
    _, d, names = reader
    assert d.subscribe(pattern.format(**names)) == [1]


@pytest.mark.parametrize("pattern", REFUSED)
def test_other_filters_below_fp_are_refused(reader, pattern):
    _, d, names = reader
    assert d.subscribe(pattern.format(**names)) == [128]
    assert d.connected


def test_an_operator_reads_ops_and_nobody_else(world):
    op, ann = world.on("op", auto=False), world.on(world.name("ann"), auto=False)
    assert op.subscribe("fp/1/ops/#") == [1]
    assert ann.subscribe("fp/1/ops/#") == [128]
    ann.subscribe("#")
    op.wait_message(lambda m: m.topic.startswith("fp/1/ops/"), what="a word from the hub to its operators")
    ann.barrier()
    assert not [m for m in ann.messages if m.topic.startswith("fp/1/ops/")]


def test_an_operator_is_told_how_long_things_take_what_is_wrong_and_who_came_and_went(world):
    op, ann = world.on("op", auto=False), world.on(world.name("ann"))
    world.open(ann)
    op.subscribe("fp/1/ops/#")

    def told(name, is_it):
        m = op.wait_message(lambda m: m.topic == f"fp/1/ops/{name}" and is_it(wire.decode(m.payload)), what=f"fp/1/ops/{name}")
        return wire.decode(m.payload)

    told("times", lambda t: sum(t["commit_us"]) > 0 and sum(t["answer_us"]) > 0)
    disk = told("disk", lambda d: d["db_bytes"] > 0)
    assert disk["free_bytes"] > 0 and disk["quota_bytes"] >= disk["db_bytes"] and disk["percent"] <= 100
    assert isinstance(told("alerts", lambda _: True), list)
    story = told("conns", lambda c: any(e["device"] == ann.device and e["what"] == "connected" for e in c))
    assert len(story) <= 64 and [e["at"] for e in story] == sorted(e["at"] for e in story)
    ann.disconnect()
    told("conns", lambda c: any(e["device"] == ann.device and e["what"] in ("lost", "left") for e in c))


# -------------------------------------------------------------------- delivery

def test_a_stranger_gets_nothing_through_wide_filters(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    eve, nobody = world.on(world.name("eve"), auto=False), world.plain()
    for spy in (eve, nobody):
        spy.subscribe("#", "+/#", "+/+/+/+/+/+/+", "$share/g/#", "$share/g/+/1/scope/#")
    scope, conv = world.open(a, {bob: wire.MEMBER})
    seq = a.msg(conv, "secret")[2]
    b.sync(conv, seq)
    nobody.publish("elsewhere", b"mark")
    nobody.wait_message(lambda m: m.payload == b"mark", what="its own mark")
    eve.barrier()
    late = world.plain()
    late.subscribe("#")
    late.publish("elsewhere", b"mark")
    late.wait_message(lambda m: m.payload == b"mark", what="its own mark")
    own = (f"fp/1/device/{eve.device}/", f"fp/1/user/{eve.user}/")
    for spy in (eve, nobody, late):
        assert not [m for m in spy.messages if m.topic.startswith("fp/") and not m.topic.startswith(own)], spy.messages


def gone_after(device, conv, removal):
    """What arrived with a higher seq than the removal's."""
    return [(ch, s) for ch, c, s in device.arrived if c == conv and s > removal]


def test_after_removal_nothing_arrives_over_a_standing_subscription(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    world.watch(b, scope)
    for i in range(3):
        a.msg(conv, str(i))
    wait_for(lambda: ("live", conv, 4) in b.arrived, 5, "events before the removal")
    removal = a.ok(wire.MEMBER_REMOVE, conv, {1: bob})[2]
    for i in range(3):
        a.msg(conv, f"secret {i}")
    a.ok(wire.CONV_SET, conv, {2: "secret title"})
    a.barrier()
    b.barrier()
    assert gone_after(b, conv, removal) == []
    assert b.get(conv, 0)[3] == wire.UNKNOWN
    assert b.subscribe(f"fp/1/scope/{scope}/conv/+/event") == [128], "it is no scope of his any more"
    assert conv not in [r[0] for r in b.hello()[6]]
    b.no(wire.UNKNOWN, wire.MSG, conv, {1: "still here"})


@pytest.mark.limit(120)
def test_removal_in_the_middle_of_a_burst(world, chance):
    """Many times over: bursts from two writers, the removal anywhere among them, and back in again."""
    ann, bob, cid = world.users("ann", "bob", "cid")
    a, b, c = world.on(ann, auto=False, batch=64), world.on(bob, auto=False), world.on(cid, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER, cid: wire.MEMBER})
    world.watch(b, scope)
    for _ in range(60):
        joined = a.convs[conv].cursor
        with WORLD:
            mark = len(b.arrived)
            cut = chance.randrange(0, 12)
            numbers = [a.compose(wire.MSG, conv, {1: "x"}) for _ in range(cut)]
            removal_n = a.compose(wire.MEMBER_REMOVE, conv, {1: bob})
            numbers += [removal_n] + [a.compose(wire.MSG, conv, {1: "secret"}) for _ in range(12 - cut)]
            if chance.random() < 0.5:
                a.send(numbers)
            else:
                for n in numbers:
                    a.send([n])
            last_c = [c.submit(wire.MSG, conv, {1: "y"}) for _ in range(6)][-1]
        a.wait_result(numbers[-1])
        c.wait_result(last_c)
        b.barrier()
        removal = a.results[removal_n][2]
        late = [x for x in b.arrived[mark:] if x[1] == conv and x[2] > removal]
        assert late == [], f"removed at {removal}, but then got {late}"
        back = a.ok(wire.MEMBER_ADD, conv, {1: bob, 2: wire.MEMBER})[2]
        b.barrier()
        between = [x for x in b.arrived[mark:] if x[1] == conv and x[0] != "head" and removal < x[2] < back]
        assert between == [], f"out from {removal} to {back}, but got {between}"
        assert [ev[16] for ev in b.history(conv)][:1] == [back], "history begins with the joining event"
        assert joined <= removal


@pytest.mark.parametrize("qos", [0, 1])
def test_a_joiner_gets_nothing_older_live(world, qos):
    """The event before the joining one is told to a standing subscription that is not allowed to see it."""
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False), world.on(bob, auto=False)
    scope, other = world.open(a, {bob: wire.MEMBER})
    _, conv = world.open(a, scope=scope)
    assert b.subscribe(f"fp/1/scope/{scope}/conv/+/+", qos=qos) == [qos]
    for _ in range(20):
        with WORLD:
            mark = len(b.arrived)
            numbers = [a.compose(wire.MSG, conv, {1: "before"}) for _ in range(5)]
            join_n = a.compose(wire.MEMBER_ADD, conv, {1: bob, 2: wire.OBSERVER})
            numbers += [join_n, a.compose(wire.MSG, conv, {1: "after"})]
            out_n = a.compose(wire.MEMBER_REMOVE, conv, {1: bob})
            a.send(numbers + [out_n])
        a.wait_result(out_n)
        b.barrier()
        join, out = a.results[join_n][2], a.results[out_n][2]
        got = {s for ch, c, s in b.arrived[mark:] if c == conv and ch == "live"}
        assert got <= set(range(join, out + 1)), f"member from {join} to {out}, got {sorted(got)}"


def test_a_restored_session_gets_nothing_that_was_queued_from_after_the_removal(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False), world.on(bob, auto=False, clean=False)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    world.watch(b, scope)
    b.drop()
    for i in range(5):
        a.msg(conv, f"open {i}")
    removal = a.ok(wire.MEMBER_REMOVE, conv, {1: bob})[2]
    for i in range(5):
        a.msg(conv, f"secret {i}")
    a.barrier()
    b.connect()
    assert b.session_present
    b.hello()
    b.barrier()
    assert gone_after(b, conv, removal) == []
    seq = a.msg(conv, "secret again")[2]
    a.barrier()
    b.barrier()
    assert seq > removal and gone_after(b, conv, removal) == []


def test_the_same_after_a_restart_of_a_broker_that_keeps_sessions(make_hub):
    w = make_hub(persistence=True)
    a, b = w.on("ann", auto=False), w.on("bob", auto=False, clean=False)
    scope, conv = w.open(a, {"bob": wire.MEMBER})
    w.watch(b, scope)
    b.drop()
    a.msg(conv, "open")
    removal = a.ok(wire.MEMBER_REMOVE, conv, {1: "bob"})[2]
    a.msg(conv, "secret")
    a.barrier()
    w.broker.stop()
    w.broker.start()
    a.start()
    b.connect()
    assert b.session_present
    a.msg(conv, "secret too")
    a.barrier()
    b.hello()
    b.barrier()
    assert gone_after(b, conv, removal) == []


# -------------------------------------------------------------------- WRITE

FORGED = [
    "fp", "fp/2/x", "fp/1/other", "fp/1/ops/hub", "fp/1/relay/r/up", "fp/1/relay/r/down",
    "fp/1/scope/{s}/conv/{c}/event", "fp/1/scope/{s}/conv/{c}/head", "fp/1/scope/{s}/conv/{c}/about",
    "fp/1/scope/{s}/conv/{c}/receipts", "fp/1/scope/{s}/conv/{c}/typing", "fp/1/scope/{s}/presence", "fp/1/scope/{s}/state/k",
    "fp/1/device/{d}/up", "fp/1/device/{d}/down", "fp/1/device/{d}/now", "fp/1/device/{d}/status",
    "fp/1/device/{mine}/down", "fp/1/device/{mine}/status/more", "fp/1/device/{mine}/other",
    "fp/1/user/{u}/inbox", "fp/1/user/{u}/presence",
]


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("retain", [False, True])
def test_nobody_writes_what_others_read(world, qos, retain):
    ann, bob = world.users("ann", "bob")
    a, m = world.on(ann), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.OWNER})
    world.watch(m, scope)
    a.barrier()
    names = {"s": scope, "c": conv, "d": a.device, "u": ann, "mine": m.device}
    forged = wire.dumps({1: 20, 2: 1, 3: conv, 16: 2, 17: 10**13, 18: ann, 19: a.device})
    for pattern in FORGED:
        m.publish(pattern.format(**names), forged, qos, retain)
    assert m.connected
    m.barrier()
    a.barrier()
    late = world.on(ann, auto=False)
    world.watch(late, scope)
    late.subscribe("#")
    late.barrier()
    for d in (a, m, late):
        assert not [x for x in d.messages if x.payload == forged], f"{d.device} got a forged message"
    assert m.connected, "a refused publish keeps the connection"


@pytest.mark.parametrize("who", ["nameless", "stranger"])
def test_a_foreign_device_can_not_speak_for_another(world, who):
    a = world.on(world.name("ann"), auto=False)
    scope, conv = world.open(a)
    forger = world.plain() if who == "nameless" else world.on(world.name("eve"), auto=False)
    n = a.next_n
    forger.publish_wait(a.topic("up"), wire.dumps({1: wire.MSG, 2: n, 3: conv, 10: {1: "forged"}}))
    a.barrier()
    assert a.hello()[5] == n
    assert len(a.history(conv)) == 1


def test_a_retained_command_is_refused(world):
    a = world.on(world.name("ann"), auto=False)
    scope, conv = world.open(a)
    before = len(a.replies)
    n = a.next_n
    a.publish_wait(a.topic("up"), wire.dumps({1: wire.MSG, 2: n, 3: conv, 10: {1: "kept?"}}), 1, True)
    a.barrier()
    assert [r for r in a.replies[before:] if r[1] == wire.NACK], "refused without a word"
    assert len(a.history(conv)) == 1
    spy = world.on(a.user, auto=False)
    spy.subscribe("#")
    spy.barrier()
    assert not [m for m in spy.messages if m.topic.endswith("/up")]


def test_a_device_belongs_to_its_first_user(world):
    ann, eve = world.users("ann", "eve")
    a = world.on(ann, auto=False, clean=False)
    scope, conv = world.open(a)
    a.drop()
    b = world.on(ann, auto=False)
    b.msg(conv, "queued for the device that is away")
    thief = world.device(eve, a.device, auto=False, clean=False)
    thief.connect()
    thief.subscribe(*thief.filters())
    thief.say(wire.HELLO, body={1: 1, 4: {conv: 0}})
    nack = wait_for(lambda: next((r for r in thief.replies if r[1] == wire.NACK), None), 5, "a refusal")
    assert nack[3] == wire.IDENTITY
    thief.say(wire.GET, conv, {1: 0})
    thief.publish_wait(thief.topic("up"), wire.dumps({1: wire.MSG, 2: 2, 3: conv, 10: {1: "forged"}}))
    wait_for(lambda: len([r for r in thief.replies if r[1] == wire.NACK]) >= 3, 5, "refusals")
    assert all(r[1] == wire.NACK and r[3] == wire.IDENTITY for r in thief.replies), thief.replies
    assert not [m for m in thief.messages if m.topic != thief.topic("down")]
    assert len(b.history(conv)) == 2
    thief.drop()
    a.connect()
    assert a.hello()[5] == 2


def test_another_users_queued_replies_are_not_handed_to_the_thief(world):
    ann, eve = world.users("ann", "eve")
    a = world.on(ann, auto=False, clean=False)
    scope, conv = world.open(a)
    # Asked for, and gone before the answer: it waits in the broker's session.
    a.say(wire.GET, conv, {1: 0})
    a.drop()
    b = world.on(ann, auto=False)
    b.msg(conv, "more")
    thief = world.device(eve, a.device, auto=False, clean=False)
    thief.connect()
    thief.publish("elsewhere/mark")
    thief.say(wire.HELLO, body={1: 1})
    wait_for(lambda: any(r[1] == wire.NACK for r in thief.replies) or not thief.session_present, 5, "a refusal")
    assert not [r for r in thief.replies if r[1] != wire.NACK]


# -------------------------------------------------------------------- status

def test_status_and_will_reach_peers_only(world):
    ann, bob, eve = world.users("ann", "bob", "eve")
    a, b, e = world.on(ann, auto=False), world.on(bob, auto=False), world.on(eve, auto=False)
    world.open(a, {bob: wire.MEMBER})
    topic = a.topic("status")
    assert b.subscribe(topic) == [1]
    e.subscribe(topic, "#")
    assert b.wait_message(lambda m: m.topic == topic, what="status").payload == b"online"
    a.drop()
    b.wait_message(lambda m: m.topic == topic and m.payload == b"offline", what="the will")
    e.barrier()
    assert not e.on_topic(topic)
    a.start()
    wait_for(lambda: [m.payload for m in b.on_topic(topic)][-1] == b"online", 5, "online again")


def test_another_users_inbox_stays_his(world):
    ann, bob, eve = world.users("ann", "bob", "eve")
    a, b, e = world.on(ann, auto=False), world.on(bob, auto=False), world.on(eve, auto=False)
    assert e.subscribe(f"fp/1/user/{bob}/inbox", f"fp/1/user/{bob}/+", "#") == [128, 128, 1]
    world.open(a, {bob: wire.MEMBER})
    b.barrier()
    assert b.inbox
    e.barrier()
    assert not [m for m in e.messages if f"/{bob}/" in m.topic]
