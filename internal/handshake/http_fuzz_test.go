package handshake_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/seal"
)

// Only an id that the server has issued is a session id.
func FuzzSessionID(f *testing.F) {
	h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{})
	id := initialize(f, h, "2025-11-25")
	for _, seed := range []string{"", "x", id, id + "A", id[1:], id[:len(id)-1], strings.ToUpper(id), " " + id} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, session string) {
		r := newMessage(t.Context(), inMemory, "2025-11-25", "", callMessage)
		r.Header["Mcp-Session-Id"] = []string{session}
		w := serve(h, r)
		want := http.StatusNotFound
		if session == id {
			want = http.StatusOK
		}
		if w.Code != want {
			t.Errorf("HTTP %d, want %d: %s", w.Code, want, w.Body)
		}
	})
}

// The content of an id is checked even though only the server can have sealed
// it: another version of the program may have used the same keys.
func FuzzClaims(f *testing.F) {
	keys := seal.RandomRing()
	h, _ := newEndpoint(handlerFunc(func(_ context.Context, req *jsonrpc.Request, _ func(jsonrpc.Notification)) *jsonrpc.Response {
		for _, m := range req.Meta {
			if jsonrpc.Valid(m.Value) != nil {
				return result(req, `{"not JSON":`+strconv.Quote(string(m.Value))+`}`)
			}
		}
		return result(req, `{"read":true}`)
	}), handshake.HTTPConfig{Keys: keys})
	const expires = "\xff\xff\xff\xff\x0f"
	for i, seed := range []string{
		"\x00" + expires + "\x02{}" + `"x","1"`, "\x03" + expires + "\x02{}" + `{"name":"x","version":"1","title":"X"}`, // read
		"", "\x00", "\x04" + expires + "\x02{}" + `"x","1"`, "\x00\x01\x02{}" + `"x","1"`, "\x00" + strings.Repeat("\xff", 12),
		"\x00" + expires, "\x00" + expires + "\x20{}" + `"x","1"`, "\x00" + expires + "\x02[]" + `"x","1"`,
		"\x00" + expires + "\x02{}", "\x00" + expires + "\x02{}" + `"x"`, "\x00" + expires + "\x02{}" + `"x",1`, "\x00" + expires + "\x02{}{",
	} {
		w := serve(h, newMessage(f.Context(), inMemory, "", keys.Seal("session", []byte(seed), nil), callMessage))
		if read := strings.Contains(w.Body.String(), `"read":true`); read != (i < 2) {
			f.Errorf("%q: HTTP %d %s", seed, w.Code, w.Body)
		}
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		w := serve(h, newMessage(t.Context(), inMemory, "", keys.Seal("session", plain, nil), callMessage))
		if w.Code != http.StatusNotFound && (w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"read":true`)) {
			t.Errorf("%q: HTTP %d %s", plain, w.Code, w.Body)
		}
	})
}

// Only the id of an event that was sent resumes a stream.
func FuzzEventID(f *testing.F) {
	h, _ := newEndpoint(newFeed(), handshake.HTTPConfig{})
	c := initialize(f, h, "2025-11-25")
	for _, seed := range []string{"a-0", "l-0", "aABCDEFGHIJKLMNOPQRSTUVWXYZ-1", "-", "a-", "-1", "a-01", "a-18446744073709551616", "a--1", "é-0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, event string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := newMessage(ctx, inMemory, "2025-11-25", c, "")
		r.Method = http.MethodGet
		r.Header["Last-Event-Id"] = []string{event}
		w := serve(h, r)
		// An id with the form of a stream of changes begins such a stream.
		if w.Code != http.StatusBadRequest && (event == "" || event[0] != 'l') {
			t.Errorf("HTTP %d %s", w.Code, w.Body)
		}
	})
}

// Every message is answered with JSON, or accepted.
func FuzzMessage(f *testing.F) {
	h, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{})
	sessions := map[string]string{}
	for _, version := range protocol.Names(protocol.IsHandshake) {
		sessions[version] = initialize(f, h, version)
	}
	for _, seed := range []string{
		callMessage, `[` + callMessage + `]`, `[]`, `[1]`, `{}`, `{"jsonrpc":"2.0","id":"s-1","result":{}}`, `[{"jsonrpc":"2.0","id":1,"error":{}}]`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}`, initializeMessage("2025-03-26", "{}"),
		`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"\u0065rror"}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		for version, session := range sessions {
			w := serve(h, newMessage(t.Context(), inMemory, version, session, message))
			switch w.Code {
			case http.StatusOK, http.StatusBadRequest:
				if !json.Valid(w.Body.Bytes()) {
					t.Errorf("version %s: HTTP %d %q", version, w.Code, w.Body)
				}
			case http.StatusAccepted:
				if w.Body.Len() > 0 {
					t.Errorf("version %s: HTTP %d %q", version, w.Code, w.Body)
				}
			case http.StatusNotFound: // for unknown methods of 2026-07-28
				if !strings.Contains(message, "_meta") {
					t.Errorf("version %s: HTTP %d %q", version, w.Code, w.Body)
				}
			default:
				t.Errorf("version %s: HTTP %d %q", version, w.Code, w.Body)
			}
		}
	})
}
