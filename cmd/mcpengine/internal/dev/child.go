package dev

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/tail"
	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/seal"
)

const (
	// readyTime is how long a server may take until it answers.
	readyTime = 30 * time.Second

	// stopTime is how long a server may take to end.
	stopTime = 3 * time.Second
)

// A command says how a server is started.
type command struct {
	args   []string
	dir    string
	env    []string
	stdio  bool   // it speaks over its standard streams
	path   string // of its endpoint, when it speaks HTTP
	output io.Writer
	header http.Header // for the questions to it
	keys   *seal.Ring  // of sessions, where it speaks stdio
}

// A server is a program that runs and answers.
type server struct {
	target *Target
	exited <-chan struct{} // nil when the next request starts the program again
	stop   func()
	state  func() string
	began  time.Time

	program string // that was built for it, or ""
	sum     [sha256.Size]byte
}

// start starts a server, and returns when the server answers. An error contains the
// end of the server's output.
func (c command) start(ctx context.Context) (*server, error) {
	if c.stdio {
		return c.startStdio(ctx)
	}
	s, err := c.startHTTP(ctx)
	if err != nil && strings.Contains(err.Error(), "address already in use") {
		s, err = c.startHTTP(ctx) // another program has taken the port in the meantime
	}
	return s, err
}

func (c command) startHTTP(ctx context.Context) (*server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	end := &tail.Writer{}
	cmd := exec.Command(c.args[0], c.args[1:]...) //nolint:noctx // it is stopped
	_, port, _ := net.SplitHostPort(address)
	cmd.Env = append(slices.Clip(c.env), "MCPENGINE_TRANSPORT=http", "MCPENGINE_ADDRESS="+address, "PORT="+port)
	cmd.Dir = c.dir
	cmd.Stdout = io.MultiWriter(c.output, end)
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = time.Second
	child, err := peer.StartChild(cmd)
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100}
	base := &url.URL{Scheme: "http", Host: address, Path: c.path}
	features, err := c.ready(ctx, base, transport, child.Exited())
	if err != nil {
		child.Stop(0) // nobody has sent it anything
		transport.CloseIdleConnections()
		if errors.Is(err, errExited) {
			err = fmt.Errorf("the server ended before it answered: %s", child.State())
		}
		return nil, withTail(err, end)
	}
	return &server{
		target: NewTarget(base, transport, features), exited: child.Exited(), began: time.Now(),
		stop:  func() { transport.CloseIdleConnections(); child.Stop(stopTime) },
		state: func() string { return withTail(errors.New(child.State()), end).Error() },
	}, nil
}

func (c command) startStdio(ctx context.Context) (*server, error) {
	end := &tail.Writer{}
	start := func(ctx context.Context, config peer.Config) (*peer.Conn, error) {
		return peer.Start(ctx, peer.Command{Path: c.args[0], Args: c.args[1:], Env: c.env, Dir: c.dir, Stderr: io.MultiWriter(c.output, end), Key: "command"}, config)
	}
	relay := bridge.Config{Name: c.args[0], Logger: slog.New(slog.DiscardHandler)}
	relay.Peer.Cache = new(peer.MemoryCache)
	handler := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: start, Shared: true, Bridge: relay}), bridge.HandlerConfig{Keys: c.keys})
	transport := client.InMemory(handler)
	base := &url.URL{Scheme: "http", Host: "localhost", Path: "/mcp"}
	features, err := c.ready(ctx, base, transport, nil)
	if err != nil {
		handler.Close()
		return nil, withTail(err, end)
	}
	return &server{
		target: NewTarget(base, transport, features), began: time.Now(),
		stop:  func() { handler.CloseStreams(); handler.Close() },
		state: func() string { return "" },
	}, nil
}

var errExited = errors.New("the server ended")

// ready waits until the server answers, and returns its features. They are nil
// when the server wants other credentials before it lists them.
func (c command) ready(ctx context.Context, endpoint *url.URL, transport http.RoundTripper, exited <-chan struct{}) (*contract.Lock, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTime, fmt.Errorf("the server does not answer at %s within %v", endpoint, readyTime))
	defer cancel()
	for {
		features, err := readFeatures(ctx, endpoint, transport, c.header)
		_, protected := errors.AsType[*client.AuthError](err)
		_, unreachable := errors.AsType[*client.UnreachableError](err)
		switch {
		case err == nil, protected:
			return features, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !unreachable && !isStarting(err):
			return nil, fmt.Errorf("ask the server what it offers: %w", err)
		case exited == nil:
			return nil, err
		}
		select {
		case <-exited:
			return nil, errExited
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// isStarting reports whether a server says that it is not ready yet.
func isStarting(err error) bool {
	status, ok := errors.AsType[*client.StatusError](err)
	return ok && status.Status == http.StatusServiceUnavailable
}

func readFeatures(ctx context.Context, endpoint *url.URL, transport http.RoundTripper, header http.Header) (*contract.Lock, error) {
	opts := []client.Option{client.WithHTTPClient(&http.Client{Transport: transport})}
	for name := range header {
		opts = append(opts, client.WithHeader(name, header.Get(name)))
	}
	c, err := client.Connect(ctx, endpoint.String(), opts...)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return contract.Read(ctx, c)
}

// freeAddress returns an address of this machine that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Addr().(*net.TCPAddr).Port)), nil
}

func withTail(err error, end *tail.Writer) error {
	if text := end.String(); text != "" {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return err
}
