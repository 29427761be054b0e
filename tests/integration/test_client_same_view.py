"""A stock MQTT client (paho and cbor2, tests/demo/device.py) and the client library see the same events in the same order."""
import sys
import time
from pathlib import Path

import pytest

from driven import Driven, verdict

sys.path.insert(0, str(Path(__file__).parents[1] / "demo"))
from device import Device as Stock  # noqa: E402

EACH = 60


@pytest.fixture
def world(make_hub):
    return make_hub(options={"commands_per_s": 0})


def view_of(driven):
    """All lives together: seq -> what was shown."""
    return [(int(x[2]), x[3], x[4], int(x[5])) for life in driven.lives for x in life.said("event")]


def test_a_stock_client_and_ours_see_the_same(world, tmp_path):
    stock = Stock("stella", None, "stella-desk", world.broker.port)
    stock.connect()
    try:
        stock.wait(stock.is_ready, 10, "welcome")
        made = stock.create("room", "site", "A room", {"oscar": 1})
        stock.wait(lambda: made in stock.answers, 10, "the conversation")
        ours = Driven(tmp_path, world.broker, "oscar", "oscar-phone", ["room"])
        life = ours.start("--listen", "--send", EACH, "--rate", 200)
        for i in range(EACH):
            stock.say("room", f"stock {i}")
            time.sleep(0.003)
            if i == EACH // 2:  # gone, by force, in the middle; the rest comes when it is back
                life.kill()
                life = ours.start("--listen", "--send", EACH, "--rate", 200)
        life.wait_line(lambda line: line[0] == "idle")
        stock.wait(lambda: not stock.outbox, 15, "all answers")
        log = world.device("stella", auto=False).start().history("room")
        life.wait_line(lambda line: line[0] == "event" and int(line[2]) == len(log))
        life.stop()
        stock.wait(lambda: stock.cursor("room") == len(log), 15, "all events")
    finally:
        stock.drop()
    assert not stock.faults
    assert stock.log("room") == log
    verdict([ours], {"room": log})
    shown = {row[0]: row for row in view_of(ours)}
    assert [shown[seq] for seq in sorted(shown)] == [(ev[16], ev[18], ev[19], ev[2]) for ev in log]
