// What is known, in memory: made of changes, each a whole value. The tab that has the connection makes them, all tabs apply them alike.
import {Thread} from "./thread.js";

/**
 * A change, by `t`:
 *   kept in the store: meta {key, value}, conv {value}, conv- {id}, events {conv, list}, events- {conv}, entry {value}, entry- {id}
 *   told to other tabs only: loaded {conv, list} (events that the store has), typing {conv, names, count}, people {scope, people, full, isWatch}, link {value}, soft (an entry that is not worth a write)
 */
export const isKept = (change) => ["meta", "conv", "conv-", "events", "events-", "entry", "entry-"].includes(change.t);

/** A conversation of which nothing is known yet. */
export const newRecord = (id, scope) => ({
  id, scope, title: "", members: {}, version: 0, context: null, joined: true, pending: false, base: 0, cursor: 0, head: 0, floor: 0, read: 0, unread: 0,
  counted: 0, deliveredMax: 0, readMax: 0, receipts: {}, provisional: [], lastAt: 0, isNew: true,
});

const OFFLINE = Object.freeze({state: "offline", since: null, text: null, until: null, via: null});

export class Mirror {
  constructor() {
    this.own = {user: "", device: ""};
    this.meta = {};
    this.threads = new Map();
    this.entries = new Map(); // id -> entry, in order
    this.people = new Map();
    this.digests = new Map(); // scope -> those that its digest names
    this.watched = new Set(); // of whom the hub tells this user alone: who is not in a digest may have hidden from others only
    this.link = {state: "offline", reason: null, since: 0, retryAt: null};
    this.news = newNews();
  }

  clear() {
    const {own, news} = this;
    Object.assign(this, new Mirror(), {own, news});
  }

  /** What has changed since the last call, for who shows it. */
  takeNews() {
    const {news} = this;
    this.news = newNews();
    return news;
  }

  apply(change) {
    this[`on_${change.t}`](change);
  }

  on_meta({key, value}) {
    this.meta[key] = value;
  }

  on_conv({value}) {
    const thread = this.threads.get(value.id);
    if (!thread) {
      const fresh = new Thread(value, this.own);
      for (const entry of this.entries.values()) {
        if (entry.conv === value.id) {
          fresh.entries.set(entry.id, entry);
        }
      }
      this.threads.set(value.id, fresh);
    } else {
      const areRowsOther = thread.record.provisional !== value.provisional || thread.record.receipts !== value.receipts
        || thread.record.deliveredMax !== value.deliveredMax || thread.record.readMax !== value.readMax || thread.record.members !== value.members;
      thread.record = value;
      if (areRowsOther) {
        thread.forget();
        this.news.rows.add(value.id);
      }
    }
    this.news.conv.add(value.id);
  }

  ["on_conv-"]({id}) {
    this.threads.delete(id);
    this.news.conv.add(id);
    this.news.rows.add(id);
  }

  on_events({conv, list}) {
    this.threads.get(conv)?.add(list);
    this.news.rows.add(conv);
    this.news.conv.add(conv);
  }

  on_loaded(change) {
    this.on_events(change);
  }

  ["on_events-"]({conv}) {
    this.threads.get(conv)?.fold([]);
    this.news.rows.add(conv);
  }

  on_entry({value}) {
    this.entries.set(value.id, value);
    const thread = this.threads.get(value.conv);
    if (thread) {
      thread.entries.set(value.id, value);
      thread.forget();
      this.news.rows.add(value.conv);
    }
  }

  on_soft(change) {
    this.on_entry(change);
  }

  ["on_entry-"]({id}) {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    const thread = entry && this.threads.get(entry.conv);
    if (thread) {
      thread.entries.delete(id);
      thread.forget();
      this.news.rows.add(entry.conv);
    }
  }

  on_typing({conv, names, count}) {
    const thread = this.threads.get(conv);
    if (thread) {
      thread.typing = {names, count};
      this.news.typing.add(conv);
    }
  }

  on_people({scope, people, full, isWatch = false}) {
    const named = this.digests.get(scope) ?? new Set();
    if (isWatch && full) {
      this.watched.clear();
    }
    if (scope !== null && full) {
      for (const user of named) {
        if (!(user in people) && !this.watched.has(user)) {
          this.people.delete(user);
          this.news.people.add(user);
        }
      }
      named.clear();
    }
    for (const [user, person] of Object.entries(people)) {
      this.people.set(user, person);
      this.news.people.add(user);
      named.add(user);
      if (isWatch) {
        this.watched.add(user);
      }
    }
    if (scope !== null) {
      this.digests.set(scope, named);
    }
  }

  on_link({value}) {
    if (this.link.state === "online" && value.state !== "online") {
      // Nobody tells any more who types and who is there.
      for (const [conv, thread] of this.threads) {
        if (thread.typing.count > 0) {
          thread.typing = {names: [], count: 0};
          this.news.typing.add(conv);
        }
      }
    }
    this.link = value;
    this.news.link = true;
  }

  // ---------------------------------------------------------------- reading

  person(user) {
    return this.people.get(user) ?? OFFLINE;
  }

  conversation(id) {
    const thread = this.threads.get(id);
    if (!thread) {
      return null;
    }
    const {record} = thread;
    const typing = {
      names: thread.typing.names.filter((name) => name !== this.own.user),
      count: thread.typing.count - (thread.typing.names.includes(this.own.user) ? 1 : 0),
    };
    const lastMessage = thread.last();
    return {
      id: record.id, scope: record.scope, title: record.title, head: record.head, floor: record.floor, read: record.read, unread: record.unread, lastMessage,
      members: record.members, role: record.members[this.own.user] ?? null, priority: lastMessage && record.unread > 0 ? lastMessage.priority : 2,
      joined: record.joined, pending: record.pending, receipts: record.receipts, typing, context: record.context, version: record.version,
      hasOlder: thread.first() > record.floor + 1, at: Math.max(record.lastAt, lastMessage?.at ?? 0),
    };
  }

  conversations(scope) {
    return [...this.threads.values()]
      .filter((thread) => scope === undefined || thread.record.scope === scope)
      .map((thread) => this.conversation(thread.record.id))
      .sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1));
  }

  scopes() {
    const scopes = new Map();
    for (const {record} of this.threads.values()) {
      const known = scopes.get(record.scope) ?? {id: record.scope, unread: 0, conversations: 0};
      known.unread += record.joined ? record.unread : 0;
      known.conversations++;
      scopes.set(record.scope, known);
    }
    return [...scopes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  rowCount(id) {
    return this.threads.get(id)?.count() ?? 0;
  }

  rows(id, from = 0, to = Infinity) {
    const thread = this.threads.get(id);
    const rows = [];
    for (let i = Math.max(0, from); thread && i < Math.min(to, thread.count()); i++) {
      rows.push(thread.row(i));
    }
    return rows;
  }

  rowOf(entry) {
    return this.threads.get(entry.conv)?.find(entry.key) ?? null;
  }

  /** All that there is, as changes: for a tab that has just come. */
  dump() {
    const changes = Object.entries(this.meta).map(([key, value]) => ({t: "meta", key, value}));
    for (const [conv, thread] of this.threads) {
      changes.push({t: "conv", value: thread.record}, {t: "events", conv, list: thread.events}, {t: "typing", conv, ...thread.typing});
    }
    this.entries.forEach((value) => changes.push({t: "entry", value}));
    this.digests.forEach((named, scope) => changes.push({t: "people", scope, full: true, people: Object.fromEntries([...named].map((u) => [u, this.person(u)]))}));
    changes.push({t: "people", scope: null, full: false, people: Object.fromEntries(this.people)});
    changes.push({t: "people", scope: null, full: true, isWatch: true, people: Object.fromEntries([...this.watched].map((u) => [u, this.person(u)]))});
    changes.push({t: "link", value: this.link});
    return changes;
  }
}

function newNews() {
  return {rows: new Set(), conv: new Set(), typing: new Set(), people: new Set(), link: false};
}
