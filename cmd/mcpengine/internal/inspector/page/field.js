// Fields of a form: each is made from a schema and gives the value that it holds.

/** @import { Schema } from "./types" */
import { combobox } from "./combobox.js";
import { alternativesField, choicesField, listField, objectField } from "./composite.js";
import { el, icon, newID } from "./dom.js";
import { alternativesOf, boundsOf, kindOf, optionsOf, resolve } from "./schema.js";
import { equal } from "./validate.js";

/**
 * @typedef {object} Field
 * @property {HTMLElement} element
 * @property {() => unknown} get the value, or undefined to leave it out
 * @property {(value: unknown) => void} set
 * @property {(path: (string | number)[], message: string) => HTMLElement} fault shows what is wrong, and returns the control
 * @property {() => void} clear takes the faults away
 */

/**
 * @typedef {object} Place
 * @property {string} name the label
 * @property {string} [spoken] the name for screen readers, if the label is only a number
 * @property {Schema} root
 * @property {number} depth
 * @property {boolean} required
 * @property {((name: string, value: string, signal: AbortSignal) => Promise<string[]>)} [complete]
 */

/**
 * makeField makes the field of a schema.
 * @param {Schema | boolean | undefined} schema
 * @param {Place} place
 * @returns {Field}
 */
export function makeField(schema, place) {
  const s = resolve(schema, place.root);
  const field = pick(s, place);
  if ("default" in s) field.set(s.default);
  return field;
}

/** @param {Schema} s @param {Place} place */
function pick(s, place) {
  if (place.depth > 12) return jsonField(s, place); // a schema that requires itself
  if ("const" in s) return constantField(s, place);
  const options = optionsOf(s, place.root);
  if (options) return selectField(s, place, options);
  const alternatives = alternativesOf(s, place.root);
  if (alternatives.length > 0) return alternativesField(s, place, alternatives);
  switch (kindOf(s)) {
    case "object": return objectField(s, place);
    case "array": {
      const items = typeof s.items === "object" ? resolve(s.items, place.root) : null;
      const choices = items && optionsOf(items, place.root);
      if (choices) return choicesField(s, place, choices);
      return items && !s.prefixItems ? listField(s, place) : jsonField(s, place);
    }
    case "string": return textField(s, place);
    case "integer":
    case "number": return numberField(s, place);
    case "boolean": return booleanField(s, place);
    case "null": return constantField({ ...s, const: null }, place);
    default: return jsonField(s, place);
  }
}

/**
 * frame puts a label, a description and the place for faults around a control.
 * @param {Schema} s
 * @param {Place} place
 * @param {HTMLElement} control which gets an id and a description
 * @param {{type?: string, group?: boolean, beside?: HTMLElement | null}} [options]
 */
export function frame(s, place, control, { type = "", group = false, beside = null } = {}) {
  const id = newID();
  const ids = { hint: `${id}-hint`, fault: `${id}-fault` };
  control.id ||= id;
  const name = el(group ? "span" : "label", group ? { id: `${id}-name`, class: "name" } : { for: control.id, class: "name" }, place.name);
  if (place.spoken) control.setAttribute("aria-label", place.spoken);
  else if (group) control.setAttribute("aria-labelledby", `${id}-name`);
  if (place.required) name.append(el("span", { class: "must", title: "Required", "aria-hidden": "true" }));
  if (place.required && !group) control.setAttribute("aria-required", "true");
  const bounds = boundsOf(s);
  const hint = s.description || bounds ? el("p", { class: "hint", id: ids.hint }, s.description, s.description && bounds ? " · " : "", bounds) : null;
  const fault = el("p", { class: "fault", id: ids.fault, hidden: true });
  if (hint) control.setAttribute("aria-describedby", ids.hint);
  const element = el("div", { class: "field" },
    place.name && el("div", { class: "label" }, name, s.title && s.title !== place.name ? el("span", { class: "title" }, s.title) : null, type ? el("span", { class: "type" }, type) : null),
    hint, beside ? el("div", { class: "row" }, control, beside) : control, fault);
  return {
    element,
    /** @param {(string | number)[]} path @param {string} message */
    fault(path, message) {
      const at = path.length > 0 ? `${path.join(".")} ` : "";
      fault.textContent = fault.hidden ? `${at}${message}` : `${fault.textContent}; ${at}${message}`;
      fault.hidden = false;
      control.setAttribute("aria-invalid", "true");
      control.setAttribute("aria-describedby", hint ? `${ids.hint} ${ids.fault}` : ids.fault);
      return control;
    },
    clear() {
      fault.hidden = true;
      control.removeAttribute("aria-invalid");
      if (hint) control.setAttribute("aria-describedby", ids.hint);
      else control.removeAttribute("aria-describedby");
    },
  };
}

/** @type {Record<string, string>} */
const inputs = { email: "email", uri: "url", date: "date", password: "password" };

/** @type {Record<string, string>} */
const samples = { "date-time": "2026-01-31T15:04:05Z", time: "15:04:05Z", duration: "PT15M", uri: "https://example.com/", email: "ada@example.com", uuid: "00000000-0000-0000-0000-000000000000", ipv4: "192.0.2.1", ipv6: "2001:db8::1" };

/** @param {Schema} s @param {Place} place @returns {Field} */
function textField(s, place) {
  const oneLine = Boolean(s.format || s.enum || (s.maxLength !== undefined && s.maxLength <= 80) || s.pattern || place.complete) && !s.contentEncoding;
  const type = s.writeOnly ? "password" : inputs[s.format ?? ""] ?? "text";
  const control = oneLine || s.writeOnly
    ? el("input", { type, placeholder: samples[s.format ?? ""], autocomplete: "off", spellcheck: "false" })
    : el("textarea", { rows: 1, spellcheck: "false" });
  const name = place.name;
  const complete = place.complete;
  if (complete && control instanceof HTMLInputElement) combobox(control, (value, signal) => complete(name, value, signal));
  const { element, ...faults } = frame(s, place, control, { type: s.format ?? "string", beside: besideText(s, control) });
  return {
    element, ...faults,
    get: () => (control.value === "" ? undefined : control.value),
    set: (value) => { control.value = value === undefined ? "" : String(value); },
  };
}

/** besideText is a button that fills a field: with the time, or with a file. @param {Schema} s @param {HTMLInputElement | HTMLTextAreaElement} control */
function besideText(s, control) {
  if (s.format === "date-time") {
    return el("button", { type: "button", onclick: () => { control.value = new Date().toISOString().replace(/\.\d+/, ""); } }, "Now");
  }
  if (s.contentEncoding !== "base64") return null;
  const file = el("input", {
    type: "file", class: "heard", tabindex: "-1", "aria-hidden": "true",
    onchange: () => {
      const reader = new FileReader();
      reader.addEventListener("load", () => { control.value = String(reader.result).replace(/^[^,]*,/, ""); });
      if (file.files?.[0]) reader.readAsDataURL(file.files[0]);
    },
  });
  return el("span", null, file, el("button", { type: "button", onclick: () => file.click() }, "File…"));
}

/** @param {Schema} s @param {Place} place @returns {Field} */
function numberField(s, place) {
  const whole = kindOf(s) === "integer";
  const control = el("input", { type: "text", inputmode: whole ? "numeric" : "decimal", autocomplete: "off" });
  const { element, ...faults } = frame(s, place, control, { type: kindOf(s) });
  return {
    element, ...faults,
    get() {
      const text = control.value.trim();
      if (text === "") return undefined;
      return /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : text; // the check refuses a text
    },
    set: (value) => { control.value = value === undefined ? "" : String(value); },
  };
}

/** @param {Schema} s @param {Place} place @returns {Field} */
function booleanField(s, place) {
  /** @type {[string, unknown][]} */
  const choices = [["true", true], ["false", false]];
  if (!place.required) choices.unshift(["not set", undefined]);
  return radioField(s, place, choices, "boolean");
}

/** @param {Schema} s @param {Place} place @param {[string, unknown][]} choices @param {string} type @returns {Field} */
function radioField(s, place, choices, type) {
  const group = newID();
  const radios = choices.map(([label, value], i) => {
    const radio = el("input", { type: "radio", name: group, value: String(i) });
    radio.checked = value === undefined;
    return { radio, value, element: el("label", null, radio, el("span", null, label)) };
  });
  const control = el("div", { class: "segments", role: "radiogroup", tabindex: "-1" }, radios.map((r) => r.element));
  const { element, ...faults } = frame(s, place, control, { type, group: true });
  return {
    element, ...faults,
    get: () => radios.find((r) => r.radio.checked)?.value,
    set: (value) => { for (const r of radios) r.radio.checked = r.value === value; },
  };
}

/** @param {Schema} s @param {Place} place @param {import("./schema.js").Option[]} options @returns {Field} */
function selectField(s, place, options) {
  const control = el("select", null, el("option", { value: "" }, place.required ? "Choose…" : "Not set"), options.map((o, i) => el("option", { value: String(i) }, o.label)));
  const { element, ...faults } = frame(s, place, control, { type: "one of" });
  return {
    element, ...faults,
    get: () => (control.value === "" ? undefined : options[Number(control.value)].value),
    set: (value) => {
      const at = options.findIndex((o) => equal(o.value, value));
      control.value = at < 0 ? "" : String(at);
    },
  };
}

/** @param {Schema} s @param {Place} place @returns {Field} */
function constantField(s, place) {
  let present = place.required;
  const control = el("output", { class: "constant" }, JSON.stringify(s.const));
  const toggle = place.required ? null : el("button", { type: "button", onclick: () => show(!present) }, "Add");
  const { element, ...faults } = frame(s, place, control, { type: "constant", group: true, beside: toggle });
  const show = (/** @type {boolean} */ on) => {
    present = on;
    control.hidden = !on;
    if (toggle) toggle.textContent = on ? "Remove" : "Add";
  };
  show(present);
  return { element, ...faults, get: () => (present ? s.const : undefined), set: (value) => show(place.required || value !== undefined) };
}

/** @param {Schema} s @param {Place} place @returns {Field} */
function jsonField(s, place) {
  const control = el("textarea", { rows: 2, class: "code", spellcheck: "false", placeholder: "JSON" });
  const { element, ...faults } = frame(s, place, control, { type: "any JSON" });
  return {
    element, ...faults,
    get() {
      if (control.value.trim() === "") return undefined;
      try {
        return JSON.parse(control.value);
      } catch {
        return notJSON;
      }
    },
    set: (value) => { control.value = value === undefined ? "" : JSON.stringify(value, null, 2); },
  };
}

/** notJSON stands for a text that is no JSON; no value of JSON is a symbol. */
export const notJSON = Symbol("not JSON");

/** removeButton @param {string} name @param {() => void} onclick */
export const removeButton = (name, onclick) => el("button", { type: "button", class: "quiet square", "aria-label": `Remove ${name}`, title: "Remove", onclick }, icon("remove"));

/** addButton @param {string} name @param {() => void} onclick */
export const addButton = (name, onclick) => el("button", { type: "button", class: "quiet small add", onclick }, icon("plus"), name);
