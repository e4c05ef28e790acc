package attack_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
)

// A caller with a scope to read may not write, and one challenge names all
// missing scopes.
func TestAttackC01ReaderWrites(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	token := f.token(nil)
	for _, way := range ways {
		for feature, scopes := range map[string]string{"write": "mcp:write", "both": "mcp:write reports"} {
			t.Run(feature+" over "+way.name, func(t *testing.T) {
				c := call{method: "tools/call", params: fmt.Sprintf(`"name":%q`, feature), header: bearer(token), login: token}
				f.check(t, way.send(t, f.engine, c), needs(scopes))
			})
		}
	}
}

// The limits of time and of header size are the same with and without a token.
func TestAttackD22Limits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{engine: []mcpengine.Option{mcpengine.WithHTTP(mcpengine.HTTPConfig{IOTimeout: 100 * time.Millisecond})}})
	server := httptest.NewServer(f.engine)
	defer server.Close()
	body, header := call{method: "tools/call", params: `"name":"read"`, header: bearer(f.token(nil))}.stateless()
	tests := []struct {
		name   string
		fields string
		body   string
		status int
	}{
		{"in time", "", body, http.StatusOK},
		{"a body that stops", "", body[:len(body)-1], http.StatusRequestTimeout},
		{"a body that never begins", "", "", http.StatusRequestTimeout},
		{"a long field", "X-Long: " + strings.Repeat("x", 2<<20) + "\r\n", body, http.StatusRequestHeaderFieldsTooLarge},
		{"many fields", strings.Repeat("X-Many: x\r\n", 200_000), body, http.StatusRequestHeaderFieldsTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f.took()
			conn, err := net.Dial("tcp", server.Listener.Addr().String()) //nolint:noctx // the deadline ends it
			if err != nil {
				t.Fatal(err)
			}
			var sending sync.WaitGroup
			defer sending.Wait()
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(3 * time.Minute)); err != nil {
				t.Fatal(err)
			}
			var request bytes.Buffer
			fmt.Fprintf(&request, "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", server.Listener.Addr(), len(body))
			if err := header.Write(&request); err != nil {
				t.Fatal(err)
			}
			request.WriteString(test.fields + "\r\n" + test.body)
			sending.Go(func() { _, _ = conn.Write(request.Bytes()) }) // it may be refused half-way
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("status %d, want %d", resp.StatusCode, test.status)
			}
			if ran := f.took(); (len(ran) > 0) != (test.status == http.StatusOK) {
				t.Errorf("%v ran", ran)
			}
		})
	}
}

// If a gateway renames WWW-Authenticate, a client still finds where to sign in:
// from the body, and from both well-known paths.
func TestAttackD25RenamedChallenge(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	server := httptest.NewServer(f.engine)
	defer server.Close()
	a := sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"read"`})
	a.header.Del("WWW-Authenticate")
	if got := a.message(t).Error.Data["resource_metadata"]; got != metadataURL {
		t.Errorf("the body names %v, want %s", got, metadataURL)
	}
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"} {
		resp, err := server.Client().Get(server.URL + path) //nolint:noctx // of a test
		if err != nil {
			t.Fatal(err)
		}
		document, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Contains(document, []byte(f.idp.Issuer())) {
			t.Errorf("%s: %s %v", path, document, err)
		}
	}
}

// A refused request gets a JSON-RPC error with its id, over every transport.
func TestAttackF02Refusal(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	body, header := call{method: "tools/call", params: `"name":"read"`}.stateless()
	body = strings.Replace(body, `"id":1`, `"id":"the id"`, 1)
	for name, a := range map[string]answer{
		"HTTP":   post(t, f.engine, "/mcp", body, header),
		"Lambda": invoke(t, f.engine, "", body, header),
	} {
		var m struct {
			Version string          `json:"jsonrpc"`
			ID      string          `json:"id"`
			Error   json.RawMessage `json:"error"`
		}
		if err := json.Unmarshal([]byte(a.body), &m); err != nil || m.Version != "2.0" || m.ID != "the id" || m.Error == nil {
			t.Errorf("over %s: %s %v", name, a.body, err)
		}
		if a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("WWW-Authenticate"), metadataURL) {
			t.Errorf("over %s: %d %v", name, a.status, a.header)
		}
	}
}
