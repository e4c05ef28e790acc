// Results: blocks of content, contents of resources, messages of prompts, structured
// content.

/** @import { Content, ResourceContents, Result } from "./types" */
import { bytes, copyButton, el, icon, isWeb, link, number } from "./dom.js";
import { jsonBox, longText } from "./json.js";
import { open } from "./store.js";
import { table, tableOf } from "./table.js";
import { tabs } from "./tabs.js";
import { equal } from "./validate.js";

/**
 * showResult shows a result, and as JSON on demand.
 * @param {Result} result
 * @param {{view?: HTMLElement | null}} [options] view is the app that shows the result
 */
export function showResult(result, { view = null } = {}) {
  /** @type {{name: string, make: () => HTMLElement}[]} */
  const all = [{ name: "Result", make: () => body(result) }, { name: "JSON", make: () => jsonBox(result, { open: 3 }) }];
  if (view) all.unshift({ name: "View", make: () => view });
  return tabs(all, "Result");
}

/** @param {Result} result */
function body(result) {
  const parts = el("div", { class: "blocks" });
  if (result.isError) parts.append(el("p", { class: "notice bad" }, "The tool reports an error."));
  if (result.description) parts.append(el("p", { class: "lead" }, result.description));
  for (const block of shown(result)) parts.append(content(block));
  for (const c of result.contents ?? []) parts.append(contents(c));
  for (const m of result.messages ?? []) {
    parts.append(el("section", { class: "said" }, el("h3", null, m.role), [m.content].flat().map(content)));
  }
  if (result.structuredContent !== undefined) parts.append(structured(result.structuredContent));
  if (!parts.hasChildNodes()) parts.append(known(result) ? el("p", { class: "empty" }, "The result is empty.") : jsonBox(result));
  return parts;
}

/** @param {Result} result */
const known = (result) => ["content", "contents", "messages"].some((name) => name in result);

/** shown leaves out the text that repeats the structured content. @param {Result} result */
function shown({ content = [], structuredContent }) {
  if (structuredContent === undefined) return content;
  return content.filter((block) => block.type !== "text" || !equal(parsed(block.text ?? ""), structuredContent));
}

/** @param {string} text @returns {unknown} undefined for a text that is no object and no list */
function parsed(text) {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {unknown} value */
function structured(value) {
  const found = tableOf(value);
  const rest = found && Object.keys(found.rest).length > 0 ? jsonBox(found.rest, { open: 1 }) : null;
  return el("section", { class: "block" }, el("h3", null, "Structured content"), found ? [table(found), rest] : jsonBox(value, { open: 3 }));
}

/** @param {Content} block @returns {HTMLElement} */
function content(block) {
  const audience = block.annotations?.audience?.join(", ");
  const about = [audience && `for the ${audience}`, block.annotations?.priority !== undefined && `priority ${block.annotations.priority}`].filter(Boolean);
  const inside = contentOf(block);
  return el("div", { class: "block" }, about.length > 0 ? el("p", { class: "about" }, about.join(" · ")) : null, inside);
}

/** @param {Content} block */
function contentOf(block) {
  switch (block.type) {
    case "text": return text(block.text ?? "");
    case "image":
    case "audio": return media(block.mimeType ?? "", block.data ?? "");
    case "resource": return block.resource ? contents(block.resource) : jsonBox(block);
    case "resource_link": return resourceLink(block);
    default: return jsonBox(block);
  }
}

/** @param {string} value */
function text(value) {
  const json = parsed(value);
  const found = json === undefined ? null : tableOf(json);
  return el("div", { class: "box" },
    el("div", { class: "corner" }, copyButton("Copy", () => value)),
    found && Object.keys(found.rest).length === 0 ? table(found) : json === undefined ? el("pre", { class: "plain" }, longText(value, 20_000)) : jsonBox(json, { open: 3 }).lastElementChild);
}

/** @param {string} type @param {string} data base64 */
function media(type, data) {
  const size = bytes(Math.floor(data.length * 0.75));
  const source = `data:${type};base64,${data}`;
  const caption = el("figcaption", null, `${type || "unknown type"} · ${size}`, el("a", { class: "button quiet small", href: source, download: "file" }, icon("save"), "Save"));
  if (/^image\/[\w.+-]+$/.test(type)) return el("figure", null, el("img", { src: source, alt: `Image of the type ${type}` }), caption);
  if (/^audio\/[\w.+-]+$/.test(type)) return el("figure", null, el("audio", { controls: true, src: source, "aria-label": `Sound of the type ${type}` }), caption);
  if (/^video\/[\w.+-]+$/.test(type)) return el("figure", null, el("video", { controls: true, src: source, "aria-label": `Video of the type ${type}` }), caption);
  caption.querySelector("a")?.setAttribute("href", `data:application/octet-stream;base64,${data}`);
  return el("figure", null, caption);
}

/** @param {ResourceContents} c */
function contents(c) {
  const head = el("div", { class: "uri" }, icon("resource"), el("code", null, c.uri), c.mimeType ? el("span", { class: "chip" }, c.mimeType) : null);
  const size = c.text !== undefined ? el("span", { class: "about" }, `${number(c.text.length)} characters`) : null;
  head.append(size ?? "");
  return el("div", { class: "resource" }, head, c.blob !== undefined ? media(c.mimeType ?? "", c.blob) : text(c.text ?? ""));
}

/** @param {Content} block */
function resourceLink(block) {
  const uri = block.uri ?? "";
  return el("div", { class: "resource" },
    el("div", { class: "uri" }, icon("resource"), el("strong", null, block.title ?? block.name ?? uri), block.mimeType ? el("span", { class: "chip" }, block.mimeType) : null, block.size === undefined ? null : el("span", { class: "about" }, bytes(block.size))),
    block.description ? el("p", { class: "hint" }, block.description) : null,
    el("div", { class: "actions" }, el("code", null, uri), el("button", { type: "button", class: "small", onclick: () => open(`resource:${uri}`) }, "Read it"), isWeb(uri) ? link(uri, "Open") : null));
}
