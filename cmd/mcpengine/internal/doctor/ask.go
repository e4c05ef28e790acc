package doctor

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxAnswer bounds an answer, as the client does.
const maxAnswer = 16 << 20

// A reply is the answer to a request.
type reply struct {
	status         int
	header         http.Header
	size           int
	result         json.RawMessage
	refused        *mcp.Error // the JSON-RPC error
	page           bool       // the answer is HTML
	sent, received time.Time
	text           string // the beginning of the body
}

// good reports whether the reply is a result.
func (r *reply) good() bool { return r != nil && r.result != nil }

// says describes a reply that is not a result.
func (r *reply) says() string {
	switch {
	case r.refused != nil:
		return fmt.Sprintf("HTTP %d, error %d: %s", r.status, r.refused.Code, r.refused.Message)
	case r.page:
		return fmt.Sprintf("HTTP %d and a web page", r.status)
	case strings.TrimSpace(r.text) != "":
		return fmt.Sprintf("HTTP %d: %.100q", r.status, r.text)
	}
	return fmt.Sprintf("HTTP %d and no message", r.status)
}

// A request is what is sent to the server.
type request struct {
	version *protocol.Version
	method  string
	params  string // members of the parameters, without braces
	edit    func(http.Header)
	fresh   bool // over a new connection
}

var clientInfo = `{"name":"mcpengine-doctor","version":"0"}`

// body returns the message of a request.
func (q request) body() []byte {
	params := q.params
	if !q.version.Handshake {
		meta := fmt.Sprintf(`"_meta":{%q:%q,%q:%s,%q:{}}`, mcp.MetaProtocolVersion, q.version.Name, mcp.MetaClientInfo, clientInfo, mcp.MetaClientCapabilities)
		params = strings.TrimPrefix(params+","+meta, ",")
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, q.method, params)
}

// http returns the HTTP request.
func (x *exam) http(ctx context.Context, q request) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.URL, bytes.NewReader(q.body()))
	if err != nil {
		return nil, errors.New("make the request") // the cause has the URL
	}
	for name, values := range x.fields {
		r.Header[name] = slices.Clone(values)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if !q.version.Handshake {
		r.Header.Set("Mcp-Method", q.method)
	}
	if q.method != protocol.MethodInitialize {
		r.Header.Set("Mcp-Protocol-Version", q.version.Name)
	}
	if x.seen.token {
		if err := x.Authorizer.Authorize(ctx, r); err != nil {
			return nil, err
		}
	}
	if q.edit != nil {
		q.edit(r.Header)
	}
	r.Close = q.fresh
	return r, nil
}

// ask sends a request and reads the answer.
func (x *exam) ask(ctx context.Context, q request) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	r, err := x.http(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := &reply{sent: x.Now()}
	resp, err := x.send.RoundTrip(r)
	if err != nil {
		return nil, plain(err)
	}
	defer resp.Body.Close()
	answer.received = x.Now()
	answer.status, answer.header = resp.StatusCode, resp.Header
	return answer, answer.read(resp)
}

// plain is an error without the URL of its request.
func plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// errCut says that an answer did not arrive whole.
var errCut = errors.New("the answer breaks off")

// read reads the body: a message, or an event stream up to the message that answers.
func (r *reply) read(resp *http.Response) error {
	body, err := plainBody(resp)
	if err != nil {
		return err
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	r.page = kind == "text/html"
	var data []byte
	if kind == "text/event-stream" {
		events := sse.NewReader(body, maxAnswer)
		for r.result == nil && r.refused == nil {
			e, err := events.Next()
			if err != nil {
				break
			}
			data = e.Data
			r.size += len(e.Data)
			r.parse(e.Data)
		}
	} else {
		data, err = io.ReadAll(io.LimitReader(body, maxAnswer+1))
		r.size = len(data)
		r.parse(data)
	}
	r.text = string(data[:min(len(data), 200)])
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errCut, err)
	}
	return err
}

func plainBody(resp *http.Response) (io.Reader, error) {
	if resp.Header.Get("Content-Encoding") != "gzip" {
		return resp.Body, nil
	}
	unpacked, err := gzip.NewReader(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCut, err)
	}
	return unpacked, nil
}

func (r *reply) parse(data []byte) {
	var m jsonrpc.Message
	if m.Parse(data) != nil || m.Method != "" {
		return
	}
	if m.Error != nil {
		if e, err := jsonrpc.ParseError(m.Error); err == nil {
			r.refused = &mcp.Error{Code: e.Code, Message: e.Message, Data: e.Data}
		}
		return
	}
	r.result = m.Result
}
