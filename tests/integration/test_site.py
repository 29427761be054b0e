"""A hub and a site: what people at both are told while the link stands, while it is gone, and after it has come back."""
import time

import pytest

import people
import wire
from reactor import WORLD, wait_for
from sites import Bridge, InSite, Relay, Sites


@pytest.fixture
def sites(tmp_path):
    made = []

    def make(relays=None, **kw):
        s = Sites(tmp_path, relays or {"site-b": ["elm"]}, **kw)
        made.append(s)
        return s
    yield make
    for s in made:
        s.close()
        assert not s.oracle.violations, s.oracle.violations[:5]


def meet(s, site, conv="kitchen"):
    """Anna is with the hub, Ben at the site, and both are in one conversation."""
    anna = s.on(None, "anna", "anna-phone")
    s.open(anna, conv, "elm", {"ben": wire.MANAGER, "carl": wire.MEMBER})
    ben = s.device(site, "ben", "ben-tablet")
    ben.start(20)
    wait_for(lambda: conv in ben.convs, 20, "the site has heard of the conversation")
    ben.sync(conv, 1)
    return anna, ben


@pytest.mark.parametrize("pipe", [Relay, Bridge, InSite])
@pytest.mark.limit(90)
def test_people_at_hub_and_site_converse(sites, pipe):
    s = sites()
    site = s.site("site-b", pipe)
    anna, ben = meet(s, site)
    for i in range(5):
        anna.msg("kitchen", f"from anna {i}")
        row = ben.ok(wire.MSG, "kitchen", {1: f"from ben {i}"})
        assert row[2] is not None
    assert ben.welcome[8] == "site-b"
    assert anna.welcome[2] == ben.welcome[2]  # one epoch: the hub's
    hub = s.check()
    assert len(hub["kitchen"]) == 11
    assert [ev[22][0] for ev in hub["kitchen"] if ev[18] == "ben"] == ["site-b"] * 5


@pytest.mark.limit(90)
def test_the_site_works_alone_and_settles(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben = meet(s, site)
    carl = s.on(site, "carl", "carl-tablet")
    site.cut()
    for i in range(20):
        ben.submit(wire.MSG, "kitchen", {1: f"offline {i}"})
        anna.msg("kitchen", f"elsewhere {i}")
    wait_for(lambda: len(ben.relayed) == 20, 10, lambda: f"custody: {ben.relayed}")
    wait_for(lambda: len(carl.convs["kitchen"].provisional) == 20, 10, "the others at the site see it")
    texts = [ev[10][1] for ev in carl.convs["kitchen"].provisional.values()]
    assert texts == [f"offline {i}" for i in range(20)]
    late = s.on(site, "carl", "carl-phone")  # who comes now is told as well
    wait_for(lambda: len(late.convs["kitchen"].provisional) == 20, 10, "history with what is provisional")
    site.link()
    hub = s.check()
    assert len(hub["kitchen"]) == 41
    mine = [ev for ev in hub["kitchen"] if ev[18] == "ben"]
    assert [ev[10][1] for ev in mine] == texts and [ev[22][2] for ev in mine] == sorted(ev[22][2] for ev in mine)
    assert all(ev[4] == 1 for ev in mine)  # composed before anything of anna's was seen


@pytest.mark.limit(90)
def test_a_conversation_begins_at_the_site(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben = meet(s, site)
    carl = s.on(site, "carl", "carl-tablet")
    site.cut()
    ben.submit(wire.MSG, "kitchen", {1: "first"})
    ben.submit(wire.CONV_NEW, "roof", {1: "elm", 2: "Roof", 3: {"carl": wire.MEMBER, "anna": wire.MEMBER}})
    wait_for(lambda: "roof" in carl.convs, 10, "carl is told that he is in it")
    ben.submit(wire.MSG, "roof", {1: "the ladder is in the shed"})
    wait_for(lambda: any(ev[1] == wire.MSG for ev in carl.convs["roof"].provisional.values()), 10, "carl sees the message")
    carl.submit(wire.MSG, "roof", {1: "thanks"})
    wait_for(lambda: len(carl.relayed) == 1, 10, "custody")
    site.link()
    hub = s.check()
    assert [ev[1] for ev in hub["roof"]] == [wire.CONV_NEW, wire.MSG, wire.MSG]
    anna.sync("roof", 3)


@pytest.mark.limit(90)
def test_a_device_goes_from_the_site_to_lte_and_nothing_is_there_twice(sites):
    s = sites()
    site = s.site("site-b")
    _anna, ben = meet(s, site)
    site.cut()
    for i in range(10):
        ben.submit(wire.MSG, "kitchen", {1: f"m{i}"})
    wait_for(lambda: len(ben.relayed) == 10, 10, "custody")
    s.move(ben, None)
    wait_for(ben.drained, 20, "the hub has taken what the site holds too")
    for i in range(10, 15):
        ben.ok(wire.MSG, "kitchen", {1: f"m{i}"})
    site.link()
    s.move(ben, site)
    for i in range(15, 20):
        ben.ok(wire.MSG, "kitchen", {1: f"m{i}"}, timeout=20)
    hub = s.check()
    assert [ev[10][1] for ev in hub["kitchen"][1:]] == [f"m{i}" for i in range(20)]


@pytest.mark.limit(90)
def test_what_the_hub_refuses_is_taken_back(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben = meet(s, site)
    carl = s.on(site, "carl", "carl-tablet")
    site.cut()
    anna.ok(wire.MEMBER_REMOVE, "kitchen", {1: "ben"})
    n = ben.submit(wire.MSG, "kitchen", {1: "not for long"})
    wait_for(lambda: carl.convs["kitchen"].provisional, 10, "shown at the site")
    site.link()
    nack = ben.wait_result(n, 20)
    assert nack[3] in (wire.UNKNOWN, wire.DENIED)
    wait_for(lambda: carl.taken_back, 10, "and taken back")
    assert not carl.convs["kitchen"].provisional
    assert not ben.convs["kitchen"].member or wait_for(lambda: not ben.convs["kitchen"].member, 10, "ben hears that he is out")
    s.check()


@pytest.mark.limit(90)
def test_what_the_hub_will_refuse_is_relayed_until_it_has_said_so(sites):
    s = sites()
    site = s.site("site-b")
    _anna, ben = meet(s, site)
    site.cut()
    numbers = [ben.submit(wire.MSG, "nowhere", {1: "x"}), ben.submit(wire.MSG, "kitchen", {1: 5}), ben.submit(wire.EDIT, "kitchen", {1: "x"}, k8=99),
               ben.submit(wire.MSG, "kitchen", {1: "fine"})]
    wait_for(lambda: ben.relayed.issuperset(numbers), 10, "custody")
    assert len(ben.convs["kitchen"].provisional) == 1
    site.link()
    results = [ben.wait_result(n, 20) for n in numbers]
    assert [r[3] for r in results[:3]] == [wire.UNKNOWN, wire.MALFORMED, wire.UNKNOWN]
    assert isinstance(results[3], list)
    s.check()


@pytest.mark.limit(120)
def test_receipts_presence_and_typing_cross_the_trunk_and_end_with_it(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben = meet(s, site)
    seq = anna.msg("kitchen", "read me")[2]
    ben.sync("kitchen", seq)
    ben.say(30, body={"kitchen": [seq, seq]})
    wait_for(lambda: s.oracle.horizons.get(("kitchen", "ben")) == [seq, seq], 10, "the hub's members see that ben has read")
    people.watch(anna, "ben")
    wait_for(lambda: (people.seen(anna, "ben") or [0])[0] == people.ACTIVE, 15, lambda: f"ben is there: {people.seen(anna, 'ben')}")
    people.watch(ben, "anna")
    wait_for(lambda: (people.seen(ben, "anna") or [0])[0] == people.ACTIVE, 15, lambda: f"anna is there: {people.seen(ben, 'anna')}")
    with WORLD:
        before = time.monotonic()
    site.cut()
    wait_for(lambda: people.seen(anna, "ben")[0] == people.UNREACHABLE, 35, lambda: f"ben cannot be reached: {people.seen(anna, 'ben')}")
    assert people.seen(anna, "ben")[4] == "site-b"
    wait_for(lambda: people.seen(ben, "anna")[0] == people.UNREACHABLE, 35, lambda: f"anna cannot be reached: {people.seen(ben, 'anna')}")
    print(f"shown after {time.monotonic() - before:.1f} s")
    site.link()
    wait_for(lambda: people.seen(anna, "ben")[0] == people.ACTIVE, 35, lambda: f"ben is back: {people.seen(anna, 'ben')}")
    s.check()


@pytest.mark.limit(90)
def test_a_scope_that_the_site_does_not_serve_stays_away(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben = meet(s, site)
    s.open(anna, "secret", "oak", {"ben": wire.MEMBER})
    anna.msg("secret", "not for the site")
    anna.msg("kitchen", "for all")
    ben.sync("kitchen", 2)
    assert "secret" not in ben.convs
    ben.no((wire.DENIED, wire.UNKNOWN), wire.MSG, "secret", {1: "x"}, timeout=20)
    ben.no((wire.DENIED, wire.UNKNOWN), wire.CONV_NEW, "other", {1: "oak", 2: "Oak"}, timeout=20)
    s.check()


def test_a_site_that_has_never_met_its_hub_says_so(sites):
    s = sites()
    site = s.site("site-b")
    site.cut()
    ben = s.device(site, "ben", "ben-tablet", auto=False).connect()
    ben.subscribe(*ben.filters())
    ben.hello(wait=False)
    nack = wait_for(lambda: ben.free_nacks, 10, "the answer")[0]
    assert nack[3] == wire.BUSY and nack[5] is True and "hub" in nack[4]
