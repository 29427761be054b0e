// Runs the model: gives it time, bytes and the store's word; does what it wants done. There is one in all tabs of a page.
import * as K from "./keys.js";
import {Model} from "./model.js";
import * as W from "./wire.js";

const STORE_RETRY_MS = 5000;
const STOP_MS = 2000;
const SHOWN = 200; // events of each conversation that are in memory from the start

/** Never goes back while the program runs, and goes on from the wall's time in the next run. */
const startedAt = Date.now() - performance.now();
export const clock = () => Math.round(startedAt + performance.now());

export class Host {
  /** `post` is given what other tabs have to know: (changes, told). */
  constructor({options, store, transport, post}) {
    this.options = options;
    this.store = store;
    this.transport = transport;
    this.post = post;
    this.model = null;
    this.timer = null;
    this.waiting = newWrite();
    this.isWriting = false;
    this.isStopped = false;
  }

  async open(name, device) {
    const {user, random, app, operator} = this.options;
    await this.store.open(name);
    const held = await this.store.load();
    const kept = held.find((change) => change.t === "meta" && change.key === "device")?.value;
    const model = new Model({user, device: device ?? kept ?? `web-${randomId(16)}`, random, app, operator});
    const events = await Promise.all(held.filter((change) => change.t === "conv").map(async ({value: {id}}) => (
      {t: "loaded", conv: id, list: await this.store.events(id, Infinity, SHOWN)})));
    model.load([...held, ...events]);
    if (kept !== model.mirror.own.device) {
      model.change({t: "meta", key: "device", value: model.mirror.own.device});
    }
    this.model = model;
  }

  /** Calls the model, then does what it wants. */
  run(fn) {
    if (this.isStopped) {
      return undefined;
    }
    try {
      return fn(this.model, clock());
    } finally {
      this.drain();
    }
  }

  drain() {
    const {changes, batch, isKept, io, told} = this.model.take();
    if (isKept || batch.entries.length > 0) {
      this.waiting.changes.push(...changes.filter((change) => change.t !== "loaded"));
      this.waiting.batches.push(batch);
      this.write();
    }
    if (changes.length > 0 || told.length > 0) {
      this.post(changes, told);
    }
    for (const one of io) {
      this.io(one);
    }
    this.schedule();
  }

  io({do: what, ...fields}) {
    const {transport} = this;
    if (what === "publish") {
      transport.publish(fields.topic, fields.bytes, fields);
    } else if (what === "subscribe") {
      transport.subscribe(fields.filters, () => this.run((model, now) => model.unsubscribed(fields.scope, now)));
    } else if (what === "connect") {
      const {url, user, password} = this.options;
      transport.connect({url, user, password, ...fields}, {
        opened: () => this.run((model, now) => model.opened(now)),
        message: (topic, bytes) => this.message(topic, bytes),
        closed: (why) => this.run((model, now) => model.closed(why, now)),
      });
    } else {
      transport.disconnect();
    }
  }

  message(topic, bytes) {
    try {
      this.run((model, now) => model.message(topic, bytes, now));
    } catch (error) {
      if (!(error instanceof W.WireError)) {
        throw error;
      }
      this.post([], [["warning", `${topic}: ${error.message}`]]);
    }
  }

  // One transaction at a time; what comes meanwhile goes into the next one together.
  async write() {
    if (this.isWriting) {
      return;
    }
    this.isWriting = true;
    while (this.waiting.changes.length > 0 || this.waiting.waiters.length > 0) {
      const write = this.waiting;
      this.waiting = newWrite();
      try {
        if (write.changes.length > 0) {
          await this.store.write(write.changes);
        }
      } catch (error) {
        this.storeFailed(write, error);
        break;
      }
      for (const batch of write.batches) {
        this.run((model, now) => model.written(batch, now));
      }
      write.waiters.forEach((resolve) => resolve());
    }
    this.isWriting = false;
  }

  // Nothing of it is lost: it stands in front of what comes next. Who waits for it waits on.
  storeFailed(write, error) {
    this.waiting.waiters.unshift(...write.waiters);
    this.waiting.changes.unshift(...write.changes);
    this.waiting.batches.unshift(...write.batches);
    this.post([], [["warning", `the store: ${error?.message ?? error}`]]);
    if (!this.isStopped) {
      setTimeout(() => this.write(), STORE_RETRY_MS);
    }
  }

  /** Resolves when all that has happened so far is in the store. */
  kept() {
    return new Promise((resolve) => {
      this.waiting.waiters.push(resolve);
      this.write();
    });
  }

  schedule() {
    clearTimeout(this.timer);
    const due = this.isStopped ? Infinity : this.model.nextDue();
    if (due !== Infinity) {
      this.timer = setTimeout(() => this.run((model, now) => model.tick(now)), Math.max(0, Math.min(due - clock(), 2 ** 30)));
      this.timer.unref?.();
    }
  }

  async stop() {
    this.run((model, now) => model.end(now));
    clearTimeout(this.timer);
    await Promise.race([this.kept(), new Promise((resolve) => setTimeout(resolve, STOP_MS))]); // a store that fails must not hold us
    this.isStopped = true;
    this.store.close();
  }

  // ---------------------------------------------------------------- what the application does, from any tab

  async command(command) {
    const entry = this.run((model, now) => model.command(command, now));
    await this.kept();
    return entry.n;
  }

  entryOf(n) {
    const entry = [...this.model.mirror.entries.values()].find((one) => one.n === n);
    if (!entry) {
      throw Object.assign(new Error(`nothing of yours with n ${n} waits or has failed`), {code: "unknown"});
    }
    return entry;
  }

  async cancel(n) {
    this.run((model) => model.outbox.cancel(this.entryOf(n)));
    await this.kept();
  }

  async retry(n, token) {
    const {kind, conv, priority, ttl, ref, base, body, state} = this.entryOf(n);
    if (state !== "failed") {
      throw Object.assign(new Error("only what failed is tried again"), {code: "conflict"});
    }
    const entry = this.run((model, now) => {
      model.outbox.cancel(this.entryOf(n));
      return model.command({kind, conv, priority, ttl, ref, base, body, token}, now);
    });
    await this.kept();
    return entry.n;
  }

  readers(conv, seq) {
    return new Promise((resolve, reject) => {
      this.run((model, now) => model.ask(K.K_READERS, conv, seq, now, ({value, error}) => (error ? reject(new Error(error)) : resolve(value))));
    }).then((value) => Object.entries(W.readersOf(value)).map(([user, row]) => ({user, ...row})));
  }

  /** True if there is more than before. */
  async loadBefore(conv, seq) {
    const thread = this.model.mirror.threads.get(conv);
    if (!thread) {
      return false;
    }
    const first = thread.first();
    if (first < seq) {
      return true;
    }
    const list = first > thread.record.base + 1 ? await this.store.events(conv, first, SHOWN) : [];
    if (list.length > 0) {
      this.run((model) => model.change({t: "loaded", conv, list}));
      return true;
    }
    return new Promise((resolve) => this.run((model, now) => model.inbox.askOlder(conv, now, resolve)));
  }

  markRead(conv, seq, isPrivate) {
    this.run((model, now) => model.markRead(conv, seq, isPrivate, now));
  }

  typing(conv, isTyping) {
    this.run((model, now) => model.typing(conv, isTyping, now));
  }

  activity(number) {
    this.run((model) => model.activity(number));
  }

  idle(isIdle) {
    this.run((model) => model.idle(isIdle));
  }

  watch(users) {
    this.run((model, now) => model.watch(users, now));
  }

  status(text, until) {
    this.run((model) => model.wish(W.plainCommand(K.K_STATUS, {body: W.map([K.STATUS_TEXT, text || undefined], [K.STATUS_UNTIL, until ?? undefined])})));
  }

  policy(rows) {
    this.run((model) => model.wish(W.plainCommand(K.K_POLICY, {body: rows})));
  }

  hurry() {
    this.run((model, now) => model.hurry(now));
  }
}

function newWrite() {
  return {changes: [], batches: [], waiters: []};
}

/** Letters and digits, by the best source of chance that there is. */
export function randomId(length) {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  const bytes = new Uint8Array(length);
  if (globalThis.crypto?.getRandomValues) {
    globalThis.crypto.getRandomValues(bytes);
  } else {
    bytes.forEach((_byte, i) => (bytes[i] = Math.random() * 256));
  }
  return [...bytes].map((byte) => letters[byte & 31]).join("");
}
