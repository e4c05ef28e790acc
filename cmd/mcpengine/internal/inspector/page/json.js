// A JSON value as a tree that opens and closes. Branches are made when they are opened,
// and long lists and texts in parts, so that a result of many megabytes is no burden.

import { copyButton, el, newID, number } from "./dom.js";

const part = 100; // members at a time
const longest = 2000; // characters of a text before it is cut

/**
 * tree shows a value. Its first levels are open as long as they are short.
 * @param {unknown} value
 * @param {{open?: number}} [options] how many levels are open
 */
export function tree(value, { open = 2 } = {}) {
  return el("div", { class: "tree" }, node(null, value, open));
}

/** @param {string | number | null} name @param {unknown} value @param {number} open @returns {HTMLElement} */
function node(name, value, open) {
  const key = name === null ? null : el("span", { class: typeof name === "number" ? "index" : "key" }, String(name));
  if (typeof value !== "object" || value === null || size(value) === 0) return el("div", { class: "leaf" }, key, scalar(value));
  const list = Array.isArray(value);
  const entries = list ? value.map((v, i) => /** @type {[number, unknown]} */ ([i, v])) : Object.entries(value);
  const branch = el("details", { class: "branch" });
  const inside = el("div", { class: "inside" });
  branch.append(el("summary", null, key, el("span", { class: "shape" }, list ? `[${number(entries.length)}]` : `{${number(entries.length)}}`), " ", el("span", { class: "gist" }, gist(value))), inside);
  const show = () => { if (!inside.hasChildNodes()) more(inside, entries, 0, open - 1); };
  branch.addEventListener("toggle", () => { if (branch.open) show(); });
  if (open > 0 && entries.length <= part) {
    branch.open = true;
    show();
  }
  return branch;
}

/** @param {HTMLElement} inside @param {[string | number, unknown][]} entries @param {number} from @param {number} open */
function more(inside, entries, from, open) {
  inside.append(...entries.slice(from, from + part).map(([name, value]) => node(name, value, open)));
  const left = entries.length - from - part;
  if (left <= 0) return;
  const button = el("button", { type: "button", class: "quiet small", onclick: () => { button.remove(); more(inside, entries, from + part, open); } }, `Show ${number(Math.min(part, left))} more of ${number(left)}`);
  inside.append(button);
}

/** @param {object} value */
const size = (value) => (Array.isArray(value) ? value.length : Object.keys(value).length);

/** gist is the beginning of an object, for its closed form. @param {object} value */
function gist(value) {
  const entries = Object.entries(value).slice(0, 3).filter(([, v]) => typeof v !== "object");
  return entries.map(([name, v]) => `${Array.isArray(value) ? "" : `${name}: `}${String(v).slice(0, 24)}`).join(", ");
}

/** @param {unknown} value */
function scalar(value) {
  if (typeof value === "string") return el("span", { class: "text" }, longText(value, longest, (t) => JSON.stringify(t)));
  const shown = Array.isArray(value) ? "[]" : typeof value === "object" && value !== null ? "{}" : String(value);
  return el("span", { class: value === null ? "null" : typeof value }, shown);
}

/**
 * longText is a text whose end is shown on demand.
 * @param {string} text
 * @param {number} limit
 * @param {(text: string) => string} [write]
 */
export function longText(text, limit, write = (t) => t) {
  if (text.length <= limit) return document.createTextNode(write(text));
  const id = newID();
  const shown = el("span", { id }, `${write(text.slice(0, limit))}…`);
  const button = el("button", {
    type: "button", class: "quiet small", "aria-controls": id,
    onclick: () => { shown.textContent = write(text); button.remove(); },
  }, `Show all ${number(text.length)} characters`);
  return el("span", null, shown, " ", button);
}

/**
 * jsonBox is a tree with a button that copies it.
 * @param {unknown} value
 * @param {{open?: number}} [options]
 */
export function jsonBox(value, options) {
  return el("div", { class: "box" }, el("div", { class: "corner" }, copyButton("Copy JSON", () => JSON.stringify(value, null, 2))), tree(value, options));
}
