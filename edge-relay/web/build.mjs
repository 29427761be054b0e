// Bundles for the browser into dist/: fieldpost.js (an ES module), and the console if it is there.
import {build} from "esbuild";
import {existsSync, readFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {gzipSync} from "node:zlib";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export const options = {
  bundle: true, minify: true, format: "esm", platform: "browser", target: ["chrome100", "firefox100", "safari15.4"], legalComments: "none", logLevel: "warning",
};

await build({...options, entryPoints: [here("sdk/fieldpost.js")], outfile: here("dist/fieldpost.js")});
console.log(`dist/fieldpost.js: ${gzipSync(readFileSync(here("dist/fieldpost.js")), {level: 9}).length} bytes gzipped`);
if (existsSync(here("console/build.mjs"))) {
  await import("./console/build.mjs");
}
