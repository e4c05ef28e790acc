package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// Two replicas behind nginx are restarted in turn with SIGTERM, while clients of
// two protocol versions call tools: each call is answered, and each replica ends
// with status 0. They drain as deploy/kubernetes tells them to. MCPENGINE_RESTARTS says
// how often they are restarted, and MCPENGINE_DRAIN_DELAY how long they drain; `make
// chaos` sets both.
func TestRollingRestarts(t *testing.T) {
	restarts := 5
	if text := os.Getenv("MCPENGINE_RESTARTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("MCPENGINE_RESTARTS: %v", err)
		}
		restarts = n
	}
	nginx := nginxProgram(t)
	replicas := []*replica{newReplicaProcess(t), newReplicaProcess(t)}
	for _, r := range replicas {
		r.start(t)
	}
	front := startNginx(t, nginx, replicas)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	answered := newCounter()
	var callers sync.WaitGroup
	for n := range 8 {
		protocol := []string{version, "2025-11-25"}[n%2]
		c, err := client.Connect(ctx, front+"/mcp", client.WithProtocolVersion(protocol))
		if err != nil {
			t.Fatal(err)
		}
		callers.Go(func() {
			defer c.Close()
			callUntil(ctx, t, c, answered)
		})
	}
	for n := range restarts {
		answered.wait(t, 50)
		r := replicas[n%len(replicas)]
		r.stop(t)
		r.start(t)
	}
	answered.wait(t, 50)
	stop()
	callers.Wait()
	for _, r := range replicas {
		r.stop(t)
	}
	t.Logf("%d calls answered in %d restarts", answered.total(), restarts)
}

// callUntil calls tools until ctx ends. It says which calls are lost.
func callUntil(ctx context.Context, t *testing.T, c *client.Client, answered *counter) {
	for n := 0; ctx.Err() == nil; n++ {
		tool, text := []string{"echo", "steps"}[n%2], strconv.Itoa(n)
		// The call ends by itself: one that is cut off by the test says nothing.
		result, err := c.CallTool(context.WithoutCancel(ctx), tool, map[string]any{"text": text},
			client.WithProgress(func(mcp.ProgressNotificationParams) {}))
		switch {
		case err != nil:
			t.Errorf("a call was lost: %v", err)
		case result.IsError || result.Text() != text:
			t.Errorf("a call of %s with %q was answered with %q", tool, text, result.Text())
		}
		answered.add()
	}
}

// A replica is a process that serves newReplica at an address of its own.
type replica struct {
	address string
	bus     string // a URL, or empty
	cmd     *exec.Cmd
	log     strings.Builder
}

func newReplicaProcess(t *testing.T) *replica {
	t.Helper()
	r := &replica{address: freeAddress(t)}
	t.Cleanup(func() {
		if r.cmd != nil {
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the log of the replica at %s:\n%s", r.address, r.log.String())
		}
	})
	return r
}

// start starts the replica and waits until it is ready.
func (r *replica) start(t *testing.T) {
	t.Helper()
	r.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	r.cmd.Env = append(os.Environ(), replicaVariable+"=1", "AWS_LAMBDA_HTTP_ENDPOINT="+r.address,
		"MCPENGINE_KEYS="+strings.Repeat("0123456789abcdef", 4), busVariable+"="+r.bus)
	r.cmd.Stderr = &r.log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitForPage(t, "http://"+r.address+"/readyz")
}

// stop ends the replica as an orchestrator does, and waits until it has ended.
func (r *replica) stop(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	defer time.AfterFunc(time.Minute, func() { _ = r.cmd.Process.Kill() }).Stop()
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("the replica at %s ended with %v, want status 0", r.address, err)
	}
	r.cmd = nil
}

// nginxConfig is the configuration of deploy/README.md in the foreground, with all
// files in one folder.
const nginxConfig = `
daemon off;
master_process off;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;

	upstream replicas {
		%s
		keepalive 16;
	}
	server {
		listen %s;
		location / {
			proxy_pass http://replicas;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $host;
			proxy_buffering off;
		}
	}
}
`

// nginxProgram returns the path of nginx.
func nginxProgram(t *testing.T) string {
	t.Helper()
	program, err := filepath.Abs("../../.tools/nginx/nginx")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err == nil {
		return program
	}
	program, err = exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed: run scripts/install-nginx")
	}
	return program
}

// startNginx starts nginx in front of the replicas and returns its URL.
func startNginx(t *testing.T, program string, replicas []*replica) string {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	var servers strings.Builder
	for _, r := range replicas {
		fmt.Fprintf(&servers, "server %s max_fails=0;\n", r.address)
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, servers.String(), address), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, "-p", dir, "-c", config)
	var output strings.Builder
	cmd.Stderr = &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "error.log"))
			t.Logf("the log of nginx:\n%s%s", output.String(), log)
		}
	})
	waitForPage(t, "http://"+address+"/healthz")
	return "http://" + address
}

// waitForPage waits until a page is answered with 200.
func waitForPage(t *testing.T, page string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s is not answered", page)
		}
	}
}

// freeAddress returns an address of the loopback interface. Its port is below
// those that systems give to connections, so that it stays free while the server
// at it is restarted.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(10000+rand.IntN(20000)))
		if l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// A counter counts, and lets a goroutine wait for more.
type counter struct {
	mu      sync.Mutex
	changed *sync.Cond
	n       int
}

func newCounter() *counter {
	c := new(counter)
	c.changed = sync.NewCond(&c.mu)
	return c
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	c.changed.Broadcast()
}

// wait returns after n more.
func (c *counter) wait(t *testing.T, n int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for end := c.n + n; c.n < end && !t.Failed(); {
		c.changed.Wait()
	}
}

func (c *counter) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}
