/** The side panel of a conversation: its members, who has read a message and when, a message's journey. */
import {ask, bdi, h, icon, iconButton, menu, oncePerFrame, patch} from "./dom.js";
import {idGrammar, nameOf, personLine, siteName, titleOf} from "./people.js";
import {clockText, say, secondsText, spanText, timeText} from "./text.js";

const roles = [3, 2, 1, 0];

/** What members do with a message: [what the hub reports, its sentence, the sentence of who has not, its sign]. */
const deeds = [
  ["delivered", "journeyDelivered", "journeyNotDelivered", "checks"],
  ["read", "journeyRead", "journeyNotRead", "eye"],
  ["confirmed", "journeyConfirmed", "journeyNotConfirmed", "flag"],
];

/** How a message came onto the hub's disk: [{icon, text, at}]. What a site has taken has the site's time until the hub has ordered it. */
function wayToDisk(row) {
  const offline = row.flags?.offline;
  const steps = [
    {icon: offline ? "off" : "edit", text: say(offline ? "journeyOffline" : "journeyComposed", {device: row.device}), at: row.composed ?? null},
  ];
  if (row.branch?.relay) {
    steps.push({icon: "relay", text: say("journeyRelayed", {relay: siteName(row.branch.relay)}), at: row.seq === null ? row.at : null});
  }
  steps.push(
    row.seq !== null
      ? {icon: "check", text: say("journeyOrdered", {seq: row.seq}), at: row.at}
      : {icon: "clock", text: say(row.branch?.relay ? "journeyAtSite" : "journeyQueued"), note: ""},
  );
  return steps;
}

/**
 * The steps of a message, as far as they are known here: [{icon, text, note}] in the order in which they happened, then what has not happened yet.
 * `readers` as of the hub, or empty.
 */
export function journeyOf(fp, row, readers) {
  const way = wayToDisk(row);
  const steps = way.map((step, i) => {
    const before = way.slice(0, i).filter((one) => one.at).at(-1)?.at ?? null;
    return {...step, note: step.note ?? stepTime(step.at, before !== null ? step.at - before : null, "journeyAfter")};
  });
  const name = (user) => (user === fp.user ? say("youMid") : user);
  const done = deeds.flatMap(([what, key, , icon]) =>
    readers.filter((r) => r[what]).map((r) => ({icon, text: say(key, {user: name(r.user)}), at: r[what], note: stepTime(r[what], r[what] - row.at, "journeySince")})),
  );
  steps.push(...done.sort((a, b) => a.at - b.at));
  if (row.version && row.version !== row.seq) {
    steps.push({icon: "edit", text: say("journeyChanged", {version: row.version}), note: say("journeyUnknownTime")});
  }
  for (const [what, , key] of deeds) {
    const late = readers.filter((r) => !r[what] && (what !== "confirmed" || row.mustConfirm) && (what !== "read" || r.delivered)).map((r) => name(r.user));
    if (late.length > 0) {
      steps.push({icon: "clock", text: say(key, {users: late.join(", ")}), note: "", waits: true});
    }
  }
  return steps;
}

function stepTime(at, after, how) {
  if (!at) {
    return say("journeyUnknownTime");
  }
  const text = timeText(at).replace(clockText(at), secondsText(at));
  return after !== null && after >= 0 ? `${text} · ${say(how, {ms: spanText(after)})}` : text;
}

/** How many have done what, and how long after the hub had it the last one did: a sentence for each. */
export function journeySums(row, readers) {
  return deeds
    .filter(([what]) => readers.length > 0 && (what !== "confirmed" || row.mustConfirm))
    .map(([what]) => {
      const times = readers.map((r) => r[what]).filter(Boolean);
      const last = times.length > 0 ? Math.max(...times) - row.at : null;
      const key = {delivered: "journeySumDelivered", read: "journeySumRead", confirmed: "journeySumConfirmed"}[what];
      const sum = say(key, {k: times.length, of: readers.length});
      return last !== null && last >= 0 ? `${sum} ${say("journeyLast", {ms: spanText(last)})}` : sum;
    });
}

export function drawJourney(fp, row, readers) {
  const sums = journeySums(row, readers);
  const step = ({icon: sign, text, note, waits}) =>
    h("li", {class: waits ? "waits" : ""}, icon(sign), h("div", null, h("div", null, bdi(text)), note && h("div", {class: "hint"}, note)));
  return [
    sums.length > 0 &&
      h(
        "ul",
        {class: "journey-sums"},
        sums.map((sum) => h("li", null, sum)),
      ),
    h("ol", {class: "journey"}, journeyOf(fp, row, readers).map(step)),
  ];
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
    const cell = (ms) => h("td", null, ms ? timeText(ms) : [h("span", {"aria-hidden": "true"}, "–"), h("span", {class: "sr"}, say("notYet"))]);
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
      ? [this.quoted(row), ...drawJourney(this.fp, row, this.answer.readers ?? []), this.note()]
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
