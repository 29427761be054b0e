// What this device has said and the hub has not answered. Pure: time comes in, what is to be written and sent goes out by way of the model.
//
// Invariants  O1 n is contiguous over the open entries, in the order of id, and ends at meta.nextN - 1.
//             O2 what may have been sent (`tried`) keeps its n; those that were never sent stand behind all that were.
//             O3 nothing is sent before the store has it, marked as tried.
//             O4 an entry goes when its event is held, at a final answer that names no event, or when the user takes back what failed.
import * as K from "./keys.js";
import {backoff, later} from "./states.js";
import {keyOf} from "./thread.js";
import {codeName, commandOf, encode} from "./wire.js";

const ANSWER_MS = 10000;
const WINDOW = 256;
const BATCH_BYTES = 240 * 1024;
const TOKENS = 200;
const BURST_MS = 4500; // a little less than the hub's five seconds' worth: its clock is not ours
const AGE_MAX = 2 ** 31;

const isOpen = (entry) => entry.state === "queued" || entry.state === "sending" || entry.state === "relayed";

export class Outbox {
  constructor(model) {
    this.model = model;
    this.mirror = model.mirror;
    this.durable = new Set(); // ids that the store has as tried
    this.reset();
  }

  reset() {
    this.next = 0; // n of the next to be sent on this connection
    this.due = Infinity; // when all is sent again
    this.hold = 0; // nothing is sent before
    this.attempt = 0;
    this.back = 0; // the last one that an early answer made us go back to
    this.fullAt = 0;
  }

  open() {
    return [...this.mirror.entries.values()].filter(isOpen);
  }

  nextN() {
    return this.mirror.meta.nextN ?? 1;
  }

  /** n of the oldest command without a final answer, or else of the next one. */
  firstN() {
    return this.open()[0]?.n ?? this.nextN();
  }

  byN(n) {
    for (const entry of this.mirror.entries.values()) {
      if (entry.n === n && (isOpen(entry) || entry.state === "sent")) {
        return entry;
      }
    }
    return null;
  }

  put(entry, patch) {
    const value = {...entry, ...patch};
    this.model.change({t: "entry", value});
    return value;
  }

  drop(entry) {
    this.durable.delete(entry.id);
    this.model.change({t: "entry-", id: entry.id});
  }

  /** Accepts a command. The same token again: what it was accepted as the first time. */
  add(command, now) {
    const {meta} = this.mirror;
    const tokens = meta.tokens ?? [];
    const known = command.token && tokens.find(([token]) => token === command.token);
    if (known) {
      return this.mirror.entries.get(known[1]) ?? {id: known[1], n: known[2], key: keyOf(this.mirror.own.device, known[2]), conv: command.conv ?? null};
    }
    const n = this.nextN();
    const id = (meta.lastEntry ?? 0) + 1;
    const entry = {
      id, n, key: keyOf(this.mirror.own.device, n), conv: null, seen: 0, priority: null, ttl: null, ref: null, base: null, body: null, seq: null, error: null,
      state: "queued", tried: this.model.isOnline(), born: now, at: Math.round(now + (meta.offset ?? 0)), ...command,
    };
    const size = encode(commandOf(entry, AGE_MAX)).length;
    const most = meta.commandBytes ?? 16384;
    if (size > most) {
      throw Object.assign(new Error(`this is ${size} bytes; the hub takes ${most}`), {code: "too-large"});
    }
    this.model.change({t: "meta", key: "nextN", value: n + 1});
    this.model.change({t: "meta", key: "lastEntry", value: id});
    if (command.token) {
      this.model.change({t: "meta", key: "tokens", value: [...tokens, [command.token, id, n]].slice(-TOKENS)});
    }
    this.model.change({t: "entry", value: entry});
    return entry;
  }

  /** The open entries get n in their order from here on. What failed meanwhile may have had one of these: it loses its name. */
  number(first, isOtherEpoch) {
    let n = first;
    for (const entry of this.mirror.entries.values()) {
      if (isOpen(entry)) {
        this.put(entry, {n, key: keyOf(this.mirror.own.device, n), seen: isOtherEpoch ? 0 : entry.seen}); // what was seen was of the old log
        n++;
      } else if (entry.state === "failed" && entry.n >= first) {
        this.put(entry, {n: -entry.id, key: keyOf(this.mirror.own.device, `failed-${entry.id}`)});
      }
    }
    this.model.change({t: "meta", key: "nextN", value: n});
    this.durable.clear();
  }

  /** After the welcome: all that is open goes out, from the oldest on. */
  start(now, next, isOtherEpoch) {
    this.reset();
    const isOurs = next >= this.firstN() && next <= this.nextN();
    if (isOtherEpoch || !isOurs) {
      this.number(next, isOtherEpoch);
    }
    for (const entry of this.open()) {
      if (!entry.tried || !this.durable.has(entry.id)) {
        this.put(entry, {tried: true});
      }
    }
    this.next = this.firstN();
    this.pump(now);
  }

  /** The store has these, marked as tried. */
  stored(ids, now) {
    ids.forEach((id) => this.durable.add(id));
    this.pump(now);
  }

  take(now) {
    const {rate} = this.model.limits;
    const fullAt = Math.max(this.fullAt, now) + (rate > 0 ? 1000 / rate : 0);
    if (fullAt > now + BURST_MS) {
      this.hold = fullAt - BURST_MS;
      return false;
    }
    this.fullAt = fullAt;
    return true;
  }

  /** Sends what may be sent now. */
  pump(now) {
    if (!this.model.isOnline() || now < this.hold) {
      return;
    }
    const open = this.open();
    const last = (open[0]?.n ?? 0) + WINDOW;
    const most = Math.max(1, Math.min(this.model.limits.batch, 64));
    let batch = [];
    let size = 0;
    for (const entry of open) {
      if (entry.n < this.next) {
        continue;
      }
      if (entry.n >= last || !this.durable.has(entry.id) || !this.take(now)) {
        break; // O3; those behind have to wait as well
      }
      const command = commandOf(entry, Math.min(Math.max(0, Math.round(now - entry.born)), AGE_MAX));
      const bytes = encode(command).length;
      if (batch.length === most || size + bytes > BATCH_BYTES) {
        this.model.up(batch);
        batch = [];
        size = 0;
      }
      batch.push(command);
      size += bytes;
      this.next = entry.n + 1;
      this.due = now + ANSWER_MS;
      if (entry.state === "queued") {
        this.model.change({t: "soft", value: {...entry, state: "sending"}});
      }
    }
    if (batch.length > 0) {
      this.model.up(batch);
    }
  }

  /** The hub, or with `relay` only a site, has it. */
  ack({n, conv, seq}, relay, now) {
    const entry = this.byN(n);
    if (!entry || !entry.tried) {
      return;
    }
    this.due = now + ANSWER_MS;
    if (relay) {
      if (isOpen(entry)) {
        this.put(entry, {state: later(entry.state, "relayed")});
      }
      return;
    }
    this.attempt = 0;
    this.model.told(entry, conv, seq, now);
    if (!seq || !entry.conv || this.mirror.threads.get(entry.conv)?.holds(this.mirror.own.device, n)) {
      this.drop(entry);
    } else if (isOpen(entry)) {
      this.put(entry, {state: "sent", seq});
    }
    const first = this.open()[0];
    if (first && first.n < n && first.n > this.back && first.n < this.next) {
      this.back = first.n; // answers come in the order of n: the one of the first in line got lost
      this.next = first.n;
    }
  }

  /** Its event is held. */
  echo(ev) {
    const entry = this.byN(ev.n);
    if (entry && entry.tried && entry.conv === ev.conv) {
      this.drop(entry);
    }
  }

  /** A site has ordered it for now. */
  relayed(ev) {
    const entry = this.byN(ev.n);
    if (entry && entry.tried && isOpen(entry) && entry.state !== "relayed") {
      this.put(entry, {state: "relayed"});
    }
  }

  /** What is answered, and of which no event will come, because we are out. */
  left(conv) {
    for (const entry of this.mirror.entries.values()) {
      if (entry.conv === conv && entry.state === "sent") {
        this.drop(entry);
      }
    }
  }

  nack(nack, now) {
    const entry = nack.n > 0 ? this.byN(nack.n) : null;
    if (nack.code === K.C_GAP) {
      this.gap(nack, now);
    } else if (!entry || !isOpen(entry)) {
      return;
    } else if (nack.retry) {
      this.goBack(entry.n, now, nack.code === K.C_RATE && Number.isSafeInteger(nack.current) ? Math.min(nack.current, 60000) : 0);
    } else {
      this.fail(entry, codeName(nack.code), nack.reason);
    }
  }

  fail(entry, code, reason) {
    const failed = this.put(entry, {state: "failed", error: {code, reason}});
    this.durable.delete(entry.id);
    this.model.refused(failed);
  }

  goBack(n, now, wait) {
    if (n < this.next) {
      this.next = n;
      this.hold = now + wait + backoff(this.attempt++, this.model.random());
    }
  }

  // The hub expects another n: an earlier one got lost on the way. If it is none of ours, the next welcome says who is right: this answer may
  // be an old one, and to number anew because of it would say things twice.
  gap({next}, now) {
    if (next >= this.firstN() && next < this.nextN()) {
      this.goBack(next, now, 0);
    } else if (next > 0 && next !== this.nextN()) {
      this.model.drop({reason: "the hub counts otherwise", isRefused: false}, now);
    }
  }

  /** Takes back what failed, or was never sent. */
  cancel(entry) {
    if (entry.state !== "failed" && (entry.tried || !isOpen(entry))) {
      throw Object.assign(new Error("it may be on its way already"), {code: "too-late"});
    }
    this.drop(entry);
    if (isOpen(entry)) {
      this.closeUp(entry.n);
    }
  }

  // O1, O2: those behind it were never sent either.
  closeUp(n) {
    for (const entry of this.open()) {
      if (entry.n > n) {
        this.put(entry, {n: entry.n - 1, key: keyOf(this.mirror.own.device, entry.n - 1)});
      }
    }
    this.model.change({t: "meta", key: "nextN", value: this.nextN() - 1});
  }

  // Of what was never sent; the hub judges the rest.
  expire(now) {
    for (const entry of this.open().reverse()) {
      if (!entry.tried && entry.ttl !== null && now - entry.born >= entry.ttl * 1000) {
        const {n} = entry;
        this.fail({...entry, n: -entry.id, key: keyOf(this.mirror.own.device, `failed-${entry.id}`)}, "expired", "nobody could be reached in time");
        this.closeUp(n);
      }
    }
  }

  tick(now) {
    this.expire(now);
    if (now >= this.due) {
      this.next = Math.min(this.next, this.firstN());
      this.due = Infinity;
    }
    this.pump(now);
  }

  nextDue() {
    let due = Infinity;
    const open = this.open();
    if (this.model.isOnline()) {
      const waits = open.some((entry) => entry.n >= this.next && this.durable.has(entry.id));
      due = Math.min(open.length > 0 ? this.due : Infinity, waits ? this.hold : Infinity);
    }
    for (const entry of open) {
      if (!entry.tried && entry.ttl !== null) {
        due = Math.min(due, entry.born + entry.ttl * 1000);
      }
    }
    return due;
  }
}
