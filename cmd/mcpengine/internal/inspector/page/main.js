// The page: wires its parts together and follows what happens at the server.

/** @import { Event, State } from "./types" */
import { answer, APIError, follow, getFeatures, getState, takeToken } from "./api.js";
import { announce, batch, el, messageOf, plural } from "./dom.js";
import { featurePage } from "./feature.js";
import { createFeatureList } from "./features.js";
import { createHead } from "./head.js";
import { createKeys } from "./keys.js";
import { createMessages } from "./messages.js";
import { overviewPage } from "./overview.js";
import { showQuestion } from "./question.js";
import { closeQuestion, logger } from "./run.js";
import { featureOf, on, open, opened, store, tell } from "./store.js";
import { runOfTask, taskPage } from "./task.js";
import { theme } from "./theme.js";

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const log = logger(part("log"));
const pages = 30; // that are kept, with their forms and runs

theme.apply();
const list = createFeatureList(part("features"));
const messages = createMessages(part("messages"));
const keys = createKeys([
  { key: "/", what: "Search features", go: () => { show("features"); list.focus(); } },
  { key: "m", what: "Filter messages", go: () => { show("messages"); messages.focus(); } },
  { key: "o", what: "Overview", go: () => open("overview") },
  { key: "t", what: "Change the theme", go: () => { theme.next(); announce(`Theme: ${theme.choice()}`); } },
  { key: "?", what: "Show this list", go: () => keys.show() },
]);
createHead(part("head"), part("notices"), () => keys.show());

/** @type {Map<string, ReturnType<typeof featurePage>>} */
const made = new Map();

/** pageOf makes the page of a key, or returns the one that was made before. @param {string} key @returns {HTMLElement} */
function pageOf(key) {
  if (key === "overview") return overviewPage();
  if (key === "tasks") return taskPage();
  if (key.startsWith("task:")) return el("div", { class: "page" }, el("header", { class: "page-head" }, el("h2", null, "Task")), runOfTask(key.slice(5)) ?? el("p", { class: "empty" }, "This page knows no such task. Look it up by its id."));
  const known = made.get(key);
  if (known) return known.element;
  const uri = key.startsWith("resource:") ? key.slice("resource:".length) : "";
  const feature = featureOf(key) ?? (uri ? { key, kind: /** @type {const} */ ("resource"), id: uri, definition: { name: uri, uri } } : null);
  if (!feature) return el("div", { class: "page" }, el("p", { class: "empty" }, store.features ? "The server has no such feature." : "Loading…"));
  const page = featurePage(feature);
  made.set(key, page);
  for (const old of [...made.keys()].slice(0, Math.max(0, made.size - pages))) {
    made.get(old)?.element.remove();
    made.delete(old);
  }
  return page.element;
}

/** paint shows the opened page. Others stay in the document, so that their views do not start again. */
function paint() {
  const page = pageOf(opened());
  for (const child of [...part("detail").children]) {
    if ([...made.values()].some((m) => m.element === child)) /** @type {HTMLElement} */ (child).hidden = child !== page;
    else if (child !== page) child.remove();
  }
  if (!page.isConnected) part("detail").append(page);
  page.dataset.page = opened();
  page.hidden = false;
}

/** show chooses the pane of a narrow window. @param {string} pane */
function show(pane) {
  document.body.dataset.pane = pane;
  for (const button of part("panes").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.pane === pane));
}

part("panes").addEventListener("click", (event) => {
  const pane = event.target instanceof Element && event.target.closest("button")?.dataset.pane;
  if (pane) show(pane);
});
window.addEventListener("hashchange", () => tell("open", opened()));
on("open", () => { paint(); show("detail"); part("detail").scrollTop = 0; });
on("state", () => { if (opened() === "overview") paint(); });
on("reconnected", load);
show(location.hash ? "detail" : "features");

/** load asks for the features again. A changed feature gets a new page with the values of the old one. */
async function load() {
  try {
    const before = store.features;
    store.features = await getFeatures();
    store.problem = "";
    if (before) renew();
  } catch (error) {
    store.problem = messageOf(error);
  }
  tell("features");
  paint();
}

function renew() {
  for (const [key, page] of made) {
    const feature = featureOf(key);
    if (feature && JSON.stringify(feature.definition) === page.definition) continue;
    if (!feature && key.startsWith("resource:")) continue; // one that no list has
    page.element.remove();
    made.delete(key);
    if (!feature) continue;
    const values = page.values();
    made.set(key, featurePage(feature, typeof values === "object" ? values : undefined));
  }
}

const reload = batch(() => load());

// The events that a new page gets begin in the past: only the last state counts.
const news = batch((/** @type {State[]} */ all) => {
  const state = all[all.length - 1];
  store.state = state;
  store.subscribed = new Set(state.subscribed);
  tell("state");
});

let last = 0;

/** @param {Event} event */
function take(event) {
  last = Math.max(last, event.seq);
  switch (event.type) {
    case "message": return messages.add(event);
    case "state": return news(event.state);
    case "changed":
      reload(null);
      return announce(`The ${event.kind} have changed: ${[[event.added, "new"], [event.changed, "changed"], [event.removed, "gone"]].filter(([names]) => names?.length).map(([names, what]) => `${names?.length} ${what}`).join(", ")}`);
    case "updated": return tell("updated", event.uri);
    case "question": {
      const card = showQuestion(event, (a) => answer(event.question, a));
      card.dataset.question = event.question;
      part("asked").append(card);
      show("messages");
      return;
    }
    case "answered":
      closeQuestion(event.question);
      for (const card of part("asked").querySelectorAll("section")) if (card.dataset.question === event.question) card.remove();
      return;
    case "log": return log(event);
    case "lost": return announce(`${plural(event.count, "message")} came too fast to be kept.`);
  }
}

/** events follows what happens, and comes back when the inspector has gone for a while. */
async function events() {
  for (let wait = 500; ; wait = Math.min(wait * 2, 10_000)) {
    try {
      await follow(last, take, () => {
        wait = 500;
        part("offline").hidden = true;
      });
    } catch (error) {
      if (error instanceof APIError && error.status === 401) return refuse();
    }
    part("offline").hidden = false;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

function refuse() {
  part("stop").hidden = false;
  document.body.dataset.stopped = "";
}

async function start() {
  if (!takeToken()) return refuse();
  try {
    store.state = await getState();
    store.subscribed = new Set(store.state.subscribed);
  } catch (error) {
    if (error instanceof APIError && error.status === 401) return refuse();
    store.problem = messageOf(error);
  }
  tell("state");
  await Promise.all([load(), events()]);
}

start();
