"""The wire contract in Python: numbers, encoding, and a strict check of everything that a hub says.

Written from the CDDL and CONTRACT.md alone, as a second implementation: it shares no line with the hub.
"""
import re
import zlib

import cbor2

HELLO, BYE, IDLE, WATCH, TIME = 1, 2, 3, 4, 5
GET, HEADS, DIGEST = 10, 11, 12
MSG, EDIT, DELETE, REDACT, REACT, CONFIRM = 20, 21, 22, 23, 24, 25
RECEIPT, READERS = 30, 31
CONV_NEW, CONV_SET, MEMBER_ADD, MEMBER_REMOVE, MEMBER_ROLE = 40, 41, 42, 43, 44
BLOB_NEW, STATE_SET, STEP = 70, 80, 81
DURABLE = {MSG, EDIT, DELETE, REDACT, REACT, CONFIRM, CONV_NEW, CONV_SET, MEMBER_ADD, MEMBER_REMOVE, MEMBER_ROLE, BLOB_NEW, STATE_SET, STEP}

ACK, NACK, WELCOME, PAGE, SNAPSHOT, TIME_REPLY, NUDGE, REPORT = 1, 2, 3, 4, 5, 6, 7, 8

(MALFORMED, TOO_LARGE, DENIED, UNKNOWN, GAP, CONFLICT, STALE, TOO_LATE, RATE, FULL, UNSUPPORTED, EXPIRED, BUSY,
 IDENTITY) = range(1, 15)

OBSERVER, MEMBER, MANAGER, OWNER, SERVICE = 0, 1, 2, 3, 9

FLAG_OFFLINE, FLAG_STALE, FLAG_CONFLICT, FLAG_HUB, FLAG_CONFIRM, FLAG_REDACTED = 1, 2, 4, 8, 16, 32
FLAG_PROVISIONAL, FLAG_REFUSED = 64, 128

IN_HEADS, IN_JOINED, IN_REMOVED, IN_OWN, IN_ALERT = 1, 2, 3, 4, 5

HUB = "~hub"  # user and device of what the hub does itself

ID = re.compile(r"[A-Za-z0-9._~-]{1,36}\Z")
EVENT_KEYS = {1, 2, 3, 4, 6, 8, 9, 10, 15, 16, 17, 18, 19, 20, 21, 22, 23}


def dumps(value):
    """Deterministic CBOR. (Keys are small uints or text, where length-first and bytewise order are the same.)"""
    return cbor2.dumps(value, canonical=True)


class Violation(Exception):
    """The hub broke the contract."""


def need(ok, what, value=None):
    if not ok:
        raise Violation(f"{what}: {value!r}")


def is_uint(v):
    return type(v) is int and v >= 0


def is_id(v):
    return isinstance(v, str) and ID.match(v) is not None


def decode(payload):
    """One item, deterministic, nothing after it."""
    try:
        value = cbor2.loads(payload)
        canonical = _canonical(payload, value)
    except Exception as why:
        raise Violation(f"not CBOR: {payload[:80].hex()}: {why}") from why
    need(canonical, "not deterministic CBOR (or bytes after it)", payload[:200].hex())
    return value


def _canonical(payload, value):
    # Floats in bodies are a client's own choice of width, so what holds one is only checked for trailing bytes.
    if _has_float(value):
        return cbor2.loads(payload) == value
    return dumps(value) == payload


def _has_float(value):
    if isinstance(value, float):
        return True
    if isinstance(value, dict):
        return any(_has_float(v) for v in value.values())
    return isinstance(value, (list, tuple)) and any(_has_float(v) for v in value)


def is_provisional(ev):
    return bool(ev.get(20, 0) & FLAG_PROVISIONAL)


def check_event(ev):
    need(isinstance(ev, dict), "event is no map", ev)
    need(set(ev) <= EVENT_KEYS, "event has unknown keys", ev)
    need(all(k in ev for k in (1, 2, 3, 17, 18, 19)), "event lacks a key", ev)
    need(is_provisional(ev) != (16 in ev), "an event has either a seq or is provisional", ev)
    need(not is_provisional(ev) or 22 in ev, "a provisional event without its branch", ev)
    need(22 not in ev or (len(ev[22]) == 3 and is_id(ev[22][0]) and all(map(is_uint, ev[22][1:]))), "branch", ev)
    need(ev[1] in DURABLE, "event of a kind that makes none", ev)
    need(is_uint(ev[2]) and ev[2] > 0, "event n", ev)
    need(16 not in ev or (is_uint(ev[16]) and ev[16] > 0), "event seq", ev)
    need(is_uint(ev[17]) and ev[17] > 10**12, "event at is no time in ms", ev)
    need(all(is_id(ev[k]) for k in (3, 18, 19)), "event id", ev)
    need(16 not in ev or ev.get(4, 0) < ev[16], "P4: seen is not below seq", ev)
    need(ev.get(6, 2) in (0, 1, 2, 3), "event priority", ev)
    need((23 in ev) <= (10 in ev and ev[10] is None), "a hash beside a body", ev)
    need(23 not in ev or (isinstance(ev[23], bytes) and len(ev[23]) == 32), "body hash", ev)
    need(ev.get(20, 1) in range(1, 256), "event flags", ev)
    need(not ev.get(20, 0) & FLAG_REFUSED or (is_provisional(ev) and 10 not in ev), "refused: only what is provisional, and without its body", ev)
    need(not ev.get(20, 0) & FLAG_REDACTED or 23 in ev, "redacted, and the body is there", ev)
    return ev


def events_of(payload):
    """The payload of .../event: a map, or an array of 2 to 64 of one conversation, contiguous."""
    value = decode(payload)
    events = value if isinstance(value, list) else [value]
    need(not isinstance(value, list) or 2 <= len(value) <= 64, "events array length", value)
    check_run(events)
    return events


def check_run(events):
    for ev in events:
        check_event(ev)
    for a, b in zip(events, events[1:]):
        need(a[3] == b[3], "two conversations in one array", (a, b))
        need(is_provisional(a) == is_provisional(b), "provisional events among others", (a, b))
        need(is_provisional(a) or a[16] + 1 == b[16], "array is not contiguous", (a.get(16), b.get(16)))
        need(is_provisional(a) or a[17] <= b[17], "at decreases", (a, b))


def check_reply(r):
    need(isinstance(r, dict) and is_uint(r.get(1)), "reply", r)
    check = _REPLY.get(r[1])
    need(check is not None, "reply of an unknown kind", r)
    check(r)
    return r


def _ack(r):
    need(set(r) <= {1, 2, 3} and isinstance(r.get(2), list) and r[2], "ack", r)
    for row in r[2]:
        need(isinstance(row, list) and len(row) == 4, "ack row", row)
        n, conv, seq, at = row
        need(is_uint(n) and n > 0, "ack n", row)
        need(conv is None or is_id(conv), "ack conversation", row)
        need(seq is None or (is_uint(seq) and seq > 0), "ack seq", row)
        need(is_uint(at), "ack at", row)
    need(3 not in r or (is_id(r[3]) and all(row[2] is None for row in r[2])), "an ack of custody has no seqs", r)


def _nack(r):
    need(set(r) <= set(range(1, 8)), "nack keys", r)
    need(r.get(3) in range(1, 15), "nack code", r)
    need(2 not in r or (is_uint(r[2]) and r[2] > 0), "nack n", r)
    need(isinstance(r.get(4), str) and r[4], "P7: a nack without a sentence", r)
    need(5 not in r or isinstance(r[5], bool), "nack retry", r)
    need(7 not in r or (is_uint(r[7]) and r[7] > 0), "nack next n", r)


def _welcome(r):
    need(set(r) <= set(range(1, 9)) and all(k in r for k in range(1, 8)), "welcome keys", r)
    need(is_uint(r[2]) and r[2] > 0 and is_uint(r[3]) and r[4] > 10**12, "welcome epoch, session, at", r)
    need(is_uint(r[5]) and r[5] > 0, "welcome next n", r)
    for row in r[6]:
        check_conv_head(row)
    need(set(r[7]) - {5} == {1, 2, 3, 4} and all(is_uint(v) for v in r[7].values()), "limits", r)


def check_conv_head(row):
    need(isinstance(row, list) and len(row) == 6, "conv-head", row)
    need(is_id(row[0]) and is_id(row[1]) and all(is_uint(v) for v in row[2:]), "conv-head", row)


def _page(r):
    need(set(r) == set(range(1, 8)), "page keys", r)
    need(is_id(r[2]) and is_uint(r[3]) and is_uint(r[4]) and isinstance(r[5], bool) and r[6] in (0, 1), "page", r)
    events = page_events(r)
    check_run(events)
    need(all(ev[3] == r[2] for ev in events), "page of another conversation", r)
    if events and is_provisional(events[0]):
        need(r[4] < r[3], "a page of provisional events has no range", (r[3], r[4]))
    elif events:
        need(r[3] == events[0][16] and r[4] == events[-1][16], "page range is not its events' range", (r[3], r[4]))


def page_events(r):
    if r[6] == 0:
        need(isinstance(r[7], list), "plain page", r)
        return r[7]
    need(isinstance(r[7], bytes), "zlib page", r)
    inflater = zlib.decompressobj()
    plain = inflater.decompress(r[7])
    need(inflater.eof and not inflater.unused_data, "zlib page is no whole stream", r)
    return decode(plain)


def _snapshot(r):
    need(set(r) == {1, 2, 3, 4} and is_id(r[2]) and is_uint(r[3]), "snapshot", r)


def _time(r):
    need(set(r) == {1, 2, 3, 4} and all(is_uint(r[k]) for k in (2, 3, 4)) and r[3] <= r[4], "time", r)


def _nudge(r):
    need(set(r) == {1, 2} and r[2] and all(is_id(c) and is_uint(s) for c, s in r[2]), "nudge", r)


def _report(r):
    need({1, 2, 3} <= set(r) <= {1, 2, 3, 4, 5} and is_uint(r[2]), "report", r)
    if r[2] == DIGEST:
        need({4, 5} <= set(r) and isinstance(r[3], bytes) and len(r[3]) == 32, "report on digest", r)
    elif r[2] == READERS:
        need({4, 5} <= set(r) and isinstance(r[3], dict), "report on readers", r)
        for user, row in r[3].items():
            need(is_id(user) and len(row) == 3 and all(v is None or is_uint(v) for v in row), "readers of a message", (user, row))


_REPLY = {ACK: _ack, NACK: _nack, WELCOME: _welcome, PAGE: _page, SNAPSHOT: _snapshot, TIME_REPLY: _time, NUDGE: _nudge, REPORT: _report}


def check_inbox(r):
    need(isinstance(r, dict) and r.get(1) in range(1, 6), "inbox", r)
    what = r[1]
    if what == IN_HEADS:
        need(set(r) == {1, 2} and r[2], "inbox heads", r)
        for row in r[2]:
            need(len(row) == 4 and is_id(row[0]) and is_id(row[1]) and is_uint(row[2]) and is_uint(row[3]), "inbox head", row)
    elif what == IN_JOINED:
        need(set(r) == {1, 2, 3, 4} and is_id(r[2]) and is_id(r[3]) and r[4] in (0, 1, 2, 3, 9), "inbox joined", r)
    elif what == IN_REMOVED:
        need(set(r) == {1, 2, 3} and is_id(r[2]) and is_id(r[3]), "inbox removed", r)
    elif what == IN_OWN:
        need(set(r) == {1, 2} and r[2], "inbox horizons", r)
        check_horizons(r[2])
    elif what == IN_ALERT:  # seq 0: of what a site has and the hub has not ordered yet
        need({1, 2, 3, 4} <= set(r) <= {1, 2, 3, 4, 5} and is_id(r[2]) and is_uint(r[3]) and r[4] in (0, 1, 2, 3), "inbox alert", r)
    return r


def check_horizons(r):
    """conversation or member => [delivered, read]"""
    need(isinstance(r, dict), "horizons", r)
    for who, row in r.items():
        need(is_id(who) and len(row) == 2 and all(map(is_uint, row)) and row[1] <= row[0], "horizons", (who, row))
    return r


def check_typing(r):
    need(isinstance(r, dict) and set(r) == {1, 2} and is_uint(r[2]), "typing", r)
    need(isinstance(r[1], list) and len(r[1]) == min(r[2], 3) and all(map(is_id, r[1])), "who is typing", r)
    return r


def check_head(r):
    need(isinstance(r, dict) and set(r) == {1, 2, 3, 4, 5} and all(is_uint(r[k]) for k in (1, 2, 3, 4)), "head", r)
    need(isinstance(r[5], bytes) and len(r[5]) == 32, "chain of a head", r)
    need(r[3] <= r[2], "floor above head", r)
    return r


def check_about(r):
    need(isinstance(r, dict) and set(r) <= {1, 2, 3, 4, 5} and all(k in r for k in (1, 2, 3, 4)), "about", r)
    need(is_uint(r[1]) and isinstance(r[2], str) and is_id(r[3]) and isinstance(r[4], dict), "about", r)
    for user, row in r[4].items():
        need(is_id(user) and len(row) == 2 and row[0] in (0, 1, 2, 3, 9) and is_uint(row[1]), "about member", (user, row))
    return r
