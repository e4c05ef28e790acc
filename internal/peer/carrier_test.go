package peer_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// A roundTripper is a RoundTripper made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// If the RoundTripper returns an AuthError, the call ends with it: the server
// does not count as unreachable, and no other version or transport is tried.
func TestCarrierRefuses(t *testing.T) {
	t.Parallel()
	asked := 0
	refused := &peer.AuthError{Status: http.StatusForbidden, Err: errors.New("no credentials")}
	client := &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		asked++
		return nil, refused
	})}
	_, err := peer.Dial(t.Context(), "https://example.com/mcp", peer.Config{HTTPClient: client})
	if got, _ := errors.AsType[*peer.AuthError](err); got != refused || asked != 1 {
		t.Errorf("Dial = %v after %d requests, want %v after one", err, asked, refused)
	}
	if _, ok := errors.AsType[*peer.UnreachableError](err); ok {
		t.Errorf("Dial = %v, which is worth another try", err)
	}
}
