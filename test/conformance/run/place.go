package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/mcpengine/mcpengine/internal/locallambda"
	"github.com/mcpengine/mcpengine/test/conformance/server/fixture"
)

// A place is where a program runs while the suite tests it.
type place struct {
	name  string // by which it is chosen
	title string // as the report says it
	legs  []leg
	start func(ctx context.Context, c config) (site, error)
}

// String returns the name.
func (p place) String() string { return p.name }

// A site is a place with the program in it.
type site struct {
	target string        // the URL of the server, or the path of the client
	stop   func() error  // an error when the program did not end in good order
	log    func() string // of the program, after stop
}

// The names of the places.
const (
	onHTTP     = "http"
	onBuffered = "lambda-buffered"
	onStreamed = "lambda-streamed"
	asClient   = "client"
)

// places returns where the programs are tested: the server as one process that
// listens, and as the bootstrap of a function, behind either kind of Function
// URL; the client wherever the suite starts it.
func places() []place {
	return []place{
		{onHTTP, "HTTP", legs, startHTTP},
		{onBuffered, "AWS Lambda, answers buffered", legs, onLambda(false)},
		{onStreamed, "AWS Lambda, answers streamed", legs, onLambda(true)},
		{asClient, "HTTP", clientLegs, findClient},
	}
}

// findClient starts no process: the suite starts the client, once for each
// scenario.
func findClient(_ context.Context, c config) (site, error) {
	path, err := filepath.Abs(c.client)
	if err != nil {
		return site{}, fmt.Errorf("find the client: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return site{}, fmt.Errorf("find the client, which make build builds: %w", err)
	}
	return site{path, func() error { return nil }, func() string { return "" }}, nil
}

// choosePlaces returns the place of that name, and all of them when it is empty.
func choosePlaces(name string) ([]place, error) {
	all := places()
	if name == "" {
		return all, nil
	}
	i := slices.IndexFunc(all, func(p place) bool { return p.name == name })
	if i < 0 {
		return nil, fmt.Errorf("place %q is unknown: choose one of %v", name, all)
	}
	return all[i : i+1], nil
}

func startHTTP(ctx context.Context, c config) (site, error) {
	s, err := startServer(ctx, c.server)
	if err != nil {
		return site{}, err
	}
	return site{s.url + "/mcp", s.stop, func() string { return s.log.String() }}, nil
}

// environments is how many processes answer at the URL of a function. With more
// than one, a scenario fails if it needs two requests to reach the same
// process.
const environments = 4

// onLambda runs the program on a stand-in for the platform, which freezes it
// between invocations.
func onLambda(stream bool) func(context.Context, config) (site, error) {
	return func(ctx context.Context, c config) (site, error) {
		port, err := freePort(ctx)
		if err != nil {
			return site{}, fmt.Errorf("find a free port: %w", err)
		}
		address, mode := "localhost:"+port, "buffered"
		if stream {
			mode = "stream"
		}
		log := &processLog{}
		p, err := locallambda.New(ctx, locallambda.Options{
			Bootstrap: c.server,
			Address:   address,
			Instances: environments,
			Stream:    stream,
			Freeze:    true,
			Grace:     stopTimeout, // a busy machine may need longer than the platform waits
			Log:       log,
			Env: []string{
				"MCPENGINE_LAMBDA_MODE=" + mode,
				fixture.KeyVariable + "=" + key,
				// The suite's page is at the URL that it tests, and the server
				// sees the Host that the platform makes of it.
				fixture.OriginVariable + "=http://" + address,
			},
		})
		if err != nil {
			return site{}, fmt.Errorf("start the function: %w", err)
		}
		return site{"http://" + address + "/mcp", func() error { p.Stop(); return complaint(p.Ledger()) }, log.String}, nil
	}
}

// key is the key that the processes of a function share, in hexadecimal.
const key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// complaint returns an error if a function did something that the platform does
// not allow.
func complaint(ledger []locallambda.Entry) error {
	var errs []error
	for _, e := range ledger {
		switch e.Kind {
		case locallambda.Violated, locallambda.Crashed, locallambda.Overdue, locallambda.TimedOut:
			errs = append(errs, fmt.Errorf("environment %d: %s: %s", e.Instance, e.Kind, e.Detail))
		case locallambda.Started, locallambda.Ready, locallambda.Ended, locallambda.Killed:
		}
	}
	return errors.Join(errs...)
}

// A processLog collects what several processes write.
type processLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends to the log.
func (l *processLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns what has been written.
func (l *processLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
