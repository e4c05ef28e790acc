// Elements, and text made fit for people. Strings become text nodes here and nowhere
// become markup.

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * el makes an element. A property that is a function listens to the event of its name
 * ("onclick"); true is an empty attribute, and false, null and undefined are none.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "value") /** @type {any} */ (element).value = value;
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/**
 * nodes drops what is not there.
 * @param {(Child | Child[])[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children.flat().filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : String(c)));
}

/**
 * fill replaces the children of an element.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/** @type {Record<string, string>} */
const paths = {
  tool: "M14.5 5.5a4 4 0 0 0-5.3 4.9L4 15.6 6.4 18l5.2-5.2a4 4 0 0 0 4.9-5.3l-2.4 2.4-2-.4-.4-2z",
  resource: "M7 3.5h6l4 4v13H7zM13 3.5v4h4",
  template: "M8.5 4C6.5 4 7 7 7 9s-.5 3-2 3c1.5 0 2 1 2 3s-.5 5 1.5 5M15.5 4c2 0 1.5 3 1.5 5s.5 3 2 3c-1.5 0-2 1-2 3s.5 5-1.5 5",
  prompt: "M5 5h14v10h-7l-4 4v-4H5z",
  task: "M4.5 12.500l4 4 11-10",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M18.7 5.300l-1.4 1.400M6.7 17.300l-1.4 1.4",
  moon: "M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10z",
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  keys: "M3 7h18v10H3zM6.5 10.500h.01M10 10.500h.01M13.5 10.500h.01M17 10.500h.01M8 13.700h8",
  reload: "M19 12a7 7 0 1 1-2.1-5M19.5 4v4h-4",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  plus: "M12 5v14M5 12h14",
  remove: "M6 6l12 12M18 6L6 18",
  chevron: "M9 6l6 6-6 6",
  sent: "M6 18L18 6M9 6h9v9",
  received: "M18 6L6 18M15 18H6V9",
  open: "M10 5H5v14h14v-5M13 5h6v6M19 5l-9 9",
  search: "M10.5 4.500a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5",
  run: "M7 4.500v15l12-7.500z",
  messages: "M4 7h12l-3-3M20 17H8l3 3",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
};

/**
 * icon makes a picture that says nothing to a screen reader.
 * @param {string} name
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", paths[name] ?? "");
  svg.append(path);
  return svg;
}

/**
 * iconButton makes a button whose name only screen readers and the tooltip say.
 * @param {string} picture
 * @param {string} name
 * @param {(event: globalThis.Event) => void} onclick
 * @param {Record<string, any>} [properties]
 */
export function iconButton(picture, name, onclick, properties = {}) {
  return el("button", { type: "button", class: "quiet square", title: name, "aria-label": name, onclick, ...properties }, icon(picture));
}

/** copyButton copies what text returns.
 * @param {string} name
 * @param {() => string | Promise<string>} text */
export function copyButton(name, text) {
  const label = el("span", null, name);
  return el("button", {
    type: "button", class: "quiet small",
    onclick: async () => {
      let problem = "The browser refused";
      // Safari lets a page write only what it has promised at once.
      const promised = Promise.resolve().then(text).then(
        (t) => new Blob([t], { type: "text/plain" }),
        (error) => { problem = messageOf(error); throw error; });
      try {
        await navigator.clipboard.write([new ClipboardItem({ "text/plain": promised })]);
        label.textContent = "Copied";
      } catch {
        label.textContent = problem;
      }
      announce(label.textContent);
      setTimeout(() => { label.textContent = name; }, 1600);
    },
  }, icon("copy"), label);
}

/**
 * link makes a link of a web address, and text of everything else.
 * @param {string} address
 * @param {string} [label]
 */
export function link(address, label = address) {
  if (!isWeb(address)) return el("span", { class: "address" }, label);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer", class: "address" }, label, icon("open"), el("span", { class: "heard" }, " (opens a new tab)"));
}

/** @param {string} address */
export function isWeb(address) {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}

/**
 * batch collects what is added and hands it over before the next picture is painted, so
 * that a server that talks fast does not keep the browser from painting.
 * @template T
 * @param {(items: T[]) => void} take
 */
export function batch(take) {
  /** @type {T[]} */
  let waiting = [];
  return (/** @type {T} */ item) => {
    if (waiting.push(item) > 1) return;
    requestAnimationFrame(() => {
      const items = waiting;
      waiting = [];
      take(items);
    });
  };
}

/** announce says something to screen readers.
 * @param {string} text */
export function announce(text) {
  const region = document.getElementById("announce");
  if (region) region.textContent = text;
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

let count = 0;

/** newID returns an id for an element that another one refers to. */
export const newID = () => `i${++count}`;

/** @param {number | undefined} n */
export function bytes(n) {
  if (n === undefined) return "";
  if (n < 1000) return `${n} B`;
  if (n < 1_000_000) return `${(n / 1000).toFixed(n < 10_000 ? 1 : 0)} kB`;
  return `${(n / 1_000_000).toFixed(1)} MB`;
}

/** @param {number | undefined} ms */
export function duration(ms) {
  if (ms === undefined) return "";
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
  return ms < 172_800_000 ? plural(Math.round(ms / 3_600_000), "hour") : plural(Math.round(ms / 86_400_000), "day");
}

/** @param {number} n */
export const number = (n) => n.toLocaleString("en-US");

/** @param {number} n @param {string} one @param {string} [many] */
export const plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
