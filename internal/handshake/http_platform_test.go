package handshake_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/seal"
)

// Requests with session ids of the platform are answered, not refused with 404.
// A session that was deleted stays deleted.
func TestPlatformSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testPlatformSessions)
}

func testPlatformSessions(t *testing.T) {
	const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	key := make([]byte, 32)
	ring, err := seal.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{Keys: ring, PlatformSessions: true})
	strict, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{Keys: ring})
	short, _ := newEndpoint(handlerFunc(complete), handshake.HTTPConfig{Keys: ring, SessionTTL: time.Nanosecond})
	deleted, own := initialize(t, endpoint, "2025-06-18"), initialize(t, endpoint, "2025-06-18")
	expired := initialize(t, short, "2025-06-18")
	time.Sleep(time.Second) // of the bubble's clock
	remove := newMessage(t.Context(), inMemory, "2025-06-18", deleted, "")
	remove.Method = http.MethodDelete
	if w := serve(endpoint, remove); w.Code != http.StatusNoContent {
		t.Fatalf("DELETE: HTTP %d", w.Code)
	}
	for _, test := range []struct {
		name, id string
		method   string
		status   int
		strict   int // without the option
	}{
		{"own", own, "POST", 200, 200},
		{"UUID", "c3b6f1d2-8a55-4c0e-9a07-0a9f5d0f6f11", "POST", 200, 404},
		{"long", "platform-session-0000000000000000000000000000000000000000", "POST", 200, 404},
		{"altered", own[:len(own)-1] + "!", "POST", 200, 404},
		{"deleted", deleted, "POST", 404, 200}, // the other instance does not know
		{"expired", expired, "POST", 404, 404},
		{"UUID", "c3b6f1d2-8a55-4c0e-9a07-0a9f5d0f6f11", "GET", 405, 404},
		{"UUID", "c3b6f1d2-8a55-4c0e-9a07-0a9f5d0f6f11", "DELETE", 405, 404},
	} {
		for _, server := range []struct {
			handler http.Handler
			want    int
		}{{endpoint, test.status}, {strict, test.strict}} {
			r := newMessage(t.Context(), inMemory, "2025-06-18", test.id, list)
			r.Method = test.method
			if w := serve(server.handler, r); w.Code != server.want {
				t.Errorf("%s %s: HTTP %d, want %d: %s", test.method, test.name, w.Code, server.want, w.Body)
			}
		}
	}
}
