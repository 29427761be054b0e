/** What the tests of the console share: the page built over made-up data, a server with the gateway's headers, a browser. */
import {mkdtemp, readFile, rm} from "node:fs/promises";
import {spawn} from "node:child_process";
import {createServer} from "node:http";
import net from "node:net";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {dirname, extname, join, normalize} from "node:path";
import {fileURLToPath} from "node:url";

export const web = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "edge-relay", "web");
const require = createRequire(join(web, "package.json"));
const {chromium} = require("playwright-core");

export const phone = {width: 390, height: 844};
export const desktop = {width: 1280, height: 800};
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};

/** As the gateway's, or stricter. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export async function built({dev = true} = {}) {
  const {buildConsole} = await import(join(web, "console", "build.mjs"));
  const out = await mkdtemp(join(tmpdir(), "fieldpost-console-"));
  const {gzip} = await buildConsole({out, dev});
  return {out, gzip, remove: () => rm(out, {recursive: true, force: true})};
}

/** Serves a folder; /mqtt goes on to `mqtt`, a port with MQTT over WebSocket. */
export async function serve(folder, {mqtt = null} = {}) {
  const server = createServer(async (req, res) => {
    const path = normalize(decodeURIComponent(new URL(req.url, "http://x").pathname)).replace(/^(\.\.[/\\])+/, "");
    const file = path === "/" ? "/index.html" : path;
    try {
      const body = await readFile(join(folder, file));
      res.writeHead(200, {
        "content-type": types[extname(file)] ?? "application/octet-stream",
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
        "content-security-policy": policy,
      });
      res.end(body);
    } catch {
      res.writeHead(404).end();
    }
  });
  const open = new Set();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.on("upgrade", (req, socket, head) => {
    if (!mqtt || new URL(req.url, "http://x").pathname !== "/mqtt") {
      socket.destroy();
      return;
    }
    const to = net.connect(mqtt, "127.0.0.1", () => {
      to.write(`GET ${req.url} HTTP/1.1\r\n${req.rawHeaders.reduce((text, part, i) => text + part + (i % 2 ? "\r\n" : ": "), "")}\r\n`);
      to.write(head);
      to.pipe(socket).pipe(to);
    });
    const end = () => {
      to.destroy();
      socket.destroy();
    };
    [to, socket].forEach((s) => s.on("error", end).on("close", end));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    stop: () => {
      open.forEach((socket) => socket.destroy());
      server.close();
    },
  };
}

/** The same by the gateway itself; `program` is fieldpost-relay. It takes a free port, and its log says which. */
export async function gateway(program, folder, broker) {
  const options = {listen: "127.0.0.1:0", broker: `127.0.0.1:${broker}`, www: folder};
  const child = spawn(
    program,
    Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    {stdio: ["ignore", "ignore", "pipe"]},
  );
  const end = () => child.kill("SIGKILL");
  process.on("exit", end);
  let log = "";
  const url = await new Promise((done, failed) => {
    child.on("exit", () => failed(new Error(`the gateway ended: ${log}`)));
    child.stderr.on("data", (data) => {
      log += data;
      const port = /127\.0\.0\.1:([1-9]\d*)/.exec(log.split("\n").find((line) => line.includes("listen")) ?? "");
      if (port) {
        done(`http://127.0.0.1:${port[1]}/`);
      }
    });
  });
  return {url, stop: end};
}

const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser with a new profile; it ends with the test's process. */
export const browser = () => chromium.launch({executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args});

/** A page of its own profile. Its faults (exceptions, what the console shows as an error, what the policy stopped) are collected in `faults`. */
export async function open(in_, {size = desktop, colours = "light", touch = false, ...more} = {}) {
  const context = await in_.newContext({
    viewport: size,
    colorScheme: colours,
    reducedMotion: "reduce",
    hasTouch: touch,
    isMobile: touch,
    locale: "en-GB",
    ...more,
  });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.faults.push(message.text()));
  return page;
}

export async function signIn(page, {user = "mara.site", password = "secret"} = {}) {
  await page.fill("#user", user);
  await page.fill("#password", password);
  await page.click("button[type=submit]");
  await page.waitForSelector(".conv-pane, .ops");
}
