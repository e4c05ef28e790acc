// Forms, questions, and calls that take their time.

import assert from 'node:assert/strict';
import { Page } from './page.mjs';

// A form has a field for each keyword, and says what is wrong beside the field.
export async function form({ browser, local }) {
  const p = await Page.open(browser, local);
  await p.pick('tool:sail');
  await p.start();
  await p.detail.getByText('values to correct.').waitFor();
  const boat = p.field('boat');
  assert.equal(await boat.getAttribute('aria-invalid'), 'true');
  assert.ok(await boat.evaluate((e) => e === document.activeElement), 'the first field that is wrong has the focus');
  const fault = (await boat.getAttribute('aria-describedby')).split(' ').at(-1);
  assert.equal(await p.page.locator(`#${fault}`).innerText(), 'is required');
  await boat.fill('ada');
  await p.field('crew').fill('13');
  await p.field('miles').fill('0.7');
  await p.start();
  for (const text of ['must match ^[A-Z]', 'must be at most 12', 'must be a multiple of 0.5']) await p.detail.getByText(text).waitFor();
  await boat.fill('Ada');
  await p.field('crew').fill('3');
  await p.field('miles').fill('12.5');
  await p.field('kind').selectOption('racing');
  await p.detail.getByRole('radiogroup', { name: 'night' }).getByRole('radio', { name: 'true' }).check();
  await p.detail.getByRole('button', { name: 'Now' }).click();
  await p.field('day').fill('2026-12-24');
  await p.field('contact').fill('ada@example.com');
  await p.field('plan').fill('https://example.com/plan');
  const list = (name) => p.detail.locator('.field', { has: p.page.getByText(name, { exact: true }) }).last();
  for (const port of ['Genoa', 'Nice']) {
    await list('ports').getByRole('button', { name: 'Add an item' }).click();
    await p.page.keyboard.type(port);
  }
  await p.detail.getByRole('checkbox', { name: 'bravo' }).check();
  await p.field('name').fill('Grace');
  await list('stores').getByRole('button', { name: 'Add stores' }).click();
  await list('stores').getByRole('button', { name: 'Add a member' }).click();
  await p.page.keyboard.type('rope');
  await p.field('Value of a member of stores').fill('40');
  await list('stores').getByRole('button', { name: 'Add a member' }).click(); // left empty
  await p.detail.getByRole('button', { name: 'Add route' }).click();
  await p.field('to').fill('Nice');
  await p.detail.getByRole('button', { name: 'Add then' }).click();
  await p.field('to').nth(1).fill('Genoa');
  await p.field('extra').fill('{"any": [1, null]}');
  await p.start();
  assert.equal(await p.ended(), 'Done');
  const { structuredContent: got } = await p.json();
  assert.match(got.leaves, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  delete got.leaves;
  assert.deepEqual(got, {
    boat: 'Ada', kind: 'racing', crew: 3, miles: 12.5, night: true, day: '2026-12-24', contact: 'ada@example.com', plan: 'https://example.com/plan',
    ports: ['Genoa', 'Nice'], signals: ['bravo'], skipper: { name: 'Grace' }, stores: { rope: 40 }, route: { to: 'Nice', then: { to: 'Genoa' } }, extra: { any: [1, null] },
  });
  await p.close();
}

// The same form is JSON at any time, and goes back if it has a place for everything.
export async function raw({ browser, local }) {
  const p = await Page.open(browser, local);
  await p.pick('tool:schema_2020');
  await p.field('goods').selectOption('Tank');
  await p.field('litres').fill('12');
  await p.field('priority').selectOption('Second');
  const choose = (name) => p.detail.getByRole('radio', { name, exact: true }).click();
  await choose('JSON');
  const editor = p.detail.getByLabel('arguments as JSON');
  assert.deepEqual(JSON.parse(await editor.inputValue()), { goods: { kind: 'tank', litres: 12 }, priority: 'b' });
  await editor.fill('{"goods": ');
  await p.start();
  await p.detail.getByText('This is not JSON').waitFor();
  await editor.fill('{"goods": {"kind": "box"}}');
  await p.start();
  await p.detail.getByText('goods.kilograms is required').waitFor();
  await editor.fill('{"goods": {"kind": "box", "kilograms": 1.5}, "pair": ["a", 1], "value": null, "priority": "a", "note": "12345678901234567890"}');
  await choose('Form');
  assert.equal(await p.field('kilograms').inputValue(), '1.5');
  await p.start();
  assert.equal(await p.ended(), 'Done');
  assert.deepEqual((await p.json()).structuredContent, { goods: { kind: 'box', kilograms: 1.5 }, pair: ['a', 1], value: null, priority: 'a', note: '12345678901234567890' });
  await p.close();
}

// A question is answered where it appears.
export async function questions({ browser, local }) {
  const p = await Page.open(browser, local);
  const question = p.run.locator('.question:not(.answered)');
  await p.pick('tool:ask');
  await p.start();
  await question.getByText('Who comes on board?').waitFor();
  await question.getByRole('button', { name: 'Send' }).click();
  await question.getByText('is required').waitFor();
  await p.field('name', question).fill('Zoë');
  await p.field('meal', question).selectOption('Vegetables');
  await question.getByRole('checkbox', { name: 'cook' }).check();
  await question.getByRole('checkbox', { name: 'First' }).check();
  await p.page.keyboard.press('Control+Enter');
  await p.ended(/Done/);
  for (const text of ['"Zoë"', '"v"', '"cook"', '30']) await p.run.getByText(text, { exact: true }).first().waitFor();

  await p.pick('tool:ask_twice');
  await p.start();
  await p.field('name', question).fill('Ada');
  await question.getByRole('button', { name: 'Send' }).click();
  await question.getByText('Sure, Ada?').waitFor();
  await question.getByRole('button', { name: 'Decline' }).click();
  await p.run.getByText('The user declined.').waitFor();

  await p.pick('tool:visit');
  await p.start();
  const link = question.getByRole('link', { name: /pay\.example\.com/ });
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
  await question.getByRole('button', { name: 'I agree' }).click();
  await p.run.getByText('The page was opened.').waitFor();

  await p.pick('tool:sample');
  await p.start();
  await question.getByText('Write a line about the sea.').waitFor();
  await p.field('text', question).fill('Blue.');
  await question.getByRole('button', { name: 'Send' }).click();
  await p.run.getByText('"Blue."').waitFor();

  await p.pick('tool:roots');
  await p.start();
  await question.getByRole('button', { name: 'Add an item' }).click();
  await p.field('uri', question).fill('file:///home/ada');
  await question.getByRole('button', { name: 'Send' }).click();
  await p.run.getByText('folders: file:///home/ada').waitFor();
  await p.close();
}

// Progress and log appear while a tool runs, and it can be cancelled. A log message does
// not say to which call it belongs, so that no other call may be under way.
export async function progress({ browser, alone }) {
  const p = await Page.open(browser, alone);
  await p.call('row', { steps: '3', milliseconds: '0' });
  await p.run.getByText('Rowed.').waitFor();
  await Page.counted(p.run.locator('.logs li'), 3);
  await p.field('steps').fill('10000');
  await p.field('milliseconds').fill('20');
  await p.start();
  await p.run.getByText(/stroke [1-9]/).first().waitFor();
  await p.run.getByRole('progressbar').waitFor();
  await p.run.getByRole('button', { name: 'Cancel', exact: true }).click();
  assert.equal(await p.ended(), 'Cancelled');
  await p.page.locator('#side .method', { hasText: 'notifications/cancelled' }).waitFor();
  await p.call('log');
  await p.run.locator('.logs li', { hasText: 'a message of the level emergency' }).waitFor();
  await Page.counted(p.run.locator('.logs li'), 8);
  await p.close();
}

// A call that becomes a task is followed, asked about, answered and looked up.
export async function tasks({ browser, local }) {
  const p = await Page.open(browser, local);
  await p.pick('tool:refit');
  await p.field('seconds').fill('0.1');
  await p.start();
  const task = p.run.getByRole('region', { name: 'Task' });
  const id = await task.locator('code').innerText();
  await p.run.getByText('The boat is as good as new.').waitFor();
  await p.pick('tasks');
  await p.field('Task id').fill(id);
  await p.detail.getByRole('button', { name: 'Look up' }).click();
  await p.detail.getByText('Completed').waitFor();
  await p.detail.getByText('The boat is as good as new.').waitFor();

  await p.pick('tool:inspect_hull');
  await p.start();
  await p.run.getByText('Drain the dock?').waitFor();
  const question = p.run.locator('.question:not(.answered)');
  await question.getByRole('radio', { name: 'true' }).check();
  await question.getByRole('button', { name: 'Send' }).click();
  await p.run.getByText('drained: true').waitFor();

  await p.pick('tool:refit');
  await p.field('seconds').fill('60');
  await p.start();
  await p.run.getByRole('button', { name: 'Cancel the task' }).click();
  await p.ended(/Failed|Error|Cancelled|Done/);
  await p.pick(`task:${id}`);
  await p.detail.getByText(id).waitFor();
  await p.close();
}
