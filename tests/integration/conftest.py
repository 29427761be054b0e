"""Fixtures: a broker with the plugin, and devices that are gone when the test is."""
import itertools
import os
import random
import signal

import pytest

import broker as brokers
import wire
from client import Device
from mqtt import Mqtt
from oracle import Oracle, read_store
from reactor import WORLD, shared

_numbers = itertools.count(1)
# The files that take longest; where several run at a time these begin, so that none is left over for the end. In turn they compute and wait.
LONG = [f"test_{name}.py" for name in "armhf trunk_faults cross trunk_failures bare_metal trunk_chaos kill9 presence client_chaos gateway".split()]


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): the test may take so long (60 by default)")
    config.addinivalue_line("markers", "slow: takes several seconds of CPU")
    config.addinivalue_line("markers", "alone: runs while no other test does (.ci/run sees to it)")
    try:
        brokers.plugin_path()
    except RuntimeError as why:
        raise pytest.UsageError(str(why)) from None


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(autouse=True)
def deadline(request):
    mark = request.node.get_closest_marker("limit")
    seconds = mark.args[0] if mark else 60

    def late(_signal, _frame):
        raise TimeoutError(f"{request.node.name} took more than {seconds} s")
    old = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    shared().failures.clear()
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


@pytest.fixture
def chance():
    """Random numbers whose seed is printed; FIELDPOST_SEED repeats a run."""
    seed = int(os.environ.get("FIELDPOST_SEED", random.SystemRandom().randrange(2**32)))
    print(f"FIELDPOST_SEED={seed}")
    return random.Random(seed)


class World:
    """One test's people on one broker. Names are unique, so tests can share the broker."""

    def __init__(self, broker):
        self.broker = broker
        self.oracle = Oracle()
        self.clients = []

    def name(self, prefix):
        return f"{prefix}-{next(_numbers)}"

    def device(self, user, name=None, **kw):
        d = Device(self.broker.port, user, name or self.name(f"d.{user}"), self.oracle, **kw)
        self.clients.append(d)
        return d

    def on(self, user, name=None, **kw):
        """A device that is online."""
        return self.device(user, name, **kw).start()

    def plain(self, client_id=None, **kw):
        """A client that knows nothing of the contract, connected."""
        c = Mqtt(self.broker.port, client_id if client_id is not None else self.name("plain"), **kw)
        self.clients.append(c)
        return c.connect()

    def users(self, *names):
        return [self.name(n) for n in names]

    def open(self, owner, members=None, scope=None, title="A title", conv=None):
        """A new conversation of this device's user; returns (scope, conversation)."""
        scope, conv = scope or self.name("scope"), conv or self.name("conv")
        owner.ok(wire.CONV_NEW, conv, {1: scope, 2: title, 3: members or {}})
        return scope, conv

    def watch(self, device, scope):
        codes = device.subscribe(f"fp/1/scope/{scope}/conv/+/+", qos=device.qos)
        assert codes == [device.qos], f"{device.device}: subscribing to his own scope was refused: {codes}"

    def close(self, check=True):
        for c in self.clients:
            with WORLD:
                c.stays = False
                if isinstance(c, Device):
                    c.auto = False
            c.drop()
        if check:
            self.oracle.check_violations()
            if self.broker.plugin and self.broker.alive():
                store = read_store(self.broker.db)
                mine = {key[0] for key in self.oracle.events} | set(self.oracle.heads) | {r[1] for r in self.oracle.acks.values() if r[1]}
                self.oracle.check({c: store.get(c, []) for c in mine})


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory):
    """A hub with the usual options, shared by the tests of a module."""
    with brokers.Broker(tmp_path_factory.mktemp("hub"), options={"services": "svc", "operators": "op"}) as b:
        yield b


@pytest.fixture
def world(shared_hub):
    w = World(shared_hub)
    yield w
    w.close()
    assert shared_hub.alive(), f"the broker died:\n{shared_hub.tail()}"


@pytest.fixture
def make_hub(tmp_path):
    """Starts a broker with other options: make_hub(options={...}, ...) gives its World. Everything ends with the test."""
    made = []

    def make(name="hub", start=True, **kw):
        b = brokers.Broker(tmp_path / name, **kw)
        w = World(b)
        made.append(w)
        if start:
            b.start()
        return w
    yield make
    for w in made:
        w.close(check=False)
        if w.broker.process is not None:
            w.broker.stop()
    for w in made:
        w.oracle.check_violations()
