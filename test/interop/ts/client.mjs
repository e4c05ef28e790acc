// One interface to the two clients of the TypeScript SDK: sdk is its first
// generation, client its second.

import { createRequire } from 'node:module';
import path from 'node:path';

const statelessVersion = '2026-07-28';
const info = { name: 'tourist', version: '1.0.0' };

// A Queue holds what a client has been told until the tour asks for it.
class Queue {
  #items = [];
  #waiting = [];

  put(item) {
    const resolve = this.#waiting.shift();
    if (resolve) resolve(item);
    else this.#items.push(item);
  }

  take() {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

// open connects a client and returns it with what it is told and asked.
export async function open({ peers, name, version, transport, target }) {
  const load = createRequire(path.join(path.resolve(peers), 'package.json'));
  const kit = name === 'sdk' ? firstGeneration(load, version) : secondGeneration(load, version);
  const { client } = kit;
  const visitor = {
    ...kit, version, stateless: version === statelessVersion, asked: new Queue(),
    progress: new Queue(), logs: new Queue(), updates: new Queue(), changes: new Queue(), errors: [],
  };
  client.onerror = (error) => visitor.errors.push(String(error));
  for (const [method, queue] of [
    ['notifications/progress', visitor.progress],
    ['notifications/message', visitor.logs],
    ['notifications/resources/updated', visitor.updates],
    ['notifications/tools/list_changed', visitor.changes],
  ]) {
    kit.onNotification(method, (notification) => queue.put(notification.params ?? {}));
  }
  answerQuestions(kit, visitor, client, version);
  await client.connect(kit.transport(transport, target));
  return visitor;
}

// answerQuestions answers what the server asks, as far as the version knows of
// it.
function answerQuestions(kit, visitor, client, version) {
  const answers = {
    'sampling/createMessage': () => ({ role: 'assistant', model: 'oracle', content: { type: 'text', text: 'Paris' } }),
    'roots/list': () => ({ roots: [{ uri: 'file:///home/ada', name: 'home' }] }),
  };
  if (version >= '2025-06-18') {
    answers['elicitation/create'] = (params) =>
      params.mode === 'url' ? { action: 'accept' } : { action: 'accept', content: { user: 'ada' } };
  }
  for (const [method, answer] of Object.entries(answers)) {
    kit.onRequest(method, (request) => {
      visitor.asked.put({ method, ...request.params });
      return answer(request.params ?? {});
    });
  }
}

function capabilities(version) {
  const all = { sampling: {}, roots: {} };
  if (version >= '2025-11-25') all.elicitation = { form: {}, url: {} };
  else if (version >= '2025-06-18') all.elicitation = {};
  return all;
}

function firstGeneration(load, version) {
  const sdk = (file) => load(`@modelcontextprotocol/sdk/${file}`);
  const { Client } = sdk('client/index.js');
  const types = sdk('types.js');
  const client = new Client(info, { capabilities: capabilities(version) });
  const schemas = {};
  for (const schema of Object.values(types)) {
    const method = schema?.shape?.method?.value;
    if (method) schemas[method] = schema;
  }
  return {
    client,
    call: (params, options) => client.callTool(params, undefined, options),
    onNotification: (method, handle) => client.setNotificationHandler(schemas[method], handle),
    onRequest: (method, handle) => client.setRequestHandler(schemas[method], handle),
    negotiated: () => client.negotiated,
    transport: (kind, target) => {
      const transport = newTransport(kind, target, {
        http: sdk('client/streamableHttp.js').StreamableHTTPClientTransport,
        sse: sdk('client/sse.js').SSEClientTransport,
        stdio: sdk('client/stdio.js').StdioClientTransport,
      });
      return offering(client, transport, version);
    },
  };
}

// offering makes the client offer the version. By itself this release always offers
// the latest version that it knows.
function offering(client, transport, version) {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    if (message.method === 'initialize') message.params.protocolVersion = version;
    return send(message, options);
  };
  const heard = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (negotiated) => {
    client.negotiated = negotiated;
    heard?.(negotiated);
  };
  return transport;
}

function secondGeneration(load, version) {
  const sdk = load('@modelcontextprotocol/client');
  const options = { capabilities: capabilities(version) };
  if (version === statelessVersion) options.versionNegotiation = { mode: { pin: statelessVersion } };
  else options.supportedProtocolVersions = [version];
  const client = new sdk.Client(info, options);
  return {
    client,
    call: (params, options) => client.callTool(params, options),
    onNotification: (method, handle) => client.setNotificationHandler(method, handle),
    onRequest: (method, handle) => client.setRequestHandler(method, handle),
    negotiated: () => client.getNegotiatedProtocolVersion(),
    transport: (kind, target) => newTransport(kind, target, {
      http: sdk.StreamableHTTPClientTransport,
      sse: sdk.SSEClientTransport,
      stdio: load('@modelcontextprotocol/client/stdio').StdioClientTransport,
    }),
  };
}

// newTransport connects to a URL, or runs a command, which gets the
// environment that the tour has.
function newTransport(kind, target, transports) {
  const Transport = transports[kind];
  if (kind === 'stdio') return new Transport({ command: target, env: process.env });
  return new Transport(new URL(target));
}
