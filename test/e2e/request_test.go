package e2e_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/mcpengine/mcpengine/mcp"
)

// A request is a well-formed HTTP request. Each row of a test changes one part.
type request struct {
	method  string
	host    string
	header  http.Header
	body    string
	chunked bool
}

// newRequest returns a well-formed request of a method, with the value of
// Mcp-Name and the members of its params.
func newRequest(method, name, members string) *request {
	r := &request{method: http.MethodPost, header: http.Header{}}
	r.header.Set("Content-Type", "application/json")
	r.header.Set("Accept", "application/json, text/event-stream")
	r.header.Set("Mcp-Protocol-Version", version)
	r.header.Set("Mcp-Method", method)
	if name != "" {
		r.header.Set("Mcp-Name", name)
	}
	if members != "" {
		members += ","
	}
	r.body = fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s%s}}`, method, members, meta)
	return r
}

// newCall returns a well-formed call of a tool.
func newCall(tool, arguments string) *request {
	return newRequest(mcp.MethodToolsCall, tool, fmt.Sprintf(`"name":%q,"arguments":%s`, tool, arguments))
}

func echo() *request { return newCall("echo", `{"text":"hello"}`) }

// with returns the request with its body changed.
func (r *request) with(old, replacement string) *request {
	if !strings.Contains(r.body, old) {
		panic(fmt.Sprintf("there is no %q in %s", old, r.body))
	}
	r.body = strings.Replace(r.body, old, replacement, 1)
	return r
}

// sending returns the request with another body.
func (r *request) sending(body string) *request {
	r.body = body
	return r
}

// set returns the request with the values of a header field replaced. Without
// values it removes the field.
func (r *request) set(field string, values ...string) *request {
	if len(values) == 0 {
		delete(r.header, field)
	} else {
		r.header[field] = values
	}
	return r
}

// as returns the request with another HTTP method.
func (r *request) as(method string) *request {
	r.method = method
	return r
}

// to returns the request for another host.
func (r *request) to(host string) *request {
	r.host = host
	return r
}

// inChunks returns the request with a body of undeclared length.
func (r *request) inChunks() *request {
	r.chunked = true
	return r
}

func (r *request) do(ctx context.Context, server *httptest.Server) (status int, body []byte, err error) {
	var reader io.Reader = strings.NewReader(r.body)
	if r.chunked {
		reader = io.MultiReader(reader)
	}
	out, err := http.NewRequestWithContext(ctx, r.method, server.URL, reader)
	if err != nil {
		return 0, nil, err
	}
	out.Header, out.Host = r.header.Clone(), r.host
	resp, err := server.Client().Do(out)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

func base64Value(text string) string {
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
}
