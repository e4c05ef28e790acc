// Completion of an argument: a text field with a list of values below it, which the
// arrow keys reach (ARIA's editable combobox with list autocompletion).

import { announce, el, newID, plural } from "./dom.js";

/**
 * combobox gives an input the values that complete returns for its text.
 * @param {HTMLInputElement} input
 * @param {(value: string, signal: AbortSignal) => Promise<string[]>} complete
 */
export function combobox(input, complete) {
  const id = newID();
  const list = el("ul", { id, role: "listbox", class: "options", "aria-label": "Values", hidden: true });
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", id);
  input.setAttribute("aria-expanded", "false");
  /** @type {AbortController | null} */
  let asked = null;
  let timer = 0;
  let active = -1;

  const close = () => {
    clearTimeout(timer);
    asked?.abort();
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (/** @type {number} */ at) => {
    const options = [...list.children];
    active = options.length === 0 ? -1 : (at + options.length) % options.length;
    options.forEach((o, i) => o.setAttribute("aria-selected", String(i === active)));
    options[active]?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[active]?.id ?? "");
  };
  const take = (/** @type {string} */ value) => {
    input.value = value;
    close();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    const values = await complete(input.value, signal).catch(() => []);
    if (signal.aborted || document.activeElement !== input) return;
    list.replaceChildren(...values.slice(0, 100).map((value) => el("li", {
      id: newID(), role: "option", "aria-selected": "false",
      onpointerdown: (/** @type {PointerEvent} */ event) => { event.preventDefault(); take(value); },
    }, value)));
    list.hidden = values.length === 0;
    active = -1;
    input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-expanded", String(values.length > 0));
    if (values.length > 0) announce(plural(values.length, "value"));
  };

  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
  input.addEventListener("focus", ask);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else mark(event.key === "ArrowDown" ? active + 1 : active < 0 ? -1 : active - 1);
    } else if (event.key === "Enter" && active >= 0 && !list.hidden) {
      event.preventDefault();
      take(list.children[active].textContent ?? "");
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      close();
    }
  });
  // The list is placed once the input stands in a form.
  queueMicrotask(() => {
    const holder = el("div", { class: "combobox" });
    input.replaceWith(holder);
    holder.append(input, list);
  });
}
