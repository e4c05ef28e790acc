//go:build unix

package lambda_test

import (
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/mcpengine/mcpengine/internal/lambda"
)

// A signal stops Run as the end of its context does. The platform sends one
// only when the extension is ready. The invocation under way is answered.
func TestSignalsStopRun(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			ready, begun, signalled := make(chan struct{}), make(chan struct{}), make(chan struct{})
			p := &platform{rests: func() { close(ready) }}
			_, result := p.start(t, func(w http.ResponseWriter, r *http.Request) {
				close(begun)
				<-signalled
				hello(w, r)
			}, lambda.Config{})
			p.events <- functionURL(t, "")
			<-ready
			<-begun // before that, the event may be on its way, and is not taken any more
			if err := syscall.Kill(os.Getpid(), signal); err != nil {
				t.Fatal(err)
			}
			close(signalled)
			if got := <-p.answers; got.body != helloAnswer {
				t.Errorf("answer = %+v, want %s", got, helloAnswer)
			}
			if err := <-result; err != nil {
				t.Errorf("Run = %v, want nil", err)
			}
		})
	}
}
