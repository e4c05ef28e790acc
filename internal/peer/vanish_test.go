package peer_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// A vanishing connection accepts writes, and silently loses them when its
// network is gone.
type vanishing struct {
	net.Conn
	gone *atomic.Bool
}

func (v vanishing) Write(p []byte) (int, error) {
	if v.gone.Load() {
		return len(p), nil
	}
	return v.Conn.Write(p)
}

// pipes is a listener for connections in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error { return nil }

func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// Over HTTP/2 everything uses one connection, which a silent subscription keeps
// open. When the network is gone, a ping finds that out.
func TestVanishedConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}))
		listener := make(pipes)
		server.Listener.Close()
		server.Listener, server.EnableHTTP2 = listener, true
		server.StartTLS()
		trusted := x509.NewCertPool()
		trusted.AddCert(server.Certificate())
		client := peer.NewHTTPClient(peer.TLSConfig{RootCAs: trusted})
		var gone atomic.Bool
		transport, ok := client.Transport.(*http.Transport)
		if !ok {
			t.Fatalf("the transport is a %T", client.Transport)
		}
		transport.Proxy = nil // whatever the environment says
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			listener <- far
			return vanishing{near, &gone}, nil
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.ProtoMajor != 2 {
			t.Fatalf("the server speaks %s", resp.Proto)
		}
		time.Sleep(time.Hour) // of the bubble's clock: silence alone ends nothing
		gone.Store(true)
		began := time.Now()
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Error("the stream has ended well")
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("it took %v, want 30 s at most", took)
		}
		client.CloseIdleConnections()
		close(listener)
		server.Close()
	})
}
