//go:build unix

package mcpengine_test

import (
	"context"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
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

// Over stdio a signal after the end of the input ends the requests that had time
// to finish, and Run.
func TestRunStdioSignal(t *testing.T) {
	setTransport(t, "MCPENGINE_TRANSPORT", "stdio")
	e := mcpengine.New("test", mcpengine.WithHTTP(mcpengine.HTTPConfig{ShutdownTimeout: time.Hour}))
	started, ended := make(chan struct{}), make(chan struct{})
	mcpengine.AddTool(e, "wait", "", func(ctx context.Context, _ none) (string, error) {
		close(started)
		<-ctx.Done()
		close(ended)
		return "", ctx.Err()
	})
	_, toServer := replace(t, &os.Stdin, true)
	replace(t, &os.Stdout, false)
	result := make(chan error, 1)
	go func() { result <- e.Run(t.Context()) }()
	if _, err := io.WriteString(toServer, call("wait")+"\n"); err != nil {
		t.Fatal(err)
	}
	<-started
	toServer.Close()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended
	if err := <-result; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}
