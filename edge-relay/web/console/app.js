/** The page: signing in, the frame around the views, and which view the address asks for (#/, #/c/ID, #/c/ID/about, #/operations). */
import {Conversations} from "./conversations.js";
import {ask, fill, h, icon, menu, oncePerFrame, patch} from "./dom.js";
import {applyTheme, dropLogin, dropUser, keptLogin, nextTheme, showLogin, themeNow} from "./login.js";
import {addStory, Ops} from "./ops.js";
import {OpsData} from "./opsdata.js";
import {Panel} from "./panel.js";
import {avatar, idGrammar, siteName, stateText, titleOf} from "./people.js";
import {askPolicy} from "./policy.js";
import {clockText, say} from "./text.js";
import {Thread} from "./thread.js";

export class App {
  /** @param Fieldpost the SDK's class @param options for it @param root @param decode makes a value of a report's bytes */
  constructor(Fieldpost, options, root, decode = (value) => value) {
    Object.assign(this, {Fieldpost, options, root, decode});
    this.told = h("div", {id: "told", class: "sr", role: "status", "aria-live": "polite"});
  }

  begin() {
    applyTheme();
    const kept = keptLogin();
    if (kept) {
      void this.signIn(kept.user, kept.password);
    } else {
      this.showLogin();
    }
  }

  /* Signing in */

  showLogin(error = "") {
    this.root.classList.remove("in-thread");
    showLogin(this.root, error, (user, password) => void this.signIn(user, password));
  }

  async signIn(user, password) {
    this.fp = new this.Fieldpost({...this.options, user, password});
    this.data = new OpsData();
    this.story = [];
    this.wasOnline = false;
    this.offs = [
      this.fp.on("link", () => this.linkChanged()),
      this.fp.on("told", (topic, payload) => this.operatorTold(topic, payload)),
      this.fp.on("alert", (row) => this.alerted(row)),
    ];
    try {
      await this.fp.start();
    } catch (error) {
      this.signOut();
      this.showLogin(say("storeFailed", {reason: error.message}));
      return;
    }
    if (this.fp.link.state === "refused" || this.offs.length === 0) {
      return; /* refused meanwhile: the login is shown */
    }
    this.frame();
    this.route();
    this.routed = () => this.route();
    this.hidden = () => this.run(this.fp.idle(document.visibilityState === "hidden"));
    addEventListener("hashchange", this.routed);
    document.addEventListener("visibilitychange", this.hidden);
    this.linkChanged();
  }

  signOut() {
    removeEventListener("hashchange", this.routed);
    document.removeEventListener("visibilitychange", this.hidden);
    this.close();
    this.offs.forEach((off) => off());
    this.offs = [];
    void this.fp.stop();
    dropLogin();
    history.replaceState(null, "", location.pathname + location.search);
  }

  /* The frame */

  frame() {
    this.navOps = h("a", {href: "#/operations", class: "nav", hidden: this.data.lastAt === 0}, icon("pulse"), h("span", null, say("navOps")));
    this.navMessages = h("a", {href: "#/", class: "nav", hidden: this.data.lastAt === 0}, icon("chat"), h("span", null, say("navMessages")));
    this.link = h("div", {class: "link", role: "status"});
    this.account = h(
      "button",
      {
        type: "button",
        class: "account",
        "aria-haspopup": "menu",
        "aria-label": say("account", {user: this.fp.user}),
        on: {click: () => this.accountMenu()},
      },
      avatar(this.fp.user),
    );
    this.main = h("main", {id: "main", class: "main"});
    this.conversations = new Conversations(this.fp, {
      open: (id) => {
        location.hash = `#/c/${encodeURIComponent(id)}`;
      },
      fault: (error) => this.say(say("notDone", {reason: error.message})),
    });
    this.notice = h("div", {class: "top-notice", role: "status", hidden: true});
    fill(
      this.root,
      h(
        "a",
        {
          class: "skip",
          href: "#main",
          on: {
            click: (event) => {
              event.preventDefault();
              (this.thread ? this.thread.composer.area : this.main.querySelector("a, button"))?.focus();
            },
          },
        },
        say("skip"),
      ),
      h(
        "header",
        {class: "top"},
        h("span", {class: "brand"}, icon("chat"), h("strong", null, say("app"))),
        h("nav", {class: "navs", "aria-label": say("app")}, this.navMessages, this.navOps),
        this.link,
        this.account,
      ),
      this.notice,
      this.main,
      this.told,
    );
    this.drawLink = oncePerFrame(() => this.showLink());
    this.showLink();
  }

  linkChanged() {
    const {link} = this.fp;
    addStory(this.story, link, Date.now());
    if (link.state === "refused" && !this.wasOnline) {
      this.signOut();
      this.showLogin(`${say("loginRefused")} ${link.reason ?? ""}`.trim());
      return;
    }
    this.wasOnline ||= link.state === "online";
    this.drawLink?.();
  }

  showLink() {
    const {link} = this.fp;
    const text = {
      online: link.reason ? say("linkOnlineVia", {site: siteName(link.reason)}) : say("linkOnline"),
      connecting: say("linkConnecting"),
      refused: say("linkRefused"),
      offline: link.since ? say("linkOfflineSince", {time: clockText(link.since)}) : say("linkOffline"),
    }[link.state];
    const next = link.state === "offline" && link.retryAt ? ` · ${say("linkRetry", {time: clockText(link.retryAt)})}` : "";
    this.link.className = `link is-${link.state}`;
    patch(
      this.link,
      link.state === "offline" && h("button", {type: "button", class: "link-now", on: {click: () => void this.fp.hurry()}}, say("linkNow")),
      h("span", {class: "link-dot"}),
      h("span", {class: "link-text"}, text, h("span", {class: "link-next"}, next)),
    );
    this.notice.hidden = link.state !== "refused";
    if (link.state === "refused") {
      this.notice.textContent = say("refusedNote", {reason: link.reason ?? ""});
    }
  }

  accountMenu() {
    const theme = themeNow();
    const own = this.fp.person(this.fp.user);
    menu(this.account, say("account", {user: this.fp.user}), [
      ...["active", "busy", "away"].map((state) => ({
        label: say("stateSet", {state: stateText(state)}),
        icon: "person",
        checked: (this.activity ?? own?.state) === state,
        run: () => {
          this.activity = state;
          this.run(this.fp.activity(state));
        },
      })),
      {label: say("statusSet"), icon: "edit", run: () => this.askStatus()},
      {label: say("policyMenu"), icon: "eye", run: () => askPolicy(this.fp, (promise) => this.run(promise))},
      {label: say("themeTo", {theme: say(`theme${theme[0].toUpperCase()}${theme.slice(1)}`)}), icon: "sun", run: nextTheme},
      {
        label: say("signOut"),
        icon: "out",
        run: () => {
          this.signOut();
          this.showLogin();
        },
      },
      {label: say("signOutForget"), icon: "trash", danger: true, run: () => this.askForget()},
    ]);
  }

  askStatus() {
    ask({
      title: say("statusTitle"),
      button: say("save"),
      cancelText: say("cancel"),
      fields: [
        {name: "text", label: say("statusText"), value: this.fp.person(this.fp.user)?.text ?? "", max: 60},
        {name: "hours", label: say("statusHours"), type: "number"},
      ],
      done: ({text, hours}) => this.run(this.fp.status(text || null, Number(hours) > 0 ? Date.now() + Number(hours) * 3600000 : undefined)),
    });
  }

  askForget() {
    ask({
      title: say("signOutForget"),
      note: say("forgetNote", {n: this.fp.outbox().length}),
      button: say("forgetDo"),
      danger: true,
      cancelText: say("cancel"),
      done: () => void this.forget(),
    });
  }

  /** Nothing of the user stays in this browser. */
  async forget() {
    const {fp} = this;
    this.signOut();
    dropUser(fp.user);
    await fp.stop();
    if (fp.name) {
      indexedDB.deleteDatabase(fp.name);
    }
    this.showLogin();
  }

  operatorTold(topic, payload) {
    let report = null;
    try {
      report = this.decode(payload);
    } catch {
      return; /* not what a hub writes; the next one is a second away */
    }
    this.data.told(topic, report, Date.now());
    if (this.navOps?.hidden && this.data.lastAt) {
      this.navOps.hidden = false;
      this.navMessages.hidden = false;
    }
  }

  alerted(row) {
    if (!row) {
      return;
    }
    const conv = this.fp.conversation(row.conv);
    this.data.alert(row.at ?? Date.now(), "opsAlertSafety", {title: conv ? titleOf(this.fp, conv) : row.conv}, `#/c/${encodeURIComponent(row.conv)}`);
  }

  /* The address */

  close() {
    this.thread?.destroy();
    this.panel?.destroy();
    this.ops?.destroy();
    this.thread = this.panel = this.ops = null;
  }

  route() {
    const parts = location.hash.replace(/^#\/?/, "").split("/");
    if (parts[0] === "operations") {
      this.showOps();
      return;
    }
    let id = null;
    try {
      id = parts[0] === "c" && parts[1] ? decodeURIComponent(parts[1]) : null;
    } catch {
      id = null; /* a mangled address is the list */
    }
    this.showMessages(id && idGrammar.test(id) ? id : null, parts[2], Number(parts[3]));
  }

  mark(view) {
    this.navOps.hidden = this.navMessages.hidden = this.data.lastAt === 0 && view !== "ops";
    this.navOps.toggleAttribute("aria-current", view === "ops");
    this.navMessages.toggleAttribute("aria-current", view !== "ops");
  }

  showOps() {
    this.mark("ops");
    if (this.ops) {
      return;
    }
    this.close();
    document.title = `${say("opsTitle")} · ${say("app")}`;
    this.ops = new Ops(this.fp, this.data, this.story);
    this.root.classList.remove("in-thread");
    this.main.className = "main ops-view";
    fill(this.main, this.ops.el);
    this.ops.start();
  }

  showMessages(id, what, seq) {
    this.mark("messages");
    const conv = id ? this.fp.conversation(id) : null;
    document.title = `${conv ? titleOf(this.fp, conv) : say("navMessages")} · ${say("app")}`;
    if (this.ops || !this.main.contains(this.conversations.el) || this.thread?.id !== id) {
      this.close();
      this.thread = conv
        ? new Thread(this.fp, id, {
            panel: (panel, s) => {
              location.hash = `#/c/${encodeURIComponent(id)}/${panel}${s ? `/${s}` : ""}`;
            },
            back: () => {
              location.hash = "#/";
            },
          })
        : null;
      const empty = h("section", {class: "thread empty", "aria-label": say("navMessages")}, icon("chat"), h("p", {class: "hint"}, say("convPick")));
      if (this.main.contains(this.conversations.el)) {
        [...this.main.children].forEach((el) => el !== this.conversations.el && el.remove());
        this.main.append(this.thread?.el ?? empty);
      } else {
        fill(this.main, this.conversations.el, this.thread?.el ?? empty);
      }
      this.frameOf(false); /* before anything is measured */
      this.conversations.show(id);
      this.thread?.start();
      if (this.thread && !matchMedia("(pointer: coarse)").matches) {
        this.thread.composer.area.focus();
      }
    }
    this.showPanel(this.thread && ["about", "readers", "journey"].includes(what) ? what : null, seq);
    this.frameOf(this.panel !== null);
  }

  frameOf(hasPanel) {
    this.root.classList.toggle("in-thread", this.thread !== null);
    this.main.className = `main messenger ${this.thread ? "has-thread" : ""} ${hasPanel ? "has-panel" : ""}`;
  }

  showPanel(what, seq) {
    if (this.panel && (this.panel.what !== what || this.panel.seq !== seq || this.panel.id !== this.thread?.id)) {
      this.panel.destroy();
      this.panel.el.remove();
      this.panel = null;
    }
    if (what && !this.panel) {
      const {id} = this.thread;
      this.panel = new Panel(this.fp, id, what, seq, {
        close: () => {
          location.hash = `#/c/${encodeURIComponent(id)}`;
          this.thread?.el.querySelector(".details-button")?.focus();
        },
      });
      this.main.append(this.panel.el);
      this.panel.start();
    }
  }

  say(text) {
    this.notice.textContent = text;
    this.notice.hidden = false;
  }

  run(promise) {
    Promise.resolve(promise).catch((error) => this.say(say("notDone", {reason: error.message})));
  }

  /** A new version of the page waits. */
  offerUpdate(reload) {
    fill(this.notice ?? this.root, say("updateReady"), h("button", {type: "button", class: "plain", on: {click: reload}}, say("updateNow")));
    if (this.notice) {
      this.notice.hidden = false;
    }
  }
}
