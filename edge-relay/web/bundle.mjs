// How the SDK is bundled for a browser: options for esbuild, for this build and the console's.
import {createRequire} from "node:module";
import {fileURLToPath} from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const resolve = createRequire(import.meta.url).resolve;
const UNUSED = /^(debug|ws|worker-timers|lru-cache|socks)$/;

/** MQTT.js without what only Node needs: a third of its size. */
export const slim = {
  name: "slim",
  setup(build) {
    build.onResolve({filter: /^mqtt$/}, () => ({path: here("slim/mqtt.js")}));
    build.onResolve({filter: UNUSED}, () => ({path: here("slim/none.js")}));
    build.onResolve({filter: /^process\/?$/}, () => ({path: here("slim/process.js")}));
    build.onResolve({filter: /^(buffer|events|string_decoder)\/?$/}, ({path}) => ({path: resolve(`${path.replace("/", "")}/`)}));
  },
};

export const browser = {
  bundle: true, minify: true, format: "esm", platform: "browser", target: ["es2022"], legalComments: "none", logLevel: "warning",
  plugins: [slim], inject: [here("slim/globals.js")], define: {global: "globalThis"},
};
