package attack_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/lambda"
)

// An answer is the HTTP response to one message.
type answer struct {
	status int
	header http.Header
	body   string // of the response, or the event that answers the message
}

// message returns the part of an answer that tests look at.
func (a answer) message(t testing.TB) (m struct {
	ID     any             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int            `json:"code"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data"`
	} `json:"error"`
},
) {
	t.Helper()
	body := a.body
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
		for line := range strings.Lines(body) {
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				body = data // the last one is the response
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("the answer %d %q is no message: %v", a.status, a.body, err)
	}
	return m
}

// A call is a request to an engine.
type call struct {
	method string
	params string // members, without braces
	header http.Header
	login  string // the token of the handshake, where there is one
}

func bearer(token string) http.Header {
	if token == "" {
		return http.Header{}
	}
	return http.Header{"Authorization": {"Bearer " + token}}
}

// clone returns a header that can be added to.
func clone(header http.Header) http.Header {
	if header == nil {
		return http.Header{}
	}
	return header.Clone()
}

// A way is a version and transport by which calls reach an engine.
type way struct {
	name string
	send func(t *testing.T, e *mcpengine.Engine, c call) answer
}

// ways are all combinations. A policy must not depend on the way.
var ways = []way{
	{"2026-07-28", sendStateless},
	{"2025-11-25", sendSession},
	{"HTTP+SSE", sendSSE},
	{"Lambda", sendLambda},
}

const statelessMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}`

// stateless returns the body and the header of a call in 2026-07-28.
func (c call) stateless() (body string, header http.Header) {
	params := statelessMeta
	if c.params != "" {
		params += "," + c.params
	}
	header = clone(c.header)
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json, text/event-stream")
	header.Set("MCP-Protocol-Version", "2026-07-28")
	header.Set("Mcp-Method", c.method)
	var named struct{ Name, URI string }
	_ = json.Unmarshal([]byte("{"+c.params+"}"), &named)
	switch c.method {
	case "tools/call", "prompts/get":
		header.Set("Mcp-Name", named.Name)
	case "resources/read":
		header.Set("Mcp-Name", named.URI)
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, c.method, params), header
}

// handshake returns the body of a call in a handshake version.
func (c call) handshake() string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, c.method, c.params)
}

func sendStateless(t *testing.T, e *mcpengine.Engine, c call) answer {
	t.Helper()
	body, header := c.stateless()
	return post(t, e, "/mcp", body, header)
}

func post(t *testing.T, h http.Handler, path, body string, header http.Header) answer {
	t.Helper()
	return serve(t, h, http.MethodPost, path, body, header)
}

func serve(t *testing.T, h http.Handler, method, path, body string, header http.Header) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

const initialize = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":%q,"capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}`

// handshakeHeader returns the header of a POST in a handshake version.
func handshakeHeader(header http.Header) http.Header {
	header = clone(header)
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json, text/event-stream")
	return header
}

// openSession initializes and returns the header of the session.
func openSession(t *testing.T, e *mcpengine.Engine, version string, header http.Header) http.Header {
	t.Helper()
	header = handshakeHeader(header)
	a := post(t, e, "/mcp", fmt.Sprintf(initialize, version), header)
	if a.status != http.StatusOK {
		t.Fatalf("initialize: %d %s", a.status, a.body)
	}
	header.Set("Mcp-Session-Id", a.header.Get("Mcp-Session-Id"))
	return header
}

func sendSession(t *testing.T, e *mcpengine.Engine, c call) answer {
	t.Helper()
	session := openSession(t, e, "2025-11-25", bearer(c.login))
	header := handshakeHeader(c.header)
	header.Set("Mcp-Session-Id", session.Get("Mcp-Session-Id"))
	return post(t, e, "/mcp", c.handshake(), header)
}

// sendSSE opens an event stream and sends the call there.
func sendSSE(t *testing.T, e *mcpengine.Engine, c call) answer {
	t.Helper()
	s := openSSE(t, e, bearer(c.login))
	s.post(t, fmt.Sprintf(initialize, "2024-11-05"), bearer(c.login))
	s.next(t)
	a := s.post(t, c.handshake(), c.header)
	if a.status == http.StatusAccepted {
		a.status, a.header, a.body = http.StatusOK, http.Header{}, s.next(t)
	}
	return a
}

// An sseClient is a client of the HTTP+SSE transport.
type sseClient struct {
	url    string
	events *bufio.Scanner
}

func openSSE(t *testing.T, e *mcpengine.Engine, header http.Header) *sseClient {
	t.Helper()
	server := httptest.NewServer(e.SSEHandler(""))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/sse", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = clone(header)
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET /sse: %s", resp.Status)
	}
	s := &sseClient{events: bufio.NewScanner(resp.Body)}
	s.url = server.URL + s.next(t)
	return s
}

// next returns the data of the next event.
func (s *sseClient) next(t *testing.T) string {
	t.Helper()
	for s.events.Scan() {
		if data, ok := strings.CutPrefix(s.events.Text(), "data: "); ok {
			return data
		}
	}
	t.Fatalf("the stream has ended: %v", s.events.Err())
	return ""
}

func (s *sseClient) post(t *testing.T, body string, header http.Header) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = clone(header)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

// sendLambda sends the call as the event of a Function URL.
func sendLambda(t *testing.T, e *mcpengine.Engine, c call) answer {
	t.Helper()
	body, header := c.stateless()
	return invoke(t, e, "", body, header)
}

func invoke(t *testing.T, h http.Handler, query, body string, header http.Header) answer {
	t.Helper()
	single := map[string]string{"host": "x.lambda-url.eu-west-1.on.aws"}
	for name, values := range header {
		single[strings.ToLower(name)] = strings.Join(values, ",")
	}
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": "/mcp", "rawQueryString": query, "headers": single,
		"requestContext": map[string]any{
			"domainName": "x.lambda-url.eu-west-1.on.aws", "requestId": "1",
			"http": map[string]any{"method": "POST", "path": "/mcp", "protocol": "HTTP/1.1"},
		},
		"body": base64.StdEncoding.EncodeToString([]byte(body)), "isBase64Encoded": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := lambda.New(h, lambda.Config{}).Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		StatusCode      int               `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		Body            string            `json:"body"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
	}
	if err := json.NewDecoder(bytes.NewReader(payload)).Decode(&out); err != nil {
		t.Fatal(err)
	}
	a := answer{out.StatusCode, http.Header{}, out.Body}
	if out.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		a.body = string(decoded)
	}
	for name, value := range out.Headers {
		a.header.Set(name, value)
	}
	return a
}
