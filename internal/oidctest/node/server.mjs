// An OpenID provider for tests: oidc-provider, steered by lines of JSON on
// standard input. The first line is its configuration and the others are
// commands. Each is answered by a line on standard output when it is done. The
// provider ends when the input does.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const modules = process.argv[2];
const load = (file) => import(pathToFileURL(join(modules, 'oidc-provider', 'lib', file)));
const { Provider, errors } = await load('index.js');
const { createMemoryAdapter } = await load('adapters/memory_adapter.js');

const config = JSON.parse((await lines.next()).value);
const resources = config.resources ?? {};
const documents = config.documents ?? {};
const claims = config.claims ?? {};

// Only answers may be on standard output.
console.info = () => {};
console.warn = () => {};

function makeKey(alg) {
  const { privateKey } = {
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
  }[alg]();
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg };
}

const makeKeys = () => ['RS256', 'ES256', 'EdDSA'].map(makeKey);

// The first key of an algorithm signs.
let keys = config.keys ?? makeKeys();
const cookieKey = randomBytes(32).toString('hex');
const nonceSecret = randomBytes(32);
const adapter = createMemoryAdapter();

function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    adapter,
    jwks: { keys },
    cookies: { keys: [cookieKey] },
    clients: config.clients ?? [],
    scopes: ['openid', 'offline_access', ...new Set(Object.values(resources).flatMap((r) => r.scopes ?? []))],
    enabledJWA: {
      clientAuthSigningAlgValues: ['RS256', 'ES256', 'EdDSA'],
      idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'],
    },
    features: {
      clientCredentials: { enabled: true },
      clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      dPoP: { enabled: true, nonceSecret, requireNonce: () => config.requireNonce === true },
      introspection: { enabled: true },
      registration: { enabled: config.noRegistration !== true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo(ctx, uri) {
          const resource = resources[uri];
          if (resource === undefined) {
            throw new errors.InvalidTarget();
          }
          return {
            audience: uri,
            scope: (resource.scopes ?? []).join(' '),
            accessTokenTTL: resource.seconds || 3600,
            accessTokenFormat: resource.opaque ? 'opaque' : 'jwt',
            jwt: { sign: { alg: resource.algorithm || 'RS256' } },
          };
        },
      },
    },
    // Nothing is fetched: the documents of clients are part of the configuration.
    fetch(url) {
      const document = documents[url];
      return document === undefined ? new Response('', { status: 404 }) : Response.json({ ...document, client_id: String(url) });
    },
    findAccount: (ctx, login) => ({ accountId: login, claims: () => ({ sub: login, ...claims[login] }) }),
    extraTokenClaims: (ctx, token) => claims[token.accountId],
    issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
    // A refresh token outlives the browser session that it came from.
    expiresWithSession: () => false,
    rotateRefreshToken: config.keepRefreshTokens !== true,
  });
  return provider.callback();
}

let answer;
const server = createServer((req, res) => answer(req, res));
await new Promise((listening) => { server.listen(config.port ?? 0, '127.0.0.1', listening); });
const { port } = server.address();

function start() {
  answer = makeProvider(`http://127.0.0.1:${port}`);
  console.log(JSON.stringify({ port, keys }));
}

const commands = {
  rotate: () => { keys = [...makeKeys(), ...keys]; },
  retire: () => { keys = keys.slice(0, 3); },
};

start();
for await (const line of lines) {
  commands[JSON.parse(line)]();
  start();
}
process.exit(0);
