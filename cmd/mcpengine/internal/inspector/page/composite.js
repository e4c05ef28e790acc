// Fields that hold other fields: objects, lists, choices and alternatives.

/** @import { Schema } from "./types" */
/** @import { Field, Place } from "./field.js" */
import { el } from "./dom.js";
import { addButton, frame, makeField, removeButton } from "./field.js";
import { kindOf, resolve, typeOf } from "./schema.js";
import { equal, validate } from "./validate.js";

/**
 * objectField shows the properties of an object, and rows for those that only
 * additionalProperties describes. An object that may be left out is added on demand,
 * so that a schema that contains itself ends.
 * @param {Schema} s
 * @param {Place} place
 * @returns {Field}
 */
export function objectField(s, place) {
  const whole = place.depth === 0;
  /** @type {Map<string, Field> | null} */
  let fields = null;
  /** @type {ReturnType<typeof rows> | null} */
  let others = null;
  const body = el("div", { class: "members" });
  const toggle = el("button", { type: "button", class: "quiet small", onclick: () => show(!fields) });
  const outer = frame(whole ? {} : s, place, body, { type: whole ? "" : "object", group: true });
  const show = (/** @type {boolean} */ on) => {
    toggle.textContent = on ? "Remove" : "Add";
    toggle.setAttribute("aria-label", `${on ? "Remove" : "Add"} ${place.name}`);
    body.hidden = !on;
    if (on === Boolean(fields)) return;
    body.replaceChildren();
    fields = others = null;
    if (!on) return;
    fields = new Map(Object.entries(s.properties ?? {}).map(([name, property]) => [name, makeField(property, {
      ...place, name, spoken: undefined, depth: place.depth + 1, required: s.required?.includes(name) ?? false,
    })]));
    body.append(...[...fields.values()].map((f) => f.element));
    if (s.additionalProperties !== false && (typeof s.additionalProperties === "object" || (fields.size === 0 && !whole))) {
      others = rows(s, place);
      body.append(others.element);
    }
  };
  show(place.required || whole);
  if (!place.required && !whole) outer.element.querySelector(".label")?.append(toggle);
  return {
    element: whole ? body : outer.element,
    get() {
      if (!fields) return undefined;
      const entries = [...fields].map(([name, f]) => /** @type {[string, unknown]} */ ([name, f.get()])).concat(others?.get() ?? []);
      return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    },
    set(value) {
      if (typeOf(value) !== "object") {
        if (!place.required && !whole) show(false);
        return;
      }
      show(true);
      const members = new Map(Object.entries(/** @type {object} */ (value)));
      for (const [name, f] of fields ?? []) f.set(members.get(name));
      others?.set([...members].filter(([name]) => !fields?.has(name)));
    },
    fault(path, message) {
      const [name, ...rest] = path;
      const inner = path.length === 0 ? undefined : fields?.get(String(name))?.fault(rest, message) ?? others?.fault(path, message);
      return inner ?? outer.fault(path, message);
    },
    clear() {
      outer.clear();
      for (const f of fields?.values() ?? []) f.clear();
      others?.clear();
    },
  };
}

/** given is the value of an item, which cannot be left out: the check refuses an empty text where it is wrong. @param {Field} field */
function given(field) {
  const value = field.get();
  return value === undefined ? "" : value;
}

/** rows are members with a name of the user's. @param {Schema} s @param {Place} place */
function rows(s, place) {
  /** @type {{name: HTMLInputElement, field: Field, element: HTMLElement}[]} */
  let all = [];
  const list = el("div", { class: "rows" });
  /** @param {string} [name] @param {unknown} [value] */
  const add = (name = "", value) => {
    const key = el("input", { type: "text", value: name, "aria-label": `Name of a member of ${place.name}`, placeholder: "name", autocomplete: "off" });
    const field = makeField(s.additionalProperties ?? {}, { ...place, name: "", spoken: `Value of a member of ${place.name}`, depth: place.depth + 1, required: true });
    if (value !== undefined) field.set(value);
    const element = el("div", { class: "entry" }, key, field.element, removeButton("the member", () => {
      all = all.filter((row) => row.element !== element);
      element.remove();
      button.focus();
    }));
    all.push({ name: key, field, element });
    list.append(element);
    return key;
  };
  const button = addButton("Add a member", () => add().focus());
  return {
    element: el("div", null, list, button),
    /** @returns {[string, unknown][]} */
    get: () => all.filter((row) => row.name.value !== "" || row.field.get() !== undefined).map((row) => [row.name.value, given(row.field)]),
    /** @param {[string, unknown][]} entries */
    set(entries) {
      all = [];
      list.replaceChildren();
      for (const [name, value] of entries) add(name, value);
    },
    /** @param {(string | number)[]} path @param {string} message */
    fault: ([name, ...rest], message) => all.find((row) => row.name.value === String(name))?.field.fault(rest, message),
    clear() { for (const row of all) row.field.clear(); },
  };
}

/** @param {Schema} s @param {Place} place @returns {Field} */
export function listField(s, place) {
  /** @type {{field: Field, element: HTMLElement}[]} */
  let items = [];
  const list = el("div", { class: "rows" });
  const button = addButton("Add an item", () => {
    add();
    /** @type {HTMLElement | null} */ (items.at(-1)?.element.querySelector("input, textarea, select, button"))?.focus();
  });
  const control = el("div", { class: "list", role: "group", tabindex: "-1" }, list, button);
  const outer = frame(s, place, control, { type: `list of ${kindOf(resolve(s.items, place.root))}s`, group: true });
  const change = () => { button.hidden = s.maxItems !== undefined && items.length >= s.maxItems; };
  /** @param {unknown} [value] */
  const add = (value) => {
    const n = items.length + 1;
    const field = makeField(s.items, { ...place, name: "", spoken: `${place.name} ${n}`, depth: place.depth + 1, required: true, complete: undefined });
    if (value !== undefined) field.set(value);
    const element = el("div", { class: "entry" }, field.element, removeButton(`${place.name} ${n}`, () => {
      items = items.filter((item) => item.element !== element);
      element.remove();
      change();
      button.focus();
    }));
    items.push({ field, element });
    list.append(element);
    change();
  };
  for (let i = 0; place.required && i < Math.min(s.minItems ?? 0, 20); i++) add();
  return {
    element: outer.element,
    get: () => (items.length === 0 && !place.required ? undefined : items.map((item) => given(item.field))),
    set(value) {
      items = [];
      list.replaceChildren();
      for (const item of Array.isArray(value) ? value : []) add(item);
      change();
    },
    fault: (path, message) => items[Number(path[0])]?.field.fault(path.slice(1), message) ?? outer.fault(path, message),
    clear() {
      outer.clear();
      for (const item of items) item.field.clear();
    },
  };
}

/** choicesField is a list of values out of a few. @param {Schema} s @param {Place} place @param {import("./schema.js").Option[]} options @returns {Field} */
export function choicesField(s, place, options) {
  const boxes = options.map((o) => ({ value: o.value, box: el("input", { type: "checkbox" }), label: o.label }));
  const control = el("div", { class: "choices", role: "group", tabindex: "-1" }, boxes.map((b) => el("label", null, b.box, b.label)));
  const { element, ...faults } = frame(s, place, control, { type: "any of", group: true });
  return {
    element, ...faults,
    get() {
      const chosen = boxes.filter((b) => b.box.checked).map((b) => b.value);
      return chosen.length === 0 && !place.required ? undefined : chosen;
    },
    set: (value) => { for (const b of boxes) b.box.checked = Array.isArray(value) && value.some((v) => equal(v, b.value)); },
  };
}

/**
 * alternativesField asks first which alternative the value is.
 * @param {Schema} s
 * @param {Place} place
 * @param {import("./schema.js").Alternative[]} all
 * @returns {Field}
 */
export function alternativesField(s, place, all) {
  /** @type {Field | null} */
  let field = null;
  const select = el("select", { onchange: () => pick(select.value) }, place.required ? null : el("option", { value: "" }, "Not set"), all.map((a, i) => el("option", { value: String(i) }, a.label)));
  const body = el("div", { class: "members alternative" });
  const outer = frame({ title: s.title, description: s.description }, place, select, { type: "alternatives" });
  outer.element.append(body);
  /** @param {string} choice */
  const pick = (choice) => {
    select.value = choice;
    field = choice === "" ? null : makeField(all[Number(choice)].schema, { ...place, name: "", spoken: `${place.spoken ?? place.name}: ${all[Number(choice)].label}`, depth: place.depth + 1, required: true });
    body.replaceChildren(...(field ? [field.element] : []));
    body.hidden = !field || all[Number(choice)].schema.type === "null";
  };
  pick(place.required ? "0" : "");
  return {
    element: outer.element,
    get: () => field?.get(),
    set(value) {
      if (value === undefined) return pick(place.required ? "0" : "");
      const at = all.findIndex((a) => validate(value, a.schema, place.root).length === 0);
      pick(String(Math.max(at, 0)));
      field?.set(value);
    },
    fault: (path, message) => field?.fault(path, message) ?? outer.fault(path, message),
    clear() {
      outer.clear();
      field?.clear();
    },
  };
}
