/**
 * Elements without a framework. Whatever is text becomes a text node: nothing that came over the wire is ever parsed as HTML, and no attribute
 * is made from it but labels.
 */
const attributes = new Set([
  "id",
  "role",
  "type",
  "name",
  "for",
  "href",
  "tabindex",
  "title",
  "placeholder",
  "autocomplete",
  "autocapitalize",
  "spellcheck",
  "rows",
  "maxlength",
  "min",
  "max",
  "dir",
  "lang",
  "value",
  "scope",
  "enterkeyhint",
  "inputmode",
  "open",
  "datetime",
  "step",
]);

/** h("button", {class: "plain", on: {click}, "aria-label": text}, "Send") */
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name === "on") {
      for (const [event, fn] of Object.entries(value)) {
        el.addEventListener(event, fn);
      }
    } else if (name === "class") {
      el.className = value;
    } else if (name === "disabled" || name === "checked" || name === "hidden" || name === "required" || name === "selected") {
      el[name] = true;
    } else if (attributes.has(name) || name.startsWith("aria-") || name.startsWith("data-")) {
      el.setAttribute(name, value === true ? "" : value);
    } else {
      throw new Error(`h: attribute ${name} is not allowed`);
    }
  }
  put(el, children);
  return el;
}

function put(el, children) {
  for (const child of children) {
    if (Array.isArray(child)) {
      put(el, child);
    } else if (child !== null && child !== undefined && child !== false) {
      el.append(child);
    }
  }
}

/** Replaces what is in `el`. */
export function fill(el, ...children) {
  const next = document.createDocumentFragment();
  put(next, children);
  el.replaceChildren(next);
  return el;
}

const called = (el) => el.getAttribute("aria-label") ?? el.textContent;

/** What was drawn in place of an element that is gone, if anything: of its kind, and called the same. */
export const successor = (root, el) => (el ? [...root.querySelectorAll(el.tagName)].find((other) => called(other) === called(el)) : undefined);

/**
 * As fill, but what would look the same stays: a click that has begun, a selection and the focus survive. Only for what is made anew each time; what a
 * listener needs to know must show in the element (a data-attribute will do).
 */
export function patch(box, ...children) {
  const next = h("div", null, children);
  const focused = box.contains(document.activeElement) && document.activeElement !== box ? document.activeElement : null;
  const fresh = [...next.childNodes];
  fresh.forEach((node, i) => {
    const old = box.childNodes[i];
    if (!old) {
      box.append(node);
    } else if (!old.isEqualNode(node)) {
      old.replaceWith(node);
    }
  });
  while (box.childNodes.length > fresh.length) {
    box.lastChild.remove();
  }
  if (focused && !focused.isConnected) {
    (successor(box, focused) ?? document.body).focus({preventScroll: true});
  }
}

/** A name or text of somebody: its direction is its own. */
export const bdi = (text, cls) => h("bdi", {class: cls}, text);

const paths = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  send: "M4 12l16-8-6 16-3-7z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  checks: "M2 12.5l4.5 4.5L15 8M11 16l1 1L22 7.5",
  clock: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  up: "M12 19V6M6 11l6-6 6 6",
  relay: "M12 13v8M8.5 9.5a5 5 0 0 1 7 0M5.5 6.5a9 9 0 0 1 13 0M12 13a.5.5 0 1 0 0-.1",
  warn: "M12 4L2.5 20h19zM12 10v4M12 17v.2",
  bang: "M12 6v8M12 18v.2",
  info: "M12 11v6M12 7.5v.2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  reply: "M9 7L4 12l5 5M4 12h9a6 6 0 0 1 6 6",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.5 14a4.5 4.5 0 0 0 7 0M9 9.5v.2M15 9.5v.2",
  more: "M5 12v.2M12 12v.2M19 12v.2",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  hide: "M4 8h16M4 12h10M4 16h13",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  path: "M6 6a2 2 0 1 0 0-.1M18 18a2 2 0 1 0 0-.1M8 6h6a3.5 3.5 0 0 1 0 7h-4a3.5 3.5 0 0 0 0 7h6",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20a6.5 6.5 0 0 1 13 0M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20.5a7.5 7.5 0 0 1 15 0",
  down: "M6 9l6 6 6-6",
  right: "M9 6l6 6-6 6",
  chat: "M4 5h16v11H10l-5 4v-4H4z",
  pulse: "M2 12h5l3-8 4 16 3-8h5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
  out: "M14 4h5v16h-5M4 12h11M11 8l4 4-4 4",
  flag: "M6 21V4h12l-2.5 4 2.5 4H6",
  pause: "M9 6v12M15 6v12",
  retry: "M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5",
  thumb: "M4 10h4v10H4zM8 11l4-8c2 0 2.5 1.5 2 3l-.8 3.5H19c1.5 0 2 1 1.7 2.2l-1.5 6c-.4 1.5-1.200 2.300-2.7 2.300H8",
  question: "M8.5 9a3.5 3.5 0 1 1 5.5 2.900c-1.300.9-2 1.600-2 3.100M12 19v.2",
  thanks: "M12 4v8M12 4c-2 0-2.5 1-2.5 2.5L9 12l-4 5 4 3.5 3-3.5 3 3.5 4-3.5-4-5-.5-5.5C14.5 5 14 4 12 4",
  off: "M4 4l16 16M8.5 9.5a5 5 0 0 1 2-1.2M5.5 6.5a9 9 0 0 1 1.2-1M12 5a9 9 0 0 1 6.5 2.5M12 13v8",
};
const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attrs, ...children) {
  const el = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attrs)) {
    el.setAttribute(name, value);
  }
  el.append(...children);
  return el;
}

export function icon(name, cls = "") {
  const box = svg("svg", {viewBox: "0 0 24 24", class: `icon ${cls}`, "aria-hidden": "true", focusable: "false"});
  box.append(svg("path", {d: paths[name]}));
  return box;
}

/** A button that shows an icon and says `label`. */
export const iconButton = (name, label, click, cls = "") =>
  h("button", {type: "button", class: `icon-button ${cls}`, "aria-label": label, title: label, on: {click}}, icon(name));

/** Runs `fn` once in the next frame, however often it is asked for. */
export function oncePerFrame(fn) {
  let asked = 0;
  const run = () => {
    asked = 0;
    fn();
  };
  const ask = () => {
    asked ||= requestAnimationFrame(run);
  };
  ask.now = () => {
    cancelAnimationFrame(asked);
    run();
  };
  return ask;
}

const isShown = (el) => el.getClientRects().length > 0;

/** Arrow keys, Home and End move the focus among `items()` (elements that can have it). */
export function arrows(box, items, {across = false} = {}) {
  const [back, on] = across ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  box.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(document.activeElement);
    const to = {[back]: at < 0 ? all.length - 1 : at - 1, [on]: at + 1, Home: 0, End: all.length - 1}[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) {
      return;
    }
    event.preventDefault();
    all[Math.max(0, Math.min(to, all.length - 1))]?.focus();
  });
}

/**
 * A menu at `anchor`: [{label, icon, run, danger, checked}], or {emoji: [{label, text, run, checked}]} for a row of them. Escape, Tab and a click
 * elsewhere close it, and the focus returns.
 */
export function menu(anchor, label, entries) {
  const close = () => {
    box.remove();
    document.removeEventListener("pointerdown", outside, true);
    anchor.setAttribute("aria-expanded", "false");
  };
  const back = () => {
    close();
    (anchor.isConnected ? (isShown(anchor) ? anchor : anchor.closest("article")) : document.querySelector(".composer textarea"))?.focus();
  };
  const pick = (entry) => () => {
    back();
    entry.run();
  };
  const one = (entry) =>
    h(
      "button",
      {
        type: "button",
        role: entry.checked === undefined ? "menuitem" : "menuitemcheckbox",
        tabindex: "-1",
        class: `${entry.danger ? "danger" : ""} ${entry.text ? "emoji" : ""}`,
        "aria-checked": entry.checked === undefined ? null : String(entry.checked),
        "aria-label": entry.text ? entry.label : null,
        title: entry.text ? entry.label : null,
        on: {click: pick(entry)},
      },
      entry.icon && icon(entry.icon),
      entry.text ?? entry.label,
    );
  const box = h(
    "div",
    {class: "menu", role: "menu", "aria-label": label},
    entries.map((entry) =>
      entry.emoji ? h("div", {class: "menu-emoji", role: "group", "aria-label": entry.label}, entry.emoji.map(one)) : one(entry),
    ),
  );
  const outside = (event) => {
    if (!box.contains(event.target)) {
      close();
    }
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      back();
    }
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const all = [...box.querySelectorAll("button")];
      const to = all.indexOf(document.activeElement) + (event.key === "ArrowLeft" ? -1 : 1);
      all[Math.max(0, Math.min(to, all.length - 1))].focus();
    }
  });
  arrows(box, () => [...box.querySelectorAll("button")]);
  (anchor.closest("dialog") ?? document.body).append(box);
  const at = (isShown(anchor) ? anchor : anchor.parentElement).getBoundingClientRect(); /* on a touch screen the dots are not shown */
  const size = box.getBoundingClientRect();
  const below = at.bottom + 4 + size.height <= innerHeight;
  const top = below ? at.bottom + 4 : Math.max(8, at.top - 4 - size.height);
  box.style.top = `${Math.min(top, Math.max(8, innerHeight - size.height - 8))}px`;
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
  document.addEventListener("pointerdown", outside, true);
  anchor.setAttribute("aria-expanded", "true");
  box.querySelector("button")?.focus();
  return close;
}

/** A dialog with fields [{name, label, type, value, hint}]; `done(values)` returns an error sentence, or nothing when all is well. */
export function ask({title, note, fields = [], button, danger = false, cancelText, done}) {
  const error = h("p", {class: "error", role: "alert"});
  const inputs = fields.map((f) => {
    const tag = f.type === "area" ? "textarea" : "input";
    const el = h(tag, {
      id: `ask-${f.name}`,
      type: tag === "input" ? (f.type ?? "text") : null,
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      maxlength: f.max ?? null,
    });
    el.value = f.value ?? "";
    return el;
  });
  const form = h(
    "form",
    {class: "ask"},
    h("h2", {id: "ask-heading"}, title),
    note && h("p", {class: "hint"}, note),
    fields.map((f, i) => h("label", {for: `ask-${f.name}`}, h("span", null, f.label), inputs[i])),
    error,
    h(
      "div",
      {class: "buttons"},
      h("button", {type: "button", class: "plain", on: {click: () => box.close()}}, cancelText),
      h("button", {type: "submit", class: danger ? "danger" : "primary"}, button),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = done(Object.fromEntries(fields.map((f, i) => [f.name, inputs[i].value.trim()])));
    if (wrong) {
      error.textContent = wrong;
    } else {
      box.close();
    }
  });
  const before = document.activeElement;
  const box = h("dialog", {"aria-labelledby": "ask-heading"}, form);
  box.addEventListener("close", () => {
    box.remove();
    (before?.isConnected ? before : successor(document, before))?.focus();
  });
  document.body.append(box);
  box.showModal();
  (inputs[0] ?? form.querySelector("[type=submit]")).focus();
}

/** What a screen reader is told, politely; nobody sees it. */
export function announce(text) {
  const region = document.getElementById("told");
  if (region) {
    region.textContent = text;
  }
}
