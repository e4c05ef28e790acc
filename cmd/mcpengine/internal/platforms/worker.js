// Written by mcpengine deploy --to cloudflare.
import { Container, getContainer } from "@cloudflare/containers";

// As many as max_instances of wrangler.jsonc.
const instances = 3;
const variables = "VARIABLES";
// The secret of this Worker that has the value, by variable.
const secrets = "SECRETS";

export class Server extends Container {
  defaultPort = 8080;
  sleepAfter = "10m";

  constructor(context, env) {
    super(context, env);
    this.envVars = { ...variables };
    for (const [name, secret] of Object.entries(secrets)) this.envVars[name] = env[secret];
  }
}

export default {
  async fetch(request, env) {
    return getContainer(env.SERVER, await instanceOf(request)).fetch(request);
  },
};

// A caller has one instance, so that what the server keeps in memory, such as a
// stream of events, is found again. Cloudflare chooses none by load.
async function instanceOf(request) {
  const caller = request.headers.get("Authorization") ?? request.headers.get("CF-Connecting-IP") ?? "";
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(caller));
  return `server-${new DataView(digest).getUint32(0) % instances}`;
}
