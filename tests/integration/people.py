"""Who is there and who is typing, as a device is told; checked against the CDDL as it is read."""
import wire
from reactor import WORLD, wait_for

ACTIVITY, STATUS, POLICY, TYPING = 50, 51, 52, 60
OFFLINE, UNREACHABLE, AWAY, ACTIVE, BUSY = 0, 1, 2, 3, 4
SAYS_AWAY, SAYS_ACTIVE, SAYS_BUSY = 0, 1, 2
EVERYONE, HIDDEN = 0, 0
GONE = [OFFLINE, None]  # how one looks who hides, and one who was never there


def presence_of(payload):
    p = wire.decode(payload)
    wire.need(isinstance(p, dict) and 1 in p and set(p) <= {1, 2}, "presence", p)
    for user, row in p[1].items():
        wire.need(wire.is_id(user) and 2 <= len(row) <= 5 and row[0] in range(5), "person", (user, row))
        wire.need(row[1] is None or row[1] > 10**12, "person's time", (user, row))
    return p


def watch(device, *users, ttl=60):
    """Asks, and waits for the answer."""
    with WORLD:
        before = len(answers(device))
        device.say(wire.WATCH, body={1: list(users), 2: ttl}, leaf="now")
    wait_for(lambda: len(answers(device)) > before, 10, lambda: f"{device.device}: the answer to watch")


def told(device):
    """All that arrived for a watch."""
    return [presence_of(m.payload) for m in device.on_topic(f"fp/1/user/{device.user}/presence")]


def answers(device):
    return [p for p in told(device) if p.get(2)]


def seen(device, user):
    """What this device shows of a user whom it watches: his row."""
    row = None
    for p in told(device):
        row = p[1].get(user, None if p.get(2) else row)
    return row


def wait_state(device, user, state, timeout=10):
    wait_for(lambda: (seen(device, user) or [None])[0] == state, timeout,
             lambda: f"{device.device} sees {user} in state {state}, not {seen(device, user)}")


def digests(device, scope):
    return [presence_of(m.payload)[1] for m in device.on_topic(f"fp/1/scope/{scope}/presence")]


def wait_digest(device, scope, states, timeout=10):
    """states: user => state of all who are in it."""
    def ready():
        last = digests(device, scope)[-1:]
        return last and {u: row[0] for u, row in last[0].items()} == states
    wait_for(ready, timeout, lambda: f"{device.device}: a digest with {states}, not {digests(device, scope)[-1:]}")


def activity(device, what):
    device.say(ACTIVITY, body=what, leaf="now")


def hide(device, *rules):
    device.say(POLICY, body=list(rules) if rules else [[EVERYONE, HIDDEN]])
    device.barrier()


def typing_topic(scope, conv):
    return f"fp/1/scope/{scope}/conv/{conv}/typing"


def types(device, conv, on=True):
    device.say(TYPING, conv, on, leaf="now")


def typists(device, scope, conv):
    """Each digest that arrived: (names, how many)."""
    out = []
    for m in device.on_topic(typing_topic(scope, conv)):
        t = wire.decode(m.payload)
        wire.need(set(t) == {1, 2} and len(t[1]) == min(t[2], 3) and not m.retain, "typing", t)
        out.append((t[1], t[2]))
    return out


def wait_typists(device, scope, conv, names, timeout=10):
    """Until the last word is that these type, and nobody else."""
    def ready():
        last = (typists(device, scope, conv) or [([], 0)])[-1]
        return sorted(last[0]) == sorted(names) and last[1] == len(names)
    wait_for(ready, timeout, lambda: f"{device.device}: {names} type in {conv}, not {typists(device, scope, conv)[-1:]}")
