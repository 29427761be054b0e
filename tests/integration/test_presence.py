"""Who is there: the hub's verdict, and who is told what of it."""
import time

import pytest

import people
import wire
from chaos_proxy import ChaosProxy
from client import Device
from reactor import wait_for

GRACE_S = 10


@pytest.fixture
def pair(world):
    """Ann and Bob share a scope; Bob's device hears its digest."""
    return meet(world)


def meet(world, **kw):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False, **kw), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    assert b.subscribe(f"fp/1/scope/{scope}/presence") == [1]
    return a, b, scope, conv


def test_a_watch_is_answered_and_then_told_each_change(pair):
    a, b, _scope, _conv = pair
    people.watch(b, a.user)
    assert people.told(b)[-1][2] is True and people.seen(b, a.user)[0] == people.ACTIVE
    for says, state in ((people.SAYS_BUSY, people.BUSY), (people.SAYS_AWAY, people.AWAY), (people.SAYS_ACTIVE, people.ACTIVE)):
        people.activity(a, says)
        people.wait_state(b, a.user, state)
    a.say(wire.BYE)
    people.wait_state(b, a.user, people.OFFLINE, timeout=GRACE_S - 3)
    assert people.seen(b, a.user)[1] is not None, "last seen"
    assert len(people.answers(b)) == 1, "one answer; then changes"


def test_the_highest_of_a_users_sessions_counts(world, pair):
    a, b, _scope, _conv = pair
    people.watch(b, a.user)
    second = world.on(a.user, auto=False)
    people.activity(second, people.SAYS_BUSY)
    people.wait_state(b, a.user, people.BUSY)
    people.activity(a, people.SAYS_AWAY)
    a.barrier()
    second.say(wire.BYE)
    people.wait_state(b, a.user, people.AWAY)


def test_changes_cost_a_viewer_at_most_a_message_a_second(world, pair):
    a, b, scope, conv = pair
    crowd = [a]
    for i in range(4):
        user = world.name(f"user{i}")
        a.ok(wire.MEMBER_ADD, conv, {1: user, 2: wire.MEMBER})
        crowd.append(world.on(user, auto=False))
    people.watch(b, *(d.user for d in crowd))
    begun, before = time.monotonic(), len(people.told(b))
    for step in range(24):
        for d in crowd:
            people.activity(d, step % 3)
            d.barrier()
    for d in crowd:
        people.activity(d, people.SAYS_BUSY)
    for d in crowd:
        people.wait_state(b, d.user, people.BUSY)
    took, count = time.monotonic() - begun, len(people.told(b)) - before
    assert count <= took + 2, f"{count} messages in {took:.1f} s"
    assert len(people.digests(b, scope)) <= time.monotonic() - begun + 8


def test_the_digest_is_retained_and_names_who_is_there(world, pair):
    a, b, scope, _conv = pair
    there = {a.user: people.ACTIVE, b.user: people.ACTIVE}
    people.wait_digest(b, scope, there)
    late = world.on(b.user, auto=False)
    late.subscribe(f"fp/1/scope/{scope}/presence")
    people.wait_digest(late, scope, there)
    assert late.on_topic(f"fp/1/scope/{scope}/presence")[0].retain
    a.say(wire.BYE)
    people.wait_digest(b, scope, {b.user: people.ACTIVE})


def test_who_comes_back_within_the_grace_was_never_gone(world, pair):
    a, b, _scope, _conv = pair
    people.watch(b, a.user)
    before = len(people.told(b))
    a.drop()
    a.start()
    people.activity(a, people.SAYS_BUSY)
    people.wait_state(b, a.user, people.BUSY)
    states = [p[1][a.user][0] for p in people.told(b)[before:] if a.user in p[1]]
    assert people.OFFLINE not in states, states


def test_a_takeover_leaves_no_ghost(world, pair):
    a, b, _scope, _conv = pair
    people.watch(b, a.user)
    before = len(people.told(b))
    other = world.on(a.user, a.device, auto=False)
    wait_for(lambda: not a.connected, 10, "the end of the connection that was taken over")
    people.activity(other, people.SAYS_BUSY)
    people.wait_state(b, a.user, people.BUSY)
    assert people.OFFLINE not in [p[1][a.user][0] for p in people.told(b)[before:] if a.user in p[1]]
    other.say(wire.BYE)
    people.wait_state(b, a.user, people.OFFLINE, timeout=GRACE_S - 3)


@pytest.mark.alone  # clocks of the broker, the hub and three clients run against each other
@pytest.mark.limit(90)
def test_silent_clients_are_gone_as_soon_as_the_broker_says_so(world, pair):
    """mosquitto 2.0 looks for silent clients every 6 s, and ends all at once; there is no grace then, as there is after a lost connection."""
    a, b, _scope, conv = pair
    users = world.users("cid", "dan", "eva")
    for user in users:
        a.ok(wire.MEMBER_ADD, conv, {1: user, 2: wire.MEMBER})
    with ChaosProxy(world.broker.port, 1) as proxy:
        for user in users:
            d = Device(proxy.port, user, f"d-{user}", world.oracle, auto=False)
            world.clients.append(d)
            d.keepalive = 2
            d.start()
        people.watch(b, *users)
        b.subscribe(*(f"fp/1/device/d-{user}/status" for user in users))
        proxy.black_hole()
        for user in users:
            b.wait_message(lambda m, user=user: m.topic == f"fp/1/device/d-{user}/status" and m.payload == b"offline", 40, "the broker's verdict")
        for user in users:
            people.wait_state(b, user, people.OFFLINE, timeout=GRACE_S - 3)


@pytest.mark.limit(90)
def test_after_kill_9_the_retained_digest_is_true_again(make_hub):
    """The broker kept what the hub said before it died; the hub waits for who comes back, and then says how it is."""
    w = make_hub(persistence=True)
    a, b, scope, _conv = meet(w)
    for d in (a, b):
        d.drop()
    w.broker.kill()
    topic, old = f"fp/1/scope/{scope}/presence", wire.dumps({1: {a.user: [3, 1700000000000], b.user: [3, 1700000000000]}, 2: True})
    w.broker.plugin = False  # a hub says its first digest 10 s after its start; this one we say for it
    w.broker.start()
    keeper = w.plain()
    keeper.port = w.broker.port
    keeper.publish_wait(topic, old, 1, True)
    saved = w.broker.folder / "mosquitto.db"
    wait_for(lambda: saved.exists() and old in saved.read_bytes(), 20, "the broker has saved the digest")
    keeper.disconnect()
    w.broker.kill()
    w.broker.plugin = True
    w.broker.start()
    b.port = w.broker.port
    b.start()
    b.subscribe(topic)
    wait_for(lambda: people.digests(b, scope), 10, "what was retained")
    people.wait_digest(b, scope, {b.user: people.ACTIVE}, timeout=40)


def test_a_custom_status_is_seen_until_it_is_taken_back(pair):
    a, b, scope, _conv = pair
    people.watch(b, a.user)
    a.say(people.STATUS, body={1: "at the crane"})
    wait_for(lambda: (people.seen(b, a.user) + [None])[2] == "at the crane", 10, "the text")
    wait_for(lambda: (people.digests(b, scope)[-1][a.user] + [None])[2] == "at the crane", 10, "the text in the digest")
    a.say(wire.BYE)
    wait_for(lambda: people.digests(b, scope)[-1][a.user][0] == people.OFFLINE, 10, "offline, with a text, and in the digest")
    a.say(people.STATUS, body={})
    wait_for(lambda: len(people.seen(b, a.user)) == 2, 10, "no text any more")


def test_who_hides_looks_as_one_who_was_never_there(world, pair):
    a, b, scope, conv = pair
    never = world.name("never")
    a.ok(wire.MEMBER_ADD, conv, {1: never, 2: wire.MEMBER})
    people.watch(b, a.user, never)
    people.hide(a)
    people.wait_state(b, a.user, people.OFFLINE)
    assert people.seen(b, a.user) == people.seen(b, never) == people.GONE
    people.wait_digest(b, scope, {b.user: people.ACTIVE})
    people.hide(a, [b.user, 3])
    people.wait_state(b, a.user, people.ACTIVE)


def test_a_hidden_users_device_status_is_his_own(world, pair):
    a, b, _scope, _conv = pair
    topic = a.topic("status")
    second = world.on(a.user, auto=False)
    people.hide(a)
    for d in (b, second):
        d.subscribe(topic)
    a.publish_wait(topic, b"online", 1, True)
    second.wait_message(lambda m: m.topic == topic, what="one's own other device")
    b.barrier()
    assert b.on_topic(topic) == []
    people.hide(a, [people.EVERYONE, 3])
    a.publish_wait(topic, b"online", 1, True)
    b.wait_message(lambda m: m.topic == topic, what="his status, now that he hides no more")


def test_who_was_removed_sees_nobody_there_any_more(world, pair):
    a, b, scope, conv = pair
    cid = world.name("cid")
    a.ok(wire.MEMBER_ADD, conv, {1: cid, 2: wire.MEMBER})
    c = world.on(cid, auto=False)
    topic = f"fp/1/scope/{scope}/presence"
    c.subscribe(topic)
    people.watch(b, a.user)
    people.wait_digest(b, scope, {d.user: people.ACTIVE for d in (a, b, c)})
    a.ok(wire.MEMBER_REMOVE, conv, {1: b.user})
    people.wait_state(b, a.user, people.OFFLINE)
    assert people.seen(b, a.user) == people.GONE
    b.barrier()
    before = len(b.on_topic(topic))
    people.activity(a, people.SAYS_BUSY)
    people.wait_digest(c, scope, {a.user: people.BUSY, cid: people.ACTIVE})
    b.barrier()
    assert len(b.on_topic(topic)) == before and people.seen(b, a.user) == people.GONE
    assert b.subscribe(topic) == [128]
