// What MQTT.js takes for granted, as in Node.
import {Buffer} from "buffer";

const process = {env: {}, browser: true, version: "", versions: {}, nextTick: (fn, ...args) => queueMicrotask(() => fn(...args)), on() {}, emitWarning() {}};

export {Buffer, process};
