//go:build unix

package mcpengine_test

import (
	"os"
	"syscall"
	"testing"
)

// SIGTERM and SIGINT stop Run like its context does.
func TestRunSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			r := run(t, subscriptionEngine)
			if err := syscall.Kill(os.Getpid(), signal); err != nil {
				t.Fatal(err)
			}
			if err := <-r.result; err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
		})
	}
}
