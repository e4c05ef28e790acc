package handshake_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/seal"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	callMessage = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}`
	noSession   = "there is no such session"
)

// complete answers everything with an empty result.
func complete(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
	return result(req, `{}`)
}

// byUser takes the caller of a request from a header field.
func byUser(r *http.Request) string { return r.Header.Get("User") }

// The id of a session consists of visible ASCII characters, and no two are the
// same (2025-11-25, transports, "Session Management").
func TestSessionID(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{})
	seen := map[string]bool{}
	for range 10 {
		id := initialize(t, h, "2025-11-25")
		if id == "" || len(id) > 4096 || strings.ContainsFunc(id, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
			t.Errorf("id %q is not of visible ASCII characters", id)
		}
		if seen[id] {
			t.Errorf("id %q is given out twice", id)
		}
		seen[id] = true
	}
}

// The engine gets the client's description from the handshake with every
// request, and none that the client puts into a request itself.
func TestSessionDescribesClient(t *testing.T) {
	t.Parallel()
	type seen struct{ Version, Capabilities, Info, Level, Token, Name string }
	for _, test := range []struct {
		version, negotiated string
		closes              bool
	}{
		{"2025-11-25", "2025-11-25", true},
		{"2025-06-18", "2025-06-18", false},
		{"2025-03-26", "2025-03-26", false},
		{"2024-11-05", "2024-11-05", false},
		{"2023-01-01", "2025-11-25", true}, // unknown: the last handshake version
		{"2026-07-28", "2025-11-25", true}, // has no handshake
	} {
		t.Run(test.version, func(t *testing.T) {
			t.Parallel()
			var got seen
			h, _ := newEndpoint(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
				if !req.Handshake || !req.HasMeta || req.HTTP == nil {
					t.Errorf("Handshake = %v, HasMeta = %v, HTTP = %v", req.Handshake, req.HasMeta, req.HTTP)
				}
				if req.Method == "tools/call" {
					meta := func(name string) string { return string(req.Meta.Get("io.modelcontextprotocol/" + name)) }
					got = seen{
						meta("protocolVersion"), meta("clientCapabilities"), meta("clientInfo"), meta("logLevel"),
						string(req.Meta.Get("progressToken")), string(req.ClientInfo.Get("name")),
					}
					if req.Asker == nil || (req.StreamCloser != nil) != test.closes {
						t.Errorf("Asker is there: %v, StreamCloser: %v", req.Asker != nil, req.StreamCloser != nil)
					}
				}
				return result(req, `{}`)
			}), handshake.HTTPConfig{Caller: byUser})
			r := newMessage(t.Context(), inMemory, "", "", initializeMessage(test.version, `{"roots":{"listChanged":true}}`))
			r.Header.Set("User", "ann")
			id := serve(h, r).Header().Get("Mcp-Session-Id")
			r = newMessage(t.Context(), inMemory, test.negotiated, id, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":{
				"progressToken":7,"io.modelcontextprotocol/logLevel":"debug","io.modelcontextprotocol/clientCapabilities":{"sampling":{}}}}}`)
			r.Header.Set("User", "ann")
			if w := serve(h, r); w.Code != http.StatusOK {
				t.Fatalf("HTTP %d %s", w.Code, w.Body)
			}
			want := seen{`"` + test.negotiated + `"`, `{"roots":{"listChanged":true}}`, `{"name":"test","version":"1"}`, `"info"`, "7", `"test"`}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the handler sees (-want +got):\n%s", diff)
			}
		})
	}
}

// The whole description of a client reaches another instance.
func TestSessionCarriesClientInfo(t *testing.T) {
	t.Parallel()
	keys := seal.RandomRing()
	var got string
	h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{Keys: keys})
	other, _ := newEndpoint(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		got = string(req.Meta.Get(mcp.MetaClientInfo))
		return complete(ctx, req, notify)
	}), handshake.HTTPConfig{Keys: keys})
	for info, want := range map[string]string{
		`{"name":"a","version":"1"}`:                      `{"name":"a","version":"1"}`,
		`{ "version" : "1" , "name" : "\u0022,[\"é" }`:    `{"name":"\u0022,[\"é","version":"1"}`,
		`{"name":"a","version":"1","title":"A","x":[{}]}`: `{"name":"a","version":"1","title":"A","x":[{}]}`,
	} {
		message := strings.Replace(initializeMessage("2025-06-18", `{}`), `{"name":"test","version":"1"}`, info, 1)
		id := serve(h, newMessage(t.Context(), inMemory, "", "", message)).Header().Get("Mcp-Session-Id")
		if w := serve(other, newMessage(t.Context(), inMemory, "", id, callMessage)); w.Code != http.StatusOK || got != want {
			t.Errorf("HTTP %d, %s arrives as %s, want %s", w.Code, info, got, want)
		}
	}
}

// A replica serves a session if and only if it has the keys.
func TestSessionOnOtherInstance(t *testing.T) {
	t.Parallel()
	keys := seal.RandomRing()
	one, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{Keys: keys})
	two, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{Keys: keys})
	other, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{})
	id := initialize(t, one, "2025-06-18")
	if w := serve(two, newMessage(t.Context(), inMemory, "2025-06-18", id, callMessage)); w.Code != http.StatusOK {
		t.Errorf("with the same keys: HTTP %d %s", w.Code, w.Body)
	}
	w := serve(other, newMessage(t.Context(), inMemory, "2025-06-18", id, callMessage))
	wantRefusal(t, w, http.StatusNotFound, noSession)
}

func TestSessionOfOtherCaller(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{Caller: byUser})
	r := newMessage(t.Context(), inMemory, "", "", initializeMessage("2025-11-25", "{}"))
	r.Header.Set("User", "ann")
	id := serve(h, r).Header().Get("Mcp-Session-Id")
	for _, user := range []string{"", "bob", "ann", "bob"} { // known to the instance only since ann's turn
		r := newMessage(t.Context(), inMemory, "2025-11-25", id, callMessage)
		r.Header.Set("User", user)
		w := serve(h, r)
		if user == "ann" && w.Code != http.StatusOK {
			t.Errorf("its caller: HTTP %d", w.Code)
		}
		if user != "ann" {
			wantRefusal(t, w, http.StatusNotFound, noSession)
		}
	}
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	for _, used := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{})
			id := initialize(t, h, "2025-11-25")
			time.Sleep(24*time.Hour - time.Second)
			if used {
				if w := serve(h, newMessage(t.Context(), inMemory, "2025-11-25", id, callMessage)); w.Code != http.StatusOK {
					t.Errorf("after a day but a second: HTTP %d", w.Code)
				}
			}
			time.Sleep(time.Second)
			for range 2 {
				w := serve(h, newMessage(t.Context(), inMemory, "2025-11-25", id, callMessage))
				wantRefusal(t, w, http.StatusNotFound, noSession)
			}
		})
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{})
	id, other := initialize(t, h, "2025-11-25"), initialize(t, h, "2025-11-25")
	remove := func(id string) *httptest.ResponseRecorder {
		r := newMessage(t.Context(), inMemory, "2025-11-25", id, "")
		r.Method = http.MethodDelete
		return serve(h, r)
	}
	if w := remove(id); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("HTTP %d %q, want 204 and nothing", w.Code, w.Body)
	}
	wantRefusal(t, remove(id), http.StatusNotFound, noSession)
	wantRefusal(t, serve(h, newMessage(t.Context(), inMemory, "2025-11-25", id, callMessage)), http.StatusNotFound, noSession)
	if w := serve(h, newMessage(t.Context(), inMemory, "2025-11-25", other, callMessage)); w.Code != http.StatusOK {
		t.Errorf("another session: HTTP %d", w.Code)
	}
}

// When there are too many sessions, an instance drops the state of one. That
// session goes on.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	var level string
	h, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		level = string(req.Meta.Get("io.modelcontextprotocol/logLevel"))
		return result(req, `{}`)
	}), handshake.HTTPConfig{MaxSessions: 2})
	id := initialize(t, h, "2025-11-25")
	post := func(id, message string) {
		t.Helper()
		if w := serve(h, newMessage(t.Context(), inMemory, "2025-11-25", id, message)); w.Code != http.StatusOK {
			t.Errorf("%s: HTTP %d %s", message, w.Code, w.Body)
		}
	}
	post(id, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"error"}}`)
	if post(id, callMessage); level != `"error"` {
		t.Errorf("the level is %s, want the one that was set", level)
	}
	for range 2 {
		post(initialize(t, h, "2025-11-25"), callMessage)
	}
	if post(id, callMessage); level != `"info"` {
		t.Errorf("the level is %s, want the default", level)
	}
}

// A session id has to fit into a header field.
func TestLargeClient(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{})
	large := strings.Repeat("x", 4096)
	message := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"experimental":{"x":{"y":%q}}},` +
		`"clientInfo":{"name":%q,"version":"1","icons":[{"src":"data:image/png;base64,%s"}]}}}`

	// Icons are left out.
	w := serve(h, newMessage(t.Context(), inMemory, "", "", fmt.Sprintf(message, "", "test", large)))
	id := w.Header().Get("Mcp-Session-Id")
	if w.Code != http.StatusOK || id == "" || len(id) > 4096 {
		t.Errorf("large icons: HTTP %d, id of %d bytes", w.Code, len(id))
	}
	if w := serve(h, newMessage(t.Context(), inMemory, "2025-11-25", id, callMessage)); w.Code != http.StatusOK {
		t.Errorf("a call after that: HTTP %d %s", w.Code, w.Body)
	}

	for name, message := range map[string]string{
		"capabilities": fmt.Sprintf(message, large, "test", ""),
		"name":         fmt.Sprintf(message, "", large, ""),
	} {
		w := serve(h, newMessage(t.Context(), inMemory, "", "", message))
		if m := parse(t, w.Body.Bytes()); w.Code != http.StatusBadRequest || m.Error.Code != mcp.CodeInvalidParams || string(m.ID) != "1" {
			t.Errorf("large %s: HTTP %d %s", name, w.Code, w.Body)
		}
		if got := w.Header().Get("Mcp-Session-Id"); got != "" {
			t.Errorf("large %s: there is a session id of %d bytes", name, len(got))
		}
	}
}

// An initialize that the engine refuses begins no session.
func TestInitializeRefused(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeMethodNotFound, "no"))
	}), handshake.HTTPConfig{})
	w := serve(h, newMessage(t.Context(), inMemory, "", "", initializeMessage("2025-11-25", "{}")))
	if w.Code != http.StatusOK || w.Header().Get("Mcp-Session-Id") != "" || parse(t, w.Body.Bytes()).Error.Code != mcp.CodeMethodNotFound {
		t.Errorf("HTTP %d %v %s", w.Code, w.Header(), w.Body)
	}
}

// A request that is refused because of its session is answered under its id.
func TestRefusalHasTheID(t *testing.T) {
	t.Parallel()
	h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{})
	for session, status := range map[string]int{"": http.StatusBadRequest, "unknown": http.StatusNotFound} {
		r := newMessage(t.Context(), inMemory, "2025-11-25", session, callMessage)
		w := serve(h, r)
		if m := parse(t, w.Body.Bytes()); w.Code != status || string(m.ID) != "1" {
			t.Errorf("with the session %q: HTTP %d %s, want %d and the id 1", session, w.Code, w.Body, status)
		}
	}
}

// wantRefusal checks that an HTTP request is refused.
func wantRefusal(t *testing.T, w *httptest.ResponseRecorder, status int, part string) {
	t.Helper()
	m := parse(t, w.Body.Bytes())
	if w.Code != status || m.Error.Code != mcp.CodeInvalidRequest || !strings.Contains(m.Error.Message, part) {
		t.Errorf("HTTP %d %s, want %d with %q", w.Code, w.Body, status, part)
	}
}
