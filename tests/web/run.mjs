// `npm test` in edge-relay/web: all tests here, or those whose file names contain an argument. Ends with "N passed, M failed".
import {readdirSync} from "node:fs";
import {run} from "node:test";
import {spec} from "node:test/reporters";
import {fileURLToPath} from "node:url";
import {join} from "node:path";

const here = fileURLToPath(new URL(".", import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(here).filter((name) => name.endsWith(".test.mjs") && (wanted.length === 0 || wanted.some((word) => name.includes(word))));
const count = {passed: 0, failed: 0};

const stream = run({files: files.sort().map((name) => join(here, name)), concurrency: 1, timeout: 300000});
const isLeaf = ({details, name}) => details?.type !== "suite" && !name.endsWith(".test.mjs");
stream.on("test:pass", (event) => (count.passed += isLeaf(event) ? 1 : 0));
stream.on("test:fail", () => count.failed++);
stream.on("end", () => setImmediate(() => {
  console.log(`${count.passed} passed, ${count.failed} failed`);
  process.exit(count.failed > 0 || count.passed === 0 ? 1 : 0);
}));
stream.compose(typeof spec === "function" && spec.prototype ? new spec() : spec).pipe(process.stdout);
