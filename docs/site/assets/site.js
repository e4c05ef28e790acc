const root = document.body.dataset.root;

// The theme.
document.querySelector(".theme-button").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme === "dark" ||
    (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  const theme = dark ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("theme", theme); } catch { /* for this page alone */ }
});

// The menu, on narrow screens.
const menuButton = document.querySelector(".menu-button");
menuButton.addEventListener("click", () => {
  const open = document.body.classList.toggle("menu-open");
  menuButton.setAttribute("aria-expanded", String(open));
});
document.querySelector("#menu [aria-current]")?.scrollIntoView({ block: "nearest" });

// A button that copies the code.
for (const code of document.querySelectorAll(".code")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.querySelector("pre").innerText);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  code.append(button);
}

// Wide tables and code scroll: by keyboard too.
for (const wide of document.querySelectorAll(".table, pre")) {
  if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
}

// The search. Its index is loaded when somebody searches.
const box = document.querySelector(".search input");
const found = document.querySelector("#found");
let index;
function load() {
  if (index) return;
  index = [];
  const script = document.createElement("script");
  script.src = root + "search-index.js";
  script.addEventListener("load", () => {
    index = window.searchIndex.map((part) => ({ ...part, title: (part.p + " " + part.h).toLowerCase(), text: part.t.toLowerCase() }));
    show();
  });
  document.head.append(script);
}

// score says how well a part answers the words; 0: not at all.
function score(part, words) {
  let sum = 0;
  for (const word of words) {
    let one = 0;
    const heading = (part.h || part.p).toLowerCase();
    if (heading === words.join(" ")) one += 60;
    if (heading.includes(word)) one += 20;
    if (part.title.includes(word)) one += 8;
    const at = part.text.indexOf(word);
    if (at >= 0) one += 2 + Math.min(4, part.text.split(word).length - 1);
    if (one === 0) return 0;
    sum += one;
  }
  return part.h ? sum : sum + 3;
}

function excerpt(part, words) {
  const at = Math.max(0, ...words.map((w) => part.text.indexOf(w)));
  const from = Math.max(0, part.t.lastIndexOf(" ", Math.max(0, at - 40)));
  return (from > 0 ? "…" : "") + part.t.slice(from, from + 130).trim() + (from + 130 < part.t.length ? "…" : "");
}

// mark puts the words in <mark>, as text and never as markup.
function mark(element, text, words) {
  const pattern = new RegExp("(" + words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") + ")", "gi");
  for (const piece of text.split(pattern)) {
    const node = words.includes(piece.toLowerCase()) ? Object.assign(document.createElement("mark"), { textContent: piece }) : piece;
    element.append(node);
  }
}

function show() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.replaceChildren();
  const hits = words.length === 0 ? [] : index.map((part) => ({ part, points: score(part, words) }))
    .filter((hit) => hit.points > 0).sort((a, b) => b.points - a.points).slice(0, 10);
  for (const { part } of hits) {
    const item = document.createElement("li");
    item.setAttribute("role", "option");
    const link = document.createElement("a");
    link.href = root + part.u;
    const title = document.createElement("b");
    mark(title, part.h ? part.p + " › " + part.h : part.p, words);
    const text = document.createElement("span");
    mark(text, excerpt(part, words), words);
    link.append(title, text);
    item.append(link);
    found.append(item);
  }
  if (words.length > 0 && hits.length === 0 && index.length > 0) {
    found.append(Object.assign(document.createElement("li"), { className: "nothing", textContent: "Nothing found." }));
  }
  const open = words.length > 0 && found.children.length > 0;
  found.hidden = !open;
  box.setAttribute("aria-expanded", String(open));
  select(0);
}

let selected = 0;
function select(to) {
  const items = [...found.querySelectorAll("[role=option]")];
  selected = items.length ? (to + items.length) % items.length : 0;
  items.forEach((item, i) => item.setAttribute("aria-selected", String(i === selected)));
  items[selected]?.scrollIntoView({ block: "nearest" });
}

box.addEventListener("focus", load);
box.addEventListener("input", () => { load(); show(); });
box.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    select(selected + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Enter") {
    found.querySelector("[aria-selected=true] a")?.click();
  } else if (event.key === "Escape") {
    box.value = "";
    show();
    box.blur();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName) && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    box.focus();
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) found.hidden = true;
  else if (box.value && index?.length) found.hidden = false;
  if (event.target.closest("#found a")) found.hidden = true;
});
