// Tabs: the arrow keys move between them, and a panel is made when it is first shown.

import { el, newID } from "./dom.js";

/**
 * tabs shows one of several panels.
 * @param {{name: string, make: () => HTMLElement}[]} all
 * @param {string} label
 */
export function tabs(all, label) {
  const panels = all.map(() => el("div", { role: "tabpanel", id: newID(), class: "panel", tabindex: "-1" }));
  const buttons = all.map((tab, i) => el("button", { type: "button", role: "tab", id: newID(), "aria-controls": panels[i].id, onclick: () => show(i) }, tab.name));
  panels.forEach((panel, i) => panel.setAttribute("aria-labelledby", buttons[i].id));
  const show = (/** @type {number} */ at) => {
    panels.forEach((panel, i) => {
      panel.hidden = i !== at;
      buttons[i].setAttribute("aria-selected", String(i === at));
      buttons[i].tabIndex = i === at ? 0 : -1;
    });
    if (!panels[at].hasChildNodes()) panels[at].append(all[at].make());
  };
  const list = el("div", { role: "tablist", "aria-label": label, class: "tabs" }, buttons);
  list.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = (to + buttons.length) % buttons.length;
    show(next);
    buttons[next].focus();
  });
  show(0);
  return el("div", { class: "tabbed" }, list, panels);
}
