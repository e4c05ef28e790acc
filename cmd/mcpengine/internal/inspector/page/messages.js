// The log of messages: all of them, both directions, with their time, size, status and
// headers.

/** @import { Message } from "./types" */
import { curl } from "./api.js";
import { batch, bytes, copyButton, duration, el, fill, icon, number } from "./dom.js";
import { tree } from "./json.js";

const kept = 2000; // messages
const most = 300; // rows at a time

/**
 * createMessages makes the log.
 * @param {HTMLElement} element
 */
export function createMessages(element) {
  /** @type {Message[]} */
  let all = [];
  /** @type {WeakMap<Message, string>} */
  const texts = new WeakMap();
  let limit = most;
  let matching = 0;

  const search = el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter messages by text", oninput: () => paint() });
  const method = el("select", { "aria-label": "Method", onchange: () => paint() }, el("option", { value: "" }, "All methods"));
  const direction = el("select", { "aria-label": "Direction", onchange: () => paint() }, el("option", { value: "" }, "Both ways"), el("option", { value: "sent" }, "Sent"), el("option", { value: "received" }, "Received"));
  const count = el("span", { class: "count" });
  const list = el("ol", { class: "messages", "aria-label": "Messages, newest first" });
  const older = el("button", { type: "button", class: "quiet small", hidden: true, onclick: () => { limit += most; paint(); } }, "Show older messages");
  const empty = el("p", { class: "empty" }, "No message yet.");
  const clear = el("button", { type: "button", class: "quiet small", onclick: () => { all = []; paint(); } }, "Clear");
  fill(element, el("header", null, el("h2", null, "Messages"), count, clear), el("div", { class: "filters" }, search, method, direction), el("div", { class: "pane-body" }, list, older, empty));

  /** @param {Message} m */
  function matches(m) {
    if (direction.value && m.direction !== direction.value) return false;
    if (method.value && m.method !== method.value) return false;
    const wanted = search.value.trim().toLowerCase();
    return !wanted || textOf(m).includes(wanted);
  }

  /** @param {Message} m */
  function textOf(m) {
    let text = texts.get(m);
    if (text === undefined) {
      text = `${m.method ?? ""} ${m.status ?? ""} ${m.error ?? ""} ${JSON.stringify(m.headers ?? "")} ${JSON.stringify(m.body)}`.toLowerCase();
      texts.set(m, text);
    }
    return text;
  }

  // paint makes all rows again, for another filter.
  function paint() {
    const found = all.filter(matches);
    matching = found.length;
    list.replaceChildren(...found.slice(-limit).reverse().map(row));
    settle();
  }

  function settle() {
    older.hidden = matching <= limit;
    while (list.childElementCount > limit) list.lastElementChild?.remove();
    count.textContent = matching === all.length ? number(all.length) : `${number(matching)} of ${number(all.length)}`;
    empty.hidden = matching > 0;
    empty.textContent = all.length > 0 ? "No message matches the filter." : "No message yet.";
  }

  const add = batch((/** @type {Message[]} */ fresh) => {
    all = all.concat(fresh).slice(-kept);
    for (const m of fresh) know(method, m.method);
    const found = fresh.filter(matches);
    matching = matching + found.length > kept ? all.filter(matches).length : matching + found.length;
    list.prepend(...found.slice(-limit).reverse().map(row));
    settle();
  });

  return {
    add,
    focus: () => search.focus(),
  };
}

/** know adds a method to the filter. @param {HTMLSelectElement} select @param {string | undefined} method */
function know(select, method) {
  if (method && select.options.length < 200 && ![...select.options].some((o) => o.value === method)) select.append(el("option", { value: method }, method));
}

/** @param {Message} m */
function row(m) {
  const failed = Boolean(m.error) || (m.status ?? 200) >= 400 || m.body?.error !== undefined || m.body?.result?.isError === true;
  const time = new Date(m.time);
  const branch = el("details", { class: failed ? "message bad" : "message" },
    el("summary", null,
      el("span", { class: `way ${m.direction === "sent" ? "sent" : "received"}` }, icon(m.direction === "sent" ? "sent" : "received"), el("span", { class: "heard" }, m.direction)),
      el("span", { class: "method" }, m.method || nameOf(m)),
      el("span", { class: "gist" }, gistOf(m)),
      el("span", { class: "figures" }, m.status ? el("span", { class: failed ? "status bad" : "status" }, m.status) : null, m.milliseconds ? el("span", null, duration(m.milliseconds)) : null, el("span", null, bytes(m.bytes))),
      el("time", { datetime: m.time }, Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString("en-GB") + `.${String(time.getMilliseconds()).padStart(3, "0")}`)));
  branch.addEventListener("toggle", () => { if (branch.open && branch.childElementCount === 1) branch.append(inside(m)); });
  return el("li", null, branch);
}

/** @param {Message} m */
const nameOf = (m) => (m.error ? "no answer" : m.body?.error ? "error" : m.body?.result ? "result" : m.httpMethod ?? "message");

/** gistOf is what a request names: its tool, URI or id. @param {Message} m */
function gistOf(m) {
  const p = m.body?.params ?? {};
  const named = p.name ?? p.uri ?? p.taskId ?? p.ref?.name ?? m.body?.error?.message ?? m.error ?? "";
  return typeof named === "string" ? named.slice(0, 120) : "";
}

/** @param {Message} m */
function inside(m) {
  const headers = Object.entries(m.headers ?? {});
  return el("div", { class: "inside" },
    el("div", { class: "actions" },
      copyButton("Copy as JSON", () => JSON.stringify(m.body, null, 2)),
      m.direction === "sent" ? copyButton("Copy as curl", () => curl(m.seq)) : null),
    m.error ? el("p", { class: "notice bad" }, m.error) : null,
    m.url ? el("p", { class: "url" }, el("strong", null, m.httpMethod ?? ""), " ", el("code", null, m.url)) : null,
    headers.length > 0 ? el("details", { class: "headers" }, el("summary", null, `${headers.length} headers`), el("dl", { class: "facts" }, headers.map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, el("code", null, value)))))) : null,
    m.truncated ? el("p", { class: "about" }, "The body is longer than 1 MiB and was not kept.") : m.body === null || m.body === undefined ? el("p", { class: "about" }, "There is no body.") : el("div", { class: "box" }, tree(m.body, { open: 3 })));
}
