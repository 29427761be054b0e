"""What cmake --install and the Debian package bring: configurations that work as they are, units that systemd takes, nothing that needs root."""
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

import broker as brokers
from broker import MOSQUITTO, _die_with_parent, free_port

BUILD = Path(brokers.plugin_path()).parents[2]
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.alone  # cpack works in the folder of the build, and so it does in test_cross.py


def call(*argv, **kw):
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False, **kw)
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package, unpacked. Programs and files as they would be in the system, below one folder."""
    folder = tmp_path_factory.mktemp("package")
    call("cpack", "-G", "DEB", "-B", folder, cwd=BUILD)
    deb, = folder.glob("fieldpost_*.deb")
    call("dpkg-deb", "-R", deb, folder / "root")
    folder.chmod(0o755)
    return folder / "root"


@pytest.fixture
def system(package, tmp_path):
    """A copy whose paths are those of the folder it lies in, with users, and ports that are free."""
    root = tmp_path / "root"
    shutil.copytree(package, root)
    etc = root / "etc/fieldpost"
    state = root / "var/lib/fieldpost"
    state.mkdir(parents=True)
    call("mosquitto_passwd", "-c", "-b", etc / "passwords", "anna", "secret")
    call("mosquitto_passwd", "-b", etc / "passwords", "site-1", "secret")
    port, gateway = free_port(), free_port()
    for conf in etc.iterdir():
        text = conf.read_text()
        text = re.sub(r"(?<=[ =])(/etc/fieldpost|/usr/lib|/usr/share|/var/lib/fieldpost)", lambda m: f"{root}{m.group(1)}", text)
        conf.write_text(text.replace("1883", str(port)).replace("9083", str(gateway)))
    (etc / "passwords").chmod(0o640)
    for path in [tmp_path, *tmp_path.parents]:
        if path.owner() == "root" and str(path).startswith("/tmp/"):
            path.chmod(0o755)
    if os.geteuid() == 0:
        call("chown", "-R", "nobody", root)
    return root, port, gateway


def run(*argv):
    """Not as root, as the units say."""
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    return subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=_die_with_parent, **user)


def stop(process):
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    return process.returncode, err


def hello(port, user="anna"):
    """Says hello as a device, with Mosquitto's own client; the reply in hex."""
    end = time.monotonic() + 10
    while True:
        who = ["-p", str(port), "-u", user, "-P", "secret", "-i", f"{user}-1"]
        done = subprocess.run(["mosquitto_rr", "-V", "mqttv311", *who, "-q", "1", "-F", "%x", "-W", "5", "-t", f"fp/1/device/{user}-1/up",
                               "-e", f"fp/1/device/{user}-1/down", "-m", bytes.fromhex("a201010aa10101")],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=20)
        if done.returncode == 0 or time.monotonic() > end:
            return done.stdout.decode().strip(), done.stderr.decode()
        time.sleep(0.05)


@pytest.mark.limit(180)
def test_the_package_has_what_it_should_and_nothing_else(package):
    names = {str(p.relative_to(package)) for p in package.rglob("*") if p.is_file()}
    wanted = {"usr/bin/fieldpost", "usr/bin/fieldpost-relay", "usr/lib/fieldpost/fieldpost.so", "etc/fieldpost/hub.conf", "etc/fieldpost/site.conf",
              "etc/fieldpost/relay.conf", "etc/fieldpost/options", "etc/fieldpost/relays", "lib/systemd/system/fieldpost-hub.service",
              "lib/systemd/system/fieldpost-site.service", "lib/systemd/system/fieldpost-relay.service", "usr/share/doc/fieldpost/copyright"}
    assert wanted <= names
    places = ("usr/bin/fieldpost", "usr/lib/fieldpost/", "etc/fieldpost/", "lib/systemd/system/fieldpost", "usr/share/", "DEBIAN/")
    assert all(n.startswith(places) for n in names)
    conffiles = (package / "DEBIAN/conffiles").read_text().split()
    assert sorted(conffiles) == sorted(f"/{n}" for n in names if n.startswith("etc/"))
    assert not [n for n in names if re.search("@[a-z]+@", (package / n).read_bytes().decode("latin-1")) and n.startswith(("etc/", "lib/systemd/"))]
    control = (package / "DEBIAN/control").read_text()
    assert "mosquitto (>= 2.0.11)" in control and "libwebsockets" in control and "libsqlite3" in control


@pytest.mark.limit(60)
def test_the_hub_of_the_package_works_as_it_is(system):
    root, port, _ = system
    hub = run(MOSQUITTO, "-c", root / "etc/fieldpost/hub.conf")
    reply, why = hello(port)
    code, log = stop(hub)
    assert reply.startswith("a70103"), (reply, why, log)  # a welcome
    assert code == 0, log
    assert (root / "var/lib/fieldpost/hub.db").stat().st_size > 0


@pytest.mark.limit(60)
def test_the_site_of_the_package_waits_for_its_hub(system):
    root, port, _ = system
    site = run(MOSQUITTO, "-c", root / "etc/fieldpost/site.conf")
    reply, why = hello(port)
    code, log = stop(site)
    assert reply.startswith("a4") and "hub" in bytes.fromhex(reply).decode("latin-1"), (reply, why, log)  # nack busy: has not met its hub yet
    assert code == 0, log


@pytest.mark.limit(60)
def test_the_relay_of_the_package_serves_the_console_and_the_broker(system):
    root, _, gateway = system
    relay = root / "usr/bin/fieldpost-relay"
    conf = root / "etc/fieldpost/relay.conf"
    assert "fine" in call(relay, "-c", conf, "--check")
    hub = run(MOSQUITTO, "-c", root / "etc/fieldpost/hub.conf")
    daemon = run(relay, "-c", conf)
    health = ""
    end = time.monotonic() + 10
    while "ok" not in health and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{gateway}/healthz", timeout=5) as answer:
                health = answer.read().decode()
        except OSError:
            time.sleep(0.05)
    code, log = stop(daemon)
    stop(hub)
    assert "ok" in health, log
    assert code == 0, log


def test_the_relay_of_a_site_is_configured_by_taking_the_comments_away(system, tmp_path):
    root, _, _ = system
    conf = root / "etc/fieldpost/relay.conf"
    text = re.sub(r"(?m)^# (?=(relay|site|hub)[a-z_]* )", "", conf.read_text())
    for name in ("relay.site-password", "relay.hub-password"):
        secret = root / "etc/fieldpost" / name
        secret.write_text("secret\n")
        secret.chmod(0o600)
    text = text.replace("hub_ca_file", "# hub_ca_file")
    conf.write_text(text)
    assert "fine" in call(root / "usr/bin/fieldpost-relay", "-c", conf, "--check")


def test_units_are_sandboxed_and_not_root(package):
    for unit in (package / "lib/systemd/system").glob("fieldpost-*.service"):
        text = unit.read_text()
        for line in ("User=fieldpost", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "MemoryDenyWriteExecute=yes"):
            assert line in text, f"{unit.name}: {line}"
        program = re.search(r"^ExecStart=(\S+)", text, re.M).group(1)
        assert Path(program).exists() or (package / program.lstrip("/")).exists(), program


def test_another_prefix_gets_paths_of_its_own(tmp_path):
    call("cmake", "--install", BUILD, "--prefix", tmp_path / "there")
    text = (tmp_path / "there/etc/fieldpost/hub.conf").read_text()
    assert f"plugin {tmp_path}/there/lib/fieldpost/fieldpost.so" in text
    edited = tmp_path / "there/etc/fieldpost/options"
    edited.write_text("operators anna\n")
    call("cmake", "--install", BUILD, "--prefix", tmp_path / "there")
    assert edited.read_text() == "operators anna\n"
