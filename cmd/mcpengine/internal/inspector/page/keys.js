// Shortcuts, and the dialog that lists them.

import { el, iconButton } from "./dom.js";

const place = "mcpengine.keys";

/**
 * createKeys makes the shortcuts of single keys work, and the dialog.
 * @param {{key: string, what: string, go: () => void}[]} all
 */
export function createKeys(all) {
  const box = el("input", { type: "checkbox", onchange: () => localStorage.setItem(place, box.checked ? "on" : "off") });
  /** @type {[string[], string][]} */
  const others = [[["Ctrl", "Enter"], "Call, read or get; send an answer"], [["↑", "↓"], "Move in the list of features"], [["←", "→"], "Move between tabs"], [["Esc"], "Close a list or this dialog"]];
  const dialog = el("dialog", { "aria-labelledby": "keys-title" },
    el("header", null, el("h2", { id: "keys-title" }, "Keyboard shortcuts"), iconButton("remove", "Close", () => dialog.close())),
    el("dl", { class: "keys" },
      all.map(({ key, what }) => el("div", null, el("dt", null, el("kbd", null, key)), el("dd", null, what))),
      others.map(([keys, what]) => el("div", null, el("dt", null, keys.map((k) => el("kbd", null, k))), el("dd", null, what)))),
    el("label", { class: "switch" }, box, "Shortcuts of a single key"));
  document.body.append(dialog);
  const enabled = () => localStorage.getItem(place) !== "off";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || !enabled()) return;
    if (event.target instanceof Element && event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]")) return;
    const found = all.find(({ key }) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found.go();
  });
  return {
    show() {
      box.checked = enabled();
      dialog.showModal();
    },
  };
}
