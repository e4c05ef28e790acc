package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

const (
	// maxRetries and firstRetry let a server restart: 0.25, 0.5, 1 and 2 s.
	maxRetries = 4
	firstRetry = 250 * time.Millisecond

	// maxRetryAfter is how long a server may ask to wait. A host that hears of
	// the failure can decide better than one that hears nothing.
	maxRetryAfter = 30 * time.Second
)

// retryWait is how long to wait before a request is sent again, and whether it
// is to be. Safe says that the server may see it twice.
func retryWait(err error, safe bool, attempt int) (time.Duration, bool) {
	if attempt >= maxRetries {
		return 0, false
	}
	wait := firstRetry << attempt
	if unreachable, ok := errors.AsType[*peer.UnreachableError](err); ok {
		_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
		return wait, (safe || !unreachable.Sent) && !untrusted
	}
	if status, ok := errors.AsType[*peer.StatusError](err); ok {
		switch status.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return max(wait, status.RetryAfter), safe && status.RetryAfter <= maxRetryAfter
		}
		return 0, false
	}
	_, lost := errors.AsType[*peer.SessionError](err)
	return 0, lost && safe
}

// connect is connected, again and again where that may help.
func (s *server) connect(ctx context.Context, config peer.Config) (*peer.Conn, error) {
	for attempt := 0; ; attempt++ {
		c, err := s.connected(ctx, config)
		if err == nil {
			return c, nil
		}
		// Nothing has been asked for yet, so that nothing happens twice.
		wait, again := retryWait(err, true, attempt)
		if !again {
			return nil, err
		}
		s.bridge.config.Logger.Debug("connect again", "error", err, "in", wait)
		if err := peer.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// call sends a request, again where that is safe and may help.
func (s *server) call(ctx context.Context, config peer.Config, call peer.Call) ([]byte, error) {
	for attempt := 0; ; attempt++ {
		c, err := s.connect(ctx, config)
		if err != nil {
			return nil, err
		}
		result, err := c.Call(ctx, call)
		if _, answered := errors.AsType[*jsonrpc.Error](err); err == nil || answered {
			s.succeeded()
			return result, err
		}
		s.failed(err)
		wait, again := retryWait(err, call.Replay, attempt)
		if !again {
			return nil, err
		}
		s.bridge.config.Logger.Debug("send a request again", "method", call.Method, "error", err, "in", wait)
		if err := peer.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}
