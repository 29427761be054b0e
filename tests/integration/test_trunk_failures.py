"""What goes wrong with a trunk and its two databases: each shows in the log and in a metric, and nothing is lost that was acknowledged."""
import shutil
import time

import pytest

import wire
from mqtt import Mqtt
from reactor import WORLD, wait_for
from sites import Sites


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


def meet(s, site):
    """Anna is with the hub, Ben and Carl at the site, and all are in one conversation."""
    anna = s.on(None, "anna", "anna-phone")
    s.open(anna, "kitchen", "elm", {"ben": wire.MANAGER, "carl": wire.MEMBER})
    ben = s.device(site, "ben", "ben-tablet")
    ben.start(20)
    carl = s.on(site, "carl", "carl-tablet")
    wait_for(lambda: "kitchen" in ben.convs and "kitchen" in carl.convs, 20, "the site has heard of the conversation")
    ben.sync("kitchen", 1)
    return anna, ben, carl


def logged(broker, text, timeout=10):
    wait_for(lambda: text in broker.log_text(), timeout, lambda: f"{text!r} in the log:\n{broker.tail()}")


def times(broker, text):
    return broker.log_text().count(text)


class Image:
    """The database as it is now, as a backup of it would have it."""

    def __init__(self, broker, name):
        self.broker = broker
        self.folder = broker.folder / name
        self.folder.mkdir()
        for file in broker.folder.glob(broker.db.name + "*"):
            if not file.name.endswith(".lock"):
                shutil.copy(file, self.folder)

    def restore(self):
        for file in self.broker.folder.glob(self.broker.db.name + "*"):
            file.unlink()
        for file in self.folder.iterdir():
            shutil.copy(file, self.broker.folder)


def metric(broker, leaf):
    """The latest of fp/1/ops/<leaf>."""
    op = Mqtt(broker.port, "op-eye", "op")
    op.connect()
    try:
        op.subscribe(f"fp/1/ops/{leaf}")
        wait_for(lambda: len(op.messages) > 1, 10, f"metrics of {leaf}")  # the first is what was retained
        return wire.decode(op.messages[-1].payload)
    finally:
        op.disconnect()


def until(broker, leaf, ready, timeout=20):
    end = time.monotonic() + timeout
    while True:
        now = metric(broker, leaf)
        if ready(now):
            return now
        assert time.monotonic() < end, now


def leave(device):
    with WORLD:
        device.stays = False
    device.drop()


def come(device):
    with WORLD:
        device.stays = True
    device.start(20)


# ------------------------------------------------------------------ databases

@pytest.mark.limit(120)
def test_a_site_that_is_restored_from_yesterday_begins_a_new_log(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben, carl = meet(s, site)
    for i in range(5):
        ben.msg("kitchen", f"yesterday {i}")
    s.settled()
    site.broker.stop()
    yesterday = Image(site.broker, "yesterday")
    site.broker.start()
    wait_for(lambda: ben.welcomed and carl.welcomed, 20, "they are back")
    for i in range(5):
        ben.msg("kitchen", f"today {i}", timeout=20)
        anna.msg("kitchen", f"today, elsewhere {i}")
    s.settled()
    site.broker.kill()
    yesterday.restore()
    site.broker.start()
    logged(site.broker, "trunk site-b: this site's database is older than what the hub has of it", 30)
    logged(s.hub, "relay site-b: its database is older than what it has said before")
    wait_for(lambda: ben.welcomed and carl.welcomed, 30, "they are back")
    ben.msg("kitchen", "after all", timeout=30)
    carl.msg("kitchen", "me too", timeout=30)
    hub = s.check()
    assert len(hub["kitchen"]) == 18
    assert times(site.broker, "it begins a new log") == 1
    assert until(site.broker, "trunk", lambda m: m["up"] == 1)["trunk_hub_is_older"] == 0


@pytest.mark.limit(120)
def test_a_hub_that_is_restored_from_yesterday_mixes_nothing(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben, carl = meet(s, site)
    ben.msg("kitchen", "yesterday")
    s.settled()
    s.hub.stop()
    yesterday = Image(s.hub, "yesterday")
    s.hub.start()
    wait_for(lambda: anna.welcomed, 20, "anna is back")
    for i in range(5):
        ben.msg("kitchen", f"today {i}", timeout=30)
    s.settled()
    leave(anna)
    s.hub.kill()
    today = Image(s.hub, "today")
    yesterday.restore()
    s.hub.start()
    logged(site.broker, "trunk site-b: stopped: the hub is older than what it has acknowledged (restored from a backup?)", 40)
    logged(s.hub, "relay site-b: this hub is older than what the relay has of it")
    until(site.broker, "trunk", lambda m: m["trunk_hub_is_older"] == 1 and m["up"] == 0)
    until(s.hub, "relay", lambda m: m["site-b"]["older"] == 1)
    n = ben.submit(wire.MSG, "kitchen", {1: "while it is as it is"})  # the people at the site go on
    wait_for(lambda: n in ben.relayed and len(carl.convs["kitchen"].provisional) == 1, 10, "custody")
    s.hub.kill()
    today.restore()
    ups = times(s.hub, "relay site-b: up")
    s.hub.start()
    wait_for(lambda: times(s.hub, "relay site-b: up") > ups, 90, "the trunk stands again")
    come(anna)
    hub = s.check(90)
    assert len(hub["kitchen"]) == 8
    assert times(site.broker, "trunk site-b: stopped") == 1
    until(site.broker, "trunk", lambda m: m["trunk_hub_is_older"] == 0 and m["up"] == 1)


@pytest.mark.limit(120)
def test_a_site_whose_database_is_rubbish_begins_anew_and_gets_all_back(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben, carl = meet(s, site)
    for i in range(5):
        ben.msg("kitchen", f"before {i}")
    s.settled()
    site.broker.kill()
    for file in site.broker.folder.glob(site.broker.db.name + "-*"):
        file.unlink()
    site.broker.db.write_bytes(b"this is not what it was" * 1000)
    site.broker.start()
    logged(site.broker, "the database was bad and has been moved aside")
    assert list(site.broker.folder.glob("fieldpost.db.bad-*"))
    wait_for(lambda: ben.welcomed and carl.welcomed, 30, "they are back")
    ben.msg("kitchen", "after", timeout=30)
    anna.msg("kitchen", "here as well")
    hub = s.check()
    assert len(hub["kitchen"]) == 8
    until(site.broker, "trunk", lambda m: m["up"] == 1)


# ------------------------------------------------------------------ room

def said(device, n, code):
    return [r for r in device.replies if r[1] == wire.NACK and r.get(2) == n and r[3] == code]


@pytest.mark.limit(180)
def test_a_disk_that_fills_up_keeps_what_is_urgent(sites):
    s = sites()
    site = s.site("site-b")
    site.broker.stop()
    site.broker.options["db_max_mb"] = 2
    site.broker.start()
    anna, ben, _carl = meet(s, site)
    bulk, normal, safety = (s.on(site, "carl", f"carl-{what}") for what in ("bulk", "normal", "safety"))
    site.cut()
    for i in range(2000):
        ben.submit(wire.MSG, "kitchen", {1: f"{i} " + "x" * 2000})
        if i % 10 == 9:
            time.sleep(0.1)  # it looks once a second
            if "messages are refused (nack full)" in site.broker.log_text():
                break
    now = until(site.broker, "trunk", lambda m: m["full"] > 0)
    assert now["disk"] >= 93
    n = bulk.submit(wire.MSG, "kitchen", {1: "a film"}, k6=3)
    m = normal.submit(wire.MSG, "kitchen", {1: "hello"})
    wait_for(lambda: said(bulk, n, wire.FULL) and said(normal, m, wire.FULL), 10, "both are sent back")
    assert all(r[5] is True for r in said(bulk, n, wire.FULL))
    k = safety.submit(wire.MSG, "kitchen", {1: "fire"}, k6=0)
    wait_for(lambda: k in safety.relayed, 10, "what is urgent is taken")
    assert not said(safety, k, wire.FULL)
    site.broker.stop()
    site.broker.options["db_max_mb"] = 64
    site.broker.start()
    site.link()
    hub = s.check(90)
    assert {"a film", "hello", "fire"} <= {ev[10][1] for ev in hub["kitchen"][1:]}
    assert until(site.broker, "trunk", lambda m: m["up"] == 1)["disk"] < 70


@pytest.mark.limit(120)
def test_a_hub_without_room_says_so_and_takes_from_its_site_when_there_is_some(sites):
    s = sites(options={"db_max_mb": 1})
    site = s.site("site-b")
    anna, ben, _carl = meet(s, site)
    for i in range(120):
        n = anna.submit(wire.MSG, "kitchen", {1: f"{i} " + "x" * 12000})
    wait_for(lambda: any(r[1] == wire.NACK and r[3] == wire.FULL for r in anna.replies), 20, "it is full")
    for i in range(40):
        n = ben.submit(wire.MSG, "kitchen", {1: f"{i} " + "y" * 12000})
    wait_for(lambda: n in ben.relayed or n in ben.results, 20, "the site has it")
    logged(s.hub, "the database is full: commands are refused (nack full) until there is room")
    assert metric(s.hub, "hub")["full"] > 0
    s.hub.stop()
    s.hub.options["db_max_mb"] = 64
    s.hub.start()
    hub = s.check(60)
    assert len(hub["kitchen"]) == 161
    assert times(s.hub, "the database is full") <= 2  # not for each command


# ------------------------------------------------------------------ links

@pytest.mark.limit(120)
def test_a_half_open_link_is_noticed_at_both_ends(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben, _carl = meet(s, site)
    ben.msg("kitchen", "before")
    site.wan.black_hole()
    n = ben.submit(wire.MSG, "kitchen", {1: "into nothing"})
    wait_for(lambda: n in ben.relayed, 10, "custody")
    logged(site.broker, "trunk site-b: down", 60)
    logged(s.hub, "relay site-b: down", 60)
    ben.wait_result(n, 60)  # a new connection has taken its place
    anna.msg("kitchen", "after")
    s.check()
    now = until(site.broker, "trunk", lambda m: m["up"] == 1)
    assert now["sessions"] >= 2


@pytest.mark.limit(120)
def test_a_link_that_flaps_loses_nothing(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben, _carl = meet(s, site)
    for i in range(6):
        for k in range(5):
            ben.submit(wire.MSG, "kitchen", {1: f"{i}.{k}"})
            anna.submit(wire.MSG, "kitchen", {1: f"elsewhere {i}.{k}"})
        site.cut()
        time.sleep(0.2)
        site.link()
        time.sleep(0.5)
    hub = s.check()
    assert len(hub["kitchen"]) == 61
    assert times(site.broker, "trunk site-b: up") >= 2
    assert times(site.broker, "trunk site-b: down") >= 1
    assert metric(s.hub, "relay")["site-b"]["lost"] >= 1


# ------------------------------------------------------------------ people who were put out meanwhile

@pytest.mark.limit(120)
def test_who_was_put_out_while_his_site_was_cut_off_is_not_stuck(sites):
    s = sites()
    site = s.site("site-b")
    anna, ben, carl = meet(s, site)
    site.cut()
    lost = [carl.submit(wire.MSG, "kitchen", {1: f"nobody reads this {i}"}) for i in range(3)]
    wait_for(lambda: all(n in carl.relayed for n in lost), 10, "custody")
    anna.ok(wire.MEMBER_REMOVE, "kitchen", {1: "carl"})
    site.link()
    wait_for(lambda: all(n in carl.results for n in lost), 60, lambda: f"told: {carl.results}")
    assert all(isinstance(carl.results[n], dict) for n in lost)
    anna.ok(wire.MEMBER_ADD, "kitchen", {1: "carl", 2: wire.MEMBER})
    wait_for(lambda: carl.convs["kitchen"].member, 20, "he is in again")
    carl.msg("kitchen", "here I am", timeout=60)
    s.check()
