// Tasks: calls that outlive their request.

/** @import { Answer, Task } from "./types" */
import { call } from "./api.js";
import { announce, copyButton, duration, el, messageOf } from "./dom.js";
import { showQuestion } from "./question.js";
import { showResult } from "./result.js";
import { store } from "./store.js";

const over = ["completed", "failed", "cancelled"];

/** @param {string} status */
const moodOf = (status) => ({ completed: "good", failed: "bad", cancelled: "idle", input_required: "warn" })[status] ?? "busy";

/** wordsOf is a status for people. @param {string} status */
export const wordsOf = (status) => `${status.charAt(0).toUpperCase()}${status.slice(1).replaceAll("_", " ")}`;

/**
 * showTask shows the state of a task.
 * @param {Task} task
 * @param {() => Promise<unknown>} cancel
 */
export function showTask(task, cancel) {
  const fault = el("p", { class: "fault", role: "alert" });
  const button = el("button", {
    type: "button", class: "small",
    onclick: () => {
      button.disabled = true;
      cancel().catch((error) => {
        fault.textContent = messageOf(error);
        button.disabled = false;
      });
    },
  }, "Cancel the task");
  return el("section", { class: "task", "aria-label": "Task" },
    el("header", null, el("span", { class: "state" }, el("span", { class: `dot ${moodOf(task.status)}` }), wordsOf(task.status)), task.statusMessage ? el("span", null, task.statusMessage) : null, over.includes(task.status) ? null : button),
    el("dl", { class: "facts" },
      fact("Task", el("code", null, task.taskId), copyButton("Copy", () => task.taskId)),
      fact("Created", timeOf(task.createdAt)), fact("Updated", timeOf(task.lastUpdatedAt)),
      fact("Asked every", duration(task.pollIntervalMs ?? task.pollInterval)), fact("Kept for", duration(task.ttlMs))),
    fault);
}

/** @param {string} name @param {...(import("./dom.js").Child)} value */
const fact = (name, ...value) => (value[0] ? el("div", null, el("dt", null, name), el("dd", null, ...value)) : null);

/** @param {string | undefined} time */
function timeOf(time) {
  const date = new Date(time ?? "");
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleTimeString();
}

/**
 * taskPage looks tasks up by their id: also those of other clients.
 * @returns {HTMLElement}
 */
export function taskPage() {
  const input = el("input", { type: "text", id: "task-id", autocomplete: "off", spellcheck: "false" });
  const found = el("div");
  const fault = el("p", { class: "fault", role: "alert" });
  const look = async () => {
    fault.textContent = "";
    try {
      const id = input.value.trim();
      const task = await call("tasks/get", { taskId: id });
      found.replaceChildren(...details(task, look));
      announce(`The task is ${task.status}`);
    } catch (error) {
      found.replaceChildren();
      fault.textContent = messageOf(error);
    }
  };
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") look(); });
  return el("div", { class: "page" },
    el("header", { class: "page-head" }, el("h2", null, "Tasks")),
    el("p", { class: "lead" }, "A durable tool answers with a task when it takes longer than its request. Tasks of this page stand in the list of features; any other is found by its id."),
    el("div", { class: "field" }, el("div", { class: "label" }, el("label", { for: "task-id", class: "name" }, "Task id")), el("div", { class: "row" }, input, el("button", { type: "button", class: "primary", onclick: look }, "Look up"))),
    fault, found);
}

/** @param {Task} task @param {() => void} again */
function details(task, again) {
  const { taskId } = task;
  const cards = Object.entries(task.inputRequests ?? {}).map(([key, { method, params }]) => showQuestion(
    method === "sampling/createMessage"
      ? { question: key, kind: "sampling", params }
      : { question: key, kind: params?.mode === "url" ? "url" : "form", message: params?.message, schema: params?.requestedSchema, url: params?.url },
    async (/** @type {Answer} */ a) => {
      await call("tasks/update", { taskId, inputResponses: { [key]: a.action === "accept" && method === "sampling/createMessage" ? a.content : a } });
      again();
    }));
  return [
    showTask(task, async () => { await call("tasks/cancel", { taskId }); again(); }), ...cards,
    task.result ? showResult(task.result) : "",
    task.error ? el("p", { class: "notice bad" }, `${task.error.message} (${task.error.code})`) : "",
  ];
}

/** @param {string} id */
export const runOfTask = (id) => store.tasks.get(id)?.show();
