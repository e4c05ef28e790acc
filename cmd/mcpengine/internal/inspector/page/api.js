// The inspector's API: JSON and lines of JSON, with the token of the page's address.

/** @import { State, Features, Feature, Kind, Reply, Event, Answer } from "./types" */

const place = "mcpengine.token";

/** takeToken moves the token from the address, where history would keep it, into the session of the tab. */
export function takeToken() {
  const address = new URL(location.href);
  const given = address.searchParams.get("token");
  if (given) {
    sessionStorage.setItem(place, given);
    address.searchParams.delete("token");
    history.replaceState(null, "", address);
  }
  return Boolean(sessionStorage.getItem(place));
}

export class APIError extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * send sends a request and returns the response once it has begun.
 * @param {string} path
 * @param {{body?: unknown, text?: string, signal?: AbortSignal}} [options] text is a body that is JSON already
 */
async function send(path, { body, text, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(place) ?? ""}` };
  const posts = body !== undefined || text !== undefined;
  if (posts) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method: posts ? "POST" : "GET", headers, body: text ?? (posts ? JSON.stringify(body) : undefined), signal, cache: "no-store" });
  if (response.ok) return response;
  const problem = await response.json().catch(() => null);
  throw new APIError(problem?.error || `The inspector answered ${response.status}.`, response.status);
}

/**
 * lines reads a body of one JSON value a line. Empty lines keep the connection open.
 * @param {Response} response
 * @param {(value: any) => void} take
 */
async function lines(response, take) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  /** @type {string[]} */
  let parts = []; // of the line under way: a long line comes in many chunks
  for (;;) {
    const { done, value } = await reader.read();
    const pieces = (done ? decoder.decode() : decoder.decode(value, { stream: true })).split("\n");
    parts.push(pieces[0]);
    for (const piece of pieces.slice(1)) {
      const line = parts.join("");
      if (line.trim()) take(JSON.parse(line));
      parts = [piece];
    }
    if (done) {
      if (parts.join("").trim()) take(JSON.parse(parts.join("")));
      return;
    }
  }
}

/** @returns {Promise<State>} */
export const getState = async () => (await send("/api/state")).json();

/**
 * getFeatures asks the server for all its lists.
 * @returns {Promise<Features>}
 */
export async function getFeatures() {
  const features = await (await send("/api/features")).json();
  /** @type {[string, Kind, "name" | "uri" | "uriTemplate"][]} */
  const kinds = [["tools", "tool", "name"], ["resources", "resource", "uri"], ["templates", "template", "uriTemplate"], ["prompts", "prompt", "name"]];
  for (const [list, kind, name] of kinds) {
    features[list] = (features[list] ?? []).map((/** @type {Feature} */ f) => {
      const id = String(f.definition[name] ?? "");
      return { ...f, kind, id, key: `${kind}:${id}` };
    });
  }
  return features;
}

/**
 * request sends a request to the server and hands over what comes back. Its promise
 * ends with the call; aborting the signal cancels the call at the server.
 * @param {string} method
 * @param {object | string} params an object, or its JSON
 * @param {(reply: Reply) => void} take
 * @param {AbortSignal} [signal]
 */
export async function request(method, params, take, signal) {
  const json = typeof params === "string" ? params : JSON.stringify(params);
  await lines(await send("/api/request", { text: `{"method":${JSON.stringify(method)},"params":${json}}`, signal }), take);
}

/**
 * call is a request for its result alone.
 * @param {string} method
 * @param {object} params
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function call(method, params, signal) {
  /** @type {Reply | undefined} */
  let last;
  await request(method, params, (reply) => { last = reply; }, signal);
  if (last?.type === "result") return last.result;
  if (last?.type === "task") return last.task;
  throw new APIError(last?.type === "error" ? `${last.message} (${last.code})` : "The server did not answer.", 502);
}

/**
 * follow hands over the events from the one after seq, until the connection ends.
 * @param {number} seq
 * @param {(event: Event) => void} take
 * @param {() => void} opened
 */
export async function follow(seq, take, opened) {
  const response = await send(`/api/events?after=${seq}`);
  opened();
  await lines(response, take);
}

/** @param {string} question @param {Answer} answer */
export const answer = (question, answer) => send("/api/answer", { body: { question, ...answer } });

/**
 * complete asks for values of an argument.
 * @param {object} ref
 * @param {{name: string, value: string}} argument
 * @param {Record<string, string>} known the arguments that are filled in
 * @param {AbortSignal} signal
 * @returns {Promise<{values: string[], total?: number, hasMore?: boolean}>}
 */
export const complete = async (ref, argument, known, signal) =>
  (await send("/api/complete", { body: { ref, argument, context: { arguments: known } }, signal })).json();

/** @param {string} uri @param {boolean} on */
export const subscribe = (uri, on) => send(on ? "/api/subscribe" : "/api/unsubscribe", { body: { uri } });

/** @param {string} version @returns {Promise<State>} */
export const setVersion = async (version) => (await send("/api/version", { body: { version } })).json();

/** @param {string} name @returns {Promise<State>} */
export const setIdentity = async (name) => (await send("/api/identity", { body: { name } })).json();

/** @returns {Promise<State>} */
export const reconnect = async () => (await send("/api/reconnect", { body: {} })).json();

/** @param {number} seq */
export const curl = async (seq) => (await send(`/api/curl?seq=${seq}`)).text();

/** @param {boolean} on */
export const record = (on) => send("/api/record", { body: { on } });

export const recorded = async () => (await send("/api/record")).blob();
