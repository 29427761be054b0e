"""The client on a Cortex-M3 without an operating system (QEMU's mps2-an385): what it accepted arrives once, in order, whatever the power does."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import broker as brokers
import wire
from oracle import check_log, read_store

EXAMPLE = Path(__file__).parents[2] / "firmware-client/examples/mps2-an385"
ROUNDS = 12
STACK_MAX = 3072  # bytes, as the README says
EXIT_OK, EXIT_CUT = 0, 4
PSK = "00112233445566778899aabbccddeeff"


class Board:
    """One device: its flash is a file, each run() is one time that it has power."""

    def __init__(self, image, folder, port, device, user, conv, psk=""):
        folder.mkdir(parents=True)
        self.image, self.folder, self.port = image, folder, port
        self.settings = {"device": device, "user": user, "conv": conv, "flash": folder / "flash.bin"}
        if psk:
            self.settings["psk"] = psk
        self.runs = 0

    def command(self, more):
        args = ["fieldpost", *(f"{k}={v}" for k, v in (self.settings | more).items())]
        return ["qemu-system-arm", "-M", "mps2-an385", "-kernel", str(self.image), "-display", "none", "-monitor", "none",
                "-chardev", f"socket,id=net,host=127.0.0.1,port={self.port},nodelay=on", "-serial", "chardev:net",
                "-chardev", "stdio,id=say,signal=off",
                "-semihosting-config", "enable=on,target=native,chardev=say" + "".join(f",arg={a}" for a in args)]

    def run(self, kill_after=None, **more):
        """Returns (exit code, what it said). kill_after: seconds until kill -9."""
        self.runs += 1
        said = self.folder / f"said.{self.runs}"
        with open(said, "wb") as out, open(self.folder / "stderr", "ab") as err:
            process = subprocess.Popen(self.command(more), stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=brokers._die_with_parent)
            try:
                code = process.wait(40 if kill_after is None else kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
        text = said.read_text(errors="replace")
        assert "flash: not" not in text and "fault" not in text, text
        return code, text

    def ends(self, **more):
        code, text = self.run(**more)
        assert code == EXIT_OK and text.endswith("done\n"), f"exit code {code}:\n{text}\n{(self.folder / 'stderr').read_text()}"
        return text


def accepted(text):
    return [int(n) for n in re.findall(r"^accepted \d+ m(\d+)$", text, re.M)]


def texts(world, conv, device):
    events = read_store(world.broker.db)[conv]
    assert not list(check_log(conv, events))
    return [int(ev[10][1].removeprefix("m")) for ev in events if ev[1] == wire.MSG and ev[19] == device]


def check(arrived, promised, tried):
    """promised: said to be accepted. tried: the power went before that was said, so they may be there or not."""
    assert arrived == sorted(set(arrived)), f"not once and in order: {arrived}"
    assert set(promised) <= set(arrived), f"lost: {sorted(set(promised) - set(arrived))}"
    assert set(arrived) <= set(promised) | set(tried), f"nobody queued: {sorted(set(arrived) - set(promised) - set(tried))}"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Builds images, at most once each; None: mbedTLS can't be had here, and the script says so."""
    folder = tmp_path_factory.mktemp("bare")
    built = {}

    def image(name):
        if name not in built:
            out = subprocess.run([EXAMPLE / "build.sh", folder, name], capture_output=True, text=True, timeout=300)
            if out.returncode == 77:
                assert out.stderr.strip().split("\n")[-1].split(": ")[1] == "skipped", out.stderr
                built[name] = None
            else:
                assert out.returncode == 0, out.stdout + out.stderr
                built[name] = folder / f"{name}.elf"
        return built[name]
    yield image
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def hub(make_hub, tmp_path):
    """A hub that listens with TLS and a pre-shared key as well; `hub.psk_port`."""
    port = brokers.free_port()
    keys = tmp_path / "keys"
    keys.write_text(f"sensor:{PSK}\n")
    world = make_hub(lines=[f"listener {port} 127.0.0.1", "psk_hint fieldpost", f"psk_file {keys}"])
    world.psk_port = port
    return world


def make_board(world, image, folder, secure):
    owner, user = world.on("owner"), world.name("crew")
    _scope, conv = world.open(owner, {user: wire.MEMBER})
    port = world.psk_port if secure else world.broker.port
    return Board(image, folder / "board", port, "sensor", user, conv, PSK if secure else ""), conv


@pytest.mark.limit(400)
@pytest.mark.parametrize("name", ["plain", "psk"])
def test_a_board_without_an_operating_system_sends_what_it_queued(images, hub, tmp_path, name):
    image = images(name)
    if image is None:
        return  # the fixture has seen that the script says so
    board, conv = make_board(hub, image, tmp_path, name == "psk")
    text = board.ends(first=1, count=20)
    assert accepted(text) == list(range(1, 21))
    assert len(re.findall(r"^state \d+ sent ", text, re.M)) == 20
    assert texts(hub, conv, "sensor") == list(range(1, 21))
    took = {what: int(n) for what, n in re.findall(r"^(memory|stack|tls) (\d+)$", text, re.M)}
    print(took)
    assert took["stack"] <= STACK_MAX and took.get("tls", 0) <= 6144
    assert accepted(board.ends(count=0)) == [] and len(texts(hub, conv, "sensor")) == 20


@pytest.mark.limit(400)
@pytest.mark.parametrize("name", ["plain", "psk"])
def test_a_board_whose_power_goes_loses_nothing_and_repeats_nothing(images, hub, tmp_path, chance, name):
    image = images(name)
    if image is None:
        return
    board, conv = make_board(hub, image, tmp_path, name == "psk")
    promised, tried, following, cuts, began = [], [], 1, 0, time.monotonic()
    for round_ in range(ROUNDS):
        more = {"first": following, "count": 20}
        if round_ % 2:
            more["cut"] = chance.randrange(1, 1500)
            code, text = board.run(**more)
            assert code in (EXIT_CUT, EXIT_OK), text
        else:
            code, text = board.run(kill_after=chance.uniform(0.02, 0.4), **more)
        got = accepted(text)
        assert got == list(range(following, following + len(got)))
        cuts += code == EXIT_CUT
        promised += got
        following += len(got) + 1
        tried.append(following - 1)
        if code == EXIT_OK:
            tried.pop()
        check(texts(hub, conv, "sensor"), [], promised + tried)
    board.ends(first=following, count=5, late=60)
    promised += range(following, following + 5)
    check(texts(hub, conv, "sensor"), promised, tried)
    print(f"{len(promised)} promised in {ROUNDS} rounds, {cuts} of them cut in the middle of a write, {time.monotonic() - began:.1f} s")
    assert len(promised) > 20 and cuts > 0


def test_what_is_queued_without_a_network_waits_on_the_flash(images, hub, tmp_path):
    board, conv = make_board(hub, images("plain"), tmp_path, False)
    deaf = brokers.socket.create_server(("127.0.0.1", 0))
    try:
        there, board.port = board.port, deaf.getsockname()[1]
        code, text = board.run(first=1, count=20, late=1)
        assert code == 2 and accepted(text) == list(range(1, 21)), text
    finally:
        deaf.close()
    board.port = there
    assert re.search(r"^pending 20$", board.ends(count=0), re.M)
    assert texts(hub, conv, "sensor") == list(range(1, 21))


def test_the_sizes_in_the_readme_are_those_of_the_images(images, tmp_path):
    """The table, its limits, and that no image holds malloc()."""
    sizes = EXAMPLE.parents[1] / "sizes.py"
    out = subprocess.run(["/usr/bin/python3", "-B", sizes, "--check", tmp_path / "sizes"], capture_output=True, text=True, timeout=300,
                         env=os.environ | {"LC_ALL": "C"})
    assert out.returncode == 0, out.stdout + out.stderr
