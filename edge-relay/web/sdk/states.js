// P6: how far a command has come. A state never goes back; what failed has a code, and stays.

export const ORDER = ["queued", "sending", "relayed", "sent", "delivered", "read"];
const RANK = Object.fromEntries(ORDER.map((state, i) => [state, i]));

/** The later of two states. "failed" comes only from before "sent", and nothing comes after it but what the hub has ordered after all. */
export function later(state, next) {
  if (next === "failed") {
    return RANK[state] < RANK.sent ? "failed" : state;
  }
  if (state === "failed") {
    return RANK[next] >= RANK.sent ? next : state;
  }
  return RANK[next] > RANK[state] ? next : state;
}

/** Full jitter: any time up to a bound that doubles with each attempt. `random` is in [0, 1). */
export function backoff(attempt, random, least = 200, most = 60000) {
  return Math.max(least / 2, Math.min(most, least * 2 ** Math.min(attempt, 30)) * random);
}
