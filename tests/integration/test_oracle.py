"""The oracle itself: it is content with a true story, and finds each way in which a hub could lie."""
import copy

import pytest

import chain
import wire
from oracle import Oracle

AT = 1_700_000_000_000


class Speaker:
    def __init__(self, device, user):
        self.device, self.user = device, user


def story():
    """Two devices, one conversation of six events, one refusal; all told to everybody."""
    oracle, store = Oracle(), {"c": []}
    speakers = [Speaker("d1", "ann"), Speaker("d2", "bob")]
    for i in range(6):
        s, n = speakers[i % 2], i // 2 + 1
        command = {1: wire.MSG, 2: n, 3: "c", 10: {1: str(i)}}
        if i:
            command[4] = i
        oracle.composed(s, n, command)
        ev = {**command, 16: i + 1, 17: AT + i, 18: s.user, 19: s.device}
        store["c"].append(ev)
        oracle.event(speakers[0], copy.deepcopy(ev))
        oracle.ack(s, [n, "c", i + 1, AT + i])
    oracle.composed(speakers[0], 4, {1: wire.MSG, 2: 4, 3: "nowhere", 10: {1: "x"}})
    oracle.refusal(speakers[0], 4, {1: 2, 2: 4, 3: wire.UNKNOWN, 4: "no"})
    oracle.head(speakers[1], "c", {1: 9, 2: 6, 3: 0, 4: AT, 5: chain.over(store["c"])[-1]})
    oracle.welcome(speakers[0], {2: 9, 5: 5, 6: [["c", "s", 6, 0, 0, 0]]})
    return oracle, store, speakers


def test_a_true_story_passes():
    oracle, store, _ = story()
    oracle.check(store)


def without_body(ev, body):
    return {**ev, 10: None, 23: chain.body_hash({10: body})}


def test_a_body_that_was_taken_out_is_no_lie():
    oracle, store, speakers = story()
    for i in (2, 4):
        store["c"][i] = without_body(store["c"][i], store["c"][i][10])
    store["c"][4][20] = wire.FLAG_REDACTED
    oracle.event(speakers[1], store["c"][2])
    oracle.check(store)


def lose_the_last(store):
    store["c"].pop()


def lose_one_in_the_middle(store):
    del store["c"][2]


def lose_the_conversation(store):
    store.clear()


def change_a_body(store):
    store["c"][3][10] = {1: "other"}


def take_out_another_body(store):
    store["c"][3] = without_body(store["c"][3], {1: "other"})


def change_a_seq(store):
    store["c"][5][16] = 7


def swap_two(store):
    a, b = store["c"][1], store["c"][2]
    store["c"][1:3] = [{**b, 16: 2}, {**a, 16: 3}]


def repeat_a_command(store):
    store["c"].append({**store["c"][5], 16: 7})


def change_the_time(store):
    store["c"][2][17] = AT - 5


def change_the_author(store):
    store["c"][2][18] = "eve"


def change_what_was_seen(store):
    store["c"][4][4] = 5


def invent_one(store):
    store["c"].append({1: wire.MSG, 2: 77, 3: "c", 10: {1: "x"}, 16: 7, 17: AT + 9, 18: "ann", 19: "d1"})


def take_the_refused_one(store):
    store["c"].append({1: wire.MSG, 2: 4, 3: "c", 10: {1: "x"}, 16: 7, 17: AT + 9, 18: "ann", 19: "d1"})


LIES = [lose_the_last, lose_one_in_the_middle, lose_the_conversation, change_a_body, take_out_another_body, change_a_seq, swap_two, repeat_a_command,
        change_the_time, change_the_author, change_what_was_seen, invent_one, take_the_refused_one]


@pytest.mark.parametrize("lie", LIES)
def test_a_store_that_differs_is_found(lie):
    oracle, store, _ = story()
    lie(store)
    with pytest.raises(AssertionError):
        oracle.check(store)


@pytest.mark.parametrize("lie", [lose_the_last, lose_one_in_the_middle, lose_the_conversation, change_a_seq])
def test_a_loss_is_found_by_who_saw_only_acks(lie):
    oracle, store, _ = story()
    oracle.events.clear()
    oracle.heads.clear()
    oracle.chains.clear()
    lie(store)
    with pytest.raises(AssertionError):
        oracle.check(store)


TOLD = {
    "another event at the same seq": lambda o, s: o.event(s[1], {**o.events["c", 2], 10: {1: "other"}}),
    "another ack": lambda o, s: o.ack(s[0], [1, "c", 2, AT]),
    "an ack after a refusal": lambda o, s: o.ack(s[0], [4, "c", 7, AT]),
    "a refusal after an ack": lambda o, s: o.refusal(s[0], 1, {1: 2, 2: 1, 3: wire.DENIED, 4: "no"}),
    "another refusal": lambda o, s: o.refusal(s[0], 4, {1: 2, 2: 4, 3: wire.DENIED, 4: "no"}),
    "a next n that was acked": lambda o, s: o.welcome(s[0], {2: 9, 5: 3, 6: []}),
    "a next n that goes back": lambda o, s: o.welcome(s[0], {2: 9, 5: 4, 6: []}),
    "a head above the log": lambda o, s: o.head(s[0], "c", {1: 9, 2: 7, 3: 0, 4: AT, 5: bytes(32)}),
    "another chain": lambda o, s: o.head(s[0], "c", {1: 9, 2: 5, 3: 0, 4: AT, 5: bytes(32)}),
    "a hash of another body": lambda o, s: o.event(s[1], without_body(o.events["c", 2], {1: "other"})),
    "a head above the log in the inbox": lambda o, s: o.told_head(s[0], "c", 8),
    "an event that is nowhere": lambda o, s: o.event(s[0], {**o.events["c", 6], 16: 7}),
}


@pytest.mark.parametrize("what", TOLD)
def test_what_was_told_and_is_not_so_is_found(what):
    oracle, store, speakers = story()
    TOLD[what](oracle, speakers)
    with pytest.raises(AssertionError):
        oracle.check(store)


def test_a_command_without_an_answer_is_found():
    oracle, _, speakers = story()
    speakers[0].next_n, speakers[1].next_n = 6, 4
    with pytest.raises(AssertionError, match="never answered"):
        oracle.check_drained(speakers)


BAD_WIRE = [bytes.fromhex(h) for h in ("", "ff", "a10114", "1814", "a20a000114", "bf0114ff", "00ff")]


@pytest.mark.parametrize("payload", BAD_WIRE)
def test_bad_bytes_from_the_hub_are_a_violation(payload):
    with pytest.raises(wire.Violation):
        wire.check_reply(wire.decode(payload))


@pytest.mark.parametrize("change", [{16: 0}, {16: "1"}, {2: 0}, {18: "a/b"}, {17: 5}, {4: 3}, {77: 1}, {1: 30}, {6: 9}])
def test_a_bad_event_is_a_violation(change):
    good = {1: wire.MSG, 2: 1, 3: "c", 10: {1: "x"}, 16: 3, 17: AT, 18: "ann", 19: "d1"}
    wire.check_event(good)
    with pytest.raises(wire.Violation):
        wire.check_event({**good, **change})
