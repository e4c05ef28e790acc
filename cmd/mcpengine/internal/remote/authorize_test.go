package remote

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

// What a command prints is sent for a minute, unless the server refuses it: then
// the command runs again, and the request is worth sending again when it prints
// something else.
func TestCommandHeader(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	a := &authorizer{
		headers: []profile.Header{{Name: "X-Token", Command: []string{"cat", file}}},
		now:     func() time.Time { return now },
		secret:  func(string) {},
	}
	sent := func() *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://far.example", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Authorize(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	expect := func(want string) *http.Request {
		t.Helper()
		r := sent()
		if got := r.Header.Get("X-Token"); got != want {
			t.Errorf("X-Token is %q, want %q", got, want)
		}
		return r
	}
	challenged := func(r *http.Request, want bool) {
		t.Helper()
		retry, err := a.Challenged(t.Context(), &http.Response{Request: r})
		if err != nil || retry != want {
			t.Errorf("Challenged = %v, %v, want %v", retry, err, want)
		}
	}
	write("first")
	expect("first")
	write("second")
	r := expect("first")
	challenged(r, true)
	r = expect("second")
	challenged(r, false)
	write("third")
	expect("second")
	now = now.Add(commandAge)
	expect("third")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	now = now.Add(commandAge)
	r, _ = http.NewRequestWithContext(t.Context(), http.MethodPost, "http://far.example", http.NoBody)
	if err := a.Authorize(t.Context(), r); err == nil {
		t.Error("a command that fails is no error")
	}
}
