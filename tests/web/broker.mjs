// A real mosquitto with the plugin, in a folder of its own; never left behind. FIELDPOST_SO names the plugin: without it nothing is proven.
import {spawn} from "node:child_process";
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {connect, createServer} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";

const MOSQUITTO = process.env.MOSQUITTO ?? "/usr/sbin/mosquitto";
const alive = new Set();
process.on("exit", () => alive.forEach((child) => child.kill("SIGKILL")));

export const freePort = () => new Promise((resolve, reject) => {
  const server = createServer();
  server.on("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const {port} = server.address();
    server.close(() => resolve(port));
  });
});

export const canConnect = (port) => new Promise((resolve) => {
  const socket = connect(port, "127.0.0.1");
  socket.on("connect", () => socket.destroy(resolve(true)));
  socket.on("error", () => resolve(false));
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Broker {
  /** options: plugin options besides db_file. */
  constructor(options = {}) {
    const so = process.env.FIELDPOST_SO ?? "";
    if (!existsSync(so)) {
      throw new Error(`FIELDPOST_SO must name the plugin, fieldpost.so; it is "${so}"`);
    }
    this.so = so;
    this.options = options;
    this.folder = mkdtempSync(join(tmpdir(), "fp-web-"));
    this.child = null;
  }

  config() {
    const options = {db_file: join(this.folder, "fieldpost.db"), ...this.options};
    return [
      ...(process.getuid() === 0 ? ["user root"] : []),
      "per_listener_settings false", "allow_anonymous true", "persistence false", "set_tcp_nodelay true",
      `listener ${this.port} 127.0.0.1`, `listener ${this.wsPort} 127.0.0.1`, "protocol websockets",
      `log_dest file ${join(this.folder, "mosquitto.log")}`, `plugin ${this.so}`,
      ...Object.entries(options).map(([key, value]) => `plugin_opt_${key} ${value}`),
    ].join("\n") + "\n";
  }

  /** The ports stay the same over a restart, so that a client finds it again. */
  async start() {
    for (let attempt = 0; ; attempt++) {
      this.port ??= await freePort();
      this.wsPort ??= await freePort();
      writeFileSync(join(this.folder, "mosquitto.conf"), this.config());
      const child = spawn(MOSQUITTO, ["-c", join(this.folder, "mosquitto.conf")], {stdio: ["ignore", "ignore", "pipe"]});
      let said = "";
      child.stderr.on("data", (data) => (said += data));
      this.child = child;
      alive.add(child);
      const ended = new Promise((resolve) => child.on("exit", resolve));
      const isUp = await Promise.race([this.ready(), ended.then(() => false)]);
      if (isUp) {
        return this;
      }
      alive.delete(child);
      if (attempt === 4) {
        throw new Error(`the broker did not start: ${said}\n${this.log()}`);
      }
      this.port = this.wsPort = undefined; // another program may have taken one
    }
  }

  async ready() {
    for (let i = 0; i < 1000; i++) {
      if (await canConnect(this.port) && await canConnect(this.wsPort)) {
        return true;
      }
      await pause(10);
    }
    return false;
  }

  get url() {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get wsUrl() {
    return `ws://127.0.0.1:${this.wsPort}`;
  }

  log() {
    const path = join(this.folder, "mosquitto.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  async end(signal) {
    const {child} = this;
    if (child) {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill(signal);
      await ended;
      alive.delete(child);
      this.child = null;
    }
  }

  kill() {
    return this.end("SIGKILL");
  }

  async stop() {
    await this.end("SIGTERM");
    rmSync(this.folder, {recursive: true, force: true});
  }
}
