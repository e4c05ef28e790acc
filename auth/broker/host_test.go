package broker_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// Hosts as they register, in November 2026, from their documentation, their source or
// their published documents: the body of the registration, the redirect URI of the
// authorization request, and what the request has besides.
var hosts = map[string]struct {
	registration string
	redirects    []string
	params       map[string]string
	says         string // the page
}{
	"Claude": {
		registration: `{"client_name":"Claude","grant_types":["authorization_code","refresh_token"],"response_types":["code"],` +
			`"token_endpoint_auth_method":"none","scope":"claudeai","redirect_uris":["https://claude.ai/api/mcp/auth_callback"]}`,
		redirects: []string{"https://claude.ai/api/mcp/auth_callback"},
		params:    map[string]string{"scope": "claudeai"},
		says:      "claude.ai",
	},
	"Claude Code": {
		registration: `{"client_name":"Claude Code (board)","redirect_uris":["http://localhost:56648/callback"],"grant_types":["authorization_code","refresh_token"],` +
			`"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirects: []string{"http://localhost:56648/callback", "http://localhost:61234/callback"},
		says:      "A program on this computer",
	},
	"ChatGPT": {
		registration: `{"client_name":"ChatGPT","redirect_uris":["https://chatgpt.com/connector_platform_oauth_redirect","https://chatgpt.com/connector/oauth/OUbdUMlL15Ct"],` +
			`"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_post"}`,
		redirects: []string{"https://chatgpt.com/connector_platform_oauth_redirect", "https://chatgpt.com/connector/oauth/OUbdUMlL15Ct"},
		params:    map[string]string{"scope": "messages:read offline_access", "state": "oauth_s_" + strings.Repeat("a", 600)},
		says:      "chatgpt.com",
	},
	"VS Code": {
		registration: `{"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com",` +
			`"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"response_types":["code"],` +
			`"redirect_uris":["https://insiders.vscode.dev/redirect","https://vscode.dev/redirect","http://localhost/","http://127.0.0.1/","http://localhost:33418/",` +
			`"http://127.0.0.1:33418/"],"scope":"messages:read","token_endpoint_auth_method":"none","application_type":"native"}`,
		redirects: []string{"http://127.0.0.1:33418/", "http://127.0.0.1:51234/", "http://127.0.0.1:51234", "https://vscode.dev/redirect"},
		params: map[string]string{
			"prompt": "login", "scope": "messages:read",
			"state": "vscode://dynamicauthprovider/rs.example/authorize?nonce=" + url.QueryEscape(strings.Repeat("n", 40)),
		},
	},
	"Cursor": {
		registration: `{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","https://www.cursor.com/agents/mcp/oauth/callback",` +
			`"http://localhost:8787/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirects: []string{"cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"},
	},
	"MCP Inspector": {
		registration: `{"redirect_uris":["http://localhost:6274/oauth/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],` +
			`"response_types":["code"],"client_name":"MCP Inspector","client_uri":"https://github.com/modelcontextprotocol/inspector","scope":""}`,
		redirects: []string{"http://localhost:6274/oauth/callback"},
		says:      "MCP Inspector",
	},
}

// Every host registers as it does, signs in and renews, and is told what it became.
func TestHosts(t *testing.T) {
	t.Parallel()
	for name, host := range hosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, nil)
			c := brokertest.NewClient(t, b.internet, issuer, "", resource)
			registered := c.Send("/oauth/register", "application/json", host.registration)
			c.ID = registered.Text("client_id")
			if registered.Status != http.StatusCreated || registered.Text("token_endpoint_auth_method") != "none" || registered.JSON["client_secret"] != nil {
				t.Fatalf("register: %d %s", registered.Status, registered.Body)
			}
			if n := len(c.ID); n > 1024 {
				t.Errorf("the client id has %d bytes", n)
			}
			for _, redirect := range host.redirects {
				c.Redirect = redirect
				browser := b.browser(t)
				page := browser.Get(c.AuthorizationURL(host.params))
				if !strings.Contains(brokertest.Text(page.Body), host.says) {
					t.Errorf("the page does not say %q: %s", host.says, brokertest.Text(page.Body))
				}
				back := c.Back(browser.Follow(browser.Decide(page, "allow"), redirect))
				want := c.State
				if state := host.params["state"]; state != "" {
					want = state
				}
				if back.Get("state") != want {
					t.Errorf("the state has changed from %q to %q", want, back.Get("state"))
				}
				tokens := c.Redeem(back.Get("code"), map[string]string{"client_secret": "given by somebody else"})
				renewed := c.Refresh(tokens.Text("refresh_token"), map[string]string{"resource": "", "scope": host.params["scope"]})
				if tokens.Status != http.StatusOK {
					t.Errorf("%s: token: %d %s", redirect, tokens.Status, tokens.Body)
				}
				if renewed.Status != http.StatusOK || renewed.Text("scope") != tokens.Text("scope") {
					t.Errorf("%s: renewed: %d %s", redirect, renewed.Status, renewed.Body)
				}
			}
		})
	}
}

// ChatGPT and Grok publish a document.
func TestHostDocuments(t *testing.T) {
	t.Parallel()
	for id, document := range map[string]string{
		"https://chatgpt.com/oauth/OUbdUMlL15Ct/client.json": `{"client_id":%q,"client_name":"ChatGPT","client_uri":"https://chatgpt.com",` +
			`"redirect_uris":["https://chatgpt.com/connector/oauth/OUbdUMlL15Ct"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}`,
		"https://grok.com/oauth/mcp-client.json": `{"client_id":%q,"client_name":"Grok","redirect_uris":["https://grok.com/oauth/mcp/callback"],"response_types":["code"]}`,
	} {
		b := newBed(t, nil)
		host := strings.Split(id, "/")[2]
		b.internet[host] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, document, id) })
		c := brokertest.NewClient(t, b.internet, issuer, "", resource)
		c.ID = id
		page := b.browser(t).Get(c.AuthorizationURL(map[string]string{"redirect_uri": ""}))
		if said := brokertest.Text(page.Body); page.Status != http.StatusOK || !strings.Contains(said, host) {
			t.Errorf("%s: %d %s", id, page.Status, said)
		}
	}
}
