// What the pages of browser.test.mjs have at hand.
import * as sdk from "../../edge-relay/web/sdk/fieldpost.js";
import {conformance} from "./conformance.mjs";
import {until} from "./until.mjs";

globalThis.kit = {...sdk, until, conformance};
globalThis.kit.conform = async (name) => {
  let store = null;
  await conformance(async () => {
    store?.close();
    store = new sdk.IndexedDbStore();
    await store.open(name);
    return store;
  });
};
