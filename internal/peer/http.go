package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxAttempts bounds how often a request is sent because of challenges.
const maxAttempts = 4

// A TLSConfig has the certificates to trust over HTTPS, and the client's own.
type TLSConfig struct {
	RootCAs      *x509.CertPool    // nil for the system's
	Certificates []tls.Certificate // of the client
}

// LoadTLS reads a TLSConfig from files in PEM, whose names may be empty. The
// certificates of caFile are trusted in addition to the system's.
func LoadTLS(caFile, certFile, keyFile string) (TLSConfig, error) {
	var config TLSConfig
	if caFile != "" {
		data, err := os.ReadFile(caFile)
		if err != nil {
			return config, fmt.Errorf("read the certificates to trust: %w", err)
		}
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool()
		}
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return config, fmt.Errorf("read the certificates to trust: %s has none", caFile)
		}
	}
	if certFile != "" {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return config, fmt.Errorf("read the client's certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// idleTimeout is how long a connection may be idle before it is closed. It is
// shorter than the 5 seconds after which servers on uvicorn, hypercorn and
// Node.js close theirs: a request must not meet a connection that is being
// closed.
const idleTimeout = 4 * time.Second

// NewHTTPClient returns a client made for the requests of one connection: it
// uses the proxies of the environment, keeps connections open, and sets no
// time-outs, because the calls have theirs.
func NewHTTPClient(config TLSConfig) *http.Client {
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Client{Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs, Certificates: config.Certificates},
		TLSHandshakeTimeout:    15 * time.Second,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second}, // HTTP/2 keeps using its one connection even if the network is gone
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    128,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: 64 << 10,
	}}
}

// An endpoint sends HTTP requests to one origin.
type endpoint struct {
	client *http.Client
	config *Config
}

func newEndpoint(config *Config) *endpoint {
	client := *config.HTTPClient
	client.CheckRedirect = checkRedirect
	client.Timeout = 0 // it would cut streams off
	return &endpoint{client: &client, config: config}
}

// repeatable marks a request that may be sent twice. A server may close a
// connection while the request is on its way. net/http then sends a marked
// request over another connection, and it sends no field for a name without
// values. It does so only for a connection that had been used before, when no
// byte of a response has arrived.
func repeatable(header http.Header) { header["Idempotency-Key"] = nil }

// checkRedirect follows redirects within the origin that keep the method. Others
// could send credentials elsewhere or lose the message.
func checkRedirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 5 || r.Method != first.Method || !sameOrigin(r.URL, first.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// do sends a request, again after a challenge that the authorizer can answer.
// The header becomes its own. The caller closes the body of the response.
func (e *endpoint) do(ctx context.Context, method string, u *url.URL, header http.Header, body []byte) (*http.Response, error) {
	for name, values := range e.config.Header {
		if header[name] == nil || name == "User-Agent" {
			header[name] = values
		}
	}
	for attempt := 1; ; attempt++ {
		r := newRequest(ctx, method, u, header, body)
		if e.config.Authorizer != nil {
			if err := e.config.Authorizer.Authorize(ctx, r); err != nil {
				return nil, &AuthError{Err: err}
			}
		}
		resp, err := e.client.Do(r)
		if refused, ok := errors.AsType[*AuthError](err); ok {
			return nil, refused // of the transport, such as a signer
		}
		if err != nil {
			return nil, unreachable(err)
		}
		if resp.StatusCode != http.StatusUnauthorized && (resp.StatusCode != http.StatusForbidden || len(Challenges(resp.Header)) == 0) {
			return resp, nil
		}
		if isForgotten(r, resp) {
			return resp, nil
		}
		refused := &AuthError{Status: resp.StatusCode, Challenges: Challenges(resp.Header), Err: bodyError(resp)}
		if e.config.Authorizer == nil || attempt == maxAttempts {
			return nil, refused
		}
		retry, err := e.config.Authorizer.Challenged(ctx, resp)
		if err != nil {
			refused.Err = err
		}
		if err != nil || !retry {
			return nil, refused
		}
	}
}

// isForgotten reports whether a response with status 401 asks for no
// credentials but says that the session is lost, as servers of rmcp do. The
// body stays readable.
func isForgotten(r *http.Request, resp *http.Response) bool {
	if r.Header.Get(sessionField) == "" || len(Challenges(resp.Header)) > 0 {
		return false
	}
	data, _ := readBody(resp, maxErrorBody) // a body that cannot be read has no text
	resp.Body.Close()
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return sessionLost.Match(data)
}

func newRequest(ctx context.Context, method string, u *url.URL, header http.Header, body []byte) *http.Request {
	r := &http.Request{
		Method: method, URL: u, Host: u.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: http.NoBody, // not nil: a RoundTripper may pass the request to a handler
	}
	if body != nil {
		m := &outgoing{text: body}
		m.Reset(body)
		r.ContentLength, r.Body, r.GetBody = int64(len(body)), m, m.again
	}
	return r.WithContext(ctx)
}

// An outgoing is a message as the body of a request.
type outgoing struct {
	bytes.Reader
	text []byte
}

// Close does nothing.
func (m *outgoing) Close() error { return nil }

func (m *outgoing) again() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.text)), nil }

// unreachable describes why a request has no response. Nothing was sent when
// no connection came about.
func unreachable(err error) error {
	urlErr, ok := errors.AsType[*url.Error](err)
	if ok {
		err = urlErr.Err // the URL may hold a secret
	}
	op, ok := errors.AsType[*net.OpError](err)
	sent := !ok || op.Op != "dial"
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		sent = false
	}
	return &UnreachableError{Sent: sent, Err: err}
}

// maxTrusted bounds the memory that is allocated because of a Content-Length
// alone.
const maxTrusted = 1 << 20

// readBody reads a body of at most limit bytes.
func readBody(resp *http.Response, limit int) ([]byte, error) {
	if resp.ContentLength > int64(limit) {
		return nil, protocolErrorf("the answer has %d bytes, more than %d", resp.ContentLength, limit)
	}
	if n := resp.ContentLength; n > 0 && n <= maxTrusted {
		data := make([]byte, n)
		if _, err := io.ReadFull(resp.Body, data); err != nil {
			return nil, &UnreachableError{Sent: true, Err: fmt.Errorf("read the answer: %w", err)}
		}
		return data, nil
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	switch {
	case err != nil:
		return nil, &UnreachableError{Sent: true, Err: fmt.Errorf("read the answer: %w", err)}
	case len(data) > limit:
		return nil, protocolErrorf("the answer has more than %d bytes", limit)
	}
	return data, nil
}

// maxErrorBody bounds how much is read of the body of a refusal.
const maxErrorBody = 64 << 10

// bodyError reads and closes the body of a refusal and returns the JSON-RPC
// error in it, if there is one.
func bodyError(resp *http.Response) error {
	defer resp.Body.Close()
	data, err := readBody(resp, maxErrorBody)
	if err != nil {
		return nil //nolint:nilerr // the status says enough
	}
	if rpcErr := errorIn(data); rpcErr != nil {
		return rpcErr
	}
	return nil
}

// errorIn returns the JSON-RPC error that a message holds, and nil if none.
func errorIn(data []byte) *jsonrpc.Error {
	var m jsonrpc.Message
	if readMessage(&m, data) != nil || m.Error == nil {
		return nil
	}
	rpcErr, err := jsonrpc.ParseError(m.Error)
	if err != nil {
		return nil
	}
	return rpcErr
}

// refusal returns the error for a response that is not a success. It is the
// JSON-RPC error that answers the request, if there is one, unless the status
// says that the request was not processed.
func refusal(resp *http.Response, id []byte) error {
	if resp.StatusCode < 300 {
		return protocolErrorf("%w to a request: it is HTTP %d", errNotAnswer, resp.StatusCode)
	}
	data, err := readBody(resp, maxErrorBody)
	if err != nil {
		data = nil // the status says enough
	}
	status := &StatusError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	rpcErr := errorIn(data)
	switch {
	case rpcErr == nil:
		status.Body = string(data[:min(len(data), 512)])
		return status
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		status.Err = rpcErr
		return status
	case answers(data, id) || isStateless(rpcErr):
		return rpcErr
	}
	status.Err = rpcErr
	return status
}

// answers reports whether the message in data has the id.
func answers(data, id []byte) bool {
	var m jsonrpc.Message
	return m.Parse(data) == nil && bytes.Equal(m.ID, id)
}

// isStateless reports whether only 2026-07-28 has the code of the error
// (versioning, "Backward Compatibility").
func isStateless(err *jsonrpc.Error) bool {
	switch err.Code {
	case mcp.CodeHeaderMismatch, mcp.CodeMissingRequiredClientCapability, mcp.CodeUnsupportedProtocolVersion:
		return true
	}
	return false
}

// maxRetryAfter bounds what a server may ask to wait.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After field (RFC 9110, section 10.2.3).
func retryAfter(value string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(value); err == nil {
		wait = time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
