"""Outside fp/ the broker is as it was without the plugin; and the plugin's options are checked at start."""
import subprocess

import pytest

import broker as brokers
from conftest import World
from mqtt import Mqtt
from reactor import wait_for


class Script:
    """A fixed play of plain clients. Everything that anyone is told goes into the transcript."""

    def __init__(self, broker):
        self.broker = broker
        self.clients = {}
        self.transcript = []

    def client(self, name, **kw):
        c = Mqtt(self.broker.port, name, **kw).connect()
        self.clients.setdefault(name, []).append(c)
        self.transcript.append((name, "connected", c.session_present))
        return c

    def subscribe(self, c, *filters, qos):
        self.transcript.append((c.client_id, "granted", filters, c.subscribe(*filters, qos=qos)))

    def settle(self, c, mark):
        """Waits until c has got its own mark, so all before it as well. The broker keeps order in one topic's QoS."""
        topic = f"mark/{c.client_id}"
        c.subscribe(topic, qos=2)
        c.publish(topic, mark.encode(), 2)
        c.wait_message(lambda m: m.topic == topic and m.payload == mark.encode(), what=f"mark {mark}")

    def told(self, *clients):
        for c in clients:
            got = [(m.topic, m.payload, m.qos, m.retain) for m in c.messages if not m.topic.startswith("mark/")]
            c.messages.clear()
            self.transcript.append((c.client_id, "told", got))

    def play(self):
        self.qos_levels()
        self.retained()
        self.wills()
        self.sessions()
        self.shared()
        self.odd_topics()
        for clients in self.clients.values():
            for c in clients:
                c.disconnect()
        return self.transcript

    def qos_levels(self):
        subs = [self.client(f"sub{q}") for q in (0, 1, 2)]
        pub = self.client("pub")
        for q, c in enumerate(subs):
            self.subscribe(c, "a/+/c", "a/#", qos=q)
        for q in (0, 1, 2):
            for i in range(20):
                pub.publish_wait(f"a/{q}/c", f"{q} {i}".encode(), q)
        pub.publish_wait("a", b"parent level", 1)
        pub.publish_wait("a/big", b"x" * 300000, 1)
        pub.publish_wait("b/c", b"to nobody", 1)
        for c in subs:
            self.settle(c, "qos")
        self.told(*subs)

    def retained(self):
        pub = self.client("keeper", user="named", password="whatever")
        for i in range(3):
            pub.publish_wait(f"kept/{i}", f"v{i}".encode(), i, True)
        pub.publish_wait("kept/1", b"", 1, True)
        pub.publish_wait("kept/2", b"newer", 2, True)
        late = self.client("late")
        self.subscribe(late, "kept/#", qos=2)
        self.settle(late, "retained")
        late.messages.sort()
        self.told(late)

    def wills(self):
        watcher = self.client("watcher")
        self.subscribe(watcher, "will/#", qos=2)
        for q in (0, 1, 2):
            c = self.client(f"dies{q}", will=(f"will/{q}", b"gone", q, q == 1))
            c.drop()
            watcher.wait_message(lambda m, q=q: m.topic == f"will/{q}", what="the will")
        self.client("leaves", will=("will/never", b"gone", 1, False)).disconnect()
        self.settle(watcher, "wills")
        self.told(watcher)

    def sessions(self):
        keeper = self.client("session", clean=False)
        self.subscribe(keeper, "s/#", qos=1)
        keeper.drop()
        pub = self.client("pub2")
        for q in (0, 1, 2):
            for i in range(5):
                pub.publish_wait(f"s/{q}", f"queued {q} {i}".encode(), q)
        keeper = self.client("session", clean=False)
        self.settle(keeper, "session")
        self.told(keeper)
        keeper.unsubscribe("s/#")
        self.settle(keeper, "unsubscribed")
        pub.publish_wait("s/1", b"not heard", 1)
        self.settle(keeper, "after")
        self.told(keeper)
        keeper.disconnect()
        self.client("session", clean=True)

    def shared(self):
        one, two = self.client("share1"), self.client("share2")
        for c in (one, two):
            self.subscribe(c, "$share/g/j/#", qos=1)
        pub = self.client("pub3")
        for i in range(10):
            pub.publish_wait("j/x", str(i).encode(), 1)
        self.settle(one, "shared")
        self.settle(two, "shared")
        both = sorted([(m.topic, m.payload) for c in (one, two) for m in c.messages if m.topic == "j/x"])
        self.transcript.append(("both", "told", both))

    def odd_topics(self):
        c = self.client("odd")
        self.subscribe(c, "#", qos=1)
        topics = ["fpx/1", "FP/1/device/x/up", "/fp/1", "x/fp/1/device/odd/up", "$private/x", "ü/ö", "a//b", "fp1"]
        for t in topics:
            c.publish_wait(t, t.encode(), 1)
        self.settle(c, "odd")
        c.messages[:] = [m for m in c.messages if m.topic in topics]
        self.told(c)


def test_the_same_script_with_and_without_the_plugin(tmp_path):
    transcripts = []
    for name, plugin in (("without", False), ("with", True)):
        with brokers.Broker(tmp_path / name, plugin=plugin, options={"other_topics": "allow"}) as b:
            transcripts.append(Script(b).play())
    for without, with_plugin in zip(*transcripts):
        assert with_plugin == without
    assert len(transcripts[0]) == len(transcripts[1])
    heard = sum(len(entry[2]) for entry in transcripts[0] if entry[1] == "told")
    assert heard > 200, f"a play of {heard} messages proves little"


@pytest.mark.parametrize("plugin", [False, True])
def test_a_password_file_decides_who_comes_in(tmp_path, plugin):
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "ann", "secret"], check=True)
    with brokers.Broker(tmp_path / "b", plugin=plugin, anonymous=False, lines=[f"password_file {passwords}"]) as b:
        w = World(b)
        for user, password, ok in (("ann", "secret", True), ("ann", "wrong", False), ("bob", "secret", False), (None, None, False)):
            c = Mqtt(b.port, "c", user, password)
            c.begin()
            wait_for(lambda: c.connected or c.refused is not None, 5, "CONNACK")
            assert c.connected is ok, (user, password)
            c.drop()
        if plugin:
            d = w.on("ann", password="secret")
            d.msg(w.open(d)[1], "in")
        w.close()


def test_defer_leaves_other_topics_to_the_acl_file(tmp_path):
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite open/#\nuser ann\ntopic readwrite open/#\ntopic readwrite hers/#\ntopic read fp/#\n")
    with brokers.Broker(tmp_path / "b", options={"other_topics": "defer"}, lines=[f"acl_file {acl}"]) as b:
        w = World(b)
        ann, nobody = w.on("ann"), w.plain()
        ann.subscribe("open/#", "hers/#")
        nobody.subscribe("open/#", "hers/#", "#")
        for c in (ann, nobody):
            for topic in ("open/1", "hers/1", "closed/1"):
                c.publish_wait(topic, c.client_id.encode(), 1)
        ann.publish_wait("open/end", b"end")
        for c in (ann, nobody):
            c.wait_message(lambda m: m.topic == "open/end", what="the end")
        got = {c: sorted((m.topic, m.payload.decode()) for m in c.messages if m.topic.endswith("/1")) for c in (ann, nobody)}
        me, other = ann.device, nobody.client_id
        assert got[ann] == sorted([("open/1", me), ("open/1", other), ("hers/1", me)])
        assert {t for t, _ in got[nobody]} == {"open/1"}
        bob = w.on("bob")
        scope, conv = w.open(ann, {"bob": 1})
        bob.sync(conv, ann.msg(conv, "fp/ is the hub's, whatever the acl_file says")[2])
        stranger = w.on("cid", auto=False)
        assert stranger.subscribe(f"fp/1/scope/{scope}/conv/+/event") == [128]
        w.close()


# -------------------------------------------------------------------- start and reload

def refuses(tmp_path, *words, options=None, lines=(), **kw):
    b = brokers.Broker(tmp_path / "b", options=options, lines=lines, **kw)
    _, log = b.start_expecting_failure()
    line = [text for text in log.splitlines() if all(w in text for w in words)]
    assert line, f"no line names {words}:\n{log}"


BAD_OPTIONS = [
    ("no_such_option", "1"), ("other_topics", "maybe"), ("open_scopes", "perhaps"), ("services", "a/b"), ("operators", "x" * 37),
    ("commands_per_s", "many"), ("commands_per_s", "-1"), ("commands_per_s", "99999999999999999999"), ("commands_per_s", ""),
    ("db_max_mb", "x"), ("answers_days", "1.5"), ("answers_days", "7"), ("ring_in_kb", "0"), ("ring_in_kb", "7"),
]


@pytest.mark.parametrize("option, value", BAD_OPTIONS)
def test_a_bad_option_is_refused_by_name(tmp_path, option, value):
    refuses(tmp_path, option, options={option: value})


def test_a_database_that_can_not_be_made_is_refused(tmp_path):
    refuses(tmp_path, "/nonexistent/folder", "No such file", options={"db_file": "/nonexistent/folder/x.db"})


def test_a_missing_db_is_refused(tmp_path):
    refuses(tmp_path, "db_file", options={"db_file": None})


def test_an_option_given_twice_is_refused(tmp_path):
    b = brokers.Broker(tmp_path / "b", options={"commands_per_s": "5\nplugin_opt_commands_per_s 6"})
    _, log = b.start_expecting_failure()
    assert [text for text in log.splitlines() if "commands_per_s" in text], log


def test_per_listener_settings_are_refused(tmp_path):
    b = brokers.Broker(tmp_path / "b", lines=[])
    plain = b.config
    b.config = lambda: "per_listener_settings true\n" + plain()
    _, log = b.start_expecting_failure()
    assert "per_listener_settings" in log


def test_options_are_read_again_at_sighup(tmp_path):
    extra = tmp_path / "options"
    extra.write_text("commands_per_s 321\n")
    with brokers.Broker(tmp_path / "b", options={"options_file": extra}) as b:
        w = World(b)
        d = w.on("ann", auto=False)
        assert d.welcome[7][3] == 321
        extra.write_text("commands_per_s 123\nservices ann\n")
        b.reload()
        wait_for(lambda: d.hello()[7][3] == 123, 10, "the new limit")
        extra.write_text("commands_per_s nonsense\n")
        b.reload()
        wait_for(lambda: "nonsense" in b.log_text(), 10, "a word about it in the log")
        assert d.hello()[7][3] == 123, "a bad file changes nothing"
        d.msg(w.open(d)[1], "still served")
        w.close()


def test_a_bad_options_file_is_refused_at_start(tmp_path):
    extra = tmp_path / "options"
    extra.write_text("no_such_option 3\n")
    refuses(tmp_path, "no_such_option", options={"options_file": extra})


def test_a_missing_options_file_is_refused_at_start(tmp_path):
    refuses(tmp_path, "options_file", options={"options_file": tmp_path / "not-there"})
