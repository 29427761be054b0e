// `npm run build`: the SDK, and the console if it is there, into dist/.
import {build} from "esbuild";
import {existsSync, readFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {gzipSync} from "node:zlib";
import {browser} from "./bundle.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const {metafile} = await build({...browser, entryPoints: [here("sdk/fieldpost.js")], outfile: here("dist/fieldpost.js"), metafile: true});
const bytes = gzipSync(readFileSync(here("dist/fieldpost.js")), {level: 9}).length;
console.log(`dist/fieldpost.js: ${(bytes / 1024).toFixed(1)} KiB gzipped`);
if (process.argv.includes("--parts")) {
  for (const [path, {bytesInOutput}] of Object.entries(Object.values(metafile.outputs)[0].inputs).sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput).slice(0, 25)) {
    console.log(`${String(bytesInOutput).padStart(7)}  ${path}`);
  }
}
if (existsSync(here("console/build.mjs"))) {
  const {buildConsole} = await import("./console/build.mjs");
  const {gzip} = await buildConsole();
  console.log(`console: ${(gzip / 1024).toFixed(1)} KiB gzipped`);
}
