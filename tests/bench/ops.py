"""Part `ops`: what the operators' feed costs the broker: processor time for each delivery with an operator who listens, and with none configured."""

import statistics

from broker import Broker, BenchError, median_span

PER_S = 10_000
SENDERS = 20


def one(bench, told):
    """One run against a fresh broker; `told`: the option `operators` names the reader of fp/1/ops/#."""
    bench.count += 1
    options = bench.options if told else bench.options | {"operators": ""}
    with Broker("hub", bench.folder / f"{bench.count}-ops", bench.args.mosquitto, bench.args.so, options) as b:
        b.start()
        r = bench.drive(b, "pairs", "--groups", SENDERS, "--rate", PER_S, "--pid", b.process.pid,
                        "--warm", bench.sizes.warm, "--seconds", bench.args.seconds, *([] if told else ["--unwatched"]))
        b.stop()
    if bool(r["commits"]) != told:
        raise BenchError(f"ops: the hub tells {'no' if told else 'its'} commits on fp/1/ops/hub")
    r["cost_us"] = 1e6 * r["broker_cpu_s"] / max(r["delivered"], 1)
    return r


def run(bench):
    """Each pair of runs is told first, then silent, and the next one the other way round: what grows over time falls on both alike."""
    costs = {True: [], False: []}
    rates = []
    for repeat in range(bench.args.repeats):
        pair = {}
        for told in (True, False) if repeat % 2 == 0 else (False, True):
            r = one(bench, told)
            pair[told] = r["cost_us"]
            costs[told].append(r["cost_us"])
            rates.append(r["delivered_per_s"])
        bench.note(f"ops, {repeat + 1}: {pair[True]:.1f} us a delivery with an operator, {pair[False]:.1f} us with none")
    ratio = statistics.median(costs[True]) / statistics.median(costs[False])
    rows = [[name, median_span(costs[told], 1), f"**{ratio:.3f}**" if told else "1"]
            for name, told in (("an operator listens", True), ("no operators", False))]
    title = f"The operators' feed at {PER_S:,} commands/s ({median_span(rates)} deliveries/s)"
    bench.tables.append((title, ["", "broker CPU us a delivery", "ratio"], rows))
