/** How people and states are named and drawn. */
import {bdi, h, icon} from "./dom.js";
import {say, timeText} from "./text.js";

const states = {active: "stateActive", busy: "stateBusy", away: "stateAway", unreachable: "stateUnreachable", offline: "stateOffline"};

export const idGrammar = /^[A-Za-z0-9._~-]{1,36}$/;

export const nameOf = (fp, user) => (user === fp.user ? say("you") : user);

/** A relay's name with the word "site", unless it has it. */
export const siteName = (relay) => (/^site/i.test(relay) ? relay : say("site", {relay}));

/** Two letters for a round mark: of "ana.kovac" AK. */
export function initials(name) {
  const parts = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = parts.length > 1 ? [...parts[0]][0] + [...parts[parts.length - 1]][0] : [...(parts[0] ?? "?")].slice(0, 2).join("");
  return letters.toUpperCase();
}

export function avatar(name, state) {
  return h(
    "span",
    {class: "avatar", "aria-hidden": "true", "data-initials": initials(name)},
    state && h("span", {class: `dot ${stateClass(state)}`}),
  );
}

const stateClass = (state) => (Object.hasOwn(states, state) ? `is-${state}` : "is-offline");

export const stateText = (state) => say(states[state] ?? states.offline);

/** "Active", "Last seen 10:02 via gate-3", with the text that the person set. */
export function personText(person) {
  if (!person) {
    return say("stateOffline");
  }
  const parts = [];
  if (person.state === "offline" || person.state === "unreachable") {
    parts.push(person.since ? say("lastSeen", {time: timeText(person.since)}) : stateText(person.state));
  } else {
    parts.push(person.since ? say("since", {state: stateText(person.state), time: timeText(person.since)}) : stateText(person.state));
  }
  if (person.via) {
    parts.push(say("via", {relay: person.via}));
  }
  return parts.join(" · ");
}

export function personLine(fp, user, extra) {
  const person = fp.person(user);
  return h(
    "div",
    {class: "person"},
    avatar(user, person?.state ?? "offline"),
    h(
      "div",
      {class: "person-text"},
      h("div", {class: "person-name"}, bdi(nameOf(fp, user)), extra),
      h("div", {class: "hint"}, personText(person)),
      person?.text && h("div", {class: "hint"}, bdi(person.text), person.until ? ` · ${say("until", {time: timeText(person.until)})}` : ""),
    ),
  );
}

/** The title of a conversation: of one between two without a title, the other one. */
export function titleOf(fp, conv) {
  if (conv.title) {
    return conv.title;
  }
  const others = Object.keys(conv.members ?? {}).filter((user) => user !== fp.user);
  return others.length ? others.slice(0, 3).join(", ") : conv.id;
}

/** The other one in a conversation of two, or null. */
export function otherOf(fp, conv) {
  const others = Object.keys(conv.members ?? {}).filter((user) => user !== fp.user);
  return conv.scope === "dm" && others.length === 1 ? others[0] : null;
}

/** Which tick stands for a state, and its sentence. */
export function stateMark(row) {
  const k = (what) => ({k: what?.k ?? 0, of: what?.of ?? 0});
  switch (row.state) {
    case "queued":
      return {icon: "clock", text: say("stateQueued")};
    case "sending":
      return {icon: "up", text: say("stateSending")};
    case "relayed":
      return {icon: "relay", text: say("stateRelayed"), short: say("stateRelayedShort")};
    case "delivered":
      return {icon: "checks", text: say("stateDelivered", k(row.delivered)), short: say("ofShort", k(row.delivered))};
    case "read":
      return {icon: "checks", cls: "accent", text: say("stateRead", k(row.read)), short: say("ofShort", k(row.read))};
    case "failed":
      return {icon: "warn", cls: "bad", text: say("stateFailed", {reason: row.error?.reason || row.error?.code || "?"})};
    default:
      return row.seq === null ? null : {icon: "check", text: say("stateSent")};
  }
}

const drawn = {"👍": "thumb", "✅": "check", "👀": "eye", "❓": "question", "⚠️": "warn", "🙏": "thanks"};
export const offered = Object.keys(drawn);

/** A reaction's sign: those that are offered here are drawn, so that they look the same where no emoji font is. */
export const reactionSign = (emoji) => (Object.hasOwn(drawn, emoji) ? icon(drawn[emoji]) : h("span", {class: "sign"}, emoji));
