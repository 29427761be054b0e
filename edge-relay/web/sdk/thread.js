// One conversation as it is shown: events folded into rows. Knows nothing of a link; the order of what is applied does not matter.
import * as K from "./keys.js";
import {later} from "./states.js";

const SYSTEM = {
  [K.K_CONV_NEW]: "created", [K.K_CONV_SET]: "changed", [K.K_MEMBER_ADD]: "added", [K.K_MEMBER_REMOVE]: "removed", [K.K_MEMBER_ROLE]: "role",
};
const CHANGES = new Set([K.K_EDIT, K.K_DELETE, K.K_REDACT, K.K_REACT, K.K_CONFIRM]);
const isShown = (kind) => kind === K.K_MSG || kind in SYSTEM;
export const keyOf = (device, n) => `${device}/${n}`;

function flagsOf(bits) {
  return {
    offline: (bits & K.FLAG_OFFLINE) !== 0, stale: (bits & K.FLAG_STALE) !== 0, conflict: (bits & K.FLAG_CONFLICT) !== 0,
    provisional: (bits & K.FLAG_PROVISIONAL) !== 0, hub: (bits & K.FLAG_HUB) !== 0,
  };
}

function newRow(ev, key) {
  return {
    key, seq: ev.seq, n: ev.n, device: ev.device, user: ev.user, at: ev.at, composed: ev.composed, event: ev, text: ev.body?.text ?? null,
    media: ev.body?.media ?? "text/plain", version: ev.seq, edited: false, deleted: false, redacted: (ev.flags & K.FLAG_REDACTED) !== 0, lost: [],
    reactions: new Map(), confirmed: [],
  };
}

function react(row, user, body) {
  if (!body) {
    return;
  }
  const users = row.reactions.get(body.emoji) ?? new Set();
  if (body.back) {
    users.delete(user);
  } else {
    users.add(user);
  }
  if (users.size > 0) {
    row.reactions.set(body.emoji, users);
  } else {
    row.reactions.delete(body.emoji);
  }
}

/** What a change does to a row. A message is plain, then edited, deleted, redacted, and never goes back. */
function change(row, ev) {
  const version = ev.version ?? ev.seq;
  switch (ev.kind) {
  case K.K_EDIT:
    if ((ev.flags & K.FLAG_CONFLICT) !== 0) {
      row.lost.push({user: ev.user, text: ev.body?.text ?? null, seq: ev.seq});
    } else if (!row.deleted && !row.redacted) {
      row.text = ev.body ? ev.body.text : ev.isGone ? row.text : null;
      row.media = ev.body?.media ?? row.media;
      row.edited = true;
      row.version = version;
    }
    break;
  case K.K_DELETE:
  case K.K_REDACT:
    row.deleted = row.deleted || ev.kind === K.K_DELETE;
    row.redacted = row.redacted || ev.kind === K.K_REDACT;
    row.text = null;
    row.lost = row.lost.map((edit) => ({...edit, text: null}));
    row.version = version;
    break;
  case K.K_REACT:
    react(row, ev.user, ev.body);
    break;
  case K.K_CONFIRM:
    if (!row.confirmed.includes(ev.user)) {
      row.confirmed.push(ev.user);
    }
    break;
  }
}

export class Thread {
  /** @param {object} record the conversation as the store keeps it */
  constructor(record, own) {
    this.own = own; // {user, device}
    this.record = record;
    this.events = []; // by seq
    this.typing = {names: [], count: 0};
    this.entries = new Map(); // id -> entry of the outbox that is about this conversation
    this.fold([]);
  }

  fold(events) {
    this.events = events;
    this.rows = [];
    this.bySeq = new Map();
    this.byKey = new Map();
    events.forEach((ev) => this.foldOne(ev));
    this.forget();
  }

  forget() {
    this.tail = null;
    this.overlay = null;
  }

  foldOne(ev) {
    const key = keyOf(ev.device, ev.n);
    this.byKey.set(key, ev.seq);
    if (isShown(ev.kind)) {
      const row = newRow(ev, key);
      this.rows.push(row);
      this.bySeq.set(ev.seq, row);
    } else if (CHANGES.has(ev.kind) && this.bySeq.has(ev.ref)) {
      change(this.bySeq.get(ev.ref), ev);
    }
  }

  /** Canonical events, in any order; what is held already is not counted twice. */
  add(list) {
    let isInOrder = true;
    let last = this.events.length > 0 ? this.events[this.events.length - 1].seq : 0;
    const fresh = list.filter((ev) => {
      isInOrder &&= ev.seq > last;
      last = Math.max(last, ev.seq);
      return isInOrder || !this.has(ev.seq);
    });
    if (isInOrder) {
      fresh.forEach((ev) => {
        this.events.push(ev);
        this.foldOne(ev);
      });
      this.forget();
    } else {
      const bySeq = new Map([...this.events, ...fresh].map((ev) => [ev.seq, ev]));
      this.fold([...bySeq.values()].sort((a, b) => a.seq - b.seq));
    }
  }

  /** The index of the first event with at least this seq. */
  indexOf(seq) {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].seq < seq) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  has(seq) {
    return this.events[this.indexOf(seq)]?.seq === seq;
  }

  first() {
    return this.events[0]?.seq ?? this.record.cursor + 1;
  }

  holds(device, n) {
    return this.byKey.has(keyOf(device, n));
  }

  // What has no place yet: provisional ones in their relay's order, then what this device has queued. Both by key, so each is there once.
  makeTail() {
    const rows = new Map();
    const provisional = [...this.record.provisional].sort((a, b) => a.branch.base - b.branch.base || a.branch.k - b.branch.k);
    for (const ev of provisional) {
      const key = keyOf(ev.device, ev.n);
      if (ev.kind === K.K_MSG && !this.byKey.has(key)) { // all others take effect once the hub has ordered them
        rows.set(key, newRow(ev, key));
      }
    }
    for (const entry of [...this.entries.values()].sort((a, b) => a.id - b.id)) {
      if (entry.kind !== K.K_MSG || this.byKey.has(entry.key)) {
        continue;
      }
      if (!rows.has(entry.key)) {
        const ev = {
          kind: entry.kind, seq: entry.seq, n: entry.n, device: this.own.device, user: this.own.user, at: entry.at, composed: entry.at, body: entry.body,
          flags: 0, branch: null, ref: entry.ref, priority: entry.priority ?? K.PRIORITY_NORMAL,
        };
        rows.set(entry.key, newRow(ev, entry.key));
      }
      rows.get(entry.key).entry = entry;
    }
    return [...rows.values()];
  }

  // Own changes that the hub has not ordered yet, by the seq that they change.
  makeOverlay() {
    const overlay = new Map();
    const put = (ref, one) => overlay.set(ref, [...(overlay.get(ref) ?? []), one]);
    for (const entry of this.entries.values()) {
      if (CHANGES.has(entry.kind) && entry.state !== "failed" && !this.byKey.has(entry.key)) {
        put(entry.ref, {...entry, user: this.own.user, flags: 0, version: null, seq: null});
      }
    }
    return overlay;
  }

  count() {
    this.tail ??= this.makeTail();
    return this.rows.length + this.tail.length;
  }

  row(index) {
    this.tail ??= this.makeTail();
    const row = index < this.rows.length ? this.rows[index] : this.tail[index - this.rows.length];
    return row && this.view(row);
  }

  last() {
    for (let i = this.count() - 1; i >= 0; i--) {
      const row = i < this.rows.length ? this.rows[i] : this.tail[i - this.rows.length];
      if (row.event.kind === K.K_MSG) {
        return this.view(row);
      }
    }
    return null;
  }

  find(key) {
    this.tail ??= this.makeTail();
    const row = this.bySeq.get(this.byKey.get(key)) ?? this.tail.find((one) => one.key === key);
    return row ? this.view(row) : null;
  }

  at(seq) {
    const row = this.bySeq.get(seq);
    return row ? this.view(row) : null;
  }

  stateOf(row, isOwn) {
    const {record} = this;
    let state = row.entry ? row.entry.state : row.seq ? "sent" : "relayed";
    if (!row.entry && row.event.branch && !row.seq) {
      state = later(state, "relayed");
    }
    if (isOwn && row.seq) {
      state = later(state, record.readMax >= row.seq ? "read" : record.deliveredMax >= row.seq ? "delivered" : "sent");
    }
    return state;
  }

  horizons(seq, author) {
    const of = Object.keys(this.record.members).filter((user) => user !== author);
    const count = (i) => (seq ? of.filter((user) => (this.record.receipts[user]?.[i] ?? 0) >= seq).length : 0);
    return {delivered: {k: count(0), of: of.length}, read: {k: count(1), of: of.length}};
  }

  /** A row as it is told to who shows it: a copy, with what is pending laid over it. */
  view(row) {
    this.overlay ??= this.makeOverlay();
    const pending = row.seq ? this.overlay.get(row.seq) ?? [] : [];
    let shown = row;
    if (pending.length > 0) {
      shown = {...row, lost: [...row.lost], confirmed: [...row.confirmed], reactions: new Map([...row.reactions].map(([emoji, users]) => [emoji, new Set(users)]))};
      pending.forEach((one) => change(shown, one));
    }
    const {event} = row;
    const isOwn = row.user === this.own.user;
    const isMessage = event.kind === K.K_MSG;
    return {
      key: row.key, conv: this.record.id, seq: row.seq ?? null, n: row.n, device: row.device, user: row.user, at: row.at, composed: row.composed,
      kind: isMessage ? "message" : "system", text: isMessage ? shown.text : null, media: shown.media, ref: event.ref, version: row.version,
      edited: shown.edited, deleted: shown.deleted, redacted: shown.redacted, lost: shown.lost, own: isOwn, pending: pending.length > 0,
      priority: event.priority, mustConfirm: event.body?.mustConfirm || (event.flags & K.FLAG_CONFIRM) !== 0, confirmedBy: [...shown.confirmed],
      reactions: [...shown.reactions].map(([emoji, users]) => ({emoji, users: [...users]})), flags: flagsOf(event.flags), branch: event.branch,
      state: this.stateOf(row, isOwn), ...this.horizons(row.seq, row.user), error: row.entry?.error ?? null,
      system: isMessage ? null : {what: SYSTEM[event.kind], ...event.body},
    };
  }

  /** Messages of others above a seq, counted anew; null if they are not all held. */
  unreadAbove(seq) {
    if (this.first() > Math.max(seq, this.record.floor) + 1) {
      return null;
    }
    let count = 0;
    for (let i = this.indexOf(seq + 1); i < this.events.length; i++) {
      count += this.events[i].kind === K.K_MSG && this.events[i].user !== this.own.user;
    }
    return count;
  }
}
