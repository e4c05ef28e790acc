// The overview: the server, what its tools cost a model, and who may use what.

/** @import { Feature, State } from "./types" */
import { el, icon, link, number, plural } from "./dom.js";
import { jsonBox, longText } from "./json.js";
import { allFeatures, open, store } from "./store.js";

const most = 200; // rows at a time

let order = "listed"; // of the features, which outlasts the page

/** @returns {HTMLElement} */
export function overviewPage() {
  const s = store.state;
  if (!s) return el("div", { class: "page" });
  const server = s.server ?? {};
  return el("div", { class: "page overview" },
    el("header", { class: "page-head" },
      el("p", { class: "kind" }, icon("home"), "Server"), el("h2", null, server.title || server.name || s.name),
      server.description ? el("p", { class: "lead" }, longText(server.description, 800)) : null,
      server.websiteUrl ? el("p", null, link(server.websiteUrl)) : null),
    figures(), facts(s),
    s.instructions ? el("section", { class: "block" }, el("h3", null, "Instructions"), el("p", { class: "prose" }, longText(s.instructions, 3000))) : null,
    policies(),
    s.capabilities ? el("section", { class: "block" }, el("h3", null, "Capabilities"), jsonBox(s.capabilities, { open: 2 })) : null);
}

function figures() {
  const f = store.features;
  if (!f) return null;
  /** @type {[string, number][]} */
  const all = [["Tools", f.tools.length], ["Resources", f.resources.length], ["Templates", f.templates.length], ["Prompts", f.prompts.length], ["Tokens of all tools", f.totalTokens]];
  return el("dl", { class: "stats" }, all.map(([name, n]) => el("div", null, el("dt", null, name), el("dd", null, number(n)))));
}

/** @param {State} s */
function facts(s) {
  /** @type {[string, string | undefined][]} */
  const all = [["Name", s.server?.name], ["Version", s.server?.version], ["Protocol version", s.version], [s.target.kind === "url" ? "Address" : "Command", s.target.text], ["Identity", who(s)]];
  return el("dl", { class: "facts" }, all.filter(([, value]) => value).map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, el("code", null, value)))));
}

/** @param {State} s */
function who(s) {
  const identity = s.identities.find((i) => i.name === s.identity);
  if (!identity) return s.identity || "none";
  return [identity.subject ?? identity.name, identity.scopes?.length ? `scopes ${identity.scopes.join(" ")}` : "", identity.roles?.length ? `roles ${identity.roles.join(" ")}` : ""].filter(Boolean).join(" · ");
}

function policies() {
  const f = store.features;
  const all = allFeatures();
  if (!f || all.length === 0) return null;
  const known = all.some((x) => x.policy);
  const highest = Math.max(1, ...f.tools.map((t) => t.tokens ?? 0));
  const body = el("tbody");
  let limit = most;
  const sort = el("select", { "aria-label": "Order", onchange: () => { order = sort.value; paint(); } }, el("option", { value: "listed" }, "As listed"), el("option", { value: "tokens" }, "Most tokens first"), el("option", { value: "name" }, "By name"));
  sort.value = order;
  const more = el("button", { type: "button", class: "quiet small", onclick: () => { limit += 1000; paint(); } });
  const paint = () => {
    const sorted = order === "listed" ? all : [...all].sort((a, b) => (order === "tokens" ? (b.tokens ?? 0) - (a.tokens ?? 0) : a.id.localeCompare(b.id)));
    body.replaceChildren(...sorted.slice(0, limit).map((x) => row(x, known, highest)));
    more.hidden = sorted.length <= limit;
    more.textContent = `Show more of ${number(sorted.length)}`;
  };
  paint();
  return el("section", { class: "block" },
    el("div", { class: "modes" }, el("h3", null, known ? "Who may use what" : "Features"), sort),
    f.policySource ? el("p", { class: "hint" }, f.policySource) : null,
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Features" },
      el("table", { class: "policies" }, el("caption", { class: "heard" }, "Features, what they cost and who may use them"),
        el("thead", null, el("tr", null, el("th", { scope: "col" }, "Feature"), el("th", { scope: "col", class: "number" }, "Tokens"), known ? [el("th", { scope: "col" }, "Who"), el("th", { scope: "col" }, "Why")] : null)),
        body,
        el("tfoot", null, el("tr", null, el("th", { scope: "row" }, plural(all.length, "feature")), el("td", { class: "number" }, number(f.totalTokens)), known ? el("td", { colspan: 2 }) : null)))), more);
}

/** @param {Feature} x @param {boolean} known @param {number} highest */
function row(x, known, highest) {
  return el("tr", null,
    el("th", { scope: "row" }, el("button", { type: "button", class: "as-link", onclick: () => open(x.key) }, icon(x.kind), el("span", null, x.id))),
    el("td", { class: "number" }, x.tokens ? [el("meter", { min: 0, max: highest, value: x.tokens, "aria-hidden": "true" }), " ", number(x.tokens)] : ""),
    known ? [el("td", null, x.policy?.who ?? ""), el("td", { class: "about" }, x.policy ? x.policy.why + (x.policy.except?.length ? `; not for ${x.policy.except.join(", ")}` : "") : "")] : null);
}
