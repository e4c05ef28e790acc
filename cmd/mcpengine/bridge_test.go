package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mcpengine/mcpengine"
)

type words struct {
	Text string `json:"text"`
}

func echo(_ context.Context, in words) (string, error) { return in.Text, nil }

// Each script has a server at $MCP, one that wants credentials at $LOCKED, which
// takes "Bearer open-sesame", and something that is no server at $OTHER.
func TestBridge(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/bridge",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			e := mcpengine.New("far")
			mcpengine.AddTool(e, "echo", "", echo)
			locked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer open-sesame" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				e.ServeHTTP(w, r)
			})
			// A proxy is one by answering requests for other hosts.
			proxy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Host != "far.example" {
					http.Error(w, "not through here", http.StatusBadGateway)
					return
				}
				r.Host = "localhost" // the proxy is on this machine
				e.ServeHTTP(w, r)
			})
			for name, handler := range map[string]http.Handler{"MCP": e, "LOCKED": locked, "PROXY": proxy, "OTHER": http.NotFoundHandler()} {
				server := httptest.NewServer(handler)
				env.Defer(server.Close)
				env.Setenv(name, server.URL)
			}
			env.Defer(e.Close)
			env.Setenv("MCPENGINE_HOME", env.WorkDir+"/home")
			return nil
		},
	})
}

func TestBridgeArguments(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args   []string
		target string
		wrong  bool
	}{
		{[]string{"weather"}, "weather", false},
		{[]string{"-v", "weather"}, "weather", false},
		{[]string{"weather", "--verbose"}, "weather", false},
		{nil, "", true},
		{[]string{"a", "b"}, "", true},
		{[]string{"--port", "a"}, "", true},
		{[]string{"https://example.com", "--aws-sigv4", "--aws-region", "eu-west-1", "--aws-profile=work"}, "https://example.com", false},
		{[]string{"--aws-service", "lambda://weather"}, "", true},
		{[]string{"https://example.com", "--aws-region"}, "", true},
		{[]string{"weather", "--aws-sigv4"}, "", true},
		{[]string{"https://example.com", "-aws-sigv4"}, "", true},
	} {
		target, _, _, err := bridgeArguments(row.args)
		if (err != nil) != row.wrong || target != row.target {
			t.Errorf("bridgeArguments(%q) = %q, %v", row.args, target, err)
		}
	}
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://Mcp.Example.com/x?token=y": "mcp.example.com",
		"http://[::1]:8000/mcp":             "--1",
		"https:///mcp":                      "server",
		"lambda://arn:aws:lambda:eu-west-1:123456789012:function:Weather:1": "Weather",
	} {
		if got := nameOf(url); got != want {
			t.Errorf("nameOf(%q) = %q, want %q", url, got, want)
		}
	}
}
