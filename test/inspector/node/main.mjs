// Plays every scenario in one browser, and writes a line of JSON for each:
//
//	node main.mjs TOOLS INPUT [SCENARIO…]
//
// TOOLS is the folder with node_modules, INPUT a JSON object with the addresses of the
// pages.

import { createRequire } from 'node:module';
import path from 'node:path';
import * as attack from './attack.mjs';
import * as ask from './ask.mjs';
import * as look from './look.mjs';
import { readAxe } from './page.mjs';
import * as use from './use.mjs';

const [tools, text, ...only] = process.argv.slice(2);
const input = JSON.parse(text);
const load = createRequire(path.join(path.resolve(tools), 'package.json'));
const { chromium } = load('playwright-core');
const browser = await chromium.launch({
  executablePath: input.browser,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

const scenarios = Object.entries({ ...look, ...use, ...ask, ...attack }).filter(([name]) => only.length === 0 || only.includes(name));
const axe = readAxe(load);

async function play([name, scenario]) {
  const began = performance.now();
  let problem = '';
  try {
    await scenario({ ...input, browser, axe });
  } catch (error) {
    problem = error.stack ?? String(error);
  }
  process.stdout.write(`${JSON.stringify({ scenario: name, problem, milliseconds: Math.round(performance.now() - began) })}\n`);
}

try {
  const left = [...scenarios];
  await Promise.all(Array.from({ length: 3 }, async () => {
    for (let next = left.shift(); next; next = left.shift()) await play(next);
  }));
} finally {
  await browser.close();
}
