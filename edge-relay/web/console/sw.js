/**
 * Keeps the files of one version of the page, and answers from them alone: a page is never put together of two versions. Anything else, the MQTT
 * connection above all, goes to the network untouched.
 */
/* global VERSION, FILES */
const cacheName = `fieldpost-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll(FILES.map((file) => new Request(file, {cache: "reload"})))));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((keys) => Promise.all(keys.filter((key) => key.startsWith("fieldpost-") && key !== cacheName).map((key) => caches.delete(key))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "now") {
    self.skipWaiting();
  }
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const file =
    new URL(self.registration.scope).pathname === url.pathname ? "./" : url.pathname.slice(new URL(self.registration.scope).pathname.length);
  if (event.request.method === "GET" && url.origin === location.origin && FILES.includes(file)) {
    event.respondWith(
      caches
        .open(cacheName)
        .then((cache) => cache.match(new URL(file, self.registration.scope).href))
        .then((hit) => hit ?? fetch(event.request)),
    );
  }
});
