// Package mototest starts moto, which stands in for AWS, for tests.
package mototest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Server is moto's server on the loopback interface.
type Server struct {
	URL string

	cmd   *exec.Cmd
	read  chan struct{}    // closed when its output has ended
	front *httptest.Server // nil until moto has started
}

// patience is how long the start may take.
const patience = 2 * time.Minute

// ErrMissing reports that moto is not installed.
var ErrMissing = errors.New("moto's server is not installed: scripts/install-python")

// Launch starts a server. The caller must call [Server.Stop].
func Launch(ctx context.Context) (*Server, error) {
	program, err := exec.LookPath("moto_server")
	if err != nil {
		return nil, ErrMissing
	}
	// It chooses the port: one that the test chose could be gone by then.
	s := &Server{cmd: exec.CommandContext(ctx, program, "-H", "127.0.0.1", "-p", "0"), read: make(chan struct{})}
	// It checks that the policy to attach exists only when it has loaded them.
	s.cmd.Env = append(os.Environ(), "MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	address := make(chan string, 1)
	go func() {
		defer close(s.read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, found, ok := strings.Cut(lines.Text(), "Running on "); ok {
				address <- found
				break
			}
		}
		_, _ = io.Copy(io.Discard, stderr) // so that it never waits for a reader
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case at := <-address:
		if s.front, err = oneAtATime(at); err == nil {
			s.URL = s.front.URL
			return s, nil
		}
	case <-s.read:
		err = errors.New("moto has ended")
	case <-timer.C:
		err = errors.New("moto does not start")
	}
	s.Stop()
	return nil, err
}

// oneAtATime starts a server that passes requests on to moto, each when the one before
// it has been answered. moto undoes a transaction of DynamoDB that fails by restoring
// a copy of the tables, and with it would undo what other requests wrote since.
func oneAtATime(address string) (*httptest.Server, error) {
	moto, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(moto)
		r.Out.Host = r.In.Host // which addresses in answers begin with
	}}
	var mu sync.Mutex
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A client that is killed must not let the next request in before moto is done.
		ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
		defer cancel()
		r = r.WithContext(ctx)
		mu.Lock()
		defer mu.Unlock()
		proxy.ServeHTTP(w, r)
	})), nil
}

// Stop ends the server.
func (s *Server) Stop() {
	if s.front != nil {
		s.front.CloseClientConnections()
		s.front.Close()
	}
	_ = s.cmd.Process.Kill()
	<-s.read
	_ = s.cmd.Wait() // it was killed, which is no news
}

// Start starts a server, ends it with the test, and returns its address. The test
// is skipped where moto is not installed.
func Start(t testing.TB) string {
	t.Helper()
	s, err := Launch(t.Context())
	if errors.Is(err, ErrMissing) {
		t.Skip("out of reach: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s.URL
}
