// `npm run pictures` in edge-relay/web: each view of the console over made-up data, wide and narrow, light and dark, as README.md shows them, into docs/.
import {mkdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {browser, built, desktop, open, phone, serve, signIn, web} from "./console_kit.mjs";

const NOW = new Date("2026-03-12T14:42:00Z");
const frames = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const go = async (page, hash, wait) => {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.waitForSelector(wait);
};

/** name -> what is done before the picture is taken, by somebody who is signed in unless it is the sign-in itself */
export const views = {
  "sign-in": null,
  conversations: (page) => go(page, "#/", ".conv-pane"),
  messenger: async (page) => {
    await go(page, "#/c/north-tower", ".feed article");
    await page.evaluate(() => fake.type("north-tower", ["ana.kovac"], 1));
  },
  members: (page) => go(page, "#/c/north-tower/about", ".members"),
  journey: (page) => go(page, "#/c/north-tower/journey/15", ".journey"),
  policy: async (page) => {
    await go(page, "#/", ".conv-pane");
    await page.click(".account");
    await page.click(".menu >> text=Who may see me");
    await page.selectOption("#policy-everyone", "quarter");
    await page.click("text=Add a person");
    await page.keyboard.type("ana.kovac");
  },
  operations: async (page) => {
    await page.evaluate(() => fakeOperations(120, true));
    await go(page, "#/operations", ".ops .chart");
  },
};
export const sizes = {desktop: {size: desktop, colours: "light"}, phone: {size: phone, colours: "dark", touch: true}};
export const nameOf = (view, size) => `${view}-${size}.webp`;

async function picture(chrome, site, view, size) {
  const page = await open(chrome, {...sizes[size], timezoneId: "UTC"});
  await page.clock.setFixedTime(NOW);
  await page.goto(`${site.url}?rows=200&now=${NOW.getTime()}`);
  if (views[view]) {
    await signIn(page);
    await page.waitForFunction(() => fake.link.state === "online");
    await views[view](page);
  } else {
    await page.fill("#user", "mara.site");
  }
  await frames(page);
  const session = await page.context().newCDPSession(page);
  const {data} = await session.send("Page.captureScreenshot", {format: "webp", quality: 60});
  if (page.faults.length > 0) {
    throw new Error(`${view}, ${size}: ${page.faults}`);
  }
  await page.context().close();
  return Buffer.from(data, "base64");
}

async function main() {
  const out = process.argv[2] ?? join(web, "docs");
  const dist = await built();
  const site = await serve(dist.out);
  const chrome = await browser();
  mkdirSync(out, {recursive: true});
  for (const view of Object.keys(views)) {
    for (const size of Object.keys(sizes)) {
      writeFileSync(join(out, nameOf(view, size)), await picture(chrome, site, view, size));
    }
  }
  await chrome.close();
  site.stop();
  await dist.remove();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main();
}
