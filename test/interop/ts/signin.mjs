// Signs in to a server with a client of the TypeScript SDK, and calls a tool:
//
//	node signin.mjs PEERS CLIENT URL REDIRECT [METADATA_URL]
//
// CLIENT is sdk, the first generation, or client, the second. It prints the URL to
// open, reads the URL that the browser was sent back to, and prints what the tool
// said. Then it renews its token and calls the tool again.

import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

const [peers, name, url, redirect, metadataURL] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(peers), 'package.json'));
const sdk = (file) => load(`@modelcontextprotocol/sdk/${file}`);
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = name === 'client'
  ? load('@modelcontextprotocol/client')
  : { ...sdk('client/index.js'), ...sdk('client/streamableHttp.js'), ...sdk('client/auth.js') };
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// A person's memory: everything that a host would store.
const kept = {};
const provider = {
  redirectUrl: redirect,
  clientMetadataUrl: metadataURL,
  clientMetadata: {
    client_name: 'TypeScript', redirect_uris: [redirect], grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'], token_endpoint_auth_method: 'none',
  },
  state: () => 'a state of the host',
  clientInformation: () => kept.client,
  saveClientInformation: (client) => { kept.client = client; },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens; },
  redirectToAuthorization: (target) => { console.log(String(target)); },
  saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
  codeVerifier: () => kept.verifier,
  saveDiscoveryState: (state) => { kept.discovery = state; },
  discoveryState: () => kept.discovery,
};

async function call() {
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
  const client = new Client({ name: 'host', version: '1.0.0' });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const { value } = await lines.next();
    const back = new URL(value).searchParams;
    await transport.finishAuth(name === 'client' ? back : back.get('code'));
    return call();
  }
  const { content } = await client.callTool({ name: 'whoami', arguments: {} });
  await client.close();
  return content[0].text;
}

console.log(await call());
const { access_token: first } = kept.tokens;
kept.tokens = { ...kept.tokens, access_token: 'expired' };
const second = await call();
console.log(first === kept.tokens.access_token ? 'not renewed' : second);
process.exit(0);
