// The page of a feature: what it is, a form for its arguments, and its last run.

/** @import { Feature, Schema } from "./types" */
import { complete, subscribe } from "./api.js";
import { announce, copyButton, el, icon, messageOf, number } from "./dom.js";
import { createForm } from "./form.js";
import { jsonBox, longText } from "./json.js";
import { nothing, startRun } from "./run.js";
import { on, store } from "./store.js";
import { tabs } from "./tabs.js";
import { expand, variablesOf } from "./uritemplate.js";
import { showView, viewOf } from "./view.js";

/**
 * featurePage makes the page of a feature.
 * @param {Feature} feature
 * @param {unknown} [values] what the form is filled in with
 */
export function featurePage(feature, values) {
  const parts = kinds[feature.kind](feature);
  if (values !== undefined) parts.form.set(values);
  /** @type {ReturnType<typeof startRun> | null} */
  let run = null;
  const outcome = el("div", { class: "runs" }, nothing(parts.idle));
  const start = () => {
    const json = parts.form.read();
    if (json === null) return;
    run?.cancel();
    const args = JSON.parse(json);
    const mine = startRun({
      method: parts.method, params: parts.params(json, args), title: feature.definition.name ?? feature.id,
      view: parts.view ? (result) => showView(feature.definition, args, result, (q) => mine.take({ type: "question", ...q })) : undefined,
      ended: () => { button.replaceChildren(icon("run"), parts.verb); },
    });
    run = mine;
    outcome.replaceChildren(mine.element);
    if (matchMedia("(max-width: 760px)").matches) mine.element.scrollIntoView({ block: "start" });
  };
  const button = el("button", { type: "button", class: "primary", onclick: start, "aria-keyshortcuts": "Control+Enter" }, icon("run"), parts.verb);
  const use = el("div", { class: "use" },
    parts.form.empty ? parts.noArguments && el("p", { class: "about" }, parts.noArguments) : el("div", { class: "modes" }, el("h3", null, "Arguments"), parts.form.modes),
    parts.form.empty ? null : parts.form.element, parts.preview ?? "",
    el("div", { class: "actions" }, button, el("span", { class: "keys" }, el("kbd", null, "Ctrl"), " ", el("kbd", null, "Enter")), parts.beside ?? ""),
    outcome);
  const element = el("div", { class: "page" }, head(feature), tabs([
    { name: parts.verb, make: () => use },
    { name: "Definition", make: () => definition(feature) },
  ], "Feature"));
  use.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      start();
    }
  });
  return { element, values: () => parts.form.peek(), definition: JSON.stringify(feature.definition) };
}

/** @param {Feature} feature */
function head({ kind, definition, id, tokens, policy }) {
  const a = definition.annotations ?? {};
  const title = definition.title ?? a.title;
  const chips = [
    a.readOnlyHint ? chip("Read only", "It says that it changes nothing", "good") : null,
    kind === "tool" && !a.readOnlyHint && a.destructiveHint !== false && a.destructiveHint !== undefined ? chip("Destructive", "It says that it may destroy what was there", "bad") : null,
    a.idempotentHint ? chip("Idempotent", "It says that a second call changes nothing more") : null,
    a.openWorldHint ? chip("Open world", "It says that it reaches systems of others") : null,
    definition.mimeType ? chip(definition.mimeType, "Media type") : null,
    viewOf(definition) ? chip("View", `Shown by ${viewOf(definition)}`) : null,
    definition._meta?.ui?.visibility && !definition._meta.ui.visibility.includes("model") ? chip("For views only", "Hosts hide it from the model") : null,
    tokens ? chip(`${number(tokens)} tokens`, "What the definition costs a model, estimated") : null,
  ];
  return el("header", { class: "page-head" },
    el("p", { class: "kind" }, icon(kind), kind === "template" ? "Resource template" : kind),
    el("h2", null, definition.name ?? id), title && title !== definition.name ? el("p", { class: "subtitle" }, title) : null,
    kind === "resource" || kind === "template" ? el("p", { class: "uri" }, el("code", null, id), copyButton("Copy", () => id)) : null,
    chips.some(Boolean) ? el("p", { class: "chips" }, chips) : null,
    definition.description ? el("p", { class: "lead" }, longText(definition.description, 1200)) : null,
    policy ? el("p", { class: "policy" }, el("strong", null, "Who: "), policy.who, el("span", { class: "about" }, ` — ${policy.why}`)) : null);
}

/** @param {string} text @param {string} title @param {string} [mood] */
const chip = (text, title, mood = "") => el("span", { class: `chip ${mood}`, title }, text);

/** @param {Feature} feature */
function definition({ definition: d, policy }) {
  return el("div", { class: "blocks" },
    policy ? el("section", { class: "block" }, el("h3", null, "Who may use it"), el("dl", { class: "facts" },
      el("div", null, el("dt", null, "Who"), el("dd", null, policy.who)), el("div", null, el("dt", null, "Why"), el("dd", null, policy.why)),
      policy.except?.length ? el("div", null, el("dt", null, "Not for"), el("dd", null, policy.except.join(", "))) : null)) : null,
    el("section", { class: "block" }, el("h3", null, "Definition"), jsonBox(d, { open: 4 })));
}

/**
 * @typedef {object} Parts
 * @property {string} verb
 * @property {string} method
 * @property {import("./form.js").Form} form
 * @property {(json: string, args: any) => string | object} params
 * @property {string} idle
 * @property {string} noArguments
 * @property {boolean} [view]
 * @property {HTMLElement} [preview]
 * @property {HTMLElement | string} [beside]
 */

/** @type {Record<string, (feature: Feature) => Parts>} */
const kinds = {
  tool: (feature) => ({
    verb: "Call", method: "tools/call", form: createForm(feature.definition.inputSchema ?? { type: "object" }),
    params: (json) => `{"name":${JSON.stringify(feature.id)},"arguments":${json}}`,
    idle: "Call the tool to see its result here.", noArguments: "This tool takes no arguments.", view: viewOf(feature.definition) !== "",
  }),

  resource: (feature) => ({
    verb: "Read", method: "resources/read", form: createForm({ type: "object", properties: {}, additionalProperties: false }),
    params: () => ({ uri: feature.id }),
    idle: "Read the resource to see it here.", noArguments: "", beside: subscription(feature.id),
  }),

  template(feature) {
    const variables = variablesOf(feature.id);
    const uri = () => expand(feature.id, /** @type {Record<string, string>} */ (form.peek() ?? {}));
    const form = createForm(textsOf(variables.map((v) => ({ name: v.name, required: !v.optional }))), completion({ type: "ref/resource", uri: feature.id }, () => form.peek()));
    const code = el("code", null, uri());
    for (const event of ["input", "change"]) form.element.addEventListener(event, () => { code.textContent = uri(); });
    return {
      verb: "Read", method: "resources/read", form, params: (_, args) => ({ uri: expand(feature.id, args) }),
      idle: "Read a resource of this template to see it here.", noArguments: "This template has no variables.",
      preview: el("p", { class: "uri" }, icon("resource"), code),
    };
  },

  prompt(feature) {
    const form = createForm(textsOf(feature.definition.arguments ?? []), completion({ type: "ref/prompt", name: feature.id }, () => form.peek()));
    return {
      verb: "Get", method: "prompts/get", form, params: (json) => `{"name":${JSON.stringify(feature.id)},"arguments":${json}}`,
      idle: "Get the prompt to see its messages here.", noArguments: "This prompt takes no arguments.",
    };
  },
};

/** textsOf is the schema of arguments that are all texts. @param {{name: string, title?: string, description?: string, required?: boolean}[]} all @returns {Schema} */
const textsOf = (all) => ({
  type: "object", additionalProperties: false,
  properties: Object.fromEntries(all.map((a) => [a.name, { type: "string", title: a.title, description: a.description }])),
  required: all.filter((a) => a.required).map((a) => a.name),
});

/** completion asks the server for values, with the other arguments as context. @param {object} ref @param {() => unknown} peek */
function completion(ref, peek) {
  if (!store.state?.completions) return {};
  return {
    /** @param {string} name @param {string} value @param {AbortSignal} signal */
    complete: async (name, value, signal) => {
      const { [name]: _, ...known } = /** @type {Record<string, string>} */ (peek() ?? {});
      return (await complete(ref, { name, value }, known, signal)).values;
    },
  };
}

/** subscription is a switch, and counts the updates. @param {string} uri */
function subscription(uri) {
  if (!store.state?.subscriptions) return "";
  const box = el("input", { type: "checkbox", role: "switch" });
  const news = el("span", { class: "about", role: "status" });
  let updates = 0;
  const follow = () => { box.checked = store.subscribed.has(uri); };
  box.addEventListener("change", async () => {
    try {
      await subscribe(uri, box.checked);
      if (box.checked) store.subscribed.add(uri);
      else store.subscribed.delete(uri);
      news.textContent = box.checked ? "Waiting for updates" : "";
    } catch (error) {
      follow();
      news.textContent = messageOf(error);
    }
  });
  on("state", follow);
  on("updated", (changed) => {
    if (changed !== uri) return;
    updates++;
    news.textContent = `Updated ${updates === 1 ? "once" : `${updates} times`}, last at ${new Date().toLocaleTimeString()}`;
    announce(`${uri} was updated`);
  });
  follow();
  return el("span", { class: "subscription" }, el("label", { class: "switch" }, box, "Subscribe"), news);
}
