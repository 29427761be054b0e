"""What a relay's life shows of those at its site: that they are out of reach with it, and nothing at all of who hides."""
import pytest

import people
import wire
from mqtt import Mqtt
from sites import Bridge, Sites


def wait_met(site):
    """Before that a site answers hello with busy."""
    op = Mqtt(site.broker.port, "op-looks", user="op").connect()
    op.subscribe("fp/1/ops/trunk")
    op.wait_message(lambda m: wire.decode(m.payload)["up"] == 1, 20, "the site has met its hub")
    op.disconnect()


@pytest.fixture
def elm(tmp_path):
    s = Sites(tmp_path, {"site-b": ["elm"]})
    site = s.site("site-b", Bridge)
    wait_met(site)
    yield s, site
    s.close()
    assert not s.oracle.violations, s.oracle.violations[:5]


@pytest.mark.limit(90)
def test_who_hides_is_offline_whatever_becomes_of_his_relay(elm):
    s, site = elm
    bob, ann = s.on(None, "bob", "bob-phone"), s.on(None, "ann", "ann-phone")
    s.open(bob, "kitchen", "elm", {"ann": wire.MEMBER, "cid": wire.MEMBER})
    people.hide(ann)
    s.move(ann, site)
    ann.start(20)
    cid = s.device(site, "cid", "cid-tablet").start(20)
    bob.subscribe("fp/1/scope/elm/presence")
    people.watch(bob, "ann", "cid", ttl=300)
    people.wait_state(bob, "cid", people.ACTIVE, 20)
    people.activity(ann, people.SAYS_BUSY)
    people.activity(cid, people.SAYS_BUSY)
    people.wait_state(bob, "cid", people.BUSY)
    for _ in range(2):
        site.cut()
        people.wait_state(bob, "cid", people.UNREACHABLE)
        row = people.seen(bob, "cid")
        assert row[2:4] == [None, None] and row[4] == "site-b"
        site.link()
        people.wait_state(bob, "cid", people.BUSY, 20)
        assert len(people.seen(bob, "cid")) == 2  # the relay is named only while he is out of reach
    rows = [p[1]["ann"] for p in people.told(bob) if "ann" in p[1]]
    assert rows == [people.GONE], "told once, by the watch, and never again"
    assert not [d for d in people.digests(bob, "elm") if "ann" in d]


@pytest.mark.limit(90)
def test_who_left_while_the_link_was_gone_is_offline_when_it_is_back(elm):
    s, site = elm
    bob = s.on(None, "bob", "bob-phone")
    s.open(bob, "kitchen", "elm", {"ann": wire.MEMBER, "cid": wire.MEMBER})
    ann, cid = s.device(site, "ann", "ann-tablet").start(20), s.device(site, "cid", "cid-tablet").start(20)
    people.watch(bob, "ann", "cid", ttl=300)
    for user in ("ann", "cid"):
        people.wait_state(bob, user, people.ACTIVE, 20)
    site.cut()
    people.wait_state(bob, "ann", people.UNREACHABLE)
    lost = people.seen(bob, "ann")[1]
    ann.say(wire.BYE)
    ann.barrier()
    site.link()
    people.wait_state(bob, "cid", people.ACTIVE, 20)
    people.wait_state(bob, "ann", people.OFFLINE, 20)
    assert people.seen(bob, "ann") == [people.OFFLINE, lost], "he was last known to be there when the link was lost"
