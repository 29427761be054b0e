/** The side panel of a conversation: its members, who has read a message and when, a message's journey. */
import {ask, bdi, h, icon, iconButton, menu, oncePerFrame, patch} from "./dom.js";
import {idGrammar, nameOf, personLine, siteName, titleOf} from "./people.js";
import {clockText, say, secondsText, spanText, timeText} from "./text.js";

const roles = [3, 2, 1, 0];

/** The steps of a message, as far as they are known here: [{text, at, icon}]. `readers` as of the hub, or empty. */
export function journeyOf(fp, row, readers) {
  const steps = [];
  steps.push({
    icon: row.flags?.offline ? "off" : "edit",
    text: say(row.flags?.offline ? "journeyOffline" : "journeyComposed", {device: row.device}),
    at: row.composed ?? null,
  });
  if (row.branch?.relay) {
    steps.push({icon: "relay", text: say("journeyRelayed", {relay: siteName(row.branch.relay)}), at: null});
  }
  if (row.seq === null) {
    steps.push({icon: "clock", text: say("journeyQueued"), at: null});
  } else {
    steps.push({icon: "check", text: say("journeyOrdered", {seq: row.seq}), at: row.at});
  }
  const later = [];
  for (const r of readers) {
    for (const [what, key, sign] of [
      ["delivered", "journeyDelivered", "checks"],
      ["read", "journeyRead", "eye"],
      ["confirmed", "journeyConfirmed", "flag"],
    ]) {
      if (r[what]) {
        later.push({icon: sign, text: say(key, {user: r.user === fp.user ? say("youMid") : r.user}), at: r[what]});
      }
    }
  }
  steps.push(...later.sort((a, b) => a.at - b.at));
  if (row.version && row.version !== row.seq) {
    steps.push({icon: "edit", text: say("journeyChanged", {version: row.version}), at: null});
  }
  return steps;
}

function stepTime(at, after) {
  const text = timeText(at).replace(clockText(at), secondsText(at));
  return after !== null && after >= 0 ? `${text} · ${say("journeyAfter", {ms: spanText(after)})}` : text;
}

export function drawJourney(steps) {
  let before = null;
  return h(
    "ol",
    {class: "journey"},
    steps.map((step) => {
      const after = step.at && before ? step.at - before : null;
      before = step.at ?? before;
      const time = step.at ? stepTime(step.at, after) : say("journeyUnknownTime");
      return h("li", null, icon(step.icon), h("div", null, h("div", null, bdi(step.text)), h("div", {class: "hint"}, time)));
    }),
  );
}

/** Asks the hub who has read a message; `drawn(readers, error)` is called at once and with the answer. */
export async function askReaders(fp, conv, seq, drawn) {
  try {
    drawn(await fp.readers(conv, seq), null);
  } catch (error) {
    drawn([], error?.reason ?? error?.message ?? say("linkOffline"));
  }
}

export class Panel {
  constructor(fp, id, what, seq, go) {
    Object.assign(this, {fp, id, what, seq, go});
    this.failed = h("p", {class: "error panel-error", role: "alert"});
    this.body = h("div", {class: "panel-body", tabindex: "0", role: "group"});
    const title = {about: "details", readers: "readersTitle", journey: "journeyTitle"}[what];
    this.body.setAttribute("aria-label", say(title));
    this.el = h(
      "aside",
      {class: "panel", "aria-label": say(title)},
      h(
        "div",
        {class: "pane-head"},
        h("h2", {tabindex: "-1"}, say(title)),
        iconButton("close", say("close"), () => go.close()),
      ),
      this.failed,
      this.body,
    );
    this.el.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        go.close();
      }
    });
    this.changed = oncePerFrame(() => this.draw());
  }

  run(promise) {
    Promise.resolve(promise).catch((error) => {
      this.failed.textContent = say("notDone", {reason: error.message});
    });
  }

  start() {
    this.offs = [];
    if (this.what === "about") {
      this.offs = [this.fp.on("conversation", (id) => id === this.id && this.changed()), this.fp.on("people", () => this.changed())];
      this.watch();
    } else {
      this.answer = {readers: null, error: null};
      this.offs = [this.fp.on("conversation", (id) => id === this.id && this.askAgain())];
      this.askNow();
    }
    this.draw();
    this.el.querySelector("h2").focus({preventScroll: true});
  }

  destroy() {
    clearTimeout(this.againTimer);
    this.offs.forEach((off) => off());
  }

  watch() {
    const conv = this.fp.conversation(this.id);
    this.run(
      this.fp.watch(
        Object.keys(conv?.members ?? {})
          .filter((user) => user !== this.fp.user)
          .slice(0, 100),
      ),
    );
  }

  askNow() {
    void askReaders(this.fp, this.id, this.seq, (readers, error) => {
      this.answer = {readers, error};
      this.draw();
    });
  }

  /** Somebody's receipt moved: the answer may be another now. Not more than one question in two seconds. */
  askAgain() {
    this.againTimer ??= setTimeout(() => {
      this.againTimer = undefined;
      this.askNow();
    }, 2000);
  }

  row() {
    const count = this.fp.rowCount(this.id);
    for (let to = count; to > 0; to -= 500) {
      const row = this.fp.rows(this.id, Math.max(0, to - 500), to).find((r) => r.seq === this.seq);
      if (row) {
        return row;
      }
    }
    return null;
  }

  draw() {
    const conv = this.fp.conversation(this.id);
    if (!conv) {
      return;
    }
    patch(this.body, this.what === "about" ? this.about(conv) : this.what === "readers" ? this.readers() : this.journey());
  }

  quoted(row) {
    return (
      row && h("blockquote", {dir: "auto"}, row.deleted || row.redacted ? say(row.redacted ? "redacted" : "deleted") : (row.text ?? "").slice(0, 300))
    );
  }

  note() {
    const {readers, error} = this.answer;
    return error !== null
      ? h("p", {class: "error"}, say("readersFailed", {reason: error}))
      : readers === null
        ? h("p", {class: "hint"}, say("readersAsking"))
        : null;
  }

  readers() {
    const cell = (ms) => h("td", null, ms ? timeText(ms) : h("span", {class: "hint"}, say("notYet")));
    const row = this.row();
    const list = this.answer.readers ?? [];
    return [
      this.quoted(row),
      this.note(),
      list.length > 0 &&
        h(
          "table",
          {class: "readers"},
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              ["readersWho", "readersDelivered", "readersRead", ...(row?.mustConfirm ? ["readersConfirmed"] : [])].map((key) =>
                h("th", {scope: "col"}, say(key)),
              ),
            ),
          ),
          h(
            "tbody",
            null,
            list.map((r) =>
              h(
                "tr",
                null,
                h("th", {scope: "row"}, bdi(nameOf(this.fp, r.user))),
                cell(r.delivered),
                cell(r.read),
                row?.mustConfirm ? cell(r.confirmed) : null,
              ),
            ),
          ),
        ),
    ];
  }

  journey() {
    const row = this.row();
    return row
      ? [this.quoted(row), drawJourney(journeyOf(this.fp, row, this.answer.readers ?? [])), this.note()]
      : h("p", {class: "hint"}, say("journeyNone", {seq: this.seq}));
  }

  about(conv) {
    const {fp} = this;
    const rank = {active: 0, busy: 1, away: 2, unreachable: 3, offline: 4};
    const members = Object.entries(conv.members ?? {}).sort(
      ([a], [b]) => (rank[fp.person(a)?.state] ?? 4) - (rank[fp.person(b)?.state] ?? 4) || (a < b ? -1 : 1),
    );
    return [
      h(
        "div",
        {class: "about-title"},
        h("h3", null, bdi(titleOf(fp, conv))),
        h("p", {class: "hint"}, bdi(conv.scope)),
        conv.role === 3 && h("button", {type: "button", class: "plain", on: {click: () => this.rename(conv)}}, icon("edit"), say("rename")),
      ),
      h("h3", null, say("members")),
      h(
        "ul",
        {class: "members"},
        members.map(([user, role]) =>
          h("li", null, personLine(fp, user, h("span", {class: "role"}, say(`role${role}`))), this.memberActions(conv, user, role)),
        ),
      ),
      conv.role >= 2 && h("button", {type: "button", class: "plain wide", on: {click: () => this.add(conv)}}, icon("plus"), say("memberAdd")),
      conv.joined !== false &&
        h(
          "button",
          {type: "button", class: "plain wide danger-text", on: {click: () => this.run(fp.removeMember(this.id, fp.user))}},
          icon("out"),
          say("leave"),
        ),
    ];
  }

  memberActions(conv, user, role) {
    if (user === this.fp.user || conv.role < 2 || (conv.role === 2 && role >= 2)) {
      return null;
    }
    const button = iconButton("more", `${say("actions")}: ${user}`, () =>
      menu(button, user, [
        ...(conv.role === 3
          ? roles.map((r) => ({label: say(`role${r}`), icon: "person", checked: r === role, run: () => this.run(this.fp.setRole(this.id, user, r))}))
          : []),
        {label: say("memberRemove", {user}), icon: "out", danger: true, run: () => this.run(this.fp.removeMember(this.id, user))},
      ]),
    );
    button.setAttribute("aria-haspopup", "menu");
    return button;
  }

  rename(conv) {
    ask({
      title: say("rename"),
      fields: [{name: "title", label: say("convTitle"), value: conv.title, max: 60}],
      button: say("save"),
      cancelText: say("cancel"),
      done: ({title}) => (title ? this.run(this.fp.setConversation(this.id, {title})) : say("convTitleMissing")),
    });
  }

  add() {
    ask({
      title: say("memberAdd"),
      fields: [{name: "user", label: say("loginUser"), max: 36}],
      button: say("memberAddButton"),
      cancelText: say("cancel"),
      done: ({user}) => (idGrammar.test(user) ? this.run(this.fp.addMember(this.id, user, 1)) : say("convMemberGrammar", {user})),
    });
  }
}
