package httptoken_test

import (
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/internal/httptoken"
)

// A method is a token too, and net/http knows what one is.
func TestIs(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for _, s := range []string{string([]byte{byte(c)}), "a" + string([]byte{byte(c)}) + "b"} {
			_, err := http.NewRequestWithContext(t.Context(), s, "http://example.com", nil)
			if got, want := httptoken.Is(s), err == nil; got != want {
				t.Errorf("Is(%q) = %v, want %v", s, got, want)
			}
		}
	}
	if httptoken.Is("") {
		t.Error(`Is("") = true`)
	}
}
