package streamable_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// The endpoint supports POST; GET and DELETE are answered with 405
// (streamable-http, "Earlier Streamable HTTP Revisions").
func TestMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{
		http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodTrace, http.MethodConnect, "post", "PURGE",
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var h counter
			r := newRequest(t.Context(), call)
			r.Method = method
			w := serve(streamable.New(&h, config()), r)
			wantError(t, w, http.StatusMethodNotAllowed, mcp.CodeInvalidRequest, "POST only")
			// RFC 9110, section 15.5.6: 405 comes with Allow.
			if got, want := w.Header().Get("Allow"), "POST, OPTIONS"; got != want {
				t.Errorf("Allow = %q, want %q", got, want)
			}
			if id := parse(t, w.Body.Bytes()).ID; id != nil {
				t.Errorf("the error has the id %s, want none", id)
			}
			if n := h.runs.Load(); n != 0 {
				t.Errorf("the handler ran %d times", n)
			}
		})
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		values []string
		ok     bool
	}{
		{"JSON", []string{"application/json"}, true},
		{"type in capitals", []string{"Application/JSON"}, true},
		{"charset", []string{"application/json; charset=utf-8"}, true},
		{"charset in capitals", []string{"application/json;charset=UTF-8"}, true},
		{"charset in quotes", []string{`application/json; charset="utf-8"`}, true},
		{"other parameter", []string{"application/json; v=1"}, true},
		{"missing", nil, false},
		{"empty", []string{""}, false},
		{"twice", []string{"application/json", "application/json"}, false},
		{"two in one line", []string{"application/json, text/plain"}, false},
		{"other charset", []string{"application/json; charset=utf-16"}, false},
		{"two charsets", []string{"application/json; charset=utf-8; charset=utf-16"}, false},
		{"text", []string{"text/plain"}, false}, // what a form in a web page can send
		{"form", []string{"application/x-www-form-urlencoded"}, false},
		{"multipart", []string{"multipart/form-data; boundary=x"}, false},
		{"other JSON", []string{"application/json-rpc"}, false},
		{"JSON suffix", []string{"application/problem+json"}, false},
		{"wildcard", []string{"application/*"}, false},
		{"malformed", []string{"application/json;="}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h counter
			r := newRequest(t.Context(), call)
			r.Header["Content-Type"] = test.values
			w := serve(streamable.New(&h, config()), r)
			if ran := h.runs.Load() == 1; ran != test.ok {
				t.Errorf("the handler ran: %v, want %v", ran, test.ok)
			}
			if !test.ok {
				wantError(t, w, http.StatusUnsupportedMediaType, mcp.CodeInvalidRequest, "Content-Type")
			}
		})
	}
}

// A compressed body could be larger than any limit.
func TestContentEncoding(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"gzip", "br", "identity", ""} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			r := newRequest(t.Context(), call)
			r.Header["Content-Encoding"] = []string{encoding}
			w := serve(newServer(complete), r)
			wantError(t, w, http.StatusUnsupportedMediaType, mcp.CodeInvalidRequest, "not encoded")
		})
	}
}

// "The client MUST include an Accept header listing both" (streamable-http,
// "Sending Messages"); how one lists is RFC 9110, section 12.5.1.
func TestAccept(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		values []string
		ok     bool
	}{
		{"both", []string{"application/json, text/event-stream"}, true},
		{"other order", []string{"text/event-stream, application/json"}, true},
		{"no blanks", []string{"application/json,text/event-stream"}, true},
		{"many blanks", []string{" application/json ,\ttext/event-stream "}, true},
		{"two lines", []string{"application/json", "text/event-stream"}, true},
		{"capitals", []string{"Application/JSON, Text/Event-Stream"}, true},
		{"qualities", []string{"application/json;q=0.9, text/event-stream; q=0.1"}, true},
		{"lowest quality", []string{"application/json;q=0.001, text/event-stream"}, true},
		{"parameters", []string{"application/json;charset=utf-8, text/event-stream;x=0"}, true},
		{"wildcard", []string{"*/*"}, true},
		{"wildcard with quality", []string{"*/*;q=0.1"}, true},
		{"wildcards by type", []string{"application/*, text/*"}, true},
		{"among others", []string{"text/html, application/json, image/*, text/event-stream"}, true},
		{"empty items", []string{",application/json,,text/event-stream,"}, true},
		{"missing", nil, false},
		{"empty", []string{""}, false},
		{"JSON alone", []string{"application/json"}, false},
		{"events alone", []string{"text/event-stream"}, false},
		{"one wildcard alone", []string{"application/*"}, false},
		{"something else", []string{"text/html"}, false},
		{"similar names", []string{"application/jsonp, text/event-streams"}, false},
		{"one refused", []string{"application/json, text/event-stream;q=0"}, false},
		{"one refused at length", []string{"application/json;q=0.000, text/event-stream"}, false},
		{"one refused in capitals", []string{"application/json; Q=0, text/event-stream"}, false},
		{"refused after a parameter", []string{"application/json;x=1;q=0, text/event-stream"}, false},
		{"all refused", []string{"*/*;q=0"}, false},
		// The more specific range takes precedence.
		{"one refused beside a wildcard", []string{"application/json;q=0, */*"}, false},
		{"one refused after a wildcard", []string{"*/*, text/event-stream;q=0"}, false},
		{"one allowed beside a refused wildcard", []string{"*/*;q=0, application/json, text/event-stream"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h counter
			r := newRequest(t.Context(), call)
			r.Header["Accept"] = test.values
			w := serve(streamable.New(&h, config()), r)
			if ran := h.runs.Load() == 1; ran != test.ok {
				t.Errorf("the handler ran: %v, want %v", ran, test.ok)
			}
			if w.Code != http.StatusOK {
				wantError(t, w, http.StatusNotAcceptable, mcp.CodeInvalidRequest, "Accept")
			}
		})
	}
}

// "The body of the HTTP POST MUST be a single JSON-RPC request or
// notification" (streamable-http, "Sending Messages"). The codec has tests of
// its own; these show how its errors reach the client.
func TestUnusableMessage(t *testing.T) {
	t.Parallel()
	const parseError, invalid, params = mcp.CodeParseError, mcp.CodeInvalidRequest, mcp.CodeInvalidParams
	for _, test := range []struct {
		name, body string
		code       int
		id         string
	}{
		{"empty", "", parseError, ""},
		{"blank", " \r\n\t", parseError, ""},
		{"not JSON", "hello", parseError, ""},
		{"cut", call[:len(call)-1], parseError, "1"},
		{"two messages", call + call, parseError, ""},
		{"invalid UTF-8", strings.Replace(call, "echo", "\xff", 1), parseError, "1"},
		{"UTF-16", "\xff\xfe{\x00", parseError, ""},
		{"duplicate method", `{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list"}`, parseError, ""},
		{"batch", "[" + call + "]", invalid, ""},
		{"string", `"tools/call"`, invalid, ""},
		{"null", `null`, invalid, ""},
		{"response", `{"jsonrpc":"2.0","id":7,"result":{}}`, invalid, "7"},
		{"error response", `{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":""}}`, invalid, `"x"`},
		{"JSON-RPC 1.0", `{"jsonrpc":"1.0","id":1,"method":"tools/call"}`, invalid, "1"},
		{"id null", `{"jsonrpc":"2.0","id":null,"method":"tools/call"}`, invalid, ""},
		{"id object", `{"jsonrpc":"2.0","id":{},"method":"tools/call"}`, invalid, ""},
		{"no method", `{"jsonrpc":"2.0","id":1}`, invalid, "1"},
		{"params array", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}`, invalid, "1"},
		{"_meta array", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":[]}}`, params, "1"},
		{"malformed notification", `{"jsonrpc":"2.0","method":"notifications/x","params":[]}`, invalid, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h counter
			w := serve(streamable.New(&h, config()), newRequest(t.Context(), test.body))
			wantError(t, w, http.StatusBadRequest, test.code, "")
			if got := string(parse(t, w.Body.Bytes()).ID); got != test.id {
				t.Errorf("id = %s, want %s", got, test.id)
			}
			if n := h.runs.Load(); n != 0 {
				t.Errorf("the handler ran %d times", n)
			}
		})
	}
}

// "If the server accepts it, the server MUST return HTTP status code 202
// Accepted with no body." The header rules are for requests only.
func TestNotification(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		edit       func(http.Header)
	}{
		{"with headers", notification, func(http.Header) {}},
		{"without headers", notification, func(h http.Header) {
			h.Del("Mcp-Protocol-Version")
			h.Del("Mcp-Method")
			h.Del("Mcp-Name")
		}},
		{"without params", `{"jsonrpc":"2.0","method":"notifications/cancelled"}`, func(http.Header) {}},
		{"request without id", strings.Replace(call, `"id":1,`, "", 1), func(http.Header) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h counter
			r := newRequest(t.Context(), test.body)
			test.edit(r.Header)
			w := serve(streamable.New(&h, config()), r)
			if w.Code != http.StatusAccepted || w.Body.Len() != 0 {
				t.Errorf("answer %d %q, want 202 and nothing", w.Code, w.Body)
			}
			if got := w.Header().Get("Content-Type"); got != "" {
				t.Errorf("Content-Type = %q, want none", got)
			}
			if n := h.runs.Load(); n != 0 {
				t.Errorf("the handler ran %d times", n)
			}
		})
	}
}

func TestHandlerSeesTheRequest(t *testing.T) {
	t.Parallel()
	type seen struct {
		ID, Method, Params, Version, Region string
	}
	for _, id := range []string{`1`, `-7`, `"a\u0062c"`, `123456789012345678901234567890`, `""`} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			var got seen
			s := newServer(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
				got = seen{
					string(req.ID), req.Method, string(req.Params.Get("arguments")),
					string(req.Meta.Get("io.modelcontextprotocol/protocolVersion")), req.HTTP.Header.Get("Mcp-Param-Region"),
				}
				return result(req, completed)
			})
			r := newRequest(t.Context(), strings.Replace(call, `"id":1`, `"id":`+id, 1))
			r.Header.Set("Mcp-Param-Region", "eu")
			w := serve(s, r)
			want := seen{id, "tools/call", `{"n":1}`, `"2026-07-28"`, "eu"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the handler sees (-want +got):\n%s", diff)
			}
			// The id comes back as the client wrote it.
			if body, want := w.Body.String(), `{"jsonrpc":"2.0","id":`+id+`,"result":`+completed+`}`; body != want {
				t.Errorf("answer %s, want %s", body, want)
			}
		})
	}
}

// The status follows from the error: 404 for an unknown method and 400 for a
// breach of the protocol. Any other error is an answer like any other.
func TestStatus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		err    *jsonrpc.Error
		status int
	}{
		{"unknown method", jsonrpc.Errorf(mcp.CodeMethodNotFound, "x"), http.StatusNotFound},
		{"unknown version", jsonrpc.Errorf(mcp.CodeUnsupportedProtocolVersion, "x"), http.StatusBadRequest},
		{"missing capability", jsonrpc.Errorf(mcp.CodeMissingRequiredClientCapability, "x"), http.StatusBadRequest},
		{"header mismatch", jsonrpc.Errorf(mcp.CodeHeaderMismatch, "x"), http.StatusBadRequest},
		{"missing _meta", jsonrpc.Malformedf(mcp.CodeInvalidParams, "x"), http.StatusBadRequest},
		{"unknown tool", jsonrpc.Errorf(mcp.CodeInvalidParams, "x"), http.StatusOK},
		{"internal error", jsonrpc.Errorf(mcp.CodeInternalError, "x"), http.StatusOK},
		{"error of the application", jsonrpc.Errorf(1, "x"), http.StatusOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
				return jsonrpc.ErrorResponse(req.ID, test.err)
			})
			w := serve(s, newRequest(t.Context(), call))
			wantError(t, w, test.status, test.err.Code, "x")
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control = %q, want no-store", got)
			}
		})
	}
}

// "An Mcp-Session-Id header on a request: ignore it, and do not mint or echo
// session IDs. A Last-Event-ID header: ignore it" (streamable-http, "Earlier
// Streamable HTTP Revisions").
func TestHandshakeHeadersAreIgnored(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		s := newServer(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			if stream {
				notify(jsonrpc.Notification{Method: "notifications/x", Params: []byte(`{}`)})
			}
			return result(req, completed)
		})
		want := serve(s, newRequest(t.Context(), call))
		r := newRequest(t.Context(), call)
		r.Header["Mcp-Session-Id"] = []string{"1868a90c", "\xff"}
		r.Header["Last-Event-Id"] = []string{"7"}
		got := serve(s, r)
		if got.Code != want.Code || got.Body.String() != want.Body.String() {
			t.Errorf("answer %d %s, want %d %s", got.Code, got.Body, want.Code, want.Body)
		}
		if diff := cmp.Diff(want.Header(), got.Header()); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
		if strings.Contains(got.Body.String(), "\nid:") {
			t.Errorf("an event has an id, though streams are not resumable: %s", got.Body)
		}
	}
}
