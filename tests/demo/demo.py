"""The story that ./fieldpost demo tells: two devices converse, the hub and one of them are killed in the middle, and nothing is lost.

usage: demo.py --dir DIR --port PORT --client CLIENT --site-port PORT --relay NAME [--prefix WORDS] -- COMMAND...
COMMAND starts the hub, CLIENT is our command line client; DIR holds the users' passwords and takes the pid, DIR/site is a site's. WORDS go before
the programs of the site.
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
from link import Link
from building_site import CONV as ROOF, Site, converse_alone
from papers import put_right_and_prove
from terminal import Terminal

CONV, SCOPE, TITLE = "kitchen", "elm-street-12", "Kitchen, 12 Elm Street"
TALK = [
    ("Ben", "Good morning Anna. The old cabinets are out; the wall behind them is dry."),
    ("Anna", "Good! The new ones come on Tuesday between 8 and 10."),
    ("Ben", "I'll be there. The outlet has to move 20 cm to the left: 90 euros, is that all right?"),
    ("Anna", "Yes, please do. Send me a photo when it is done."),
]
BURST = 200        # messages from each of the two
KILL_AT = 80       # confirmed messages, of both together
OFFLINE = 60       # notes written without a link
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
    sender.say(text)
    receiver.wait(lambda: any(e.get("text") == text for e in receiver.events.values()), PATIENCE_S, f"{who}'s message")
    told_ms = (time.monotonic() - began) * 1000
    sender.wait(lambda: len(sender.sent) == len(sender.accepted) == len(sender.written), PATIENCE_S, "the hub's answer")
    tell(f"     #{max(sender.sent.values()):<3} {who + ':':<6} {text}")
    tell(f"          on disk at the hub, and on the other device after {told_ms:.0f} ms")


def meet(anna, ben):
    tell("1. Anna, the homeowner, opens the conversation with Ben, her contractor. Her phone and his tablet run ./fieldpost chat.")
    anna.run("create", SCOPE, CONV, "--title", TITLE, "--member", ben.user)
    for device in (anna, ben):
        device.start()
    for device in (anna, ben):
        device.wait(lambda d=device: d.head() >= 1 or d is ben, PATIENCE_S, "the opening of the conversation")
    tell("\n2. They talk. Every message gets its place in the one order of the conversation; #1 was its opening.")
    for who, text in TALK:
        sender, receiver = (anna, ben) if who == "Anna" else (ben, anna)
        say_and_show(sender, receiver, who, text)


def burst_and_kill(hub, anna, ben):
    """Returns what was confirmed before the crash: [(device, {ticket: seq})], and how many messages were not."""
    tell(f"\n3. Now both send {BURST} messages each, as fast as they can, and in the middle of it the hub is killed: kill -9, no warning,\n"
         "   no time to clean up.")
    before = len(anna.sent) + len(ben.sent)
    for i in range(1, BURST + 1):
        if i == BURST:  # on a fast machine everything else may be confirmed by now; these two come to a dead hub
            anna.wait(lambda: len(anna.sent) + len(ben.sent) >= before + KILL_AT, PATIENCE_S, f"the first {KILL_AT} confirmed messages")
            hub.kill()
        anna.say(f"Anna, note {i}")
        ben.say(f"Ben, note {i}")
    confirmed = [(device, dict(device.sent)) for device in (anna, ben)]
    count = sum(len(sent) for _, sent in confirmed) - before
    tell(f"     The hub is dead. {count} of the {2 * BURST} messages were confirmed; of the others no one can say: they may be on\n"
         "     its disk or not. The devices keep those and wait.")
    took = hub.start()
    tell(f"     The hub is started again and answers after {took:.2f} s. The devices find it by themselves, and send again what was\n"
         "     not confirmed, each message under its old number: what had reached the hub's disk after all is not taken twice.")
    for device in (anna, ben):
        device.wait(lambda d=device: len(d.sent) == len(d.written), PATIENCE_S, "the answers to what was sent again")
    tell(f"     All {len(anna.sent) + len(ben.sent)} are confirmed.")
    return confirmed, 2 * BURST - count


def lose_the_link(link, anna, ben):
    """Returns the texts that Ben's tablet had not accepted when it was killed."""
    tell(f"\n4. Ben goes down into the basement: no link. He goes on writing, {OFFLINE} notes, and in the middle of it his tablet\n"
         "   is killed (-9) as well.")
    link.cut()
    before = len(ben.accepted)
    for i in range(1, OFFLINE + 1):
        ben.say(f"Ben in the basement, {i}")
    ben.wait(lambda: len(ben.accepted) >= before + OFFLINE // 3, PATIENCE_S, "notes on the tablet's disk")
    ben.kill()
    kept = len(ben.accepted) - before
    maybe = ben.written[len(ben.accepted):]
    tell(f"     The tablet is dead. It had said of {kept} notes that they are on its disk; the other {len(maybe)} it had not answered for yet.")
    anna.say("Ben, are you there?")
    ben.start()
    ben.say("Ben in the basement, after the restart")
    ben.wait(lambda: "Ben in the basement, after the restart" in ben.accepted.values(), PATIENCE_S, "the tablet after its restart")
    tell("     It is switched on again, still without a link; Ben writes one more. Anna has asked meanwhile whether he is there.")
    link.mend()
    began = time.monotonic()
    ben.wait(lambda: ben.sent.keys() >= ben.accepted.keys(), PATIENCE_S, "the answers to what was written in the basement")
    came = time.monotonic() - began
    anna.wait(lambda: len(anna.sent) == len(anna.written), PATIENCE_S, "the answer to what Anna asked")
    tell(f"     Ben comes up again: {came:.1f} s later all of it is at the hub.")
    return maybe


def judge(anna, ben, laptop, confirmed, unknown, maybe):
    """Yields (what must hold, why it does not; empty if it does)."""
    devices = (anna, ben)
    first = [(e["seq"], e["device"], e["n"], e.get("text")) for e in anna.log()]
    second = [(e["seq"], e["device"], e["n"], e.get("text")) for e in ben.log()]
    yield "the hub died in the middle: some messages were confirmed, some not", "" if unknown else "all were confirmed before it died"
    must = collections.Counter(text for device in devices for text in device.written if text not in maybe)
    told = collections.Counter(text for _, _, _, text in first if text is not None)
    lost = must - told
    yield f"all {sum(must.values())} messages are there", f"{len(lost)} are missing, such as {min(lost)!r}" if lost else ""
    extra = told - must - collections.Counter(maybe)
    yield "each of them once, and no other", f"{len(extra)} too many, such as {min(extra)!r}" if extra else ""
    for device, log in ((anna, first), (ben, second)):
        seqs = [e[0] for e in log]
        bad = "" if seqs == list(range(1, len(seqs) + 1)) else "there are holes"
        yield f"{device.name} has #1 to #{len(seqs)} without a hole", bad
    yield "both devices have the same, in the same order", "" if first == second else "they differ"
    for device in devices:
        order = [e[3] for e in first if e[1] == device.name and e[3] is not None]
        wanted = [text for text in device.written if text in set(order)]
        yield f"what {device.name} sent stands in the order of writing", "" if order == wanted else "it does not"
    places = {e[0]: e for e in first}
    moved = [seq for device, sent in confirmed for ticket, seq in sent.items()
             if places.get(seq, (0, "", 0, ""))[1] != device.name or places[seq][3] != device.accepted.get(ticket)]
    count = sum(len(sent) for _, sent in confirmed)
    yield f"all {count} that were confirmed before the crash still have their places", f"{len(moved)} do not" if moved else ""
    given = [(e[16], e[19], e[2], e[10].get(1) if e[1] == 20 else None) for e in laptop.log(CONV)]
    yield "an independent client (paho-mqtt, on Anna's laptop) is given the same history", "" if given == first else "it got another one"
    faults = [f for d in (anna, ben, laptop) for f in d.faults]
    yield "nothing was refused, and nothing told twice with different contents", faults[0] if faults else ""


def story(hub, link, folder, desks, devices, site, terminals):
    anna, ben, laptop = devices
    began = time.monotonic()
    hub.start()
    try:
        meet(anna, ben)
        confirmed, unknown = burst_and_kill(hub, anna, ben)
        maybe = lose_the_link(link, anna, ben)
        laptop.connect()
        laptop.wait(laptop.is_ready, PATIENCE_S, "the hub's welcome to the laptop")
        head = max(seq for device in (anna, ben) for seq in device.sent.values())
        for device in (anna, ben):
            device.wait(lambda d=device: len(d.events) >= head, PATIENCE_S, f"the events up to #{head}")
        laptop.wait(lambda: laptop.cursor(CONV) >= head, PATIENCE_S, "the history for the laptop")
        tell("\n5. What the devices hold now, compared with what was written:")
        wrong = 0
        for what, why in judge(anna, ben, laptop, confirmed, unknown, maybe):
            wrong += bool(why)
            tell(f"     {'WRONG' if why else 'ok   '}  {what}{': ' + why if why else ''}")
        for what, holds in put_right_and_prove(tell, folder, SCOPE, *desks):
            wrong += not holds
            tell(f"     {'ok   ' if holds else 'WRONG'}  {what}")
        for what, holds in converse_alone(tell, site, terminals, PATIENCE_S):
            wrong += not holds
            tell(f"     {'ok   ' if holds else 'WRONG'}  {what}")
    finally:
        laptop.drop()
        for device in (anna, ben):
            device.stop()
    seconds = time.monotonic() - began
    if wrong:
        tell(f"\nVerdict: {wrong} of these do not hold. That is a defect of the hub or of the client (or of this demo).")
    else:
        tell(f"\nVerdict: hub and device were killed, a site was cut off, and nothing was lost, doubled or moved. ({seconds:.1f} s)")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--client", required=True)
    parser.add_argument("--site-port", required=True, type=int)
    parser.add_argument("--relay", required=True)
    parser.add_argument("--prefix", default="")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    with open(os.path.join(args.dir, "users"), encoding="ascii") as f:
        passwords = dict(line.split() for line in f)
    hub = Hub(args.command, args.dir, args.port)
    link = Link(args.port)
    anna = Terminal(args.client, args.dir, "anna", "anna-phone", args.port, CONV)
    ben = Terminal(args.client, args.dir, "ben", "ben-tablet", link.port, CONV)
    laptop = Device("anna", passwords["anna"], "anna-laptop", args.port)
    devices = [anna, ben, laptop]
    try:
        desks = [Terminal(args.client, args.dir, user, user + "-desk", args.port, CONV) for user in ("anna", "ben")]
        prefix = args.prefix.split()
        site = Site(os.path.join(args.dir, "site"), args.relay, args.site_port, args.port, prefix, args.command[len(prefix)])

        def terminal(user, name, port):
            return Terminal(args.client, args.dir, user, name, port or args.port, ROOF)
        return story(hub, link, args.dir, desks, devices, site, terminal)
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
