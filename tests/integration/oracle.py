"""What every client saw, against what the store holds afterwards."""
import io
import sqlite3
from collections import defaultdict
from contextlib import closing

import cbor2
import chain
import wire


def report(what, lines):
    return "\n".join([f"{len(lines)} {what}:", *(line if len(line) < 700 else line[:700] + " ..." for line in lines[:10])])


class Oracle:
    """Collects under the reactor's lock; check() is called when all clients have drained."""

    def __init__(self):
        self.violations = []
        self.sent = {}                     # (device, n) -> command as composed
        self.users = {}                    # device -> user
        self.events = {}                   # (conversation, seq) -> event as first seen
        self.acks = {}                     # (device, n) -> row
        self.refusals = {}                 # (device, n) -> code
        self.heads = defaultdict(int)      # conversation -> highest head told
        self.seen_at = {}                  # (device, conversation) -> last head seen, for "never goes back"
        self.next_n = defaultdict(int)     # (device, relay or None) -> highest next n told
        self.chains = {}                   # (conversation, seq) -> chain as a head told it
        self.horizons = {}                 # (conversation, user) -> highest [delivered, read] shown to anyone
        self.epochs = set()
        self.stamps = 0

    def violation(self, text):
        self.violations.append(text)

    def stamp(self):
        self.stamps += 1
        return self.stamps

    # -------------------------------------------------------- what clients report
    def composed(self, device, n, command):
        self.sent[device.device, n] = dict(command)
        self.users[device.device] = device.user

    def event(self, device, ev):
        key = ev[3], ev[16]
        known = self.events.setdefault(key, ev)
        if not chain.same(known, ev):
            self.violation(f"{device.device} saw another event {key} than was seen before: {known} / {ev}")
        self.heads[ev[3]] = max(self.heads[ev[3]], ev[16])

    def ack(self, device, row):
        key = device.device, row[0]
        known = self.acks.setdefault(key, row)
        if known != row:
            self.violation(f"P3: {key} was acked twice, differently: {known} / {row}")
        if key in self.refusals:
            self.violation(f"P3: {key} was refused with {self.refusals[key]}, then acked")

    def refusal(self, device, n, nack):
        key = device.device, n
        if key not in self.sent or nack[3] == wire.TOO_LATE:
            return  # a raw command of a test, or about this attempt and not the command's own answer
        if nack[3] == wire.CONFLICT and (key in self.acks or key in self.refusals):
            return  # the same n with another content, by intention
        known = self.refusals.setdefault(key, nack[3])
        if known != nack[3]:
            self.violation(f"P3: {key} was refused with {known}, then with {nack[3]}")
        if key in self.acks:
            self.violation(f"P3: {key} was acked, then refused: {nack}")

    def head(self, device, conv, head):
        self.epochs.add(head[1])
        self.heads[conv] = max(self.heads[conv], head[2])
        if head[2] > 0 and self.chains.setdefault((conv, head[2]), head[5]) != head[5]:
            self.violation(f"{conv}: two chains at {head[2]}: {head[5].hex()} and {self.chains[conv, head[2]].hex()}")

    def receipts(self, vector_of, vector):
        for user, row in vector.items():
            self.horizons[vector_of, user] = list(map(max, self.horizons.get((vector_of, user), row), row))

    def told_head(self, device, conv, head):
        self.heads[conv] = max(self.heads[conv], head)

    def welcome(self, device, w):
        self.epochs.add(w[2])
        place = device.device, w.get(8)  # a site counts what it has in custody, which others have not heard of yet
        if w[5] < self.next_n[place]:
            self.violation(f"{device.device}: next n went back from {self.next_n[place]} to {w[5]}")
        self.next_n[place] = w[5]
        for d, n in list(self.acks):
            if 8 not in w and d == device.device and n >= w[5]:
                self.violation(f"P1: {d} has an ack for n {n}, welcome says next n is {w[5]}")
        for conv, _scope, head, *_ in w[6]:
            self.told_head(device, conv, head)

    # -------------------------------------------------------- the verdict
    def check_violations(self):
        assert not self.violations, report("violations of the contract", self.violations)

    def check(self, store):
        """store: conversation -> events, as from read_store() or from gets."""
        self.check_violations()
        wrong = []
        held = {}
        for conv, events in store.items():
            wrong += check_log(conv, events)
            held.update({(conv, ev[16]): ev for ev in events})
        wrong += self._nothing_lost(store, held)
        wrong += self._exactly_once(held)
        assert not wrong, report("things wrong", wrong)

    def _nothing_lost(self, store, held):
        for key, ev in self.events.items():
            if not chain.same(held.get(key), ev):
                yield f"P1: event {key} was seen but is now {held.get(key)}; seen: {ev}"
        for conv, head in self.heads.items():
            if len(store.get(conv, ())) < head:
                yield f"P1: head {head} of {conv} was seen, the store has {len(store.get(conv, ()))}"
        chains = {conv: chain.over(events) for conv, events in store.items()}
        for (conv, seq), told in self.chains.items():
            if chains.get(conv, ())[seq - 1:seq] != [told]:
                yield f"the chain of {conv} at {seq} is not the one that was told"
        for (device, n), (_n, conv, seq, at) in self.acks.items():
            if seq is None:
                continue
            ev = held.get((conv, seq))
            if ev is None or ev[19] != device or ev[2] != n or ev[17] != at:
                yield f"P1: ack of {device}, {n} says {conv} {seq} at {at}; there is {ev}"

    def _exactly_once(self, held):
        by_command = {}
        for key, ev in held.items():
            if ev[19] == wire.HUB and ev.get(20, 0) & wire.FLAG_HUB:
                continue  # a message's ttl has run out
            command = ev[19], ev[2]
            if command in by_command:
                yield f"P3: {command} made two events: {by_command[command]} and {key}"
            by_command[command] = key
            sent = self.sent.get(command)
            if sent is None:
                yield f"{key}: nobody sent {command}"
                continue
            if command in self.refusals:
                yield f"P3: {command} was refused with {self.refusals[command]} and made event {key}"
            if ev[1] != sent[1] or ev[18] != self.users[ev[19]] or ev.get(8) != sent.get(8) or ev.get(4, 0) != sent.get(4, 0):
                yield f"{key} is not what was sent: {ev} / {sent}"
            if ev[1] == wire.MSG and chain.body_hash(ev) != chain.body_hash({k: v for k, v in sent.items() if k != chain.BODY_HASH}):
                yield f"{key}: another body than was sent: {ev} / {sent}"
        for command, row in self.acks.items():
            if row[2] is not None and command not in by_command:
                yield f"P1: {command} was acked and is not there"

    def check_drained(self, devices):
        for d in devices:
            for n in range(1, d.next_n):
                key = d.device, n
                assert key in self.acks or key in self.refusals, f"{key} was never answered"

    def check_complete(self, device, conv, store):
        """This device, a member from the start, holds the whole log, once and in order."""
        log = device.convs[conv].log
        assert [ev[16] for ev in log] == list(range(1, len(store[conv]) + 1)), f"{device.device}: {conv} is not complete or not in order"
        assert all(map(chain.same, log, store[conv]))


def check_log(conv, events):
    last_n, last_at = {}, 0
    for i, ev in enumerate(events):
        if ev[16] != i + 1 or ev[3] != conv:
            yield f"P4: position {i + 1} of {conv} holds {ev[3]} {ev[16]}"
        if ev[19] != wire.HUB and ev[2] <= last_n.get(ev[19], 0):
            yield f"P4: {conv} {ev[16]}: n {ev[2]} of {ev[19]} comes after {last_n[ev[19]]}"
        if ev.get(4, 0) >= ev[16]:
            yield f"P4: {conv} {ev[16]} was composed after seeing {ev[4]}"
        if ev[17] < last_at:
            yield f"{conv} {ev[16]}: at goes back"
        last_n[ev[19]], last_at = ev[2], ev[17]


def open_store(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)


def read_store(path):
    """Conversation -> its events, straight from the database file. The one place that knows the store's tables."""
    out = defaultdict(list)
    with closing(open_store(path)) as db:
        for key, last, events in db.execute("SELECT key, last, events FROM event ORDER BY key"):
            first = key & (1 << 36) - 1
            run = list(_items(events))
            assert [ev[16] for ev in run] == list(range(first, last + 1)), f"run {first} to {last} of {run[0][3]} holds something else"
            out[run[0][3]] += run
    return dict(out)


def _items(data):
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        yield wire.check_event(cbor2.load(stream))


def id_blob(text):
    """An id as the store keeps it: its length, then its text."""
    return bytes([len(text)]) + text.encode()


def state_dump(path, without=("answers", "person")):
    """All rows of all tables but the answers to numbered commands and when people were seen, in an order that the file does not decide."""
    with closing(open_store(path)) as db:
        tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {t: sorted(map(repr, db.execute(f'SELECT * FROM "{t}"'))) for t in tables if t not in without}
