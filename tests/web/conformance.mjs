// What every store has to do. Runs in Node and in a browser: `reopen()` gives a store that is open on the same data.

function same(is, should, what) {
  const text = (value) => JSON.stringify(value, (_key, v) => (v instanceof Map ? [...v] : typeof v === "bigint" ? `${v}n` : v));
  if (text(is) !== text(should)) {
    throw new Error(`${what}: ${text(is)}, not ${text(should)}`);
  }
}

const event = (conv, seq) => ({conv, seq, kind: 20, n: seq, text: `text ${seq}`, body: {text: "Grüße 🏗"}, branch: null});

export async function conformance(reopen) {
  let store = await reopen();
  same(await store.load(), [], "empty at first");
  same(await store.events("c1", Infinity, 10), [], "no events at first");

  await store.write([
    {t: "meta", key: "nextN", value: 7}, {t: "meta", key: "epoch", value: 12345678901234567890n}, {t: "conv", value: {id: "c1", cursor: 3}},
    {t: "conv", value: {id: "c1", cursor: 4}}, {t: "conv", value: {id: "c2", cursor: 0}}, {t: "entry", value: {id: 10, n: 2}}, {t: "entry", value: {id: 9, n: 1}},
    {t: "events", conv: "c1", list: [4, 2, 3, 1].map((seq) => event("c1", seq))}, {t: "events", conv: "c10", list: [event("c10", 1)]},
  ]);
  store = await reopen();
  const held = await store.load();
  same(held.filter((c) => c.t === "meta").map((c) => [c.key, c.value]).sort(), [["epoch", 12345678901234567890n], ["nextN", 7]], "meta");
  same(held.filter((c) => c.t === "conv").map((c) => c.value), [{id: "c1", cursor: 4}, {id: "c2", cursor: 0}], "the last value of a conversation");
  same(held.filter((c) => c.t === "entry").map((c) => c.value.id), [9, 10], "the outbox in order");
  same(await store.events("c1", Infinity, 10), [1, 2, 3, 4].map((seq) => event("c1", seq)), "all events, in order");
  same((await store.events("c1", 4, 2)).map((ev) => ev.seq), [2, 3], "the last two before one");

  await store.write([{t: "entry-", id: 9}, {t: "conv-", id: "c2"}, {t: "events-", conv: "c1"}, {t: "events", conv: "c1", list: [event("c1", 9)]}]);
  store = await reopen();
  const left = await store.load();
  same(left.filter((c) => c.t === "entry").map((c) => c.value.id), [10], "an entry is gone");
  same(left.filter((c) => c.t === "conv").map((c) => c.value.id), ["c1"], "a conversation is gone");
  same((await store.events("c1", Infinity, 10)).map((ev) => ev.seq), [9], "events are gone, and those that came after are there");
  same((await store.events("c10", Infinity, 10)).length, 1, "those of another one stay");

  const value = {id: "c3", cursor: 1};
  const written = store.write([{t: "conv", value}]);
  value.cursor = 99;
  await written;
  same((await (await reopen()).load()).find((c) => c.value?.id === "c3").value.cursor, 1, "what it was when it was given");

  let isRejected = false;
  await store.write([{t: "meta", key: "half", value: 1}, {t: "meta", key: "bad", value: () => {}}]).catch(() => (isRejected = true));
  same(isRejected, true, "what cannot be kept is refused");
  same((await (await reopen()).load()).some((c) => c.key === "half"), false, "all or nothing");
}
