package dev

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/httpserver"
	"github.com/mcpengine/mcpengine/internal/seal"
)

// The states of a [Build].
const (
	BuildBusy   = "building"
	BuildOK     = "ok"
	BuildFailed = "failed"
)

// A Build is what became of the last save.
type Build struct {
	State  string // BuildBusy, BuildOK or BuildFailed
	Output string // of the compiler, or of a program that does not start
	Took   time.Duration
}

// A Config says what to run, and has the functions that are told of events.
type Config struct {
	// Dir is the folder in which the program was started.
	Dir string
	// Package is the main package to build; "" finds the only one.
	Package string

	// Command is run instead of a package. It speaks over its standard streams
	// unless HTTP says that it listens on $PORT.
	Command []string
	HTTP    bool
	// Watch are the folders whose files matter. The default is the module's, and
	// Dir for a command.
	Watch []string

	// Path is where the server has its endpoint. The default is /mcp.
	Path string
	// Port is where to listen on 127.0.0.1. The default is a port of the folder.
	Port int
	// Name is the server's name in hosts. The default is the folder's.
	Name string
	// Identities are the callers for which there are tokens.
	Identities []Identity
	// Env is the environment of what is run.
	Env []string

	// Say tells the developer something: a line, and what a compiler or a server has
	// said about it, if anything.
	Say func(line, output string)
	// Output gets what the server prints.
	Output io.Writer
	// OnBuild is told of each build. Optional.
	OnBuild func(Build)
	// Started is called when the address answers. The function that it returns is
	// called in the end. Optional.
	Started func(ctx context.Context, at Place) (end func(), err error)
}

// A Place is where a server is being developed.
type Place struct {
	URL   string // of the endpoint
	Dir   string // of the package, or where the command runs
	Name  string
	Token func(identity string) (string, error) // of "", the first one; nil without identities

	// Policy is the file to which the program writes who may use what, if it is one
	// of MCPEngine.
	Policy string
}

// A loop is one run of the program.
type loop struct {
	Config
	place   Place
	front   *Front
	program *goProgram // nil for a command
	command command
	issuer  *issuer

	current  *server
	crashes  int
	warned   bool // of a server that ignores identities
	draining sync.WaitGroup

	closeStreams func()
}

// Run builds, runs and watches until ctx ends.
func Run(ctx context.Context, config Config) error {
	l := &loop{Config: config, front: NewFront(FrontConfig{Local: true})}
	if err := l.find(ctx); err != nil {
		return err
	}
	state, err := openFolder(l.place.Dir)
	if err != nil {
		return err
	}
	defer state.close()
	key, err := state.key()
	if err != nil {
		return err
	}
	state.clear()
	l.place.Policy = filepath.Join(state.path, policyFile)
	if l.program != nil {
		if l.program.out, err = os.MkdirTemp(state.path, "build-"); err != nil {
			return fmt.Errorf("make a folder for the program: %w", err)
		}
		defer os.RemoveAll(l.program.out)
	}
	listener, err := l.listen(ctx)
	if err != nil {
		return err
	}
	where := address{URL: "http://" + listener.Addr().String() + l.Path, ID: rand.Text(), Name: l.place.Name}
	l.place.URL = where.URL
	if err := l.prepare(key); err != nil {
		listener.Close()
		return err
	}
	if err := state.write(where); err != nil {
		listener.Close()
		return err
	}
	return l.serve(ctx, listener, where)
}

// find finds what is run, and where.
func (l *loop) find(ctx context.Context) error {
	if l.Path == "" {
		l.Path = "/mcp"
	}
	l.place.Dir = l.Dir
	if len(l.Command) == 0 {
		program, err := findGo(ctx, l.Dir, l.Package, l.Env)
		if err != nil {
			return err
		}
		l.program, l.place.Dir = program, program.dir
		if len(l.Watch) == 0 {
			l.Watch = program.roots(ctx)
		}
	} else if len(l.Watch) == 0 {
		l.Watch = []string{l.Dir}
	}
	for _, folder := range l.Watch {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return usage(folder+" is not a folder that can be watched", "name the folder of the source with --watch")
		}
	}
	l.place.Name = l.Name
	if l.place.Name == "" {
		l.place.Name = nameOf(filepath.Base(l.place.Dir))
	}
	return nil
}

// nameOf makes a name for hosts of the name of a folder.
func nameOf(folder string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(folder)), "-")
	if name == "" {
		return "dev"
	}
	return name[:min(len(name), 63)]
}

// listen listens at the port of the folder, or at any if that one is taken.
func (l *loop) listen(ctx context.Context) (net.Listener, error) {
	port := l.Port
	if port == 0 {
		port = usualPort(l.place.Dir)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		return listener, nil
	}
	if l.Port != 0 {
		return nil, fmt.Errorf("listen on port %d: %w", port, err)
	}
	l.Say(fmt.Sprintf("port %d is taken: another one is used this time", port), "")
	return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
}

// prepare settles how the server is started.
func (l *loop) prepare(key []byte) error {
	ring, err := seal.NewRing(key)
	if err != nil {
		return err
	}
	origin := strings.TrimSuffix(l.place.URL, l.Path)
	l.command = command{
		args: l.Command, dir: l.Dir, env: slices.Clone(l.Env), stdio: !l.HTTP && l.program == nil,
		path: l.Path, output: l.Output, keys: ring.For(l.place.URL), header: http.Header{},
	}
	l.command.env = append(l.command.env, "MCPENGINE_KEYS="+base64.StdEncoding.EncodeToString(key), "MCPENGINE_EXPLAIN="+l.place.Policy)
	if len(l.Identities) == 0 {
		return nil
	}
	if l.issuer, err = newIssuer(origin+issuerPath, l.place.URL, l.Identities); err != nil {
		return err
	}
	l.place.Token = l.issuer.token
	l.command.env = append(l.command.env, "PUBLIC_URL="+origin, "OIDC_ISSUER="+l.issuer.url, "OIDC_AUDIENCE="+l.place.URL)
	return nil
}

// serve serves the address for as long as the loop runs.
func (l *loop) serve(ctx context.Context, listener net.Listener, where address) error {
	mux := http.NewServeMux()
	mux.Handle("/", l.front)
	closing := make(chan struct{})
	l.closeStreams = sync.OnceFunc(func() { close(closing); l.front.Close() })
	control(where, l.issuer, closing, mux)
	if l.issuer != nil {
		l.issuer.serve(mux, issuerPath)
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() {
		served <- httpserver.Serve(serving, listener, httpserver.Config{
			Handler: mux, Logger: slog.New(slog.DiscardHandler), Patience: stopTime,
			Close: l.closeStreams,
			Cut:   func() int { return 0 },
		})
	}()
	err := l.started(ctx)
	stop()
	return errors.Join(err, <-served)
}

func (l *loop) started(ctx context.Context) error {
	saves, err := watch(ctx, l.Watch)
	if err != nil {
		return usage(err.Error(), "watch fewer files: name folders with --watch")
	}
	end := func() {}
	if l.Started != nil {
		if end, err = l.Started(ctx, l.place); err != nil {
			return err
		}
	}
	defer end()
	defer l.end()
	for due := true; ; {
		if due {
			due = l.cycle(ctx, saves)
			continue
		}
		var exited <-chan struct{}
		if l.current != nil {
			exited = l.current.exited
		}
		select {
		case <-saves.saved:
			due = true
		case err := <-saves.failed:
			l.Say(fmt.Sprintf("watching files: %v", err), "")
		case <-exited:
			l.crashed(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// end stops the server. Streams end first, so that hosts notice at once.
func (l *loop) end() {
	l.closeStreams()
	if l.current != nil {
		l.front.Use(placeholder(l.place.Name, "mcpengine dev is ending."))
		l.current.target.cutOff(errCut)
		l.current.stop()
	}
	l.draining.Wait()
}

var errSaved = errors.New("a file was saved in the meantime")

// cycle builds and starts the program. It reports whether a save came in between,
// so that all of it is to be done again.
func (l *loop) cycle(ctx context.Context, saves *watcher) (again bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.rebuild(ctx)
	}()
	defer func() { cancel(nil); <-done }()
	select {
	case <-done:
		return false
	case <-saves.saved:
		cancel(errSaved)
		return true
	}
}

func (l *loop) rebuild(ctx context.Context) {
	began := time.Now()
	l.tell(Build{State: BuildBusy})
	var program string
	var sum [sha256.Size]byte
	if l.program != nil {
		var err error
		program, sum, err = l.program.build(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.failed("the build failed", err, time.Since(began))
			return
		case l.current != nil && sum == l.current.sum:
			os.Remove(program) // it runs already
			l.front.Note("")
			l.tell(Build{State: BuildOK, Took: time.Since(began)})
			return
		}
	}
	next, err := l.start(ctx, program)
	switch {
	case ctx.Err() != nil && err == nil:
		next.stop()
		os.Remove(program)
	case err != nil:
		os.Remove(program)
		if ctx.Err() == nil {
			l.failed("the new server did not start", err, time.Since(began))
		}
	default:
		l.crashes = 0
		next.program, next.sum = program, sum
		l.swap(next, began)
	}
}

// start starts a program, or the command when there is none.
func (l *loop) start(ctx context.Context, program string) (*server, error) {
	c := l.command
	if program != "" {
		c.args = []string{program}
	}
	if l.issuer != nil {
		token, err := l.issuer.token("")
		if err != nil {
			return nil, err
		}
		c.header.Set("Authorization", "Bearer "+token)
	}
	return c.start(ctx)
}

// swap sends requests to a new server, and ends the one before when that has
// answered its own.
func (l *loop) swap(next *server, began time.Time) {
	before := l.current
	l.current = next
	l.front.Note("")
	old := l.front.Use(next.target)
	took := time.Since(began)
	l.tell(Build{State: BuildOK, Took: took})
	if before == nil {
		l.Say(fmt.Sprintf("ready in %v", took.Round(time.Millisecond)), "")
	} else {
		what := describe(compare(before.target.features, next.target.features))
		l.Say(fmt.Sprintf("rebuilt in %v%s", took.Round(time.Millisecond), prefixed(": ", what)), "")
		l.front.Log("info", "the server was rebuilt"+prefixed(": ", what))
		l.retire(before, next.program)
	}
	if before == nil && old != nil {
		old.Drain(cancelled) // a placeholder
	}
	l.checkIdentity(next)
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// drainTime is how long a replaced server may take to answer the requests that it has
// received.
const drainTime = 10 * time.Second

// retire ends a server that was replaced, and removes its program unless the next one
// uses it.
func (l *loop) retire(s *server, next string) {
	l.draining.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		s.target.Drain(ctx)
		s.stop()
		if s.program != next {
			os.Remove(s.program)
		}
	})
}

// failed reports that the saved files do not work. The server before, if there is
// one, goes on.
func (l *loop) failed(what string, err error, took time.Duration) {
	output := err.Error()
	short := what + ": " + firstError(output)
	if l.current == nil {
		l.Say(what, output)
		if old := l.front.Use(placeholder(l.place.Name, short+"\nThere is no server yet. It appears by itself when the files are mended.")); old != nil {
			old.Drain(cancelled)
		}
	} else {
		l.Say(what+"; the server before goes on", output)
		l.front.Note("[mcpengine dev] " + short + ". This result is of the last build that works.")
	}
	l.front.Log("error", short)
	l.tell(Build{State: BuildFailed, Output: output, Took: took}) // results are marked by now
}

func (l *loop) tell(b Build) {
	if l.OnBuild != nil {
		l.OnBuild(b)
	}
}

// maxCrashes is how often a server is started again when it ends soon after its
// start.
const maxCrashes = 3

// crashed starts the server again that has ended.
func (l *loop) crashed(ctx context.Context) {
	ended := l.current
	l.current = nil
	l.front.Use(nil)
	ended.target.cutOff(brokenOff(errExited))
	if time.Since(ended.began) > 10*time.Second {
		l.crashes = 0
	}
	l.crashes++
	state := ended.state()
	if l.crashes > maxCrashes {
		l.failed("the server ended again", errors.New(state), 0)
		return
	}
	l.Say("the server ended and is started again", state)
	began := time.Now()
	next, err := l.start(ctx, ended.program)
	switch {
	case ctx.Err() != nil && err == nil:
		next.stop()
	case err != nil && ctx.Err() == nil:
		l.failed("the server did not start again", err, time.Since(began))
	case err == nil:
		next.program, next.sum = ended.program, ended.sum
		l.swap(next, began)
		l.front.Log("warning", "the server ended and was started again")
	}
}
