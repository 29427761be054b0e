/** The conversations of a scope, with what is unread. Arrow keys move, Enter opens. */
import {arrows, ask, bdi, h, icon, iconButton, oncePerFrame, patch} from "./dom.js";
import {avatar, idGrammar, nameOf, otherOf, titleOf} from "./people.js";
import {say, shortText} from "./text.js";

const SEARCH_FROM = 8;

export class Conversations {
  constructor(fp, go) {
    this.fp = fp;
    this.go = go;
    this.scope = null;
    this.current = null;
    this.search = "";
    this.chips = h("div", {class: "chips", role: "group", "aria-label": say("scopes")});
    this.find = h("input", {
      type: "search",
      class: "find",
      placeholder: say("convSearch"),
      "aria-label": say("convSearch"),
      autocomplete: "off",
      on: {
        input: () => {
          this.search = this.find.value.toLowerCase();
          this.changed();
        },
      },
    });
    this.list = h("ul", {class: "conv-list", "aria-label": say("conversations")});
    this.el = h(
      "nav",
      {class: "conv-pane", "aria-label": say("conversations")},
      h(
        "div",
        {class: "pane-head"},
        h("h2", null, say("conversations")),
        iconButton("plus", say("convNew"), () => this.create()),
      ),
      this.chips,
      this.find,
      this.list,
    );
    arrows(this.list, () => [...this.list.querySelectorAll("a")]);
    arrows(this.chips, () => [...this.chips.querySelectorAll("button")], {across: true});
    this.changed = oncePerFrame(() => this.draw());
    for (const name of ["conversations", "conversation", "people", "typing"]) {
      fp.on(name, () => this.changed());
    }
  }

  show(current) {
    this.current = current;
    this.changed.now();
  }

  draw() {
    const focused = document.activeElement;
    const key = this.el.contains(focused) ? focused.dataset.id : null;
    this.drawChips();
    const all = this.fp
      .conversations(this.scope ?? undefined)
      .filter((conv) => !this.search || titleOf(this.fp, conv).toLowerCase().includes(this.search));
    this.find.hidden = !this.search && this.fp.conversations().length < SEARCH_FROM;
    const reached = all.some((conv) => conv.id === this.current) ? this.current : all[0]?.id;
    patch(
      this.list,
      all.map((conv) => h("li", null, this.one(conv, conv.id === reached))),
      all.length === 0 && h("li", {class: "hint centered"}, say("convNone")),
    );
    if (key) {
      [...this.el.querySelectorAll("[data-id]")].find((el) => el.dataset.id === key)?.focus({preventScroll: true});
    }
  }

  drawChips() {
    const scopes = this.fp.scopes();
    const chip = (id, name, unread) =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-pressed": String(this.scope === id),
          "data-id": `scope:${id ?? ""}`,
          on: {
            click: () => {
              this.scope = id;
              this.changed.now();
            },
          },
        },
        bdi(name),
        unread ? this.badge(unread) : null,
      );
    patch(
      this.chips,
      chip(null, say("scopeAll"), 0),
      scopes.map((s) => chip(s.id, s.id === "dm" ? say("scopeDm") : s.id, s.unread)),
    );
    this.chips.hidden = scopes.length < 2;
  }

  badge(n) {
    return h(
      "span",
      {class: "badge"},
      h("span", {"aria-hidden": "true"}, n > 999 ? "999+" : String(n)),
      h("span", {class: "sr"}, say("unread", {n})),
    );
  }

  last(conv) {
    const typing = (conv.typing?.names ?? []).filter((user) => user !== this.fp.user);
    if (typing.length) {
      return h("span", {class: "conv-last typing"}, bdi(say("typingOne", {a: typing[0]})));
    }
    const row = conv.lastMessage;
    const text = !row ? "" : row.deleted || row.redacted ? say(row.redacted ? "redacted" : "deleted") : (row.text ?? "").slice(0, 120);
    return h(
      "span",
      {class: "conv-last", dir: "auto"},
      row && (row.user === this.fp.user || !otherOf(this.fp, conv)) ? `${nameOf(this.fp, row.user)}: ${text}` : text,
    );
  }

  one(conv, reached) {
    const other = otherOf(this.fp, conv);
    const title = titleOf(this.fp, conv);
    return h(
      "a",
      {
        href: `#/c/${encodeURIComponent(conv.id)}`,
        class: `conv ${conv.unread ? "unread" : ""} ${conv.joined === false ? "left" : ""}`,
        "data-id": conv.id,
        tabindex: reached ? "0" : "-1",
        "aria-current": conv.id === this.current ? "page" : null,
      },
      avatar(title, other ? (this.fp.person(other)?.state ?? "offline") : null),
      h(
        "span",
        {class: "conv-text"},
        h(
          "span",
          {class: "conv-line"},
          h("span", {class: "conv-title"}, bdi(title)),
          conv.lastMessage?.at ? h("span", {class: "time"}, shortText(conv.lastMessage.at)) : null,
        ),
        h(
          "span",
          {class: "conv-line"},
          this.last(conv),
          conv.priority === 0 && conv.unread
            ? h("span", {class: "conv-safety", role: "img", "aria-label": say("convSafety"), title: say("convSafety")}, icon("warn"))
            : null,
          conv.unread ? this.badge(conv.unread) : null,
        ),
      ),
    );
  }

  create() {
    ask({
      title: say("convNew"),
      button: say("convCreate"),
      cancelText: say("cancel"),
      fields: [
        {name: "title", label: say("convTitle"), max: 60},
        {name: "scope", label: say("convScope"), value: this.scope ?? this.fp.scopes().find((s) => s.id !== "dm")?.id ?? "", max: 36},
        {name: "members", label: say("convMembers"), max: 2000},
      ],
      done: ({title, scope, members}) => {
        const users = members.split(/[\s,;]+/).filter(Boolean);
        const wrong = users.find((user) => !idGrammar.test(user));
        if (!title) {
          return say("convTitleMissing");
        }
        if (!idGrammar.test(scope)) {
          return say("convScopeGrammar");
        }
        if (wrong) {
          return say("convMemberGrammar", {user: wrong.slice(0, 40)});
        }
        const made = this.fp.createConversation({scope, title, members: Object.fromEntries(users.map((user) => [user, 1]))});
        Promise.resolve(made).then(
          (id) => this.go.open(id),
          (error) => this.go.fault(error),
        );
        return "";
      },
    });
  }
}
