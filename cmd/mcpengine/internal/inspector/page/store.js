// What the page knows, and who is told when it changes.

/** @import { State, Features, Feature, Task } from "./types" */

/** @typedef {"state" | "features" | "updated" | "tasks" | "open" | "reconnected"} Topic */

/** @type {Map<Topic, Set<(detail: any) => void>>} */
const listeners = new Map();

/** @type {{state: State | null, features: Features | null, problem: string, subscribed: Set<string>, tasks: Map<string, {task: Task, title: string, show: () => HTMLElement}>}} */
export const store = { state: null, features: null, problem: "", subscribed: new Set(), tasks: new Map() };

/**
 * on has a function called at each change.
 * @param {Topic} topic
 * @param {(detail: any) => void} listener
 */
export function on(topic, listener) {
  const all = listeners.get(topic) ?? new Set();
  listeners.set(topic, all.add(listener));
}

/**
 * tell says that something has changed.
 * @param {Topic} topic
 * @param {unknown} [detail]
 */
export function tell(topic, detail) {
  for (const listener of listeners.get(topic) ?? []) listener(detail);
}

/** @returns {Feature[]} */
export function allFeatures() {
  const f = store.features;
  return f ? [...f.tools, ...f.resources, ...f.templates, ...f.prompts] : [];
}

/** @param {string} key */
export const featureOf = (key) => allFeatures().find((f) => f.key === key);

/** open shows a page: "overview", or the key of a feature or a task.
 * @param {string} key */
export function open(key) {
  const hash = `#${encodeURIComponent(key)}`;
  if (location.hash === hash) tell("open", key);
  else location.hash = hash;
}

/** opened returns the key of the page that is shown. */
export function opened() {
  try {
    return decodeURIComponent(location.hash.slice(1)) || "overview";
  } catch {
    return "overview";
  }
}
