/** One item of the list of messages as an element. Reads the row, changes nothing; what a click does is in `on`. */
import {bdi, h, icon, iconButton} from "./dom.js";
import {nameOf, reactionSign, siteName, stateMark} from "./people.js";
import {clockText, dayOf, dayText, say, timeText} from "./text.js";

const TOGETHER_MS = 5 * 60000;
const LONG_CHARS = 1500;
const LONG_LINES = 20;

/** When a row was written: of what was composed offline the estimate, else when it was ordered. */
export function whenOf(row) {
  return row.flags?.offline && row.composed ? row.composed : (row.at ?? row.composed ?? 0);
}

export const answerable = (row) => row.kind === "message" && row.seq !== null && !row.deleted && !row.redacted;

export const isGone = (row) => row.deleted || row.redacted;

export const confirmers = (conv, row) => Object.keys(conv.members ?? {}).filter((user) => user !== row.user);

export const needsMe = (row, me, role) =>
  row.mustConfirm && role !== 0 && answerable(row) && row.user !== me && !(row.confirmedBy ?? []).includes(me);

function dayMark(row, before) {
  const when = whenOf(row);
  if (!when || (before && dayOf(whenOf(before)) === dayOf(when))) {
    return null;
  }
  return h("div", {class: "day"}, h("span", null, dayText(when)));
}

function quote(view, row) {
  const target = view.rowOfSeq(row.ref);
  const text = target ? (isGone(target) ? say("deleted") : target.text || say("noText")) : say("replyGone");
  return h(
    "button",
    {type: "button", class: "quote", tabindex: "-1", on: {click: () => view.on.reveal(row.ref)}},
    h("span", {class: "quote-name"}, target ? bdi(nameOf(view.fp, target.user)) : "…"),
    h("span", {class: "quote-text", dir: "auto"}, text.slice(0, 200)),
  );
}

function textOf(row) {
  if (isGone(row)) {
    return h("p", {class: "text gone"}, icon(row.redacted ? "hide" : "trash"), say(row.redacted ? "redacted" : "deleted"));
  }
  const text = row.text ?? "";
  const el = h("p", {class: "text", dir: "auto"}, text === "" ? say("noText") : text);
  if (text.length <= LONG_CHARS && text.split("\n", LONG_LINES + 1).length <= LONG_LINES) {
    return el;
  }
  el.classList.add("clamped");
  const more = h("button", {type: "button", class: "link", "aria-expanded": "false"}, say("foldShow"));
  more.addEventListener("click", () => {
    const open = el.classList.toggle("clamped") === false;
    more.textContent = say(open ? "foldHide" : "foldShow");
    more.setAttribute("aria-expanded", String(open));
  });
  return [el, more];
}

function flags(row) {
  const out = [];
  if (row.priority === 0 || row.priority === 1) {
    out.push(h("span", {class: `flag p${row.priority}`}, icon(row.priority === 0 ? "warn" : "bang"), say(`priority${row.priority}`)));
  }
  if (row.flags?.stale) {
    out.push(h("span", {class: "flag"}, icon("info"), say("stale")));
  }
  if (row.flags?.conflict) {
    out.push(h("span", {class: "flag"}, icon("info"), say("conflict")));
  }
  return out.length ? h("div", {class: "flags"}, out) : null;
}

function confirmPart(view, row) {
  if (!row.mustConfirm || isGone(row)) {
    return null;
  }
  const all = confirmers(view.conv, row);
  const by = (row.confirmedBy ?? []).filter((user) => user !== row.user);
  const count = h("span", {class: "hint"}, say("confirmedBy", {k: by.length, of: Math.max(all.length, by.length)}));
  if (needsMe(row, view.fp.user, view.conv.role)) {
    return h(
      "div",
      {class: "confirm"},
      h("button", {type: "button", class: "primary", "data-act": "confirm", on: {click: () => view.on.confirm(row)}}, icon("check"), say("confirm")),
      count,
    );
  }
  return h(
    "div",
    {class: "confirm"},
    by.includes(view.fp.user)
      ? h("span", {class: "done"}, icon("check"), say("confirmed"))
      : h("span", {class: "done"}, icon("flag"), say("mustConfirm")),
    count,
  );
}

function reactions(view, row) {
  const list = (row.reactions ?? []).filter((r) => r.users.length);
  if (!list.length || isGone(row)) {
    return null;
  }
  return h(
    "div",
    {class: "reactions"},
    list.map((r) => {
      const mine = r.users.includes(view.fp.user);
      const label = say("reactionsBy", {
        emoji: r.emoji,
        n: r.users.length,
        users: r.users
          .slice(0, 10)
          .map((user) => nameOf(view.fp, user))
          .join(", "),
      });
      return h(
        "button",
        {
          type: "button",
          class: "reaction",
          "aria-pressed": String(mine),
          "aria-label": label,
          title: label,
          disabled: view.conv.role === 0,
          on: {click: () => view.on.react(row, r.emoji, mine)},
        },
        h("span", {class: "pill"}, reactionSign(r.emoji), h("span", null, String(r.users.length))),
      );
    }),
  );
}

function foot(view, row, last) {
  const when = whenOf(row);
  const parts = [];
  if (row.flags?.provisional && !row.own) {
    parts.push(h("span", {class: "mark", title: say("provisional"), "aria-label": say("provisional"), role: "img"}, icon("relay")));
  }
  if (row.edited && !isGone(row)) {
    parts.push(h("span", null, say("edited")));
  }
  if (row.flags?.hub) {
    parts.push(h("span", null, say("byHub")));
  }
  parts.push(h("span", {class: "time"}, row.flags?.offline ? say("offlineAt", {time: clockText(when)}) : clockText(when)));
  const mark = row.own ? stateMark(row) : null;
  if (mark) {
    const shown = row.state === "failed" ? "" : last ? mark.text : (mark.short ?? "");
    parts.push(
      h(
        "span",
        {class: `mark ${mark.cls ?? ""}`, title: mark.text, role: "img", "aria-label": mark.text, "data-state": row.state},
        icon(mark.icon),
        shown,
      ),
    );
  }
  return h("div", {class: "foot"}, parts);
}

function failure(view, row) {
  if (row.state !== "failed") {
    return null;
  }
  return h(
    "div",
    {class: "failure"},
    h("span", {dir: "auto"}, stateMark(row).text),
    h("button", {type: "button", class: "plain", on: {click: () => view.on.retry(row)}}, icon("retry"), say("retry")),
    h("button", {type: "button", class: "plain", on: {click: () => view.on.cancel(row)}}, say("discard")),
  );
}

function systemText(view, row) {
  const s = row.system ?? {};
  const user = nameOf(view.fp, row.user);
  const who = s.user ? nameOf(view.fp, s.user) : "";
  switch (s.what) {
    case "created":
      return say("sysCreated", {user, title: s.title ?? ""});
    case "changed":
      return s.title ? say("sysSet", {user, title: s.title}) : say("sysSetContext", {user});
    case "added":
      return s.user === row.user ? say("sysJoined", {user}) : say("sysAdded", {user, who});
    case "removed":
      return !s.user || s.user === row.user ? say("sysLeft", {user}) : say("sysRemoved", {user, who});
    case "role":
      return say("sysRole", {user, who, role: say(`role${s.role}`)});
    default:
      return say("sysOther", {user});
  }
}

const frame = (view, item, cls, ...children) =>
  h(
    "article",
    {
      class: `item ${cls}`,
      role: "article",
      tabindex: "-1",
      "data-key": item.key,
      "aria-posinset": String(item.position),
      "aria-setsize": String(view.count),
    },
    ...children,
  );

/**
 * @param view {fp, conv, unreadRow, rowOfSeq(seq), on, count}
 * @param item of items.js, with .position
 * @param row
 * @param before the row before it, or null
 * @param next the row after it, or null
 */
export function drawRow(view, item, row, before, next) {
  const lead = [dayMark(row, before), item.from === view.unreadRow ? h("div", {class: "unread-line"}, h("span", null, say("unreadLine"))) : null];
  if (row.kind !== "message") {
    const el = frame(
      view,
      item,
      "system",
      ...lead,
      h("p", {class: "system-text"}, bdi(systemText(view, row)), h("span", {class: "time"}, clockText(whenOf(row)))),
    );
    el.setAttribute("aria-label", systemText(view, row));
    return el;
  }
  const together = (a, b) =>
    a &&
    b &&
    a.kind === "message" &&
    b.kind === "message" &&
    a.user === b.user &&
    Math.abs(whenOf(b) - whenOf(a)) < TOGETHER_MS &&
    dayOf(whenOf(a)) === dayOf(whenOf(b));
  const first = lead[1] !== null || !together(before, row);
  const cls = [
    "message",
    row.own ? "own" : "",
    first ? "first" : "",
    together(row, next) ? "" : "last",
    item.run ? "in-fold" : "",
    isGone(row) ? "" : `prio${row.priority ?? 2}`,
    row.state === "failed" ? "failed" : "",
  ];
  const more = iconButton("more", say("actions"), (event) => view.on.menu(row, event.currentTarget), "small more");
  more.setAttribute("aria-haspopup", "menu");
  more.setAttribute("tabindex", "-1");
  const bubble = h(
    "div",
    {class: "bubble"},
    first && !row.own && h("div", {class: "author"}, bdi(nameOf(view.fp, row.user))),
    flags(row),
    row.ref && quote(view, row),
    textOf(row),
    row.attachments?.length ? h("p", {class: "hint"}, say("attachments", {n: row.attachments.length})) : null,
    confirmPart(view, row),
    foot(view, row, next === null || next.user !== row.user || !next.own),
  );
  const el = frame(view, item, cls.join(" "), ...lead, h("div", {class: "line"}, bubble, more), reactions(view, row), failure(view, row));
  const said = isGone(row) ? say(row.redacted ? "redacted" : "deleted") : (row.text ?? "").slice(0, 500);
  const extra = [row.priority < 2 && !isGone(row) ? say(`priority${row.priority}`) : "", row.own ? (stateMark(row)?.text ?? "") : ""]
    .filter(Boolean)
    .join(". ");
  el.setAttribute(
    "aria-label",
    `${say("messageLabel", {user: nameOf(view.fp, row.user), time: timeText(whenOf(row)), text: said})}${extra ? `. ${extra}` : ""}`,
  );
  return el;
}

/** Rows that were written offline at one place, as one line that opens. */
export function drawFold(view, item, rows, before) {
  const first = rows[0];
  const times = rows.map(whenOf).filter(Boolean);
  const users = new Set(rows.map((row) => row.user));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const values = {n: rows.length, from: timeText(from), to: dayOf(from) === dayOf(to) ? clockText(to) : timeText(to)};
  const relay = first.branch?.relay;
  const text = relay
    ? say("foldSite", {...values, site: siteName(relay)})
    : users.size === 1
      ? say("foldUser", {...values, user: nameOf(view.fp, first.user)})
      : say("foldMany", values);
  const button = h(
    "button",
    {type: "button", class: "fold", "aria-expanded": String(item.open), "data-act": "fold", on: {click: () => view.on.fold(item)}},
    icon("off"),
    h("span", {class: "fold-text"}, bdi(text)),
    h("span", {class: "fold-act"}, say(item.open ? "foldHide" : "foldShow"), icon(item.open ? "down" : "right")),
  );
  const unread = item.from <= view.unreadRow && view.unreadRow < item.last;
  const el = frame(
    view,
    item,
    "folded",
    dayMark(first, before),
    unread && h("div", {class: "unread-line"}, h("span", null, say("unreadLine"))),
    button,
  );
  el.setAttribute("aria-label", text);
  return el;
}
