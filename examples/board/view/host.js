// @ts-check
"use strict";

// The connection of a view to its host: JSON-RPC over postMessage (MCP Apps,
// version 2026-01-26). It depends on nothing and can be copied into any view.

/**
 * @typedef {{content?: {type: string, text?: string}[], structuredContent?: unknown, isError?: boolean}} ToolResult
 * @typedef {{theme?: string, locale?: string, styles?: {variables?: Record<string, string | undefined>, css?: {fonts?: string}}}} HostContext
 */

const host = (() => {
  /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  /** @type {Record<string, (params: any) => unknown>} */
  const handlers = { ping: () => ({}) };
  /** @type {HostContext} */
  const context = {};
  let last = 0;

  /** @param {object} message */
  function send(message) {
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  /**
   * request sends a request and returns its result.
   * @param {string} method
   * @param {object} params
   * @returns {Promise<any>}
   */
  function request(method, params) {
    const id = ++last;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      send({ id, method, params });
    });
  }

  /**
   * @param {string} method
   * @param {object} [params]
   */
  function notify(method, params = {}) {
    send({ method, params });
  }

  window.addEventListener("message", async (event) => {
    const message = event.data;
    if (event.source !== window.parent || message?.jsonrpc !== "2.0") return;
    if (message.method === undefined) {
      settle(message);
      return;
    }
    const handler = handlers[message.method];
    if (message.id === undefined) {
      handler?.(message.params);
    } else if (handler) {
      send({ id: message.id, result: (await handler(message.params)) ?? {} });
    } else {
      send({ id: message.id, error: { code: -32601, message: "Method not found" } });
    }
  });

  /** @param {{id: number, result?: unknown, error?: {message?: string}}} response */
  function settle(response) {
    const call = waiting.get(response.id);
    waiting.delete(response.id);
    if (response.error) call?.reject(new Error(response.error.message || "The host refused."));
    else call?.resolve(response.result);
  }

  /**
   * dress puts the host's theme, colors and fonts on the document.
   * @param {HostContext} changes
   */
  function dress(changes) {
    Object.assign(context, changes);
    const root = document.documentElement;
    if (changes.theme === "light" || changes.theme === "dark") root.style.colorScheme = changes.theme;
    for (const [name, value] of Object.entries(changes.styles?.variables ?? {})) {
      if (name.startsWith("--") && value) root.style.setProperty(name, value);
    }
    if (changes.styles?.css?.fonts) {
      const style = document.createElement("style");
      style.textContent = changes.styles.css.fonts;
      document.head.append(style);
    }
  }

  // fit tells the host how large the document is.
  function fit() {
    const { width, height } = document.documentElement.getBoundingClientRect();
    notify("ui/notifications/size-changed", { width: Math.ceil(width), height: Math.ceil(height) });
  }

  return {
    context,

    /**
     * on handles a method that the host calls.
     * @param {string} method
     * @param {(params: any) => unknown} handler
     */
    on(method, handler) {
      handlers[method] = handler;
    },

    /**
     * connect opens the connection and returns what the host can do. Handlers
     * are set before.
     * @param {{name: string, version: string}} appInfo
     * @returns {Promise<{serverTools?: object}>}
     */
    async connect(appInfo) {
      const changed = handlers["ui/notifications/host-context-changed"];
      handlers["ui/notifications/host-context-changed"] = (params) => (dress(params), changed?.(params));
      const result = await request("ui/initialize", {
        protocolVersion: "2026-01-26",
        appInfo,
        appCapabilities: { availableDisplayModes: ["inline"] },
      });
      dress(result.hostContext ?? {});
      notify("ui/notifications/initialized");
      new ResizeObserver(fit).observe(document.documentElement);
      return result.hostCapabilities ?? {};
    },

    /**
     * callTool calls a tool of the view's server.
     * @param {string} name
     * @param {object} args
     * @param {object} [meta]
     * @returns {Promise<ToolResult>}
     */
    callTool(name, args, meta) {
      return request("tools/call", { name, arguments: args, ...(meta && { _meta: meta }) });
    },

    /**
     * textOf returns the text of a result.
     * @param {ToolResult} result
     */
    textOf(result) {
      return (result.content ?? []).filter((block) => block.type === "text").map((block) => block.text).join("\n");
    },

    /**
     * contentOf returns the structured content of a result. The first protocol
     * versions have it only as text.
     * @param {ToolResult} result
     * @returns {any}
     */
    contentOf(result) {
      return result.structuredContent ?? JSON.parse(this.textOf(result));
    },
  };
})();
