package mcpengine_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// A busyListener fails before it accepts, as on a system that has run out of
// files.
type busyListener struct {
	net.Listener
	refused atomic.Bool
}

type temporaryError struct{}

func (temporaryError) Error() string   { return "too many open files" }
func (temporaryError) Timeout() bool   { return false }
func (temporaryError) Temporary() bool { return true }

func (l *busyListener) Accept() (net.Conn, error) {
	if l.refused.CompareAndSwap(false, true) {
		return nil, temporaryError{}
	}
	return nil, net.ErrClosed
}

// The errors of net/http go to the engine's logger.
func TestServeLogs(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var log recorder
	e := mcpengine.New("test", mcpengine.WithLogger(log.logger()))
	_ = e.Serve(t.Context(), &busyListener{Listener: l})
	if got := log.take(); !strings.Contains(got, "too many open files") {
		t.Errorf("logged %q, want the error of Accept", got)
	}
}
