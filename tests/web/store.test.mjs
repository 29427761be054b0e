import {test} from "node:test";
import {MemoryStore} from "../../edge-relay/web/sdk/fieldpost.js";
import {conformance} from "./conformance.mjs";

test("the store in memory keeps what it is given", async () => {
  const store = new MemoryStore();
  await conformance(async () => store);
});
