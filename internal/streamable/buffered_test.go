package streamable_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// A bufferedWriter keeps the answer, as the response writer on AWS Lambda does.
type bufferedWriter struct {
	*httptest.ResponseRecorder
	buffered bool
	dropped  int
}

func (w *bufferedWriter) Buffered() bool { return w.buffered }
func (w *bufferedWriter) Dropped()       { w.dropped++ }

// A buffered answer is JSON, even if the handler takes long or sends
// notifications.
func TestBufferedAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
			req.OnRun()
			notify(progress(1))
			time.Sleep(time.Hour) // of the bubble's clock
			notify(progress(2))
			return result(req, completed)
		})
		for _, buffered := range []bool{true, false} {
			w := &bufferedWriter{ResponseRecorder: httptest.NewRecorder(), buffered: buffered}
			s.ServeHTTP(wrapper{w}, newRequest(t.Context(), call))
			kind, dropped := "text/event-stream", 0
			if buffered {
				kind, dropped = "application/json", 2
			}
			if got := w.Header().Get("Content-Type"); got != kind || w.dropped != dropped || w.Code != http.StatusOK {
				t.Errorf("buffered %t: HTTP %d %s with %d notifications dropped, want %s with %d", buffered, w.Code, got, w.dropped, kind, dropped)
			}
		}
	})
}

func TestBuffers(t *testing.T) {
	t.Parallel()
	if streamable.Buffers(httptest.NewRecorder()) != nil {
		t.Error("a writer that says nothing of it buffers")
	}
}
