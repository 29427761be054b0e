"""People at a hub and at two sites, what they say there while everything around them fails, and what must be true of it afterwards."""
import time
from collections import defaultdict

import wire
from oracle import read_store
from reactor import WORLD, shared, wait_for
from sites import Sites

RELAYS = {"site-b": ["elm", "ash"], "site-c": ["oak", "ash"]}
# Conversation -> its scope: of the one site, of the other, of both, of none.
CONVS = {"in-b": "elm", "in-c": "oak", "in-both": "ash", "in-none": "fir"}
USERS = ("anna", "ben", "carl", "dora", "eve")
# Device -> its user and where it is. Dora's phone goes from place to place; eve is put out of conversations and let in again.
DEVICES = {"anna-hub": ("anna", None), "ben-b": ("ben", "site-b"), "ben-c": ("ben", "site-c"), "carl-b": ("carl", "site-b"),
           "dora-c": ("dora", "site-c"), "dora-roams": ("dora", "site-b"), "eve-b": ("eve", "site-b"), "eve-hub": ("eve", None)}
ROAMS, URGENT = "dora-roams", ("carl-b", "dora-c")  # URGENT: say what is safety and what is bulk as well
AT_WORK = 12   # commands that a device has said and that nobody has taken yet, at most
IN_ALL = 300   # and with those that a site has taken
SETTLE_S = 150


class Load:
    def __init__(self, folder, chance, manners=None):
        self.chance = chance
        self.refusals = True  # False: nothing is said that anyone refuses
        self.s = Sites(folder, RELAYS)
        self.places = {n: self.s.site(n, manners=manners, seed=chance.randrange(2**32)) for n in RELAYS}
        self.where = {name: place for name, (_user, place) in DEVICES.items()}
        self.devices = {}
        self.began = 0  # conversations begun while it ran
        self.out = {}   # conversation -> eve is out of it

    def open(self):
        for i, (name, (user, place)) in enumerate(DEVICES.items()):
            how = {"clean": i % 3 != 1, "qos": 0 if i % 4 == 2 else 1, "zlib": i % 2 == 0, "batch": (1, 8, 64)[i % 3]}
            d = self.devices[name] = self.s.device(self.places.get(place), user, name, **how)
            if place is None:
                d.start()
        anna = self.devices["anna-hub"]
        for conv, scope in CONVS.items():
            self.s.open(anna, conv, scope, {u: wire.MANAGER if u == "ben" else wire.MEMBER for u in USERS[1:]})
        for name, (_user, place) in DEVICES.items():
            d = self.devices[name]
            if place is not None:
                d.start(20)
            wait_for(lambda d=d, place=place: all(c in d.convs for c in self.served(place)), 20, f"{name} has heard of the conversations")

    @staticmethod
    def served(place):
        return [c for c, scope in CONVS.items() if place is None or scope in RELAYS[place]]

    # -------------------------------------------------------- what is said
    def feed(self):
        with WORLD:
            for name, d in self.devices.items():
                while len(d.outbox) - len(d.relayed) < AT_WORK and len(d.outbox) < IN_ALL:
                    burst = [self.compose(name, d) for _ in range(self.chance.choice((1, 1, 1, 4, 8)))]
                    if d.welcomed:
                        d.send(burst)

    def compose(self, name, d):
        # Who goes from place to place speaks where all of them may hear it.
        conv = "in-both" if name == ROAMS else self.chance.choice(self.served(self.where[name]))
        roll = self.chance.random()
        if not self.refusals:
            return d.compose(wire.MSG, conv, {1: f"{name} {d.next_n}"}, **({"k6": 3} if name in URGENT and roll > 0.5 else {}))
        if name == "anna-hub" and roll < 0.04:
            self.out[conv] = not self.out.get(conv)
            kind, body = (wire.MEMBER_REMOVE, {1: "eve"}) if self.out[conv] else (wire.MEMBER_ADD, {1: "eve", 2: wire.MEMBER})
            return d.compose(kind, conv, body)
        if roll < 0.01 and self.began < 40:
            self.began += 1
            scope = CONVS[conv]
            n = d.compose(wire.CONV_NEW, f"new-{self.began}", {1: scope, 2: "New", 3: {u: wire.MEMBER for u in USERS if u != d.user}})
            return n
        if roll < 0.03:
            return d.compose(wire.MSG, "nowhere", {1: "refused"})
        known = d.convs.get(conv)
        # Where he comes to, what he has seen elsewhere may not have come yet.
        if roll < 0.25 and known and known.log and name != ROAMS:
            made = self.change(d, conv, known.log[-30:], roll)
            if made is not None:
                return made
        more = {}
        if name in URGENT and roll > 0.6:
            more["k6"] = 0 if roll > 0.95 else 3
        body = {1: f"{name} {d.next_n} " + "x" * self.chance.randrange(150)}
        if roll > 0.98:
            body[6] = True
        return d.compose(wire.MSG, conv, body, **more)

    def change(self, d, conv, recent, roll):
        """About something that was said; or None if there is nothing that fits."""
        said = [ev for ev in recent if ev[1] == wire.MSG]
        mine = [ev for ev in said if ev[18] == d.user]
        if roll < 0.08 and mine:
            return d.compose(wire.EDIT, conv, {1: "better"}, k8=self.chance.choice(mine)[16])
        if roll < 0.10 and mine:
            return d.compose(wire.DELETE, conv, k8=self.chance.choice(mine)[16])
        if roll < 0.13:
            asked = [ev for ev in said if ev.get(20, 0) & wire.FLAG_CONFIRM]
            return d.compose(wire.CONFIRM, conv, k8=self.chance.choice(asked)[16]) if asked else None
        if said and roll < 0.19:
            return d.compose(wire.REACT, conv, {1: "+"}, k8=self.chance.choice(said)[16])
        return d.compose(wire.MSG, conv, {1: "a reply"}, k8=self.chance.choice(recent)[16])

    # -------------------------------------------------------- what trunk_script.play() asks for
    def until(self, when):
        while True:
            self.feed()
            left = when - time.monotonic()
            if left <= 0:
                return
            with WORLD:
                WORLD.wait(min(0.02, left))

    def lose_clients(self, count):
        for d in self.chance.sample(sorted(self.devices.values(), key=lambda d: d.device), count):
            with WORLD:
                d.drop()
                shared().add(d)  # comes back by itself

    def roam(self):
        to = self.chance.choice([p for p in (None, "site-b", "site-c") if p != self.where[ROAMS]])
        self.where[ROAMS] = to
        self.s.move(self.devices[ROAMS], self.places.get(to))

    def down(self, what, place):
        site = self.places[place]
        if what == "hub":
            self.s.hub.kill()
        elif what == "site":
            site.broker.kill()
        elif what in ("pipe", "part"):
            site.pipe.kill()
        elif what == "cut":
            site.wan.cut_all()
        else:
            site.wan.black_hole()

    def up(self, what, place):
        site = self.places[place]
        if what == "hub":
            self.s.again(self.s.hub)
        elif what == "site":
            self.s.again(site.broker)
        elif what in ("pipe", "part"):
            site.link()
        elif what == "hole":
            site.wan.cut_all()  # what was silent is found dead at last

    # -------------------------------------------------------- the verdict
    def verdict(self, timeout=SETTLE_S, restored=None):
        """All is up. Dora's phone ends with the hub, where it may see everything. restored: a relay whose log began anew, and its count with it."""
        self.where[ROAMS] = None
        self.s.move(self.devices[ROAMS], None)
        hub = self.s.check(timeout)
        wrong = [*own_order(hub, restored), *self.not_complete(hub)]
        assert not wrong, "\n".join(wrong[:10])
        print(f"{overtaken(hub)} events of a site stand behind later ones of its other devices")
        assert len(self.s.oracle.epochs) == 1, f"the log's identity changed: {self.s.oracle.epochs}"
        return hub

    def not_complete(self, hub):
        """Everyone but eve is a member from the start: each holds all of what is served where he is, once and in order."""
        for name, d in self.devices.items():
            if d.user == "eve":
                continue
            for conv in self.served(self.where[name]):
                if [ev[16] for ev in d.convs[conv].log] != list(range(1, len(hub[conv]) + 1)):
                    yield f"{name}: {conv} is not complete or not in order"

    def numbers(self, hub):
        events = [ev for c in hub.values() for ev in c]
        through = defaultdict(int)
        for ev in events:
            through[ev[22][0] if 22 in ev else "hub"] += 1
        return f"{len(events)} events in {len(hub)} conversations, by {dict(through)}; {len(self.s.oracle.refusals)} refusals"

    def close(self):
        self.s.close()

    def lost_and_twice(self):
        """Of what was acked with a seq: what the hub does not hold, and what it holds more than once."""
        count = defaultdict(int)
        for events in read_store(self.s.hub.db).values():
            for ev in events:
                count[ev[19], ev[2]] += 1
        acked = [k for k, row in self.s.oracle.acks.items() if row[2] is not None]
        return sum(1 for k in acked if not count[k]), sum(1 for k, c in count.items() if c > 1 and k[0] != wire.HUB)


def own_order(hub, but=None):
    """A site's own order is kept for each device that is never elsewhere."""
    for conv, events in hub.items():
        last = {}
        for ev in events:
            if 22 not in ev or ev[19] == ROAMS or ev[22][0] == but:
                continue
            relay, _base, k = ev[22]
            if k <= last.get((relay, ev[19]), -1):
                yield f"{conv} {ev[16]} of {ev[19]} {ev[2]}: k {k} of {relay} comes after {last[relay, ev[19]]}"
            last[relay, ev[19]] = k


def overtaken(hub):
    """How many events of a site stand behind later ones of its other devices: what is urgent overtakes, and what is sent again comes later."""
    count = 0
    for events in hub.values():
        last = {}
        for ev in (ev for ev in events if 22 in ev and ev[19] != ROAMS):
            relay, _base, k = ev[22]
            count += k < last.get(relay, 0)
            last[relay] = max(k, last.get(relay, 0))
    return count
