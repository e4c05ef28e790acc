package lambda_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/lambda"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// An answer has the members of the answers for all front ends.
type answer struct {
	StatusCode        int                 `json:"statusCode"`
	StatusDescription string              `json:"statusDescription"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Cookies           []string            `json:"cookies"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

func invoke(t *testing.T, h http.HandlerFunc, config lambda.Config, event string) answer {
	t.Helper()
	out, err := lambda.New(h, config).Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatalf("Invoke: %v", err)
	}
	return decode(t, out)
}

func decode(t *testing.T, out []byte) answer {
	t.Helper()
	var got answer
	dec := json.NewDecoder(bytes.NewReader(out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		t.Fatalf("the answer %s: %v", out, err)
	}
	return got
}

// twoOfEach answers with repeated headers.
func twoOfEach(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h["Set-Cookie"] = []string{"a=1; Secure", "b=2"}
	h["Vary"] = []string{"Origin", "Accept"}
	h.Set("WWW-Authenticate", `Bearer realm="é"`)
	h.Set("X-Split", "a\r\nb")
	h.Set("Content-Length", "2")
	h.Set("Connection", "close")
	h["Trailer:X"] = []string{"y"}
	w.WriteHeader(http.StatusCreated)
	h.Set("X-Late", "z")
	w.Write([]byte(`{}`))
}

func TestAnswerOfEachFrontEnd(t *testing.T) {
	t.Parallel()
	single := map[string]string{"content-type": "application/json", "vary": "Origin, Accept", "www-authenticate": `Bearer realm="é"`, "x-split": "a  b"}
	without := func(name string) map[string]string {
		m := map[string]string{}
		for k, v := range single {
			if k != name {
				m[k] = v
			}
		}
		return m
	}
	withCookie := without("")
	withCookie["set-cookie"] = "a=1; Secure"
	cookies := []string{"a=1; Secure", "b=2"}
	tests := []struct {
		name  string
		event string
		want  answer
	}{
		{"Function URL", functionURL(t, ""), answer{StatusCode: 201, Headers: single, Cookies: cookies, Body: "{}"}},
		{"HTTP API", httpAPI(t, ""), answer{StatusCode: 201, Headers: single, Cookies: cookies, Body: "{}"}},
		{"REST API", restAPI(t, ""), answer{
			StatusCode: 201, Headers: without("vary"), Body: "{}",
			MultiValueHeaders: map[string][]string{"set-cookie": cookies, "vary": {"Origin", "Accept"}},
		}},
		{"load balancer, single values", balancer(t, ""), answer{StatusCode: 201, StatusDescription: "201 Created", Headers: withCookie, Body: "{}"}},
		{"load balancer, lists", balancer(t, `"headers": null, "multiValueHeaders": {"host": ["lb"]}`), answer{
			StatusCode: 201, StatusDescription: "201 Created", Body: "{}",
			MultiValueHeaders: map[string][]string{
				"content-type": {"application/json"}, "set-cookie": cookies, "vary": {"Origin", "Accept"},
				"www-authenticate": {`Bearer realm="é"`}, "x-split": {"a  b"},
			},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, invoke(t, twoOfEach, lambda.Config{}, test.event)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// Members that a front end does not know must not be there at all.
func TestAnswerHasNoMembersOfOtherFrontEnds(t *testing.T) {
	t.Parallel()
	tests := []struct{ event, absent string }{
		{functionURL(t, ""), "multiValueHeaders statusDescription"},
		{restAPI(t, ""), "cookies statusDescription"},
		{balancer(t, ""), "cookies multiValueHeaders"},
		{balancer(t, `"headers": null, "multiValueHeaders": {}`), "cookies headers"},
	}
	adapter := lambda.New(http.HandlerFunc(twoOfEach), lambda.Config{})
	for _, test := range tests {
		out, err := adapter.Invoke(t.Context(), []byte(test.event))
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(out, &members); err != nil {
			t.Fatal(err)
		}
		for name := range strings.FieldsSeq(test.absent) {
			if _, ok := members[name]; ok {
				t.Errorf("the answer has %s: %s", name, out)
			}
		}
	}
}

func TestAnswersAsNetHTTPGivesThem(t *testing.T) {
	t.Parallel()
	text := map[string]string{"content-type": "text/plain; charset=utf-8"}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    answer
	}{
		{"nothing is 200", func(http.ResponseWriter, *http.Request) {}, answer{StatusCode: 200}},
		{"202 without a body", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) }, answer{StatusCode: 202}},
		{"204 takes no body", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := w.Write([]byte("x")); err == nil {
				t.Error("Write after 204 succeeds")
			}
		}, answer{StatusCode: 204}},
		{"the first status counts", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); w.WriteHeader(200) }, answer{StatusCode: 404}},
		{"an informational status is not the status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(201) }, answer{StatusCode: 201}},
		{"a body has a type", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hi") }, answer{StatusCode: 200, Headers: text, Body: "hi"}},
		{"unless that is declined", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			fmt.Fprint(w, "hi")
		}, answer{StatusCode: 200, Body: "hi"}},
		{"a body that is not UTF-8", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			w.Write([]byte{0x89, 'P', 0xff})
		}, answer{StatusCode: 200, Headers: map[string]string{"content-type": "image/png"}, Body: base64.StdEncoding.EncodeToString([]byte{0x89, 'P', 0xff}), IsBase64Encoded: true}},
		{"every character survives", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/x")
			fmt.Fprint(w, "\x00\"\\\n\u2028<é😀")
		}, answer{StatusCode: 200, Headers: map[string]string{"content-type": "text/x"}, Body: "\x00\"\\\n\u2028<é😀"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.Cookies = []string{}
			if test.want.Headers == nil {
				test.want.Headers = map[string]string{}
			}
			if diff := cmp.Diff(test.want, invoke(t, test.handler, lambda.Config{}, functionURL(t, ""))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	head := functionURL(t, `"requestContext": {"http": {"method": "HEAD"}}`)
	got := invoke(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hi") }, lambda.Config{}, head)
	if got.Body != "" {
		t.Errorf("the answer to HEAD has the body %q", got.Body)
	}
}

func zip(t testing.TB, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestEncodedBodies(t *testing.T) {
	t.Parallel()
	const gzipped = `"headers": {"content-encoding": "gzip"}, "isBase64Encoded": true, `
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, "%s, length %q, encoding %q", body, r.Header["Content-Length"], r.Header["Content-Encoding"])
	}
	tests := []struct {
		name   string
		event  string
		status int
		body   string
	}{
		{"Base64", functionURL(t, `"isBase64Encoded": true, "body": "aGk="`), 200, `hi, length [], encoding []`},
		{"Base64 without padding", functionURL(t, `"isBase64Encoded": true, "body": "aGk"`), 400, "not valid Base64"},
		{"Base64 with stray bits", functionURL(t, `"isBase64Encoded": true, "body": "aGl="`), 400, "not valid Base64"},
		{"Base64 with a line end", functionURL(t, `"isBase64Encoded": true, "body": "aG\nk="`), 400, "not valid Base64"},
		{"gzip", functionURL(t, gzipped+`"body": "`+zip(t, []byte("hello"))+`"`), 200, `hello, length ["5"], encoding []`},
		{"gzip of as much as is allowed", functionURL(t, gzipped+`"body": "`+zip(t, bytes.Repeat([]byte("a"), 1000))+`"`), 200, "aaa"},
		{"gzip of more", functionURL(t, gzipped+`"body": "`+zip(t, make([]byte, 1001))+`"`), 413, "larger than 1000 bytes"},
		{"what is not gzip", functionURL(t, gzipped+`"body": "aGk="`), 400, "not valid gzip"},
		{"gzip that is cut off", functionURL(t, gzipped+`"body": "`+zip(t, []byte("hello"))[:24]+`"`), 400, "not valid gzip"},
		{"a coding of which the handler decides", functionURL(t, `"headers": {"content-encoding": "br"}`), 200, `{}, length [], encoding ["br"]`},
		{"plain text that is too large", functionURL(t, `"body": "`+strings.Repeat("a", 1001)+`"`), 413, "larger than 1000 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, echo, lambda.Config{MaxBody: 1000}, test.event)
			if got.StatusCode != test.status || !strings.Contains(got.Body, test.body) {
				t.Errorf("answer = %d %.200q, want %d with %q", got.StatusCode, got.Body, test.status, test.body)
			}
		})
	}
}

// It runs alone, because it watches the memory.
func TestGzipBombIsBounded(t *testing.T) {
	const size = 32 << 20
	bomb := []byte(functionURL(t, `"headers": {"content-encoding": "gzip"}, "isBase64Encoded": true, "body": "`+zip(t, make([]byte, size))+`"`))
	adapter := lambda.New(http.NotFoundHandler(), lambda.Config{MaxBody: 1 << 10})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, err := adapter.Invoke(t.Context(), bomb)
	runtime.ReadMemStats(&after)
	if err != nil || decode(t, out).StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("Invoke = %s, %v, want 413", out, err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > size/10 {
		t.Errorf("%d bytes were allocated for a body of %d", taken, size)
	}
}

func TestHealthChecksDoNotReachTheHandler(t *testing.T) {
	t.Parallel()
	called := http.StatusTeapot
	handler := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(called) }
	get := func(path string) string {
		return functionURL(t, `"rawPath": "`+path+`", "requestContext": {"http": {"method": "GET"}}`)
	}
	checker := `"headers": {"user-agent": "ELB-HealthChecker/2.0"}`
	tests := []struct {
		name, event string
		config      lambda.Config
		want        int
	}{
		{"the path", get("/healthz"), lambda.Config{}, 200},
		{"another path", get("/mcp"), lambda.Config{}, called},
		{"a path of one's own", get("/up"), lambda.Config{HealthPath: "/up"}, 200},
		{"POST", functionURL(t, `"rawPath": "/healthz"`), lambda.Config{}, called},
		{"a load balancer anywhere", balancer(t, `"httpMethod": "GET", "path": "/", `+checker), lambda.Config{}, 200},
		{"a client that says it is one", functionURL(t, `"requestContext": {"http": {"method": "GET"}},`+checker), lambda.Config{}, called},
	}
	for _, test := range tests {
		if got := invoke(t, handler, test.config, test.event); got.StatusCode != test.want {
			t.Errorf("%s: status %d, want %d", test.name, got.StatusCode, test.want)
		}
	}
}

func TestPanicEndsTheRequestOnly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	config := lambda.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	got := invoke(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
		fmt.Fprint(w, "half a secr")
		panic("a secret")
	}, config, functionURL(t, ""))
	want := answer{
		StatusCode: 500, Cookies: []string{}, Body: `{"jsonrpc":"2.0","error":{"code":-32603,"message":"internal error"}}`,
		Headers: map[string]string{"access-control-allow-origin": "https://app.example", "cache-control": "no-store", "content-type": "application/json"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if !strings.Contains(log.String(), "a secret") || !strings.Contains(log.String(), "requestId=url-1") || !strings.Contains(log.String(), "reply_test.go") {
		t.Errorf("log = %s, want the panic, the request id and the stack", &log)
	}
	log.Reset()
	invoke(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, config, functionURL(t, ""))
	if log.Len() > 0 {
		t.Errorf("ErrAbortHandler is logged: %s", &log)
	}
}

func TestAnswerThatDoesNotFit(t *testing.T) {
	t.Parallel()
	const (
		larger6 = `the answer is larger than the 6 MB that can be returned at once: ask for less, for example for a part of it or with a narrower filter`
		larger1 = `the answer is larger than the 1 MB that can be returned at once: ask for less, for example for a part of it or with a narrower filter`
	)
	tests := []struct {
		name   string
		event  string
		size   int
		fill   string
		status int
		want   string // "" when the answer fits
	}{
		{"a Function URL takes 6 MB", functionURL(t, `"body": "call"`), 6<<20 - 400, "a", 200, ""},
		{"and no more", functionURL(t, `"body": "call"`), 6 << 20, "a", 299, "call: " + larger6},
		{"as encoded", functionURL(t, `"body": "call"`), 3 << 20, `"`, 299, "call: " + larger6},
		{"in Base64", functionURL(t, `"body": "call"`), 5 << 20, "\xff", 299, "call: " + larger6},
		{"a load balancer takes 1 MB", balancer(t, `"body": "call"`), 1<<20 - 400, "a", 200, ""},
		{"and no more", balancer(t, `"body": "call"`), 1 << 20, "a", 299, "call: " + larger1},
		{"a REST API", restAPI(t, `"body": "call"`), 11 << 20, "a", 299, "call: " + larger6},
		{"an HTTP API", httpAPI(t, `"body": "call"`), 11 << 20, "a", 299, "call: " + larger6},
	}
	config := lambda.Config{TooLarge: func(request []byte, reason string) (int, []byte) {
		return 299, []byte(string(request) + ": " + reason)
	}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Etag", "x")
				w.Header().Set("X-Kept", "y")
				fmt.Fprint(w, strings.Repeat(test.fill, test.size))
			}, config, test.event)
			if test.want == "" {
				if len(got.Body) != test.size {
					t.Errorf("the answer is %.100q, want all of it", got.Body)
				}
				return
			}
			if diff := cmp.Diff(test.want, got.Body); diff != "" || got.StatusCode != test.status {
				t.Errorf("answer %d (-want +got):\n%.2000s", got.StatusCode, diff)
			}
			want := map[string]string{"content-type": "application/json", "cache-control": "no-store", "x-kept": "y"}
			if diff := cmp.Diff(want, got.Headers); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

// Without TooLarge, the answer is an error without an id.
func TestAnswerThatDoesNotFitAtAll(t *testing.T) {
	t.Parallel()
	got := invoke(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.Repeat("a", 7<<20))
	}, lambda.Config{}, functionURL(t, ""))
	if got.StatusCode != http.StatusInternalServerError || !strings.HasPrefix(got.Body, `{"jsonrpc":"2.0","error":{"code":-32603,"message":"the answer is larger than the 6 MB`) {
		t.Errorf("answer = %d %s", got.StatusCode, got.Body)
	}
}

// A handler can tell that its answer is buffered. Dropped notifications are
// logged once.
func TestBufferedAnswers(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	config := lambda.Config{Stream: true, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	adapter := lambda.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		dropped := streamable.Buffers(w)
		fmt.Fprint(w, dropped != nil)
		if dropped != nil {
			dropped()
		}
	}), config)
	for range 2 {
		for event, want := range map[string]string{httpAPI(t, ""): "true", balancer(t, ""): "true", functionURL(t, ""): "false"} {
			stream, err := adapter.InvokeStream(t.Context(), []byte(event))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(stream)
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("InvokeStream = %s, %v, want %s", text, err, want)
			}
			stream.Close()
		}
	}
	if n := strings.Count(log.String(), "notifications are dropped"); n != 1 {
		t.Errorf("the log says %d times that notifications are dropped, want once: %s", n, &log)
	}
}

// A handler that ends its goroutine ends the request and not the loop.
func TestGoexit(t *testing.T) {
	t.Parallel()
	got := invoke(t, func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, lambda.Config{}, functionURL(t, ""))
	if got.StatusCode != http.StatusInternalServerError || !strings.Contains(got.Body, "internal error") {
		t.Errorf("answer = %d %s", got.StatusCode, got.Body)
	}
	adapter := lambda.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		w.(http.Flusher).Flush()
		runtime.Goexit()
	}), lambda.Config{Stream: true})
	stream, err := adapter.InvokeStream(t.Context(), []byte(functionURL(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(stream); err == nil || !strings.HasSuffix(string(text), "half") {
		t.Errorf("a stream ends with %q, %v, want an error", text, err)
	}
	stream.Close()
}
