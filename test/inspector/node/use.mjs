// What a server offers is found, called, read and shown.

import assert from 'node:assert/strict';
import { Page } from './page.mjs';

// The list has everything, and one search finds it.
export async function list({ browser, local }) {
  const p = await Page.open(browser, local);
  assert.equal(await p.page.title(), 'Harbour · Inspector');
  assert.ok(!p.page.url().includes('token='), 'the token stays in the address');
  await p.page.getByRole('heading', { level: 1, name: /Harbour/ }).waitFor();
  await p.page.getByText('Connected', { exact: true }).waitFor();
  const tools = await p.detail.locator('.stats div').first().locator('dd').innerText();
  assert.ok(Number(tools) >= 20, `${tools} tools`);
  await p.detail.getByRole('columnheader', { name: 'Who' }).waitFor();
  await p.detail.getByText('The program says so itself').waitFor();
  const total = Number((await p.detail.locator('tfoot .number').innerText()).replaceAll(',', ''));
  const tokens = await p.page.locator('#features [data-key^="tool:"] .figures').allInnerTexts();
  assert.equal(tokens.reduce((sum, t) => sum + Number(t.replace(/\D/g, '')), 0), total, 'the tokens of all tools');
  await p.page.getByLabel('Search features').fill('horn');
  assert.deepEqual(await p.page.locator('#features [data-key*=":"]:not([data-key^="group:"])').evaluateAll((all) => all.map((e) => e.dataset.key)), ['tool:sound']);
  await p.page.getByLabel('Search features').fill('no such thing');
  await p.page.getByText('Nothing matches “no such thing”.').waitFor();
  await p.close();
}

// Every kind of content is shown as what it is.
export async function content({ browser, local }) {
  const p = await Page.open(browser, local);
  await (await p.call('text')).getByText('Fair winds.').waitFor();
  const picture = (await p.call('picture')).getByRole('img');
  await p.page.waitForFunction((img) => img.naturalWidth === 96, await picture.elementHandle());
  const sound = (await p.call('sound')).locator('audio');
  await p.page.waitForFunction((audio) => audio.duration > 0.2, await sound.elementHandle());
  await (await p.call('fail')).getByText('the tide is out: try again in an hour').waitFor();
  await p.run.getByText('The tool reports an error.').waitFor();
  await (await p.call('refuse')).getByText('the harbour is closed').waitFor();
  assert.equal(await p.ended(), 'Error -32050');
  await p.run.getByText('"06:00"').waitFor();
  const boats = await p.call('boats');
  assert.deepEqual(await boats.getByRole('row').nth(2).getByRole('cell').allInnerTexts(), ['Grace', '8', '2', 'false', 'leaks <b>a little</b>']);
  assert.equal((await p.json()).structuredContent.count, 3);
  const mixed = await p.call('mixed');
  await mixed.getByText('No swimming.').waitFor();
  await mixed.getByRole('button', { name: 'Read it' }).click();
  await p.start();
  await p.run.getByText('the harbour opens').waitFor();
  await p.close();
}

// A resource is read and subscribed to, also one of a template.
export async function resources({ browser, local }) {
  const p = await Page.open(browser, local);
  await p.pick('resource:harbour://rules');
  await p.start();
  await p.run.getByText('No swimming.').waitFor();
  await p.pick('resource:harbour://picture');
  await p.start();
  await p.run.getByRole('img').waitFor();
  await p.pick('resource:harbour://log');
  await p.detail.getByRole('switch', { name: 'Subscribe' }).check();
  await p.detail.getByText('Waiting for updates').waitFor();
  await p.call('write_log', { text: 'a whale' });
  await p.pick('resource:harbour://log');
  await p.detail.getByText('Updated once').waitFor();
  await p.start();
  await p.run.getByText('a whale').waitFor();
  await p.detail.getByRole('switch', { name: 'Subscribe' }).uncheck();
  await p.close();
}

// Arguments of templates and prompts are completed, with the keyboard.
export async function completion({ browser, local }) {
  const p = await Page.open(browser, local);
  await p.pick('template:harbour://boats/{boat}/owners/{owner}');
  const boat = p.detail.getByRole('combobox', { name: 'boat' });
  await boat.focus();
  await p.page.keyboard.type('ad');
  await Page.counted(p.detail.getByRole('option'), 2);
  assert.deepEqual(await p.detail.getByRole('option').allInnerTexts(), ['Ada', 'Adele']);
  await p.page.keyboard.press('ArrowDown');
  await p.page.keyboard.press('Enter');
  assert.equal(await boat.inputValue(), 'Ada');
  await p.detail.getByRole('combobox', { name: 'owner' }).focus();
  await p.detail.getByRole('option', { name: 'Anton' }).click(); // one of Ada's: the boat is the context
  await p.detail.getByText('harbour://boats/Ada/owners/Anton').first().waitFor();
  await p.start();
  await p.run.getByText('"Anton"').waitFor();
  await p.pick('prompt:describe_boat');
  await p.detail.getByRole('combobox', { name: 'boat' }).fill('Hedy');
  await p.detail.getByRole('button', { name: 'Get' }).click();
  await p.run.getByText('Describe the boat Hedy for .').waitFor();
  await p.pick('prompt:talk');
  await p.start();
  await p.run.getByText('The Ada.').waitFor();
  assert.deepEqual(await p.run.locator('.said h3').allTextContents(), ['user', 'assistant']);
  await p.close();
}

// A view runs in the other origin, and calls tools.
export async function view({ browser, local }) {
  const p = await Page.open(browser, local);
  const run = await p.call('seats');
  const seats = run.frameLocator('iframe').frameLocator('iframe');
  await seats.getByText('4 seats are free, 2 are taken.').waitFor();
  await seats.getByRole('button', { name: 'Take a seat' }).click();
  await seats.getByText('3 seats are free, 3 are taken.').waitFor();
  const origin = new URL(await run.locator('iframe').getAttribute('src')).origin;
  assert.notEqual(origin, new URL(p.page.url()).origin);
  await run.getByRole('tab', { name: 'View' }).focus();
  await p.page.keyboard.press('ArrowRight');
  await run.getByText('free', { exact: true }).waitFor();
  await p.close();
}

// A tool that comes and goes comes and goes in the list.
export async function changes({ browser, local }) {
  const p = await Page.open(browser, local);
  const enter = p.page.locator('[data-key="tool:enter_harbour"]');
  await p.call('toggle_harbour');
  await enter.waitFor();
  await p.start();
  await enter.waitFor({ state: 'detached' });
  await p.close();
}

// The log has every message, and narrows it down.
export async function messages({ browser, remote }) {
  const p = await Page.open(browser, remote);
  await p.call('echo', { text: 'needle in the log' });
  const side = p.page.locator('#side');
  await side.getByLabel('Filter messages by text').fill('needle');
  const rows = side.locator('details.message');
  await Page.counted(rows, 2);
  await side.getByLabel('Direction').selectOption('sent');
  await Page.counted(rows, 1);
  await rows.locator('summary').first().click();
  await rows.getByText('"needle in the log"').first().waitFor();
  await rows.getByText(/headers/).click();
  await rows.getByText('Mcp-Method', { exact: true }).waitFor();
  await rows.getByRole('button', { name: 'Copy as curl' }).click();
  await rows.getByText('Copied').waitFor();
  const curl = await p.copied();
  assert.match(curl, /^curl [\s\S]*needle in the log/);
  await side.getByLabel('Direction').selectOption('received');
  await Page.counted(rows.locator('.status'), 1);
  assert.match(await rows.locator('.status').innerText(), /200/);
  await side.getByLabel('Filter messages by text').fill('no such message');
  await side.getByText('No message matches the filter.').waitFor();
  await side.getByLabel('Filter messages by text').fill('');
  await side.getByLabel('Direction').selectOption('');
  await side.getByLabel('Method', { exact: true }).selectOption('tools/call');
  assert.ok((await rows.locator('.method').allInnerTexts()).every((m) => m === 'tools/call'));
  await side.getByRole('button', { name: 'Clear' }).click();
  await side.getByText('No message yet.').waitFor();
  await p.close();
}

// The page speaks as a host of another version and as another caller, and records.
export async function switches({ browser, remote }) {
  const p = await Page.open(browser, remote);
  await p.page.getByRole('button', { name: 'Record' }).click();
  await p.page.getByRole('button', { name: 'Recording' }).waitFor();
  await p.call('echo', { text: 'recorded' });
  const [file] = await Promise.all([p.page.waitForEvent('download'), p.page.getByRole('button', { name: 'Save test' }).click()]);
  const chunks = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk);
  assert.match(Buffer.concat(chunks).toString(), /func Test[\s\S]*echo[\s\S]*recorded/);
  await p.page.getByRole('button', { name: 'Recording' }).click();
  await p.pick('overview');
  for (const version of ['2025-06-18', '2026-07-28']) {
    await p.page.getByLabel('Speak').selectOption(version);
    await p.detail.locator('.facts div', { hasText: 'Protocol version' }).getByText(version).waitFor();
  }
  await p.page.getByLabel('As', { exact: true }).selectOption('nobody');
  await p.detail.getByText('a caller without credentials').waitFor();
  await p.page.getByRole('button', { name: 'Reconnect' }).click();
  await p.page.getByText('Connected', { exact: true }).waitFor();
  await p.close();
}
