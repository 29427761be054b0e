"""The two ends of a trunk as the brokers guard them: what a relay's user may do, and that nobody else may; and every wrong option's message."""
import pytest

import broker as brokers
from conftest import World
from reactor import wait_for

RELAYS = "# the far ends\nsite-a scopes ward\nsite-b scopes ward,lab users ann,bob\n"


@pytest.fixture(scope="module")
def trunk_hub(tmp_path_factory):
    """A hub with two relays; its services and operators must not get at the trunk either."""
    folder = tmp_path_factory.mktemp("trunk")
    (folder / "relays").write_text(RELAYS)
    with brokers.Broker(folder / "hub", options={"services": "svc", "operators": "op", "relays_file": folder / "relays"}) as b:
        yield b


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    with brokers.Broker(folder, options={"role": "site", "relay": "site-b", "services": "svc", "operators": "op"}) as b:
        yield b


@pytest.fixture(params=["hub", "site"])
def end(request, trunk_hub, site):
    """(World, the direction that the relay writes, the one that it reads) at each end."""
    w = World(trunk_hub if request.param == "hub" else site)
    writes, reads = ("up", "down") if request.param == "hub" else ("down", "up")
    yield w, writes, reads
    w.close(check=False)
    assert w.broker.alive(), w.broker.tail()


def log_has(broker, text):
    return lambda: text in broker.log_text()


def barrier(client):
    """Whatever the broker had for this client has arrived when its own mark has."""
    mark = client.client_id.encode()
    client.subscribe(f"mark/{client.client_id}")
    client.publish(f"mark/{client.client_id}", mark)
    client.wait_message(lambda m: m.payload == mark, what="its own mark")


# -------------------------------------------------------------------- the relay's user

def test_a_relays_user_subscribes_to_its_one_topic_only(end):
    w, writes, reads = end
    pipe = w.plain(user="site-b")
    assert pipe.subscribe(f"fp/1/relay/site-b/{reads}", qos=0) == [0]
    for refused in (f"fp/1/relay/site-b/{writes}", "fp/1/relay/site-b/+", "fp/1/relay/site-b/#", "fp/1/relay/+/up", "fp/1/relay/+/down",
                    "fp/1/relay/#", "fp/1/relay/site-a/up", "fp/1/relay/site-a/down", f"$share/g/fp/1/relay/site-b/{reads}",
                    "fp/1/ops/#", "fp/1/user/site-b/inbox", "fp/1/user/site-b/+", f"fp/1/device/{pipe.client_id}/down",
                    f"fp/1/device/{pipe.client_id}/status", "fp/1/scope/ward/conv/+/+", "fp/1/scope/ward/presence"):
        assert pipe.subscribe(refused) == [128], refused
    assert pipe.connected


def test_connected_and_lost_are_logged(end):
    w, _, reads = end
    before = w.broker.log_text()
    connected, lost = (before.count(f"relay site-b {what}") for what in ("connected", "lost"))
    pipe = w.plain(user="site-b")
    pipe.subscribe(f"fp/1/relay/site-b/{reads}", f"fp/1/relay/site-b/{reads}", qos=0)
    wait_for(lambda: w.broker.log_text().count("relay site-b connected") == connected + 1, 5, "a line about the relay")
    assert w.broker.log_text().count("relay site-b lost") == lost
    pipe.drop()
    wait_for(lambda: w.broker.log_text().count("relay site-b lost") == lost + 1, 5, "a line about its end")
    assert w.broker.log_text().count("relay site-b connected") == connected + 1


def test_a_relays_user_is_no_device(end):
    w, _, _ = end
    pipe = w.plain(user="site-b")
    pipe.subscribe("#")
    pipe.publish_wait(f"fp/1/device/{pipe.client_id}/up", b"\xa2\x01\x01\x02\x01")
    pipe.publish_wait(f"fp/1/device/{pipe.client_id}/up", b"x", retain=True)
    pipe.publish_wait(f"fp/1/device/{pipe.client_id}/status", b"online", retain=True)
    barrier(pipe)
    assert not [m for m in pipe.messages if m.topic.startswith("fp/")], pipe.messages


def test_frames_are_refused_with_retain_qos_2_or_too_many_bytes(end):
    w, writes, _ = end
    for what, qos, retain, size in (("retain or QoS 2", 0, True, 9), ("retain or QoS 2", 2, False, 9), ("longer than 262144", 0, False, 262145)):
        before = w.broker.log_text().count(what)
        pipe = w.plain(user="site-b")
        pipe.publish(f"fp/1/relay/site-b/{writes}", bytes(size), qos=qos, retain=retain)
        pipe.publish(f"fp/1/relay/site-b/{writes}", bytes(size), qos=qos, retain=retain)
        wait_for(lambda: w.broker.log_text().count(what) == before + 1, 5, f"a line about {what}")
        barrier(pipe)
        assert w.broker.log_text().count(what) == before + 1, "once a connection"
    pipe = w.plain(user="site-b")
    before = w.broker.log_text().count("a frame was refused")
    pipe.publish(f"fp/1/relay/site-b/{writes}", bytes(262144), qos=0)
    barrier(pipe)
    assert w.broker.log_text().count("a frame was refused") == before


def test_hostile_frames_do_no_harm(end, chance):
    w, writes, _ = end
    pipe = w.plain(user="site-b")
    for payload in (b"", b"\xff", b"\xbf", b"\x9f" * 4096, b"\xa1\x01\x1b" + b"\xff" * 8, *(chance.randbytes(64) for _ in range(50))):
        pipe.publish(f"fp/1/relay/site-b/{writes}", payload, qos=0)
    barrier(pipe)
    ann = w.on(w.name("ann"), auto=False) if writes == "up" else None
    if ann is not None:
        ann.barrier()  # the engine lives
    assert w.broker.alive()


# -------------------------------------------------------------------- everybody else

@pytest.mark.parametrize("user", ["svc", "op", "ann", "site-c", None])
def test_nobody_else_gets_at_a_trunk(end, user):
    w, writes, reads = end
    pipe = w.plain(user="site-b")
    pipe.subscribe(f"fp/1/relay/site-b/{reads}", qos=0)
    spy = w.plain(user=user)
    for pattern in ("fp/1/relay/site-b/up", "fp/1/relay/site-b/down", "fp/1/relay/+/down", "fp/1/relay/#"):
        assert spy.subscribe(pattern) == [128], pattern
    spy.subscribe("#", "+/1/#", "+/+/+/+/+")
    for topic in ("up", "down"):
        spy.publish_wait(f"fp/1/relay/site-b/{topic}", b"forged")
        pipe.publish(f"fp/1/relay/site-b/{topic}", b"real", qos=0)
    barrier(pipe)
    barrier(spy)
    for client in (spy, pipe):
        assert not [m for m in client.messages if m.payload in (b"forged", b"real")], client.messages
    assert not [m for m in spy.messages if m.topic.startswith("fp/1/relay")], spy.messages


def test_a_relay_does_not_get_at_another_ones_topics(trunk_hub):
    w = World(trunk_hub)
    a, b = w.plain(user="site-a"), w.plain(user="site-b")
    assert b.subscribe("fp/1/relay/site-b/down", qos=0) == [0]
    assert a.subscribe("fp/1/relay/site-b/down", "fp/1/relay/site-b/up", "fp/1/relay/site-a/down", qos=0) == [128, 128, 0]
    a.subscribe("#")
    for topic in ("up", "down"):
        a.publish_wait(f"fp/1/relay/site-b/{topic}", b"forged")
    barrier(a)
    barrier(b)
    assert not [m for m in a.messages + b.messages if m.topic.startswith("fp/1/relay/site-b") and m.payload == b"forged"]
    assert not [m for m in a.messages if m.topic.startswith("fp/1/relay/site-b")]
    w.close(check=False)


def test_a_will_on_anothers_trunk_is_not_told(trunk_hub):
    w = World(trunk_hub)
    b = w.plain(user="site-b")
    b.subscribe("fp/1/relay/site-b/down", "#", qos=0)
    a = w.plain(user="site-a", will=("fp/1/relay/site-b/down", b"forged", 0, False))
    a.publish("mark/a", b"alive")
    b.wait_message(lambda m: m.payload == b"alive")
    a.drop()
    wait_for(lambda: f"Client {a.client_id} closed its connection" in trunk_hub.log_text() or f"Client {a.client_id} disc" in trunk_hub.log_text(), 5,
             "the end of the other one")
    barrier(b)
    assert not [m for m in b.messages if m.payload == b"forged"]
    w.close(check=False)


# -------------------------------------------------------------------- options

WRONG = {
    "role": ({"role": "relay"}, 'option role: hub or site is expected (got "relay")'),
    "a site without a name": ({"role": "site"}, "option relay: role site requires it: the site's name on the trunk"),
    "a hub with a name": ({"relay": "site-b"}, 'option relay: it is for role site (got "site-b")'),
    "a name that is no id": ({"role": "site", "relay": "a/b"}, "option relay: a name is expected"),
    "the hub's own name": ({"role": "site", "relay": "~hub"}, "option relay: the name is the hub's own"),
    "a site with relays": ({"role": "site", "relay": "site-b", "relays_file": "/nonexistent"}, "option relays_file: it is for role hub"),
    "no such file": ({"relays_file": "/nonexistent/relays"}, "option relays_file: cannot be opened: No such file or directory"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_options_are_refused_with_option_and_reason(make_hub, what):
    options, message = WRONG[what]
    w = make_hub(start=False, options=options)
    _, log = w.broker.start_expecting_failure()
    assert message in log


@pytest.mark.parametrize("line, message", [
    ("a/b scopes x", ":3: name: an id is expected"),
    ("site-a scopes x", ":3: name: the relay comes twice"),
    ("site-b", ":3: relay site-b: scopes: a relay serves at least one scope"),
    ("site-b scopes x,x", ":3: relay site-b: scopes: it comes twice"),
    ("site-b scopes x users", ":3: relay site-b: users: ids are expected"),
    ("site-b scopes x topics y", ":3: relay site-b: field: scopes or users is expected"),
])
def test_a_bad_line_of_the_relays_is_refused_with_file_line_and_field(make_hub, tmp_path, line, message):
    relays = tmp_path / "relays"
    relays.write_text(f"# a comment\nsite-a scopes ward\n{line}\n")
    w = make_hub(start=False, options={"relays_file": relays})
    _, log = w.broker.start_expecting_failure()
    assert f"{relays}{message}" in log


def test_relays_change_on_sighup_and_a_bad_file_changes_nothing(make_hub, tmp_path):
    relays = tmp_path / "relays"
    relays.write_text("site-a scopes ward\n")
    w = make_hub(options={"relays_file": relays})
    a, b = w.plain(user="site-a"), w.plain(user="site-b")
    assert b.subscribe("fp/1/relay/site-b/down") == [128]
    relays.write_text("site-b scopes ward\nsite-a\n")
    w.broker.reload()
    wait_for(log_has(w.broker, f"{relays}:2: relay site-a: scopes: a relay serves at least one scope"), 5, "the refusal")
    assert "the running options stay" in w.broker.log_text()
    assert b.subscribe("fp/1/relay/site-b/down") == [128]
    assert a.subscribe("fp/1/relay/site-a/down", qos=0) == [0]
    relays.write_text("site-b scopes ward\n")
    w.broker.reload()
    wait_for(log_has(w.broker, "the options have been read again"), 5, "the new options")
    assert b.subscribe("fp/1/relay/site-b/down", qos=0) == [0]
    assert a.subscribe("fp/1/relay/site-a/down") == [128]


# -------------------------------------------------------------------- a bridge of Mosquitto itself

def test_a_plain_bridge_may_carry_the_frames(make_hub, tmp_path):
    """The site's broker asks nobody whether its own bridge may subscribe: the site hears of it by the hub's first, empty, frame."""
    relays = tmp_path / "relays"
    relays.write_text("site-b scopes ward\n")
    hub = make_hub("hub", options={"relays_file": relays}).broker
    site = make_hub("site", options={"role": "site", "relay": "site-b"}, lines=[
        "connection trunk", f"address 127.0.0.1:{hub.port}", "restart_timeout 1", "remote_username site-b", "local_username site-b",
        "topic fp/1/relay/site-b/up out 0", "topic fp/1/relay/site-b/down in 0"]).broker

    def connected(times):
        for end in (hub, site):
            wait_for(lambda end=end: end.log_text().count("relay site-b connected") == times, 20, f"{end.folder.name}: a line about the bridge")
    connected(1)
    hub.stop()
    wait_for(log_has(site, "relay site-b lost"), 10, "a line about its end")
    hub.start()
    connected(2)
