package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

// An api hands out tokens that name the caller.
type api struct {
	audience string
	source   auth.UpstreamSource
	asked    atomic.Int64
}

func (a *api) Audience() string { return a.audience }

func (a *api) OpenUpstream(auth.Environment) (*auth.UpstreamSource, error) {
	s := a.source
	if given := s.Token; given != nil {
		s.Token = func(ctx context.Context, c *auth.UpstreamCaller) (auth.Token, error) {
			a.asked.Add(1)
			return given(ctx, c)
		}
	}
	return &s, nil
}

// newAPI returns an API whose tokens are made from the subject token.
func newAPI(audience string, origins ...string) *api {
	return &api{audience: audience, source: auth.UpstreamSource{Origins: origins, Token: exchanged}}
}

func exchanged(_ context.Context, c *auth.UpstreamCaller) (auth.Token, error) {
	subject, err := c.SubjectToken()
	return auth.NewToken("for-"+c.User.Subject+"-by-"+subject, time.Time{}), err
}

// everybody accepts every token: it is the name of the user, then the client.
func everybody() auth.Provider {
	return auth.Custom("https://id.example", func(_ context.Context, token string) (*auth.User, error) {
		name, client, _ := strings.Cut(token, "-")
		return &auth.User{Issuer: "https://id.example", Subject: name, ClientID: client}, nil
	})
}

func upstreamResource(t testing.TB, apis ...auth.UpstreamAPI) *auth.Resource {
	t.Helper()
	r, err := auth.NewResource("https://rs.example/mcp", everybody(), auth.WithUpstream(apis...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// caller is the context of a request with a token.
func caller(t testing.TB, r *auth.Resource, token string) context.Context {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", http.NoBody)
	req.Header.Set("Authorization", "Bearer "+token)
	u, refused := r.Authenticate(req)
	if refused != nil {
		t.Fatal(refused.Message)
	}
	return r.ContextWithUpstream(t.Context(), req, u)
}

// Errors name what is missing, and no token is to be had without a caller.
func TestUpstreamErrors(t *testing.T) {
	t.Parallel()
	r := upstreamResource(t, newAPI("orders"), &api{audience: "corp", source: auth.UpstreamSource{
		Token: exchanged, Issuers: []string{"https://id.example"},
	}})
	for name, test := range map[string]struct {
		ctx      context.Context
		audience string
		want     string
		status   int // of the challenge
	}{
		"no request":       {t.Context(), "orders", "auth.WithUpstream", 0},
		"another audience": {caller(t, r, "alice"), "Orders", "add it with auth.WithUpstream", 0},
		"no caller":        {r.ContextWithUpstream(t.Context(), nil, nil), "orders", "not verified", 401},
		"detached":         {r.ContextWithUpstream(t.Context(), nil, &auth.User{Issuer: "https://id.example", Subject: "a"}), "orders", "keeps no token", 0},
		"another issuer":   {r.ContextWithUpstream(t.Context(), nil, &auth.User{Issuer: "https://other.example", Subject: "a"}), "corp", "https://other.example", 0},
	} {
		token, err := auth.Upstream(test.ctx, test.audience)
		failed, ok := errors.AsType[*auth.UpstreamError](err)
		if !ok || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.audience) || token.Secret() != "" {
			t.Errorf("%s: %q, %v", name, token.Secret(), err)
			continue
		}
		if c := failed.Challenge(); (c != nil) != (test.status != 0) || c != nil && c.Status != test.status {
			t.Errorf("%s: challenge %+v", name, c)
		}
	}
}

// Users of several issuers have sources of their own for one audience.
func TestUpstreamByIssuer(t *testing.T) {
	t.Parallel()
	var asked []string
	source := func(issuer string) auth.UpstreamAPI {
		return &api{audience: "orders", source: auth.UpstreamSource{Issuers: []string{issuer}, Shared: true, Token: func(context.Context, *auth.UpstreamCaller) (auth.Token, error) {
			asked = append(asked, issuer)
			return auth.NewToken("t", time.Time{}), nil
		}}}
	}
	r, err := auth.NewResource("https://rs.example/mcp", vouching{new(auth.Keys)},
		auth.WithUpstream(source("https://id.example/"), source("https://corp.example")))
	if err != nil {
		t.Fatal(err)
	}
	for _, issuer := range []string{"https://corp.example", "https://id.example"} {
		if _, err := auth.Upstream(caller(t, r, issuer), "orders"); err != nil {
			t.Errorf("a user of %s: %v", issuer, err)
		}
	}
	if want := "[https://corp.example https://id.example/]"; fmt.Sprint(asked) != want {
		t.Errorf("asked %v, want %s", asked, want)
	}
}

// A handler that changes its user, or puts another one into the context, gets the token
// of the caller.
func TestUpstreamUserChanged(t *testing.T) {
	t.Parallel()
	r := upstreamResource(t, newAPI("orders"))
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", http.NoBody)
	req.Header.Set("Authorization", "Bearer alice")
	u, _ := r.Authenticate(req)
	ctx := r.ContextWithUpstream(t.Context(), req, u)
	u.Subject = "bob"
	token, err := auth.Upstream(auth.ContextWithUser(ctx, &auth.User{Issuer: "https://id.example", Subject: "carol"}), "orders")
	if err != nil || token.Secret() != "for-alice-by-alice" {
		t.Errorf("token %q, %v", token.Secret(), err)
	}
}

// Callers who ask at once get one answer each, and each their own.
func TestUpstreamRace(t *testing.T) {
	t.Parallel()
	orders := newAPI("orders")
	r := upstreamResource(t, orders)
	const callers, each = 20, 20
	var wg sync.WaitGroup
	for i := range callers {
		token := fmt.Sprintf("user%d", i)
		ctx := caller(t, r, token)
		for range each {
			wg.Go(func() {
				got, err := auth.Upstream(ctx, "orders")
				if want := "for-" + token + "-by-" + token; err != nil || got.Secret() != want {
					t.Errorf("token %q, want %q, %v", got.Secret(), want, err)
				}
			})
		}
	}
	wg.Wait()
	if n := orders.asked.Load(); n != callers {
		t.Errorf("asked %d times for %d callers", n, callers)
	}
}

// What one caller can have remembered and asked at a time is bounded, and leaves room for
// others.
func TestUpstreamBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		orders := newAPI("orders")
		r := upstreamResource(t, orders)
		bob := caller(t, r, "bob")
		get := func(ctx context.Context) {
			if _, err := auth.Upstream(ctx, "orders"); err != nil {
				t.Fatal(err)
			}
		}
		get(bob)
		first := caller(t, r, "alice-0")
		get(first)
		for i := range 64 {
			get(caller(t, r, fmt.Sprintf("alice-%d", i+1)))
		}
		before := orders.asked.Load()
		if get(bob); orders.asked.Load() != before {
			t.Error("the token of another caller had to go")
		}
		if get(first); orders.asked.Load() != before+1 {
			t.Error("the oldest of more than 64 tokens is remembered")
		}

		slow := &api{audience: "slow", source: auth.UpstreamSource{Token: func(ctx context.Context, _ *auth.UpstreamCaller) (auth.Token, error) {
			<-ctx.Done()
			return auth.Token{}, ctx.Err()
		}}}
		r = upstreamResource(t, slow)
		refused := make(chan error, 100)
		for i := range 40 {
			ctx := caller(t, r, fmt.Sprintf("alice-%d", i))
			go func() { _, err := auth.Upstream(ctx, "slow"); refused <- err }()
		}
		synctest.Wait()
		if n := len(refused); n != 8 || slow.asked.Load() != 32 {
			t.Errorf("%d of 40 requests of one caller are refused at once, %d asked", n, slow.asked.Load())
		}
		ctx := caller(t, r, "bob")
		go func() { _, err := auth.Upstream(ctx, "slow"); refused <- err }()
		synctest.Wait()
		if slow.asked.Load() != 33 {
			t.Error("another caller finds no place")
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		for range 41 {
			if failed, ok := errors.AsType[*auth.UpstreamError](<-refused); !ok || !failed.Temporary {
				t.Errorf("error %v", failed)
			}
		}
	})
}

// A source that fails in a way of its own shows nothing.
func TestUpstreamSourceFails(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]func(context.Context, *auth.UpstreamCaller) (auth.Token, error){
		"quotes": func(_ context.Context, c *auth.UpstreamCaller) (auth.Token, error) {
			subject, _ := c.SubjectToken()
			return auth.Token{}, errors.New("no token for " + subject)
		},
		"panics": func(_ context.Context, c *auth.UpstreamCaller) (auth.Token, error) {
			subject, _ := c.SubjectToken()
			panic(subject)
		},
		"passes the token on": func(_ context.Context, c *auth.UpstreamCaller) (auth.Token, error) {
			subject, err := c.SubjectToken()
			return auth.NewToken(subject, time.Time{}), err
		},
		"has none": func(context.Context, *auth.UpstreamCaller) (auth.Token, error) { return auth.Token{}, nil },
	} {
		var log bytes.Buffer
		r, err := auth.NewResource("https://rs.example/mcp", everybody(), auth.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
			auth.WithUpstream(&api{audience: "orders", source: auth.UpstreamSource{Token: source}}))
		if err != nil {
			t.Fatal(err)
		}
		token, err := auth.Upstream(caller(t, r, "secretname"), "orders")
		if _, ok := errors.AsType[*auth.UpstreamError](err); !ok || token.Secret() != "" || strings.Contains(err.Error()+log.String(), "secretname") {
			t.Errorf("%s: token %q, %v\n%s", name, token.Secret(), err, log.String())
		}
	}
}

// A token shows nothing of itself, wherever it is printed.
func TestTokenIsNotShown(t *testing.T) {
	t.Parallel()
	token := auth.NewToken("s3cr3t-text", time.Time{})
	type inner struct{ token auth.Token }
	values := []any{token, &token, struct{ T auth.Token }{token}, inner{token}, &inner{token}, []auth.Token{token}, map[string]auth.Token{"a": token}}
	var log bytes.Buffer
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "s3cr3t") || strings.Contains(text, "733363723374") {
				t.Errorf("%s of a %T: %s", verb, value, text)
			}
		}
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
		if text, err := json.Marshal(value); err != nil || bytes.Contains(text, []byte("s3cr3t")) {
			t.Errorf("JSON of a %T: %s, %v", value, text, err)
		}
	}
	if strings.Contains(log.String(), "s3cr3t") {
		t.Errorf("log: %s", log.String())
	}
	if fmt.Sprint(token) != "[token]" || token.Secret() != "s3cr3t-text" {
		t.Errorf("%v %q", token, token.Secret())
	}
}

// The client puts the caller's token in each request to the API, and in none to another
// host, whoever sends it there.
func TestUpstreamClient(t *testing.T) {
	t.Parallel()
	var stolen []string
	turns := 0
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stolen = append(stolen, r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	var status atomic.Int64
	status.Store(http.StatusOK)
	orders := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
		case "/loop":
			turns++
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			w.WriteHeader(int(status.Load()))
			fmt.Fprint(w, r.Header.Get("Authorization"))
		}
	}))
	defer orders.Close()
	source := newAPI("orders", orders.URL)
	r := upstreamResource(t, source)
	client := auth.UpstreamClient("orders")
	do := func(client *http.Client, method, target string, body io.Reader) (*http.Response, string, error) {
		req, err := http.NewRequestWithContext(caller(t, r, "alice"), method, target, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(resp.Request.Header); strings.Contains(got, "Bearer") {
			t.Errorf("the request of the response has the token: %s", got)
		}
		return resp, string(text), nil
	}
	for _, path := range []string{"/", "/round"} {
		if _, text, err := do(client, http.MethodGet, orders.URL+path, nil); err != nil || text != "Bearer for-alice-by-alice" {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
	if resp, _, err := do(client, http.MethodGet, orders.URL+"/away", nil); err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("a redirect to another host: %v, %v", resp, err)
	}
	if resp, _, err := do(client, http.MethodGet, orders.URL+"/loop", nil); err != nil || resp.StatusCode != http.StatusFound || turns != 4 {
		t.Errorf("a redirect in circles: %v, %v after %d requests", resp, err, turns)
	}
	// A client of one's own follows, and the transport refuses.
	own := &http.Client{Transport: auth.UpstreamTransport("orders", nil)}
	for name, target := range map[string]string{"redirected": orders.URL + "/away", "asked": thief.URL, "other scheme": strings.Replace(orders.URL, "http:", "https:", 1)} {
		_, _, err := do(own, http.MethodPost, target, strings.NewReader("x"))
		if failed, ok := errors.AsType[*auth.UpstreamError](err); !ok || !strings.Contains(failed.Reason, "WithOrigins") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(stolen) != 0 {
		t.Errorf("another host got %q", stolen)
	}
	if _, err := own.Get(orders.URL); err == nil { //nolint:noctx // a request without a caller
		t.Error("a request without a caller is sent")
	}
}

// A token that the API refuses is asked for again, but not a moment after it was got.
func TestUpstreamRefusedByAPI(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	source := newAPI("orders", server.URL)
	now := time.Now()
	r, err := auth.NewResource("https://rs.example/mcp", everybody(), auth.WithUpstream(source), auth.WithClock(func() time.Time { return now }))
	if err != nil {
		t.Fatal(err)
	}
	for i, test := range []struct {
		wait  time.Duration
		asked int64
	}{{0, 1}, {time.Second, 1}, {10 * time.Second, 1}, {0, 2}} {
		now = now.Add(test.wait)
		req, err := http.NewRequestWithContext(caller(t, r, "alice"), http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := auth.UpstreamClient("orders").Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if source.asked.Load() != test.asked {
			t.Errorf("request %d: asked %d times, want %d", i, source.asked.Load(), test.asked)
		}
	}
}
