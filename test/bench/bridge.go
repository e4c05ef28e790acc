package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// A bridge is a program that speaks to a server over Streamable HTTP for a host
// that speaks stdio.
type bridge struct {
	name    string
	command []string // bridgeURL stands for the server's
}

// bridgeURL is replaced in the command of a bridge.
const bridgeURL = "{url}"

// errNoBridges says that no other bridge is installed.
var errNoBridges = errors.New("bridges are left out")

// bridges returns the bridges to compare, in the order of the table: ours,
// built into dir, and the others that scripts/install-bridges has installed.
// Root is the folder of the repository.
func bridges(ctx context.Context, root, dir string) ([]bridge, error) {
	peers, err := filepath.Abs(filepath.Join(root, ".tools", "bridges"))
	if err != nil {
		return nil, fmt.Errorf("find the bridges: %w", err)
	}
	if _, err := os.Stat(filepath.Join(peers, "stamp")); err != nil {
		return nil, fmt.Errorf("%w: run scripts/install-bridges: %w", errNoBridges, err)
	}
	cli := filepath.Join(dir, "mcpengine")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", cli, ".")
	build.Dir, build.Env = filepath.Join(root, "cmd", "mcpengine"), append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build mcpengine: %w: %s", err, output)
	}
	node, modules := filepath.Join(peers, "node"), filepath.Join(peers, "node_modules")
	compared := []bridge{
		{oursName, []string{cli, "bridge", bridgeURL}},
		{"mcp-remote", []string{node, filepath.Join(modules, "mcp-remote", "dist", "proxy.js"), bridgeURL, "--allow-http"}},
		{"supergateway", []string{
			node, filepath.Join(modules, "supergateway", "dist", "index.js"),
			"--streamableHttp", bridgeURL, "--logLevel", "none",
		}},
	}
	if help, err := exec.CommandContext(ctx, cli, "bridge", "-h").Output(); err != nil || !bytes.Contains(help, []byte("mcpengine bridge")) {
		return compared[1:], nil // the CLI was built without
	}
	return compared, nil
}

// A bridgeResult has the figures of one bridge, process by process. Processes
// with the same index ran next to each other.
type bridgeResult struct {
	Bridge string    `json:"bridge"`
	Start  []float64 `json:"start_ms"` // from exec to the answer to initialize
	Memory []float64 `json:"rss_mib"`  // after it
	Added  []float64 `json:"added_us"` // to a tools/call, over a direct one
}

// measureBridges has a host call our server through each bridge in turns, in
// 2025-11-25, the latest version that all bridges speak.
func measureBridges(ctx context.Context, p plan, root string) (results []*bridgeResult, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, fmt.Errorf("create build folder: %w", err)
	}
	defer os.RemoveAll(dir)
	compared, err := bridges(ctx, root, dir)
	if err != nil {
		return nil, err
	}
	r := inHandshake(callRow("call-text-1", setup{text, 1}))
	server, err := startServer(ctx, "serve", r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	for _, b := range compared {
		results = append(results, &bridgeResult{Bridge: b.name})
	}
	for range p.processes {
		for i, b := range compared {
			if err := results[i].measure(ctx, b, server.address, dir, p.calls); err != nil {
				return nil, fmt.Errorf("bridge %s: %w", b.name, err)
			}
		}
	}
	return results, nil
}

// measure runs one process.
func (x *bridgeResult) measure(ctx context.Context, b bridge, address, home string, calls int) (err error) {
	h, err := startBridge(ctx, b, "http://"+address+"/mcp", home)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.stop()) }()
	took, err := h.initialize()
	if err != nil {
		return err
	}
	memory, err := residentMemory(ctx, h.command.Process.Pid)
	if err != nil {
		return err
	}
	through, err := h.calls(calls)
	if err != nil {
		return err
	}
	direct, err := directCalls(ctx, address, calls)
	if err != nil {
		return err
	}
	x.Start = append(x.Start, float64(took)/float64(time.Millisecond))
	x.Memory = append(x.Memory, memory)
	x.Added = append(x.Added, through-direct)
	return nil
}

// A host drives a bridge as a program that starts servers does.
type host struct {
	command *exec.Cmd
	started time.Time
	stdin   io.WriteCloser
	stdout  *bufio.Reader
}

func startBridge(ctx context.Context, b bridge, url, home string) (*host, error) {
	args := make([]string, len(b.command))
	for i, arg := range b.command {
		args[i] = strings.ReplaceAll(arg, bridgeURL, url)
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	// A home of its own keeps a process from finding what another has stored.
	command.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "MCP_REMOTE_CONFIG_DIR="+home)
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open stdin: %w", err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open stdout: %w", err)
	}
	h := &host{command: command, stdin: stdin, stdout: bufio.NewReader(stdout), started: time.Now()}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	return h, nil
}

func (h *host) initialize() (time.Duration, error) {
	if _, err := h.exchange(wire.Initialize(handshakeVersion).Body()); err != nil {
		return 0, fmt.Errorf("initialize: %w", err)
	}
	took := time.Since(h.started)
	return took, h.send([]byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`))
}

// calls returns the median time of a call, in µs, one after the other.
func (h *host) calls(n int) (float64, error) {
	request := inHandshake(callRow("call-text-1", setup{text, 1})).request.Body()
	times := make([]float64, n)
	for i := range times {
		start := time.Now()
		line, err := h.exchange(request)
		if err != nil || !bytes.Contains(line, []byte(forecast(city))) {
			return 0, errors.Join(err, fmt.Errorf("wrong answer %.200q", line))
		}
		times[i] = float64(time.Since(start)) / float64(time.Microsecond)
	}
	return middle(times), nil
}

// exchange sends a request and returns the response. It skips other messages.
func (h *host) exchange(request []byte) ([]byte, error) {
	if err := h.send(request); err != nil {
		return nil, err
	}
	for {
		line, err := h.stdout.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("read answer: %w", err)
		}
		var message struct{ ID, Result, Error json.RawMessage }
		switch {
		case json.Unmarshal(line, &message) != nil || message.ID == nil:
		case message.Error != nil:
			return nil, fmt.Errorf("answered with error %s", message.Error)
		case message.Result != nil:
			return line, nil
		}
	}
}

func (h *host) send(message []byte) error {
	if _, err := h.stdin.Write(append(bytes.Clone(message), '\n')); err != nil {
		return fmt.Errorf("send message: %w", err)
	}
	return nil
}

// stop closes the input, on which hosts wait a moment for a server to end.
func (h *host) stop() error {
	closed := h.stdin.Close()
	kill := time.AfterFunc(2*time.Second, func() { _ = h.command.Process.Kill() })
	defer kill.Stop()
	_ = h.command.Wait() // the exit status does not matter
	return closed
}

// residentMemory asks the system what a process has in memory, in MiB.
func residentMemory(ctx context.Context, pid int) (float64, error) {
	output, err := exec.CommandContext(ctx, "ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return 0, fmt.Errorf("ask for resident memory: %w", err)
	}
	kib, err := strconv.ParseFloat(strings.TrimSpace(string(output)), 64)
	if err != nil {
		return 0, fmt.Errorf("read resident memory: %w", err)
	}
	return kib / 1024, nil
}

// directCalls returns the median time of a call without a bridge, in µs.
func directCalls(ctx context.Context, address string, n int) (float64, error) {
	c, err := dial(ctx, address)
	if err != nil {
		return 0, err
	}
	r, err := inHandshake(callRow("call-text-1", setup{text, 1})).open(rival{sessions: true}, c.once)
	request, times := r.request.Raw(address), make([]float64, n)
	for i := range times {
		if err != nil {
			break
		}
		start := time.Now()
		_, err = c.exchange(request, io.Discard)
		times[i] = float64(time.Since(start)) / float64(time.Microsecond)
	}
	if err := errors.Join(err, c.conn.Close()); err != nil {
		return 0, fmt.Errorf("call without a bridge: %w", err)
	}
	return middle(times), nil
}
