package bridge

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/profile"
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

// Secrets are blackened, whether they are known or only look like some.
func TestLogHidesSecrets(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	file := filepath.Join(t.TempDir(), "logs", "far.log")
	log := NewLog(&out, 0, file)
	log.Hide("hunter2-hunter2")
	log.Hide("no") // too short to look for
	log.Logger().Info("no", "a", "hunter2-hunter2", "b", "Bearer abcdefgh", "c", "https://x?code=abcdef&state=1", "d", "access_token=qwertz")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{out.String(), string(data)} {
		for _, secret := range []string{"hunter2", "abcdef", "qwertz"} {
			if strings.Contains(text, secret) {
				t.Errorf("the log has a secret: %s", text)
			}
		}
		if !strings.Contains(text, "msg=no") || !strings.Contains(text, "state=1") {
			t.Errorf("the log says %q", text)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the log is %v, %v", info.Mode(), err)
	}
}

func TestFileCache(t *testing.T) {
	t.Parallel()
	now := time.Now()
	dir := filepath.Join(t.TempDir(), "servers")
	c := NewFileCache(dir, func() time.Time { return now })
	if _, ok := c.Load("https://a"); ok {
		t.Error("something is known of a server nobody has asked")
	}
	want := peer.Known{Version: "2026-07-28", Transport: "http", Result: json.RawMessage(`{"a":1}`)}
	c.Store("https://a", peer.Known{Version: "2024-11-05", Result: json.RawMessage(`{}`)})
	c.Store("https://a", want)
	got, ok := c.Load("https://a")
	if !ok || got.Version != want.Version || string(got.Result) != string(want.Result) {
		t.Errorf("Load = %+v, %v", got, ok)
	}
	if _, ok := c.Load("https://b"); ok {
		t.Error("servers are confused")
	}
	now = now.Add(cacheAge + time.Hour)
	if _, ok := c.Load("https://a"); ok {
		t.Error("what is old is believed")
	}
	now = time.Now()
	if err := os.WriteFile(c.file("https://a"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Load("https://a"); ok {
		t.Error("what cannot be read is believed")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(files) > 0 {
		t.Errorf("%v stay behind", files)
	}
}

// The key of a server has nothing of what may be a secret.
func TestServerKey(t *testing.T) {
	t.Parallel()
	if got, want := serverKey("https://user:pw@far.example/mcp?key=1#x"), "https://far.example/mcp"; got != want {
		t.Errorf("serverKey = %q, want %q", got, want)
	}
}
