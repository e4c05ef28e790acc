package apps_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// startServer starts a program that serves MCP over HTTP, and returns its address
// when it answers.
func startServer(t *testing.T, program string, env ...string) string {
	t.Helper()
	port := freePort(t)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), append(env, "PORT="+port)...)
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { cancel(); <-ended })
	address := "http://127.0.0.1:" + port
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !answers(t.Context(), address) {
		select {
		case <-ticker.C:
		case err := <-ended:
			ended <- err
			t.Fatalf("the server has ended: %v", err)
		}
	}
	return address
}

func answers(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/healthz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return true
}

func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
