"""Who is typing: shown while it is so, and cheap."""
import time

import pytest

import people
import wire


@pytest.fixture
def room(world):
    ann, bob = world.users("ann", "bob")
    a, b = world.on(ann, auto=False), world.on(bob, auto=False)
    scope, conv = world.open(a, {bob: wire.MEMBER})
    world.watch(a, scope)
    return a, b, scope, conv


def begin(room):
    a, b, scope, conv = room
    people.types(b, conv)
    people.wait_typists(a, scope, conv, [b.user])


def test_typing_is_shown_and_ends_with_the_word(room):
    a, b, scope, conv = room
    begin(room)
    people.types(b, conv, False)
    people.wait_typists(a, scope, conv, [], timeout=5)


def test_a_message_ends_it(room):
    a, b, scope, conv = room
    begin(room)
    b.msg(conv, "done")
    people.wait_typists(a, scope, conv, [], timeout=5)


def test_leaving_ends_it(room):
    a, b, scope, conv = room
    begin(room)
    b.ok(wire.MEMBER_REMOVE, conv, {1: b.user})
    people.wait_typists(a, scope, conv, [], timeout=5)


def test_the_end_of_the_connection_ends_it(room):
    a, b, scope, conv = room
    begin(room)
    b.drop()
    people.wait_typists(a, scope, conv, [], timeout=5)


def test_it_ends_by_itself_after_six_seconds(room):
    a, b, scope, conv = room
    said = time.monotonic()
    begin(room)
    people.wait_typists(a, scope, conv, [], timeout=20)
    assert time.monotonic() - said > 5


def test_who_is_no_member_types_for_nobody(world, room):
    a, b, scope, conv = room
    eve = world.on(world.name("eve"), auto=False)
    people.types(eve, conv)
    eve.barrier()
    begin(room)
    assert all(eve.user not in names and count <= 1 for names, count in people.typists(a, scope, conv))


def test_who_hides_types_unseen(world, room):
    a, b, scope, conv = room
    people.hide(b)
    people.types(b, conv)
    b.barrier()
    a.barrier()
    assert people.typists(a, scope, conv) == []


def test_a_room_of_twenty_typists_costs_one_digest_a_second(world, room):
    a, _b, scope, conv = room
    crowd = []
    for i in range(20):
        user = world.name(f"user{i}")
        a.ok(wire.MEMBER_ADD, conv, {1: user, 2: wire.MEMBER})
        crowd.append(world.on(user, auto=False))
    begun = time.monotonic()
    for _ in range(8):
        for d in crowd:
            people.types(d, conv)
            d.barrier()
    a.barrier()
    for d in crowd:
        people.types(d, conv, False)
    people.wait_typists(a, scope, conv, [])
    took, shown = time.monotonic() - begun, people.typists(a, scope, conv)
    assert len(shown) <= took + 3, f"{len(shown)} digests in {took:.1f} s: {shown}"
    assert max(count for _, count in shown) == 20 or took < 2
