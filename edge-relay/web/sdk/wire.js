// The wire: bytes to plain objects and back. What comes in is hostile; what is not as schemas/cddl says throws a WireError that names the field.
import {decode as decodeCbor, encode as encodeCbor} from "cborg";
import * as K from "./keys.js";

const DEPTH_MAX = 8;
const ID = /^[A-Za-z0-9._~-]{1,36}$/;

export class WireError extends Error {}

/** Deterministic CBOR (RFC 8949, 4.2.1). Maps with number keys are Map, with text keys Map or object. */
export const encode = (value) => encodeCbor(value);

const STRICT = {
  strict: true, useMaps: true, rejectDuplicateMapKeys: true, allowIndefinite: false, allowUndefined: false, allowInfinity: false, allowNaN: false,
};

// Before anything is allocated: no deeper than allowed, and no more elements announced than bytes are left.
function checkShape(bytes) {
  const open = [];
  let at = 0;
  do {
    const first = bytes[at];
    const type = first >> 5;
    const info = first & 31;
    let value = info;
    at++;
    if (info >= 24) {
      const width = 1 << (info - 24);
      if (info > 27 || at + width > bytes.length) {
        throw new WireError("CBOR: cut off, or of indefinite length");
      }
      value = 0;
      for (let i = 0; i < width; i++) {
        value = value * 256 + bytes[at + i];
      }
      at += width;
    }
    if (type === 2 || type === 3) {
      at += value;
    }
    const items = type === 4 ? value : type === 5 ? 2 * value : 0;
    if (at > bytes.length || items > bytes.length - at) {
      throw new WireError("CBOR: longer than what came");
    }
    if (open.length > 0) {
      open[open.length - 1]--;
    }
    if (type === 4 || type === 5) {
      open.push(items);
    }
    if (open.length > DEPTH_MAX) {
      throw new WireError(`CBOR: nested deeper than ${DEPTH_MAX}`);
    }
    while (open.length > 0 && open[open.length - 1] === 0) {
      open.pop();
    }
  } while (open.length > 0 && at < bytes.length);
}

/** @param {Uint8Array} bytes */
export function decode(bytes) {
  if (bytes.length === 0) {
    throw new WireError("CBOR: empty");
  }
  checkShape(bytes);
  try {
    return decodeCbor(bytes, STRICT);
  } catch (error) {
    throw new WireError(error.message);
  }
}

/** A Map without the entries that are undefined. */
export const map = (...entries) => new Map(entries.filter(([, value]) => value !== undefined));

// ---------------------------------------------------------------- fields

const isUint = (value) => (Number.isSafeInteger(value) && value >= 0) || typeof value === "bigint";
export const isId = (value) => typeof value === "string" && ID.test(value);

const CHECKS = {
  uint: (v) => Number.isSafeInteger(v) && v >= 0,
  big: isUint, // an epoch may be of 64 bits
  id: isId,
  text: (v) => typeof v === "string",
  bool: (v) => typeof v === "boolean",
  array: Array.isArray,
  map: (v) => v instanceof Map,
  bytes: (v) => v instanceof Uint8Array,
  any: () => true,
};

function check(value, type, name) {
  if (!CHECKS[type](value)) {
    throw new WireError(`${name}: no ${type}`);
  }
  return value;
}

/** A required field of a map. */
function need(m, key, type, name) {
  if (!m.has(key)) {
    throw new WireError(`${name}: missing`);
  }
  return check(m.get(key), type, name);
}

const may = (m, key, type, name) => (m.has(key) ? check(m.get(key), type, name) : undefined);

function mapOf(value, name) {
  return check(value, "map", name);
}

function rowOf(value, types, name) {
  check(value, "array", name);
  if (value.length < types.length) {
    throw new WireError(`${name}: too short`);
  }
  return types.map((type, i) => (type.endsWith("?") && value[i] === null ? null : check(value[i], type.replace("?", ""), `${name}[${i}]`)));
}

/** {id: value} of a map with ids as keys; a prototype-free object, as ids are what users chose. */
function byId(m, each, name) {
  const out = Object.create(null);
  for (const [key, value] of check(m, "map", name)) {
    out[check(key, "id", `${name} key`)] = each(value, `${name}.${key}`);
  }
  return out;
}

// ---------------------------------------------------------------- bodies

const BODIES = {
  [K.K_MSG]: (b) => ({
    text: may(b, K.MSG_TEXT, "text", "text") ?? "", media: may(b, K.MSG_MEDIA, "text", "media") ?? "text/plain",
    mustConfirm: may(b, K.MSG_CONFIRM, "bool", "confirm") ?? false,
  }),
  [K.K_REDACT]: (b) => ({reason: may(b, K.REDACT_REASON, "text", "reason") ?? ""}),
  [K.K_REACT]: (b) => ({emoji: need(b, K.REACT_WITH, "text", "with"), back: may(b, K.REACT_BACK, "bool", "back") ?? false}),
  [K.K_CONV_NEW]: (b) => ({
    scope: may(b, K.CONV_SCOPE, "id", "scope"), title: may(b, K.CONV_TITLE, "text", "title"),
    members: b.has(K.CONV_MEMBERS) ? byId(b.get(K.CONV_MEMBERS), (v, at) => check(v, "uint", at), "members") : undefined,
  }),
  [K.K_MEMBER_ADD]: (b) => ({user: need(b, K.MEMBER_USER, "id", "user"), role: may(b, K.MEMBER_ROLE, "uint", "role")}),
};
BODIES[K.K_EDIT] = BODIES[K.K_MSG];
BODIES[K.K_CONV_SET] = BODIES[K.K_CONV_NEW];
BODIES[K.K_MEMBER_REMOVE] = BODIES[K.K_MEMBER_ADD];
BODIES[K.K_MEMBER_ROLE] = BODIES[K.K_MEMBER_ADD];

/** The body of a kind as an object; null where there is none, or none that this client knows. */
export function bodyOf(kind, body) {
  const parse = BODIES[kind];
  return parse && body instanceof Map ? parse(body) : null;
}

const members = (value) => (value ? new Map(Object.entries(value)) : undefined);
const conversation = (b) => map([K.CONV_SCOPE, b.scope], [K.CONV_TITLE, b.title], [K.CONV_MEMBERS, members(b.members)]);
const member = (b) => map([K.MEMBER_USER, b.user], [K.MEMBER_ROLE, b.role], [K.MEMBER_FROM, b.from]);
const message = (b) => map([K.MSG_TEXT, b.text], [K.MSG_MEDIA, b.media === "text/plain" ? undefined : b.media], [K.MSG_CONFIRM, b.mustConfirm || undefined]);

const TO_WIRE = {
  [K.K_MSG]: message,
  [K.K_EDIT]: message,
  [K.K_REDACT]: (b) => map([K.REDACT_REASON, b.reason || undefined]),
  [K.K_REACT]: (b) => map([K.REACT_WITH, b.emoji], [K.REACT_BACK, b.back || undefined]),
  [K.K_CONV_NEW]: conversation,
  [K.K_CONV_SET]: conversation,
  [K.K_MEMBER_ADD]: member,
  [K.K_MEMBER_REMOVE]: (b) => map([K.MEMBER_USER, b.user]),
  [K.K_MEMBER_ROLE]: member,
};

/** A durable command of the outbox as the wire has it. */
export function commandOf(entry, age) {
  return map(
    [K.KEY_KIND, entry.kind], [K.KEY_N, entry.n], [K.KEY_CONV, entry.conv ?? undefined], [K.KEY_SEEN, entry.seen || undefined], [K.KEY_AGE, age],
    [K.KEY_PRIORITY, entry.priority ?? undefined], [K.KEY_TTL, entry.ttl ?? undefined], [K.KEY_REF, entry.ref ?? undefined],
    [K.KEY_BASE, entry.base ?? undefined], [K.KEY_BODY, entry.body ? TO_WIRE[entry.kind](entry.body) : undefined],
  );
}

/** Any other command. */
export const plainCommand = (kind, fields = {}) =>
  map([K.KEY_KIND, kind], [K.KEY_CONV, fields.conv], [K.KEY_REF, fields.ref], [K.KEY_BODY, fields.body]);

// ---------------------------------------------------------------- what comes

/**
 * @typedef {{kind: number, n: number, conv: string, seen: number, priority: number, ref: number|null, version: number|null, body: object|null,
 *   isGone: boolean, seq: number|null, at: number, user: string, device: string, flags: number, composed: number|null,
 *   branch: {relay: string, base: number, k: number}|null}} Event
 */

/** @returns {Event} */
export function eventOf(value) {
  const m = mapOf(value, "event");
  const kind = need(m, K.KEY_KIND, "uint", "kind");
  const seq = may(m, K.KEY_SEQ, "uint", "seq") ?? null;
  const branch = m.has(K.KEY_BRANCH) ? rowOf(m.get(K.KEY_BRANCH), ["id", "uint", "uint"], "branch") : null;
  const composed = m.has(K.KEY_COMPOSED) ? rowOf(m.get(K.KEY_COMPOSED), ["uint", "uint"], "composed") : null;
  if (seq === 0 || (seq === null && branch === null)) {
    throw new WireError("seq: missing");
  }
  return {
    kind, seq,
    n: need(m, K.KEY_N, "uint", "n"),
    conv: need(m, K.KEY_CONV, "id", "conv"),
    seen: may(m, K.KEY_SEEN, "uint", "seen") ?? 0,
    priority: may(m, K.KEY_PRIORITY, "uint", "priority") ?? K.PRIORITY_NORMAL,
    ref: may(m, K.KEY_REF, "uint", "ref") ?? null,
    version: may(m, K.KEY_VERSION, "uint", "version") ?? null,
    body: bodyOf(kind, m.get(K.KEY_BODY)),
    isGone: m.get(K.KEY_BODY) === null || m.has(K.KEY_BODY_HASH),
    at: need(m, K.KEY_AT, "uint", "at"),
    user: need(m, K.KEY_USER, "id", "user"),
    device: need(m, K.KEY_DEVICE, "id", "device"),
    flags: may(m, K.KEY_FLAGS, "uint", "flags") ?? 0,
    composed: composed && composed[0],
    branch: branch && {relay: branch[0], base: branch[1], k: branch[2]},
  };
}

/** One event or an array of them. */
export const eventsOf = (value) => (Array.isArray(value) ? value : [value]).map(eventOf);

const REPLIES = {
  [K.REPLY_ACK]: (m) => ({
    rows: need(m, K.ACK_ROWS, "array", "ack rows").map((row) => {
      const [n, conv, seq, at] = rowOf(row, ["uint", "id?", "uint?", "uint"], "ack row");
      return {n, conv, seq: seq || null, at};
    }),
    relay: may(m, K.ACK_RELAY, "id", "relay") ?? null,
  }),
  [K.REPLY_NACK]: (m) => ({
    n: may(m, K.NACK_N, "uint", "n") ?? 0, code: need(m, K.NACK_ERROR, "uint", "error"), reason: may(m, K.NACK_REASON, "text", "reason") ?? "",
    retry: may(m, K.NACK_RETRY, "bool", "retry") ?? false, current: m.get(K.NACK_CURRENT) ?? null, next: may(m, K.NACK_NEXT, "uint", "next") ?? 0,
  }),
  [K.REPLY_WELCOME]: (m) => {
    const limits = need(m, K.WELCOME_LIMITS, "map", "limits");
    return {
      epoch: need(m, K.WELCOME_EPOCH, "big", "epoch"), at: need(m, K.WELCOME_AT, "uint", "at"), next: need(m, K.WELCOME_NEXT, "uint", "next"),
      relay: may(m, K.WELCOME_RELAY, "id", "relay") ?? null,
      heads: need(m, K.WELCOME_HEADS, "array", "heads").map((row) => {
        const [conv, scope, head, floor, read, unread] = rowOf(row, ["id", "id", "uint", "uint", "uint", "uint"], "head");
        return {conv, scope, head, floor, read, unread};
      }),
      limits: {
        commandBytes: may(limits, K.LIMIT_COMMAND_BYTES, "uint", "command bytes") ?? 16384, batch: may(limits, K.LIMIT_BATCH, "uint", "batch") ?? 1,
        rate: may(limits, K.LIMIT_RATE, "uint", "rate") ?? 0, alive: may(limits, K.LIMIT_ALIVE, "uint", "alive") ?? 0,
      },
    };
  },
  [K.REPLY_PAGE]: (m) => {
    if (need(m, K.PAGE_CODEC, "uint", "codec") !== K.CODEC_PLAIN) {
      throw new WireError("page: packed, though nobody asked for that");
    }
    return {
      conv: need(m, K.PAGE_CONV, "id", "conv"), from: need(m, K.PAGE_FROM, "uint", "from"), to: need(m, K.PAGE_TO, "uint", "to"),
      more: need(m, K.PAGE_MORE, "bool", "more"), events: need(m, K.PAGE_CONTENT, "array", "content"),
    };
  },
  [K.REPLY_SNAPSHOT]: (m) => ({conv: need(m, K.SNAPSHOT_CONV, "id", "conv"), floor: need(m, K.SNAPSHOT_FLOOR, "uint", "floor")}),
  [K.REPLY_TIME]: (m) => ({
    echo: need(m, K.TIME_ECHO, "uint", "echo"), received: need(m, K.TIME_RECEIVED, "uint", "received"), sent: need(m, K.TIME_SENT, "uint", "sent"),
  }),
  [K.REPLY_NUDGE]: (m) => ({rows: need(m, K.NUDGE_ROWS, "array", "rows").map((row) => rowOf(row, ["id", "uint"], "nudge"))}),
  [K.REPLY_REPORT]: (m) => ({
    kind: need(m, K.REPORT_KIND, "uint", "kind"), value: need(m, K.REPORT_VALUE, "any", "value"), conv: may(m, K.REPORT_CONV, "id", "conv") ?? null,
    seq: may(m, K.REPORT_SEQ, "uint", "seq") ?? null,
  }),
};

/** A message of `down`; null for one that a newer hub may know. */
export function replyOf(value) {
  const m = mapOf(value, "reply");
  const what = need(m, K.KEY_WHAT, "uint", "what");
  return REPLIES[what] ? {what, ...REPLIES[what](m)} : null;
}

const horizon = (value, name) => rowOf(value, ["uint", "uint"], name);

const INBOX = {
  [K.INBOX_HEADS]: (m) => ({
    rows: need(m, K.HEADS_ROWS, "array", "rows").map((row) => {
      const [conv, scope, head, unread] = rowOf(row, ["id", "id", "uint", "uint"], "head");
      return {conv, scope, head, unread};
    }),
  }),
  [K.INBOX_JOINED]: (m) => ({
    conv: need(m, K.JOINED_CONV, "id", "conv"), scope: need(m, K.JOINED_SCOPE, "id", "scope"), role: need(m, K.JOINED_ROLE, "uint", "role"),
  }),
  [K.INBOX_REMOVED]: (m) => ({conv: need(m, K.REMOVED_CONV, "id", "conv"), scope: need(m, K.REMOVED_SCOPE, "id", "scope")}),
  [K.INBOX_HORIZONS]: (m) => ({own: byId(m.get(K.HORIZONS_OWN), horizon, "own")}),
  [K.INBOX_ALERT]: (m) => ({
    conv: need(m, K.ALERT_CONV, "id", "conv"), seq: need(m, K.ALERT_SEQ, "uint", "seq"), priority: need(m, K.ALERT_PRIORITY, "uint", "priority"),
  }),
};

export function inboxOf(value) {
  const m = mapOf(value, "inbox");
  const what = need(m, K.KEY_WHAT, "uint", "what");
  return INBOX[what] ? {what, ...INBOX[what](m)} : null;
}

export function headOf(value) {
  const m = mapOf(value, "head");
  return {seq: need(m, K.HEAD_SEQ, "uint", "seq"), floor: need(m, K.HEAD_FLOOR, "uint", "floor")};
}

export function aboutOf(value) {
  const m = mapOf(value, "about");
  const context = may(m, K.ABOUT_CONTEXT, "map", "context");
  return {
    version: need(m, K.ABOUT_VERSION, "uint", "version"), title: need(m, K.ABOUT_TITLE, "text", "title"), scope: need(m, K.ABOUT_SCOPE, "id", "scope"),
    members: byId(m.get(K.ABOUT_MEMBERS), (v, at) => rowOf(v, ["uint", "uint"], at)[0], "members"),
    context: context ? {class: context.get(K.CONTEXT_CLASS), id: context.get(K.CONTEXT_ID)} : null,
  };
}

export const receiptsOf = (value) => byId(value, horizon, "receipts");

export function typingOf(value) {
  const m = mapOf(value, "typing");
  return {
    names: need(m, K.TYPING_NAMES, "array", "names").map((name) => check(name, "id", "name")), count: need(m, K.TYPING_COUNT, "uint", "count"),
  };
}

export const STATES = ["offline", "unreachable", "away", "active", "busy"];

const personOf = (value, name) => {
  const [state, since] = rowOf(value, ["uint", "uint?"], name);
  return {
    state: STATES[state] ?? "offline", since, text: typeof value[2] === "string" ? value[2] : null,
    until: Number.isSafeInteger(value[3]) ? value[3] : null, via: isId(value[4]) ? value[4] : null,
  };
};

export function presenceOf(value) {
  const m = mapOf(value, "presence");
  return {people: byId(m.get(K.PRESENCE_PEOPLE), personOf, "people"), full: may(m, K.PRESENCE_FULL, "bool", "full") ?? false};
}

/** readers: {user: {delivered, read, confirmed}}, each a time or null. */
export const readersOf = (value) => byId(value, (row, name) => {
  const [delivered, read, confirmed] = rowOf(row, ["uint?", "uint?", "uint?"], name);
  return {delivered, read, confirmed};
}, "readers");

const CODES = {
  [K.C_MALFORMED]: "malformed", [K.C_TOO_LARGE]: "too-large", [K.C_DENIED]: "denied", [K.C_UNKNOWN]: "unknown", [K.C_GAP]: "gap",
  [K.C_CONFLICT]: "conflict", [K.C_STALE]: "stale", [K.C_TOO_LATE]: "too-late", [K.C_RATE]: "rate", [K.C_FULL]: "full",
  [K.C_UNSUPPORTED]: "unsupported", [K.C_EXPIRED]: "expired", [K.C_BUSY]: "busy", [K.C_IDENTITY]: "identity",
};
export const codeName = (code) => CODES[code] ?? `code-${code}`;
