// How the page looks, and who can use it: light, dark, narrow, by keyboard, by ear.

import assert from 'node:assert/strict';
import path from 'node:path';
import { Page } from './page.mjs';

// A voyage through the page without a mouse.
export async function keyboard({ browser, local }) {
  const p = await Page.open(browser, local);
  const { keyboard } = p.page;
  await keyboard.press('/');
  await keyboard.type('boats');
  await keyboard.press('Enter');
  await p.detail.getByRole('heading', { name: 'boats', exact: true }).waitFor();
  await keyboard.press('Escape');
  await keyboard.press('ArrowDown');
  await keyboard.press('End');
  await keyboard.press('Home');
  await keyboard.press('Enter');
  await p.detail.getByRole('heading', { name: 'Harbour' }).waitFor();
  await keyboard.press('/');
  await keyboard.type('echo');
  await keyboard.press('Enter');
  await p.detail.getByRole('tab', { name: 'Call' }).waitFor();
  for (let n = 0; n < 40 && !(await p.field('text').evaluate((e) => e === document.activeElement)); n++) await keyboard.press('Tab');
  await keyboard.type('by hand');
  await keyboard.press('Control+Enter');
  await p.run.getByText('by hand').waitFor();
  await keyboard.press('Escape');
  await p.detail.getByRole('tab', { name: 'Call' }).focus();
  await keyboard.press('ArrowRight');
  assert.equal(await p.detail.getByRole('tab', { name: 'Definition' }).getAttribute('aria-selected'), 'true');
  await keyboard.press('?');
  await p.page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await keyboard.press('Escape');
  await keyboard.press('o');
  await p.detail.getByRole('heading', { name: 'Harbour' }).waitFor();
  await keyboard.press('m');
  assert.ok(await p.page.getByLabel('Filter messages by text').evaluate((e) => e === document.activeElement));
  const outline = await p.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, 'solid', 'the focus is invisible');
  await p.close();
}

// axe finds nothing on any page, light and dark, and nothing is wider than a phone.
export async function access({ browser, local, axe }) {
  const p = await Page.open(browser, local);
  const check = async (what) => {
    for (const width of [360, 900, 1440]) {
      await p.page.setViewportSize({ width, height: 900 });
      assert.deepEqual(await p.overflow(), [], `${what} at ${width} pixels`);
    }
    assert.deepEqual(await p.audit(axe), [], `${what}, light`);
    await p.page.emulateMedia({ colorScheme: 'dark' });
    assert.deepEqual(await p.audit(axe, ['color-contrast']), [], `${what}, dark`);
    await p.page.emulateMedia({ colorScheme: 'light' });
  };
  await p.page.setViewportSize({ width: 360, height: 740 });
  assert.deepEqual(await p.audit(axe), [], 'the list of a phone');
  await p.pick('overview');
  await check('the overview');
  await p.pick('tool:sail');
  await p.detail.getByRole('button', { name: 'Add route' }).click();
  await p.start();
  await check('a form with faults');
  for (const tool of ['mixed', 'boats']) {
    await p.call(tool);
    await check(tool);
  }
  await p.pick('tool:ask');
  await p.start();
  await p.run.locator('.question').waitFor();
  await check('a question');
  await p.run.getByRole('button', { name: 'Cancel', exact: true }).first().click();
  await p.page.locator('details.message summary').first().click();
  await p.page.setViewportSize({ width: 360, height: 740 });
  await p.page.getByRole('button', { name: 'Messages', exact: true }).click();
  await check('the messages');
  await p.page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  assert.deepEqual(await p.overflow(), [], 'the shortcuts');
  await p.close();
}

// The theme is the system's until it is chosen, and the choice stays.
export async function theme({ browser, local }) {
  const p = await Page.open(browser, local, { scheme: 'dark' });
  const ground = () => p.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await p.page.getByRole('button', { name: 'Theme: auto' }).click();
  const light = await ground();
  assert.notEqual(light, dark);
  await p.page.reload();
  await p.page.getByRole('button', { name: 'Theme: light' }).click();
  assert.equal(await ground(), dark);
  await p.close();
}

// A build that fails is told with what the compiler says.
export async function build({ browser, local }) {
  const output = 'shop.go:12:2: undefined: prize';
  const before = async (page) => {
    await page.route('**/api/events?*', (route) => route.fulfill({ contentType: 'application/x-ndjson', body: '' })); // no other state
    await page.route('**/api/state', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), build: { state: 'failed', output, milliseconds: 812 } } });
    });
  };
  const p = await Page.open(browser, local, { before });
  await p.page.getByRole('alert').getByText(output).waitFor();
  await p.page.getByText('The build failed', { exact: true }).waitFor();
  await p.close();
}

// The pictures of the documentation.
export async function pictures({ browser, local, pictures }) {
  const shoot = (p, name) => p.page.screenshot({ path: path.join(pictures, `inspector-${name}.png`) });
  let p = await Page.open(browser, local, { width: 1200, height: 720 });
  await p.call('boats');
  await p.page.locator('details.message summary').first().click();
  await p.detail.getByRole('button', { name: 'Call' }).hover();
  await shoot(p, 'light');
  await p.close();
  p = await Page.open(browser, local, { scheme: 'dark', width: 1200, height: 720 });
  await p.pick('tool:ask_twice');
  await p.start();
  await p.run.getByText('Your name?').waitFor();
  await shoot(p, 'dark');
  await p.run.getByRole('button', { name: 'Cancel', exact: true }).first().click();
  await p.close();
  p = await Page.open(browser, local, { width: 360, height: 720 });
  await p.call('seats');
  await p.run.frameLocator('iframe').frameLocator('iframe').getByText('4 seats are free').waitFor();
  await shoot(p, 'phone');
  await p.close();
}
