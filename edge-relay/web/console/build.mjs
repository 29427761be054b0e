/** Puts the console together: node console/build.mjs [--dev] [OUT]. Without --dev the page is that of the real SDK, in dist. */
import {createHash} from "node:crypto";
import {cpSync, mkdirSync, readFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {gzipSync} from "node:zlib";
import {build} from "esbuild";
import {browser} from "../bundle.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const copied = ["index.html", "manifest.webmanifest", "icon.svg"];
const made = ["console.js", "console.css"];

/** @returns {Promise<{gzip: number}>} the bytes of script and style as they travel */
export async function buildConsole({out = join(here, "..", "dist"), dev = false} = {}) {
  mkdirSync(out, {recursive: true});
  const plain = {bundle: true, minify: true, target: ["es2022"], legalComments: "none", logLevel: "warning"};
  await Promise.all([
    build({
      ...(dev ? {...plain, format: "esm"} : browser),
      entryPoints: [join(here, dev ? "dev/main.js" : "main.js")],
      outfile: join(out, "console.js"),
    }),
    build({...plain, entryPoints: [join(here, "style/console.css")], outfile: join(out, "console.css")}),
  ]);
  copied.forEach((file) => cpSync(join(here, file), join(out, file)));
  const files = [...copied, ...made];
  const version = createHash("sha256")
    .update(Buffer.concat(files.map((file) => readFileSync(join(out, file)))))
    .digest("hex")
    .slice(0, 16);
  await build({
    ...plain,
    entryPoints: [join(here, "sw.js")],
    outfile: join(out, "sw.js"),
    define: {VERSION: JSON.stringify(version), FILES: JSON.stringify(["./", ...files])},
  });
  return {gzip: [...made, "sw.js", "index.html"].reduce((sum, file) => sum + gzipSync(readFileSync(join(out, file)), {level: 9}).length, 0)};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2).filter((arg) => arg !== "--dev");
  const {gzip} = await buildConsole({out: args[0], dev: process.argv.includes("--dev")});
  process.stdout.write(`console: ${(gzip / 1024).toFixed(1)} KiB gzipped\n`);
}
