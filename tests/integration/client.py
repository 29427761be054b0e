"""A device, as the contract describes one: outbox, Go-Back-N, cursors, gets for holes. Everything it sees goes to the oracle."""
import time

import wire
from device_state import ABSENT, Conv, Entry, make
from mqtt import Mqtt
from reactor import WORLD, shared, wait_for

HOLE_S = 0.5       # a hole open for so long is asked for
SILENCE_S = 3.0    # nothing answered for so long: send the outbox again
DEBOUNCE_S = 0.03  # several "gap" nacks of one burst lead to one resend
BACKOFF_S = 0.2    # after a refusal that may be retried


class Device(Mqtt):
    """auto=False: speaks only when told to (no reconnect, no repair, no resend)."""

    def __init__(self, port, user, device, oracle, clean=True, qos=1, auto=True, zlib=False, batch=16, password=None):
        super().__init__(port, device, user, password, clean, (f"fp/1/device/{device}/status", b"offline", 1, True))
        self.device, self.oracle, self.qos, self.auto, self.zlib, self.batch = device, oracle, qos, auto, zlib, batch
        self.stays = auto
        self.next_n, self.fresh = 1, True
        self.outbox, self.results = {}, {}
        self.relayed, self.taken_back = set(), []  # n in the custody of a site; provisional events that were refused
        self.convs, self.scopes = {}, set()
        self.welcome, self.welcomed, self.epoch = None, False, None
        self.welcomes, self.replies, self.inbox, self.free_nacks = [], [], [], []
        self.resend_from, self.resend_at, self.hello_at = None, None, None
        self.answered_at, self.retry_at = time.monotonic(), 0.0
        self.arrived = []  # (channel, conversation, seq) in the order of arrival

    def topic(self, leaf):
        return f"fp/1/device/{self.device}/{leaf}"

    # -------------------------------------------------------- coming online
    def filters(self):
        return [self.topic("down"), f"fp/1/user/{self.user}/+", *(f"fp/1/scope/{s}/conv/+/+" for s in sorted(self.scopes))]

    def start(self, timeout=15.0):
        """connect, subscribe, hello, welcome."""
        with WORLD:
            before = len(self.welcomes)
            self.begin()
            shared().add(self)
        if not self.auto:
            wait_for(lambda: self.connected, timeout, f"{self.device}: CONNACK")
            self.subscribe(*self.filters(), qos=self.qos)
            self.hello()
        wait_for(lambda: len(self.welcomes) > before, timeout, f"{self.device}: welcome")
        return self

    def hello(self, wait=True, **body):
        """body: k4 = cursors and so on, by key number."""
        with WORLD:
            before = len(self.welcomes)
            cursors = {c: v.cursor for c, v in self.convs.items() if v.member}
            full = {1: 1, 2: "integration"}
            if self.fresh:
                full[3] = True
            if cursors and self.auto:
                full[4] = cursors
            if self.zlib:
                full[5] = True
            if not self.fresh:
                full[6] = min(self.outbox, default=self.next_n)
            full.update({int(k[1:]): v for k, v in body.items()})
            self.say(wire.HELLO, body=full)
        if wait:
            wait_for(lambda: len(self.welcomes) > before, 10.0, f"{self.device}: welcome")
        return self.welcome

    def on_up(self):
        self.welcomed = False
        self.relayed.clear()
        self.publish(self.topic("status"), b"online", 1, True)
        if self.auto:
            self.subscribe_begin(*self.filters(), qos=self.qos)
            self.hello(wait=False)

    def on_down(self):
        self.welcomed = False
        self.retry_at = time.monotonic() + 0.05

    # -------------------------------------------------------- saying
    def say(self, kind, conv=None, body=ABSENT, leaf="up", **more):
        """A command without a number. more: k9=... by key number."""
        self.publish(self.topic(leaf), wire.dumps(make(kind, None, conv, body, more)), 0 if leaf == "now" else 1)

    def compose(self, kind, conv=None, body=ABSENT, seen=ABSENT, **more):
        """Puts a numbered command in the outbox without sending it; returns its n."""
        with WORLD:
            n = self.next_n
            self.next_n += 1
            command = make(kind, n, conv, body, more)
            known = self.convs.get(conv)
            if seen is ABSENT:
                seen = known.cursor if known else 0
            if seen:
                command[4] = seen
            self.outbox[n] = Entry(command, time.monotonic())
            self.oracle.composed(self, n, command)
            return n

    def submit(self, *args, **kw):
        with WORLD:
            n = self.compose(*args, **kw)
            if self.welcomed:
                self.send([n])
            return n

    def send(self, numbers):
        """One uplink with these entries of the outbox."""
        now = time.monotonic()
        out = []
        for n in numbers:
            entry = self.outbox[n]
            age = int((now - entry.born) * 1000)
            out.append({**entry.command, 5: entry.command.get(5, 0) + age} if age else entry.command)
        if out:
            self.publish(self.topic("up"), wire.dumps(out[0] if len(out) == 1 else out))

    def send_from(self, n):
        numbers = [m for m in sorted(self.outbox) if m >= n]
        for i in range(0, len(numbers), self.batch):
            self.send(numbers[i:i + self.batch])
        self.answered_at = time.monotonic()

    def wait_result(self, n, timeout=10.0):
        return wait_for(lambda: self.results.get(n), timeout, lambda: f"{self.device}: answer to n {n}")

    def call(self, *args, timeout=10.0, **kw):
        """Submits and waits for the answer: an ack row [n, conv, seq, at] or a nack."""
        return self.wait_result(self.submit(*args, **kw), timeout)

    def ok(self, *args, **kw):
        """Must be acked; returns the row."""
        got = self.call(*args, **kw)
        assert isinstance(got, list), f"{self.device}: refused: {got}"
        return got

    def no(self, code, *args, **kw):
        """Must be refused with this code (or one of these); returns the nack."""
        got = self.call(*args, **kw)
        codes = code if isinstance(code, tuple) else (code,)
        assert isinstance(got, dict), f"{self.device}: should have been refused with {codes}, was acked: {got}"
        assert got[3] in codes, f"{self.device}: refused with {got[3]} instead of {codes}: {got}"
        return got

    def msg(self, conv, text, **kw):
        return self.ok(wire.MSG, conv, {1: text}, **kw)

    def get(self, conv, after, upto=None, credit=None, zlib=False, timeout=10.0):
        """One get; returns its pages (behind a snapshot, if `after` is below what this user may see), or the nack that answered it."""
        body = {1: after}
        if upto is not None:
            body[2] = upto
        if credit is not None:
            body[3] = credit
        if zlib:
            body[4] = True
        with WORLD:
            start, nacks = len(self.replies), len(self.free_nacks)
            self.say(wire.GET, conv, body)

        def answer():
            pages = [r for r in self.replies[start:] if r[1] == wire.PAGE and r[2] == conv]
            if self.free_nacks[nacks:]:
                return self.free_nacks[nacks]
            return pages if pages and not pages[-1][5] else None
        return wait_for(answer, timeout, f"{self.device}: pages of {conv}")

    def history(self, conv, after=0, **kw):
        """Everything after `after`, asking as often as it takes."""
        events = []
        while True:
            pages = self.get(conv, after, **kw)
            assert isinstance(pages, list), f"get was refused: {pages}"
            got = [ev for p in pages for ev in wire.page_events(p)]
            events += got
            if not got:
                return events
            after = got[-1][16]

    def barrier(self, timeout=10.0):
        """Returns when the hub has handled all that this device said before, and all that it told this device has arrived."""
        stamp = self.oracle.stamp()
        end = time.monotonic() + timeout

        def answered():
            return any(r[1] == wire.TIME_REPLY and r[2] == stamp for r in self.replies)
        while not answered():
            # Again now and then: what a slow reader's queue has no room for, the broker drops.
            self.say(wire.TIME, body=stamp, leaf="now")
            left = end - time.monotonic()
            assert left > 0, f"{self.device}: no answer to time after {timeout} s (connected: {self.connected})"
            try:
                wait_for(answered, min(left, 3.0))
            except AssertionError:
                continue

    def sync(self, conv, seq, timeout=10.0):
        """Waits until everything up to seq is held."""
        def there():
            c = self.convs.get(conv)
            return c is not None and c.cursor >= seq
        wait_for(there, timeout, lambda: f"{self.device}: {conv} up to {seq}, has {self.convs.get(conv)}")

    def drained(self):
        return not self.outbox

    # -------------------------------------------------------- hearing
    def on_message(self, m):
        try:
            self._hear(m)
        except wire.Violation as why:
            self.oracle.violation(f"{self.device} on {m.topic}: {why}")

    def _hear(self, m):
        level = m.topic.split("/")
        if m.topic == self.topic("down"):
            self._reply(wire.check_reply(wire.decode(m.payload)))
        elif level[:3] == ["fp", "1", "user"]:
            if level[-1] == "inbox":
                self._inbox(wire.check_inbox(wire.decode(m.payload)))
        elif level[:3] == ["fp", "1", "scope"] and level[4] == "conv" and len(level) == 7:
            self._conv(level[3], level[5], level[6], m)

    def _conv(self, scope, conv, leaf, m):
        c = self.conv(conv, scope)
        if leaf == "event":
            for ev in wire.events_of(m.payload):
                wire.need(ev[3] == conv, "event on another conversation's topic", ev)
                self._event(c, ev, "live")
        elif leaf == "head":
            head = wire.check_head(wire.decode(m.payload))
            self.arrived.append(("head", conv, head[2]))
            self.oracle.head(self, conv, head)
            c.head = max(c.head, head[2])
        elif leaf == "about":
            c.about = wire.check_about(wire.decode(m.payload))
            self.arrived.append(("about", conv, c.about[1]))
        elif leaf == "receipts":
            self.oracle.receipts(conv, wire.check_horizons(wire.decode(m.payload)))
        elif leaf == "typing" and m.payload:
            wire.check_typing(wire.decode(m.payload))

    def conv(self, conv, scope=None):
        c = self.convs.setdefault(conv, Conv())
        if scope is not None:
            c.scope = scope
        return c

    def _provisional(self, c, ev):
        key = ev[19], ev[2]
        if ev[20] & wire.FLAG_REFUSED:
            self.taken_back.append(ev)
            c.provisional.pop(key, None)
        elif key not in c.settled:
            c.provisional[key] = ev

    def _event(self, c, ev, channel):
        if wire.is_provisional(ev):
            self._provisional(c, ev)
            return
        c.settled.add((ev[19], ev[2]))
        c.provisional.pop((ev[19], ev[2]), None)
        self.arrived.append((channel, ev[3], ev[16]))
        self.oracle.event(self, ev)
        if ev[16] <= c.cursor:
            return
        c.pending[ev[16]] = ev
        self._apply(c)

    def _apply(self, c):
        while c.cursor + 1 in c.pending:
            c.cursor += 1
            c.log.append(c.pending.pop(c.cursor))
            c.behind_since = None
        for seq in [s for s in c.pending if s <= c.cursor]:
            del c.pending[seq]

    def _reply(self, r):
        self.replies.append(r)
        what = r[1]
        if what == wire.ACK:
            for row in r[2]:
                if 3 in r:
                    self._relayed(row)
                else:
                    self._acked(row)
        elif what == wire.NACK:
            self._refused(r)
        elif what == wire.WELCOME:
            self._welcomed(r)
        elif what == wire.PAGE:
            self._paged(r)
        elif what == wire.SNAPSHOT:
            self._snapshot(r)

    def _relayed(self, row):
        """A site has it on disk; the answer comes when the hub has judged."""
        n, conv, _seq, _at = row
        self.answered_at = time.monotonic()
        entry = self.outbox.get(n)
        if entry is not None:
            self.relayed.add(n)
            if entry.command[1] == wire.CONV_NEW:
                self._opened(conv, entry.command[10][1])

    def _acked(self, row):
        n, conv, _seq, _at = row
        self.oracle.ack(self, row)
        self.answered_at = time.monotonic()
        entry = self.outbox.pop(n, None)
        self.relayed.discard(n)
        self.results.setdefault(n, row)
        if entry is not None and entry.command[1] == wire.CONV_NEW:
            self._opened(conv, entry.command[10][1])

    def _opened(self, conv, scope):
        self.conv(conv, scope).member = True
        if scope not in self.scopes:
            self.scopes.add(scope)
            if self.auto and self.connected:
                self.subscribe_begin(f"fp/1/scope/{scope}/conv/+/+", qos=self.qos)

    def _refused(self, r):
        n, code = r.get(2), r[3]
        if code == wire.GAP:
            wire.need(7 in r, "gap without the next n", r)
            self._plan(r[7], DEBOUNCE_S)
            if not self.auto and n is not None:
                self.results[n] = r
        elif r.get(5) is True and n is None and not self.welcomed:
            self.hello_at = time.monotonic() + BACKOFF_S
        elif r.get(5) is True:
            self._plan(n if n is not None else min(self.outbox, default=None), BACKOFF_S)
            if not self.auto and n is not None:
                self.results[n] = r
        elif n is not None:
            self.oracle.refusal(self, n, r)
            entry = self.outbox.pop(n, None)
            if entry is not None and entry.command.get(3) in self.convs:
                self.convs[entry.command[3]].provisional.pop((self.device, n), None)
            self.relayed.discard(n)
            self.results.setdefault(n, r)
        if n is None:
            self.free_nacks.append(r)

    def _plan(self, n, delay):
        if n is None:
            return
        at = time.monotonic() + delay
        if self.resend_from is None or n < self.resend_from:
            self.resend_from = n
        if self.resend_at is None or at > self.resend_at:
            self.resend_at = at

    def _welcomed(self, r):
        self.oracle.welcome(self, r)
        self.welcome, self.welcomed = r, True
        self.welcomes.append(r)
        if self.epoch is not None and self.epoch != r[2]:
            self.convs.clear()
        self.epoch = r[2]
        if self.fresh and not self.outbox:
            self.next_n = r[5]
        self.fresh = False
        listed = {row[0] for row in r[6]}
        for conv, c in self.convs.items():
            c.member = c.member and conv in listed  # that he was put out may have been told while nobody listened
            c.provisional.clear()  # those that still are come again; of others we may have missed that they were taken back
        for conv, scope, head, _floor, _read, _unread in r[6]:
            self._opened(conv, scope)
            self.convs[conv].head = max(self.convs[conv].head, head)
        if self.auto:
            self.resend_from = self.resend_at = None
            self.send_from(0)

    def _snapshot(self, r):
        """What lies below the floor is not ours to have: retention, or a member who joined later."""
        c = self.conv(r[2])
        c.asked_at = 0.0
        if r[3] > c.cursor:
            c.cursor = r[3]
            self._apply(c)

    def _paged(self, r):
        c = self.conv(r[2])
        for ev in wire.page_events(r):
            self._event(c, ev, "page")
        if not r[5]:
            c.asked_at = 0.0

    def _inbox(self, r):
        self.inbox.append(r)
        if r[1] == wire.IN_JOINED:
            self._opened(r[2], r[3])
        elif r[1] == wire.IN_REMOVED:
            c = self.conv(r[2], r[3])
            c.member = False
            c.provisional.clear()  # what becomes of them is not told to those outside
        elif r[1] == wire.IN_HEADS:
            for conv, scope, head, _unread in r[2]:
                self.oracle.told_head(self, conv, head)
                c = self.conv(conv, scope)
                c.head = max(c.head, head)

    # -------------------------------------------------------- timers
    def tick(self, now):
        super().tick(now)
        if not self.auto:
            return
        if self.paho is None:
            if now >= self.retry_at:
                self.retry_at = now + 0.05
                self.begin()
            return
        if not self.welcomed:
            if self.hello_at is not None and now >= self.hello_at:
                self.hello_at = None
                self.hello(wait=False)
            return
        if self.resend_at is not None and now >= self.resend_at:
            n, self.resend_from, self.resend_at = self.resend_from, None, None
            self.send_from(n)
        waiting = self.outbox.keys() - self.relayed
        if waiting and now - self.answered_at > SILENCE_S:
            self.send_from(min(waiting))
        for conv, c in self.convs.items():
            self._repair(conv, c, now)

    def _repair(self, conv, c, now):
        if not c.member or (not c.pending and c.head <= c.cursor):
            c.behind_since = None
            return
        if c.behind_since is None:
            c.behind_since = now
        elif now - c.behind_since >= HOLE_S and now - c.asked_at > 2.0:
            c.asked_at = now
            self.say(wire.GET, conv, {1: c.cursor})
