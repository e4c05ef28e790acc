package dev_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/dev"
	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/mcp"
)

// source is a server with a tool that every save names anew, one that stays, and one
// that is under way for a while.
const source = `package main

import (
	"context"
	"os"
	"time"

	"github.com/mcpengine/mcpengine"
)

type number struct {
	N int ` + "`json:\"n\"`" + `
}

func main() {
	e := mcpengine.New("storm")
	mcpengine.AddTool(e, "TOOL", "", func(context.Context, struct{}) (string, error) { return "TOOL", nil })
	mcpengine.AddTool(e, "echo", "", func(_ context.Context, in number) (number, error) { return in, nil })
	mcpengine.AddTool(e, "slow", "", func(_ context.Context, in number) (number, error) {
		time.Sleep(300 * time.Millisecond)
		return in, nil
	})
	mcpengine.AddTool(e, "crash", "", func(context.Context, struct{}) (string, error) {
		os.Exit(3)
		return "", nil
	})
	if err := e.Run(context.Background()); err != nil {
		os.Exit(1)
	}
}
`

// A storm is a server under development and those who use it.
type storm struct {
	*testing.T
	dir    string
	builds chan dev.Build
	place  dev.Place

	calls, failures atomic.Int64
	closing         atomic.Bool
	calling         sync.WaitGroup
}

// saves is how many saves the test makes. Every third of them does not compile.
func saves() int {
	n, err := strconv.Atoi(os.Getenv("MCPENGINE_SAVES"))
	if err != nil {
		return 4 // make chaos makes 100
	}
	return max(n, 1)
}

// Whatever is saved, a host on standard streams and clients over HTTP, with and
// without a handshake, keep their connections and get an answer to each of their
// calls. They are told of every change.
func TestSaves(t *testing.T) {
	t.Parallel()
	s := &storm{T: t, dir: module(t), builds: make(chan dev.Build, 100)}
	s.save(0)
	host, changed := s.host("2025-06-18") // before there is a server
	s.absent(host)
	stop := s.run()
	s.await(dev.BuildOK)
	<-changed
	session := s.http("2025-11-25")
	clients := []*client.Client{host, session, s.http("")}
	for _, c := range clients {
		s.use(c, "echo")
		s.use(c, "slow")
	}
	var times []time.Duration
	n := saves()
	for i := 1; i <= n; i++ {
		began := time.Now()
		if i%3 == 0 {
			s.write("broken")
			b := s.await(dev.BuildFailed)
			if !strings.Contains(b.Output, "main.go:") {
				t.Errorf("a build fails with %q, want the compiler's words", b.Output)
			}
			continue
		}
		s.save(i)
		s.await(dev.BuildOK)
		for !slices.Contains(<-changed, tool(i)) {
		}
		for _, c := range clients {
			if names := toolNames(t, c); !slices.Contains(names, tool(i)) {
				t.Fatalf("after save %d there are the tools %v", i, names)
			}
		}
		times = append(times, time.Since(began))
	}
	s.closing.Store(true)
	s.calling.Wait()
	s.crash(session, clients)
	stop()
	s.absent(host)
	slices.Sort(times)
	t.Logf("%d saves, %d calls, %d without their answer; a save took %v at the median and %v at most until three clients had the new tools",
		n, s.calls.Load(), s.failures.Load(), times[len(times)/2].Round(time.Millisecond), times[len(times)-1].Round(time.Millisecond))
}

// absent expects that a host is told that nothing runs.
func (s *storm) absent(host *client.Client) {
	s.Helper()
	_, err := client.Call[string](s.Context(), host, "echo", nil)
	if err == nil || !strings.Contains(err.Error(), "mcpengine dev is not running in "+s.dir) {
		s.Errorf("a call while nothing runs: %v", err)
	}
}

// crash makes the server end in the middle of a call, and saves one that does not
// start. Neither takes the server away.
func (s *storm) crash(caller *client.Client, clients []*client.Client) {
	s.Helper()
	if _, err := caller.CallTool(s.Context(), "crash", nil); err == nil || !strings.Contains(err.Error(), "the server ended before it had answered") {
		s.Errorf("a call that ends the server: %v", err)
	}
	s.await(dev.BuildOK)
	s.write("package main\n\nfunc main() { panic(\"not today\") }\n")
	if b := s.await(dev.BuildFailed); !strings.Contains(b.Output, "not today") {
		s.Errorf("a server that does not start leaves %q", b.Output)
	}
	for i, c := range clients {
		result, err := c.CallTool(s.Context(), "echo", map[string]int{"n": 1})
		if err != nil || len(result.Content) != 2 {
			s.Errorf("client %d: a call after the crash: %v, %v", i, result, err)
		}
	}
}

func tool(i int) string { return fmt.Sprintf("tool_%d", i) }

func (s *storm) save(i int) { s.write(strings.ReplaceAll(source, "TOOL", tool(i))) }

// write saves the file as editors do: a new file takes the place of the old one.
func (s *storm) write(text string) {
	s.Helper()
	temp := filepath.Join(s.dir, ".main.go.swp")
	if err := os.WriteFile(temp, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(s.dir, "main.go")); err != nil {
		s.Fatal(err)
	}
}

// module makes a module that uses the library of this tree.
func module(t *testing.T) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "../../../..")
	dir := t.TempDir()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(mod), "module github.com/mcpengine/mcpengine\n", "module storm\n", 1)
	text += "\nrequire github.com/mcpengine/mcpengine v0.0.0\n\nreplace github.com/mcpengine/mcpengine => " + root + "\n"
	for name, data := range map[string]string{"go.mod": text, "go.sum": string(sum)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run develops the server until stop is called, or the test ends.
func (s *storm) run() (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	started, ended := make(chan dev.Place, 1), make(chan error, 1)
	config := dev.Config{
		Dir: s.dir, Env: append(os.Environ(), append(buildtest.Environment(), "GOPROXY=off", "GOFLAGS=-trimpath")...), Output: io.Discard,
		Say: func(line, output string) { s.Logf("%s %s", line, output) },
		OnBuild: func(b dev.Build) {
			if b.State != dev.BuildBusy {
				s.builds <- b
			}
		},
		Started: func(_ context.Context, at dev.Place) (func(), error) {
			started <- at
			return func() {}, nil
		},
	}
	go func() { ended <- dev.Run(ctx, config) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("Run = %v", err)
		}
	})
	s.Cleanup(stop)
	select {
	case s.place = <-started:
	case err := <-ended:
		ended <- nil
		s.Fatalf("Run = %v", err)
	}
	return stop
}

// await waits for the end of a build.
func (s *storm) await(state string) dev.Build {
	s.Helper()
	select {
	case b := <-s.builds:
		if b.State != state {
			s.Fatalf("the build is %q: %s", b.State, b.Output)
		}
		return b
	case <-time.After(2 * time.Minute):
		s.Fatal("no build in two minutes")
	}
	return dev.Build{}
}

// host returns a client that is attached as a host is, and a channel that tells of
// changes of its list of tools.
func (s *storm) host(version string) (*client.Client, <-chan []string) {
	s.Helper()
	fromHost, toDev := io.Pipe()
	fromDev, toHost := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	var attached sync.WaitGroup
	attached.Go(func() {
		defer toHost.Close()
		if err := dev.Attach(ctx, s.dir, fromHost, toHost, slog.New(slog.DiscardHandler)); err != nil && ctx.Err() == nil {
			s.Errorf("Attach = %v", err)
		}
	})
	changed := make(chan []string, 1000)
	c, err := client.Attach(s.Context(), fromDev, toDev, client.WithProtocolVersion(version),
		client.WithNotificationHandler(mcp.MethodNotificationsToolsListChanged, func(params json.RawMessage) {
			var p struct {
				Meta map[string]struct{ Added []string } `json:"_meta"`
			}
			_ = json.Unmarshal(params, &p)
			changed <- p.Meta["io.github.mcpengine/changes"].Added
		}))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		c.Close()
		cancel()
		attached.Wait()
	})
	return c, changed
}

func (s *storm) http(version string) *client.Client {
	s.Helper()
	var opts []client.Option
	if version != "" {
		opts = append(opts, client.WithProtocolVersion(version))
	}
	c, err := client.Connect(s.Context(), s.place.URL, opts...)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	return c
}

// use calls a tool again and again until the storm ends.
func (s *storm) use(c *client.Client, name string) {
	s.calling.Go(func() {
		pace := time.NewTicker(5 * time.Millisecond) // leaves processor time to the compiler
		defer pace.Stop()
		for n := 0; !s.closing.Load(); n++ {
			<-pace.C
			out, err := client.Call[struct{ N int }](s.Context(), c, name, map[string]int{"n": n})
			s.calls.Add(1)
			if err != nil || out.N != n {
				s.failures.Add(1)
				s.Errorf("%s(%d) = %v, %v", name, n, out.N, err)
			}
		}
	})
}

func toolNames(t *testing.T, c *client.Client) (names []string) {
	t.Helper()
	for tool, err := range c.Tools(t.Context(), client.Fresh()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	return names
}
