"""The story that ./fieldpost demo tells: two devices converse, the hub is killed in the middle, and nothing is lost.

usage: demo.py --dir DIR --port PORT -- COMMAND...     COMMAND starts the hub; DIR holds the users' passwords and takes the pid
Exit codes: 0 all holds, 1 something does not (and it says what).
"""
import argparse
import collections
import os
import signal
import socket
import subprocess
import sys
import time

from device import Device

CONV, SCOPE, TITLE = "kitchen", "elm-street-12", "Kitchen, 12 Elm Street"
DEVICES = [("anna", "anna-phone"), ("ben", "ben-tablet"), ("anna", "anna-laptop")]
TALK = [
    ("Ben", "Good morning Anna. The old cabinets are out; the wall behind them is dry."),
    ("Anna", "Good! The new ones come on Tuesday between 8 and 10."),
    ("Ben", "I'll be there. The outlet has to move 20 cm to the left: 90 euros, is that all right?"),
    ("Anna", "Yes, please do. Send me a photo when it is done."),
]
BURST = 200        # messages from each of the two
KILL_AT = 80       # confirmed messages, of both together
PATIENCE_S = 15


class Hub:
    """The broker with the plugin, as one process."""

    def __init__(self, command, folder, port):
        self.command, self.folder, self.port = command, folder, port
        self.process = None

    def start(self):
        began = time.monotonic()
        with open(os.path.join(self.folder, "start.log"), "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        with open(os.path.join(self.folder, "hub.pid"), "w", encoding="ascii") as f:
            f.write(f"{self.process.pid}\n")
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"the hub did not start (exit code {self.process.returncode}); its log says:\n{self.log_end()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return time.monotonic() - began
            except OSError:
                if time.monotonic() - began > PATIENCE_S:
                    raise RuntimeError(f"the hub does not answer; its log says:\n{self.log_end()}") from None
                time.sleep(0.01)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def log_end(self):
        lines = []
        for name in ("data/hub.log", "start.log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, errors="replace", encoding="utf-8") as f:
                    lines += f.readlines()[-8:]
        return "".join("    " + line for line in lines)


def tell(text=""):
    print(text, flush=True)


def say_and_show(sender, receiver, who, text):
    began = time.monotonic()
    n = sender.say(CONV, text)
    receiver.wait(lambda: any(e[19] == sender.name and e[2] == n for e in receiver.log(CONV)), PATIENCE_S, f"{who}'s message")
    told_ms = (time.monotonic() - began) * 1000
    sender.wait(lambda: n in sender.answers, PATIENCE_S, "the hub's answer")
    tell(f"     #{sender.answers[n][1]:<3} {who + ':':<6} {text}")
    tell(f"          on disk at the hub, and on the other device after {told_ms:.0f} ms")


def meet(anna, ben):
    tell("1. Anna, the homeowner, and Ben, her contractor, connect: her phone, his tablet. Each says hello, the hub says welcome.")
    for device in (anna, ben):
        device.connect()
        device.wait(device.is_ready, PATIENCE_S, "the hub's welcome")
    tell(f'\n2. Anna opens the conversation "{TITLE}" and takes Ben in. His tablet is told, and fetches what there is.')
    n = anna.create(CONV, SCOPE, TITLE, {ben.user: 1})
    anna.wait(lambda: n in anna.answers, PATIENCE_S, "the hub's answer to the new conversation")
    ben.wait(lambda: ben.cursor(CONV) >= 1, PATIENCE_S, "the news that Anna has taken him in")
    tell("\n3. They talk. Every message gets its place in the one order of the conversation; #1 was its opening.")
    for who, text in TALK:
        sender, receiver = (anna, ben) if who == "Anna" else (ben, anna)
        say_and_show(sender, receiver, who, text)


def burst_and_kill(hub, anna, ben):
    """Returns what was confirmed before the crash: [(device, {n: (conversation, seq)})], and how many messages were not."""
    tell(f"\n4. Now both send {BURST} messages each, as fast as they can, and in the middle of it the hub is killed: kill -9, no warning,\n"
         "   no time to clean up.")
    before = len(anna.answers) + len(ben.answers)
    for i in range(1, BURST + 1):
        anna.say(CONV, f"Anna, note {i}")
        ben.say(CONV, f"Ben, note {i}")
    anna.wait(lambda: len(anna.answers) + len(ben.answers) >= before + KILL_AT, PATIENCE_S, f"the first {KILL_AT} confirmed messages")
    hub.kill()
    for device in (anna, ben):
        device.drop()
    confirmed = len(anna.answers) + len(ben.answers) - before
    unknown = len(anna.outbox) + len(ben.outbox)
    tell(f"     The hub is dead. {confirmed} of the {2 * BURST} messages were confirmed; of the other {unknown} no one can say: they may be on\n"
         "     its disk or not. The devices keep those and wait.")
    return [(device, dict(device.answers)) for device in (anna, ben)], unknown


def come_back(hub, anna, ben):
    took = hub.start()
    tell(f"\n5. The hub is started again and answers after {took:.2f} s. Both devices say hello, and up to which number they have everything.")
    stored = 0
    for device in (anna, ben):
        waiting = set(device.outbox)
        device.connect()
        device.wait(device.is_ready, PATIENCE_S, "the hub's welcome after the restart")
        stored += sum(1 for n in waiting if n < device.hub_next_n)
    tell("     They send again what was not confirmed, each message under its old number.")
    tell(f"     {stored} of those had reached the hub's disk after all: it knows them by their numbers, and does not take them twice.")
    for device in (anna, ben):
        device.wait(lambda d=device: not d.outbox, PATIENCE_S, "the answers to what was sent again")
    head = max(seq for device in (anna, ben) for _, seq in device.answers.values())
    for device in (anna, ben):
        device.wait(lambda d=device: d.cursor(CONV) >= head, PATIENCE_S, f"the events up to #{head}")


def judge(devices, newcomer, confirmed, unknown):
    """Yields (what must hold, why it does not; empty if it does)."""
    logs = {d.name: d.log(CONV) for d in devices}
    first = logs[devices[0].name]
    sent = {f"{who}, note {i}" for who in ("Anna", "Ben") for i in range(1, BURST + 1)} | {text for _, text in TALK}
    yield "the hub died in the middle: some messages were confirmed, some not", "" if unknown else "all were confirmed before it died"
    told = collections.Counter(e[10][1] for e in first if e[1] == 20)
    lost, doubled = sent - told.keys(), [t for t, count in told.items() if count > 1]
    yield f"all {len(sent)} messages are there", f"{len(lost)} are missing, such as {min(lost)!r}" if lost else ""
    keys = collections.Counter((e[19], e[2]) for e in first)
    repeated = doubled or [k for k, count in keys.items() if count > 1]
    yield "each of them once", f"{len(repeated)} are doubled, such as {repeated[0]!r}" if repeated else ""
    for device in devices:
        seqs = [e[16] for e in logs[device.name]]
        bad = "" if seqs == list(range(1, len(seqs) + 1)) else "there are holes"
        yield f"{device.name} has #1 to #{len(seqs)} without a hole", bad
    yield "both devices have the same, in the same order", "" if logs[devices[1].name] == first else "they differ"
    for device in devices:
        order = [e[2] for e in first if e[19] == device.name]
        yield f"what {device.name} sent stands in the order of sending", "" if order == sorted(order) else "it does not"
    moved = [n for device, answers in confirmed for n, (_, seq) in answers.items()
             if device.events[CONV].get(seq, {}).get(2) != n or device.events[CONV][seq].get(19) != device.name]
    count = sum(len(answers) for _, answers in confirmed)
    yield f"all {count} that were confirmed before the crash still have their numbers", f"{len(moved)} do not" if moved else ""
    yield "a device that had nothing (Anna's laptop) is given the same history", "" if newcomer.log(CONV) == first else "it got another one"
    faults = [f for d in devices + [newcomer] for f in d.faults]
    yield "nothing was refused, and nothing told twice with different contents", faults[0] if faults else ""


def story(hub, anna, ben, laptop):
    began = time.monotonic()
    hub.start()
    devices = [anna, ben]
    try:
        meet(anna, ben)
        confirmed, unknown = burst_and_kill(hub, anna, ben)
        come_back(hub, anna, ben)
        laptop.connect()
        laptop.wait(laptop.is_ready, PATIENCE_S, "the hub's welcome to the laptop")
        laptop.wait(lambda: laptop.cursor(CONV) >= anna.cursor(CONV), PATIENCE_S, "the history for the laptop")
        tell("\n6. What both devices hold now, compared with what was written:")
        wrong = 0
        for what, why in judge(devices, laptop, confirmed, unknown):
            wrong += bool(why)
            tell(f"     {'WRONG' if why else 'ok   '}  {what}{': ' + why if why else ''}")
    finally:
        for device in devices + [laptop]:
            device.drop()
    seconds = time.monotonic() - began
    if wrong:
        tell(f"\nVerdict: {wrong} of these do not hold. That is a defect of the hub (or of this demo).")
    else:
        tell(f"\nVerdict: the hub was killed in the middle, and nothing was lost, doubled or moved. ({seconds:.1f} s)")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    with open(os.path.join(args.dir, "users"), encoding="ascii") as f:
        passwords = dict(line.split() for line in f)
    hub = Hub(args.command, args.dir, args.port)
    devices = [Device(user, passwords[user], name, args.port) for user, name in DEVICES]
    try:
        return story(hub, *devices)
    except (TimeoutError, RuntimeError, OSError) as err:
        tell(f"\nVerdict: the story broke off. {err}")
        for fault in [f for device in devices for f in device.faults]:
            tell(f"     before that: {fault}")
        return 1
    finally:
        hub.stop()


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1)) # by way of every "finally"
    sys.exit(main())
