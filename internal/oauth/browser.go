package oauth

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cli/browser"
)

// quiet keeps the programs that open a browser from writing to our standard
// output, which may be the protocol's. The library has it as a variable.
var quiet = sync.OnceFunc(func() { browser.Stdout, browser.Stderr = io.Discard, io.Discard })

// OpenBrowser shows a web page in the system's browser. It starts a program and
// no shell, and only for an https URL or an http URL of this machine.
func OpenBrowser(ctx context.Context, target string) error {
	if _, err := parseEndpoint(target); err != nil {
		return err
	}
	quiet()
	opened := make(chan error, 1)
	// The program may be the browser itself and run for hours. Three seconds are
	// enough to learn that there is no browser.
	go func() { opened <- browser.OpenURL(target) }()
	select {
	case err := <-opened:
		if err != nil {
			return fmt.Errorf("start the browser: %w", err)
		}
		return nil
	case <-time.After(3 * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
