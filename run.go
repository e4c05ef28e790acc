package mcpengine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/mcpengine/mcpengine/internal/stdio"
)

// Run serves until ctx is cancelled, the process gets SIGINT or SIGTERM, or the
// client of a stdio server closes the input. It then lets requests under way
// finish, for [HTTPConfig.ShutdownTimeout] at most, and returns nil. A second
// signal ends the process at once. [Engine.Serve] describes the shutdown of
// HTTP. Over stdio a signal, or the end of ctx, cancels the requests under way
// at once, and Run returns within 1.5 seconds: hosts close the input first, and
// kill the process 2 seconds after SIGTERM.
//
// The environment decides how it serves:
//
//   - MCPENGINE_TRANSPORT, "http" or "stdio", overrides all that follows;
//   - AWS_LAMBDA_RUNTIME_API means that the program is the bootstrap of an AWS
//     Lambda function, behind any front end. MCPENGINE_LAMBDA_MODE, "buffered"
//     or "stream", says how it answers; the default is buffered. There are no
//     sessions and no subscriptions;
//   - MCPENGINE_ADDRESS, such as 127.0.0.1:8000, means HTTP on that address;
//   - PORT, or AWS_LAMBDA_HTTP_ENDPOINT, means HTTP on that port of all
//     interfaces, as container platforms expect;
//   - a terminal as standard input means that a person has started the program:
//     HTTP on localhost:8000, with a greeting on standard error;
//   - anything else means stdio: a host has started the program. With the null
//     device as standard input, Run returns at once, with a message on standard
//     error.
//
// MCPENGINE_PLATFORM_SESSIONS sets [HTTPConfig.PlatformSessions], and
// MCPENGINE_DRAIN_DELAY, such as 5s, sets [HTTPConfig.DrainDelay].
// MCPENGINE_KEYS has the keys of a program without [WithKeys], in the format of
// [ParseKeys]; a bad value is an error. MCPENGINE_EXPLAIN names a file to which Run
// writes [Engine.Explain] as JSON before it serves.
//
// Over HTTP the MCP endpoint is at [HTTPConfig.Path]. /healthz answers 200.
// /readyz answers 200 until Run is told to stop, and 503 from then on, and as long
// as a check of [WithReady] fails; with [WithBus] it says whether the bus is
// connected. Over stdio [os.Stdout] points to standard error while Run serves, so that a
// handler that prints does not break the protocol. Code that writes to file
// descriptor 1 in another way still does.
func (e *Engine) Run(ctx context.Context) error {
	if e.fault != nil {
		return e.fault
	}
	if err := e.readKeys(); err != nil {
		return err
	}
	t, err := chooseTransport(os.Getenv, func() bool { return isTerminal(os.Stdin) })
	if err != nil {
		return err
	}
	if err := e.configure(os.Getenv); err != nil {
		return err
	}
	if err := e.writePolicy(os.Getenv); err != nil {
		return err
	}
	e.lives.enter()
	defer e.leave()
	if t.lambda {
		return e.runLambda(ctx) // asks for signals itself, after the start
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the default applies again: the second one kills
	// the process.
	context.AfterFunc(ctx, stop)
	if t.address == "" {
		return e.runStdio(ctx)
	}
	if t.greet {
		fmt.Fprint(os.Stderr, e.greeting(t.address))
	}
	var config net.ListenConfig
	config.SetMultipathTCP(false) // a listener with it has no socket filter; see package httpserver
	listener, err := config.Listen(ctx, "tcp", t.address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", t.address, err)
	}
	return e.Serve(ctx, listener)
}

// A transport is how Run serves: on Lambda, over HTTP at an address, or over
// stdio when the address is empty.
type transport struct {
	lambda  bool
	address string
	greet   bool
}

// configure reads the environment variables that do not choose the transport.
func (e *Engine) configure(getenv func(string) string) error {
	const sessions, delay = "MCPENGINE_PLATFORM_SESSIONS", "MCPENGINE_DRAIN_DELAY"
	if text := getenv(sessions); text != "" {
		on, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%s is %q: use true or false", sessions, text)
		}
		e.httpConfig.PlatformSessions = on
		e.serveHTTP()
	}
	if text := getenv(delay); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return fmt.Errorf("%s is %q: use a duration such as 5s", delay, text)
		}
		e.httpConfig.DrainDelay = d
	}
	return nil
}

const localAddress = "localhost:8000"

func chooseTransport(getenv func(string) string, terminal func() bool) (transport, error) {
	choice, port := getenv("MCPENGINE_TRANSPORT"), getenv("PORT")
	switch {
	case choice != "" && choice != "http" && choice != "stdio":
		return transport{}, fmt.Errorf(`MCPENGINE_TRANSPORT is %q: use "http" or "stdio"`, choice)
	case choice == "stdio":
		return transport{}, nil
	case choice == "" && getenv("AWS_LAMBDA_RUNTIME_API") != "":
		return transport{lambda: true}, nil
	case getenv("MCPENGINE_ADDRESS") != "":
		return transport{address: getenv("MCPENGINE_ADDRESS")}, nil
	case port != "":
		return transport{address: ":" + port}, nil
	case getenv("AWS_LAMBDA_HTTP_ENDPOINT") != "":
		return transport{address: getenv("AWS_LAMBDA_HTTP_ENDPOINT")}, nil
	}
	if person := terminal(); person || choice == "http" {
		return transport{address: localAddress, greet: person}, nil
	}
	return transport{}, nil
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Mode()&os.ModeDevice != 0 && f.Name() != os.DevNull && !isNull(info)
}

// isNull reports whether the file is the null device, which is a character
// device but not a terminal.
func isNull(info os.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

func (e *Engine) greeting(address string) string {
	url := cmp.Or(e.httpConfig.PublicURL, "http://"+address+e.httpConfig.Path)
	return fmt.Sprintf(`%s speaks MCP at %s

Connect a client, for example:
  claude mcp add --transport http %s %s
Press Ctrl+C to stop.
`, e.info.Name, url, e.info.Name, url)
}

// nullInput is the message for a program whose standard input is the null
// device.
const nullInput = `%s: standard input is the null device, so that no client can speak to the server, which ends now.
Set PORT=8000 or MCPENGINE_TRANSPORT=http to serve HTTP.
`

// runStdio serves the process's own streams.
func (e *Engine) runStdio(ctx context.Context) error {
	stdout := os.Stdout
	os.Stdout = os.Stderr
	defer func() { os.Stdout = stdout }()
	if info, err := os.Stdin.Stat(); err == nil && isNull(info) {
		fmt.Fprintf(os.Stderr, nullInput, e.info.Name)
	}
	if err := e.startBus(ctx); err != nil {
		return err
	}
	if e.replicas != nil {
		defer e.replicas.Close()
	}
	err := e.ServeStdio(ctx, os.Stdin, stdout)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// ServeStdio serves one client over a pair of streams, one message a line. It
// returns nil when in ends, and [context.Cause] of ctx when ctx is cancelled
// first. Requests under way end as in [Engine.Run].
func (e *Engine) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	if err := e.start(ctx); err != nil {
		return err
	}
	hangup := make(chan struct{})
	handler, began := e.connection(hangup), time.Now()
	defer func() {
		version := ""
		if conn, ok := handler.(interface{ Version() string }); ok {
			version = conn.Version()
		}
		e.sessionEnded(version, false, began)
	}()
	return stdio.Serve(ctx, handler, in, out, stdio.Config{
		MaxMessage: int(e.httpConfig.MaxBodyBytes),
		Grace:      e.httpConfig.ShutdownTimeout,
		Closing:    func() { close(hangup) },
		Logger:     e.logger,
	})
}
