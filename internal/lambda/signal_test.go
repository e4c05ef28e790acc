//go:build unix

package lambda_test

import (
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
			ready := make(chan struct{})
			p := &platform{rests: func() { close(ready) }}
			_, result := p.start(t, hello, lambda.Config{})
			p.events <- functionURL(t, "")
			<-ready
			if err := syscall.Kill(os.Getpid(), signal); err != nil {
				t.Fatal(err)
			}
			if got := <-p.answers; got.body != helloAnswer {
				t.Errorf("answer = %+v, want %s", got, helloAnswer)
			}
			if err := <-result; err != nil {
				t.Errorf("Run = %v, want nil", err)
			}
		})
	}
}
