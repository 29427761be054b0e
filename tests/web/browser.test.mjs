// The SDK in a real Chromium, against a real broker over WebSocket, under a CSP that lets nothing be made of text.
import assert from "node:assert/strict";
import {mkdtempSync, rmSync} from "node:fs";
import {createServer} from "node:http";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before, test} from "node:test";
import {fileURLToPath} from "node:url";
import {browser as bundling} from "../../edge-relay/web/bundle.mjs";
import {Fieldpost, MemoryStore} from "../../edge-relay/web/sdk/fieldpost.js";
import {Broker} from "./broker.mjs";
import {until} from "./until.mjs";

const require = createRequire(new URL("../../edge-relay/web/package.json", import.meta.url));
const {build} = require("esbuild");
const {chromium} = require("playwright-core");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
];

let broker;
let server;
let context;
let folder = "";
let origin;
let bob;

before(async () => {
  broker = await new Broker().start();
  const {outputFiles: [{text}]} = await build({...bundling, entryPoints: [fileURLToPath(new URL("page.mjs", import.meta.url))], write: false});
  server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.setHeader("content-security-policy", `default-src 'none'; script-src 'self'; connect-src 'self' ${broker.wsUrl}`);
    response.end(isScript ? text : "<!doctype html><title>Fieldpost</title><script type=module src=/page.js></script>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  folder = mkdtempSync(join(tmpdir(), "fp-chromium-"));
  context = await chromium.launchPersistentContext(folder, {executablePath: CHROMIUM, args: ARGS, headless: true});
  bob = new Fieldpost({url: broker.url, user: "bob", password: "", store: new MemoryStore()});
  await bob.start();
});

after(async () => {
  await bob?.stop();
  await context?.close();
  server?.close();
  await broker?.stop();
  if (folder) {
    rmSync(folder, {recursive: true, force: true});
  }
});

/** page.waitForFunction() waits for a frame to be drawn, and tabs in the background draw none. */
const inPage = (page, fn, arg) => until(() => page.evaluate(fn, arg), String(fn));

async function open() {
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && page.faults.push(message.text()));
  await page.goto(origin);
  await inPage(page, () => Boolean(globalThis.kit));
  return page;
}

/** A page with the client of a user, as an application makes it. */
async function client(user) {
  const page = await open();
  await page.evaluate(([url, name]) => {
    globalThis.fp = new globalThis.kit.Fieldpost({url, user: name, password: ""});
    globalThis.fp.start().then(() => (globalThis.isStarted = true));
  }, [broker.wsUrl, user]);
  try {
    await inPage(page, () => globalThis.isStarted);
  } catch (error) {
    const {held, pending} = await page.evaluate(() => navigator.locks.query());
    throw new Error(`${error.message}; faults: ${page.faults}; locks: ${JSON.stringify([held, pending])}`);
  }
  return page;
}

const texts = (conv) => globalThis.fp.rows(conv).filter((row) => row.kind === "message").map((row) => `${row.text} ${row.state}`);
const online = (page) => inPage(page, () => globalThis.fp.link.state === "online");
const heard = (conv) => bob.rows(conv).filter((row) => row.kind === "message").map((row) => row.text);

test("IndexedDB keeps what it is given", async () => {
  const page = await open();
  await page.evaluate(() => globalThis.kit.conform("conformance"));
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("two tabs: one connection, one outbox, and both show the same", async () => {
  const first = await client("ann");
  await online(first);
  const second = await client("ann");
  await online(second);
  assert.deepEqual(await Promise.all([first, second].map((page) => page.evaluate(() => globalThis.fp.leads))), [true, false]);
  assert.equal(await first.evaluate(() => globalThis.fp.device), await second.evaluate(() => globalThis.fp.device));

  const conv = await second.evaluate(() => globalThis.fp.createConversation({scope: "tabs", title: "Tabs", members: {bob: 1}}));
  await first.evaluate((id) => globalThis.fp.send(id, "from the first"), conv);
  const row = await second.evaluate((id) => globalThis.fp.send(id, "from the second"), conv);
  assert.equal(row.text, "from the second");
  await until(() => heard(conv).length === 2, "both arrive");
  await bob.send(conv, "to both");
  await bob.markRead(conv, 3);
  const wanted = ["from the first read", "from the second read", "to both sent"];
  for (const page of [first, second]) {
    await until(async () => JSON.stringify(await page.evaluate(texts, conv)) === JSON.stringify(wanted), "the same in both tabs");
  }

  // The tab that leads is closed in the middle of it: what the other one has said counts once.
  const saying = second.evaluate(async (id) => {
    let said = 0;
    for (let after = 0; after < 10; after += globalThis.fp.leads ? 1 : 0) { // and ten more once it leads
      await globalThis.fp.send(id, `${said++}`);
    }
    return said;
  }, conv);
  await until(() => heard(conv).length > 6, "some arrive");
  await first.close();
  const said = await saying;
  await until(() => heard(conv).length === 3 + said, "all arrive");
  assert.deepEqual(heard(conv).slice(3), Array.from({length: said}, (_one, i) => `${i}`));
  await inPage(second, () => globalThis.fp.outbox().length === 0);
  assert.deepEqual([...first.faults, ...second.faults], []);
  await second.close();
});

test("said offline, the tab is closed, opened again: it is there, and arrives", async () => {
  const page = await client("carl");
  await online(page);
  const conv = await page.evaluate(() => globalThis.fp.createConversation({scope: "away", title: "Away", members: {bob: 1}}));
  await until(() => bob.conversation(conv)?.head === 1, "the conversation is there");
  await broker.kill();
  await inPage(page, () => globalThis.fp.link.state !== "online");
  await page.evaluate((id) => globalThis.fp.send(id, "from the cellar"), conv);
  await page.close();
  const again = await client("carl");
  assert.deepEqual(await again.evaluate(texts, conv), ["from the cellar queued"]);
  await broker.start();
  await again.evaluate(() => globalThis.fp.hurry());
  await bob.hurry();
  await until(() => heard(conv).length === 1, "it arrives", 30000);
  await until(async () => (await again.evaluate(texts, conv))[0] === "from the cellar delivered", "delivered", 30000);
  await again.close();
});

test("delivered only after IndexedDB has it", async () => {
  const page = await client("dora");
  await online(page);
  const conv = await page.evaluate(() => globalThis.fp.createConversation({scope: "disk", title: "Disk", members: {bob: 1}}));
  await until(() => bob.conversation(conv)?.head === 1, "the conversation is there");
  await inPage(page, (id) => globalThis.fp.conversation(id).head === 1 && globalThis.fp.outbox().length === 0, conv);
  await page.evaluate(() => { // every transaction that writes is given up by the browser at its end
    const {transaction} = IDBDatabase.prototype;
    globalThis.aborted = 0;
    IDBDatabase.prototype.transaction = function broken(...args) {
      const tx = transaction.apply(this, args);
      if (args[1] === "readwrite") {
        const store = tx.objectStore("meta");
        store.get("any").onsuccess = () => queueMicrotask(() => {
          globalThis.aborted++;
          tx.abort();
        });
      }
      return tx;
    };
    globalThis.heal = () => (IDBDatabase.prototype.transaction = transaction);
  });
  const row = await bob.send(conv, "is it safe?");
  const state = () => bob.rows(conv).find((one) => one.key === row.key).state;
  await inPage(page, (id) => globalThis.fp.rowCount(id) === 2, conv); // shown
  await inPage(page, () => globalThis.aborted > 0);
  const {received} = await page.evaluate(async () => { // a question and its answer: what was sent before it has arrived
    const {user} = globalThis.fp;
    await globalThis.fp.watch(["bob"]);
    await globalThis.kit.until(() => globalThis.fp.person("bob").state !== "offline", "the answer");
    return {received: user};
  });
  assert.equal(received, "dora");
  await until(() => state() === "sent", "sent");
  const readers = await bob.readers(conv, row.seq ?? 2);
  assert.equal(readers[0].delivered, null, "not delivered: nothing of it is on the disk");
  await page.evaluate(() => globalThis.heal());
  await until(() => state() === "delivered", "delivered");
  await broker.kill();
  await page.close();
  const again = await client("dora");
  assert.deepEqual(await again.evaluate(texts, conv), ["is it safe? sent"], "what was delivered is there");
  await broker.start();
  await again.close();
});
