"""A device that was away for long: one word from it, and all that it has missed comes. The reader is bare, so that the time is the hub's."""
import time

import cbor2
import pytest

import wire
from mqtt import Mqtt
from reactor import WORLD, wait_for

CONVS = 100
MISSED = 50  # in each
ARRAY = 50   # commands a publish
CATCHES_UP_S = 10


class Bare(Mqtt):
    """Only counts and decodes; a check of each byte would take longer than what is measured."""

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.said = 0
        self.up_at = None
        self.replies = []

    def on_up(self):
        self.up_at = time.monotonic()

    def on_message(self, message):
        self.replies.append((time.monotonic(), self.said, cbor2.loads(message.payload)))

    def say(self, *commands):
        self.said += 1
        self.publish(f"fp/1/device/{self.client_id}/up", wire.dumps(commands[0] if len(commands) == 1 else list(commands)))

    def of(self, what):
        with WORLD:
            return [r for r in self.replies if r[2][1] == what]


@pytest.fixture
def bare(make_hub):
    w = make_hub(options={"commands_per_s": 0})

    def online(user, device):
        m = Bare(w.broker.port, device, user)
        w.clients.append(m)
        m.connect()
        m.subscribe(f"fp/1/device/{device}/down")
        return m
    return online


def acked(writer, upto):
    def all_are():
        assert not writer.of(wire.NACK)
        return any(row[0] == upto for _, _, r in writer.of(wire.ACK) for row in r[2])
    wait_for(all_are, 10, f"the ack of {upto}")


def write(writer, convs):
    """Opens the conversations, and says MISSED things in each."""
    made = [{1: wire.CONV_NEW, 2: i + 1, 3: c, 10: {1: "elm", 2: c, 3: {"ben": 1}}} for i, c in enumerate(convs)]
    said = [{1: wire.MSG, 2: 1 + CONVS + i, 3: convs[i // MISSED], 10: {1: f"message {i}"}} for i in range(CONVS * MISSED)]
    commands = made + said
    for i in range(0, len(commands), ARRAY):
        writer.say(*commands[i:i + ARRAY])
    acked(writer, len(commands))


@pytest.mark.alone
def test_five_thousand_missed_events_come_after_one_hello(bare):
    convs = [f"room-{i:03}" for i in range(CONVS)]
    writer = bare("anna", "anna-1")
    writer.say({1: wire.HELLO, 10: {1: 1}})
    write(writer, convs)

    device = bare("ben", "ben-1")
    device.say({1: wire.HELLO, 10: {1: 1, 4: {c: 1 for c in convs}}})

    def caught_up():
        return {r[2] for _, _, r in device.of(wire.PAGE) if r[4] == 1 + MISSED} == set(convs)
    wait_for(caught_up, 2 * CATCHES_UP_S, "the last page")

    pages = device.of(wire.PAGE)
    assert [r[1] for _, _, r in device.replies[:1]] == [wire.WELCOME]
    assert pages[0][1] == pages[-1][1] == 1, "one word, and one round trip, before the first page and the last"
    for c in convs:
        seqs = [ev[16] for _, _, r in pages if r[2] == c for ev in wire.page_events(r)]
        assert seqs == list(range(2, 2 + MISSED)), c
    took = pages[-1][0] - device.up_at
    first = pages[0][0] - device.up_at
    print(f"{CONVS} conversations, {CONVS * MISSED} missed events: "
          f"first page {first * 1000:.0f} ms after CONNACK, the last after {took * 1000:.0f} ms")
    assert took < CATCHES_UP_S
