"""The command line client against a real hub: changes, receipts, presence, and exports that verify."""
import contextlib
import sqlite3
import time

import cbor2
import pexpect
import pytest

from reactor import wait_for
from test_cli import Cli, cli, pair  # noqa: F401 (cli and pair: fixtures)

HELLO = "hello there"


def user_of(c):
    return c.env["FIELDPOST_USER"]


def another(c):
    """Another device of the same person: the first one is in use."""
    return "--device", f"{user_of(c)}-2"


def test_a_message_is_changed_and_everybody_sees_it(pair):
    a, b, conv = pair
    a.run("send", conv, "one")
    assert a.run("edit", conv, "2", "two") == f"changed: {conv} #3\n"
    assert " changes #2: two\n" in b.run("history", conv)
    assert a.run("delete", conv, "2") == f"deleted: {conv} #4\n"
    lines = b.run("history", conv).splitlines()
    assert lines[1].endswith(": (deleted, or changed since)") and lines[3].endswith(f"{user_of(a)} deletes #2")


def test_what_is_redacted_is_gone_from_the_history_and_the_reason_stays(pair):
    a, b, conv = pair
    b.run("send", conv, "my telephone number")
    b.run("redact", conv, "2", "no", code=1)
    assert b.err.startswith("fieldpost: denied: ")
    assert a.run("redact", conv, "2", "a private", "number") == f"redacted: {conv} #3\n"
    rows = b.rows("history", conv)
    assert rows[2]["kind"] == "redact" and rows[2]["reason"] == "a private number" and rows[2]["ref"] == 2
    assert "telephone" not in b.run("history", conv) and ": (redacted)\n" in b.run("history", conv)


def test_what_must_be_confirmed_is_confirmed_once(pair):
    a, b, conv = pair
    a.run("send", conv, HELLO, "--must-confirm")
    assert b.run("confirm", conv, "2") == f"confirmed: {conv} #3\n"
    b.run("confirm", conv, "2", code=1)
    assert b.err.startswith("fieldpost: conflict: ")
    assert a.run("history", conv).endswith(f"{user_of(b)} confirms #2\n")


def test_readers_tell_how_far_a_message_is(pair):
    a, b, conv = pair
    a.run("send", conv, HELLO, "--must-confirm")
    (row,) = a.rows("readers", conv, "2")
    assert (row["type"], row["conv"], row["seq"], row["user"]) == ("reader", conv, 2, user_of(b))
    assert row["delivered"] is row["read"] is row["confirmed"] is None
    assert a.run("readers", conv, "2").split() == [user_of(b), "delivered", "-", "read", "-", "confirmed", "-"]
    b.run("read", conv)
    (row,) = a.rows("readers", conv, "2")
    assert row["delivered"] and row["read"] and row["confirmed"] is None
    b.run("confirm", conv, "2")
    (row,) = a.rows("readers", conv, "2")
    assert row["delivered"] <= row["confirmed"] and row["confirmed"].endswith("Z")
    a.run("readers", conv, "99", code=1)
    assert a.err.startswith("fieldpost: unknown: ")


def seen(c, conv, user):
    """His row. A hub that has no time leaves it out: `who` waits for it for a while only."""
    end = time.monotonic() + 20
    while True:
        for row in c.rows("who", conv):
            if row["type"] == "presence" and row["user"] == user:
                return row
        assert time.monotonic() < end, f"no row of {user}"


def test_who_shows_how_the_hub_sees_the_members_and_what_the_policy_lets_him(pair):
    a, b, conv = pair
    there = b.start("listen")
    try:
        end = time.monotonic() + 10
        while seen(a, conv, user_of(b))["state"] != "active":
            assert time.monotonic() < end
        b.run(*another(b), "status", "--until", "2h", "On the", "roof")
        assert seen(a, conv, user_of(b))["text"] == "On the roof"
        wait_for(lambda: f"{user_of(b)} " in a.run("who", conv).partition("presence:")[2], 20, "the text has his row too")
        b.run(*another(b), "policy", "everyone=exact", f"{user_of(a)}=hidden")
        hidden = seen(a, conv, user_of(b))
        assert hidden["state"] == "offline" and hidden["text"] == "" and hidden["since"] is None
        b.run(*another(b), "policy", "scope=exact")
        assert seen(a, conv, user_of(b))["state"] == "active"
    finally:
        there.terminate()
        there.communicate(timeout=20)


@pytest.mark.parametrize("words", [("policy",), ("policy", "everyone"), ("policy", "nobody=exact"), ("policy", "everyone=near"),
                                   ("policy", "a/b=exact"), ("status", "--until", "soon", "x"), ("status", "--until", "2h"), ("readers", "c"),
                                   ("redact", "c", "0"), ("verify",), ("export",)])
def test_what_cannot_be_meant_is_bad_usage(cli, words):
    cli("anna").run(*words, code=2)


def test_chat_marks_what_has_been_received_and_read_and_shows_changes(pair):
    a, b, conv = pair
    there = b.start("listen", conv)
    try:
        end = time.monotonic() + 10
        while seen(a, conv, user_of(b))["state"] != "active":
            assert time.monotonic() < end
        p = pexpect.spawn(a.base[0], [*a.base[1:], "chat", conv], env={**a.env, "TERM": "xterm"}, encoding="utf-8", timeout=10, dimensions=(20, 90))
        p.expect("online")
        p.send("hello\r")
        p.expect("hello vv")
        b.run(*another(b), "read", conv)
        p.expect("hello vV")
        b.run(*another(b), "react", conv, "2", "+1")
        p.expect(r"reacts with \+1 to #2")
        a.run(*another(a), "edit", conv, "2", "good day")
        p.expect("changes #2: good day")
        a.run(*another(a), "redact", conv, "2", "private")
        p.expect("redacts #2: private")
        p.send("\x04")
        p.expect(pexpect.EOF)
        p.close()
        assert p.exitstatus == 0
    finally:
        there.terminate()
        there.communicate(timeout=20)


@pytest.fixture
def told(pair, tmp_path):
    """A conversation with some of everything, and its export."""
    a, b, conv = pair
    for i in range(30):
        (a, b)[i % 2].run("send", conv, f"message {i}")
    a.run("edit", conv, "2", "changed")
    b.run("delete", conv, "3")
    a.run("redact", conv, "5")
    path = tmp_path / "a.export"
    a.run("export", conv, "--out", str(path))
    return a, b, conv, path


def test_an_export_verifies_and_is_what_the_hub_tells(told, tmp_path):
    a, b, conv, path = told
    (row,) = a.rows("verify", str(path))
    assert (row["type"], row["conv"], row["from"], row["to"], row["events"]) == ("verified", conv, 1, 34, 34)
    with path.open("rb") as f:
        head = cbor2.load(f)
        events = [cbor2.load(f) for _ in range(34)]
        assert f.read() == b""
    assert (head[1], head[2], head[3], head[5], head[6], head[7]) == ("fieldpost-export", 1, conv, 1, bytes(32), 34)
    assert head[8].hex() == row["chain"] and head[4] > 0
    assert [e[16] for e in events] == list(range(1, 35)) and events[4][10] is None and len(events[4][23]) == 32
    assert [p.name for p in tmp_path.iterdir() if "export" in p.name] == ["a.export"]
    theirs = tmp_path / "b.export"
    b.run("export", conv, "--after", "10", "--out", str(theirs))
    assert b.run("verify", str(path), str(theirs)).endswith("they agree on #11 to #34\n")


def test_what_was_changed_in_an_export_is_found(told, tmp_path):
    a, _, conv, path = told
    whole = path.read_bytes()
    changed = tmp_path / "changed"
    changed.write_bytes(whole.replace(b"message 20", b"message 21"))
    a.run("verify", str(changed), code=1)
    assert f"fieldpost: corrupt: {changed}: " in a.err and "at least one event was changed" in a.err
    rows = a.rows("verify", str(path), str(changed), code=1)
    assert rows[-1]["type"] == "compared" and rows[-1]["differs"] == 22
    changed.write_bytes(whole[:-5])
    assert a.rows("verify", str(changed), code=1)[0]["seq"] == 34
    a.run("verify", str(tmp_path / "nothing"), code=1)


def test_who_joined_later_exports_from_there_on(told, world, cli, tmp_path):
    a, _, conv, path = told
    (carla,) = world.users("carla")
    c = cli(carla)
    a.run("invite", conv, carla)
    a.run("send", conv, "welcome")
    theirs, mine = tmp_path / "c.export", tmp_path / "a2.export"
    c.run("export", conv, "--out", str(theirs))
    a.run("export", conv, "--out", str(mine))
    assert c.rows("verify", str(theirs))[0]["from"] > 1
    assert "they agree on" in a.run("verify", str(mine), str(theirs))


def test_where_old_events_are_gone_an_export_holds_all_that_is_left(make_hub, tmp_path):
    world = make_hub()
    a = Cli(tmp_path, world.broker.port, "anna")
    a.run("create", "s", "c")
    a.run("chat", "c", stdin=b"\n".join(b"%d" % i for i in range(20)))
    a.run("send", "c", "last")
    world.broker.stop()
    with contextlib.closing(sqlite3.connect(world.broker.db)) as db:  # what retention does, without waiting for days
        ((first, chain),) = db.execute("SELECT last, chain FROM event ORDER BY key LIMIT 1").fetchall()
        assert first == 1 and len(chain) == 32
        db.execute("DELETE FROM event WHERE key = (SELECT min(key) FROM event)")
        db.execute("UPDATE conversation SET floor = 1, floor_chain = ?", (chain,))
        db.commit()
    world.broker.start()
    for after in ((), ("--after", "4"), ("--after", "21")):  # at the floor, inside the first commit that is left, behind it
        a.run("export", "c", *after, "--out", str(tmp_path / "x"))
        assert a.err == ""
        (row,) = a.rows("verify", str(tmp_path / "x"))
        assert (row["from"], row["to"]) == (int(after[1]) + 1 if after else 2, 22)


def test_an_export_that_cannot_be_made_leaves_nothing(pair, tmp_path):
    a, _, conv = pair
    a.run("export", conv, "--out", str(tmp_path / "no" / "folder"), code=1)
    assert a.err.startswith("fieldpost: io: ")
    a.run("export", conv, "--after", "1", "--out", str(tmp_path / "x"), code=1)
    assert a.err.startswith("fieldpost: unknown: ") and not (tmp_path / "x").exists()
    a.run("export", "nowhere", code=1)
