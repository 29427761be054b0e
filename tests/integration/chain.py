"""The chain over a conversation's events, from the rule in schemas/cddl/event.cddl alone."""
import hashlib

import wire

ZERO = bytes(32)
BODY, FLAGS, BODY_HASH = 10, 20, 23


def sha256(data):
    return hashlib.sha256(data).digest()


def body_hash(ev):
    """Of the body as it was; key 23 once it is gone."""
    if BODY_HASH in ev:
        return ev[BODY_HASH]
    return sha256(wire.dumps(ev[BODY]) if BODY in ev else b"")


def header(ev):
    """What redacting and leaving out a body does not change."""
    out = {k: v for k, v in ev.items() if k not in (BODY, BODY_HASH)}
    flags = out.pop(FLAGS, 0) & ~wire.FLAG_REDACTED
    return {**out, FLAGS: flags} if flags else out


def over(events, before=ZERO):
    """The chain after each of these events, which follow each other; `before` is the chain at the event before the first."""
    out = []
    for ev in events:
        before = sha256(before + sha256(wire.dumps(header(ev))) + body_hash(ev))
        out.append(before)
    return out


def same(a, b):
    """One event, perhaps told once with its body and once without."""
    return a == b or bool(a and b and header(a) == header(b) and body_hash(a) == body_hash(b))
