"""L1 to L4 of the client library and P1 to P6 of the hub: either of them is killed, or the client's storage loses power, at random moments."""
import os
import random
import threading
import time

import pytest

import wire
from driven import EXIT_CUT, Driven, verdict

KILLS = int(os.environ.get("FIELDPOST_CLIENT_KILLS", "100"))
# size, sector, program_bytes of each device's storage: the small ones are reclaimed all the time
GEOMETRIES = [(65536, 4096, 8), (12288, 1024, 1), (32768, 2048, 32), (4096, 512, 4)]
ROOMS = {"room": ["u0", "u1"], "other": ["u0", "u1"]}
KILLED = -9


class Torture:
    def __init__(self, world, folder, chance, kills):
        self.world, self.left = world, kills
        self.lock = threading.Lock()
        self.failed = []
        self.counts = {"kill": 0, "cut": 0, "stop": 0, "hub": 0}
        self.devices = [Driven(folder, world.broker, f"u{i % 2}", f"dev{i}", list(ROOMS)) for i in range(len(GEOMETRIES))]
        self.chances = [random.Random(chance.random()) for _ in self.devices]
        self.hub_chance = random.Random(chance.random())

    def open(self):
        owner = self.world.on("owner")
        for room, users in ROOMS.items():
            self.world.open(owner, {u: wire.MEMBER for u in users}, scope="site", conv=room)

    def another(self, what):
        with self.lock:
            if self.left <= 0 or self.failed:
                return False
            self.left -= 1
            self.counts[what] += 1
            return True

    def geometry(self, i):
        size, sector, program = GEOMETRIES[i]
        return ["--listen", "--size", size, "--sector", sector, "--program-bytes", program, "--entries", 256]

    def lives(self, i):
        device, chance = self.devices[i], self.chances[i]
        what = chance.choices(("kill", "cut", "stop"), (45, 45, 10))[0]
        while self.another(what):
            try:
                self.one_life(device, chance, what, self.geometry(i))
            except Exception as why:  # reported by the test's own thread
                with self.lock:
                    self.failed.append(f"{device.device}: {why!r}")
            what = chance.choices(("kill", "cut", "stop"), (45, 45, 10))[0]

    def one_life(self, device, chance, what, args):
        args = [*args, "--send", chance.choice((5, 40, 200)), "--rate", chance.choice((0, 50, 400))]
        if what == "cut":
            args += ["--cut-after", chance.randrange(chance.choice((400, 8000))), "--seed", chance.randrange(2**32)]
        life = device.start(*args)
        end = time.monotonic() + chance.choice((0.02, 0.1, 0.3, 1.0)) * chance.random()
        while time.monotonic() < end and life.process.poll() is None:
            time.sleep(0.002)
        if what == "stop" and life.process.poll() is None:
            life.stop()
            return
        code = life.kill()
        if code not in (KILLED, EXIT_CUT if what == "cut" else KILLED):
            raise AssertionError(f"ended with {code}: {' '.join(life.argv)}\n{life.tail()}")

    def hub_dies(self):
        time.sleep(self.hub_chance.uniform(0.2, 1.2))
        if self.another("hub"):
            self.world.broker.kill()
            time.sleep(self.hub_chance.choice((0, 0, 0.2)))
            self.world.broker.start()

    def run(self):
        threads = [threading.Thread(target=self.lives, args=(i,)) for i in range(len(self.devices))]
        for t in threads:
            t.start()
        while any(t.is_alive() for t in threads):
            self.hub_dies()
        for t in threads:
            t.join()
        assert not self.failed, "\n".join(self.failed)

    def drain(self):
        for i, device in enumerate(self.devices):
            device.drain(*self.geometry(i))

    def logs(self):
        reader = self.world.device("owner", auto=False).start()
        return {room: reader.history(room) for room in ROOMS}


@pytest.mark.limit(60 + KILLS)
@pytest.mark.slow
def test_what_the_client_accepted_arrives_once_and_in_order_whatever_is_killed(make_hub, tmp_path, chance):
    world = make_hub(options={"commands_per_s": 0})
    torture = Torture(world, tmp_path / "devices", chance, KILLS)
    torture.open()
    start = time.monotonic()
    torture.run()
    torture.drain()
    logs = torture.logs()
    verdict(torture.devices, logs)
    accepted = sum(len(life.said("accepted")) for d in torture.devices for life in d.lives)
    print(f"{torture.counts}: {accepted} accepted, {sum(map(len, logs.values()))} events, {time.monotonic() - start:.1f} s")
    assert accepted > KILLS, "the devices hardly said anything: that proves nothing"
