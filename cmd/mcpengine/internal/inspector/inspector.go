package inspector

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Options adjust an [Inspector].
type Options struct {
	// Name is what the page is titled with. Required.
	Name string

	// Target is the server. Required.
	Target Target

	// Identities are the callers that the page can switch to. Optional.
	Identities []Identity

	// Version is the only protocol version to speak at first. The default is to
	// find out what the server speaks.
	Version string
}

// A Build is how the last build of the server went. The page shows it.
type Build struct {
	// State is "ok", "building" or "failed", and "none" for a server that is not
	// built here.
	State string `json:"state"`

	// Output is what the compiler writes.
	Output       string    `json:"output,omitempty"`
	Milliseconds int64     `json:"milliseconds,omitempty"`
	At           time.Time `json:"at,omitzero"`
}

// An Inspector serves the page for one server. Make one with [New].
type Inspector struct {
	options Options
	token   string
	journal *journal
	tap     *tap
	asked   *questions
	calls   *calls

	recorder recorder

	page, sandbox net.Listener

	streams atomic.Int64 // of events that are open

	listing sync.Mutex // held while the lists are asked for
	catalog catalog    // the features that the page knows

	connecting sync.Mutex // held while a connection is made or closed

	mu       sync.Mutex
	session  *session // nil without a connection
	failed   string   // why there is none
	version  string   // that is asked for
	identity string
	build    Build
}

// New returns an inspector. Call [Inspector.Listen] and [Inspector.Serve] next.
func New(o Options) *Inspector {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // it never fails
	i := &Inspector{
		options: o,
		token:   base64.RawURLEncoding.EncodeToString(secret),
		journal: newJournal(maxEntries, maxBytes),
		calls:   &calls{running: make(map[string]*reply)},
		version: o.Version,
		build:   Build{State: "none"},
		failed:  "the server has not been connected to yet",
	}
	i.tap = &tap{journal: i.journal}
	i.asked = &questions{journal: i.journal, calls: i.calls, open: make(map[string]*question)}
	return i
}

// Listen opens two ports of the loopback address: one for the page, which may be
// chosen, and one for the views of apps, whose origin has to be another one.
func (i *Inspector) Listen(ctx context.Context, port int) error {
	var config net.ListenConfig
	page, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("open a port for the page: %w", err)
	}
	sandbox, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		page.Close()
		return fmt.Errorf("open a port for views: %w", err)
	}
	i.page, i.sandbox = page, sandbox
	return nil
}

// URL is the address of the page, with the token in it. It is valid after Listen.
func (i *Inspector) URL() string { return i.origin() + "/?token=" + i.token }

func (i *Inspector) origin() string { return "http://" + i.page.Addr().String() }

// Serve connects to the server and serves the page until ctx ends. It returns nil
// then.
func (i *Inspector) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	servers := []*http.Server{i.server(ctx, i.handler()), i.server(ctx, i.sandboxHandler())}
	listeners := []net.Listener{i.page, i.sandbox}
	failed := make(chan error, len(servers))
	var wait sync.WaitGroup
	for n, server := range servers {
		wait.Go(func() { failed <- server.Serve(listeners[n]) })
	}
	wait.Go(func() { _ = i.Reconnect(ctx) }) // the page shows the error
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		cancel()
	}
	for _, server := range servers {
		server.Close()
	}
	wait.Wait()
	i.connecting.Lock()
	i.disconnect()
	i.connecting.Unlock()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// server returns a server whose requests end with ctx.
func (i *Inspector) server(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// SetBuild tells the page how a build goes.
func (i *Inspector) SetBuild(b Build) {
	i.mu.Lock()
	i.build = b
	i.mu.Unlock()
	i.tellState()
}
