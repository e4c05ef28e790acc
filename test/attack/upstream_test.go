package attack_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/auth/upstream"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// What the family J expects:
//
//	J1  a handler calls an API, by every transport     the API gets the exchanged token of the caller, and
//	                                                    nobody but the token endpoint the caller's own
//	J2  another audience, another API's host            no token, an error that names the option
//	J3  many callers at once                            each gets their own token
//	J4  the provider quotes the token in its errors     nothing of it in the answer and in the log
//	J5  the API redirects to another host               that host gets no token
//	J6  an answer without end                           an error after 64 KiB
//	J7  a caller of another issuer; a static token      the token endpoint is not asked
//	J8  the provider answers with the caller's token    an error, and the API is not asked
//	J9  a token of fewer scopes, or of another client   not the token that a broader one got
//	J10 the provider's token in the broker's            sealed, in no claim, task or log, for one access token alone
//	J11 no caller, or one that has to sign in again     401, or an error once the answer has begun
//	J12 a detached call                                 no token on behalf of its caller

// A bank is an API behind a server, and a provider that gives out tokens for it.
type bank struct {
	*fixture
	server *httptest.Server

	mu       sync.Mutex
	got      []string // the credentials that the API got
	subjects []string // the tokens that the token endpoint got
}

// newBank returns a server with a tool "balance" that asks the API.
func newBank(t testing.TB, config fixtureConfig) *bank {
	t.Helper()
	b := &bank{}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.got = append(b.got, r.Header.Get("Authorization"))
		b.mu.Unlock()
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprint(w, r.Header.Get("Authorization"))
	}))
	t.Cleanup(b.server.Close)
	if config.upstream == nil {
		config.upstream = func(op *authtest.Provider) []auth.UpstreamAPI {
			client := upstream.Client{Issuer: op.Issuer(), TokenEndpoint: op.Issuer() + authtest.TokenPath, ID: "server", Authentication: upstream.Secret("secret")}
			return []auth.UpstreamAPI{
				upstream.TokenExchange("bank", client, upstream.WithOrigins(b.server.URL)),
				upstream.TokenExchange("vault", client, upstream.WithOrigins("https://vault.example")),
			}
		}
	}
	b.fixture = newFixture(t, config)
	b.idp.Override(authtest.TokenPath, http.HandlerFunc(b.exchange))
	mcpengine.AddTool(b.engine, "balance", "", func(ctx context.Context, in struct {
		Audience string `json:"audience,omitempty"`
		Target   string `json:"target,omitempty"`
		Stream   bool   `json:"stream,omitempty"`
	},
	) (string, error) {
		if in.Stream {
			mcpengine.Progress(ctx, 1, 2, "asking")
		}
		b.run("balance")
		return b.ask(ctx, orElse(in.Audience, "bank"), orElse(in.Target, b.server.URL))
	}, mcpengine.Public())
	return b
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// ask calls an API as the caller.
func (b *bank) ask(ctx context.Context, audience, target string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := auth.UpstreamClient(audience).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// exchange is the token endpoint.
func (b *bank) exchange(w http.ResponseWriter, r *http.Request) {
	subject := r.PostFormValue("subject_token")
	b.mu.Lock()
	b.subjects = append(b.subjects, subject)
	b.mu.Unlock()
	claims := brokertest.Claims(subject)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`,
		brokertest.TokenFor(r.PostFormValue("audience"), fmt.Sprintf("%v %v %v", claims["sub"], claims["client_id"], claims["scope"])))
}

// seen returns what the API and the token endpoint got since the last call of seen.
func (b *bank) seen() (credentials, subjects []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	credentials, subjects = b.got, b.subjects
	b.got, b.subjects = nil, nil
	return credentials, subjects
}

// balance is a call of the tool.
func balance(token, arguments string) call {
	return call{method: "tools/call", params: `"name":"balance","arguments":{` + arguments + `}`, header: bearer(token), login: token}
}

// wanted is the token of a caller for the API, as the provider gives it out.
func wanted(subject, client, scope string) string {
	return brokertest.TokenFor("bank", subject+" "+client+" "+scope)
}

func TestAttackJ1HostToken(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			b := newBank(t, fixtureConfig{})
			for _, name := range []string{"alice", "bob", "alice"} {
				token := b.token(authtest.Claims{"sub": name})
				a := way.send(t, b.engine, balance(token, ""))
				credentials, subjects := b.seen()
				if want := "Bearer " + wanted(name, "client", "mcp:read"); a.status != http.StatusOK || len(credentials) != 1 || credentials[0] != want {
					t.Errorf("%s: %d %s\nthe API got %q, want %q", name, a.status, a.body, credentials, want)
				}
				if len(subjects) != 1 || subjects[0] != token {
					t.Errorf("%s: the token endpoint got %d tokens", name, len(subjects))
				}
				b.checkSecret(t, token, a)
				a.body = "" // the tool shows what the API got
				b.checkSecret(t, wanted(name, "client", "mcp:read"), a)
			}
		})
	}
}

func TestAttackJ2Audience(t *testing.T) {
	t.Parallel()
	b := newBank(t, fixtureConfig{})
	token := b.token(nil)
	for name, test := range map[string]struct{ arguments, want string }{
		"not configured":      {`"audience":"mint"`, "add it with auth.WithUpstream"},
		"a prefix":            {`"audience":"ban"`, "add it with auth.WithUpstream"},
		"another case":        {`"audience":"Bank"`, "add it with auth.WithUpstream"},
		"another API's host":  {`"audience":"vault"`, "not an origin of the API"},
		"a host in the path":  {`"target":"http://evil.example/` + strings.TrimPrefix(b.server.URL, "http://") + `"`, "not an origin of the API"},
		"a host as user":      {`"target":"http://` + strings.TrimPrefix(b.server.URL, "http://") + `@evil.example/"`, "not an origin of the API"},
		"a port after a host": {`"target":"` + b.server.URL + `0"`, "not an origin of the API"},
	} {
		a := sendStateless(t, b.engine, balance(token, test.arguments))
		credentials, _ := b.seen()
		if !strings.Contains(a.body, test.want) || !strings.Contains(a.body, `"isError":true`) || len(credentials) != 0 {
			t.Errorf("%s: %d %s, the API got %q", name, a.status, a.body, credentials)
		}
	}
}

func TestAttackJ3Race(t *testing.T) {
	t.Parallel()
	b := newBank(t, fixtureConfig{})
	var wg sync.WaitGroup
	for i := range 12 {
		name := fmt.Sprintf("user%d", i)
		token := b.token(authtest.Claims{"sub": name})
		for range 12 {
			wg.Go(func() {
				a := sendStateless(t, b.engine, balance(token, ""))
				if want := wanted(name, "client", "mcp:read"); !strings.Contains(a.body, want) {
					t.Errorf("%s: %d %s, want %s", name, a.status, a.body, want)
				}
			})
		}
	}
	wg.Wait()
	if _, subjects := b.seen(); len(subjects) != 12 {
		t.Errorf("the token endpoint was asked %d times for 12 callers", len(subjects))
	}
}

func TestAttackJ4Quotes(t *testing.T) {
	t.Parallel()
	b := newBank(t, fixtureConfig{})
	for _, body := range []string{
		`{"error":"invalid_request","error_description":%q}`, `{"error":%q}`, `{"error":"invalid_target","error_uri":%q,"claims":"{}"}`,
		`{"access_token":%q "`, `{"token_type":%q,"access_token":"a"}`, `%s`,
	} {
		b.idp.Override(authtest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, body, r.PostFormValue("subject_token"))
		}))
		token := b.token(nil)
		a := sendStateless(t, b.engine, balance(token, ""))
		if !strings.Contains(a.body, "no token for bank") {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
		b.checkSecret(t, token, a)
		if strings.Contains(b.logged(), "secret") && strings.Contains(b.logged(), "c2VydmVyOnNlY3JldA") {
			t.Errorf("%s: the credentials of the client are in the log", body)
		}
	}
}

func TestAttackJ5Redirect(t *testing.T) {
	t.Parallel()
	b := newBank(t, fixtureConfig{})
	asked := 0
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer thief.Close()
	for _, to := range []string{thief.URL, strings.Replace(thief.URL, "127.0.0.1", "localhost", 1), "//" + strings.TrimPrefix(thief.URL, "http://")} {
		a := sendStateless(t, b.engine, balance(b.token(nil), `"target":"`+b.server.URL+`/?to=`+to+`"`))
		if a.status != http.StatusOK || asked != 0 {
			t.Errorf("%s: %d %s, the other host was asked %d times", to, a.status, a.body, asked)
		}
	}
	// The token endpoint cannot send the caller's token elsewhere either.
	b.idp.Override(authtest.TokenPath, http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	if a := sendStateless(t, b.engine, balance(b.token(nil), "")); !strings.Contains(a.body, "no token for bank") || asked != 0 {
		t.Errorf("a token endpoint that redirects: %s, the other host was asked %d times", a.body, asked)
	}
}

func TestAttackJ6Endless(t *testing.T) {
	t.Parallel()
	b := newBank(t, fixtureConfig{})
	wrote := make(chan int, 1)
	b.idp.Override(authtest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n, chunk := 0, bytes.Repeat([]byte(" "), 1<<10)
		for range 10 << 10 {
			if _, err := w.Write(chunk); err != nil {
				break
			}
			n += len(chunk)
		}
		wrote <- n
	}))
	a := sendStateless(t, b.engine, balance(b.token(nil), ""))
	if n := <-wrote; !strings.Contains(a.body, "no token for bank") || n == 10<<20 {
		t.Errorf("%s after %d bytes", a.body, n)
	}
}

func TestAttackJ7OtherIssuer(t *testing.T) {
	t.Parallel()
	other := authtest.NewProvider(t)
	b := newBank(t, fixtureConfig{resource: []auth.ResourceOption{auth.WithProvider(idp.OIDC(other.Issuer(), resourceURL))}})
	token := other.AccessToken(resourceURL, authtest.Claims{"sub": "alice"})
	a := sendStateless(t, b.engine, balance(token, ""))
	credentials, subjects := b.seen()
	if !strings.Contains(a.body, "for users of") || len(credentials)+len(subjects) != 0 {
		t.Errorf("%d %s, the API got %d, the token endpoint %d", a.status, a.body, len(credentials), len(subjects))
	}

	const static = "static-token-of-a-program"
	users := map[string]auth.User{auth.HashToken(static): {Subject: "program"}}
	_, err := auth.NewResource(resourceURL, auth.StaticTokens(users), auth.WithUpstream(upstream.TokenExchange("bank", upstream.Client{
		Issuer: other.Issuer(), TokenEndpoint: other.Issuer() + authtest.TokenPath, ID: "server", Authentication: upstream.Secret("secret"),
	})))
	if err == nil || !strings.Contains(err.Error(), "no provider of the resource has users of the issuer") {
		t.Errorf("an exchange of static tokens: %v", err)
	}
}

// A broker that keeps no token of the provider has only its own, which the provider has
// not issued.
func TestAttackJ7OwnToken(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	exchange := upstream.TokenExchange("bank", upstream.Client{
		Issuer: d.idp.Issuer(), TokenEndpoint: d.idp.Issuer() + authtest.TokenPath, ID: "server", Authentication: upstream.Secret("secret"),
	})
	front := broker.OIDC(d.idp.Issuer(), "server", "secret", d.config)
	if _, err := auth.NewResource(resourceURL, front, auth.WithUpstream(exchange)); err == nil || !strings.Contains(err.Error(), "Config.ProviderToken") {
		t.Errorf("an exchange of the broker's own tokens: %v", err)
	}
	// A way of somebody's own that asks for the subject token gets none either.
	var subject string
	engine := d.withUpstream(t, anyUser{func(c *auth.UpstreamCaller) (err error) { subject, err = c.SubjectToken(); return err }})
	mcpengine.AddTool(engine, "balance", "", func(ctx context.Context, _ none) (string, error) {
		_, err := auth.Upstream(ctx, "bank")
		return "", err
	})
	c := d.client(t, appRedirect)
	access := c.Redeem(c.Authorize(d.browser(t)).Get("code"), nil).Text("access_token")
	a := sendStateless(t, engine, call{method: "tools/call", params: `"name":"balance","arguments":{}`, header: bearer(access)})
	if subject != "" || !strings.Contains(a.body, "no token for bank") {
		t.Errorf("the subject token is of %d bytes: %d %s", len(subject), a.status, a.body)
	}
}

// anyUser is a way to tokens that serves users of every issuer.
type anyUser struct {
	see func(*auth.UpstreamCaller) error
}

func (anyUser) Audience() string { return "bank" }

func (u anyUser) OpenUpstream(auth.Environment) (*auth.UpstreamSource, error) {
	return &auth.UpstreamSource{Token: func(_ context.Context, c *auth.UpstreamCaller) (auth.Token, error) {
		return auth.NewToken("t", time.Time{}), u.see(c)
	}}, nil
}

func TestAttackJ8Replay(t *testing.T) {
	t.Parallel()
	b := newBank(t, fixtureConfig{})
	b.idp.Override(authtest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, r.PostFormValue("subject_token"))
	}))
	for range 2 {
		token := b.token(nil)
		a := sendStateless(t, b.engine, balance(token, ""))
		if credentials, _ := b.seen(); !strings.Contains(a.body, "for this server alone") || len(credentials) != 0 {
			t.Errorf("%d %s, the API got %d", a.status, a.body, len(credentials))
		}
		b.checkSecret(t, token, a)
	}
}

func TestAttackJ9Narrower(t *testing.T) {
	t.Parallel()
	b := newBank(t, fixtureConfig{})
	for _, test := range []struct{ client, scope string }{{"client", "mcp:admin"}, {"client", "mcp:read"}, {"other", "mcp:admin"}, {"client", "mcp:admin"}} {
		token := b.token(authtest.Claims{"client_id": test.client, "scope": test.scope})
		a := sendStateless(t, b.engine, balance(token, ""))
		if want := wanted("alice", test.client, test.scope); !strings.Contains(a.body, want) {
			t.Errorf("%v: %s, want %s", test, a.body, want)
		}
	}
}

func TestAttackJ10ProviderToken(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, func(c *broker.Config) { c.ProviderToken = true })
	var issued []string
	d.idp.Override(authtest.TokenPath, recording{d.idp, &issued})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) }))
	defer api.Close()
	own := upstream.ProviderToken(d.idp.Issuer(), "bank", upstream.WithOrigins(api.URL))
	engine := d.withUpstream(t, own)
	var kept mcpengine.DetachedCall
	mcpengine.AddTool(engine, "balance", "", func(ctx context.Context, _ none) (string, error) {
		return (&bank{}).ask(ctx, "bank", api.URL)
	})
	mcpengine.AddTool(engine, "claims", "", func(ctx context.Context, _ none) (string, error) {
		text, err := json.Marshal(auth.UserFrom(ctx).Claims)
		return string(text), err
	})
	mcpengine.AddTool(engine, "task", "", func(context.Context, none) (string, error) { return "", nil },
		mcpengine.WithExecution(func(*mcpengine.Engine, string) (mcpengine.Execution, error) {
			return mcpengine.Execution{Call: func(_ context.Context, c mcpengine.DetachedCall) (mcpengine.Result, error) {
				kept = c
				return mcpengine.NewResult(json.RawMessage(`{"content":[]}`)), nil
			}}, nil
		}))
	c := d.client(t, appRedirect)
	tokens := c.Redeem(c.Authorize(d.browser(t)).Get("code"), nil)
	access := tokens.Text("access_token")
	tool := func(name, token string) answer {
		return sendStateless(t, engine, call{method: "tools/call", params: `"name":"` + name + `","arguments":{}`, header: bearer(token)})
	}
	if a := tool("balance", access); len(issued) != 1 || !strings.Contains(a.body, "Bearer "+issued[0]) {
		t.Fatalf("the API got %s, the provider issued %q\n%s", a.body, issued, d.logged())
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	if err != nil || bytes.Contains(payload, []byte(issued[0])) || len(access) >= 2<<10 {
		t.Errorf("the access token of %d bytes shows the provider's: %s, %v", len(access), payload, err)
	}
	if a := tool("claims", access); a.status != http.StatusOK || strings.Contains(a.body, "idp_token") {
		t.Errorf("the claims of the user have the sealed token: %s", a.body)
	}
	tool("task", access)
	if text, err := json.Marshal(kept); err != nil || kept.User == nil || bytes.Contains(text, []byte("idp_token")) || bytes.Contains(text, []byte(issued[0])) {
		t.Errorf("a detached call keeps a token: %s, %v", text, err)
	}
	renewed := c.Refresh(tokens.Text("refresh_token"), nil)
	if a := tool("balance", renewed.Text("access_token")); len(issued) != 2 || !strings.Contains(a.body, "Bearer "+issued[1]) {
		t.Errorf("renewed: the API got %s, the provider issued %q", a.body, issued)
	}
	for _, token := range issued {
		if strings.Contains(d.logged(), token) {
			t.Error("the provider's token is in the log")
		}
	}
}

// recording answers as a provider does, and keeps the access tokens that it issues.
type recording struct {
	idp    *authtest.Provider
	issued *[]string
}

func (p recording) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.idp.Override(authtest.TokenPath, nil)
	inner := httptest.NewRecorder()
	p.idp.ServeHTTP(inner, r)
	p.idp.Override(authtest.TokenPath, p)
	var answer struct {
		Access string `json:"access_token"`
	}
	if json.Unmarshal(inner.Body.Bytes(), &answer) == nil && answer.Access != "" {
		*p.issued = append(*p.issued, answer.Access)
	}
	w.WriteHeader(inner.Code)
	_, _ = w.Write(inner.Body.Bytes())
}

func TestAttackJ11SignIn(t *testing.T) {
	t.Parallel()
	b := newBank(t, fixtureConfig{})
	a := sendStateless(t, b.engine, balance("", ""))
	if got := a.header.Get("WWW-Authenticate"); a.status != http.StatusUnauthorized || !strings.Contains(got, `resource_metadata="`+metadataURL+`"`) || strings.Contains(got, "error=") {
		t.Errorf("no caller: %d %s %s", a.status, got, a.body)
	}
	b.idp.Override(authtest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"interaction_required","claims":"{\"access_token\":{\"acrs\":{\"essential\":true,\"value\":\"c1\"}}}"}`)
	}))
	for _, way := range ways {
		token := b.token(nil)
		a := way.send(t, b.engine, balance(token, ""))
		m := a.message(t)
		if m.Error == nil || m.Error.Data["error"] != "insufficient_claims" || m.Error.Data["claims"] == "" {
			t.Errorf("%s: %d %s", way.name, a.status, a.body)
		}
		if http := way.name == "2026-07-28" || way.name == "Lambda"; http && a.status != 401 {
			t.Errorf("%s: HTTP status %d", way.name, a.status)
		}
	}
	body, header := balance(b.token(nil), `"stream":true`).stateless()
	a = post(t, b.engine, "/mcp", strings.Replace(body, `"_meta":{`, `"_meta":{"progressToken":1,`, 1), header)
	if m := a.message(t); a.status != http.StatusOK || m.Error == nil || m.Error.Data["error"] != "insufficient_claims" {
		t.Errorf("in a stream: %d %s", a.status, a.body)
	}
}

// noJournal is the journal of a handler that asks nothing and takes no steps.
type noJournal struct{ mcpengine.Journal }

func (noJournal) Suspended() bool { return false }

func TestAttackJ12Detached(t *testing.T) {
	t.Parallel()
	b := newBank(t, fixtureConfig{})
	alice := &auth.User{Issuer: b.idp.Issuer(), Subject: "alice", Expiry: time.Now().Add(time.Hour)}
	result, err := b.engine.CallDetached(t.Context(), mcpengine.DetachedCall{Tool: "balance", Arguments: json.RawMessage(`{}`), User: alice}, noJournal{})
	credentials, subjects := b.seen()
	if err != nil || result.ToolError() == nil || !strings.Contains(result.ToolError().Error(), "keeps no token") || len(credentials)+len(subjects) != 0 {
		t.Errorf("%v, %v", result.ToolError(), err)
	}
	if ran := b.took(); !slices.Equal(ran, []string{"balance"}) {
		t.Errorf("ran %q", ran)
	}
}
