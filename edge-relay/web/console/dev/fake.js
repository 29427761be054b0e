/**
 * The SDK's API over made-up data: for tests of the page and for pictures. Always the same for the same seed; the outbox is in localStorage, so
 * that it is there after a reload. `window.fake` lets a test play the hub.
 */
const WORDS = (
  "concrete pour level two moved to Thursday crane check done formwork north wall rebar inspector arrives gate three delivery late drawing " +
  "revision site office scaffold tag slab core sample test passed please confirm pump truck weather wind limit survey points marked photo later"
).split(" ");
const PEOPLE = ["ana.kovac", "ben.okafor", "chiara.rossi", "dmitri.ivanov", "elif.demir", "farid.nasser", "greta.lind"];
const OUTBOX = "fake.outbox";

function random(seed) {
  let x = seed >>> 0;
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x / 4294967296;
  };
}

export class Fieldpost {
  constructor(options) {
    this.user = options.user;
    this.device = "fake-device";
    this.password = options.password;
    this.options = {rows: 10000, now: Date.now(), lag: 30, online: true, ...options};
    this.handlers = new Map();
    this.convs = new Map();
    this.data = new Map();
    this.people = new Map();
    this.link = {state: "offline", reason: null, since: this.options.now, retryAt: null};
    this.calls = [];
    this.n = 1;
    this.sent = 1000000;
    globalThis.fake = this;
  }

  on(name, fn) {
    const set = this.handlers.get(name) ?? this.handlers.set(name, new Set()).get(name);
    set.add(fn);
    return () => set.delete(fn);
  }

  emit(name, ...values) {
    this.handlers.get(name)?.forEach((fn) => fn(...values));
  }

  async start() {
    this.make();
    this.restore();
    if (this.options.online) {
      setTimeout(() => this.goOnline(), 0);
    }
  }

  stop() {
    this.stopped = true;
    this.handlers.clear();
  }

  /* What a test does */

  setLink(state, reason = null) {
    this.link = {state, reason, since: this.options.now, retryAt: null};
    this.emit("link", this.link);
  }

  goOnline() {
    if (this.stopped) {
      return;
    }
    if (this.password === "wrong") {
      this.setLink("refused", "not authorised");
      return;
    }
    this.setLink("online");
    for (const [id, rows] of this.data) {
      rows.filter((row) => row.own && row.state === "queued").forEach((row) => this.deliver(id, row));
    }
  }

  goOffline() {
    this.setLink("offline");
  }

  push(id, more) {
    const row = this.add(id, {user: "ana.kovac", text: "pushed", at: this.options.now, ...more});
    const conv = this.convs.get(id);
    conv.unread += 1;
    this.changed(id, this.data.get(id).length - 1);
    return row;
  }

  type(id, names, count = names.length) {
    this.convs.get(id).typing = {names, count};
    this.emit("typing", id);
  }

  /** An edit, a reaction ... that the hub refused: it has no row of its own. */
  failChange(id, ref, reason) {
    const entry = {n: this.sent++, kind: 21, conv: id, ref, state: "failed", error: {code: "conflict", reason}};
    this.failures = [...(this.failures ?? []), entry];
    this.emit("refused", null, entry.error, entry);
  }

  patch(id, seq, more) {
    const rows = this.data.get(id);
    const at = rows.findIndex((row) => row.seq === seq);
    rows[at] = {...rows[at], ...more};
    this.changed(id, at);
  }

  tell(topic, payload) {
    this.emit("told", topic, payload);
  }

  /* Made-up data */

  make() {
    const next = random(this.options.seed ?? 7);
    const me = this.user;
    const {now} = this.options;
    const members = (list, role = 1) => Object.fromEntries([[me, 3], ...list.map((user) => [user, role])]);
    const conv = (id, scope, title, who, unread, more = {}) => {
      this.convs.set(id, {
        id,
        scope,
        title,
        members: members(who),
        unread,
        head: 0,
        floor: 0,
        read: 0,
        joined: true,
        role: 3,
        priority: 2,
        receipts: {},
        typing: {names: [], count: 0},
        hasOlder: false,
        ...more,
      });
      this.data.set(id, []);
    };
    conv("north-tower", "riverside", "North tower, level 2", PEOPLE, 3);
    conv("deliveries", "riverside", "Deliveries and gate 3", PEOPLE.slice(0, 4), 12);
    conv("safety", "riverside", "Site safety", PEOPLE, 1, {priority: 0});
    conv("drawings", "riverside", "Drawings and revisions", PEOPLE.slice(1, 5), 0);
    conv("bid-204", "bid-204", "Bid 204: facade glazing", PEOPLE.slice(2, 5), 0);
    conv("payment-17", "payment-17", "Payment 17, concrete works", PEOPLE.slice(0, 2), 0);
    conv("dm-ana", "dm", "", ["ana.kovac"], 2);
    conv("dm-ben", "dm", "", ["ben.okafor"], 0);
    conv("archive", "riverside", "South tower (long history)", PEOPLE.slice(0, 3), 0);
    this.makePeople(now);
    this.fillLong("archive", next, now);
    this.fillTower(now);
    for (const [id, rows] of this.data) {
      if (rows.length === 0) {
        for (let i = 0; i < 18; i++) {
          const user = [...Object.keys(this.convs.get(id).members)][Math.floor(next() * Object.keys(this.convs.get(id).members).length)];
          this.add(id, {user, text: sentence(next), at: now - 86400000 * 2 + i * 1900000 + id.length * 700000});
        }
      }
    }
    this.add("safety", {
      user: "elif.demir",
      text: "Wind above 14 m/s: tower crane stopped. Nobody under the jib.",
      priority: 0,
      mustConfirm: true,
      at: now - 25 * 60000,
    });
  }

  makePeople(now) {
    const states = ["active", "busy", "away", "offline", "active", "unreachable", "offline"];
    PEOPLE.forEach((user, i) =>
      this.people.set(user, {
        state: states[i],
        since: now - (i + 1) * 17 * 60000,
        text: i === 1 ? "Pouring until noon" : null,
        until: i === 1 ? now + 3600000 : null,
        via: i === 5 ? "site-b" : null,
      }),
    );
  }

  fillLong(id, next, now) {
    const users = Object.keys(this.convs.get(id).members);
    for (let i = 0; i < this.options.rows; i++) {
      this.add(id, {user: users[Math.floor(next() * users.length)], text: `${i + 1}. ${sentence(next)}`, at: now - (this.options.rows - i) * 240000});
    }
  }

  fillTower(now) {
    const id = "north-tower";
    const at = (minutes) => now - minutes * 60000;
    const me = this.user;
    this.add(id, {kind: "system", user: me, at: at(1500), system: {what: "created", title: "North tower, level 2"}});
    this.add(id, {kind: "system", user: me, at: at(1499), system: {what: "added", user: "ana.kovac", role: 1}});
    this.add(id, {user: "ana.kovac", text: "Formwork on the north wall is up. Rebar starts after lunch.", at: at(1400)});
    const ask = this.add(id, {user: "ben.okafor", text: "Which revision of S-214 is the current one? I have C on paper.", at: at(1390)});
    this.add(id, {
      user: me,
      text: "D, since yesterday. C must not be used any more.",
      ref: ask.seq,
      at: at(1388),
      reactions: [{emoji: "👍", users: ["ana.kovac", "ben.okafor"]}],
    });
    this.add(id, {user: "chiara.rossi", text: null, deleted: true, at: at(1380)});
    const times = [225, 221, 214, 206, 197, 187];
    const texts = [
      "Pump truck is here, no signal at the north end.",
      "First 12 m³ in.",
      "Slump test 140 mm, fine.",
      "Lorry 3 rejected, too wet.",
      "Lorry 4 in.",
      "Pour complete, 41 m³.",
    ];
    texts.forEach((text, i) =>
      this.add(id, {
        user: i % 3 === 2 ? "greta.lind" : "dmitri.ivanov",
        text,
        composed: at(times[i]),
        at: at(120),
        flags: {offline: true},
        branch: {relay: "site-b", base: 6, k: i},
      }),
    );
    this.add(id, {
      user: me,
      text: "Thank you. Who took the cube samples?",
      at: at(90),
      edited: true,
      version: 99,
      reactions: [{emoji: "✅", users: ["greta.lind"]}],
    });
    this.add(id, {user: "greta.lind", text: "I did, six of them, labelled N2-1 to N2-6.", at: at(84)});
    this.add(id, {
      user: "elif.demir",
      text: "Level 2 stays closed until the props have been checked. Please confirm that your people know.",
      priority: 1,
      mustConfirm: true,
      confirmedBy: ["ana.kovac", "greta.lind"],
      at: at(50),
    });
    this.add(id, {user: me, text: "Props are being checked now, done by 14:00.", at: at(41)});
    this.add(id, {user: "ben.okafor", text: "Crane is free from 14:30 on.", at: at(12)});
    this.add(id, {
      user: "ana.kovac",
      text: "Then we lift the stair units at 14:45.",
      at: at(11),
      reactions: [{emoji: "👍", users: [me, "ben.okafor", "greta.lind"]}],
    });
    this.add(id, {user: "ana.kovac", text: "Six of them, the longest is 4.2 t.", at: at(10)});
  }

  add(id, more) {
    const rows = this.data.get(id);
    const conv = this.convs.get(id);
    const own = more.user === this.user;
    const seq = more.seq === undefined ? ++conv.head : more.seq;
    const of = Object.keys(conv.members).length - 1;
    const row = {
      key: `${own ? this.device : `d-${more.user}`}/${this.n}`,
      conv: id,
      seq,
      n: this.n++,
      device: own ? this.device : `d-${more.user}`,
      composed: more.at ?? null,
      kind: "message",
      text: null,
      media: "text/plain",
      ref: null,
      version: seq,
      edited: false,
      deleted: false,
      redacted: false,
      own,
      priority: 2,
      mustConfirm: false,
      confirmedBy: [],
      reactions: [],
      flags: {},
      branch: null,
      state: own ? (rows.length % 3 === 0 ? "delivered" : "read") : "sent",
      delivered: {k: Math.max(1, of - 2), of},
      read: {k: Math.max(1, of - 3), of},
      error: null,
      system: null,
      ...more,
    };
    rows.push(row);
    return row;
  }

  /* Reading */

  conversation(id) {
    const conv = this.convs.get(id);
    return conv ? {...conv, lastMessage: this.data.get(id).findLast((row) => row.kind === "message") ?? null} : null;
  }

  conversations(scope) {
    return [...this.convs.keys()]
      .map((id) => this.conversation(id))
      .filter((c) => scope === undefined || c.scope === scope)
      .sort((a, b) => (b.lastMessage?.at ?? 0) - (a.lastMessage?.at ?? 0));
  }

  scopes() {
    const out = new Map();
    for (const conv of this.convs.values()) {
      const one = out.get(conv.scope) ?? {id: conv.scope, unread: 0, conversations: 0};
      out.set(conv.scope, {...one, unread: one.unread + conv.unread, conversations: one.conversations + 1});
    }
    return [...out.values()];
  }

  rowCount(id) {
    return this.data.get(id)?.length ?? 0;
  }

  rows(id, from, to) {
    return this.data.get(id)?.slice(from, to) ?? [];
  }

  person(user) {
    return this.people.get(user) ?? {state: user === this.user ? "active" : "offline", since: null, text: null, until: null, via: null};
  }

  /* Doing */

  changed(id, from) {
    this.emit("rows", id, from === null ? null : {from, to: this.rowCount(id)});
    this.emit("conversation", id);
    this.emit("conversations");
  }

  send(id, text, {priority = 2, ref = null, mustConfirm = false} = {}) {
    this.calls.push(["send", id, text]);
    const row = this.add(id, {
      user: this.user,
      text,
      priority,
      ref,
      mustConfirm,
      at: Date.now(),
      seq: null,
      state: "queued",
      n: this.sent,
      key: `${this.device}/${this.sent++}`,
    });
    this.changed(id, this.rowCount(id) - 1);
    this.save();
    if (this.link.state === "online") {
      this.deliver(id, row);
    }
    return row;
  }

  deliver(id, row) {
    const step = (more, after) =>
      setTimeout(() => {
        const rows = this.data.get(id);
        const at = rows.findIndex((one) => one.key === row.key);
        if (at >= 0) {
          rows[at] = {...rows[at], ...(typeof more === "function" ? more() : more)};
          this.changed(id, at);
          this.save();
        }
      }, after);
    const of = Object.keys(this.convs.get(id).members).length - 1;
    step({state: "sending"}, 1);
    step(() => {
      const seq = ++this.convs.get(id).head;
      return {state: "sent", seq, version: seq};
    }, this.options.lag);
    step({state: "delivered", delivered: {k: 1, of}}, this.options.lag * 2);
  }

  change(id, seq, more) {
    this.patch(id, seq, more);
    return this.data.get(id).find((row) => row.seq === seq);
  }

  edit(id, seq, text) {
    return this.change(id, seq, {text, edited: true});
  }

  remove(id, seq) {
    return this.change(id, seq, {text: null, deleted: true});
  }

  redact(id, seq) {
    return this.change(id, seq, {text: null, redacted: true});
  }

  react(id, seq, emoji, back = false) {
    const row = this.data.get(id).find((one) => one.seq === seq);
    const others = row.reactions.map((r) => (r.emoji === emoji ? {emoji, users: r.users.filter((u) => u !== this.user)} : r));
    if (!others.some((r) => r.emoji === emoji)) {
      others.push({emoji, users: []});
    }
    return this.change(id, seq, {
      reactions: others.map((r) => (r.emoji === emoji && !back ? {emoji, users: [...r.users, this.user]} : r)).filter((r) => r.users.length),
    });
  }

  confirm(id, seq) {
    const row = this.data.get(id).find((one) => one.seq === seq);
    return this.change(id, seq, {confirmedBy: [...row.confirmedBy, this.user]});
  }

  cancel(n) {
    this.failures = this.failures?.filter((entry) => entry.n !== n);
    for (const [id, rows] of this.data) {
      const at = rows.findIndex((row) => row.n === n);
      if (at >= 0) {
        rows.splice(at, 1);
        this.changed(id, null);
      }
    }
    this.save();
  }

  retry(n) {
    this.calls.push(["retry", n]);
    for (const [id, rows] of this.data) {
      const row = rows.find((one) => one.n === n);
      if (row && this.link.state === "online") {
        this.deliver(id, row);
      }
    }
  }

  save() {
    const waiting = [...this.data].flatMap(([id, rows]) => rows.filter((row) => row.own && row.seq === null).map((row) => [id, row]));
    localStorage.setItem(OUTBOX, JSON.stringify(waiting));
  }

  restore() {
    for (const [id, row] of JSON.parse(localStorage.getItem(OUTBOX) ?? "[]")) {
      this.data.get(id)?.push({...row, state: "queued"});
      this.sent = Math.max(this.sent, row.n + 1);
    }
  }

  createConversation({scope, title, members}) {
    const id = `new-${this.convs.size}`;
    this.convs.set(id, {...this.convs.get("drawings"), id, scope, title, members: {[this.user]: 3, ...members}, unread: 0, head: 0});
    this.data.set(id, []);
    this.changed(id, null);
    return id;
  }

  setConversation(id, {title}) {
    this.convs.get(id).title = title;
    this.changed(id, null);
  }

  addMember(id, user, role) {
    const conv = this.convs.get(id);
    conv.members = {...conv.members, [user]: role};
    this.changed(id, null);
  }

  setRole(id, user, role) {
    this.addMember(id, user, role);
  }

  removeMember(id, user) {
    const conv = this.convs.get(id);
    const {[user]: _, ...members} = conv.members;
    conv.members = members;
    conv.joined &&= user !== this.user;
    this.changed(id, null);
  }

  markRead(id, seq) {
    this.calls.push(["markRead", id, seq]);
    const conv = this.convs.get(id);
    conv.unread = this.data.get(id).filter((row) => row.seq > seq && !row.own).length;
    this.emit("conversation", id);
    this.emit("conversations");
  }

  typing(id, is) {
    this.calls.push(["typing", id, is]);
  }

  /** As the SDK's: what waits or has failed, changes included. */
  outbox() {
    return [
      ...(this.failures ?? []),
      ...[...this.data].flatMap(([id, rows]) =>
        rows
          .filter((row) => row.own && row.seq === null)
          .map((row) => ({n: row.n, kind: 20, conv: id, ref: row.ref, state: row.state, error: row.error})),
      ),
    ];
  }

  hurry() {
    this.calls.push(["hurry"]);
  }

  activity() {}
  idle() {}
  watch() {}
  status() {}
  policy(rules) {
    this.calls.push(["policy", rules]);
  }

  async readers(id, seq) {
    if (this.link.state !== "online") {
      throw new Error("offline");
    }
    const row = this.data.get(id).find((one) => one.seq === seq);
    return Object.keys(this.convs.get(id).members)
      .filter((user) => user !== row.user)
      .map((user, i) => {
        const confirmed = row.confirmedBy.includes(user) ? row.at + 160000 + i * 40000 : null;
        const delivered = i % 4 === 3 && !confirmed ? null : row.at + 900 + i * 61000;
        return {user, delivered, read: confirmed ? confirmed - 9000 : delivered && i % 2 === 0 ? delivered + 95000 : null, confirmed};
      });
  }

  async loadBefore() {}
}

function sentence(next) {
  const n = 4 + Math.floor(next() * next() * 30);
  const text = Array.from({length: n}, () => WORDS[Math.floor(next() * WORDS.length)]).join(" ");
  return text[0].toUpperCase() + text.slice(1) + ".";
}

/** What a hub that reports all says besides, after `i` seconds. */
function more(fp, i, next) {
  const spread = (most) => Array.from({length: 16}, (_one, k) => Math.round((i + 1) * 60 * Math.exp(-((k - most) ** 2) / 3)));
  fp.tell("fp/1/ops/times", {commit_us: spread(11), answer_us: spread(12), commit_us_max: 4000 + next() * 5000, answer_us_max: 6000 + next() * 8000});
  fp.tell("fp/1/ops/disk", {percent: 14, db_bytes: 611e6 + i * 9e3, wal_bytes: 4e6 * next(), free_bytes: 52e9, quota_bytes: 20e9});
}

const STORY = ["connected", "lost", "connected", "left", "taken over", "silent", "connected"];

/** A minute of what a hub and its host report; with `isAll` also what an older one does not. */
export function operations(fp, count = 120, isAll = false) {
  const next = random(11);
  const hub = {
    acks: 0,
    jobs: 0,
    shed: 0,
    epoch: 3,
    nacks: 0,
    pages: 0,
    tells: 0,
    events: 0,
    batches: 0,
    commits: 0,
    repeats: 0,
    replays: 0,
    commands: 0,
    sessions: 0,
    page_bytes: 0,
    commit_failures: 0,
  };
  const host = {busy: 0, publishes: 0, messages: 0, grants: 0, refused: 0};
  for (let i = 0; i < count; i++) {
    const load = 40 + 30 * Math.sin(i / 14) + next() * 20;
    hub.commands += Math.round(load);
    hub.events += Math.round(load * 0.8);
    hub.commits += Math.round(load / 3);
    hub.nacks += next() < 0.05 ? 1 : 0;
    hub.sessions = 180 + Math.round(6 * Math.sin(i / 20));
    hub.jobs = next() < 0.1 ? 2 : 0;
    host.publishes += Math.round(load * 9);
    fp.tell("fp/1/ops/hub", {...hub});
    fp.tell("fp/1/ops/relay", {
      "site-b": {up: 1, waiting: Math.round(next() * 3), rtt_us: 41000 + next() * 9000, heard_ms: Math.round(next() * 900)},
      "site-north": {up: i < count - 20 ? 1 : 0, waiting: i < count - 20 ? 0 : (i - count + 21) * 4, rtt_us: 63000, heard_ms: 0},
    });
    fp.tell("fp/1/ops/host", {
      ...host,
      delivery_us_max: 900 + next() * 2200,
      stall_us_max: 600 + next() * 900,
      tick_us_max: 200 + next() * 300,
      ring_in_max: Math.round(next() * 9),
      ring_out_max: Math.round(next() * 40),
    });
    if (isAll) {
      more(fp, i, next);
    }
  }
  if (isAll) {
    const users = ["ana.kovac", "ben.okafor", "elif.demir"];
    const at = Date.now();
    fp.tell("fp/1/ops/conns", STORY.map((what, i) => ({at: at - (STORY.length - i) * 41000, user: users[i % 3], device: `${users[i % 3]}-phone`, what})));
    fp.tell("fp/1/ops/alerts", [{what: "relay_down", who: "site-north", since: at - 20000, value: 0}]);
  }
}
