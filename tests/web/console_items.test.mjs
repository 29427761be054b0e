/** What the console makes of rows and reports, without a browser. */
import assert from "node:assert/strict";
import {readdirSync, readFileSync} from "node:fs";
import {test} from "node:test";
import {join} from "node:path";
import {web} from "./console_kit.mjs";
import {nameOf, sizes, views} from "./pictures.mjs";

const {Items} = await import(join(web, "console", "items.js"));
const {OpsData} = await import(join(web, "console", "opsdata.js"));
const {say} = await import(join(web, "console", "text.js"));

const {journeyOf, journeySums} = await import(join(web, "console", "panel.js"));

const row = (n, more = {}) => ({
  key: `d/${n}`,
  kind: "message",
  user: "ana",
  seq: n,
  priority: 2,
  mustConfirm: false,
  flags: {},
  branch: null,
  ...more,
});
const offline = (n, relay = "site-b", more = {}) => row(n, {flags: {offline: true}, branch: relay && {relay, base: 0, k: n}, ...more});
const shape = (items) => items.all.map((item) => `${item.kind}:${item.from}-${item.last ?? item.to}`).join(" ");

function made(rows) {
  const items = new Items((from, to) => rows.slice(from, to), "me");
  items.build(rows.length);
  return items;
}

test("three or more that were written offline at one site are one fold", () => {
  assert.equal(shape(made([row(1), offline(2), offline(3), offline(4), row(5)])), "row:0-1 fold:1-4 row:4-5");
  assert.equal(shape(made([row(1), offline(2), offline(3), row(4)])), "row:0-1 row:1-2 row:2-3 row:3-4");
  assert.equal(
    shape(made([offline(1), offline(2), offline(3), offline(4, "site-c"), offline(5, "site-c"), offline(6, "site-c")])),
    "fold:0-3 fold:3-6",
  );
});

test("safety, what must be confirmed, and one's own are never folded away", () => {
  for (const more of [{priority: 0}, {mustConfirm: true}, {user: "me"}, {seq: null}]) {
    assert.equal(
      shape(made([offline(1), offline(2), offline(3, "site-b", more), offline(4), offline(5)])),
      "row:0-1 row:1-2 row:2-3 row:3-4 row:4-5",
    );
  }
});

test("an open fold shows its rows after itself, and the rows are found", () => {
  const items = made([row(1), offline(2), offline(3), offline(4), row(5)]);
  items.open.add("fold:d/2");
  items.build(5);
  assert.equal(shape(items), "row:0-1 fold:1-4 row:1-2 row:2-3 row:3-4 row:4-5");
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((r) => items.all[items.ofRow(r)].key),
    ["d/1", "d/2", "d/3", "d/4", "d/5"],
  );
});

test("built bit by bit the items are what they are when built at once", () => {
  let x = 5;
  const next = () => (x = (Math.imul(x, 1103515245) + 12345) >>> 0) / 4294967296;
  const rows = [];
  const items = new Items((from, to) => rows.slice(from, to), "me");
  for (let i = 0; i < 400; i++) {
    const from = rows.length;
    const sort = next();
    rows.push(sort < 0.6 ? offline(i, sort < 0.4 ? "a" : "b") : row(i, {seq: sort > 0.9 ? null : i}));
    if (sort > 0.95 && rows.length > 2) {
      rows[rows.length - 2] = offline(1000 + i, "a");
      items.build(rows.length, from - 1);
    } else {
      items.build(rows.length, from);
    }
    const whole = made(rows);
    assert.equal(shape(items), shape(whole));
    assert.deepEqual([...items.indexes], [...whole.indexes]);
  }
});

test("rates are made of what counters rose by, and a hub that began anew is a gap", () => {
  const data = new OpsData();
  [
    [0, 10],
    [1000, 30],
    [3000, 70],
    [4000, 5],
    [5000, 8],
  ].forEach(([at, commands]) => data.told("fp/1/ops/hub", {commands, sessions: 4}, at));
  assert.deepEqual(data.rate("hub", "commands"), [null, 20, 20, null, 3]);
  assert.deepEqual(data.gauge("hub", "sessions"), [4, 4, 4, 4, 4]);
  assert.equal(data.rate("hub", "commit_us_max"), null);
});

test("what an operator must see at once becomes an alert", () => {
  const data = new OpsData();
  data.told("fp/1/ops/hub", {commit_failures: 0, shed: 2, epoch: 1}, 0);
  data.told("fp/1/ops/hub", {commit_failures: 3, shed: 2, epoch: 1}, 1000);
  data.told("fp/1/ops/hub", {commit_failures: 3, shed: 2, epoch: 9}, 2000);
  assert.deepEqual(
    data.alerts.map((alert) => alert.key),
    ["opsAlertEpoch", "opsAlertCommit"],
  );
});

test("relays are kept one by one, and one that goes down is an alert", () => {
  const data = new OpsData();
  const report = (up) =>
    new Map([
      [
        "site-b",
        new Map([
          ["up", up],
          ["waiting", 3],
        ]),
      ],
      ["site-c", {up: 1, waiting: 0}],
    ]);
  [1, 1, 0].forEach((up, i) => data.told("fp/1/ops/relay", report(up), i * 1000));
  assert.deepEqual(
    data.latest("relay/").map(([name, values]) => [name, values.get("up")]),
    [
      ["site-b", 0],
      ["site-c", 1],
    ],
  );
  assert.deepEqual(
    data.alerts.map(({key, values}) => [key, values.who]),
    [["opsAlertDown", "site-b"]],
  );
});

test("a quantile is that of what was counted between two reports", () => {
  const data = new OpsData();
  data.told("fp/1/ops/times", {commit_us: [0, 0, 5], commit_us_max: 3}, 0);
  data.told("fp/1/ops/times", {commit_us: [0, 0, 5, 0, 98, 0, 0, 2], commit_us_max: 100}, 1000);
  data.told("fp/1/ops/times", {commit_us: [0, 0, 5, 0, 98, 0, 0, 2], commit_us_max: 0}, 2000);
  data.told("fp/1/ops/times", {commit_us: [1], commit_us_max: 1}, 3000); /* began anew */
  assert.deepEqual(data.quantile("times", "commit_us", 0.5), [null, 16, null, null]);
  assert.deepEqual(data.quantile("times", "commit_us", 0.99), [null, 128, null, null]);
  assert.deepEqual(data.gauge("times", "commit_us_max"), [3, 100, 0, 1]);
  assert.equal(data.quantile("times", "answer_us", 0.5), null);
});

test("lists are kept as last told, and no longer than may be", () => {
  const data = new OpsData();
  assert.equal(data.rows("conns"), null);
  data.told("fp/1/ops/conns", [new Map([["what", "lost"], ["at", 5n], ["more", [1]]]), 7, null], 1);
  assert.deepEqual(data.rows("conns"), [{what: "lost", at: 5}, {}, {}]);
  data.told("fp/1/ops/conns", Array(1000).fill({what: "x".repeat(1000)}), 2);
  assert.ok(data.rows("conns").length <= 128 && data.rows("conns")[0].what.length <= 100);
  data.told("fp/1/ops/conns", [], 3);
  assert.deepEqual(data.rows("conns"), []);
});

test("reports of any shape do no harm", () => {
  const data = new OpsData();
  for (const payload of [
    null,
    7,
    "x",
    [],
    new Uint8Array(9),
    {a: "text", b: {c: 1}, d: NaN},
    new Map([
      [{}, 1],
      ["big", 5n],
    ]),
  ]) {
    data.told("fp/1/ops/hub", payload, 1);
  }
  for (let i = 0; i < 500; i++) {
    data.told(`fp/1/ops/x${i}`, {v: i}, 2);
  }
  assert.ok(data.topics.size <= 64);
});

test("words: plural forms, values, and what is missing shows its name", () => {
  assert.equal(say("unread", {n: 1}), "1 unread message");
  assert.equal(say("foldSite", {n: 6, site: "site B", from: "10:02", to: "10:40"}), "6 messages written offline at site B between 10:02 and 10:40");
  assert.equal(say("nothing of the kind"), "nothing of the kind");
});

test("a message's journey: every step with how long it took, and who it has not come to", () => {
  const ms = 1700000000000;
  const taken = row(7, {device: "ana-phone", composed: ms, at: ms + 90000, flags: {offline: true}, branch: {relay: "pier", base: 3, k: 0}, version: 9, mustConfirm: true});
  const readers = [
    {user: "ben", delivered: ms + 90040, read: ms + 95000, confirmed: null},
    {user: "me", delivered: ms + 150000, read: null, confirmed: null},
    {user: "carl", delivered: null, read: null, confirmed: null},
  ];
  const told = (steps) => steps.map(({text, note}) => `${text}|${note.replace(/^.*?\d\d:\d\d:\d\d/, "T")}`);
  assert.deepEqual(told(journeyOf({user: "me"}, taken, readers)), [
    "Written on ana-phone, offline|T",
    "Taken by site pier|time not reported",
    "On the hub's disk as number 7|T · 2 min later",
    "Delivered to ben|T · 40 ms after the hub had it",
    "Read by ben|T · 5 s after the hub had it",
    "Delivered to you|T · 1 min after the hub had it",
    "Changed later (version 9)|time not reported",
    "Not yet delivered to carl|",
    "Not yet read by you|",
    "Not yet confirmed by ben, you, carl|",
  ]);
  assert.deepEqual(journeySums(taken, readers), ["Delivered to 2 of 3. The last one after 1 min.", "Read by 1 of 3. The last one after 5 s.", "Confirmed by 0 of 3."]);
  const atOnce = row(8, {device: "ana-phone", composed: null, at: ms});
  assert.deepEqual(told(journeyOf({user: "me"}, atOnce, [])), ["Written on ana-phone|time not reported", "On the hub's disk as number 8|T"]);
  const waiting = row(null, {seq: null, device: "ana-phone", composed: ms, at: ms + 30, branch: {relay: "pier", base: 3, k: 1}, flags: {provisional: true}});
  assert.deepEqual(told(journeyOf({user: "me"}, waiting, [])), ["Written on ana-phone|T", "Taken by site pier|T · 30 ms later", "Waits at the site for the hub|"]);
});

test("each view is in the documentation, wide and on a phone", () => {
  const names = Object.keys(views).flatMap((view) => Object.keys(sizes).map((size) => nameOf(view, size)));
  const shown = [...readFileSync(join(web, "README.md"), "utf8").matchAll(/\]\(docs\/([^)]+)\)/g)].map((match) => match[1]);
  assert.deepEqual(shown.sort(), [...names].sort());
  assert.deepEqual(readdirSync(join(web, "docs")).sort(), [...names].sort());
});
