// Questions of the server, answered where they appear.

/** @import { Answer, Question, Schema } from "./types" */
import { announce, el, isWeb, link, messageOf } from "./dom.js";
import { createForm } from "./form.js";
import { jsonBox, longText } from "./json.js";

/**
 * showQuestion asks a question. The answer is sent by send, and the card goes when the
 * server has it.
 * @param {Question} question
 * @param {(answer: Answer) => Promise<unknown>} send
 * @returns {HTMLElement}
 */
export function showQuestion(question, send) {
  const parts = bodies[question.kind]?.(question) ?? { title: "The server asks something", body: jsonBox(question), read: () => "{}", accept: "Accept" };
  const fault = el("p", { class: "fault", role: "alert" });
  const card = el("section", { class: "question", "aria-label": parts.title, tabindex: "-1" });
  /** @param {Answer["action"]} action @param {unknown} [content] */
  const answer = async (action, content) => {
    const buttons = [...card.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    try {
      await send(content === undefined ? { action } : { action, content });
      card.replaceChildren(el("p", { class: "about" }, `${parts.title}: ${{ accept: "answered", decline: "declined", cancel: "left open" }[action]}.`));
      card.classList.add("answered");
    } catch (error) {
      fault.textContent = messageOf(error);
      for (const button of buttons) button.disabled = false;
    }
  };
  const accept = () => {
    const json = parts.read();
    if (json !== null) answer("accept", json === "" ? undefined : JSON.parse(json));
  };
  card.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    accept();
  });
  card.append(
    el("h3", null, parts.title), question.message ? el("p", { class: "message" }, longText(question.message, 4000)) : "", parts.body, fault,
    el("div", { class: "actions" },
      el("button", { type: "button", class: "primary", onclick: accept }, parts.accept),
      el("button", { type: "button", onclick: () => answer("decline") }, "Decline"),
      el("button", { type: "button", class: "quiet", onclick: () => answer("cancel") }, "Cancel")));
  announce(`${parts.title}. ${question.message ?? ""}`.slice(0, 300));
  return card;
}

/** @typedef {{title: string, body: HTMLElement, read: () => string | null, accept: string}} Body read returns JSON, "" for no content, or null after it has said what is wrong */

/** @type {Record<string, (question: Question) => Body>} */
const bodies = {
  form(question) {
    const form = createForm(question.schema ?? { type: "object" }, { name: "answer" });
    return { title: "The server asks", body: el("div", null, form.empty ? null : form.modes, form.element), read: form.read, accept: "Send" };
  },

  url(question) {
    const url = question.url ?? "";
    const site = isWeb(url) ? el("p", { class: "hint" }, "The page is on ", el("strong", null, new URL(url).host)) : el("p", { class: "notice bad" }, "This is no web address, so that it does not open here.");
    return { title: "The server asks you to open a page", body: el("div", null, site, el("p", { class: "url" }, link(url))), read: () => "", accept: "I agree" };
  },

  sampling(question) {
    const { messages = [], systemPrompt, ...rest } = question.params ?? {};
    const form = createForm(/** @type {Schema} */ ({
      type: "object", required: ["text", "model"],
      properties: { text: { type: "string", description: "What the model says" }, model: { type: "string", default: "inspector", maxLength: 80 }, stopReason: { type: "string", default: "endTurn", maxLength: 80 } },
    }), { name: "message" });
    return {
      title: "The server asks for a message of a model",
      body: el("div", null,
        systemPrompt ? el("p", { class: "hint" }, "System: ", longText(String(systemPrompt), 2000)) : null,
        messages.map((/** @type {any} */ m) => el("p", { class: "said" }, el("strong", null, `${m.role}: `), m.content?.type === "text" ? longText(String(m.content.text), 4000) : JSON.stringify(m.content).slice(0, 400))),
        el("details", null, el("summary", null, "Settings"), jsonBox(rest)), form.modes, form.element),
      read() {
        const json = form.read();
        if (json === null) return null;
        const { text, ...others } = JSON.parse(json);
        return JSON.stringify({ role: "assistant", content: { type: "text", text }, ...others });
      },
      accept: "Send",
    };
  },

  roots() {
    const form = createForm({
      type: "object", required: ["roots"],
      properties: { roots: { type: "array", items: { type: "object", required: ["uri"], properties: { uri: { type: "string", format: "uri" }, name: { type: "string", maxLength: 80 } }, additionalProperties: false } } },
    }, { name: "answer" });
    return { title: "The server asks for your roots", body: el("div", null, form.modes, form.element), read: form.read, accept: "Send" };
  },
};
