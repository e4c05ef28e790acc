package mcpengine_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/bus"
)

// busTime is longer than changes are collected before they are published.
const busTime = time.Second

func sharedKeys() mcpengine.Option { return mcpengine.WithKeys(bytes.Repeat([]byte{7}, 32)) }

// A breakable bus can be lost and come back.
type breakableBus struct {
	bus.Bus

	mu     sync.Mutex
	lost   bool
	cancel []context.CancelFunc
}

var errLostBus = errors.New("the bus is lost")

func (b *breakableBus) isLost() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost
}

func (b *breakableBus) Publish(ctx context.Context, message []byte) error {
	if b.isLost() {
		return errLostBus
	}
	return b.Bus.Publish(ctx, message)
}

func (b *breakableBus) Subscribe(ctx context.Context, ready func(), receive func([]byte)) error {
	if b.isLost() {
		return errLostBus
	}
	ctx, cancel := context.WithCancel(ctx)
	b.mu.Lock()
	b.cancel = append(b.cancel, cancel)
	b.mu.Unlock()
	return b.Bus.Subscribe(ctx, ready, receive)
}

func (b *breakableBus) set(lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = lost
	for _, cancel := range b.cancel {
		cancel()
	}
	b.cancel = nil
}

// fleet returns replicas of a server, all of them connected.
func fleet(t *testing.T, n int, b bus.Bus, opts ...mcpengine.Option) []*mcpengine.Engine {
	t.Helper()
	replicas := make([]*mcpengine.Engine, n)
	for i := range replicas {
		replicas[i] = subscriptionEngine(append(opts, sharedKeys(), mcpengine.WithBus(b))...)
		post(t, replicas[i], message("tools/list", "")) // connects
		t.Cleanup(replicas[i].Close)
	}
	return replicas
}

// A client is notified of a change on another replica, as if it had happened on
// its own.
func TestBusCarriesChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		replicas := fleet(t, 2, bus.Memory())
		s := openStream(t, replicas[0], listen("1", everything))
		s.next()
		there := replicas[1]
		tests := []struct {
			name   string
			change func()
			want   string
		}{
			{"tool added", func() { give(there, "new", "") }, notification("tools/list_changed", "")},
			{"tool removed", func() { there.RemoveTools("new") }, notification("tools/list_changed", "")},
			{"prompt added", func() { offer(there, "new", "") }, notification("prompts/list_changed", "")},
			{"resource removed", func() { there.RemoveResources("file:///b") }, notification("resources/list_changed", "")},
			{"resource updated", func() { there.ResourceUpdated("FILE:///a") }, notification("resources/updated", `,"uri":"file:///a"`)},
		}
		for _, test := range tests {
			began := time.Now()
			test.change()
			if got := s.next(); got != test.want {
				t.Errorf("%s: message = %s\nwant %s", test.name, got, test.want)
			}
			if took := time.Since(began); took > 100*time.Millisecond {
				t.Errorf("%s: the client is told after %v, want at most 100 ms", test.name, took)
			}
		}
	})
}

// When the bus comes back, everything that a client listens for counts as
// changed.
func TestBusReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b := &breakableBus{Bus: bus.Memory()}
		replicas := fleet(t, 2, b, mcpengine.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
		s := openStream(t, replicas[0], listen("1", `{"toolsListChanged":true,"resourceSubscriptions":["file:///a","file:///b"]}`))
		s.next()
		b.set(true)
		synctest.Wait()
		if state, ok := replicas[0].BusState(); !ok || state.Connected || state.Since.IsZero() {
			t.Errorf("BusState after the loss = %+v, %t", state, ok)
		}
		replicas[1].ResourceUpdated("file:///b")
		time.Sleep(time.Minute)
		b.set(false)
		for _, want := range []string{
			notification("tools/list_changed", ""),
			notification("resources/updated", `,"uri":"file:///a"`), notification("resources/updated", `,"uri":"file:///b"`),
		} {
			if got := s.next(); got != want {
				t.Errorf("message = %s\nwant %s", got, want)
			}
		}
		time.Sleep(busTime)
		synctest.Wait()
		if state, _ := replicas[0].BusState(); !state.Connected {
			t.Errorf("BusState after the return = %+v", state)
		}
		if got := strings.Count(log.String(), "level="); got != 4 {
			t.Errorf("two replicas that lose the bus once log %d lines, want 4:\n%s", got, log.String())
		}
	})
}

// A caller that may not see a feature is not notified of it either, wherever it
// changes.
func TestBusAsksPolicy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const adminToken, visitorToken = "token-of-an-administrator-long-enough", "token-of-a-visitor-that-is-long-enough"
		resource, err := auth.NewResource("https://server.example/mcp", auth.StaticTokens(map[string]auth.User{
			auth.HashToken(adminToken):   {Subject: "admin", Groups: []string{"admin"}},
			auth.HashToken(visitorToken): {Subject: "visitor"},
		}))
		if err != nil {
			t.Fatal(err)
		}
		b := bus.Memory()
		admins := mcpengine.Allow(auth.InGroup("admin"))
		make := func() *mcpengine.Engine {
			e := mcpengine.New("test", quiet(), sharedKeys(), mcpengine.WithBus(b), mcpengine.WithAuth(resource))
			t.Cleanup(e.Close)
			give(e, "tool", "done")
			give(e, "secret", "done", admins)
			mcpengine.AddResource(e, "file:///a", "", func(context.Context, none) (string, error) { return "", nil })
			return e
		}
		here, there := make(), make()
		post(t, there, message("tools/list", ""))
		as := func(token string) *stream {
			s := openStream(t, withToken(here, token), listen("1", everything))
			s.next()
			return s
		}
		admin, visitor := as(adminToken), as(visitorToken)
		synctest.Wait()

		there.RemoveTools("secret")
		if got, want := admin.next(), notification("tools/list_changed", ""); got != want {
			t.Errorf("message = %s\nwant %s", got, want)
		}
		here.RemoveTools("secret") // the policy outlives the feature
		if got, want := admin.next(), notification("tools/list_changed", ""); got != want {
			t.Errorf("message = %s\nwant %s", got, want)
		}
		give(there, "secret", "done", admins)
		if got, want := admin.next(), notification("tools/list_changed", ""); got != want {
			t.Errorf("message = %s\nwant %s", got, want)
		}
		give(there, "unheard-of", "done", admins)
		there.ResourceUpdated("file:///a")
		for name, s := range map[string]*stream{"admin": admin, "visitor": visitor} {
			if got, want := s.next(), notification("resources/updated", `,"uri":"file:///a"`); got != want {
				t.Errorf("%s: message = %s\nwant %s", name, got, want)
			}
		}
	})
}

func withToken(h http.Handler, token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+token)
		h.ServeHTTP(w, r)
	})
}

// Replicas without common keys could not read each other's messages.
func TestBusNeedsKeys(t *testing.T) {
	t.Setenv("MCPENGINE_KEYS", "")
	e := subscriptionEngine(mcpengine.WithBus(bus.Memory()))
	server := httptest.NewUnstartedServer(nil)
	if err := e.Serve(t.Context(), server.Listener); err == nil || !strings.Contains(err.Error(), "WithKeys") {
		t.Errorf("Serve = %v, want an error that names WithKeys", err)
	}
	if got := post(t, e, message("tools/list", "")); got.status != http.StatusOK {
		t.Errorf("a mounted engine answers %d, want 200", got.status)
	}
	if state, ok := e.BusState(); !ok || state.Connected {
		t.Errorf("BusState = %+v, %t", state, ok)
	}
}
