// Makes sdk/keys.js from schemas/include/fp/keys.h: the numbers on the wire, under the names that they have there without FP_. The trunk
// between relay and hub is left out: no client sees it.
// `--check` writes nothing and ends with 1 when the file is another one.
import {readFileSync, writeFileSync} from "node:fs";
import {fileURLToPath} from "node:url";

const source = fileURLToPath(new URL("../../../schemas/include/fp/keys.h", import.meta.url));
const target = fileURLToPath(new URL("../sdk/keys.js", import.meta.url));

/** @param {string} header the text of keys.h */
export function keysOf(header) {
  const lines = ["// The numbers on the wire. Made by gen/keys.mjs from schemas/include/fp/keys.h; run `npm run keys` after that has changed.", ""];
  let isOurs = true;
  for (const line of header.split("\n")) {
    const section = /^\/\* -+ (\w+)\.cddl \*\/$/.exec(line);
    const number = /^ {4}FP_(\w+)\s*= (\d+),/.exec(line);
    if (section) {
      isOurs = section[1] !== "trunk";
    }
    if (section && isOurs) {
      lines.push(`// ${section[1]}`);
    } else if (number && isOurs) {
      lines.push(`export const ${number[1]} = ${number[2]};`);
    }
  }
  return lines.join("\n") + "\n";
}

export const current = () => keysOf(readFileSync(source, "utf8"));
export const kept = () => readFileSync(target, "utf8");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes("--check")) {
    writeFileSync(target, current());
  } else if (current() !== kept()) {
    console.error("sdk/keys.js is not what schemas/include/fp/keys.h says; run `npm run keys`");
    process.exit(1);
  }
}
