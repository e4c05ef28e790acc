// Servers and addresses that mean no good.

import assert from 'node:assert/strict';
import { Page } from './page.mjs';

// Texts of a server stay texts, and nothing of it opens or loads by itself.
export async function hostileTexts({ browser, hostile }) {
  const asked = [];
  const p = await Page.open(browser, hostile, { before: (page) => page.on('request', (r) => asked.push(r.url())) });
  const isHarmless = async () => {
    assert.ok(!(await p.page.title()).startsWith('owned'), 'a script of the server ran');
    assert.equal(await p.page.locator('body script, img[src="x"], #detail b').count(), 0, 'markup of the server is in the page');
    const addresses = await p.page.locator('a[href]').evaluateAll((all) => all.map((a) => a.href));
    assert.deepEqual(addresses.filter((a) => !/^(https?|data):/.test(a)), []);
  };
  await p.page.getByRole('heading', { level: 1, name: /onerror/ }).waitFor();
  await isHarmless();
  await p.call('links');
  await isHarmless();
  await p.run.getByRole('tab', { name: 'JSON' }).click();
  await isHarmless();
  const rows = await p.call('rows');
  assert.deepEqual(await rows.getByRole('row').last().getByRole('cell').allInnerTexts(), ['', '', '', '', '1'], 'members that the row has not');
  assert.equal(await p.page.evaluate(() => ({}).polluted), undefined);
  await isHarmless();
  await p.pick('tool:schema');
  await isHarmless();
  await p.detail.getByRole('tab', { name: 'Definition' }).click();
  await isHarmless();
  const own = [new URL(hostile).origin, 'data:', 'blob:'];
  assert.deepEqual(asked.filter((a) => !own.some((o) => a.startsWith(o))), [], 'the page asked somebody else');
  await p.close();
}

// 5,000 tools and a text of 1 MiB are no burden.
export async function muchOfEverything({ browser, hostile }) {
  const p = await Page.open(browser, hostile);
  await p.page.locator('#features .group-head', { hasText: '5,004' }).waitFor();
  assert.ok(await p.page.locator('#features .item').count() < 400, 'all rows are in the page');
  await p.page.getByLabel('Search features').fill('many_4999');
  await p.pick('tool:many_4999');
  await p.page.getByLabel('Search features').fill('long');
  await p.call('long');
  const cut = p.run.getByRole('button', { name: 'Show all 1,048,576 characters' });
  assert.ok((await p.run.innerText()).length < 30_000, 'the whole text is in the page');
  await cut.click();
  assert.ok((await p.run.locator('pre').innerText()).length >= 1 << 20);
  await p.close();
}

// Without the token, and with a wrong one, the page says what to do.
export async function withoutToken({ browser, local }) {
  for (const address of [new URL('/', local).href, local.replace(/token=.*/, 'token=wrong')]) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(address);
    await page.getByRole('heading', { name: 'This address has no token' }).waitFor();
    assert.equal(await page.locator('main').isVisible(), false);
    await context.close();
  }
}
