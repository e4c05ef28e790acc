package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

func stream(t *testing.T, h http.HandlerFunc, event string) *lambda.Stream {
	t.Helper()
	s, err := lambda.New(h, lambda.Config{Stream: true}).InvokeStream(t.Context(), json.RawMessage(event))
	if err != nil {
		t.Fatalf("InvokeStream: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// prelude splits a streamed answer.
func prelude(t *testing.T, text []byte) (answer, string) {
	t.Helper()
	head, body, ok := bytes.Cut(text, make([]byte, 8))
	if !ok {
		t.Fatalf("the answer %q has no prelude", text)
	}
	return decode(t, head), string(body)
}

func TestStreamedAnswers(t *testing.T) {
	t.Parallel()
	jsonHeader := map[string]string{"content-type": "application/json"}
	tests := []struct {
		name    string
		event   string
		handler http.HandlerFunc
		want    answer
		body    string
	}{
		{"never flushed", functionURL(t, ""), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "{}")
		}, answer{StatusCode: 200, Headers: jsonHeader, Cookies: []string{}}, "{}"},
		{"202 without a body", functionURL(t, ""), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) }, answer{StatusCode: 202, Headers: map[string]string{}, Cookies: []string{}}, ""},
		{"204 that is flushed", functionURL(t, ""), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204); w.(http.Flusher).Flush() }, answer{StatusCode: 204, Headers: map[string]string{}, Cookies: []string{}}, ""},
		{"cookies", functionURL(t, ""), func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
			w.WriteHeader(200)
		}, answer{StatusCode: 200, Headers: map[string]string{}, Cookies: []string{"a=1", "b=2"}}, ""},
		{"bytes that are not UTF-8 go as they are", functionURL(t, ""), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte("\xff\x00"))
		}, answer{StatusCode: 200, Headers: jsonHeader, Cookies: []string{}}, "\xff\x00"},
		{"REST API", restAPI(t, ""), func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "{")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "}")
		}, answer{StatusCode: 200, Headers: jsonHeader, MultiValueHeaders: map[string][]string{"set-cookie": {"a=1", "b=2"}}}, "{}"},
		{"large and never flushed", functionURL(t, ""), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for range 8 {
				fmt.Fprint(w, strings.Repeat("a", 1<<20))
			}
		}, answer{StatusCode: 200, Headers: jsonHeader, Cookies: []string{}}, strings.Repeat("a", 8<<20)},
		{
			"health check", functionURL(t, `"rawPath": "/healthz", "requestContext": {"http": {"method": "GET"}}`), nil,
			answer{StatusCode: 200, Headers: map[string]string{"content-type": "text/plain; charset=utf-8"}, Cookies: []string{}},
			"ok\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := stream(t, test.handler, test.event)
			if got := s.ContentType(); got != "application/vnd.awslambda.http-integration-response" {
				t.Errorf("ContentType = %q", got)
			}
			text, err := io.ReadAll(s)
			if err != nil {
				t.Fatal(err)
			}
			got, body := prelude(t, text)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("prelude (-want +got):\n%s", diff)
			}
			if body != test.body {
				t.Errorf("body = %.100q of %d bytes, want %.100q of %d", body, len(body), test.body, len(test.body))
			}
		})
	}
}

func TestFrontEndsThatCannotStreamStayBuffered(t *testing.T) {
	t.Parallel()
	version1 := strings.Replace(restAPI(t, ""), `{`, `{"version":"1.0",`, 1)
	for _, event := range []string{httpAPI(t, ""), balancer(t, ""), version1} {
		s := stream(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "a")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "b")
		}, event)
		text, err := io.ReadAll(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, text); got.Body != "ab" || s.ContentType() != "application/json" {
			t.Errorf("answer = %s as %s, want it buffered", text, s.ContentType())
		}
	}
}

// A runtime client may encode the handler's result as JSON, as aws-lambda-go
// does, and treat it as a stream only when the JSON is empty.
func TestStreamIsNoJSON(t *testing.T) {
	t.Parallel()
	s := stream(t, func(http.ResponseWriter, *http.Request) {}, functionURL(t, ""))
	text, err := json.Marshal(s) //nolint:staticcheck // the test is that the result is empty
	if err != nil || string(text) != "{}" {
		t.Errorf("Marshal = %s, %v, want {}", text, err)
	}
}

func TestFlushedEventsArriveAtOnce(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	s := stream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			fmt.Fprint(w, "data: x\n\n")
			w.(http.Flusher).Flush()
			<-next // the test has read the event
		}
	}, functionURL(t, ""))
	buf := make([]byte, 4096)
	for i := range 3 {
		n, err := s.Read(buf)
		if err != nil || !bytes.HasSuffix(buf[:n], []byte("data: x\n\n")) {
			t.Fatalf("Read %d = %q, %v", i, buf[:n], err)
		}
		next <- struct{}{}
	}
	if n, err := s.Read(buf); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("Read at the end = %d, %v", n, err)
	}
}

func TestLargeAnswerDoesNotWaitForItsEnd(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	s := stream(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.Repeat("a", 1<<20))
		<-begun
	}, functionURL(t, ""))
	if _, err := s.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	close(begun)
}

func TestPanicInAStreamBreaksItOff(t *testing.T) {
	t.Parallel()
	s := stream(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "a")
		w.(http.Flusher).Flush()
		panic("x")
	}, functionURL(t, ""))
	if text, err := io.ReadAll(s); err == nil {
		t.Errorf("the stream ends as if it were complete: %q", text)
	}
	s = stream(t, func(http.ResponseWriter, *http.Request) { panic("x") }, functionURL(t, ""))
	text, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := prelude(t, text); got.StatusCode != 500 {
		t.Errorf("status of a panic before the first flush = %d, want 500", got.StatusCode)
	}
}

// The runtime client calls Close when the platform takes no more data.
func TestCloseEndsTheRequest(t *testing.T) {
	t.Parallel()
	ended := false
	s, err := lambda.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		if _, err := io.WriteString(w, "late"); err == nil {
			t.Error("Write succeeds after the stream is closed")
		}
		ended = true
	}), lambda.Config{Stream: true}).InvokeStream(t.Context(), json.RawMessage(functionURL(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1024)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if !ended {
		t.Error("Close returns before the handler")
	}
}

func TestEventOfNoFrontEndFailsInAStreamToo(t *testing.T) {
	t.Parallel()
	adapter := lambda.New(http.NotFoundHandler(), lambda.Config{Stream: true})
	var eventErr *lambda.EventError
	if s, err := adapter.InvokeStream(t.Context(), json.RawMessage(`{"Records":[{}]}`)); !errors.As(err, &eventErr) || s != nil {
		t.Errorf("InvokeStream = %v, %v, want an EventError", s, err)
	}
}

func TestDeadlineLeavesAMargin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		event     string
		remaining time.Duration // 0 when the invocation has no end
		margin    time.Duration
		want      time.Duration
	}{
		{"the default is half a second", functionURL(t, ""), 10 * time.Second, 0, 9500 * time.Millisecond},
		{"a margin of one's own", functionURL(t, ""), 10 * time.Second, time.Second, 9 * time.Second},
		{"at most half of what is left", functionURL(t, ""), 600 * time.Millisecond, 0, 300 * time.Millisecond},
		{"an HTTP API gives up after 30 seconds", httpAPI(t, ""), time.Minute, 0, 29500 * time.Millisecond},
		{"and also when nothing ends the invocation", httpAPI(t, ""), 0, 0, 29500 * time.Millisecond},
		{"a REST API waits as long as it was told", restAPI(t, ""), time.Minute, 0, 59500 * time.Millisecond},
		{"no end at all", functionURL(t, ""), 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.remaining > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.remaining)
					defer cancel()
				}
				var got time.Duration
				adapter := lambda.New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if end, ok := r.Context().Deadline(); ok {
						got = time.Until(end)
						<-r.Context().Done()
					}
				}), lambda.Config{Margin: test.margin})
				if _, err := adapter.Invoke(ctx, []byte(test.event)); err != nil {
					t.Fatal(err)
				}
				if got != test.want {
					t.Errorf("the handler has %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestParseMode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode   string
		stream bool
		err    string
	}{
		{"", false, ""},
		{"buffered", false, ""},
		{"stream", true, ""},
		{"Stream", false, `MCPENGINE_LAMBDA_MODE is "Stream": use "stream" or "buffered"`},
	}
	for _, test := range tests {
		getenv := func(name string) string {
			if name != "MCPENGINE_LAMBDA_MODE" {
				t.Errorf("the mode is read from %s", name)
			}
			return test.mode
		}
		stream, err := lambda.ParseMode(getenv)
		if stream != test.stream || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("ParseMode(%q) = %t, %v", test.mode, stream, err)
		}
	}
}

func TestRunOutsideOfLambda(t *testing.T) {
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "")
	if err := lambda.Run(t.Context(), http.NotFoundHandler(), lambda.Config{Logger: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("Run succeeds without a runtime API")
	}
}
