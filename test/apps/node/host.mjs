// A host of MCP Apps in a web page: the official bridge between a server and the
// frame that shows one of its views. The test calls window.show.

import { AppBridge, PostMessageTransport, buildAllowAttribute, getToolUiResourceUri } from '@modelcontextprotocol/ext-apps/app-bridge';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const info = { name: 'test-host', version: '1.0.0' };
const mimeType = 'text/html;profile=mcp-app';
const frame = document.getElementById('frame');

// What happened, for the test.
window.seen = { calls: [], sizes: [], logs: [] };

async function connect(server, version) {
  const options = {
    capabilities: { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: [mimeType] } } },
    versionNegotiation: version ? { mode: { pin: version } } : undefined,
  };
  const client = new Client(info, options);
  await client.connect(new StreamableHTTPClientTransport(new URL(server)));
  return client;
}

// view reads the view of a tool as a host does: by the tool's _meta.
async function view(client, tool) {
  const uri = getToolUiResourceUri(tool);
  const { contents } = await client.readResource({ uri });
  if (contents.length !== 1 || contents[0].mimeType !== mimeType) {
    throw new Error(`${uri} is no view: ${JSON.stringify(contents).slice(0, 200)}`);
  }
  return { html: contents[0].text, ...contents[0]._meta?.ui };
}

// sandbox loads the proxy, which has an origin of its own and the policy of the
// view, and waits until it listens.
function sandbox(url, csp) {
  frame.setAttribute('sandbox', 'allow-scripts allow-same-origin');
  const ready = new Promise((resolve) => {
    window.addEventListener('message', function listen({ source, data }) {
      if (source === frame.contentWindow && data?.method === 'ui/notifications/sandbox-proxy-ready') {
        window.removeEventListener('message', listen);
        resolve();
      }
    });
  });
  const address = new URL(url);
  if (csp) address.searchParams.set('csp', JSON.stringify(csp));
  frame.src = address.href;
  return ready;
}

// show calls a tool and shows its result in its view.
window.show = async ({ server, proxy, name, args = {}, version, hostContext = {}, readOnly = false }) => {
  const client = await connect(server, version);
  const { tools } = await client.listTools();
  const tool = tools.find((t) => t.name === name);
  const { html, csp, permissions } = await view(client, tool);
  const bridge = new AppBridge(
    client, info,
    { openLinks: {}, logging: {}, ...(!readOnly && { serverTools: {} }) },
    { hostContext: { toolInfo: { tool }, ...hostContext } },
  );
  window.bridge = bridge;
  const initialized = new Promise((resolve) => { bridge.oninitialized = resolve; });
  bridge.onsizechange = ({ height }) => {
    window.seen.sizes.push(height);
    if (height) frame.style.height = `${height + 2}px`;
  };
  await sandbox(proxy, csp);
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  window.addEventListener('message', ({ source, data }) => {
    if (source === frame.contentWindow && data.method === 'tools/call') window.seen.calls.push(data.params);
  });
  await bridge.sendSandboxResourceReady({ html, csp, permissions });
  await initialized;
  await bridge.sendToolInput({ arguments: args });
  await bridge.sendToolResult(await client.callTool({ name, arguments: args }));
  return { version: client.getNegotiatedProtocolVersion?.() ?? '', allow: buildAllowAttribute(permissions) };
};
