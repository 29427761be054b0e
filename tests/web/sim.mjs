// A hub in a few lines, a network with bad manners, a store that takes its time and a device that is switched off: for the model alone.
import {ok as assertOk} from "node:assert/strict";
import * as K from "../../edge-relay/web/sdk/keys.js";
import {isKept} from "../../edge-relay/web/sdk/mirror.js";
import {Model} from "../../edge-relay/web/sdk/model.js";
import {MemoryStore} from "../../edge-relay/web/sdk/store_memory.js";
import {decode, encode} from "../../edge-relay/web/sdk/wire.js";

export const USER = "ann";
export const DEVICE = "phone";

/** mulberry32: the same numbers for the same seed. */
export function randomOf(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Orders commands, answers each n once and for all. What says "no" is refused for good, what says "later" twice for now. */
class Hub {
  constructor(convs) {
    this.logs = new Map(convs.map((id) => [id, []]));
    this.epoch = 7;
    this.next = 1;
    this.answers = new Map();
    this.put_off = new Map();
    this.at = 1700000000000;
  }

  append(conv, fields) {
    const log = this.logs.get(conv);
    const event = new Map([[K.KEY_KIND, K.K_MSG], [K.KEY_N, 1], [K.KEY_CONV, conv], ...fields, [K.KEY_SEQ, log.length + 1], [K.KEY_AT, ++this.at]]);
    log.push(event);
    return event;
  }

  other(conv, n) {
    return this.append(conv, [[K.KEY_N, n], [K.KEY_BODY, new Map([[K.MSG_TEXT, `other ${n}`]])], [K.KEY_USER, "bob"], [K.KEY_DEVICE, "desk"]]);
  }

  /** [reply, event or null] */
  take(command, branch) {
    const n = command.get(K.KEY_N);
    if (n > this.next) {
      return [new Map([[1, K.REPLY_NACK], [K.NACK_N, n], [K.NACK_ERROR, K.C_GAP], [K.NACK_RETRY, true], [K.NACK_NEXT, this.next]]), null];
    }
    if (n < this.next) {
      return [this.answers.get(n), null];
    }
    const text = command.get(K.KEY_BODY).get(K.MSG_TEXT);
    const times = this.put_off.get(text) ?? 0;
    if (text.startsWith("later") && times < 2) {
      this.put_off.set(text, times + 1);
      return [new Map([[1, K.REPLY_NACK], [K.NACK_N, n], [K.NACK_ERROR, K.C_BUSY], [K.NACK_RETRY, true]]), null];
    }
    this.next++;
    if (text.startsWith("no")) {
      const nack = new Map([[1, K.REPLY_NACK], [K.NACK_N, n], [K.NACK_ERROR, K.C_DENIED], [K.NACK_REASON, "not you"]]);
      this.answers.set(n, nack);
      return [nack, null];
    }
    const conv = command.get(K.KEY_CONV);
    const event = this.append(conv, [
      [K.KEY_N, n], [K.KEY_BODY, command.get(K.KEY_BODY)], [K.KEY_USER, USER], [K.KEY_DEVICE, DEVICE], ...(branch ? [[K.KEY_BRANCH, branch]] : []),
    ]);
    const ack = new Map([[1, K.REPLY_ACK], [K.ACK_ROWS, [[n, conv, event.get(K.KEY_SEQ), event.get(K.KEY_AT)]]]]);
    this.answers.set(n, ack);
    return [ack, event];
  }
}

export class World {
  constructor(seed, convs = ["c1", "c2"]) {
    this.random = randomOf(seed);
    this.convs = convs;
    this.hub = new Hub(convs);
    this.site = null; // {held: [commands], next}: commands go to a site first
    this.store = new MemoryStore();
    this.now = 1000;
    this.said = 0;
    this.others = 0;
    this.refused = [];
    this.accepted = new Set(); // texts that the store had, at any time
    this.net = [];
    this.writes = [];
    this.isLossy = true;
    this.heard = []; // [when, command or commands]
    this.alive = []; // [[K.LIMIT_ALIVE, s]]: the hub counts on hearing of the device
    this.fresh();
  }

  pick(below) {
    return Math.floor(this.random() * below);
  }

  fresh() {
    this.isLinked = false;
    this.net = [];
    this.writes = [];
    this.model = new Model({user: USER, device: DEVICE, random: this.random});
  }

  /** The device is switched off and on again: what the store has is all that is left. */
  async reload() {
    this.fresh();
    const events = await Promise.all(this.convs.map(async (conv) => ({t: "loaded", conv, list: await this.store.events(conv, Infinity, 10000)})));
    this.model.load([...await this.store.load(), ...events.filter(({conv}) => this.store.convs.has(conv))]);
    this.model.begin(this.now);
    this.drain();
  }

  start() {
    this.model.begin(this.now);
    this.drain();
  }

  drain() {
    const {changes, batch, io, told} = this.model.take();
    if (changes.length > 0) {
      this.writes.push([changes.filter(isKept), batch]);
    }
    this.refused.push(...told.filter(([name]) => name === "refused"));
    io.forEach((one) => this.io(one));
  }

  /** The oldest transaction completes. */
  async write() {
    const write = this.writes.shift();
    if (write) {
      await this.store.write(write[0]);
      write[0].filter(({t}) => t === "entry").forEach(({value}) => this.accepted.add(value.body.text));
      this.model.written(write[1], this.now);
      this.drain();
    }
  }

  io(one) {
    if (one.do === "connect") {
      this.net.push(() => {
        this.isLinked = true;
        this.model.opened(this.now);
      });
    } else if (one.do === "disconnect") {
      this.isLinked = false;
      this.net = [];
    } else if (one.do === "publish" && !one.topic.endsWith("/status")) {
      this.heard.push([this.now, decode(one.bytes)]);
    }
    if (one.do === "publish" && one.topic.endsWith("/up")) {
      const value = decode(one.bytes);
      (Array.isArray(value) ? value : [value]).forEach((command) => this.up(command));
    }
  }

  /** On its way to the device. */
  send(topic, value) {
    const bytes = encode(value);
    const times = this.isLossy && this.pick(20) === 0 ? this.pick(3) : 1; // lost, once, or twice
    for (let i = 0; i < times; i++) {
      this.net.push(() => this.model.message(topic, bytes, this.now));
    }
  }

  down(reply) {
    this.send(`fp/1/device/${DEVICE}/down`, reply);
  }

  tell(event) {
    this.send(`fp/1/scope/s/conv/${event.get(K.KEY_CONV)}/event`, event);
  }

  page(conv, after, upto = Infinity) {
    const log = this.hub.logs.get(conv).slice(after, upto);
    this.down(new Map([
      [1, K.REPLY_PAGE], [K.PAGE_CONV, conv], [K.PAGE_FROM, after + 1], [K.PAGE_TO, after + log.length], [K.PAGE_MORE, false], [K.PAGE_CODEC, 0],
      [K.PAGE_CONTENT, log],
    ]));
  }

  up(command) {
    const kind = command.get(K.KEY_KIND);
    if (this.isLossy && this.pick(40) === 0) {
      return;
    }
    if (kind === K.K_HELLO) {
      const heads = this.convs.map((conv) => [conv, "s", this.hub.logs.get(conv).length, 0, 0, 0]);
      const next = this.site ? Math.max(this.hub.next, this.site.next) : this.hub.next;
      this.down(new Map([
        [1, K.REPLY_WELCOME], [K.WELCOME_EPOCH, this.hub.epoch], [K.WELCOME_SESSION, 1], [K.WELCOME_AT, this.hub.at], [K.WELCOME_NEXT, next], [K.WELCOME_HEADS, heads],
        [K.WELCOME_LIMITS, new Map([[K.LIMIT_BATCH, 64], [K.LIMIT_RATE, 0], [K.LIMIT_COMMAND_BYTES, 16384], ...this.alive])],
      ]));
      for (const [conv, cursor] of command.get(K.KEY_BODY).get(K.HELLO_CURSORS) ?? []) {
        this.page(conv, cursor);
      }
    } else if (kind === K.K_GET) {
      this.page(command.get(K.KEY_CONV), command.get(K.KEY_BODY).get(K.GET_AFTER), command.get(K.KEY_BODY).get(K.GET_UPTO));
    } else if (command.has(K.KEY_N)) {
      assertOk(this.store.entries.has(command.get(K.KEY_N)) || this.isStored(command.get(K.KEY_N)), "sent before the store had it");
      this.durable(command);
    }
  }

  isStored(n) {
    return [...this.store.entries.values()].some((entry) => entry.n === n && entry.tried);
  }

  durable(command) {
    if (this.site) {
      this.atSite(command);
      return;
    }
    const [reply, event] = this.hub.take(command);
    this.down(reply);
    if (event) {
      this.tell(event);
    }
  }

  // A site takes it, tells so, and shows it to everybody there in its own order.
  atSite(command) {
    const {site} = this;
    const n = command.get(K.KEY_N);
    if (n > site.next) {
      this.down(new Map([[1, K.REPLY_NACK], [K.NACK_N, n], [K.NACK_ERROR, K.C_GAP], [K.NACK_RETRY, true], [K.NACK_NEXT, site.next]]));
      return;
    }
    if (n === site.next) {
      site.next++;
      const conv = command.get(K.KEY_CONV);
      site.held.push([command, ["site", this.hub.logs.get(conv).length, ++site.k]]);
    }
    const found = site.held.find(([one]) => one.get(K.KEY_N) === n);
    if (!found) {
      this.down(this.hub.take(command)[0]);
      return;
    }
    this.down(new Map([[1, K.REPLY_ACK], [K.ACK_ROWS, [[n, command.get(K.KEY_CONV), null, this.hub.at]]], [K.ACK_RELAY, "site"]]));
    this.tell(this.provisional(...found, 0));
  }

  provisional(command, branch, flags) {
    return new Map([
      [K.KEY_KIND, K.K_MSG], [K.KEY_N, command.get(K.KEY_N)], [K.KEY_CONV, command.get(K.KEY_CONV)],
      ...(flags ? [] : [[K.KEY_BODY, command.get(K.KEY_BODY)]]), [K.KEY_AT, this.hub.at], [K.KEY_USER, USER], [K.KEY_DEVICE, DEVICE],
      [K.KEY_FLAGS, K.FLAG_PROVISIONAL | flags], [K.KEY_BRANCH, branch],
    ]);
  }

  /** The site reaches the hub: what it holds is ordered, in its order. */
  flush(count) {
    for (const [command, branch] of this.site?.held.splice(0, count) ?? []) {
      let answer = this.hub.take(command, branch);
      while (answer[0].get(K.NACK_RETRY)) {
        answer = this.hub.take(command, branch);
      }
      this.down(answer[0]);
      if (answer[1]) {
        this.tell(answer[1]);
      } else {
        this.tell(this.provisional(command, branch, K.FLAG_REFUSED));
      }
    }
  }

  toSite() {
    this.site = {held: [], next: this.hub.next, k: 0};
  }

  fromSite() {
    this.flush(Infinity);
    this.site = null;
  }

  /** One of what is under way arrives; mostly the oldest. */
  arrive() {
    if (this.net.length > 0) {
      const [one] = this.net.splice(this.isLossy && this.pick(3) === 0 ? this.pick(Math.min(this.net.length, 8)) : 0, 1);
      one();
      this.drain();
    }
  }

  say(text) {
    if (this.convs.every((conv) => this.model.inbox.record(conv))) {
      this.said++;
      const entry = this.model.command({kind: K.K_MSG, conv: this.convs[this.pick(this.convs.length)], body: {text, media: "text/plain", mustConfirm: false}}, this.now);
      this.drain();
      return entry;
    }
    return null;
  }

  pass(ms) {
    this.now += ms;
    this.model.tick(this.now);
    this.drain();
  }

  cut() {
    this.isLinked = false;
    this.net = [];
    this.model.closed({reason: "cut", isRefused: false}, this.now);
    this.drain();
  }

  /** Everything works from here on; until nothing is under way. */
  async settle() {
    this.isLossy = false;
    if (this.site) {
      this.fromSite();
    }
    for (let quiet = 0; quiet < 30; quiet++) {
      while (this.writes.length > 0 || this.net.length > 0) {
        quiet = 0;
        await this.write();
        this.arrive();
      }
      this.pass(2000);
    }
  }
}
