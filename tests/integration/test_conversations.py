"""Every command does what the contract says when all goes well."""
import threading

import pytest

import chain
import wire
from reactor import WORLD, wait_for


def texts(events):
    return [ev[10][1] for ev in events if ev[1] == wire.MSG]


def test_a_message_goes_from_one_device_to_another(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    n, acked_conv, seq, at = a.msg(conv, "hello")
    assert (acked_conv, seq) == (conv, 2)
    b.sync(conv, 2)
    ev = b.convs[conv].log[1]
    assert (ev[1], ev[2], ev[3], ev[10], ev[16], ev[17], ev[18], ev[19]) == (wire.MSG, n, conv, {1: "hello"}, 2, at, ann, a.device)
    a.sync(conv, 2)
    assert a.convs[conv].log == b.convs[conv].log


def test_welcome_tells_epoch_next_n_limits_and_heads(world):
    ann, bob = world.users("ann", "bob")
    a = world.on(ann)
    assert a.welcome[5] == 1 and a.welcome[6] == []
    limits = a.welcome[7]
    assert limits == {1: 16384, 2: 64, 3: 200, 4: 65536}
    scope, conv = world.open(a, {bob: wire.MEMBER})
    a.msg(conv, "one")
    a.msg(conv, "two")
    again = a.hello()
    assert again[5] == 4 and again[2] == a.welcomes[0][2]
    assert [(r[0], r[1], r[2], r[3]) for r in again[6]] == [(conv, scope, 3, 0)]
    assert again[6][0][5] == 0, "own messages are not unread"
    b = world.on(bob)
    assert b.welcome[5] == 1
    assert [(r[0], r[2], r[5]) for r in b.welcome[6]] == [(conv, 3, 2)], "two messages of another are unread"
    assert b.welcome[4] >= a.welcomes[0][4], "the hub's clock"


def test_hello_again_on_a_new_connection_starts_another_session(world):
    d = world.on(world.name("ann"))
    first = d.welcome
    d.disconnect()
    d.start()
    assert d.welcome[3] != first[3] and d.welcome[2] == first[2]


def test_bye_is_taken_and_the_next_hello_works(world):
    ann = world.name("ann")
    a = world.on(ann, auto=False)
    a.say(wire.BYE)
    a.barrier()
    assert not a.free_nacks
    a.hello()
    assert len(a.welcomes) == 2


def test_heads_answers_with_every_conversation(world):
    ann = world.name("ann")
    a = world.on(ann, auto=False)
    convs = []
    for _ in range(3):
        scope, conv = world.open(a)
        convs.append(conv)
    a.msg(convs[1], "x")
    with WORLD:
        start, inbox = len(a.replies), len(a.inbox)
        a.say(wire.HEADS)
    expected = {convs[0]: 1, convs[1]: 2, convs[2]: 1}

    def told():
        found = {}
        for r in a.replies[start:]:
            if r[1] == wire.WELCOME:
                found.update({row[0]: row[2] for row in r[6]})
            elif r[1] == wire.NUDGE:
                found.update(dict(r[2]))
        for r in a.inbox[inbox:]:
            if r[1] == wire.IN_HEADS:
                found.update({row[0]: row[2] for row in r[2]})
        return found == expected
    wait_for(told, 5, "the heads")


def test_a_device_that_was_away_catches_up_by_itself(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    b.sync(conv, 1)
    b.drop()
    for i in range(30):
        a.submit(wire.MSG, conv, {1: str(i)})
    wait_for(a.drained, 10, "acks")
    b.start()
    b.sync(conv, 31)
    assert texts(b.convs[conv].log) == [str(i) for i in range(30)]


def test_conv_new_without_an_id_gets_one(world):
    a = world.on(world.name("ann"), auto=False)
    scope = world.name("scope")
    row = a.ok(wire.CONV_NEW, None, {1: scope, 2: "no name"})
    assert wire.is_id(row[1]) and row[2] == 1
    other = a.ok(wire.CONV_NEW, None, {1: scope, 2: "no name"})
    assert other[1] != row[1]
    first = a.history(row[1])[0]
    assert first[1] == wire.CONV_NEW and first[3] == row[1] and first[10][1] == scope


def test_conv_new_makes_its_author_owner_and_tells_the_members(world):
    ann, bob, eve = world.users("ann", "bob", "eve")
    a, b, e = world.on(ann), world.on(bob), world.on(eve)
    scope, conv = world.open(a, {bob: wire.OBSERVER}, title="Tïtle ✓")
    about = wait_for(lambda: conv in a.convs and a.convs[conv].about, 5, "about")
    assert about[2] == "Tïtle ✓" and about[3] == scope and about[1] == 1
    assert about[4] == {ann: [wire.OWNER, 1], bob: [wire.OBSERVER, 1]}
    wait_for(lambda: {1: wire.IN_JOINED, 2: conv, 3: scope, 4: wire.OBSERVER} in b.inbox, 5, "joined")
    e.barrier()
    assert e.inbox == []


def test_anyone_may_open_conversations_in_dm(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    world.open(a, {bob: wire.MEMBER}, scope="dm")
    scope, conv = world.open(b, {ann: wire.MEMBER}, scope="dm")
    b.msg(conv, "hi")
    a.sync(conv, 2)


def test_conv_set_changes_title_and_context_and_compares_its_base(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    a.msg(conv, "between")
    row = a.ok(wire.CONV_SET, conv, {2: "Second", 4: {1: "bid", 2: "bid-7", 3: {1: "x"}}}, k9=1)

    def new_about():
        known = b.convs.get(conv)
        return known and known.about and known.about[1] == row[2] and known.about
    about = wait_for(new_about, 5, "the new about")
    assert about[2] == "Second" and about[5] == {1: "bid", 2: "bid-7", 3: {1: "x"}}
    b.sync(conv, row[2])
    ev = b.convs[conv].log[-1]
    assert ev[1] == wire.CONV_SET and ev.get(9) == row[2], "an event tells the version that it made"
    a.no(wire.STALE, wire.CONV_SET, conv, {2: "Third"}, k9=1)
    a.ok(wire.CONV_SET, conv, {2: "Third"}, k9=row[2])
    a.ok(wire.CONV_SET, conv, {2: "Fourth, whatever was there"})
    about = wait_for(lambda: b.convs[conv].about[2].startswith("Fourth") and b.convs[conv].about, 5, "about")
    assert about[5] == {1: "bid", 2: "bid-7", 3: {1: "x"}}, "a title change keeps the context"


@pytest.mark.parametrize("history", [None, 1, 3])
def test_a_joiner_sees_history_from_where_he_may(world, history):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False), world.on(bob, auto=False)
    scope, conv = world.open(a)
    for i in range(4):
        a.msg(conv, f"old {i}")
    body = {1: bob, 2: wire.MEMBER}
    if history is not None:
        body[3] = history
    joined = a.ok(wire.MEMBER_ADD, conv, body)[2]
    b.barrier()
    assert {1: wire.IN_JOINED, 2: conv, 3: scope, 4: wire.MEMBER} in b.inbox
    first = joined if history is None else history
    assert [ev[16] for ev in b.history(conv)] == list(range(first, joined + 1))
    with WORLD:
        row = next(r for r in b.hello()[6] if r[0] == conv)
    assert row[2] == joined and row[3] <= first - 1


def test_member_role_and_remove_are_told(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    role = a.ok(wire.MEMBER_ROLE, conv, {1: bob, 2: wire.MANAGER})[2]
    about = wait_for(lambda: b.convs[conv].about and b.convs[conv].about[1] == role and b.convs[conv].about, 5, "about")
    assert about[4] == {ann: [wire.OWNER, 1], bob: [wire.MANAGER, 1]}
    gone = a.ok(wire.MEMBER_REMOVE, conv, {1: bob})[2]
    wait_for(lambda: {1: wire.IN_REMOVED, 2: conv, 3: scope} in b.inbox, 5, "removed")
    about = wait_for(lambda: a.convs[conv].about[1] == gone and a.convs[conv].about, 5, "about")
    assert about[4] == {ann: [wire.OWNER, 1]}
    again = a.ok(wire.MEMBER_ADD, conv, {1: bob, 2: wire.OBSERVER})[2]
    about = wait_for(lambda: a.convs[conv].about[1] == again and a.convs[conv].about, 5, "about")
    assert about[4][bob] == [wire.OBSERVER, again]


def test_anyone_may_leave_but_the_last_owner(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.OBSERVER})
    a.no((wire.DENIED, wire.CONFLICT), wire.MEMBER_REMOVE, conv, {1: ann})
    b.ok(wire.MEMBER_REMOVE, conv, {1: bob})
    wait_for(lambda: {1: wire.IN_REMOVED, 2: conv, 3: scope} in b.inbox, 5, "removed")
    a.ok(wire.MEMBER_REMOVE, conv, {1: ann})  # nobody else is left
    a.no(wire.UNKNOWN, wire.MSG, conv, {1: "too late"})


def test_the_last_owner_may_leave_when_there_is_another(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    a.no((wire.DENIED, wire.CONFLICT), wire.MEMBER_ROLE, conv, {1: ann, 2: wire.MEMBER})
    a.ok(wire.MEMBER_ROLE, conv, {1: bob, 2: wire.OWNER})
    a.ok(wire.MEMBER_REMOVE, conv, {1: ann})
    b.msg(conv, "mine now")


def test_head_and_about_are_retained_for_who_comes_late(world):
    ann, bob = world.users("ann", "bob")
    a = world.on(ann)
    scope, conv = world.open(a, {bob: wire.MEMBER}, title="Kept")
    seq = a.msg(conv, "x")[2]
    a.barrier()
    b = world.on(bob, auto=False)
    topic = f"fp/1/scope/{scope}/conv/{conv}"

    def head_is_told():
        return a.convs[conv].head == seq and any(m.topic == f"{topic}/head" and wire.decode(m.payload)[2] == seq for m in a.messages)
    wait_for(head_is_told, 5, "head")
    world.watch(b, scope)
    head = wire.decode(b.wait_message(lambda m: m.topic == f"{topic}/head" and m.retain, what="the retained head").payload)
    about = wire.decode(b.wait_message(lambda m: m.topic == f"{topic}/about" and m.retain, what="the retained about").payload)
    event = b.convs[conv].log
    assert head == {1: b.welcome[2], 2: seq, 3: 0, 4: head[4], 5: chain.over(a.convs[conv].log)[-1]}
    assert about[2] == "Kept" and about[4] == {ann: [3, 1], bob: [1, 1]}
    assert event == [], "events are not retained"


def test_inbox_heads_come_to_who_is_online_and_count_unread(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    for i in range(5):
        a.msg(conv, str(i))
    wait_for(lambda: any(r[1] == wire.IN_HEADS and [conv, scope, 6, 5] in r[2] for r in b.inbox), 5, lambda: f"inbox heads: {b.inbox}")
    heads = [r for r in b.inbox if r[1] == wire.IN_HEADS]
    assert len(heads) <= 4, "not coalesced"


def test_writing_oneself_is_reading(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    a.msg(conv, "1")
    b.msg(conv, "2")
    a.msg(conv, "3")
    row = next(r for r in b.hello()[6] if r[0] == conv)
    assert row[5] in (1, 2), f"unread: {row}"  # the own one never counts; whether writing reads what is above is the hub's choice
    row = next(r for r in a.hello()[6] if r[0] == conv)
    assert row[5] in (0, 1), f"unread: {row}"


def test_a_reply_carries_its_reference(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    first = a.msg(conv, "question")[2]
    b.sync(conv, first)
    row = b.ok(wire.MSG, conv, {1: "answer"}, k8=first)
    a.sync(conv, row[2])
    ev = a.convs[conv].log[-1]
    assert ev[8] == first and ev[4] == first, "ref and seen"


def test_a_message_keeps_what_it_came_with(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    picture = {1: b"\x01" * 32, 2: 12, 3: "image/png", 4: "a.png"}
    body = {1: "# text", 2: "text/markdown", 3: [picture], 4: {1: 52.5, 2: 13.25, 3: 4}, 5: "zone-1", 99: [1, {2: "x"}]}
    trace = bytes(range(16))
    row = a.ok(wire.MSG, conv, body, k6=1, k15=trace)
    b.sync(conv, row[2])
    ev = b.convs[conv].log[-1]
    assert ev[10] == body and ev[6] == 1 and ev[15] == trace


def test_must_confirm_is_flagged_and_age_gives_the_composing_time(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    row = a.ok(wire.MSG, conv, {1: "leave the building", 6: True}, k5=60000)
    b.sync(conv, row[2])
    ev = b.convs[conv].log[-1]
    assert ev.get(20, 0) & 16, f"flag 16, must be confirmed: {ev}"
    assert 21 in ev and abs(ev[17] - 60000 - ev[21][0]) < 2000, f"composed a minute before: {ev}"


def test_time_is_answered_with_the_devices_own_clock(world):
    d = world.on(world.name("ann"), auto=False)
    d.say(wire.TIME, body=123456789, leaf="now")
    r = wait_for(lambda: next((r for r in d.replies if r[1] == wire.TIME_REPLY and r[2] == 123456789), None), 5, "time-reply")
    assert abs(r[3] - d.welcome[4]) < 60000


def test_arrays_of_commands_are_taken_in_order(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann), world.on(bob)
    scope, conv = world.name("scope"), world.name("conv")
    with WORLD:
        numbers = [a.compose(wire.CONV_NEW, conv, {1: scope, 2: "t", 3: {bob: 1}})]
        numbers += [a.compose(wire.MSG, conv, {1: str(i)}) for i in range(62)]
        numbers += [a.compose(wire.CONV_SET, conv, {2: "u"})]
        assert len(numbers) == 64
        a.send(numbers)
    a.wait_result(numbers[-1])
    assert [a.results[n][2] for n in numbers] == list(range(1, 65))
    b.sync(conv, 64)
    live = [m for m in b.messages if m.topic.endswith(f"{conv}/event")]
    assert all(len(wire.events_of(m.payload)) >= 1 for m in live)
    ats = [ev[17] for ev in b.convs[conv].log]
    assert ats == sorted(ats)


def test_events_travel_as_arrays_when_there_are_many(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, batch=64), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    b.sync(conv, 1)
    world.watch(b, scope)
    with WORLD:
        a.send([a.compose(wire.MSG, conv, {1: str(i)}) for i in range(64)])
    b.sync(conv, 65)
    sizes = [len(wire.events_of(m.payload)) for m in b.messages if m.topic.endswith(f"{conv}/event")]
    assert max(sizes) > 1, sizes
    acks = [r for r in a.replies if r[1] == wire.ACK]
    assert max(len(r[2]) for r in acks) > 1, "acks travel as arrays as well"


def test_two_devices_of_a_user_both_get_everything(world):
    ann, bob = world.users("ann", "bob")
    a, b1, b2 = world.on(ann), world.on(bob), world.on(bob)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    a.msg(conv, "to both")
    row = b1.ok(wire.MSG, conv, {1: "from one of them"})
    for d in (a, b1, b2):
        d.sync(conv, row[2])
    assert a.convs[conv].log == b1.convs[conv].log == b2.convs[conv].log


def test_seen_above_the_head_is_clamped(world):
    a = world.on(world.name("ann"), auto=False)
    scope, conv = world.open(a)
    row = a.call(wire.MSG, conv, {1: "from the future"}, seen=1000)
    a.oracle.sent[a.device, row[0]][4] = 1
    assert a.history(conv)[-1].get(4) == 1


def test_a_fresh_device_learns_its_next_n(world):
    ann = world.name("ann")
    a = world.on(ann)
    scope, conv = world.open(a)
    a.msg(conv, "x")
    a.drop()
    again = world.on(ann, a.device)
    assert again.welcome[5] == 3 and again.next_n == 3
    again.msg(conv, "y")


def test_many_writers_at_once_see_one_order(world):
    users = world.users("ann", "bob", "cid", "dan")
    devices = [world.on(u) for u in users]
    scope, conv = world.open(devices[0], {u: wire.MEMBER for u in users[1:]})
    for d in devices:
        d.sync(conv, 1)

    def write(d):
        for i in range(25):
            d.submit(wire.MSG, conv, {1: f"{d.user} {i}"})
    threads = [threading.Thread(target=write, args=(d,)) for d in devices]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for d in devices:
        d.sync(conv, 101)
    assert all(d.convs[conv].log == devices[0].convs[conv].log for d in devices)
