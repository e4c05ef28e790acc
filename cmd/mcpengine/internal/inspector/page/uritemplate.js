// URI templates (RFC 6570): the variables, and the URI that values make. Values are
// texts; a list is a text with commas.

/** @typedef {{name: string, explode: boolean, prefix: number}} Variable */

/** @type {Record<string, {first: string, between: string, named: boolean, empty: string, reserved: boolean}>} */
const operators = {
  "": { first: "", between: ",", named: false, empty: "", reserved: false },
  "+": { first: "", between: ",", named: false, empty: "", reserved: true },
  "#": { first: "#", between: ",", named: false, empty: "", reserved: true },
  ".": { first: ".", between: ".", named: false, empty: "", reserved: false },
  "/": { first: "/", between: "/", named: false, empty: "", reserved: false },
  ";": { first: ";", between: ";", named: true, empty: "", reserved: false },
  "?": { first: "?", between: "&", named: true, empty: "=", reserved: false },
  "&": { first: "&", between: "&", named: true, empty: "=", reserved: false },
};

const expression = /\{([+#./;?&]?)([^{}]*)\}/g;

/** @param {string} list @returns {Variable[]} */
const parse = (list) => list.split(",").filter(Boolean).map((text) => {
  const [, name, prefix, star] = /^([^:*]*)(?::(\d+))?(\*)?/.exec(text) ?? [];
  return { name, explode: Boolean(star), prefix: Number(prefix ?? 0) };
});

/**
 * variablesOf returns the names of the variables, each once, and whether a URI is
 * sensible without it.
 * @param {string} template
 */
export function variablesOf(template) {
  /** @type {Map<string, {name: string, optional: boolean}>} */
  const found = new Map();
  for (const [, operator, list] of template.matchAll(expression)) {
    for (const { name } of parse(list)) {
      if (!found.has(name)) found.set(name, { name, optional: operator === "?" || operator === "&" || operator === "#" });
    }
  }
  return [...found.values()];
}

/**
 * expand puts values into a template.
 * @param {string} template
 * @param {Record<string, string>} values
 */
export function expand(template, values) {
  return template.replaceAll(expression, (_, operator, list) => {
    const rule = operators[operator];
    const parts = parse(list).flatMap((v) => part(v, Object.hasOwn(values, v.name) ? values[v.name] : undefined, rule));
    return parts.length > 0 ? rule.first + parts.join(rule.between) : "";
  });
}

/** @param {Variable} v @param {string | undefined} value @param {(typeof operators)[string]} rule @returns {string[]} */
function part(v, value, rule) {
  if (value === undefined || value === "") return [];
  const encode = (/** @type {string} */ text) => (rule.reserved ? encodeURI(text).replaceAll("%25", "%") : strict(text));
  if (v.explode) return value.split(",").map((item) => (rule.named ? `${v.name}=${encode(item)}` : encode(item)));
  const text = encode(v.prefix ? [...value].slice(0, v.prefix).join("") : value);
  return [rule.named ? v.name + (text ? `=${text}` : rule.empty) : text];
}

/** @param {string} text */
const strict = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
