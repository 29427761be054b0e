"""Zero loss, zero duplicates: brokers, relays and clients killed, links cut and silent at random, at a hub and two sites under load."""
import os
import random

import pytest

import stock_bridge
import trunk_script
from trunk_load import Load

ROUNDS = int(os.environ.get("FIELDPOST_TRUNK_KILLS", "25"))


@pytest.fixture
def load(tmp_path, chance):
    made = Load(tmp_path, chance)
    yield made
    made.close()
    made.s.oracle.check_violations()


@pytest.mark.limit(300 + 4 * ROUNDS)
def test_nothing_is_lost_and_nothing_is_there_twice(load, chance):
    load.open()
    steps = trunk_script.draw(random.Random(chance.random()), ROUNDS)
    trunk_script.play(load, steps)
    hub = load.verdict()
    print(f"{ROUNDS} rounds: {load.numbers(hub)}; lost, twice: {load.lost_and_twice()}")
    assert sum(map(len, hub.values())) > 20 * ROUNDS


@pytest.mark.limit(90 + 3 * ROUNDS)
def test_a_stock_bridge_for_comparison(tmp_path, chance):
    """Printed, not judged: what two plain brokers with a bridge of QoS 1 make of the same script."""
    stage = stock_bridge.Stage(tmp_path)
    try:
        trunk_script.play(stage, trunk_script.draw(random.Random(chance.random()), ROUNDS))
        print(f"{ROUNDS} rounds: {stage.result()}")
    finally:
        stage.close()
