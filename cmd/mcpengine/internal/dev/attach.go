package dev

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
)

const (
	// lookAgain is how often a program that is not running is looked for.
	lookAgain = 300 * time.Millisecond

	// firstLook is how long a host waits for the program to answer.
	firstLook = 2 * time.Second
)

// Attach connects a host on in and out to the server that is developed in a folder.
// It returns when the host closes in, and works whether mcpengine dev runs or not.
func Attach(ctx context.Context, dir string, in io.Reader, out io.Writer, logger *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	name := filepath.Base(dir)
	absent := func() *Target {
		return placeholder(name, "mcpengine dev is not running in "+dir+", so that there is no server. Start it there with: mcpengine dev. Its tools appear by themselves.")
	}
	front := NewFront(FrontConfig{Announce: true})
	a := &attachment{dir: dir, front: front, absent: absent, logger: logger}
	looked := make(chan struct{})
	var following sync.WaitGroup
	following.Go(func() { a.follow(ctx, looked) })
	defer following.Wait()
	defer cancel()
	select {
	case <-looked:
	case <-ctx.Done():
	}
	return bridge.Serve(ctx, in, out, bridge.Config{
		Name: name, URL: "http://localhost/mcp", Logger: logger,
		Peer: peer.Config{HTTPClient: &http.Client{Transport: client.InMemory(front)}},
	})
}

// An attachment is a host that is attached to a folder.
type attachment struct {
	dir    string
	front  *Front
	absent func() *Target
	logger *slog.Logger
}

// follow sends the host's requests to mcpengine dev while that runs. It closes looked
// after the first attempt to connect.
func (a *attachment) follow(ctx context.Context, looked chan struct{}) {
	once := sync.OnceFunc(func() { close(looked) })
	defer once()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for missing := false; ctx.Err() == nil; {
		if a.connect(ctx, once) {
			missing = false
		}
		if !missing && ctx.Err() == nil {
			missing = true
			a.logger.Warn("mcpengine dev is not running", "folder", a.dir)
			a.use(a.absent())
			once()
		}
		select {
		case <-again.C:
		case <-ctx.Done():
		}
	}
}

// use replaces the server.
func (a *attachment) use(t *Target) {
	if before := a.front.Use(t); before != nil {
		before.Drain(cancelled) // it has ended, or has never existed
	}
}

var cancelled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// connect uses the program of the folder until that ends, and reports whether there
// was one.
func (a *attachment) connect(ctx context.Context, connected func()) bool {
	where, err := readAddress(a.dir)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(firstLook, func() { cancel(errLate) })
	alive, err := where.alive(ctx)
	if !late.Stop() || err != nil {
		return false
	}
	defer alive.Close()
	base, err := url.Parse(where.URL)
	if err != nil {
		return false
	}
	transport := &devTransport{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100}, address: where, path: base.Path}
	defer transport.CloseIdleConnections()
	a.logger.Info("connected", "url", where.URL)
	a.use(NewTarget(base, transport, nil))
	connected()
	_, _ = io.Copy(io.Discard, alive)
	return true
}

var errLate = errors.New("mcpengine dev does not answer")

// A devTransport sends requests to mcpengine dev, with a token of the first identity
// if there is one.
type devTransport struct {
	*http.Transport
	address address
	path    string

	mu    sync.Mutex
	token string
	until time.Time
	open  bool // there are no identities
}

// RoundTrip implements [http.RoundTripper].
func (t *devTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Path, r.Host = t.path, ""
	if token := t.current(r.Context()); token != "" && r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return t.Transport.RoundTrip(r)
}

func (t *devTransport) current(ctx context.Context) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open || time.Now().Before(t.until) {
		return t.token
	}
	token, err := t.address.tokenOf(ctx, "")
	if err != nil {
		t.open = true
		return ""
	}
	t.token, t.until = token, time.Now().Add(tokenTime/2)
	return token
}
