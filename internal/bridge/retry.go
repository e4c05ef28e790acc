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

	// maxRetryAfter is the longest Retry-After that the bridge obeys. Beyond it
	// the host gets the error: it can decide better what to do.
	maxRetryAfter = 30 * time.Second
)

// retryWait reports whether a request is sent again after an error, and how long
// to wait before. Safe says that the server may see the request twice. A lost
// session is not its business: [peer.Conn] begins another and sends the request
// again by itself.
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
	}
	return 0, false
}

// connect returns the connection, and tries again where that may help. No
// request has been sent yet, so no request is made twice.
func (s *server) connect(ctx context.Context, config peer.Config) (c *peer.Conn, err error) {
	err = s.repeat(ctx, "connect", func() (bool, error) {
		c, err = s.connected(ctx, config)
		return true, err
	})
	return c, err
}

// call sends a request, again where that is safe and may help.
func (s *server) call(ctx context.Context, config peer.Config, call peer.Call) (result []byte, err error) {
	err = s.repeat(ctx, call.Method, func() (bool, error) {
		c, err := s.connected(ctx, config)
		if err != nil {
			return true, err
		}
		if result, err = c.Call(ctx, call); err == nil || isAnswer(err) {
			s.succeeded()
		} else {
			s.failed(err)
		}
		return call.Replay, err
	})
	return result, err
}

// isAnswer reports whether an error is a JSON-RPC error of the server, and not a
// status with one in its body.
func isAnswer(err error) bool { return wraps[*jsonrpc.Error](err) && !wraps[*peer.StatusError](err) }

// repeat calls try until it succeeds or fails for good. Try reports whether it
// is safe to do it again.
func (s *server) repeat(ctx context.Context, what string, try func() (safe bool, err error)) error {
	for attempt := 0; ; attempt++ {
		safe, err := try()
		if err == nil {
			return nil
		}
		wait, again := retryWait(err, safe, attempt)
		if !again {
			return err
		}
		s.bridge.config.Logger.Debug("try again", "what", what, "error", err, "in", wait)
		if err := peer.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}
