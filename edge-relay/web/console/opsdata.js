/**
 * What operators are told (fp/1/ops/#), kept for two minutes. Counters only rise; a rate is their difference over the time between two reports, and a
 * counter that fell means that the hub began anew.
 */
export const KEEP = 120;
const MAX_TOPICS = 64;
const MAX_COUNTERS = 256;
const MAX_ALERTS = 100;
const MAX_BUCKETS = 64;
const MAX_ROWS = 128;
const MAX_TEXT = 100;

const entriesOf = (payload) =>
  payload instanceof Map
    ? [...payload]
    : payload && typeof payload === "object" && !ArrayBuffer.isView(payload) && !Array.isArray(payload)
      ? Object.entries(payload)
      : null;

/** A flat {name: number} of whatever came, or null: what is told is as hostile as anything from a wire. */
export function counters(payload) {
  const entries = entriesOf(payload);
  if (!entries) {
    return null;
  }
  const out = new Map();
  for (const [name, value] of entries.slice(0, MAX_COUNTERS)) {
    const n = typeof value === "bigint" ? Number(value) : value;
    if (typeof n === "number" && Number.isFinite(n)) {
      out.set(String(name).slice(0, 60), n);
    }
  }
  return out;
}

/** A histogram: how many there were from 2^(i-1) up to 2^i - 1; null if it is none. */
function buckets(value) {
  return Array.isArray(value) && value.length <= MAX_BUCKETS && value.every((n) => Number.isFinite(Number(n)) && typeof n !== "string")
    ? value.map(Number)
    : null;
}

/** Rows of a list, each {name: text or number}. */
function rowsOf(payload) {
  return payload.slice(0, MAX_ROWS).map((row) => {
    const known = (entriesOf(row) ?? []).slice(0, MAX_BUCKETS).map(([name, value]) => {
      const n = typeof value === "bigint" ? Number(value) : value;
      return [String(name).slice(0, 60), typeof n === "string" ? n.slice(0, MAX_TEXT) : n];
    });
    return Object.fromEntries(known.filter(([, value]) => typeof value === "string" || Number.isFinite(value)));
  });
}

/* A counter that rose, or a state that changed, of which an operator should know at once: name, sentence, and whether it tells. */
const rose = (before, now) => now > before;
const watched = [
  ["commit_failures", "opsAlertCommit", rose],
  ["shed", "opsAlertShed", rose],
  ["look_up_failures", "opsAlertLookup", rose],
  ["apply_failures", "opsAlertApply", rose],
  ["trunk_hub_is_older", "opsAlertOlder", rose],
  ["older", "opsAlertOlder", rose],
  ["up", "opsAlertDown", (before, now) => before > 0 && now === 0],
  ["up", "opsAlertUp", (before, now) => before === 0 && now > 0],
];

export class OpsData {
  constructor() {
    this.topics = new Map(); /* name -> [{at, values: Map, spread: Map of histograms}] */
    this.lists = new Map(); /* name -> the rows last told */
    this.alerts = []; /* {at, key, values} newest first */
    this.lastAt = 0;
  }

  /** A report came at `at`: {name: number}, or {who: {name: number}}, which is kept as a topic for each. False if it can't be read. */
  told(topic, payload, at) {
    const name = topic.replace(/^fp\/1\/ops\//, "").slice(0, 60);
    if (Array.isArray(payload) && (this.lists.has(name) || this.lists.size < MAX_TOPICS)) {
      this.lists.set(name, rowsOf(payload));
      this.lastAt = at;
      return true;
    }
    const values = counters(payload);
    if (!values) {
      return false;
    }
    const spread = new Map(
      entriesOf(payload)
        .slice(0, MAX_COUNTERS)
        .map(([key, value]) => [String(key), buckets(value)])
        .filter(([, counts]) => counts),
    );
    const parts = entriesOf(payload)
      .filter(([, value]) => counters(value))
      .slice(0, MAX_TOPICS);
    parts.forEach(([who, value]) => this.keep(`${name}/${String(who).slice(0, 40)}`, counters(value), at));
    return (values.size > 0 || parts.length === 0 ? this.keep(name, values, at, spread) : true) && parts.length <= MAX_TOPICS;
  }

  keep(name, values, at, spread = new Map()) {
    if (!this.topics.has(name) && this.topics.size >= MAX_TOPICS) {
      return false;
    }
    const list = this.topics.get(name) ?? [];
    const before = list[list.length - 1];
    list.push({at, values, spread});
    if (list.length > KEEP) {
      list.shift();
    }
    this.topics.set(name, list);
    this.lastAt = at;
    if (before) {
      this.watch(name, before.values, values, at);
    }
    return true;
  }

  watch(topic, before, now, at) {
    for (const [name, key, tells] of watched) {
      if (before.has(name) && now.has(name) && tells(before.get(name), now.get(name))) {
        this.alert(at, key, {n: now.get(name) - before.get(name), who: topic.replace(/^relay\//, "")});
      }
    }
    if (topic === "hub" && before.has("epoch") && before.get("epoch") !== now.get("epoch")) {
      this.alert(at, "opsAlertEpoch", {epoch: now.get("epoch")});
    }
  }

  /** The last report of each topic below `prefix`: [[name, Map]]. */
  latest(prefix) {
    return [...this.topics]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, list]) => [name.slice(prefix.length), list[list.length - 1].values]);
  }

  alert(at, key, values, href) {
    this.alerts.unshift({at, key, values, href});
    this.alerts.length = Math.min(this.alerts.length, MAX_ALERTS);
  }

  list(topic) {
    return this.topics.get(topic) ?? [];
  }

  has(topic, name) {
    const list = this.list(topic);
    return list.length > 0 && list[list.length - 1].values.has(name);
  }

  /** The values of a gauge, each times `scale`; null: not reported. */
  gauge(topic, name, scale = 1) {
    return this.has(topic, name) ? this.list(topic).map((one) => (one.values.has(name) ? one.values.get(name) * scale : null)) : null;
  }

  /** Below which value `share` of what was counted between two reports lies (the end of its bucket), times `scale`; null: not reported. */
  quantile(topic, name, share, scale = 1) {
    const list = this.list(topic);
    return list.some((one) => one.spread.has(name))
      ? list.map((one, i) => (i === 0 ? null : endOf(list[i - 1].spread.get(name) ?? [], one.spread.get(name) ?? [], share, scale)))
      : null;
  }

  /** The rows last told in a list; null: not reported. */
  rows(name) {
    return this.lists.get(name) ?? null;
  }

  /** What a counter rose by in each second. */
  rate(topic, name) {
    return this.has(topic, name) ? this.list(topic).map((one, i, all) => (i === 0 ? null : rise(all[i - 1], one, name))) : null;
  }

  /** How much of one counter there was for each of another, report by report. */
  ratio(topic, name, per) {
    const [top, bottom] = [this.rate(topic, name), this.rate(topic, per)];
    return top && bottom ? top.map((n, i) => (bottom[i] ? n / bottom[i] : n === null ? null : 0)) : null;
  }
}

function endOf(before, now, share, scale) {
  const counts = now.map((n, i) => n - (before[i] ?? 0));
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total <= 0 || now.length < before.length || counts.some((n) => n < 0)) {
    return null;
  }
  let below = 0;
  const bucket = counts.findIndex((n) => (below += n) >= total * share);
  return bucket === 0 ? 0 : 2 ** bucket * scale;
}

function rise(before, now, name) {
  const seconds = (now.at - before.at) / 1000;
  const by = (now.values.get(name) ?? NaN) - (before.values.get(name) ?? NaN);
  return Number.isFinite(by) && by >= 0 && seconds > 0.05 ? by / seconds : null;
}
