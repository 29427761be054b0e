/** The page itself without a network: the service worker keeps its files. */

/** Trusted Types: this is the only script address that code of ours hands to the browser. */
const script = () =>
  globalThis.trustedTypes ? trustedTypes.createPolicy("fieldpost", {createScriptURL: () => "sw.js"}).createScriptURL("") : "sw.js";

/** @param {(reload: () => void) => void} ready called when a newer version of the page waits */
export async function register(ready) {
  if (!("serviceWorker" in navigator)) {
    return;
  }
  const hadOne = navigator.serviceWorker.controller !== null;
  const registration = await navigator.serviceWorker
    .register(script())
    .catch(() => null); /* without one the page works as long as there is a network */
  const waits = (worker) => {
    if (worker && hadOne) {
      ready(() => {
        navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), {once: true});
        worker.postMessage("now");
      });
    }
  };
  waits(registration?.waiting);
  registration?.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => worker.state === "installed" && waits(worker));
  });
}
