// @ts-check
"use strict";

// The messages of the board, newest first, and a form to post one. Strangers
// write messages, so that they only ever become text.

/** @typedef {import("./tools").GetMessagesContent["messages"][number]} Message */

(() => {
  const refreshEvery = 3000; // milliseconds, doubled with each failure up to a minute
  const shortest = 500; // characters of a long message that are shown at first
  const kept = 50; // messages

  /**
   * @template {HTMLElement} T
   * @param {string} id
   * @param {new () => T} type
   * @returns {T}
   */
  function element(id, type) {
    const found = document.getElementById(id);
    if (found instanceof type) return found;
    throw new Error(`there is no ${id}`);
  }
  const list = element("messages", HTMLUListElement);
  const form = element("composer", HTMLFormElement);
  const username = element("username", HTMLInputElement);
  const text = element("text", HTMLTextAreaElement);
  const button = element("post", HTMLButtonElement);
  const error = element("error", HTMLElement);
  const updated = element("updated", HTMLElement);
  const dot = element("dot", HTMLElement);

  /** @type {Message[]} */
  let messages = [];
  let loaded = false;
  let failures = 0;
  let timer = 0;
  let asking = false;
  let again = false;
  let seen = true; // whether the page is on the screen: a board far up in a conversation rests
  let ended = false;

  /**
   * @param {string} tag
   * @param {string} className
   * @param {string} content
   */
  function make(tag, className, content) {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = content;
    return made;
  }

  /** @param {string} name */
  function face(name) {
    let hue = 0;
    for (const c of name) hue = (hue * 31 + (c.codePointAt(0) ?? 0)) % 360;
    const made = make("span", "face", [...name.trim()][0]?.toLocaleUpperCase() ?? "?");
    made.style.setProperty("--hue", String(hue));
    made.setAttribute("aria-hidden", "true");
    return made;
  }

  /** @param {Message} message */
  function row(message) {
    const by = make("div", "by", "");
    const who = make("span", "who", message.username);
    who.dir = "auto";
    const when = document.createElement("time");
    when.dateTime = message.timestamp;
    when.title = new Date(message.timestamp).toLocaleString(host.context.locale);
    by.append(who, when);
    const said = make("div", "said", "");
    said.dir = "auto";
    fill(said, message.text, false);
    const item = document.createElement("li");
    item.dataset.id = String(message.id);
    item.append(face(message.username), by, said);
    return item;
  }

  /**
   * fill puts a text into an element, or its beginning and a button for the rest.
   * @param {HTMLElement} said
   * @param {string} whole
   * @param {boolean} open
   */
  function fill(said, whole, open) {
    const long = whole.length > shortest;
    said.textContent = long && !open ? whole.slice(0, shortest).trimEnd() + "… " : whole + (long ? " " : "");
    if (!long) return;
    const more = make("button", "more", open ? "Show less" : "Show all");
    more.setAttribute("type", "button");
    more.setAttribute("aria-expanded", String(open));
    more.addEventListener("click", () => {
      fill(said, whole, !open);
      said.querySelector("button")?.focus();
    });
    said.append(more);
  }

  /**
   * show adds messages that are not there yet.
   * @param {Message[]} newestFirst
   */
  function show(newestFirst) {
    const known = new Set(messages.map((m) => m.id));
    const fresh = newestFirst.filter((m) => !known.has(m.id));
    for (const message of fresh.toReversed()) {
      const item = row(message);
      if (loaded) item.classList.add("new");
      list.prepend(item);
    }
    messages = [...fresh, ...messages].slice(0, kept);
    while (list.children.length > kept) list.lastElementChild?.remove();
    element("empty", HTMLElement).hidden = messages.length > 0;
    if (loaded && fresh.length > 0) {
      const who = fresh.length === 1 ? `One new message, from ${fresh[0].username}` : `${fresh.length} new messages`;
      element("news", HTMLElement).textContent = `${who}.`;
    }
    loaded = true;
    ages();
  }

  // ages says how long ago each message was posted.
  function ages() {
    const relative = new Intl.RelativeTimeFormat(host.context.locale, { numeric: "auto" });
    for (const when of list.querySelectorAll("time")) {
      const seconds = (new Date(when.dateTime).getTime() - Date.now()) / 1000;
      const [unit, size] = /** @type {[Intl.RelativeTimeFormatUnit, number]} */ (
        seconds > -60 ? ["second", 1] : seconds > -3600 ? ["minute", 60] : seconds > -86400 ? ["hour", 3600] : ["day", 86400]
      );
      when.textContent = unit === "second" ? "just now" : relative.format(Math.trunc(seconds / size), unit);
    }
  }

  /**
   * @param {"live" | "broken" | ""} state
   * @param {string} words
   */
  function say(state, words) {
    dot.className = state;
    if (updated.textContent !== words) updated.textContent = words;
  }

  /** @param {ToolResult} result */
  function take(result) {
    if (result.isError) throw new Error(host.textOf(result) || "The server failed.");
    show(host.contentOf(result).messages);
  }

  // refresh asks for new messages, and again later.
  async function refresh() {
    clearTimeout(timer);
    again = asking;
    if (ended || asking || !seen || document.hidden) return;
    asking = true;
    try {
      take(await host.callTool("newer_messages", { after: messages[0]?.id ?? 0 }));
      failures = 0;
      say("live", "Live");
    } catch (reason) {
      failures++;
      say("broken", "Not up to date: trying again");
      console.warn("refresh:", reason);
    }
    asking = false;
    if (!ended) timer = setTimeout(refresh, again ? 0 : Math.min(refreshEvery * 2 ** failures, 60_000));
  }

  /** @type {{draft: string, key: string}} */
  let sent = { draft: "", key: "" };

  // keyOf returns a key that makes a post happen once: the same for a draft that
  // is sent again.
  /** @param {object} args */
  function keyOf(args) {
    const draft = JSON.stringify(args);
    if (sent.draft !== draft) {
      const random = crypto.getRandomValues(new Uint8Array(16));
      sent = { draft, key: Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("") };
    }
    return { "dev.mcpengine/idempotencyKey": sent.key };
  }

  async function post() {
    if (button.getAttribute("aria-disabled") === "true") return;
    const args = { username: username.value, text: text.value };
    button.setAttribute("aria-disabled", "true");
    error.textContent = "";
    try {
      const result = await host.callTool("post_message", args, keyOf(args));
      if (result.isError) throw new Error(host.textOf(result));
      sent = { draft: "", key: "" };
      text.value = "";
      text.focus();
      refresh();
    } catch (reason) {
      error.textContent = `Not posted: ${reason instanceof Error ? reason.message : reason}`;
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  // A host need not allow forms to be submitted, which would stop the event too.
  // Enter in the name's field clicks the button as well.
  button.addEventListener("click", (event) => {
    event.preventDefault();
    if (form.reportValidity()) post();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    button.click();
  });
  document.addEventListener("visibilitychange", refresh);

  host.on("ui/notifications/tool-result", (result) => {
    try {
      take(result);
    } catch (reason) {
      say("broken", reason instanceof Error ? reason.message : String(reason));
    }
  });
  host.on("ui/notifications/tool-cancelled", () => say("", "Cancelled"));
  host.on("ui/resource-teardown", () => {
    ended = true;
    clearTimeout(timer);
  });

  host.connect({ name: "board", version: "1.0.0" }).then(
    (capabilities) => {
      if (!capabilities.serverTools) {
        say("", "As of when it was asked for");
        return;
      }
      form.hidden = false;
      new IntersectionObserver((entries) => {
        seen = entries[entries.length - 1].isIntersecting;
        refresh();
      }).observe(document.body);
    },
    (reason) => say("broken", `No connection: ${reason.message}`),
  );
})();
