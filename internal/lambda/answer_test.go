package lambda_test

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

func TestInvocationsThatFail(t *testing.T) {
	var log safeBuffer
	p := &platform{}
	p.start(t, hello, lambda.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	p.events <- `[]`
	got := <-p.answers
	const want = `{"errorMessage":"the event is a JSON array, not an HTTP request: connect a Function URL, an API Gateway or a load balancer","errorType":"EventError"}`
	if got.path != "/2018-06-01/runtime/invocation/id-1/error" || got.body != want || got.header.Get("Lambda-Runtime-Function-Error-Type") != "Unhandled" {
		t.Errorf("answer = %+v, want %s", got, want)
	}
	if text := log.String(); !strings.Contains(text, "a JSON array") || !strings.Contains(text, "requestId=id-1") {
		t.Errorf("log = %s, want the reason and the id", text)
	}
	p.events <- functionURL(t, "")
	if got := <-p.answers; got.body != helloAnswer {
		t.Errorf("the next answer = %+v", got)
	}
}

func TestInvocationWithoutADeadlineFails(t *testing.T) {
	p := &platform{}
	first := true
	p.next = func(w http.ResponseWriter, r *http.Request) {
		if first {
			first = false
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "a/b")
			io.WriteString(w, functionURL(t, ""))
			return
		}
		<-r.Context().Done()
	}
	p.start(t, hello, lambda.Config{})
	got := <-p.answers
	if !strings.HasSuffix(got.path, "/a/b/error") || !strings.Contains(got.body, "parse the deadline") {
		t.Errorf("answer = %+v", got)
	}
}

func TestAnswersThatAreNotAccepted(t *testing.T) {
	for _, stream := range []bool{false, true} {
		var log safeBuffer
		config := lambda.Config{Stream: stream, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		p := &platform{status: http.StatusRequestEntityTooLarge}
		p.start(t, hello, config)
		for range 2 {
			p.events <- functionURL(t, "")
			<-p.answers
		}
		if text := log.String(); !strings.Contains(text, "413") || !strings.Contains(text, "requestId=id-1") {
			t.Errorf("log = %s, want the status", text)
		}
		p = &platform{status: http.StatusInternalServerError}
		_, result := p.start(t, hello, config)
		p.events <- functionURL(t, "")
		<-p.answers
		if err := <-result; err == nil || !strings.Contains(err.Error(), "500 Internal Server Error") {
			t.Errorf("Run = %v, want that the platform cannot go on", err)
		}
	}
}

func TestStreamedAnswersOnTheWire(t *testing.T) {
	const framed = "application/vnd.awslambda.http-integration-response"
	large := strings.Repeat("0123456789", 100_000)
	tests := []struct {
		name      string
		handler   http.HandlerFunc
		body      string
		errorBody string
	}{
		{"never flushed", hello, `"hi"`, ""},
		{"in pieces", func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				io.WriteString(w, "piece\r\n")
				w.(http.Flusher).Flush()
			}
		}, "piece\r\npiece\r\npiece\r\n", ""},
		{"large", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, large) }, large, ""},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "half", `{"errorMessage":"the handler panicked after it had begun to answer","errorType":"Error"}`},
	}
	p := &platform{}
	var handler http.HandlerFunc
	p.start(t, func(w http.ResponseWriter, r *http.Request) { handler(w, r) }, lambda.Config{Stream: true})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			handler = test.handler
			p.events <- functionURL(t, "")
			got := <-p.answers
			if got.header.Get("Content-Type") != framed || got.header.Get("Lambda-Runtime-Function-Response-Mode") != "streaming" || !cmp.Equal(got.encoding, []string{"chunked"}) {
				t.Errorf("header = %v, encoding %v", got.header, got.encoding)
			}
			if _, body := prelude(t, []byte(got.body)); body != test.body {
				t.Errorf("body = %.100q of %d bytes, want %.100q of %d", body, len(body), test.body, len(test.body))
			}
			text, err := base64.StdEncoding.DecodeString(got.trailer.Get("Lambda-Runtime-Function-Error-Body"))
			if err != nil || string(text) != test.errorBody {
				t.Errorf("error body = %s, %v, want %s", text, err, test.errorBody)
			}
			if failed := got.trailer.Get("Lambda-Runtime-Function-Error-Type") != ""; failed != (test.errorBody != "") {
				t.Errorf("trailer = %v", got.trailer)
			}
		})
	}
	t.Run("a front end that cannot stream", func(t *testing.T) {
		handler = hello
		p.events <- httpAPI(t, "")
		if got := <-p.answers; got.header.Get("Lambda-Runtime-Function-Response-Mode") != "" || got.body != helloAnswer {
			t.Errorf("answer = %+v", got)
		}
	})
}

// A handler is told that the platform has ended its stream, and the process
// goes on.
func TestStreamThatThePlatformBreaksOff(t *testing.T) {
	var log safeBuffer
	handlers := make(chan http.HandlerFunc, 2)
	handlers <- func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, "piece")
			w.(http.Flusher).Flush()
		}
	}
	handlers <- hello
	p := &platform{breaks: 1}
	p.start(t, func(w http.ResponseWriter, r *http.Request) { (<-handlers)(w, r) }, lambda.Config{
		Stream: true, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	p.events <- functionURL(t, "")
	p.events <- functionURL(t, "")
	<-p.answers
	if !strings.Contains(log.String(), "the answer broke off") {
		t.Errorf("log = %s", log.String())
	}
}
