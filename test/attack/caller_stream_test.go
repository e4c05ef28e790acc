package attack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
)

// bubble returns an engine in a test without network: its tokens are the names
// of their users, and live for an hour.
func bubble(t *testing.T, opts ...mcpengine.Option) *mcpengine.Engine {
	t.Helper()
	resource, err := auth.NewResource(resourceURL, auth.Custom("https://id.example", func(_ context.Context, token string) (*auth.User, error) {
		name, groups, _ := strings.Cut(token, ".")
		return &auth.User{Subject: name, Groups: []string{groups}, Expiry: time.Now().Add(time.Hour)}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return mcpengine.New("bubble", append([]mcpengine.Option{mcpengine.WithAuth(resource)}, opts...)...)
}

// A lockedRecorder is a response that can be read while it is written.
type lockedRecorder struct {
	mu sync.Mutex
	*httptest.ResponseRecorder
}

func (r *lockedRecorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ResponseRecorder.Write(p)
}

func (r *lockedRecorder) Flush() {}

func (r *lockedRecorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Body.String()
}

// open answers a request in a goroutine of its own.
func open(t *testing.T, h http.Handler, method, path, body string, header http.Header) (w *lockedRecorder, ended func() bool) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header = header
	w = &lockedRecorder{ResponseRecorder: httptest.NewRecorder()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(w, r)
	}()
	synctest.Wait()
	return w, func() bool {
		synctest.Wait()
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}

// A subscription to a resource has the policy of the resource, and a
// subscription to list changes has the policy of lists.
func TestAttackC14Subscriptions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	reader := bearer(f.token(nil))
	filter := func(uris ...string) string {
		quoted, _ := json.Marshal(uris)
		return `"notifications":{"resourceSubscriptions":` + string(quoted) + `}`
	}
	for _, test := range []struct {
		params string
		header http.Header
		want   verdict
	}{
		{filter("file:///write"), reader, needs("mcp:write")},
		{filter("file:///public", "file:///read", "file:///both/x"), reader, needs("mcp:write reports")},
		{filter("file:///staff"), reader, denied},
		{filter("file:///read"), nil, loginFor("mcp:read")},
		{filter("file:///nothing"), nil, nobody},
		{filter("file:///secret"), nil, nobody},
		{filter(), nil, nobody},
		{`"notifications":{"toolsListChanged":true,"resourceSubscriptions":["file:///public"]}`, nil, nobody},
		{`"notifications":1`, nil, nobody},
	} {
		f.check(t, sendStateless(t, f.engine, call{method: "subscriptions/listen", params: test.params, header: test.header}), test.want)
	}
	f.engine.Close()
	a := sendStateless(t, f.engine, call{method: "subscriptions/listen", params: filter("file:///secret"), header: reader})
	if strings.Contains(a.body, "secret") {
		t.Errorf("hidden, and yet honoured: %s", a.body)
	}
}

// No stream outlives the token that it was opened with.
func TestAttackC17StreamsEndWithTheToken(t *testing.T) {
	t.Parallel()
	listen := call{method: "subscriptions/listen", params: `"notifications":{"toolsListChanged":true}`, header: bearer("alice-the-first")}
	streams := map[string]func(t *testing.T, e *mcpengine.Engine) (*lockedRecorder, func() bool){
		"subscriptions/listen": func(t *testing.T, e *mcpengine.Engine) (*lockedRecorder, func() bool) {
			body, header := listen.stateless()
			return open(t, e, http.MethodPost, "/mcp", body, header)
		},
		"GET of a session": func(t *testing.T, e *mcpengine.Engine) (*lockedRecorder, func() bool) {
			return open(t, e, http.MethodGet, "/mcp", "", openSession(t, e, "2025-11-25", bearer("alice-the-first")))
		},
		"HTTP+SSE": func(t *testing.T, e *mcpengine.Engine) (*lockedRecorder, func() bool) {
			return open(t, e.SSEHandler(""), http.MethodGet, "/sse", "", bearer("alice-the-first"))
		},
	}
	for name, start := range streams {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := bubble(t)
				defer e.Close()
				addTool(e, "tool")
				w, ended := start(t, e)
				time.Sleep(time.Hour - time.Second)
				if ended() {
					t.Fatalf("it ended early: %d %s", w.Code, w.text())
				}
				time.Sleep(2 * time.Second)
				if !ended() {
					t.Error("it outlives the token")
				}
			})
		})
	}
	for _, resumes := range []bool{false, true} {
		t.Run(fmt.Sprintf("a session listens again with a new token, resuming: %v", resumes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := bubble(t)
				defer e.Close()
				addTool(e, "tool")
				session := openSession(t, e, "2025-11-25", bearer("alice"))
				w, ended := open(t, e, http.MethodGet, "/mcp", "", session.Clone())
				time.Sleep(time.Hour + time.Second)
				if !ended() {
					t.Fatal("it outlives the token")
				}
				if resumes {
					_, id, _ := strings.Cut(w.text(), "id: ")
					id, _, _ = strings.Cut(id, "\n")
					session.Set("Last-Event-Id", id)
				}
				w, ended = open(t, e, http.MethodGet, "/mcp", "", session)
				addTool(e, "another")
				if ended() || !strings.Contains(w.text(), "list_changed") {
					t.Errorf("the new stream is deaf: %d %s", w.Code, w.text())
				}
			})
		})
	}
}

// A caller is notified of changes to the features that it can see, and of no
// others.
func TestAttackC14Notifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := bubble(t)
		defer e.Close()
		admins := mcpengine.Allow(auth.InGroup("admin"))
		text := func(context.Context, none) (string, error) { return "", nil }
		addTool(e, "tool")
		mcpengine.AddPrompt(e, "prompt", "", text)
		allowed := true
		mcpengine.AddResource(e, "file:///a", "", text, mcpengine.Allow(auth.RuleFunc("be allowed", func(context.Context, *auth.User) error {
			if !allowed {
				return context.Canceled
			}
			return nil
		})))
		listen := func(token string) *lockedRecorder {
			body, header := call{
				method: "subscriptions/listen", header: bearer(token),
				params: `"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["file:///a"]}`,
			}.stateless()
			w, _ := open(t, e, http.MethodPost, "/mcp", body, header)
			return w
		}
		user, admin := listen("alice"), listen("root.admin")
		received := func() (ofUser, ofAdmin int) {
			synctest.Wait()
			return strings.Count(user.text(), "data:"), strings.Count(admin.text(), "data:")
		}
		steps := []struct {
			name        string
			do          func()
			user, admin int // messages that come
		}{
			{"acknowledged", func() {}, 1, 1},
			{"a tool for all", func() { addTool(e, "all") }, 1, 1},
			{"a tool for admins", func() { addTool(e, "admin", admins) }, 0, 1},
			{"a hidden prompt for admins", func() { mcpengine.AddPrompt(e, "hidden", "", text, admins, mcpengine.Hidden()) }, 0, 1},
			{"it is removed", func() { e.RemovePrompts("hidden") }, 0, 1},
			{"a tool is removed", func() { e.RemoveTools("all") }, 1, 1},
			{"a resource changes", func() { e.ResourceUpdated("file:///a") }, 1, 1},
			{"a resource changes that was closed", func() { allowed = false; e.ResourceUpdated("file:///a") }, 0, 0},
		}
		var wantUser, wantAdmin int
		for _, step := range steps {
			step.do()
			wantUser, wantAdmin = wantUser+step.user, wantAdmin+step.admin
			if u, a := received(); u != wantUser || a != wantAdmin {
				t.Errorf("%s: the user received %d and the admin %d, want %d and %d", step.name, u, a, wantUser, wantAdmin)
			}
		}
	})
}
