"""A device in the background: what the broker still delivers to it, and what it gets when it is back."""
import cbor2

import people
import wire
from reactor import wait_for


def test_a_device_in_the_background_gets_alerts_and_heads_and_no_events(world):
    ann, bob = world.users("ann", "bob")
    a, b, seen = world.on(ann, auto=False), world.on(bob, auto=False), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    events, head = f"fp/1/scope/{scope}/conv/{conv}/event", f"fp/1/scope/{scope}/conv/{conv}/head"
    inbox = f"fp/1/user/{bob}/inbox"
    for d in (b, seen):
        d.subscribe(events, head, inbox)
    b.say(wire.IDLE, body=True)
    b.barrier()
    before = len(b.on_topic(events))
    a.msg(conv, "tea")
    a.ok(wire.MSG, conv, {1: "gas!"}, k6=0)
    wait_for(lambda: len(seen.on_topic(events)) >= before + 1 and alerts(seen, inbox), 5, "another device of his gets both")
    wait_for(lambda: alerts(b, inbox), 5, "the alert")
    b.barrier()
    assert len(b.on_topic(events)) == before
    assert [m[4] for m in alerts(b, inbox)] == [0] and alerts(b, inbox)[0][5] == "gas!"
    wait_for(lambda: [cbor2.loads(m.payload)[2] for m in b.on_topic(head)][-1:] == [3], 5, "the head")
    b.say(wire.IDLE, body=False)
    b.barrier()
    assert [ev[10] for ev in b.history(conv, after=1)] == [{1: "tea"}, {1: "gas!"}], "it catches up"
    a.msg(conv, "all clear")
    wait_for(lambda: len(b.on_topic(events)) == before + 1, 5, "what is said from now on")


def test_in_the_background_down_goes_on_and_the_live_plane_does_not(world):
    ann, bob = world.users("ann", "bob")
    a, b, seen = world.on(ann, auto=False), world.on(bob, auto=False), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    live = [f"fp/1/scope/{scope}/conv/{conv}/{leaf}" for leaf in ("receipts", "typing", "about")]
    for d in (b, seen):
        d.subscribe(*live)
    b.say(wire.IDLE, body=True)
    b.barrier()
    before = [len(b.on_topic(t)) for t in live]
    seq = a.msg(conv, "tea")[2]
    a.say(wire.RECEIPT, body={conv: [seq, seq]})
    a.ok(wire.CONV_SET, conv, {2: "Another title"})
    people.types(a, conv)
    wait_for(lambda: all(seen.on_topic(t) for t in live) and len(seen.on_topic(live[2])) >= 2, 10, "another device of his gets all of it")
    assert isinstance(b.msg(conv, "from the background"), list), "ack on down"
    b.barrier()
    assert [len(b.on_topic(t)) for t in live] == before


def test_the_end_of_the_connection_ends_the_background(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    events = f"fp/1/scope/{scope}/conv/{conv}/event"
    b.subscribe(events)
    b.say(wire.IDLE, body=True)
    b.barrier()
    b.drop()
    b.start()
    b.subscribe(events)
    b.barrier()
    before = len(b.on_topic(events))
    a.msg(conv, "tea")
    wait_for(lambda: len(b.on_topic(events)) == before + 1, 5, "the event")


def alerts(device, inbox):
    return [m for m in (cbor2.loads(m.payload) for m in device.on_topic(inbox)) if m[1] == 5]
