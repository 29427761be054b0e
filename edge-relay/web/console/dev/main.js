/** The page over made-up data. The address says how much: ?rows=10000&offline */
import {App} from "../app.js";
import {register} from "../offline.js";
import {Fieldpost, operations} from "./fake.js";

const query = new URLSearchParams(location.search);
const options = {rows: Number(query.get("rows") ?? 10000), online: !query.has("offline")};
if (query.has("now")) {
  options.now = Number(query.get("now"));
}
const app = new App(Fieldpost, options, document.getElementById("app"));
app.begin();
register((reload) => app.offerUpdate(reload));
globalThis.app = app;

/* Reports come one a second; here the clock of the page is set on by one for each. */
globalThis.fakeOperations = (count, isAll) => {
  const real = Date.now;
  let now = real() - count * 1000;
  Date.now = () => (now += 1000 / 3);
  operations(globalThis.fake, count, isAll);
  Date.now = real;
};
