"""Stop and start; retained messages without the broker's persistence; bad and shared database files; valgrind."""
import os
import sqlite3
import time
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

import broker as brokers
import wire
from conftest import World
from reactor import WORLD, wait_for


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_all_is_there_again_after_a_start(make_hub, how):
    w = make_hub()
    a, b = w.on("ann"), w.on("bob")
    convs = [w.open(a, {"bob": wire.MEMBER}, title=f"Title {i}") for i in range(5)]
    a.ok(wire.CONV_SET, convs[0][1], {4: {1: "bid", 2: "b-1"}})
    last = {conv: a.msg(conv, "x")[2] for _, conv in convs}
    for conv, seq in last.items():
        b.sync(conv, seq)
    epoch = a.epoch
    getattr(w.broker, how)()
    w.broker.start()
    late = w.on("bob", auto=False)
    assert late.welcome[2] == epoch
    for i, (scope, conv) in enumerate(convs):
        topic = f"fp/1/scope/{scope}/conv/{conv}"
        w.watch(late, scope)
        head = late.wait_message(lambda m: m.topic == f"{topic}/head" and m.retain, what="the retained head")
        about = late.wait_message(lambda m: m.topic == f"{topic}/about" and m.retain, what="the retained about")
        assert wire.decode(head.payload)[2] == last[conv]
        about = wire.decode(about.payload)
        assert about[2] == f"Title {i}" and about[4] == {"ann": [3, 1], "bob": [1, 1]}
        assert (5 in about) is (i == 0)
    row = a.msg(convs[0][1], "and on")
    b.sync(convs[0][1], row[2])
    assert a.convs[convs[0][1]].log == b.convs[convs[0][1]].log


def test_a_head_is_newer_than_a_stale_retained_one_of_the_brokers_own(make_hub):
    """The broker's persistence file is older than the hub's log after a crash; what the hub retains wins."""
    w = make_hub(persistence=True)
    a = w.on("ann")
    scope, conv = w.open(a, title="Old")
    a.barrier()
    w.broker.stop()
    stale = (w.broker.folder / "mosquitto.db").read_bytes()
    w.broker.start()
    a.ok(wire.CONV_SET, conv, {2: "New"})
    last = a.msg(conv, "x")[2]
    w.broker.kill()
    (w.broker.folder / "mosquitto.db").write_bytes(stale)
    w.broker.start()
    late = w.on("ann", auto=False)
    w.watch(late, scope)
    topic = f"fp/1/scope/{scope}/conv/{conv}"
    wait_for(lambda: [wire.decode(m.payload)[2] for m in late.on_topic(f"{topic}/head")][-1:] == [last], 5, "the newest head")
    wait_for(lambda: [wire.decode(m.payload)[2] for m in late.on_topic(f"{topic}/about")][-1:] == ["New"], 5, "the newest about")


def corrupt_header(path):
    with open(path, "r+b") as f:
        f.write(b"this is no database")


def corrupt_pages(path):
    size = path.stat().st_size
    with open(path, "r+b") as f:
        f.seek(100)
        f.write(os.urandom(size - 100))


def another_schema(path):
    path.unlink()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE somebody_elses (x)")
    db.commit()
    db.close()


def truncated(path):
    with open(path, "r+b") as f:
        f.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize("spoil", [corrupt_header, corrupt_pages, another_schema, truncated])
def test_a_bad_database_is_moved_aside_and_a_new_epoch_told(make_hub, spoil):
    w = make_hub()
    a = w.on("ann", auto=False)
    scope, conv = w.open(a)
    for i in range(20):
        a.msg(conv, "x" * 1000)
    epoch = a.epoch
    a.drop()
    w.broker.stop()
    assert not Path(f"{w.broker.db}-wal").exists() or not Path(f"{w.broker.db}-wal").stat().st_size, "a clean stop leaves one whole file"
    spoil(w.broker.db)
    spoilt = w.broker.db.read_bytes()
    w.broker.start()
    again = World(w.broker)
    b = again.on("ann", a.device, auto=False)
    assert b.welcome[2] != epoch and b.welcome[5] == 1 and b.welcome[6] == []
    b.msg(again.open(b)[1], "a new beginning")
    again.close()
    aside = list(w.broker.folder.glob("fieldpost.db.bad-*"))
    aside = [p for p in aside if not p.name.endswith(("-wal", "-shm"))]
    assert len(aside) == 1 and aside[0].read_bytes() == spoilt, "kept for who wants to look"
    assert "moved" in w.broker.log_text() or "aside" in w.broker.log_text(), w.broker.tail()
    w.broker.stop()
    w.broker.start()
    c = World(w.broker).on("ann", a.device, auto=False)
    assert c.welcome[2] == b.welcome[2], "the new epoch stays"
    c.drop()


def test_two_brokers_do_not_share_a_database(make_hub, tmp_path):
    w = make_hub()
    a = w.on("ann", auto=False)
    scope, conv = w.open(a)
    second = brokers.Broker(tmp_path / "second", db=w.broker.db)
    _, log = second.start_expecting_failure()
    assert str(w.broker.db) in log, log
    a.msg(conv, "the first is not disturbed")
    w.broker.kill()
    second.start()
    b = World(second).on("ann", a.device, auto=False)
    assert b.welcome[5] == 3 and len(b.history(conv)) == 2
    b.drop()
    second.stop()


def test_a_database_of_a_newer_release_is_left_alone(make_hub):
    w = make_hub()
    w.on("ann", auto=False).drop()
    w.broker.stop()
    db = sqlite3.connect(w.broker.db)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    db.execute(f"PRAGMA user_version = {version + 1000}")
    db.commit()
    db.close()
    before = w.broker.db.read_bytes()
    w.broker.start_expecting_failure()
    assert w.broker.db.read_bytes() == before, "changed by an older release"


def test_a_stop_under_load_is_clean_and_loses_nothing(make_hub):
    w = make_hub(options={"commands_per_s": 0})
    a, b = w.on("ann", batch=64), w.on("bob")
    scope, conv = w.open(a, {"bob": wire.MEMBER})
    for _ in range(5):
        with WORLD:
            for _ in range(20):
                part = [a.compose(wire.MSG, conv, {1: "x" * 200}) for _ in range(20)]
                if a.welcomed:
                    a.send(part)
        wait_for(lambda: len(a.results) > 5, 10, "some acks")
        w.broker.stop()
        w.broker.start()
    wait_for(a.drained, 30, "all acked")
    b.sync(conv, 2001, 30)
    w.close()


@pytest.mark.alone
def test_start_is_quick_with_what_is_there(make_hub):
    w = make_hub(options={"commands_per_s": 0})
    a = w.on("ann", batch=64)
    scope, conv = w.open(a)
    with WORLD:
        for _ in range(100):
            a.send([a.compose(wire.MSG, conv, {1: "x" * 100}) for _ in range(64)])
    wait_for(a.drained, 60, "all acked")
    w.broker.kill()
    began = time.monotonic()
    w.broker.start()
    assert time.monotonic() - began < 2.0


# -------------------------------------------------------------------- valgrind

def ours(error):
    frames = error.iter("frame")
    return any("fieldpost" in (f.findtext("obj") or "") for f in frames)


@pytest.mark.slow
@pytest.mark.limit(240)
def test_valgrind_finds_nothing(tmp_path):
    report = tmp_path / "valgrind.xml"
    prefix = ["valgrind", "--leak-check=full", "--show-leak-kinds=definite", "--keep-debuginfo=yes", "--num-callers=30",
              "--child-silent-after-fork=yes", "--fair-sched=yes", "--xml=yes", f"--xml-file={report}"]
    b = brokers.Broker(tmp_path / "b", prefix=prefix, options={"services": "svc", "operators": "op"})
    b.start(60)
    w = World(b)
    try:
        a, c = w.device("ann"), w.device("bob", zlib=True)
        a.start(60)
        c.start(60)
        scope, conv = w.open(a, {"bob": wire.MEMBER})
        for i in range(30):
            a.submit(wire.MSG, conv, {1: "x" * 500})
        a.submit(wire.MSG, "nowhere", {1: "x"})
        a.submit(wire.CONV_SET, conv, {2: "Another", 4: {1: "c", 2: "d"}})
        a.publish(a.topic("up"), b"\xff\xff")
        a.publish(a.topic("up"), b"\x40" * 300000)
        a.publish("fp/1/ops/forged", b"x")
        a.submit(wire.MEMBER_REMOVE, conv, {1: "bob"})
        wait_for(a.drained, 60, "acks")
        last = a.submit(wire.MEMBER_ADD, conv, {1: "bob", 2: 1, 3: 1})
        seq = a.wait_result(last, 60)[2]
        assert [ev[16] for ev in c.history(conv, timeout=60)] == list(range(1, seq + 1))
        c.get(conv, 0, zlib=True, timeout=60)
        assert c.subscribe("fp/#", timeout=60) == [128]
        b.reload()
        a.barrier(60)
        c.drop()
        a.disconnect()
    finally:
        w.close(check=False)
        if b.alive():
            b.stop(60)
    w.oracle.check_violations()
    errors = [e for e in xml.parse(report).getroot().iter("error") if ours(e)]
    assert not errors, "\n".join(xml.tostring(e, encoding="unicode") for e in errors[:5])
