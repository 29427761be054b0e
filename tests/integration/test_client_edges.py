"""The client library at the edges of its contract: a lost storage, two processes of one device, another hub, no room, refusals, leaving."""
import pytest

import wire
from driven import EXIT_CUT, Driven, verdict
from oracle import Oracle

SMALL = ["--size", 4096, "--sector", 512, "--entries", 64]


class Room:
    """A hub with one conversation, and the log as an independent client reads it."""

    def __init__(self, make_hub, tmp_path, **options):
        self.world = make_hub(options={"commands_per_s": 0, **options})
        self.hub = self.world.broker
        self.folder = tmp_path / "devices"
        self.owner = self.open()

    def open(self):
        owner = self.world.on("owner")
        self.world.open(owner, {"rider": wire.MEMBER, "guest": wire.OBSERVER}, scope="site", conv="room")
        return owner

    def driven(self, user="rider", convs=("room",), **kw):
        return Driven(self.folder, self.hub, user, "phone", list(convs), **kw)

    def log(self):
        return self.world.device("owner", auto=False).start().history("room")

    def texts(self, device="phone"):
        return [ev[10][1].strip() for ev in self.log() if ev[19] == device]


@pytest.fixture
def room(make_hub, tmp_path):
    return Room(make_hub, tmp_path)


def accepted(*devices):
    return [line[2] for d in devices for life in d.lives for line in life.said("accepted")]


def outcomes(life):
    """ticket -> (last state, code)"""
    return {int(line[1]): (line[2], line[5]) for line in life.said("state")}


# ---------------------------------------------------------------- one device id, more than one storage

def test_a_device_with_an_empty_storage_goes_on_where_the_hub_knows_it(room):
    phone = room.driven()
    phone.drain("--send", 7)
    phone.state.unlink()
    phone.drain("--send", 5, "--listen")
    assert room.texts() == accepted(phone)
    assert [ev[2] for ev in room.log() if ev[19] == "phone"] == list(range(1, 13))


def test_a_storage_that_comes_back_after_another_was_used_loses_nothing_in_silence(room):
    old, new = room.driven(), room.driven(first=100, storage="-new")
    old.drain("--send", 5)
    room.hub.stop()
    life = old.start("--send", 10)
    life.wait_line(lambda line: line[0] == "accepted" and line[2].endswith("-9"))
    life.kill()
    room.hub.start()
    new.drain("--send", 8)
    old.drain()
    texts = room.texts()
    assert len(texts) == len(set(texts)), "something arrived twice"
    assert set(texts) <= set(accepted(old, new))
    assert set(accepted(new)) <= set(texts)
    told = {text: outcomes(old.lives[-1])[int(ticket)][0] for _, ticket, text in old.lives[1].said("accepted")}
    assert all(state == ("sent" if text in texts else "failed") for text, state in told.items()), told


def test_two_processes_of_one_device_take_the_link_from_each_other_and_corrupt_nothing(room):
    """Against the rules: one device has one storage. Both count the same n, so the hub's answers can't tell whose they are; but nothing that nobody
    said gets in, both come to an end, and all that was accepted has an outcome. (Whether it is the right one can't be said where two count alike.)"""
    first, second = room.driven(), room.driven(first=100, storage="-second")
    lives = [d.start("--send", 60, "--rate", 40, "--listen") for d in (first, second)]
    for life in lives:
        life.wait_line(lambda line: line[0] == "accepted" and line[2].endswith("-59"), 20)
    lives[0].stop()
    lives[1].wait_line(lambda line: line[0] == "idle", 30)
    lives[1].stop()
    first.drain()
    assert set(room.texts()) <= set(accepted(first, second))
    for device in (first, second, first):
        told = outcomes(device.drain("--send", 9, "--listen"))
        assert all(end in (("sent", "ok"), ("failed", "conflict")) for end in told.values()), told


# ---------------------------------------------------------------- another hub

def lose_the_log(room):
    room.world.close(check=False)
    room.hub.kill()
    for path in room.hub.db.parent.glob(room.hub.db.name + "*"):
        path.unlink()


def queue_offline(phone, count):
    life = phone.start("--send", count)
    life.wait_line(lambda line: line[0] == "accepted" and line[2].endswith(f"-{count - 1}"))
    life.kill()
    return [line[2] for line in life.said("accepted")]


@pytest.mark.parametrize("cuts", [0, 12])
def test_a_hub_with_another_log_gets_what_is_pending_once(room, chance, cuts):
    phone = room.driven()
    phone.drain("--send", 9, "--listen")
    lose_the_log(room)
    waiting = queue_offline(phone, 30)
    room.hub.start()
    room.world.oracle = Oracle()
    room.owner = room.open()
    for _ in range(cuts):
        life = phone.start("--listen", "--cut-after", chance.randrange(500), "--seed", chance.randrange(2**32))
        try:
            life.wait_line(lambda line: line[0] == "idle", 1)
        except AssertionError:
            pass
        assert life.kill() in (EXIT_CUT, -9), life.tail()
    phone.drain("--listen")
    assert room.texts() == waiting
    assert [ev[2] for ev in room.log() if ev[19] == "phone"] == list(range(1, 31))
    assert sum(len(life.said("epoch")) for life in phone.lives) >= 1


# ---------------------------------------------------------------- no room

def test_a_small_storage_says_that_it_is_full_and_takes_more_when_it_has_drained(room):
    phone = room.driven()
    room.hub.stop()
    life = phone.start("--send", 300, *SMALL)
    life.wait_line(lambda line: line[0] == "refused" and line[1] == "full")
    held = len(life.said("accepted"))
    assert held > 0
    room.hub.start()
    life.wait_line(lambda line: line[0] == "idle", 30)
    life.stop()
    assert len(life.said("accepted")) == 300
    verdict([phone], {"room": room.log()}, listening=False)


def test_a_full_storage_survives_the_loss_of_power_again_and_again(room, chance):
    phone = room.driven()
    room.hub.stop()
    for _ in range(30):
        life = phone.start("--send", 100, "--cut-after", chance.randrange(3000), "--seed", chance.randrange(2**32), *SMALL)
        try:
            life.wait_line(lambda line: line[0] == "refused" and line[1] == "full", 2)
        except AssertionError:
            pass
        assert life.kill() in (EXIT_CUT, -9), life.tail()
    room.hub.start()
    phone.drain("--send", 40, *SMALL)
    verdict([phone], {"room": room.log()}, listening=False)


# ---------------------------------------------------------------- refusals

@pytest.mark.parametrize("user, conv, code", [("rider", "nowhere", "unknown"), ("stranger", "room", "unknown"), ("guest", "room", "denied")])
def test_what_the_hub_refuses_for_good_fails_with_its_code_and_the_rest_goes_on(room, user, conv, code):
    phone = room.driven(user=user, convs=[conv])
    life = phone.drain("--send", 5)
    assert outcomes(life) == {ticket: ("failed", code) for ticket in range(1, 6)}
    assert room.texts() == []


def test_one_refused_command_does_not_hold_up_those_around_it(room):
    phone = room.driven(convs=["room", "nowhere"])
    life = phone.drain("--send", 40)
    ends = outcomes(life)
    assert [ends[t][0] for t in range(1, 41)] == ["sent", "failed"] * 20
    assert room.texts() == accepted(phone)[::2]


def test_a_text_that_is_longer_than_the_hub_takes_is_refused_and_holds_up_nothing(room):
    phone = room.driven()
    big = ["--size", 1 << 20, "--sector", 65536]
    life = phone.drain("--send", 2, "--text-bytes", 20000, *big)
    codes = [line[1] for line in life.said("refused")] + [code for _, code in outcomes(life).values()]
    assert codes == ["too-large"] * 2
    phone.drain("--send", 3, "--text-bytes", 15000, *big)
    assert room.texts() == [f"phone-1-{i}" for i in range(3)]


def test_a_removed_member_is_told_that_he_has_left(room):
    phone = room.driven()
    life = phone.start("--listen", "--send", 1)
    life.wait_line(lambda line: line[0] == "idle")
    room.owner.ok(wire.MEMBER_REMOVE, "room", {1: "rider"})
    life.wait_line(lambda line: line[0] == "left" and line[1] == "room")
    room.owner.msg("room", "not for him")
    life.stop()
    late = phone.drain("--listen", "--send", 1)
    assert outcomes(late) == {2: ("failed", "unknown")}
    assert not any(line[2] > "3" for x in phone.lives for line in x.said("event") if len(line[2]) == 1)
