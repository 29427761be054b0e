import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {test} from "node:test";
import {current, kept} from "../../edge-relay/web/gen/keys.mjs";
import * as K from "../../edge-relay/web/sdk/keys.js";
import * as W from "../../edge-relay/web/sdk/wire.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors/vectors.json", import.meta.url), "utf8"));
const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

/** A meaning as the wire has it: a map's key is JSON text, {"hex": ...} is a byte string. */
function valueOf(meaning) {
  if (Array.isArray(meaning)) {
    return meaning.map(valueOf);
  }
  if (meaning === null || typeof meaning !== "object") {
    return meaning;
  }
  const keys = Object.keys(meaning);
  if (keys.length === 1 && keys[0] === "hex") {
    return bytesOf(meaning.hex);
  }
  return new Map(keys.map((key) => [JSON.parse(key), valueOf(meaning[key])]));
}

test("each vector decodes to its meaning and encodes to its bytes", () => {
  assert.ok(vectors.length > 50);
  for (const {name, hex, meaning} of vectors) {
    const bytes = bytesOf(hex);
    const value = W.decode(bytes);
    if (!/[0-9]{16}/.test(JSON.stringify(meaning))) { // JSON has rounded those
      assert.deepEqual(value, valueOf(meaning), name);
    }
    assert.equal(Buffer.from(W.encode(value)).toString("hex"), hex, name);
  }
});

test("each event, reply, inbox message and live message of the vectors is understood", () => {
  const readers = {
    event: W.eventOf, events: W.eventsOf, reply: W.replyOf, inbox: W.inboxOf, head: W.headOf, about: W.aboutOf, receipts: W.receiptsOf,
    "typing-now": W.typingOf, presence: W.presenceOf,
  };
  const seen = new Set();
  for (const {name, rule, hex} of vectors.filter((vector) => vector.rule in readers)) {
    const value = W.decode(bytesOf(hex));
    seen.add(rule);
    if (rule === "reply" && value.get(K.PAGE_CODEC) === K.CODEC_ZLIB && value.get(K.KEY_WHAT) === K.REPLY_PAGE) {
      assert.throws(() => W.replyOf(value), W.WireError, name);
    } else {
      assert.ok(readers[rule](value), name);
    }
  }
  assert.deepEqual([...seen].sort(), Object.keys(readers).sort());
});

test("a command of the outbox is the vector's bytes", () => {
  const {hex} = vectors.find((vector) => vector.name === "msg");
  const entry = {kind: K.K_MSG, n: 1, conv: "c1", seen: 0, body: {text: "Concrete arrives at 7", media: "text/plain", mustConfirm: false}};
  assert.equal(Buffer.from(W.encode(W.commandOf(entry))).toString("hex"), hex);
});

test("whatever is cut off, changed or nested too deep is a WireError, never another error", () => {
  let random = 12345;
  const next = (below) => (random = (random * 1103515245 + 12345) % 2147483648) % below;
  for (const {rule, hex} of vectors) {
    const bytes = bytesOf(hex);
    for (let i = 0; i < 40; i++) {
      const bad = i % 2 === 0 ? bytes.slice(0, next(bytes.length)) : bytes.slice();
      if (i % 2 === 1) {
        bad[next(bad.length)] = next(256);
      }
      try {
        const value = W.decode(bad);
        const read = {event: W.eventOf, reply: W.replyOf, inbox: W.inboxOf, about: W.aboutOf, receipts: W.receiptsOf, presence: W.presenceOf}[rule];
        read?.(value);
      } catch (error) {
        assert.ok(error instanceof W.WireError, `${error.stack}\n${Buffer.from(bad).toString("hex")}`);
      }
    }
  }
  for (const hex of ["", "81818181818181818100", "9b00ffffffffffffff", "bb00ffffffffffffff", "5bffffffffffffffff", "9f00ff", "1817", "a201000100", "0000", "f7", "c100"]) {
    assert.throws(() => W.decode(bytesOf(hex)), W.WireError, hex);
  }
});

test("the numbers are those of keys.h", () => assert.equal(kept(), current()));
