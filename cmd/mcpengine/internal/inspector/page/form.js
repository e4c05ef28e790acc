// A form made from a JSON Schema, which can be edited as JSON at any time.

/** @import { Schema } from "./types" */
import { announce, el, newID, plural } from "./dom.js";
import { makeField, notJSON } from "./field.js";
import { resolve } from "./schema.js";
import { equal, validate } from "./validate.js";

/**
 * @typedef {object} Form
 * @property {HTMLElement} element
 * @property {HTMLElement} modes the switch between form and JSON
 * @property {() => string | null} read the JSON of a valid value; null after it has shown what is wrong
 * @property {() => unknown} peek the value as it is, for a form that takes this one's place
 * @property {(value: unknown) => void} set
 * @property {boolean} empty whether there is nothing to fill in
 */

/**
 * createForm makes the form of a schema, whose type is object.
 * @param {Schema} schema
 * @param {{name?: string, complete?: import("./field.js").Place["complete"]}} [options]
 * @returns {Form}
 */
export function createForm(schema, { name = "arguments", complete } = {}) {
  const root = schema;
  const top = resolve(schema, root);
  const field = makeField(schema, { name, root, depth: 0, required: true, complete });
  const summary = el("p", { class: "fault", role: "alert", hidden: true });
  const id = newID();
  const editor = el("textarea", { class: "code editor", rows: 8, spellcheck: "false", "aria-label": `${name} as JSON`, "aria-describedby": `${id}-fault` });
  const editorFault = el("p", { class: "fault", id: `${id}-fault`, role: "alert" });
  const asForm = el("div", { class: "fields" }, field.element);
  const asJSON = el("div", { class: "raw", hidden: true }, editor, editorFault);
  const modes = segments(["Form", "JSON"], (choice) => (choice === "JSON" ? toJSON() : toForm()), "How to fill it in");

  /** @returns {boolean} */
  function toJSON() {
    const value = field.get();
    editor.value = JSON.stringify(value ?? {}, null, 2);
    editorFault.textContent = "";
    return show(true);
  }

  /** @returns {boolean} */
  function toForm() {
    const value = parse();
    if (value === notJSON) return false;
    field.set(value);
    if (!equal(field.get(), value)) {
      editorFault.textContent = "The form has no place for a part of this. Edit it as JSON.";
      return false;
    }
    return show(false);
  }

  /** @param {boolean} json */
  function show(json) {
    asForm.hidden = json;
    asJSON.hidden = !json;
    return true;
  }

  function parse() {
    try {
      editorFault.textContent = "";
      return JSON.parse(editor.value.trim() || "{}");
    } catch (error) {
      editorFault.textContent = `This is not JSON: ${error instanceof Error ? error.message : error}`;
      editor.setAttribute("aria-invalid", "true");
      return notJSON;
    }
  }

  function read() {
    field.clear();
    summary.hidden = true;
    editor.removeAttribute("aria-invalid");
    return asForm.hidden ? readJSON() : readForm();
  }

  function readJSON() {
    const value = parse();
    if (value === notJSON) return (editor.focus(), null);
    const faults = validate(value, schema, root);
    if (faults.length === 0) return editor.value.trim() || "{}"; // as it is written: no digit of a number is lost
    editorFault.textContent = faults.map((f) => `${f.path.join(".")} ${f.message}`.trim()).join("; ");
    editor.setAttribute("aria-invalid", "true");
    editor.focus();
    return null;
  }

  function readForm() {
    const value = field.get();
    const faults = [...unreadable(value), ...validate(value, schema, root)];
    if (faults.length === 0) return JSON.stringify(value ?? {});
    const controls = faults.map((f) => field.fault(f.path, f.message));
    summary.textContent = `${plural(faults.length, "value")} to correct.`;
    summary.hidden = false;
    announce(`${plural(faults.length, "value")} to correct. ${faults[0].path.join(" ")} ${faults[0].message}`);
    const inner = /** @type {HTMLElement | null} */ (controls[0].querySelector("input, textarea, select"));
    (inner ?? controls[0]).focus();
    return null;
  }

  return {
    element: el("div", { class: "form" }, asForm, asJSON, summary), modes, read,
    peek: () => (asForm.hidden ? parse() : field.get()),
    set: (value) => { field.set(value); },
    empty: Object.keys(top.properties ?? {}).length === 0 && typeof top.additionalProperties !== "object",
  };
}

/**
 * unreadable finds texts that are no JSON and numbers that a browser cannot hold.
 * @param {unknown} value
 * @param {(string | number)[]} [path]
 * @returns {import("./validate.js").Fault[]}
 */
function unreadable(value, path = []) {
  if (value === notJSON) return [{ path, message: "is not JSON" }];
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) return [{ path, message: "loses digits in a browser: switch to JSON, which is sent as it is written" }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => unreadable(member, [...path, name]));
}

/**
 * segments is a choice between a few views.
 * @param {string[]} names
 * @param {(choice: string) => boolean} choose says whether the choice is possible
 * @param {string} label
 */
export function segments(names, choose, label) {
  const group = newID();
  let chosen = names[0];
  const radios = names.map((name) => {
    const radio = el("input", {
      type: "radio", name: group, value: name,
      onchange: () => {
        if (choose(name)) chosen = name;
        for (const r of radios) r.checked = r.value === chosen;
      },
    });
    radio.checked = name === chosen;
    return radio;
  });
  return el("div", { class: "segments", role: "radiogroup", "aria-label": label }, names.map((name, i) => el("label", null, radios[i], el("span", null, name))));
}
