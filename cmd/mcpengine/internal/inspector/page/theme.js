// Light and dark: the system's choice, or the user's.

const place = "mcpengine.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** @type {Set<(scheme: "light" | "dark") => void>} */
const followers = new Set();

export const theme = {
  /** @returns {string} "auto", "light" or "dark" */
  choice: () => localStorage.getItem(place) ?? "auto",

  /** @returns {"light" | "dark"} */
  scheme() {
    const choice = theme.choice();
    if (choice === "light" || choice === "dark") return choice;
    return dark.matches ? "dark" : "light";
  },

  /** next goes on to the next choice. */
  next() {
    const all = ["auto", "light", "dark"];
    localStorage.setItem(place, all[(all.indexOf(theme.choice()) + 1) % all.length]);
    theme.apply();
  },

  apply() {
    const choice = theme.choice();
    if (choice === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    for (const follower of followers) follower(theme.scheme());
  },

  /** @param {(scheme: "light" | "dark") => void} follower */
  follow: (follower) => followers.add(follower),
};

dark.addEventListener("change", () => theme.apply());
