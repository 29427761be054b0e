"""Part `trunk`: a hub and a site with the daemon between them, on a link of 256 kbit/s and 600 ms and on none; rival: Mosquitto's own bridge."""

import os
import re
import sqlite3
import statistics
import subprocess
import time
from contextlib import closing, contextmanager
from pathlib import Path

from broker import BenchError, Broker, free_port
from mini import Client, Device, Texts, cbor, message
from wan import Wan

SITE, SCOPE = "site-b", "elm"
RATE = 32000  # 256 kbit/s
CONVS = [f"conv-{i}" for i in range(10)]
DEVICES = 5
TICKS = os.sysconf("SC_CLK_TCK")


class Sizes:
    def __init__(self, small):
        self.rtt = 0.2 if small else 0.6
        self.backlog = 400 if small else 5000
        self.bridged = 200 if small else 5000
        self.behind = 3_000 if small else 100_000
        self.shouts = 2 if small else 5
        self.lan = 3_000 if small else 100_000
        self.depths = [1_000, 4_000] if small else [1_000, 100_000, 1_000_000]


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def events_in(db):
    """How many events are committed, by the heads of the conversations."""
    try:
        with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=10)) as c:
            cids = [row[0] for row in c.execute("SELECT cid FROM conversation")]
            query = "SELECT last FROM event WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT 1"
            rows = (c.execute(query, (i << 36, i + 1 << 36)).fetchone() for i in cids)
            return sum(row[0] for row in rows if row)
    except sqlite3.OperationalError:
        return 0


def wait(true, timeout, what, every=0.01):
    end = time.monotonic() + timeout
    while not true():
        if time.monotonic() > end:
            raise BenchError(f"trunk: not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(every)


class Daemon:
    """fieldpost-relay as the pipe."""

    def __init__(self, program, folder, site_port, hub_port):
        self.argv = [program] + [w for o in (f"relay={SITE}", f"site=127.0.0.1:{site_port}", f"hub=127.0.0.1:{hub_port}", "listen=127.0.0.1:0",
                                             f"broker=127.0.0.1:{site_port}") for w in ("-o", o)]
        self.log, self.process = folder / "relay.log", None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(a) for a in self.argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Pair:
    """A hub, a site that has met it and knows the conversations, the link, the daemon; people at both."""

    def __init__(self, bench, rtt=None):
        self.folder = bench.folder / f"pair-{free_port()}"
        self.folder.mkdir()
        relays = self.folder / "relays"
        relays.write_text(f"{SITE} scopes {SCOPE}\n")
        bench.count += 1
        self.hub = Broker("hub", self.folder / "hub", bench.args.mosquitto, bench.args.so, {"relays_file": str(relays)})
        self.site = Broker("hub", self.folder / "site", bench.args.mosquitto, bench.args.so, {"role": "site", "relay": SITE})
        self.wan = Wan(self.hub.port, rtt, RATE) if rtt else None
        self.daemon = None
        self.base = len(CONVS) + 1  # events that both have and that are not the load
        self.program = bench.args.relay

    def __enter__(self):
        self.hub.start()
        self.site.start()
        if self.wan:
            self.wan.__enter__()
        self.daemon = Daemon(self.program, self.folder, self.site.port, self.wan.port if self.wan else self.hub.port)
        try:
            anna = Device(self.hub.port, "anna-1", "anna").hello()
            for conv in [*CONVS, "alarm"]:
                anna.open(conv, SCOPE, {f"user-{i}": 1 for i in range(DEVICES)})
            self.anna = anna
            self.daemon.start()
            wait(lambda: events_in(self.site.folder / "hub.db") == len(CONVS) + 1, 30, "the site has the conversations")
            self.devices = [Device(self.site.port, f"device-{i}", f"user-{i}", custody=True, timeout=60).hello() for i in range(DEVICES)]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.daemon.kill()
        if self.wan:
            self.wan.__exit__()
        self.site.kill()
        self.hub.kill()

    def cut(self):
        self.daemon.kill()
        if self.wan:
            self.wan.cut()
        time.sleep(0.2)

    def link(self):
        if self.wan:
            self.wan.up()
        self.daemon.start()
        return time.monotonic()

    def at_hub(self):
        return events_in(self.hub.folder / "hub.db") - self.base

    def at_site(self):
        return events_in(self.site.folder / "hub.db") - self.base

    def queue(self, count, texts):
        for i, device in enumerate(self.devices):
            share = count * (i + 1) // len(self.devices) - count * i // len(self.devices)
            device.send_many(CONVS[i:] + CONVS[:i], share, texts)


# ------------------------------------------------------------------ a narrow link

def backlog(p, sizes, seed):
    """(a) messages a second and bytes a message."""
    p.cut()
    p.queue(sizes.backlog, Texts(seed))
    p.link()
    wait(lambda: p.wan.connected, 30, "the daemon connects")
    begin, flows = p.wan.connected, p.wan.flows
    wait(lambda: p.at_hub() >= sizes.backlog, 300, lambda: f"{p.at_hub()} of {sizes.backlog} at the hub")
    took, up, down = time.monotonic() - begin, flows["up"].bytes, flows["down"].bytes
    batches = sum(kind == 3 and trunk_kind(payload) == 3 for _, kind, _, payload in flows["up"].frames)
    wait(lambda: p.at_site() >= sizes.backlog, 300, lambda: f"{p.at_site()} of {sizes.backlog} settled at the site")
    settled, down_all = time.monotonic() - begin, flows["down"].bytes
    p.base += sizes.backlog
    wait(lambda: quiet(p.wan, sizes.rtt), 30, "nothing on the link any more", 0.1)
    return {"rate": sizes.backlog / took, "settled_rate": sizes.backlog / settled, "up": up / sizes.backlog, "batch": sizes.backlog / batches,
            "down": down / sizes.backlog, "down_all": down_all / sizes.backlog}


def quiet(wan, rtt):
    return all(time.monotonic() - max((f[0] for f in flow.frames), default=0) > 2 * rtt for flow in wan.flows.values())


def trunk_kind(payload):
    """1 hello, 2 welcome, 3 batch, 4 ack, 9 live: the first value of the map."""
    return payload[2] if len(payload) > 2 else 0


def resume(p, rtt):
    """(c) The link comes back and there is nothing to send: when the site has been given the hub's welcome, it works."""
    p.cut()
    p.link()
    flows = p.wan.flows
    wait(lambda: any(k == 3 and trunk_kind(m) == 2 for _, k, _, m in flows["down"].frames), 30, "welcome after a cut")
    time.sleep(2 * rtt)
    hello = next(f for f in flows["up"].frames if f[1] == 3 and trunk_kind(f[3]) == 1)
    welcome = next(f for f in flows["down"].frames if f[1] == 3 and trunk_kind(f[3]) == 2)
    within = welcome[0] + rtt / 2
    trunk = [f for flow in flows.values() for f in flow.frames if f[1] == 3 and f[0] <= within and trunk_kind(f[3]) != 9]
    live = [f for flow in flows.values() for f in flow.frames if f[1] == 3 and f[0] <= within and trunk_kind(f[3]) == 9]
    mqtt = sum(f[2] for flow in flows.values() for f in flow.frames if f[1] != 3 and f[0] <= within)
    return {"hello_rtts": (welcome[0] + rtt / 2 - hello[0]) / rtt, "resume_rtts": (welcome[0] + rtt / 2 - p.wan.connected) / rtt,
            "resume_bytes": sum(len(f[3]) for f in trunk), "live_bytes": sum(len(f[3]) for f in live), "mqtt_bytes": mqtt}


def urgent(p, sizes, seed):
    """(b) composed while a long backlog is on its way: how long until the hub has told it."""
    ear = Client(p.hub.port, "ear", "anna", timeout=120)
    ear.subscribe(f"fp/1/scope/{SCOPE}/conv/alarm/event")
    calm = sorted(shout(p, ear) for _ in range(3))
    p.cut()
    p.queue(sizes.behind, Texts(seed))
    p.link()
    wait(lambda: p.at_hub() > 200, 60, "the backlog moves")
    waits = []
    for _ in range(sizes.shouts):
        time.sleep(0.3)
        waits.append(shout(p, ear))
    left = sizes.behind - p.at_hub()
    ear.close()
    return {"idle_ms": calm[1], "ms": waits, "left": left}


def shout(p, ear):
    device = Device(p.site.port, f"horn-{time.monotonic_ns()}", "user-0").hello()
    rows = device.command("alarm", b"all out of the pit, now", 0)
    start = time.monotonic()
    device.publish(device.up, rows)
    ear.message()
    took = 1000 * (time.monotonic() - start)
    device.close()
    return took


# ------------------------------------------------------------------ no link to speak of

def lan(p, sizes, seed):
    """(d)"""
    p.cut()
    p.queue(sizes.lan, Texts(seed))
    cpu = {b: cpu_s(b.process.pid) for b in (p.site, p.hub)}
    start = p.link()
    wait(lambda: p.at_hub() >= sizes.lan, 300, lambda: f"{p.at_hub()} of {sizes.lan} up")
    up = sizes.lan / (time.monotonic() - start)
    wait(lambda: p.at_site() >= sizes.lan, 300, lambda: f"{p.at_site()} of {sizes.lan} settled")
    settled = sizes.lan / (time.monotonic() - start)
    cost = [1000 * (cpu_s(b.process.pid) - cpu[b]) / sizes.lan for b in (p.site, p.hub)]
    p.cut()
    p.anna.send_many(CONVS, sizes.lan, Texts(seed + 1))
    start = p.link()
    wait(lambda: p.at_site() >= 2 * sizes.lan, 300, lambda: f"{p.at_site() - sizes.lan} of {sizes.lan} down")
    down = sizes.lan / (time.monotonic() - start)
    p.base += 2 * sizes.lan
    return {"up": up, "settled": settled, "down": down, "site_cpu": cost[0], "hub_cpu": cost[1]}


def serving(broker):
    """ms from exec to CONNACK and to a device's welcome."""
    start = broker.exec() / 1e9
    while True:
        try:
            device = Device(broker.port, "late-1", "user-0")
            break
        except OSError:
            broker.must_live()
            if time.monotonic() - start > 60:
                raise BenchError("the site does not come back within 60 s") from None
            time.sleep(0.002)
    connack = 1000 * (time.monotonic() - start)
    device.hello()
    device.close()
    return connack, 1000 * (time.monotonic() - start)


def depths(bench, p, sizes, seed):
    """(e) the cost of a message at growing depths, the start over a long queue, the daemon's memory while it drains."""
    out = {"take": []}
    texts, probe = Texts(seed), 1000
    p.cut()
    queued = 0
    for depth in sizes.depths:
        p.queue(depth - queued, texts)
        before = cpu_s(p.site.process.pid)
        p.queue(5 * probe, texts)
        out["take"].append((depth, (cpu_s(p.site.process.pid) - before) / 5))
        queued = depth + 5 * probe
        bench.note(f"trunk, {depth:,} queued: {out['take'][-1][1]:.4f} CPU s per 1,000 taken")
    for d in p.devices:
        d.close()
    p.site.kill()
    out["connack_ms"], out["welcome_ms"] = serving(p.site)
    p.link()
    wait(lambda: p.at_hub() > 0, 60, "the backlog moves")
    rss, marks = [], []
    end = time.monotonic() + min(20.0, max(2.0, queued / 20_000))
    while time.monotonic() < end and p.at_hub() < queued:
        rss.append(rss_kb(p.daemon.process.pid))
        marks.append((time.monotonic(), p.at_hub(), cpu_s(p.site.process.pid)))
        time.sleep(0.1)
    first, last = marks[0], marks[-1]
    out["drain_rate"] = (last[1] - first[1]) / max(last[0] - first[0], 1e-9)
    out["drain_cpu"] = 1000 * (last[2] - first[2]) / max(last[1] - first[1], 1)
    out["rss_kb"], out["queued"] = (rss[0], max(rss), rss[-1]), queued
    return out


# ------------------------------------------------------------------ the rival

@contextmanager
def bridge(bench, rtt):
    """Two plain brokers and the bridge of one of them, as it comes but for the length of queues: it would drop most of the backlog."""
    folder = bench.folder / f"bridge-{free_port()}"
    far = Broker("bare", folder / "hub", bench.args.mosquitto, None)
    wan = Wan(far.port, rtt, RATE, down=True)
    near = Broker("bare", folder / "site", bench.args.mosquitto, None)
    lines = [line for line in near.conf.read_text().splitlines() if not line.startswith("max_inflight_messages")]
    with far, near, wan:
        near.conf.write_text("\n".join(lines + ["connection hub", f"address 127.0.0.1:{wan.port}", "topic fp/# out 1", "cleansession false",
                                                "notifications false", "try_private false", "restart_timeout 1"]) + "\n")
        far.start()
        near.start()
        yield near, far, wan


def bridged(bench, sizes, seed):
    count = sizes.bridged
    texts = Texts(seed)
    with bridge(bench, sizes.rtt) as (near, far, wan):
        ear = Client(far.port, "ear", timeout=300)
        ear.subscribe("fp/1/#", qos=1)
        sender = Client(near.port, "sender", timeout=60)
        for i in range(count):  # the same commands, one a publish: what an application would send over it
            sender.publish(f"fp/1/device/device-{i % DEVICES}/up", message(i + 1, CONVS[i % len(CONVS)], texts.next()))
            sender.until(0x40)
        wan.up()
        wait(lambda: wan.connected, 30, "the bridge connects")
        begin = wan.connected
        time.sleep(sizes.rtt * 2)
        urgent_at = time.monotonic()
        sender.publish("fp/1/device/horn/up", cbor({1: 20, 2: 1, 3: "alarm", 6: 0, 10: {1: "all out of the pit, now"}}))
        got, late = 0, None
        while got < count or late is None:
            topic, _ = ear.message()
            if "/horn/" in topic:
                late = time.monotonic() - urgent_at
            else:
                got += 1
                done = time.monotonic()
        return {"rate": count / (done - begin), "up": wan.flows["up"].bytes / count, "down": wan.flows["down"].bytes / count, "late_ms": 1000 * late}


# ------------------------------------------------------------------ all of it

def run(bench):
    sizes, seed = Sizes(bench.args.quick), 7
    with Pair(bench, sizes.rtt) as p:
        a = backlog(p, sizes, seed)
        bench.note(f"trunk, backlog: {a}")
        c = resume(p, sizes.rtt)
        bench.note(f"trunk, resume: {c}")
        b = urgent(p, sizes, seed)
        bench.note(f"trunk, urgent: {b}")
    rival = bridged(bench, sizes, seed)
    bench.note(f"trunk, bridge: {rival}")
    with Pair(bench) as p:
        d = lan(p, sizes, seed)
        bench.note(f"trunk, LAN: {d}")
        e = depths(bench, p, sizes, seed)
        bench.note(f"trunk, depths: {e}")
    bench.tables.append((f"Trunk at {RATE * 8 // 1000} kbit/s and {1000 * sizes.rtt:.0f} ms round trip: a backlog of 100-byte texts, "
                         f"{DEVICES} devices, {len(CONVS)} conversations",
                         ["pipe", "messages", "messages/s", "bytes up a message", "down until all is at the hub", "down with all settled",
                          "a safety message sent behind it, ms"], [
        ["fieldpost-relay", f"{sizes.backlog:,}", f"{a['rate']:,.0f}", f"{a['up']:.1f}", f"{a['down']:.1f}", f"{a['down_all']:.1f}",
         f"{statistics.median(b['ms']):,.0f} (longest {max(b['ms']):,.0f}; alone {b['idle_ms']:,.0f})"],
        ["Mosquitto bridge", f"{sizes.bridged:,}", f"{rival['rate']:,.0f}", f"{rival['up']:.1f}", f"{rival['down']:.1f}", "-",
         f"{rival['late_ms']:,.0f}"],
    ]))
    bench.tables.append((f"Trunk: figures (the safety message: {sizes.behind:,} queued, {b['left']:,} left at its end; LAN: {sizes.lan:,})",
                         ["what", "bar", "seen"], [
        ["backlog at 256 kbit/s, messages/s", "500", f"{a['rate']:,.0f}"],
        ["bytes up a message", "45", f"{a['up']:.1f}"],
        [f"safety message, longest of {sizes.shouts}, ms", f"{2000 * sizes.rtt + 510:,.0f}", f"{max(b['ms']):,.0f}"],
        ["resume: hello to welcome, round trips", "1", f"{c['hello_rtts']:.2f}"],
        ["resume: from the connection on (MQTT's own included), round trips", "-", f"{c['resume_rtts']:.2f}"],
        ["resume: bytes of trunk frames (live frames; MQTT's own)", "200", f"{c['resume_bytes']} ({c['live_bytes']}; {c['mqtt_bytes']})"],
        ["LAN up, messages/s at the hub (settled at the site)", "10,000", f"{d['up']:,.0f} ({d['settled']:,.0f})"],
        ["LAN down, messages/s at the site", "10,000", f"{d['down']:,.0f}"],
        ["LAN up and back, CPU s per 1,000: site, hub", "-", f"{d['site_cpu']:.4f}, {d['hub_cpu']:.4f}"],
        [f"start with {e['queued']:,} queued after kill -9: CONNACK, welcome, ms", "1,000", f"{e['connack_ms']:,.0f}, {e['welcome_ms']:,.0f}"],
        [f"daemon's memory while these drain, KB: first, most, last", "16,384", ", ".join(f"{k:,}" for k in e["rss_kb"])],
        ["their drain, messages/s; site's CPU s per 1,000", "-", f"{e['drain_rate']:,.0f}; {e['drain_cpu']:.4f}"],
        *[[f"site's CPU s per 1,000 taken, {depth:,} queued", "-", f"{cost:.4f}"] for depth, cost in e["take"]],
    ]))
