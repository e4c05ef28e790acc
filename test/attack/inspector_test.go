package attack_test

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/buildtest"
)

// Family K, pages that reach the inspector of somebody who browses (CVE-2025-49596):
// each request is refused, and calls nothing.
func TestAttackInspector(t *testing.T) {
	t.Parallel()
	called := make(chan struct{}, 1)
	e := mcpengine.New("target")
	mcpengine.AddTool(e, "run", "", func(context.Context, none) (string, error) {
		called <- struct{}{}
		return "ran", nil
	})
	target := httptest.NewServer(e)
	t.Cleanup(target.Close)
	t.Cleanup(e.Close)
	address := startInspector(t, target.URL)
	const body = `{"method":"tools/call","params":{"name":"run","arguments":{}}}`
	for _, test := range []struct {
		name, method, path, body string
		header                   http.Header
		host                     string
		status                   int
	}{
		{"K01 no token", "POST", "/api/request", body, nil, "", 401},
		{"K02 DNS rebinding", "POST", "/api/request", body, http.Header{"Authorization": {"Bearer " + address.token}}, "rebound.example", 421},
		{"K03 foreign origin", "POST", "/api/request", body, http.Header{"Authorization": {"Bearer " + address.token}, "Origin": {"https://evil.example"}}, "", 403},
		{"K04 form as text", "POST", "/api/request", body, http.Header{"Authorization": {"Bearer " + address.token}, "Content-Type": {"text/plain"}}, "", 415},
		{"K05 image that calls", "GET", "/api/request?method=tools/call", "", http.Header{"Authorization": {"Bearer " + address.token}}, "", 405},
		{"K06 token in the query", "GET", "/api/state?token=" + address.token, "", nil, "", 401},
		{"K07 command of the page", "GET", "/sse?transportType=stdio&command=touch&args=/tmp/x", "", nil, "", 404},
		{"K08 server of the page", "POST", "/api/reconnect", `{"url":"http://evil.example/mcp"}`, nil, "", 401},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, address.base+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = test.host
		maps.Copy(r.Header, test.header)
		if r.Header.Get("Content-Type") == "" && test.method == http.MethodPost {
			r.Header.Set("Content-Type", "application/json")
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != test.status || strings.Contains(string(text), address.token) {
			t.Errorf("%s: HTTP %d %s, want %d", test.name, resp.StatusCode, text, test.status)
		}
	}
	select {
	case <-called:
		t.Error("one of the requests has called the tool")
	default:
	}
}

type inspectorAddress struct{ base, token string }

// startInspector starts the inspector for a server, until the test ends.
func startInspector(t *testing.T, server string) inspectorAddress {
	t.Helper()
	program := buildtest.Program(t, filepath.Join("..", "..", "cmd", "mcpengine"), ".")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "inspect", "--open", "--no-browser", server)
	cmd.Env = append(cmd.Environ(), "MCPENGINE_HOME="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(line))
	if err != nil || u.Query().Get("token") == "" {
		t.Fatalf("the program prints %q", line)
	}
	return inspectorAddress{"http://" + u.Host, u.Query().Get("token")}
}
