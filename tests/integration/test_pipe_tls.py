"""The trunk's session with the hub over TLS, by certificates on both sides and by a shared key: it carries frames; each refusal says why, is tried
again, tells no secret, and ends when the hub has been put right."""
import re
import socket
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest

import wire
from broker import Broker
from reactor import wait_for
from sites import Relay, Sites, relay_path
from test_client_tls import Authority

KEY, OTHER_KEY = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
PASSWORD = "correct horse battery staple"
HOST = "localhost"  # certificates are for names; 127.0.0.1 is none


def ports(count):
    """Of the kernel, taken at the same time, so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


class Kit:
    """Certificates, keys and a password in files, and what in them must be told to nobody."""

    def __init__(self, folder):
        self.folder = folder
        self.ours, self.other = Authority(folder, "ours"), Authority(folder, "other")
        self.server = self.ours.issue("server", HOST, [HOST])
        self.elsewhere = self.ours.issue("elsewhere", "hub.example", ["hub.example"])
        self.strange_server = self.other.issue("server", HOST, [HOST])
        self.client = self.ours.issue("client", "site-b")
        self.expired = self.ours.issue("expired", "site-b", days=-1)
        self.stranger = self.other.issue("client", "site-b")
        self.key, self.password = self.secret("key", KEY), self.secret("password", PASSWORD)
        self.secrets = [KEY, OTHER_KEY, PASSWORD]
        for _, key in (self.client, self.expired, self.stranger):
            Path(key).chmod(0o600)
            self.secrets += [line for line in Path(key).read_text().split("\n") if len(line) > 40]
        assert len(self.secrets) > 5

    def secret(self, name, text):
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text + "\n")
        return path

    def by_certificate(self, ca, own=None):
        crt, key = own or (None, None)
        return [f"hub_ca_file={ca.ca}", *([f"hub_cert_file={crt}", f"hub_key_file={key}"] if own else [])]

    def by_key(self, identity):
        return [f"hub_psk_identity={identity}", f"hub_psk_file={self.key}"]

    def tells_nothing(self, *texts):
        for text in texts:
            told = [s for s in self.secrets if s in text or bytes.fromhex(KEY) in text.encode(errors="replace")]
            assert not told, told


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return Kit(tmp_path_factory.mktemp("kit"))


def by_certificate(port, pair, asks_of=None):
    """A listener with TLS; asks_of: an authority whose certificates clients must have."""
    return [f"listener {port} 127.0.0.1", f"certfile {pair[0]}", f"keyfile {pair[1]}",
            *([f"cafile {asks_of.ca}", "require_certificate true", "use_identity_as_username true"] if asks_of else [])]


def by_key(port):
    return [f"listener {port} 127.0.0.1", "psk_hint fieldpost", "use_identity_as_username true"]


# ---------------------------------------------------------------- it carries


@pytest.mark.parametrize("how", ["certificate", "key"])
def test_people_converse_through_a_trunk_of_tls(tmp_path, kit, how):
    port, = ports(1)
    if how == "certificate":
        lines, own = by_certificate(port, kit.server, kit.ours), kit.by_certificate(kit.ours, kit.client)
    else:
        lines, own = [f"psk_file {kit.secret('hub-keys', f'site-b:{KEY}')}", *by_key(port)], kit.by_key("site-b")
    s = Sites(tmp_path, {"site-b": ["elm"]}, lines=lines)
    try:
        site = s.site("site-b", lambda folder, name, at, _wan: Relay(folder, name, at, port, options=[f"hub={HOST}:{port}", *own]))
        anna = s.on(None, "anna", "anna-phone")
        s.open(anna, "kitchen", "elm", {"ben": wire.MANAGER})
        ben = s.device(site, "ben", "ben-tablet")
        ben.start(20)
        wait_for(lambda: "kitchen" in ben.convs, 20, "the site has heard of the conversation")
        for i, size in enumerate((1, 40, 4000)):
            anna.msg("kitchen", f"a{i} " + "x" * size)
            ben.ok(wire.MSG, "kitchen", {1: f"b{i} " + "y" * size}, timeout=20)
        site.cut()
        for i in range(10):  # both ways in frames that take several records
            ben.submit(wire.MSG, "kitchen", {1: f"b{i} " + "y" * 6000})
            anna.msg("kitchen", f"a{i} " + "x" * 6000)
        wait_for(lambda: len(ben.relayed) == 10, 20, "custody")
        site.link()
        hub = s.check()
        assert [ev[18] for ev in hub["kitchen"][1:]] == ["anna", "ben"] * 3 + ["anna"] * 10 + ["ben"] * 10
        assert re.search(rf"connected from \S+ as site-b\.trunk \(.* u'site-b'\)", s.hub.log_text()), s.hub.tail()
        kit.tells_nothing(site.pipe.log.read_text(), s.hub.log_text(), site.broker.log_text())
    finally:
        s.close()
        s.oracle.check_violations()


# ---------------------------------------------------------------- it is refused, and taken when the hub is right

Case = namedtuple("Case", "name own wrong right reason")


def cases(kit):
    """`wrong` and `right` make a listener's lines out of its port; None: nobody listens."""
    ours, other = kit.ours, kit.other
    mutual = kit.by_certificate(ours, kit.client)
    return [
        Case("foreign-hub", mutual, lambda p: by_certificate(p, kit.strange_server), lambda p: by_certificate(p, kit.server),
             "the certificate of the other side is not of the CA that we trust"),
        Case("other-host", mutual, lambda p: by_certificate(p, kit.elsewhere), lambda p: by_certificate(p, kit.server),
             "the certificate of the other side is of another host"),
        Case("foreign-relay", kit.by_certificate(ours, kit.stranger), lambda p: by_certificate(p, kit.server, ours),
             lambda p: by_certificate(p, kit.server, other), "the other side refuses our certificate: it does not know its CA"),
        Case("expired-relay", kit.by_certificate(ours, kit.expired), lambda p: by_certificate(p, kit.server, ours),
             lambda p: by_certificate(p, kit.server), "the other side refuses our certificate: expired"),
        Case("no-certificate", kit.by_certificate(ours), lambda p: by_certificate(p, kit.server, ours), lambda p: by_certificate(p, kit.server),
             "it wants another cipher, or a certificate"),
        Case("wrong-key", kit.by_key("wrong-key"), by_key, by_key, "the other side refuses us: the keys do not agree"),
        Case("unknown-name", kit.by_key("unknown-name"), by_key, by_key, "the other side refuses us"),
        Case("key-for-crt", kit.by_key("key-for-crt"), lambda p: by_certificate(p, kit.server), by_key, "it wants another cipher, or a certificate"),
        Case("plain-hub", mutual, lambda p: [f"listener {p} 127.0.0.1"], lambda p: by_certificate(p, kit.server, ours),
             "the connection broke off ("),
        Case("plain-relay", [f"hub_password_file={kit.password}"], lambda p: by_certificate(p, kit.server), lambda p: [f"listener {p} 127.0.0.1"],
             "the broker ended the connection before it answered"),
        Case("nobody", mutual, None, lambda p: by_certificate(p, kit.server, ours), "Connection refused"),
    ]


def downs(relay):
    """(reason, retry_ms) of each attempt at the hub that has failed."""
    lines = [line for line in relay.log.read_text().split("\n") if line.startswith("warn trunk_down side=hub ")]
    return [(found[1], int(found[2])) for found in (re.search(r' reason="?(.*?)"? retry_ms=(\d+)$', line) for line in lines) if found]


@pytest.mark.limit(90)
def test_refusals_say_why_are_tried_again_and_end_when_the_hub_is_put_right(tmp_path, kit):
    all_cases = cases(kit)
    keys, *at = [kit.secret("keys", f"wrong-key:{OTHER_KEY}"), *ports(len(all_cases))]
    site = Broker(tmp_path / "site", plugin=False)
    hub = Broker(tmp_path / "hub", plugin=False)
    base = [f"psk_file {keys}"]
    hub.lines = base + [line for case, port in zip(all_cases, at) if case.wrong for line in case.wrong(port)]
    relays = []
    with site, hub:
        for case, port in zip(all_cases, at):
            folder = tmp_path / case.name
            folder.mkdir()
            relays.append(Relay(folder, case.name, site.port, port, options=[f"hub={HOST}:{port}", *case.own]).start())
        try:
            for case, relay in zip(all_cases, relays):
                wait_for(lambda relay=relay: len(downs(relay)) >= 3, 30, lambda relay=relay: f"three attempts:\n{relay.log.read_text()}")
                for n, (reason, retry_ms) in enumerate(downs(relay)):
                    assert case.reason in reason, f"{case.name}: {reason}"
                    assert retry_ms <= 200 << n, (case.name, n, retry_ms)
                assert "trunk_up" not in relay.log.read_text()
            assert ".trunk (" not in hub.log_text(), "a session stood"
            processes = [Path(f"/proc/{r.process.pid}") for r in relays]
            kit.tells_nothing(*((p / what).read_text() for p in processes for what in ("cmdline", "environ")))

            hub.stop()
            kit.secret("keys", "".join(f"{name}:{KEY}\n" for name in ("wrong-key", "unknown-name", "key-for-crt")))
            hub.lines = base + [line for case, port in zip(all_cases, at) for line in case.right(port)]
            hub.start()
            for relay in relays:
                wait_for(lambda relay=relay: "trunk_up side=site" in relay.log.read_text(), 30,
                         lambda relay=relay: f"the trunk stands:\n{relay.log.read_text()}")
                assert "trunk_up side=hub" in relay.log.read_text()
            kit.tells_nothing(hub.log_text(), site.log_text(), *(r.log.read_text() for r in relays))
        finally:
            for relay in relays:
                relay.stop()


# ---------------------------------------------------------------- options that cannot be meant


def check(*options, start=False):
    """What --check says, or the start; it must be an error."""
    argv = [relay_path(), "-o", "listen=127.0.0.1:0", "-o", "relay=site-b", "-o", "hub=localhost:8883", *(w for o in options for w in ("-o", o))]
    done = subprocess.run([str(a) for a in argv] + ([] if start else ["--check"]), capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_options_that_would_leave_the_trunk_open_or_half_meant_are_refused(kit):
    crt, key = kit.client
    for options, named in [
        (["hub_psk_identity=site-b"], "hub_psk_file"),
        ([f"hub_psk_file={kit.key}"], "hub_psk_identity"),
        ([f"hub_key_file={key}"], "hub_cert_file"),
        ([f"hub_cert_file={crt}", f"hub_key_file={key}"], "hub_ca_file"),
        ([*kit.by_key("site-b"), f"hub_ca_file={kit.ours.ca}"], "hub_ca_file"),
    ]:
        assert named in check(*options), options


def test_files_that_cannot_be_used_are_named_before_anything_runs(kit):
    crt, key = kit.client
    ca, short, words = f"hub_ca_file={kit.ours.ca}", kit.secret("short", KEY[:20]), kit.secret("words", "no hex at all")
    public = kit.secret("public", KEY)
    public.chmod(0o644)
    for options, named, why in [
        (["hub_ca_file=/nowhere"], "hub_ca_file", "No such file"),
        ([f"hub_ca_file={key}"], "hub_ca_file", "no certificate"),
        ([ca, f"hub_cert_file={key}", f"hub_key_file={key}"], "hub_cert_file", "no certificate"),
        ([ca, f"hub_cert_file={crt}", f"hub_key_file={crt}"], "hub_key_file", ""),
        ([ca, f"hub_cert_file={crt}", f"hub_key_file={kit.stranger[1]}"], "hub_key_file", "not the key"),
        (["hub_psk_identity=x", f"hub_psk_file={short}"], "hub_psk_file", "16"),
        (["hub_psk_identity=x", f"hub_psk_file={words}"], "hub_psk_file", "hex"),
        (["hub_psk_identity=x", f"hub_psk_file={public}"], "hub_psk_file", "chmod"),
        ([f"site_password_file={public}"], "site_password_file", "chmod"),
    ]:
        for start in (False, True):
            said = check(*options, start=start)
            assert named in said and why in said, (options, said)
            kit.tells_nothing(said)
