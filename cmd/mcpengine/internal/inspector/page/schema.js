// JSON Schemas as forms need them: references followed, alternatives told apart, and
// bounds in words.

/** @import { Schema } from "./types" */

/**
 * resolve follows references into the root and merges allOf. What cannot be followed
 * is any JSON.
 * @param {Schema | boolean | undefined} schema
 * @param {Schema} root
 * @returns {Schema}
 */
export function resolve(schema, root) {
  let s = typeof schema === "object" && schema !== null ? schema : {};
  for (let hops = 0; typeof s.$ref === "string" && hops < 32; hops++) {
    const { $ref, ...beside } = s;
    const target = lookup($ref, root);
    s = { ...target, ...beside }; // a description beside the reference comes first
    if (target.$ref === undefined) delete s.$ref;
  }
  if (Array.isArray(s.allOf)) {
    const { allOf, ...own } = s;
    s = [...allOf.map((part) => resolve(part, root)), own].reduce(merge, {});
  }
  return s;
}

/** @param {Schema} a @param {Schema} b @returns {Schema} */
function merge(a, b) {
  return {
    ...a, ...b,
    ...((a.properties || b.properties) && { properties: { ...a.properties, ...b.properties } }),
    ...((a.required || b.required) && { required: [...new Set([...(a.required ?? []), ...(b.required ?? [])])] }),
  };
}

/** @param {string} ref @param {Schema} root @returns {Schema} */
function lookup(ref, root) {
  if (!ref.startsWith("#")) return {};
  /** @type {any} */
  let at = root;
  for (const part of ref.slice(1).split("/").slice(1)) {
    let name = part;
    try {
      name = decodeURIComponent(part);
    } catch {
      // the name has a per cent sign of its own
    }
    at = Object(at)[name.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return typeof at === "object" && at !== null ? at : {};
}

/** @param {unknown} value */
export function typeOf(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** @typedef {{label: string, schema: Schema}} Alternative */

/**
 * alternativesOf returns the schemas that a value may choose from, or none.
 * @param {Schema} s resolved
 * @param {Schema} root
 * @returns {Alternative[]}
 */
export function alternativesOf(s, root) {
  const { oneOf, anyOf, ...base } = s;
  const choices = oneOf ?? anyOf;
  if (Array.isArray(choices) && choices.length > 0) {
    const all = choices.map((c) => {
      const choice = resolve(c, root);
      const own = { ...base, ...choice };
      if (base.properties && choice.properties) own.properties = { ...base.properties, ...choice.properties };
      if (base.required && choice.required) own.required = [...base.required, ...choice.required];
      return { label: labelOf(choice), schema: own };
    });
    return all.length === 1 ? alternativesOf(all[0].schema, root) : distinct(all);
  }
  const types = Array.isArray(s.type) ? s.type : s.nullable && s.type ? [s.type, "null"] : [];
  if (types.length < 2) return [];
  return types.map((type) => ({ label: type, schema: type === "null" ? { type } : { ...s, type, nullable: false } }));
}

/** @param {Alternative[]} all */
function distinct(all) {
  return all.map((a, i) => ({ ...a, label: all.some((b) => b !== a && b.label === a.label) ? `${a.label} (${i + 1})` : a.label }));
}

/** @param {Schema} s */
function labelOf(s) {
  if (s.title) return s.title;
  if ("const" in s) return JSON.stringify(s.const);
  for (const [name, property] of Object.entries(s.properties ?? {})) {
    if (typeof property === "object" && "const" in property) return `${name} ${JSON.stringify(property.const)}`;
  }
  if (s.description && s.description.length < 60) return s.description;
  return typeof s.type === "string" ? s.type : s.enum ? "one of a list" : "value";
}

/** @typedef {{value: unknown, label: string}} Option */

/**
 * optionsOf returns the values of a closed list, or null.
 * @param {Schema} s resolved
 * @param {Schema} root
 * @returns {Option[] | null}
 */
export function optionsOf(s, root) {
  if (Array.isArray(s.enum)) {
    return s.enum.map((value, i) => ({ value, label: s.enumNames?.[i] ?? (typeof value === "string" ? value : JSON.stringify(value)) }));
  }
  const choices = s.oneOf ?? s.anyOf;
  if (!Array.isArray(choices) || choices.length === 0) return null;
  const resolved = choices.map((c) => resolve(c, root));
  if (!resolved.every((c) => "const" in c)) return null;
  return resolved.map((c) => ({ value: c.const, label: c.title ?? (typeof c.const === "string" ? c.const : JSON.stringify(c.const)) }));
}

/**
 * kindOf names the field that a schema without alternatives gets.
 * @param {Schema} s resolved
 */
export function kindOf(s) {
  const type = Array.isArray(s.type) ? s.type[0] : s.type;
  if (type) return type;
  if (s.properties) return "object";
  if (s.items || s.prefixItems) return "array";
  if (s.pattern || s.minLength !== undefined || s.maxLength !== undefined || s.format) return "string";
  if (s.minimum !== undefined || s.maximum !== undefined || s.multipleOf !== undefined) return "number";
  return "any";
}

/**
 * boundsOf says in words what a value must be.
 * @param {Schema} s resolved
 * @returns {string}
 */
export function boundsOf(s) {
  const all = [
    between(s.minLength, s.maxLength, "character"),
    s.pattern ? `matches ${s.pattern}` : "",
    s.minimum !== undefined && s.maximum !== undefined ? `${s.minimum} to ${s.maximum}` : s.minimum !== undefined ? `at least ${s.minimum}` : s.maximum !== undefined ? `at most ${s.maximum}` : "",
    s.exclusiveMinimum !== undefined ? `more than ${s.exclusiveMinimum}` : "",
    s.exclusiveMaximum !== undefined ? `less than ${s.exclusiveMaximum}` : "",
    s.multipleOf !== undefined ? `a multiple of ${s.multipleOf}` : "",
    between(s.minItems, s.maxItems, "item"),
    s.uniqueItems ? "no item twice" : "",
    between(s.minProperties, s.maxProperties, "member"),
    s.contentEncoding ?? "",
    s["x-sensitive"] ? "secret" : "",
  ];
  return all.filter(Boolean).join(" · ");
}

/** @param {number | undefined} least @param {number | undefined} most @param {string} what */
function between(least, most, what) {
  if (most !== undefined) return least && least !== most ? `${least} to ${most} ${what}s` : `${least === most ? "exactly" : "at most"} ${most} ${what}${most === 1 ? "" : "s"}`;
  return least ? `at least ${least} ${what}${least === 1 ? "" : "s"}` : "";
}
