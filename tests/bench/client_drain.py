#!/usr/bin/env python3
"""How fast the client library drains a queue: prints commands a second over loopback, and over a link with a delay each way.

The aim is 500 a second over loopback. Storage and hub's disk are where --folder is; all of it arrived, once and in order, or the exit code is 1.
"""
import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))


class Nowhere:
    port = 1  # nobody listens there


def seconds(life):
    """From the welcome until the last answer."""
    online = [int(line[3]) for line in life.said("link") if line[1] == "online"]
    return (int(life.said("idle")[0][1]) - online[0]) / 1000


def measure(folder, count, delay_s, window):
    from broker import Broker
    from chaos_proxy import ChaosProxy, Manners
    from conftest import World
    from driven import Driven, verdict

    storage = ["--size", 8 << 20, "--sector", 65536, "--entries", 2 * count, "--window", window]
    with Broker(folder / "hub", options={"commands_per_s": 0}) as broker, ChaosProxy(broker.port, 1, Manners(delay=delay_s)) as proxy:
        world = World(broker)
        world.open(world.on("owner"), {"rider": 1}, scope="site", conv="room")
        phone = Driven(folder, Nowhere, "rider", "phone", ["room"])
        life = phone.start("--send", count, *storage)
        life.wait_line(lambda line: line[0] == "accepted" and line[2].endswith(f"-{count - 1}"), 300)
        life.kill()
        phone.link = proxy if delay_s else broker
        took = seconds(phone.drain(*storage, timeout=300))
        verdict([phone], {"room": world.device("owner", auto=False).start().history("room")}, listening=False)
        world.close(check=False)
    return count / took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--so", help="the plugin; client_driver stands in the same build folder")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--delay-ms", type=int, default=50, help="each way")
    parser.add_argument("--window", type=int, default=0, help="commands under way; 0: the library's own")
    parser.add_argument("--folder", help="where the files are; default: the system's folder for temporary files")
    args = parser.parse_args()
    if args.so:
        os.environ["FIELDPOST_SO"] = args.so
    for name, delay_s in (("loopback", 0), (f"{args.delay_ms} ms each way", args.delay_ms / 1000)):
        rates = []
        for _ in range(args.runs):
            with tempfile.TemporaryDirectory(dir=args.folder) as folder:
                rates.append(measure(Path(folder), args.count, delay_s, args.window))
        print(f"{name}: {statistics.median(rates):,.0f} commands/s ({min(rates):,.0f} to {max(rates):,.0f}), {args.count:,} queued, {args.runs} runs",
              flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
