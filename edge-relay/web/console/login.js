/** Signing in, and what the browser keeps of it. */
import {fill, h, icon} from "./dom.js";
import {idGrammar} from "./people.js";
import {say} from "./text.js";

/* The colours, the user's name, and his rules of who may see him; the password only if he asked for it. The messages are the client's, in IndexedDB. */
const THEME = "fieldpost.theme";
const USER = "fieldpost.user";
const KEEP = "fieldpost.keep";
const POLICY = "fieldpost.policy.";

const saved = {
  get: (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set: (key, value) => {
    try {
      value === null ? localStorage.removeItem(key) : localStorage.setItem(key, value);
    } catch {
      /* a browser that keeps nothing */
    }
  },
};

const themes = ["auto", "light", "dark"];

export const themeNow = () => (themes.includes(saved.get(THEME)) ? saved.get(THEME) : "auto");

export function applyTheme() {
  document.documentElement.dataset.theme = themeNow();
}

export function nextTheme() {
  saved.set(THEME, themes[(themes.indexOf(themeNow()) + 1) % themes.length]);
  applyTheme();
}

/** {user, password} where the user asked to stay signed in, or null. */
export function keptLogin() {
  try {
    const {user, password} = JSON.parse(saved.get(KEEP));
    return idGrammar.test(user) && typeof password === "string" ? {user, password} : null;
  } catch {
    return null;
  }
}

export const dropLogin = () => saved.set(KEEP, null);

export function dropUser(user) {
  saved.set(USER, null);
  saved.set(POLICY + user, null);
}

/** The rules that this browser has told the hub last, which does not tell them back; hostile until looked at. */
export function keptPolicy(user) {
  try {
    const rows = JSON.parse(saved.get(POLICY + user));
    return Array.isArray(rows) ? rows : [];
  } catch {
    return [];
  }
}

export const keepPolicy = (user, rules) => saved.set(POLICY + user, JSON.stringify(rules));

function keep(user, password, stay) {
  saved.set(USER, user);
  saved.set(KEEP, stay ? JSON.stringify({user, password}) : null);
}

function fields() {
  const plain = {autocapitalize: "off", spellcheck: "false", required: true};
  const user = h("input", {...plain, id: "user", name: "user", autocomplete: "username", maxlength: "36"});
  user.value = saved.get(USER) ?? "";
  return {
    user,
    password: h("input", {...plain, id: "password", name: "password", type: "password", autocomplete: "current-password"}),
    stay: h("input", {id: "keep", type: "checkbox", "aria-describedby": "keep-hint"}),
  };
}

/** @param root @param {string} error of the last attempt @param {(user: string, password: string) => void} done */
export function showLogin(root, error, done) {
  document.title = `${say("loginTitle")} · ${say("app")}`;
  const {user, password, stay} = fields();
  const message = h("p", {class: "error", role: "alert"}, error);
  const stayLabel = h("label", {for: "keep"}, say("loginKeep"), h("span", {class: "hint", id: "keep-hint"}, say("loginKeepHint")));
  const form = h(
    "form",
    {class: "login", "aria-label": say("loginTitle")},
    h("div", {class: "brand"}, icon("chat"), h("h1", null, say("app"))),
    h("label", {for: "user"}, h("span", null, say("loginUser")), user),
    h("label", {for: "password"}, h("span", null, say("loginPassword")), password),
    h("div", {class: "check"}, stay, stayLabel),
    message,
    h("button", {type: "submit", class: "primary big"}, say("loginButton")),
    navigator.onLine === false && h("p", {class: "hint"}, say("loginOffline")),
  );
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!user.value || !password.value) {
      message.textContent = say("loginMissing");
    } else if (!idGrammar.test(user.value)) {
      message.textContent = say("loginUserGrammar");
    } else {
      keep(user.value, password.value, stay.checked);
      done(user.value, password.value);
    }
  });
  fill(root, h("main", {class: "login-page"}, form));
  (user.value ? password : user).focus();
}
