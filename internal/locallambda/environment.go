package locallambda

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// An environment is a place for one process at a time.
type environment struct {
	platform *Platform
	index    int

	mu      sync.Mutex
	current *instance
}

// instance returns the running process, and starts one if necessary.
func (e *environment) instance(ctx context.Context) (*instance, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current != nil && e.current.alive() {
		return e.current, nil
	}
	inst, err := e.start(ctx)
	if err != nil {
		return nil, err
	}
	e.current = inst
	return inst, nil
}

// peek returns the process, or nil if none has been started.
func (e *environment) peek() *instance {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current
}

// An instance is one process and its own Runtime API.
type instance struct {
	environment *environment
	cmd         *exec.Cmd
	api         *http.Server
	queue       chan *invocation // handed out by the Runtime API
	ready       chan struct{}    // closed when it first asks for an invocation
	dead        chan struct{}    // closed when the process is gone
	started     time.Time

	mu         sync.Mutex
	pending    map[string]*invocation
	extensions int           // registered
	init       time.Duration // until it was ready
	used       bool          // it has had an invocation
	frozen     bool
	ending     Kind // why the process is being ended, or ""
	state      *os.ProcessState
}

func (e *environment) start(ctx context.Context) (*instance, error) {
	listener, err := listen(ctx, anyPort)
	if err != nil {
		return nil, err
	}
	inst := &instance{
		environment: e,
		started:     time.Now(),
		queue:       make(chan *invocation),
		ready:       make(chan struct{}),
		dead:        make(chan struct{}),
		pending:     map[string]*invocation{},
	}
	inst.api = &http.Server{Handler: inst.routes(), ReadHeaderTimeout: time.Minute}
	// The port is already open, so the process waits for the server.
	if err := inst.exec(listener.Addr()); err != nil {
		listener.Close()
		return nil, err
	}
	served := make(chan struct{})
	go func() { // inst.wait closes it
		defer close(served)
		inst.api.Serve(listener) //nolint:errcheck // it ends when it is closed
	}()
	inst.record(Started, "")
	go inst.wait(served) // ends with the process, which Stop ends
	return inst, nil
}

func (i *instance) exec(address net.Addr) error {
	p := i.environment.platform
	path, err := filepath.Abs(p.options.Bootstrap)
	if err != nil {
		return fmt.Errorf("find the bootstrap: %w", err)
	}
	// The process outlives the invocation that starts it.
	i.cmd = exec.CommandContext(context.Background(), path)
	i.cmd.Dir = filepath.Dir(path)
	i.cmd.Env = append(p.env(address.String(), i.environment.index), "LAMBDA_TASK_ROOT="+i.cmd.Dir)
	i.cmd.Stdout, i.cmd.Stderr = p.options.Log, p.options.Log
	if err := i.cmd.Start(); err != nil {
		return fmt.Errorf("start the bootstrap: %w", err)
	}
	return nil
}

// wait waits for the process, records its end and closes dead.
func (i *instance) wait(served <-chan struct{}) {
	err := i.cmd.Wait()
	i.mu.Lock()
	i.state = i.cmd.ProcessState
	kind := i.ending
	if kind == "" {
		kind = Crashed
	}
	i.mu.Unlock()
	detail := "exit status 0"
	if err != nil {
		detail = err.Error()
	}
	i.environment.platform.record(Entry{
		Kind: kind, Instance: i.environment.index, Process: i.cmd.Process.Pid, Detail: detail,
		CPU: i.cmd.ProcessState.UserTime() + i.cmd.ProcessState.SystemTime(),
	})
	close(i.dead)
	i.api.Close()
	<-served
}

func (i *instance) alive() bool {
	select {
	case <-i.dead:
		return false
	default:
		return true
	}
}

// exitReason says how the process ended.
func (i *instance) exitReason() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return "the process has ended: " + i.state.String()
}

func (i *instance) record(kind Kind, detail string) {
	i.environment.platform.record(Entry{Kind: kind, Instance: i.environment.index, Process: i.cmd.Process.Pid, Detail: detail})
}

// violate records that the function broke a rule.
func (i *instance) violate(format string, args ...any) {
	i.record(Violated, fmt.Sprintf(format, args...))
}

// markEnding notes why the process is about to end. The first reason counts.
func (i *instance) markEnding(ending Kind) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ending == "" {
		i.ending = ending
	}
}

func (i *instance) kill(ending Kind) {
	i.markEnding(ending)
	// It fails when the process has ended already.
	_ = i.cmd.Process.Kill()
}

// retire ends an idle process.
func (i *instance) retire() {
	if !i.alive() {
		return
	}
	i.mu.Lock()
	asked := i.extensions > 0
	i.mu.Unlock()
	if asked {
		i.markEnding(Ended) // it is not frozen any more
		if i.thaw() == nil && terminate(i.cmd.Process) == nil {
			timer := time.NewTimer(i.environment.platform.options.Grace)
			defer timer.Stop()
			select {
			case <-i.dead:
				return
			case <-timer.C:
			}
			i.mu.Lock()
			i.ending = Overdue
			i.mu.Unlock()
		}
	}
	i.kill(Killed)
	<-i.dead
}

func (i *instance) freeze() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.frozen || i.ending != "" {
		return nil
	}
	if err := suspend(i.cmd.Process); err != nil {
		return err
	}
	i.frozen = true
	return nil
}

func (i *instance) thaw() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.frozen {
		return nil
	}
	i.frozen = false
	return resume(i.cmd.Process)
}
