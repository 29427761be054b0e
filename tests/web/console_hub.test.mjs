/** The console with the real client, a real broker and the real plugin: two people in two browsers. */
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {Broker} from "./broker.mjs";
import {browser, built, gateway, open, phone, serve, signIn} from "./console_kit.mjs";

/* With it the gateway serves the page and carries its connection; without, this process does. */
const RELAY = process.env.FIELDPOST_RELAY;
let dist;
let broker;
let site;
let chrome;

before(async () => {
  dist = await built({dev: false});
  broker = await new Broker({operators: "olga.ops"}).start();
  site = RELAY ? await gateway(RELAY, dist.out, broker.port) : await serve(dist.out, {mqtt: broker.wsPort});
  chrome = await browser();
});

after(async () => {
  await chrome?.close();
  site?.stop();
  await broker?.stop();
  await dist?.remove();
});

async function person(user, options) {
  const page = await open(chrome, options);
  await page.goto(site.url);
  await signIn(page, {user});
  await page.waitForSelector(".link.is-online");
  return page;
}

const write = async (page, text) => {
  await page.fill(".composer textarea", text);
  await page.keyboard.press("Enter");
};
const texts = (page) => page.evaluate(() => [...document.querySelectorAll(".feed .text")].map((el) => el.textContent));
const saw = (page, text) => page.waitForFunction((want) => [...document.querySelectorAll(".feed .text")].some((el) => el.textContent === want), text);
const state = (page, want) => page.waitForFunction((s) => [...document.querySelectorAll(".own .mark")].pop()?.dataset.state === s, want);

/** What the page asks of the network beyond its own server: nothing. */
const onlyOwn = (page) => page.evaluate(() => performance.getEntriesByType("resource").every((entry) => entry.name.startsWith(location.origin)));

test("script and style are small", () => {
  console.log(`${(dist.gzip / 1024).toFixed(1)} KiB gzipped`);
  assert.ok(dist.gzip <= 150 * 1024, `${dist.gzip}`);
});

test("two people write to each other, offline too, and each sees what became of it", async () => {
  const ana = await person("ana.kovac");
  const ben = await person("ben.okafor", {size: phone, touch: true});
  await ana.click("[aria-label='New conversation']");
  await ana.fill("#ask-title", "<b>North</b> tower");
  await ana.fill("#ask-scope", "riverside");
  await ana.fill("#ask-members", "ben.okafor");
  await ana.click("dialog [type=submit]");
  await ana.waitForSelector(".feed");
  await ben.click(".conv >> text=<b>North</b> tower");
  await ben.waitForSelector(".feed article");

  const echoed = await ana.evaluate(async () => {
    const area = document.querySelector(".composer textarea");
    area.value = "In the frame of the key.";
    area.dispatchEvent(new InputEvent("input", {bubbles: true}));
    area.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true}));
    await new Promise(requestAnimationFrame); /* what stands there now is painted in this frame */
    const el = [...document.querySelectorAll(".own .text")].pop();
    const [box, feed] = [el, document.querySelector(".feed")].map((one) => one.getBoundingClientRect());
    return [el.textContent, box.top >= feed.top && box.bottom <= feed.bottom + 1];
  });
  assert.deepEqual(echoed, ["In the frame of the key.", true], "one's own echo");
  await saw(ben, "In the frame of the key.");

  await write(ana, "Is the <i>crane</i> free?");
  assert.ok((await texts(ana)).includes("Is the <i>crane</i> free?"), "one's own at once");
  await saw(ben, "Is the <i>crane</i> free?");
  await state(ana, "read");

  await ben.fill(".composer textarea", "From 14:30 on.");
  await ana.waitForFunction(() => document.querySelector(".typing-line").textContent === "ben.okafor is typing");
  await ben.click(".send");
  await saw(ana, "From 14:30 on.");

  await ana.keyboard.press("ArrowUp");
  assert.equal(await ana.inputValue(".composer textarea"), "Is the <i>crane</i> free?");
  await write(ana, "Is the tower crane free?");
  await saw(ben, "Is the tower crane free?");
  assert.ok((await ben.textContent(".feed")).includes("edited"));

  await ana.click(".options");
  await ana.click("text=Ask everybody to confirm");
  await write(ana, "Helmets on, all levels.");
  await ben.waitForSelector(".banner .primary");
  await ben.click(".banner .primary");
  await ana.waitForFunction(() => document.querySelector(".feed").textContent.includes("Confirmed by 1 of 1"));

  await broker.kill();
  await ana.waitForSelector(".link.is-offline");
  await write(ana, "Written while the hub was away.");
  await state(ana, "queued");
  assert.match(await ana.textContent(".composer-note"), /1 message is waiting/);
  await ana.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await ana.context().setOffline(true);
  await ana.reload();
  await signIn(ana, {user: "ana.kovac"});
  await saw(ana, "Written while the hub was away.");
  await ana.context().setOffline(false);
  await broker.start();
  await ana.click(".link-now", {timeout: 2000}).catch(() => {}); /* it may have come back by itself */
  await saw(ben, "Written while the hub was away.");
  await state(ana, "read");
  assert.deepEqual(await texts(ana), await texts(ben), "both see the same");

  await ana.click(".details-button");
  await ana.waitForFunction(() => /Active/.test(document.querySelector(".members")?.textContent));
  assert.ok(await onlyOwn(ana));
  await ben.click(".to-list");
  await ben.click(".account");
  await ben.click("text=Sign out and delete");
  await ben.click("dialog [type=submit]");
  await ben.waitForSelector("#password");
  await ben.waitForFunction(async () => (await indexedDB.databases()).length === 0);
  assert.deepEqual(await ben.evaluate(() => ({...localStorage})), {}, "nothing stays in the browser");
  const faults = (page) => page.faults.filter((fault) => !/WebSocket connection/.test(fault));
  assert.deepEqual([...faults(ana), ...faults(ben)], []);
  await Promise.all([ana, ben].map((page) => page.context().close()));
});

test("who may see me: hidden from all but one, and seen by all again", async () => {
  const people = await Promise.all(["pia.holm", "quin.ray", "rosa.diaz"].map((user) => person(user)));
  const [pia, quin, rosa] = people;
  await pia.click("[aria-label='New conversation']");
  await pia.fill("#ask-title", "Roof");
  await pia.fill("#ask-scope", "roof");
  await pia.fill("#ask-members", "quin.ray, rosa.diaz");
  await pia.click("dialog [type=submit]");
  await Promise.all([quin, rosa].map((page) => page.click(".conv >> text=Roof")));
  await Promise.all(people.map((page) => page.click(".details-button")));
  const sees = (page, text) =>
    page.locator(".members li", {hasText: "pia.holm"}).getByText(text).waitFor({timeout: 10000}).catch(async (error) => {
      const rules = await pia.evaluate(() => localStorage.getItem("fieldpost.policy.pia.holm"));
      throw new Error(`${error.message}; shown: ${await page.textContent(".members")}; rules: ${rules}; links: ${await Promise.all(people.map((p) => p.textContent(".link")))}`);
    });
  await Promise.all([quin, rosa].map((page) => sees(page, /Active/)));
  const types = async (text) => {
    await pia.fill(".composer textarea", "");
    await pia.fill(".composer textarea", text);
  };
  await types("seen");
  await rosa.waitForFunction(() => document.querySelector(".typing-line").textContent === "pia.holm is typing");

  const open = async () => {
    await pia.click(".account");
    await pia.click(".menu >> text=Who may see me");
  };
  await open();
  await pia.selectOption("#policy-everyone", "hidden");
  await pia.click("text=Add a person");
  await pia.keyboard.type("quin.ray");
  await pia.click("dialog [type=submit]");
  await pia.waitForSelector("dialog", {state: "detached"});
  await sees(rosa, "Offline");
  await sees(quin, /Active/);
  await rosa.waitForFunction(() => document.querySelector(".typing-line").textContent === "");
  await write(rosa, "Is Pia there?");
  await saw(pia, "Is Pia there?");
  await rosa.locator(".mark[aria-label='Read by 1 of 2']").last().waitFor(); /* by Quin: what Pia has read is not told */

  await open();
  assert.deepEqual(await pia.evaluate(() => [...document.querySelectorAll(".policy select, .policy input")].map((el) => el.value)), ["hidden", "quin.ray", "exact"]);
  await pia.selectOption("#policy-everyone", "exact");
  await pia.click("[aria-label='Remove this rule']");
  await pia.click("dialog [type=submit]");
  await sees(rosa, /Active/);
  await types("seen again");
  await rosa.waitForFunction(() => document.querySelector(".typing-line").textContent === "pia.holm is typing");
  await write(rosa, "There she is.");
  await rosa.locator(".mark[aria-label='Read by 2 of 2']").last().waitFor();
  assert.deepEqual(people.flatMap((page) => page.faults), []);
  await Promise.all(people.map((page) => page.context().close()));
});

test("a page at rest costs no processor time", async () => {
  const page = await person("iris.lund");
  await page.click("[aria-label='New conversation']");
  await page.fill("#ask-title", "Rest");
  await page.fill("#ask-scope", "rest");
  await page.fill("#ask-members", "nobody.yet");
  await page.click("dialog [type=submit]");
  await page.waitForSelector(".feed");
  await write(page, "Good night.");
  await state(page, "sent");
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const spent = async () => (await session.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value;
  await page.waitForTimeout(1000);
  const before = await spent();
  await page.waitForTimeout(3000);
  const share = (await spent()) - before;
  console.log(`at rest: ${(share * 333).toFixed(1)} ms a second`);
  assert.ok(share < 0.06, `${share} s of 3`); /* 2 %; a clock that draws in each frame takes five times as much */
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("an operator sees the hub's numbers, and the first screen is there in a second", async () => {
  let page;
  const took = [];
  while (took.length === 0 || (took.at(-1) > 1000 && took.length < 3)) { /* another program may have had the processor */
    await page?.context().close();
    page = await open(chrome);
    await page.goto(site.url);
    await page.fill("#user", "olga.ops");
    await page.fill("#password", "x");
    took.push(
      await page.evaluate(async () => {
        const asked = performance.now();
        document.querySelector("button[type=submit]").click();
        while (!document.querySelector(".conv-pane")) {
          await new Promise(requestAnimationFrame);
        }
        await new Promise(requestAnimationFrame);
        return performance.now() - asked;
      }),
    );
  }
  console.log(`first screen ${took.map(Math.round)} ms after signing in`);
  assert.ok(took.at(-1) <= 1000, `${took}`);
  await page.click("a[href='#/operations']");
  await page.waitForFunction(() => /Live sessions\d/.test(document.querySelector(".tile")?.textContent));
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".tile")].find((el) => el.textContent.startsWith("Commits")).textContent.includes("per s"),
  );
  await page.waitForFunction(() => [...document.querySelectorAll(".counters")].some((el) => /hub \/ epoch/.test(el.textContent)));
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
