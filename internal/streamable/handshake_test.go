package streamable_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// A recorder serves the handshake versions and records what it is given.
type recorder struct{ got string }

func (*recorder) Speaks(version string) bool { return version == "2025-11-25" }

func (e *recorder) Post(w http.ResponseWriter, _ *http.Request, body []byte, req *jsonrpc.Request, err *jsonrpc.Error) (kept bool) {
	e.got = "request"
	switch {
	case err != nil:
		e.got = err.Message
	case req.IsNotification():
		e.got = "notification"
	}
	if len(body) == 0 {
		e.got = "nothing"
	}
	w.WriteHeader(http.StatusAccepted)
	return false
}

func (e *recorder) Cut(*jsonrpc.Error) int { return 0 }

func (e *recorder) Get(http.ResponseWriter, *http.Request)    { e.got = "GET" }
func (e *recorder) Delete(http.ResponseWriter, *http.Request) { e.got = "DELETE" }

// A message belongs to a handshake version when neither its body nor its header
// names 2026-07-28.
func TestIsHandshake(t *testing.T) {
	t.Parallel()
	const (
		plain  = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}`
		hello  = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`
		hello2 = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{` + meta + `}}`
		reply  = `{"jsonrpc":"2.0","id":1,"result":{}}`
		batch  = `[` + plain + `]`
	)
	isReply, isBatch := jsonrpc.ErrIsResponse.Message, jsonrpc.ErrIsBatch.Message
	for _, test := range []struct {
		name, body string
		versions   []string
		want       string // what the recorder is given; empty if nothing
	}{
		{"2026-07-28", call, []string{version}, ""},
		{"2026-07-28, no header", call, nil, ""},
		{"2026-07-28, other header", call, []string{"2025-11-25"}, ""},
		{"2026-07-28, empty header", call, []string{""}, ""},
		{"unknown version", strings.Replace(call, version, "x", 1), nil, ""},
		{"version is no string", strings.Replace(call, `"2026-07-28"`, "1", 1), nil, ""},

		{"no version at all", plain, nil, "request"},
		{"version in the header", plain, []string{"2025-11-25"}, "request"},
		{"2026-07-28 in the header", plain, []string{version}, ""},
		{"unknown version in the header", plain, []string{"2025-11-24"}, ""},
		{"list of versions in the header", plain, []string{"2025-11-25, 2025-11-25"}, ""},
		{"empty header", plain, []string{""}, ""},
		{"two headers", plain, []string{"2025-11-25", "2025-11-25"}, ""},
		{"empty _meta", strings.Replace(plain, `"name"`, `"_meta":{},"name"`, 1), nil, "request"},
		{"_meta without version", strings.Replace(plain, `"name"`, `"_meta":{"progressToken":1},"name"`, 1), []string{"2025-11-25"}, "request"},

		{"initialize", hello, nil, "request"},
		{"initialize, version in the header", hello, []string{"2025-11-25"}, "request"},
		{"initialize, 2026-07-28 in the header", hello, []string{version}, "request"},
		{"initialize, unknown version in the header", hello, []string{"x"}, "request"},
		{"initialize of 2026-07-28", hello2, []string{version}, ""},

		{"notification", notification, []string{"2025-11-25"}, "notification"},
		{"notification, no header", notification, nil, "notification"},
		{"notification, 2026-07-28 in the header", notification, []string{version}, ""},
		{"response", reply, []string{"2025-11-25"}, isReply},
		{"response, 2026-07-28 in the header", reply, []string{version}, ""},
		{"batch", batch, nil, isBatch},
		{"batch, 2026-07-28 in the header", batch, []string{version}, ""},

		{"not JSON", "x", nil, ""},
		{"not a message", `{"jsonrpc":"2.0","id":1}`, nil, ""},
		{"string", `"x"`, nil, ""},
		{"empty", "", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var e recorder
			c := config()
			c.Handshake = &e
			r := newRequest(t.Context(), test.body)
			if delete(r.Header, "Mcp-Protocol-Version"); test.versions != nil {
				r.Header["Mcp-Protocol-Version"] = test.versions
			}
			w := serve(streamable.New(handlerFunc(complete), c), r)
			if e.got != test.want {
				t.Errorf("the handshake versions get %q, want %q", e.got, test.want)
			}
			if e.got != "" && w.Code != http.StatusAccepted {
				t.Errorf("HTTP %d, want what the handshake versions answer", w.Code)
			}
		})
	}
}

// The checks of the endpoint come first, for all versions.
func TestHandshakeIsGuarded(t *testing.T) {
	t.Parallel()
	const get, post, remove = http.MethodGet, http.MethodPost, http.MethodDelete
	for _, test := range []struct {
		name, method, field, value string
		status                     int
		want                       string
	}{
		{"good GET", get, "", "", 200, "GET"},
		{"good POST", post, "", "", 202, "request"},
		{"good DELETE", remove, "", "", 200, "DELETE"},
		{"GET of another origin", get, "Origin", "https://evil.example", 403, ""},
		{"POST of another origin", post, "Origin", "https://evil.example", 403, ""},
		{"DELETE of another origin", remove, "Origin", "https://evil.example", 403, ""},
		{"GET for JSON", get, "Accept", "application/json", 406, ""},
		{"GET for streams", get, "Accept", "text/event-stream", 200, "GET"},
		{"POST for streams", post, "Accept", "text/event-stream", 406, ""},
		{"DELETE for anything", remove, "Accept", "image/png", 200, "DELETE"},
		{"POST of text", post, "Content-Type", "text/plain", 415, ""},
		{"PUT", http.MethodPut, "", "", 405, ""},
		{"HEAD", http.MethodHead, "", "", 405, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var e recorder
			c := config()
			c.Handshake = &e
			r := newRequest(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
			r.Method = test.method
			r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
			if test.field != "" {
				r.Header.Set(test.field, test.value)
			}
			w := serve(streamable.New(handlerFunc(complete), c), r)
			if w.Code != test.status || e.got != test.want {
				t.Errorf("HTTP %d and %q, want %d and %q", w.Code, e.got, test.status, test.want)
			}
			if got := w.Header().Get("Allow"); w.Code == http.StatusMethodNotAllowed && got != "GET, POST, DELETE, OPTIONS" {
				t.Errorf("Allow = %q", got)
			}
		})
	}
}

// Scripts of a page that may use the endpoint may also listen and end a
// session, and read the id of one.
func TestHandshakeCORS(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete, http.MethodPut} {
		c := config()
		c.Handshake = &recorder{}
		c.AllowedOrigins = []string{"https://app.example"}
		s := streamable.New(handlerFunc(complete), c)
		r := newRequest(t.Context(), "")
		r.Method = http.MethodOptions
		r.Header.Set("Origin", "https://app.example")
		r.Header.Set("Access-Control-Request-Method", method)
		r.Header.Set("Access-Control-Request-Headers", "mcp-session-id, last-event-id")
		h := serve(s, r).Header()
		want := method
		if method == http.MethodPut {
			want = ""
		}
		if got := h.Get("Access-Control-Allow-Methods"); got != want {
			t.Errorf("%s: Access-Control-Allow-Methods = %q, want %q", method, got, want)
		}
		if got := h.Get("Access-Control-Allow-Headers"); want != "" && got != "mcp-session-id, last-event-id" {
			t.Errorf("%s: Access-Control-Allow-Headers = %q", method, got)
		}
		if got := h.Get("Access-Control-Expose-Headers"); !strings.Contains(got, "Mcp-Session-Id") {
			t.Errorf("%s: Access-Control-Expose-Headers = %q", method, got)
		}
	}
}
