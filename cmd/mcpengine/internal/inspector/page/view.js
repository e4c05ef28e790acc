// The host side of MCP Apps (version 2026-01-26): a view of the server in a frame of
// another origin.

/** @import { Definition, Question, Result } from "./types" */
import { APIError, request } from "./api.js";
import { el, isWeb, link, messageOf } from "./dom.js";
import { notify, notifyAll, serveFrame } from "./frame.js";
import { longText } from "./json.js";
import { featureOf, store } from "./store.js";
import { theme } from "./theme.js";

const highest = 2000; // pixels

/** viewOf returns the URI of the view that shows a tool's results. @param {Definition} tool */
export function viewOf(tool) {
  const uri = tool._meta?.ui?.resourceUri ?? tool._meta?.["ui/resourceUri"];
  return typeof uri === "string" && uri.startsWith("ui://") ? uri : "";
}

/**
 * showView shows a result of a tool in its view.
 * @param {Definition} tool
 * @param {object} args
 * @param {Result} result
 * @param {(question: Question) => void} ask asks the questions of calls that the view makes
 */
export function showView(tool, args, result, ask) {
  const state = el("p", { class: "about", role: "status" }, "Loading the view…");
  const asks = el("div", { class: "questions" });
  const notes = el("div", { class: "notes" });
  const element = el("div", { class: "view" }, state, asks, notes);
  load(viewOf(tool)).catch((error) => state.replaceChildren(el("span", { class: "notice bad" }, messageOf(error))));
  return element;

  /** @param {string} uri */
  async function load(uri) {
    const { contents } = await send("resources/read", { uri }, ask);
    const page = contents?.[0];
    if (!page?.mimeType?.startsWith("text/html")) throw new Error(`${uri} is not a view: its type is ${page?.mimeType ?? "unknown"}`);
    const html = page.text ?? new TextDecoder().decode(Uint8Array.from(atob(page.blob), (c) => c.charCodeAt(0)));
    const { csp, permissions } = page._meta?.ui ?? {};
    const address = new URL("/sandbox.html", store.state?.sandbox);
    if (csp) address.searchParams.set("csp", JSON.stringify(csp));
    const frame = el("iframe", { title: `View of ${tool.name}`, sandbox: "allow-scripts allow-same-origin allow-forms", allow: allowed(permissions) });
    notes.before(frame);
    serveFrame(frame, address.origin, methods(frame, { html, csp, permissions }));
    frame.src = address.href;
  }

  /** @param {HTMLIFrameElement} frame @param {object} resource @returns {import("./frame.js").Methods} */
  function methods(frame, resource) {
    return {
      "ui/notifications/sandbox-proxy-ready": () => notify(frame, "ui/notifications/sandbox-resource-ready", resource),
      "ui/initialize": () => ({
        protocolVersion: "2026-01-26",
        hostInfo: { name: "mcpengine-inspector", version: "1.0.0" },
        hostCapabilities: { openLinks: {}, serverTools: {}, serverResources: {}, logging: {}, message: { text: {} }, updateModelContext: { text: {}, structuredContent: {} } },
        hostContext: {
          toolInfo: { tool }, theme: theme.scheme(), displayMode: "inline", availableDisplayModes: ["inline"],
          containerDimensions: { maxHeight: highest, maxWidth: element.clientWidth || 600 },
          locale: navigator.language, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone, platform: "web", userAgent: "mcpengine-inspector",
        },
      }),
      "ui/notifications/initialized": () => {
        state.textContent = "";
        notify(frame, "ui/notifications/tool-input", { arguments: args });
        notify(frame, "ui/notifications/tool-result", result);
      },
      "ui/notifications/size-changed": ({ height }) => { if (height > 0) frame.style.height = `${Math.min(Math.ceil(height) + 2, highest)}px`; },
      "ui/open-link": ({ url }) => openLink(String(url), asks),
      "ui/message": ({ content }) => note("Into the conversation", content),
      "ui/update-model-context": ({ content, structuredContent }) => note("For the model", content ?? structuredContent),
      "ui/request-display-mode": () => ({ mode: "inline" }),
      "notifications/message": ({ level, data }) => note(`Log (${level})`, data),
      "tools/call": (params) => callTool(params),
      "resources/read": (params) => send("resources/read", params, ask),
      "resources/list": (params) => send("resources/list", params, ask),
      ping: () => ({}),
    };
  }

  /** callTool calls a tool, if it is one for views. @param {any} params */
  function callTool({ name, arguments: given = {}, _meta }) {
    const visibility = featureOf(`tool:${name}`)?.definition._meta?.ui?.visibility;
    if (visibility && !visibility.includes("app")) throw new Error(`${name} is for the model alone`);
    return send("tools/call", { name, arguments: given, ...(_meta && { _meta }) }, ask);
  }

  /** @param {string} title @param {unknown} value */
  function note(title, value) {
    const blocks = Array.isArray(value) && value.every((b) => b?.type === "text");
    const text = blocks ? value.map((b) => b.text).join("\n") : typeof value === "string" ? value : JSON.stringify(value) ?? "";
    if (notes.childElementCount >= 100) notes.firstElementChild?.remove();
    notes.append(el("p", { class: "about" }, el("strong", null, `${title}: `), longText(text, 400)));
    return {};
  }
}

/** @param {string} method @param {object} params @param {(question: Question) => void} ask @returns {Promise<any>} */
async function send(method, params, ask) {
  /** @type {import("./types").Reply | undefined} */
  let last;
  await request(method, params, (reply) => {
    if (reply.type === "question") ask(reply);
    else last = reply;
  });
  if (last?.type === "result") return last.result;
  throw new APIError(last?.type === "error" ? last.message : "The server did not answer.", 502);
}

/** openLink asks before anything opens. @param {string} url @param {HTMLElement} asks @returns {Promise<object>} */
function openLink(url, asks) {
  if (!isWeb(url)) return Promise.resolve({ isError: true });
  return new Promise((resolve) => {
    const done = (/** @type {boolean} */ yes) => {
      if (yes) window.open(url, "_blank", "noopener,noreferrer");
      card.remove();
      resolve(yes ? {} : { isError: true });
    };
    const card = el("section", { class: "question", tabindex: "-1", "aria-label": "The view wants to open a page" },
      el("h3", null, "The view wants to open a page"), el("p", { class: "url" }, link(url)),
      el("div", { class: "actions" }, el("button", { type: "button", class: "primary", onclick: () => done(true) }, "Open"), el("button", { type: "button", onclick: () => done(false) }, "Refuse")));
    asks.append(card);
    card.focus();
  });
}

/** @param {Record<string, unknown> | undefined} wanted */
function allowed(wanted) {
  /** @type {Record<string, string>} */
  const names = { camera: "camera", microphone: "microphone", geolocation: "geolocation", clipboardWrite: "clipboard-write" };
  return Object.keys(wanted ?? {}).map((name) => names[name]).filter(Boolean).join("; ");
}

theme.follow((scheme) => notifyAll("ui/notifications/host-context-changed", { theme: scheme }));
