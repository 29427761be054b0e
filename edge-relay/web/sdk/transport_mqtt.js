// MQTT 3.1.1 by MQTT.js, over WebSocket or, in Node, TCP. One object is one connection after the other; when to connect is decided elsewhere.
import mqtt from "mqtt";

const CONNECT_MS = 10000;
const BAD_LOGIN = new Set([4, 5]); // CONNACK: bad user name or password, not authorized

export class MqttTransport {
  constructor() {
    this.client = null;
  }

  /**
   * @param {{url: string, user: string, password: string, clientId: string, will: {topic: string, payload: string}}} options
   * @param {{opened: () => void, message: (topic: string, bytes: Uint8Array) => void, closed: (why: object) => void}} handlers
   */
  connect({url, user, password, clientId, will}, handlers) {
    this.disconnect();
    const client = mqtt.connect(url, {
      clientId, username: user, password, will: {...will, qos: 1, retain: true}, clean: true, protocolVersion: 4, keepalive: 30, reconnectPeriod: 0,
      connectTimeout: CONNECT_MS, resubscribe: false, queueQoSZero: false, timerVariant: "native", reschedulePings: false, // what we say proves no way back
    });
    let why = {reason: "the connection has ended", isRefused: false};
    const isCurrent = () => this.client === client;
    this.client = client;
    client.on("connect", () => isCurrent() && handlers.opened());
    client.on("message", (topic, payload) => isCurrent() && handlers.message(topic, payload));
    client.on("error", (error) => {
      why = {reason: error.message || error.code || "no connection to the broker", isRefused: BAD_LOGIN.has(error.code)};
      client.end(true);
    });
    client.on("close", () => {
      if (isCurrent()) {
        this.client = null;
        client.end(true);
        handlers.closed(why);
      }
    });
  }

  publish(topic, bytes, {qos, retain}) {
    this.client?.publish(topic, bytes, {qos, retain}, () => {}); // P2: what the broker says to it promises nothing
  }

  /** failed() if the broker does not allow it. */
  subscribe(filters, failed) {
    const {client} = this;
    client?.subscribe(filters, {qos: 1}, (error, granted) => {
      const isRefused = (granted ?? []).some((one) => one.qos > 2) || (error && client.connected);
      if (isRefused && this.client === client) {
        failed();
      }
    });
  }

  disconnect() {
    const {client} = this;
    this.client = null;
    client?.end(false, {}, () => {});
  }
}
