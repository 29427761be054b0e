// In place of modules that a browser never comes to use here: logs, Node's sockets, timers in a worker, topic aliases of MQTT 5.
const none = () => {};
none.enabled = false;
const make = () => none;
make.default = make;
make.setInterval = (...args) => setInterval(...args);
make.clearInterval = (...args) => clearInterval(...args);
make.LRUCache = Map;
module.exports = make;
