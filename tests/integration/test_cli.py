"""The command line client against a real hub: what it prints, its exit codes, and that nothing is lost or doubled."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pexpect
import pytest

import broker as brokers

HELLO = "hello there"


def cli_path():
    """FIELDPOST_CLI, or the program of the build that FIELDPOST_SO is of."""
    named = os.environ.get("FIELDPOST_CLI")
    path = Path(named) if named else Path(brokers.plugin_path()).parents[2] / "firmware-client/cli/fieldpost"
    if not path.is_file():
        raise RuntimeError(f"FIELDPOST_CLI must name the command line client; there is none at {path}")
    return str(path.resolve())


class Cli:
    """One person's command line: a state folder, and no environment but our own."""

    def __init__(self, folder, port, user, **env):
        self.base = [cli_path(), "--host", "127.0.0.1", "--port", str(port), "--timeout", "20"]
        self.state = folder / f"state-{user}"
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TZ": "UTC", "FIELDPOST_USER": user, "FIELDPOST_STATE": str(self.state), **env}

    def run(self, *words, stdin=None, code=0):
        done = subprocess.run([*self.base, *words], env=self.env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == code, f"{words}: exit code {done.returncode}\n{out}\n{err}"
        assert b"\x1b" not in done.stdout + done.stderr
        self.err = err
        return out

    def rows(self, *words, code=0):
        return [json.loads(line) for line in self.run("--json", *words, code=code).splitlines()]

    def start(self, *words):
        return subprocess.Popen([*self.base, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def texts(self, conv):
        return [r["text"] for r in self.rows("history", conv, "--last", "1000") if r["kind"] == "msg"]


@pytest.fixture
def cli(world, tmp_path):
    return lambda user, **kw: Cli(tmp_path, kw.pop("port", world.broker.port), user, **kw)


@pytest.fixture
def pair(world, cli):
    """Anna and Ben in one conversation."""
    ann, ben = world.users("anna", "ben")
    scope, conv = world.name("scope"), world.name("conv")
    a, b = cli(ann), cli(ben)
    assert a.run("create", scope, conv, "--title", "Site 7", "--member", ben) == f"created: {conv} #1\n"
    return a, b, conv


def test_a_message_is_sent_and_read_by_another(pair):
    a, b, conv = pair
    assert a.run("send", conv, "hello", "there") == f"sent: {conv} #2\n"
    assert a.run("send", conv, "-", stdin=b"one\ntwo\n") == f"sent: {conv} #3\n"
    line = b.run("history", conv, "--after", "1", "--before", "3")
    assert line.startswith("[2") and line.endswith(f"] #2 {a.env['FIELDPOST_USER']}: hello there\n")
    assert b.texts(conv) == [HELLO, "one\ntwo"]


def test_options_of_a_message_arrive(pair):
    a, b, conv = pair
    a.run("send", conv, "first")
    a.run("send", conv, "--reply", "2", "--priority", "safety", "--must-confirm", "second")
    row = b.rows("history", conv, "--last", "1")[0]
    assert (row["ref"], row["priority"], row["must_confirm"], row["text"]) == (2, "safety", True, "second")


def test_json_of_what_happened_can_be_read(pair):
    a, _, conv = pair
    rows = a.rows("send", conv, 'quote " and \\ and\x1b')
    assert rows[-1]["state"] == "sent" and rows[-1]["seq"] == 2 and rows[-1]["conv"] == conv
    row = a.rows("conversations")[0]
    assert (row["conv"], row["title"], row["head"]) == (conv, "Site 7", 2)
    assert a.texts(conv) == ['quote " and \\ and\x1b']
    assert {r["user"]: r["role"] for r in a.rows("who", conv) if r["type"] == "member"}[a.env["FIELDPOST_USER"]] == "owner"
    assert a.rows("status")[0]["online"] is True


def test_what_could_harm_a_terminal_is_written_out(pair):
    a, b, conv = pair
    a.run("send", conv, "\x1b]0;owned\x07\nnew\u202eline")
    assert "\\x1b]0;owned\\x07\n    new\\u{202e}line" in b.run("history", conv)


def test_listen_goes_on_where_it_ended(pair):
    a, b, conv = pair
    b.run("conversations")  # from here on
    for text in ("one", "two", "three"):
        a.run("send", conv, text)
    assert [r["text"] for r in b.rows("listen", "--count", "2", conv)] == ["one", "two"]
    assert [r["text"] for r in b.rows("listen", "--count", "1")] == ["three"]
    a.run("send", conv, "four")
    assert [r["text"] for r in b.rows("listen", "--count", "1")] == ["four"]


def test_listen_prints_what_comes_and_ends_with_a_signal(pair):
    a, b, conv = pair
    b.run("conversations")
    p = b.start("listen", conv)
    a.run("send", conv, "live")
    line = p.stdout.readline().decode()
    assert line.endswith(": live\n") and conv in line
    p.send_signal(signal.SIGINT)
    assert p.wait(10) == 0
    p.communicate()


def test_members_come_and_go(world, pair, cli):
    a, b, conv = pair
    carla = cli(world.name("carla"))
    name = carla.env["FIELDPOST_USER"]
    carla.run("history", conv, code=1)
    assert "unknown" in carla.err
    a.run("invite", conv, name, "--role", "observer", "--from", "1")
    assert len(carla.rows("history", conv)) == 2
    carla.run("send", conv, "x", code=1)
    assert carla.err == "fieldpost: denied: an observer does not write\n"
    a.run("remove", conv, name)
    carla.run("history", conv, code=1)
    b.run("leave", conv)
    b.run("send", conv, "x", code=1)
    assert b.err.startswith("fieldpost: unknown: ")


def test_offline_it_is_queued_and_delivered_exactly_once_by_the_next_run(make_hub, tmp_path):
    world = make_hub()
    a = Cli(tmp_path, world.broker.port, "anna")
    a.run("create", "s", "c")
    world.broker.stop()
    for text in ("one", "two"):
        a.run("--timeout", "1", "send", "c", text, code=3)
        assert a.err == "fieldpost: queued; will be delivered by the next run\n"
    rows = a.rows("outbox")
    assert [(r["kind"], r["text"], r["state"]) for r in rows] == [("msg", "one", "queued"), ("msg", "two", "queued")]
    a.run("outbox", "cancel", "999", code=1)
    a.run("--timeout", "1", "status", code=1)
    world.broker.start()
    assert a.run("send", "c", "three") == "sent: c #4\n"
    assert a.texts("c") == ["one", "two", "three"]
    assert a.rows("outbox") == []


def test_what_has_not_left_can_be_taken_back(make_hub, tmp_path):
    world = make_hub(start=False)
    a = Cli(tmp_path, world.broker.port, "anna")
    a.run("--timeout", "0", "send", "c", "one", code=3)
    ticket = a.rows("outbox")[0]["ticket"]
    a.run("outbox", "cancel", str(ticket))
    assert a.run("outbox") == ""


def test_what_the_hub_refuses_is_told_in_its_words(pair):
    a, b, conv = pair
    a.run("send", conv, HELLO)
    out = b.run("edit", conv, "2", "not mine", code=1)
    assert out == "" and b.err.startswith("fieldpost: denied: ")
    assert b.rows("outbox") == []


@pytest.mark.parametrize("words", [("read",), ("typing",), ("typing", "--stop")])
def test_what_is_not_kept_is_sent(pair, words):
    a, _, conv = pair
    assert a.run(words[0], conv, *words[1:]) == ""


def test_a_refusal_of_what_is_not_kept_is_told(pair):
    a, _, conv = pair
    a.run("read", conv, "99", code=1)
    assert a.err.startswith("fieldpost: conflict: ")


def test_a_wrong_password_is_denied_and_leaves_nothing_behind(make_hub, tmp_path):
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "anna", "right"], check=True, stderr=subprocess.DEVNULL)
    world = make_hub(anonymous=False, lines=[f"password_file {passwords}"])
    good = Cli(tmp_path, world.broker.port, "anna", FIELDPOST_PASSWORD="right")
    good.run("create", "s", "c")
    bad = Cli(tmp_path, world.broker.port, "anna", FIELDPOST_PASSWORD="wrong")
    for words in (("conversations",), ("send", "c", "x"), ("listen",)):
        bad.run(*words, code=1)
        assert bad.err.startswith("fieldpost: denied: ")
    assert good.rows("outbox") == []
    secret = tmp_path / "secret"
    secret.write_text("right\n")
    secret.chmod(0o644)
    filed = Cli(tmp_path, world.broker.port, "anna")
    filed.run("--password-file", str(secret), "conversations", code=2)
    assert "chmod" in filed.err
    secret.chmod(0o600)
    assert "c " in filed.run("--password-file", str(secret), "conversations")


def test_an_unknown_conversation_is_refused(pair):
    a, _, _ = pair
    for words in (("send", "nowhere", "x"), ("history", "nowhere"), ("who", "nowhere"), ("read", "nowhere"), ("chat", "nowhere")):
        a.run(*words, code=1, stdin=b"")
        assert a.err.startswith("fieldpost: unknown: "), words


def test_two_runs_of_one_device_do_not_mix(pair):
    a, _, conv = pair
    p = a.start("listen")
    while not a.run("--device", "other", "status"):
        pass
    end = time.monotonic() + 10
    while "busy" not in getattr(a, "err", "") and time.monotonic() < end:
        done = subprocess.run([*a.base, "--timeout", "1", "outbox"], env=a.env, capture_output=True, text=True, timeout=20)
        a.err = done.stderr
    assert "--device" in a.err
    assert a.run("--device", "other", "send", conv, HELLO).startswith("sent: ")
    p.send_signal(signal.SIGTERM)
    assert p.wait(10) == 0
    p.communicate()
    a.run("outbox")


def test_settings_come_from_the_file_too(world, tmp_path):
    name = world.name("anna")
    folder = tmp_path / ".config/fieldpost"
    folder.mkdir(parents=True)
    (folder / "client.conf").write_text(f"# mine\nhost = 127.0.0.1\nport = {world.broker.port}\nuser = {name}\n")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([cli_path(), "status"], env=env, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    state = tmp_path / f".local/state/fieldpost-client/{name}@127.0.0.1_{world.broker.port}"
    assert state.stat().st_mode & 0o777 == 0o700 and (state / "device").read_text().startswith("cli-")
    (folder / "client.conf").write_text("hots = x\n")
    done = subprocess.run([cli_path(), "status"], env=env, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and f"{folder}/client.conf:1: there is no option hots" in done.stderr


def test_decode_reads_what_mosquitto_sub_prints(world, pair):
    a, _, conv = pair
    scope = a.rows("conversations")[0]["scope"]
    sub = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(world.broker.port), "-i", world.name("sub"), "-u", a.env["FIELDPOST_USER"], "-q", "1",
           "-C", "1", "-W", "10", "-t", f"fp/1/scope/{scope}/conv/{conv}/about"]
    for more, options in ((["-F", "%x"], ["--hex"]), (["-N"], [])):
        raw = subprocess.run([*sub, *more], check=True, stdout=subprocess.PIPE, timeout=20).stdout
        out = a.run("decode", *options, stdin=raw)
        assert 'title: "Site 7"' in out and "role: 3 (owner)" in out and out.startswith("about {")
    a.run("decode", "--hex", stdin=b"a101\n", code=1)
    assert "byte 0: more elements than the input can hold" in a.err or "byte 2" in a.err
    a.run("decode", "--as", "nothing", stdin=b"", code=2)


def test_every_command_has_help_and_bad_usage_has_its_code(cli):
    c = cli("anna")
    commands = [line.split()[0] for line in c.run("--help").split("\n\n")[2].splitlines()[1:]]
    assert len(commands) == 24
    for name in commands:
        text = c.run(name, "--help")
        assert text.startswith(f"usage: fieldpost {name} ") and "Exit codes:" in text and "Examples:" in text
    for words in ((), ("nothing",), ("send", "c"), ("send", "a b", "x"), ("who", "--nothing"), ("--port", "0", "status")):
        c.run(*words, code=2)


def test_chat_by_lines_sends_its_input(pair):
    a, b, conv = pair
    a.run("chat", conv, stdin=b"one\ntwo")
    assert b.texts(conv) == ["one", "two"]
    assert ": two\n" in b.run("chat", conv, stdin=b"")


def test_chat_shows_both_sides_and_what_became_of_messages(pair):
    a, b, conv = pair
    a.run("send", conv, "before")
    p = pexpect.spawn(a.base[0], [*a.base[1:], "chat", conv], env={**a.env, "TERM": "xterm"}, encoding="utf-8", timeout=10, dimensions=(20, 60))
    p.expect("before")
    p.expect("online")
    p.send("helo\x1b[Dl")
    p.expect("> hello")
    p.send("\r")
    p.expect("hello v")
    b.run("send", conv, "from ben \x1b[31m")
    p.expect(r"from ben \\x1b\[31m")
    p.setwinsize(10, 30)
    p.expect("online")
    p.send("\x04")
    p.expect(pexpect.EOF)
    p.close()
    assert p.exitstatus == 0
    assert b.texts(conv) == ["before", "hello", "from ben \x1b[31m"]
