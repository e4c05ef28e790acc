package lambda_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

// A platform is a Runtime API that hands out the events of a test.
type platform struct {
	events   chan string
	answers  chan answered
	next     http.HandlerFunc // instead of events
	status   int              // of answers; 202 unless set
	register int              // 200 unless set
	closes   bool             // it closes the connection of the extension
	rests    func()           // called when the extension is ready
	prefix   string
	breaks   int // how many answers it breaks off

	mu   sync.Mutex
	seen []string
}

// answered is a request to the platform with the result of an invocation.
type answered struct {
	path, body      string
	header, trailer http.Header
	encoding        []string
	length          int64
}

// start starts the platform and the runtime. It returns a function that stops
// the runtime, and the error that the runtime returned.
func (p *platform) start(t *testing.T, h http.HandlerFunc, config lambda.Config) (stop func(), result <-chan error) {
	t.Helper()
	p.events, p.answers = make(chan string), make(chan answered)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	t.Setenv("AWS_LAMBDA_RUNTIME_API", strings.TrimPrefix(server.URL, "http://")+p.prefix)
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		returned <- lambda.Run(ctx, h, config)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return cancel, returned
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, p.prefix)
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+path)
	p.mu.Unlock()
	switch {
	case path == "/2020-01-01/extension/register":
		w.Header().Set("Lambda-Extension-Identifier", "extension-1")
		if p.closes {
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(max(p.register, http.StatusOK))
	case path == "/2020-01-01/extension/event/next":
		if p.rests != nil {
			p.rests()
		}
		<-r.Context().Done()
	case path != "/2018-06-01/runtime/invocation/next":
		p.take(w, r, path)
	case p.next != nil:
		p.next(w, r)
	default:
		select {
		case event := <-p.events:
			give(w, "id-1", event)
		case <-r.Context().Done():
		}
	}
}

// give hands out an invocation.
func give(w http.ResponseWriter, id, event string) {
	h := w.Header()
	h.Set("Lambda-Runtime-Aws-Request-Id", id)
	h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-"+id)
	io.WriteString(w, event)
}

func (p *platform) take(w http.ResponseWriter, r *http.Request, path string) {
	if p.breaks > 0 {
		p.breaks--
		panic(http.ErrAbortHandler)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = append(body, " and then "+err.Error()...)
	}
	p.answers <- answered{path, string(body), r.Header, r.Trailer, r.TransferEncoding, r.ContentLength}
	w.WriteHeader(max(p.status, http.StatusAccepted))
}

func (p *platform) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.seen...)
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `"hi"`)
}

const helloAnswer = `{"cookies":[],"headers":{"content-type":"application/json"},"statusCode":200,"body":"\"hi\"","isBase64Encoded":false}`

func TestRunAnswersUntilItIsStopped(t *testing.T) {
	for _, prefix := range []string{"", "/below"} {
		p := &platform{prefix: prefix}
		stop, result := p.start(t, hello, lambda.Config{})
		for range 2 {
			p.events <- functionURL(t, "")
			got := <-p.answers
			if got.path != "/2018-06-01/runtime/invocation/id-1/response" || got.body != helloAnswer || got.length != int64(len(helloAnswer)) || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("answer = %+v, want %s", got, helloAnswer)
			}
		}
		stop()
		if err := <-result; err != nil {
			t.Errorf("Run = %v, want nil when it is stopped", err)
		}
	}
}

// The start does not wait for the answer to the registration, but the platform
// reads the registration first. It may break a connection off between the two.
func TestFirstInvocationIsAskedForAgain(t *testing.T) {
	for _, how := range []string{"close", "abort"} {
		t.Run(how, func(t *testing.T) {
			p := &platform{}
			var asked atomic.Int64
			p.next = func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) == 1 && how == "abort" {
					panic(http.ErrAbortHandler)
				}
				if event, ok := <-p.events; ok {
					give(w, "id-1", event)
				}
			}
			p.closes = how == "close"
			p.start(t, hello, lambda.Config{})
			p.events <- functionURL(t, "")
			if got := <-p.answers; got.body != helloAnswer {
				t.Errorf("answer = %+v, want %s", got, helloAnswer)
			}
			close(p.events)
		})
	}
}

// The platform accepts no extension after the first request for an invocation.
func TestExtensionComesFirst(t *testing.T) {
	p := &platform{}
	p.start(t, hello, lambda.Config{})
	p.events <- functionURL(t, "")
	<-p.answers
	if got := p.requests(); got[0] != "POST /2020-01-01/extension/register" {
		t.Errorf("the first request is %s, want the registration of the extension", got[0])
	}
}

func TestRunDoesWithoutSIGTERM(t *testing.T) {
	log := make(lines, 9)
	p := &platform{register: http.StatusForbidden}
	stop, result := p.start(t, hello, lambda.Config{Logger: slog.New(slog.NewTextHandler(log, nil))})
	p.events <- functionURL(t, "")
	if got := <-p.answers; got.body != helloAnswer {
		t.Errorf("answer = %+v, want %s", got, helloAnswer)
	}
	if line := <-log; !strings.Contains(line, "level=WARN") || !strings.Contains(line, "403 Forbidden") {
		t.Errorf("log = %s, want a warning with the status", line)
	}
	stop()
	if err := <-result; err != nil || len(log) > 0 {
		t.Errorf("Run = %v with %d more lines in the log, want neither", err, len(log))
	}
}

// lines passes on the log.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestInvocationUnderWayIsAnsweredBeforeRunReturns(t *testing.T) {
	p := &platform{}
	begun, finish := make(chan struct{}), make(chan struct{})
	stop, result := p.start(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-finish
		if err := r.Context().Err(); err != nil {
			t.Errorf("the request ends with the wait for the next: %v", err)
		}
		hello(w, r)
	}, lambda.Config{})
	p.events <- functionURL(t, "")
	<-begun
	stop()
	close(finish)
	if got := <-p.answers; got.body != helloAnswer {
		t.Errorf("answer = %+v, want %s", got, helloAnswer)
	}
	if err := <-result; err != nil {
		t.Errorf("Run = %v", err)
	}
	asked := 0
	for _, request := range p.requests() {
		asked += strings.Count(request, "/invocation/next")
	}
	if asked != 1 {
		t.Errorf("the platform was asked for %d invocations, want no more after the stop", asked)
	}
}

func TestRunDoesNotWaitForHandlersThatHang(t *testing.T) {
	p := &platform{}
	begun := make(chan struct{})
	stop, result := p.start(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done() // done when Run ends
		w.WriteHeader(http.StatusTeapot)
	}, lambda.Config{})
	p.events <- functionURL(t, "")
	<-begun
	stop()
	if err := <-result; err != nil {
		t.Errorf("Run = %v", err)
	}
	<-p.answers
}

func TestRunReturnsWhenTheRuntimeAPIBreaksOff(t *testing.T) {
	tests := []struct {
		name string
		next http.HandlerFunc
		want string
	}{
		{"it closes the connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "get the next invocation: EOF"},
		{"it refuses", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"errorType":"x"}`, http.StatusForbidden)
		}, `get the next invocation: the platform answers 403 Forbidden "{\"errorType\":\"x\"}\n"`},
		{"it gives no id", func(w http.ResponseWriter, _ *http.Request) { give(w, "", "{}") }, "get the next invocation: it has no id"},
		{"the event is cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			give(w, "id", "{}")
		}, "read the event of an invocation: unexpected EOF"},
		{"the event has no end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000000000")
			give(w, "id", "{}")
		}, "read the event of an invocation: it has 1000000000000 bytes"},
		{"the event is larger than it may be", func(w http.ResponseWriter, _ *http.Request) {
			give(w, "id", strings.Repeat(" ", 33<<20))
		}, "read the event of an invocation: unexpected EOF"},
		{"so is the head", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 33<<20))
			give(w, "id", "{}")
		}, "get the next invocation: read the response: unexpected EOF"},
		{"it speaks no HTTP", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, "hello\r\n\r\n")
			conn.Close()
		}, `get the next invocation: read the response: malformed HTTP`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, result := (&platform{next: test.next}).start(t, hello, lambda.Config{})
			if err := <-result; err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("Run = %v, want %s", err, test.want)
			}
		})
	}
}

func TestRunWithoutAnybodyThere(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	t.Setenv("AWS_LAMBDA_RUNTIME_API", strings.TrimPrefix(server.URL, "http://"))
	if err := lambda.Run(t.Context(), http.NotFoundHandler(), lambda.Config{}); err == nil || !strings.HasPrefix(err.Error(), "connect to the Runtime API: dial tcp") {
		t.Errorf("Run = %v, want that nobody answers", err)
	}
}

// A peer may close idle connections.
func TestConnectionThatIsNotKept(t *testing.T) {
	for _, stream := range []bool{false, true} {
		p := &platform{}
		p.next = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			select {
			case event := <-p.events:
				give(w, "id-2", event)
			case <-r.Context().Done():
			}
		}
		p.start(t, hello, lambda.Config{Stream: stream})
		for range 3 {
			p.events <- functionURL(t, "")
			if got := <-p.answers; !strings.Contains(got.body, "hi") {
				t.Errorf("answer = %+v", got)
			}
		}
	}
}

// A lost connection is noticed, and the request is sent again.
func TestConnectionThatIsLost(t *testing.T) {
	var lost atomic.Bool
	p := &platform{}
	p.next = func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-p.events:
			if event == "" {
				lost.Store(true)
				panic(http.ErrAbortHandler)
			}
			give(w, "id", event)
		case <-r.Context().Done():
		}
	}
	p.start(t, hello, lambda.Config{})
	for _, event := range []string{functionURL(t, ""), "", functionURL(t, "")} {
		p.events <- event
		if event == "" {
			continue
		}
		if got := <-p.answers; got.body != helloAnswer {
			t.Errorf("answer = %+v", got)
		}
	}
	if !lost.Load() {
		t.Error("no connection was lost")
	}
}

func TestConcurrency(t *testing.T) {
	const n = 3
	t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", fmt.Sprint(n))
	p := &platform{}
	var together sync.WaitGroup
	together.Add(n)
	stop, result := p.start(t, func(w http.ResponseWriter, r *http.Request) {
		together.Done()
		together.Wait() // for the others
		hello(w, r)
	}, lambda.Config{})
	for range n {
		p.events <- functionURL(t, "")
	}
	for range n {
		if got := <-p.answers; got.body != helloAnswer {
			t.Errorf("answer = %+v", got)
		}
	}
	stop()
	if err := <-result; err != nil {
		t.Errorf("Run = %v", err)
	}
}

func TestConcurrencyThatIsNoNumber(t *testing.T) {
	for _, value := range []string{"many", "0", "-1"} {
		t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", value)
		p := &platform{}
		_, result := p.start(t, hello, lambda.Config{})
		want := fmt.Sprintf("AWS_LAMBDA_MAX_CONCURRENCY is %q: it has to be a positive number", value)
		got := <-p.answers
		if got.path != "/2018-06-01/runtime/init/error" || !strings.Contains(got.body, "has to be a positive number") {
			t.Errorf("the platform receives %+v", got)
		}
		if err := <-result; err == nil || err.Error() != want {
			t.Errorf("Run = %v, want %s", err, want)
		}
	}
}

// X-Ray looks for the trace in the context, the AWS SDK in the environment.
func TestTraceIsHandedOn(t *testing.T) {
	const variable = "_X_AMZN_TRACE_ID"
	for _, concurrency := range []string{"1", "2"} {
		t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", concurrency)
		t.Setenv(variable, "before")
		p := &platform{}
		p.start(t, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%v %s", r.Context().Value("x-amzn-trace-id"), os.Getenv(variable))
		}, lambda.Config{})
		p.events <- functionURL(t, "")
		got := decode(t, []byte((<-p.answers).body)).Body
		want := map[string]string{"1": "Root=1-id-1 Root=1-id-1", "2": "Root=1-id-1 before"}[concurrency]
		if got != want {
			t.Errorf("at a concurrency of %s the trace is %q, want %q", concurrency, got, want)
		}
	}
}

// A load balancer gives its requests no ids, so the id of the invocation is
// used.
func TestIDOfTheInvocation(t *testing.T) {
	p := &platform{}
	p.start(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, lambda.RequestID(r.Context()))
	}, lambda.Config{})
	p.events <- balancer(t, "")
	if got := decode(t, []byte((<-p.answers).body)).Body; got != "id-1" {
		t.Errorf("RequestID = %q, want the id of the invocation", got)
	}
}

// A safeBuffer is a buffer that may be read while it is written.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// The program sends what it has buffered after its answer, and before it asks for the
// next invocation; not where several invocations share the process.
func TestFlush(t *testing.T) {
	for _, concurrency := range []string{"1", "2"} {
		t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", concurrency)
		p := &platform{}
		answered := make(chan struct{}, 1)
		var flushes atomic.Int64
		config := lambda.Config{Flush: func(ctx context.Context) {
			flushes.Add(1)
			<-answered // the platform has the answer already
			if end, ok := ctx.Deadline(); !ok || time.Until(end) > 500*time.Millisecond {
				t.Errorf("a flush may take until %v, %t", end, ok)
			}
			if got, want := strings.Count(strings.Join(p.requests(), " "), "/invocation/next"), int(flushes.Load()); got != want {
				t.Errorf("%d invocations were asked for at flush %d", got, want)
			}
		}}
		p.start(t, hello, config)
		for range 3 {
			p.events <- functionURL(t, "")
			<-p.answers
			answered <- struct{}{}
			if concurrency == "2" {
				<-answered
			}
		}
		if concurrency == "2" && flushes.Load() > 0 {
			t.Errorf("%d flushes, and the process is not frozen", flushes.Load())
		}
	}
}
