// MQTT.js as a browser needs it: its client and its WebSocket stream, without TCP, TLS, proxies, the command line and the choice between them.
import client from "mqtt/lib/client";
import {browserStreamBuilder} from "mqtt/lib/connect/ws";

const MqttClient = client.default ?? client;

export default {
  connect(address, options) {
    const url = new URL(address);
    const all = {
      ...options, protocolId: "MQTT", protocol: url.protocol.slice(0, -1), hostname: url.hostname, port: url.port === "" ? undefined : Number(url.port),
      path: url.pathname + url.search,
    };
    return new MqttClient((self) => browserStreamBuilder(self, all), all);
  },
};
