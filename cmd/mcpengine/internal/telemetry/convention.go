package telemetry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// Attributes whose names are used more than once.
const (
	errorType        = "error.type"
	networkTransport = "network.transport"
	other            = "_OTHER" // a name that is not known
)

// maxValue bounds values that hosts choose, in bytes.
const maxValue = 4096

// bounded returns s, cut when it is long, without what is not UTF-8.
func bounded(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxValue)], "")
}

// received makes the span of a request of the host. Its parent is the context in the
// "_meta" of the request.
func (t *Telemetry) received(ctx context.Context, r bridge.Received) (context.Context, func([]byte, *jsonrpc.Error)) {
	parent := parseContext(jsonrpc.Text(r.Meta.Get("traceparent")), jsonrpc.Text(r.Meta.Get("tracestate")))
	ctx, s := t.begin(ctx, parent, kindServer)
	if !s.sampled {
		return ctx, nil
	}
	isCall := r.Method == mcp.MethodToolsCall
	s.describe(r.Method, r.Version, r.Params)
	s.attributes = append(s.attributes, attribute{"jsonrpc.request.id", bounded(strings.Trim(string(r.ID), `"`))})
	s.describeHTTP(r.HTTP)
	s.describeSession(r.Session)
	return ctx, func(result []byte, err *jsonrpc.Error) {
		switch {
		case err != nil && ctx.Err() != nil:
			s.add(errorType, "cancelled")
		case err != nil:
			s.answered(err, isServerError(err.Code))
		case isCall && isToolError(result):
			s.add(errorType, "tool_error")
			s.failed = true
		}
		t.finish(s)
	}
}

// sent makes the span of a request to the server, below that of the host's.
func (t *Telemetry) sent(ctx context.Context, p *peer.Sent) (context.Context, func([]byte, error)) {
	ctx, s := t.begin(ctx, parentOf(ctx), kindClient)
	p.Meta = s.meta()
	if !s.sampled {
		return ctx, nil
	}
	params, _ := jsonrpc.ParseObject(p.Params)
	s.describe(p.Method, p.Version, params)
	s.describeServer(p.Server)
	s.describeSession(p.Session)
	isCall := p.Method == mcp.MethodToolsCall
	return ctx, func(result []byte, err error) {
		if p.ID != "" {
			s.add("jsonrpc.request.id", p.ID)
		}
		rpcErr, answered := errors.AsType[*jsonrpc.Error](err)
		switch {
		case answered:
			s.answered(rpcErr, true)
		case errors.Is(err, context.Canceled):
			s.add(errorType, "cancelled")
		case err != nil:
			s.add(errorType, kindOf(err))
			s.failed = true
		case isCall && isToolError(result):
			s.add(errorType, "tool_error")
			s.failed = true
		}
		t.finish(s)
	}
}

func (t *Telemetry) finish(s *span) {
	s.end = time.Now()
	t.batch.add(s)
}

func (s *span) add(key string, value any) { s.attributes = append(s.attributes, attribute{key, value}) }

// describe names the span and adds what both sides know of a request.
func (s *span) describe(method, version string, params jsonrpc.Object) {
	row := protocol.MethodOf(method)
	if s.name = method; row.Name == "" {
		s.name = other
	}
	s.add("mcp.method.name", s.name)
	s.add("mcp.protocol.version", version)
	about := ""
	if row.Param != "" {
		about = bounded(jsonrpc.Text(params.Get(row.Param)))
	}
	switch row.About {
	case protocol.AboutTool:
		s.add("gen_ai.tool.name", about)
		s.add("gen_ai.operation.name", "execute_tool")
	case protocol.AboutPrompt:
		s.add("gen_ai.prompt.name", about)
	case protocol.AboutResource:
		s.add("mcp.resource.uri", about)
		return // not in the name: there are too many
	default:
		return
	}
	if about != "" {
		s.name += " " + about
	}
}

// describeHTTP adds how the host's request came.
func (s *span) describeHTTP(r *http.Request) {
	if r == nil {
		s.add(networkTransport, "pipe")
		return
	}
	s.add(networkTransport, "tcp")
	s.add("network.protocol.name", "http")
	s.add("network.protocol.version", strconv.Itoa(r.ProtoMajor)+"."+strconv.Itoa(r.ProtoMinor))
	if host, port, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		s.add("client.address", host)
		if n, err := strconv.Atoi(port); err == nil {
			s.add("client.port", n)
		}
	}
}

// describeServer adds where a request goes: the URL is empty for a command.
func (s *span) describeServer(server string) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		s.add(networkTransport, "pipe")
		return
	}
	s.add(networkTransport, "tcp")
	s.add("network.protocol.name", "http")
	s.add("server.address", u.Hostname())
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		port = map[string]int{"http": 80, "https": 443}[u.Scheme]
	}
	if port != 0 {
		s.add("server.port", port)
	}
}

// describeSession adds the session of a handshake version, if there is one.
func (s *span) describeSession(id string) {
	if id != "" {
		s.add("mcp.session.id", bounded(id))
	}
}

// answered adds a JSON-RPC error.
func (s *span) answered(err *jsonrpc.Error, failed bool) {
	code := strconv.Itoa(err.Code)
	s.add("rpc.response.status_code", code)
	if failed {
		s.add(errorType, code)
		s.failed, s.message = true, bounded(err.Message)
	}
}

// isServerError reports whether an error to the host is not the host's mistake.
func isServerError(code int) bool {
	switch code {
	case mcp.CodeParseError, mcp.CodeInvalidRequest, mcp.CodeMethodNotFound, mcp.CodeInvalidParams, mcp.CodeResourceNotFound:
		return false
	}
	return true
}

func isToolError(result []byte) bool {
	members, _ := jsonrpc.ParseObject(result)
	return string(members.Get("isError")) == "true"
}

// kindOf names an error that is not the server's answer, in few words.
func kindOf(err error) string {
	if status, ok := errors.AsType[*peer.StatusError](err); ok {
		return strconv.Itoa(status.Status)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, peer.ErrIdle):
		return "timeout"
	case is[*peer.AuthError](err):
		return "unauthorized"
	case is[*peer.SessionError](err):
		return "session_lost"
	case is[*peer.UnreachableError](err):
		return "unreachable"
	case is[*peer.ProtocolError](err):
		return "protocol_error"
	}
	return other
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
