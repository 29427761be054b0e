"""The last chapter: a building site with a broker of its own, whose link to the hub is cut."""
import os
import subprocess
import time

from link import Link
from terminal import Terminal

CONV = "roof"
WORDS = ["The scaffold is up.", "Two battens are rotten, I take photos.", "Carl, bring the long ladder.", "It is on the truck."]


class Site:
    """A broker in role site, and the relay that links it with the hub."""

    def __init__(self, folder, name, port, hub_port, prefix, mosquitto):
        self.folder, self.port = folder, port
        self.wan = Link(hub_port)
        password = os.path.join(folder, "relay-password")
        relay = os.path.join(os.path.dirname(folder), "fieldpost-relay")
        options = {"listen": "127.0.0.1:0", "broker": f"127.0.0.1:{port}", "relay": name, "site": f"127.0.0.1:{port}", "site_password_file": password,
                   "hub": f"127.0.0.1:{self.wan.port}", "hub_password_file": password}
        self.commands = [[*prefix, mosquitto, "-c", os.path.join(folder, "mosquitto.conf")],
                         [*prefix, relay, *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]]
        self.processes = []

    def start(self):
        with open(os.path.join(self.folder, "start.log"), "ab") as log:
            self.processes = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) for command in self.commands]

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


def converse_alone(tell, site, terminals, patience_s):
    """terminals: make(user, device, port). Yields (what must hold, whether it does)."""
    made = []
    try:
        yield from _story(tell, site, terminals, made, patience_s)
    finally:
        for terminal in made:
            terminal.stop()
        site.stop()


def _story(tell, site, make, made, patience):
    tell("\n7. The building site gets a broker of its own, on a small box: a site, with a relay to the hub. Ben's and Carl's tablets are in its\n"
         "   network; Anna is at home, with the hub.")
    site.start()
    network = Link(site.port)  # Ben's tablet is in one network or in the other
    anna, ben, carl = make("anna", "anna-home", None), make("ben", "ben-roof", network.port), make("carl", "carl-roof", site.port)
    anna.run("create", "elm-street-12", CONV, "--title", "Roof", "--member", "ben", "--member", "carl")
    for terminal in (anna, ben, carl):
        made.append(terminal)
        _start_chat(terminal, patience)
    anna.say("Good morning, both of you.")
    for terminal in (anna, ben, carl):
        terminal.wait(lambda t=terminal: t.head() >= 2, patience, "Anna's greeting")
    tell("     Anna says good morning, and both have it: what the hub orders comes down to the site.")

    site.wan.cut()
    tell("   The line to the hub is cut. They go on.")
    for i, words in enumerate(WORDS):
        author, other = (ben, carl) if i % 2 == 0 else (carl, ben)
        author.say(words)
        other.wait(lambda n=i // 2 + 1, t=other: len(t.provisional) >= n, patience, "what the other one said")
        tell(f"     {author.user.title()}: {words}  (relayed: on the site's disk, and on the other tablet)")
    for author in (ben, carl):
        author.wait(lambda t=author: len(t.relayed) == len(t.written), patience, "the site's word that it has it on disk")
    anna.say("How is it going?")
    anna.wait(lambda: len(anna.sent) == len(anna.written), patience, "the answer to Anna")
    yield "all four are in the site's custody, and Anna has seen none of them", len(ben.relayed) + len(carl.relayed) == 4 and anna.head() == 3

    network.lead_to(site.wan._target)
    ben.say("I am on the mobile network now.")
    ben.wait(lambda: len(ben.sent) == len(ben.written), patience, "the hub's answers to Ben")
    tell("   Ben walks off: his tablet is in the mobile network and finds the hub. What the site could not pass on yet it sends itself.")
    began = time.monotonic()
    site.wan.mend()
    head = 3 + len(WORDS) + 1
    for terminal in (anna, ben, carl):
        terminal.wait(lambda t=terminal: t.head() >= head and not t.provisional, patience, "all of it")
    tell(f"   The line is back: {time.monotonic() - began:.1f} s later all have all of it.")
    logs = [[(e["seq"], e["device"], e["n"], e.get("text")) for e in t.log()] for t in (anna, ben, carl)]
    texts = [text for _, _, _, text in logs[0] if text]
    yield f"each of the {len(texts)} messages is there once, on all three devices the same, at the site as at the hub", \
        logs[0] == logs[1] == logs[2] and sorted(texts) == sorted(anna.written + ben.written + carl.written)
    yield "what Ben wrote, by the site and by the mobile network, stands in the order of his writing", \
        [text for _, device, _, text in logs[0] if device == "ben-roof"] == ben.written
    faults = [fault for t in (anna, ben, carl) for fault in t.faults]
    yield "nothing was refused, and nothing told twice with different contents" + (f": {faults[0]}" if faults else ""), not faults


def _start_chat(terminal, patience):
    """A site hears of a conversation a moment after the hub; until then there is none to chat in."""
    end = time.monotonic() + patience
    while True:
        terminal.start()
        try:
            terminal.wait(lambda: terminal.head() >= 1 or terminal.process.poll() is not None, 2, "the conversation")
        except TimeoutError:
            pass
        if terminal.head() >= 1:
            return
        terminal.stop()
        if time.monotonic() > end:
            raise TimeoutError(f"{terminal.name} waited {patience} s for the conversation {terminal.conv}")
        terminal.faults.clear()  # that there was none yet
