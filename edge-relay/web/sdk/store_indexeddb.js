// What the client keeps, in IndexedDB. Interface: store_memory.js.

const VERSION = 1;
const TABLES = ["meta", "convs", "entries", "events"];

const answerOf = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

export class IndexedDbStore {
  /** @param {{onLost?: () => void}} [options] onLost: another version of this page wants to change the store; it has been closed */
  constructor({onLost = () => {}} = {}) {
    this.onLost = onLost;
    this.db = null;
  }

  async open(name) {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("meta", {keyPath: "key"});
      request.result.createObjectStore("convs", {keyPath: "id"});
      request.result.createObjectStore("entries", {keyPath: "id"});
      request.result.createObjectStore("events", {keyPath: ["conv", "seq"]});
    };
    this.db = await answerOf(request);
    this.db.onversionchange = () => {
      this.close();
      this.onLost();
    };
  }

  async load() {
    const tx = this.db.transaction(["meta", "convs", "entries"]);
    const [meta, convs, entries] = await Promise.all(["meta", "convs", "entries"].map((table) => answerOf(tx.objectStore(table).getAll())));
    return [
      ...meta.map(({key, value}) => ({t: "meta", key, value})), ...convs.map((value) => ({t: "conv", value})), ...entries.map((value) => ({t: "entry", value})),
    ];
  }

  async events(conv, below, count) {
    const range = IDBKeyRange.bound([conv, 0], [conv, below], false, true);
    const list = [];
    const request = this.db.transaction("events").objectStore("events").openCursor(range, "prev");
    await new Promise((resolve, reject) => {
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (!cursor || list.length === count) {
          resolve();
          return;
        }
        list.unshift(cursor.value);
        cursor.continue();
      };
    });
    return list;
  }

  /** Resolves when the transaction has completed: not when the requests have succeeded. */
  write(changes) {
    return new Promise((resolve, reject) => {
      const tx = this.db.transaction(TABLES, "readwrite", {durability: "strict"});
      tx.oncomplete = () => resolve();
      tx.onabort = () => reject(tx.error ?? new Error("the browser has given up the transaction"));
      const [meta, convs, entries, events] = TABLES.map((table) => tx.objectStore(table));
      for (const change of changes) {
        switch (change.t) {
        case "meta": meta.put({key: change.key, value: change.value}); break;
        case "conv": convs.put(change.value); break;
        case "conv-": convs.delete(change.id); break;
        case "entry": entries.put(change.value); break;
        case "entry-": entries.delete(change.id); break;
        case "events": change.list.forEach((ev) => events.put(ev)); break;
        case "events-": events.delete(IDBKeyRange.bound([change.conv, 0], [change.conv, Infinity])); break;
        }
      }
    });
  }

  close() {
    this.db?.close();
    this.db = null;
  }
}
