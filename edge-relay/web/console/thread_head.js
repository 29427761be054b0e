/** What stands around the list of messages: whose conversation it is, what must be confirmed, who is typing. */
import {bdi, h, icon, iconButton} from "./dom.js";
import {avatar, otherOf, personText, titleOf} from "./people.js";
import {say} from "./text.js";

const HERE = ["active", "busy", "away"];

/** @param thread of thread.js */
export function headOf({fp, conv, go}) {
  const other = otherOf(fp, conv);
  const members = Object.keys(conv.members ?? {});
  const isHere = (user) => (user === fp.user ? fp.link.state === "online" : HERE.includes(fp.person(user)?.state));
  const about = other ? personText(fp.person(other)) : say("membersOnline", {n: members.length, online: members.filter(isHere).length});
  return [
    iconButton("back", say("back"), () => go.back(), "to-list"),
    avatar(titleOf(fp, conv), other ? (fp.person(other)?.state ?? "offline") : null),
    h("div", {class: "thread-title"}, h("h1", null, bdi(titleOf(fp, conv))), h("p", {class: "hint"}, about)),
    iconButton("people", say("details"), () => go.panel("about"), "details-button"),
  ];
}

/** @param typing {names, count}: the first names, and how many there are in all */
export function typingOf(fp, typing) {
  const [a, b, ...others] = (typing?.names ?? []).filter((user) => user !== fp.user);
  const n = others.length + Math.max(0, (typing?.count ?? 0) - (typing?.names?.length ?? 0));
  if (a === undefined) {
    return null;
  }
  const text = b === undefined ? say("typingOne", {a}) : n === 0 ? say("typingTwo", {a, b}) : say("typingMany", {a, b, n});
  return [h("span", {class: "dots", "aria-hidden": "true"}, h("i"), h("i"), h("i")), bdi(text)];
}

/** @param waiting rows, the oldest first */
export function bannerOf(thread, waiting) {
  const [row] = waiting;
  return [
    icon("flag"),
    h(
      "button",
      {type: "button", class: "banner-text", title: say("show"), "data-seq": row.seq, on: {click: () => thread.revealSeq(row.seq)}},
      h("strong", null, say("confirmBanner", {n: waiting.length})),
      h("span", {dir: "auto"}, (row.text ?? "").slice(0, 160)),
    ),
    h("button", {type: "button", class: "primary", "data-seq": row.seq, on: {click: () => thread.confirm(row)}}, say("confirm")),
  ];
}
