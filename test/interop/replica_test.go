package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine"
)

// TestReplicas has a client of a version with sessions call tools through a
// proxy that sends the requests to two processes in turn. The processes share
// only keys. Both have to know every session.
func TestReplicas(t *testing.T) {
	t.Parallel()
	calls := 10_000
	if testing.Short() {
		calls = 2_000
	}
	balancer := newBalancer(startReplica(t), startReplica(t))
	proxy := httptest.NewServer(balancer)
	t.Cleanup(proxy.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	v := connect(ctx, t, &mcp.StreamableClientTransport{Endpoint: proxy.URL + "/mcp", HTTPClient: proxy.Client()}, "2025-11-25")
	if v.ID() == "" {
		t.Error("the client has no session")
	}
	callMany(ctx, t, v, calls)
	if n := balancer.refused.Load(); n > 0 {
		t.Errorf("%d requests were refused", n)
	}
	for i := range balancer.served {
		if n := balancer.served[i].Load(); n < int64(calls/2) {
			t.Errorf("replica %d served %d requests, want half of %d", i, n, calls)
		}
	}
}

// callMany calls a tool so many times, a few calls at a time.
func callMany(ctx context.Context, t *testing.T, v *visitor, calls int) {
	t.Helper()
	const workers = 8
	errs := make([]error, workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < calls && errs[worker] == nil; i += workers {
				errs[worker] = v.add(ctx, i)
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func (v *visitor) add(ctx context.Context, n int) error {
	result, err := v.CallTool(ctx, &mcp.CallToolParams{Name: "add", Arguments: addInput{n, 1}})
	if err != nil {
		return fmt.Errorf("call %d: %w", n, err)
	}
	if sum, ok := result.StructuredContent.(map[string]any); !ok || sum["sum"] != float64(n+1) {
		return fmt.Errorf("call %d: %+v", n, result.StructuredContent)
	}
	return nil
}

// A balancer sends requests to its replicas in turn, and counts.
type balancer struct {
	replicas []*httputil.ReverseProxy
	next     atomic.Int64
	served   []atomic.Int64
	refused  atomic.Int64
}

func newBalancer(addresses ...string) *balancer {
	b := &balancer{served: make([]atomic.Int64, len(addresses))}
	for _, address := range addresses {
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
		proxy.FlushInterval = -1
		proxy.ModifyResponse = func(response *http.Response) error {
			if response.StatusCode >= 400 {
				b.refused.Add(1)
			}
			return nil
		}
		b.replicas = append(b.replicas, proxy)
	}
	return b
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i := int(b.next.Add(1)) % len(b.replicas)
	b.served[i].Add(1)
	b.replicas[i].ServeHTTP(w, r)
}

// startReplica runs the fixture in a process of its own and returns its
// address.
func startReplica(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), self)
	command.Env = append(os.Environ(), fixtureVariable+"=replica")
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stdin.Close(), command.Wait()); err != nil {
			t.Errorf("stop replica: %v", err)
		}
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("read the replica's address: %v", err)
	}
	return strings.TrimSpace(address)
}

// serveReplica prints its address and serves until its input ends.
func serveReplica(stdin io.Reader, stdout io.Writer) error {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	engine := newFixture(mcpengine.WithKeys(bytes.Repeat([]byte{7}, 32)))
	server := &http.Server{Handler: engine, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintln(stdout, listener.Addr())
	if _, err := io.Copy(io.Discard, stdin); err != nil {
		return fmt.Errorf("wait for the end: %w", err)
	}
	engine.Close()
	if err := server.Close(); err != nil {
		return fmt.Errorf("close server: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
