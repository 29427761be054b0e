/** One conversation: its head, what waits for a confirmation, the list of messages, the composer. */
import {Composer} from "./composer.js";
import {announce, fill, h, icon, menu, oncePerFrame, patch} from "./dom.js";
import {Items} from "./items.js";
import {answerable, drawFold, drawRow, isGone, needsMe} from "./message.js";
import {nameOf, otherOf, titleOf} from "./people.js";
import {say} from "./text.js";
import {bannerOf, headOf, typingOf} from "./thread_head.js";
import {ThreadKeys} from "./thread_keys.js";
import {entriesFor} from "./thread_menu.js";
import {VirtualList} from "./virtual.js";

const READ_AFTER_MS = 300;
const OLDER_WITHIN = 10;
const TOLD_MOST = 200;

export class Thread {
  /** @param fp @param {string} id @param {{panel: (what: string, seq?: number) => void, back: () => void}} go */
  constructor(fp, id, go) {
    this.fp = fp;
    this.id = id;
    this.go = go;
    this.conv = fp.conversation(id) ?? {id, members: {}, title: "", scope: "", unread: 0, role: 0};
    this.items = new Items((from, to) => fp.rows(id, from, to), fp.user);
    this.count = 0;
    this.unreadRow = -1;
    this.seen = 0;
    this.active = null;
    this.from = 0; /* rows from here on may be others than the items that were made of them */
    this.first = 0; /* rows from here on may look other than before */
    this.confirmRows = new Set();
    this.on = {
      reveal: (seq) => this.revealSeq(seq),
      confirm: (row) => this.confirm(row),
      react: (row, emoji, back) => this.run(fp.react(id, row.seq, emoji, back)),
      retry: (row) => this.run(fp.retry(row.n)),
      cancel: (row) => this.run(fp.cancel(row.n)),
      fold: (item) => this.fold(item),
      menu: (row, anchor) => this.menu(row, anchor),
    };
    this.build();
    this.changed = oncePerFrame(() => this.apply());
    this.headChanged = oncePerFrame(() => this.drawHead());
  }

  build() {
    this.head = h("header", {class: "thread-head"});
    this.banner = h("div", {class: "banner", hidden: true});
    this.feed = h("div", {class: "feed", role: "feed", "aria-label": say("messages", {title: titleOf(this.fp, this.conv)}), tabindex: "0"});
    this.history = h("p", {class: "hint centered history"});
    this.feed.append(this.history);
    this.endButton = h("button", {type: "button", class: "to-end", hidden: true, on: {click: () => this.toEnd()}});
    this.typingLine = h("p", {class: "typing-line", "aria-live": "off"});
    this.composer = new Composer(this.fp, this.id, {
      sent: () => this.sent(),
      run: (promise) => this.run(promise),
      lastOwn: () => this.lastOwn(),
      left: () => this.keys.focusLast(),
    });
    this.el = h(
      "section",
      {class: "thread", "aria-label": titleOf(this.fp, this.conv)},
      this.head,
      this.banner,
      h("div", {class: "feed-box"}, this.feed, this.endButton),
      this.typingLine,
      this.composer.el,
    );
    this.keys = new ThreadKeys(this, this.feed);
    this.feed.addEventListener("scroll", () => this.endShown(), {passive: true});
  }

  /** In the document now. */
  start() {
    const fp = this.fp;
    this.offs = [
      fp.on("rows", (id, range) => id === this.id && this.rowsChanged(range)),
      fp.on("conversation", (id) => id === this.id && this.convChanged()),
      fp.on("typing", (id) => id === this.id && this.drawTyping()),
      fp.on("people", () => this.headChanged()),
      fp.on("link", () => this.changed()),
      fp.on("refused", () => this.composer.refresh()),
    ];
    this.visible = () => document.visibilityState === "visible" && this.apply();
    document.addEventListener("visibilitychange", this.visible);
    this.firstUnread();
    this.list = new VirtualList(this.feed, {
      count: () => this.items.length,
      key: (i) => this.items.all[i].key,
      index: (key) => this.items.index(key),
      draw: (i) => this.draw(i),
      shown: (first, last) => this.shown(first, last),
    });
    this.apply();
    this.composer.refresh();
    this.drawHead();
    this.drawTyping();
    const unread = this.unreadRow >= 0 ? this.items.ofRow(this.unreadRow) : -1;
    if (unread >= 0 && this.count - this.unreadRow > 3) {
      this.list.stuck = false;
      this.list.setScroll(this.list.tops[unread] - 60);
      this.list.render({key: "", offset: 0});
    }
    const other = otherOf(fp, this.conv);
    if (other) {
      this.run(fp.watch([other]));
    }
  }

  destroy() {
    for (const off of this.offs) {
      off();
    }
    document.removeEventListener("visibilitychange", this.visible);
    clearTimeout(this.readTimer);
    this.list.destroy();
    this.composer.destroy();
  }

  /* What changed */

  firstUnread() {
    let left = this.conv.unread ?? 0;
    const count = this.fp.rowCount(this.id);
    for (let to = count; left > 0 && to > 0; to -= 200) {
      const rows = this.fp.rows(this.id, Math.max(0, to - 200), to);
      for (let i = rows.length - 1; i >= 0 && left > 0; i--) {
        if (rows[i].kind === "message" && !rows[i].own) {
          left--;
          this.unreadRow = Math.max(0, to - 200) + i;
        }
      }
    }
    this.unreadKey = this.unreadRow >= 0 ? this.fp.rows(this.id, this.unreadRow, this.unreadRow + 1)[0].key : null;
  }

  /** Rows changed; without a range nobody knows which. */
  rowsChanged(range) {
    this.from = Math.min(this.from, range ? range.from : this.firstLoose());
    this.first = Math.min(this.first, range ? range.from : 0);
    this.changed();
  }

  /** What has a seq keeps its place among those that have one: as long as the last of them stands where it stood, no row before it came or went. */
  firstLoose() {
    const at = this.settled ?? 0;
    return at > 0 && this.row(0)?.key === this.settledFirst && this.fp.rows(this.id, at - 1, at)[0]?.key === this.settledLast ? at : 0;
  }

  settle() {
    let at = this.count;
    while (at > 0 && this.row(at - 1).seq === null) {
      at--;
    }
    this.settled = at;
    this.settledFirst = this.row(0)?.key;
    this.settledLast = this.row(at - 1)?.key;
  }

  convChanged() {
    const before = this.conv;
    this.conv = this.fp.conversation(this.id) ?? this.conv;
    if (JSON.stringify(before.members) !== JSON.stringify(this.conv.members) || before.role !== this.conv.role) {
      this.rowsChanged(null);
    }
    this.headChanged();
    this.composer.refresh();
  }

  apply() {
    const count = this.fp.rowCount(this.id);
    const was = this.count;
    const from = Math.min(this.from, count === was ? Infinity : was);
    const first = this.first;
    this.count = count;
    if (from !== Infinity) {
      this.items.build(count, from);
      this.findConfirms(from, count);
      this.settle();
    }
    this.from = this.first = Infinity;
    if (this.unreadKey) {
      this.unreadRow = this.items.all[this.items.index(this.unreadKey)]?.from ?? this.unreadRow;
    }
    this.list.update((key) => {
      const i = this.items.index(key);
      return i === undefined || (this.items.all[i].last ?? this.items.all[i].to) >= Math.min(first, from);
    });
    this.history.textContent = this.historyText();
    this.drawBanner();
    this.endShown();
    this.composer.refresh();
    if (count > was && this.told) {
      this.tell(count, count - was);
    }
    this.told = true;
  }

  tell(count, more) {
    const rows = this.fp
      .rows(this.id, Math.max(0, count - Math.min(more, TOLD_MOST)), count)
      .filter((row) => !row.own && row.kind === "message" && !isGone(row));
    if (rows.length) {
      announce(
        rows
          .slice(-3)
          .map((row) => `${nameOf(this.fp, row.user)}: ${(row.text ?? "").slice(0, 300)}`)
          .join(". "),
      );
    }
    if (!this.list.stuck) {
      this.below = (this.below ?? 0) + rows.length;
      this.endShown();
    }
  }

  findConfirms(from, to) {
    if (from === 0) {
      this.confirmRows.clear();
    }
    this.fp.rows(this.id, from, to).forEach((row) => {
      if (row.mustConfirm && row.seq !== null) {
        this.confirmRows.add(row.seq);
      }
    });
  }

  sent() {
    this.list.stuck = true;
    this.below = 0;
    this.changed.now(); /* the own message is on screen in this frame, whatever the link does */
  }

  /* Drawing */

  row(r) {
    return r >= 0 && r < this.count ? (this.fp.rows(this.id, r, r + 1)[0] ?? null) : null;
  }

  draw(i) {
    const item = this.items.all[i];
    item.position = i + 1;
    const view = {
      fp: this.fp,
      conv: this.conv,
      unreadRow: this.unreadRow,
      on: this.on,
      count: this.items.length,
      rowOfSeq: (seq) => this.rowOfSeq(seq),
    };
    const before = this.row(item.from - 1);
    if (item.kind === "fold") {
      const rows = this.fp.rows(this.id, item.from, item.last);
      return this.ready(drawFold(view, item, rows, before), item.key);
    }
    return this.ready(drawRow(view, item, this.row(item.from), before, this.row(item.to)), item.key);
  }

  ready(el, key) {
    if (key === this.active) {
      el.tabIndex = 0;
    }
    return el;
  }

  /** Rows are in the order of their seq as far as they have one. */
  indexOfSeq(seq) {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const mid = (low + high) >> 1;
      const at = this.row(mid)?.seq ?? Number.MAX_SAFE_INTEGER;
      if (at === seq) {
        return mid;
      }
      if (at < seq) {
        low = mid + 1;
      } else {
        high = mid - 1;
      }
    }
    return -1;
  }

  rowOfSeq(seq) {
    return this.row(this.indexOfSeq(seq));
  }

  drawHead() {
    patch(this.head, headOf(this));
  }

  drawTyping() {
    patch(this.typingLine, typingOf(this.fp, this.fp.conversation(this.id)?.typing));
  }

  drawBanner() {
    const waiting = [...this.confirmRows]
      .sort((a, b) => a - b)
      .map((seq) => this.rowOfSeq(seq))
      .filter((row) => row && needsMe(row, this.fp.user, this.conv.role));
    this.banner.hidden = waiting.length === 0;
    patch(this.banner, waiting.length > 0 && bannerOf(this, waiting));
  }

  historyText() {
    const first = this.row(0);
    if (!first) {
      return say("noRows");
    }
    return !this.hasOlder() ? say("historyStart") : this.fp.link.state === "online" ? say("historyLoading") : say("historyOffline");
  }

  endShown() {
    const hidden = this.list?.stuck ?? true;
    if (hidden) {
      this.below = 0;
    }
    this.endButton.hidden = hidden;
    if (!hidden) {
      const text = this.below ? say("newBelow", {n: this.below}) : say("toEnd");
      fill(this.endButton, icon("down"), this.below ? text : null);
      this.endButton.setAttribute("aria-label", text);
    }
  }

  /* What is seen */

  shown(first, last) {
    this.feed.tabIndex = this.list.drawn.has(this.active) ? -1 : 0; /* one of both is where Tab comes to */
    if (first <= OLDER_WITHIN) {
      this.older();
    }
    const item = this.items.all[Math.min(last, this.items.length - 1)];
    if (document.visibilityState !== "visible" || !item || this.conv.joined === false) {
      return;
    }
    let seq = null;
    for (let r = (item.last ?? item.to) - 1; seq === null && r >= item.from && r >= 0; r--) {
      seq = this.row(r)?.seq ?? null;
      if (seq === null && r === item.from && r > 0) {
        seq = this.row(r - 1)?.seq ?? null; /* below our own that wait */
      }
    }
    if (seq !== null && seq > this.seen) {
      this.seen = seq;
      this.readTimer ??= setTimeout(() => {
        this.readTimer = undefined;
        this.run(this.fp.markRead(this.id, this.seen));
      }, READ_AFTER_MS);
    }
  }

  hasOlder() {
    return !this.allHeld && (this.fp.conversation(this.id)?.hasOlder ?? false);
  }

  async older() {
    const first = this.row(0);
    if (!first || first.seq === null || this.asking || !this.hasOlder() || this.fp.link.state !== "online") {
      return;
    }
    this.asking = true;
    try {
      await this.fp.loadBefore(this.id, first.seq);
      this.allHeld = this.fp.rows(this.id, 0, 1)[0]?.seq === first.seq;
    } catch {
      this.allHeld = false; /* asked again when somebody scrolls there */
    }
    this.asking = false;
    this.changed();
  }

  /* Doing */

  lastOwn() {
    for (let r = this.count - 1; r >= Math.max(0, this.count - 100); r--) {
      const row = this.row(r);
      if (row.own && answerable(row)) {
        return row;
      }
    }
    return null;
  }

  /** What the device could not keep, or no longer undo, is said. */
  run(promise) {
    Promise.resolve(promise).catch((error) => {
      this.composer.error.textContent = say("notDone", {reason: error.message});
    });
  }

  confirm(row) {
    this.run(this.fp.confirm(this.id, row.seq));
    this.rowsChanged(null);
  }

  fold(item) {
    if (this.items.open.has(item.key)) {
      this.items.open.delete(item.key);
    } else {
      this.items.open.add(item.key);
    }
    this.items.build(this.count, 0);
    this.list.update((key) => key === item.key);
    this.list.drawn.get(item.key)?.el.querySelector("button").focus({preventScroll: true});
  }

  async revealSeq(seq) {
    let r = this.indexOfSeq(seq);
    if (r < 0 && this.fp.link.state === "online" && seq < (this.row(0)?.seq ?? 0)) {
      await this.fp.loadBefore(this.id, this.row(0).seq).catch(() => {});
      this.changed.now();
      r = this.indexOfSeq(seq);
    }
    const i = r < 0 ? -1 : this.items.ofRow(r);
    if (i < 0) {
      return;
    }
    if (this.items.all[i].kind === "fold" && !this.items.all[i].open) {
      this.fold(this.items.all[i]);
    }
    const el = this.list.reveal(this.items.ofRow(r), {middle: true});
    if (el) {
      el.classList.add("flash");
      this.keys.activate(el);
      el.focus({preventScroll: true});
    }
    this.endShown();
  }

  toEnd() {
    this.list.toEnd();
    this.endShown();
    this.composer.area.focus();
  }

  menu(row, anchor) {
    const entries = entriesFor(this, row);
    if (entries.length) {
      menu(anchor, say("actions"), entries);
    }
  }
}
