"""The smallest program of the client library: what it said it has queued arrives once and in order, however often it is killed."""
import os
import re
import subprocess
from pathlib import Path

import pytest

import broker as brokers
import wire
from oracle import check_log, read_store
from reactor import wait_for

ROUNDS = 8


def built(name):
    """A program of the build that the plugin comes from."""
    build = Path(brokers.plugin_path()).parents[2]
    found = [Path(folder) / name for folder, _, names in os.walk(build) if name in names and os.access(Path(folder) / name, os.X_OK)]
    assert found, f"{build} holds no program {name}"
    return [str(found[0])]


class Program:
    """smallest: each line that it reads is a message; what it prints goes to a file."""

    def __init__(self, command, folder, port, user, device, conv):
        self.command = [*command, "127.0.0.1", str(port), user, device, conv, str(folder / f"{device}.outbox")]
        self.said = folder / f"{device}.said"
        self.process = None

    def start(self):
        out = open(self.said, "ab")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, text=True,
                                        preexec_fn=brokers._die_with_parent)
        out.close()
        return self

    def say(self, *lines):
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def text(self):
        return self.said.read_text()

    def queued(self):
        return [int(n) for n in re.findall(r"^queued \d+ m(\d+)$", self.text(), re.M)]

    def wait_said(self, pattern, timeout=15):
        wait_for(lambda: re.search(pattern, self.text(), re.M), timeout, lambda: f"{pattern!r} of the program, which said:\n{self.text()}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def ends(self, timeout=20):
        """Its input ends: it leaves when nothing is pending."""
        self.process.stdin.close()
        code = self.process.wait(timeout)
        assert code == 0, f"exit code {code}:\n{self.text()}"


def stored(world, conv, device):
    events = read_store(world.broker.db)[conv]
    assert not list(check_log(conv, events))
    return [int(ev[10][1].removeprefix("m")) for ev in events if ev[1] == wire.MSG and ev[19] == device]


def meet(world, command, folder):
    owner, user = world.on("owner"), world.name("crew")
    _scope, conv = world.open(owner, {user: wire.MEMBER})
    return owner, conv, Program(command, folder, world.broker.port, user, world.name("phone"), conv)


def converse(world, command, folder):
    owner, conv, program = meet(world, command, folder)
    program.start().say("m1", "m2")
    program.wait_said(r"^sent 2$")
    owner.msg(conv, "come to gate 4")
    program.wait_said(r"^owner: come to gate 4$")
    program.ends()
    device = program.command[-3]
    assert stored(world, conv, device) == [1, 2]
    program.start().say("m3")
    program.ends()
    assert stored(world, conv, device) == [1, 2, 3]
    assert program.text().count("come to gate 4") == 1, "it was printed again after a restart"


def survive(world, command, folder, chance):
    """Killed at random moments; some lines were read by then, and some of these were queued."""
    _owner, conv, program = meet(world, command, folder)
    following = 1
    for _ in range(ROUNDS):
        program.start().say(*(f"m{n}" for n in range(following, following + 10)))
        wait_for(lambda: program.queued()[-1:] >= [following], 15, lambda: f"a line that is queued:\n{program.text()}")
        with pytest.raises(subprocess.TimeoutExpired):
            program.process.wait(chance.uniform(0, 0.3))
        program.kill()
        following += 10
    program.start().say(f"m{following}")
    program.ends()
    promised, arrived = program.queued(), stored(world, conv, program.command[-3])
    assert arrived == sorted(set(arrived)), f"not once and in order: {arrived}"
    assert set(promised) <= set(arrived), f"lost: {sorted(set(promised) - set(arrived))}"
    assert len(promised) > ROUNDS
    print(f"{len(promised)} queued, {len(arrived)} arrived, {ROUNDS} kills")


@pytest.mark.limit(90)
def test_the_smallest_program_sends_and_receives(make_hub, tmp_path):
    converse(make_hub(), built("fp_example_smallest"), tmp_path)


@pytest.mark.limit(120)
def test_what_the_smallest_program_has_queued_survives_kill_9(make_hub, tmp_path, chance):
    survive(make_hub(), built("fp_example_smallest"), tmp_path, chance)
