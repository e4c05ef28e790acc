package doctor_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/doctor"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// A fault is something that is wrong with a server.
type fault struct {
	name  string
	check string // that finds it
	level doctor.Level
	plant func(t *testing.T, c *doctor.Config) doctor.Target
	also  string // a check that the same fault fails too
}

// The doctor names each fault by its check.
func TestFaults(t *testing.T) {
	t.Parallel()
	all := append(append(append(networkFaults(), httpFaults()...), protocolFaults()...), authFaults()...)
	found := map[string]bool{}
	for _, f := range all {
		found[f.check] = true
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			config := steady()
			target := f.plant(t, &config)
			wantFinding(t, doctor.Server(t.Context(), target, config), f.check, f.level, f.also)
		})
	}
	if len(found) < 25 {
		t.Errorf("%d checks find a fault, want 25 at least", len(found))
	}
}

// steady returns a config with a clock that stands still, so that a busy machine is
// not taken for a slow server.
func steady() doctor.Config {
	now := time.Now()
	return doctor.Config{Timeout: time.Minute, Now: func() time.Time { return now }}
}

// wantFinding expects a finding with a next step, nothing else that is not well, and
// no secret.
func wantFinding(t *testing.T, r *doctor.Report, check string, level doctor.Level, also string) {
	t.Helper()
	all := r.Findings()
	ok := false
	for _, f := range all {
		ok = ok || f.Check == check && f.Level == level
		if f.Level != doctor.OK && f.Check != check && f.Check != also {
			t.Errorf("%s is found too: %s", f.Check, f.Text)
		}
		if f.Level != doctor.OK && f.Next == "" {
			t.Errorf("%s says no next step", f.Check)
		}
	}
	if !ok {
		t.Errorf("no %s of %s; there are\n%s", level, check, text(all))
	}
	if said := fmt.Sprint(all); strings.Contains(said, goodToken) || strings.Contains(said, "secret") {
		t.Errorf("the report tells a secret:\n%s", text(all))
	}
}

func text(all []doctor.Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%-8s %-20s %s\n", f.Level, f.Check, f.Text)
	}
	return b.String()
}

// Nothing is wrong with a server as it should be.
func TestWell(t *testing.T) {
	t.Parallel()
	root := certify(t, nil, authority("root"))
	for name, plant := range map[string]func(t *testing.T) doctor.Target{
		"http": func(t *testing.T) doctor.Target { return serve(t) },
		"https": func(t *testing.T) doctor.Target {
			target := secure(t, "localhost", serving(certify(t, root, nil)), newEngine(t))
			target.Trust.RootCAs = pool(root)
			return target
		},
		"handshake versions alone": func(t *testing.T) doctor.Target {
			return serve(t, ofMethod("server/discover", func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
				w.WriteHeader(http.StatusBadRequest)
			}))
		},
		"signed for AWS": func(t *testing.T) doctor.Target {
			target := serve(t)
			target.Signed, target.Authorizer = http.DefaultTransport, nil
			return target
		},
		"nobody is signed in": func(t *testing.T) doctor.Target { return newRealm(t, nil).target },
		"signed in": func(t *testing.T) doctor.Target {
			r := newRealm(t, nil)
			r.signIn(t)
			return r.target
		},
		"a token of the profile": func(t *testing.T) doctor.Target {
			target := newRealm(t, nil).target
			target.Header = http.Header{"Authorization": {"Bearer " + goodToken}}
			return target
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantWell(t, doctor.Server(t.Context(), plant(t), steady()))
		})
	}
}

func wantWell(t *testing.T, r *doctor.Report) {
	t.Helper()
	if r.Count(doctor.Warning)+r.Count(doctor.Failure) > 0 || r.Count(doctor.OK) == 0 {
		t.Errorf("the report is\n%s", text(r.Findings()))
	}
	if said := fmt.Sprint(r.Findings()); strings.Contains(said, goodToken) {
		t.Errorf("the report tells the token:\n%s", text(r.Findings()))
	}
}

func networkFaults() []fault {
	over := func(host string, config func(t *testing.T, root *pair) *tls.Config, trusted bool) func(*testing.T, *doctor.Config) doctor.Target {
		return func(t *testing.T, _ *doctor.Config) doctor.Target {
			root := certify(t, nil, authority("root"))
			target := secure(t, host, config(t, root), newEngine(t))
			target.Trust.RootCAs = x509.NewCertPool()
			if trusted {
				target.Trust.RootCAs = pool(root)
			}
			return target
		}
	}
	leaf := func(change func(*x509.Certificate)) func(t *testing.T, root *pair) *tls.Config {
		return func(t *testing.T, root *pair) *tls.Config { return serving(certify(t, root, change)) }
	}
	return []fault{
		{name: "no such host", check: "dns", level: doctor.Failure, plant: func(t *testing.T, c *doctor.Config) doctor.Target {
			c.Resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
			return serve(t)
		}},
		{name: "no server", check: "tcp", level: doctor.Failure, plant: func(t *testing.T, _ *doctor.Config) doctor.Target {
			server := httptest.NewServer(http.NotFoundHandler())
			server.Close()
			return target(t, server.URL+"/mcp")
		}},
		{name: "one address is dead", check: "tcp", level: doctor.Warning, plant: func(t *testing.T, c *doctor.Config) doctor.Target {
			c.Resolve = func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}, nil
			}
			return serve(t)
		}},
		{name: "expired certificate", check: "tls.expiry", level: doctor.Failure, plant: over("localhost", leaf(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }), true)},
		{name: "certificate expires soon", check: "tls.expiry", level: doctor.Warning, plant: over("localhost", leaf(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(24 * time.Hour) }), true)},
		{name: "certificate of another host", check: "tls.name", level: doctor.Failure, plant: over("localhost", leaf(func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }), true)},
		{name: "unknown authority", check: "tls.chain", level: doctor.Failure, plant: over("localhost", leaf(nil), false)},
		{name: "no intermediate", check: "tls.chain", level: doctor.Failure, plant: over("localhost", func(t *testing.T, root *pair) *tls.Config {
			return serving(certify(t, certify(t, root, authority("between")), nil))
		}, true)},
		{name: "TLS 1.1", check: "tls.version", level: doctor.Failure, plant: over("localhost", func(t *testing.T, root *pair) *tls.Config {
			config := serving(certify(t, root, nil))
			config.MaxVersion = tls.VersionTLS11
			return config
		}, true)},
		{name: "no TLS", check: "tls.handshake", level: doctor.Failure, plant: func(t *testing.T, _ *doctor.Config) doctor.Target {
			return target(t, strings.Replace(serve(t).URL, "http:", "https:", 1))
		}},
	}
}

func answer(status int, body string) wrapper {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
}

func redirect(status int, to string) wrapper {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/mcp") {
				http.Redirect(w, r, to, status)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// behind is a fault of what stands in front of the fixture.
func behind(wrappers ...wrapper) func(*testing.T, *doctor.Config) doctor.Target {
	return func(t *testing.T, _ *doctor.Config) doctor.Target { return serve(t, wrappers...) }
}

func httpFaults() []fault {
	return []fault{
		{name: "redirect to http", check: "redirect.scheme", level: doctor.Failure, plant: func(t *testing.T, _ *doctor.Config) doctor.Target {
			root := certify(t, nil, authority("root"))
			to := serve(t).URL
			target := secure(t, "localhost", serving(certify(t, root, nil)), redirect(http.StatusPermanentRedirect, to)(nil))
			target.Trust.RootCAs = pool(root)
			return target
		}},
		{name: "redirect that loses the message", check: "redirect.method", level: doctor.Failure, plant: behind(redirect(http.StatusMovedPermanently, "/"))},
		{name: "redirect to another origin", check: "redirect.origin", level: doctor.Failure, plant: behind(redirect(http.StatusTemporaryRedirect, "http://other.example/mcp"))},
		{name: "redirect", check: "redirect", level: doctor.Warning, plant: behind(redirect(http.StatusPermanentRedirect, "/elsewhere"))},
		{name: "bad gateway", check: "http.answer", level: doctor.Failure, plant: behind(answer(http.StatusBadGateway, "no upstream"))},
		{name: "web page", check: "http.answer", level: doctor.Failure, plant: behind(func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = io.WriteString(w, "<!doctype html><p>hello")
			})
		})},
		{name: "connection breaks", check: "http.answer", level: doctor.Failure, plant: behind(func(http.Handler) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		})},
		{name: "clock an hour off", check: "clock", level: doctor.Failure, plant: func(t *testing.T, c *doctor.Config) doctor.Target {
			c.Now = func() time.Time { return time.Now().Add(time.Hour) }
			return serve(t)
		}},
		{name: "slow server", check: "http.time", level: doctor.Warning, plant: func(t *testing.T, c *doctor.Config) doctor.Target {
			var late atomic.Int64
			c.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load()) * time.Second) }
			return serve(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					late.Add(20)
					next.ServeHTTP(w, r)
				})
			})
		}},
		{name: "list is cut off", check: "http.size", level: doctor.Failure, plant: behind(ofMethod("tools/list", func(w http.ResponseWriter, next func() *httptest.ResponseRecorder) {
			whole := next()
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		}))},
		{name: "preflight forgets fields", check: "cors.preflight", level: doctor.Warning, plant: behind(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodOptions {
					w.Header().Set("Access-Control-Allow-Origin", "*")
					w.Header().Set("Access-Control-Allow-Headers", "content-type, authorization")
					return
				}
				next.ServeHTTP(w, r)
			})
		})},
		{name: "origins are not checked", check: "cors.origin", level: doctor.Warning, plant: behind(without("Origin"))},
		{name: "unsigned", check: "aws.signature", level: doctor.Failure, plant: behind(func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
				writeJSON(w, http.StatusForbidden, map[string]string{"Message": "Forbidden"})
			})
		})},
		{name: "AWS refuses", check: "aws.signature", level: doctor.Failure, plant: func(t *testing.T, _ *doctor.Config) doctor.Target {
			target := serve(t)
			target.Signed = refusing{}
			return target
		}},
		{name: "error of the bridge", check: "bridge.log", level: doctor.Warning, plant: func(t *testing.T, _ *doctor.Config) doctor.Target {
			target := serve(t)
			target.Log = filepath.Join(t.TempDir(), "far.log")
			lines := "time=2026-11-30T10:00:00Z level=INFO msg=started\ntime=2026-11-30T10:00:01Z level=ERROR msg=\"broken\" header=\"Bearer secret-token-value\"\ntime=2026-11-30T10:00:02Z level=DEBUG msg=x\n"
			if err := os.WriteFile(target.Log, []byte(lines), 0o600); err != nil {
				t.Fatal(err)
			}
			return target
		}},
	}
}

// refusing signs nothing, for want of credentials.
type refusing struct{}

type noCredentials struct{}

func (noCredentials) Error() string { return "there are no AWS credentials" }

func (noCredentials) Hint() string { return "sign in with aws sso login" }

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &peer.AuthError{Err: noCredentials{}}
}

// without is a proxy that loses a field of requests.
func without(field string) wrapper {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del(field)
			next.ServeHTTP(w, r)
		})
	}
}

// ofMethod changes the answers to requests of a method.
func ofMethod(method string, change func(w http.ResponseWriter, next func() *httptest.ResponseRecorder)) wrapper {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			data, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(data))
			var m struct {
				Method string `json:"method"`
			}
			if json.Unmarshal(data, &m) != nil || m.Method != method {
				next.ServeHTTP(w, r)
				return
			}
			change(w, func() *httptest.ResponseRecorder {
				recorded := httptest.NewRecorder()
				next.ServeHTTP(recorded, r)
				return recorded
			})
		})
	}
}

// A hiding writer loses a field of answers.
type hiding struct {
	http.ResponseWriter
	field string
}

func (h hiding) WriteHeader(status int) {
	h.Header().Del(h.field)
	h.ResponseWriter.WriteHeader(status)
}

func (h hiding) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// A zipped writer compresses an event stream and flushes it.
type zipped struct {
	http.ResponseWriter
	pack *gzip.Writer
}

func (z *zipped) WriteHeader(status int) {
	if z.Header().Get("Content-Type") == "text/event-stream" {
		z.Header().Set("Content-Encoding", "gzip")
		z.pack = gzip.NewWriter(z.ResponseWriter)
	}
	z.ResponseWriter.WriteHeader(status)
}

func (z *zipped) Write(p []byte) (int, error) {
	if z.pack == nil {
		return z.ResponseWriter.Write(p)
	}
	n, err := z.pack.Write(p)
	return n, errors.Join(err, z.pack.Flush())
}

func (z *zipped) Unwrap() http.ResponseWriter { return z.ResponseWriter }

// withCard puts a card with these members beside the server.
func withCard(members string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/server-card") {
				next.ServeHTTP(w, r)
				return
			}
			_, _ = io.WriteString(w, `{"$schema":"https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json","name":"a.b/cc",`+
				strings.ReplaceAll(members, "HOST", r.Host)+`}`)
		})
	}
}

// A card of the framework agrees with its server. One that names other versions for the
// URL does not, and a page that is no card is none.
func TestCard(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change wrapper
		level  doctor.Level
		want   string
	}{
		{"its own card", func(next http.Handler) http.Handler { return next }, doctor.OK, "the card of com.example/fixture agrees with the server"},
		{"another card", withCard(`"version":"1.0","remotes":[{"url":"http://HOST/mcp","supportedProtocolVersions":["2024-11-05"]}]`), doctor.Warning, "the card says that the server speaks 2024-11-05"},
		{"a card for other URLs", withCard(`"version":"1.0","remotes":[{"url":"https://a.example/mcp","supportedProtocolVersions":["2024-11-05"]}]`), doctor.OK, "agrees"},
	} {
		e := newEngine(t, mcpengine.WithCard([]byte(`{"name":"com.example/fixture","description":"A fixture.","version":"1.0"}`)))
		report := doctor.Server(t.Context(), targetOf(t, test.change(e)), steady())
		found := false
		for _, f := range report.Findings() {
			found = found || f.Check == "card" && f.Level == test.level && strings.Contains(f.Text, test.want)
		}
		if !found {
			t.Errorf("%s: the findings are %+v", test.name, report.Findings())
		}
	}
	page := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, `{"hello":"world"}`)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	for _, f := range doctor.Server(t.Context(), serve(t, page), steady()).Findings() {
		if f.Check == "card" {
			t.Errorf("a page is taken for a card: %+v", f)
		}
	}
}

func protocolFaults() []fault {
	return []fault{
		{name: "Mcp-Method is stripped", check: "header.method", level: doctor.Failure, plant: behind(without("Mcp-Method"))},
		{name: "Mcp-Name is stripped", check: "header.name", level: doctor.Failure, plant: behind(without("Mcp-Name"))},
		{name: "MCP-Protocol-Version is stripped", check: "header.version", level: doctor.Failure, plant: behind(without("Mcp-Protocol-Version"))},
		{name: "Mcp-Session-Id is stripped from requests", check: "header.session", level: doctor.Failure, plant: behind(without("Mcp-Session-Id"))},
		{name: "Mcp-Session-Id is stripped from answers", check: "header.session", level: doctor.Failure, plant: behind(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(hiding{w, "Mcp-Session-Id"}, r) })
		})},
		{name: "Mcp-Method is not compared", check: "header.method", level: doctor.Warning, plant: behind(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if data, err := io.ReadAll(r.Body); err == nil && r.Header.Get("Mcp-Method") != "" {
					var m struct {
						Method string `json:"method"`
					}
					if json.Unmarshal(data, &m) == nil {
						r.Header.Set("Mcp-Method", m.Method)
					}
					r.Body = io.NopCloser(bytes.NewReader(data))
				} else if err == nil {
					r.Body = io.NopCloser(bytes.NewReader(data))
				}
				next.ServeHTTP(w, r)
			})
		})},
		{name: "the card of another release", check: "card", level: doctor.Warning, plant: behind(withCard(`"version":"0"`))},
		{name: "no MCP server", check: "version", level: doctor.Failure, plant: behind(answer(http.StatusNotFound, "not here"))},
		{name: "HTTP+SSE alone", check: "version", level: doctor.Warning, plant: func(t *testing.T, _ *doctor.Config) doctor.Target {
			server := httptest.NewServer(newEngine(t).SSEHandler(""))
			t.Cleanup(server.Close)
			return target(t, server.URL+"/sse")
		}},
		{name: "no handshake", check: "version.handshake", also: "version.agreement", level: doctor.Warning, plant: behind(ofMethod("initialize", func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
			w.WriteHeader(http.StatusBadRequest)
		}))},
		{name: "discover and initialize disagree", check: "version.agreement", also: "version.handshake", level: doctor.Failure, plant: behind(ofMethod("initialize", func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
			w.WriteHeader(http.StatusBadRequest)
		}))},
		{name: "two releases", check: "version.agreement", level: doctor.Warning, plant: behind(ofMethod("initialize", func(w http.ResponseWriter, next func() *httptest.ResponseRecorder) {
			whole := next()
			maps.Copy(w.Header(), whole.Header())
			w.Header().Del("Content-Length")
			_, _ = w.Write(bytes.Replace(whole.Body.Bytes(), []byte(`"name":"fixture"`), []byte(`"name":"fixture-old"`), 1))
		}))},
		{name: "two replicas without shared keys", check: "session.kept", level: doctor.Failure, plant: func(t *testing.T, _ *doctor.Config) doctor.Target {
			replicas, turn := []http.Handler{newEngine(t), newEngine(t)}, atomic.Int64{}
			return targetOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Mcp-Session-Id") == "" {
					replicas[0].ServeHTTP(w, r)
					return
				}
				replicas[turn.Add(1)%2].ServeHTTP(w, r)
			}))
		}},
		{name: "foreign session is taken", check: "session.foreign", level: doctor.Failure, plant: behind(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.Header.Get("Mcp-Session-Id"), "mcpengine-doctor") {
					writeJSON(w, http.StatusOK, map[string]any{"jsonrpc": "2.0", "id": 1, "result": map[string]any{}})
					return
				}
				next.ServeHTTP(w, r)
			})
		})},
		{name: "foreign session is an error of the server", check: "session.foreign", level: doctor.Warning, plant: behind(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.Header.Get("Mcp-Session-Id"), "mcpengine-doctor") {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}
				next.ServeHTTP(w, r)
			})
		})},
		{name: "streams are buffered", check: "stream.buffered", level: doctor.Failure, plant: func(t *testing.T, c *doctor.Config) doctor.Target {
			c.Patience = time.Nanosecond // the proxy holds events for as long as the test lasts
			held := make(chan struct{})
			target := serve(t, ofMethod("subscriptions/listen", func(w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
				w.Header().Set("Content-Type", "text/event-stream")
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
				<-held
			}))
			t.Cleanup(sync.OnceFunc(func() { close(held) })) // before the server is closed
			return target
		}},
		{name: "streams are compressed", check: "stream.compressed", level: doctor.Warning, plant: behind(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(&zipped{ResponseWriter: w}, r) })
		})},
		{name: "long name", check: "tools.names", level: doctor.Warning, plant: withTool(strings.Repeat("n", 70), "")},
		{name: "top of a schema", check: "tools.schemas", level: doctor.Warning, plant: withTool("choose", `{"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}],"properties":{"a":{"type":"string"},"b":{"type":"string"}}}`)},
		{name: "array without items", check: "tools.schemas", level: doctor.Warning, plant: withTool("choose", `{"type":"object","properties":{"a":{"type":"array"}}}`)},
		{name: "many tokens", check: "tools.size", level: doctor.Warning, plant: func(t *testing.T, _ *doctor.Config) doctor.Target {
			e := newEngine(t)
			mcpengine.AddTool(e, "long", strings.Repeat("word ", 20_000), func(context.Context, none) (string, error) { return "", nil })
			return targetOf(t, e)
		}},
	}
}

// withTool is a server with one more tool, as other servers list it.
func withTool(name, schema string) func(*testing.T, *doctor.Config) doctor.Target {
	if schema == "" {
		schema = `{"type":"object"}`
	}
	return behind(ofMethod("tools/list", func(w http.ResponseWriter, next func() *httptest.ResponseRecorder) {
		var m struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Result  map[string]any  `json:"result"`
		}
		if json.Unmarshal(next().Body.Bytes(), &m) != nil {
			return
		}
		tools, _ := m.Result["tools"].([]any)
		m.Result["tools"] = append(tools, mcp.Tool{Name: name, InputSchema: json.RawMessage(schema)})
		writeJSON(w, http.StatusOK, m)
	}))
}
