// The browser, and the page as a person sees it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export class Page {
  constructor(page, log, url) {
    Object.assign(this, { page, log, url });
  }

  // open opens the page of an inspector in a window of its own.
  static async open(browser, url, { scheme = 'light', width = 1440, height = 900, before, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce', locale: 'en-US', timezoneId: 'UTC', ...options });
    context.setDefaultTimeout(90_000);
    await context.addInitScript(keepCopies);
    const page = await context.newPage();
    const log = [];
    page.on('console', (m) => expected(m.text()) || log.push(`${m.type()}: ${m.text()}`));
    page.on('pageerror', (error) => log.push(`error: ${error.message}`));
    await before?.(page);
    await page.goto(url);
    await page.locator('.group').first().waitFor();
    return new Page(page, log, url);
  }

  async close() {
    assert.deepEqual(this.log, [], 'the console is not empty');
    await this.page.context().close();
  }

  // pick opens a feature in the list.
  async pick(key) {
    const row = this.page.locator(`#features [data-key=${JSON.stringify(key)}]`);
    await row.click();
    // Until then the page of another feature is shown.
    await this.page.locator(`#detail > .page[data-page=${JSON.stringify(key)}]:not([hidden])`).waitFor();
  }

  // The page of the feature that is shown.
  get detail() { return this.page.locator('#detail > .page:not([hidden])'); }

  get run() { return this.detail.locator('.run'); }

  // start presses the button below the form.
  start() { return this.detail.locator('.use > .actions .primary').click(); }

  // call opens a tool, fills in fields, calls it and waits until it has ended.
  async call(tool, fields = {}) {
    await this.pick(`tool:${tool}`);
    for (const [label, value] of Object.entries(fields)) await this.field(label).fill(value);
    await this.start();
    await this.ended();
    return this.run;
  }

  // ended waits until the run has an outcome, and returns its state.
  async ended(state = /Done|Tool error|Error|Failed|Cancelled/) {
    const found = this.run.locator('> header .state', { hasText: state });
    await found.waitFor();
    return found.innerText();
  }

  // counted waits until a locator matches so many elements.
  static async counted(locator, count) {
    await locator.nth(count - 1).waitFor();
    await locator.nth(count).waitFor({ state: 'detached' });
  }

  field(label, at = this.detail) { return at.getByLabel(label, { exact: true }); }

  // json reads the result of the run as JSON.
  async json() {
    await this.run.getByRole('tab', { name: 'JSON' }).click();
    await this.run.getByRole('button', { name: 'Copy JSON' }).last().click();
    await this.run.getByText('Copied').waitFor();
    return JSON.parse(await this.copied());
  }

  // copied returns what was copied last.
  copied() { return this.page.evaluate(() => window.copied); }

  // overflow returns what is wider than the window.
  overflow() {
    return this.page.evaluate(() => {
      if (document.documentElement.scrollWidth <= window.innerWidth) return [];
      return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1).slice(0, 5).map((e) => e.outerHTML.slice(0, 120));
    });
  }

  // audit runs axe, all of its rules or some. The driver, which stands above the policy
  // of the page, adds it.
  async audit(axe, rules) {
    if (!await this.page.evaluate(() => Boolean(window.axe))) await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate((only) => window.axe.run(document, { iframes: false, resultTypes: ['violations'], ...(only && { runOnly: { type: 'rule', values: only } }) }), rules);
    return violations.map((v) => `${v.id}: ${v.nodes.slice(0, 4).map((n) => `${n.html} ${n.any.map((a) => a.message).join()}`).join(' ')}`.slice(0, 500));
  }
}

// expected is what Chromium says about every frame of a view.
const expected = (text) => text.startsWith('An iframe which has both allow-scripts and allow-same-origin');

// keepCopies keeps what a page copies in the page: all windows share one clipboard.
function keepCopies() {
  navigator.clipboard.write = async ([item]) => { window.copied = await (await item.getType('text/plain')).text(); };
}

// readAxe returns the script of axe.
export const readAxe = (load) => readFileSync(load.resolve('axe-core/axe.min.js'), 'utf8');
