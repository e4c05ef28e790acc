package mcpengine_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
)

// What one server gives out, another one with the same keys refuses. Replicas
// agree about the name.
func TestServerIdentity(t *testing.T) {
	t.Parallel()
	at := func(url string) mcpengine.Option {
		return mcpengine.WithHTTP(mcpengine.HTTPConfig{PublicURL: url})
	}
	server := func(opts ...mcpengine.Option) *mcpengine.Engine {
		return askFixture(append(opts, mcpengine.WithKeys(key(1)))...)
	}
	const production, sandbox = "https://mcp.example/mcp", "https://sandbox.example/mcp"
	for _, test := range []struct {
		name   string
		asked  *mcpengine.Engine
		retry  *mcpengine.Engine
		accept bool
	}{
		{"one name", server(), server(), true},
		{"one URL", server(at(production)), server(at(production)), true},
		{"another URL", server(at(sandbox)), server(at(production)), false},
		{"a URL and none", server(), server(at(production)), false},
		{"one identity at two URLs", server(at(sandbox), mcpengine.WithServerIdentity("shop")), server(at(production), mcpengine.WithServerIdentity("shop")), true},
		{"another identity", server(mcpengine.WithServerIdentity("sandbox")), server(mcpengine.WithServerIdentity("shop")), false},
		{"the identity comes before the keys", askFixture(mcpengine.WithKeys(key(1)), mcpengine.WithServerIdentity("shop")), server(mcpengine.WithServerIdentity("shop")), true},
	} {
		got := retry(t, test.retry, ask(t, test.asked))
		if accepted := strings.Contains(got, "hello octocat"); accepted != test.accept {
			t.Errorf("%s: response = %s, want accepted = %t", test.name, got, test.accept)
		}
	}
}

// protected is the option for a resource at a URL.
func protected(t *testing.T, url string) mcpengine.Option {
	t.Helper()
	r, err := auth.NewResource(url, auth.StaticTokens(map[string]auth.User{auth.HashToken("t"): {Subject: "s"}}))
	if err != nil {
		t.Fatal(err)
	}
	return mcpengine.WithAuth(r)
}

// The URL of a resource is the server's.
func TestIdentityOfAResource(t *testing.T) {
	t.Parallel()
	state := func(url string) string {
		e := askFixture(mcpengine.WithKeys(key(1)), protected(t, url), quiet())
		mcpengine.AddTool(e, "open_login", "", func(ctx context.Context, _ none) (string, error) {
			in, err := mcpengine.Elicit[login](ctx, "Your name?", mcpengine.WithKey("login"))
			return "hello " + in.User, err
		}, mcpengine.Public())
		return stateOf(t, post(t, e, call("open_login")).response())
	}
	plain := func(url string) *mcpengine.Engine {
		e := askFixture(mcpengine.WithKeys(key(1)), mcpengine.WithHTTP(mcpengine.HTTPConfig{PublicURL: url}))
		mcpengine.AddTool(e, "open_login", "", func(ctx context.Context, _ none) (string, error) {
			in, err := mcpengine.Elicit[login](ctx, "Your name?", mcpengine.WithKey("login"))
			return "hello " + in.User, err
		})
		return e
	}
	for url, accept := range map[string]bool{"https://rs.example/mcp": true, "https://rs.example/other": false} {
		got := post(t, plain(url), message("tools/call", `"name":"open_login","requestState":"`+state("https://rs.example/mcp")+
			`","inputResponses":{"login":{"action":"accept","content":{"user":"octocat"}}}`)).response()
		if strings.Contains(got, "hello octocat") != accept {
			t.Errorf("%s: %s, want accepted = %t", url, got, accept)
		}
	}
}

// A listener of a network that nobody is connected to.
type listener struct {
	address net.Addr
	once    sync.Once
	closed  chan struct{}
}

func listenAt(ip string) *listener {
	return &listener{address: &net.TCPAddr{IP: net.ParseIP(ip), Port: 8000}, closed: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) { <-l.closed; return nil, net.ErrClosed }
func (l *listener) Addr() net.Addr            { return l.address }
func (l *listener) Close() error              { l.once.Do(func() { close(l.closed) }); return nil }

// served lets an engine serve, and stop at once.
func served(t *testing.T, e *mcpengine.Engine, ip string) error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	return e.Serve(ctx, listenAt(ip))
}

// A program that gives no keys takes the keys in the environment.
func TestKeysOfTheEnvironment(t *testing.T) {
	one, two := base64.StdEncoding.EncodeToString(key(1)), base64.StdEncoding.EncodeToString(key(2))
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(two+"\n"+one+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		variable string
		opts     []mcpengine.Option
		accept   bool // what keyed(key(1)) has sealed
	}{
		{one, nil, true},
		{two + "," + one, nil, true},
		{"@" + file, nil, true},
		{two, nil, false},
		{"", nil, false},
		{two, []mcpengine.Option{mcpengine.WithKeys(key(1))}, true}, // the program comes first
		{"hunter2", []mcpengine.Option{mcpengine.WithKeys(key(1))}, true},
	} {
		t.Setenv("MCPENGINE_KEYS", test.variable)
		e := askFixture(append(test.opts, quiet())...)
		for range 2 {
			if err := served(t, e, "127.0.0.1"); err != nil {
				t.Fatalf("%q: %v", test.variable, err)
			}
		}
		got := retry(t, e, ask(t, keyed(key(1))))
		if accepted := strings.Contains(got, "hello octocat"); accepted != test.accept {
			t.Errorf("%q: response = %s, want accepted = %t", test.variable, got, test.accept)
		}
	}
	for _, bad := range []string{"hunter2hunter2", one + "," + one, one[:20], "@/no/such/hunter2"} {
		t.Setenv("MCPENGINE_KEYS", bad)
		for name, err := range map[string]error{"Serve": served(t, askFixture(), "127.0.0.1"), "Run": askFixture().Run(t.Context())} {
			if err == nil || !strings.HasPrefix(err.Error(), "MCPENGINE_KEYS: ") || strings.Contains(err.Error(), bad[:7]) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %s = %v", bad, name, err)
			}
		}
	}
}

// At the start a server that others can reach says all that a missing key costs.
func TestMissingKeysWarn(t *testing.T) {
	for _, test := range []struct {
		ip, variable string
		want         bool
	}{
		{"192.0.2.1", "", true},
		{"0.0.0.0", "", true},
		{"192.0.2.1", base64.StdEncoding.EncodeToString(key(1)), false},
		{"127.0.0.1", "", false},
	} {
		t.Setenv("MCPENGINE_KEYS", test.variable)
		var log recorder
		e := askFixture(mcpengine.WithLogger(log.logger()))
		if err := served(t, e, test.ip); err != nil {
			t.Fatal(err)
		}
		got := log.take()
		for _, part := range []string{"level=WARN", "requestState", "cursors", "sessions", "MCPENGINE_KEYS", "WithKeys"} {
			if strings.Contains(got, part) != test.want {
				t.Errorf("at %s with %q: logged %q, want %q in it: %t", test.ip, test.variable, got, part, test.want)
			}
		}
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	one := base64.StdEncoding.EncodeToString(key(1))
	keys, err := mcpengine.ParseKeys(one)
	if err != nil || len(keys) != 1 || string(keys[0]) != string(key(1)) {
		t.Errorf("ParseKeys = %x, %v", keys, err)
	}
	for _, bad := range []string{"", "hunter2", one + " " + one} {
		if keys, err := mcpengine.ParseKeys(bad); err == nil || len(keys) > 0 || errors.Unwrap(err) == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ParseKeys(%q) = %x, %v", bad, keys, err)
		}
	}
}
