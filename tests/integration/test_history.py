"""get, its ranges, credit and deflated pages; pages after the cursors of hello."""
import pytest

import wire
from reactor import WORLD, wait_for


@pytest.fixture
def long_one(world):
    """A conversation of 120 messages of about 2 KiB, so of several pages."""
    a = world.on(world.name("ann"), auto=False)
    scope, conv = world.open(a)
    for i in range(0, 120, 20):
        numbers = [a.compose(wire.MSG, conv, {1: f"{i + k} " + "lorem ipsum " * 170}) for k in range(20)]
        a.send(numbers[:7])
        a.send(numbers[7:14])
        a.send(numbers[14:])
        a.wait_result(numbers[-1])
    return a, conv


def test_get_gives_everything_in_pages_within_the_limit(world, long_one):
    a, conv = long_one
    pages = a.get(conv, 0)
    events = [ev for p in pages for ev in wire.page_events(p)]
    assert [ev[16] for ev in events] == list(range(1, 122))
    assert len(pages) > 2
    assert all(p[6] == 0 for p in pages), "nobody asked for zlib"
    assert all(len(wire.dumps(p)) <= a.welcome[7][4] + 512 for p in pages)
    assert [p[5] for p in pages] == [True] * (len(pages) - 1) + [False]
    for p, q in zip(pages, pages[1:]):
        assert q[3] == p[4] + 1


@pytest.mark.parametrize("after, upto, first, last", [(0, 5, 1, 5), (10, 11, 11, 11), (115, None, 116, 121), (120, 500, 121, 121), (0, 1, 1, 1)])
def test_get_gives_the_range_that_was_asked_for(world, long_one, after, upto, first, last):
    a, conv = long_one
    events = [ev for p in a.get(conv, after, upto) for ev in wire.page_events(p)]
    assert [ev[16] for ev in events] == list(range(first, last + 1))


@pytest.mark.parametrize("after, upto", [(121, None), (500, None), (7, 7)])
def test_get_of_nothing_is_answered_by_an_empty_page(world, long_one, after, upto):
    a, conv = long_one
    pages = a.get(conv, after, upto)
    assert len(pages) == 1 and wire.page_events(pages[0]) == [] and pages[0][5] is False


def test_get_keeps_to_the_credit_and_goes_on_when_asked_again(world, long_one):
    a, conv = long_one
    credit, after, rounds = 20000, 0, 0
    while after < 121:
        pages = a.get(conv, after, credit=credit)
        events = [ev for p in pages for ev in wire.page_events(p)]
        assert events and events[0][16] == after + 1
        assert sum(len(wire.dumps(ev)) for ev in events[:-1]) <= credit, "more than was asked for"
        after = events[-1][16]
        rounds += 1
    assert 10 <= rounds <= 40
    one = [ev for p in a.get(conv, 3, credit=1) for ev in wire.page_events(p)]
    assert one and one[0][16] == 4, "credit for less than one event must not get stuck"


def test_get_deflates_for_whom_it_can(world, long_one):
    a, conv = long_one
    plain = [ev for p in a.get(conv, 0) for ev in wire.page_events(p)]
    pages = a.get(conv, 0, zlib=True)
    assert all(p[6] == 1 for p in pages)
    assert [ev for p in pages for ev in wire.page_events(p)] == plain
    assert sum(len(p[7]) for p in pages) < 60000, "it is not deflated"


@pytest.mark.parametrize("zlib", [False, True])
def test_pages_after_the_cursors_of_hello_come_unasked(world, long_one, zlib):
    a, conv = long_one
    with WORLD:
        start = len(a.replies)
    a.hello(k4={conv: 100, "nowhere": 3}, k5=zlib)

    def pages():
        found = [r for r in a.replies[start:] if r[1] == wire.PAGE and r[2] == conv]
        return found if found and not found[-1][5] else None
    found = wait_for(pages, 5, "pages")
    assert [ev[16] for p in found for ev in wire.page_events(p)] == list(range(101, 122))
    assert {p[6] for p in found} == ({1} if zlib else {0})
