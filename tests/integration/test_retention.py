"""Retention, whose days are made to pass in the database while the broker is down."""
import sqlite3
from contextlib import closing

import wire
from oracle import id_blob
from reactor import wait_for

DAY_MS = 24 * 3600 * 1000


def ask(broker, sql):
    with closing(sqlite3.connect(f"file:{broker.db}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(sql).fetchall()


def test_retention_is_taken_and_given_up(make_hub):
    w = make_hub()
    a, b = w.on("ann"), w.on("bob", auto=False)
    _scope, conv = w.open(a, {"bob": wire.MEMBER})
    assert ask(w.broker, "SELECT count(*) FROM timer") == [(0,)]
    b.no(wire.DENIED, wire.CONV_SET, conv, {5: 1})
    at = a.ok(wire.CONV_SET, conv, {5: 2})[3]
    assert ask(w.broker, "SELECT retention_days, floor FROM conversation") == [(2, 0)]
    ((owner, due),) = ask(w.broker, "SELECT owner, due FROM timer")
    assert owner == id_blob(conv) and at + DAY_MS < due <= at + 3 * DAY_MS
    a.ok(wire.CONV_SET, conv, {5: 0})
    assert ask(w.broker, "SELECT retention_days FROM conversation") == [(0,)]
    assert ask(w.broker, "SELECT count(*) FROM timer") == [(0,)]
    w.close()


def test_old_events_go_and_a_get_below_the_floor_is_a_snapshot(make_hub):
    w = make_hub()
    a = w.on("ann")
    scope, conv = w.open(a, {"bob": wire.MEMBER})
    a.ok(wire.CONV_SET, conv, {5: 2})
    for i in range(10):
        last = a.msg(conv, str(i))[2]
    a.disconnect()
    w.broker.stop()
    with closing(sqlite3.connect(w.broker.db)) as db, db:
        (middle,) = db.execute("SELECT key FROM event ORDER BY key LIMIT 1 OFFSET 6").fetchone()
        floor = db.execute("SELECT last FROM event WHERE key < ? ORDER BY key DESC", (middle,)).fetchone()[0]
        db.execute("UPDATE event SET at = at - ? WHERE key < ?", (3 * DAY_MS, middle))
        db.execute("UPDATE timer SET due = due - ?", (3 * DAY_MS,))
    w.broker.start()
    wait_for(lambda: ask(w.broker, "SELECT floor FROM conversation") == [(floor,)], 20, "the floor")
    b = w.on("bob", auto=False)
    w.watch(b, scope)
    head = wire.decode(b.wait_message(lambda m: m.topic.endswith(f"{conv}/head") and m.retain, what="the retained head").payload)
    assert (head[2], head[3]) == (last, floor) and b.welcome[6][0][3] == floor
    pages = b.get(conv, 0)
    snapshot = [r for r in b.replies if r[1] == wire.SNAPSHOT]
    assert [(r[2], r[3]) for r in snapshot] == [(conv, floor)]
    assert [ev[16] for p in pages for ev in wire.page_events(p)] == list(range(floor + 1, last + 1))
    assert b.welcome[6][0][5] == sum(1 for p in pages for ev in wire.page_events(p) if ev[1] == wire.MSG), "what is gone is not unread"
