"""The client's TLS against a real mosquitto: by a pre-shared key and by certificates, who is refused, and sessions that are taken up again."""
import os
import socket
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest

import broker as brokers

KEY = "00112233445566778899aabbccddeeff"
NAME = "hub.example"
Attempt = namedtuple("Attempt", "code how cipher us answer")


def probe_path():
    """FIELDPOST_TLS_PROBE, or the one that was built beside the plugin."""
    path = Path(os.environ.get("FIELDPOST_TLS_PROBE") or Path(brokers.plugin_path()).parents[2] / "tests/integration/tls_probe")
    assert path.is_file(), f"the probe is not built: {path}"
    return str(path.resolve())


def probe(port, **args):
    """One Attempt for each connection; answer is what the broker said to CONNECT, or the sentence that says why not."""
    args = {"port": port, "id": "probe", **args}
    out = subprocess.run([probe_path(), *(f"{k}={v}" for k, v in args.items())], capture_output=True, text=True, timeout=30, check=True).stdout
    print(out)
    lines = out.split("\n")[:-1]
    assert len(lines) == 2 * int(args.get("count", 1)), out
    return [Attempt(*first.split(" ")[1:4], int(first.split(" ")[4]), second) for first, second in zip(lines[::2], lines[1::2])]


def stood(attempts, how):
    assert [(a.code, a.answer, a.how) for a in attempts] == [("ok", "connack 0", h) for h in how]


class Authority:
    """A CA on P-256, and certificates of it; made anew for each run."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.ca = self._openssl("ca", "-x509", "-days", "2", "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign")[0]

    def _openssl(self, what, *more):
        crt, key = (str(self.folder / f"{self.name}-{what}.{kind}") for kind in ("crt", "key"))
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-keyout", key,
                        "-out", crt, *more], check=True, capture_output=True)
        return crt, key

    def issue(self, what, subject, names=(), days=2):
        request, key = self._openssl(f"{what}-request", "-subj", f"/CN={subject}")
        crt, extensions = str(self.folder / f"{self.name}-{what}.crt"), self.folder / "extensions"
        extensions.write_text("basicConstraints=CA:FALSE\n" + (f"subjectAltName={','.join(f'DNS:{n}' for n in names)}\n" if names else ""))
        ca_key = self.ca.removesuffix(".crt") + ".key"
        subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", str(days),
                        "-sha256", "-extfile", str(extensions), "-out", crt], check=True, capture_output=True)
        return crt, key


Tls = namedtuple("Tls", "broker psk crt mutual ca other client stranger")


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    ca, other = Authority(folder, "ours"), Authority(folder, "other")
    crt, key = ca.issue("server", NAME, [NAME])
    psk_file = folder / "psk"
    psk_file.write_text(f"device-1:{KEY}\n")
    # Ports of the kernel, taken at the same time, so that they differ.
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    psk, plain_crt, mutual = (s.getsockname()[1] for s in sockets)
    for s in sockets:
        s.close()
    server = [f"certfile {crt}", f"keyfile {key}", "allow_anonymous true"]
    lines = ["per_listener_settings true",
             f"listener {psk} 127.0.0.1", "psk_hint fieldpost", f"psk_file {psk_file}", "use_identity_as_username true", "allow_anonymous true",
             f"listener {plain_crt} 127.0.0.1", *server,
             f"listener {mutual} 127.0.0.1", *server, f"cafile {ca.ca}", "require_certificate true", "use_identity_as_username true"]
    # per_listener_settings must come before all listeners, and the one that the broker class makes is open to all.
    b = brokers.Broker(folder / "broker", plugin=False, lines=lines[1:], anonymous=True)
    config = b.config
    b.config = lambda: lines[0] + "\n" + config()
    with b:
        yield Tls(b, psk, plain_crt, mutual, ca.ca, other.ca, ca.issue("client", "device-2"), other.issue("client", "device-2"))


def connected(tls, client_id, user):
    return sum(f"as {client_id} " in line and f"u'{user}'" in line for line in tls.broker.log_text().split("\n"))


def test_a_shared_key_opens_and_its_identity_is_the_user(tls):
    attempts = probe(tls.psk, id="by-key", identity="device-1", psk=KEY, count=3, record=1024)
    stood(attempts, ["full"] * 3)
    assert {a.cipher for a in attempts} == {"TLS-PSK-WITH-AES-128-GCM-SHA256"}
    assert connected(tls, "by-key", "device-1") == 3


@pytest.mark.parametrize("record", [0, 512, 4096])
def test_records_of_any_length_are_understood(tls, record):
    stood(probe(tls.psk, identity="device-1", psk=KEY, record=record), ["full"])
    stood(probe(tls.crt, name=NAME, ca=tls.ca, record=record), ["full"])


@pytest.mark.parametrize("identity, key", [("device-1", KEY[:-1] + "e"), ("device-9", KEY)])
def test_a_wrong_key_and_an_unknown_identity_are_refused(tls, identity, key):
    for a in probe(tls.psk, id="wrong-key", identity=identity, psk=key, count=2):
        assert (a.code, a.how) == ("denied", "full")
        assert a.answer.startswith("why the other side refuses us")
    assert "wrong-key" not in tls.broker.log_text()


def test_a_certificate_of_our_authority_is_trusted_and_the_session_taken_up_again(tls):
    attempts = probe(tls.crt, name=NAME, ca=tls.ca, count=3)
    stood(attempts, ["full", "resumed", "resumed"])
    assert {a.cipher for a in attempts} == {"TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"}


def test_a_certificate_of_another_authority_is_refused(tls):
    for a in probe(tls.crt, id="wrong-ca", name=NAME, ca=tls.other, count=2):
        assert (a.code, a.answer) == ("denied", "why the certificate of the other side is not of the CA that we trust")
    assert "wrong-ca" not in tls.broker.log_text()


def test_a_certificate_of_another_host_is_refused(tls):
    (a,) = probe(tls.crt, id="wrong-host", name="evil.example", ca=tls.ca)
    assert (a.code, a.answer) == ("denied", "why the certificate of the other side is of another host")
    assert "wrong-host" not in tls.broker.log_text()


def test_a_device_with_a_certificate_is_the_user_in_it(tls):
    crt, key = tls.client
    attempts = probe(tls.mutual, id="by-crt", name=NAME, ca=tls.ca, crt=crt, key=key, count=4)
    stood(attempts, ["full", "resumed", "resumed", "resumed"])
    assert connected(tls, "by-crt", "device-2") == 4


def test_a_device_without_a_certificate_or_with_a_foreign_one_is_refused(tls):
    (a,) = probe(tls.mutual, id="no-crt", name=NAME, ca=tls.ca)
    assert a.code == "denied" and "certificate" in a.answer
    crt, key = tls.stranger
    (a,) = probe(tls.mutual, id="no-crt", name=NAME, ca=tls.ca, crt=crt, key=key)
    assert a.code == "denied" and "certificate" in a.answer
    assert "no-crt" not in tls.broker.log_text()


def test_a_key_is_no_certificate_and_the_other_way_round(tls):
    (a,) = probe(tls.psk, name=NAME, ca=tls.ca)
    assert a.code == "denied"
    (a,) = probe(tls.crt, identity="device-1", psk=KEY)
    assert a.code == "denied"


def test_a_port_without_tls_and_one_without_anybody_are_no_refusal(tls):
    (a,) = probe(tls.broker.port, identity="device-1", psk=KEY)
    assert a.code == "input/output" and len(a.answer) > len("why ")
    (a,) = probe(brokers.free_port(), identity="device-1", psk=KEY)
    assert a.code == "input/output" and "refused" in a.answer
