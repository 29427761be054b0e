"""Everything that a site's small computer runs, built for 32-bit and 64-bit ARM Linux, under qemu-user: hub, relay, command line and package."""
import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

import broker as brokers
import wire

ROOT = Path(__file__).resolve().parents[2]
SYSROOT = ROOT / ".cmake/sysroot"
QEMU = {"armhf": "qemu-arm", "arm64": "qemu-aarch64"}
MACHINE = {"armhf": b"\x28\x00", "arm64": b"\xb7\x00"}  # e_machine of ELF
FAR = 4102444800000  # 2100-01-01: no 32-bit time_t has it


def call(*argv, code=0, **kw):
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=400, check=False, **kw)
    assert done.returncode == code, f"{argv}: {done.returncode}\n{done.stdout[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def sysroots():
    """Both at the same time: they wait for the network. Kept below build/, as the presets want them."""
    making = [subprocess.Popen([SYSROOT, arch, ROOT / "build/sysroot" / arch], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               preexec_fn=brokers._die_with_parent) for arch in QEMU]
    for process in making:
        out, _ = process.communicate(timeout=400)
        assert process.returncode == 0, out


class Cross:
    """The build for an architecture, with warnings as errors, by its preset."""

    def __init__(self, arch):
        self.arch = arch
        self.sysroot = ROOT / "build/sysroot" / arch
        self.build = ROOT / "build" / arch
        call("cmake", "--preset", arch, cwd=ROOT)
        call("cmake", "--build", "--preset", arch, cwd=ROOT)
        self.emulator = [QEMU[arch], "-L", str(self.sysroot)]
        self.plugin = self.build / "plugin/mosq/fieldpost.so"
        self.relay = [*self.emulator, self.build / "edge-relay/fieldpost-relay"]
        self.client = [*self.emulator, self.build / "firmware-client/cli/fieldpost"]


@pytest.fixture(scope="module", params=list(QEMU))
def cross(request, sysroots):
    return Cross(request.param)


@pytest.fixture
def hub(cross, make_hub, monkeypatch):
    """The target's own Mosquitto with our plugin."""
    monkeypatch.setattr(brokers, "MOSQUITTO", str(cross.sysroot / "usr/sbin/mosquitto"))
    monkeypatch.setattr(brokers, "plugin_path", lambda: str(cross.plugin))
    return make_hub(prefix=cross.emulator)


@pytest.mark.limit(400)
def test_what_is_built_is_of_that_machine_and_runs(cross, tmp_path):
    for program in (cross.plugin, cross.relay[-1], cross.client[-1]):
        head = program.read_bytes()[:20]
        assert head[:4] == b"\x7fELF" and head[18:20] == MACHINE[cross.arch], program
    assert "usage: fieldpost" in call(*cross.client, "--help")
    conf = tmp_path / "relay.conf"
    conf.write_text("listen 127.0.0.1:9083\nbroker 127.0.0.1:1883\n")
    assert "fine" in call(*cross.relay, "-c", conf, "--check")
    conf.write_text("listen 127.0.0.1:9083\nbrokr 127.0.0.1:1883\n")
    done = subprocess.run([*map(str, cross.relay), "-c", str(conf), "--check"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "brokr" in done.stderr


@pytest.mark.limit(60)
def test_dates_after_2038_are_dates(cross):
    head = wire.dumps({1: 1, 2: 1, 3: 1, 4: FAR}).hex()
    assert f"{FAR} (2100-01-01T00:00:00.000Z)" in call(*cross.client, "decode", "--as", "head", "--hex", input=f"{head}\n")


@pytest.mark.limit(120)
def test_a_hub_of_that_machine_converses_and_survives_kill_9(cross, hub):
    a, b = hub.on("ann"), hub.on("bob")
    assert a.welcome is not None
    scope, conv = hub.open(a, {"bob": wire.MEMBER})
    for n in range(20):
        last = a.msg(conv, f"m{n}")[2]
    b.sync(conv, last)
    hub.broker.kill()
    hub.broker.start(20)
    last = b.msg(conv, "and on")[2]
    a.sync(conv, last)
    assert a.convs[conv].log == b.convs[conv].log
    settings = ["--host", "127.0.0.1", "--port", str(hub.broker.port), "--user", "ann"]
    env = {**os.environ, "XDG_CONFIG_HOME": str(hub.broker.folder), "XDG_STATE_HOME": str(hub.broker.folder)}
    assert "and on" in call(*cross.client, *settings, "history", conv, env=env)


@pytest.mark.limit(120)
def test_a_relay_of_that_machine_serves(cross, hub, tmp_path):
    """With the event loop that libwebsockets loads at run time."""
    gateway = brokers.free_port()
    conf = tmp_path / "relay.conf"
    conf.write_text(f"listen 127.0.0.1:{gateway}\nbroker 127.0.0.1:{hub.broker.port}\n")
    daemon = subprocess.Popen([*map(str, cross.relay), "-c", str(conf)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              preexec_fn=brokers._die_with_parent)
    health, end = "", time.monotonic() + 20
    while "ok" not in health and time.monotonic() < end and daemon.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{gateway}/healthz", timeout=5) as answer:
                health = answer.read().decode()
        except OSError:
            time.sleep(0.05)
    daemon.send_signal(signal.SIGTERM)
    log, _ = daemon.communicate(timeout=20)
    assert "ok" in health and daemon.returncode == 0, log


def package(build, folder):
    """The package's fields and the names that it depends on."""
    call("cpack", "-G", "DEB", "-B", folder, cwd=build)
    deb, = folder.glob("*.deb")
    depends = call("dpkg-deb", "-f", deb, "Depends")
    return deb, {re.sub(r"[ :].*", "", d) for d in depends.strip().split(", ")}


@pytest.mark.limit(200)
def test_the_package_depends_on_what_the_native_one_depends_on(cross, tmp_path):
    deb, depends = package(cross.build, tmp_path / "cross")
    _, native = package(Path(os.environ["FIELDPOST_SO"]).resolve().parents[2], tmp_path / "native")
    assert deb.name.endswith(f"_{cross.arch}.deb") and call("dpkg-deb", "-f", deb, "Architecture").strip() == cross.arch
    assert depends == native and {"libwebsockets17", "libwebsockets-evlib-uv", "libsqlite3-0", "mosquitto"} <= depends
    call("dpkg-deb", "-x", deb, tmp_path / "root")
    for name in ("usr/bin/fieldpost", "usr/bin/fieldpost-relay", "usr/lib/fieldpost/fieldpost.so"):
        assert (tmp_path / "root" / name).read_bytes()[18:20] == MACHINE[cross.arch], name


def test_the_sysroot_script_says_what_is_wrong(tmp_path):
    assert "usage:" in call(SYSROOT, "--help")
    assert "usage:" in call(SYSROOT, "armhf", code=2)
    assert "unknown architecture: vax" in call(SYSROOT, "vax", tmp_path / "new", code=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("of another")
    assert "is not empty and no sysroot" in call(SYSROOT, "armhf", tmp_path / "full", code=1)
    assert (tmp_path / "full/mine").read_text() == "of another"
    (tmp_path / "apt.conf").write_text('Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n')
    out = call(SYSROOT, "armhf", tmp_path / "new", code=1, env={**os.environ, "APT_CONFIG": str(tmp_path / "apt.conf")})
    assert "Unable to locate package libcbor-dev" in out and "could not fetch the packages for armhf" in out
    assert not list(tmp_path.glob("new*")), "something was left behind"
    out = call("cmake", "-S", ROOT, "-B", tmp_path / "build", "-G", "Ninja", "--toolchain", ROOT / ".cmake/armhf.cmake",
               f"-DFP_SYSROOT={tmp_path}/none", code=1)
    assert ".cmake/sysroot armhf" in " ".join(out.split())
