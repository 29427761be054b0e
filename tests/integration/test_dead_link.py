"""A link on which nothing comes any more, though no socket has ended: who has promised to be heard of is missed on time, and nobody else is."""
import signal
import time

import pytest

import people
import wire
from chaos_proxy import ChaosProxy
from driven import Driven
from reactor import wait_for

ALIVE = 7  # hello: each so many s


def promise(device, alive_s):
    assert device.hello(k7=alive_s)[7].get(5) == alive_s, "the hub takes it at its word"


def ask_time(device):
    device.say(wire.TIME, body=1, leaf="now")


@pytest.mark.alone
def test_a_dead_link_shows_within_one_and_a_half_keep_alives_and_a_second(world, tmp_path):
    """Three devices: the dead one, one that is idle for several keep-alives, and one whose first connection had promised what its second does not."""
    keepalive_s = 2
    ann, ben, cid, dan = world.users("ann", "ben", "cid", "dan")
    a = world.on(ann, auto=False)
    world.open(a, {u: wire.MEMBER for u in (ben, cid, dan)})
    with ChaosProxy(world.broker.port, 1) as proxy:
        lives = [Driven(tmp_path, link, user, f"d.{user}", []).start("--listen", "--keepalive-s", keepalive_s)
                 for link, user in ((proxy, ben), (world.broker, cid))]
        first = world.on(dan, auto=False)
        promise(first, 1)
        second = world.on(dan, first.device, auto=False)
        people.watch(a, ben, cid, dan)
        begun = time.monotonic()
        for user in (ben, cid, dan):
            people.wait_state(a, user, people.ACTIVE)
        time.sleep(0.6)  # the watch may be told again at once
        proxy.black_hole()
        time.sleep(0.05)
        lives[0].kill()  # it would notice, and come back
        people.wait_state(a, ben, people.OFFLINE, timeout=1.5 * keepalive_s + 1 - 0.05)
        time.sleep(max(0.0, begun + 2.5 * keepalive_s - time.monotonic()))
        assert [people.seen(a, u)[0] for u in (cid, dan)] == [people.ACTIVE, people.ACTIVE]
        assert second.connected
        log = world.broker.log_text()
        assert log.count(f" as d.{cid} ") == 1, "the idle one has never been away"
        assert f"d.{ben}" in log
        lives[1].kill()


def test_a_broker_that_was_stopped_ends_nobody_for_it(make_hub):
    w = make_hub()
    devices = [w.on(user, auto=False) for user in w.users("ann", "ben", "cid")]
    for d in devices:
        promise(d, 1)

    def talk(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for d in devices:
                ask_time(d)
            time.sleep(0.2)
    talk(0.4)
    w.broker.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(2)
    finally:
        w.broker.process.send_signal(signal.SIGCONT)
    talk(0.8)
    assert all(d.connected for d in devices)
    wait_for(lambda: not any(d.connected for d in devices), 3.5, "the end of all, now that they are silent")
    assert w.broker.log_text().count("administrative action") == 3
