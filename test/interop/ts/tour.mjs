// Takes a client of the TypeScript SDK through the fixture and prints what it
// saw, one line of JSON for each stop:
//
//	node tour.mjs <folder of the packages> sdk|client <version> http|sse|stdio <URL or command>
//
// The test that runs it checks the lines.

import { open } from './client.mjs';

const welcome = 'note://welcome';
// The server has resources of extensions besides.
const isNote = (uri) => uri.startsWith('note://');

const stops = {
  'connect': async (v) => ({
    version: v.negotiated(), server: v.client.getServerVersion()?.name, instructions: v.client.getInstructions(),
    session: v.client.transport.sessionId !== undefined,
  }),
  'ping': async (v) => await v.client.ping(),
  'list tools': async (v) => (await v.client.listTools()).tools.map((tool) => tool.name),
  'call': async (v) => content(await v.call({ name: 'greet', arguments: { name: 'Ada' } })),
  'call for structure': async (v) => content(await v.call({ name: 'add', arguments: { a: 2, b: 3 } })),
  'call with invalid arguments': async (v) =>
    (await v.call({ name: 'add', arguments: { a: 'two', b: 3 } })).isError,
  'call what is not there': async (v) => await v.call({ name: 'absent', arguments: {} }),
  'progress': async (v) => {
    await v.call({ name: 'climb', arguments: {}, _meta: { progressToken: 'ascent' } });
    const reports = [];
    for (let step = 0; step < 3; step++) reports.push(await v.progress.take());
    return reports.map((r) => [r.progressToken, r.progress, r.total, r.message]);
  },
  'logging': async (v) => {
    const params = { name: 'complain', arguments: {} };
    if (v.stateless) params._meta = { 'io.modelcontextprotocol/logLevel': 'warning' };
    else await v.client.setLoggingLevel('warning');
    await v.call(params);
    const log = await v.logs.take();
    return [log.level, log.logger, log.data];
  },
  'resources': async (v) => ({
    resources: (await v.client.listResources()).resources.map((resource) => resource.uri).filter(isNote),
    templates: (await v.client.listResourceTemplates()).resourceTemplates.map((template) => template.uriTemplate).filter(isNote),
    contents: [
      ...(await v.client.readResource({ uri: welcome })).contents,
      ...(await v.client.readResource({ uri: 'note://7' })).contents,
    ].map((contents) => [contents.uri, contents.text]),
  }),
  'read what is not there': async (v) => await v.client.readResource({ uri: 'note:absent' }),
  'prompts': async (v) => ({
    prompts: (await v.client.listPrompts()).prompts.map((prompt) => prompt.name),
    messages: (await v.client.getPrompt({ name: 'review', arguments: { file: 'main.go' } }))
      .messages.map((message) => [message.role, message.content.text]),
  }),
  'completion': async (v) => (await v.client.complete({
    ref: { type: 'ref/prompt', name: 'review' }, argument: { name: 'file', value: 'main' },
  })).completion.values,
  'elicitation': async (v) => await question(v, 'sign_up', (asked) => [asked.message, Object.keys(asked.requestedSchema.properties)]),
  'elicitation by URL': async (v) => await question(v, 'sign_in', (asked) => [asked.message, asked.url]),
  'sampling': async (v) => await question(v, 'ask_model', (asked) => [asked.maxTokens, asked.messages[0].content.text]),
  'roots': async (v) => await question(v, 'list_roots', (asked) => [asked.method]),
  'cancellation': async (v) => {
    const abort = new AbortController();
    const call = v.call({ name: 'wait', arguments: {}, _meta: { progressToken: 'wait' } }, { signal: abort.signal });
    const ended = call.then(() => 'answered', () => 'aborted');
    await v.progress.take();
    abort.abort();
    return [await ended, content(await v.call({ name: 'wait_cancelled', arguments: {} })).text];
  },
  'subscription': async (v) => {
    const end = await listen(v, { resourceSubscriptions: [welcome] });
    await v.call({ name: 'touch', arguments: {} });
    const update = await v.updates.take();
    await end();
    return update.uri;
  },
  'list changed': async (v) => {
    const end = await listen(v, { toolsListChanged: true });
    await v.call({ name: 'learn', arguments: {} });
    await v.changes.take();
    await end();
    return content(await v.call({ name: 'new_trick', arguments: {} })).text;
  },
  'what went wrong': async (v) => v.errors,
  'close': async (v) => {
    await v.client.close();
    return 'closed';
  },
};

// content returns the content of a result, or why the call failed.
function content(result) {
  if (result.isError) return { isError: true, text: result.content[0].text };
  return { text: result.content[0].text, structured: result.structuredContent };
}

// question calls a tool that asks the client something.
async function question(v, tool, describe) {
  const result = await v.call({ name: tool, arguments: {} });
  if (result.isError) return content(result);
  return { asked: describe(await v.asked.take()), text: content(result).text };
}

// listen subscribes in the way of the version and returns a function that ends the
// subscription. Handshake versions notify of changed lists without a subscription.
async function listen(v, filter) {
  if (v.stateless) {
    const subscription = await v.client.listen(filter);
    return () => subscription.close();
  }
  for (const uri of filter.resourceSubscriptions ?? []) await v.client.subscribeResource({ uri });
  return async () => {
    for (const uri of filter.resourceSubscriptions ?? []) await v.client.unsubscribeResource({ uri });
  };
}

function print(stop, line) {
  process.stdout.write(JSON.stringify({ stop, ...line }) + '\n');
}

const [peers, name, version, transport, target] = process.argv.slice(2);
const visitor = await open({ peers, name, version, transport, target });
for (const [stop, visit] of Object.entries(stops)) {
  try {
    print(stop, { saw: (await visit(visitor)) ?? null });
  } catch (error) {
    print(stop, { error: error.code ?? 'none', message: error.message });
  }
}
