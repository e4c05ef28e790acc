package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/telemetry"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/httpserver"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// serveFlags are the flags of serve as they were given.
type serveFlags struct {
	addr, path    string
	port          int
	publicURL     string
	protocol      string
	shared        bool
	max, maxEach  int
	idle, timeout time.Duration

	public *url.URL // of publicURL
}

func (c *cli) serve() *cobra.Command {
	f := &serveFlags{}
	cmd := &cobra.Command{
		Use:   "serve [flags] -- COMMAND [ARGUMENT...]",
		Short: "Offer a server that speaks over stdin and stdout over HTTP",
		Long: `Each caller gets a process of its own, unless --shared says otherwise. Callers
are not authenticated: if you listen on an address that others can reach, put a
proxy in front that authenticates them.`,
		Example: `  mcpengine serve --port 8000 -- npx -y @modelcontextprotocol/server-everything`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 0 || len(args) == 0 {
				return errors.New("name the command after --")
			}
			if f.addr != "" && cmd.Flags().Changed("port") {
				return errors.New("--addr and --port exclude each other")
			}
			if cmd.Flags().Changed("max-each") && f.maxEach < 1 {
				return fmt.Errorf("--max-each %d is less than 1", f.maxEach)
			}
			return f.check()
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.runServe(cmd.Context(), args, f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&f.port, "port", 8000, "`port` of 127.0.0.1; 0 takes a free one")
	flags.StringVar(&f.addr, "addr", "", "`address` to listen on instead, such as 0.0.0.0:8000")
	flags.StringVar(&f.path, "path", "/mcp", "`path` of the endpoint")
	flags.StringVar(&f.publicURL, "public-url", "", "`URL` of a proxy in front, as callers know it")
	flags.StringVar(&f.protocol, "protocol", "", "`version` to speak with the command")
	flags.BoolVar(&f.shared, "shared", false, "one process for all, who may see each other's data")
	flags.IntVar(&f.max, "max", 32, "`number` of processes at most")
	flags.IntVar(&f.maxEach, "max-each", 0, "`number` of processes of one address (default half)")
	flags.DurationVar(&f.idle, "idle", 10*time.Minute, "`time` until an idle process ends")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "`time` a request may be silent")
	return cmd
}

// check returns an error for a value that a flag does not allow.
func (f *serveFlags) check() error {
	switch {
	case f.max < 1:
		return fmt.Errorf("--max %d is less than 1", f.max)
	case f.idle <= 0 || f.timeout <= 0:
		return errors.New("--idle and --timeout must be more than 0")
	case !strings.HasPrefix(f.path, "/") || f.path == healthPath || f.path == readyPath || strings.ContainsAny(f.path, "{} "):
		return fmt.Errorf("--path %s is not the path of an endpoint: it begins with /, has no braces or blanks, and is neither %s nor %s", f.path, healthPath, readyPath)
	case f.protocol != "" && !slices.Contains(protocol.Names(nil), f.protocol):
		return fmt.Errorf("--protocol %s is not one of %s", f.protocol, strings.Join(protocol.Names(nil), ", "))
	case f.publicURL == "":
		return nil
	}
	u, err := url.Parse(f.publicURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("--public-url %q is not an https:// or http:// URL without user, query and fragment", f.publicURL)
	}
	f.public = u
	return nil
}

// Paths beside the endpoint.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

func (c *cli) runServe(ctx context.Context, command []string, f *serveFlags) error {
	logger := slog.New(slog.NewTextHandler(c.stderr.Raw(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	start := func(ctx context.Context, config peer.Config) (*peer.Conn, error) {
		return peer.Start(ctx, peer.Command{Path: command[0], Args: command[1:], Stderr: c.stderr.Raw(), Key: "command"}, config)
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		return fmt.Errorf("find the command: %w", err)
	}
	address := f.addr
	if address == "" {
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port))
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	relay := bridge.Config{Name: command[0], Logger: logger, Peer: peer.Config{IdleTimeout: f.timeout}}
	// A program that ends at server/discover is started again without it.
	relay.Peer.Cache = new(peer.MemoryCache)
	if f.protocol != "" {
		relay.Peer.Versions = []string{f.protocol}
	}
	spans := telemetry.Start(ctx, c.getenv, logger)
	defer spans.Stop()
	spans.Observe(&relay)
	handler := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{
		Start: start, Shared: f.shared, Max: f.max, Each: f.maxEach, Idle: f.idle, Bridge: relay,
	}), bridge.HandlerConfig{PublicURL: f.public})
	mux := http.NewServeMux()
	mux.Handle(f.path, handler)
	mux.HandleFunc("GET "+healthPath, handler.ServeHealth)
	mux.HandleFunc("GET "+readyPath, handler.ServeReady)
	c.stderr.Printf("serving http://%s%s\n", listener.Addr(), f.path)
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		c.stderr.Printf("mcpengine: warning: anybody who can reach this address can use the server\n")
	}
	err = httpserver.Serve(ctx, listener, httpserver.Config{
		Handler: mux, Logger: logger, Patience: shutdownTime,
		Close: handler.CloseStreams, Cut: handler.Cut, Wait: handler.Wait,
	})
	handler.Close() // no process stays behind
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// shutdownTime is how long requests may go on when the program is to end.
const shutdownTime = 5 * time.Second
