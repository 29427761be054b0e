"""For comparison: plain Mosquitto brokers, at the hub and at two sites, and bridges of QoS 1 between them. Nothing of ours."""
import time
from collections import Counter

from broker import Broker
from chaos_proxy import ChaosProxy
from mqtt import Mqtt
from reactor import WORLD, shared, wait_for
from trunk_script import PLACES

AT_WORK = 12     # what a client has said and nobody has acknowledged, at most
PACE_S = 0.02    # between two things that a client says: the load is not to be what loses them


class Counted(Mqtt):
    """Publishes numbers with QoS 1 and keeps each until it is acknowledged, also over connections; its session is persistent."""

    stays = True

    def __init__(self, port, name, says, hears):
        super().__init__(port, name, clean=False)
        self.says, self.hears, self.retry_at, self.said_at = says, hears, 0.0, 0.0
        self.next, self.waiting, self.by_mid, self.done, self.heard = 1, set(), {}, set(), Counter()

    def on_up(self):
        self.by_mid.clear()
        if self.hears:
            self.subscribe_begin(self.hears, qos=1)
        for n in sorted(self.waiting):
            self._say(n)

    def on_down(self):
        self.retry_at = time.monotonic() + 0.05

    def _say(self, n):
        self.by_mid[self.publish(self.says, f"{self.client_id} {n}".encode(), 1)] = n

    def feed(self):
        self._settle()
        now = time.monotonic()
        if self.connected and len(self.waiting) < AT_WORK and now - self.said_at >= PACE_S:
            self.said_at = now
            self.waiting.add(self.next)
            self._say(self.next)
            self.next += 1

    def _settle(self):
        for mid in [m for m in self.by_mid if m in self.acked]:
            n = self.by_mid.pop(mid)
            self.waiting.discard(n)
            self.done.add(n)

    def drained(self):
        self._settle()
        return not self.waiting

    def on_message(self, m):
        self.heard[m.payload] += 1

    def tick(self, now):
        super().tick(now)
        if self.paho is None and now >= self.retry_at:
            self.retry_at = now + 0.05
            self.begin()


class Stage:
    def __init__(self, folder):
        plain = ["max_queued_messages 0"]
        self.hub = Broker(folder / "stock-hub", plugin=False, persistence=True, lines=plain).start()
        self.wans, self.brokers, self.clients = {}, {}, []
        for place in PLACES:
            self.wans[place] = ChaosProxy(self.hub.port, 1).__enter__()
            self.brokers[place] = Broker(folder / f"stock-{place}", plugin=False, persistence=True, lines=[
                *plain, f"connection {place}", f"address 127.0.0.1:{self.wans[place].port}", f"topic t/{place}/# out 1", "topic t/hub/# in 1",
                "cleansession false", "notifications false", "restart_timeout 1", "keepalive_interval 5"]).start()
        for place in PLACES:
            self._client(self.brokers[place], f"{place}-1", f"t/{place}/1", "t/hub/#")
            self._client(self.brokers[place], f"{place}-2", f"t/{place}/2", None)
        self._client(self.hub, "hub-1", "t/hub/1", "t/+/#")
        self._client(self.hub, "hub-2", "t/hub/2", None)
        wait_for(lambda: all(c.connected for c in self.clients), 10, "all are connected")
        # Both bridges carry something both ways before anything fails.
        self.until(time.monotonic() + 0.3)
        wait_for(lambda: all(self._crossed(place) for place in PLACES), 15, "the bridges stand")

    def _client(self, broker, name, says, hears):
        c = Counted(broker.port, name, says, hears)
        self.clients.append(c)
        c.begin()
        with WORLD:
            shared().add(c)

    def _named(self, name):
        return next(c for c in self.clients if c.client_id == name)

    def _crossed(self, place):
        self._feed()
        return any(p.startswith(b"hub") for p in self._named(f"{place}-1").heard) and \
            any(p.startswith(place.encode()) for p in self._named("hub-1").heard)

    # -------------------------------------------------------- what trunk_script.play() asks for
    def _feed(self):
        for c in self.clients:
            c.feed()

    def until(self, when):
        while time.monotonic() < when:
            with WORLD:
                self._feed()
                WORLD.wait(max(0.0, min(0.02, when - time.monotonic())))

    def lose_clients(self, count):
        for c in self.clients[:count]:
            with WORLD:
                c.drop()
                shared().add(c)

    def roam(self):
        pass  # a client's session does not go with it; it is left out here

    def down(self, what, place):
        if what == "hub":
            self.hub.kill()
        elif what == "site":
            self.brokers[place].kill()
        elif what == "hole":
            self.wans[place].black_hole()
        else:
            self.wans[place].cut_all()

    def up(self, what, place):
        if what == "hub":
            self._again(self.hub)
        elif what == "site":
            self._again(self.brokers[place])
        elif what == "hole":
            self.wans[place].cut_all()

    def _again(self, broker):
        old = broker.port
        broker.start()
        with WORLD:
            for c in self.clients:
                c.port = broker.port if c.port == old else c.port
        for wan in self.wans.values():
            wan.target = self.hub.port

    # -------------------------------------------------------- what became of it
    def result(self, quiet_s=4.0, most_s=40.0):
        """When nothing more arrives: of what was acknowledged to its publisher, how much the other side never got, and how much it got twice."""
        wait_for(lambda: all(c.drained() for c in self.clients), 30, "all is acknowledged")
        end, last, since = time.monotonic() + most_s, -1, time.monotonic()
        while time.monotonic() < end and time.monotonic() - since < quiet_s:
            with WORLD:
                WORLD.wait(0.1)
                now = sum(sum(c.heard.values()) for c in self.clients)
            if now != last:
                last, since = now, time.monotonic()
        sent = lost = twice = 0
        for c in self.clients:
            mine = [f"{c.client_id} {n}".encode() for n in sorted(c.done)]
            readers = [f"{p}-1" for p in PLACES] if c.client_id.startswith("hub") else ["hub-1"]
            for name in readers:
                heard = self._named(name).heard
                sent += len(mine)
                lost += sum(1 for m in mine if not heard[m])
                twice += sum(1 for m in mine if heard[m] > 1)
        return f"a stock bridge: {sent} to be delivered, {lost} lost, {twice} there more than once"

    def close(self):
        for c in self.clients:
            with WORLD:
                c.stays = False
                c.drop()
        for broker in self.brokers.values():
            broker.kill()
        for wan in self.wans.values():
            wan.__exit__()
        self.hub.kill()
