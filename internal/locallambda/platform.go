// Package locallambda stands in for AWS Lambda on one machine: it runs a built
// function as a process of its own, with the environment variables and the Runtime
// API of the platform, and freezes and kills it as the platform does. It is behind
// `mcpengine lambda`, and tests of everything that runs on Lambda use it too.
//
// environment.go has an execution environment and its process, pool.go the choice
// among them, runtime.go the HTTP interface that the process uses, front.go the
// Function URL that clients use, invoke.go the operation Invoke that programs use,
// and report.go the line that the platform logs for an invocation.
package locallambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Options describe the function and how it is run.
type Options struct {
	// Bootstrap is the path of the program. Required.
	Bootstrap string

	// Name is the name of the function. The default is [Function].
	Name string

	// Memory is the memory of the function in MB, which the process is told and
	// [Report] repeats. It is not enforced. The default is 128.
	Memory int

	// Address is the host and port of the Function URL. The default is a free
	// port of 127.0.0.1.
	Address string

	// Instances is how many execution environments there may be. Each starts
	// with its first invocation. The default is 1.
	Instances int

	// Concurrency is how many invocations an environment gets at once. The
	// default is 1.
	Concurrency int

	// Stream is the invoke mode RESPONSE_STREAM of the Function URL.
	Stream bool

	// Retries are the times after which an asynchronous invocation that has failed
	// is repeated. The default, as on the platform, is one minute and then two.
	Retries []time.Duration

	// Duplicates has every so many asynchronous invocations delivered twice, as may
	// happen on the platform. The default is never.
	Duplicates int

	// Warm prefers the environment that was used last, as the platform does. By
	// default invocations take turns, so that a test meets all environments.
	Warm bool

	// Cold ends a process after each invocation, so that each starts another.
	Cold bool

	// Freeze stops the process between invocations, if the system supports
	// that.
	Freeze bool

	// Timeout is the timeout of the function. The default is one minute.
	Timeout time.Duration

	// Grace is how long a process may take to end after SIGTERM before it is
	// killed. The default, as on the platform, is 500 ms.
	Grace time.Duration

	// Env is added to the environment of the process, as "NAME=value".
	Env []string

	// Report is told of each invocation when it has ended. Optional.
	Report func(Report)

	// Log gets the output of the processes. By default it is discarded.
	Log io.Writer
}

const anyPort = "127.0.0.1:0"

func (o Options) withDefaults() Options {
	o.Name = cmp.Or(o.Name, Function)
	o.Memory = cmp.Or(o.Memory, 128)
	o.Address = cmp.Or(o.Address, anyPort)
	o.Instances = cmp.Or(o.Instances, 1)
	o.Concurrency = cmp.Or(o.Concurrency, 1)
	o.Timeout = cmp.Or(o.Timeout, time.Minute)
	o.Grace = cmp.Or(o.Grace, 500*time.Millisecond)
	if o.Retries == nil {
		o.Retries = []time.Duration{time.Minute, 2 * time.Minute}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

// A Platform runs one function. Its methods may be called concurrently.
type Platform struct {
	options      Options
	environments []*environment
	free         *pool
	front        *http.Server
	url          string
	served       chan struct{}
	invoker      *invoker
	invoke       *http.Server
	invokeURL    string
	invoked      chan struct{} // closed when invoke is
	throttled    atomic.Bool
	stopping     sync.Once
	number       atomic.Int64 // of the last invocation

	mu     sync.Mutex
	ledger []Entry
}

// New returns a platform that is ready for invocations. The caller must call
// [Platform.Stop].
func New(ctx context.Context, options Options) (*Platform, error) {
	if _, err := os.Stat(options.Bootstrap); err != nil {
		return nil, fmt.Errorf("find the bootstrap: %w", err)
	}
	options = options.withDefaults()
	p := &Platform{
		options: options,
		served:  make(chan struct{}),
	}
	for i := range options.Instances {
		p.environments = append(p.environments, &environment{platform: p, index: i})
	}
	p.free = newPool(p.environments, options.Concurrency, options.Warm)
	listener, err := listen(ctx, options.Address)
	if err != nil {
		return nil, err
	}
	p.url = "http://" + listener.Addr().String()
	p.front = &http.Server{Handler: &functionURL{p}, ReadHeaderTimeout: time.Minute}
	err = p.serveInvoke(ctx) // the processes that a first request starts are told where it is
	go func() {
		defer close(p.served)
		p.front.Serve(listener) //nolint:errcheck // it ends when it is closed
	}()
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// serveInvoke serves the operation Invoke.
func (p *Platform) serveInvoke(ctx context.Context) error {
	p.invoker, p.invoked = newInvoker(p), make(chan struct{})
	p.invoke = &http.Server{Handler: p.invoker.routes(), ReadHeaderTimeout: time.Minute}
	listener, err := listen(ctx, anyPort)
	if err != nil {
		close(p.invoked)
		return err
	}
	p.invokeURL = "http://" + listener.Addr().String()
	go func() {
		defer close(p.invoked)
		p.invoke.Serve(listener) //nolint:errcheck // it ends when it is closed
	}()
	return nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

// URL returns the Function URL, without a slash at the end.
func (p *Platform) URL() string { return p.url }

// InvokeURL returns the endpoint of the Lambda API, of which there is Invoke. The
// processes of the function find it in AWS_ENDPOINT_URL_LAMBDA.
func (p *Platform) InvokeURL() string { return p.invokeURL }

// Throttle has Invoke refuse calls, or accept them again.
func (p *Platform) Throttle(on bool) { p.throttled.Store(on) }

// A Result is how an invocation ended.
type Result struct {
	Payload     []byte
	ContentType string // of the payload
	Instance    int

	// FunctionError says why the invocation failed, or is empty.
	FunctionError string
}

// Invoke hands an event to the function and waits for the result. It returns an
// error when no process could be started, or when ctx ended while all
// environments were in use.
func (p *Platform) Invoke(ctx context.Context, event []byte) (Result, error) {
	inv, err := p.begin(ctx, event)
	if err != nil {
		return Result{}, err
	}
	defer p.end(inv)
	return inv.result(), nil
}

// begin takes an environment and hands it the event. The caller must call end
// with the invocation.
func (p *Platform) begin(ctx context.Context, event []byte) (*invocation, error) {
	e, err := p.free.take(ctx)
	if err != nil {
		return nil, err
	}
	inst, err := e.instance(ctx)
	if err != nil {
		p.free.put(e)
		return nil, fmt.Errorf("start environment %d: %w", e.index, err)
	}
	inv := &invocation{
		id:       fmt.Sprintf("%08d-0000-4000-8000-000000000000", p.number.Add(1)),
		event:    event,
		deadline: time.Now().Add(p.options.Timeout),
		instance: inst,
		answered: make(chan struct{}),
		consumed: make(chan struct{}),
	}
	inst.deliver(inv)
	return inv, nil
}

// end frees the environment for the next invocation.
func (p *Platform) end(inv *invocation) {
	inv.finish(http.StatusAccepted)
	inv.timer.Stop()
	if p.options.Report != nil {
		p.options.Report(inv.report())
	}
	if !p.options.Cold {
		p.free.put(inv.instance.environment)
		return
	}
	go func() { // the client does not wait; Stop does
		inv.instance.retire()
		p.free.put(inv.instance.environment)
	}()
}

// Start starts all environments at once, as a burst of requests does, and
// returns when each is ready for its first invocation.
func (p *Platform) Start(ctx context.Context) error {
	failed := make([]error, len(p.environments))
	var wg sync.WaitGroup
	for i, e := range p.environments {
		wg.Go(func() {
			inst, err := e.instance(ctx)
			if err != nil {
				failed[i] = err
				return
			}
			select {
			case <-inst.ready:
			case <-inst.dead:
				failed[i] = fmt.Errorf("environment %d: %s", i, inst.exitReason())
			case <-ctx.Done():
				failed[i] = ctx.Err()
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

// Kill kills the process of an environment, if there is one, even during an
// invocation. The next invocation starts another process.
func (p *Platform) Kill(i int) {
	if inst := p.environments[i].peek(); inst != nil {
		inst.kill(Killed)
		<-inst.dead
	}
}

// Freeze stops the process of an environment until an invocation, Thaw or Stop
// continues it.
func (p *Platform) Freeze(i int) error {
	if inst := p.environments[i].peek(); inst != nil {
		return inst.freeze()
	}
	return nil
}

// Thaw continues the process of an environment.
func (p *Platform) Thaw(i int) error {
	if inst := p.environments[i].peek(); inst != nil {
		return inst.thaw()
	}
	return nil
}

// Retire ends the process of an environment as the platform does when it is not
// needed any more: with SIGTERM if the process has registered an extension, and
// then with SIGKILL.
func (p *Platform) Retire(i int) {
	if inst := p.environments[i].peek(); inst != nil {
		inst.retire()
	}
}

// Stop waits for the invocations under way, retires all environments and closes
// the Function URL. Asynchronous invocations that have not begun are dropped.
func (p *Platform) Stop() { p.stopping.Do(p.stop) }

func (p *Platform) stop() {
	p.front.Close()
	<-p.served
	p.invoke.Close()
	<-p.invoked
	p.invoker.stop()
	p.free.drain()
	var wg sync.WaitGroup
	for i := range p.environments {
		wg.Go(func() { p.Retire(i) })
	}
	wg.Wait()
}

// CPU returns the processor time of all processes that have ended.
func (p *Platform) CPU() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var sum time.Duration
	for _, e := range p.ledger {
		sum += e.CPU
	}
	return sum
}

// env returns the environment variables of a process.
func (p *Platform) env(address string, index int) []string {
	o := p.options
	env := []string{
		"AWS_LAMBDA_RUNTIME_API=" + address,
		"AWS_LAMBDA_FUNCTION_NAME=" + o.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(o.Memory),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + o.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=2026/11/22/[$LATEST]" + strconv.Itoa(index),
		"AWS_REGION=eu-west-1",
		"AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=" + AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + secretKey,
		"AWS_SESSION_TOKEN=session",
		"AWS_ENDPOINT_URL_LAMBDA=" + p.invokeURL,
		"_HANDLER=bootstrap",
		"TZ=:UTC",
		"LANG=en_US.UTF-8",
		"PATH=/usr/local/bin:/usr/bin:/bin",
	}
	if o.Concurrency > 1 {
		env = append(env, "AWS_LAMBDA_MAX_CONCURRENCY="+strconv.Itoa(o.Concurrency))
	}
	return append(env, o.Env...)
}
