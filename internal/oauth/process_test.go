package oauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/oidctest"
)

// processVariable makes the test binary a process that uses the store in that
// folder.
const processVariable = "MCPENGINE_TEST_OAUTH_STORE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(processVariable); dir != "" {
		if err := process(context.Background(), dir, os.Args[1], os.Args[2]); err != nil {
			panic(err)
		}
		return
	}
	m.Run()
}

// process does one thing with a server when standard input ends.
func process(ctx context.Context, dir, target, what string) error {
	store, err := oauth.NewFileStore(ctx, dir, nil)
	if err != nil {
		return err
	}
	config := oauth.Config{Server: target, Store: store, Grant: oauth.AuthorizationCode{Visit: agree, RedirectURI: redirectURI}}
	if what == "refresh" {
		config.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
		config.Grant = nil
	}
	a, err := oauth.New(config)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "ready")
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	if what == "sign in" {
		return a.SignIn(ctx)
	}
	_, err = call(ctx, a, target)
	return err
}

// agree is a person who agrees at once.
func agree(_ context.Context, target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	q := url.Values{"code": {"secret-code"}, "state": {u.Query().Get("state")}}
	return u.Query().Get("redirect_uri") + "?" + q.Encode(), nil
}

// runProcesses has processes do the same thing at the same time.
func runProcesses(t *testing.T, n int, dir, target, what string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var inputs []io.WriteCloser
	var processes []*exec.Cmd
	for range n {
		cmd := exec.CommandContext(t.Context(), self, target, what)
		cmd.Env = append(os.Environ(), processVariable+"="+dir)
		cmd.Stderr = os.Stderr
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
			t.Fatal(err)
		}
		inputs, processes = append(inputs, stdin), append(processes, cmd)
	}
	for _, input := range inputs {
		// The race detector takes what is written for what orders the events here
		// and in the handlers of requests, which come from elsewhere.
		if _, err := io.WriteString(input, "go"); err != nil {
			t.Error(err)
		}
		_ = input.Close()
	}
	for _, process := range processes {
		if err := process.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// Several processes find that a person has to sign in. One of them asks the
// person, and the store has one set of tokens at the end, with the refresh
// token that was issued.
func TestSignInAmongProcesses(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"call", "sign in"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			const processes = 2
			w := newWorld(t)
			var here sync.WaitGroup
			here.Add(processes)
			w.mcp.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == w.metadataAt {
					here.Done()
				}
				w.serveMCP(rw, r)
			})
			issued := make(chan string, processes)
			w.token = func(rw http.ResponseWriter, _ url.Values) bool {
				here.Wait() // nobody comes too late
				refresh := fmt.Sprint("refresh-", len(issued))
				issued <- refresh
				answerJSON(rw, http.StatusOK, map[string]any{
					"access_token": goodToken + refresh, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh,
				})
				return true
			}
			dir := t.TempDir()
			runProcesses(t, processes, dir, w.url(), what)
			if len(issued) != 1 || len(w.to("/register")) != 1 {
				t.Errorf("%d sign-ins by %d clients, want 1 by 1", len(issued), len(w.to("/register")))
			}
			if got := refreshTokens(t, dir); !slices.Equal(got, []string{"refresh-0"}) {
				t.Errorf("the store has the refresh tokens %q", got)
			}
		})
	}
}

// refreshTokens returns the refresh tokens of a store that is not sealed.
func refreshTokens(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.token"))
	if err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, after, ok := strings.Cut(string(data), `"refresh_token":"`); ok {
			token, _, _ := strings.Cut(after, `"`)
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// A session is changed only while its key is locked, so that a refresh under
// way does not replace the session of a new sign-in.
func TestSessionsAreLocked(t *testing.T) {
	t.Parallel()
	s := newSite(t, oidctest.Config{}, nil)
	v, store, c := &visitor{provider: s.Provider}, &lockStore{Store: oauth.NewMemoryStore(), t: t, held: map[string]bool{}}, &clock{}
	a := newAuthorizer(t, oauth.Config{Server: s.url, Grant: v.by(), Store: store, Now: c.now})
	if err := a.SignIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.add(2 * time.Hour)
	mustCall(t, a, s.url)
	if err := a.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if store.changes != 3 {
		t.Errorf("%d changes, want those of signing in, of a refresh and of signing out", store.changes)
	}
}

// A lockStore checks that the key of a token is locked while its value is
// changed.
type lockStore struct {
	oauth.Store
	t       *testing.T
	mu      sync.Mutex
	held    map[string]bool
	changes int
}

func (l *lockStore) Lock(ctx context.Context, key string) (func(), error) {
	unlock, err := l.Store.Lock(ctx, key)
	l.hold(key, err == nil)
	return func() { l.hold(key, false); unlock() }, err
}

func (l *lockStore) hold(key string, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[key] = held
}

func (l *lockStore) check(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !strings.HasPrefix(key, "token\n") {
		return
	}
	if l.changes++; !l.held[key] {
		l.t.Errorf("change %d is not locked", l.changes)
	}
}

func (l *lockStore) Reserve(context.Context, int) (oauth.Reservation, error) {
	return unreserved{l}, nil
}

// unreserved saves as its store does.
type unreserved struct{ oauth.Store }

func (unreserved) Release() {}

func (l *lockStore) Save(ctx context.Context, key string, value []byte) error {
	l.check(key)
	return l.Store.Save(ctx, key, value)
}

func (l *lockStore) Delete(ctx context.Context, key string) error {
	l.check(key)
	return l.Store.Delete(ctx, key)
}
