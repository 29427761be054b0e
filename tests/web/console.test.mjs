/** The console in a real browser, over made-up data (console/dev/fake.js): always the same, no hub. */
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {createRequire} from "node:module";
import {join} from "node:path";
import {browser, built, desktop, open, phone, serve, signIn, web} from "./console_kit.mjs";

const axe = createRequire(join(web, "package.json")).resolve("axe-core/axe.min.js");
let dist;
let site;
let chrome;

before(async () => {
  dist = await built();
  site = await serve(dist.out);
  chrome = await browser();
});

after(async () => {
  await chrome?.close();
  site?.stop();
  await dist?.remove();
});

/** Runs `body` with a page that is signed in, and fails if the page had any fault. */
const onPage = (name, options, body) =>
  test(name, async () => {
    const page = await open(chrome, options);
    await page.addInitScript(options.init ?? (() => {}));
    await page.goto(`${site.url}?rows=${options.rows ?? 200}`);
    if (options.signedIn !== false) {
      await signIn(page);
      await page.waitForFunction(() => fake.link.state === "online");
    }
    try {
      await body(page);
      assert.deepEqual(page.faults, []);
    } finally {
      await page.context().close();
    }
  });

const go = async (page, hash, wait) => {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.waitForSelector(wait);
};
const frames = (page, n = 2) =>
  page.evaluate(async (count) => {
    for (let i = 0; i < count; i++) await new Promise(requestAnimationFrame);
  }, n);

/** `rules`: those that are run, or all. */
async function faultsOf(page, rules) {
  if (!(await page.evaluate(() => "axe" in globalThis))) {
    await page.evaluate(await (await import("node:fs/promises")).readFile(axe, "utf8"));
  }
  const {violations} = await page.evaluate((runOnly) => axe.run(document, {resultTypes: ["violations"], ...(runOnly ? {runOnly} : {})}), rules);
  return violations
    .filter((v) => ["serious", "critical"].includes(v.impact))
    .map(
      (v) =>
        `${v.id}: ${v.nodes
          .map((n) => `${n.target} ${n.failureSummary}`)
          .join("; ")
          .slice(0, 600)}`,
    );
}

for (const [size, width] of [
  [desktop, "desktop"],
  [phone, "phone"],
]) {
  for (const colours of ["light", "dark"]) {
    const rules = colours === "dark" ? ["color-contrast"] : undefined; /* the rest is the same in all colours */
    onPage(`axe finds no serious fault: ${width}, ${colours}`, {size, colours, touch: size === phone}, async (page) => {
      assert.deepEqual(await faultsOf(page, rules), [], "conversations");
      for (const [hash, wait] of [
        ["#/c/north-tower", ".feed article"],
        ["#/c/north-tower/about", ".members"],
        ["#/c/north-tower/readers/15", ".readers"],
        ["#/c/north-tower/journey/15", ".journey"],
        ["#/c/safety", ".prio0"],
      ]) {
        await go(page, hash, wait);
        assert.deepEqual(await faultsOf(page, rules), [], hash);
      }
      await page.evaluate(() => fakeOperations(30, true));
      await go(page, "#/operations", ".ops .chart");
      await page.click("details summary");
      assert.deepEqual(await faultsOf(page, rules), [], "operations");
      await go(page, "#/", ".conv-pane"); /* on a phone a conversation has the whole screen */
      await page.click(".account");
      await page.click(".menu >> text=Who may see me");
      await page.click("text=Add a person");
      await page.click("dialog [type=submit]");
      assert.deepEqual(await faultsOf(page, rules), [], "who may see me");
      if (size === phone) {
        assert.deepEqual(await page.evaluate(() => [document.querySelector("dialog").scrollWidth <= innerWidth, document.documentElement.scrollWidth]), [true, phone.width]);
      }
      await page.keyboard.press("Escape");
      await go(page, "#/c/north-tower", ".feed article");
      await page.evaluate(() => {
        fake.goOffline();
        fake.send("north-tower", "waits");
      });
      await page.waitForSelector("[data-state=queued]");
      await page.evaluate(() => [...document.querySelectorAll(".more")].pop().click());
      assert.deepEqual(await faultsOf(page, rules), [], "menu, offline");
    });
  }
}

onPage("axe finds no serious fault: signing in", {signedIn: false}, async (page) => {
  assert.deepEqual(await faultsOf(page), []);
});

onPage("what is touched on a phone is 44 pixels or more", {size: phone, touch: true}, async (page) => {
  const small = async () =>
    page.evaluate(() =>
      [...document.querySelectorAll("button, a, input, select, textarea")]
        .filter((el) => el.checkVisibility() && !el.closest(".sr") && !el.matches(".skip, .quote, [type=checkbox]"))
        .map((el) => [el.className || el.tagName, el.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && (box.width < 43.5 || box.height < 43.5))
        .map(([name, box]) => `${name} ${box.width}x${box.height}`),
    );
  assert.deepEqual(await small(), []);
  for (const hash of ["#/c/north-tower", "#/c/north-tower/about", "#/operations"]) {
    await go(page, hash, ".main");
    assert.deepEqual(await small(), [], hash);
  }
  await go(page, "#/", ".conv-pane");
  await page.click(".account");
  assert.deepEqual(await small(), [], "menu");
  await page.click(".menu >> text=Who may see me");
  await page.click("text=Add a person");
  assert.deepEqual(await small(), [], "who may see me");
});

const evil = [
  "<img src=x onerror=\"pwned('img')\">",
  "<script>pwned('script')</script>",
  "\"><svg onload=pwned('svg')>",
  "javascript:pwned('href')",
  "<iframe srcdoc=\"<script>parent.pwned('frame')</script>\">",
  "</textarea><style>*{display:none}</style>",
  "{{constructor.constructor('pwned()')()}}",
  "\u202Egnp.exe\u202C \u0000 \uD800 Z\u0351\u036B\u0343",
  "<a href='javascript:pwned(1)'>x</a>",
];

onPage(
  "texts from the wire are inert wherever they are shown",
  {
    init: () => {
      globalThis.hits = [];
      globalThis.pwned = (what) => hits.push(what);
    },
  },
  async (page) => {
    await page.evaluate((texts) => {
      const id = "north-tower";
      texts.forEach((text, i) => {
        fake.push(id, {
          text,
          user: i % 2 ? "ana.kovac" : text,
          reactions: [{emoji: text, users: [text]}],
          branch: {relay: text, base: 0, k: 0},
          priority: i % 3,
        });
        fake.push(id, {
          kind: "system",
          user: text,
          system: {what: ["created", "changed", "added", "removed", "role", "?"][i % 6], title: text, user: text, role: text},
        });
        fake.push(id, {text: `answer ${i}`, ref: fake.convs.get(id).head - 1});
        fake.push(id, {user: "mara.site", text, seq: null, state: "failed", error: {code: text, reason: text}});
        fake.addMember(id, text, 1);
        fake.people.set(text, {state: text, since: 1, text, until: 2, via: text});
        fake.tell(`fp/1/ops/${text}`, {[text]: 1, relay_lag: 3});
        fake.tell("fp/1/ops/hub", {sessions: 1, [text]: 2});
        fake.tell("fp/1/ops/relay", {[text]: {up: i % 2, [text]: 1}});
      });
      fake.setConversation(id, {title: texts.join(" ")});
      fake.convs.get("safety").scope = texts[0];
      fake.type(id, texts, 12);
      fake.setLink("offline", texts[0]);
      fake.setLink("online", texts[1]);
    }, evil);
    for (const hash of [
      "#/c/north-tower",
      "#/c/north-tower/about",
      "#/c/north-tower/readers/22",
      "#/c/north-tower/journey/22",
      "#/operations",
      `#/c/${encodeURIComponent(evil[0])}`,
      "#/c/%E0%A4%A",
      "#/c/north-tower",
    ]) {
      await go(page, hash, ".main");
      await frames(page, 4);
      const found = await page.evaluate(() => ({
        bad: document.querySelectorAll("img, iframe, #app script, #app style, a[href^=javascript]").length,
        hits,
      }));
      assert.deepEqual(found, {bad: 0, hits: []}, hash);
    }
    const shown = await page.evaluate(() => {
      app.thread.list.toEnd();
      return document.querySelector(".feed").textContent;
    });
    assert.ok(shown.includes(evil[8]), "shown as it is");
    await page.evaluate(() => document.body.insertAdjacentElement("beforeend", Object.assign(document.createElement("p"), {id: "probe"})));
    const stopped = await page.evaluate(() => {
      try {
        document.getElementById("probe").innerHTML = "<b>x</b>";
        return false;
      } catch {
        return true;
      }
    });
    assert.ok(stopped, "the policy lets nobody make elements of text");
    page.faults.length = 0; /* that probe was told as a fault */
  },
);

onPage("the keyboard is enough", {}, async (page) => {
  await page.evaluate(() => document.activeElement.blur());
  const focus = () =>
    page.evaluate(() => {
      const el = document.activeElement;
      return el.dataset.id ?? el.dataset.key ?? (el.className.split(" ")[0] || el.tagName);
    });
  const tabs = [];
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press("Tab");
    tabs.push(await focus());
  }
  assert.equal(tabs[0], "skip");
  assert.ok(tabs.includes("account") && tabs.includes("icon-button"), tabs.join());
  await page.focus(".conv-list a[tabindex='0']");
  const first = await focus();
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await focus(), first);
  await page.keyboard.press("Home");
  assert.equal(await focus(), first);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".feed article");
  assert.equal(await focus(), "TEXTAREA");
  await page.keyboard.type("first line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => [...document.querySelectorAll(".own .text")].pop().textContent), "first line\nsecond");
  assert.equal(await page.inputValue(".composer textarea"), "");
  await page.waitForFunction(() => [...document.querySelectorAll(".own .mark")].pop().dataset.state === "delivered");
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.inputValue(".composer textarea"), "first line\nsecond", "up in an empty line changes the last message");
  await page.keyboard.press("Escape");
  assert.equal(await page.inputValue(".composer textarea"), "");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  await page.focus(".feed");
  await page.keyboard.press("End");
  const last = await focus();
  await page.keyboard.press("ArrowUp");
  assert.notEqual(await focus(), last);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".menu");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".menu").count(), 0);
  await page.keyboard.press("Escape");
  assert.equal(await focus(), "TEXTAREA", "Escape in the list goes back to writing");
});

onPage("10,000 messages scroll with few of them drawn, and the place is kept", {rows: 10000}, async (page) => {
  await go(page, "#/c/archive", ".feed article");
  await page.waitForFunction(() => document.querySelector(".feed").textContent.includes("10000. "));
  const seen = await page.evaluate(async () => {
    const feed = document.querySelector(".feed");
    const result = {most: 0, frames: [], numbers: []};
    const number = () =>
      Number(
        document
          .elementFromPoint(feed.getBoundingClientRect().left + 60, feed.getBoundingClientRect().top + 200)
          ?.closest("article")
          ?.querySelector(".text")
          ?.textContent.split(".")[0],
      );
    for (let i = 0; i < 150; i++) {
      const start = performance.now();
      feed.scrollTop -= i < 60 ? 400 : i < 120 ? 9000 : 120;
      await new Promise(requestAnimationFrame);
      await new Promise((done) => setTimeout(done, 0));
      result.frames.push(performance.now() - start);
      result.most = Math.max(result.most, document.querySelectorAll(".feed article").length);
      result.numbers.push(number());
    }
    feed.scrollTop = 0;
    for (let i = 0; i < 5; i++) {
      await new Promise(requestAnimationFrame);
    }
    result.top = feed.textContent.includes("1. ");
    return result;
  });
  const numbers = seen.numbers.filter(Number.isFinite);
  assert.ok(seen.most <= 70, `${seen.most} drawn at once`);
  assert.ok(numbers.length > 100, "a message under the pointer nearly always");
  assert.ok(
    numbers.every((n, i) => i === 0 || n <= numbers[i - 1]),
    "going up never jumps down",
  );
  assert.ok(seen.top, "the first message is reached");
  seen.frames.sort((a, b) => a - b);
  const [median, most, longest] = [75, 142, 149].map((i) => seen.frames[i].toFixed(1));
  console.log(`frames while scrolling 10,000: median ${median} ms, 95 % ${most} ms, longest ${longest} ms; ${seen.most} drawn at most`);
  assert.equal(await page.getAttribute(".feed", "tabindex"), "0", "Tab comes to the list, also where the message that had the focus is not drawn");
  await page.evaluate(() => app.thread.revealSeq(5000));
  assert.equal(await page.locator('.feed article[tabindex="0"]').count(), 1);
  const at = () =>
    page.evaluate(() => [...document.querySelectorAll("article")].find((el) => el.textContent.includes("5000. ")).getBoundingClientRect().top);
  const before = await at();
  await page.evaluate(() => {
    for (let i = 0; i < 20; i++) fake.push("archive", {text: "more ".repeat(i)});
  });
  await frames(page, 3);
  assert.ok(Math.abs((await at()) - before) < 2, "what comes below moves nothing");
  assert.match(await page.textContent(".to-end"), /20 new messages/);
});

onPage("one's own message is on screen in the frame of the key", {rows: 10000}, async (page) => {
  await go(page, "#/c/archive", ".feed article");
  await page.fill(".composer textarea", "at once");
  const shown = await page.evaluate(() => {
    document.querySelector(".composer textarea").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true}));
    const el = [...document.querySelectorAll(".own .text")].pop();
    const box = el.getBoundingClientRect();
    const feed = document.querySelector(".feed").getBoundingClientRect();
    return el.textContent === "at once" && box.bottom <= feed.bottom + 1 && box.top >= feed.top;
  });
  assert.ok(shown);
});

onPage("offline: it says so, keeps what is written, and is there after a reload without a network", {}, async (page) => {
  await go(page, "#/c/north-tower", ".feed article");
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.evaluate(() => fake.goOffline());
  await page.waitForFunction(() => document.querySelector(".composer-note").textContent.includes("You are offline"));
  assert.match(await page.textContent(".top .link"), /Offline since/);
  await page.fill(".composer textarea", "written without a connection");
  await page.keyboard.press("Enter");
  assert.equal(await page.getAttribute(".own:last-of-type .mark[data-state=queued]", "aria-label"), "Waiting for the connection");
  assert.match(await page.textContent(".composer-note"), /1 message is waiting/);
  await page.context().setOffline(true);
  await page.goto(`${site.url}?rows=200&offline#/c/north-tower`);
  await page.reload();
  await signIn(page);
  await page.waitForSelector("[data-state=queued]");
  assert.ok((await page.textContent(".feed")).includes("written without a connection"));
  await page.context().setOffline(false);
  await page.evaluate(() => fake.goOnline());
  await page.waitForFunction(() => [...document.querySelectorAll(".own .mark")].pop().dataset.state === "delivered");
  assert.equal(await page.textContent(".composer-note"), "");
});

onPage("every state has its mark and its sentence", {}, async (page) => {
  await go(page, "#/c/north-tower", ".feed article");
  const states = [
    ["queued", {}, "Waiting for the connection"],
    ["sending", {}, "Sending"],
    ["relayed", {flags: {provisional: true}}, "Relayed: the site has it, the hub not yet"],
    ["sent", {seq: 9001}, "Sent"],
    ["delivered", {seq: 9002, delivered: {k: 2, of: 7}}, "Delivered to 2 of 7"],
    ["read", {seq: 9003, read: {k: 3, of: 7}}, "Read by 3 of 7"],
    ["failed", {error: {code: "denied", reason: "no such right"}}, "Not sent: no such right"],
  ];
  for (const [state, more, sentence] of states) {
    await page.evaluate(
      ([s, m]) => {
        fake.push("north-tower", {user: fake.user, text: `state ${s}`, seq: null, state: s, ...m});
        app.thread.toEnd();
      },
      [state, more],
    );
    await frames(page);
    assert.equal(await page.evaluate(() => [...document.querySelectorAll(".own .mark")].pop().getAttribute("aria-label")), sentence);
  }
  const n = await page.evaluate(() => fake.rowCount("north-tower"));
  await page.click(".failure >> text=Discard");
  await frames(page);
  assert.equal(await page.evaluate(() => fake.rowCount("north-tower")), n - 1);
});

onPage("folds, tombstones, replies, reactions, edits and confirmations", {}, async (page) => {
  await go(page, "#/c/north-tower", ".feed article");
  await page.evaluate(() => {
    document.querySelector(".feed").scrollTop = 0;
  });
  await page.waitForSelector(".fold");
  assert.match(await page.textContent(".fold-text"), /^6 messages written offline at site-b between (Yesterday )?\d\d:\d\d and \d\d:\d\d$/);
  assert.ok(!(await page.textContent(".feed")).includes("Slump test"));
  await page.click(".fold");
  await page.waitForSelector(".in-fold");
  assert.equal(await page.getAttribute(".fold", "aria-expanded"), "true");
  assert.ok((await page.textContent(".feed")).includes("Slump test"));
  assert.ok((await page.textContent(".gone")).includes("This message was deleted."));
  assert.match(await page.textContent(".quote"), /ben\.okafor.*revision/);
  await page.evaluate(() => fake.redact("north-tower", 3));
  await frames(page);
  assert.ok((await page.textContent(".feed")).includes("This message was redacted."));
  assert.match(await page.textContent(".banner"), /Please confirm/);
  await page.click(".banner .primary");
  await page.waitForSelector(".banner", {state: "hidden"});
  await page.evaluate(() => {
    app.thread.toEnd();
  });
  await page.waitForFunction(() => document.querySelector(".feed").textContent.includes("You confirmed this"));
  await page.click(".reaction[aria-pressed=true]");
  await page.waitForFunction(() => !document.querySelector(".reaction[aria-pressed=true]"));
  await page.evaluate(() => fake.type("north-tower", ["ana.kovac", "ben.okafor", "greta.lind"], 5));
  assert.equal(await page.textContent(".typing-line"), "ana.kovac, ben.okafor and 3 more are typing");
});

onPage("a change that the hub refused is told, and let go of", {}, async (page) => {
  await go(page, "#/c/north-tower", ".feed article");
  await page.evaluate(() => fake.failChange("north-tower", 3, "what is redacted is not edited"));
  await page.waitForSelector(".composer .failure");
  assert.match(await page.textContent(".composer .failure"), /The hub refused a change: what is redacted is not edited/);
  await page.click(".composer .failure >> text=Discard");
  await page.evaluate(() => app.thread.composer.refresh());
  assert.equal(await page.isVisible(".composer .failure"), false);
});

onPage("a second conversation, another member, a status: the dialogs do what they say", {}, async (page) => {
  await page.click("[aria-label='New conversation']");
  await page.click("dialog [type=submit]");
  assert.match(await page.textContent("dialog .error"), /A title is needed/);
  await page.fill("#ask-title", "Level 3");
  await page.fill("#ask-members", "ana.kovac, <b>");
  await page.click("dialog [type=submit]");
  assert.match(await page.textContent("dialog .error"), /“<b>” is no user name/);
  await page.fill("#ask-members", "ana.kovac");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".thread-head >> text=Level 3");
  await page.click(".details-button");
  await page.click("text=Add a member");
  await page.fill("#ask-user", "ben.okafor");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".members >> text=ben.okafor");
  await page.keyboard.press("Escape");
  await page.waitForSelector(".panel", {state: "detached"});
});

onPage("who may see me: by keys alone, and nothing is told that is wrong", {}, async (page) => {
  await page.focus(".account");
  await page.keyboard.press("Enter");
  for (let i = 0; !(await page.evaluate(() => /Who may see me/.test(document.activeElement.textContent))); i++) {
    assert.ok(i < 12, "the menu has it");
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "policy-everyone");
  await page.keyboard.press("End"); /* the last level */
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.type("<b>");
  await page.keyboard.press("Enter");
  assert.match(await page.textContent("dialog .error"), /“<b>” is no user name/);
  assert.equal(await page.getAttribute("#policy-user-1", "aria-invalid"), "true");
  await page.fill("#policy-user-1", "ana.kovac");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog", {state: "detached"});
  assert.equal(await page.evaluate(() => document.activeElement.className), "account", "the focus is back");
  const told = await page.evaluate(() => fake.calls.filter(([what]) => what === "policy"));
  assert.deepEqual(told, [["policy", [{viewer: "everyone", level: "hidden"}, {viewer: {user: "ana.kovac"}, level: "exact"}]]]);
  await page.click(".account");
  await page.click("text=Sign out and delete");
  await page.click("dialog [type=submit]");
  await page.waitForSelector("#password");
  assert.ok(!(await page.evaluate(() => JSON.stringify({...localStorage}))).includes("ana.kovac"), "who leaves nothing leaves no names");
});

onPage("a tap on a message opens what can be done, beside it", {size: phone, touch: true}, async (page) => {
  await go(page, "#/c/north-tower", ".feed article");
  const bubble = page.locator(".bubble >> text=Crane is free");
  const box = await bubble.boundingBox();
  await bubble.tap();
  const menu = await page.locator(".menu").boundingBox();
  assert.ok(
    menu.y + menu.height > box.y - 60 && menu.y < box.y + box.height + 60 && menu.x >= 0 && menu.x + menu.width <= phone.width,
    JSON.stringify({box, menu}),
  );
  await page.tap(".menu >> text=Reply");
  assert.match(await page.textContent(".composer-head"), /Reply to ben\.okafor.*Crane is free/);
});

onPage("what looks the same stays where it is when something else changes: clicks, selections and the focus survive", {}, async (page) => {
  await go(page, "#/c/north-tower", ".feed article");
  await page.focus(".details-button");
  const kept = await page.evaluate(async () => {
    const find = () =>
      [".banner .primary", ".bubble .primary", ".conv[data-id=safety]", ".details-button"].map((name) => document.querySelector(name));
    const before = find();
    getSelection().selectAllChildren([...document.querySelectorAll(".text")].find((el) => el.textContent.startsWith("Crane")));
    fake.changed("north-tower", null);
    fake.push("north-tower", {text: "one more"});
    fake.emit("people", ["ana.kovac"]);
    fake.patch("north-tower", 16, {delivered: {k: 7, of: 7}});
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return {same: find().map((el, i) => el === before[i]), selected: String(getSelection()), focused: document.activeElement === before[3]};
  });
  assert.deepEqual(kept, {same: [true, true, true, true], selected: "Crane is free from 14:30 on.", focused: true});
  assert.ok((await page.textContent(".feed")).includes("Delivered to 7 of 7"));
});

onPage("a message comes in while one reads: it is told, and counted", {}, async (page) => {
  await go(page, "#/c/north-tower", ".feed article");
  await page.evaluate(() => fake.push("north-tower", {text: "a new word"}));
  await page.waitForFunction(() => document.getElementById("told").textContent === "ana.kovac: a new word");
  await page.waitForFunction(() => fake.calls.some(([what, , seq]) => what === "markRead" && seq === fake.convs.get("north-tower").head));
  await page.evaluate(() => fake.push("deliveries", {text: "elsewhere"}));
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".conv")].find((el) => el.dataset.id === "deliveries").textContent.includes("13 unread messages"),
  );
});

onPage("operations: what is reported is shown, what is not is named", {}, async (page) => {
  assert.ok(!(await page.isVisible("text=Operations")), "nobody is shown what is not his");
  await page.evaluate(() => fakeOperations(60));
  await page.click("text=Operations");
  await page.waitForSelector(".ops .chart");
  const tile = (label) =>
    page.evaluate((name) => [...document.querySelectorAll(".tile")].find((el) => el.textContent.startsWith(name)).textContent, label);
  assert.match(await tile("Live sessions"), /1[78]\d/);
  assert.match(await tile("Commands"), /\d.*per s/);
  assert.match(await tile("Commit time"), /Not reported/);
  assert.match(await page.textContent(".relays"), /site-bup.*site-northdown80/s);
  assert.match(await page.textContent("[aria-label=Alerts]"), /Trunk site-north is down/);
  assert.match(await page.textContent("[aria-label=Disk]"), /Not reported by this hub/);
  await page.evaluate(() => fake.tell("fp/1/ops/disk", {free_bytes: 12345 * 1048576, percent: 91}));
  await page.waitForFunction(() => /91 %.*Free on the disk12.1 GiB/s.test(document.querySelector("[aria-label=Disk]").textContent));
  await page.evaluate(() => fake.tell("fp/1/ops/alerts", [{what: "disk", since: 1, value: 91}, {what: "relay_down", who: "site-x", since: 2}, {what: "new"}]));
  await page.waitForFunction(() => /91 % full.*Trunk site-x is down.*new/s.test(document.querySelector("[aria-label=Alerts] .now")?.textContent));
  await page.evaluate(() => fake.tell("fp/1/ops/alerts", []));
  await page.waitForFunction(() => !document.querySelector("[aria-label=Alerts] .now"));
  await page.evaluate(() => fake.tell("fp/1/ops/conns", [{at: 1, user: "ann", device: "ann-phone", what: "connected"}, {at: 2, user: "ann", device: "ann-phone", what: "lost"}]));
  await page.waitForFunction(() => /connection lost.*ann · ann-phone.*connected/s.test(document.querySelector("[aria-label='Connection story']").textContent));
  await page.evaluate(() => {
    fake.tell("fp/1/ops/times", {commit_us: [0, 1]});
    fake.tell("fp/1/ops/times", {commit_us: [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]});
  });
  await page.waitForFunction(() => [...document.querySelectorAll(".tile")].some((el) => /^Commit time.*4\.1.*ms/.test(el.textContent)));
  await page.selectOption("#journey-conv", "north-tower");
  await page.fill("#journey-seq", "15");
  await page.click("text=Show its journey");
  await page.waitForSelector(".ops .journey");
  assert.match(await page.textContent(".ops .journey"), /On the hub's disk as number 15/);
  assert.match(await page.textContent(".ops .journey-sums"), /Delivered to \d of \d\. The last one after/);
});

onPage(
  "a page at rest does nothing",
  {
    init: () => {
      globalThis.work = 0;
      for (const name of ["setTimeout", "setInterval", "requestAnimationFrame", "requestIdleCallback"]) {
        const real = globalThis[name];
        globalThis[name] = (...args) => {
          globalThis.work++;
          return real.apply(globalThis, args);
        };
      }
    },
  },
  async (page) => {
    await go(page, "#/c/north-tower", ".feed article");
    await page.waitForFunction(() => fake.calls.some(([what]) => what === "markRead"));
    await page.waitForTimeout(300);
    const rest = () => page.evaluate(() => [work, document.getAnimations().filter((a) => a.playState === "running").length]);
    const before = await rest();
    await page.waitForTimeout(1000);
    assert.deepEqual(await rest(), before);
    assert.equal(before[1], 0);
  },
);

onPage("a wrong password is told, and nothing secret is kept unless it was asked for", {signedIn: false}, async (page) => {
  await page.fill("#user", "mara.site");
  await page.fill("#password", "wrong");
  await page.click("button[type=submit]");
  await page.waitForFunction(() => document.querySelector(".error")?.textContent.includes("refused"));
  await signIn(page, {password: "hunter22"});
  assert.ok(!(await page.evaluate(() => JSON.stringify({...localStorage, ...sessionStorage}))).includes("hunter22"));
  await page.click(".account");
  await page.click("text=Sign out >> nth=0");
  await page.check("#keep");
  await page.fill("#password", "hunter22");
  await page.click("button[type=submit]");
  await page.waitForSelector(".conv-pane");
  await page.reload();
  await page.waitForSelector(".conv-pane");
  await page.click(".account");
  await page.click("text=Sign out >> nth=0");
  await page.waitForSelector("#password");
  assert.ok(!(await page.evaluate(() => JSON.stringify({...localStorage, ...sessionStorage}))).includes("hunter22"));
});
