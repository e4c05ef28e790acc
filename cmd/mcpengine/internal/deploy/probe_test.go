package deploy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

// A server that answers with something else than a discovery is not well, and
// the error says what it answered.
func TestProbeAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   string // error; none means that the server is protected
	}{
		{"it wants a token", 401, "", ""},
		{"it crashes", 502, "Internal Server Error", "502 Bad Gateway: Internal Server Error"},
		{"there is nothing at the path", 404, "404 page not found", "404 Not Found: 404 page not found"},
		{"a web page", 200, "<html>\x1b[2J", "the answer is not a message of MCP: <html>\\u001b[2J"},
		{"an error", 200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"method not found"}}`, "method not found"},
		{"no version", 200, `{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":[]}}`, "names no protocol version"},
		{"a redirect elsewhere", 302, "", "302 Found"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := deployed(t, deploy.Spec{Name: "weather"})
			asked := 0
			fake.Function = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.Header().Set("Location", "http://169.254.169.254/")
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			})
			d := connect(fake.address, deploy.Config{})
			endpoint, err := d.Find(t.Context(), "weather", "mcp")
			if err != nil {
				t.Fatal(err)
			}
			found, err := d.Probe(t.Context(), endpoint)
			switch {
			case test.want == "":
				if err != nil || !found.Protected {
					t.Errorf("Probe = %+v, %v; want a protected server", found, err)
				}
			case err == nil || !strings.Contains(err.Error(), test.want):
				t.Errorf("Probe: %v, want %q", err, test.want)
			case asked != 10:
				t.Errorf("asked %d times, want 10", asked)
			}
		})
	}
}

// A URL with IAM authorization is asked with a signature.
func TestProbeSigned(t *testing.T) {
	t.Parallel()
	fake := deployed(t, deploy.Spec{Name: "weather", IAM: new(true)})
	d := connect(fake.address, deploy.Config{})
	endpoint, err := d.Find(t.Context(), "weather", "mcp")
	if err != nil {
		t.Fatal(err)
	}
	if !endpoint.IAM {
		t.Errorf("Find = %+v, want one with IAM", endpoint)
	}
	if _, err := d.Probe(t.Context(), endpoint); err != nil {
		t.Errorf("Probe: %v", err)
	}
	endpoint.IAM = false
	if _, err := d.Probe(t.Context(), endpoint); err == nil || !strings.Contains(err.Error(), "403 Forbidden") {
		t.Errorf("Probe without a signature: %v, want 403", err)
	}
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	fake := serve(t)
	d := connect(fake.address, deploy.Config{})
	_, err := d.Find(t.Context(), "weather", "mcp")
	if err == nil || err.Error() != "there is no server weather in region eu-central-1" || !strings.Contains(deploy.Hint(err), "--region") {
		t.Errorf("Find: %v, hint %q", err, deploy.Hint(err))
	}
	fake.AddFunction("weather", nil)
	if _, err = d.Find(t.Context(), "weather", "mcp"); err == nil || !strings.Contains(err.Error(), "was not made by mcpengine") {
		t.Errorf("Find of a function of another owner: %v", err)
	}
	fake.AddFunction("weather", ours)
	if _, err = d.Find(t.Context(), "weather", "mcp"); err == nil || err.Error() != "server weather has no URL" {
		t.Errorf("Find of a function without a URL: %v", err)
	}
}
