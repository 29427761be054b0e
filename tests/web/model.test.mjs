import assert from "node:assert/strict";
import {test} from "node:test";
import * as K from "../../edge-relay/web/sdk/keys.js";
import {backoff, later, ORDER} from "../../edge-relay/web/sdk/states.js";
import {Thread} from "../../edge-relay/web/sdk/thread.js";
import {Mirror, newRecord} from "../../edge-relay/web/sdk/mirror.js";
import {DEVICE, randomOf, World} from "./sim.mjs";

const STEPS = Number(process.env.FIELDPOST_WEB_STEPS ?? 100000);
const SEED = Number(process.env.FIELDPOST_SEED ?? 20240607);
const rank = (state) => (state === "failed" ? ORDER.indexOf("relayed") + 0.5 : ORDER.indexOf(state));

/** One row a message, and no state that goes back. */
class Watch {
  constructor(world) {
    this.world = world;
    this.ranks = new Map(); // by text: what was never sent may be given another n
  }

  look(isAll) {
    const {mirror} = this.world.model;
    for (const conv of this.world.convs) {
      const count = mirror.rowCount(conv);
      const rows = mirror.rows(conv, isAll ? 0 : count - 12, count).filter((row) => row.own);
      assert.equal(new Set(rows.map((row) => row.key)).size, rows.length, "a key twice");
      assert.equal(new Set(rows.map((row) => row.text)).size, rows.length, `a message twice: ${rows.map((row) => `${row.key} ${row.text} ${row.seq}`)}`);
      for (const row of rows) {
        const before = this.ranks.get(row.text) ?? 0;
        assert.ok(rank(row.state) >= before, `${row.text} went back to ${row.state}`);
        assert.equal(row.state === "failed", row.error !== null);
        this.ranks.set(row.text, rank(row.state));
      }
    }
  }
}

async function step(world, watch) {
  const what = world.pick(100);
  if (what < 18) {
    world.say(`${["say", "say", "say", "no", "later"][world.pick(5)]} ${world.said}`);
  } else if (what < 50) {
    world.arrive();
  } else if (what < 72) {
    await world.write();
  } else if (what < 82) {
    world.pass(world.pick(700));
  } else if (what < 88) {
    world.tell(world.hub.other(world.convs[world.pick(2)], ++world.others));
  } else if (what < 90) {
    const conv = world.convs[world.pick(2)];
    const head = world.hub.logs.get(conv).length;
    const read = world.pick(head + 1);
    world.send(`fp/1/scope/s/conv/${conv}/receipts`, new Map([["bob", [Math.max(read, world.pick(head + 1)), read]]]));
  } else if (what < 94 && world.site) {
    world.flush(1 + world.pick(3));
  } else if (what === 94) {
    world.cut();
  } else if (what === 95 && !world.site) {
    world.cut();
    world.toSite();
  } else if (what === 96 && world.site) {
    world.cut();
    world.fromSite();
  } else if (what === 97 && world.pick(4) === 0) {
    await world.reload();
    watch.ranks.clear(); // an answer that the store did not have yet is told again
  } else {
    world.pass(1 + world.pick(20));
  }
}

test(`${STEPS} random acks, refusals, echoes, provisional echoes, losses and restarts: one row a message, no state goes back`, async () => {
  const rounds = Math.ceil(STEPS / 1000);
  let sent = 0;
  let failed = 0;
  for (let round = 0; round < rounds; round++) {
    const world = new World(SEED + round);
    const watch = new Watch(world);
    try {
      world.start();
      for (let i = 0; i < 1000; i++) {
        await step(world, watch);
        watch.look(i % 100 === 0);
      }
      await world.settle();
      watch.look(true);
      check(world);
    } catch (error) {
      error.message = `FIELDPOST_SEED=${SEED + round}: ${error.message}`;
      throw error;
    }
    const own = world.convs.flatMap((conv) => world.model.mirror.rows(conv)).filter((row) => row.own);
    sent += own.filter((row) => row.seq).length;
    failed += own.filter((row) => row.state === "failed").length;
  }
  assert.ok(sent > STEPS / 40 && failed > STEPS / 200, `too little happened: ${sent} sent, ${failed} failed`);
});

/** At rest the device shows what the hub has, and what it refused; nothing waits. */
function check(world) {
  const {mirror, inbox, outbox} = world.model;
  assert.deepEqual(outbox.open().map((entry) => [entry.n, entry.state]), [], "nothing waits");
  for (const conv of world.convs) {
    const log = world.hub.logs.get(conv);
    const rows = mirror.rows(conv);
    assert.deepEqual(rows.filter((row) => row.seq).map((row) => [row.seq, row.text]), log.map((ev) => [ev.get(K.KEY_SEQ), ev.get(K.KEY_BODY).get(K.MSG_TEXT)]));
    assert.ok(rows.filter((row) => !row.seq).every((row) => row.state === "failed"), "what has no seq was refused");
    assert.equal(inbox.record(conv).cursor, log.length);
    assert.deepEqual(inbox.record(conv).provisional, []);
    assert.equal([...world.store.logs.get(conv)?.keys() ?? []].length, log.length, "the store has all");
  }
  const texts = world.convs.flatMap((conv) => world.hub.logs.get(conv)).filter((ev) => ev.get(K.KEY_DEVICE) === DEVICE).map((ev) => ev.get(K.KEY_BODY).get(K.MSG_TEXT));
  assert.equal(new Set(texts).size, texts.length, "nothing was said twice");
  const shown = new Set(world.convs.flatMap((conv) => mirror.rows(conv)).map((row) => row.text));
  world.accepted.forEach((text) => assert.ok(shown.has(text), `"${text}" was accepted, and is gone`));
}

test("the pause before a reconnect: full jitter, up to a bound that doubles until a minute", () => {
  const random = randomOf(1);
  for (let attempt = 0; attempt < 40; attempt++) {
    const bound = Math.min(60000, 200 * 2 ** attempt);
    const waits = Array.from({length: 200}, () => backoff(attempt, random()));
    assert.ok(waits.every((wait) => wait >= 100 && wait <= bound), `attempt ${attempt}`);
    assert.ok(Math.max(...waits) > 0.9 * bound && (attempt < 3 || Math.min(...waits) < 0.1 * bound), `attempt ${attempt}: spread over all of it`);
  }
});

test("a state never goes back, whatever comes", () => {
  for (const state of [...ORDER, "failed"]) {
    for (const next of [...ORDER, "failed"]) {
      assert.ok(rank(later(state, next)) >= rank(state), `${state} ${next}`);
    }
  }
  assert.equal(later("sent", "failed"), "sent");
  assert.equal(later("relayed", "failed"), "failed");
  assert.equal(later("failed", "relayed"), "failed");
});

const said = (seq, kind, fields) => ({
  kind, seq, n: seq, conv: "c", seen: 0, priority: 2, ref: null, version: null, body: null, isGone: false, at: seq, user: "bob", device: "desk", flags: 0,
  composed: null, branch: null, ...fields,
});
const text = (words) => ({text: words, media: "text/plain", mustConfirm: false});

test("events give the same rows in whatever order they come", () => {
  const log = [
    said(1, K.K_CONV_NEW, {body: {scope: "s", title: "T"}}), said(2, K.K_MSG, {body: text("one")}), said(3, K.K_MSG, {body: text("two")}),
    said(4, K.K_EDIT, {ref: 2, version: 4, body: text("one, edited")}), said(5, K.K_EDIT, {ref: 2, version: 4, flags: K.FLAG_CONFLICT, body: text("lost")}),
    said(6, K.K_REACT, {ref: 3, body: {emoji: "+", back: false}}), said(7, K.K_DELETE, {ref: 3, version: 7}), said(8, K.K_EDIT, {ref: 3, body: text("no")}),
    said(9, K.K_CONFIRM, {ref: 2, user: "ann"}), said(10, K.K_REDACT, {ref: 3, version: 10}), said(11, K.K_MSG, {isGone: true}),
    said(12, K.K_EDIT, {ref: 11, version: 12, body: text("of a page: the first body is left out")}),
  ];
  const shown = (events) => {
    const thread = new Thread({...newRecord("c", "s"), cursor: 12}, {user: "ann", device: "phone"});
    events.forEach((list) => thread.add(list));
    return Array.from({length: thread.count()}, (_one, i) => thread.row(i));
  };
  const wanted = shown([log]);
  assert.deepEqual(wanted.map((row) => [row.seq, row.text, row.edited, row.deleted, row.redacted, row.version]), [
    [1, null, false, false, false, 1], [2, "one, edited", true, false, false, 4], [3, null, false, true, true, 10],
    [11, "of a page: the first body is left out", true, false, false, 12],
  ]);
  assert.deepEqual(wanted[1].lost.map((edit) => edit.text), ["lost"]);
  assert.deepEqual(wanted[1].confirmedBy, ["ann"]);
  const random = randomOf(2);
  for (let i = 0; i < 200; i++) {
    const mixed = log.map((ev) => [random(), ev]).sort((a, b) => a[0] - b[0]).map(([, ev]) => [ev]);
    assert.deepEqual(shown(mixed), wanted);
    assert.deepEqual(shown([...mixed, log]), wanted, "twice is once");
  }
});

test("a hub that counts on hearing of the device is asked for the time as often as promised, if nothing else was said; no other hub is", async () => {
  for (const alive of [30, 0]) {
    const world = new World(4);
    world.isLossy = false;
    world.alive = alive > 0 ? [[K.LIMIT_ALIVE, alive]] : [];
    world.start();
    await world.settle();
    assert.equal(world.heard[0][1].get(K.KEY_BODY).get(K.HELLO_ALIVE), 30);
    world.heard = [[world.now]];
    for (let i = 0; i < 3000; i++) {
      world.pass(100);
      if (i % 250 === 0 && i > 1500) {
        world.say(`at ${i}`);
      }
      while (world.net.length > 0 || world.writes.length > 0) {
        world.arrive();
        await world.write();
      }
    }
    const questions = world.heard.filter(([, one]) => one instanceof Map && one.get(K.KEY_KIND) === K.K_TIME);
    const gaps = world.heard.slice(1).map(([at], i) => at - world.heard[i][0]);
    if (alive > 0) {
      assert.ok(Math.max(...gaps) <= 30000, `silent for ${Math.max(...gaps)} ms`);
      assert.ok(questions.length >= 4 && questions.length <= 6, `${questions.length} questions in 150 s of silence`);
      assert.ok(world.model.nextDue() <= world.now + 30000);
    } else {
      assert.equal(questions.length, 0);
    }
  }
});

test("another epoch: what was held goes, what waits is numbered anew and sent", async () => {
  const world = new World(1);
  world.start();
  await world.settle();
  for (const word of ["one", "two"]) {
    world.say(word);
    await world.settle();
  }
  world.tell(world.hub.other("c1", 1));
  await world.settle();
  world.cut();
  const waiting = world.say("waits");
  const old = world.hub;
  world.hub = new old.constructor(world.convs); // restored to the time before anything was said
  world.hub.epoch = 8;
  await world.settle();
  assert.equal(world.model.mirror.meta.epoch, 8);
  const rows = world.convs.flatMap((conv) => world.model.mirror.rows(conv));
  assert.deepEqual(rows.map((row) => [row.text, row.n, row.seq]), [["waits", 1, 1]]);
  assert.notEqual(waiting.n, 1);
  assert.deepEqual([...world.store.logs.values()].flatMap((log) => [...log.values()].map((ev) => ev.body.text)), ["waits"]);
});

test("a site's event that the hub refuses is taken away; one that the site tells no more is, too", async () => {
  const world = new World(3);
  world.isLossy = false;
  world.start();
  await world.settle();
  const provisional = (n, flags) => new Map([
    [K.KEY_KIND, K.K_MSG], [K.KEY_N, n], [K.KEY_CONV, "c1"], ...(flags ? [] : [[K.KEY_BODY, new Map([[K.MSG_TEXT, `p${n}`]])]]), [K.KEY_AT, 5],
    [K.KEY_USER, "bob"], [K.KEY_DEVICE, "desk"], [K.KEY_FLAGS, K.FLAG_PROVISIONAL | flags], [K.KEY_BRANCH, ["site", 0, n]],
  ]);
  const shown = () => world.model.mirror.rows("c1").map((row) => `${row.text} ${row.state}`);
  [2, 1, 3].forEach((n) => world.tell(provisional(n, 0)));
  while (world.net.length > 0) {
    world.arrive();
  }
  assert.deepEqual(shown(), ["p1 relayed", "p2 relayed", "p3 relayed"], "in the site's order");
  world.tell(provisional(2, K.FLAG_REFUSED));
  const event = world.hub.other("c1", 3);
  event.set(K.KEY_BODY, new Map([[K.MSG_TEXT, "p3"]]));
  world.tell(event);
  while (world.net.length > 0) {
    world.arrive();
  }
  assert.deepEqual(shown(), ["p3 sent", "p1 relayed"]);
  world.cut();
  await world.settle();
  assert.deepEqual(shown(), ["p3 sent"]);
});

test("who hides from some is not in the digest: whom he does not hide from sees him by the watch, as long as it lasts", () => {
  const [mirror, tab] = [new Mirror(), new Mirror()];
  const pia = {state: "active", since: 1, text: null, until: null, via: null};
  const states = () => [mirror, tab].map((one) => one.person("pia").state);
  const both = (change) => [mirror, tab].forEach((one) => one.apply({t: "people", ...change}));
  mirror.apply({t: "people", scope: "roof", full: true, people: {pia}});
  mirror.apply({t: "people", scope: null, full: true, isWatch: true, people: {pia}});
  mirror.dump().forEach((change) => tab.apply(change)); // a second tab knows the same
  both({scope: "roof", full: true, people: {}});
  assert.deepEqual(states(), ["active", "active"], "she hides from another member");
  both({scope: null, full: false, isWatch: true, people: {pia: {...pia, state: "offline"}}});
  assert.deepEqual(states(), ["offline", "offline"]);
  both({scope: "roof", full: true, people: {pia}});
  both({scope: null, full: true, isWatch: true, people: {}}); // the watch is over
  both({scope: "roof", full: true, people: {}});
  assert.deepEqual(states(), ["offline", "offline"], "now the digest counts");
});
