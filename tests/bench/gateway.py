"""Part `gateway`: WebSocket clients through fieldpost-relay, beside plain TCP and Mosquitto's own WebSocket listener."""

import multiprocessing
import random
import re
import select
import socket
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from broker import BenchError, Broker, free_port, median_span
from mini import Client, Device
from trunk import rss_kb

PAYLOAD = 100
TOPICS = 4
DEAF_PAYLOAD = 10_000
PATHS = {"tcp": "direct TCP", "relay": "fieldpost-relay", "own": "Mosquitto's WebSockets"}
fork = multiprocessing.get_context("fork")


class Sizes:
    def __init__(self, small, repeats):
        self.messages = 20_000 if small else 200_000
        self.repeats = repeats
        self.clients = 50 if small else 500
        self.deaf_bytes = 10_000_000 if small else 40_000_000
        self.rounds = 200 if small else 3000
        self.events = {"tcp": 20, "relay": 20, "own": 10} if small else {"tcp": 500, "relay": 500, "own": 60}


class Front:
    """A broker with both listeners, and the relay in front of it."""

    def __init__(self, bench, kind, folder=None):
        bench.count += 1
        self.broker = Broker(kind, (folder or bench.folder) / f"{bench.count}-front", bench.args.mosquitto, bench.args.so if kind == "hub" else None)
        self.own = free_port()
        self.log = self.broker.folder / "relay.log"
        self.program = bench.args.relay
        self.relay = None

    def __enter__(self):
        # The WebSocket listener changes how the broker's loop waits, so TCP and the relay are measured without it.
        self.broker.start()
        self.start_relay()
        return self

    def with_own(self):
        self.broker.stop()
        self.broker.conf.write_text(self.broker.conf.read_text() + f"listener {self.own} 127.0.0.1\nprotocol websockets\n")
        self.broker.start()
        end = time.monotonic() + 10
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.own)) == 0:
                    return
            if time.monotonic() > end:
                raise BenchError(f"the broker's WebSocket listener does not come up:\n{self.broker.last_words()}")
            time.sleep(0.005)

    def start_relay(self):
        options = (f"broker=127.0.0.1:{self.broker.port}", "listen=127.0.0.1:0", "max_per_address=0", "connects_per_s=0", "max_clients=2000")
        argv = [str(self.program)] + [w for o in options for w in ("-o", o)]
        with open(self.log, "wb") as log:
            self.relay = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 10
        while True:
            found = re.search(r"listening listener=ws address=\S+:(\d+)", self.log.read_text(errors="replace"))
            if found:
                self.relay_port = int(found[1])
                return
            if self.relay.poll() is not None or time.monotonic() > end:
                raise BenchError(f"the relay does not start:\n{self.log.read_text(errors='replace')[-800:]}")
            time.sleep(0.01)

    def __exit__(self, *_):
        if self.relay:
            self.relay.kill()
            self.relay.wait()
        self.broker.kill()

    def client(self, path, name, **kw):
        port = {"tcp": self.broker.port, "relay": self.relay_port, "own": self.own}[path]
        return Client(port, name, ws=path != "tcp", timeout=kw.pop("timeout", 60), **kw)


@contextmanager
def front(bench, path, kind="bare", folder=None):
    with Front(bench, kind, folder) as f:
        if path == "own":
            f.with_own()
        yield f


# ------------------------------------------------------------------ throughput

def receive(clients, pipe, count):
    """Reads until each client's stream ends in its last message, and counts the payload's letters: parsing would be what is measured."""
    left = {c.s: b"" for c in clients}
    letters = 0
    pipe.send("ready")
    while left:
        for s in select.select(list(left), [], [], 60)[0]:
            data = s.recv(1 << 20)
            if not data:
                pipe.send("hung up")
                return
            letters += data.count(b"x")
            tail = (left[s] + data)[-8:]
            if tail == b"END.END.":
                del left[s]
            else:
                left[s] = tail
    end = time.monotonic()
    pipe.send(end if letters >= count * PAYLOAD else f"{count - letters // PAYLOAD} messages are missing")


def flood(f, path, way, count):
    """Deliveries a second. way: whether the subscribers (down) or the publishers (up) are behind the path."""
    names = [f"t{i}" for i in range(TOPICS)]
    hears = [f.client(path if way == "down" else "tcp", f"ear-{n}") for n in names]
    for c, n in zip(hears, names):
        c.subscribe(n)
    speaks = [f.client(path if way == "up" else "tcp", f"mouth-{n}") for n in names]
    here, there = fork.Pipe()
    ears = fork.Process(target=receive, args=(hears, there, count), daemon=True)
    ears.start()
    here.recv()
    chunks = [c.framed(c.publish_packet(n, b"x" * PAYLOAD, 0)) * 100 for c, n in zip(speaks, names)]  # a frame each, as a browser sends them
    start = time.monotonic()
    for _ in range(count // TOPICS // 100):
        for c, chunk in zip(speaks, chunks):
            c.s.sendall(chunk)
    for c, n in zip(speaks, names):
        c.publish(n, b"END.END.", 0)
    if not here.poll(120):
        ears.kill()
        raise BenchError(f"gateway: {PATHS[path]}, {way}: not all there after 120 s")
    end = here.recv()
    ears.join()
    for c in hears + speaks:
        c.close()
    if not isinstance(end, float):
        raise BenchError(f"gateway: {PATHS[path]}, {way}: {end}")
    return count / (end - start)


def throughput(bench, sizes):
    rates = {(path, way): [] for way in ("down", "up") for path in PATHS}
    with front(bench, "tcp") as plain, front(bench, "own") as own:
        for _ in range(sizes.repeats):
            for path, way in rates:
                rates[path, way].append(flood(own if path == "own" else plain, path, way, sizes.messages))
    for (path, way), seen in rates.items():
        bench.note(f"gateway, {way}, {PATHS[path]}: {median_span(seen)}")
    ratio = {key: statistics.median(a / b for a, b in zip(seen, rates["tcp", key[1]])) for key, seen in rates.items()}
    return rates, ratio


# ------------------------------------------------------------------ memory

def subscribed(f, path, name):
    c = f.client(path, name)
    c.subscribe(f"to/{name}")
    return c


def idle(bench, sizes, path):
    """KB an idle client: in the relay, in the broker."""
    with front(bench, path) as f:
        warm = [f.client(path, f"warm-{i}") for i in range(10)]
        time.sleep(0.3)
        before = rss_kb(f.relay.pid), rss_kb(f.broker.process.pid)
        with ThreadPoolExecutor(50) as together:  # the broker's own listener takes its time over each
            clients = list(together.map(lambda i: subscribed(f, path, f"idle-{i}"), range(sizes.clients)))
        time.sleep(0.3)
        out = [(now - then) / sizes.clients for now, then in zip((rss_kb(f.relay.pid), rss_kb(f.broker.process.pid)), before)]
        for c in clients + warm:
            c.close()
        return out


def deaf(bench, sizes, path):
    """KB that many MB to a client that does not read cost: relay, broker."""
    with front(bench, path) as f:
        warm = f.client(path, "warm")
        warm.subscribe("warm")
        warm.publish("warm", b"w" * DEAF_PAYLOAD, 0)
        warm.message()
        c = f.client(path, "deaf", receive_buffer=4096)
        c.subscribe("deaf")
        mouth = f.client("tcp", "mouth")
        time.sleep(0.3)
        before = rss_kb(f.relay.pid), rss_kb(f.broker.process.pid)
        most = list(before)
        one = mouth.publish_packet("deaf", b"d" * DEAF_PAYLOAD, 0)
        for i in range(sizes.deaf_bytes // DEAF_PAYLOAD):
            mouth.s.sendall(one)
            if i % 200 == 0:
                most = [max(m, rss_kb(p)) for m, p in zip(most, (f.relay.pid, f.broker.process.pid))]
        mouth.publish("done", b"", 1)
        mouth.until(0x40)
        time.sleep(0.3)
        most = [max(m, rss_kb(p)) for m, p in zip(most, (f.relay.pid, f.broker.process.pid))]
        for x in (c, warm, mouth):
            x.close()
        return [now - then for now, then in zip(most, before)]


# ------------------------------------------------------------------ latency

def echo(f, path, rounds):
    """ms from a client through the broker back to itself."""
    c = f.client(path, "echo")
    c.subscribe("echo")
    seen = []
    for _ in range(rounds):
        start = time.monotonic()
        c.publish("echo", b"e" * PAYLOAD, 0)
        c.message()
        seen.append(1000 * (time.monotonic() - start))
    c.close()
    return seen


def hop(bench, sizes):
    """p50 in ms there and back, in turns."""
    with front(bench, "tcp") as plain, front(bench, "own") as own:
        seen = {path: [] for path in PATHS}
        for _ in range(10):
            for path, times in seen.items():
                times += echo(own if path == "own" else plain, path, sizes.rounds // (10 if path != "own" else 100))
        return {path: statistics.median(times) for path, times in seen.items()}


def event(bench, sizes, path):
    """ms from a command of somebody else's until an idle client has the event, which the plugin publishes. The disk is not asked: the
    database is in memory, for the pauses of a disk are the same on all paths and longer than what is looked at."""
    chance = random.Random(5)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory, front(bench, path, "hub", Path(memory)) as f:
        anna = Device(f.broker.port, "anna-1", "anna").hello()
        anna.open("room", "elm", {"ben": 1})
        ear = f.client(path, "ben-1", user="ben")
        ear.subscribe("fp/1/scope/elm/conv/room/event", qos=1)
        seen = []
        for i in range(sizes.events[path] + 5):
            time.sleep(chance.uniform(0.01, 0.03))
            row = anna.command("room", b"the crane is free")
            start = time.monotonic()
            anna.publish(anna.up, row)
            ear.message()
            if i >= 5:
                seen.append(1000 * (time.monotonic() - start))
            anna.answers(1)
        for c in (ear, anna):
            c.close()
        return sorted(seen)


def p(times, share):
    return times[min(len(times) - 1, int(len(times) * share))]


# ------------------------------------------------------------------ all of it

def run(bench):
    sizes = Sizes(bench.args.quick, bench.args.repeats)
    rates, ratio = throughput(bench, sizes)
    memory = {path: idle(bench, sizes, path) for path in PATHS}
    bench.note(f"gateway, KB an idle client (relay, broker): {memory}")
    growth = {path: deaf(bench, sizes, path) for path in PATHS}
    bench.note(f"gateway, KB for a deaf client (relay, broker): {growth}")
    back = hop(bench, sizes)
    bench.note(f"gateway, there and back: {back}")
    events = {path: event(bench, sizes, path) for path in PATHS}
    rows = []
    for path, name in PATHS.items():
        rows.append([name, median_span(rates[path, "down"]), f"{ratio[path, 'down']:.2f}", median_span(rates[path, "up"]), f"{ratio[path, 'up']:.2f}",
                     f"{back[path]:.3f}", f"{p(events[path], 0.5):.2f}", f"{p(events[path], 0.99):.2f}"])
    bench.tables.append((f"Gateway: {PAYLOAD}-byte messages on {TOPICS} connections; the ratio is that of each run to direct TCP in the same round",
                         ["path", "to subscribers, messages/s", "ratio", "from publishers, messages/s", "ratio", "there and back, ms p50",
                          "command to the plugin's event (no disk), ms p50", "p99"], rows))
    bench.tables.append((f"Gateway: memory ({sizes.clients} idle clients; {sizes.deaf_bytes // 1_000_000} MB to a client that never reads)",
                         ["path", "KB an idle client: relay", "broker", "KB for one that never reads: relay", "broker"],
                         [[name, *(f"{k:.1f}" if path == "relay" or i else "-" for i, k in enumerate(memory[path])),
                           *(f"{k:,}" if path == "relay" or i else "-" for i, k in enumerate(growth[path]))] for path, name in PATHS.items()]))
    bench.tables.append(("Gateway: figures", ["what", "bar", "seen"], [
        ["throughput to subscribers, of direct TCP", "0.9", f"{ratio['relay', 'down']:.2f}"],
        ["throughput from publishers, of direct TCP", "0.9", f"{ratio['relay', 'up']:.2f}"],
        ["KB an idle client", "8", f"{memory['relay'][0]:.1f}"],
        ["KB for one that never reads", "200", f"{growth['relay'][0]:,}"],
        ["one hop (half of what there and back takes more than direct TCP), ms p50", "0.15", f"{(back['relay'] - back['tcp']) / 2:.3f}"],
        ["plugin's event to an idle client, ms p99", "5", f"{p(events['relay'], 0.99):.2f}"],
    ]))
