/** The other programs of an end-to-end test, as child processes: the gateway, the C client, and a network that can be cut. */
import {spawn} from "node:child_process";
import {once} from "node:events";
import {existsSync} from "node:fs";
import {createRequire} from "node:module";
import {connect, createServer} from "node:net";
import {dirname, join, resolve} from "node:path";
import * as K from "../../edge-relay/web/sdk/keys.js";
import * as W from "../../edge-relay/web/sdk/wire.js";
import {canConnect, freePort} from "./broker.mjs";
import {until} from "./until.mjs";

const mqtt = createRequire(new URL("../../edge-relay/web/package.json", import.meta.url))("mqtt");

const alive = new Set();

/** At the end of the tests: what a failed one has left running. A child's pipes would keep this process. */
export const killAll = () => alive.forEach((child) => child.kill("SIGKILL"));
process.on("exit", killAll);

function start(program, words, options) {
  const child = spawn(program, words, options);
  alive.add(child);
  child.ended = new Promise((done) => child.on("exit", (code) => done(code, alive.delete(child))));
  return child;
}

/** A program of the build that FIELDPOST_SO is of. */
function built(path) {
  const program = resolve(dirname(process.env.FIELDPOST_SO ?? ""), "../..", path);
  if (!existsSync(program)) {
    throw new Error(`it is not built: ${program}`);
  }
  return program;
}

/** fieldpost-relay; its ports stay the same when it is started again. `options` as on its command line; with `tls` it listens with TLS. */
export class Gateway {
  constructor(options, {tls = false} = {}) {
    this.options = options;
    this.tls = tls;
  }

  async start() {
    this.port ??= await freePort();
    const at = `127.0.0.1:${this.port}`;
    const options = {...this.options, ...(this.tls ? {listen: "off", listen_tls: at} : {listen: at})};
    this.log = "";
    this.child = start(
      built("edge-relay/fieldpost-relay"),
      Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
      {stdio: ["ignore", "ignore", "pipe"]},
    );
    this.child.stderr.on("data", (data) => (this.log += data));
    await until(async () => {
      if (this.child.exitCode !== null) {
        throw new Error(`the gateway ended: ${this.log}`);
      }
      return canConnect(this.port);
    }, `the gateway listens; its log: ${this.log}`);
    return this;
  }

  get url() {
    return `${this.tls ? "https" : "http"}://127.0.0.1:${this.port}/`;
  }

  async kill() {
    this.child?.kill("SIGKILL");
    await this.child?.ended;
  }
}

/** The C client of one person: its command line, one JSON object a line. */
export class Cli {
  constructor(folder, port, user) {
    this.program = built("firmware-client/cli/fieldpost");
    this.base = ["--host", "127.0.0.1", "--port", `${port}`, "--timeout", "20", "--json"];
    this.env = {PATH: "/usr/bin:/bin", HOME: folder, TZ: "UTC", FIELDPOST_USER: user, FIELDPOST_STATE: join(folder, `state-${user}`)};
    this.user = user;
  }

  /** A command that goes on: `rows` fills, say() is a line of its input. */
  open(...words) {
    const child = start(this.program, [...this.base, ...words], {env: this.env, stdio: ["pipe", "pipe", "pipe"]});
    const session = {child, rows: [], error: "", say: (line) => child.stdin.write(`${line}\n`)};
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (data) => {
      const lines = (rest + data).split("\n");
      rest = lines.pop();
      session.rows.push(...lines.map((line) => JSON.parse(line)));
    });
    child.stderr.on("data", (data) => (session.error += data));
    child.stdin.on("error", () => {});
    session.texts = () => session.rows.filter((row) => row.type === "event" && row.kind === "msg").map((row) => row.text);
    session.has = (what, test) =>
      until(() => session.rows.some(test), `${this.user}: ${what}`).catch((error) => {
        throw new Error(`${error.message}; the last lines: ${JSON.stringify(session.rows.slice(-4))} ${session.error}`);
      });
    session.end = async () => {
      child.stdin.end();
      child.kill("SIGINT");
      await child.ended;
    };
    return session;
  }

  /** One command, to its end, under a device of its own: a conversation may be open under the other one. */
  async run(...words) {
    const session = this.open("--device", `${this.user}-once`, ...words);
    const closed = new Promise((done) => session.child.on("close", done));
    session.child.stdin.end();
    const code = await session.child.ended;
    await closed;
    if (code !== 0) {
      throw new Error(`${words.join(" ")} ended with ${code}: ${session.error}`);
    }
    return session.rows;
  }
}

/** A conversation of many messages, by a device that has nothing but MQTT: arrays of 64 as fast as the hub takes them. `text(i)` is of message i. */
export async function seed(broker, user, conversation, count, text) {
  const device = `${user}-seed`;
  const [up, down] = ["up", "down"].map((leaf) => `fp/1/device/${device}/${leaf}`);
  const client = mqtt.connect(broker.url, {clientId: device, username: user, protocolVersion: 4, reconnectPeriod: 0});
  const say = (value) => client.publish(up, W.encode(value), {qos: 1});
  let answered = 0;
  let welcome = null;
  client.on("message", (_topic, bytes) => {
    const reply = W.replyOf(W.decode(bytes));
    welcome = reply.what === K.REPLY_WELCOME ? reply : welcome;
    if (reply.what === K.REPLY_NACK) {
      throw new Error(`the hub refuses what is to be seeded: ${reply.reason}`);
    }
    answered += reply.what === K.REPLY_ACK ? reply.rows.length : 0;
  });
  await once(client, "connect");
  await client.subscribeAsync(down, {qos: 1});
  say(W.plainCommand(K.K_HELLO, {body: W.map([K.HELLO_PROTOCOL, K.WIRE_VERSION], [K.HELLO_FRESH, true])}));
  await until(() => welcome, "the hub's welcome");
  const {conv, ...body} = conversation;
  say(W.commandOf({kind: K.K_CONV_NEW, n: 1, conv, body}));
  for (let i = 1; i <= count; i += 64) {
    await until(() => answered > i - 64 * 16, "the hub keeps up");
    say(Array.from({length: Math.min(64, count + 1 - i)}, (_one, k) => W.commandOf({kind: K.K_MSG, n: i + k + 1, conv, body: {text: text(i + k)}})));
  }
  await until(() => answered === count + 1, "all of it is answered");
  await client.endAsync(true);
}

/** A network on the way to a port, which can be cut: what is open breaks, what is new is refused. */
export class Wan {
  constructor(to) {
    this.open = new Set();
    this.isCut = false;
    this.server = createServer((near) => {
      if (this.isCut) {
        near.destroy();
        return;
      }
      const far = connect(to, "127.0.0.1");
      const end = () => [near, far].forEach((socket) => socket.destroy(this.open.delete(socket)));
      [near, far].forEach((socket) => this.open.add(socket.setNoDelay(true).on("error", end).on("close", end)));
      near.pipe(far).pipe(near);
    });
  }

  async start() {
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.port = this.server.address().port;
    return this;
  }

  cut() {
    this.isCut = true;
    this.open.forEach((socket) => socket.destroy());
  }

  mend() {
    this.isCut = false;
  }

  stop() {
    this.cut();
    this.server.close();
  }
}
