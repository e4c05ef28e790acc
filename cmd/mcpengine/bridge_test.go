package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mcpengine/mcpengine"
)

type words struct {
	Text string `json:"text"`
}

func echo(_ context.Context, in words) (string, error) { return in.Text, nil }

// Each script has a server at $MCP, one that wants credentials at $LOCKED, which
// takes "Bearer open-sesame", and something that is no server at $OTHER. $PROXY
// leads to http://far.example, and $TUNNEL to https://example.com, whose
// certificate is in authority.pem; it appends to the file tunnels where it was
// asked to lead.
func TestBridge(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/bridge",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or each command sleeps for a second
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
			far := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Host = "localhost" // it is on this machine
				e.ServeHTTP(w, r)
			}))
			far.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // it is not trusted at first
			far.StartTLS()
			env.Defer(far.Close)
			authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: far.Certificate().Raw})
			if err := os.WriteFile(filepath.Join(env.WorkDir, "authority.pem"), authority, 0o600); err != nil {
				return err
			}
			tunnel := tunnelTo(far.Listener.Addr().String(), filepath.Join(env.WorkDir, "tunnels"))
			for name, handler := range map[string]http.Handler{"TUNNEL": tunnel, "MCP": e, "LOCKED": locked, "PROXY": proxy, "OTHER": http.NotFoundHandler()} {
				server := httptest.NewServer(handler)
				env.Defer(server.Close)
				env.Setenv(name, server.URL)
				env.Setenv(name+"_ADDRESS", server.Listener.Addr().String())
			}
			env.Defer(e.Close)
			env.Setenv("MCPENGINE_HOME", env.WorkDir+"/home")
			return nil
		},
	})
}

// tunnelTo is a proxy with one way through (RFC 9110, section 9.3.6), which it
// takes for example.com. It keeps a record of where it was asked to lead.
func tunnelTo(target, record string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		file, err := os.OpenFile(record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintln(file, r.Method, r.Host, r.Header.Get("Proxy-Authorization"))
			err = errors.Join(err, file.Close())
		}
		if err != nil || r.Method != http.MethodConnect || r.Host != "example.com:443" {
			http.Error(w, "not through here", http.StatusBadGateway)
			return
		}
		far, err := new(net.Dialer).DialContext(r.Context(), "tcp", target)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer far.Close()
		near, early, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer near.Close()
		if _, err := io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			return
		}
		var ended sync.WaitGroup
		ended.Go(func() {
			_, _ = io.Copy(far, early)
			far.Close()
		})
		_, _ = io.Copy(near, far)
		near.Close()
		ended.Wait()
	}
}

func TestBridgeArguments(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.0.1:1/mcp"
	for _, row := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{url}, 0, ""},
		{[]string{"-v", url}, 0, ""},
		{[]string{url, "--verbose"}, 0, ""},
		{[]string{url, "--aws-sigv4", "--aws-region", "eu-west-1", "--aws-service=lambda"}, 0, ""},
		{[]string{"nobody-has-this"}, 1, `there is no server "nobody-has-this"`},
		{nil, 2, "name the server, or its URL"},
		{[]string{"a", "b"}, 2, "name one server, or its URL, not 2"},
		{[]string{"--port", "a"}, 2, "unknown flag: --port"},
		{[]string{"--aws-service", "lambda://weather"}, 2, "name the server"},
		{[]string{url, "--aws-region"}, 2, "flag needs an argument: --aws-region"},
		{[]string{url, "--aws-region", "eu-west-1"}, 2, "--aws-region needs --aws-sigv4"},
		{[]string{"weather", "--aws-sigv4"}, 2, "the flags for AWS belong to a URL"},
		{[]string{url, "-aws-sigv4"}, 2, "unknown shorthand flag"},
		{[]string{"ftp://example.com"}, 2, "not one of http, https or lambda"},
	} {
		code, stdout, stderr := call(t.Context(), "", append([]string{"bridge"}, row.args...)...)
		if code != row.code || stdout != "" || !strings.Contains(stderr, row.says) || code == 2 && !strings.Contains(stderr, "hint: see mcpengine bridge -h") {
			t.Errorf("bridge %q: exit %d, stdout %q, stderr %q", row.args, code, stdout, stderr)
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
