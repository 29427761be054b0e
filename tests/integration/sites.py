"""A hub and sites, each a real broker with the plugin, and between them a link that can be cut: our daemon, or a plain Mosquitto bridge."""
import subprocess
import time
from pathlib import Path

import broker as brokers
import wire
from broker import Broker, _die_with_parent, free_port
from chaos_proxy import ChaosProxy, Manners
from client import Device
from oracle import Oracle, read_store
from reactor import WORLD, shared, wait_for


def relay_path():
    """fieldpost-relay, as it was built beside the plugin."""
    path = Path(brokers.plugin_path()).parents[2] / "edge-relay/fieldpost-relay"
    if not path.is_file():
        raise RuntimeError(f"the relay is not built: {path}")
    return path


class Relay:
    """The daemon, as the trunk's pipe of a site; its gateway listens as well. `options` are further ones, and count more."""

    def __init__(self, folder, name, site_port, hub_port, prefix=(), options=()):
        self.folder, self.name, self.prefix, self.options = Path(folder), name, list(prefix), list(options)
        self.site_port, self.hub_port, self.port = site_port, hub_port, free_port()
        self.process = None
        self.log = self.folder / "relay.log"

    def start(self):
        options = [f"relay={self.name}", f"site=127.0.0.1:{self.site_port}", f"hub=127.0.0.1:{self.hub_port}", f"broker=127.0.0.1:{self.site_port}",
                   f"listen=127.0.0.1:{self.port}", "log_level=debug", *self.options]
        argv = [*self.prefix, relay_path(), *(word for option in options for word in ("-o", option))]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent)
        return self

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            code = self.process.wait(10)
            self.process = None
            assert code == 0, f"the relay ended with {code}:\n{self.log.read_text()[-3000:]}"


class Bridge:
    """A plain Mosquitto as the pipe: nothing of ours, a broker of its own that copies two topics."""

    def __init__(self, folder, name, site_port, hub_port, prefix=()):
        self.folder, self.name = Path(folder), name
        self.site_port, self.hub_port = site_port, hub_port
        self.broker = None

    def start(self):
        self.broker = Broker(self.folder / "bridge", plugin=False, lines=[
            "connection site", f"address 127.0.0.1:{self.site_port}", f"remote_username {self.name}", f"remote_clientid {self.name}.bridge-site",
            f"topic fp/1/relay/{self.name}/up in 0", f"topic fp/1/relay/{self.name}/down out 0", "cleansession true", "notifications false",
            "try_private false", "restart_timeout 1", "keepalive_interval 5",
            "connection hub", f"address 127.0.0.1:{self.hub_port}", f"remote_username {self.name}", f"remote_clientid {self.name}.bridge-hub",
            f"topic fp/1/relay/{self.name}/up out 0", f"topic fp/1/relay/{self.name}/down in 0", "cleansession true", "notifications false",
            "try_private false", "restart_timeout 1", "keepalive_interval 5"])
        self.broker.start()
        return self

    def kill(self):
        if self.broker is not None and self.broker.process is not None:
            self.broker.kill()

    stop = kill


class InSite:
    """A bridge in the site's own broker. It goes with the WAN, and comes back by itself."""

    def __init__(self, _folder, name, _site_port, hub_port):
        self.lines = ["connection hub", f"address 127.0.0.1:{hub_port}", f"remote_username {name}", f"local_username {name}",
                      f"topic fp/1/relay/{name}/up out 0", f"topic fp/1/relay/{name}/down in 0", "cleansession true", "notifications false",
                      "try_private false", "restart_timeout 1", "keepalive_interval 5"]

    def start(self):
        return self

    def kill(self):
        pass


class Site:
    def __init__(self, sites, name, scopes, pipe, manners, seed):
        self.sites, self.name, self.scopes = sites, name, scopes
        self.folder = sites.folder / name
        self.broker = Broker(self.folder, options={"role": "site", "relay": name, "operators": "op", "commands_per_s": 5000})
        self.wan = ChaosProxy(sites.hub.port, seed, manners or Manners())
        self.pipe_class = pipe
        self.pipe = None

    def start(self):
        self.wan.__enter__()
        if self.pipe_class is InSite:
            self.broker.lines += InSite(self.folder, self.name, self.broker.port, self.wan.port).lines
        self.broker.start()
        self.link()
        return self

    def link(self):
        """The WAN is there (again)."""
        self.pipe = self.pipe_class(self.folder, self.name, self.broker.port, self.wan.port).start()

    def cut(self):
        """The WAN is gone; nobody is told in order."""
        self.pipe.kill()

    def close(self):
        self.pipe.kill()
        self.wan.__exit__()
        if self.broker.process is not None:
            self.broker.stop()


class Sites:
    """One hub, sites as asked for, and what all their people see."""

    def __init__(self, folder, relays, options=None, lines=()):
        """relays: name -> scopes; options and lines: of the hub, as Broker's."""
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "relays"
        file.write_text("".join(f"{name} scopes {','.join(scopes)}\n" for name, scopes in relays.items()))
        self.relays = relays
        options = {"relays_file": file, "operators": "op", "commands_per_s": 5000, **(options or {})}
        self.hub = Broker(self.folder / "hub", options=options, lines=lines)
        self.sites, self.devices = {}, []
        self.oracle = Oracle()
        self.hub.start()

    def site(self, name, pipe=Relay, manners=None, seed=1):
        s = Site(self, name, self.relays[name], pipe, manners, seed).start()
        self.sites[name] = s
        return s

    def device(self, where, user, name, **kw):
        """where: a Site, or None: the hub, as over LTE."""
        d = Device(where.broker.port if where else self.hub.port, user, name, self.oracle, **kw)
        self.devices.append(d)
        return d

    def on(self, where, user, name, **kw):
        return self.device(where, user, name, **kw).start()

    def move(self, device, where):
        """The device leaves the one network and comes into the other."""
        with WORLD:
            device.port = where.broker.port if where else self.hub.port
            device.drop()
            shared().add(device)  # comes back by itself

    def again(self, broker):
        """It is started after a kill. If something else has its port by now, it has a new one, and all go there."""
        old = broker.port
        broker.start()
        if broker.port == old:
            return
        with WORLD:
            for d in self.devices:
                d.port = broker.port if d.port == old else d.port
        for s in self.sites.values():
            if broker is self.hub:
                s.wan.target = broker.port
            elif broker is s.broker and s.pipe.process is not None:
                s.cut()
                s.link()

    def open(self, owner, conv, scope, members):
        return owner.ok(wire.CONV_NEW, conv, {1: scope, 2: conv, 3: members})

    def settled(self, timeout=60):
        """Every command of every device has its final answer, and every site holds what the hub holds."""
        wait_for(lambda: all(d.drained() for d in self.devices), timeout,
                 lambda: f"all answered; left: {[(d.device, sorted(d.outbox)[:5], len(d.outbox), len(d.relayed), d.welcomed) for d in self.devices]}")
        end = time.monotonic() + timeout
        while True:
            hub = read_store(self.hub.db)
            behind = [(s.name, c) for s in self.sites.values() for c, events in hub.items() if self.scope_of(events) in s.scopes
                      and len(read_store(s.broker.db).get(c, ())) < len(events)]
            if not behind:
                return hub
            assert time.monotonic() < end, f"behind after {timeout} s: {behind}"
            time.sleep(0.05)

    @staticmethod
    def scope_of(events):
        return events[0][10][1]

    def check(self, timeout=60):
        """All has settled: nothing is lost or there twice, and every store and every device holds the same."""
        hub = self.settled(timeout)
        for s in self.sites.values():
            site = read_store(s.broker.db)
            for conv, events in hub.items():
                if self.scope_of(events) in s.scopes:
                    assert site.get(conv) == events, f"{s.name} holds another {conv}: {first_difference(site.get(conv, []), events)}"
            for conv in site:
                assert conv in hub, f"{s.name} holds {conv}, the hub does not"
        self.oracle.check(hub)
        self.oracle.check_drained(self.devices)
        for d in self.devices:
            for conv, c in d.convs.items():
                if c.member and conv in hub:
                    d.sync(conv, len(hub[conv]), timeout)
                    wait_for(lambda c=c: not c.provisional, timeout, lambda c=c, d=d: f"{d.device}: left as provisional: {list(c.provisional)[:5]}")
        return hub

    def close(self):
        for d in self.devices:
            with WORLD:
                d.stays = d.auto = False
            d.drop()
        for s in self.sites.values():
            s.close()
        if self.hub.process is not None:
            self.hub.stop()


def first_difference(a, b):
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y:
            return f"at {i + 1}: {x} / {y}"
    return f"{len(a)} events against {len(b)}"
