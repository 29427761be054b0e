// Events and pages into conversations, in seq order, without silent holes. Pure.
//
// Invariants  I1 events base+1 .. cursor are all held; cursor never goes back within an epoch.
//             I2 what is told as delivered is on the store's disk.
import * as K from "./keys.js";
import {newRecord} from "./mirror.js";
import {keyOf} from "./thread.js";
import {eventOf, plainCommand, map, WireError} from "./wire.js";

const HOLE_MS = 500;
const ANSWER_MS = 10000;
const RECENT = 200; // so many events of a conversation that is new here; the rest when somebody looks
const AHEAD_MAX = 2000;

/** What holds for a connection only. */
const newFollow = () => ({ahead: new Map(), due: Infinity, isAsked: false, older: null, stored: 0, toldStored: 0, toldRead: 0, private: false});

export class Inbox {
  constructor(model) {
    this.model = model;
    this.mirror = model.mirror;
    this.follows = new Map();
    this.retold = new Set(); // keys of provisional events that this connection has told
  }

  record(id) {
    return this.mirror.threads.get(id)?.record ?? null;
  }

  follow(id) {
    let follow = this.follows.get(id);
    if (!follow) {
      follow = newFollow();
      this.follows.set(id, follow);
    }
    return follow;
  }

  patch(id, patch) {
    const record = this.record(id);
    if (record) {
      this.model.change({t: "conv", value: {...record, ...patch}});
    }
  }

  /** What the store had: all of it is on its disk. */
  loaded() {
    for (const [id, {record}] of this.mirror.threads) {
      this.follow(id).stored = record.cursor;
    }
  }

  /** A new connection. */
  restart() {
    this.retold.clear();
    for (const follow of this.follows.values()) {
      Object.assign(follow, {due: Infinity, isAsked: false, toldStored: 0, toldRead: 0});
      follow.older?.done(false);
      follow.older = null;
    }
  }

  /** The cursors that go into hello; pages follow by themselves. */
  cursors(most) {
    const known = [...this.mirror.threads.values()].map((thread) => thread.record).filter((record) => record.joined && !record.isNew);
    const chosen = known.sort((a, b) => b.lastAt - a.lastAt).slice(0, most);
    chosen.forEach((record) => (this.follow(record.id).isAsked = true));
    return new Map(chosen.map((record) => [record.id, record.cursor]));
  }

  /** Another log: what was held is of the old one. */
  forgetAll() {
    for (const [id, {record}] of this.mirror.threads) {
      this.follows.set(id, newFollow());
      this.model.change({t: "events-", conv: id});
      const {scope, title, members, context, joined, pending} = record;
      this.model.change({t: "conv", value: {...newRecord(id, scope), title, members, context, joined, pending}});
    }
  }

  /** One that we are a member of, or (`pending`) will be once the hub has created it: until then it lets us listen to nothing. */
  join(id, scope, {head = 0, floor = 0, pending = false} = {}) {
    let record = this.record(id);
    if (!record) {
      record = newRecord(id, scope);
      this.model.change({t: "conv", value: record});
    }
    const patch = {joined: true, pending, scope, floor: Math.max(record.floor, floor), head: Math.max(record.head, head)};
    if (record.isNew && head > 0) {
      this.begin(patch, Math.max(patch.floor, patch.head - RECENT));
    }
    if (Object.keys(patch).some((key) => patch[key] !== record[key])) {
      this.patch(id, patch);
    }
    if (!pending) {
      this.model.subscribeScope(scope);
    }
  }

  /** What is held of a conversation begins behind this seq. */
  begin(patch, base) {
    return Object.assign(patch, {isNew: false, base, cursor: base});
  }

  /** Ours from its first event on. */
  created(id, scope) {
    this.join(id, scope);
    if (this.record(id).isNew) {
      this.patch(id, this.begin({}, 0));
    }
  }

  welcomeHead({conv, scope, head, floor, read, unread}, now) {
    this.join(conv, scope, {head, floor});
    const record = this.record(conv);
    if (record.isNew) {
      this.patch(conv, this.begin({}, floor));
    } else if (record.floor > record.cursor) {
      this.skipTo(conv, record.floor);
    }
    this.patch(conv, {read: Math.max(record.read, read), unread, counted: head});
    const follow = this.follow(conv);
    if (record.read > read) {
      this.recount(conv); // read here, while away
    }
    this.drain(conv, now);
    if (this.record(conv).cursor < this.record(conv).head) {
      follow.due = now + (follow.isAsked ? ANSWER_MS : 0);
    } else {
      follow.isAsked = false;
    }
  }

  /** Put out, or not named by the welcome. What was said up to then stays readable. */
  leave(id) {
    const record = this.record(id);
    if (record?.joined) {
      this.follows.delete(id);
      this.patch(id, {joined: false, unread: 0, provisional: []});
      this.follow(id).stored = record.cursor;
    }
  }

  head(id, seq, floor = 0, now) {
    const record = this.record(id);
    if (record && (seq > record.head || floor > record.floor)) {
      this.patch(id, {head: Math.max(record.head, seq), floor: Math.max(record.floor, floor)});
    }
    if (record?.joined) {
      this.check(id, now);
    }
  }

  // A hole, or not any more.
  check(id, now) {
    const {cursor, head, isNew} = this.record(id);
    const follow = this.follow(id);
    if (cursor >= head || isNew) {
      follow.due = Infinity;
    } else if (follow.due === Infinity) {
      follow.due = now + HOLE_MS;
    }
  }

  /** One event off the wire; `inPage` ones may be old. What cannot be read will not come better: its place is taken by a blank. */
  read(value) {
    try {
      return eventOf(value);
    } catch (error) {
      const seq = value instanceof Map ? value.get(K.KEY_SEQ) : null;
      const conv = value instanceof Map ? value.get(K.KEY_CONV) : null;
      if (!(error instanceof WireError) || !Number.isSafeInteger(seq) || seq < 1 || typeof conv !== "string") {
        throw error;
      }
      return {kind: 0, seq, conv, n: 0, device: "~", user: "~", at: 0, flags: 0, ref: null, version: null, body: null, branch: null, isGone: true, priority: 2};
    }
  }

  take(list, now) {
    const convs = new Set();
    for (const value of list) {
      const ev = this.read(value);
      const record = this.record(ev.conv);
      if (!record?.joined) {
        continue;
      }
      if (ev.seq === null) {
        this.provisional(record, ev);
        continue;
      }
      const follow = this.follow(ev.conv);
      if (ev.seq > record.cursor && follow.ahead.size < AHEAD_MAX) {
        follow.ahead.set(ev.seq, ev);
      } else if (ev.seq <= record.base && follow.older) {
        follow.older.events.push(ev);
      }
      if (ev.seq > this.record(ev.conv).head) {
        this.patch(ev.conv, {head: ev.seq});
      }
      convs.add(ev.conv);
    }
    convs.forEach((id) => {
      this.drain(id, now);
      this.check(id, now);
    });
  }

  // A site's, until the hub has ordered it: a row without a seq, found again by (device, n).
  provisional(record, ev) {
    const key = keyOf(ev.device, ev.n);
    const others = record.provisional.filter((one) => keyOf(one.device, one.n) !== key);
    const isOver = (ev.flags & K.FLAG_REFUSED) !== 0 || this.mirror.threads.get(record.id).byKey.has(key);
    if (!isOver || others.length < record.provisional.length) {
      this.patch(record.id, {provisional: isOver ? others : [...others, ev]});
    }
    this.retold.add(key);
    if (!isOver && ev.device === this.mirror.own.device) {
      this.model.outbox.relayed(ev);
    }
  }

  /** After a welcome a site tells its provisional events again; those that it has not told by now are none any more. */
  dropUntold() {
    for (const [id, {record}] of this.mirror.threads) {
      const left = record.provisional.filter((ev) => this.retold.has(keyOf(ev.device, ev.n)));
      if (left.length < record.provisional.length) {
        this.patch(id, {provisional: left});
      }
    }
  }

  /** Ours, and refused. */
  dropProvisional(id, key) {
    const record = this.record(id);
    if (record?.provisional.some((ev) => keyOf(ev.device, ev.n) === key)) {
      this.patch(id, {provisional: record.provisional.filter((ev) => keyOf(ev.device, ev.n) !== key)});
    }
  }

  /** Moves the cursor over all that is there without a hole. */
  drain(id, now) {
    const follow = this.follow(id);
    const record = this.record(id);
    if (!record || record.isNew || follow.ahead.size === 0 || !this.model.isOnline()) {
      return;
    }
    const list = [];
    let {cursor} = record;
    for (let ev = follow.ahead.get(cursor + 1); ev; ev = follow.ahead.get(cursor + 1)) {
      list.push(ev);
      cursor++;
    }
    for (const seq of [...follow.ahead.keys()]) {
      if (seq <= cursor) {
        follow.ahead.delete(seq);
      }
    }
    if (list.length === 0) {
      return;
    }
    const keys = new Set(list.map((ev) => keyOf(ev.device, ev.n)));
    const last = list[list.length - 1];
    const unread = list.filter((ev) => ev.kind === K.K_MSG && ev.user !== this.mirror.own.user && ev.seq > record.counted && ev.seq > record.read).length;
    const patch = {cursor, unread: record.unread + unread, lastAt: Math.max(record.lastAt, last.at)};
    if (record.provisional.some((ev) => keys.has(keyOf(ev.device, ev.n)))) {
      patch.provisional = record.provisional.filter((ev) => !keys.has(keyOf(ev.device, ev.n)));
    }
    this.model.change({t: "events", conv: id, list});
    this.patch(id, patch);
    list.filter((ev) => ev.device === this.mirror.own.device).forEach((ev) => this.model.outbox.echo(ev));
    this.model.held(id, list, now);
  }

  // Events up to there are not ours to see, or not there any more.
  skipTo(id, floor) {
    const follow = this.follow(id);
    this.model.change({t: "events-", conv: id});
    this.patch(id, {base: floor, cursor: floor, floor, isNew: false, head: Math.max(this.record(id).head, floor)});
    for (const seq of [...follow.ahead.keys()]) {
      if (seq <= floor) {
        follow.ahead.delete(seq);
      }
    }
  }

  snapshot({conv, floor}, now) {
    const record = this.record(conv);
    if (!record) {
      return;
    }
    if (floor > record.cursor) {
      this.skipTo(conv, floor);
      this.drain(conv, now);
    } else {
      this.head(conv, floor, floor, now);
    }
    const follow = this.follow(conv);
    follow.due = follow.isAsked ? now + ANSWER_MS : follow.due;
  }

  page(page, now) {
    const record = this.record(page.conv);
    if (!record) {
      return;
    }
    const follow = this.follow(page.conv);
    if (page.to < page.from && page.events.length > 0) {
      this.take(page.events, now); // provisional ones; no answer to anything
      return;
    }
    const isOlder = follow.older !== null && page.to <= record.base;
    this.take(page.events, now);
    if (isOlder) {
      this.olderPage(page, follow, now);
      return;
    }
    this.check(page.conv, now); // `to` alone is no head: asked beyond the end, it is what was asked for
    if (page.more) {
      follow.due = now + ANSWER_MS;
      return;
    }
    follow.isAsked = false;
    follow.due = Infinity;
    const after = this.record(page.conv);
    if (after.cursor < after.head) {
      follow.due = now + (after.cursor > record.cursor ? 0 : ANSWER_MS); // the hub's credit was used up: on; or it has no more, whatever the head says
    }
  }

  /** Asks for what lies before that which is held; done(true) when there is more now. */
  askOlder(id, now, done) {
    const record = this.record(id);
    const follow = this.follow(id);
    if (!record?.joined || !this.model.isOnline() || follow.older || record.base <= record.floor) {
      done(false);
      return;
    }
    const after = Math.max(record.floor, record.base - RECENT);
    follow.older = {after, events: [], due: now + ANSWER_MS, done};
    this.model.up([plainCommand(K.K_GET, {conv: id, body: map([K.GET_AFTER, after], [K.GET_UPTO, record.base])})]);
  }

  olderPage(page, follow, now) {
    const {base} = this.record(page.conv);
    const {older} = follow;
    older.due = now + ANSWER_MS;
    if (!page.more && page.to < base && page.to > older.after) {
      older.after = page.to; // the hub's credit was used up: on
      this.model.up([plainCommand(K.K_GET, {conv: page.conv, body: map([K.GET_AFTER, page.to], [K.GET_UPTO, base])})]);
    } else if (!page.more) {
      follow.older = null;
      const bySeq = new Map(older.events.map((ev) => [ev.seq, ev]));
      const list = [];
      let first = base;
      for (let ev = bySeq.get(first); ev; ev = bySeq.get(first)) {
        list.unshift(ev);
        first--;
      }
      if (list.length > 0) {
        this.model.change({t: "events", conv: page.conv, list});
        this.patch(page.conv, {base: first});
      }
      older.done(list.length > 0);
    }
  }

  /** I2: the store has everything up to this cursor. */
  stored(id, cursor) {
    const follow = this.follow(id);
    follow.stored = Math.max(follow.stored, cursor);
  }

  markRead(id, seq, isPrivate) {
    const record = this.record(id);
    const upto = record ? Math.min(seq, record.cursor) : 0;
    if (record && upto > record.read) {
      this.patch(id, {read: upto});
      this.follow(id).private = isPrivate;
      this.recount(id);
    }
  }

  recount(id) {
    const record = this.record(id);
    const counted = this.mirror.threads.get(id).unreadAbove(record.read);
    const unread = counted ?? (record.read >= record.head ? 0 : record.unread);
    if (unread !== record.unread) {
      this.patch(id, {unread});
    }
  }

  receipts(id, receipts) {
    const record = this.record(id);
    const others = Object.entries(receipts).filter(([user]) => user !== this.mirror.own.user).map(([, horizon]) => horizon);
    this.patch(id, {
      receipts, deliveredMax: Math.max(record.deliveredMax, ...others.map((h) => h[0])), readMax: Math.max(record.readMax, ...others.map((h) => h[1])),
    });
  }

  /** What the hub is to be told: {conversation: [delivered, read, private]}; null if nothing. */
  owed(most) {
    const owed = new Map();
    for (const [id, follow] of this.follows) {
      const record = this.record(id);
      if (!record?.joined || owed.size >= most) {
        continue;
      }
      const read = Math.min(record.read, follow.stored);
      if (follow.stored > follow.toldStored || read > follow.toldRead) {
        owed.set(id, follow.private ? [follow.stored, read, true] : [follow.stored, read]);
        follow.toldStored = follow.stored;
        follow.toldRead = read;
      }
    }
    return owed.size > 0 ? owed : null;
  }

  isOwing() {
    for (const [id, follow] of this.follows) {
      const record = this.record(id);
      if (record?.joined && (follow.stored > follow.toldStored || Math.min(record.read, follow.stored) > follow.toldRead)) {
        return true;
      }
    }
    return false;
  }

  tick(now) {
    for (const [id, follow] of this.follows) {
      if (now >= follow.due) {
        follow.isAsked = true;
        follow.due = now + ANSWER_MS;
        this.model.up([plainCommand(K.K_GET, {conv: id, body: map([K.GET_AFTER, this.record(id).cursor])})]);
      }
      if (follow.older && now >= follow.older.due) {
        follow.older.done(false);
        follow.older = null;
      }
    }
  }

  nextDue() {
    let due = Infinity;
    for (const follow of this.follows.values()) {
      due = Math.min(due, follow.due, follow.older?.due ?? Infinity);
    }
    return due;
  }
}
