#!/usr/bin/env python3
"""Measures the hub against the same Mosquitto without it.

Starts brokers on free loopback ports, drives bench_hub against them, hub and bare in turn, and prints medians, extremes and the
ratio of the medians. Every run checks what it counted: a message lost, repeated or out of order ends the benchmark with exit code 1.
"""

import argparse
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
import gateway  # noqa: E402
import ops  # noqa: E402
import trunk  # noqa: E402
from broker import BenchError, Broker, busy_share, count_syscalls, find_mosquitto, fsync_cost_us, machine, median_span  # noqa: E402

PARTS = ["throughput", "rooms", "latency", "stalls", "syscalls", "restart", "catchup", "resume", "ops", "trunk", "gateway"]
PAIR_WINDOW = 32
ROOM_WINDOW = 8
ROOM_MEMBERS = 10
ARRAY = 16
FILL_CONVS = 20
LATENCY_SENDERS = 20
LATENCY_PER_S = 1000
IDLE_PER_S = 20
RESUME_PER_S = 100
STALL_ROOMS = 10


class Sizes:
    def __init__(self, quick):
        self.pairs = [1, 10] if quick else [1, 10, 100]
        self.rooms = [3] if quick else [1, 10, 30]
        self.warm = 0.3 if quick else 1.0
        self.restart_events = 20_000 if quick else 1_000_000
        self.resume_events = 20_000 if quick else 100_000
        self.catchup_events = 20_000 if quick else 200_000
        self.fsyncs = 200 if quick else 1000


class Bench:
    def __init__(self, args, folder):
        self.args = args
        self.folder = Path(folder)
        self.sizes = Sizes(args.quick)
        self.options = dict(o.split("=", 1) for o in args.opt)
        self.tables = []
        self.notes = []
        self.count = 0

    def note(self, text):
        print(text, file=sys.stderr, flush=True)

    def broker(self, kind):
        self.count += 1
        so, options = {"hub": (self.args.so, self.options), "probed": (self.args.probe, {}), "bare": (None, {})}[kind]
        return Broker(kind, self.folder / f"{self.count}-{kind}", self.args.mosquitto, so, options)

    def drive(self, broker, shape, *more, timeout=900):
        argv = [self.args.bench, shape, "--port", str(broker.port)] + [str(m) for m in more]
        if broker.kind != "bare":
            argv.append("--hub" if broker.kind == "hub" else "--probe")
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{' '.join(argv)}: no end after {timeout} s") from None
        if done.returncode != 0:
            code = broker.process.poll()
            state = "runs" if code is None else f"ended with {code}"
            raise BenchError(f"{' '.join(argv[1:])}: {done.stderr.strip() or 'exit ' + str(done.returncode)}\n"
                             f"the {broker.kind} broker {state}:\n{broker.last_words()}")
        return json.loads(done.stdout)

    def load(self, kind, shape, *more, seconds=None):
        """One measured run against a fresh broker."""
        with self.broker(kind) as b:
            b.start()
            r = self.drive(b, shape, "--pid", b.process.pid, "--warm", self.sizes.warm, "--seconds", seconds or self.args.seconds, *more)
            b.stop()
        if kind == "hub" and not r["commits"]:
            raise BenchError("the hub tells no commits on fp/1/ops/hub")
        if kind != "bare" and r["turn_us_max"] is None:
            raise BenchError(f"the {kind} broker does not tell how long its turns take")
        return r

    def in_turn(self, label, variants):
        """variants: name => (kind, shape, options). Runs them A B A B ...; returns name => list of results."""
        results = {name: [] for name in variants}
        for repeat in range(self.args.repeats):
            for name, (kind, shape, *more) in variants.items():
                r = self.load(kind, shape, *more)
                results[name].append(r)
                self.note(f"{label}, {name}, {repeat + 1} of {self.args.repeats}: {r['delivered_per_s']:,.0f} deliveries/s, "
                          f"broker {r['cpu_broker']:.2f} of a core, load generator {r['cpu_self']:.2f}")
        return results

    # ------------------------------------------------------------------ throughput

    def rate_rows(self, shape, label, results):
        bare = [r["delivered_per_s"] for r in results["bare"]]
        rows = []
        for name, runs in results.items():
            rates = [r["delivered_per_s"] for r in runs]
            ratio = statistics.median(rates) / max(statistics.median(bare), 1e-9)
            cost = [1e6 * r["broker_cpu_s"] / max(r["delivered"], 1) for r in runs]
            own = max(r["cpu_self"] for r in runs)
            grouped = [r["commands"] / r["commits"] for r in runs if r["commits"]]
            rows.append([f"{shape}: {label}", name, median_span(rates), "1" if name == "bare" else f"**{ratio:.2f}**",
                         f"{statistics.median(cost) / 1000:.4f}", f"{statistics.median(grouped):.1f}" if grouped else "-", f"{own:.2f}"])
        return rows

    RATE_HEAD = ["load", "broker", "deliveries/s", "ratio", "broker CPU s per 1,000", "commands a commit", "load generator, cores"]

    def throughput(self):
        rows = []
        for pairs in self.sizes.pairs:
            base = ["pairs", "--groups", pairs, "--window", PAIR_WINDOW]
            label = f"{pairs} pair{'s' if pairs > 1 else ''}"
            rows += self.rate_rows("1:1", label, self.in_turn(f"throughput, {label}", {
                "hub": ["hub", *base],
                f"hub, arrays of {ARRAY}": ["hub", *base, "--array", ARRAY],
                "bare": ["bare", *base],
            }))
        self.tables.append((f"Throughput 1:1, 256-byte texts, {PAIR_WINDOW} on the way per sender", self.RATE_HEAD, rows))

    def rooms(self):
        rows = []
        for rooms in self.sizes.rooms:
            base = ["rooms", "--groups", rooms, "--members", ROOM_MEMBERS, "--window", ROOM_WINDOW]
            label = f"{rooms} room{'s' if rooms > 1 else ''}"
            results = self.in_turn(f"rooms, {label}", {"hub": ["hub", *base], "bare": ["bare", *base]})
            rows += self.rate_rows(f"rooms of {ROOM_MEMBERS}", label, results)
        title = f"Rooms of {ROOM_MEMBERS}, everyone sends and receives, {ROOM_WINDOW} on the way per sender"
        self.tables.append((title, self.RATE_HEAD, rows))

    # ------------------------------------------------------------------ latency

    def latency(self):
        loads = {
            f"{LATENCY_PER_S:,} commands/s, {LATENCY_SENDERS} senders": ["pairs", "--groups", LATENCY_SENDERS, "--rate", LATENCY_PER_S],
            f"idle: one command every {1000 // IDLE_PER_S} ms": ["pairs", "--groups", 1, "--rate", IDLE_PER_S],
        }
        names = {"hub": {"ack_us": "command to ack", "event_us": "command to event"},
                 "bare": {"ack_us": "publish to PUBACK", "event_us": "publish to delivery"}}
        rows = []
        for label, load in loads.items():
            results = self.in_turn(f"latency, {label}", {"hub": ["hub", *load], "bare": ["bare", *load]})
            for kind, runs in results.items():
                for key, name in names[kind].items():
                    spans = [median_span([r[key][p] / 1000 for r in runs], 2) for p in ("p50", "p99", "p999", "max")]
                    rows.append([label, f"{kind}: {name}"] + spans)
        self.tables.append(("Latency in ms, counted from the schedule", ["load", "from, to", "p50", "p99", "p99.9", "longest"], rows))

    # ------------------------------------------------------------------ stalls

    def stalls(self):
        """How long the broker's one thread is deaf to all sockets. The hub's rival has tick_probe in it, so nothing else uses these runs."""
        pairs, rooms = self.sizes.pairs[-1], min(self.sizes.rooms[-1], STALL_ROOMS)
        loads = {
            f"{pairs} pairs, closed loop": ["pairs", "--groups", pairs, "--window", PAIR_WINDOW],
            f"{rooms} rooms of {ROOM_MEMBERS}, closed loop": ["rooms", "--groups", rooms, "--members", ROOM_MEMBERS, "--window", ROOM_WINDOW],
            f"{LATENCY_PER_S:,}/s, open loop": ["pairs", "--groups", LATENCY_SENDERS, "--rate", LATENCY_PER_S],
        }
        columns = [("hub", "turn_us_max"), ("hub", "gap_us_max"), ("hub", "delivery_us_max"), ("probed", "turn_us_max"), ("probed", "gap_us_max")]
        rows = []
        for label, load in loads.items():
            results = self.in_turn(f"stalls, {label}", {"hub": ["hub", *load], "probed": ["probed", *load]})
            rows.append([label] + [median_span([r[key] / 1000 for r in results[kind]], 2) for kind, key in columns])
        self.tables.append(("Longest turn of the broker's loop in a run, ms",
                            ["load", "hub: turn", "hub: gap", "hub: delivery", "bare: turn", "bare: gap"], rows))
        self.notes += [
            "turn: processor time of the broker's thread from the begin of one TICK to the next; measured the same way in both brokers",
            "gap: the same by the clock; hub: turns that began with something left to tell; bare: turns in which the thread never slept",
            "delivery: by the clock, from the end of a TICK until what it published was delivered",
            "bare: with a plugin in it that only times TICK, in runs of their own",
        ]

    # ------------------------------------------------------------------ system calls

    def syscalls(self):
        rows = []
        method = ""
        pairs = self.sizes.pairs[-1]
        load = ["pairs", "--groups", pairs, "--window", PAIR_WINDOW, "--warm", 0, "--seconds", 2]
        for name, (kind, *more) in {"hub": ["hub"], f"hub, arrays of {ARRAY}": ["hub", "--array", ARRAY], "bare": ["bare"]}.items():
            with self.broker(kind) as b:
                b.start()
                r, calls, method = count_syscalls(b.process.pid, lambda b=b, more=more: self.drive(b, *load, *more))
                b.stop()
            self.note(f"system calls, {name}: {calls / max(r['all_sent'], 1):.1f} a message")
            rows.append([f"{pairs} pairs", name, f"{calls / max(r['all_sent'], 1):.1f}", f"{r['all_sent']:,}"])
        self.tables.append((f"System calls of the broker's process ({method})", ["load", "broker", "system calls a message", "messages"], rows))

    # ------------------------------------------------------------------ restart and catch-up

    def fill(self, broker, events):
        r = self.drive(broker, "fill", "--groups", FILL_CONVS, "--events", events, "--array", 64, "--window", 512,
                       "--pid", broker.process.pid, timeout=3600)
        self.note(f"{r['all_sent']:,} events written in {r['seconds']:.1f} s ({r['done_per_s']:,.0f}/s)")
        return r

    def exec_to_answer(self, broker):
        argv = [self.args.bench, "restart", "--port", str(broker.port)] + (["--hub"] if broker.kind == "hub" else [])
        client = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.2)  # the client is knocking by now, so its own start is not counted
        start_ns = broker.exec()
        out, err = client.communicate(timeout=120)
        if client.returncode != 0:
            raise BenchError(f"restart: {err.strip()}\n{broker.last_words()}")
        r = json.loads(out)
        return (r["connack_ns"] - start_ns) / 1e6, (r["welcome_ns"] - start_ns) / 1e6

    def restart(self):
        events = self.sizes.restart_events
        connack, welcome, bare = [], [], []
        with self.broker("hub") as b, self.broker("bare") as plain:
            b.start()
            filled = self.fill(b, events)
            for repeat in range(self.args.repeats):
                b.kill()
                c, w = self.exec_to_answer(b)
                connack.append(c)
                welcome.append(w)
                bare.append(self.exec_to_answer(plain)[0])
                plain.kill()
                self.note(f"restart {repeat + 1} of {self.args.repeats}: {w:.1f} ms to the first welcome, bare {bare[-1]:.1f} ms to CONNACK")
            size = sum(f.stat().st_size for f in b.folder.glob("hub.db*"))
            b.stop()
        self.tables.append((f"Restart after kill -9 with {events:,} events ({size / 1e6:,.0f} MB)", ["from exec to", "ms"], [
            ["hub: CONNACK", median_span(connack, 1)],
            ["hub: first welcome", median_span(welcome, 1)],
            ["bare: CONNACK", median_span(bare, 1)],
        ]))
        self.tables.append(("Writing those events, arrays of 64, nobody listening", ["events/s", "broker CPU s per 1,000"], [
            [f"{filled['done_per_s']:,.0f}", f"{1000 * filled['broker_cpu_s'] / filled['done']:.4f}"]]))

    def catchup(self):
        results = {"plain": [], "zlib": []}
        with self.broker("hub") as b:
            b.start()
            self.fill(b, self.sizes.catchup_events)
            for repeat in range(self.args.repeats):
                for name, runs in results.items():
                    r = self.drive(b, "catchup", "--groups", FILL_CONVS, *(["--zlib"] if name == "zlib" else []))
                    if r["events"] < self.sizes.catchup_events:
                        raise BenchError(f"catch-up: {r['events']:,} events instead of {self.sizes.catchup_events:,}")
                    runs.append(r)
                    self.note(f"catch-up, {name}, {repeat + 1} of {self.args.repeats}: {r['events_per_s']:,.0f} events/s, {r['pages']} pages, "
                              f"{r['gets']} gets, {r['holes']} holes, load generator {r['cpu_self']:.2f}")
            b.stop()
        rows = []
        for name, runs in results.items():
            size = statistics.median(r["wire_bytes"] / r["events"] for r in runs)
            rows.append([name, median_span([r["events_per_s"] for r in runs]), f"{size:.0f}", f"{runs[0]['pages']:,}",
                         f"{max(r['holes'] for r in runs)}", f"{max(r['cpu_self'] for r in runs):.2f}"])
        self.tables.append((f"Catch-up of {self.sizes.catchup_events:,} events in {FILL_CONVS} conversations",
                            ["pages", "events/s", "bytes an event", "pages in all", "asked again after 500 ms", "load generator, cores"], rows))

    # ------------------------------------------------------------------ somebody else's latency meanwhile

    def stream(self, broker, stop, out):
        """A device that has missed everything, again and again."""
        try:
            while not stop.is_set():
                out.append(self.drive(broker, "catchup", "--groups", FILL_CONVS))
        except BenchError as why:
            out.append(why)

    def resume(self):
        load = ["--groups", LATENCY_SENDERS, "--first", 1000, "--rate", RESUME_PER_S, "--warm", self.sizes.warm, "--seconds", self.args.seconds]
        results = {"nobody catches up": [], "a device catches up without a pause": []}
        rates = []
        for _ in range(self.args.repeats):
            for name, runs in results.items():
                with self.broker("hub") as b:
                    b.start()
                    self.fill(b, self.sizes.resume_events)
                    stop, streams = threading.Event(), []
                    streamer = threading.Thread(target=self.stream, args=(b, stop, streams))
                    if name != "nobody catches up":
                        streamer.start()
                    try:
                        runs.append(self.drive(b, "pairs", "--pid", b.process.pid, *load))
                    finally:
                        stop.set()
                        if streamer.ident is not None:
                            streamer.join()
                    b.stop()
                bad = [s for s in streams if isinstance(s, BenchError)]
                if bad:
                    raise bad[0]
                rates += [s["events_per_s"] for s in streams]
                self.note(f"resume, {name}: ack p99 {runs[-1]['ack_us']['p99'] / 1000:.2f} ms, {len(streams)} times caught up")
        rows = []
        for name, runs in results.items():
            for key, what in (("ack_us", "command to ack"), ("event_us", "command to event")):
                rows.append([name, what] + [median_span([r[key][p] / 1000 for r in runs], 2) for p in ("p50", "p99", "p999", "max")])
        self.tables.append((f"Others' latency in ms at {RESUME_PER_S} commands/s while one device is given {self.sizes.resume_events:,} "
                            f"missed events, at {median_span(rates)} events/s", ["", "from, to", "p50", "p99", "p99.9", "longest"], rows))

    # ------------------------------------------------------------------ operators, sites and browsers: files of their own

    def ops(self):
        ops.run(self)

    def trunk(self):
        trunk.run(self)

    def gateway(self):
        gateway.run(self)

    # ------------------------------------------------------------------ all of it

    def run(self):
        where = machine(self.folder, self.args.mosquitto)
        sync = fsync_cost_us(self.folder, self.sizes.fsyncs)
        busy = [busy_share()]
        self.note(f"{where}; fdatasync of 4 KiB: {statistics.median(sync):.0f} us")
        for part in PARTS:
            if part in self.args.only:
                getattr(self, part)()
        busy.append(busy_share())
        after = fsync_cost_us(self.folder, self.sizes.fsyncs)
        self.where = [
            where,
            f"4 KiB written and fdatasync: {statistics.median(sync):.0f} us before, {statistics.median(after):.0f} us after (medians of {len(sync)}; "
            f"p99 {sync[len(sync) * 99 // 100]:.0f} and {after[len(after) * 99 // 100]:.0f} us)",
            f"others used {busy[0]:.0%} of the cores before and {busy[1]:.0%} after" + (": expect noise" if max(busy) > 0.1 else ""),
            f"{self.args.repeats} repeats of {self.args.seconds:g} s, hub and bare in turn; median (min to max); ratio of medians",
            *self.notes,
        ]


def show(bench, markdown):
    for line in bench.where:
        print(f"- {line}")
    for title, head, rows in bench.tables:
        print(f"\n{'### ' if markdown else ''}{title}\n")
        cells = [head] + rows
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
        for number, row in enumerate(cells):
            text = [cell.ljust(width) for cell, width in zip(row, widths)]
            print("| " + " | ".join(text) + " |" if markdown else "  ".join(text).replace("**", "").rstrip())
            if number == 0 and markdown:
                print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def find_bench(so):
    """bench_hub of the build that made the plugin."""
    for folder in so.parents:
        if (folder / "tests/bench/bench_hub").is_file():
            return folder / "tests/bench/bench_hub"
    raise BenchError(f"no tests/bench/bench_hub in the build that {so} belongs to: build the target bench_hub, or name it with --bench")


def find_probe(bench):
    probe = Path(bench).resolve().parent / "tick_probe.so"
    if not probe.is_file():
        raise BenchError(f"no tick_probe.so beside {bench}: build the target tick_probe, or leave the part stalls out with --only")
    return probe


def find_relay(so):
    """fieldpost-relay of the build that made the plugin."""
    relay = so.parents[2] / "edge-relay/fieldpost-relay"
    if not relay.is_file():
        raise BenchError(f"no {relay}: build the target fieldpost_relay, name it with --relay, or leave the parts trunk and gateway out with --only")
    return relay


def parse(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--so", required=True, type=Path, help="fieldpost.so")
    p.add_argument("--bench", type=Path, help="bench_hub; by default that of the same build")
    p.add_argument("--relay", type=Path, help="fieldpost-relay; by default that of the same build")
    p.add_argument("--mosquitto", help="the broker's program; by default the installed one")
    p.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    p.add_argument("--list", action="version", version="\n".join(PARTS), help="prints the parts and ends")
    p.add_argument("--quick", action="store_true", help="a smoke test in a minute or two: small sizes, 1 s, one repeat; its numbers say little")
    p.add_argument("--repeats", type=int, help="of each measurement (5)")
    p.add_argument("--seconds", type=float, help="of each measurement (5)")
    p.add_argument("--dir", help="where databases go; the disk that is measured (a new folder in TMPDIR)")
    p.add_argument("--opt", action="append", default=[], metavar="NAME=VALUE", help="one more plugin_opt_NAME; an empty value leaves a default out")
    p.add_argument("--markdown", action="store_true", help="tables in Markdown")
    args = p.parse_args(argv)
    args.only = args.only.split(",")
    unknown = [part for part in args.only if part not in PARTS]
    if unknown:
        p.error(f"--only {unknown[0]}: no such part")
    if any("=" not in o for o in args.opt):
        p.error("--opt wants NAME=VALUE")
    operators = [o.split("=", 1)[1].split(",") for o in args.opt if o.startswith("operators=")]
    if any("ops" not in names for names in operators):
        p.error("--opt operators must name ops, who reads the hub's counters")
    args.repeats = args.repeats if args.repeats is not None else (1 if args.quick else 5)
    args.seconds = args.seconds if args.seconds is not None else (1.0 if args.quick else 5.0)
    if args.repeats < 1 or not 0.1 <= args.seconds <= 600:
        p.error("at least one repeat, and 0.1 to 600 seconds")
    return args


def main(argv):
    args = parse(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that brokers and folders go as with ^C
    folder = None
    try:
        args.so = args.so.resolve()
        if not args.so.is_file():
            raise BenchError(f"{args.so}: no such file")
        args.bench = str(args.bench or find_bench(args.so))
        args.probe = find_probe(args.bench) if "stalls" in args.only else None
        if {"trunk", "gateway"} & set(args.only):
            args.relay = args.relay or find_relay(args.so)
        args.mosquitto = find_mosquitto(args.mosquitto)
        folder = tempfile.mkdtemp(prefix="fieldpost-bench-", dir=args.dir)
        bench = Bench(args, folder)
        bench.run()
        show(bench, args.markdown)
    except BenchError as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    except OSError as e:
        print(f"bench: {type(e).__name__}: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
