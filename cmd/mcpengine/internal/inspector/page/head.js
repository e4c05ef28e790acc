// The head of the page: the server, its connection and its build, and switches of the
// version and the identity.

/** @import { State } from "./types" */
import * as api from "./api.js";
import { announce, duration, el, fill, icon, iconButton, messageOf } from "./dom.js";
import { on, store, tell } from "./store.js";
import { theme } from "./theme.js";

/**
 * createHead makes the head.
 * @param {HTMLElement} element
 * @param {HTMLElement} notices where build errors and failures of the connection stand
 * @param {() => void} showKeys
 */
export function createHead(element, notices, showKeys) {
  let problem = "";
  let recorded = false;
  const themeButton = iconButton("auto", "Theme", () => { theme.next(); announce(`Theme: ${theme.choice()}`); });
  theme.follow(() => paintTheme());

  /** switchTo reconnects. @param {() => Promise<State>} change */
  async function switchTo(change) {
    element.setAttribute("aria-busy", "true");
    problem = "";
    try {
      store.state = await change();
    } catch (error) {
      problem = messageOf(error);
    }
    element.removeAttribute("aria-busy");
    tell("state");
    tell("reconnected");
  }

  async function toggleRecord() {
    const recording = !store.state?.recording;
    try {
      await api.record(recording);
      if (store.state) store.state.recording = recording;
      recorded ||= recording;
      announce(recording ? "Recording" : "The recording has ended");
    } catch (error) {
      problem = messageOf(error);
    }
    tell("state");
  }

  async function save() {
    try {
      const address = URL.createObjectURL(await api.recorded());
      el("a", { href: address, download: "recorded_test.go" }).click();
      setTimeout(() => URL.revokeObjectURL(address), 1000);
    } catch (error) {
      problem = messageOf(error);
      tell("state");
    }
  }

  function paintTheme() {
    const choice = theme.choice();
    themeButton.replaceChildren(icon({ light: "sun", dark: "moon" }[choice] ?? "auto"));
    themeButton.title = `Theme: ${choice}`;
    themeButton.setAttribute("aria-label", `Theme: ${choice}`);
  }

  function paint() {
    const s = store.state;
    if (!s) return;
    const name = s.server?.title || s.server?.name || s.name;
    document.title = `${name} · Inspector`;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.id;
    fill(element,
      el("div", { class: "server" }, mark(s, name),
        el("div", { class: "names" }, el("h1", null, name, s.server?.version ? el("span", { class: "version" }, s.server.version) : null), el("p", { class: "target", title: s.target.text }, s.target.text))),
      el("p", { class: "state connection", role: "status" }, el("span", { class: `dot ${s.connected ? "good" : "bad"}` }), el("span", null, s.connected ? "Connected" : "Not connected"), build(s)),
      el("div", { class: "switches" },
        select("version", "Speak", s.version, s.versions.map((v) => [v, v]), (v) => switchTo(() => api.setVersion(v))),
        s.identities.length > 0 ? select("identity", "As", s.identity, withDefault(s), (v) => switchTo(() => api.setIdentity(v))) : null,
        el("button", { type: "button", id: "record", class: s.recording ? "small recording" : "small", "aria-pressed": String(s.recording), onclick: toggleRecord, title: "Record what is called as an mcptest file" }, el("span", { class: "dot" }), s.recording ? "Recording" : "Record"),
        recorded || s.recording ? el("button", { type: "button", id: "save", class: "small", onclick: save }, icon("save"), "Save test") : null,
        iconButton("reload", "Reconnect", () => switchTo(api.reconnect), { id: "reconnect" }), themeButton, iconButton("keys", "Keyboard shortcuts", showKeys, { id: "keys" })));
    if (focused) document.getElementById(focused)?.focus();
    paintTheme();
    fill(notices, failure(s), compiler(s));
  }

  /** @param {State} s */
  const failure = (s) => (problem || (s.error && !s.connected) ? el("div", { class: "notice bad", role: "alert" }, el("p", null, problem || s.error), el("button", { type: "button", class: "small", onclick: () => switchTo(api.reconnect) }, "Reconnect")) : null);

  on("state", paint);
}

/** withDefault adds the caller that the command line names. @param {State} s @returns {[string, string][]} */
const withDefault = (s) => (s.identities.some((i) => i.name === "") ? s.identities : [{ name: "" }, ...s.identities]).map((i) => [i.name, i.name || "default"]);

/** @param {string} id @param {string} label @param {string} value @param {[string, string][]} options @param {(value: string) => void} change */
function select(id, label, value, options, change) {
  const all = options.some(([v]) => v === value) ? options : [[value, value || "…"], ...options];
  /** @type {HTMLSelectElement} */
  const element = el("select", { id, onchange: () => change(element.value) }, all.map(([v, text]) => el("option", { value: v }, text)));
  element.value = value;
  return el("div", { class: "switcher" }, el("label", { for: id }, label), element);
}

/** mark is the icon of the server, if it is in the page already, or its first letter. @param {State} s @param {string} name */
function mark(s, name) {
  const source = s.server?.icons?.find((i) => /^data:image\/[\w.+-]+[;,]/.test(i.src))?.src;
  return el("span", { class: "mark", "aria-hidden": "true" }, source ? el("img", { src: source, alt: "" }) : [...name][0]?.toUpperCase() ?? "?");
}

/** @param {State} s */
function build({ build: b }) {
  if (!b || b.state === "none") return null;
  const texts = { ok: `Built${b.milliseconds ? ` in ${duration(b.milliseconds)}` : ""}`, building: "Building…", failed: "The build failed" };
  return el("span", { class: "build" }, el("span", { class: `dot ${{ ok: "good", building: "busy", failed: "bad" }[b.state]}` }), texts[b.state]);
}

/** compiler shows what the compiler says. @param {State} s */
function compiler({ build: b }) {
  if (b?.state !== "failed") return null;
  return el("div", { class: "notice bad", role: "alert" }, el("p", null, "The build failed. The last build that compiled goes on serving."), b.output ? el("pre", { class: "plain", tabindex: "0", "aria-label": "What the compiler says" }, b.output) : null);
}
