// Fieldpost for browsers and Node: conversations that work offline. See ../README.md.
import {Host, randomId} from "./host.js";
import * as K from "./keys.js";
import {Mirror} from "./mirror.js";
import {IndexedDbStore} from "./store_indexeddb.js";
import {MemoryStore} from "./store_memory.js";
import {WebTabs} from "./tabs.js";
import {MqttTransport} from "./transport_mqtt.js";
import {isId} from "./wire.js";

export {IndexedDbStore, MemoryStore, WebTabs, MqttTransport};

const ACTIVITIES = {away: K.ACTIVITY_AWAY, active: K.ACTIVITY_ACTIVE, busy: K.ACTIVITY_BUSY};
const VIEWERS = {everyone: K.VIEWER_EVERYONE, scope: K.VIEWER_SCOPE, nobody: K.VIEWER_NOBODY};
const LEVELS = {hidden: K.LEVEL_HIDDEN, day: K.LEVEL_DAY, quarter: K.LEVEL_QUARTER, exact: K.LEVEL_EXACT};

function oneOf(table, value, name) {
  if (!Object.hasOwn(table, value)) {
    throw new TypeError(`${name}: one of ${Object.keys(table).join(", ")}`);
  }
  return table[value];
}

/**
 * @typedef {object} Options
 * @property {string} url        wss://host/mqtt, ws://, or in Node mqtt:// and mqtts:// as well
 * @property {string} user
 * @property {string} password   kept in memory only
 * @property {string} [device]   by default one that is made once and kept in the store
 * @property {object} [store]    IndexedDbStore where there is one, else MemoryStore
 * @property {object|null} [tabs]       null: this one alone owns the store
 * @property {object} [transport]
 * @property {string} [name]     of the store; by default from user and host
 * @property {string} [app]      name and version of the application, for the hub's log
 * @property {boolean} [operator] listen to fp/1/ops/#
 * @property {() => number} [random]    in [0, 1): spreads reconnects
 */

/**
 * @typedef {object} Row
 * @property {string} key        "device/n": the row's name for ever, before and after the hub has ordered it
 * @property {string} conv
 * @property {number|null} seq   null: the hub has not ordered it yet
 * @property {number} n
 * @property {string} device
 * @property {string} user
 * @property {number} at         hub time, ms; of what waits: as well as it is known
 * @property {number|null} composed
 * @property {"message"|"system"} kind
 * @property {string|null} text  null: gone
 * @property {string} media
 * @property {number|null} ref   the message that it answers
 * @property {number} version
 * @property {boolean} edited
 * @property {boolean} deleted
 * @property {boolean} redacted
 * @property {boolean} own       by this user, on any device
 * @property {boolean} pending   a change of it waits for the hub, and is shown already
 * @property {{user: string, text: string|null, seq: number}[]} lost  edits that came too late
 * @property {number} priority   0 safety, 1 high, 2 normal, 3 bulk
 * @property {boolean} mustConfirm
 * @property {string[]} confirmedBy
 * @property {{emoji: string, users: string[]}[]} reactions
 * @property {{offline: boolean, stale: boolean, conflict: boolean, provisional: boolean, hub: boolean}} flags
 * @property {{relay: string, base: number, k: number}|null} branch
 * @property {"queued"|"sending"|"relayed"|"sent"|"delivered"|"read"|"failed"} state
 * @property {{k: number, of: number}} delivered  to how many of the others
 * @property {{k: number, of: number}} read
 * @property {{code: string, reason: string}|null} error
 * @property {object|null} system  {what: "created"|"changed"|"added"|"removed"|"role", user?, role?, title?, ...}
 */

export class Fieldpost {
  /** @param {Options} options */
  constructor(options) {
    for (const name of ["url", "user"]) {
      if (typeof options[name] !== "string" || options[name] === "") {
        throw new TypeError(`${name}: missing`);
      }
    }
    if (!isId(options.user) || (options.device !== undefined && !isId(options.device))) {
      throw new TypeError("user and device: 1 to 36 of A-Z a-z 0-9 . _ ~ -");
    }
    const isWeb = WebTabs.isThere() && typeof indexedDB !== "undefined";
    this.options = {random: Math.random, ...options};
    this.name = options.name ?? `fieldpost ${options.user}@${new URL(options.url).host}`;
    this.store = options.store ?? (isWeb ? new IndexedDbStore({onLost: () => this.stop()}) : new MemoryStore());
    this.tabs = options.tabs !== undefined ? options.tabs : isWeb && !options.store ? new WebTabs() : null;
    this.mirror = new Mirror();
    this.mirror.own.user = options.user;
    this.host = null; // in the tab that leads
    this.handlers = new Map();
    this.calls = new Map(); // id -> {method, args, resolve, reject}: asked of the tab that leads
    this.tab = randomId(16);
    this.isDumped = false;
    this.isStopped = false;
    this.onOnline = () => this.hurry();
  }

  // ---------------------------------------------------------------- life

  /** Shows what is held and connects in the background. Resolves before the link is up; rejects if the store cannot be opened. */
  start() {
    const ready = new Promise((resolve, reject) => Object.assign(this, {ready: resolve, failed: reject}));
    globalThis.addEventListener?.("online", this.onOnline);
    if (this.tabs === null) {
      this.lead();
    } else {
      this.tabs.open(this.name, (message) => this.heard(message), () => this.lead());
      this.tabs.post({t: "who", from: this.tab});
    }
    return ready;
  }

  /** Says good-bye to the hub; what waits stays in the store. */
  async stop() {
    this.isStopped = true;
    globalThis.removeEventListener?.("online", this.onOnline);
    this.calls.forEach(({reject}) => reject(new Error("stopped")));
    this.calls.clear();
    await this.host?.stop();
    this.host = null;
    this.tabs?.close();
  }

  // This tab has the connection and the store from now on.
  async lead() {
    const host = new Host({
      options: this.options, store: this.store, transport: this.options.transport ?? new MqttTransport(), post: (changes, told) => this.posted(changes, told),
    });
    try {
      await host.open(this.name, this.options.device);
    } catch (error) {
      this.failed(error);
      return;
    }
    if (this.isStopped) {
      this.store.close();
      return;
    }
    this.host = host;
    this.mirror = host.model.mirror;
    this.isDumped = true;
    this.showAll();
    this.ready();
    this.tabs?.post({t: "lead"});
    host.run((model, now) => model.begin(now));
    for (const [id, call] of this.calls) {
      this.answer(id, call);
    }
  }

  posted(changes, told) {
    this.tabs?.post({t: "changes", changes, told});
    this.emitNews();
    told.forEach((event) => this.emitTold(event));
  }

  heard(message) {
    if (this.host) {
      if (message.t === "who") {
        this.tabs.post({t: "dump", to: message.from, device: this.mirror.own.device, changes: this.mirror.dump()});
      } else if (message.t === "do") {
        this.run(message.method, message.args).then(
          (result) => this.tabs?.post({t: "done", id: message.id, result}),
          (error) => this.tabs?.post({t: "done", id: message.id, error: {message: error.message, code: error.code}}));
      }
      return;
    }
    this.heardOfLeader(message);
  }

  heardOfLeader(message) {
    if (message.t === "lead") {
      this.tabs.post({t: "who", from: this.tab});
      this.calls.forEach(({method, args}, id) => this.tabs.post({t: "do", id, method, args}));
    } else if (message.t === "dump" && message.to === this.tab) {
      this.mirror.clear();
      this.mirror.own.device = message.device;
      message.changes.forEach((change) => this.mirror.apply(change));
      this.isDumped = true;
      this.showAll();
      this.ready();
    } else if (message.t === "changes" && this.isDumped) {
      message.changes.forEach((change) => this.mirror.apply(change));
      this.emitNews();
      message.told.forEach((event) => this.emitTold(event));
    } else if (message.t === "done" && this.calls.has(message.id)) {
      const {resolve, reject} = this.calls.get(message.id);
      this.calls.delete(message.id);
      if (message.error) {
        reject(Object.assign(new Error(message.error.message), {code: message.error.code}));
      } else {
        resolve(message.result);
      }
    }
  }

  async run(method, args) {
    return this.host[method](...args);
  }

  answer(id, {method, args, resolve, reject}) {
    this.calls.delete(id);
    this.run(method, args).then(resolve, reject);
  }

  // Done by the tab that leads. If that one goes meanwhile, the next one is asked the same; what is durable counts once, by its token.
  do(method, ...args) {
    if (this.isStopped) {
      return Promise.reject(new Error("stopped"));
    }
    if (this.host) {
      return this.run(method, args);
    }
    return new Promise((resolve, reject) => {
      const id = randomId(20);
      this.calls.set(id, {method, args, resolve, reject});
      this.tabs?.post({t: "do", id, method, args});
    });
  }

  // ---------------------------------------------------------------- events

  /**
   * "link"; "conversations"; "conversation"(id); "rows"(id, null: read again what you show); "typing"(id); "people"(users); "alert"(row or
   * {conv, seq, priority}); "refused"(row or null, error, entry); "told"(topic, payload) for operators; "warning"(sentence).
   * @returns {() => void} takes it off again
   */
  on(name, fn) {
    const fns = this.handlers.get(name) ?? new Set();
    this.handlers.set(name, fns.add(fn));
    return () => fns.delete(fn);
  }

  emit(name, ...args) {
    for (const fn of [...(this.handlers.get(name) ?? [])]) {
      try {
        fn(...args);
      } catch (error) {
        queueMicrotask(() => { // the application's mistake, not ours: all others are told all the same
          throw error;
        });
      }
    }
  }

  emitNews() {
    const news = this.mirror.takeNews();
    if (news.link) {
      this.emit("link");
    }
    if (news.conv.size > 0) {
      this.emit("conversations");
    }
    news.conv.forEach((id) => this.emit("conversation", id));
    news.rows.forEach((id) => this.emit("rows", id, null));
    news.typing.forEach((id) => this.emit("typing", id));
    if (news.people.size > 0) {
      this.emit("people", [...news.people]);
    }
  }

  emitTold([name, ...args]) {
    if (name === "refused") {
      this.emit("refused", this.mirror.rowOf(args[0]), args[0].error, args[0]);
    } else if (name === "alert") {
      this.emit("alert", this.mirror.threads.get(args[0].conv)?.at(args[0].seq) ?? args[0]);
    } else {
      this.emit(name, ...args);
    }
  }

  showAll() {
    const {news} = this.mirror;
    news.link = true;
    for (const id of this.mirror.threads.keys()) {
      news.conv.add(id);
      news.rows.add(id);
    }
    this.emitNews();
  }

  // ---------------------------------------------------------------- reading: snapshots of what is in memory

  get user() {
    return this.mirror.own.user;
  }

  get device() {
    return this.mirror.own.device;
  }

  /** True in the tab that has the connection. */
  get leads() {
    return this.host !== null;
  }

  get link() {
    return this.mirror.link;
  }

  scopes() {
    return this.mirror.scopes();
  }

  conversations(scope) {
    return this.mirror.conversations(scope);
  }

  conversation(id) {
    return this.mirror.conversation(id);
  }

  rowCount(id) {
    return this.mirror.rowCount(id);
  }

  /** @returns {Row[]} */
  rows(id, from, to) {
    return this.mirror.rows(id, from, to);
  }

  person(user) {
    return this.mirror.person(user);
  }

  /** What waits or has failed, changes included: [{n, kind, conv, ref, state, error}]. */
  outbox() {
    return [...this.mirror.entries.values()].map(({n, kind, conv, ref, state, error}) => ({n, kind, conv, ref, state, error}));
  }

  // ---------------------------------------------------------------- doing: resolves once the store has it; shown at once

  async command(command) {
    const n = await this.do("command", {...command, token: randomId(20)});
    return this.rowByN(command.conv, n);
  }

  rowByN(conv, n) {
    return this.mirror.threads.get(conv)?.find(`${this.device}/${n}`) ?? null;
  }

  /** @returns {Promise<Row>} */
  send(conv, text, {priority, ref, mustConfirm = false, ttl, media = "text/plain"} = {}) {
    return this.command({kind: K.K_MSG, conv, priority: priority ?? null, ref: ref ?? null, ttl: ttl ?? null, body: {text, media, mustConfirm}});
  }

  versionOf(conv, seq) {
    return this.mirror.threads.get(conv)?.at(seq)?.version ?? null;
  }

  /** An edit that had not seen the latest version is kept, but loses: see `lost` of the row. */
  edit(conv, seq, text) {
    return this.command({kind: K.K_EDIT, conv, ref: seq, base: this.versionOf(conv, seq), body: {text, media: "text/plain", mustConfirm: false}});
  }

  remove(conv, seq) {
    return this.command({kind: K.K_DELETE, conv, ref: seq});
  }

  redact(conv, seq, reason = "") {
    return this.command({kind: K.K_REDACT, conv, ref: seq, body: {reason}});
  }

  react(conv, seq, emoji, back = false) {
    return this.command({kind: K.K_REACT, conv, ref: seq, body: {emoji, back}});
  }

  confirm(conv, seq) {
    return this.command({kind: K.K_CONFIRM, conv, ref: seq});
  }

  /** Takes back what has failed, or was never sent; else rejects with the code "too-late". */
  cancel(n) {
    return this.do("cancel", n);
  }

  /** Sends what failed once more, as something new. */
  retry(n) {
    return this.do("retry", n, randomId(20));
  }

  /** @returns {Promise<string>} its id */
  async createConversation({scope, id = randomId(20), title, members = {}}) {
    await this.command({kind: K.K_CONV_NEW, conv: id, body: {scope, title, members}});
    return id;
  }

  setConversation(conv, {title}) {
    return this.command({kind: K.K_CONV_SET, conv, base: this.mirror.conversation(conv)?.version ?? null, body: {title}});
  }

  /** from: the seq from which he sees what was said; 0: all; absent: from now on. */
  addMember(conv, user, role = K.ROLE_MEMBER, {from} = {}) {
    return this.command({kind: K.K_MEMBER_ADD, conv, body: {user, role, from}});
  }

  removeMember(conv, user) {
    return this.command({kind: K.K_MEMBER_REMOVE, conv, body: {user}});
  }

  setRole(conv, user, role) {
    return this.command({kind: K.K_MEMBER_ROLE, conv, body: {user, role}});
  }

  markRead(conv, seq, {private: isPrivate = false} = {}) {
    return this.do("markRead", conv, seq, isPrivate);
  }

  /** Call it at each key; it is told as often as it has to be. */
  typing(conv, isTyping) {
    return this.do("typing", conv, isTyping);
  }

  activity(name) {
    return this.do("activity", oneOf(ACTIVITIES, name, "activity"));
  }

  /** In the background: heads and alerts only. */
  idle(isIdle) {
    return this.do("idle", isIdle);
  }

  /** The people on the screen, to be told of at once. */
  watch(users) {
    return this.do("watch", users);
  }

  status(text, until = null) {
    return this.do("status", text, until);
  }

  /** rows: [{viewer: "everyone"|"scope"|"nobody"|{user}, level: "hidden"|"day"|"quarter"|"exact"}] */
  policy(rows) {
    return this.do("policy", rows.map(({viewer, level}) => (
      [typeof viewer === "object" ? viewer.user : oneOf(VIEWERS, viewer, "viewer"), oneOf(LEVELS, level, "level")])));
  }

  /** @returns {Promise<{user: string, delivered: number|null, read: number|null, confirmed: number|null}[]>} */
  readers(conv, seq) {
    return this.do("readers", conv, seq);
  }

  /** Older rows than those from seq on: of the store, else of the hub. True if there are any now. */
  loadBefore(conv, seq) {
    return this.do("loadBefore", conv, seq);
  }

  /** Connects now rather than at link.retryAt. */
  hurry() {
    return this.do("hurry");
  }
}
