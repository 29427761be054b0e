"""P1 to P5 and P9: nothing that any client was told is lost or different after kill -9 at random moments, under load."""
import os
import subprocess
import time
from pathlib import Path

import pytest

import broker as brokers
import wire
from conftest import World
from oracle import read_store
from reactor import WORLD, shared, wait_for

KILLS = int(os.environ.get("FIELDPOST_KILLS", "25"))
OUTSTANDING = 40  # commands a device has unanswered at most: the load is the hub's pace


class Load:
    """Eight devices of four users: one with a persistent session, one subscribed with QoS 0, and so on."""

    def __init__(self, world, chance):
        self.world, self.chance = world, chance
        self.devices = [world.device(f"u{i % 4}", f"dev{i}", clean=i % 3 != 1, qos=0 if i % 4 == 2 else 1, zlib=i % 2 == 0, batch=(1, 8, 64)[i % 3])
                        for i in range(8)]
        self.convs = {}

    def open(self):
        for d in self.devices:
            d.start()
        first = self.devices[:4]
        users = [d.user for d in first]
        plans = [("room", first[0], users[1:]), ("ab", first[0], [users[1]]), ("cd", first[2], [users[3]]), ("ad", first[3], [users[0]])]
        for conv, owner, others in plans:
            owner.ok(wire.CONV_NEW, conv, {1: "site" if conv == "room" else "dm", 2: conv, 3: {u: wire.MEMBER for u in others}})
            self.convs[conv] = {owner.user, *others}

    def feed(self):
        """Tops up every outbox; a device says more than one thing at a time now and then."""
        with WORLD:
            for d in self.devices:
                mine = [c for c, users in self.convs.items() if d.user in users]
                while len(d.outbox) < OUTSTANDING:
                    burst = [self.compose(d, self.chance.choice(mine)) for _ in range(self.chance.choice((1, 1, 1, 5, 20)))]
                    if d.welcomed:
                        d.send(burst)

    def compose(self, d, conv):
        roll = self.chance.random()
        if roll < 0.03 and conv == "room" and d.user == "u0":
            return d.compose(wire.CONV_SET, conv, {2: f"title {d.next_n}"})
        if roll < 0.06:
            return d.compose(wire.MSG, "nowhere", {1: "refused"})
        known = d.convs.get(conv)
        if roll < 0.2 and known and known.cursor:
            return d.compose(wire.MSG, conv, {1: "a reply"}, k8=self.chance.randint(1, known.cursor))
        return d.compose(wire.MSG, conv, {1: f"{d.device} {d.next_n} " + "x" * self.chance.randrange(200)})

    def until(self, when):
        while time.monotonic() < when:
            self.feed()
            with WORLD:
                WORLD.wait(max(0.0, min(0.01, when - time.monotonic())))

    def lose_a_link(self):
        d = self.chance.choice(self.devices)
        with WORLD:
            d.drop()
            shared().add(d)  # comes back by itself

    def drain(self):
        wait_for(lambda: all(d.drained() for d in self.devices), 60,
                 lambda: f"all answered; left: {[(d.device, len(d.outbox), min(d.outbox, default=None), d.welcomed) for d in self.devices]}")
        heads = {c: len(ev) for c, ev in read_store(self.world.broker.db).items()}
        for d in self.devices:
            for conv, users in self.convs.items():
                if d.user in users:
                    d.sync(conv, heads[conv], 30)

    def verdict(self):
        store = read_store(self.world.broker.db)
        oracle = self.world.oracle
        oracle.check(store)
        oracle.check_drained(self.devices)
        for d in self.devices:
            for conv, users in self.convs.items():
                if d.user in users:
                    oracle.check_complete(d, conv, store)
        assert len(oracle.epochs) == 1, f"the log's identity changed: {oracle.epochs}"
        return store


@pytest.fixture(scope="module")
def slow_disk(tmp_path_factory):
    """The shim that makes the moment before a commit long; see slow_disk.c."""
    out = tmp_path_factory.mktemp("shim") / "slow_disk.so"
    source = Path(__file__).with_name("slow_disk.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(out), str(source), "-ldl"], check=True)
    return out


def run(tmp_path, chance, kills, persistence, prefix=()):
    broker = brokers.Broker(tmp_path / "hub", options={"commands_per_s": 2000}, persistence=persistence, prefix=prefix)
    broker.start()
    world = World(broker)
    load = Load(world, chance)
    acks_before = 0
    try:
        load.open()
        for _ in range(kills):
            # Wait until the load really runs again, or a kill would hit an idle broker.
            load.until(time.monotonic() + 0.05)
            wait_for(lambda: (load.feed(), len(world.oracle.acks) > acks_before + 20)[1], 30, "load after the restart")
            load.until(time.monotonic() + chance.uniform(0, 0.6))
            if chance.random() < 0.5:
                load.lose_a_link()
                load.until(time.monotonic() + chance.uniform(0, 0.1))
            broker.kill()
            acks_before = len(world.oracle.acks)
            broker.start()
        load.drain()
        # One more start, cleanly, and everything is still the same to who asks.
        store = load.verdict()
        broker.stop()
        broker.start()
        reader = world.device("u0", "late", auto=False)
        reader.start()
        for conv in ("room", "ab", "ad"):
            assert reader.history(conv) == store[conv]
        events, acks = len(world.oracle.events), len(world.oracle.acks)
        print(f"{kills} kills: {acks} acks, {events} events seen, {sum(map(len, store.values()))} stored")
        assert acks > kills * 20
    finally:
        world.close(check=False)
        if broker.process is not None:
            broker.stop()
    world.oracle.check_violations()


@pytest.mark.limit(90 + 6 * KILLS)
def test_nothing_told_is_lost_by_kill_9(tmp_path, chance):
    run(tmp_path, chance, KILLS, persistence=False)


@pytest.mark.limit(120)
def test_nothing_told_is_lost_where_the_broker_keeps_sessions(tmp_path, chance):
    """With the broker's own persistence on, its stale queues and retained messages come back as well, and must not matter."""
    run(tmp_path, chance, max(2, KILLS // 8), persistence=True)


@pytest.mark.limit(120 + 6 * KILLS)
def test_nothing_told_is_lost_on_a_slow_disk(tmp_path, chance, slow_disk):
    """Most of the time something is on its way to the disk; what is told in that time must be there afterwards."""
    run(tmp_path, chance, max(4, KILLS // 4), persistence=False, prefix=["env", f"LD_PRELOAD={slow_disk}"])
