package doctor

import "slices"

// A Check is a row of the table of checks.
type Check struct {
	Name string
	// Group is the heading that the check stands under.
	Group string
	// About says what is checked.
	About string
	// Next is the step after a finding that is not well, where the finding has no
	// better one.
	Next string
}

// The groups of checks.
const (
	groupMachine  = "This machine"
	groupNetwork  = "Network"
	groupHTTP     = "HTTP"
	groupProtocol = "Protocol"
	groupAuth     = "Authorization"
	groupTools    = "Tools"
	groupCommand  = "Command"
	groupBridge   = "Bridge"
)

// Checks returns the table of checks, in the order of a report.
func Checks() []Check { return slices.Clone(checks) }

var checks = []Check{
	{"machine.home", groupMachine, "the folder of the program's own files belongs to you alone", "Set MCPENGINE_HOME to a folder of yours, or take the permissions of others away."},
	{"machine.keychain", groupMachine, "the system's keychain opens the tokens that are kept", "Unlock the keychain, or set MCPENGINE_HOME to another folder and sign in there."},
	{"machine.profile", groupMachine, "every profile can be read, and the files and variables that it names are there", "Set the server up again with mcpengine proxy, or remove it with mcpengine uninstall."},
	{"machine.proxy", groupMachine, "the proxies in the environment are URLs and can be reached", "Correct HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in upper case or lower case alone."},
	{"host.file", groupMachine, "the files of hosts can be read", "Correct the file, or move it away and start the host."},
	{"host.command", groupMachine, "the commands in the files of hosts exist and may be run", "Install the program, or write its absolute path into the file."},
	{"host.entry", groupMachine, "entries of mcpengine name a profile that exists and a program that runs", "Install the entry again with mcpengine proxy, or remove it with mcpengine uninstall."},

	{"dns", groupNetwork, "the name of the server has addresses", "Check the host in the URL, and the name server and the VPN of this machine."},
	{"tcp", groupNetwork, "every address of the server takes connections, IPv4 and IPv6", "Start the server, check its port, and let the firewall pass connections to it."},
	{"proxy", groupNetwork, "the proxy for the server can be reached and lets requests pass", "Correct the proxy in HTTPS_PROXY or HTTP_PROXY, or name the host in NO_PROXY."},
	{"tls.handshake", groupNetwork, "the server speaks TLS", "Use the port and the scheme at which the server speaks TLS."},
	{"tls.chain", groupNetwork, "the certificate leads to an authority that this machine trusts", "Let the server send its intermediate certificates, or name a private authority with --ca-file of mcpengine proxy."},
	{"tls.name", groupNetwork, "the certificate is for the host of the URL", "Use the host that the certificate is for, or get a certificate for this one."},
	{"tls.expiry", groupNetwork, "the certificate has not expired and does not expire soon", "Renew the certificate of the server, and see why it does not renew by itself."},
	{"tls.version", groupNetwork, "the server speaks TLS 1.2 or later", "Turn TLS 1.2 and 1.3 on at the server or the proxy in front of it."},

	{"http.scheme", groupHTTP, "requests to another machine are encrypted", "Serve the endpoint over https."},
	{"http.answer", groupHTTP, "the server answers a POST to the URL", "Check the path of the URL, which often ends with /mcp, and the log of the server."},
	{"http.time", groupHTTP, "the server answers before hosts give up", "Look for a cold start, a slow database or a busy processor, and give the server more of it."},
	{"http.size", groupHTTP, "answers arrive whole, and within the limits of hosts and gateways", "Raise the limit of the proxy or the gateway, or let the server offer less in one list."},
	{"redirect", groupHTTP, "the URL is the endpoint itself", "Use the URL that it redirects to."},
	{"redirect.method", groupHTTP, "a redirect keeps the POST and its message", "Use the URL that it redirects to, or redirect with status 308."},
	{"redirect.origin", groupHTTP, "a redirect stays at the same origin, so that credentials stay", "Use the URL that it redirects to, because clients do not send credentials there."},
	{"redirect.scheme", groupHTTP, "a redirect does not lead from https to http", "Make the redirect lead to https: the proxy in front of the server likely does not tell it the scheme."},
	{"clock", groupHTTP, "the clock of this machine and the server's agree", "Set the clock of the machine that is wrong, because tokens and signatures are good for minutes."},
	{"cors.preflight", groupHTTP, "web pages that may call the server may send the fields of the protocol", "Allow the fields content-type, authorization, mcp-protocol-version, mcp-method, mcp-name and mcp-session-id."},
	{"cors.origin", groupHTTP, "a server on this machine refuses web pages of other origins", "Check Origin at the server: a page in the browser can call it by DNS rebinding."},

	{"version", groupProtocol, "the server speaks a known protocol version", "Check that an MCP server is at the URL, and that it speaks a version that this program knows."},
	{"version.handshake", groupProtocol, "hosts of handshake versions can connect", "Connect such hosts with mcpengine proxy, which translates, or serve the handshake versions too."},
	{"version.agreement", groupProtocol, "server/discover and initialize say the same of the server", "Let every replica run the same release, and list exactly the versions that the server takes."},
	{"card", groupProtocol, "the server card, where there is one, agrees with the server", "Deploy the release that the card is of, or let the file that WithCard embeds say the version of this one."},
	{"header.version", groupProtocol, "MCP-Protocol-Version arrives", "Let the proxy in front of the server pass MCP-Protocol-Version."},
	{"header.method", groupProtocol, "Mcp-Method arrives, and is compared with the message", "Let the proxy in front of the server pass Mcp-Method, and the server compare it."},
	{"header.name", groupProtocol, "Mcp-Name arrives", "Let the proxy in front of the server pass Mcp-Name."},
	{"header.session", groupProtocol, "Mcp-Session-Id arrives in both directions", "Let the proxy in front of the server pass Mcp-Session-Id in requests and in responses."},
	{"header.authorization", groupProtocol, "Authorization arrives", "Let the proxy in front of the server pass Authorization."},
	{"session.kept", groupProtocol, "a session is known to every replica", "Give all replicas the same keys (MCPENGINE_KEYS), or let the balancer route by Mcp-Session-Id."},
	{"session.foreign", groupProtocol, "an unknown session id is answered with 404, so that clients begin anew", "Answer an unknown Mcp-Session-Id with 404."},
	{"stream.buffered", groupProtocol, "events arrive when they are written, measured beside plain answers", "Turn the buffering of responses off in the proxy, such as proxy_buffering of nginx."},
	{"stream.compressed", groupProtocol, "event streams are not compressed", "Leave text/event-stream out of the types that the server or the proxy compresses."},

	{"auth.challenge", groupAuth, "a request without a token is answered with a challenge that leads to the metadata", "Send WWW-Authenticate: Bearer resource_metadata=\"…\" with status 401."},
	{"auth.metadata", groupAuth, "the metadata of the resource is at the well-known places (RFC 9728)", "Publish the metadata at /.well-known/oauth-protected-resource, followed by the path of the server."},
	{"auth.resource", groupAuth, "the metadata calls the server by its URL", "Configure the public URL of the server as its resource."},
	{"auth.server", groupAuth, "the authorization server has metadata (RFC 8414, OpenID Connect Discovery)", "Check the issuer that the server names, and its metadata."},
	{"auth.issuer", groupAuth, "the metadata names the issuer that it was asked for", "Configure the issuer byte for byte as its metadata names it."},
	{"auth.pkce", groupAuth, "the authorization server announces PKCE with S256", "Turn PKCE on at the authorization server; mcpengine signs in without it with --insecure-no-pkce."},
	{"auth.client", groupAuth, "a client can become known: by a metadata document, by registration, or by a configured id", "Register a client at the authorization server, and name it with --client-id."},
	{"auth.none", groupAuth, "public clients, which have no secret, can get tokens", "Allow the method none for public clients at the authorization server."},
	{"auth.iss", groupAuth, "the answer of the browser names its issuer (RFC 9207)", "Ask the operator of the authorization server to send iss, or accept the risk with --insecure-no-issuer."},
	{"auth.scopes", groupAuth, "the authorization server knows the scopes that the server asks for", "Add the scopes at the authorization server, or correct them at the server."},
	{"auth.verified", groupAuth, "a made-up token is refused", "Stop the server until it checks the signature, the issuer and the audience of tokens."},
	{"auth.token", groupAuth, "the token that is kept has not expired", "Sign in with mcpengine auth login."},
	{"auth.audience", groupAuth, "the token is for this server", "Ask for a token for this server with the parameter resource, and map it to the audience at the authorization server."},
	{"auth.accepted", groupAuth, "the server takes the credentials", "Sign in again with mcpengine auth login, or send other credentials."},
	{"aws.signature", groupAuth, "requests to a server behind IAM are signed, and AWS takes the signature", "Set the server up with mcpengine proxy NAME URL --aws-sigv4."},

	{"command.found", groupCommand, "the program exists and may be run", "Install the program, correct its name, or make it executable with chmod +x."},
	{"command.runs", groupCommand, "the program stays alive", "Run the command by hand, and correct what it says on standard error."},
	{"command.answers", groupCommand, "the program answers over its standard streams", "Let the program read messages from standard input, and ask nobody anything."},
	{"command.output", groupCommand, "standard output has nothing but messages", "Write logs to standard error."},

	{"tools.list", groupTools, "the tools can be listed", "Look into the log of the server."},
	{"tools.names", groupTools, "hosts take the names of the tools", "Shorten names to 64 letters, digits, _ and -, each once."},
	{"tools.schemas", groupTools, "hosts take the schemas of the arguments", "Make the schema an object with named properties, without oneOf, anyOf and allOf at its top."},
	{"tools.size", groupTools, "the list leaves a model room for its work", "Offer fewer tools, or shorten descriptions; mcpengine inspect shows the tokens of each."},

	{"bridge.log", groupBridge, "the end of the log of the bridge has no error and no warning", "Read the log, and correct its last error."},
}

var places = func() map[string]int {
	m := make(map[string]int, len(checks))
	for i, c := range checks {
		m[c.Name] = i
	}
	return m
}()

// place returns where a check stands in the table.
func place(name string) int { return places[name] }

// rowOf returns the row of a check. A name that is not in the table is a fault of
// this package, which its tests find.
func rowOf(name string) Check {
	i, ok := places[name]
	if !ok {
		panic("doctor: there is no check " + name)
	}
	return checks[i]
}
