// Tries what a view may and may not do. LISTED and OTHER are two servers, of
// which the policy may list one.
(async () => {
  const violations = new Set();
  document.addEventListener("securitypolicyviolation", (event) => violations.add(event.effectiveDirective));

  // load waits for an element that loads something.
  const load = (tag, address) => new Promise((resolve, reject) => {
    const made = document.createElement(tag);
    made.addEventListener("load", () => resolve());
    made.addEventListener("error", () => reject(new Error("blocked")));
    made[tag === "link" ? "href" : "src"] = address;
    if (tag === "link") made.rel = "stylesheet";
    document.body.append(made);
  });

  const done = {};
  const attempt = async (name, what) => {
    try {
      await what();
      done[name] = "done";
    } catch {
      done[name] = "blocked";
    }
  };
  for (const [name, server] of [["listed", "LISTED"], ["other", "OTHER"]]) {
    await attempt(`fetch ${name}`, () => fetch(`${server}/data`));
    await attempt(`image ${name}`, () => load("img", `${server}/dot.png`));
    await attempt(`script ${name}`, () => load("script", `${server}/script.js`));
    await attempt(`style ${name}`, () => load("link", `${server}/style.css`));
  }
  await attempt("eval", () => (0, eval)("1"));
  await attempt("inlined image", () => document.getElementById("inlined").decode());
  await attempt("inlined style", () => {
    if (getComputedStyle(document.querySelector("p")).color !== "rgb(1, 2, 3)") throw new Error("blocked");
  });
  await attempt("inlined font", () => document.fonts.load("16px inlined"));

  // A frame that is blocked loads too, with an error page in it: the server says
  // whether it was asked.
  const frame = document.createElement("iframe");
  frame.src = "OTHER/frame";
  const framed = new Promise((resolve) => frame.addEventListener("load", resolve));
  document.body.append(frame);
  await framed;

  await host.connect({ name: "policy", version: "1.0.0" });
  document.body.dataset.done = JSON.stringify({ done, violations: [...violations].sort() });
})();
