/** The list of messages by keyboard and by touch: up and down, Enter opens what can be done, Escape goes back to writing. */
import {answerable} from "./message.js";

export class ThreadKeys {
  /** @param thread of thread.js @param {HTMLElement} feed */
  constructor(thread, feed) {
    this.thread = thread;
    this.feed = feed;
    feed.addEventListener("keydown", (event) => this.key(event));
    feed.addEventListener("focusin", (event) => this.focused(event));
    feed.addEventListener("click", (event) => this.tapped(event));
  }

  key(event) {
    const article = event.target.closest?.("article");
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.thread.composer.area.focus();
    } else if (plain && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      const at = article
        ? this.thread.items.index(article.dataset.key)
        : this.thread.list.at(this.feed.scrollTop + this.feed.clientHeight - this.thread.list.leadPx);
      this.focusItem(article ? at + (event.key === "ArrowUp" ? -1 : 1) : at);
    } else if (plain && event.key === "Home") {
      event.preventDefault();
      this.focusItem(0);
    } else if (plain && event.key === "End") {
      event.preventDefault();
      this.focusItem(this.thread.items.length - 1);
    } else if (plain && event.target === article && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      article.querySelector(".fold, .more")?.click();
    } else if (plain && event.target === article && event.key === "r") {
      const item = this.thread.items.all[this.thread.items.index(article.dataset.key)];
      const row = this.thread.row(item.from);
      if (item.kind === "row" && answerable(row) && this.thread.conv.role !== 0) {
        event.preventDefault();
        this.thread.composer.setMode({what: "reply", row});
      }
    }
  }

  focusItem(i) {
    const el = this.thread.list.reveal(Math.max(0, Math.min(i, this.thread.items.length - 1)));
    if (el) {
      this.activate(el);
      el.focus({preventScroll: true});
    }
    this.thread.endShown();
  }

  focusLast() {
    this.focusItem(this.thread.items.length - 1);
  }

  activate(el) {
    this.feed.querySelector('article[tabindex="0"]')?.setAttribute("tabindex", "-1");
    el.tabIndex = 0;
    this.thread.active = el.dataset.key;
    this.feed.tabIndex = -1;
  }

  focused(event) {
    const article = event.target.closest("article");
    if (article && article.dataset.key !== this.thread.active) {
      this.activate(article);
    }
  }

  /** On a touch screen a tap on a message opens what can be done with it. */
  tapped(event) {
    const bubble = event.target.closest(".bubble");
    if (bubble && !event.target.closest("button") && matchMedia("(pointer: coarse)").matches && getSelection().isCollapsed) {
      bubble.parentElement.querySelector(".more").click();
    }
  }
}
