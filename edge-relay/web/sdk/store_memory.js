// What the client keeps, in memory: for tests and for programs that may forget. The interface is that of IndexedDbStore.

/**
 * A store:
 *   open(name)                   before all else
 *   load()                       -> changes: meta, conversations, outbox (no events)
 *   events(conv, below, count)   -> the last `count` events with seq < below, in order
 *   write(changes)               resolves when all of them are on the disk, together; rejects when none is
 *   close()
 */
export class MemoryStore {
  constructor() {
    this.meta = new Map();
    this.convs = new Map();
    this.entries = new Map();
    this.logs = new Map(); // conversation -> Map seq -> event
  }

  async open() {}

  async load() {
    return structuredClone([
      ...[...this.meta].map(([key, value]) => ({t: "meta", key, value})),
      ...[...this.convs.values()].map((value) => ({t: "conv", value})),
      ...[...this.entries].sort(([a], [b]) => a - b).map(([, value]) => ({t: "entry", value})),
    ]);
  }

  async events(conv, below, count) {
    const seqs = [...(this.logs.get(conv)?.keys() ?? [])].filter((seq) => seq < below).sort((a, b) => a - b);
    return structuredClone(seqs.slice(-count).map((seq) => this.logs.get(conv).get(seq)));
  }

  async write(changes) {
    for (const change of structuredClone(changes)) {
      switch (change.t) {
      case "meta": this.meta.set(change.key, change.value); break;
      case "conv": this.convs.set(change.value.id, change.value); break;
      case "conv-": this.convs.delete(change.id); break;
      case "entry": this.entries.set(change.value.id, change.value); break;
      case "entry-": this.entries.delete(change.id); break;
      case "events-": this.logs.delete(change.conv); break;
      case "events": {
        const log = this.logs.get(change.conv) ?? new Map();
        change.list.forEach((ev) => log.set(ev.seq, ev));
        this.logs.set(change.conv, log);
        break;
      }
      }
    }
  }

  close() {}
}
