// Serves the fixture with the TypeScript SDK:
//
//	node server.mjs <folder of the packages> sdk|server stateless|handshake http|sse|stdio [matrix|changed]
//
// sdk is the first generation, which has HTTP+SSE and only handshake versions. Over
// HTTP it prints its URL on standard error. With matrix it has a tool with an
// argument in a header field, and pages of tools; with changed the tool add has one
// argument and one result more.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [peers, name, versions, transport, variant] = process.argv.slice(2);
const matrix = variant === 'matrix', added = variant === 'changed';
const require = createRequire(path.join(path.resolve(peers), 'package.json'));
const load = (file) => import(pathToFileURL(require.resolve(file)));
const { z } = await load('zod');
const kit = name === 'sdk' ? await firstGeneration() : await secondGeneration();

const welcome = 'note://welcome';
const text = (text) => ({ content: [{ type: 'text', text }] });
const note = (uri) => (uri === welcome ? 'Welcome!' : `note ${uri.slice('note://'.length)}`);
const files = ['main.go', 'main_test.go', 'doc.go'];

let reportCancelled;
const cancelled = new Promise((resolve) => { reportCancelled = resolve; });
let learned = false;

// changed tells of a change: an instance to its one client, unless a handler that
// makes an instance for every request tells the subscribers.
let changed = {
  tools: () => {}, // adding a tool does
  resource: (server, uri) => server.server.sendResourceUpdated({ uri }),
};

// fixture makes a server with a feature for every stop of the tour.
function fixture() {
  const server = new kit.McpServer({ name: 'fixture', version: '1.0.0' }, {
    capabilities: { logging: {}, resources: { subscribe: true, listChanged: true }, tools: { listChanged: true } },
  });
  const tool = (name, inputSchema, call, outputSchema) =>
    server.registerTool(name, { inputSchema: kit.shape(inputSchema), ...(outputSchema && { outputSchema: kit.shape(outputSchema) }) }, call);
  const plain = (name, call) => tool(name, {}, async (_, context) => text(await call(context)));

  tool('greet', { name: z.string() }, ({ name }) => text(`Hello, ${name}!`));
  tool('add', { a: z.number(), b: z.number(), ...(added && { c: z.number() }) }, ({ a, b, c = 0 }) => ({
    ...text(JSON.stringify({ sum: a + b + c })), structuredContent: { sum: a + b + c, ...(added && { count: 3 }) },
  }), { sum: z.number(), ...(added && { count: z.number() }) });
  plain('climb', async (context) => {
    for (let step = 1; step <= 3; step++) await kit.progress(context, step);
    return 'summit';
  });
  plain('complain', async (context) => {
    await kit.log(server, context, 'debug', 'a detail');
    await kit.log(server, context, 'warning', 'a complaint');
    return 'complained';
  });
  plain('touch', async () => {
    await changed.resource(server, welcome);
    return 'touched';
  });
  const teach = () => plain('new_trick', () => 'ta-da');
  plain('learn', async () => {
    learned = true;
    teach();
    changed.tools();
    return 'learned';
  });
  if (learned) teach();
  if (matrix) {
    tool('forecast', { region: z.string().meta({ 'x-mcp-header': 'Region' }) }, ({ region }) => text(`rain in ${region}`));
    paginate(server.server._requestHandlers);
  }
  plain('wait', async (context) => {
    const aborted = new Promise((resolve) => kit.signal(context).addEventListener('abort', resolve));
    await kit.progress(context, 1);
    await aborted;
    reportCancelled();
    return 'too late';
  });
  plain('wait_cancelled', () => cancelled.then(() => 'cancelled'));
  for (const question of questions) tool(question.name, {}, (_, context) => kit.ask(server, context, question));

  server.registerResource('welcome', welcome, {}, (uri) => contents(uri));
  server.registerResource('note', new kit.ResourceTemplate('note://{id}', { list: undefined }), {}, (uri) => contents(uri));
  kit.acceptSubscriptions(server);
  const file = kit.completable(z.string(), (value) => files.filter((file) => file.startsWith(value)));
  server.registerPrompt('review', { argsSchema: kit.shape({ file }) }, ({ file }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Review ${file}.` } }],
  }));
  return server;
}

// paginate cuts the list of tools, which the SDK gives all at once.
function paginate(handlers) {
  const list = handlers.get('tools/list');
  handlers.set('tools/list', async (request, context) => {
    const { tools, ...result } = await list(request, context);
    const from = Number(request.params?.cursor ?? 0);
    const more = from + 5 < tools.length && { nextCursor: String(from + 5) };
    return { ...result, tools: tools.slice(from, from + 5), ...more };
  });
}

// A URL is normalized, which the URI of a note is not.
function contents(uri) {
  const as = uri.href.replace(/\/$/, '');
  return { contents: [{ uri: as, text: note(as) }] };
}

const questions = [
  {
    name: 'sign_up', method: 'elicitation/create', tell: (answer) => `signed up ${answer.content.user}`,
    params: {
      message: 'Your GitHub user name?',
      requestedSchema: { type: 'object', properties: { user: { type: 'string' } } },
    },
  },
  {
    name: 'sign_in', method: 'elicitation/create', tell: () => 'signed in',
    params: { mode: 'url', message: 'Please sign in.', url: 'https://login.example/start', elicitationId: '1' },
  },
  {
    name: 'ask_model', method: 'sampling/createMessage',
    tell: (answer) => `${answer.model} says ${[answer.content].flat()[0].text}`,
    params: { maxTokens: 10, messages: [{ role: 'user', content: { type: 'text', text: 'Capital of France?' } }] },
  },
  { name: 'list_roots', method: 'roots/list', tell: (answer) => answer.roots[0].uri, params: {} },
];

async function firstGeneration() {
  const sdk = (file) => load(`@modelcontextprotocol/sdk/${file}`);
  const [{ McpServer, ResourceTemplate }, { completable }, types] =
    [await sdk('server/mcp.js'), await sdk('server/completable.js'), await sdk('types.js')];
  const results = {
    'elicitation/create': types.ElicitResultSchema,
    'sampling/createMessage': types.CreateMessageResultSchema,
    'roots/list': types.ListRootsResultSchema,
  };
  return {
    McpServer, ResourceTemplate, completable,
    shape: (shape) => shape,
    progress: (extra, progress) => extra.sendNotification({
      method: 'notifications/progress', params: { progressToken: extra._meta?.progressToken, progress, total: 3 },
    }),
    log: (server, extra, level, data) => server.sendLoggingMessage({ level, logger: 'fixture', data }, extra.sessionId),
    signal: (extra) => extra.signal,
    ask: async (_, extra, { method, params, tell }) => text(tell(await extra.sendRequest({ method, params }, results[method]))),
    acceptSubscriptions: (server) => {
      server.server.setRequestHandler(types.SubscribeRequestSchema, () => ({}));
      server.server.setRequestHandler(types.UnsubscribeRequestSchema, () => ({}));
    },
    HTTPTransport: (await sdk('server/streamableHttp.js')).StreamableHTTPServerTransport,
    SSETransport: (await sdk('server/sse.js')).SSEServerTransport,
    stdio: async () => fixture().connect(new (await sdk('server/stdio.js')).StdioServerTransport()),
  };
}

async function secondGeneration() {
  const sdk = await load('@modelcontextprotocol/server');
  const node = await load('@modelcontextprotocol/node');
  const { inputRequired } = sdk;
  const build = {
    sign_up: (params) => inputRequired.elicit(params),
    sign_in: ({ message, url }) => inputRequired.elicitUrl({ message, url }),
    ask_model: (params) => inputRequired.createMessage(params),
    list_roots: () => inputRequired.listRoots(),
  };
  return {
    McpServer: sdk.McpServer, ResourceTemplate: sdk.ResourceTemplate, completable: sdk.completable,
    shape: (shape) => z.object(shape),
    progress: (context, progress) => context.mcpReq.notify({
      method: 'notifications/progress', params: { progressToken: context.mcpReq._meta?.progressToken, progress, total: 3 },
    }),
    log: (_, context, level, data) => context.mcpReq.log(level, data, 'fixture'),
    signal: (context) => context.mcpReq.signal,
    ask: (_, context, { name, params, tell }) => {
      const answer = context.mcpReq.inputResponses?.question;
      if (answer) return text(tell(answer));
      return inputRequired({ inputRequests: { question: build[name](params) } });
    },
    acceptSubscriptions: (server) => {
      if (versions === 'stateless') return; // a subscription is a request of its own
      server.server.setRequestHandler('resources/subscribe', () => ({}));
      server.server.setRequestHandler('resources/unsubscribe', () => ({}));
    },
    HTTPTransport: node.NodeStreamableHTTPServerTransport,
    stdio: async () => (await load('@modelcontextprotocol/server/stdio')).serveStdio(fixture),
    stateless: () => {
      const handler = sdk.createMcpHandler(fixture);
      changed = { tools: () => handler.notify.toolsChanged(), resource: (_, uri) => handler.notify.resourceUpdated(uri) };
      return node.toNodeHandler(handler);
    },
  };
}

// sessions answers with an instance for each session.
function sessions() {
  const transports = new Map();
  return async (request, response) => {
    let transport = transports.get(request.headers['mcp-session-id']);
    if (!transport) {
      transport = new kit.HTTPTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => { transports.set(id, transport); },
      });
      await fixture().connect(transport);
    }
    await transport.handleRequest(request, response);
  };
}

// streams answers over HTTP+SSE, with an instance for each stream.
function streams() {
  const transports = new Map();
  return async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (request.method === 'POST') {
      const known = transports.get(url.searchParams.get('sessionId'));
      if (known) await known.handlePostMessage(request, response);
      else response.writeHead(405).end();
      return;
    }
    const transport = new kit.SSETransport('/messages', response);
    transports.set(transport.sessionId, transport);
    await fixture().connect(transport);
  };
}

if (transport === 'stdio') {
  await kit.stdio();
} else {
  const answer = transport === 'sse' ? streams() : versions === 'stateless' ? kit.stateless() : sessions();
  const server = createServer(answer);
  server.listen(0, '127.0.0.1', () => console.error(`listening at http://127.0.0.1:${server.address().port}/mcp`));
}
