import {process} from "./globals.js";

export default process;
export const {nextTick, env} = process;
