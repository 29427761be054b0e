// Says each line that it reads and prints what it hears:  node example.js ws://127.0.0.1:9001/mqtt anna SECRET site-7
// Keeps nothing over its end, since Node has no IndexedDB; give `store` to Fieldpost where that matters.
import {createInterface} from "node:readline";
import {Fieldpost} from "./fieldpost.js";

const [url, user, password, conv] = process.argv.slice(2);
const fp = new Fieldpost({url, user, password});
const printed = new Map();

fp.on("link", () => console.log(`# ${fp.link.state}${fp.link.reason ? `: ${fp.link.reason}` : ""}`));
fp.on("refused", (_row, error) => console.log(`# refused: ${error.reason}`));
fp.on("rows", (id) => {
  for (const row of fp.rows(id)) {
    const line = `${row.user}: ${row.deleted ? "(deleted)" : row.text ?? row.system?.what} [${row.state}]`;
    if (id === conv && printed.get(row.key) !== line) {
      printed.set(row.key, line);
      console.log(line);
    }
  }
  fp.markRead(conv, fp.conversation(conv)?.head ?? 0);
});

await fp.start();
for await (const line of createInterface({input: process.stdin})) {
  await fp.send(conv, line).catch((error) => console.log(`# ${error.message}`));
}
await fp.stop();
