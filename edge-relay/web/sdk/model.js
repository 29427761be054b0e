// The client as a pure model: what happens goes in as calls with the time, what is to be done comes out of take(). No I/O, no clock, no chance of its own.
//
// In    load, begin, end, opened, closed, message, written, tick, and what the application does
// Out   {changes: for the store and the other tabs, batch: to be given to written() once the store has them,
//        io: [{do: "connect"|"disconnect"|"subscribe"|"publish", ...}] in order, told: [[event, ...]] for the application}
import {Inbox} from "./inbox.js";
import * as K from "./keys.js";
import {isKept, Mirror} from "./mirror.js";
import {Outbox} from "./outbox.js";
import {backoff} from "./states.js";
import * as W from "./wire.js";

const ANSWER_MS = 10000;
const RECEIPT_MS = 500;
const UNTOLD_MS = 2000;
const REFUSED_MS = 30000;
const TYPING_MS = 2500;
const WATCH_S = 120;
const ALIVE_S = 30; // the hub hears of us this often
const CURSORS_MAX = 250;
const RECEIPTS_MAX = 200;
const EARLY_MAX = 20000;

const newIo = () => ({changes: [], io: [], told: []});
const utf8 = new TextEncoder();

export class Model {
  /** @param {{user: string, device: string, random: () => number, app?: string, operator?: boolean}} options */
  constructor({user, device, random, app = "fieldpost-js", operator = false}) {
    this.mirror = new Mirror();
    Object.assign(this.mirror.own, {user, device});
    this.random = random;
    this.app = app;
    this.operator = operator;
    this.limits = {batch: 1, rate: 0, alive: 0};
    this.time = 0; // of the last call that said it
    this.saidAt = 0;
    this.outbox = new Outbox(this);
    this.inbox = new Inbox(this);
    this.out = newIo();
    this.step = "off"; // off, waiting, opening, welcome, online
    this.attempt = 0;
    this.retryAt = Infinity;
    this.due = Infinity; // of this step
    this.early = [];
    this.alerted = new Set();
    this.scopes = new Map(); // scope -> when to subscribe again; Infinity: it is
    this.questions = [];
    this.receiptsDue = Infinity;
    this.receiptsAt = 0;
    this.untoldDue = Infinity;
    this.typed = new Map(); // conversation -> when last told
    this.watched = [];
    this.watchDue = Infinity;
    this.wishes = []; // what needs a connection, and has no n
    this.present = {activity: null, idle: false};
  }

  // ---------------------------------------------------------------- out

  change(change) {
    this.mirror.apply(change);
    this.out.changes.push(change);
  }

  do(what, fields) {
    this.out.io.push({do: what, ...fields});
  }

  tell(...event) {
    this.out.told.push(event);
  }

  up(commands) {
    this.saidAt = this.time;
    const bytes = W.encode(commands.length === 1 ? commands[0] : commands);
    this.do("publish", {topic: `fp/1/device/${this.mirror.own.device}/up`, bytes, qos: 1, retain: false});
  }

  now(command) {
    this.saidAt = this.time;
    this.do("publish", {topic: `fp/1/device/${this.mirror.own.device}/now`, bytes: W.encode(command), qos: 0, retain: false});
  }

  status(word) {
    this.do("publish", {topic: `fp/1/device/${this.mirror.own.device}/status`, bytes: utf8.encode(word), qos: 1, retain: true});
  }

  /** All that is to be done since the last call. */
  take() {
    const {out} = this;
    this.out = newIo();
    const batch = {entries: [], cursors: []};
    const last = new Map(); // of a record only its last value is worth writing
    out.changes.forEach((change, i) => last.set(change.t === "conv" ? `conv ${change.value.id}` : i, i));
    const kept = new Set(last.values());
    const changes = out.changes.filter((_change, i) => kept.has(i));
    for (const {t, value} of changes) {
      if (t === "conv") {
        batch.cursors.push([value.id, value.cursor]);
      } else if (t === "entry" && value.tried) {
        batch.entries.push(value.id);
      }
    }
    return {...out, changes, batch, isKept: changes.some(isKept)};
  }

  isOnline() {
    return this.step === "online";
  }

  // ---------------------------------------------------------------- the store

  /** What the store had. */
  load(changes) {
    changes.forEach((change) => this.mirror.apply(change));
    for (const entry of this.mirror.entries.values()) {
      if (entry.state === "queued" && entry.tried) {
        this.mirror.apply({t: "entry", value: {...entry, state: "sending"}});
      }
      if (entry.tried) {
        this.outbox.durable.add(entry.id);
      }
    }
    this.inbox.loaded();
    this.limits.batch = 1;
  }

  /** The store has what take() gave with this batch. */
  written({entries, cursors}, now) {
    for (const [id, cursor] of cursors) {
      if (this.mirror.threads.has(id)) {
        this.inbox.stored(id, cursor);
      }
    }
    if (this.isOnline() && this.inbox.isOwing()) {
      this.receiptsDue = Math.min(this.receiptsDue, Math.max(now, this.receiptsAt + RECEIPT_MS));
    }
    this.outbox.stored(entries.filter((id) => this.mirror.entries.get(id)?.tried), now);
  }

  // ---------------------------------------------------------------- the connection

  begin(now) {
    this.attempt = 0;
    this.retryAt = now;
    this.step = "waiting";
    this.tick(now);
  }

  end(now) {
    if (this.step === "welcome" || this.step === "online") {
      this.status("offline");
      this.up([W.plainCommand(K.K_BYE)]);
    }
    this.drop(null, now);
    this.step = "off";
    this.retryAt = Infinity;
  }

  link(state, now, reason = null, retryAt = null) {
    this.change({t: "link", value: {state, reason, since: now, retryAt}});
  }

  connect(now) {
    const {device} = this.mirror.own;
    this.step = "opening";
    this.due = now + ANSWER_MS;
    this.link("connecting", now, this.mirror.link.reason);
    this.do("connect", {clientId: device, will: {topic: `fp/1/device/${device}/status`, payload: "offline"}});
  }

  /** The broker has taken us in. */
  opened(now) {
    if (this.step !== "opening") {
      return;
    }
    const {user, device} = this.mirror.own;
    this.time = now;
    this.step = "welcome";
    this.due = now + ANSWER_MS;
    this.early = [];
    this.scopes.clear();
    this.inbox.restart();
    this.do("subscribe", {filters: [`fp/1/device/${device}/down`, `fp/1/user/${user}/+`], scope: null});
    if (this.operator) {
      this.do("subscribe", {filters: ["fp/1/ops/#"], scope: ""}); // who is no operator is refused this, and nothing comes of it
    }
    for (const {record} of this.mirror.threads.values()) {
      if (record.joined && !record.pending) {
        this.subscribeScope(record.scope);
      }
    }
    this.status("online");
    const {meta} = this.mirror;
    const cursors = this.inbox.cursors(CURSORS_MAX);
    const isFresh = meta.epoch === undefined;
    this.up([W.plainCommand(K.K_HELLO, {
      body: W.map([K.HELLO_PROTOCOL, K.WIRE_VERSION], [K.HELLO_APP, this.app], [K.HELLO_FRESH, isFresh || undefined],
        [K.HELLO_CURSORS, cursors.size > 0 ? cursors : undefined], [K.HELLO_NEXT, isFresh ? undefined : this.outbox.firstN()],
        [K.HELLO_ALIVE, ALIVE_S]),
    })]);
  }

  subscribeScope(scope) {
    if (this.scopes.get(scope) !== Infinity && (this.step === "welcome" || this.step === "online")) {
      this.scopes.set(scope, Infinity);
      this.do("subscribe", {filters: [`fp/1/scope/${scope}/conv/+/+`, `fp/1/scope/${scope}/presence`], scope});
    }
  }

  /** The broker does not let us listen there: later, perhaps. */
  unsubscribed(scope, now) {
    if (scope === null) {
      this.drop({reason: "a subscription was refused", isRefused: true}, now);
    } else if (this.scopes.has(scope)) {
      this.scopes.set(scope, now + REFUSED_MS);
    }
  }

  drop(why, now) {
    const was = this.step;
    if (was === "off" || was === "waiting") {
      return;
    }
    this.do("disconnect", {});
    this.down(why, now);
  }

  /** The connection is gone. `why`: {reason, isRefused}, or null when that was meant. */
  closed(why, now) {
    if (this.step === "opening" || this.step === "welcome" || this.step === "online") {
      this.down(why, now);
    }
  }

  down(why, now) {
    if (this.step === "online") {
      this.attempt = 0;
    }
    this.step = "waiting";
    this.due = Infinity;
    this.receiptsDue = Infinity;
    this.watchDue = Infinity;
    this.untoldDue = Infinity;
    this.early = [];
    this.typed.clear();
    this.inbox.restart();
    this.outbox.reset();
    this.questions.splice(0).forEach((question) => question.done({error: "the connection has ended"}));
    if (why === null) {
      this.link("offline", now);
      return;
    }
    const wait = backoff(this.attempt++, this.random());
    this.retryAt = now + (why.isRefused ? Math.max(wait, REFUSED_MS) : wait);
    this.link(why.isRefused ? "refused" : "offline", now, why.reason, this.retryAt);
  }

  /** Try again now: somebody asked for it, or the machine says that it has a network. */
  hurry(now) {
    if (this.step === "waiting") {
      this.retryAt = now;
      this.tick(now);
    }
  }

  welcome(welcome, now) {
    const {meta} = this.mirror;
    const isFirst = this.step === "welcome";
    if (isFirst) {
      const isOther = meta.epoch !== undefined && meta.epoch !== welcome.epoch;
      if (isOther) {
        this.inbox.forgetAll();
      }
      this.limits = welcome.limits;
      for (const [key, value] of [["epoch", welcome.epoch], ["offset", welcome.at - now], ["commandBytes", welcome.limits.commandBytes]]) {
        if (meta[key] !== value) {
          this.change({t: "meta", key, value});
        }
      }
      this.step = "online";
      this.due = Infinity;
      this.receiptsAt = 0;
      this.receiptsDue = now;
      this.link("online", now, welcome.relay);
      this.outbox.start(now, welcome.next, isOther);
    }
    const named = new Set(welcome.heads.map((head) => head.conv));
    welcome.heads.forEach((head) => this.inbox.welcomeHead(head, now));
    for (const [id, {record}] of this.mirror.threads) {
      if (record.joined && !record.pending && !named.has(id)) {
        this.gone(id);
      }
    }
    if (isFirst) {
      this.untoldDue = now + (welcome.relay === null ? 0 : UNTOLD_MS);
      this.resume(now);
    }
  }

  // What the hub has to hear again on each connection.
  resume(now) {
    const early = this.early.splice(0);
    early.forEach(([topic, bytes]) => this.message(topic, bytes, now));
    if (this.present.activity !== null) {
      this.now(W.plainCommand(K.K_ACTIVITY, {body: this.present.activity}));
    }
    if (this.present.idle) {
      this.up([W.plainCommand(K.K_IDLE, {body: true})]);
    }
    this.wishes.splice(0).forEach((command) => this.up([command]));
    this.sendWatch(now);
  }

  gone(id) {
    this.outbox.left(id);
    this.inbox.leave(id);
  }

  // ---------------------------------------------------------------- what comes

  /** Throws a WireError for what nobody should have sent; nothing has changed then but what was right in it. */
  message(topic, bytes, now) {
    const parts = topic.split("/");
    this.time = now;
    if (topic === `fp/1/device/${this.mirror.own.device}/down`) {
      this.reply(W.replyOf(W.decode(bytes)), now);
    } else if (this.step !== "online") {
      if (this.step === "welcome" && this.early.length < EARLY_MAX) {
        this.early.push([topic, bytes]);
      }
    } else if (parts[2] === "scope") {
      this.scopeMessage(parts, bytes, now);
    } else if (parts[2] === "user" && parts[4] === "inbox") {
      this.inboxMessage(W.inboxOf(W.decode(bytes)), now);
    } else if (parts[2] === "user" && parts[4] === "presence") {
      const {people, full} = W.presenceOf(W.decode(bytes));
      this.change({t: "people", scope: null, people, full, isWatch: true});
    } else if (parts[2] === "ops") {
      this.tell("told", topic, bytes);
    }
  }

  scopeMessage([, , , scope, what, id, plane], bytes, now) {
    if (what === "presence") {
      const {people, full} = bytes.length > 0 ? W.presenceOf(W.decode(bytes)) : {people: {}, full: true};
      this.change({t: "people", scope, people, full});
      return;
    }
    const record = this.inbox.record(id);
    if (what !== "conv" || bytes.length === 0 || !record?.joined || record.scope !== scope) {
      return;
    }
    const value = W.decode(bytes);
    if (plane === "event") {
      this.inbox.take(Array.isArray(value) ? value : [value], now);
    } else if (plane === "head") {
      const {seq} = W.headOf(value);
      this.inbox.head(id, seq, 0, now);
    } else if (plane === "about") {
      const about = W.aboutOf(value);
      if (about.version >= record.version && about.scope === scope) {
        this.inbox.patch(id, {title: about.title, members: about.members, context: about.context, version: about.version});
      }
    } else if (plane === "receipts") {
      this.inbox.receipts(id, W.receiptsOf(value));
    } else if (plane === "typing") {
      this.change({t: "typing", conv: id, ...W.typingOf(value)});
    }
  }

  inboxMessage(message, now) {
    switch (message?.what) {
    case K.INBOX_HEADS:
      for (const {conv, scope, head, unread} of message.rows) {
        this.inbox.join(conv, scope, {head});
        this.inbox.patch(conv, {unread, counted: Math.max(this.inbox.record(conv).counted, head)});
        this.inbox.head(conv, head, 0, now);
      }
      break;
    case K.INBOX_JOINED:
      this.inbox.join(message.conv, message.scope);
      this.up([W.plainCommand(K.K_HEADS)]); // the head and the floor that are ours
      break;
    case K.INBOX_REMOVED:
      this.gone(message.conv);
      break;
    case K.INBOX_HORIZONS:
      for (const [id, [, read]] of Object.entries(message.own)) {
        const record = this.inbox.record(id);
        if (record && read > record.read) {
          this.inbox.patch(id, {read});
          this.inbox.recount(id);
        }
      }
      break;
    case K.INBOX_ALERT:
      this.inbox.head(message.conv, message.seq, 0, now);
      this.alert(message.conv, message.seq, message.priority);
      break;
    }
  }

  reply(reply, now) {
    if (!reply || (!this.isOnline() && reply.what !== K.REPLY_WELCOME && reply.what !== K.REPLY_NACK)) {
      return;
    }
    switch (reply.what) {
    case K.REPLY_ACK:
      reply.rows.forEach((row) => this.outbox.ack(row, reply.relay, now));
      this.outbox.pump(now);
      break;
    case K.REPLY_NACK:
      this.nack(reply, now);
      break;
    case K.REPLY_WELCOME:
      this.welcome(reply, now);
      break;
    case K.REPLY_PAGE:
      this.inbox.page(reply, now);
      break;
    case K.REPLY_SNAPSHOT:
      this.inbox.snapshot(reply, now);
      break;
    case K.REPLY_NUDGE:
      for (const [id, head] of reply.rows) {
        this.inbox.head(id, head, 0, now);
        this.inbox.follow(id).toldStored = 0; // our receipt may have been lost
      }
      this.receiptsDue = Math.min(this.receiptsDue, now + RECEIPT_MS);
      break;
    case K.REPLY_REPORT:
      this.answer((q) => q.kind === reply.kind && q.conv === reply.conv && q.seq === reply.seq, {value: reply.value});
      break;
    }
  }

  nack(nack, now) {
    if (this.step === "welcome") {
      this.drop({reason: nack.reason || W.codeName(nack.code), isRefused: !nack.retry}, now);
    } else if (nack.n === 0 && nack.code !== K.C_GAP) {
      this.answer(() => true, {error: nack.reason || W.codeName(nack.code)});
    } else {
      this.outbox.nack(nack, now);
      this.outbox.pump(now);
    }
  }

  /** A command of ours is in the log. */
  told(entry, conv, seq, now) {
    const record = conv && this.inbox.record(conv);
    if (record && entry.kind === K.K_CONV_NEW) {
      this.inbox.created(conv, entry.body.scope);
    }
    if (record && seq) {
      this.inbox.head(conv, seq, 0, now);
    }
  }

  refused(entry) {
    this.inbox.dropProvisional(entry.conv, entry.key);
    if (entry.kind === K.K_CONV_NEW && this.inbox.record(entry.conv)?.pending) {
      this.inbox.patch(entry.conv, {joined: false});
    }
    this.tell("refused", entry);
  }

  /** Events have come, in order. */
  held(id, list) {
    const {own} = this.mirror;
    for (const ev of list) {
      if (ev.kind === K.K_MSG && ev.user !== own.user && ev.priority === K.PRIORITY_SAFETY && ev.seq > this.inbox.record(id).read) {
        this.alert(id, ev.seq, ev.priority);
      }
    }
  }

  // It may come twice: as itself, and to the user's inbox.
  alert(conv, seq, priority) {
    const key = `${conv}/${seq}`;
    if (!this.alerted.has(key)) {
      this.alerted.add(key);
      this.tell("alert", {conv, seq, priority});
    }
  }

  // ---------------------------------------------------------------- what the application does

  command(command, now) {
    const seen = command.conv ? this.inbox.record(command.conv)?.cursor : 0;
    if (command.conv && command.kind !== K.K_CONV_NEW && !this.inbox.record(command.conv)) {
      throw Object.assign(new Error(`no conversation ${command.conv}`), {code: "unknown"});
    }
    const entry = this.outbox.add({...command, seen}, now);
    if (command.kind === K.K_CONV_NEW && !this.inbox.record(command.conv)) {
      const {scope, title, members} = command.body;
      const everyone = {...members, [this.mirror.own.user]: K.ROLE_OWNER};
      this.inbox.join(command.conv, scope, {pending: true});
      this.inbox.patch(command.conv, {title: title ?? "", members: everyone, lastAt: entry.at});
    }
    this.typed.delete(command.conv);
    return entry;
  }

  markRead(id, seq, isPrivate, now) {
    this.inbox.markRead(id, seq, isPrivate);
    if (this.isOnline() && this.inbox.isOwing()) {
      this.receiptsDue = Math.min(this.receiptsDue, Math.max(now, this.receiptsAt + RECEIPT_MS));
    }
  }

  typing(id, isTyping, now) {
    const told = this.typed.get(id) ?? -Infinity;
    if (!this.isOnline() || (isTyping ? now - told < TYPING_MS : !this.typed.has(id))) {
      return;
    }
    if (isTyping) {
      this.typed.set(id, now);
    } else {
      this.typed.delete(id);
    }
    this.now(W.plainCommand(K.K_TYPING, {conv: id, body: isTyping}));
  }

  activity(activity) {
    this.present.activity = activity;
    if (this.isOnline()) {
      this.now(W.plainCommand(K.K_ACTIVITY, {body: activity}));
    }
  }

  idle(isIdle) {
    if (this.isOnline() && isIdle !== this.present.idle) {
      this.up([W.plainCommand(K.K_IDLE, {body: isIdle}), ...(isIdle ? [] : [W.plainCommand(K.K_HEADS)])]);
    }
    this.present.idle = isIdle;
  }

  watch(users, now) {
    this.watched = users;
    this.change({t: "people", scope: null, people: {}, full: true, isWatch: true}); // until the answer the digests count again
    this.sendWatch(now, true);
  }

  sendWatch(now, isNew = false) {
    if (this.isOnline() && (isNew || this.watched.length > 0)) {
      this.now(W.plainCommand(K.K_WATCH, {body: W.map([K.WATCH_USERS, this.watched], [K.WATCH_TTL, this.watched.length > 0 ? WATCH_S : 0])}));
    }
    this.watchDue = this.isOnline() && this.watched.length > 0 ? now + (WATCH_S * 1000 * 3) / 4 : Infinity;
  }

  /** Without n: said now, or once there is a connection; the later one of a kind counts. */
  wish(command) {
    const kind = command.get(K.KEY_KIND);
    this.wishes = this.wishes.filter((one) => one.get(K.KEY_KIND) !== kind);
    if (this.isOnline()) {
      this.up([command]);
    } else {
      this.wishes.push(command);
    }
  }

  ask(kind, conv, seq, now, done) {
    if (!this.isOnline()) {
      done({error: "no connection"});
      return;
    }
    this.questions.push({kind, conv, seq, due: now + ANSWER_MS, done});
    this.up([W.plainCommand(kind, {conv, ref: seq})]);
  }

  answer(isIt, answer) {
    const at = this.questions.findIndex(isIt);
    if (at >= 0) {
      this.questions.splice(at, 1)[0].done(answer);
    }
  }

  // ---------------------------------------------------------------- time

  tick(now) {
    this.time = now;
    if (this.step === "waiting" && now >= this.retryAt) {
      this.connect(now);
    } else if (now >= this.due) {
      this.drop({reason: "no answer within 10 s"}, now);
    }
    this.outbox.tick(now);
    if (!this.isOnline()) {
      return;
    }
    this.inbox.tick(now);
    if (now >= this.receiptsDue) {
      const owed = this.inbox.owed(RECEIPTS_MAX);
      this.receiptsAt = now;
      this.receiptsDue = this.inbox.isOwing() ? now + RECEIPT_MS : Infinity;
      if (owed) {
        this.up([W.plainCommand(K.K_RECEIPT, {body: owed})]);
      }
    }
    for (const [scope, at] of this.scopes) {
      if (now >= at) {
        this.scopes.delete(scope);
        this.subscribeScope(scope);
      }
    }
    if (now >= this.untoldDue) {
      this.untoldDue = Infinity;
      this.inbox.dropUntold();
    }
    if (now >= this.watchDue) {
      this.sendWatch(now);
    }
    if (now >= this.aliveDue()) {
      this.now(W.plainCommand(K.K_TIME, {body: now})); // a word is all that it is for
    }
    for (const question of this.questions.filter((one) => now >= one.due)) {
      this.answer((one) => one === question, {error: "no answer within 10 s"});
    }
  }

  /** A hub that counts on hearing of us takes a longer silence for a dead link. */
  aliveDue() {
    return this.limits.alive > 0 ? this.saidAt + this.limits.alive * 1000 : Infinity;
  }

  /** When tick() wants to be called. */
  nextDue() {
    let due = Math.min(this.outbox.nextDue(), this.due);
    if (this.step === "waiting") {
      due = Math.min(due, this.retryAt);
    }
    if (this.isOnline()) {
      due = Math.min(due, this.inbox.nextDue(), this.receiptsDue, this.watchDue, this.untoldDue, this.aliveDue(), ...this.scopes.values(), ...this.questions.map((one) => one.due));
    }
    return due;
  }
}
