// Tabs of one origin: one of them leads, by a Web Lock; they talk over a BroadcastChannel.

export class WebTabs {
  static isThere() {
    return typeof navigator !== "undefined" && Boolean(navigator.locks) && typeof BroadcastChannel !== "undefined";
  }

  open(name, onMessage, onLead) {
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({data}) => onMessage(data);
    this.given = new AbortController();
    const held = new Promise((resolve) => (this.release = resolve));
    navigator.locks.request(name, {signal: this.given.signal}, () => {
      onLead();
      return held;
    }).catch((error) => {
      if (error.name !== "AbortError") {
        throw error;
      }
    });
  }

  post(message) {
    this.channel?.postMessage(message);
  }

  close() {
    this.given?.abort();
    this.release?.();
    this.channel?.close();
    this.channel = null;
  }
}
