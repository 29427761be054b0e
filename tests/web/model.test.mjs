import assert from "node:assert/strict";
import {test} from "node:test";
import * as K from "../../edge-relay/web/sdk/keys.js";
import {backoff, later, ORDER} from "../../edge-relay/web/sdk/states.js";
import {Thread} from "../../edge-relay/web/sdk/thread.js";
import {newRecord} from "../../edge-relay/web/sdk/mirror.js";
import {DEVICE, randomOf, USER, World} from "./sim.mjs";

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
