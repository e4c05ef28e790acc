package upstream_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/auth/upstream"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// On-behalf-of sends what Entra ID wants, and asks once for each token of a caller.
func TestOnBehalfOf(t *testing.T) {
	t.Parallel()
	e := brokertest.EntraID(t, appID)
	b := newBed(t, entra(), e, upstream.OnBehalfOf(graph, upstream.EntraID(tenant, appID, upstream.Secret("secret"))))
	sent := b.entraToken("alice")
	for range 2 {
		token, err := auth.Upstream(b.as(t, sent), graph)
		if err != nil || token.Secret() != brokertest.TokenFor(graph, "alice") {
			t.Fatalf("token %q, %v\n%s", token.Secret(), err, b.logged())
		}
	}
	want := []url.Values{{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "requested_token_use": {"on_behalf_of"}, "assertion": {sent},
		"scope": {graph + "/.default"}, "client_id": {appID}, "client_secret": {"secret"},
	}}
	if diff := cmp.Diff(want, e.Requests()); diff != "" {
		t.Errorf("token requests (-want +got):\n%s", diff)
	}
	// A new token of the same person may stand for another sign-in.
	if _, err := auth.Upstream(b.as(t, b.entraToken("alice")), graph); err != nil || len(e.Requests()) != 2 {
		t.Errorf("a new token of the caller: %d requests, %v", len(e.Requests()), err)
	}
}

// What Entra ID wants of the person becomes a challenge that a handler can return, with
// the claims where there are any. The refusal is remembered for a moment.
func TestSignInAgain(t *testing.T) {
	t.Parallel()
	e := brokertest.EntraID(t, appID)
	b := newBed(t, entra(), e, upstream.OnBehalfOf(graph, upstream.EntraID(tenant, appID, upstream.Secret("secret"))))
	for _, test := range []struct{ sub, code, claims, challenge string }{
		{
			"interaction_required", "interaction_required", `{"access_token":{"capolids":{"essential":true,"values":["c1"]}}}`,
			`error="insufficient_claims", error_description="another sign-in is needed for an API behind the server", ` +
				`claims="eyJhY2Nlc3NfdG9rZW4iOnsiY2Fwb2xpZHMiOnsiZXNzZW50aWFsIjp0cnVlLCJ2YWx1ZXMiOlsiYzEiXX19fQ=="`,
		},
		{"consent_required", "invalid_grant", "", `error="insufficient_user_authentication"`},
	} {
		before := len(e.Requests())
		sent := b.entraToken(test.sub)
		for range 3 {
			_, err := auth.Upstream(b.as(t, sent), graph)
			failed, ok := errors.AsType[*auth.UpstreamError](err)
			if !ok || !failed.SignIn || failed.Code != test.code || failed.Claims != test.claims || failed.Audience != graph || failed.Temporary {
				t.Fatalf("%s: %+v", test.sub, err)
			}
			c := failed.Challenge()
			if c == nil || c.Status != http.StatusUnauthorized || !strings.Contains(c.Header.Get("WWW-Authenticate"), test.challenge) {
				t.Errorf("%s: challenge %+v", test.sub, c)
			}
			if strings.Contains(err.Error(), "description that quotes") || strings.Contains(b.logged(), "description that quotes") {
				t.Errorf("%s: the text of the provider is shown: %v\n%s", test.sub, err, b.logged())
			}
		}
		if got := len(e.Requests()) - before; got != 1 {
			t.Errorf("%s: %d requests", test.sub, got)
		}
		b.wait(11 * time.Second)
		if _, err := auth.Upstream(b.as(t, sent), graph); err == nil || len(e.Requests())-before != 2 {
			t.Errorf("%s: later: %d requests, %v", test.sub, len(e.Requests())-before, err)
		}
	}
}

// Token exchange sends what Okta wants.
func TestTokenExchange(t *testing.T) {
	t.Parallel()
	e := brokertest.Okta(t, "api://orders")
	b := newBed(t, idp.Okta(okta, resource), e,
		upstream.TokenExchange("api://orders", upstream.Okta(okta, "0oa1", upstream.Secret("secret")), upstream.WithScopes("orders.read")))
	sent := b.oktaToken("alice", "mcp.read")
	token, err := auth.Upstream(b.as(t, sent), "api://orders")
	if err != nil || token.Secret() != brokertest.TokenFor("api://orders", "alice") || !token.Expiry.Equal(b.clock().Round(0).Add(time.Hour)) {
		t.Fatalf("token %q until %s, %v\n%s", token.Secret(), token.Expiry, err, b.logged())
	}
	const kind = "urn:ietf:params:oauth:token-type:access_token"
	want := []url.Values{{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {sent}, "subject_token_type": {kind},
		"requested_token_type": {kind}, "audience": {"api://orders"}, "scope": {"orders.read"}, "client_id": {"0oa1"}, "client_secret": {"secret"},
	}}
	if diff := cmp.Diff(want, e.Requests()); diff != "" {
		t.Errorf("token requests (-want +got):\n%s", diff)
	}
	if _, err := auth.Upstream(b.as(t, b.oktaToken("bob")), "api://orders"); err != nil || len(e.Requests()) != 2 {
		t.Errorf("another caller: %d requests, %v", len(e.Requests()), err)
	}
}

// Client credentials are the server's: one token for all callers, also where no token
// of the caller is at hand, but not for a caller that is not verified.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	e := brokertest.Okta(t, "api://orders")
	b := newBed(t, idp.Okta(okta, resource), e,
		upstream.ClientCredentials("orders", upstream.Okta(okta, "0oa1", upstream.Secret("secret")), upstream.WithScopes("orders.read")),
		upstream.TokenExchange("api://orders", upstream.Okta(okta, "0oa1", upstream.Secret("secret")), upstream.WithScopes("orders.read")))
	var first auth.Token
	for _, name := range []string{"alice", "bob"} {
		token, err := auth.Upstream(b.as(t, b.oktaToken(name)), "orders")
		if err != nil || first.Secret() != "" && token.Secret() != first.Secret() {
			t.Fatalf("%s: %v\n%s", name, err, b.logged())
		}
		first = token
	}
	detached := b.resource.ContextWithUpstream(b.as(t, b.oktaToken("alice")), nil, &auth.User{Issuer: okta, Subject: "alice"})
	if token, err := auth.Upstream(detached, "orders"); err != nil || token.Secret() != first.Secret() {
		t.Errorf("detached: %v", err)
	}
	if len(e.Requests()) != 1 {
		t.Errorf("%d requests", len(e.Requests()))
	}
	_, err := auth.Upstream(detached, "api://orders")
	if failed, ok := errors.AsType[*auth.UpstreamError](err); !ok || failed.SignIn || !strings.Contains(failed.Reason, "client credentials") {
		t.Errorf("detached, on behalf of the caller: %v", err)
	}
	_, err = auth.Upstream(b.as(t, ""), "orders")
	if failed, ok := errors.AsType[*auth.UpstreamError](err); !ok || failed.Challenge() == nil || failed.Challenge().Status != http.StatusUnauthorized || failed.Challenge().Code != "" {
		t.Errorf("a caller that is not verified: %v", err)
	}
}

// A token is used again until shortly before its end. One whose end is not named is used
// for a minute.
func TestExpiry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		life        string
		still, gone time.Duration
	}{
		{`"expires_in":300,`, 269 * time.Second, 271 * time.Second},
		{`"expires_in":"300",`, 269 * time.Second, 271 * time.Second},
		{`"expires_in":86400000,`, 59 * time.Minute, 61 * time.Minute},
		{``, 59 * time.Second, 61 * time.Second},
		{`"expires_in":20,`, 0, 0}, // good now, and not worth keeping
	} {
		e := brokertest.Okta(t, "api://orders")
		b := newBed(t, idp.Okta(okta, resource), e,
			upstream.ClientCredentials("orders", upstream.Okta(okta, "0oa1", upstream.Secret("secret")), upstream.WithScopes("orders.read")))
		e.Override(answer(http.StatusOK, `{`+test.life+`"token_type":"bearer","access_token":"t"}`))
		get := func() int {
			ctx := b.resource.ContextWithUpstream(t.Context(), nil, &auth.User{Issuer: okta, Subject: "alice"})
			if token, err := auth.Upstream(ctx, "orders"); err != nil || token.Secret() != "t" {
				t.Fatalf("%s: %v", test.life, err)
			}
			return len(e.Requests())
		}
		get()
		if test.still > 0 {
			if b.wait(test.still); get() != 1 {
				t.Errorf("%s: after %s it is asked for again", test.life, test.still)
			}
			b.wait(-test.still)
		}
		if b.wait(test.gone); get() != 2 {
			t.Errorf("%s: after %s it is not asked for again", test.life, test.gone)
		}
	}
}

func answer(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// Answers without a good token are errors that say what a handler can do about them.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const kind = `"issued_token_type":"urn:ietf:params:oauth:token-type:`
	for name, test := range map[string]struct {
		status            int
		body              string
		temporary, signIn bool
		code              string
	}{
		"no JSON":             {200, "<html>", true, false, ""},
		"an array":            {200, "[]", true, false, ""},
		"a member twice":      {200, `{"access_token":"a","access_token":"b","token_type":"Bearer"}`, true, false, ""},
		"another case":        {200, `{"Access_Token":"a","token_type":"Bearer"}`, false, false, ""},
		"a number":            {200, `{"access_token":1,"token_type":"Bearer"}`, true, false, ""},
		"no kind":             {200, `{"access_token":"a"}`, false, false, ""},
		"DPoP":                {200, `{"access_token":"a","token_type":"DPoP"}`, false, false, ""},
		"N_A":                 {200, `{"access_token":"a","token_type":"N_A"}`, false, false, ""},
		"a refresh token":     {200, `{"access_token":"a","token_type":"Bearer",` + kind + `refresh_token"}`, false, false, ""},
		"an ID token":         {200, `{"access_token":"a","token_type":"Bearer",` + kind + `id_token"}`, false, false, ""},
		"a line end":          {200, `{"access_token":"a\r\nX: y","token_type":"Bearer"}`, false, false, ""},
		"an expired one":      {200, `{"access_token":"a","token_type":"Bearer","expires_in":0}`, true, false, ""},
		"a negative life":     {200, `{"access_token":"a","token_type":"Bearer","expires_in":-5}`, true, false, ""},
		"a life of words":     {200, `{"access_token":"a","token_type":"Bearer","expires_in":"soon"}`, true, false, ""},
		"an infinite life":    {200, `{"access_token":"a","token_type":"Bearer","expires_in":"Inf"}`, true, false, ""},
		"too long":            {200, `{"access_token":"` + strings.Repeat("a", 17<<10) + `","token_type":"Bearer"}`, false, false, ""},
		"another status":      {201, `{"access_token":"a","token_type":"Bearer"}`, false, false, ""},
		"an error with 200":   {200, `{"error":"invalid_target"}`, false, false, "invalid_target"},
		"invalid_grant":       {400, `{"error":"invalid_grant"}`, false, true, "invalid_grant"},
		"invalid_client":      {401, `{"error":"invalid_client"}`, false, false, "invalid_client"},
		"an unknown error":    {400, `{"error":"eyJhbGciOiJub25lIn0"}`, false, false, ""},
		"server_error":        {400, `{"error":"server_error"}`, true, false, "server_error"},
		"503":                 {503, ``, true, false, ""},
		"claims too long":     {400, `{"error":"interaction_required","claims":"{\"a\":\"` + strings.Repeat("b", 3000) + `\"}"}`, false, true, "interaction_required"},
		"claims that are not": {400, `{"error":"interaction_required","claims":"\" onload=x"}`, false, true, "interaction_required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := brokertest.Okta(t, "api://orders")
			b := newBed(t, idp.Okta(okta, resource), e,
				upstream.TokenExchange("api://orders", upstream.Okta(okta, "0oa1", upstream.Secret("secret"))))
			e.Override(answer(test.status, test.body))
			token, err := auth.Upstream(b.as(t, b.oktaToken("alice")), "api://orders")
			failed, ok := errors.AsType[*auth.UpstreamError](err)
			if !ok || token.Secret() != "" {
				t.Fatalf("token %q, %v", token.Secret(), err)
			}
			if failed.Temporary != test.temporary || failed.SignIn != test.signIn || failed.Code != test.code || failed.Claims != "" {
				t.Errorf("%+v", failed)
			}
			if strings.Contains(err.Error()+b.logged(), "eyJhbGciOiJub25lIn0") {
				t.Errorf("an unknown code is shown: %v\n%s", err, b.logged())
			}
		})
	}
}

// A configuration says what it opens.
func TestExplained(t *testing.T) {
	t.Parallel()
	client := upstream.Okta(okta, "0oa1", upstream.Secret("secret"))
	r, err := auth.NewResource(resource, idp.Okta(okta, resource), auth.WithUpstream(
		upstream.TokenExchange("api://orders", client, upstream.WithScopes("orders.read"), upstream.WithOrigins("https://orders.example")),
		upstream.ClientCredentials("https://reports.example/v1", client)))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("orders", mcpengine.WithAuth(r))
	want := mcpengine.Policy{
		{Kind: "upstream", Name: "api://orders", Who: "a verified caller from " + okta, Why: "token exchange, scopes orders.read, sent to https://orders.example"},
		{Kind: "upstream", Name: "https://reports.example/v1", Who: "a verified caller", Why: "client credentials of the server, sent to https://reports.example"},
	}
	if diff := cmp.Diff(want, e.Explain()[:2]); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

// A configuration that cannot work is an error at the start.
func TestFaults(t *testing.T) {
	t.Parallel()
	client := upstream.Okta(okta, "0oa1", upstream.Secret("secret"))
	change := func(f func(*upstream.Client)) upstream.Client {
		c := client
		f(&c)
		return c
	}
	for name, test := range map[string]struct {
		apis []auth.UpstreamAPI
		want string
	}{
		"no audience":         {[]auth.UpstreamAPI{upstream.TokenExchange("", client)}, "no audience"},
		"no authentication":   {[]auth.UpstreamAPI{upstream.TokenExchange("a", change(func(c *upstream.Client) { c.Authentication = upstream.Authentication{} }))}, "Client.Authentication"},
		"an empty secret":     {[]auth.UpstreamAPI{upstream.TokenExchange("a", change(func(c *upstream.Client) { c.Authentication = upstream.Secret("") }))}, "secret is empty"},
		"an unset variable":   {[]auth.UpstreamAPI{upstream.TokenExchange("a", change(func(c *upstream.Client) { c.Authentication = upstream.SecretFromEnv("NOT_SET") }))}, "NOT_SET"},
		"a missing file":      {[]auth.UpstreamAPI{upstream.TokenExchange("a", change(func(c *upstream.Client) { c.Authentication = upstream.SecretFromFile("nothing") }))}, "nothing"},
		"no client id":        {[]auth.UpstreamAPI{upstream.TokenExchange("a", change(func(c *upstream.Client) { c.ID = "" }))}, "no client id"},
		"an http endpoint":    {[]auth.UpstreamAPI{upstream.TokenExchange("a", change(func(c *upstream.Client) { c.TokenEndpoint = "http://127.0.0.1/token" }))}, "https"},
		"a bad scope":         {[]auth.UpstreamAPI{upstream.TokenExchange("a", client, upstream.WithScopes("a b"))}, `scope "a b"`},
		"a parameter of ours": {[]auth.UpstreamAPI{upstream.TokenExchange("a", client, upstream.WithParameter("subject_token", "x"))}, "subject_token"},
		"an origin with path": {[]auth.UpstreamAPI{upstream.TokenExchange("a", client, upstream.WithOrigins("https://a.example/x"))}, "origin"},
		"an http origin":      {[]auth.UpstreamAPI{upstream.TokenExchange("a", client, upstream.WithOrigins("http://a.example"))}, "origin"},
		"another issuer":      {[]auth.UpstreamAPI{upstream.TokenExchange("a", upstream.EntraID(tenant, appID, upstream.Secret("x")))}, "no provider of the resource"},
		"given twice":         {[]auth.UpstreamAPI{upstream.TokenExchange("a", client), upstream.ClientCredentials("a", client)}, "given twice"},
		"no broker":           {[]auth.UpstreamAPI{upstream.ProviderToken(okta, "a")}, "Config.ProviderToken"},
		"scopes of no use":    {[]auth.UpstreamAPI{upstream.ProviderToken(okta, "a", upstream.WithScopes("x"))}, "ProviderScopes"},
		"a tenant's name":     {[]auth.UpstreamAPI{upstream.OnBehalfOf(graph, upstream.EntraID("common", appID, upstream.Secret("x")))}, "tenant id"},
		"a malformed realm":   {[]auth.UpstreamAPI{upstream.TokenExchange("a", upstream.Keycloak("https://k.example", "a/b", "c", upstream.Secret("x")))}, "realm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := auth.NewResource(resource, idp.Okta(okta, resource), auth.WithUpstream(test.apis...))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}
