/** The page with the real hub: the gateway that served it carries MQTT at /mqtt. */
import {Fieldpost} from "../sdk/fieldpost.js";
import {decode} from "../sdk/wire.js";
import {App} from "./app.js";
import {register} from "./offline.js";

const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/mqtt`;
const app = new App(Fieldpost, {url, operator: true, app: "console"}, document.getElementById("app"), decode);
app.begin();
register((reload) => app.offerUpdate(reload));
