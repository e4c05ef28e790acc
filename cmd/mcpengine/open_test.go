package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The page of a command shows its messages and its policy, and ends with the
// command line.
func TestInspectOpen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said, stdout := io.Pipe()
	home := t.TempDir()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"inspect", "--open", "--no-browser", "--", "fixture"}, strings.NewReader(""), stdout, io.Discard,
			func(name string) string { return map[string]string{"HOME": home, "MCPENGINE_HOME": home}[name] })
	}()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) io.ReadCloser {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.Host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+u.Query().Get("token"))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp.Body
	}
	events := bufio.NewScanner(get("/api/events"))
	events.Buffer(nil, 1<<20)
	first, connected := "", false
	for !connected && events.Scan() {
		if first == "" {
			first = events.Text()
		}
		connected = strings.Contains(events.Text(), `"connected":true`)
	}
	if !connected || !strings.Contains(first, `"direction":"sent"`) || !strings.Contains(first, `"method":"server/discover"`) {
		t.Errorf("connected: %t; the first event is %s", connected, first)
	}
	features, err := io.ReadAll(get("/api/features"))
	if err != nil || !strings.Contains(string(features), `"who":"everybody"`) || !strings.Contains(string(features), "The program says so itself") {
		t.Errorf("features = %.2000s, %v", features, err)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("the program ended with %d", code)
	}
}
