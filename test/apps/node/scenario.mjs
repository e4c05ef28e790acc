// Drives a browser through one scenario, and writes what it saw as JSON:
//
//	node scenario.mjs TOOLS SCENARIO INPUT
//
// TOOLS is the folder with node_modules, INPUT a JSON object with the addresses
// of the servers. A failure ends with status 1 and says why.

import { createRequire } from 'node:module';
import path from 'node:path';
import { readFileSync } from 'node:fs';

const [tools, scenario, text] = process.argv.slice(2);
const input = JSON.parse(text);
const load = createRequire(path.join(path.resolve(tools), 'package.json'));
const { chromium } = load('playwright-core');

const browser = await chromium.launch({
  executablePath: input.browser,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

// open shows the result of a tool in its view, and returns the page and the frame
// of the view.
async function open({ width = 760, height = 900, scheme = 'light', ...options } = {}) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme, deviceScaleFactor: 1, reducedMotion: 'reduce', locale: 'en-US' });
  const log = [];
  page.on('console', (message) => message.type() === 'debug' || log.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => log.push(`error: ${error.message}`));
  await page.goto(input.host);
  await page.waitForFunction(() => window.show);
  const shown = await page.evaluate((o) => window.show(o), {
    server: input.server, proxy: input.proxy, name: input.tool ?? 'get_messages', hostContext: { theme: scheme, locale: 'en-US' }, ...options,
  });
  const view = page.frameLocator('#frame').frameLocator('iframe');
  return { page, view, log, ...shown };
}

// messages reads the list as a person does.
const messages = (view) => view.getByRole('listitem').evaluateAll((items) => items.map((item) => ({
  who: item.querySelector('.who').textContent, said: item.querySelector('.said').textContent,
})));

const scenarios = {
  // The result of the tool is on the screen, without a fault in the console.
  async render() {
    const { view, log, version } = await open({ version: input.version });
    await view.getByText('Live').waitFor();
    return { version, messages: await messages(view), markup: await view.locator('#messages img, #messages script, #messages b').count(), log };
  },

  // A person posts with the keyboard alone.
  async post() {
    const { page, view, log } = await open();
    await view.getByLabel('Name').focus();
    await page.keyboard.type(input.username);
    await page.keyboard.press('Tab');
    await page.keyboard.type(input.text);
    await page.keyboard.press(input.key);
    if (input.key === 'Tab') await page.keyboard.press('Enter');
    await view.locator('.said', { hasText: input.text }).waitFor();
    const calls = await page.evaluate(() => window.seen.calls.filter((c) => c.name === 'post_message'));
    return { messages: await messages(view), text: await view.getByLabel('Message', { exact: true }).inputValue(), calls, log };
  },

  // What the server refuses stays in the form.
  async refuse() {
    const { view } = await open();
    await view.getByLabel('Name').fill('  ');
    await view.getByLabel('Message', { exact: true }).fill('hello');
    await view.getByRole('button', { name: 'Post' }).click();
    const alert = view.getByRole('alert');
    await alert.filter({ hasText: 'username' }).waitFor();
    return { alert: await alert.textContent(), text: await view.getByLabel('Message', { exact: true }).inputValue() };
  },

  // What somebody else posts appears by itself.
  async live() {
    const { view } = await open();
    await view.getByText('Live').waitFor();
    process.stdout.write('ready\n');
    await view.locator('.said', { hasText: input.text }).waitFor();
    return { messages: await messages(view), news: await view.getByRole('status').textContent() };
  },

  // A host that calls no tools gets a board to read.
  async read() {
    const { view } = await open({ readOnly: true });
    await view.getByText('As of when').waitFor();
    return { messages: await messages(view), form: await view.locator('form').isVisible() };
  },

  // A host changes its theme while the view is shown, and takes the view down.
  async theme() {
    const { page, view } = await open();
    await view.getByText('Live').waitFor();
    await page.evaluate(() => window.bridge.setHostContext({
      theme: 'dark', styles: { variables: { '--color-background-primary': 'rgb(1, 2, 3)' }, css: { fonts: '@font-face { font-family: host; src: local("none"); }' } },
    }));
    await view.locator('html[style*="dark"]').waitFor();
    const seen = await view.locator('body').evaluate((body) => ({
      background: getComputedStyle(body).backgroundColor, scheme: getComputedStyle(document.documentElement).colorScheme, fonts: document.fonts.size,
    }));
    return { ...seen, teardown: await page.evaluate(() => window.bridge.teardownResource({})) };
  },

  // The view has tried what it may and may not do.
  async policy() {
    const { view, allow } = await open();
    await view.locator('body[data-done]').waitFor();
    return { allow, outcome: JSON.parse(await view.locator('body').getAttribute('data-done')) };
  },

  // Screen readers and the keyboard reach everything, and nothing is cut off.
  async access() {
    const source = readFileSync(load.resolve('axe-core/axe.min.js'), 'utf8');
    const found = [];
    for (const scheme of ['light', 'dark']) {
      for (const width of [760, 320]) {
        const { page, view } = await open({ scheme, width });
        await view.getByText('Live').waitFor();
        const body = view.locator('body');
        found.push({
          scheme, width,
          violations: await audit(page, source),
          overflow: await body.evaluate(() => document.documentElement.scrollWidth > window.innerWidth),
          height: await body.evaluate(() => document.documentElement.scrollHeight <= window.innerHeight),
        });
        await page.close();
      }
    }
    return found;
  },

  // A picture of the frame.
  async picture() {
    const { page, view } = await open({ scheme: input.scheme, width: 632, height: 400 });
    await view.getByText('Live').waitFor();
    await page.locator('#frame').screenshot({ path: input.file });
    return {};
  },
};

// audit runs axe in the frame of the view. The policy of the view allows no
// eval, so that the driver, which stands above the policy, adds the script.
async function audit(page, source) {
  const frame = page.frames().at(-1);
  await frame.evaluate(source);
  const { violations } = await frame.evaluate(() => window.axe.run());
  return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`.slice(0, 300));
}

try {
  const result = await scenarios[scenario]();
  process.stdout.write(JSON.stringify(result) + '\n');
} finally {
  await browser.close();
}
