// The list of features, with one search for all of them.

/** @import { Feature } from "./types" */
import { el, fill, icon, number } from "./dom.js";
import { allFeatures, on, open, opened, store } from "./store.js";

const most = 200; // rows of a group at a time

/**
 * createFeatureList makes the list.
 * @param {HTMLElement} element
 */
export function createFeatureList(element) {
  const search = el("input", { type: "search", id: "search", placeholder: "Search features", "aria-label": "Search features", "aria-keyshortcuts": "/", oninput: () => paint() });
  const list = el("div", { class: "groups pane-body" });
  fill(element, el("div", { class: "search" }, icon("search"), search, el("kbd", { "aria-hidden": "true" }, "/")), list);
  /** @type {Set<string>} */
  const closed = new Set();
  /** @type {Map<string, number>} */
  const limits = new Map();

  function paint() {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-key]"))?.dataset.key;
    const f = store.features;
    const wanted = search.value.trim().toLowerCase();
    const find = (/** @type {Feature[]} */ all) => (wanted ? all.filter((x) => textOf(x).includes(wanted)) : all);
    fill(list,
      el("ul", { class: "items" }, item("overview", "home", "Overview", "", "")),
      f && [
        group("Tools", "tool", find(f.tools), f.tools.length, f.totalTokens ? `${number(f.totalTokens)} tokens` : ""),
        group("Resources", "resource", find(f.resources), f.resources.length),
        group("Templates", "template", find(f.templates), f.templates.length),
        group("Prompts", "prompt", find(f.prompts), f.prompts.length),
      ],
      tasks(wanted),
      f ? (allFeatures().length === 0 ? el("p", { class: "empty" }, "The server has no features for this caller.") : find(allFeatures()).length === 0 ? el("p", { class: "empty" }, `Nothing matches “${search.value.trim()}”.`) : null) : el("p", { class: "empty" }, store.problem || "Loading…"));
    rove(focused);
  }

  /** @param {string} title @param {string} kind @param {Feature[]} found @param {number} total @param {string} [note] */
  function group(title, kind, found, total, note = "") {
    if (found.length === 0) return null;
    const shown = found.slice(0, limits.get(kind) ?? most);
    const left = found.length - shown.length;
    const rows = shown.map((x) => item(x.key, kind, nameOf(x), x.kind === "tool" ? tokensOf(x) : "", hintOf(x)));
    if (left > 0) rows.push(el("li", null, el("button", { type: "button", class: "quiet small", onclick: () => { limits.set(kind, shown.length + 1000); paint(); } }, `Show ${number(Math.min(left, 1000))} more of ${number(left)}`)));
    return section(title, kind, found.length === total ? number(total) : `${number(found.length)} of ${number(total)}`, note, rows);
  }

  /** @param {string} title @param {string} kind @param {string} count @param {string} note @param {HTMLElement[]} rows */
  function section(title, kind, count, note, rows) {
    const isOpen = !closed.has(kind);
    return el("section", { class: "group", "aria-label": title },
      el("h2", null, el("button", { type: "button", class: "group-head", "data-key": `group:${kind}`, "aria-expanded": String(isOpen), onclick: () => { if (!closed.delete(kind)) closed.add(kind); paint(); } },
        icon("chevron"), el("span", null, title), el("span", { class: "count" }, count), note ? el("span", { class: "note" }, note) : null)),
      isOpen ? el("ul", { class: "items" }, rows) : null);
  }

  /** @param {string} wanted */
  function tasks(wanted) {
    if (!store.state?.tasks && store.tasks.size === 0) return null;
    const found = [...store.tasks].reverse().filter(([id, t]) => `${id} ${t.title}`.toLowerCase().includes(wanted)).slice(0, 50);
    const rows = found.map(([id, t]) => item(`task:${id}`, "task", t.title, "", t.task.status.replaceAll("_", " ")));
    if (!wanted || "look up a task".includes(wanted)) rows.push(item("tasks", "search", "Look up a task", "", ""));
    return rows.length > 0 ? section("Tasks", "task", store.tasks.size ? number(store.tasks.size) : "", "", rows) : null;
  }

  // rove leaves one row in the order of the Tab key: the focused one, or the opened one.
  /** @param {string} [focused] */
  function rove(focused) {
    const rows = rowsOf();
    const at = rows.find((r) => r.dataset.key === focused) ?? rows.find((r) => r.dataset.key === opened()) ?? rows[0];
    for (const r of rows) r.tabIndex = r === at ? 0 : -1;
    if (focused) at?.focus({ preventScroll: true });
  }

  const rowsOf = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-key]")]);

  element.addEventListener("keydown", (event) => {
    const rows = rowsOf();
    const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const inSearch = document.activeElement === search;
    if (inSearch && event.key === "Enter") rows.find((r) => r.dataset.key?.match(/^(tool|resource|template|prompt):/))?.click();
    if (inSearch && event.key === "Escape") { search.value = ""; paint(); }
    if (at < 0 && !(inSearch && event.key === "ArrowDown")) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined || (inSearch && event.key !== "ArrowDown")) return;
    event.preventDefault();
    if (to < 0) return search.focus();
    const next = rows[Math.min(to, rows.length - 1)];
    for (const r of rows) r.tabIndex = r === next ? 0 : -1;
    next.focus();
  });

  on("features", paint);
  on("tasks", paint);
  on("state", paint);
  on("open", (key) => {
    for (const r of rowsOf()) r.toggleAttribute("aria-current", false);
    const row = rowsOf().find((r) => r.dataset.key === key);
    row?.setAttribute("aria-current", "page");
    row?.scrollIntoView({ block: "nearest" });
  });
  paint();
  return { focus: () => search.focus() };
}

/** @param {string} key @param {string} picture @param {string} name @param {string} figure @param {string} hint */
function item(key, picture, name, figure, hint) {
  return el("li", null, el("button", { type: "button", class: "item", "data-key": key, title: hint || name, "aria-current": key === opened() ? "page" : null, onclick: () => open(key) },
    icon(picture), el("span", { class: "name" }, name), figure ? el("span", { class: "figures" }, figure, el("span", { class: "heard" }, " tokens")) : null));
}

/** @param {Feature} x */
const nameOf = (x) => (x.kind === "resource" ? x.definition.title ?? x.definition.name ?? x.id : x.kind === "template" ? x.id : x.definition.name ?? x.id);

/** @param {Feature} x */
const hintOf = (x) => (x.definition.description ?? x.id).slice(0, 300);

/** @param {Feature} x */
const tokensOf = (x) => (x.tokens ? number(x.tokens) : "");

/** @type {WeakMap<Feature, string>} */
const texts = new WeakMap();

/** @param {Feature} x */
function textOf(x) {
  let text = texts.get(x);
  if (text === undefined) {
    text = `${x.id} ${x.definition.name ?? ""} ${x.definition.title ?? ""} ${x.definition.description ?? ""}`.toLowerCase();
    texts.set(x, text);
  }
  return text;
}
