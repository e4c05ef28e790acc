// A list of objects as a table.

import { el, number } from "./dom.js";
import { longText, tree } from "./json.js";
import { typeOf } from "./schema.js";

const most = 200; // rows at a time

/**
 * tableOf finds a list of objects in a value: the value itself, or its one long
 * member. It returns null for anything that a tree shows better.
 * @param {unknown} value
 * @returns {{name: string, rows: Record<string, unknown>[], rest: Record<string, unknown>} | null}
 */
export function tableOf(value) {
  if (isRows(value)) return { name: "", rows: value, rest: {} };
  if (typeOf(value) !== "object") return null;
  const members = /** @type {Record<string, unknown>} */ (value);
  const found = Object.entries(members).filter(([, member]) => isRows(member));
  if (found.length !== 1) return null;
  const { [found[0][0]]: rows, ...rest } = members;
  return { name: found[0][0], rows: /** @type {Record<string, unknown>[]} */ (rows), rest };
}

/** @param {unknown} value @returns {value is Record<string, unknown>[]} */
function isRows(value) {
  if (!Array.isArray(value) || value.length === 0 || !value.every((row) => typeOf(row) === "object")) return false;
  const columns = columnsOf(value);
  return columns.length > 0 && columns.length <= 16;
}

/** @param {Record<string, unknown>[]} rows */
const columnsOf = (rows) => [...new Set(rows.slice(0, most).flatMap((row) => Object.keys(row)))];

/**
 * table shows a list of objects.
 * @param {{name: string, rows: Record<string, unknown>[]}} data
 */
export function table({ name, rows }) {
  const columns = columnsOf(rows);
  const numeric = new Set(columns.filter((c) => rows.every((row) => ["undefined", "number"].includes(typeof member(row, c)))));
  const body = el("tbody");
  const more = (/** @type {number} */ from) => {
    body.append(...rows.slice(from, from + most).map((row) => el("tr", null, columns.map((c) => cell(member(row, c), numeric.has(c))))));
    const left = rows.length - from - most;
    if (left <= 0) return null;
    /** @type {HTMLButtonElement} */
    const button = el("button", { type: "button", class: "quiet small", onclick: () => button.replaceWith(more(from + most) ?? "") }, `Show ${number(Math.min(most, left))} more of ${number(left)}`);
    return button;
  };
  const first = more(0);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name || "Table" },
    el("table", null,
      el("caption", { class: name ? "" : "heard" }, name || "Result", el("span", { class: "count" }, number(rows.length))),
      el("thead", null, el("tr", null, columns.map((c) => el("th", { scope: "col", class: numeric.has(c) ? "number" : "" }, c)))), body), first);
}

/** member is a member of the row itself: every object has a constructor of another kind. @param {Record<string, unknown>} row @param {string} name */
const member = (row, name) => (Object.hasOwn(row, name) ? row[name] : undefined);

/** @param {unknown} value @param {boolean} numeric */
function cell(value, numeric) {
  if (value === undefined) return el("td", { class: "absent" }, "");
  if (typeof value === "object" && value !== null) return el("td", null, tree(value, { open: 0 }));
  return el("td", { class: numeric ? "number" : "" }, typeof value === "string" ? longText(value, 300) : String(value));
}
