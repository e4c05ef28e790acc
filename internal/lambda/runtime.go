package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// grace is how long invocations may go on after SIGTERM. The platform kills the
// process 500 ms after SIGTERM, and the clean-up in main needs part of that
// time.
const grace = 300 * time.Millisecond

const (
	// flushTime bounds what the program sends after an answer. The platform charges
	// for it, and the next invocation waits.
	flushTime = 500 * time.Millisecond

	// flushMargin is how long before the end of the invocation that has to be over:
	// at the end the platform kills the process.
	flushMargin = 50 * time.Millisecond
)

var errShutdown = errors.New("the execution environment is shutting down")

// A runtime takes invocations from the Runtime API, version 2018-06-01, passes
// them to the adapter, and sends the answers back.
type runtime struct {
	address string // host and port
	prefix  string // of all paths; empty on the platform itself
	next    []byte // the request for an invocation
	adapter *Adapter
}

func newRuntime(address string, a *Adapter) *runtime {
	host, path, below := strings.Cut(address, "/")
	r := &runtime{address: host, adapter: a}
	if below {
		r.prefix = "/" + strings.TrimSuffix(path, "/")
	}
	r.next = append(r.head("GET", "/2018-06-01/runtime/invocation/next"), "\r\n"...)
	return r
}

const concurrencyVariable = "AWS_LAMBDA_MAX_CONCURRENCY"

// parseConcurrency reads how many invocations the platform hands to this
// process at a time.
func parseConcurrency(getenv func(string) string) (int, error) {
	text := getenv(concurrencyVariable)
	if text == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s is %q: it has to be a positive number", concurrencyVariable, text)
	}
	return n, nil
}

// serve takes invocations in the given number of loops until ctx is done, a
// signal comes or the platform breaks off. It then waits for invocations under
// way, for grace at most.
func (r *runtime) serve(ctx context.Context, loops int) error {
	stopping, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	base, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(errShutdown)

	var extension, running sync.WaitGroup
	reg := &registration{done: make(chan struct{})}
	extension.Go(func() {
		r.extend(stopping, reg)
		fail(errShutdown)
	})
	first := func(c *connection) (*invocation, error) { return r.begin(c, reg) }
	others := func(c *connection) (*invocation, error) {
		<-reg.done
		return r.take(c)
	}
	for i := range loops {
		running.Go(func() {
			take := others
			if i == 0 {
				take = first
			}
			if err := r.loop(stopping, base, take, loops == 1); err != nil {
				fail(err)
			}
		})
	}
	idle := make(chan struct{})
	go func() { // ends with the last loop
		running.Wait()
		close(idle)
	}()

	<-stopping.Done()
	extension.Wait()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
	if err := context.Cause(stopping); ctx.Err() == nil && !errors.Is(err, errShutdown) {
		return err
	}
	return nil
}

// loop takes one invocation after the other, the first one with take. It
// returns nil when stopping is done. The contexts of the invocations derive
// from base.
func (r *runtime) loop(stopping, base context.Context, take func(*connection) (*invocation, error), alone bool) error {
	c := &connection{address: r.address}
	defer c.close()
	defer context.AfterFunc(stopping, c.stop)()
	if err := c.dial(); err != nil {
		return fmt.Errorf("connect to the Runtime API: %w", err)
	}
	for stopping.Err() == nil {
		inv, err := take(c)
		take = r.take
		switch {
		case err == nil:
			if err = r.invoke(base, c, inv, alone); err == nil && alone {
				r.flush(base, inv)
			}
		case stopping.Err() != nil:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// An invocation is one event to answer.
type invocation struct {
	id    string
	end   string // milliseconds since 1970
	trace string
	event []byte
}

// invocationIDKey is the key of the invocation's id in its context.
type invocationIDKey struct{}

// take asks for an invocation and waits for it.
func (r *runtime) take(c *connection) (*invocation, error) {
	resp, err := c.ask(r.next, nil, c.long)
	if err != nil {
		return nil, fmt.Errorf("get the next invocation: %w", err)
	}
	defer c.done(resp)
	return read(resp)
}

// read reads the invocation that the platform has sent.
func read(resp *http.Response) (*invocation, error) {
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get the next invocation: %w", unexpected(resp))
	}
	inv := &invocation{
		id:    resp.Header.Get("Lambda-Runtime-Aws-Request-Id"),
		end:   resp.Header.Get("Lambda-Runtime-Deadline-Ms"),
		trace: resp.Header.Get("Lambda-Runtime-Trace-Id"),
	}
	if inv.id == "" {
		return nil, errors.New("get the next invocation: it has no id")
	}
	var err error
	if inv.event, err = readEvent(resp); err != nil {
		return nil, fmt.Errorf("read the event of an invocation: %w", err)
	}
	return inv, nil
}

func readEvent(resp *http.Response) ([]byte, error) {
	switch n := resp.ContentLength; {
	case n > maxMessage:
		return nil, fmt.Errorf("it has %d bytes", n)
	case n < 0:
		return io.ReadAll(resp.Body) // up to the bound of the connection
	default:
		event := make([]byte, n)
		_, err := io.ReadFull(resp.Body, event)
		return event, err
	}
}

// invoke answers an invocation with the adapter, and sends the answer back.
func (r *runtime) invoke(ctx context.Context, c *connection, inv *invocation, alone bool) error {
	end, err := strconv.ParseInt(inv.end, 10, 64)
	if err != nil {
		return r.fail(ctx, c, inv, fmt.Errorf("parse the deadline: %w", err))
	}
	ctx, cancel := context.WithDeadline(ctx, time.UnixMilli(end))
	defer cancel()
	ctx = context.WithValue(ctx, invocationIDKey{}, inv.id)
	if inv.trace != "" {
		ctx = inv.traced(ctx, alone)
	}
	x, err := r.adapter.begin(ctx, inv.event)
	if err != nil {
		answer, err := r.adapter.other(ctx, inv.event, err)
		if err != nil {
			return r.fail(ctx, c, inv, err)
		}
		return r.answer(ctx, c, inv, "/response", nil, answer)
	}
	if r.adapter.config.Stream && x.frontEnd.streams {
		return r.stream(ctx, c, inv, x.stream(ctx))
	}
	x.run(ctx)
	return r.answer(ctx, c, inv, "/response", nil, x.reply(ctx))
}

// flush lets the program send what it has buffered, after the answer and before the
// platform freezes the process, which it does when the next invocation is asked for.
// An environment with several invocations at once is not frozen.
func (r *runtime) flush(ctx context.Context, inv *invocation) {
	flush := r.adapter.config.Flush
	end, err := strconv.ParseInt(inv.end, 10, 64)
	if flush == nil || err != nil {
		return
	}
	ctx, cancel := context.WithDeadline(ctx, time.UnixMilli(end).Add(-flushMargin))
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, flushTime)
	defer cancel()
	flush(ctx)
}

// traced puts the trace where the AWS libraries look for it: X-Ray in the
// context, the AWS SDK in the environment. The environment is only set when the
// process runs one invocation at a time.
func (inv *invocation) traced(ctx context.Context, alone bool) context.Context {
	if alone {
		_ = os.Setenv("_X_AMZN_TRACE_ID", inv.trace) // it fails for a NUL: then there is no trace
	}
	return context.WithValue(ctx, "x-amzn-trace-id", inv.trace) //nolint:staticcheck // the key is not ours to choose
}

// path returns a path of the Runtime API for the invocation.
func (inv *invocation) path(end string) string {
	return "/2018-06-01/runtime/invocation/" + url.PathEscape(inv.id) + end
}

// head begins the head of a request.
func (r *runtime) head(method, path string) []byte {
	return []byte(method + " " + r.prefix + path + " HTTP/1.1\r\nHost: " + r.address + "\r\nUser-Agent: mcpengine/" + goruntime.Version() + "\r\n")
}

// withBody ends the head of a request that has a body.
func withBody(head []byte, length int) []byte {
	head = append(head, "Content-Type: application/json\r\nContent-Length: "...)
	return append(strconv.AppendInt(head, int64(length), 10), "\r\n\r\n"...)
}
