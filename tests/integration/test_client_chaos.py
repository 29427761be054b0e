"""A queue that drains over a link which drops all the time: all of it arrives, once, in order."""
import os

import pytest

import wire
from chaos_proxy import ChaosProxy, Manners
from driven import Driven, verdict

QUEUE = int(os.environ.get("FIELDPOST_CLIENT_QUEUE", "10000"))
STORAGE = ["--size", 4 << 20, "--sector", 65536, "--entries", 16384, "--listen"]
ALL_FAULTS = ("cut", "cut", "half_up", "half_down", "ghost", "stall")


def run(world, folder, seed, manners, count):
    owner = world.on("owner")
    world.open(owner, {"rider": wire.MEMBER}, scope="site", conv="room")
    with ChaosProxy(world.broker.port, seed, manners) as proxy:
        rider = Driven(folder, proxy, "rider", "phone", ["room"])
        life = rider.drain("--send", count, *STORAGE, timeout=150)
        links = proxy.connections, dict(proxy.faults)
    accepted = len(life.said("accepted"))
    assert accepted == count
    reader = world.device("owner", auto=False).start()
    log = reader.history("room")
    verdict([rider], {"room": log})
    assert sum(ev[19] == "phone" for ev in log) == count
    print(f"{count} commands over {links[0]} connections, faults {links[1]}")
    return links


@pytest.mark.limit(200)
@pytest.mark.slow
def test_a_long_queue_drains_over_a_link_that_drops_all_the_time(make_hub, tmp_path, chance):
    world = make_hub(options={"commands_per_s": 0})
    manners = Manners(delay=0.005, jitter=0.01, rate=150_000, life=(0.3, 1.0), faults=ALL_FAULTS)
    connections, faults = run(world, tmp_path / "phone", chance.randrange(2**32), manners, QUEUE)
    assert connections > 3, f"the link did not drop: {connections} {faults}"


@pytest.mark.limit(120)
def test_bytes_that_come_in_small_pieces_are_put_together(make_hub, tmp_path, chance):
    world = make_hub(options={"commands_per_s": 0})
    manners = Manners(jitter=0.002, life=(0.1, 0.4), faults=("cut",), split=True)
    run(world, tmp_path / "phone", chance.randrange(2**32), manners, 300)


@pytest.mark.limit(120)
def test_a_hub_that_limits_the_rate_gets_everything_in_order(make_hub, tmp_path, chance):
    world = make_hub(options={"commands_per_s": 100})
    run(world, tmp_path / "phone", chance.randrange(2**32), Manners(), 900)
