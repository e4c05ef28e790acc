package legacy_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/legacy"
	"github.com/mcpengine/mcpengine/internal/seal"
)

// Only what the server has given out is the id of a session.
func FuzzSessionID(f *testing.F) {
	h, _ := newEndpoint(handlerFunc(complete), legacy.HTTPConfig{})
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

// What is in an id is read with care even though nobody else can have sealed it:
// the keys may be older than the program.
func FuzzTicket(f *testing.F) {
	keys := seal.RandomRing()
	h, _ := newEndpoint(handlerFunc(complete), legacy.HTTPConfig{Keys: keys})
	const good = `{"v":"2025-11-25","c":{},"i":{"name":"x","version":"1"},"n":"N","x":99999999999}`
	for _, seed := range []string{
		good, "", "{}", "[]", strings.Replace(good, "2025", "1999", 1), strings.Replace(good, "99999999999", "1", 1),
		strings.Replace(good, `"x":99999999999`, `"x":"x"`, 1), strings.Replace(good, `"c":{}`, `"c":[]`, 1),
		strings.Replace(good, `"i":{"name":"x","version":"1"}`, `"i":1`, 1), strings.Replace(good, `,"n":"N"`, "", 1),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		w := serve(h, newMessage(t.Context(), inMemory, "", keys.Seal("session", plain, nil), callMessage))
		if w.Code != http.StatusOK && w.Code != http.StatusNotFound {
			t.Errorf("HTTP %d %s", w.Code, w.Body)
		}
		if w.Code == http.StatusOK && !json.Valid(plain) {
			t.Errorf("%q is a session", plain)
		}
	})
}

// No event but one that has been sent resumes a stream.
func FuzzEventID(f *testing.F) {
	h, _ := newEndpoint(newFeed(), legacy.HTTPConfig{})
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
		// One that looks like that of a stream of changes begins such a stream.
		if w.Code != http.StatusBadRequest && (event == "" || event[0] != 'l') {
			t.Errorf("HTTP %d %s", w.Code, w.Body)
		}
	})
}

// Whatever is sent is answered with JSON, or accepted.
func FuzzMessage(f *testing.F) {
	h, _ := newEndpoint(handlerFunc(complete), legacy.HTTPConfig{})
	sessions := map[string]string{}
	for _, version := range legacy.Versions {
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
			case http.StatusNotFound: // for unknown methods of the newest version
				if !strings.Contains(message, "_meta") {
					t.Errorf("version %s: HTTP %d %q", version, w.Code, w.Body)
				}
			default:
				t.Errorf("version %s: HTTP %d %q", version, w.Code, w.Body)
			}
		}
	})
}
