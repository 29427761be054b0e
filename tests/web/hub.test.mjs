// Devices in Node against a real broker with the plugin.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {Fieldpost, MemoryStore} from "../../edge-relay/web/sdk/fieldpost.js";
import {Broker} from "./broker.mjs";
import {until} from "./until.mjs";

let broker;
const alive = new Set();

before(async () => {
  broker = await new Broker().start();
});

after(async () => {
  await Promise.all([...alive].map((device) => device.stop()));
  await broker.stop();
});

let count = 0;
const name = (word) => `${word}${++count}`;

async function device(user, {store = new MemoryStore(), url = broker.url, ...more} = {}) {
  const fp = new Fieldpost({url, user, password: "", store, ...more});
  fp.refusals = [];
  fp.alerts = [];
  fp.warnings = [];
  fp.on("refused", (row, error, entry) => fp.refusals.push({row, error, entry}));
  fp.on("alert", (row) => fp.alerts.push(row));
  fp.on("warning", (text) => fp.warnings.push(text));
  await fp.start();
  alive.add(fp);
  return fp;
}

/** Away without a word, as when the power goes: the store stays. */
async function cut(fp) {
  fp.host.isStopped = true;
  clearTimeout(fp.host.timer);
  fp.host.transport.client?.stream.destroy();
  fp.host.transport.client = null;
  fp.isStopped = true;
  alive.delete(fp);
}

const texts = (fp, conv) => fp.rows(conv).filter((row) => row.kind === "message").map((row) => row.text);
const row = (fp, conv, seq) => fp.rows(conv).find((one) => one.seq === seq);
const isOnline = (fp) => fp.link.state === "online";
const state = (fp, conv, key) => fp.rows(conv).find((one) => one.key === key)?.state;

async function pair(options) {
  const [ann, bob] = [name("ann"), name("bob")];
  const a = await device(ann, options);
  const b = await device(bob, options);
  await until(() => isOnline(a) && isOnline(b), "both are online");
  const conv = await a.createConversation({scope: name("scope"), title: "Tower B", members: {[bob]: 1}});
  await until(() => b.rowCount(conv) === 1 && a.conversation(conv).head === 1, "the conversation is there");
  return {a, b, ann, bob, conv};
}

for (const kind of ["url", "wsUrl"]) {
  test(`two devices talk over ${kind === "url" ? "TCP" : "WebSocket"}`, async () => {
    const {a, b, bob, conv} = await pair({url: broker[kind]});
    assert.equal(b.conversation(conv).title, "Tower B");
    const sent = await a.send(conv, "Grüße 🏗");
    assert.equal(sent.seq, null);
    await until(() => texts(b, conv).length === 1, "it arrives");
    await b.send(conv, "back", {ref: 2});
    await until(() => texts(a, conv).length === 2, "the answer arrives");
    assert.deepEqual(texts(a, conv), ["Grüße 🏗", "back"]);
    assert.deepEqual(texts(b, conv), ["Grüße 🏗", "back"]);
    assert.equal(row(a, conv, 3).ref, 2);
    assert.equal(row(a, conv, 2).key, sent.key);
    await until(() => state(a, conv, sent.key) === "delivered", "delivered");
    assert.equal(b.conversation(conv).unread, 1);
    await b.markRead(conv, 3);
    assert.equal(b.conversation(conv).unread, 0);
    await until(() => state(a, conv, sent.key) === "read", "read");
    assert.deepEqual(row(a, conv, 2).read, {k: 1, of: 1});
    const [reader] = await a.readers(conv, 2);
    assert.equal(reader.user, bob);
    assert.ok(reader.delivered > 0 && reader.read >= reader.delivered && reader.confirmed === null);
    assert.deepEqual(a.outbox(), []);
    assert.deepEqual([...a.warnings, ...b.warnings], []);
  });
}

test("the hub is killed and comes back: all that was said is there, once and in order", async () => {
  const {a, b, conv} = await pair();
  const said = [];
  for (let i = 0; i < 60; i++) {
    said.push(`${i}`);
    await a.send(conv, said[i]);
    if (i === 20 || i === 40) {
      await broker.kill();
    }
    if (i === 30 || i === 50) {
      await broker.start();
    }
  }
  a.hurry();
  b.hurry();
  await until(() => texts(b, conv).length === 60 && a.outbox().length === 0, "all arrives");
  assert.deepEqual(texts(b, conv), said);
  assert.deepEqual(texts(a, conv), said);
});

test("composed offline, switched off, started again: sent once, under the n that it had", async () => {
  const {a, b, ann, conv} = await pair();
  const {store} = a;
  await a.send(conv, "before");
  await until(() => texts(b, conv).length === 1, "the first arrives");
  await cut(a);
  const offline = await device(ann, {store, url: "mqtt://127.0.0.1:1"}); // nobody is there
  const rows = [];
  for (const text of ["one", "two", "three", "four"]) {
    rows.push(await offline.send(conv, text));
  }
  assert.deepEqual(texts(offline, conv), ["before", "one", "two", "three", "four"]);
  await offline.cancel(rows[1].n);
  assert.deepEqual(texts(offline, conv), ["before", "one", "three", "four"]);
  await cut(offline);
  const back = await device(ann, {store});
  assert.deepEqual(texts(back, conv), ["before", "one", "three", "four"], "shown before there is a link");
  await until(() => texts(b, conv).length === 4 && back.outbox().length === 0, "all arrives");
  assert.deepEqual(texts(b, conv), ["before", "one", "three", "four"]);
  assert.deepEqual(back.rows(conv).map((one) => one.seq), [1, 2, 3, 4, 5]);
  assert.equal(row(b, conv, 3).key, rows[0].key);
});

test("edit against delete, and an edit that had not seen the latest one", async () => {
  const {a, b, ann, conv} = await pair();
  const second = await device(ann);
  await a.send(conv, "first");
  await a.send(conv, "second");
  await until(() => [a, b, second].every((fp) => texts(fp, conv).length === 2), "all have it");
  await a.edit(conv, 2, "first, edited");
  assert.equal(row(a, conv, 2).text, "first, edited", "shown at once");
  await until(() => row(b, conv, 2).edited && row(second, conv, 2).edited, "all see it");
  assert.equal(row(b, conv, 2).text, "first, edited");

  await second.stop();
  alive.delete(second);
  const late = await device(ann, {store: second.store, url: "mqtt://127.0.0.1:1"});
  await a.edit(conv, 2, "first, edited again");
  await a.remove(conv, 3);
  await until(() => row(b, conv, 3).deleted && row(a, conv, 3).seq && a.outbox().length === 0, "deleted");
  await late.edit(conv, 2, "too late");
  await late.edit(conv, 3, "too late as well");
  await cut(late);
  const back = await device(ann, {store: second.store});
  await until(() => back.outbox().length === 0 && [a, b, back].every((fp) => fp.conversation(conv).head === 8 && fp.host.model.inbox.record(conv).cursor === 8), "settled");
  for (const fp of [a, b, back]) {
    assert.equal(row(fp, conv, 2).text, "first, edited again");
    assert.deepEqual(row(fp, conv, 2).lost.map((edit) => edit.text), ["too late"]);
    assert.equal(row(fp, conv, 3).text, null);
    assert.equal(row(fp, conv, 3).deleted, true);
  }
});

test("react, confirm, redact, and what is refused", async () => {
  const {a, b, ann, bob, conv} = await pair();
  await a.send(conv, "Stop all cranes", {mustConfirm: true, priority: 0});
  await until(() => texts(b, conv).length === 1, "it arrives");
  assert.deepEqual(b.alerts.map((one) => one.seq), [2]);
  await b.confirm(conv, 2);
  await b.react(conv, 2, "👍");
  assert.deepEqual(row(b, conv, 2).confirmedBy, [bob], "shown at once");
  await until(() => row(a, conv, 2).confirmedBy.length === 1 && row(a, conv, 2).reactions.length === 1, "seen");
  assert.deepEqual(row(a, conv, 2).reactions, [{emoji: "👍", users: [bob]}]);
  await b.react(conv, 2, "👍", true);
  await until(() => row(a, conv, 2).reactions.length === 0, "taken back");

  await b.redact(conv, 2, "not yours to do");
  await until(() => b.refusals.length === 1, "refused");
  assert.equal(b.refusals[0].error.code, "denied");
  assert.equal(row(b, conv, 2).redacted, false);
  await b.cancel(b.refusals[0].entry.n);
  assert.deepEqual(b.outbox(), []);

  await a.redact(conv, 2, "names");
  await until(() => row(b, conv, 2).redacted && row(a, conv, 2).redacted, "redacted");
  assert.equal(row(b, conv, 2).text, null);

  await a.setRole(conv, bob, 0);
  await until(() => b.conversation(conv).role === 0, "an observer");
  const failed = await b.send(conv, "may I?");
  await until(() => state(b, conv, failed.key) === "failed", "refused");
  assert.equal(b.rows(conv).at(-1).error.code, "denied");
  await a.setRole(conv, bob, 1);
  await until(() => b.conversation(conv).role === 1, "a member again");
  await b.retry(failed.n);
  await until(() => texts(a, conv).includes("may I?") && b.outbox().length === 0, "the second time");
  assert.equal(texts(b, conv).filter((text) => text === "may I?").length, 1);
  assert.equal(a.conversation(conv).members[ann], 3);
});

test("typing, presence, status and policy", async () => {
  const {a, b, bob, conv} = await pair();
  await b.typing(conv, true);
  await until(() => a.conversation(conv).typing.names.includes(bob), "typing is seen");
  assert.equal(b.conversation(conv).typing.count, 0, "not one's own");
  await b.typing(conv, false);
  await until(() => a.conversation(conv).typing.count === 0, "the end of it too");
  await a.watch([bob]);
  await until(() => a.person(bob).state === "active", "active");
  await b.activity("busy");
  await b.status("pouring", Date.now() + 3600000);
  await until(() => a.person(bob).state === "busy" && a.person(bob).text === "pouring", "busy");
  await b.policy([{viewer: "everyone", level: "hidden"}]);
  await until(() => a.person(bob).state === "offline", "hidden");
  assert.equal(a.person(bob).text, null);
});

test("members come and go", async () => {
  const {a, b, bob, conv} = await pair();
  const carla = name("carla");
  const c = await device(carla);
  await a.send(conv, "one");
  await a.addMember(conv, carla, 1);
  await until(() => c.conversation(conv)?.members[carla] === 1, "she is in");
  await a.send(conv, "two");
  await until(() => texts(c, conv).length === 1, "she hears what is said from now on");
  assert.deepEqual(texts(c, conv), ["two"]);
  await a.removeMember(conv, bob);
  await until(() => b.conversation(conv).joined === false, "he is out");
  await a.send(conv, "three");
  await until(() => texts(c, conv).length === 2, "she hears it");
  assert.deepEqual(texts(b, conv), ["one", "two"], "he does not, and keeps what he had");
  await a.addMember(conv, bob, 1, {from: 0});
  await until(() => b.conversation(conv).joined && texts(b, conv).length === 3, "he is in again");
  assert.deepEqual(texts(b, conv), ["one", "two", "three"]);
  await c.removeMember(conv, carla);
  await until(() => c.conversation(conv).joined === false && c.outbox().length === 0, "she has gone");
});

test("a new device begins at the end, and reads back", async () => {
  const {a, ann, conv} = await pair();
  for (let i = 0; i < 520; i++) {
    a.send(conv, `${i}`);
  }
  await until(() => a.outbox().length === 0 && a.rowCount(conv) === 521, "all is sent", 20000);
  const tablet = await device(ann);
  await until(() => tablet.rowCount(conv) === 200, "the latest are there");
  assert.equal(texts(tablet, conv).at(-1), "519");
  assert.equal(tablet.conversation(conv).hasOlder, true);
  for (const more of [400, 521]) {
    assert.equal(await tablet.loadBefore(conv, tablet.rows(conv, 0, 1)[0].seq), more > 0);
    await until(() => tablet.rowCount(conv) >= more, `${more} rows`);
  }
  assert.equal(await tablet.loadBefore(conv, 1), false);
  assert.deepEqual(texts(tablet, conv), texts(a, conv));
  await tablet.stop();
  alive.delete(tablet);
  const again = await device(ann, {store: tablet.store});
  assert.equal(again.rowCount(conv), 200, "what is in memory at first");
  assert.equal(await again.loadBefore(conv, again.rows(conv, 0, 1)[0].seq), true);
  assert.equal(again.rowCount(conv), 400);
});

test("what its owner has read on one device is read on the other", async () => {
  const {a, b, bob, conv} = await pair();
  const phone = await device(bob);
  await a.send(conv, "one");
  await until(() => [b, phone].every((fp) => fp.conversation(conv)?.unread === 1), "unread on both");
  await b.markRead(conv, 2);
  await until(() => phone.conversation(conv).unread === 0, "read on both");
});

test("a store that fails for a while holds receipts back, and loses nothing", async () => {
  const store = new MemoryStore();
  let isBroken = false;
  const write = store.write.bind(store);
  store.write = (changes) => (isBroken ? Promise.reject(new Error("disk full")) : write(changes));
  const {a, ann, conv} = await pair();
  const dora = name("dora");
  const d = await device(dora, {store});
  await a.addMember(conv, dora, 1);
  await until(() => d.conversation(conv)?.members[dora] === 1, "she is in");
  await d.markRead(conv, 2);
  isBroken = true;
  await a.send(conv, "is it kept?");
  await until(() => texts(d, conv).length === 1, "shown");
  const said = d.send(conv, "kept later");
  await until(() => d.warnings.length > 0, "told");
  assert.ok((a.conversation(conv).receipts[dora]?.[0] ?? 0) < 3, "not delivered yet");
  assert.deepEqual(texts(a, conv), ["is it kept?"]);
  isBroken = false;
  await said;
  await until(() => a.conversation(conv).receipts[dora][0] >= 3 && texts(a, conv).length === 2, "delivered and sent");
  assert.equal(d.device, store.meta.get("device"));
  assert.ok(ann);
});

test("a bad login is refused, and said so", async () => {
  const fp = new Fieldpost({url: broker.url, user: "x", password: "", store: new MemoryStore(), device: "taken-by-another"});
  const other = await device(name("owner"), {device: "taken-by-another"});
  await until(() => isOnline(other), "online");
  await other.stop();
  alive.delete(other);
  await fp.start();
  alive.add(fp);
  await until(() => fp.link.state === "refused", "refused: the device is another user's");
  assert.ok(fp.link.reason.length > 3 && fp.link.retryAt > Date.now());
});
