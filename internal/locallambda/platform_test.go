package locallambda_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	// These imports make cached test results depend on the code of the
	// functions.
	_ "github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/locallambda"
	_ "github.com/mcpengine/mcpengine/internal/locallambda/testdata/note"
)

// builds are the functions in testdata, built when a test first needs one.
type builds struct {
	dir  string
	mu   sync.Mutex
	done map[string]error
}

var functions builds

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "locallambda")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is the main of the tests
	}
	functions = builds{dir: dir, done: map[string]error{}}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code) //nolint:forbidigo // as above
}

// build returns the path of a function, built as for the platform.
func build(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(functions.dir, name)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	functions.mu.Lock()
	defer functions.mu.Unlock()
	err, ok := functions.done[name]
	if !ok {
		// For the cache: see the imports.
		if _, err := os.ReadFile(filepath.Join("testdata", name, "main.go")); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./testdata/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, err = cmd.CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		functions.done[name] = err
	}
	if err != nil {
		t.Fatalf("build testdata/%s: %v", name, err)
	}
	return path
}

// A log collects the output of the processes.
type log struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	waiting chan struct{} // closed when a process logs that it waits
	more    chan struct{} // closed when there is more to read
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if string(p) == "waiting\n" {
		close(l.waiting)
	}
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.buf.Write(p)
}

// await waits until the processes have logged a text. What a process writes before it
// answers may be read after the answer.
func (l *log) await(t *testing.T, text string) {
	t.Helper()
	for {
		l.mu.Lock()
		if strings.Contains(l.buf.String(), text) {
			l.mu.Unlock()
			return
		}
		more := make(chan struct{})
		l.more = more
		l.mu.Unlock()
		select {
		case <-more:
		case <-time.After(time.Minute):
			t.Fatalf("the log lacks %q: %s", text, l)
		}
	}
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// start runs the bootstrap until the end of the test. It fails the test when
// the bootstrap has broken a rule.
func start(t testing.TB, options locallambda.Options) (*locallambda.Platform, *log) {
	t.Helper()
	if options.Bootstrap == "" {
		options.Bootstrap = build(t, "bootstrap")
	}
	out := &log{waiting: make(chan struct{})}
	options.Log = out
	p, err := locallambda.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop()
		for _, e := range p.Ledger() {
			if e.Kind == locallambda.Violated {
				t.Errorf("environment %d breaks a rule: %s", e.Instance, e.Detail)
			}
		}
		if t.Failed() {
			t.Logf("the functions wrote:\n%.4000s", out)
		}
	})
	return p, out
}

func post(t testing.TB, url, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read the response: %v", err)
	}
	return resp.StatusCode, string(text)
}

func needSignals(t testing.TB) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("processes cannot be told to end on Windows")
	}
}

func TestAnswersThroughAFunctionURL(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"buffered", "stream"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p, _ := start(t, locallambda.Options{Stream: mode == "stream", Env: []string{"MCPENGINE_LAMBDA_MODE=" + mode}})
			tests := []struct {
				path, body string
				status     int
				want       string
			}{
				{"/echo", `{"n":1}`, 200, `{"n":1}`},
				{"/echo", "", 200, ""},
				{"/empty", "", 202, ""},
				{"/healthz", "", 404, "404 page not found\n"}, // only GET is a health check
				{"/panic", "", 500, `{"jsonrpc":"2.0","error":{"code":-32603,"message":"internal error"}}`},
				{"/echo", "still alive", 200, "still alive"},
				{"/big?n=5000000", "", 200, strings.Repeat("a", 5_000_000)},
				{"/stream?n=3", "", 200, "data: 0\n\ndata: 1\n\ndata: 2\n\n"},
			}
			for _, test := range tests {
				status, body := post(t, p.URL()+test.path, test.body)
				if status != test.status || body != test.want {
					t.Errorf("POST %s = %d %.200q, want %d %.200q", test.path, status, body, test.status, test.want)
				}
			}
			if n := p.Count(locallambda.Started); n != 1 {
				t.Errorf("%d processes were started, want one", n)
			}
		})
	}
}

func TestHeadersThroughAFunctionURL(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"buffered", "stream"} {
		p, _ := start(t, locallambda.Options{Stream: mode == "stream", Env: []string{"MCPENGINE_LAMBDA_MODE=" + mode}})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL()+"/headers?a=%20&a", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Cookie"] = []string{"c=3; d=4"}
		req.Header["X-Tag"] = []string{"1", "2"}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, name := range []string{"Set-Cookie", "Www-Authenticate", "X-Amzn-Remapped-Www-Authenticate", "X-Got"} {
			got[name] = resp.Header[name]
		}
		want := map[string][]string{
			"Set-Cookie":                       {"a=1", "b=2"},
			"Www-Authenticate":                 nil,
			"X-Amzn-Remapped-Www-Authenticate": {"Bearer"},
			"X-Got":                            {`"abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-1.on.aws" ["c=3; d=4"] ["1,2"] "a=%20&a"`},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", mode, diff)
		}
		if !bytes.Equal(body, []byte{0x89, 0xff, 0}) {
			t.Errorf("%s: body = %q", mode, body)
		}
	}
}

func TestStreamArrivesInPieces(t *testing.T) {
	t.Parallel()
	p, _ := start(t, locallambda.Options{Stream: true, Env: []string{"MCPENGINE_LAMBDA_MODE=stream"}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL()+"/stream?n=2&panic", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	for i := range 2 {
		if line, err := r.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Errorf("event %d = %q, %v", i, line, err)
		}
		if _, err := r.ReadString('\n'); err != nil {
			t.Error(err)
		}
	}
	if rest, err := io.ReadAll(r); err == nil {
		t.Errorf("the stream of a handler that panics ends well, with %q", rest)
	}
	if _, body := post(t, p.URL()+"/echo", "next"); body != "next" {
		t.Errorf("the next answer is %q", body)
	}
}

func TestAnswerOverSixMegabytes(t *testing.T) {
	t.Parallel()
	p, out := start(t, locallambda.Options{})
	status, body := post(t, p.URL()+"/big?n=7000000", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}`)
	if status != 500 || !strings.Contains(body, "the answer is larger than the 6 MB") {
		t.Errorf("answer = %d %.200q, want an error", status, body)
	}
	out.await(t, "the answer does not fit")
	status, _ = post(t, p.URL()+"/echo", strings.Repeat("a", 6<<20))
	if status != http.StatusRequestEntityTooLarge {
		t.Errorf("a request of 6 MB = %d, want 413 of the front end", status)
	}
}

// The platform fails where the real one would leak the framing to clients.
func TestModesThatDisagree(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{true, false} {
		mode := map[bool]string{true: "buffered", false: "stream"}[stream]
		p, err := locallambda.New(t.Context(), locallambda.Options{
			Bootstrap: build(t, "bootstrap"), Stream: stream, Env: []string{"MCPENGINE_LAMBDA_MODE=" + mode},
		})
		if err != nil {
			t.Fatal(err)
		}
		status, body := post(t, p.URL()+"/echo", "x")
		p.Stop()
		if status != 502 || !strings.Contains(body, "mode") || p.Count(locallambda.Violated) != 1 {
			t.Errorf("%s function, streaming %t: %d %q", mode, stream, status, body)
		}
	}
}

func TestStartThatFails(t *testing.T) {
	t.Parallel()
	tests := []struct{ env, want string }{
		{"FAIL=1", "bootstrap: error: it was told to fail\n"},
		{"MCPENGINE_LAMBDA_MODE=fast", `bootstrap: error: MCPENGINE_LAMBDA_MODE is "fast": use "stream" or "buffered", whichever the front end is set to` + "\n"},
	}
	for _, test := range tests {
		p, out := start(t, locallambda.Options{Env: []string{test.env}})
		if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 1") {
			t.Errorf("%s: Start = %v, want exit status 1", test.env, err)
		}
		if out.String() != test.want {
			t.Errorf("%s: the process says %q, want %q", test.env, out, test.want)
		}
		result, err := p.Invoke(t.Context(), []byte(`{}`))
		if err != nil || !strings.Contains(result.FunctionError, "ExitError") {
			t.Errorf("%s: Invoke = %+v, %v", test.env, result, err)
		}
	}
}

func TestEventsOfOtherServicesFailAndTheProcessGoesOn(t *testing.T) {
	t.Parallel()
	p, _ := start(t, locallambda.Options{})
	for _, event := range []string{`{}`, `{"Records":[{"eventSource":"aws:sqs"}]}`, `{"version":"2.0"`, `[]`} {
		result, err := p.Invoke(t.Context(), []byte(event))
		if err != nil || result.FunctionError == "" || !strings.Contains(string(result.Payload), "errorMessage") {
			t.Errorf("Invoke(%s) = %+v, %v, want a function error", event, result, err)
		}
	}
	if _, body := post(t, p.URL()+"/echo", "x"); body != "x" {
		t.Errorf("afterwards the answer is %q", body)
	}
	if n := p.Count(locallambda.Started); n != 1 {
		t.Errorf("%d processes were started, want one", n)
	}
}

func TestDeadlineReachesTheHandler(t *testing.T) {
	t.Parallel()
	var reports reports
	p, _ := start(t, locallambda.Options{Timeout: 2 * time.Second, Report: reports.add})
	if _, body := post(t, p.URL()+"/wait", ""); body != "context deadline exceeded" {
		t.Errorf("answer = %q, want the handler's own at the deadline", body)
	}
	if status, _ := post(t, p.URL()+"/hang", ""); status != 502 || p.Count(locallambda.TimedOut) != 1 {
		t.Errorf("a handler that does not end = %d, %+v", status, p.Ledger())
	}
	if _, body := post(t, p.URL()+"/echo", "x"); body != "x" {
		t.Errorf("afterwards the answer is %q", body)
	}
	if all := reports.list(); len(all) < 2 || all[0].Error != "" || all[1].Error != "timeout" || all[1].Duration < time.Second ||
		!strings.HasSuffix(all[1].String(), "\tStatus: timeout") {
		t.Errorf("reports = %v", all)
	}
}

func TestConcurrentInvocationsOfOneProcess(t *testing.T) {
	t.Parallel()
	const n = 4
	p, _ := start(t, locallambda.Options{Concurrency: n, Timeout: 10 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for range n - 1 { // all but one wait until the process is killed
		wg.Go(func() {
			result, err := p.Invoke(ctx, event("/hang", ""))
			if err != nil || !strings.Contains(result.FunctionError, "ExitError") {
				t.Errorf("Invoke = %+v, %v", result, err)
			}
		})
	}
	if _, body := post(t, p.URL()+"/echo", "x"); body != "x" {
		t.Errorf("answer beside others = %q", body)
	}
	if started := p.Count(locallambda.Started); started != 1 {
		t.Errorf("%d processes were started, want one", started)
	}
	p.Kill(0)
	wg.Wait()
}

// event is an event of a Function URL.
func event(path, body string) []byte {
	return fmt.Appendf(nil, `{"version":"2.0","rawPath":%q,"headers":{"accept":"*/*","content-type":"application/json"},"requestContext":{"requestId":"e","domainName":"x.lambda-url.x","http":{"method":"POST","sourceIp":"192.0.2.1"}},"body":%q}`, path, body)
}

func TestFrozenProcessWakesUp(t *testing.T) {
	t.Parallel()
	needSignals(t)
	p, _ := start(t, locallambda.Options{Freeze: true, Grace: time.Minute})
	for i := range 20 {
		want := fmt.Sprint(i)
		if _, body := post(t, p.URL()+"/echo", want); body != want {
			t.Errorf("answer = %q, want %q", body, want)
		}
	}
	p.Retire(0)
	if p.Count(locallambda.Ended) != 1 || p.Count(locallambda.Started) != 1 {
		t.Errorf("ledger = %+v, want one process that ended", p.Ledger())
	}
}

func TestInvocationUnderWayAtSIGTERMIsAnswered(t *testing.T) {
	t.Parallel()
	needSignals(t)
	ledger := filepath.Join(t.TempDir(), "ledger")
	p, out := start(t, locallambda.Options{Grace: time.Minute, Env: []string{"LEDGER=" + ledger}})
	answered := make(chan locallambda.Result)
	go func() {
		result, err := p.Invoke(t.Context(), event("/sigterm", ""))
		if err != nil {
			t.Error(err)
		}
		answered <- result
	}()
	<-out.waiting
	p.Retire(0)
	if result := <-answered; result.FunctionError != "" || bodyOf(t, result) != "told to end" {
		t.Errorf("Invoke = %+v, want the answer", result)
	}
	text, err := os.ReadFile(ledger)
	if err != nil || !strings.Contains(string(text), "stop") {
		t.Errorf("ledger = %q, %v, want the clean-up", text, err)
	}
}

func TestNewNeedsABootstrap(t *testing.T) {
	t.Parallel()
	if _, err := locallambda.New(t.Context(), locallambda.Options{Bootstrap: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("New = %v, want %v", err, os.ErrNotExist)
	}
}
