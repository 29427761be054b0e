/** What operators see: how the hub does, what it does not say, a message's journey, a device's story. Draws when something is told, else never. */
import {Tile} from "./chart.js";
import {bdi, fill, h, icon, oncePerFrame, patch} from "./dom.js";
import {askReaders, drawJourney} from "./panel.js";
import {personLine, titleOf} from "./people.js";
import {numberText, say, secondsText, spanText} from "./text.js";

const MAX_STORY = 200;
const US = 0.001; /* to ms */

/** label, unit, what of the data */
const live = [
  ["opsConnections", "", (d) => d.gauge("hub", "sessions")],
  ["opsCommands", "opsPerS", (d) => d.rate("hub", "commands")],
  ["opsEvents", "opsPerS", (d) => d.rate("hub", "events")],
  ["opsCommits", "opsPerS", (d) => d.rate("hub", "commits")],
  ["opsPublishes", "opsPerS", (d) => d.rate("host", "publishes")],
  ["opsNacks", "opsPerS", (d) => d.rate("hub", "nacks")],
];
const waits = [
  ["opsDelivery", "opsMs", (d) => d.gauge("host", "delivery_us_max", US)],
  ["opsStall", "opsMs", (d) => d.gauge("host", "stall_us_max", US)],
  ["opsTick", "opsMs", (d) => d.gauge("host", "tick_us_max", US)],
  ["opsCommitMedian", "opsMs", (d) => d.quantile("times", "commit_us", 0.5, US)],
  ["opsCommitMost", "opsMs", (d) => d.quantile("times", "commit_us", 0.99, US)],
  ["opsCommitTime", "opsMs", (d) => d.gauge("times", "commit_us_max", US)],
  ["opsAnswerMedian", "opsMs", (d) => d.quantile("times", "answer_us", 0.5, US)],
  ["opsAnswerMost", "opsMs", (d) => d.quantile("times", "answer_us", 0.99, US)],
  ["opsRingIn", "", (d) => d.gauge("host", "ring_in_max")],
  ["opsRingOut", "", (d) => d.gauge("host", "ring_out_max")],
  ["opsBatch", "", (d) => d.ratio("hub", "events", "commits")],
  ["opsJobs", "", (d) => d.gauge("hub", "jobs")],
];

const size = (bytes) => (bytes < 10 * 2 ** 30 ? say("opsMib", {n: numberText(bytes / 2 ** 20)}) : say("opsGib", {n: numberText(bytes / 2 ** 30)}));
const disks = [
  ["percent", "opsDiskUsed", (n) => say("opsPercent", {n: numberText(n)})],
  ["db_bytes", "opsDiskDb", size],
  ["wal_bytes", "opsDiskWal", size],
  ["quota_bytes", "opsDiskQuota", size],
  ["free_bytes", "opsDiskFree", size],
];
const wrongs = new Map([
  ["disk", "opsWrongDisk"],
  ["relay_down", "opsAlertDown"],
  ["trunk_down", "opsAlertDown"],
  ["hub_older", "opsAlertOlder"],
  ["commit_failures", "opsAlertCommit"],
]);
const conns = new Map([
  ["connected", "opsConnBegan"],
  ["taken over", "opsConnTaken"],
  ["left", "opsConnLeft"],
  ["lost", "opsConnLost"],
  ["silent", "opsConnSilent"],
]);
const timeOf = (ms) => (Number.isFinite(ms) ? secondsText(ms) : "–");

export class Ops {
  /** @param fp @param data OpsData, kept by the app while another view is open @param story of the link: {at, state, reason} newest first */
  constructor(fp, data, story) {
    Object.assign(this, {fp, data, story});
    const tiles = (rows) => rows.map(([label, unit, of]) => ({tile: new Tile(say(label), unit ? say(unit) : ""), of}));
    this.live = tiles(live);
    this.waits = tiles(waits);
    this.asOf = h("p", {class: "hint"});
    this.silent = h("p", {class: "notice", hidden: true}, icon("info"), h("span", null, say("opsSilent")));
    this.relays = h("div", {class: "card-body"});
    this.disk = h("div", {class: "card-body"});
    this.alerts = h("div", {class: "card-body"});
    this.device = h("div", {class: "card-body"});
    this.all = h("div", {class: "card-body"});
    this.journey = h("div", {class: "card-body", "aria-live": "polite"}, h("p", {class: "hint"}, say("journeyHint")));
    const card = (title, body, cls = "") => h("section", {class: `card ${cls}`, "aria-label": say(title)}, h("h2", null, say(title)), body);
    this.el = h(
      "section",
      {class: "ops", "aria-label": say("opsTitle"), tabindex: "0"},
      h("header", {class: "ops-head"}, h("h1", null, say("opsTitle")), this.asOf),
      this.silent,
      h(
        "div",
        {class: "cards"},
        card("opsAlerts", this.alerts, "wide"),
        card(
          "opsLive",
          h(
            "div",
            {class: "tiles six"},
            this.live.map((t) => t.tile.el),
          ),
          "wide",
        ),
        card(
          "opsLatency",
          [
            h("p", {class: "hint"}, say("opsLatencyHint")),
            h(
              "div",
              {class: "tiles four"},
              this.waits.map((t) => t.tile.el),
            ),
          ],
          "wide",
        ),
        card("opsRelays", this.relays),
        card("opsDisk", this.disk),
        card("journeyTitle", [this.picker(), this.journey]),
        card("opsDevice", this.device),
        h("details", {class: "card wide"}, h("summary", null, say("opsAll")), this.all),
      ),
    );
    this.changed = oncePerFrame(() => this.draw());
  }

  start() {
    this.offs = ["told", "alert", "link", "people"].map((name) => this.fp.on(name, () => this.changed()));
    this.draw();
  }

  destroy() {
    this.offs.forEach((off) => off());
  }

  draw() {
    const {data} = this;
    this.asOf.textContent = data.lastAt ? say("opsAsOf", {time: secondsText(data.lastAt)}) : "";
    this.silent.hidden = data.lastAt !== 0;
    for (const {tile, of} of [...this.live, ...this.waits]) {
      tile.draw(of(data));
    }
    this.drawAlerts();
    this.drawRelays();
    this.drawDisk();
    this.drawDevice();
    this.drawAll();
  }

  /** What is wrong now, as the hub says. */
  wrong() {
    const words = (a) => {
      const key = wrongs.get(a.what);
      return key ? say(key, {who: a.who ?? say("opsTrunk"), n: numberText(a.value ?? 0)}) : String(a.what);
    };
    const row = (a) =>
      h("li", {class: "alert"}, icon("warn"), h("span", null, bdi(words(a))), h("span", {class: "hint"}, say("opsSince", {time: timeOf(a.since)})));
    const rows = this.data.rows("alerts") ?? [];
    return rows.length > 0 && h("ul", {class: "plain-list now"}, rows.map(row));
  }

  drawAlerts() {
    patch(
      this.alerts,
      this.wrong(),
      this.data.alerts.length === 0
        ? h("p", {class: "hint"}, say("opsAlertsNone"))
        : h(
            "ul",
            {class: "plain-list"},
            this.data.alerts
              .slice(0, 20)
              .map((a) =>
                h(
                  "li",
                  {class: "alert"},
                  icon("warn"),
                  h("span", {class: "time"}, secondsText(a.at)),
                  a.href ? h("a", {href: a.href}, bdi(say(a.key, a.values))) : h("span", null, bdi(say(a.key, a.values))),
                ),
              ),
          ),
    );
  }

  drawDisk() {
    const last = this.data.list("disk").slice(-1)[0]?.values;
    const known = last ? disks.filter(([name]) => last.has(name)) : [];
    if (known.length === 0) {
      this.drawOther(this.disk, /disk|storage|free_|db_bytes/);
      return;
    }
    patch(this.disk, this.table(known.map(([name, label, of]) => [say(label), of(last.get(name))])));
  }

  /** Counters whose name or topic fits, or that nothing is reported. */
  drawOther(box, fits) {
    const rows = [];
    for (const [topic, list] of this.data.topics) {
      for (const [name, value] of list[list.length - 1].values) {
        if (fits.test(topic) || fits.test(name)) {
          rows.push([`${topic} / ${name}`, value]);
        }
      }
    }
    patch(box, rows.length ? this.table(rows) : h("p", {class: "hint"}, say("opsNotWhy")));
    return rows.length > 0;
  }

  /** At a hub its relays, at a site its trunk to the hub; without a trunk what presence tells. */
  drawRelays() {
    const rows = [...this.data.latest("relay/"), ...this.data.latest("trunk").map(([, values]) => [say("opsTrunk"), values])];
    if (rows.length > 0) {
      patch(this.relays, this.relayTable(rows), h("p", {class: "hint"}, say("opsRelayHint")));
    } else if (!this.drawOther(this.relays, /relay|trunk|lag/)) {
      this.drawVia();
    }
  }

  relayTable(rows) {
    const known = (ms) => (ms === undefined ? null : spanText(ms));
    const columns = [
      ["opsRelayWaiting", (v) => numberText(waitingOf(v))],
      ["opsRelayOldest", (v) => known(v.get("oldest_age_ms"))],
      ["opsRelayRtt", (v) => (v.get("up") > 0 ? known((v.get("rtt_us") ?? v.get("rtt") ?? 0) * US) : null)],
      ["opsRelayHeard", (v) => (v.get("up") > 0 ? known(v.get("heard_ms")) : null)],
    ].filter(([, of]) => rows.some(([, v]) => of(v) !== null));
    const head = ["opsRelay", "opsRelayState", ...columns.map(([key]) => key)].map((key) => h("th", {scope: "col"}, say(key)));
    const line = ([name, v]) => {
      const state = v.get("up") > 0 ? "up" : "down";
      const cells = columns.map(([, of]) => h("td", null, of(v) ?? "–"));
      return h("tr", null, h("th", {scope: "row"}, bdi(name)), h("td", {class: state}, say(state === "up" ? "opsRelayUp" : "opsRelayDown")), cells);
    };
    return h("table", {class: "relays"}, h("thead", null, h("tr", null, head)), h("tbody", null, rows.map(line)));
  }

  drawVia() {
    const via = new Map();
    for (const user of this.users()) {
      const person = this.fp.person(user);
      if (person?.via) {
        via.set(person.via, (via.get(person.via) ?? 0) + 1);
      }
    }
    const one = ([relay, n]) => h("li", null, icon("relay"), h("strong", null, bdi(relay)), h("span", {class: "hint"}, say("opsRelayPeople", {n})));
    patch(
      this.relays,
      via.size === 0
        ? h("p", {class: "hint"}, say("opsNotWhy"))
        : [h("ul", {class: "plain-list"}, [...via].map(one)), h("p", {class: "hint"}, say("opsRelayFrom"))],
    );
  }

  users() {
    const users = new Set();
    for (const conv of this.fp.conversations()) {
      Object.keys(conv.members ?? {}).forEach((user) => user !== this.fp.user && users.add(user));
    }
    return users;
  }

  drawDevice() {
    const state = (s) =>
      say({online: "linkOnline", connecting: "linkConnecting", offline: "linkOffline", refused: "linkRefused"}[s] ?? "linkOffline");
    const people = [...this.users()]
      .map((user) => [user, this.fp.person(user)])
      .filter(([, p]) => p?.since)
      .sort((a, b) => b[1].since - a[1].since)
      .slice(0, 4);
    patch(
      this.device,
      h("h3", null, say("opsDeviceOwn")),
      h(
        "ol",
        {class: "story"},
        this.story
          .slice(0, 12)
          .map((s) =>
            h(
              "li",
              {class: `is-${s.state}`},
              h("span", {class: "time"}, secondsText(s.at)),
              h("span", null, state(s.state)),
              s.reason && h("span", {class: "hint"}, bdi(s.reason)),
            ),
          ),
      ),
      this.told() ?? [
        h("p", {class: "hint"}, say("opsDeviceOthers")),
        h(
          "ul",
          {class: "members"},
          people.map(([user]) => h("li", null, personLine(this.fp, user))),
        ),
      ],
    );
  }

  /** The sessions that began and ended, newest first; null: not reported. */
  told() {
    const row = (e) =>
      h(
        "li",
        {class: e.what === "connected" || e.what === "taken over" ? "is-online" : "is-offline"},
        h("span", {class: "time"}, timeOf(e.at)),
        h("span", null, bdi(`${e.user} · ${e.device}`)),
        h("span", {class: "hint"}, conns.has(e.what) ? say(conns.get(e.what)) : String(e.what)),
      );
    const rows = this.data.rows("conns");
    return rows && [h("h3", null, say("opsDeviceAll")), h("ol", {class: "story"}, rows.slice().reverse().map(row))];
  }

  drawAll() {
    const rows = [];
    for (const [topic, list] of this.data.topics) {
      for (const [name, value] of list[list.length - 1].values) {
        rows.push([`${topic} / ${name}`, value]);
      }
    }
    patch(this.all, this.table(rows));
  }

  table(rows) {
    return h(
      "table",
      {class: "counters"},
      h("thead", {class: "sr"}, h("tr", null, h("th", {scope: "col"}, say("opsCounter")), h("th", {scope: "col"}, say("opsValue")))),
      h(
        "tbody",
        null,
        rows.map(([name, value]) => h("tr", null, h("th", {scope: "row"}, bdi(name)), h("td", null, typeof value === "number" ? numberText(value) : value))),
      ),
    );
  }

  picker() {
    const conv = h("select", {id: "journey-conv"});
    const seq = h("input", {id: "journey-seq", type: "number", min: "1", step: "1", inputmode: "numeric", required: true});
    const list = () => {
      const was = conv.value;
      fill(
        conv,
        this.fp.conversations().map((c) => h("option", {value: c.id}, titleOf(this.fp, c))),
      );
      if (was) {
        conv.value = was;
      }
      seq.value ||= String(this.fp.conversation(conv.value)?.lastMessage?.seq ?? "");
    };
    list();
    conv.addEventListener("focus", list);
    conv.addEventListener("change", () => {
      seq.value = String(this.fp.conversation(conv.value)?.lastMessage?.seq ?? "");
    });
    return h(
      "form",
      {
        class: "picker",
        on: {
          submit: (event) => {
            event.preventDefault();
            void this.showJourney(conv.value, Number(seq.value));
          },
        },
      },
      h("label", {for: "journey-conv"}, h("span", null, say("journeyPick")), conv),
      h("label", {for: "journey-seq"}, h("span", null, say("journeySeq")), seq),
      h("button", {type: "submit", class: "plain"}, icon("path"), say("journeyShow")),
    );
  }

  async showJourney(conv, seq) {
    const count = this.fp.rowCount(conv);
    const row = this.fp.rows(conv, 0, count).find((r) => r.seq === seq);
    if (!row) {
      fill(this.journey, h("p", {class: "hint"}, say("journeyNone", {seq})));
      return;
    }
    await askReaders(this.fp, conv, seq, (readers, error) => {
      fill(
        this.journey,
        drawJourney(this.fp, row, readers),
        error !== null && h("p", {class: "error"}, say("readersFailed", {reason: error})),
      );
    });
  }
}

/** Records that the other side has not confirmed: a hub counts them in all, a site lane by lane. */
const waitingOf = (values) => values.get("waiting") ?? [...values].reduce((sum, [name, n]) => sum + (name.startsWith("lag_") ? n : 0), 0);

/** Keeps the story of this device's link. */
export function addStory(story, link, at) {
  if (story[0]?.state !== link.state || story[0]?.reason !== (link.reason ?? null)) {
    story.unshift({at, state: link.state, reason: link.reason ?? null});
    story.length = Math.min(story.length, MAX_STORY);
  }
}
