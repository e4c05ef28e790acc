// A run is one request to the server with everything that comes back.

/** @import { Reply, Result, Task } from "./types" */
import { answer, call, request } from "./api.js";
import { announce, batch, bytes, duration, el, icon, messageOf, number } from "./dom.js";
import { jsonBox } from "./json.js";
import { showQuestion } from "./question.js";
import { showResult } from "./result.js";
import { store, tell } from "./store.js";
import { showTask } from "./task.js";

// A browser opens about six connections to one address. The events have one of them, and
// an answer to a question needs another one.
const most = 4;

/** @type {Set<{ask: (question: import("./types").Question) => void, answered: (id: string) => void}>} */
const running = new Set();

/** closeQuestion takes away a question that needs no answer any more. @param {string} id */
export function closeQuestion(id) {
  for (const run of running) run.answered(id);
}

/**
 * startRun sends a request and returns the card that shows it.
 * @param {object} what
 * @param {string} what.method
 * @param {string | object} what.params
 * @param {string} what.title
 * @param {(result: Result) => HTMLElement | null} [what.view] makes the app that shows a result
 * @param {(result: Result | null) => void} [what.ended] null after an error
 */
export function startRun({ method, params, title, view, ended }) {
  const abort = new AbortController();
  const began = performance.now();
  const status = el("span", { class: "state" }, el("span", { class: "dot busy" }), "Running…");
  const figures = el("span", { class: "figures" });
  const stop = el("button", { type: "button", class: "small", onclick: () => abort.abort() }, "Cancel");
  const progress = el("div", { class: "progress", hidden: true });
  const task = el("div");
  const questions = el("div", { class: "questions" });
  const logs = el("ol", { class: "logs", hidden: true, "aria-label": "Log", tabindex: "0" });
  const log = logger(logs);
  const advance = batch((/** @type {import("./types").Reply[]} */ all) => {
    const last = all.at(-1);
    if (last?.type === "progress" && running.has(run)) showProgress(progress, last);
  });
  const outcome = el("div", { class: "outcome" });
  const element = el("article", { class: "run", "aria-label": `Run of ${title}`, tabindex: "-1" },
    el("header", null, status, figures, stop), progress, task, questions, logs, outcome);
  const clock = setInterval(() => { figures.textContent = duration(performance.now() - began); }, 100);
  /** @type {Map<string, HTMLElement>} */
  const open = new Map();
  const run = {
    ask(/** @type {import("./types").Question} */ q) {
      const card = showQuestion(q, (a) => (open.delete(q.question), answer(q.question, a)));
      open.set(q.question, card);
      questions.append(card);
      card.focus();
    },
    answered(/** @type {string} */ id) {
      open.get(id)?.remove();
      open.delete(id);
    },
  };
  running.add(run);

  /** @param {"good" | "bad" | "idle"} mood @param {string} text @param {string} numbers */
  const end = (mood, text, numbers) => {
    clearInterval(clock);
    running.delete(run);
    for (const card of open.values()) card.remove();
    status.replaceChildren(el("span", { class: `dot ${mood}` }), text);
    figures.textContent = numbers;
    stop.remove();
    progress.hidden = true;
    announce(`${title}: ${text}. ${numbers}`);
  };

  /** @param {Reply} reply */
  const take = (reply) => {
    switch (reply.type) {
      case "progress": return advance(reply);
      case "log": return log(reply);
      case "question": return run.ask(reply);
      case "task": return showRunTask(reply.task);
      case "result":
        end(reply.result.isError ? "bad" : "good", reply.result.isError ? "Tool error" : "Done", `${duration(reply.milliseconds)} · ${bytes(reply.bytes)}`);
        outcome.replaceChildren(showResult(reply.result, { view: view?.(reply.result) }));
        ended?.(reply.result);
        return;
      case "error":
        end("bad", reply.code ? `Error ${reply.code}` : "Failed", duration(reply.milliseconds));
        outcome.replaceChildren(el("p", { class: "notice bad" }, reply.message), reply.data === undefined ? "" : jsonBox(reply.data));
        ended?.(null);
    }
  };

  /** @param {Task} t */
  const showRunTask = (t) => {
    if (!store.tasks.has(t.taskId)) announce(`${title} has become a task`);
    store.tasks.set(t.taskId, { task: t, title, show: () => element });
    task.replaceChildren(showTask(t, () => call("tasks/cancel", { taskId: t.taskId })));
    tell("tasks");
  };

  const full = running.size > most;
  (full ? Promise.reject(new Error(`${most} calls are under way: wait for one, or cancel it.`)) : request(method, params, take, abort.signal)).then(
    () => { if (running.has(run)) end("bad", "The answer broke off", ""); },
    (error) => {
      if (!running.has(run)) return;
      end(abort.signal.aborted ? "idle" : "bad", abort.signal.aborted ? "Cancelled" : "Failed", duration(performance.now() - began));
      if (!abort.signal.aborted) outcome.replaceChildren(el("p", { class: "notice bad" }, messageOf(error)));
      ended?.(null);
    });
  announce(`Running ${title}`);
  return { element, take, cancel: () => abort.abort(), isRunning: () => running.has(run) };
}

/** @param {HTMLElement} at @param {{progress: number, total?: number, message?: string}} reply */
function showProgress(at, { progress, total, message }) {
  at.hidden = false;
  const bar = el("progress", { "aria-label": "Progress", ...(total ? { max: total, value: Math.min(progress, total) } : {}) });
  at.replaceChildren(bar, el("p", { role: "status" }, message ? `${message} ` : "", el("span", { class: "figures" }, total ? `${number(progress)} of ${number(total)}` : number(progress))));
}

/** logger returns a function that adds a message to a log. @param {HTMLElement} list */
export const logger = (list) => batch((/** @type {{level: string, logger?: string, data: unknown}[]} */ lines) => {
  list.hidden = false;
  list.append(...lines.slice(-500).map(logLine));
  while (list.childElementCount > 500) list.firstElementChild?.remove();
  list.scrollTop = list.scrollHeight;
});

/** @param {{level: string, logger?: string, data: unknown}} line */
function logLine({ level, logger: source, data }) {
  const known = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"].includes(level) ? level : "info";
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return el("li", null, el("span", { class: `level ${known}` }, level), source ? el("span", { class: "about" }, source) : null, el("span", null, text.slice(0, 2000)));
}

/** nothing is what stands where a run will be. @param {string} text */
export const nothing = (text) => el("div", { class: "nothing" }, icon("run"), el("p", null, text));
