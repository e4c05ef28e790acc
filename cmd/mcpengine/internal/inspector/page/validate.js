// Checks a value against the keywords of JSON Schema that servers use for arguments.
// The server has the last word: a keyword that is unknown here passes.

/** @import { Schema } from "./types" */
import { resolve, typeOf } from "./schema.js";

/** @typedef {{path: (string | number)[], message: string}} Fault */

/**
 * validate returns what is wrong with a value.
 * @param {unknown} value
 * @param {Schema | boolean} schema
 * @param {Schema} root
 * @param {(string | number)[]} [path]
 * @param {number} [depth]
 * @returns {Fault[]}
 */
export function validate(value, schema, root, path = [], depth = 0) {
  if (schema === false) return [{ path, message: "is not allowed here" }];
  if (schema === true || depth > 64) return [];
  const s = resolve(schema, root);
  const type = typeOf(value);
  const types = s.type === undefined ? [] : [s.type].flat();
  if (types.length > 0 && !(s.nullable && value === null) && !types.some((t) => t === type || (t === "integer" && Number.isInteger(value)))) {
    return [{ path, message: `must be ${types.map(article).join(" or ")}` }];
  }
  /** @type {Fault[]} */
  const faults = [];
  const say = (/** @type {string} */ message) => faults.push({ path, message });
  if ("const" in s && !equal(value, s.const)) say(`must be ${JSON.stringify(s.const)}`);
  if (Array.isArray(s.enum) && !s.enum.some((e) => equal(e, value))) say(`must be one of ${s.enum.map((e) => JSON.stringify(e)).join(", ")}`.slice(0, 200));
  if (typeof value === "string") text(value, s, say);
  if (typeof value === "number") quantity(value, s, say);
  if (Array.isArray(value)) faults.push(...list(value, s, root, path, depth, say));
  else if (type === "object") faults.push(...object(/** @type {Record<string, unknown>} */ (value), s, root, path, depth, say));
  faults.push(...alternatives(value, s, root, path, depth));
  return faults;
}

/** @param {string} type */
const article = (type) => (type === "null" ? "null" : `${/^[aeio]/.test(type) ? "an" : "a"} ${type === "boolean" ? "boolean (true or false)" : type}`);

/** @type {Record<string, [RegExp, string]>} */
const formats = {
  "date-time": [/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/, "a date and time such as 2026-01-31T15:04:05Z"],
  date: [/^\d{4}-\d\d-\d\d$/, "a date such as 2026-01-31"],
  time: [/^\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/, "a time such as 15:04:05Z"],
  duration: [/^P(?=.)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?)$/, "a duration such as PT15M"],
  email: [/^[^\s@]+@[^\s@]+$/, "an e-mail address"],
  uri: [/^[a-zA-Z][a-zA-Z0-9+.-]*:\S*$/, "a URI such as https://example.com/"],
  uuid: [/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, "a UUID"],
  ipv4: [/^((25[0-5]|2[0-4]\d|1?\d?\d)(\.|$)){4}$/, "an IPv4 address"],
  ipv6: [/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/, "an IPv6 address"],
};

/** @param {string} value @param {Schema} s @param {(message: string) => void} say */
function text(value, s, say) {
  const length = [...value].length;
  if (s.minLength !== undefined && length < s.minLength) say(`must have at least ${s.minLength} character${s.minLength === 1 ? "" : "s"}`);
  if (s.maxLength !== undefined && length > s.maxLength) say(`must have at most ${s.maxLength} character${s.maxLength === 1 ? "" : "s"}, not ${length}`);
  const format = s.format ? formats[s.format] : undefined;
  if (format && !format[0].test(value)) say(`must be ${format[1]}`);
  if (s.pattern === undefined) return;
  try {
    if (!new RegExp(s.pattern, "u").test(value)) say(`must match ${s.pattern}`);
  } catch {
    // an expression of another language: the server checks it
  }
}

/** @param {number} value @param {Schema} s @param {(message: string) => void} say */
function quantity(value, s, say) {
  if (s.minimum !== undefined && value < s.minimum) say(`must be at least ${s.minimum}`);
  if (s.maximum !== undefined && value > s.maximum) say(`must be at most ${s.maximum}`);
  if (s.exclusiveMinimum !== undefined && value <= s.exclusiveMinimum) say(`must be more than ${s.exclusiveMinimum}`);
  if (s.exclusiveMaximum !== undefined && value >= s.exclusiveMaximum) say(`must be less than ${s.exclusiveMaximum}`);
  if (s.multipleOf) {
    const quotient = value / s.multipleOf;
    if (Math.abs(quotient - Math.round(quotient)) > 1e-9 * Math.max(1, Math.abs(quotient))) say(`must be a multiple of ${s.multipleOf}`);
  }
}

/**
 * @param {unknown[]} value
 * @param {Schema} s
 * @param {Schema} root
 * @param {(string | number)[]} path
 * @param {number} depth
 * @param {(message: string) => void} say
 */
function list(value, s, root, path, depth, say) {
  if (s.minItems !== undefined && value.length < s.minItems) say(`must have at least ${s.minItems} item${s.minItems === 1 ? "" : "s"}`);
  if (s.maxItems !== undefined && value.length > s.maxItems) say(`must have at most ${s.maxItems} item${s.maxItems === 1 ? "" : "s"}`);
  if (s.uniqueItems && value.some((v, i) => value.slice(0, i).some((w) => equal(v, w)))) say("must not have an item twice");
  return value.flatMap((item, i) => {
    const rule = s.prefixItems?.[i] ?? s.items;
    return rule === undefined ? [] : validate(item, rule, root, [...path, i], depth + 1);
  });
}

/**
 * @param {Record<string, unknown>} value
 * @param {Schema} s
 * @param {Schema} root
 * @param {(string | number)[]} path
 * @param {number} depth
 * @param {(message: string) => void} say
 */
function object(value, s, root, path, depth, say) {
  const names = Object.keys(value);
  if (s.minProperties !== undefined && names.length < s.minProperties) say(`must have at least ${s.minProperties} member${s.minProperties === 1 ? "" : "s"}`);
  if (s.maxProperties !== undefined && names.length > s.maxProperties) say(`must have at most ${s.maxProperties} member${s.maxProperties === 1 ? "" : "s"}`);
  /** @type {Fault[]} */
  const faults = [];
  for (const name of s.required ?? []) {
    if (!Object.hasOwn(value, name)) faults.push({ path: [...path, name], message: "is required" });
  }
  for (const name of names) {
    const at = [...path, name];
    if (s.propertyNames) faults.push(...validate(name, s.propertyNames, root, at, depth + 1));
    if (s.properties && Object.hasOwn(s.properties, name)) faults.push(...validate(value[name], s.properties[name], root, at, depth + 1));
    else if (s.additionalProperties === false && !("patternProperties" in s)) faults.push({ path: at, message: "is not a member that the schema knows" });
    else if (typeof s.additionalProperties === "object") faults.push(...validate(value[name], s.additionalProperties, root, at, depth + 1));
  }
  return faults;
}

/**
 * alternatives checks anyOf and oneOf. The faults are those of the alternative that
 * fits best.
 * @param {unknown} value
 * @param {Schema} s
 * @param {Schema} root
 * @param {(string | number)[]} path
 * @param {number} depth
 */
function alternatives(value, s, root, path, depth) {
  const choices = s.oneOf ?? s.anyOf;
  if (!Array.isArray(choices) || choices.length === 0) return [];
  const tried = choices.map((c) => validate(value, c, root, path, depth + 1));
  const fitting = tried.filter((faults) => faults.length === 0).length;
  if (fitting === 1 || (fitting > 1 && !s.oneOf)) return [];
  if (fitting > 1) return [{ path, message: "fits more than one of the alternatives" }];
  return tried.reduce((best, faults) => (rank(faults) > rank(best) ? faults : best));
}

/** rank is higher for an alternative that failed deeper, with fewer faults. @param {Fault[]} faults */
const rank = (faults) => Math.max(...faults.map((f) => f.path.length)) - faults.length / 1000;

/** @param {unknown} a @param {unknown} b @returns {boolean} */
export function equal(a, b) {
  if (a === b) return true;
  if (typeOf(a) !== typeOf(b) || typeof a !== "object" || a === null || b === null) return false;
  const [x, y] = [Object.entries(a), /** @type {Record<string, unknown>} */ (b)];
  return x.length === Object.keys(y).length && x.every(([name, value]) => Object.hasOwn(y, name) && equal(value, y[name]));
}
