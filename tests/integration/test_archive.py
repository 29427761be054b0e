"""The archive on a real hub: its members see no difference, whatever the operator does with its files."""
import shutil
import sqlite3
import time
from contextlib import closing

import chain
import wire
from reactor import wait_for
from test_cli import Cli

SAID = 60


def rows(broker, sql="SELECT count(*) FROM event"):
    with closing(sqlite3.connect(f"file:{broker.db}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(sql).fetchone()[0]


def history(device, conv, after=0):
    """What a get tells: the snapshot's floor, or None, and the events."""
    device.replies.clear()
    events = [ev for page in device.get(conv, after) for ev in wire.page_events(page)]
    floors = [r[3] for r in device.replies if r[1] == wire.SNAPSHOT]
    assert len(floors) <= 1
    return (floors or [None])[0], events


def verify(folder, w, conv, events):
    bob = Cli(folder, w.broker.port, "bob")
    bob.run("export", conv, "--out", str(folder / "export"))
    (row,) = bob.rows("verify", str(folder / "export"))
    assert (row["type"], row["from"], row["to"], row["chain"]) == ("verified", 1, len(events), chain.over(events)[-1].hex())


def test_a_history_is_read_through_its_archive(make_hub, tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    w = make_hub(options={"archive_dir": str(folder), "archive_days": 0})
    a = w.on("ann")
    _scope, conv = w.open(a, {"bob": wire.MEMBER})
    for i in range(SAID):
        last = a.msg(conv, f"message {i}")[2]
    b = w.on("bob", auto=False)
    wait_for(lambda: rows(w.broker) == 1, 20, "all but the newest are in the archive")
    floor, whole = history(b, conv)
    assert floor is None and [ev[16] for ev in whole] == list(range(1, last + 1))
    found = sorted(folder.glob("fp-*.seg"))
    assert found and all(conv in f.name for f in found)
    w.broker.kill()
    away = tmp_path / "away"
    away.mkdir()
    newest = max(found, key=lambda f: int(f.name.split("-")[-2]))
    upto = int(newest.name.split("-")[-2])
    shutil.move(newest, away)
    w.broker.start()
    b = w.on("bob", auto=False)
    floor, rest = history(b, conv)
    assert floor == upto and rest == whole[upto:]
    a = w.on("ann")
    n = a.submit(wire.REDACT, conv, {}, k8=upto)
    nack = wait_for(lambda: [r for r in a.replies if r[1] == wire.NACK and r.get(2) == n], 10, "the redaction is put off")[0]
    assert nack[3] == wire.BUSY and nack[5] is True and "archive" in nack[4]
    assert f"cannot be read: {newest}" in w.broker.log_text() and n not in a.results
    shutil.move(away / newest.name, folder)
    redacted = a.wait_result(n)
    assert redacted[2] == last + 1, redacted
    floor, now = history(b, conv)
    assert floor is None and len(now) == last + 1
    assert now[upto - 1][10] is None and now[upto - 1][20] & wire.FLAG_REDACTED and chain.same(now[upto - 1], whole[upto - 1])
    assert chain.over(now)[last - 1] == chain.over(whole)[-1]
    wait_for(lambda: not newest.exists(), 20, "the file of what was redacted is gone")
    wait_for(lambda: rows(w.broker) == 1, 20, "the rest of it is archived anew")
    assert history(b, conv) == (None, now)
    verify(tmp_path, w, conv, now)
    w.oracle.check_violations()
    w.close(check=False)  # the check of the database knows no archive


def test_a_hub_that_is_killed_while_it_archives_loses_nothing_and_leaves_nothing(make_hub, tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    w = make_hub(options={"archive_dir": str(folder), "archive_days": 0, "commands_per_s": 0})
    a = w.on("ann")
    _scope, conv = w.open(a, {})
    said = []
    for life in range(4):
        a = w.on("ann", f"life-{life}")
        until = time.monotonic() + 0.7 + life * 0.1  # it looks once a second
        while time.monotonic() < until:
            said.append(a.msg(conv, f"{life}.{len(said)}")[2])
        w.broker.kill()
        w.broker.start()
    b = w.on("ann", "reader", auto=False)
    floor, events = history(b, conv)
    assert floor is None and [ev[16] for ev in events] == list(range(1, len(events) + 1))
    assert set(said) <= {ev[16] for ev in events}
    wait_for(lambda: rows(w.broker) == 1, 20, "all but the newest are in the archive")
    known = rows(w.broker, "SELECT group_concat(name, '/') FROM segment").split("/")
    assert sorted(f.name for f in folder.iterdir()) == sorted(known)
    assert history(b, conv) == (None, events)
    w.oracle.check_violations()
    w.close(check=False)
