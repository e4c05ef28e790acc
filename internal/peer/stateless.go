package peer

import (
	"context"
	"maps"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// A stateless is a link over Streamable HTTP without a handshake: each request
// is a POST of its own, and closing the response cancels it.
type stateless struct {
	*endpoint
	url    *url.URL
	header http.Header // of every request
	broken chan struct{}
}

func newStateless(e *endpoint, u *url.URL, v *protocol.Version) *stateless {
	return &stateless{endpoint: e, url: u, header: postHeader(v.Name), broken: make(chan struct{})}
}

// postHeader returns the fields of a POST of the version. If the version is
// empty, the field for the version is left out.
func postHeader(version string) http.Header {
	h := http.Header{
		"Accept":       {"application/json, text/event-stream"},
		"Content-Type": {"application/json"},
		"User-Agent":   {"mcpengine"},
	}
	if version != "" {
		h["Mcp-Protocol-Version"] = []string{version}
	}
	return h
}

func (s *stateless) call(ctx context.Context, p *pendingCall) ([]byte, error) {
	resp, err := s.request(ctx, p)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp, p.idText)
	}
	p.touch()
	a := answer{pendingCall: p, limit: s.config.MaxMessage}
	result, _, err := a.read(resp)
	return result, err
}

func (s *stateless) request(ctx context.Context, p *pendingCall) (*http.Response, error) {
	header := make(http.Header, len(s.header)+len(s.config.Header)+len(p.Header)+len(p.Mirror)+3)
	maps.Copy(header, p.Header)
	maps.Copy(header, s.header)
	header["Mcp-Method"] = []string{p.Method}
	if p.name != "" {
		header["Mcp-Name"] = []string{EncodeValue(p.name)}
	}
	if p.Replay {
		repeatable(header)
	}
	if len(p.Mirror) > 0 {
		params, err := jsonrpc.ParseObject(p.Params)
		if err != nil {
			return nil, err
		}
		p.Mirror.apply(header, params.Get("arguments"))
	}
	return s.do(ctx, http.MethodPost, s.url, header, p.message)
}

func (s *stateless) send(ctx context.Context, message []byte) error {
	header := s.header.Clone()
	var m jsonrpc.Message
	if err := m.Parse(message); err != nil {
		return err
	}
	header["Mcp-Method"] = []string{m.Method}
	return s.post(func() (*http.Response, error) { return s.do(ctx, http.MethodPost, s.url, header, message) })
}

// quiet is forever: servers do not ask.
func (s *stateless) quiet() time.Duration { return math.MaxInt64 }

func (s *stateless) done() <-chan struct{} { return s.broken }

// close has nothing to end: the calls are ended by the connection.
func (s *stateless) close() {}
