/**
 * Who may see whether one is there: a dialog with a rule for everyone (who shares a scope: nobody else sees anything), and one for each person that is
 * named. The hub does not tell the rules back, so this browser remembers those that it has told last.
 */
import {announce, fill, h, icon, iconButton} from "./dom.js";
import {keepPolicy, keptPolicy} from "./login.js";
import {idGrammar} from "./people.js";
import {say} from "./text.js";

const levels = ["exact", "quarter", "day", "hidden"];
const MAX_PEOPLE = 63; /* the hub takes 64 rules */

const isRule = (row) => levels.includes(row?.level) && (row.viewer === "everyone" || idGrammar.test(row.viewer?.user ?? ""));

/** What this browser has told last, or that everybody sees all. */
export function policyOf(user) {
  const rows = keptPolicy(user).filter(isRule);
  return {
    everyone: rows.find((row) => row.viewer === "everyone")?.level ?? "exact",
    people: rows.filter((row) => row.viewer.user).map((row) => ({user: row.viewer.user, level: row.level})),
  };
}

/** As the SDK wants it. */
export const rulesOf = ({everyone, people}) => [{viewer: "everyone", level: everyone}, ...people.map(({user, level}) => ({viewer: {user}, level}))];

const chooser = (id, value) =>
  h(
    "select",
    {id},
    levels.map((level) => h("option", {value: level, selected: level === value}, say(`policyLevel_${level}`))),
  );

const field = (id, label, control) => h("label", {for: id}, h("span", null, label), control);

class PolicyDialog {
  constructor(fp, done) {
    Object.assign(this, {fp, done, serial: 0, people: []});
    const now = policyOf(fp.user);
    this.everyone = chooser("policy-everyone", now.everyone);
    this.list = h("ul", {class: "policy-people"});
    this.error = h("p", {class: "error", role: "alert", id: "policy-error"});
    const addOne = () => this.add({user: "", level: this.everyone.value === "hidden" ? "exact" : "hidden"}, true);
    this.addButton = h("button", {type: "button", class: "plain wide", on: {click: addOne}}, icon("plus"), say("policyAdd"));
    const buttons = h(
      "div",
      {class: "buttons"},
      h("button", {type: "button", class: "plain", on: {click: () => this.box.close()}}, say("cancel")),
      h("button", {type: "submit", class: "primary"}, say("save")),
    );
    this.form = h(
      "form",
      {class: "ask", on: {submit: (event) => this.submit(event)}},
      h("h2", {id: "policy-heading"}, say("policyTitle")),
      h("p", {class: "hint", id: "policy-note"}, say("policyNote")),
      field("policy-everyone", say("policyEveryone"), this.everyone),
      h("div", {role: "group", "aria-label": say("policyPeople")}, h("h3", null, say("policyPeople")), this.list, this.addButton),
      h("p", {class: "hint"}, say("policyHidden")),
      h("p", {class: "hint"}, say("policyLast")),
      this.error,
      buttons,
    );
    this.box = h("dialog", {class: "policy", "aria-labelledby": "policy-heading", "aria-describedby": "policy-note"}, this.form);
    now.people.forEach((one) => this.add(one, false));
  }

  open(back) {
    this.box.addEventListener("close", () => {
      this.box.remove();
      back?.focus();
    });
    document.body.append(this.box);
    this.box.showModal();
    this.everyone.focus();
  }

  add({user, level}, isNew) {
    const n = ++this.serial;
    const name = h("input", {id: `policy-user-${n}`, type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: "36"});
    name.value = user;
    const one = {name, level: chooser(`policy-level-${n}`, level)};
    one.el = h(
      "li",
      null,
      field(name.id, say("policyPerson"), name),
      field(one.level.id, say("policySees"), one.level),
      iconButton("trash", say("policyRemove"), () => this.remove(one)),
    );
    this.people.push(one);
    this.list.append(one.el);
    this.addButton.hidden = this.people.length >= MAX_PEOPLE;
    if (isNew) {
      name.focus();
    }
  }

  remove(one) {
    this.people = this.people.filter((other) => other !== one);
    one.el.remove();
    this.addButton.hidden = false;
    this.addButton.focus();
  }

  wrong(text, input) {
    this.people.forEach(({name}) => name.removeAttribute("aria-invalid"));
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", "policy-error");
    fill(this.error, text);
    input.focus();
  }

  submit(event) {
    event.preventDefault();
    const people = this.people.map(({name, level}) => ({user: name.value.trim(), level: level.value, name}));
    const bad = people.find(({user}) => !idGrammar.test(user));
    const twice = people.find(({user}, i) => people.findIndex((one) => one.user === user) < i);
    if (bad || twice) {
      this.wrong(bad ? say("convMemberGrammar", {user: bad.user}) : say("policyTwice", {user: twice.user}), (bad ?? twice).name);
      return;
    }
    const rules = rulesOf({everyone: this.everyone.value, people});
    keepPolicy(this.fp.user, rules);
    this.box.close();
    this.done(this.fp.policy(rules));
    announce(say(this.fp.link.state === "online" ? "policySaved" : "policyLater"));
  }
}

/** @param fp @param {(promise: Promise) => void} run where a failure is said */
export const askPolicy = (fp, run) => new PolicyDialog(fp, run).open(document.activeElement);
