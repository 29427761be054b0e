/** Where a message is written: works offline, and says so. Enter sends, Shift+Enter is a new line, Escape ends a reply or an edit. */
import {bdi, fill, h, icon, iconButton, menu} from "./dom.js";
import {nameOf} from "./people.js";
import {say} from "./text.js";

const MAX_BYTES = 15000; /* of the 16 KiB that a command may have */
const MESSAGE = 20; /* the kind of what has a row of its own */
const drafts = new Map();
const bytes = new TextEncoder();

export class Composer {
  /** @param fp @param {string} conv @param {{sent: () => void, lastOwn: () => any, left: () => void, run: (promise: any) => void}} on */
  constructor(fp, conv, on) {
    this.fp = fp;
    this.conv = conv;
    this.on = on;
    this.mode = null; /* {what: "reply" | "edit", row} */
    this.priority = 2;
    this.mustConfirm = false;
    this.isTyping = false;
    this.area = h("textarea", {
      rows: "1",
      placeholder: say("composerHint"),
      "aria-label": say("composer"),
      dir: "auto",
      enterkeyhint: matchMedia("(pointer: coarse)").matches ? "enter" : "send",
      on: {input: () => this.changed(), keydown: (e) => this.key(e), blur: () => this.typing(false)},
    });
    this.head = h("div", {class: "composer-head", hidden: true});
    this.note = h("p", {class: "composer-note", role: "status"});
    this.refused = h("div", {class: "failure", role: "status", hidden: true});
    this.error = h("p", {class: "error", role: "alert"});
    this.optionsButton = iconButton("flag", say("options"), () => this.options(), "options");
    this.optionsButton.setAttribute("aria-haspopup", "menu");
    this.sendButton = h("button", {type: "submit", class: "send", "aria-label": say("send"), title: say("send")}, icon("send"));
    this.box = h("div", {class: "composer-line"}, this.optionsButton, this.area, this.sendButton);
    this.observer = h("p", {class: "hint centered", hidden: true}, say("observer"));
    this.el = h(
      "form",
      {class: "composer", on: {submit: (e) => this.submit(e)}},
      this.note,
      this.refused,
      this.head,
      this.error,
      this.box,
      this.observer,
    );
    this.area.value = drafts.get(conv) ?? "";
    queueMicrotask(() => this.grow());
  }

  destroy() {
    this.typing(false);
  }

  /** What the link and the conversation allow. */
  refresh() {
    const conv = this.fp.conversation(this.conv);
    const may = conv && conv.joined !== false && conv.role !== 0;
    this.box.hidden = !may;
    this.observer.hidden = may;
    this.observer.textContent = say(conv && conv.joined !== false ? "observer" : "convLeft");
    this.drawRefused();
    this.note.textContent = may && (this.fp.link.state === "offline" || this.fp.link.state === "connecting") ? this.offlineText() : "";
  }

  offlineText() {
    if (this.fp.link.state === "connecting" && !this.waiting()) {
      return "";
    }
    const n = this.waiting();
    const note = say(globalThis.isSecureContext ? "offlineNote" : "offlineNoteMemory");
    return n ? `${note} ${say("offlineWaiting", {n})}` : note;
  }

  /** Changes that the hub refused have no row of their own: they are told here, until the user lets go of them. */
  drawRefused() {
    const failed = this.fp.outbox().filter((entry) => entry.conv === this.conv && entry.state === "failed" && entry.kind !== MESSAGE);
    this.refused.hidden = failed.length === 0;
    if (failed.length) {
      const last = failed[failed.length - 1];
      const all = (what) => () => failed.forEach((entry) => this.on.run(this.fp[what](entry.n)));
      fill(
        this.refused,
        icon("warn"),
        h("span", {dir: "auto"}, say("changeRefused", {n: failed.length, reason: last.error?.reason || last.error?.code || "?"})),
        h("button", {type: "button", class: "plain", on: {click: all("retry")}}, say("retry")),
        h("button", {type: "button", class: "plain", on: {click: all("cancel")}}, say("discard")),
      );
    }
  }

  waiting() {
    return this.fp.outbox().filter((entry) => entry.conv === this.conv && entry.state !== "failed").length;
  }

  changedQuietly() {
    drafts.set(this.conv, this.area.value);
    this.grow();
  }

  changed() {
    drafts.set(this.conv, this.mode?.what === "edit" ? "" : this.area.value);
    this.error.textContent = "";
    this.grow();
    if (this.mode?.what !== "edit") {
      this.typing(this.area.value.trim() !== "");
    }
  }

  grow() {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight + 2, 180)}px`;
    this.el.classList.toggle("has-text", this.area.value.trim() !== "");
  }

  typing(is) {
    if (is || this.isTyping) {
      this.isTyping = is;
      this.on.run(this.fp.typing(this.conv, is));
    }
  }

  key(event) {
    if (event.isComposing) {
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !matchMedia("(pointer: coarse)").matches) {
      this.submit(event);
    } else if (event.key === "Escape") {
      if (this.mode) {
        this.setMode(null);
        event.stopPropagation();
      }
    } else if (event.key === "ArrowUp" && this.area.value === "") {
      const row = this.on.lastOwn();
      if (row) {
        event.preventDefault();
        this.setMode({what: "edit", row});
      }
    } else if (event.key === "ArrowUp" && event.altKey) {
      event.preventDefault();
      this.on.left();
    }
  }

  setMode(mode) {
    const was = this.mode;
    this.mode = mode;
    if (mode?.what === "edit") {
      this.area.value = mode.row.text ?? "";
    } else if (was?.what === "edit") {
      this.area.value = "";
    }
    this.head.hidden = !mode;
    this.sendButton.setAttribute("aria-label", say(mode?.what === "edit" ? "sendSave" : "send"));
    if (mode) {
      const title = mode.what === "edit" ? say("editing") : say("replying", {user: nameOf(this.fp, mode.row.user)});
      fill(
        this.head,
        icon(mode.what === "edit" ? "edit" : "reply"),
        h("div", {class: "composer-target"}, h("strong", null, bdi(title)), h("span", {dir: "auto"}, (mode.row.text ?? "").slice(0, 200))),
        iconButton(
          "close",
          say("cancel"),
          () => {
            this.setMode(null);
            this.area.focus();
          },
          "small",
        ),
      );
    }
    this.grow();
    if (mode) {
      this.area.focus();
      this.area.setSelectionRange(this.area.value.length, this.area.value.length);
    }
  }

  options() {
    menu(this.optionsButton, say("options"), [
      ...[2, 1, 0].map((p) => ({
        label: say(`priority${p}`),
        icon: p === 0 ? "warn" : p === 1 ? "bang" : "chat",
        checked: this.priority === p,
        run: () => this.setOptions(p, this.mustConfirm),
      })),
      {label: say("optConfirm"), icon: "check", checked: this.mustConfirm, run: () => this.setOptions(this.priority, !this.mustConfirm)},
    ]);
  }

  setOptions(priority, mustConfirm) {
    this.priority = priority;
    this.mustConfirm = mustConfirm;
    this.el.classList.toggle("p0", priority === 0);
    this.el.classList.toggle("p1", priority === 1);
    this.el.classList.toggle("must", mustConfirm);
    const said = [priority < 2 ? say(`priority${priority}`) : "", mustConfirm ? say("optConfirm") : ""].filter(Boolean).join(", ");
    this.optionsButton.setAttribute("aria-label", said ? `${say("options")}: ${said}` : say("options"));
    this.area.placeholder = said || say("composerHint");
    this.area.focus();
  }

  submit(event) {
    event.preventDefault();
    const text = this.area.value.trim();
    if (!text) {
      return;
    }
    const n = bytes.encode(text).length;
    if (n > MAX_BYTES) {
      this.error.textContent = say("tooLong", {n, max: MAX_BYTES});
      return;
    }
    const {mode} = this;
    let done = null;
    if (mode?.what === "edit") {
      done = text === mode.row.text ? null : this.fp.edit(this.conv, mode.row.seq, text);
    } else {
      done = this.fp.send(this.conv, text, {
        ...(this.priority === 2 ? {} : {priority: this.priority}),
        ...(this.mustConfirm ? {mustConfirm: true} : {}),
        ...(mode ? {ref: mode.row.seq} : {}),
      });
      this.isTyping = false; /* the message itself ends it */
    }
    Promise.resolve(done).catch((error) => this.unkept(text, error));
    this.area.value = "";
    drafts.delete(this.conv);
    this.setMode(null);
    this.setOptionsQuietly();
    this.on.sent();
  }

  /** The device could not keep it: the words are given back. */
  unkept(text, error) {
    this.error.textContent = say("notDone", {reason: error.message});
    if (this.area.value === "") {
      this.area.value = text;
      this.changedQuietly();
    }
  }

  setOptionsQuietly() {
    if (this.priority !== 2 || this.mustConfirm) {
      this.setOptions(2, false);
    }
    this.grow();
  }
}
