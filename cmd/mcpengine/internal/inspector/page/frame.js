// JSON-RPC with documents in frames, through postMessage.

import { messageOf } from "./dom.js";

/** @typedef {Record<string, (params: any) => unknown>} Methods */

/** @type {Map<HTMLIFrameElement, {origin: string, methods: Methods}>} */
const served = new Map();

/**
 * serveFrame answers what the document in a frame asks, for as long as the frame is in
 * the page.
 * @param {HTMLIFrameElement} frame stands in the page
 * @param {string} origin
 * @param {Methods} methods
 */
export function serveFrame(frame, origin, methods) {
  for (const old of served.keys()) if (!old.isConnected) served.delete(old);
  served.set(frame, { origin, methods });
}

/** @param {HTMLIFrameElement} frame @param {object} message */
function post(frame, message) {
  frame.contentWindow?.postMessage({ jsonrpc: "2.0", ...message }, served.get(frame)?.origin ?? "null");
}

/** @param {HTMLIFrameElement} frame @param {string} method @param {object} params */
export const notify = (frame, method, params) => post(frame, { method, params });

/** @param {string} method @param {object} params */
export function notifyAll(method, params) {
  for (const frame of served.keys()) notify(frame, method, params);
}

window.addEventListener("message", async (event) => {
  const [frame, server] = [...served].find(([f]) => event.source !== null && f.contentWindow === event.source) ?? [];
  if (!frame || !server || event.origin !== server.origin || event.data?.jsonrpc !== "2.0") return;
  const { id, method, params } = event.data;
  if (typeof method !== "string") return; // an answer: no frame is asked anything
  const handle = Object.hasOwn(server.methods, method) ? server.methods[method] : undefined;
  if (id === undefined) {
    handle?.(params ?? {});
  } else if (!handle) {
    post(frame, { id, error: { code: -32601, message: "Method not found" } });
  } else {
    try {
      post(frame, { id, result: (await handle(params ?? {})) ?? {} });
    } catch (error) {
      post(frame, { id, error: { code: -32000, message: messageOf(error) } });
    }
  }
});
