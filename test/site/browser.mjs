// Opens every page of the built site in Chromium, on a phone and on a desktop, light and
// dark. It fails when a page is wider than the screen, loads something from elsewhere,
// has an error of a script, or breaks a rule of WCAG 2 that axe can check; and when the
// search, the menu of phones or the choice of the theme does not work.
//
//	.tools/apps/node test/site/browser.mjs

import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

const repository = path.resolve(import.meta.dirname, "../..");
const require = createRequire(path.join(repository, ".tools/apps/node_modules/packages.js"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const site = path.join(repository, "bin/site");
const types = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".png": "image/png", ".svg": "image/svg+xml" };

const server = http.createServer((request, response) => {
  let name = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
  if (name.endsWith("/")) name += "index.html";
  const file = path.join(site, name);
  if (!file.startsWith(site) || !fs.existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": types[path.extname(file)] ?? "text/plain" }).end(fs.readFileSync(file));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const base = `http://127.0.0.1:${server.address().port}`;

const pages = fs.readdirSync(site, { recursive: true })
  .filter((name) => path.basename(name) === "index.html")
  .map((name) => "/" + name.slice(0, -"index.html".length));

const executablePath = ["chromium", "chromium-browser", "google-chrome"]
  .flatMap((name) => process.env.PATH.split(":").map((dir) => path.join(dir, name))).find((file) => fs.existsSync(file));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const faults = [];

async function look(page, at, width, scheme) {
  const where = `${at} (${width} px, ${scheme})`;
  await page.goto(base + at);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wider > 0) faults.push(`${where} is ${wider} px too wide`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa"] }));
  for (const v of violations) faults.push(`${where}: ${v.help}: ${v.nodes[0].target.join(" ")}`);
}

async function use(page, width) {
  await page.goto(base + "/");
  if (width < 800) {
    await page.click(".menu-button");
    assert(await page.isVisible("#menu a"), "the menu of phones opens");
    await page.click(".menu-button");
  }
  const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.click(".theme-button");
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), before, "the theme changes");
  await page.reload();
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), before, "the theme is kept");
  await page.keyboard.press("/");
  await page.keyboard.type("keycloak");
  await page.waitForSelector("#found a");
  await page.keyboard.press("Enter");
  await page.waitForURL(/keycloak/);
}

for (const width of [390, 1360]) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.on("pageerror", (error) => faults.push(`${page.url()}: ${error}`));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(base) && !url.startsWith("data:")) faults.push(`${page.url()} loads ${url}`);
    });
    for (const at of pages) await look(page, at, width, colorScheme);
    await use(page, width);
    await context.close();
  }
}
await browser.close();
server.close();
for (const fault of faults) console.error("site:", fault);
console.log(`site: ${pages.length} pages looked at in Chromium, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
